/**
 * Bits into bytes and back, least significant bit first.
 *
 *     byte 0            byte 1
 *     76543210          76543210
 *     bbbaaaaa          ....bbbb     a: 5 bits written first, b: 7 bits written next
 *
 * Both work on 32-bit words: the first bit written is the lowest bit of the first word, which in memory is the lowest bit of the first byte.
 * The reader's failure is sticky and yields zeros, so decoders need no check per field; loops over peer-sent counts also stop on `failed`.
 */

/** Typed arrays have the order of the machine. On a machine of the other order bits go through bytes, one at a time. */
const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

const NO_WORDS = new Uint32Array(0);

export class BitWriter {
  readonly bytes: Uint8Array;
  /** The same memory in words, as far as whole words reach. */
  readonly #words: Uint32Array;
  /** Words that are complete. */
  #at = 0;
  /** The bits of the next word, and how many there are: 0..31. */
  #bits = 0;
  #fill = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#words =
      LITTLE_ENDIAN && bytes.byteOffset % 4 === 0
        ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2)
        : NO_WORDS;
  }

  /** Number of bits written so far, also those that did not fit. */
  get bitLength(): number {
    return this.#at * 32 + this.#fill;
  }

  /** True while more is written than fits. What is past the end is lost. */
  get overflowed(): boolean {
    return this.#at * 32 + this.#fill > this.bytes.length * 8;
  }

  reset(): void {
    this.#at = 0;
    this.#bits = 0;
    this.#fill = 0;
  }

  /** Goes on after the first `bits` bits of the memory: back to an earlier length, or past what somebody else wrote behind this writer. */
  seek(bits: number): void {
    this.#flush();
    this.#at = bits >>> 5;
    this.#fill = bits & 31;
    this.#bits = this.#fill === 0 ? 0 : this.#word(this.#at) & ((1 << this.#fill) - 1);
  }

  /** Writes the low `count` bits of `value`; count 0..32. */
  write(value: number, count: number): void {
    const low = count === 32 ? value : value & ((1 << count) - 1);
    const fill = this.#fill;
    const bits = this.#bits | (low << fill);
    if (fill + count < 32) {
      this.#bits = bits;
      this.#fill = fill + count;
      return;
    }
    const at = this.#at++;
    if (at < this.#words.length) this.#words[at] = bits;
    else this.#store(at, bits);
    this.#bits = fill === 0 ? 0 : low >>> (32 - fill);
    this.#fill = fill + count - 32;
  }

  /** Exponential Golomb code of order `k` for an integer 0..2^31-2: small numbers take few bits, each number has one code. */
  writeGolomb(value: number, k: number): void {
    const shifted = value + (1 << k);
    const size = 31 - Math.clz32(shifted);
    const extra = size - k;
    if (extra + size < 32) {
      // Zeros, a one, then the low bits.
      this.write((1 | ((shifted - (1 << size)) << 1)) << extra, extra + 1 + size);
      return;
    }
    this.write(0, extra);
    this.write(1, 1);
    this.write(shifted - (1 << size), size);
  }

  /** Copies bits `from`..`to` of another writer. */
  append(other: BitWriter, from: number, to: number): void {
    other.#flush();
    const shift = from & 31;
    let i = from >>> 5;
    let left = to - from;
    let word = other.#word(i++);
    while (left > 0) {
      const next = shift + left > 32 ? other.#word(i++) : 0;
      const bits = shift === 0 ? word : (word >>> shift) | (next << (32 - shift));
      this.write(bits, left < 32 ? left : 32);
      word = next;
      left -= 32;
    }
  }

  /** Fills the last byte with zero bits and gives the number of bytes. */
  finish(): number {
    const rest = -this.#fill & 7;
    if (rest > 0) this.write(0, rest);
    this.#flush();
    return this.#at * 4 + (this.#fill >>> 3);
  }

  /** Brings the unfinished word to memory. */
  #flush(): void {
    if (this.#fill === 0) return;
    const at = this.#at * 4;
    for (let i = 0; i * 8 < this.#fill && at + i < this.bytes.length; i++)
      this.bytes[at + i] = this.#bits >>> (i * 8);
  }

  #store(index: number, bits: number): void {
    const at = index * 4;
    for (let i = 0; i < 4 && at + i < this.bytes.length; i++) this.bytes[at + i] = bits >>> (i * 8);
  }

  #word(index: number): number {
    if (index < this.#words.length) return this.#words[index] as number;
    const at = index * 4;
    const { bytes } = this;
    return (
      (bytes[at] ?? 0) |
      ((bytes[at + 1] ?? 0) << 8) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24)
    );
  }
}

/** Words for a datagram, so that a reader grows for nothing but test data. */
const MIN_WORDS = 296;

export class BitReader {
  /** A copy of the bytes, in words, with one word to spare: what is read may straddle two. */
  #words = new Uint32Array(MIN_WORDS);
  #view = new Uint8Array(this.#words.buffer);
  #start = 0;
  #at = 0;
  #end = 0;
  /** True once more was read than there is. Stays true. */
  failed = false;

  constructor(bytes?: Uint8Array) {
    if (bytes !== undefined) this.open(bytes, 0, bytes.length);
  }

  /** Starts over on bytes `start`..`end`. They are copied. */
  open(bytes: Uint8Array, start: number, end: number): this {
    const size = end - start;
    if (size + 8 > this.#view.length) {
      this.#words = new Uint32Array((size >> 2) + MIN_WORDS);
      this.#view = new Uint8Array(this.#words.buffer);
    }
    this.#view.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
    if (!LITTLE_ENDIAN) swapWords(this.#view, size);
    this.#start = start;
    this.#at = 0;
    this.#end = size * 8;
    this.failed = false;
    return this;
  }

  /** Bits left to read. */
  get remaining(): number {
    return this.#end - this.#at;
  }

  /** Reads `count` bits as an unsigned number; count 0..32. Zero after a failure. */
  read(count: number): number {
    const at = this.#at;
    if (at + count > this.#end || this.failed) {
      this.failed = true;
      return 0;
    }
    this.#at = at + count;
    const shift = at & 31;
    const words = this.#words;
    let bits = (words[at >>> 5] as number) >>> shift;
    if (shift + count > 32) bits |= (words[(at >>> 5) + 1] as number) << (32 - shift);
    return count === 32 ? bits >>> 0 : bits & ((1 << count) - 1);
  }

  readBool(): boolean {
    return this.read(1) === 1;
  }

  readGolomb(k: number): number {
    let extra = 0;
    while (!this.failed && this.read(1) === 0) {
      if (++extra + k > 30) {
        this.failed = true;
        return 0;
      }
    }
    const size = extra + k;
    const value = (1 << size) + this.read(size) - (1 << k);
    return this.failed ? 0 : value;
  }

  fail(): void {
    this.failed = true;
  }

  /** Reads up to the next whole byte; true when the padding was zero, as the one valid encoding has it. */
  align(): boolean {
    return this.read(-this.#at & 7) === 0;
  }

  /** Leaves out bytes that somebody else reads. */
  skip(bytes: number): void {
    if (this.#at + bytes * 8 > this.#end) this.failed = true;
    else this.#at += bytes * 8;
  }

  /** Index, in the bytes that were opened, of the byte that the next bit is in. */
  get byteOffset(): number {
    return this.#start + ((this.#at + 7) >> 3);
  }
}

function swapWords(bytes: Uint8Array, size: number): void {
  for (let at = 0; at < size; at += 4) bytes.subarray(at, at + 4).reverse();
}
