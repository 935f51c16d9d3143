/**
 * What asking for what a player saw costs: a ray, an overlap and a search among candidates, in rules that run on a server. The first
 * question of a seat in a tick rebuilds what it saw; the next ones find it there. `--json` for machines.
 */

import { angle, box, circle, defineGame, grid, int, Rng } from '@tickwire/netcode';
import { Room } from '@tickwire/server/core';

const SIZES = [10, 100, 1_000];
const SIZE = 4_096;
const WARM_TICKS = 400;
const TICKS = 1_200;
/** Questions per seat and tick, the first one apart. */
const QUESTIONS = 20;
const json = process.argv.includes('--json');

interface Result {
  readonly candidates: number;
  readonly firstUs: number;
  readonly rayUs: number;
  readonly overlapUs: number;
  readonly nearestUs: number;
  readonly hitsPerRay: number;
  readonly garbagePerFirst: number;
  readonly garbagePerRay: number;
}

const results = SIZES.map(measure);
if (json) console.log(JSON.stringify({ rows: results }));
else console.table(results);

function measure(candidates: number): Result {
  const rng = new Rng(candidates);
  const spent = {
    first: [] as number[],
    ray: [] as number[],
    overlap: [] as number[],
    nearest: [] as number[],
  };
  const garbage = { first: 0, ray: 0 };
  let hits = 0;
  const around = circle(60);
  const timed = (work: () => void): number => {
    const from = performance.now();
    work();
    return (performance.now() - from) * 1000;
  };
  const allocated = (work: () => void): number => {
    const from = process.memoryUsage().heapUsed;
    work();
    return Math.max(0, process.memoryUsage().heapUsed - from);
  };
  const game = defineGame({
    name: 'range',
    entities: {
      ship: {
        x: grid(0, SIZE, 1 / 1024, { follows: 'vx' }),
        y: grid(0, SIZE, 1 / 1024, { follows: 'vy' }),
        vx: grid(-300, 300, 60 / 1024),
        vy: grid(-300, 300, 60 / 1024),
        aim: angle(12),
        health: int(0, 100),
      },
    },
    shapes: { ship: { shape: candidates === 10 ? circle(18) : box(44, 24), angle: 'aim' } },
    command: { fire: int(0, 1) },
    setup(world) {
      for (let i = 0; i < candidates; i++)
        world.ship.spawn({
          owner: 0,
          x: rng.range(0, SIZE),
          y: rng.range(0, SIZE),
          vx: rng.range(-200, 200),
          vy: rng.range(-200, 200),
          aim: rng.range(-3, 3),
        });
    },
    step(world, ctx) {
      for (const ship of world.ship) {
        ship.x = (ship.x + ship.vx * ctx.dt + SIZE) % SIZE;
        ship.y = (ship.y + ship.vy * ctx.dt + SIZE) % SIZE;
      }
      if (ctx.tick < 60) return;
      const seen = ctx.seen(1);
      const x = rng.range(0, SIZE);
      const y = rng.range(0, SIZE);
      const toX = rng.range(0, SIZE);
      const toY = rng.range(0, SIZE);
      const first = (): void => void seen.ray(x, y, toX, toY);
      const rays = (): void => {
        for (let i = 0; i < QUESTIONS; i++) hits += seen.ray(x + i, y, toX, toY).length;
      };
      if (ctx.tick % 2 === 0) {
        garbage.first += allocated(first);
        garbage.ray += allocated(rays);
        return;
      }
      spent.first.push(timed(first));
      spent.ray.push(timed(rays));
      const overlaps = (): void => {
        for (let i = 0; i < QUESTIONS; i++) seen.overlap(around, x + i, y);
      };
      const searches = (): void => {
        for (let i = 0; i < QUESTIONS; i++) seen.nearest(x + i, y, 200);
      };
      spent.overlap.push(timed(overlaps));
      spent.nearest.push(timed(searches));
    },
  });
  const room = new Room(game, { seed: 1, options: {}, development: false, record: false });
  const play = (ticks: number): void => {
    for (let i = 0; i < ticks; i++) {
      const time = room.tick + 1 - 20.4;
      const older = Math.floor(time / 3) * 3;
      const view = [Math.floor(time * 32), older, older + 3] as const;
      room.run(time < 3 ? [] : [{ type: 'command', seat: 1, words: [0], view }]);
    }
  };
  room.run([{ type: 'join', seat: 1, name: 'A' }]);
  play(WARM_TICKS);
  for (const key of ['first', 'ray', 'overlap', 'nearest'] as const) spent[key].length = 0;
  garbage.first = 0;
  garbage.ray = 0;
  hits = 0;
  play(TICKS);
  const rounds = TICKS / 2;
  const each = rounds * QUESTIONS;
  return {
    candidates,
    firstUs: round(median(spent.first)),
    rayUs: round(median(spent.ray) / QUESTIONS),
    overlapUs: round(median(spent.overlap) / QUESTIONS),
    nearestUs: round(median(spent.nearest) / QUESTIONS),
    hitsPerRay: round(hits / (2 * each)),
    garbagePerFirst: Math.round(garbage.first / rounds),
    garbagePerRay: Math.round(garbage.ray / each),
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
