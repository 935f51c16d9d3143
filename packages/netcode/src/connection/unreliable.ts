/** Unreliable messages: sent once, in the next packet with room, and delivered at most once. */

import { type Seq, seqAdd, seqDelta, seqNext } from '../base/seq.ts';
import { FRAGMENT_HEADER_BYTES, writeFragment } from './fragments.ts';
import { Queue } from './queue.ts';

/** Messages that wait for room. The oldest gives way: what is unreliable is worth most when it is new. */
export const MAX_WAITING_UNRELIABLE = 32;

/** Ids told apart on arrival. Older ones are stale: their packet was overtaken by 64 messages. */
export const UNRELIABLE_WINDOW = 64;

export class UnreliableSender {
  sent = 0;
  dropped = 0;
  readonly #waiting = new Queue<Uint8Array>();
  #nextId: Seq = 0;

  push(message: Uint8Array): void {
    if (this.#waiting.length >= MAX_WAITING_UNRELIABLE) {
      this.#waiting.shift();
      this.dropped++;
    }
    this.#waiting.push(message.slice());
  }

  wanted(): number {
    let bytes = 0;
    for (let i = 0; i < this.#waiting.length; i++)
      bytes += FRAGMENT_HEADER_BYTES + this.#waiting.at(i)!.length;
    return bytes;
  }

  /** Writes what fits. One that does not fit stays, and smaller ones behind it go first. */
  fill(out: Uint8Array, offset: number, end: number): number {
    let at = offset;
    let index = 0;
    while (index < this.#waiting.length) {
      const message = this.#waiting.at(index)!;
      if (at + FRAGMENT_HEADER_BYTES + message.length > end) {
        index++;
        continue;
      }
      at = writeFragment(out, at, false, true, this.#nextId, message, 0, message.length);
      this.#nextId = seqNext(this.#nextId);
      this.#waiting.remove(index);
      this.sent++;
    }
    return at;
  }
}

export class UnreliableReceiver {
  duplicates = 0;
  stale = 0;
  /** Slot id % window holds the id seen there, or -1. */
  readonly #seen = new Int32Array(UNRELIABLE_WINDOW).fill(-1);
  #newest: Seq = -1;

  /** True when the message with this id is to be delivered. */
  accept(id: Seq): boolean {
    const age = this.#newest < 0 ? -1 : seqDelta(this.#newest, id);
    if (age >= UNRELIABLE_WINDOW) {
      this.stale++;
      return false;
    }
    const slot = id % UNRELIABLE_WINDOW;
    if (age >= 0 && this.#seen[slot] === id) {
      this.duplicates++;
      return false;
    }
    if (age < 0) this.#moveTo(id, -age);
    this.#seen[slot] = id;
    return true;
  }

  /** Forgets the ids that leave the window, so that none is mistaken for its successor 65,536 later. */
  #moveTo(id: Seq, step: number): void {
    const forget = Math.min(step, UNRELIABLE_WINDOW);
    for (let i = 0; i < forget; i++) this.#seen[seqAdd(id, -i) % UNRELIABLE_WINDOW] = -1;
    this.#newest = id;
  }
}
