/**
 * How late snapshots come, and how late the view must be so that nearly always one is there to go towards.
 *
 * For each moment of the server's time a snapshot of that moment or later is needed. One that arrived `late` after the mean, `gap` after
 * the one before it, serves all moments of the gap: the first of them `late + gap` after the mean, the last `late` after it. So each
 * arrival is an even spread of lateness over its gap; a lost snapshot is a gap of two intervals. The view stays behind all but a small
 * share of these spreads.
 */

import type { Millis } from '../base/units.ts';

/**
 * Share of the time for which the next snapshot may be missing. Half of what a player should meet at most: what comes is not what was.
 * On a grid of 20 networks, 0.002 to 0.01: half of it is 10 ms more of delay and a seventh less error.
 */
const MISSING = 0.005;

/** Time over which arrivals are remembered. */
const WINDOW_MS = 12_000;

/** What is prepared for: two snapshots lost in a row. More of them come in bursts that last for longer than a view should wait. */
const LONGEST_GAP = 3;
const LONGEST_GAP_MS = 150;

/** Room for as many at 60 snapshots a second. */
const CAPACITY = 1024;

export class Lateness {
  readonly #lates = new Float64Array(CAPACITY);
  readonly #gaps = new Float64Array(CAPACITY);
  #count = 0;
  #first = 0;
  #total: Millis = 0;
  #quantile: Millis = 0;
  #fresh = false;
  readonly #longest: Millis;

  /** `intervalMs` from one snapshot to the next. */
  constructor(intervalMs: Millis) {
    this.#longest = Math.max(LONGEST_GAP_MS, LONGEST_GAP * intervalMs);
  }

  clear(): void {
    this.#count = 0;
    this.#total = 0;
    this.#fresh = false;
  }

  /** A snapshot arrived `late` after the mean (before it if negative) and is `gap` newer than all before it. */
  add(late: Millis, gap: Millis): void {
    const length = Math.min(gap, this.#longest);
    if (this.#count === CAPACITY) this.#drop();
    const slot = (this.#first + this.#count++) % CAPACITY;
    this.#lates[slot] = late;
    this.#gaps[slot] = length;
    this.#total += length;
    while (this.#count > 1 && this.#total - (this.#gaps[this.#first] as number) > WINDOW_MS) this.#drop();
    this.#fresh = false;
  }

  /** The mean was found to be `ms` higher than it was taken for at the last `count` arrivals. */
  shift(ms: Millis, count: number): void {
    for (let i = Math.max(0, this.#count - count); i < this.#count; i++) {
      const slot = (this.#first + i) % CAPACITY;
      this.#lates[slot] = (this.#lates[slot] as number) - ms;
    }
    this.#fresh = false;
  }

  /** How long after the mean all but a small share of moments have their snapshot. 0 before anything arrived. */
  get needed(): Millis {
    if (!this.#fresh) {
      this.#quantile = this.#search();
      this.#fresh = true;
    }
    return this.#quantile;
  }

  #drop(): void {
    this.#total -= this.#gaps[this.#first] as number;
    this.#first = (this.#first + 1) % CAPACITY;
    this.#count--;
  }

  /** Halves the range until it is finer than anybody sees. */
  #search(): Millis {
    let low = 0;
    let high = 0;
    for (let i = 0; i < this.#count; i++) {
      const slot = (this.#first + i) % CAPACITY;
      high = Math.max(high, (this.#lates[slot] as number) + (this.#gaps[slot] as number));
    }
    const allowed = this.#total * MISSING;
    while (high - low > 0.25) {
      const middle = (low + high) / 2;
      if (this.#beyond(middle) > allowed) low = middle;
      else high = middle;
    }
    return high;
  }

  /** For how much of the time the view would have had nothing to go towards, that far behind the mean. */
  #beyond(delay: Millis): Millis {
    let sum = 0;
    for (let i = 0; i < this.#count; i++) {
      const slot = (this.#first + i) % CAPACITY;
      const gap = this.#gaps[slot] as number;
      sum += Math.max(0, Math.min(gap, (this.#lates[slot] as number) + gap - delay));
    }
    return sum;
  }
}
