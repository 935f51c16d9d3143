/**
 * Estimates bits by mixing: many small counters, picked by what is known, and guesses from elsewhere each say how likely a 1 is, and a
 * weighted sum of their logits decides. Counters and weights learn from every bit (after Mahoney's PAQ, 2002-2007).
 *
 * What is learned while a packet is coded can be taken back, and learned again later from a journal: so the state that codes a packet
 * may depend on nothing but packets that both sides are known to hold. Only + - * / and floor on doubles: engines agree on every bit.
 */

import type { BitCoder } from '../wire/range.ts';

/** Most counters, and most guesses, that one bit may take. */
export const MAX_COUNTERS = 12;
export const MAX_GUESSES = 12;

const INPUTS = MAX_COUNTERS + MAX_GUESSES + 1;
const COUNTER_BITS = 16;
const WEIGHT_SETS = 4096;
/** Slots of `spread`. */
const SPREAD_BITS = 14;

const WEIGHTS_AT = 2 << COUNTER_BITS;
const SPREADS_AT = WEIGHTS_AT + 2 * WEIGHT_SETS * INPUTS;
const SIZE = SPREADS_AT + (1 << SPREAD_BITS);

/** What every input weighs before anything is learned. */
const FIRST_WEIGHT = 0.12;
const LEARNING_RATE = 0.006;
/** Counters forget beyond this many bits. */
const SLOWEST_RATE = 0.008;
/** A counter that has seen this many bits has half a say. */
const TRUST = 4;
const MOST_COUNT = 255;
const RATES = Float64Array.from({ length: MOST_COUNT + 1 }, (_, n) => Math.max(1 / (n + 1.6), SLOWEST_RATE));
const TRUSTED = Float64Array.from({ length: MOST_COUNT + 1 }, (_, n) => n / (n + TRUST));
const FIRST_SPREAD = 4;
const SPREAD_RATE = 0.02;
const BIAS = 0.3;
/** Odds are kept this far from certain, in 1/65536. */
const LEAST_ODDS = 12;

/** What was coded for one packet, to learn it again. Grows as needed and is used again. */
export class Journal {
  words = new Int32Array(1 << 16);
  numbers = new Float32Array(1 << 15);
  wordCount = 0;
  numberCount = 0;

  clear(): void {
    this.wordCount = 0;
    this.numberCount = 0;
  }

  reserve(): void {
    if (this.wordCount + INPUTS + 4 > this.words.length) {
      const more = new Int32Array(this.words.length * 2);
      more.set(this.words);
      this.words = more;
    }
    if (this.numberCount + INPUTS > this.numbers.length) {
      const more = new Float32Array(this.numbers.length * 2);
      more.set(this.numbers);
      this.numbers = more;
    }
  }
}

export class Mixer {
  /** Set before `bit`: the things known, as hashes, one counter each. */
  readonly known = new Int32Array(MAX_COUNTERS);
  knownCount = 0;
  /** Set before `bit`: probabilities of a 1, from elsewhere. */
  readonly guesses = new Float64Array(MAX_GUESSES);
  guessCount = 0;
  /** Set before `bit`: what two sets of weights are picked by. */
  pickA = 0;
  pickB = 0;
  readonly #state = new Float32Array(SIZE);
  readonly #inputs = new Float64Array(INPUTS);
  readonly #slots = new Int32Array(MAX_COUNTERS);
  #undoSlots = new Int32Array(1 << 18);
  #undoValues = new Float32Array(1 << 18);
  #undoCount = 0;
  #trying = false;
  #journal: Journal | undefined;

  constructor() {
    this.#state.fill(0.5, 0, WEIGHTS_AT);
    for (let i = 1; i < WEIGHTS_AT; i += 2) this.#state[i] = 0;
    this.#state.fill(FIRST_WEIGHT, WEIGHTS_AT, SPREADS_AT);
    this.#state.fill(FIRST_SPREAD, SPREADS_AT);
  }

  /** From here on everything is written down in the journal, and taken back by `takeBack`. */
  try(journal: Journal): void {
    journal.clear();
    this.#journal = journal;
    this.#trying = true;
    this.#undoCount = 0;
  }

  takeBack(): void {
    const state = this.#state;
    for (let i = this.#undoCount - 1; i >= 0; i--)
      state[this.#undoSlots[i] as number] = this.#undoValues[i] as number;
    this.#undoCount = 0;
    this.#trying = false;
    this.#journal = undefined;
  }

  /** Learns what was tried, for good. */
  learn(journal: Journal): void {
    const { words, numbers } = journal;
    let number = 0;
    for (let at = 0; at < journal.wordCount; ) {
      const head = words[at++] as number;
      if (head < 0) {
        this.#settle(words[at++] as number, numbers[number++] as number);
        continue;
      }
      const counters = (head >> 1) & 31;
      const guesses = head >> 6;
      const a = words[at++] as number;
      const b = words[at++] as number;
      for (let i = 0; i < counters; i++) this.#slots[i] = words[at++] as number;
      for (let i = 0; i < guesses; i++) this.#inputs[counters + i] = numbers[number++] as number;
      this.#estimate(counters, guesses, a, b);
      this.#update(head & 1, counters, counters + guesses + 1, a, b);
    }
  }

  /** Codes one bit. `node` tells the bits of one number apart. */
  bit(c: BitCoder, value: number, node: number): number {
    const counters = this.knownCount;
    const guesses = this.guessCount;
    for (let i = 0; i < counters; i++)
      this.#slots[i] = (hash2(hash2(this.known[i] as number, i + 1), node) >>> (32 - COUNTER_BITS)) << 1;
    for (let i = 0; i < guesses; i++) this.#inputs[counters + i] = logit(this.guesses[i] as number);
    const a = WEIGHTS_AT + (hash2(this.pickA, node) & (WEIGHT_SETS - 1)) * INPUTS;
    const b = WEIGHTS_AT + (WEIGHT_SETS + (hash2(this.pickB, ~node) & (WEIGHT_SETS - 1))) * INPUTS;
    const p = this.#estimate(counters, guesses, a, b);
    const one = Math.floor(p * 65_536);
    const odds = one < LEAST_ODDS ? LEAST_ODDS : one > 65_536 - LEAST_ODDS ? 65_536 - LEAST_ODDS : one;
    const bit = c.bit(value, odds);
    if (this.#journal !== undefined) this.#note(this.#journal, bit, counters, guesses, a, b);
    this.#update(bit, counters, counters + guesses + 1, a, b);
    return bit;
  }

  /** How far numbers that come with `key` usually are from what was guessed. */
  spread(key: number): number {
    return this.#state[spreadSlot(key)] as number;
  }

  settle(key: number, distance: number): void {
    const slot = spreadSlot(key);
    const journal = this.#journal;
    if (journal !== undefined) {
      journal.reserve();
      journal.words[journal.wordCount++] = -1;
      journal.words[journal.wordCount++] = slot;
      journal.numbers[journal.numberCount++] = distance;
    }
    this.#settle(slot, distance);
  }

  #settle(slot: number, distance: number): void {
    const before = this.#state[slot] as number;
    const most = 3 * before + 2;
    this.#set(slot, before + ((distance < most ? distance : most) - before) * SPREAD_RATE);
  }

  #note(journal: Journal, bit: number, counters: number, guesses: number, a: number, b: number): void {
    journal.reserve();
    const { words, numbers } = journal;
    let at = journal.wordCount;
    words[at++] = bit | (counters << 1) | (guesses << 6);
    words[at++] = a;
    words[at++] = b;
    for (let i = 0; i < counters; i++) words[at++] = this.#slots[i] as number;
    journal.wordCount = at;
    at = journal.numberCount;
    for (let i = 0; i < guesses; i++) numbers[at++] = this.#inputs[counters + i] as number;
    journal.numberCount = at;
  }

  #oddsA = 0.5;
  #oddsB = 0.5;

  #estimate(counters: number, guesses: number, a: number, b: number): number {
    const state = this.#state;
    const inputs = this.#inputs;
    const slots = this.#slots;
    const size = counters + guesses;
    let sumA = (state[a + size] as number) * BIAS;
    let sumB = (state[b + size] as number) * BIAS;
    for (let i = 0; i < counters; i++) {
      const slot = slots[i] as number;
      const count = state[slot + 1] as number;
      const input = (LOGIT[((state[slot] as number) * CELLS) | 0] as number) * (TRUSTED[count] as number);
      inputs[i] = input;
      sumA += (state[a + i] as number) * input;
      sumB += (state[b + i] as number) * input;
    }
    inputs[size] = BIAS;
    for (let i = counters; i < size; i++) {
      const input = inputs[i] as number;
      sumA += (state[a + i] as number) * input;
      sumB += (state[b + i] as number) * input;
    }
    this.#oddsA = logistic(sumA);
    this.#oddsB = logistic(sumB);
    return logistic((sumA + sumB) * 0.5);
  }

  #update(bit: number, counters: number, size: number, a: number, b: number): void {
    const state = this.#state;
    const inputs = this.#inputs;
    const slots = this.#slots;
    const errorA = (bit - this.#oddsA) * LEARNING_RATE;
    const errorB = (bit - this.#oddsB) * LEARNING_RATE;
    if (this.#trying) this.#remember(counters, size, a, b);
    for (let i = 0; i < size; i++) {
      const input = inputs[i] as number;
      state[a + i] = (state[a + i] as number) + errorA * input;
      state[b + i] = (state[b + i] as number) + errorB * input;
    }
    for (let i = 0; i < counters; i++) {
      const slot = slots[i] as number;
      const p = state[slot] as number;
      const count = state[slot + 1] as number;
      state[slot] = p + (bit - p) * (RATES[count] as number);
      if (count < MOST_COUNT) state[slot + 1] = count + 1;
    }
  }

  #remember(counters: number, size: number, a: number, b: number): void {
    this.#reserveUndo(2 * counters + 2 * size);
    const state = this.#state;
    const slots = this.#undoSlots;
    const values = this.#undoValues;
    let n = this.#undoCount;
    for (let i = 0; i < size; i++) {
      slots[n] = a + i;
      values[n++] = state[a + i] as number;
      slots[n] = b + i;
      values[n++] = state[b + i] as number;
    }
    for (let i = 0; i < counters; i++) {
      const slot = this.#slots[i] as number;
      slots[n] = slot;
      values[n++] = state[slot] as number;
      slots[n] = slot + 1;
      values[n++] = state[slot + 1] as number;
    }
    this.#undoCount = n;
  }

  #set(slot: number, value: number): void {
    if (this.#trying) {
      this.#reserveUndo(1);
      this.#undoSlots[this.#undoCount] = slot;
      this.#undoValues[this.#undoCount++] = this.#state[slot] as number;
    }
    this.#state[slot] = value;
  }

  #reserveUndo(count: number): void {
    if (this.#undoCount + count <= this.#undoSlots.length) return;
    const slots = new Int32Array(this.#undoSlots.length * 2);
    slots.set(this.#undoSlots);
    this.#undoSlots = slots;
    const values = new Float32Array(this.#undoValues.length * 2);
    values.set(this.#undoValues);
    this.#undoValues = values;
  }
}

/** Mixes two words into one. */
export function hash2(a: number, b: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b + 0x7f4a7c15, 0x85ebca6b);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return h ^ (h >>> 13);
}

const spreadSlot = (key: number): number => SPREADS_AT + (hash2(key, 7) >>> (32 - SPREAD_BITS));

/** e to the x without `Math.exp`, on which engines differ: a Taylor series of x / 1024, squared ten times. */
export function exponential(x: number): number {
  const z = x / 1024;
  let y = 1 + z * (1 + (z / 2) * (1 + (z / 3) * (1 + (z / 4) * (1 + z / 5))));
  for (let i = 0; i < 10; i++) y *= y;
  return y;
}

const STEPS = 256;
const LIMIT = 12;
const LOGISTIC = Float64Array.from(
  { length: 2 * LIMIT * STEPS + 2 },
  (_, i) => 1 / (1 + exponential(LIMIT - i / STEPS)),
);

function logistic(x: number): number {
  const at = (x + LIMIT) * STEPS;
  if (!(at > 0)) return LOGISTIC[0] as number;
  if (at >= 2 * LIMIT * STEPS) return LOGISTIC[2 * LIMIT * STEPS] as number;
  const i = at | 0;
  const low = LOGISTIC[i] as number;
  return low + ((LOGISTIC[i + 1] as number) - low) * (at - i);
}

const CELLS = 4096;
/** ln(p / (1 - p)) = 2 atanh(2 p - 1), found by halving with the logistic function. */
const LOGIT = Float64Array.from({ length: CELLS + 1 }, (_, i) => {
  const p = i < CELLS ? (i + 0.5) / CELLS : 1 - 0.25 / CELLS;
  let low = -LIMIT;
  let high = LIMIT;
  for (let n = 0; n < 40; n++) {
    const middle = (low + high) / 2;
    if (1 / (1 + exponential(-middle)) < p) low = middle;
    else high = middle;
  }
  return low;
});

function logit(p: number): number {
  const cell = (p * CELLS) | 0;
  return LOGIT[cell < 0 ? 0 : cell > CELLS ? CELLS : cell] as number;
}
