/** Seeded random numbers that are the same on every engine: only 32-bit integer operations and exact scaling. */

/**
 * A small fast generator (sfc32, 128 bits of state). Two generators whose seeds differ in one bit share nothing
 * visible: the seed goes through a full-avalanche mixer first, so `new Rng(room, tick, entity)` is a fair way to
 * give every entity its own draw.
 */
export class Rng {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 1;

  /** Each word counts modulo 2^32. */
  constructor(a: number, b = 0, c = 0) {
    this.reseed(a, b, c);
  }

  /** Start again as `new Rng(a, b, c)` would, without a new object. */
  reseed(a: number, b = 0, c = 0): this {
    // Each word is mixed into all that came before it, so (1, 2) and (2, 1) differ.
    const x = mix32((a | 0) ^ 0x9e3779b9);
    const y = mix32(Math.imul(x, 0x85ebca6b) ^ (b | 0));
    const z = mix32(Math.imul(y, 0xc2b2ae35) ^ (c | 0));
    this.#a = mix32(x ^ z);
    this.#b = mix32((y + 0x6a09e667) | 0);
    this.#c = z;
    this.#counter = 1;
    for (let i = 0; i < WARM_UP; i++) this.u32();
    return this;
  }

  /** A whole number from 0 to 4,294,967,295. */
  u32(): number {
    const out = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + out) | 0;
    return out >>> 0;
  }

  /** A number in [0, 1), on a grid of 2^-32. */
  next(): number {
    return this.u32() * 2 ** -32;
  }

  /** A whole number from `lo` to `hi`, both included. The span may be at most 2^32. */
  int(lo: number, hi: number): number {
    return lo + Math.floor(this.next() * (hi - lo + 1));
  }

  /** A number in [lo, hi). */
  range(lo: number, hi: number): number {
    return lo + this.next() * (hi - lo);
  }

  /** True with probability `p`. Always draws once, so the sequence does not depend on `p`. */
  chance(p: number): boolean {
    return this.next() < p;
  }
}

/** Rounds that sfc32 needs before a difference in one state word has reached all of them. */
const WARM_UP = 12;

/** A bijection of 32-bit words in which every input bit moves every output bit (Wellons' lowbias32). */
function mix32(word: number): number {
  let h = word | 0;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return h ^ (h >>> 16);
}
