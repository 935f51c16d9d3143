import { describe, expect, it } from 'vitest';
import { defineGame } from '../simulation/game.ts';
import { Queries } from '../simulation/queries.ts';
import { RowSet } from '../simulation/rows.ts';
import { box, circle } from '../simulation/shapes.ts';
import { Targets } from '../simulation/targets.ts';
import { WorldCore } from '../simulation/world.ts';
import { angle, bool, grid, int } from '../wire/fields.ts';
import { ID, MARK } from '../wire/schema.ts';
import { Rewinder } from './rewind.ts';

const game = defineGame({
  name: 'past',
  entities: {
    runner: {
      x: grid(0, 1024, 1 / 16, { follows: 'vx' }),
      y: grid(0, 1024, 1 / 16),
      vx: grid(-480, 480, 3.75),
      turn: angle(8),
      low: bool(),
      armour: int(0, 9),
    },
  },
  shapes: { runner: { shape: (row) => (row.low ? circle(4) : box(40, 10)), angle: 'turn' } },
  command: { go: bool() },
  step() {},
});
const TABLE = 2;
const { schema } = game;
const row = schema.rows[TABLE] as (typeof schema.rows)[number];

interface Fields {
  readonly id: number;
  readonly x: number;
  readonly vx?: number;
  readonly turn?: number;
  readonly low?: boolean;
  readonly armour?: number;
  readonly cut?: number;
  readonly held?: number;
}

function rowsOf(...list: Fields[]): RowSet {
  const rows = new RowSet(row);
  const at = (name: string): number => row.byName.get(name)?.at ?? 0;
  for (const { id, x, vx = 0, turn = 0, low = false, armour = 0, cut = 0, held = 0 } of list) {
    const words = row.empty.slice();
    words[ID] = id;
    words[MARK] = held;
    words[at('x')] = x * 16;
    words[at('y')] = 100 * 16;
    words[at('vx')] = vx / 3.75;
    words[at('turn')] = Math.round((turn / Math.PI) * 128);
    words[at('low')] = low ? 1 : 0;
    words[at('armour')] = armour;
    words[row.cutAt] = cut;
    rows.push(words, 0);
  }
  return rows;
}

/** What is drawn at `tick` between copies of tick 30 and 33, or those that the rows' marks say. */
function draw(tick: number, older: RowSet, newer?: RowSet, marked = false) {
  const core = new WorldCore(schema, true);
  const shape = schema.shapes?.[TABLE] as NonNullable<NonNullable<typeof schema.shapes>[number]>;
  const targets = new Targets(row, shape, schema.rowClasses[TABLE] as never, core);
  const [from, to] = marked ? [-1, -1] : [30, 33];
  new Rewinder(row, shape, 60).place(
    { rows: older, tick: from },
    newer === undefined ? undefined : { rows: newer, tick: to },
    tick,
    targets,
  );
  return {
    targets,
    queries: new Queries({
      seat: 9,
      types: 1,
      nameOf: () => targets.schema.name,
      past: () => targets,
      living: () => undefined,
    }),
    at: (i: number) => targets.row(i) as unknown as Readonly<Record<string, unknown>>,
  };
}

describe('what a player saw', () => {
  it('lies between the copies that were drawn, as whole rows', () => {
    const { targets, at } = draw(
      31.5,
      rowsOf({ id: 5, x: 100, vx: 60, armour: 3, turn: 0 }),
      rowsOf({ id: 5, x: 103, vx: 60, armour: 4, turn: Math.PI / 2 }),
    );
    expect(targets.x[0]).toBeCloseTo(101.5, 9);
    expect(targets.angle[0]).toBeCloseTo(Math.PI / 4, 9);
    // What is read is on the field's grid; what is not drawn in between is that of the older copy.
    expect(at(0)).toMatchObject({ id: 5, x: 101.5, armour: 3 });
    expect(at(0)['turn']).toBeCloseTo(Math.PI / 4, 1);
  });

  it('stays on this side of a discontinuity until the view has reached the other', () => {
    const older = rowsOf({ id: 5, x: 100, vx: 60, cut: 1 });
    const newer = rowsOf({ id: 5, x: 900, cut: 2 });
    for (const tick of [30, 31, 32.9]) expect(draw(tick, older, newer).targets.x[0]).toBe(100);
    const { queries } = draw(32.9, older, newer);
    expect(queries.ray(400, 100, 600, 100)).toEqual([]);
    expect(queries.ray(50, 100, 600, 100).length).toBe(1);
  });

  it('has the shape that the row had then', () => {
    const older = rowsOf({ id: 5, x: 100, low: true }, { id: 6, x: 200, turn: Math.PI / 2 });
    const newer = rowsOf({ id: 5, x: 100, low: false }, { id: 6, x: 200, turn: Math.PI / 2 });
    const { queries } = draw(32, older, newer);
    // Low: four units high. The other one stands upright: twenty.
    expect(queries.ray(0, 104.5, 500, 104.5).map(({ id }) => id)).toEqual([6]);
    expect(queries.ray(0, 103.5, 500, 103.5).map(({ id, x }) => [id, Math.round(x)])).toEqual([
      [5, 98],
      [6, 195],
    ]);
    expect(queries.ray(0, 119, 500, 119).map(({ id }) => id)).toEqual([6]);
    expect(queries.ray(0, 121, 500, 121)).toEqual([]);
  });

  it('goes on at its own rate where there is no newer copy, and is not there where there is no older one', () => {
    const { targets, queries } = draw(33, rowsOf({ id: 5, x: 100, vx: 60 }), rowsOf({ id: 7, x: 300 }));
    expect(targets.count).toBe(1);
    expect(targets.x[0]).toBeCloseTo(103, 9);
    expect(queries.nearest(300, 100, 50)).toBeUndefined();
  });

  it('takes copies of different ticks by their marks', () => {
    const older = rowsOf({ id: 5, x: 100, vx: 60, held: 27 }, { id: 6, x: 200, vx: 60, held: 30 });
    const newer = rowsOf({ id: 5, x: 106, vx: 60, held: 33 }, { id: 6, x: 203, vx: 60, held: 33 });
    const { targets } = draw(30, older, newer, true);
    expect([targets.x[0], targets.x[1]]).toEqual([103, 200]);
  });
});
