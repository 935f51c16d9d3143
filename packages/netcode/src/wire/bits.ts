/**
 * Bits into bytes and back, least significant bit first.
 *
 *     byte 0            byte 1
 *     76543210          76543210
 *     bbbaaaaa          ....bbbb     a: 5 bits written first, b: 7 bits written next
 *
 * The reader's failure is sticky and yields zeros, so decoders need no check per field; loops over peer-sent counts also stop on `failed`.
 */

export class BitWriter {
  readonly bytes: Uint8Array;
  #at = 0;
  #bits = 0;
  #fill = 0;
  /** True once something did not fit. What was written since then is lost. */
  overflowed = false;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Number of bits written so far. */
  get bitLength(): number {
    return this.#at * 8 + this.#fill;
  }

  reset(): void {
    this.#at = 0;
    this.#bits = 0;
    this.#fill = 0;
    this.overflowed = false;
  }

  /** Forgets everything after the first `bits` bits. */
  rewind(bits: number): void {
    const at = bits >> 3;
    const partial = at < this.#at ? (this.bytes[at] ?? 0) : this.#bits;
    this.#at = at;
    this.#fill = bits & 7;
    this.#bits = partial & ((1 << this.#fill) - 1);
    this.overflowed = false;
  }

  /** Writes the low `count` bits of `value`; count 0..32. */
  write(value: number, count: number): void {
    if (count > 24) {
      this.write(value & 0xffff, 16);
      this.write(value >>> 16, count - 16);
      return;
    }
    let bits = this.#bits | ((value & ((1 << count) - 1)) << this.#fill);
    let fill = this.#fill + count;
    let at = this.#at;
    const bytes = this.bytes;
    while (fill >= 8) {
      if (at >= bytes.length) {
        this.overflowed = true;
        return;
      }
      bytes[at++] = bits & 0xff;
      bits >>>= 8;
      fill -= 8;
    }
    this.#bits = bits;
    this.#fill = fill;
    this.#at = at;
  }

  /** Exponential Golomb code of order `k` for an integer 0..2^31-2: small numbers take few bits, each number has one code. */
  writeGolomb(value: number, k: number): void {
    const shifted = value + (1 << k);
    const size = 31 - Math.clz32(shifted);
    const extra = size - k;
    this.write(0, extra);
    this.write(1, 1);
    this.write(shifted - (1 << size), size);
  }

  /** Copies bits `from`..`to` of another writer. */
  append(other: BitWriter, from: number, to: number): void {
    const { bytes } = other;
    // The unfinished byte of the other writer stands in its register; reading it from memory is simpler.
    if (other.#at < bytes.length) bytes[other.#at] = other.#bits;
    for (let at = from; at < to; at += 24) {
      const byte = at >> 3;
      const word =
        (bytes[byte] ?? 0) |
        ((bytes[byte + 1] ?? 0) << 8) |
        ((bytes[byte + 2] ?? 0) << 16) |
        ((bytes[byte + 3] ?? 0) << 24);
      this.write(word >>> (at & 7), to - at < 24 ? to - at : 24);
    }
  }

  /** Fills the last byte with zero bits and gives the number of bytes. */
  finish(): number {
    if (this.#fill > 0) this.write(0, 8 - this.#fill);
    return this.#at;
  }
}

export class BitReader {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  /** True once more was read than there is. Stays true. */
  failed = false;

  constructor(bytes?: Uint8Array) {
    if (bytes !== undefined) this.open(bytes, 0, bytes.length);
  }

  /** Starts over on bytes `start`..`end`. */
  open(bytes: Uint8Array, start: number, end: number): this {
    this.#bytes = bytes;
    this.#at = start * 8;
    this.#end = end * 8;
    this.failed = false;
    return this;
  }

  /** Bits left to read. */
  get remaining(): number {
    return this.#end - this.#at;
  }

  /** Reads `count` bits as an unsigned number; count 0..32. Zero after a failure. */
  read(count: number): number {
    if (this.#at + count > this.#end || this.failed) {
      this.failed = true;
      return 0;
    }
    return count <= 24 ? this.#take(count) : this.#take(16) + this.#take(count - 16) * 65536;
  }

  /** At most 24 bits, which lie within four bytes. Bytes past the end read as zero, and no bit of them is kept. */
  #take(count: number): number {
    const bytes = this.#bytes;
    const byte = this.#at >> 3;
    const word =
      (bytes[byte] ?? 0) |
      ((bytes[byte + 1] ?? 0) << 8) |
      ((bytes[byte + 2] ?? 0) << 16) |
      ((bytes[byte + 3] ?? 0) << 24);
    const value = (word >>> (this.#at & 7)) & ((1 << count) - 1);
    this.#at += count;
    return value;
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
    return this.read((8 - (this.#at & 7)) & 7) === 0;
  }

  /** Index of the byte that the next bit is in. */
  get byteOffset(): number {
    return (this.#at + 7) >> 3;
  }
}
