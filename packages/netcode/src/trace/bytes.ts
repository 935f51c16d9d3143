/** Bytes of a recording: unsigned numbers of 1..5 bytes, small ones first (LEB128), and signed ones folded onto them (zigzag). */

import { UsageError } from '../base/assert.ts';

export class ByteWriter {
  bytes = new Uint8Array(4096);
  length = 0;

  reset(): void {
    this.length = 0;
  }

  /** A u32. */
  unsigned(value: number): void {
    if (this.length + 5 > this.bytes.length) this.#grow();
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  /** An i32. */
  signed(value: number): void {
    this.unsigned((value << 1) ^ (value >> 31));
  }

  /** A copy of what was written. */
  take(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  #grow(): void {
    const grown = new Uint8Array(this.bytes.length * 2);
    grown.set(this.bytes);
    this.bytes = grown;
  }
}

/** Reads what `ByteWriter` wrote. A recording is the user's own file: what is wrong with it throws. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  unsigned(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new UsageError('this recording is damaged: it ends in the middle');
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new UsageError('this recording is damaged: a number in it never ends');
  }

  signed(): number {
    const value = this.unsigned();
    return (value >>> 1) ^ -(value & 1);
  }
}
