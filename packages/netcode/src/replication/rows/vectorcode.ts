/** One vector of a small row: rates first, then positions that are expected anew from them. */

import type { BitCoder } from '../../wire/range.ts';
import type { Axis } from './axes.ts';
import { wrap } from './bends.ts';
import { CHANGE, Motion, REST, TURN } from './motion.ts';
import { codeSurprise } from './surprise.ts';
import {
  AGES,
  AXES,
  EXACT,
  type GroupPlan,
  NEW,
  NEW_KIND,
  ROUGH_AGES,
  SMOOTH,
  STOPPED,
  SUDDEN,
} from './tables.ts';

/** Rates that miss by more than this share of their range count as sudden when the positions do not say otherwise. */
const SUDDEN_SHARE = 1 / 32;

/** A sudden change must explain the positions better than a smooth one by this many steps. */
const SUDDEN_STEPS = 4;

export class VectorCode {
  readonly plan: GroupPlan;
  readonly motion: Motion;
  readonly #odds: Uint16Array;
  readonly #expected: Int32Array;
  #fresh = false;
  #age = 0;
  #roughAge = 0;
  /** When the rates changed suddenly, counted back from the end. */
  #since = 1;

  /** `expected` is the expected row, which the caller fills. */
  constructor(plan: GroupPlan, odds: Uint16Array, expected: Int32Array) {
    this.plan = plan;
    this.motion = new Motion(plan.group, plan.habits);
    this.#odds = odds;
    this.#expected = expected;
  }

  /** Sets the contexts of the next row: whether it is new, and the classes of its age. */
  open(fresh: boolean, age: number, roughAge: number): void {
    this.#fresh = fresh;
    this.#age = age;
    this.#roughAge = roughAge;
  }

  /** Codes rates and positions of `row` at `at`. Gives the mode. After a cut, positions are not where the rates lead. */
  code(c: BitCoder, row: Int32Array, at: number, cut: boolean): number {
    const { plan } = this;
    const mode = this.#fresh ? NEW : plan.codesRates ? this.#rateMode(c, row, at) : SMOOTH;
    if (plan.codesRates) this.#rates(c, mode, row, at);
    if (plan.codesPositions) this.#positions(c, mode, cut, row, at);
    else if (plan.codesRates && !c.writing && !this.#fresh && mode !== this.#modeOf(row, at)) c.fail();
    return mode;
  }

  #rateMode(c: BitCoder, row: Int32Array, at: number): number {
    const { plan, motion } = this;
    const odds = this.#odds;
    const mode = c.writing ? this.#modeOf(row, at) : EXACT;
    const place = plan.mode.at + (motion.kind * AGES + this.#age) * plan.mode.bins;
    if (c.bit(mode === EXACT ? 0 : 1, odds[place] ?? 1) === 0) return EXACT;
    if (canStop(plan, motion) && c.bit(mode === STOPPED ? 1 : 0, odds[place + 1] ?? 1) === 1) return STOPPED;
    return c.bit(mode === SUDDEN ? 1 : 0, odds[place + 2] ?? 1) === 1 ? SUDDEN : SMOOTH;
  }

  /** The rule by which the encoder chooses, and the decoder checks, how the rates are coded. */
  #modeOf(row: Int32Array, at: number): number {
    const { plan, motion } = this;
    const { axes } = plan.group;
    let off = 0;
    let end = 0;
    let far = false;
    for (let i = 0; i < axes.length; i++) {
      const { rateAt, rate } = axes[i] as Axis;
      const value = row[at + rateAt] ?? 0;
      const miss = value - (this.#expected[rateAt] ?? 0);
      off |= miss;
      end |= value;
      const limit = (rate.hi - rate.lo) * SUDDEN_SHARE;
      if (miss > limit || miss < -limit) far = true;
    }
    if (off === 0) return EXACT;
    const stopped = end === 0 && canStop(plan, motion);
    if (!plan.codesPositions) return stopped ? STOPPED : far ? SUDDEN : SMOOTH;
    let smooth = 0;
    if (!stopped) {
      motion.place(row, at);
      smooth = motion.miss(row, at);
      if (smooth <= SUDDEN_STEPS && !(far && motion.ticks === 1)) return SMOOTH;
    }
    this.#since = motion.findTime(row, at);
    if (stopped) return STOPPED;
    const sudden = motion.miss(row, at);
    if (sudden + SUDDEN_STEPS < smooth || (far && sudden <= smooth + SUDDEN_STEPS)) return SUDDEN;
    motion.place(row, at);
    return SMOOTH;
  }

  #rates(c: BitCoder, mode: number, row: Int32Array, at: number): void {
    const { plan, motion } = this;
    const { axes } = plan.group;
    const expected = this.#expected;
    if (mode === EXACT || mode === STOPPED) {
      if (!c.writing)
        for (const { rateAt } of axes) row[at + rateAt] = mode === EXACT ? (expected[rateAt] ?? 0) : 0;
      return;
    }
    const sudden = mode === SUDDEN;
    const section = sudden ? plan.suddenRate : plan.rate;
    const context = sudden
      ? motion.kind === REST
        ? 0
        : 1
      : (this.#fresh ? NEW_KIND : motion.kind) * ROUGH_AGES + this.#reach();
    // The slower axis first: with the speed kept, it says what the other one is.
    const swap =
      axes.length === 2 &&
      !this.#fresh &&
      Math.abs(motion.expectedRate[0] ?? 0) > Math.abs(motion.expectedRate[1] ?? 0);
    let neighbour = 0;
    for (let i = 0; i < axes.length; i++) {
      const { rateAt, rate } = axes[swap ? 1 - i : i] as Axis;
      let guess = expected[rateAt] ?? 0;
      if (i === 1 && axes.length === 2 && mode === SMOOTH && neighbour === 2)
        guess = this.#keepSpeed(swap ? 0 : 1, row[at + (axes[swap ? 1 : 0] as Axis).rateAt] ?? 0);
      const from = section.at + (context * AXES + neighbour) * section.bins;
      const off = codeSurprise(c, this.#odds, from, section.bins - 2, (row[at + rateAt] ?? 0) - guess);
      this.#put(c, row, at + rateAt, guess + off, rate.lo, rate.hi);
      neighbour = off === 0 ? 1 : 2;
    }
  }

  /** The rate of one axis that keeps the speed of the base when the other axis is known. */
  #keepSpeed(i: number, other: number): number {
    const { motion } = this;
    const x = motion.rate[0] ?? 0;
    const y = motion.rate[1] ?? 0;
    const left = x * x + y * y - other * other;
    const guess = motion.expectedRate[i] ?? 0;
    const size = left <= 0 ? 0 : Math.floor(Math.sqrt(left) + 0.5) | 0;
    return guess < 0 ? (0 - size) | 0 : size;
  }

  /** How far ahead the expectation reaches: against the rows that a bend was seen between, or in ticks. */
  #reach(): number {
    const { motion } = this;
    if (this.#fresh) return 0;
    if (motion.kind !== TURN && motion.kind !== CHANGE) return this.#roughAge;
    const share = motion.ticks / motion.earlier;
    return share <= 0.5 ? 0 : share <= 1 ? 1 : share <= 2 ? 2 : 3;
  }

  #positions(c: BitCoder, mode: number, cut: boolean, row: Int32Array, at: number): void {
    const { plan, motion } = this;
    const { axes, wraps } = plan.group;
    const jump = mode === STOPPED || mode === SUDDEN;
    let since = 0;
    if (this.#fresh || mode === EXACT) {
      for (let i = 0; i < axes.length; i++)
        motion.expectedPosition[i] = this.#expected[(axes[i] as Axis).at] ?? 0;
    } else if (jump) {
      since = 1 + c.uniform(this.#since - 1, motion.suddenTimes);
      if (!c.writing) {
        motion.lookSudden(row, at);
        motion.placeSudden(since);
      }
    } else if (!c.writing || !plan.codesRates) motion.place(row, at);
    const section = jump || cut ? plan.suddenPosition : plan.position;
    const context =
      jump || cut
        ? cut
          ? 3
          : mode === STOPPED
            ? 0
            : motion.kind === REST
              ? 1
              : 2
        : ((mode === EXACT ? 0 : 1) * (NEW_KIND + 1) + (this.#fresh ? NEW_KIND : motion.kind)) * ROUGH_AGES +
          this.#roughAge;
    let neighbour = 0;
    for (let i = 0; i < axes.length; i++) {
      const { at: word, position } = axes[i] as Axis;
      const guess = motion.expectedPosition[i] ?? 0;
      const from = section.at + (context * AXES + neighbour) * section.bins;
      const value = row[at + word] ?? 0;
      const difference = wraps ? wrap(value - guess, position.bits) : value - guess;
      const off = codeSurprise(c, this.#odds, from, section.bins - 2, difference);
      if (wraps && wrap(off, position.bits) !== off) c.fail();
      const coded = wraps ? wrap(guess + off, position.bits) : guess + off;
      this.#put(c, row, at + word, coded, position.lo, position.hi);
      neighbour = off === 0 ? 1 : 2;
    }
    if (c.writing || c.failed || this.#fresh || !plan.codesRates) return;
    if (mode !== this.#modeOf(row, at) || (jump && since !== this.#since)) c.fail();
  }

  #put(c: BitCoder, row: Int32Array, word: number, value: number, lo: number, hi: number): void {
    if (c.writing) return;
    if (value >= lo && value <= hi) row[word] = value;
    else c.fail();
  }
}

/** A vector that rests does not stop; nor does one whose rates may not be zero. */
function canStop({ stops }: GroupPlan, motion: Motion): boolean {
  return stops && motion.kind !== REST;
}
