// Training a game: the same arguments give the same tables, they pay on what was not learned from, and they fit the game.

import {
  angle,
  defineGame,
  type Game,
  grid,
  type InputLog,
  int,
  oneOf,
  ownerOnly,
  press,
} from '@tickwire/netcode';
import { describe, expect, test } from 'vitest';
import { Room } from './room.ts';
import { type Training, type TrainOptions, train } from './train.ts';

/** Boats that are steered, and splashes that come and go. */
const definition = {
  name: 'boats',
  tickRate: 20,
  snapshotRate: 10,
  maxPlayers: 4,
  entities: {
    boat: {
      x: grid(0, 1024, 1 / 16, { follows: 'vx' }),
      y: grid(0, 1024, 1 / 16, { follows: 'vy' }),
      vx: grid(-64, 64, 1 / 8),
      vy: grid(-64, 64, 1 / 8),
      bow: angle(8),
      sail: oneOf('up', 'down'),
      gold: ownerOnly(int(0, 1000)),
    },
    splash: { x: grid(0, 1024), y: grid(0, 1024), left: int(0, 15) },
  },
  command: { dx: int(-1, 1), dy: int(-1, 1), aim: angle(8), splash: press() },
  options: { wind: 1 },
};

const boats = defineGame({
  ...definition,
  join(world, who) {
    world.boat.spawn({ owner: who, x: 300 + who.seat * 20, y: 500 });
  },
  leave(world, who) {
    for (const boat of world.boat.ownedBy(who)) boat.despawn();
  },
  step(world, ctx) {
    for (const boat of world.boat) {
      const { dx, dy, aim, splash } = ctx.command(boat.owner);
      boat.vx = Math.max(-40, Math.min(40, boat.vx + dx * ctx.options.wind));
      boat.vy = Math.max(-40, Math.min(40, boat.vy + dy));
      boat.x = Math.max(0, Math.min(1024, boat.x + boat.vx * ctx.dt));
      boat.y = Math.max(0, Math.min(1024, boat.y + boat.vy * ctx.dt));
      boat.bow = aim;
      boat.sail = dx === 0 ? 'down' : 'up';
      boat.gold += boat.gold < 1000 ? 1 : 0;
      if (splash > 0) world.splash.spawn({ owner: 0, x: boat.x, y: boat.y, left: 15 });
    }
    for (const splash of world.splash) {
      if (splash.left === 0) splash.despawn();
      else splash.left--;
    }
  },
});
const game = boats as unknown as Game;

function run(of: Game, options: TrainOptions): Training {
  const steps = train(of, options);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** A match of boats that sail circles, as a server records it. */
function match(seed: number, seconds: number): InputLog {
  const room = new Room(boats, { seed, options: { wind: 2 }, development: false, record: true });
  for (let tick = 0; tick < seconds * 20; tick++) {
    const turn = Math.floor(tick / 7) % 3;
    room.run(
      tick === 0
        ? [{ type: 'join', seat: 1, name: 'Ada' }]
        : [
            {
              type: 'command',
              seat: 1,
              words: [turn - 1, 1 - turn, tick % 256, Math.floor(tick / 40) % 256],
            },
          ],
    );
  }
  return room.log as InputLog;
}

describe('training a game', () => {
  const training = run(game, { seconds: 60, seed: 7 });

  test('the same seed gives the same tables, another one others', () => {
    expect(run(game, { seconds: 60, seed: 7 })).toEqual(training);
    expect(run(game, { seconds: 60, seed: 8 }).tables).not.toEqual(training.tables);
  });

  test('tables pay on ticks that were not learned from, and none is kept that does not', () => {
    const boat = training.types.find(({ name }) => name === 'boat');
    expect(boat?.trainedBytes).toBeLessThan((boat?.untrainedBytes ?? 0) * 0.9);
    for (const type of training.types) {
      expect(type.trainedBytes).toBeLessThanOrEqual(type.untrainedBytes);
      expect(type.tableBytes > 0).toBe(training.tables.rows[type.name] !== undefined);
    }
    // 120 of 600 snapshots, each for two clients.
    expect(training.snapshots).toBe(240);
  });

  test('the game takes its tables; training it again starts from nothing', () => {
    const trained = defineGame({ ...boats.definition, tables: training.tables });
    expect(trained.schema.hash).not.toEqual(game.schema.hash);
    expect(run(trained as unknown as Game, { seconds: 60, seed: 7 })).toEqual(training);
  });

  test('bots are asked for their commands, once they have joined', () => {
    const asked = new Set<number>();
    const think: TrainOptions['think'] = (world, me) => {
      asked.add(me);
      expect(world.players.get(me)).toBeDefined();
      return { dx: 1 } as never;
    };
    run(game, { seconds: 45, players: 3, think });
    expect([...asked].sort()).toEqual([1, 2, 3]);
  });

  test('progress counts the ticks of all matches', () => {
    const seen = [...train(game, { seconds: 10 })];
    expect(seen.length).toBe(10);
    expect(seen.at(-1)).toEqual({ tick: 200, ticks: 200 });
  });
});

describe('logs', () => {
  test('recorded matches are replayed with their own seed and options', () => {
    const logs = [match(1, 40), match(2, 10)];
    const training = run(game, { logs });
    expect(run(game, { logs })).toEqual(training);
    expect(training.tables.rows['boat']).toBeDefined();
    // The second match is the last fifth.
    expect(training.snapshots).toBeGreaterThan(190);
  });

  test('a game that has tables takes logs from before and after', () => {
    const { tables } = run(game, { seconds: 20 });
    const trained = defineGame({ ...boats.definition, tables }) as unknown as Game;
    const before = match(1, 30);
    const after = { ...before, schemaHash: trained.schema.hash };
    expect(run(trained, { logs: [before] })).toEqual(run(trained, { logs: [after] }));
  });
});

describe('mistakes name the fix', () => {
  test('a log of another version', () => {
    const log = { ...match(1, 10), schemaHash: [1, 2] as const };
    expect(() => run(game, { logs: [log] })).toThrow(/another version of the game "boats".*record it anew/);
  });

  test('nothing to learn', () => {
    const still = defineGame({
      name: 'still',
      entities: { stone: { x: int(0, 9) } },
      command: { go: int(0, 1) },
      step() {},
    });
    const nobody = match(1, 0);
    expect(() => run(game, { logs: [nobody] })).toThrow(/nothing to learn/);
    const log = { ...nobody, schemaHash: still.schema.hash, ticks: Array.from({ length: 600 }, () => []) };
    expect(() => run(still as unknown as Game, { logs: [log] })).toThrow(/nothing to learn/);
  });

  test.each([
    [{ seconds: 5 }, /seconds must be 10/],
    [{ seconds: Number.NaN }, /seconds must be 10/],
    [{ players: 5 }, /players must be 1\.\.4/],
    [{ seed: 0.5 }, /seed must be a whole number/],
  ])('options %o', (options, message) => {
    expect(() => run(game, options)).toThrow(message);
  });
});
