/**
 * One row on the wire, bit-packed, against the row that both sides expect: the codec of fast snapshots. Its bits depend on the base
 * alone, so that clients with the same baseline share them.
 *
 *     others   0              no field outside of vectors changed; not for rows without vectors
 *              10 index       one did
 *              11 mask        any did, one bit per field
 *     vectors                 positions with the rates they follow, see vectorbits.ts
 *     values                  of the other fields that changed, see fieldbits.ts
 *
 * Expected is the base row, moved along by its own rate fields (`follows`) to the snapshot's tick. An angle that points the way its
 * row's vector goes is expected to point the new way.
 */

import type { BitReader, BitWriter } from '../../wire/bits.ts';
import { bitsFor } from '../../wire/fields.ts';
import type { FieldLayout, RowSchema } from '../../wire/schema.ts';
import type { RowTables } from '../../wire/trained.ts';
import type { Axis } from './axes.ts';
import { wrap } from './bends.ts';
import { type FieldBits, fieldBits, readValue, writeValue } from './fieldbits.ts';
import { headingOf } from './heading.ts';
import { RowPlan } from './tables.ts';
import { VectorBits } from './vectorbits.ts';

/** A field outside of vectors; an angle may point along the rates at these words, or has -1 there. */
interface Other {
  readonly bits: FieldBits;
  readonly x: number;
  readonly y: number;
  /** Points along them also from rest. */
  readonly points: boolean;
}

export class RowCodec {
  readonly schema: RowSchema;
  /** The expected row of the last `expect`. */
  readonly expected: Int32Array;
  readonly #vectors: readonly VectorBits[];
  readonly #others: readonly Other[];
  /** Row words that are sent and expected to stay. */
  readonly #still: Int32Array;
  readonly #indexBits: number;
  /** Row words that are sent. */
  readonly #sent: Int32Array;
  readonly #follows: readonly FieldLayout[];
  /** The index of each other field that the present row changes. */
  readonly #changed: Uint8Array;
  /** What each other field is expected to be, given the rates of the present row. */
  readonly #guess: Int32Array;
  #base: Int32Array;
  #baseAt = 0;

  constructor(schema: RowSchema, tables?: RowTables) {
    const plan = new RowPlan(schema, tables);
    this.schema = schema;
    this.expected = new Int32Array(schema.stride);
    this.#base = this.expected;
    this.#vectors = plan.groups.map(
      ({ group, codesRates, codesPositions, habits }) =>
        new VectorBits(group, habits, codesRates, codesPositions),
    );
    this.#others = plan.fields.map(({ field, at, vector, habits }) => {
      const axes = plan.groups[vector]?.group.axes ?? [];
      const layout = { field, at } as FieldLayout;
      return {
        bits: fieldBits(layout),
        x: (axes[0] as Axis | undefined)?.rateAt ?? -1,
        y: (axes[1] as Axis | undefined)?.rateAt ?? -1,
        points: habits.points,
      };
    });
    this.#indexBits = bitsFor(this.#others.length - 1);
    this.#changed = new Uint8Array(this.#others.length);
    this.#guess = new Int32Array(this.#others.length);
    this.#sent = Int32Array.from(
      schema.fields
        .filter(({ field }) => !field.local)
        .flatMap(({ at, field }) => Array.from({ length: field.words }, (_, i) => at + i)),
    );
    // A rate that follows a rate itself does not stay: what follows it would be expected elsewhere step by step than in one go.
    const moving = new Set(schema.fields.filter(({ followsAt }) => followsAt >= 0).map(({ at }) => at));
    this.#follows = schema.fields.filter(({ followsAt }) => followsAt >= 0 && !moving.has(followsAt));
    const followers = new Set(this.#follows.map(({ at }) => at));
    this.#still = this.#sent.filter((word) => !followers.has(word));
  }

  /** Computes the row that both sides expect `ticks` after the base. One shared expression: keep it that way. */
  expect(base: Int32Array, at: number, ticks: number): Int32Array {
    const { expected } = this;
    for (let i = 0; i < expected.length; i++) expected[i] = base[at + i] ?? 0;
    this.#base = base;
    this.#baseAt = at;
    const vectors = this.#vectors;
    for (let i = 0; i < vectors.length; i++) (vectors[i] as VectorBits).open(base, at, ticks);
    if (ticks === 0) return expected;
    const follows = this.#follows;
    for (let i = 0; i < follows.length; i++) {
      const layout = follows[i] as FieldLayout;
      expected[layout.at] = moved(layout, base, at, ticks);
    }
    return expected;
  }

  /**
   * Whether a row is, in every sent field, what is expected `ticks` after the base: `expect` and `matches` in one, for rows of which
   * most hold. What was last expected stays as it is.
   */
  holds(base: Int32Array, at: number, ticks: number, row: Int32Array, rowAt: number): boolean {
    const still = this.#still;
    for (let i = 0; i < still.length; i++) {
      const word = still[i] as number;
      if (row[rowAt + word] !== base[at + word]) return false;
    }
    const follows = this.#follows;
    for (let i = 0; i < follows.length; i++) {
      const layout = follows[i] as FieldLayout;
      if (row[rowAt + layout.at] !== moved(layout, base, at, ticks)) return false;
    }
    return true;
  }

  /** Moves a copy of the base on to what is expected `ticks` after it. */
  advance(row: Int32Array, at: number, ticks: number): void {
    const follows = this.#follows;
    for (let i = 0; i < follows.length; i++) {
      const layout = follows[i] as FieldLayout;
      if (row[at + layout.followsAt] !== 0) row[at + layout.at] = moved(layout, row, at, ticks);
    }
  }

  /** Whether a row is in every sent field as last expected. */
  matches(row: Int32Array, at: number): boolean {
    const expected = this.expected;
    const sent = this.#sent;
    for (let i = 0; i < sent.length; i++) {
      const word = sent[i] ?? 0;
      if (row[at + word] !== expected[word]) return false;
    }
    return true;
  }

  /** Writes a row against the expected one. */
  write(w: BitWriter, row: Int32Array, at: number, tick: number): void {
    const others = this.#others;
    const changed = this.#changed;
    const guess = this.#guess;
    let count = 0;
    for (let i = 0; i < others.length; i++) {
      const other = others[i] as Other;
      guess[i] = this.#expectedOther(other, row, at);
      if (this.#differs(other.bits, row, at, guess[i] ?? 0)) changed[count++] = i;
    }
    this.#writeMask(w, count);
    const vectors = this.#vectors;
    for (let i = 0; i < vectors.length; i++) (vectors[i] as VectorBits).write(w, row, at);
    for (let k = 0; k < count; k++) {
      const i = changed[k] ?? 0;
      const { bits } = others[i] as Other;
      writeValue(w, bits, row, at + bits.at, guess[i] ?? 0, tick);
    }
  }

  /** Reads a row into `row` at `at`. Anything malformed fails the reader; whether anything changed at all is for the caller to ask. */
  read(r: BitReader, row: Int32Array, at: number, tick: number): void {
    const { expected } = this;
    for (let i = 3; i < expected.length; i++) row[at + i] = expected[i] ?? 0;
    const count = this.#readMask(r);
    const vectors = this.#vectors;
    for (let i = 0; i < vectors.length && !r.failed; i++) (vectors[i] as VectorBits).read(r, row, at);
    if (r.failed) return;
    const others = this.#others;
    let k = 0;
    for (let i = 0; i < others.length; i++) {
      const other = others[i] as Other;
      const { bits } = other;
      const guess = this.#expectedOther(other, row, at);
      if (k >= count || this.#changed[k] !== i) {
        if (bits.field.words === 1) row[at + bits.at] = guess;
        continue;
      }
      k++;
      readValue(r, bits, row, at + bits.at, guess, tick);
      if (r.failed) return;
      if (bits.field.words > 1 && !this.#differs(bits, row, at, 0)) r.fail();
    }
  }

  #writeMask(w: BitWriter, count: number): void {
    const changed = this.#changed;
    const size = this.#others.length;
    if (this.#vectors.length > 0) {
      w.write(count > 0 ? 1 : 0, 1);
      if (count === 0) return;
    }
    w.write(count === 1 ? 0 : 1, 1);
    if (count === 1) {
      w.write(changed[0] ?? 0, this.#indexBits);
      return;
    }
    let k = 0;
    for (let i = 0; i < size; i++) {
      const set = k < count && changed[k] === i ? 1 : 0;
      k += set;
      w.write(set, 1);
    }
  }

  /** Fills `#changed` and gives how many there are. */
  #readMask(r: BitReader): number {
    const changed = this.#changed;
    const size = this.#others.length;
    const vectors = this.#vectors.length > 0;
    if (vectors && r.read(1) === 0) return 0;
    if (r.read(1) === 0) {
      changed[0] = r.read(this.#indexBits);
      if ((changed[0] ?? 0) >= size) r.fail();
      return 1;
    }
    let count = 0;
    for (let i = 0; i < size; i++) if (r.read(1) === 1) changed[count++] = i;
    if (count === 1 || (vectors && count === 0)) r.fail();
    return count;
  }

  /** The word that a field is expected to have once the rates of the row are known. */
  #expectedOther({ bits, x, y, points }: Other, row: Int32Array, at: number): number {
    const old = this.expected[bits.at] ?? 0;
    if (x < 0) return old;
    const base = this.#base;
    const wasX = base[this.#baseAt + x] ?? 0;
    const wasY = base[this.#baseAt + y] ?? 0;
    const nowX = row[at + x] ?? 0;
    const nowY = row[at + y] ?? 0;
    if ((nowX === wasX && nowY === wasY) || (nowX === 0 && nowY === 0)) return old;
    const width = bits.field.bits;
    if (wasX === 0 && wasY === 0) return points ? headingOf(nowX, nowY, width) : old;
    const off = wrap((base[this.#baseAt + bits.at] ?? 0) - headingOf(wasX, wasY, width), width);
    return off <= 1 && off >= -1 ? headingOf(nowX, nowY, width) : old;
  }

  #differs({ at: word, field }: FieldBits, row: Int32Array, at: number, expected: number): boolean {
    if (field.words === 1) return row[at + word] !== expected;
    for (let i = word; i < word + field.words; i++) if (row[at + i] !== this.expected[i]) return true;
    return false;
  }
}

/** Where a field is expected to have moved: whole grid steps per tick, rounded as a write in `step` rounds, so that straight motion is exact. */
export function moved(
  { field, at: word, followsAt, followsFactor }: FieldLayout,
  base: Int32Array,
  at: number,
  ticks: number,
): number {
  const from = base[at + word] as number;
  const rate = base[at + followsAt] as number;
  if (rate === 0) return from;
  const to = from + Math.floor(rate * followsFactor + 0.5) * ticks;
  if (field.kind === 'angle') return wrap(to, field.bits);
  return to < field.lo ? field.lo : to > field.hi ? field.hi : to;
}
