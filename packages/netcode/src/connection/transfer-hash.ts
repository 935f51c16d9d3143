/** The hash that tells whether a transfer arrived as it was sent: two of 32 bits, taken block by block as both sides go along. */

import { finish32, mix32 } from '../wire/hash.ts';

export class TransferHash {
  #first = 0x7469636b;
  #second = 0x77697265;
  #bytes = 0;

  /** Mixes in `bytes[from]` up to `bytes[to]`. All calls but the last give a multiple of 4 bytes. */
  add(bytes: Uint8Array, from: number, to: number): void {
    for (let i = from; i < to; i += 4) {
      // What is beyond the end of the last word counts as zero; the length tells it from a real one.
      const word =
        bytes[i]! |
        (i + 1 < to ? bytes[i + 1]! << 8 : 0) |
        (i + 2 < to ? bytes[i + 2]! << 16 : 0) |
        (i + 3 < to ? bytes[i + 3]! << 24 : 0);
      this.#first = mix32(this.#first, word);
      this.#second = mix32(this.#second, word ^ 0x5bd1e995);
    }
    this.#bytes += to - from;
  }

  finish(): readonly [number, number] {
    return [finish32(this.#first ^ this.#bytes), finish32(this.#second ^ this.#bytes)];
  }
}
