// Training: the same rows give the same tables, tables make rows of another world smaller, and they fit only the fields they were made for.

import { describe, expect, test } from 'vitest';
import { Rng } from '../../base/rng.ts';
import { defineGame } from '../../simulation/game.ts';
import { angle, grid, int, oneOf } from '../../wire/fields.ts';
import { BitCounter } from '../../wire/range.ts';
import type { RowSchema } from '../../wire/schema.ts';
import type { CodecTables } from '../../wire/trained.ts';
import { headingOf } from './heading.ts';
import { SmallRowCodec } from './smallrow.ts';
import { rowModel } from './tables.ts';
import { Trainer } from './train.ts';

const entities = {
  boat: {
    x: grid(0, 1024, 1 / 16, { follows: 'vx' }),
    y: grid(0, 1024, 1 / 16, { follows: 'vy' }),
    vx: grid(-64, 64, 1 / 8),
    vy: grid(-64, 64, 1 / 8),
    bow: angle(8),
    sail: oneOf('up', 'half', 'down'),
    crew: int(0, 200),
  },
};

const game = (tables?: CodecTables, fields: object = entities) =>
  defineGame({
    name: 'boats',
    tickRate: 20,
    entities: fields as typeof entities,
    command: { go: int(0, 1) },
    ...(tables === undefined ? {} : { tables }),
    step() {},
  });

const boat = game().schema.rows[2] as RowSchema;
const [X, Y, VX, VY, BOW, SAIL, CREW] = [3, 4, 5, 6, 7, 8, 9] as const;

/** Boats that turn and now and then set another course; one row per boat and tick. */
function sail(seed: number): Int32Array[][] {
  const rng = new Rng(seed);
  const boats = Array.from({ length: 20 }, () => new Int32Array(boat.stride));
  const turns = boats.map(() => 0);
  for (const row of boats) for (const at of [X, Y]) row[at] = rng.int(4_000, 12_000);
  return Array.from({ length: 120 }, () =>
    boats.map((row, i) => {
      let [vx, vy] = [row[VX] ?? 0, row[VY] ?? 0];
      if (rng.chance(0.05)) {
        const going = rng.chance(0.7);
        [vx, vy] = going ? [rng.int(-200, 200), rng.int(-200, 200)] : [0, 0];
        turns[i] = rng.chance(0.5) ? rng.range(-0.1, 0.1) : 0;
        row[SAIL] = going ? (turns[i] === 0 ? 1 : 2) : 0;
        row[CREW] = Math.max(0, (row[CREW] ?? 0) + rng.int(-1, 1));
      }
      const turn = turns[i] ?? 0;
      [vx, vy] = [Math.round(vx - vy * turn), Math.round(vy + vx * turn)];
      row[VX] = Math.max(-300, Math.min(300, vx));
      row[VY] = Math.max(-300, Math.min(300, vy));
      row[X] = Math.max(0, Math.min(16_384, (row[X] ?? 0) + Math.round((row[VX] ?? 0) * 0.1)));
      row[Y] = Math.max(0, Math.min(16_384, (row[Y] ?? 0) + Math.round((row[VY] ?? 0) * 0.1)));
      if (row[VX] !== 0 || row[VY] !== 0) row[BOW] = headingOf(row[VX] ?? 0, row[VY] ?? 0, 8);
      return row.slice();
    }),
  );
}

function train(seed: number): CodecTables {
  const trainer = new Trainer(game().schema.rows);
  each(seed, (row, base, before, tick) =>
    trainer.observe(2, {
      code: 0,
      tick,
      row,
      at: 0,
      base,
      baseAt: 0,
      ticks: 3,
      before,
      beforeAt: 0,
      beforeTicks: 3,
    }),
  );
  return trainer.tables();
}

function each(
  seed: number,
  visit: (row: Int32Array, base: Int32Array, before: Int32Array, tick: number) => void,
): void {
  const ticks = sail(seed);
  for (let t = 6; t < ticks.length; t++)
    ticks[t]?.forEach((row, i) => {
      visit(row, ticks[t - 3]?.[i] as Int32Array, ticks[t - 6]?.[i] as Int32Array, t);
    });
}

/** Bits per row of a world, under tables. */
function price(seed: number, tables: CodecTables | undefined): number {
  const codec = new SmallRowCodec(rowModel(boat, tables?.rows['boat']));
  const counter = new BitCounter();
  let rows = 0;
  each(seed, (row, base, before, tick) => {
    codec.expect(base, 0, 3, before, 0, 3);
    const same = codec.matches(row, 0);
    codec.code(counter, same ? 0 : 1);
    if (!same) codec.row(counter, row, 0, tick);
    rows++;
  });
  return counter.cost / rows;
}

describe('training', () => {
  const tables = train(1);

  test('the same rows give the same tables, which are JSON', () => {
    expect(train(1)).toEqual(tables);
    expect(JSON.parse(JSON.stringify(tables))).toEqual(tables);
    expect(train(2)).not.toEqual(tables);
  });

  test('tables of one world make another one much smaller, nearly as much as its own', () => {
    const plain = price(2, undefined);
    const trained = price(2, tables);
    expect(trained).toBeLessThan(plain * 0.75);
    expect(trained).toBeLessThan(price(2, train(2)) * 1.05);
  });

  test('finds the heading, the words of the sail, and how positions are rounded', () => {
    const { fields, groups } = tables.rows['boat'] as CodecTables['rows'][string];
    // $cut, bow, sail, crew
    expect(fields[1]).toBe('p');
    expect(fields[2]).toBe('w');
    expect(groups).toEqual([[1, 1]]);
  });

  test('tables are part of the schema hash, and are refused for other fields', () => {
    expect(game(tables).schema.hash).not.toEqual(game().schema.hash);
    expect(game(tables).schema.tables).toBe(tables);
    const wider = { boat: { ...entities.boat, crew: int(0, 201) } };
    expect(() => game(tables, wider)).toThrow(/"boat" were trained for other fields/);
    const cut = { ...tables, rows: { boat: { ...tables.rows['boat'], odds: '' } } } as CodecTables;
    expect(() => rowModel(boat, cut.rows['boat'])).toThrow(/damaged/);
  });
});

describe('work per row', () => {
  test('neither expecting nor writing a row makes garbage', () => {
    const codec = new SmallRowCodec(rowModel(boat));
    const ticks = sail(3);
    const counter = new BitCounter();
    const work = (): void => {
      for (let t = 6; t < ticks.length; t++) {
        const rows = ticks[t] as Int32Array[];
        for (let i = 0; i < rows.length; i++) {
          codec.expect(ticks[t - 3]?.[i] as Int32Array, 0, 3, ticks[t - 6]?.[i] as Int32Array, 0, 3);
          if (!codec.matches(rows[i] as Int32Array, 0)) codec.row(counter, rows[i] as Int32Array, 0, t);
        }
      }
    };
    const spent = (): number => {
      const before = process.memoryUsage().heapUsed;
      work();
      return (process.memoryUsage().heapUsed - before) / (ticks.length * 20);
    };
    for (let i = 0; i < 40; i++) work();
    // A collection in between makes the difference negative, so the least of some rounds that are not is what counts.
    const rounds = Array.from({ length: 15 }, spent).filter((bytes) => bytes >= 0);
    expect(Math.min(...rounds)).toBeLessThan(24);
  });
});
