import { describe, expect, it } from 'vitest';
import { Rng } from '../base/rng.ts';
import { grid, int, list, local, press } from '../wire/fields.ts';
import { defineGame, type Game } from './game.ts';
import { Simulation } from './simulation.ts';
import type { Shape, World } from './types.ts';
import { firstWorldDifference, WorldCore } from './world.ts';

const game = defineGame({
  name: 'worlds',
  maxPlayers: 3,
  entities: {
    dot: { x: grid(0, 100, 1 / 4), list: list(int(0, 9), 3), secret: local(int(0, 1000)) },
    spark: { x: int(0, 9) },
  },
  room: { round: int(0, 99) },
  command: { dx: int(-1, 1), jump: press() },
  step: () => undefined,
});
type S = typeof game extends Game<infer Of extends Shape> ? Of : never;

const make = (): { core: WorldCore; world: World<S> } => {
  const core = new WorldCore(game.schema, true);
  return { core, world: core.facade as World<S> };
};

/** A tick of random changes. */
function churn({ core, world }: { core: WorldCore; world: World<S> }, rng: Rng): void {
  core.tick++;
  core.open(-1);
  for (const dot of world.dot) {
    if (rng.chance(0.2)) dot.despawn();
    else dot.x = rng.range(0, 100);
  }
  for (let i = rng.int(0, 4); i > 0; i--) {
    world.dot.spawn({
      owner: rng.int(0, 3),
      x: rng.range(0, 100),
      list: [rng.int(0, 9)],
      secret: rng.int(0, 1000),
    });
    if (rng.chance(0.3)) world.spark.spawn({ owner: 0, x: 3 });
  }
  world.room.round = rng.int(0, 99);
  core.close();
}

describe('WorldCore', () => {
  it('restores what it saved: rows, ids to come, hash and iteration', () => {
    const live = make();
    const rng = new Rng(5);
    for (let i = 0; i < 200; i++) {
      churn(live, rng);
      const saved = live.core.newSave();
      live.core.save(saved);
      const other = make();
      churn(other, new Rng(i));
      other.core.restore(saved);
      expect(other.core.hash()).toBe(live.core.hash());
      expect(other.core.tick).toBe(live.core.tick);
      const again = other.core.newSave();
      other.core.save(again);
      expect(firstWorldDifference(saved, again)).toBeUndefined();
      // What happens next is the same in both, ids included.
      churn(other, new Rng(i));
      const twin = make();
      twin.core.restore(saved);
      churn(twin, new Rng(i));
      expect(twin.core.hash()).toBe(other.core.hash());
    }
    expect(live.world.dot.count).toBeGreaterThan(3);
  });

  it('finds the first difference by type, id and field', () => {
    const a = make();
    const b = make();
    for (const { core, world } of [a, b]) {
      core.open(-1);
      world.dot.spawn({ owner: 1, x: 1 });
      world.dot.spawn({ owner: 2, x: 2 });
    }
    const compare = (): unknown => {
      const [left, right] = [a.core.newSave(), b.core.newSave()];
      a.core.save(left);
      b.core.save(right);
      return firstWorldDifference(left, right);
    };
    expect(compare()).toBeUndefined();
    const [first, second] = [...b.world.dot];
    if (second !== undefined) second.secret = 5;
    expect(compare()).toBeUndefined();
    expect(a.core.hash()).toBe(b.core.hash());
    if (second !== undefined) second.x = 3;
    expect(compare()).toEqual({ type: 'dot', id: 2 * 65_536 + 1, field: 'x' });
    expect(a.core.hash()).not.toBe(b.core.hash());
    first?.despawn();
    expect(compare()).toEqual({ type: 'dot', id: 65_537, field: 'exists' });
  });

  it('names counters that differ', () => {
    const [a, b] = [make(), make()];
    b.core.controls[2] = 1;
    const [left, right] = [a.core.newSave(), b.core.newSave()];
    a.core.save(left);
    b.core.save(right);
    expect(firstWorldDifference(left, right)).toMatchObject({ type: 'controls', id: 2 });
  });

  it('scrambles `local` fields within their range and nothing else', () => {
    const live = make();
    for (let i = 0; i < 5; i++) churn(live, new Rng(i));
    const hash = live.core.hash();
    const before = [...live.world.dot].map((dot) => dot.secret);
    live.core.scrambleLocals(-12345);
    const after = [...live.world.dot].map((dot) => dot.secret);
    expect(after).not.toEqual(before);
    for (const secret of after) expect(secret >= 0 && secret <= 1000).toBe(true);
    expect(live.core.hash()).toBe(hash);
  });
});

describe('presses', () => {
  it('read as pulls in this tick, across the wrap of their counter', () => {
    const jumps: number[] = [];
    const counting = defineGame({
      ...game.definition,
      step(_world, ctx) {
        jumps.push(ctx.command(1).jump);
      },
    });
    const simulation = new Simulation(counting, { seed: 1, options: {}, seat: -1, development: true });
    let tick = 0;
    for (const count of [3, 3, 4, 250, 2, 2]) {
      simulation.command(1, Int32Array.of(0, count), 0);
      simulation.step(++tick);
    }
    expect(jumps).toEqual([3, 0, 1, 246, 8, 0]);
  });
});
