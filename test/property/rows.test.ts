// The row codecs: any row against any base comes back, under any tables, and every code that is accepted is the only one.

import { angle, defineGame, grid, int, Rng } from '@tickwire/netcode';
import type { Game } from '@tickwire/netcode/internal';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RowCodec } from '../../packages/netcode/src/replication/rows/rowcodec.ts';
import { SmallRowCodec } from '../../packages/netcode/src/replication/rows/smallrow.ts';
import { type RowModel, rowModel } from '../../packages/netcode/src/replication/rows/tables.ts';
import { BitReader, BitWriter } from '../../packages/netcode/src/wire/bits.ts';
import { RangeDecoder, RangeEncoder } from '../../packages/netcode/src/wire/range.ts';
import type { RowSchema } from '../../packages/netcode/src/wire/schema.ts';
import { games, runs, scatter } from './arbitrary.ts';

const TICKS = [1, 1, 2, 3, 3, 4, 6, 9, 18, 64, 256];

/** Rows that move: vectors of one to three axes, rates of rates, angles that spin, headings, and a circle. */
const movers = defineGame({
  name: 'movers',
  entities: {
    plane: {
      x: grid(0, 512, 1 / 32, { follows: 'vx' }),
      y: grid(0, 512, 1 / 32, { follows: 'vy' }),
      rot: angle(10),
      vx: grid(-64, 64, 1 / 8),
      vy: grid(-64, 64, 1 / 8),
      hp: int(0, 255),
    },
    space: {
      x: grid(-100, 100, 1 / 16, { follows: 'vx' }),
      y: grid(-100, 100, 1 / 16, { follows: 'vy' }),
      z: grid(-100, 100, 1 / 16, { follows: 'vz' }),
      vx: grid(-50, 50, 1 / 4, { follows: 'ax' }),
      vy: grid(-50, 50, 1 / 4, { follows: 'ay' }),
      vz: grid(1, 50, 1 / 4, { follows: 'az' }),
      ax: int(-9, 9),
      ay: int(-9, 9),
      az: int(-9, 9),
    },
    odd: {
      self: grid(0, 9, 1, { follows: 'self' }),
      a: grid(0, 900, 1, { follows: 'b' }),
      b: grid(-90, 900, 1, { follows: 'a' }),
      c: int(-5, 200),
      d: grid(0, 100, 1 / 4, { follows: 'c' }),
      e: grid(0, 100, 1 / 4, { follows: 'c' }),
    },
  },
  command: { go: int(0, 1) },
  step() {},
}) as unknown as Game;

/** A row moved along by its rates, more or less: what codecs are made for. */
function drive(schema: RowSchema, row: Int32Array, ticks: number, rng: Rng): void {
  for (const { field, at, followsAt, followsFactor } of schema.fields) {
    if (followsAt < 0) continue;
    const moved = (row[at] ?? 0) + Math.round((row[followsAt] ?? 0) * followsFactor * ticks) + rng.int(-1, 1);
    row[at] = Math.min(field.hi, Math.max(field.lo, moved));
  }
}

interface Setting {
  readonly base: Int32Array;
  readonly before: Int32Array | undefined;
  readonly ticks: number;
  readonly beforeTicks: number;
  readonly fresh: boolean;
}

function expectIn(codec: SmallRowCodec, { base, before, ticks, beforeTicks, fresh }: Setting): Int32Array {
  return fresh ? codec.expectNew() : codec.expect(base, 0, ticks, before, 0, beforeTicks);
}

function encode(
  codec: SmallRowCodec,
  setting: Setting,
  row: Int32Array,
  tick: number,
  code: number,
): Uint8Array {
  const bytes = new Uint8Array(2_400);
  const e = new RangeEncoder().open(bytes, 0, bytes.length);
  expectIn(codec, setting);
  if (!setting.fresh) codec.code(e, code);
  if (code === 1) codec.row(e, row, 0, tick);
  return bytes.slice(0, e.finish());
}

/** The row that the bytes say, its code, or undefined when they are refused. */
function decode(
  codec: SmallRowCodec,
  setting: Setting,
  bytes: Uint8Array,
  tick: number,
): { row: Int32Array; code: number } | undefined {
  const d = new RangeDecoder().open(bytes, 0, bytes.length);
  const row = new Int32Array(codec.schema.stride).fill(-7);
  expectIn(codec, setting);
  const code = setting.fresh ? 1 : codec.code(d, 0);
  if (code === 1) codec.row(d, row, 0, tick);
  return d.finish() ? { row, code } : undefined;
}

const sameSent = (schema: RowSchema, a: Int32Array, b: Int32Array): boolean =>
  schema.fields.every(
    ({ field, at }) => field.local || a.subarray(at, at + field.words).every((word, i) => word === b[at + i]),
  );

const inRange = (schema: RowSchema, row: Int32Array): boolean =>
  schema.fields.every(({ field, at }) => (row[at] ?? 0) >= field.lo && (row[at] ?? 0) <= field.hi);

/** Random probabilities, the most lopsided ones among them. */
function anyOdds(model: RowModel, rng: Rng): RowModel {
  return {
    plan: model.plan,
    odds: model.odds.map(() => [1, 65_535, rng.int(1, 65_535)][rng.int(0, 2)] ?? 1),
  };
}

function tryRows(schema: RowSchema, rng: Rng, counts: { flips: number; accepted: number }): void {
  const trained = rowModel(schema);
  const model = rng.chance(0.5) ? trained : anyOdds(trained, rng);
  const writer = new SmallRowCodec(model);
  const reader = new SmallRowCodec(model);
  const before = new Int32Array(schema.empty);
  for (let i = 0; i < 12; i++) {
    const tick = rng.int(1_000, 2 ** 31 - 1_000);
    const scatterSome = (row: Int32Array, share: number): void => {
      for (let f = 0; f < schema.fields.length; f++)
        if (rng.chance(share)) scatter(schema, row, 0, f, rng, tick);
    };
    scatterSome(before, 0.4);
    const ticks = TICKS[rng.int(0, TICKS.length - 1)] ?? 1;
    const beforeTicks = TICKS[rng.int(0, TICKS.length - 1)] ?? 1;
    const base = before.slice();
    drive(schema, base, beforeTicks, rng);
    scatterSome(base, 0.1);
    const row = base.slice();
    drive(schema, row, ticks, rng);
    scatterSome(row, 0.2);
    const setting: Setting = {
      base,
      before: rng.chance(0.7) ? before : undefined,
      ticks,
      beforeTicks,
      fresh: rng.chance(0.1),
    };
    expectIn(writer, setting);
    const same = writer.matches(row, 0);
    const code = setting.fresh || !same ? 1 : 0;
    const bytes = encode(writer, setting, row, tick, code);
    const back = decode(reader, setting, bytes, tick);
    expect(back?.code).toBe(code);
    if (code === 1) expect(sameSent(schema, back?.row ?? row.fill(0), row)).toBe(true);
    if (same && !setting.fresh)
      expect(decode(reader, setting, encode(writer, setting, row, tick, 1), tick)).toBeUndefined();
    for (let n = 0; n < 6; n++) {
      const mutant = new Uint8Array(Math.max(1, bytes.length + rng.int(-1, 1)));
      mutant.set(bytes.subarray(0, mutant.length));
      for (let k = rng.int(1, 3); k > 0; k--) {
        const bit = rng.int(0, mutant.length * 8 - 1);
        mutant[bit >> 3] = (mutant[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      }
      counts.flips++;
      const other = decode(reader, setting, mutant, tick);
      if (other === undefined) continue;
      counts.accepted++;
      if (other.code === 1) expect(inRange(schema, other.row)).toBe(true);
      expect(encode(writer, setting, other.row, tick, other.code)).toEqual(mutant);
    }
  }
}

describe('the small row codec', () => {
  test('[W1] [W2] a row comes back from its code against any base, and every code that is accepted is the only one', () => {
    const counts = { flips: 0, accepted: 0 };
    fc.assert(
      fc.property(games, fc.integer(), (game: Game, seed) => {
        const rng = new Rng(seed);
        for (const schema of game.schema.rows) tryRows(schema, rng, counts);
      }),
      runs(400),
    );
    console.log('small row codes', JSON.stringify(counts));
    expect(counts.accepted).toBeGreaterThan(100);
  });

  test('[W1] [W2] the same for rows that move', () => {
    const counts = { flips: 0, accepted: 0 };
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const rng = new Rng(seed);
        for (const schema of movers.schema.rows.slice(2)) tryRows(schema, rng, counts);
      }),
      runs(1_500),
    );
    console.log('moving row codes', JSON.stringify(counts));
    expect(counts.accepted).toBeGreaterThan(100);
  });
});

/** One row through the fast codec: what was written, and how many bits. */
function pack(
  codec: RowCodec,
  base: Int32Array,
  ticks: number,
  row: Int32Array,
  tick: number,
): [Uint8Array, number] {
  const w = new BitWriter(new Uint8Array(2_400));
  codec.expect(base, 0, ticks);
  codec.write(w, row, 0, tick);
  const bits = w.bitLength;
  return [w.bytes.slice(0, w.finish()), bits];
}

function firstBits(bytes: Uint8Array, bits: number): Uint8Array {
  const kept = bytes.slice(0, (bits + 7) >> 3);
  const last = kept.length - 1;
  if ((bits & 7) > 0) kept[last] = (kept[last] ?? 0) & ((1 << (bits & 7)) - 1);
  return kept;
}

describe('the fast row codec', () => {
  test('[W1] [W2] rows that move come back, and every code that is accepted is the only one', () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const rng = new Rng(seed);
        for (const schema of movers.schema.rows.slice(2)) {
          const codec = new RowCodec(schema);
          const base = new Int32Array(schema.empty);
          for (let i = 0; i < 12; i++) {
            const tick = rng.int(1_000, 2 ** 31 - 1_000);
            const ticks = i === 0 ? 0 : (TICKS[rng.int(0, TICKS.length - 1)] ?? 1);
            for (let f = 0; f < schema.fields.length; f++)
              if (rng.chance(0.3)) scatter(schema, base, 0, f, rng, tick);
            const row = base.slice();
            drive(schema, row, ticks, rng);
            for (let f = 0; f < schema.fields.length; f++)
              if (rng.chance(0.2)) scatter(schema, row, 0, f, rng, tick);
            const [bytes, bits] = pack(codec, base, ticks, row, tick);
            const back = new Int32Array(schema.stride);
            const r = new BitReader(bytes);
            codec.expect(base, 0, ticks);
            codec.read(r, back, 0, tick);
            expect(r.failed).toBe(false);
            expect(bytes.length * 8 - r.remaining).toBe(bits);
            expect(sameSent(schema, back, row)).toBe(true);
            for (let n = 0; n < 6; n++) {
              const mutant = bytes.slice();
              const bit = rng.int(0, Math.max(0, bits - 1));
              mutant[bit >> 3] = (mutant[bit >> 3] ?? 0) ^ (1 << (bit & 7));
              const other = new BitReader(mutant);
              codec.expect(base, 0, ticks);
              codec.read(other, back, 0, tick);
              if (other.failed) continue;
              accepted++;
              expect(inRange(schema, back)).toBe(true);
              const used = mutant.length * 8 - other.remaining;
              const [again, length] = pack(codec, base, ticks, back, tick);
              expect(length).toBe(used);
              expect(firstBits(again, used)).toEqual(firstBits(mutant, used));
            }
          }
        }
      }),
      runs(600),
    );
    expect(accepted).toBeGreaterThan(100);
  });

  test('[S2] what is expected from an earlier base is what is expected step by step', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        (seed, first, then) => {
          const rng = new Rng(seed);
          for (const schema of movers.schema.rows.slice(2)) {
            // A rate that itself follows a rate does not stay; nor does one in a circle.
            if (schema.name !== 'plane') continue;
            const base = new Int32Array(schema.empty);
            for (let f = 0; f < schema.fields.length; f++) scatter(schema, base, 0, f, rng, 1_000);
            const codec = new RowCodec(schema);
            const middle = codec.expect(base, 0, first).slice();
            const end = codec.expect(middle, 0, then).slice();
            codec.expect(base, 0, first + then);
            expect(codec.matches(end, 0)).toBe(true);
          }
        },
      ),
      runs(2_000),
    );
  });
});
