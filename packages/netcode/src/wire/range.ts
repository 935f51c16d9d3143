/**
 * A binary arithmetic coder: each bit costs about -log2 of the probability that it was given.
 *
 *     low ------------ middle | middle+1 ------------ high        32-bit bounds; a 1 keeps the left part, a 0 the right one
 *
 * Carryless, as in Mahoney's lpaq (2007): bytes on which both bounds agree are written and shifted out. The end is at most one byte,
 * and none where a bound is zero: past the end of the bytes the decoder reads zeros. Symbols have one encoding [W2]: `finish`
 * of the decoder is true only for the bytes that the encoder would have written.
 */

/** What a model writes bits to or reads them from: one description serves both, and what is given to a reader is ignored. */
export interface BitCoder {
  /** True for those that take bits, false for those that give them. */
  readonly writing: boolean;
  /** Sticky: something was malformed. A writer never fails. */
  readonly failed: boolean;
  /** One bit; `one` is the probability of a 1 in 1/65536, 1..65535. Gives the bit. */
  bit(bit: number, one: number): number;
  /** A number of `count` bits, 0..32, all values equally likely. Gives the number, unsigned. */
  bits(value: number, count: number): number;
  /** A number 0..count-1, all equally likely; count 1..64. */
  uniform(value: number, count: number): number;
  /** Marks what was read as malformed. */
  fail(): void;
}

/** Numbers up to this many bits are coded in one step. */
const STEP_BITS = 12;

/** Below this range a step would lose precision; bits are then coded one by one. */
const STEP_RANGE = 2 ** 24;

const HALF = 32_768;

export class RangeEncoder implements BitCoder {
  readonly writing = true;
  readonly failed = false;
  /** True once something did not fit. */
  overflowed = false;
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #limit = 0;
  #at = 0;
  #low = 0;
  #high = -1;

  /** Starts over, into bytes `start`..`limit`. */
  open(bytes: Uint8Array, start: number, limit: number): this {
    this.#bytes = bytes;
    this.#start = start;
    this.#limit = limit;
    this.#at = start;
    this.#low = 0;
    this.#high = -1;
    this.overflowed = limit > bytes.length;
    return this;
  }

  /** Bytes that `finish` would give now. */
  get byteLength(): number {
    return this.#at - this.#start + (this.#low === 0 ? 0 : 1);
  }

  /** Bits spent so far, rounded up. */
  get bitLength(): number {
    return (this.#at - this.#start) * 8 + Math.clz32(this.#high - this.#low) + 1;
  }

  /** Saves the state in four words of `into`, for `rewind`. */
  mark(into: Int32Array): void {
    into[0] = this.#low;
    into[1] = this.#high;
    into[2] = this.#at;
    into[3] = this.overflowed ? 1 : 0;
  }

  /** Forgets everything since the `mark` that filled `from`. */
  rewind(from: Int32Array): void {
    this.#low = from[0] ?? 0;
    this.#high = from[1] ?? 0;
    this.#at = from[2] ?? 0;
    this.overflowed = from[3] === 1;
  }

  bit(bit: number, one: number): number {
    const low = this.#low;
    const middle = (low + share(this.#high - low, one)) | 0;
    if (bit === 1) this.#high = middle;
    else this.#low = (middle + 1) | 0;
    if (((this.#low ^ this.#high) & 0xff000000) === 0) this.#shift();
    return bit;
  }

  bits(value: number, count: number): number {
    let left = count;
    while (left > 0) {
      const size = left < STEP_BITS ? left : STEP_BITS;
      left -= size;
      this.#step((value >>> left) & ((1 << size) - 1), size);
    }
    return value;
  }

  uniform(value: number, count: number): number {
    let i = 0;
    while (i < count - 1 && this.bit(value === i ? 1 : 0, Math.floor(65_536 / (count - i))) === 0) i++;
    return i;
  }

  /** Exponential Golomb code of order `k` for an integer 0..2^31-2. */
  golomb(value: number, k: number): void {
    const shifted = value + 2 ** k;
    const size = 31 - Math.clz32(shifted);
    for (let i = k; i < size; i++) this.bit(0, HALF);
    this.bit(1, HALF);
    this.bits(shifted, size);
  }

  fail(): void {}

  /** Writes the end and gives the number of bytes. */
  finish(): number {
    if (this.#low !== 0) this.#put((this.#low >>> 24) + 1);
    return this.#at - this.#start;
  }

  #step(value: number, size: number): void {
    const range = (this.#high - this.#low) >>> 0;
    if (range < STEP_RANGE) {
      for (let i = size - 1; i >= 0; i--) this.bit((value >>> i) & 1, HALF);
      return;
    }
    const part = range >>> size;
    this.#low = (this.#low + Math.imul(part, value)) | 0;
    this.#high = (this.#low + part - 1) | 0;
    if (((this.#low ^ this.#high) & 0xff000000) === 0) this.#shift();
  }

  #shift(): void {
    do {
      this.#put(this.#high >>> 24);
      this.#low <<= 8;
      this.#high = (this.#high << 8) | 255;
    } while (((this.#low ^ this.#high) & 0xff000000) === 0);
  }

  #put(byte: number): void {
    if (this.#at < this.#limit) this.#bytes[this.#at] = byte;
    else this.overflowed = true;
    this.#at++;
  }
}

export class RangeDecoder implements BitCoder {
  readonly writing = false;
  /** True once more was read than there is, or the bytes are none that an encoder writes. Stays true; reads then give zeros. */
  failed = false;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  /** Bounds and value. A typed array, since browsers box plain numbers of more than 31 bits. */
  readonly #state = new Int32Array(3);

  /** Starts over on bytes `start`..`end`. */
  open(bytes: Uint8Array, start: number, end: number): this {
    this.failed = end > bytes.length || start > end;
    this.#bytes = bytes;
    this.#at = start;
    this.#end = this.failed ? start : end;
    this.#state[LOW] = 0;
    this.#state[HIGH] = -1;
    for (let i = 0; i < 4; i++) this.#state[VALUE] = ((this.#state[VALUE] ?? 0) << 8) | this.#next();
    return this;
  }

  bit(_bit: number, one: number): number {
    if (this.failed) return 0;
    const low = this.#state[LOW] ?? 0;
    const middle = (low + share((this.#state[HIGH] ?? 0) - low, one)) | 0;
    let bit = 0;
    if ((this.#state[VALUE] ?? 0) >>> 0 <= middle >>> 0) {
      bit = 1;
      this.#state[HIGH] = middle;
    } else this.#state[LOW] = (middle + 1) | 0;
    if ((((this.#state[LOW] ?? 0) ^ (this.#state[HIGH] ?? 0)) & 0xff000000) === 0) this.#shift();
    return bit;
  }

  bits(_value: number, count: number): number {
    let value = 0;
    let left = count;
    while (left > 0) {
      const size = left < STEP_BITS ? left : STEP_BITS;
      left -= size;
      value = (value << size) | this.#step(size);
    }
    return this.failed ? 0 : value >>> 0;
  }

  uniform(_value: number, count: number): number {
    let i = 0;
    while (i < count - 1 && this.bit(0, Math.floor(65_536 / (count - i))) === 0) i++;
    return this.failed ? 0 : i;
  }

  golomb(k: number): number {
    let size = k;
    while (this.bit(0, HALF) === 0) {
      if (this.failed || ++size > 30) {
        this.failed = true;
        return 0;
      }
    }
    const value = 2 ** size + this.bits(0, size) - 2 ** k;
    return this.failed ? 0 : value;
  }

  fail(): void {
    this.failed = true;
  }

  /** Whether the bytes, all of them, are what the encoder writes for what was read. Fails otherwise. */
  finish(): boolean {
    // Four bytes are read ahead of what the bounds have agreed on.
    const agreed = this.#at - 4;
    const tail = (this.#state[LOW] ?? 0) === 0 ? 0 : 1;
    if (this.#end - agreed !== tail) this.failed = true;
    if (tail === 1 && this.#bytes[agreed] !== ((this.#state[LOW] ?? 0) >>> 24) + 1) this.failed = true;
    return !this.failed;
  }

  #step(size: number): number {
    const range = ((this.#state[HIGH] ?? 0) - (this.#state[LOW] ?? 0)) >>> 0;
    let value = 0;
    if (range < STEP_RANGE) {
      for (let i = 0; i < size; i++) value = value * 2 + this.bit(0, HALF);
      return value;
    }
    const part = range >>> size;
    value = Math.floor((((this.#state[VALUE] ?? 0) - (this.#state[LOW] ?? 0)) >>> 0) / part);
    // What is left over behind the last equal part stands for nothing.
    if (value >> size !== 0) {
      this.failed = true;
      return 0;
    }
    this.#state[LOW] = ((this.#state[LOW] ?? 0) + Math.imul(part, value)) | 0;
    this.#state[HIGH] = ((this.#state[LOW] ?? 0) + part - 1) | 0;
    if ((((this.#state[LOW] ?? 0) ^ (this.#state[HIGH] ?? 0)) & 0xff000000) === 0) this.#shift();
    return value;
  }

  #shift(): void {
    do {
      this.#state[LOW] = (this.#state[LOW] ?? 0) << 8;
      this.#state[HIGH] = ((this.#state[HIGH] ?? 0) << 8) | 255;
      this.#state[VALUE] = ((this.#state[VALUE] ?? 0) << 8) | this.#next();
    } while ((((this.#state[LOW] ?? 0) ^ (this.#state[HIGH] ?? 0)) & 0xff000000) === 0);
    // The encoder would have written more bytes than there are.
    if (this.#at > this.#end + 4) this.failed = true;
  }

  #next(): number {
    const at = this.#at++;
    return at < this.#end ? (this.#bytes[at] ?? 0) : 0;
  }
}

const LOW = 0;
const HIGH = 1;
const VALUE = 2;

/** Bits that a probability costs, by its upper 12 bits. */
const COST = Float64Array.from({ length: 4096 }, (_, i) => -Math.log2((i + 0.5) / 4096));

/** Counts what an encoder would spend. Not for anything that two sides must agree on. */
export class BitCounter implements BitCoder {
  readonly writing = true;
  readonly failed = false;
  /** Bits so far. */
  cost = 0;

  bit(bit: number, one: number): number {
    this.cost += COST[(bit === 1 ? one : 65_535 - one) >> 4] ?? 0;
    return bit;
  }

  bits(value: number, count: number): number {
    this.cost += count;
    return value;
  }

  uniform(value: number, count: number): number {
    this.cost += 32 - Math.clz32(count - 1);
    return value;
  }

  fail(): void {}
}

/** `range` times `one` / 65536, rounded down, of an unsigned 32-bit range. Below the range for every probability. */
function share(range: number, one: number): number {
  return (Math.imul(range >>> 16, one) + (Math.imul(range & 0xffff, one) >>> 16)) | 0;
}
