/**
 * Codes a whole number of which several forecasts exist: each forecast, with its usual miss, is a bell curve, and the mixer weighs what
 * the curves say about each bit. Forecasts keep their fractions: halfway between two values is worth knowing.
 *
 * The number is its distance from a centre: zero, sign, doubling classes of distance, and the place within the class.
 */

import type { BitCoder } from '../wire/range.ts';
import { exponential, type Mixer } from './mixer.ts';

export const MAX_FORECASTS = 10;

/** Distances beyond 2^26 classes are malformed. */
const MAX_CLASSES = 26;
const FAR = 1e12;
const LEAST_MASS = 1e-7;
/** Narrowest curve, in steps. */
const LEAST_WIDTH = 0.05;
/** Width of a logistic curve for its mean absolute miss. */
const WIDTH = 0.6;

const CURVE_STEPS = 128;
const CURVE_LIMIT = 32;
const CURVE_CELLS = 2 * CURVE_LIMIT * CURVE_STEPS;
const logistic = (x: number): number => 1 / (1 + exponential(-x));
/** A logistic distribution with a wider one for outliers. */
const CURVE = Float64Array.from({ length: CURVE_CELLS + 2 }, (_, i) => {
  const x = i / CURVE_STEPS - CURVE_LIMIT;
  return 0.85 * logistic(x) + 0.15 * logistic(x / 4);
});

export class Guesser {
  /** What the forecasts, weighed by how good they are, come to. Valid after `open`. */
  middle = 0;
  readonly #mixer: Mixer;
  readonly #value = new Float64Array(MAX_FORECASTS);
  readonly #width = new Float64Array(MAX_FORECASTS);
  readonly #key = new Int32Array(MAX_FORECASTS);
  #count = 0;

  constructor(mixer: Mixer) {
    this.#mixer = mixer;
  }

  clear(): void {
    this.#count = 0;
  }

  /** A forecast; forecasts with the same key share the memory of how far off they usually are. */
  add(value: number, key: number): void {
    const i = this.#count++;
    const width = this.#mixer.spread(key) * WIDTH;
    this.#value[i] = value;
    this.#width[i] = width > LEAST_WIDTH ? width : LEAST_WIDTH;
    this.#key[i] = key;
  }

  /** Weighs forecasts 1 and up by the fourth power of their widths, or the first if it is alone. */
  weigh(): number {
    let sum = 0;
    let all = 0;
    for (let i = this.#count > 1 ? 1 : 0; i < this.#count; i++) {
      const width = this.#width[i] as number;
      const precision = 1 / (width * width + 1e-3);
      all += precision * precision;
      sum += precision * precision * (this.#value[i] as number);
    }
    this.middle = sum / all;
    return this.middle;
  }

  /** Codes the number by its distance from `centre`, and remembers how far off the forecasts were. */
  code(c: BitCoder, value: number, centre: number): number {
    const mixer = this.#mixer;
    mixer.guessCount = this.#count;
    const number = centre + this.#distance(c, value - centre, centre);
    mixer.guessCount = 0;
    for (let i = 0; i < this.#count; i++) {
      const miss = number - (this.#value[i] as number);
      mixer.settle(this.#key[i] as number, miss < 0 ? -miss : miss);
    }
    return number;
  }

  #distance(c: BitCoder, distance: number, centre: number): number {
    const mixer = this.#mixer;
    const low = centre - 0.5;
    const high = centre + 0.5;
    for (let i = 0; i < this.#count; i++) {
      mixer.guesses[i] = this.#below(i, high) - this.#below(i, low);
    }
    if (mixer.bit(c, distance === 0 ? 1 : 0, 0) === 1) return 0;
    for (let i = 0; i < this.#count; i++) this.#split(i, high, FAR, -FAR, low);
    const up = mixer.bit(c, distance > 0 ? 1 : 0, 1) === 1;
    const size = (distance < 0 ? -distance : distance) - 1;
    const node = up ? 64 : 0;
    let from = 0;
    let width = 1;
    for (let n = 0; ; n++) {
      if (n > MAX_CLASSES) {
        c.fail();
        return 0;
      }
      this.#sides(centre, up, from, from + width, from + width, FAR);
      if (mixer.bit(c, size < from + width ? 1 : 0, node + 2 + n) === 1) break;
      from += width;
      width *= 2;
    }
    const shape = node + 128 + (width > 32 ? 6 : 32 - Math.clz32(width)) * 16;
    let place = 1;
    while (width > 1) {
      width /= 2;
      this.#sides(centre, up, from + width, from + 2 * width, from, from + width);
      const bit = mixer.bit(c, size >= from + width ? 1 : 0, shape + (place < 8 ? place : 8));
      if (bit === 1) from += width;
      place = place * 2 + bit;
      if (place > 8) place = 8;
    }
    return up ? from + 1 : -from - 1;
  }

  /** The share of a 1 when it stands for distances a..b beyond one step, and a 0 for c..d. */
  #sides(centre: number, up: boolean, a: number, b: number, c: number, d: number): void {
    for (let i = 0; i < this.#count; i++)
      if (up) this.#split(i, centre + a + 0.5, centre + b + 0.5, centre + c + 0.5, centre + d + 0.5);
      else this.#split(i, centre - b - 0.5, centre - a - 0.5, centre - d - 0.5, centre - c - 0.5);
  }

  #split(i: number, a: number, b: number, c: number, d: number): void {
    const one = this.#below(i, b) - this.#below(i, a) + LEAST_MASS;
    const zero = this.#below(i, d) - this.#below(i, c) + LEAST_MASS;
    this.#mixer.guesses[i] = one / (one + zero);
  }

  #below(i: number, x: number): number {
    const at = ((x - (this.#value[i] as number)) / (this.#width[i] as number) + CURVE_LIMIT) * CURVE_STEPS;
    if (!(at > 0)) return 0;
    if (at >= CURVE_CELLS) return 1;
    const cell = at | 0;
    const low = CURVE[cell] as number;
    return low + ((CURVE[cell + 1] as number) - low) * (at - cell);
  }
}
