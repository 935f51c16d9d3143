// Rays, overlaps and searches against plain code: distances to a shape's outline found by walking along it.

import { bool, grid } from '@tickwire/netcode';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rowClass } from '../../packages/netcode/src/simulation/entity.ts';
import { Queries } from '../../packages/netcode/src/simulation/queries.ts';
import { box, capsule, circle, type HitShape } from '../../packages/netcode/src/simulation/shapes.ts';
import { Targets } from '../../packages/netcode/src/simulation/targets.ts';
import { compileRow, HEADER_WORDS, ID, OWNER } from '../../packages/netcode/src/wire/schema.ts';
import { runs } from './arbitrary.ts';

const SHOOTER = 3;
const schema = compileRow('thing', 2, { x: grid(-500, 500), y: grid(-500, 500), safe: bool() }, 60);
const place = (name: string) => schema.byName.get(name) as never;

interface Placed {
  readonly id: number;
  readonly owner: number;
  readonly x: number;
  readonly y: number;
  readonly angle: number;
  readonly safe: boolean;
  readonly shape: HitShape;
}

const size = fc.integer({ min: 1, max: 60 });
const shape: fc.Arbitrary<HitShape> = fc.oneof(
  size.map(circle),
  fc.tuple(size, size).map(([width, height]) => box(width, height)),
  fc.tuple(size, size).map(([length, radius]) => capsule(length, radius)),
);
const coordinate = fc.integer({ min: -640, max: 640 }).map((value) => value / 8);
const angle = fc.integer({ min: -100, max: 100 }).map((value) => value / 32);

const scene: fc.Arbitrary<Placed[]> = fc
  .array(
    fc.record({
      owner: fc.integer({ min: 1, max: 4 }),
      x: coordinate,
      y: coordinate,
      angle,
      safe: fc.boolean(),
      shape,
    }),
    { maxLength: 12 },
  )
  .map((things) => things.map((thing, index) => ({ ...thing, id: 100 + index * 7 })));

describe('[L5] queries find what plain code finds', () => {
  test('rays: the first point of the way that is within the shape', () => {
    let found = 0;
    fc.assert(
      fc.property(scene, coordinate, coordinate, coordinate, coordinate, (things, x, y, toX, toY) => {
        const hits = queriesOf(things).ray(x, y, toX, toY);
        found += hits.length;
        check(things, hits, (thing) => {
          const length = Math.hypot(toX - x, toY - y);
          const share = firstWithin(thing, x, y, toX, toY);
          return share === undefined ? undefined : share * length;
        });
        for (const hit of hits) expect(distanceTo(byId(things, hit.id), hit.x, hit.y)).toBeLessThan(1e-6);
      }),
      runs(400),
    );
    expect(found).toBeGreaterThan(20);
  });

  test('nearest: the least distance from a point, and only within the radius', () => {
    fc.assert(
      fc.property(scene, coordinate, coordinate, fc.integer({ min: 1, max: 300 }), (things, x, y, radius) => {
        const nearest = queriesOf(things).nearest(x, y, radius);
        const ways = things
          .filter(({ owner }) => owner !== SHOOTER)
          .map((thing) => ({ id: thing.id, way: distanceTo(thing, x, y) }))
          .filter(({ way }) => way <= radius)
          .sort((a, b) => a.way - b.way || a.id - b.id);
        if (nearest === undefined) expect(ways.filter(({ way }) => way < radius - 1e-6)).toEqual([]);
        else {
          expect(nearest.distance).toBeCloseTo(ways[0]?.way ?? NaN, 6);
          expect(Math.hypot(nearest.x - x, nearest.y - y)).toBeCloseTo(nearest.distance, 6);
        }
      }),
      runs(400),
    );
  });

  test('overlaps: both shapes share a point', () => {
    let found = 0;
    fc.assert(
      fc.property(scene, shape, coordinate, coordinate, angle, (things, around, x, y, turned) => {
        const hits = queriesOf(things).overlap(around, x, y, { angle: turned });
        found += hits.length;
        const asked = { id: 0, owner: 0, x, y, angle: turned, safe: false, shape: around };
        for (const thing of things) {
          if (thing.owner === SHOOTER) continue;
          const gap = gapBetween(asked, thing);
          // Walking along outlines in steps finds gaps that are a little too large.
          if (gap < -0.01) expect(hits.map(({ id }) => id)).toContain(thing.id);
          if (gap > 0.6) expect(hits.map(({ id }) => id)).not.toContain(thing.id);
        }
      }),
      runs(400),
    );
    expect(found).toBeGreaterThan(20);
  });

  test('results are nearest first, of two equally near the lower id; own rows and what the filter turns away are not there', () => {
    const at = (id: number, x: number, owner: number, safe = false): Placed => ({
      id,
      owner,
      x,
      y: 0,
      angle: 0,
      safe,
      shape: circle(5),
    });
    const queries = queriesOf([
      at(9, 50, 1),
      at(12, 20, SHOOTER),
      at(15, 30, 1, true),
      at(20, 50, 2),
      at(31, 40, 2),
    ]);
    expect(queries.ray(0, 0, 100, 0).map(({ id }) => id)).toEqual([15, 31, 9, 20]);
    const vulnerable = { where: (row: object) => !(row as { safe: boolean }).safe };
    expect(queries.ray(0, 0, 100, 0, vulnerable).map(({ id }) => id)).toEqual([31, 9, 20]);
    expect(queries.ray(0, 0, 100, 0, { own: true }).map(({ id }) => id)).toEqual([12, 15, 31, 9, 20]);
    expect(queries.ray(0, 0, 100, 0, { type: 'other' })).toEqual([]);
    expect(queries.ray(0, 20, 100, 20).length).toBe(0);
    expect(queries.ray(0, 20, 100, 20, { radius: 16 }).length).toBe(4);
  });

  test('a row of the past cannot be changed', () => {
    const [hit] = queriesOf([{ id: 5, owner: 1, x: 9, y: 0, angle: 0, safe: false, shape: circle(5) }]).ray(
      0,
      0,
      9,
      0,
    );
    expect(() => Object.assign(hit?.row as object, { x: 3 })).toThrow(/picture of the past/);
    expect(() => hit?.row.despawn()).toThrow(/world\.thing\.get/);
  });
});

function queriesOf(things: readonly Placed[]): Queries {
  const host = {
    counters: { clamped: 0, notANumber: 0, discardedWrites: 0, discardedSpawns: 0, discardedDespawns: 0 },
    development: true,
    predictingSeat: -1,
    nextEntityId: () => 0,
    tableNamed: () => undefined,
  };
  const shapes = new Map(things.map((thing) => [thing.id, thing.shape]));
  const targets = new Targets(
    schema,
    {
      x: place('x'),
      y: place('y'),
      angle: undefined,
      fixed: undefined,
      choose: (row) => shapes.get(row.id) as HitShape,
    },
    rowClass(schema),
    host,
  );
  for (const { id, owner, x, y, safe } of things) {
    const row = schema.empty.slice();
    row[ID] = id;
    row[OWNER] = owner;
    row[HEADER_WORDS] = x * 1024;
    row[HEADER_WORDS + 1] = y * 1024;
    row[HEADER_WORDS + 2] = safe ? 1 : 0;
    targets.rows.push(row, 0);
  }
  targets.picture();
  things.forEach((thing, index) => {
    targets.place(index, thing.x, thing.y, thing.angle);
  });
  return new Queries({
    seat: SHOOTER,
    types: 1,
    nameOf: () => targets.schema.name,
    past: () => targets,
    living: () => undefined,
  });
}

const byId = (things: readonly Placed[], id: number): Placed =>
  things.find((thing) => thing.id === id) as Placed;

/** Every hit is one that plain code finds, at that distance, and the other way round; those on the edge may be either. */
function check(
  things: readonly Placed[],
  hits: readonly { readonly id: number; readonly distance: number }[],
  distance: (thing: Placed) => number | undefined,
): void {
  const found = new Map(hits.map((hit) => [hit.id, hit.distance]));
  for (const thing of things) {
    const way = distance(thing);
    if (thing.owner === SHOOTER) expect(found.has(thing.id)).toBe(false);
    else if (way !== undefined) expect(found.get(thing.id) ?? NaN).toBeCloseTo(way, 3);
    else if (found.has(thing.id)) expect(grazes).toContain(thing.id);
  }
  const order = hits.map((hit) => hit.distance);
  expect(order).toEqual([...order].sort((a, b) => a - b));
}

/** Ids that the last ray passed by less than a hair. */
const grazes: number[] = [];

/** Walks the way and halves the step in which it enters: the share of it, or undefined. */
function firstWithin(thing: Placed, x: number, y: number, toX: number, toY: number): number | undefined {
  const at = (share: number): number => distanceTo(thing, x + (toX - x) * share, y + (toY - y) * share);
  // The distance to a convex shape falls and rises again: its lowest point is found by thirds.
  let low = 0;
  let high = 1;
  for (let i = 0; i < 120; i++) {
    const a = low + (high - low) / 3;
    const b = high - (high - low) / 3;
    if (at(a) <= at(b)) high = b;
    else low = a;
  }
  if (at(0) <= 0) return 0;
  const nearest = at(low);
  grazes.length = 0;
  if (nearest > 0) {
    if (nearest < 1e-3) grazes.push(thing.id);
    return undefined;
  }
  let out = 0;
  let inside = low;
  for (let i = 0; i < 60; i++) {
    const middle = (out + inside) / 2;
    if (at(middle) <= 0) inside = middle;
    else out = middle;
  }
  return inside;
}

/** Distance of a point from a shape, 0 within. */
function distanceTo({ x, y, angle: turned, shape: of }: Placed, px: number, py: number): number {
  const rx = px - x;
  const ry = py - y;
  const along = rx * Math.cos(turned) + ry * Math.sin(turned);
  const across = -rx * Math.sin(turned) + ry * Math.cos(turned);
  const offX = Math.max(0, Math.abs(along) - of.halfWidth);
  const offY = Math.max(0, Math.abs(across) - of.halfHeight);
  return Math.max(0, Math.hypot(offX, offY) - of.radius);
}

/** About how far apart two shapes are; negative when a point of one lies well within the other. */
function gapBetween(a: Placed, b: Placed): number {
  let gap = Infinity;
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    for (const point of pointsOf(one)) {
      const way = distanceTo(other, point.x, point.y);
      if (way === 0) return -1;
      gap = Math.min(gap, way);
    }
  }
  return gap;
}

/** Points all over a shape, at most half a unit from each other along its outline. */
function pointsOf({ x, y, angle: turned, shape: of }: Placed): { x: number; y: number }[] {
  const local: [number, number][] = [[0, 0]];
  const steps = 48;
  for (let corner = 0; corner < 4; corner++) {
    const cx = corner % 2 === 0 ? of.halfWidth : -of.halfWidth;
    const cy = corner < 2 ? of.halfHeight : -of.halfHeight;
    for (let i = 0; i <= steps * 4; i++) {
      const a = (i / steps / 2) * Math.PI;
      local.push([cx + of.radius * Math.cos(a), cy + of.radius * Math.sin(a)]);
    }
  }
  for (let i = -100; i <= 100; i++) {
    const part = i / 100;
    for (const side of [1, -1]) {
      local.push([of.halfWidth * part, side * (of.halfHeight + of.radius)]);
      local.push([side * (of.halfWidth + of.radius), of.halfHeight * part]);
      local.push([of.halfWidth * part, side * of.halfHeight * part]);
    }
  }
  return local.map(([px, py]) => ({
    x: x + px * Math.cos(turned) - py * Math.sin(turned),
    y: y + px * Math.sin(turned) + py * Math.cos(turned),
  }));
}
