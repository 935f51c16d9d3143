/** Datagrams that wait to be polled. Buffers are reused, so sending allocates nothing in steady state. */

import { MAX_DATAGRAM_BYTES } from '../base/units.ts';

interface Waiting {
  readonly buffer: Uint8Array;
  length: number;
  to: number;
}

export class Outbox {
  readonly #free: Waiting[] = [];
  readonly #waiting: Waiting[] = [];
  #head = 0;
  #polled: Waiting | undefined;
  /** Receiver of the datagram that `poll` gave last. */
  to = 0;

  /** Queues a copy of the first `length` bytes for `to`. */
  push(to: number, bytes: Uint8Array, length: number): void {
    const entry = this.#free.pop() ?? { buffer: new Uint8Array(MAX_DATAGRAM_BYTES), length: 0, to: 0 };
    entry.buffer.set(length === bytes.length ? bytes : bytes.subarray(0, length));
    entry.length = length;
    entry.to = to;
    this.#waiting.push(entry);
  }

  /** The next datagram, valid until the next call; undefined when there is none. */
  poll(): Uint8Array | undefined {
    if (this.#polled !== undefined) this.#free.push(this.#polled);
    this.#polled = this.#waiting[this.#head];
    if (this.#polled === undefined) {
      this.#waiting.length = 0;
      this.#head = 0;
      return undefined;
    }
    this.#head++;
    this.to = this.#polled.to;
    return this.#polled.buffer.subarray(0, this.#polled.length);
  }
}
