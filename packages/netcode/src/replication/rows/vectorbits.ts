/**
 * A vector of positions and rates on the wire, bit-packed: rates first, then positions, which are expected anew from old and new rates.
 *
 *     rates      00                     as at the base
 *                01 size(1) a b(2)      turned: the slower axis, then what keeps the speed on the other; or, not of two axes, near
 *                100                    stopped: all zero
 *                101 values             far: each rate itself
 *                110 n of 1/3 bits      near: differences from the base
 *                111 n of 2/3 bits      not so near
 *                                       of three axes: after the kind 3 bits, and values only for those that changed
 *     time                              after 100 and 101, if the base is older than a tick: when the rates changed
 *     positions  0 n of 2 bits          surprises -2..1
 *                10 n of 4 bits
 *                110, 1110, 11110       a quarter, a half, three quarters of the way from 4 bits to the whole field
 *                11111 values
 *
 * Of the kinds that can say it, the first in the order of `kindOf` is the only one that may [W2]; so is the time nearest to what the
 * positions say. The arithmetic is shared with the decoder: only + - * / floor and square roots.
 */

import type { BitReader, BitWriter } from '../../wire/bits.ts';
import { bitsFor } from '../../wire/fields.ts';
import type { Axis, AxisGroup } from './axes.ts';
import { bendOf, wrap } from './bends.ts';
import type { MotionHabits } from './motion.ts';

const SAME = 0;
const TURNED = 1;
const STOPPED = 2;
const FAR = 3;
const NEAR = 4;
const WIDE = 5;

/** Codes of the kinds, first bit lowest, and their bits. */
const KIND_CODE = [0b00, 0b10, 0b001, 0b101, 0b011, 0b111];
const KIND_BITS = [2, 2, 3, 3, 3, 3];

/** A mask in which every axis is set. */
const ALL = 7;

/** Classes of position surprises; what none of them holds is sent whole. */
const CLASSES = 5;

/** Times at which rates may have changed. */
const TIMES = 16;

export class VectorBits {
  readonly size: number;
  readonly #group: AxisGroup;
  readonly #habits: MotionHabits;
  readonly #at: Int32Array;
  readonly #rateAt: Int32Array;
  readonly #codesRates: boolean;
  readonly #codesPositions: boolean;
  readonly #stops: boolean;
  readonly #near: number;
  readonly #middle: number;
  readonly #wide: number;
  readonly #turnShort: number;
  readonly #turnLong: number;
  /** Widths of the position classes but the last. */
  readonly #widths: Int32Array;
  /** First surprise that each does not hold. */
  readonly #nearLimit: number;
  readonly #middleLimit: number;
  readonly #wideLimit: number;
  readonly #shortLimit: number;
  readonly #longLimit: number;
  readonly #limits: Float64Array;
  readonly #guess = new Int32Array(3);
  readonly #move = new Float64Array(3);
  #base: Int32Array = this.#guess;
  #baseAt = 0;
  #ticks = 0;
  /** Found by `#turn`: the surprise of each axis. */
  #turnFirst = 0;
  #turnSecond = 0;

  constructor(group: AxisGroup, habits: MotionHabits, codesRates: boolean, codesPositions: boolean) {
    const { axes } = group;
    this.size = axes.length;
    this.#group = group;
    this.#habits = habits;
    this.#at = Int32Array.from(axes, ({ at }) => at);
    this.#rateAt = Int32Array.from(axes, ({ rateAt }) => rateAt);
    this.#codesRates = codesRates;
    this.#codesPositions = codesPositions;
    this.#stops = axes.every(({ rate }) => rate.lo <= 0 && rate.hi >= 0);
    const rate = Math.max(...axes.map((axis) => axis.rate.bits));
    this.#near = Math.max(2, Math.ceil(rate / 3));
    this.#middle = Math.max(2, Math.ceil(rate / 2));
    this.#wide = Math.max(2, Math.ceil((rate * 2) / 3));
    this.#turnShort = Math.max(2, Math.ceil(rate * 0.55));
    this.#turnLong = Math.max(2, Math.ceil(rate * 0.8));
    this.#nearLimit = 2 ** (this.#near - 1);
    this.#middleLimit = 2 ** (this.#middle - 1);
    this.#wideLimit = 2 ** (this.#wide - 1);
    this.#shortLimit = 2 ** (this.#turnShort - 1);
    this.#longLimit = 2 ** (this.#turnLong - 1);
    const position = Math.max(...axes.map((axis) => axis.position.bits));
    // The first two for what is nearly as expected, the others evenly up to the whole field.
    const part = Math.max(1, (position - 4) / 4);
    this.#widths = Int32Array.of(2, 4, Math.ceil(4 + part), Math.ceil(4 + 2 * part), Math.ceil(4 + 3 * part));
    this.#limits = Float64Array.from(this.#widths, (width) => 2 ** (width - 1));
  }

  /** Takes the base row that `write` and `read` start from. */
  open(base: Int32Array, at: number, ticks: number): void {
    this.#base = base;
    this.#baseAt = at;
    this.#ticks = ticks;
  }

  write(w: BitWriter, row: Int32Array, at: number): void {
    const kind = this.#kindOf(row, at);
    if (this.#codesRates) this.#writeRates(w, kind, row, at);
    if (!this.#codesPositions) return;
    const timed = kind === STOPPED || kind === FAR;
    if (timed && this.#ticks > 1) {
      const since = this.#since(row, at);
      w.write(since - 1, bitsFor(this.#times - 1));
      this.#placeTimed(since, row, at);
    } else this.#place(kind, row, at);
    this.#writePositions(w, row, at);
  }

  read(r: BitReader, row: Int32Array, at: number): void {
    const kind = this.#codesRates ? this.#readRates(r, row, at) : this.#kindOf(row, at);
    if (r.failed || !this.#codesPositions) return;
    const timed = (kind === STOPPED || kind === FAR) && this.#ticks > 1;
    let since = 0;
    if (timed) {
      since = 1 + r.read(bitsFor(this.#times - 1));
      this.#placeTimed(since, row, at);
    } else this.#place(kind, row, at);
    this.#readPositions(r, row, at);
    if (timed && !r.failed && since !== this.#since(row, at)) r.fail();
  }

  /** What became of the rates. */
  #kindOf(row: Int32Array, at: number): number {
    const base = this.#base;
    const baseAt = this.#baseAt;
    const rateAt = this.#rateAt;
    let change = 0;
    let end = 0;
    let start = 0;
    let most = 0;
    for (let i = 0; i < this.size; i++) {
      const word = rateAt[i] ?? 0;
      const was = base[baseAt + word] ?? 0;
      const now = row[at + word] ?? 0;
      const off = now - was;
      change |= off;
      end |= now;
      start |= was;
      const size = off < 0 ? -off - 1 : off;
      if (size > most) most = size;
    }
    if (change === 0) return SAME;
    if (end === 0 && start !== 0 && this.#stops) return STOPPED;
    if (most < this.#nearLimit) return NEAR;
    if (this.size !== 2) {
      if (most < this.#middleLimit) return TURNED;
    } else if (start !== 0 && this.#turn(row, at)) return TURNED;
    return most < this.#wideLimit ? WIDE : FAR;
  }

  /** Whether the speed was kept and the slower axis changed little enough. Leaves the surprises. */
  #turn(row: Int32Array, at: number): boolean {
    const slow = this.#slowAxis();
    const first = this.#rateAt[slow] ?? 0;
    const second = this.#rateAt[1 - slow] ?? 0;
    const a = row[at + first] ?? 0;
    this.#turnFirst = a - (this.#base[this.#baseAt + first] ?? 0);
    const limit = this.#longLimit;
    if (this.#turnFirst >= limit || this.#turnFirst < -limit) return false;
    this.#turnSecond = (row[at + second] ?? 0) - this.#keepSpeed(slow, a);
    return this.#turnSecond >= -2 && this.#turnSecond <= 1;
  }

  #slowAxis(): number {
    const x = this.#base[this.#baseAt + (this.#rateAt[0] ?? 0)] ?? 0;
    const y = this.#base[this.#baseAt + (this.#rateAt[1] ?? 0)] ?? 0;
    return (x < 0 ? -x : x) > (y < 0 ? -y : y) ? 1 : 0;
  }

  /** The rate of the faster axis that keeps the speed of the base. */
  #keepSpeed(slow: number, a: number): number {
    const x = this.#base[this.#baseAt + (this.#rateAt[0] ?? 0)] ?? 0;
    const y = this.#base[this.#baseAt + (this.#rateAt[1] ?? 0)] ?? 0;
    const left = x * x + y * y - a * a;
    const size = left <= 0 ? 0 : Math.floor(Math.sqrt(left) + 0.5);
    return (slow === 0 ? y : x) < 0 ? -size : size;
  }

  #widthOf(kind: number): number {
    return kind === NEAR ? this.#near : kind === WIDE ? this.#wide : this.#middle;
  }

  #writeRates(w: BitWriter, kind: number, row: Int32Array, at: number): void {
    w.write(KIND_CODE[kind] ?? 0, KIND_BITS[kind] ?? 0);
    if (kind === SAME || kind === STOPPED) return;
    if (kind === TURNED && this.size === 2) {
      const half = this.#shortLimit;
      const long = this.#turnFirst >= half || this.#turnFirst < -half ? 1 : 0;
      w.write(long, 1);
      w.write(this.#turnFirst, long === 1 ? this.#turnLong : this.#turnShort);
      w.write(this.#turnSecond, 2);
      return;
    }
    const width = this.#widthOf(kind);
    const mask = this.size > 2 ? this.#changedAxes(row, at) : ALL;
    if (this.size > 2) w.write(mask, this.size);
    for (let i = 0; i < this.size; i++) {
      if (((mask >> i) & 1) === 0) continue;
      const word = this.#rateAt[i] ?? 0;
      const now = row[at + word] ?? 0;
      if (kind === FAR) {
        const { rate } = this.#group.axes[i] as Axis;
        w.write(now - rate.lo, rate.bits);
      } else w.write(now - (this.#base[this.#baseAt + word] ?? 0), width);
    }
  }

  /** One bit per axis. */
  #changedAxes(row: Int32Array, at: number): number {
    let mask = 0;
    for (let i = 0; i < this.size; i++) {
      const word = this.#rateAt[i] ?? 0;
      if (row[at + word] !== this.#base[this.#baseAt + word]) mask |= 1 << i;
    }
    return mask;
  }

  #readRates(r: BitReader, row: Int32Array, at: number): number {
    let kind = r.read(1) === 0 ? r.read(1) : STOPPED + r.read(1) * 2;
    if (kind >= STOPPED) kind += r.read(1);
    const { axes } = this.#group;
    const base = this.#base;
    const baseAt = this.#baseAt;
    if (kind === TURNED && this.size === 2) {
      const slow = this.#slowAxis();
      const first = this.#rateAt[slow] ?? 0;
      const long = r.read(1) === 1;
      const off = signed(r, long ? this.#turnLong : this.#turnShort);
      const half = this.#shortLimit;
      if (long && off < half && off >= -half) r.fail();
      row[at + first] = (base[baseAt + first] ?? 0) + off;
      row[at + (this.#rateAt[1 - slow] ?? 0)] = this.#keepSpeed(slow, row[at + first] ?? 0) + signed(r, 2);
    } else {
      const width = this.#widthOf(kind);
      const valued = kind !== SAME && kind !== STOPPED;
      const mask = valued && this.size > 2 ? r.read(this.size) : ALL;
      for (let i = 0; i < this.size; i++) {
        const word = this.#rateAt[i] ?? 0;
        const { rate } = axes[i] as Axis;
        const was = base[baseAt + word] ?? 0;
        row[at + word] =
          kind === SAME || ((mask >> i) & 1) === 0
            ? was
            : kind === STOPPED
              ? 0
              : kind === FAR
                ? r.read(rate.bits) + rate.lo
                : was + signed(r, width);
      }
      if (valued && this.size > 2 && mask !== this.#changedAxes(row, at)) r.fail();
    }
    for (let i = 0; i < this.size; i++) {
      const { rate, rateAt } = axes[i] as Axis;
      const now = row[at + rateAt] ?? 0;
      if (now < rate.lo || now > rate.hi) r.fail();
    }
    if (!r.failed && this.#kindOf(row, at) !== kind) r.fail();
    return kind;
  }

  /** Expects positions of a motion that went from old to new rates smoothly. */
  #place(kind: number, row: Int32Array, at: number): void {
    const { factor } = this.#group;
    const { phase, perTick } = this.#habits;
    const base = this.#base;
    const baseAt = this.#baseAt;
    const ticks = this.#ticks;
    const bend = kind === TURNED && this.size === 2 && ticks > 1 ? this.#bend(row, at) : 1;
    for (let i = 0; i < this.size; i++) {
      const word = this.#rateAt[i] ?? 0;
      const was = base[baseAt + word] ?? 0;
      const now = row[at + word] ?? 0;
      const move =
        kind === SAME && perTick
          ? Math.floor(was * factor + 0.5) * ticks
          : factor * (ticks * bend * (was + now) * 0.5 + phase * (now - was));
      this.#move[i] = ticks === 0 ? 0 : move;
    }
    this.#settle();
  }

  #bend(row: Int32Array, at: number): number {
    const ax = this.#rateAt[0] ?? 0;
    const ay = this.#rateAt[1] ?? 0;
    const x = this.#base[this.#baseAt + ax] ?? 0;
    const y = this.#base[this.#baseAt + ay] ?? 0;
    const nx = row[at + ax] ?? 0;
    const ny = row[at + ay] ?? 0;
    const dot = x * nx + y * ny;
    return dot > 0 ? bendOf(nx * nx + ny * ny, x * x + y * y, dot, this.#ticks) : 1;
  }

  get #times(): number {
    return this.#ticks < TIMES ? this.#ticks : TIMES;
  }

  /** Expects positions for rates that changed at one of the times, counted back from the end. */
  #placeTimed(since: number, row: Int32Array, at: number): void {
    const { factor } = this.#group;
    const then = (since * this.#ticks) / this.#times;
    const before = this.#ticks - then;
    for (let i = 0; i < this.size; i++) {
      const word = this.#rateAt[i] ?? 0;
      this.#move[i] =
        factor * ((this.#base[this.#baseAt + word] ?? 0) * before + (row[at + word] ?? 0) * then);
    }
    this.#settle();
  }

  /** The time at which the rates seem to have changed, from where the positions are between the two straight ways. */
  #since(row: Int32Array, at: number): number {
    const { factor } = this.#group;
    const base = this.#base;
    const baseAt = this.#baseAt;
    let along = 0;
    let whole = 0;
    for (let i = 0; i < this.size; i++) {
      const word = this.#rateAt[i] ?? 0;
      const place = this.#at[i] ?? 0;
      const was = (base[baseAt + word] ?? 0) * factor * this.#ticks;
      const change = (row[at + word] ?? 0) * factor * this.#ticks - was;
      along += ((row[at + place] ?? 0) - (base[baseAt + place] ?? 0) - was) * change;
      whole += change * change;
    }
    const times = this.#times;
    const since = Math.floor((along / whole) * times + 0.5);
    return since >= 1 ? (since < times ? since : times) : 1;
  }

  /** Moves the positions of the base by `#move`, onto the grid and into its range. Numbers that are passed on would be boxed. */
  #settle(): void {
    const { axes, wraps } = this.#group;
    for (let i = 0; i < this.size; i++) {
      const { lo, hi, bits } = (axes[i] as Axis).position;
      const start = this.#base[this.#baseAt + (this.#at[i] ?? 0)] ?? 0;
      const moved = Math.floor(start + (this.#move[i] ?? 0) + 0.5);
      this.#guess[i] = wraps ? wrap(moved, bits) : moved < lo ? lo : moved > hi ? hi : moved;
    }
  }

  #surprise(i: number, row: Int32Array, at: number): number {
    const off = (row[at + (this.#at[i] ?? 0)] ?? 0) - (this.#guess[i] ?? 0);
    return this.#group.wraps ? wrap(off, (this.#group.axes[i] as Axis).position.bits) : off;
  }

  /** The first class that has room for every axis. */
  #classOf(row: Int32Array, at: number): number {
    let most = 0;
    for (let i = 0; i < this.size; i++) {
      const off = this.#surprise(i, row, at);
      const size = off < 0 ? -off - 1 : off;
      if (size > most) most = size;
    }
    let k = 0;
    while (k < CLASSES && most >= (this.#limits[k] ?? 0)) k++;
    return k;
  }

  #writePositions(w: BitWriter, row: Int32Array, at: number): void {
    const k = this.#classOf(row, at);
    w.write((1 << k) - 1, k === CLASSES ? k : k + 1);
    const width = this.#widths[k] ?? 0;
    for (let i = 0; i < this.size; i++) {
      if (k < CLASSES) w.write(this.#surprise(i, row, at), width);
      else {
        const { position } = this.#group.axes[i] as Axis;
        w.write((row[at + (this.#at[i] ?? 0)] ?? 0) - position.lo, position.bits);
      }
    }
  }

  #readPositions(r: BitReader, row: Int32Array, at: number): void {
    let k = 0;
    while (k < CLASSES && r.read(1) === 1) k++;
    const width = this.#widths[k] ?? 0;
    for (let i = 0; i < this.size; i++) {
      const { position } = this.#group.axes[i] as Axis;
      let value =
        k < CLASSES ? (this.#guess[i] ?? 0) + signed(r, width) : r.read(position.bits) + position.lo;
      if (this.#group.wraps) value = wrap(value, position.bits);
      if (value >= position.lo && value <= position.hi) row[at + (this.#at[i] ?? 0)] = value;
      else r.fail();
    }
    if (!r.failed && this.#classOf(row, at) !== k) r.fail();
  }
}

function signed(r: BitReader, bits: number): number {
  return (r.read(bits) << (32 - bits)) >> (32 - bits);
}
