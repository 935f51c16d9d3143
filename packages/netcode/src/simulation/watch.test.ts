import { describe, expect, it } from 'vitest';
import { damp } from '../base/math.ts';
import { grid, int } from '../wire/fields.ts';
import { defineGame } from './game.ts';
import { Simulation } from './simulation.ts';

/** Warnings of 120 ticks in which a rule moves one dot. */
function warnings(rule: (dot: { x: number; v: number }, tick: number) => void): string[] {
  const game = defineGame({
    name: 'watch',
    entities: { dot: { x: grid(0, 1_000, 1 / 16), v: grid(-100, 100, 1 / 8) } },
    command: { dx: int(-1, 1) },
    setup(world) {
      world.dot.spawn({ owner: 0, x: 5, v: 10 });
    },
    step(world, ctx) {
      for (const dot of world.dot) rule(dot, ctx.tick);
    },
  });
  const simulation = new Simulation(game, { seed: 1, options: {}, seat: -1, development: true });
  simulation.setup();
  for (let tick = 1; tick <= 120; tick++) simulation.step(tick);
  return simulation.warnings;
}

describe('the write watcher', () => {
  it('warns once of a speed that is too small for its grid', () => {
    const found = warnings((dot) => {
      dot.x += 1.8 / 60;
    });
    expect(found.length).toBe(1);
    expect(found[0]).toMatch(
      /dot\.x: writes round to no change for 30 ticks.*grid step is 0\.0625.*finer step/,
    );
  });

  it('warns of friction that sticks', () => {
    const found = warnings((dot) => {
      dot.v *= 0.98;
    });
    expect(found.length).toBe(1);
    expect(found[0]).toMatch(/dot\.v.*damp\(\)/);
  });

  it('is quiet about what moves, rests, or stands for a moment only', () => {
    expect(
      warnings((dot, tick) => {
        dot.x += tick % 40 < 20 ? 0.01 : 0.5;
        dot.v = damp(dot.v, 0.98, 1 / 8);
      }),
    ).toEqual([]);
    expect(
      warnings((dot) => {
        dot.x = 5;
        dot.v = 0;
      }),
    ).toEqual([]);
  });
});
