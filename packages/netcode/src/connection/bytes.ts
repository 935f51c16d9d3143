/** Whole bytes in and out, for the datagrams that are rare enough not to be packed in bits; least significant byte first. */

import { assert } from '../base/assert.ts';
import { MAX_DATAGRAM_BYTES } from '../base/units.ts';
import { decodeUtf8 } from '../wire/utf8.ts';

/** Why bytes could not be read as what they claim to be, as far as a reader can tell. */
export type ReadRefusal = 'truncated' | 'trailing-bytes' | 'too-long' | 'bad-text';

/** Writes one datagram. What does not fit is the caller's mistake. */
export class ByteWriter {
  readonly #bytes = new Uint8Array(MAX_DATAGRAM_BYTES);
  #at = 0;

  /** An unsigned number of 1, 2 or 4 bytes. */
  uint(value: number, size: 1 | 2 | 4): this {
    const fits = Number.isInteger(value) && value >= 0 && value < 2 ** (8 * size);
    assert(fits, `${value} is not an unsigned number of ${8 * size} bits`);
    for (let i = 0; i < size; i++) this.#bytes[this.#at++] = Math.floor(value / 2 ** (8 * i)) & 0xff;
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  /** A length of 1 or 2 bytes, then the bytes. */
  sized(bytes: Uint8Array, sizeBytes: 1 | 2): this {
    return this.uint(bytes.length, sizeBytes).raw(bytes);
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }
}

/** Reads one datagram. The first refusal sticks and everything after it reads as zero or empty. */
export class ByteReader {
  refusal: ReadRefusal | undefined;
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  uint(size: 1 | 2 | 4): number {
    const at = this.#take(size);
    let value = 0;
    if (at >= 0) for (let i = 0; i < size; i++) value += this.#bytes[at + i]! * 2 ** (8 * i);
    return value;
  }

  /** A copy of the next `count` bytes. */
  raw(count: number): Uint8Array {
    const at = this.#take(count);
    return at < 0 ? new Uint8Array(0) : this.#bytes.slice(at, at + count);
  }

  /** A length of 1 or 2 bytes and as many bytes, at most `max`. */
  sized(sizeBytes: 1 | 2, max: number): Uint8Array {
    const length = this.uint(sizeBytes);
    if (length > max) this.refusal ??= 'too-long';
    return this.raw(length);
  }

  /** Well-formed UTF-8 after a length of one byte. */
  text(maxBytes: number): string {
    const text = decodeUtf8(this.sized(1, maxBytes));
    if (text === undefined) this.refusal ??= 'bad-text';
    return text ?? '';
  }

  /** Call last: what refused the datagram, bytes left over included. */
  end(): ReadRefusal | undefined {
    if (this.#at < this.#bytes.length) this.refusal ??= 'trailing-bytes';
    return this.refusal;
  }

  #take(count: number): number {
    if (this.#at + count > this.#bytes.length) this.refusal ??= 'truncated';
    if (this.refusal !== undefined) return -1;
    this.#at += count;
    return this.#at - count;
  }
}
