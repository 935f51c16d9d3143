/** Small running measurements: smoothed values and rates. No clock of their own. */

import type { Millis } from './units.ts';

/** Exponentially weighted mean and mean deviation, as TCP keeps them (RFC 6298). */
export class Smoothed {
  mean = 0;
  deviation = 0;
  samples = 0;
  readonly #gain: number;

  /** `gain` is the weight of a new sample, 0..1. */
  constructor(gain: number) {
    this.#gain = gain;
  }

  add(value: number): void {
    if (this.samples++ === 0) {
      this.mean = value;
      this.deviation = Math.abs(value) / 8;
      return;
    }
    const error = value - this.mean;
    // Young estimates learn faster, so that one odd first sample does not linger.
    const gain = Math.max(this.#gain, 1 / (this.samples + 1));
    this.mean += error * gain;
    this.deviation += (Math.abs(error) - this.deviation) * gain;
  }

  reset(): void {
    this.mean = 0;
    this.deviation = 0;
    this.samples = 0;
  }
}

/** How much per second, over a sliding second made of ten buckets. */
export class Rate {
  readonly #buckets = new Float64Array(10);
  #bucket = -1;

  add(now: Millis, amount: number): void {
    this.#turn(now);
    const slot = this.#bucket % 10;
    this.#buckets[slot] = (this.#buckets[slot] ?? 0) + amount;
  }

  perSecond(now: Millis): number {
    this.#turn(now);
    let sum = 0;
    for (const amount of this.#buckets) sum += amount;
    return sum;
  }

  #turn(now: Millis): void {
    const bucket = Math.floor(now / 100);
    if (bucket <= this.#bucket) return;
    const clear = Math.min(10, bucket - this.#bucket);
    for (let i = 0; i < clear; i++) this.#buckets[(bucket - i) % 10] = 0;
    this.#bucket = bucket;
  }
}
