/**
 * One row on the wire, entropy coded against the row that both sides expect: the codec of small snapshots.
 *
 *     $cut   per vector: mode, rates, [time of the change], positions   other fields
 *
 * Expected is the base row, moved along by what it and an earlier row say of its motion. Rates come first; positions and headings are
 * then expected anew from rates that are known by then. Every decision is a bit with a static probability: by field, motion and age of
 * the base. Numbers are their surprise: zero or not, sign, size, and the digits below the leading one.
 *
 * A row has one code [W2]: where the encoder decides something for the decoder, it decides by a rule that the decoder checks.
 */

import { type BitCoder, BitCounter } from '../../wire/range.ts';
import { HEADER_WORDS, type RowSchema } from '../../wire/schema.ts';
import type { Axis } from './axes.ts';
import { wrap } from './bends.ts';
import { codeField, type Place } from './fieldcode.ts';
import { headingOf } from './heading.ts';
import { type Motion, REST, TURN, UNSURE } from './motion.ts';
import {
  ACTIVE,
  AGES,
  CAME_TO_REST,
  CODE_BINS,
  CUT,
  EXACT,
  type FieldPlan,
  NEW,
  NEW_KIND,
  POINTING,
  QUIET,
  ROUGH_AGES,
  type RowModel,
  SET_OFF,
  STARTED,
  STOPPED,
  SUDDEN,
  UNKNOWN,
} from './tables.ts';
import { VectorCode } from './vectorcode.ts';

export class SmallRowCodec {
  readonly schema: RowSchema;
  /** The expected row of the last `expect`. */
  readonly expected: Int32Array;
  readonly #model: RowModel;
  readonly #odds: Uint16Array;
  readonly #vectors: readonly VectorCode[];
  /** Row words that are sent. */
  readonly #sent: Int32Array;
  /** What each field did before, by place in the plan: QUIET, ACTIVE, UNKNOWN or one of the heading states. */
  #states: Uint8Array;
  readonly #liveStates: Uint8Array;
  /** What `#states` is while nothing moves. */
  readonly #restStates: Uint8Array;
  /** Row words of all rates. */
  readonly #rateWords: Int32Array;
  readonly #place: Place;
  readonly #counter = new BitCounter();
  #kind = REST;
  #age = 0;
  #roughAge = 0;
  #fresh = true;
  /** How the last vector's rates came out. */
  #mode = EXACT;

  constructor(model: RowModel) {
    const { plan } = model;
    this.schema = plan.schema;
    this.#model = model;
    this.#odds = model.odds;
    this.expected = new Int32Array(plan.schema.stride);
    this.#vectors = plan.groups.map((group) => new VectorCode(group, model.odds, this.expected));
    this.#liveStates = new Uint8Array(plan.fields.length);
    this.#states = this.#liveStates;
    this.#restStates = Uint8Array.from(plan.fields, ({ habits, vector }) =>
      habits.points && vector >= 0 ? SET_OFF : QUIET,
    );
    this.#rateWords = Int32Array.from(
      plan.groups.flatMap(({ group }) => group.axes.map(({ rateAt }) => rateAt)),
    );
    this.#sent = Int32Array.from(
      plan.schema.fields
        .filter(({ field }) => !field.local)
        .flatMap(({ at, field }) => Array.from({ length: field.words }, (_, i) => at + i)),
    );
    this.#place = { expected: this.expected, tick: 0, flag: 0, value: 0 };
  }

  /**
   * Expects the row `ticks` (1 or more) after the base. `before` is the same entity's row `beforeTicks` before the base, if both
   * sides hold one.
   */
  expect(
    base: Int32Array,
    at: number,
    ticks: number,
    before?: Int32Array,
    beforeAt = 0,
    beforeTicks = 0,
  ): Int32Array {
    const { expected } = this;
    const { fields } = this.#model.plan;
    const vectors = this.#vectors;
    const earlier = beforeTicks > 0 ? before : undefined;
    this.#fresh = false;
    this.#age = ageOf(ticks);
    this.#roughAge = roughAgeOf(ticks);
    for (let g = 0; g < vectors.length; g++)
      (vectors[g] as VectorCode).open(false, this.#age, this.#roughAge);
    if (this.#rests(base, at, earlier, beforeAt)) {
      for (let g = 0; g < vectors.length; g++) (vectors[g] as VectorCode).motion.rest(base, at, ticks);
      this.#states = this.#restStates;
      this.#kind = REST;
      return expected;
    }
    for (let g = 0; g < vectors.length; g++) {
      const { motion, plan } = vectors[g] as VectorCode;
      const { codesRates, codesPositions } = plan;
      motion.look(base, at, ticks, earlier, beforeAt, beforeTicks);
      if (motion.kind === REST && codesRates) continue;
      if (codesRates)
        for (let i = 0; i < motion.size; i++) expected[motion.rateAt[i] ?? 0] = motion.expectedRate[i] ?? 0;
      if (codesPositions) {
        motion.place(expected, 0);
        this.#takePositions(motion);
      }
    }
    this.#states = this.#liveStates;
    let active = false;
    for (let f = 0; f < fields.length; f++) {
      const field = fields[f] as FieldPlan;
      this.#states[f] = this.#look(field, base, at, ticks, earlier, beforeAt, beforeTicks);
      if (this.#states[f] === ACTIVE) active = true;
    }
    const first = vectors[0]?.motion;
    this.#kind =
      first !== undefined && first.kind !== REST
        ? first.kind
        : first === undefined && earlier === undefined
          ? UNSURE
          : active
            ? TURN
            : REST;
    return expected;
  }

  /** Copies the base row to the expected one. True when nothing in it moves and nothing has changed since the earlier row. */
  #rests(base: Int32Array, at: number, before: Int32Array | undefined, beforeAt: number): boolean {
    const { expected } = this;
    let change = before === undefined ? 1 : 0;
    for (let i = HEADER_WORDS; i < expected.length; i++) {
      const word = base[at + i] ?? 0;
      expected[i] = word;
      if (before !== undefined) change |= word ^ (before[beforeAt + i] ?? 0);
    }
    const rates = this.#rateWords;
    for (let i = 0; i < rates.length; i++) change |= expected[rates[i] ?? 0] ?? 0;
    return change === 0;
  }

  /** Expects a row that is new to the client: every field at its default. */
  expectNew(): Int32Array {
    this.expected.set(this.schema.empty);
    this.#fresh = true;
    this.#kind = NEW_KIND;
    this.#age = 0;
    this.#roughAge = 0;
    this.#states = this.#liveStates.fill(QUIET);
    for (const vector of this.#vectors) vector.open(true, 0, 0);
    return this.expected;
  }

  /** Whether a row is in every sent field as last expected. */
  matches(row: Int32Array, at: number): boolean {
    const { expected } = this;
    const sent = this.#sent;
    for (let i = 0; i < sent.length; i++) {
      const word = sent[i] ?? 0;
      if (row[at + word] !== expected[word]) return false;
    }
    return true;
  }

  /** Codes what happens to the row: 0 as expected, 1 changed, 2 moved to another list, 3 gone, 4 kept as held. */
  code(c: BitCoder, code: number): number {
    const at = this.#model.plan.code.at + (this.#kind * AGES + this.#age) * CODE_BINS;
    const odds = this.#odds;
    if (c.bit(code === 0 ? 0 : 1, odds[at] ?? 1) === 0) return 0;
    if (c.bit(code === 1 ? 0 : 1, odds[at + 1] ?? 1) === 0) return 1;
    if (c.bit(code === 4 ? 1 : 0, odds[at + 2] ?? 1) === 1) return 4;
    return 2 + c.bit(code === 3 ? 1 : 0, odds[at + 3] ?? 1);
  }

  /**
   * Codes a row that is not as expected: a writing coder takes it from `row` at `at`, a reading one puts it there. The header words
   * stay as they are. Reading fails on anything that was not written this way, so also on a row that is as expected after all;
   * only a new row may be.
   */
  row(c: BitCoder, row: Int32Array, at: number, tick: number): void {
    const { fields } = this.#model.plan;
    const vectors = this.#vectors;
    const place = this.#place;
    place.tick = tick;
    if (!c.writing) this.#copyLocals(row, at);
    this.#mode = this.#fresh ? NEW : EXACT;
    const cut = this.#field(c, 0, row, at);
    if (cut && !this.#fresh) this.#mode = CUT;
    for (let g = 0; g < vectors.length; g++) {
      const vector = vectors[g] as VectorCode;
      const mode = vector.code(c, row, at, this.#mode === CUT);
      if (g > 0 || this.#mode === CUT) continue;
      this.#mode = mode === SUDDEN && vector.motion.kind === REST ? STARTED : mode;
    }
    for (let f = 1; f < fields.length && !c.failed; f++) this.#field(c, f, row, at);
    if (!c.writing && !this.#fresh && this.matches(row, at)) c.fail();
  }

  /** Bits that the code 1 and a row would take, without writing them. Exact but for the coder's rounding. */
  estimateBits(row: Int32Array, at: number, tick: number): number {
    const counter = this.#counter;
    counter.cost = 0;
    if (!this.#fresh) this.code(counter, 1);
    this.row(counter, row, at, tick);
    return Math.ceil(counter.cost);
  }

  #copyLocals(row: Int32Array, at: number): void {
    for (const { field, at: word } of this.schema.fields)
      if (field.local) for (let i = word; i < word + field.words; i++) row[at + i] = this.expected[i] ?? 0;
  }

  #takePositions(motion: Motion): void {
    for (let i = 0; i < motion.size; i++) this.expected[motion.at[i] ?? 0] = motion.expectedPosition[i] ?? 0;
  }

  /** Finds a field's state, and moves its expected value along if it drifts or points somewhere. */
  #look(
    { field, at: word, habits, vector }: FieldPlan,
    base: Int32Array,
    at: number,
    ticks: number,
    before: Int32Array | undefined,
    beforeAt: number,
    beforeTicks: number,
  ): number {
    const now = base[at + word] ?? 0;
    if (vector >= 0) {
      const { motion } = this.#vectors[vector] as VectorCode;
      const x = motion.rate[0] ?? 0;
      const y = motion.rate[1] ?? 0;
      if (x !== 0 || y !== 0) {
        const off = wrap(now - headingOf(x, y, field.bits), field.bits);
        if (off <= 1 && off >= -1) {
          if (motion.kind === TURN)
            this.expected[word] = headingOf(
              motion.expectedRate[0] ?? 0,
              motion.expectedRate[1] ?? 0,
              field.bits,
            );
          return POINTING;
        }
      } else if (habits.points) return SET_OFF;
    }
    if (before === undefined) return UNKNOWN;
    const was = before[beforeAt + word] ?? 0;
    let differs = now !== was;
    for (let i = 1; i < field.words && !differs; i++)
      differs = base[at + word + i] !== before[beforeAt + word + i];
    if (!differs) return QUIET;
    if (habits.drifts) {
      const turns = field.kind === 'angle';
      const change = turns ? wrap(now - was, field.bits) : now - was;
      const next = now + Math.floor((change * ticks) / beforeTicks + 0.5);
      this.expected[word] = turns
        ? wrap(next, field.bits)
        : next < field.lo
          ? field.lo
          : next > field.hi
            ? field.hi
            : next;
    }
    return ACTIVE;
  }

  /** A field outside of vectors. Gives whether it changed. */
  #field(c: BitCoder, f: number, row: Int32Array, at: number): boolean {
    const field = this.#model.plan.fields[f] as FieldPlan;
    const place = this.#place;
    let state = this.#states[f] ?? QUIET;
    let expected = this.expected[field.at] ?? 0;
    if (state >= POINTING) {
      const { motion } = this.#vectors[field.vector] as VectorCode;
      const { axes } = motion.group;
      const x = row[at + (axes[0] as Axis).rateAt] ?? 0;
      const y = row[at + (axes[1] as Axis).rateAt] ?? 0;
      if (x !== 0 || y !== 0) {
        if (x !== this.expected[(axes[0] as Axis).rateAt] || y !== this.expected[(axes[1] as Axis).rateAt])
          expected = headingOf(x, y, field.field.bits);
      } else if (state === POINTING) {
        state = CAME_TO_REST;
        if (this.#mode === STOPPED && field.vector === 0)
          expected = headingOf(motion.lastRate(0), motion.lastRate(1), field.field.bits);
      }
    }
    const states = field.vector >= 0 || field.field.kind === 'angle' ? 6 : 3;
    place.flag = (this.#mode * states + state) * ROUGH_AGES + this.#roughAge;
    place.value = field.habits.whole
      ? this.#mode
      : (this.#fresh ? 3 : state > UNKNOWN ? UNKNOWN : state) * ROUGH_AGES + this.#roughAge;
    return codeField(c, this.#odds, field, row, at, expected, place);
  }
}

/** Ages 1, 2, 3, 4, 5, 6, 7-8, 9-11, 12-16, more. */
function ageOf(ticks: number): number {
  if (ticks <= 6) return ticks < 1 ? 0 : ticks - 1;
  return ticks <= 8 ? 6 : ticks <= 11 ? 7 : ticks <= 16 ? 8 : 9;
}

function roughAgeOf(ticks: number): number {
  return ticks <= 2 ? 0 : ticks <= 4 ? 1 : ticks <= 8 ? 2 : 3;
}
