/**
 * What a row's own rate fields say about where it goes: position fields that follow rate fields, taken together as a vector of up to
 * three axes. From a base row and, if both sides hold one, an earlier row, it infers whether the vector rests, stays, turns at a
 * steady rate or changes steadily.
 *
 * Encoder and decoder run this on the same integers and must get the same doubles: only + - * / floor and square roots.
 */

import type { Axis, AxisGroup } from './axes.ts';
import { arcSine, bendOf, cosine, sine, wrap } from './bends.ts';

/** How a vector moves, as far as two rows tell. */
export const REST = 0;
export const STRAIGHT = 1;
export const TURN = 2;
export const CHANGE = 3;
/** Bumped since the earlier row, or there is no earlier row, or it has just stopped. */
export const UNSURE = 4;
export const MOTIONS = 5;

/** Times at which a sudden change is looked for. */
const SUDDEN_TIMES = 16;

const FINER = 16;

/** What training finds out about a group of fields. */
export interface MotionHabits {
  /** Which velocity carries a tick's move: 0.5 the new one (v += a; p += v), -0.5 the old one, 0 their mean. */
  readonly phase: number;
  /** True when a position is rounded to its grid in every tick, false when it is kept finer than the row. */
  readonly perTick: boolean;
}

/** The motion of one group of one row. Reused for every row. */
export class Motion {
  readonly group: AxisGroup;
  readonly size: number;
  readonly habits: MotionHabits;
  /** Row words of positions and rates. */
  readonly at: Int32Array;
  readonly rateAt: Int32Array;
  /** REST, STRAIGHT, TURN, CHANGE or UNSURE. */
  kind = REST;
  ticks = 0;
  /** Rates at the base, and expected. */
  readonly rate = new Int32Array(3);
  readonly expectedRate = new Int32Array(3);
  /** Positions expected for the rates given last to `place`. */
  readonly expectedPosition = new Int32Array(3);
  /** Ticks from the earlier row to the base; 0 without one. */
  earlier = 0;
  readonly #start = new Int32Array(3);
  readonly #before = new Int32Array(3);
  /** Cosine and sine of the turn in one tick. A plain number would be boxed with every change. */
  readonly #turn = Float64Array.of(1, 0);
  #perTick: boolean;
  readonly #lo: Int32Array;
  readonly #hi: Int32Array;
  readonly #rateLo: Int32Array;
  readonly #rateHi: Int32Array;
  readonly #bits: number;
  readonly #path = new Float64Array(3 * (SUDDEN_TIMES + 1));
  readonly #after = new Float64Array(3 * (SUDDEN_TIMES + 1));
  /** Rates after each time on the way. */
  readonly #course = new Float64Array(3 * (SUDDEN_TIMES + 1));
  #last = 0;
  readonly #move = new Float64Array(3);
  /** The rates of the base, a quarter turn on. */
  readonly #across = new Float64Array(3);

  constructor(group: AxisGroup, habits: MotionHabits) {
    this.group = group;
    this.size = group.axes.length;
    this.habits = habits;
    this.#perTick = habits.perTick;
    const { axes } = group;
    this.at = Int32Array.from(axes, ({ at }) => at);
    this.rateAt = Int32Array.from(axes, (axis) => axis.rateAt);
    this.#lo = Int32Array.from(axes, ({ position }) => position.lo);
    this.#hi = Int32Array.from(axes, ({ position }) => position.hi);
    this.#rateLo = Int32Array.from(axes, ({ rate }) => rate.lo);
    this.#rateHi = Int32Array.from(axes, ({ rate }) => rate.hi);
    this.#bits = (axes[0] as Axis).position.bits;
  }

  /** Looks at the base row and the earlier one, and expects rates `ticks` after the base. */
  look(
    base: Int32Array,
    at: number,
    ticks: number,
    before: Int32Array | undefined,
    beforeAt: number,
    beforeTicks: number,
  ): void {
    const { rate, expectedRate, size } = this;
    const { rateAt } = this;
    this.ticks = ticks;
    this.earlier = before === undefined ? 0 : beforeTicks;
    this.#turn[0] = 1;
    this.#perTick = this.habits.perTick;
    let moving = 0;
    let change = 0;
    for (let i = 0; i < size; i++) {
      const word = rateAt[i] ?? 0;
      const now = base[at + word] ?? 0;
      rate[i] = now;
      expectedRate[i] = now;
      this.#start[i] = base[at + (this.at[i] ?? 0)] ?? 0;
      moving |= now;
      if (before === undefined) continue;
      const was = before[beforeAt + word] ?? 0;
      this.#before[i] = was;
      const size = now > was ? now - was : was - now;
      if (size > change) change = size;
    }
    if (moving === 0) {
      this.kind = change === 0 ? REST : UNSURE;
      return;
    }
    if (this.earlier === 0) this.kind = UNSURE;
    else if (change <= 1) this.kind = this.#straight(before as Int32Array, beforeAt);
    else this.kind = this.#bend(before as Int32Array, beforeAt);
  }

  /** Nothing moves at the base, nor did before. */
  rest(base: Int32Array, at: number, ticks: number): void {
    this.kind = REST;
    this.ticks = ticks;
    this.#turn[0] = 1;
    this.#perTick = this.habits.perTick;
    for (let i = 0; i < this.size; i++) {
      this.rate[i] = 0;
      this.expectedRate[i] = 0;
      this.#start[i] = base[at + (this.at[i] ?? 0)] ?? 0;
    }
  }

  /** Steady so far; the way it came tells whether positions are rounded in every tick. */
  #straight(before: Int32Array, beforeAt: number): number {
    const { rate, size, earlier } = this;
    const { factor } = this.group;
    let rounded = 0;
    let fine = 0;
    for (let i = 0; i < size; i++) {
      const came = (this.#start[i] ?? 0) - (before[beforeAt + (this.at[i] ?? 0)] ?? 0);
      const perTick = Math.floor((rate[i] ?? 0) * factor + 0.5) * earlier;
      const whole = Math.floor((rate[i] ?? 0) * factor * earlier + 0.5);
      rounded += came > perTick ? came - perTick : perTick - came;
      fine += came > whole ? came - whole : whole - came;
    }
    if (rounded !== fine) this.#perTick = rounded < fine;
    return STRAIGHT;
  }

  #bend(before: Int32Array, beforeAt: number): number {
    const { rate, expectedRate, size, earlier, ticks } = this;
    const { factor } = this.group;
    const b = this.#before;
    let dot = 0;
    let now2 = 0;
    let was2 = 0;
    for (let i = 0; i < size; i++) {
      const now = rate[i] ?? 0;
      const was = b[i] ?? 0;
      dot += now * was;
      now2 += now * now;
      was2 += was * was;
    }
    const speed = Math.sqrt(now2);
    const change = speed - Math.sqrt(was2);
    const steady = size > 1 && change < 1.5 && change > -1.5 && dot > 0;
    // Did it come along the bend between the two rates, or is a bump hidden between them?
    const bend = steady ? bendOf(now2, was2, dot, earlier) : 1;
    let off = 0;
    let way = 0;
    for (let i = 0; i < size; i++) {
      const now = rate[i] ?? 0;
      const was = b[i] ?? 0;
      const move = factor * (earlier * bend * (now + was) * 0.5 + this.habits.phase * (now - was));
      const came = (this.#start[i] ?? 0) - (before[beforeAt + (this.at[i] ?? 0)] ?? 0);
      const miss = came > move ? came - move : move - came;
      if (miss > off) off = miss;
      way += move > 0 ? move : -move;
    }
    if (off > 2 + earlier * factor + way / 64) return UNSURE;
    const share = ticks / earlier;
    if (!steady) {
      for (let i = 0; i < size; i++)
        expectedRate[i] = this.#inRate(i, (rate[i] ?? 0) + ((rate[i] ?? 0) - (b[i] ?? 0)) * share);
      return CHANGE;
    }
    // Turn on by the same angle per tick, at the same speed, in the plane of the two rates.
    const sine2 = 1 - (dot * dot) / (now2 * was2);
    const angle = arcSine(sine2 > 0 ? Math.sqrt(sine2) : 0);
    const turn = angle * share;
    const across = Math.sqrt(was2 - (dot * dot) / now2);
    const c = cosine(turn);
    const s = sine(turn);
    const scale = across > 0 ? speed / across : 0;
    this.#turn[0] = cosine(angle / earlier);
    this.#turn[1] = sine(angle / earlier);
    for (let i = 0; i < size; i++) {
      const now = rate[i] ?? 0;
      this.#across[i] = scale * ((dot / now2) * now - (b[i] ?? 0));
      expectedRate[i] = this.#inRate(i, c * now + s * (this.#across[i] ?? 0));
    }
    return TURN;
  }

  #inRate(i: number, value: number): number {
    const rounded = Math.floor(value + 0.5);
    const lo = this.#rateLo[i] ?? 0;
    const hi = this.#rateHi[i] ?? 0;
    return rounded < lo ? lo : rounded > hi ? hi : rounded;
  }

  /** Expects positions, given the rates at the end in `row`, for a motion that went there smoothly. */
  place(row: Int32Array, at: number): void {
    const { rate, rateAt, size, ticks, kind } = this;
    const { factor } = this.group;
    let change = 0;
    let dot = 0;
    let now2 = 0;
    let was2 = 0;
    for (let i = 0; i < size; i++) {
      const was = rate[i] ?? 0;
      const now = row[at + (rateAt[i] ?? 0)] ?? 0;
      change |= now ^ was;
      dot += now * was;
      now2 += now * now;
      was2 += was * was;
    }
    if (change === 0 && this.#perTick) {
      for (let i = 0; i < size; i++) this.#move[i] = Math.floor((rate[i] ?? 0) * factor + 0.5) * ticks;
      this.#settle();
      return;
    }
    let bend = 1;
    if (size > 1 && kind !== CHANGE && dot > 0) {
      const speeds = Math.sqrt(now2) - Math.sqrt(was2);
      if (speeds < 2 && speeds > -2) bend = bendOf(now2, was2, dot, ticks);
    }
    for (let i = 0; i < size; i++) {
      const was = rate[i] ?? 0;
      const now = row[at + (rateAt[i] ?? 0)] ?? 0;
      this.#move[i] = factor * (ticks * bend * (now + was) * 0.5 + this.habits.phase * (now - was));
    }
    this.#settle();
  }

  /** Number of times at which a sudden change may have come. */
  get suddenTimes(): number {
    return this.ticks < SUDDEN_TIMES ? this.ticks : SUDDEN_TIMES;
  }

  /** Prepares `placeSudden` for the rates at the end in `row`. */
  lookSudden(row: Int32Array, at: number): void {
    const { size, rate } = this;
    const { rateAt } = this;
    const times = this.suddenTimes;
    const every = this.ticks / times;
    const path = this.#path;
    const after = this.#after;
    const twice = 2 * (this.#turn[0] ?? 1);
    for (let i = 0; i < size; i++) {
      // A turn goes on as v(n+1) = 2 cos v(n) - v(n-1), in any number of dimensions. Other motions stay as they are.
      let last = rate[i] ?? 0;
      let next = last;
      const end = row[at + (rateAt[i] ?? 0)] ?? 0;
      const turning = this.kind === TURN && every === 1;
      if (turning) next = (this.#turn[0] ?? 1) * last + (this.#turn[1] ?? 0) * (this.#across[i] ?? 0);
      let sum = 0;
      path[i] = 0;
      after[i] = 0;
      this.#course[i] = last;
      for (let n = 1; n <= times; n++) {
        sum += next * every;
        this.#course[n * 3 + i] = next;
        path[n * 3 + i] = sum;
        after[n * 3 + i] = end * every * n;
        if (!turning) continue;
        const following = twice * next - last;
        last = next;
        next = following;
      }
    }
    if (this.kind === TURN && every === 1 && size === 2) this.#turnBack(row, at, times);
  }

  /** The rates at the end, turned back tick by tick the way the base turned: a bump does not stop a turn. */
  #turnBack(row: Int32Array, at: number, times: number): void {
    const { rate, rateAt } = this;
    const left = (rate[0] ?? 0) * (this.#across[1] ?? 0) - (rate[1] ?? 0) * (this.#across[0] ?? 0);
    const c = this.#turn[0] ?? 1;
    const s = left < 0 ? -(this.#turn[1] ?? 0) : (this.#turn[1] ?? 0);
    let x = row[at + (rateAt[0] ?? 0)] ?? 0;
    let y = row[at + (rateAt[1] ?? 0)] ?? 0;
    const after = this.#after;
    for (let n = 1; n <= times; n++) {
      after[n * 3] = (after[n * 3 - 3] ?? 0) + x;
      after[n * 3 + 1] = (after[n * 3 - 2] ?? 0) + y;
      const back = c * x + s * y;
      y = c * y - s * x;
      x = back;
    }
  }

  /** Expects positions for rates that changed suddenly, `since` times before the end, 1..suddenTimes. */
  placeSudden(since: number): void {
    const first = (this.suddenTimes - since) * 3;
    const then = since * 3;
    this.#last = first;
    for (let i = 0; i < this.size; i++)
      this.#move[i] = this.group.factor * ((this.#path[first + i] ?? 0) + (this.#after[then + i] ?? 0));
    this.#settle();
  }

  /**
   * When the rates changed suddenly, 1..suddenTimes, and expects positions for it: near where the row's positions are between the way
   * of the old rates and the way of the new ones.
   */
  findTime(row: Int32Array, at: number): number {
    this.lookSudden(row, at);
    const { size, suddenTimes } = this;
    const { factor } = this.group;
    const whole = suddenTimes * 3;
    let along = 0;
    let length = 0;
    for (let i = 0; i < size; i++) {
      const old = (this.#path[whole + i] ?? 0) * factor;
      const change = (this.#after[whole + i] ?? 0) * factor - old;
      along += ((row[at + (this.at[i] ?? 0)] ?? 0) - (this.#start[i] ?? 0) - old) * change;
      length += change * change;
    }
    const near = length > 0 ? Math.floor((along / length) * suddenTimes + 0.5) : 1;
    const first = near < 2 ? 1 : near <= suddenTimes ? near - 1 : suddenTimes;
    const last = near + 1 < first ? first : near + 1 < suddenTimes ? near + 1 : suddenTimes;
    let best = first;
    let least = Number.POSITIVE_INFINITY;
    for (let since = first; since <= last; since++) {
      this.placeSudden(since);
      const miss = this.miss(row, at);
      if (miss >= least) continue;
      least = miss;
      best = since;
    }
    if (best !== last) this.placeSudden(best);
    return best;
  }

  /** The rate on an axis just before the time of the sudden change that was placed last, in sixteenths. */
  lastRate(i: number): number {
    return Math.floor((this.#course[this.#last + i] ?? 0) * FINER) | 0;
  }

  /** How far the row is from the positions expected last, in steps over all axes. */
  miss(row: Int32Array, at: number): number {
    let sum = 0;
    for (let i = 0; i < this.size; i++) {
      let off = (row[at + (this.at[i] ?? 0)] ?? 0) - (this.expectedPosition[i] ?? 0);
      if (this.group.wraps) off = wrap(off, this.#bits);
      sum += off < 0 ? -off : off;
    }
    return sum;
  }

  /** Moves the positions of the base by `#move`, onto the grid and into its range. Numbers that are passed on would be boxed. */
  #settle(): void {
    for (let i = 0; i < this.size; i++) {
      const rounded = Math.floor((this.#start[i] ?? 0) + (this.#move[i] ?? 0) + 0.5);
      const lo = this.#lo[i] ?? 0;
      const hi = this.#hi[i] ?? 0;
      this.expectedPosition[i] = this.group.wraps
        ? wrap(rounded, this.#bits)
        : rounded < lo
          ? lo
          : rounded > hi
            ? hi
            : rounded;
    }
  }
}
