import { describe, expect, it } from 'vitest';
import { UsageError } from '../base/assert.ts';
import { angle, bool, f32, grid, int, list, local, oneOf, ref, text, tick } from '../wire/fields.ts';
import { defineGame, type Game } from './game.ts';
import type { Shape } from './types.ts';
import { WorldCore } from './world.ts';

const game = defineGame({
  name: 'tables',
  maxPlayers: 4,
  entities: {
    ball: {
      x: grid(-10, 10, 1 / 8),
      third: grid(0, 1, 1 / 3),
      hits: int(2, 9),
      on: bool(),
      turn: angle(8),
      mass: f32(),
      name: text(8),
      mood: oneOf('calm', 'angry'),
      trail: list(int(0, 63), 3),
      next: ref('ball'),
      dies: tick(),
      heat: local(int(0, 99)),
    },
    crumb: { x: int(0, 9) },
  },
  player: { score: int(0, 9) },
  command: { dx: int(-1, 1) },
  step: () => undefined,
});
type S = typeof game extends Game<infer Of extends Shape> ? Of : never;

function open(seat = -1, development = true) {
  const core = new WorldCore(game.schema, development);
  core.open(seat);
  return { core, world: core.facade as import('./types.ts').World<S> };
}

describe('rows', () => {
  it('start with defaults, take what spawn names and iterate by rising id', () => {
    const { world } = open();
    const a = world.ball.spawn({ owner: 2, x: 1 });
    const b = world.ball.spawn({ owner: 1 });
    const c = world.ball.spawn({ owner: 0, hits: 5 });
    expect([a.id, b.id, c.id]).toEqual([2 * 65_536 + 1, 65_536 + 1, 1]);
    expect([...world.ball].map((ball) => ball.owner)).toEqual([0, 1, 2]);
    expect([b.x, b.hits, b.on, b.turn, b.mass, b.name, b.mood, b.trail.length, b.next, b.dies]).toEqual([
      0,
      2,
      false,
      0,
      0,
      '',
      'calm',
      0,
      undefined,
      0,
    ]);
    expect(world.ball.get(a.id)).toBe(a);
    expect(world.ball.get(999)).toBeUndefined();
    expect(world.ball.ownedBy({ seat: 2 }).map((ball) => ball.id)).toEqual([a.id]);
    expect(world.ball.count).toBe(3);
  });

  it('a loop does not visit what it spawns and skips what it despawns', () => {
    const { world } = open();
    const balls = Array.from({ length: 5 }, () => world.ball.spawn({ owner: 1 }));
    const visited: number[] = [];
    for (const ball of world.ball) {
      visited.push(ball.id & 0xffff);
      if (ball === balls[1]) {
        balls[2]?.despawn();
        ball.despawn();
        world.ball.spawn({ owner: 1 });
        world.ball.spawn({ owner: 0 });
      }
    }
    expect(visited).toEqual([1, 2, 4, 5]);
    expect([...world.ball].map((ball) => ball.id)).toEqual([1, 65_537, 65_540, 65_541, 65_542]);
  });

  it('loops nest, and one that is left early gives its place back', () => {
    const { world } = open();
    for (let i = 0; i < 4; i++) world.ball.spawn({ owner: 1 });
    let pairs = 0;
    for (const a of world.ball) for (const b of world.ball) if (a.id < b.id) pairs++;
    expect(pairs).toBe(6);
    for (let i = 0; i < 50; i++) for (const ball of world.ball) if (ball.id > 0) break;
    expect([...world.ball].length).toBe(4);
  });

  it('a despawned row is not alive, and its slot is not used again within the tick', () => {
    const { core, world } = open();
    const a = world.ball.spawn({ owner: 1, x: 3 });
    a.despawn();
    a.despawn();
    const b = world.ball.spawn({ owner: 1, x: 4 });
    expect([a.alive, a.id, b.alive]).toEqual([false, 0, true]);
    expect(b).not.toBe(a);
    core.close();
    core.open(-1);
    // Now it may be: the slot starts from defaults.
    const c = world.ball.spawn({ owner: 1 });
    expect(c.x).toBe(0);
    expect([...world.ball].map((ball) => ball.x)).toEqual([4, 0]);
  });

  it('grow, also in the middle of a loop', () => {
    const { world } = open();
    world.ball.spawn({ owner: 1, x: 1 });
    for (const ball of world.ball) {
      for (let i = 0; i < 500; i++) world.ball.spawn({ owner: 1, x: i % 10 });
      ball.x = 7;
    }
    expect(world.ball.count).toBe(501);
    const ids = [...world.ball].map((ball) => ball.id);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
    expect(world.ball.get(65_537)?.x).toBe(7);
    expect(world.ball.get(65_537 + 9)?.x).toBe(8);
  });

  it('ids go on where the counter stands, and skip those that are alive', () => {
    const { core, world } = open();
    const first = world.ball.spawn({ owner: 1 });
    first.despawn();
    expect(world.ball.spawn({ owner: 1 }).id).toBe(65_538);
    core.controls[core.controlStride] = 65_533;
    expect(world.ball.spawn({ owner: 1 }).id).toBe(65_536 + 65_534);
    // Wraps; 1 is free again, 2 is alive, also as another type.
    expect(world.crumb.spawn({ owner: 1 }).id).toBe(65_537);
    expect(world.ball.spawn({ owner: 1 }).id).toBe(65_539);
  });
});

describe('writes', () => {
  it('round to the grid: what is read is what the wire carries', () => {
    const { core, world } = open();
    const ball = world.ball.spawn({ owner: 1, x: 1.07, third: 0.3 });
    expect(ball.x).toBe(1.125);
    expect(ball.third).toBe(1 / 3);
    ball.x = -1.07;
    expect(ball.x).toBe(-1.125);
    ball.turn = 7;
    expect(ball.turn).toBeCloseTo(7 - 2 * Math.PI, 1);
    ball.turn = Math.PI;
    expect(ball.turn).toBe(-Math.PI);
    ball.mass = 0.1;
    expect(ball.mass).toBe(Math.fround(0.1));
    ball.mass = -0;
    expect(Object.is(ball.mass, 0)).toBe(true);
    expect(core.counters.clamped).toBe(0);
  });

  it('clamp and count what is out of range', () => {
    const { core, world } = open();
    const ball = world.ball.spawn({ owner: 1 });
    ball.x = 11;
    expect(ball.x).toBe(10);
    ball.x = -Infinity;
    expect(ball.x).toBe(-10);
    ball.hits = 0;
    expect(ball.hits).toBe(2);
    expect(core.counters.clamped).toBe(3);
  });

  it('NaN throws in development and is counted in production', () => {
    const { world } = open();
    const ball = world.ball.spawn({ owner: 1, x: 2 });
    expect(() => {
      ball.x = Number.NaN;
    }).toThrow(/ball\.x was given NaN/);
    const production = open(-1, false);
    const other = production.world.ball.spawn({ owner: 1, x: 2, turn: 1, mass: 3 });
    const turn = other.turn;
    other.x = Number.NaN;
    other.turn = Infinity;
    other.mass = Number.NaN;
    expect([other.x, other.turn, other.mass]).toEqual([2, turn, 3]);
    expect(production.core.counters.notANumber).toBe(3);
  });

  it('lists keep their capacity and leave nothing behind', () => {
    const { core, world } = open();
    const { trail } = world.ball.spawn({ owner: 1, trail: [1, 2] });
    expect(trail.push(3)).toBe(true);
    expect(trail.push(4)).toBe(false);
    expect(core.counters.clamped).toBe(1);
    trail.set(0, 9);
    expect([...trail]).toEqual([9, 2, 3]);
    expect([trail.at(-1), trail.at(3), trail.length]).toEqual([3, undefined, 3]);
    expect(() => trail.set(3, 1)).toThrow(/use push\(\)/);
    trail.clear();
    const [ball] = [...world.ball];
    if (ball !== undefined) ball.trail = trail;
    expect([...trail]).toEqual([]);
    const clean = world.ball.spawn({ owner: 2 });
    const words = (one: { id: number }): number[] => {
      const table = core.table(2);
      const row = table.get(one.id);
      return [...table.data.slice((row?.at ?? 0) + 3, (row?.at ?? 0) + table.schema.stride)];
    };
    expect(words(ball as { id: number })).toEqual(words(clean));
  });

  it('texts are cut at a character, and equal texts are equal rows', () => {
    const { world } = open();
    const ball = world.ball.spawn({ owner: 1, name: 'abcdefghij' });
    expect(ball.name).toBe('abcdefgh');
    ball.name = 'ééééé';
    expect(ball.name).toBe('éééé');
    ball.name = 'ab€€€';
    expect(ball.name).toBe('ab€€');
    ball.name = '';
    expect(ball.name).toBe('');
  });

  it('references lead to living entities only', () => {
    const { world } = open();
    const a = world.ball.spawn({ owner: 1 });
    const b = world.ball.spawn({ owner: 1, next: a });
    expect(b.next).toBe(a);
    a.despawn();
    expect(b.next).toBeUndefined();
    b.next = undefined;
    expect(b.next).toBeUndefined();
  });

  it('mistakes throw and say what to do', () => {
    const { core, world } = open();
    const ball = world.ball.spawn({ owner: 1 });
    expect(() => world.ball.spawn({ owner: 1, y: 1 } as never)).toThrow(/ball has no field "y"/);
    expect(() => world.ball.spawn({ owner: -1 })).toThrow(/owner: a seat number, or 0/);
    expect(() => world.ball.spawn({ owner: 5 })).toThrow(/not a seat of this room \(0\.\.4\)/);
    expect(() => {
      ball.mood = 'sad' as never;
    }).toThrow(/must be one of calm, angry/);
    core.close();
    const { count } = world.ball;
    for (const change of [
      () => {
        ball.x = 1;
      },
      () => {
        ball.name = 'late';
      },
      () => ball.trail.push(1),
      () => ball.despawn(),
      () => ball.cut(),
      () => world.ball.spawn({ owner: 1 }),
    ]) {
      expect(change).toThrow(UsageError);
      expect(change).toThrow(/outside a tick.*command or a message/);
    }
    expect(world.ball.count).toBe(count);
  });
});

describe('on a client that predicts seat 1', () => {
  it('writes to other rows, and spawns for others, are discarded and counted', () => {
    const { core, world } = open();
    const mine = world.ball.spawn({ owner: 1, x: 1 });
    const other = world.ball.spawn({ owner: 2, x: 2 });
    const table = core.table(2);
    core.close();
    table.data[(table.get(other.id)?.at ?? 0) + 2] = 0;
    core.open(1);
    mine.x = 5;
    other.x = 5;
    other.name = 'x';
    other.trail.push(1);
    other.despawn();
    expect([mine.x, other.x, other.name, other.trail.length, other.alive]).toEqual([5, 2, '', 0, true]);
    const ghost = world.ball.spawn({ owner: 2, x: 3, trail: [1] });
    // It can be used like any other, and nobody sees it.
    ghost.x = 4;
    expect(ghost.x).toBe(4);
    expect(world.ball.count).toBe(2);
    world.ball.spawn({ owner: 1 });
    expect(world.ball.count).toBe(3);
    expect(core.counters).toMatchObject({
      discardedWrites: 3,
      discardedSpawns: 1,
      discardedDespawns: 1,
    });
    expect([...core.table(2).marked()].map((row) => row.owner)).toEqual([1, 1]);
  });
});
