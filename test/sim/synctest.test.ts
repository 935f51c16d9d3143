// The sync test finds what makes two runs of one tick differ, and says where. Without such a thing it finds nothing.
import { defineGame, grid, int, local } from '@tickwire/netcode';
import { Rig, type SyncTestResult, syncTest } from '@tickwire/netcode/testing';
import { describe, expect, test } from 'vitest';
import { boxes } from '../games/boxes.ts';

let calls = 0;

/** Two kinds of entity; from tick 40 on the second `rock` does `plant` to its `weight`. */
const planted = (plant: (rock: { weight: number; secret: number }) => void) =>
  defineGame({
    name: 'planted',
    entities: {
      feather: { x: int(0, 1_000_000) },
      rock: { x: grid(-1_000, 1_000), weight: int(0, 1_000_000), secret: local(int(0, 1_000_000)) },
    },
    command: { dx: int(-1, 1) },
    setup(world) {
      for (let i = 0; i < 3; i++) {
        world.feather.spawn({ owner: 0 });
        world.rock.spawn({ owner: 0, x: i });
      }
    },
    step(world, ctx) {
      for (const feather of world.feather) feather.x += 1;
      for (const rock of world.rock) {
        rock.x += ctx.command(1).dx / 4;
        rock.secret = (rock.secret + 1) % 1_000_000;
        if (ctx.tick >= 40 && rock.id === SECOND_ROCK) plant(rock);
      }
    },
  });

/** Entities of seat 0 are numbered as they are spawned: feather, rock, feather, rock. */
const SECOND_ROCK = 4;

const find = (plant: (rock: { weight: number; secret: number }) => void): SyncTestResult =>
  syncTest({ game: planted(plant), seed: 1, ticks: 200 });

const HERE = { tick: 40, type: 'rock', id: SECOND_ROCK, field: 'weight' };

describe('names entity, field and tick of', () => {
  test('a Math.random()', () => {
    const { divergence } = find((rock) => {
      rock.weight = Math.floor(Math.random() * 1_000_000);
    });
    expect(divergence).toEqual(HERE);
  });

  test('a variable outside the world', () => {
    const { divergence } = find((rock) => {
      rock.weight = ++calls % 1_000_000;
    });
    expect(divergence).toEqual(HERE);
  });

  test('a Date.now()', () => {
    const { divergence } = find((rock) => {
      rock.weight = Math.floor(Date.now() / 1_000) % 1_000_000;
    });
    expect(divergence).toEqual(HERE);
  });

  test('a performance.now()', () => {
    const { divergence } = find((rock) => {
      rock.weight = Math.floor(performance.now() / 1_000) % 1_000_000;
    });
    expect(divergence).toEqual(HERE);
  });

  test('a sent field that a `local` one influences', () => {
    const { divergence } = find((rock) => {
      rock.weight = rock.secret;
    });
    expect(divergence).toEqual(HERE);
  });

  test('an entity that only one of two runs spawns', () => {
    let spawned = false;
    const game = defineGame({
      name: 'once',
      entities: { egg: { x: int(0, 9) } },
      command: { dx: int(-1, 1) },
      step(world, ctx) {
        if (ctx.tick !== 12 || spawned) return;
        spawned = true;
        world.egg.spawn({ owner: 0 });
      },
    });
    const { divergence } = syncTest({ game, seed: 1, ticks: 50 });
    expect(divergence).toEqual({ tick: 12, type: 'egg', id: 1, field: 'exists' });
  });
});

describe('finds nothing', () => {
  test('in the planted game without a plant', () => {
    expect(find(() => undefined)).toMatchObject({ ticks: 200, divergence: undefined });
  });

  test('[D1] in 20,000 ticks of boxes; equal seeds end in equal worlds', () => {
    const run = (seed: number): SyncTestResult => syncTest({ game: boxes, seed, ticks: 20_000, every: 4 });
    const result = run(1);
    expect(result).toMatchObject({ ticks: 20_000, divergence: undefined });
    // The test itself leaves no trace: run again at every tick, or hardly ever.
    expect(syncTest({ game: boxes, seed: 1, ticks: 2_000, every: 1 }).hash).toBe(
      syncTest({ game: boxes, seed: 1, ticks: 2_000, every: 1_000 }).hash,
    );
    expect(syncTest({ game: boxes, seed: 2, ticks: 2_000, every: 1_000 }).hash).not.toBe(
      syncTest({ game: boxes, seed: 1, ticks: 2_000, every: 1_000 }).hash,
    );
  });
});

describe('in development rules are trapped', () => {
  const step = (rule: () => unknown): (() => void) => {
    const game = planted((rock) => {
      rock.weight = Number(rule());
    });
    const rig = new Rig({ game, seed: 1, clients: 0, development: true });
    return () => rig.run(1_000);
  };

  test.each([
    ['Math.random', () => Math.random(), /ctx\.random/],
    ['Date.now', () => Date.now(), /ctx\.tick/],
    ['performance.now', () => performance.now(), /ctx\.tick/],
    ['Math.sin', () => Math.sin(1), /import \{ sin \} from '@tickwire\/netcode'/],
    ['Math.exp', () => Math.exp(1), /other engines/],
  ] as const)('[D2] %s throws and names what to use', (_name, rule, message) => {
    const original = { random: Math.random, now: Date.now, sin: Math.sin };
    expect(step(rule)).toThrow(message);
    try {
      step(rule)();
    } catch (error) {
      expect((error as Error).name).toBe('UsageError');
    }
    // Lifted again, also when a rule throws.
    expect({ random: Math.random, now: Date.now, sin: Math.sin }).toEqual(original);
    expect(Math.random()).toBeLessThan(1);
  });

  test('and not in production', () => {
    const game = planted((rock) => {
      rock.weight = Math.floor(Math.random() * 10);
    });
    expect(() => new Rig({ game, seed: 1, clients: 0 }).run(1_000)).not.toThrow();
  });
});
