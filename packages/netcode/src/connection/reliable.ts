/** The reliable, ordered stream of messages: sent fragment by fragment until acknowledged, received into a ring. */

import { type Seq, seqAdd, seqDelta, seqNext } from '../base/seq.ts';
import type { Millis } from '../base/units.ts';
import {
  FRAGMENT_HEADER_BYTES,
  FRAGMENT_WINDOW,
  RELIABLE_FRAGMENT_BYTES,
  writeFragment,
} from './fragments.ts';
import { Queue } from './queue.ts';

/** The largest reliable message. */
export const MAX_MESSAGE_BYTES = 64 * 1024;

/** What a sender holds that is not acknowledged yet. */
export const MAX_QUEUED_BYTES = 256 * 1024;
export const MAX_QUEUED_MESSAGES = 4_096;

export class ReliableSender {
  fragmentsSent = 0;
  fragmentsResent = 0;
  /** Bytes and messages accepted and not yet acknowledged. */
  heldBytes = 0;
  heldMessages = 0;

  /** Messages not yet cut to the end; the first one is cut up to `#cutAt`. */
  readonly #uncut = new Queue<Uint8Array>();
  #cutAt = 0;

  // The fragments in flight: numbers #oldest up to, not including, #next, in slot number % FRAGMENT_WINDOW.
  readonly #source: Uint8Array[] = new Array<Uint8Array>(FRAGMENT_WINDOW).fill(NOTHING);
  readonly #from = new Int32Array(FRAGMENT_WINDOW);
  readonly #length = new Int32Array(FRAGMENT_WINDOW);
  readonly #end = new Uint8Array(FRAGMENT_WINDOW);
  readonly #acked = new Uint8Array(FRAGMENT_WINDOW);
  readonly #sentAt = new Float64Array(FRAGMENT_WINDOW);
  #oldest: Seq = 0;
  #next: Seq = 0;

  // Which fragments a packet carried: bit i of low/high stands for number base + i, or base + 32 + i.
  readonly #packetSeq = new Int32Array(PACKET_SLOTS).fill(-1);
  readonly #packetBase = new Uint16Array(PACKET_SLOTS);
  readonly #packetLow = new Uint32Array(PACKET_SLOTS);
  readonly #packetHigh = new Uint32Array(PACKET_SLOTS);

  /** Takes a copy of the message; false when the queue is full. */
  push(message: Uint8Array): boolean {
    if (this.heldBytes + message.length > MAX_QUEUED_BYTES) return false;
    if (this.heldMessages >= MAX_QUEUED_MESSAGES) return false;
    this.heldBytes += message.length;
    this.heldMessages++;
    this.#uncut.push(message.slice());
    return true;
  }

  /** Bytes that `fill` would write now with endless room. */
  wanted(now: Millis, resendAfter: Millis): number {
    let bytes = 0;
    let free = FRAGMENT_WINDOW;
    for (let number = this.#oldest; number !== this.#next; number = seqNext(number)) {
      const slot = number % FRAGMENT_WINDOW;
      if (this.#isDue(slot, now, resendAfter)) bytes += FRAGMENT_HEADER_BYTES + this.#length[slot]!;
      free--;
    }
    for (let i = 0; i < this.#uncut.length && free > 0; i++) {
      const rest = this.#uncut.at(i)!.length - (i === 0 ? this.#cutAt : 0);
      const fragments = Math.min(free, Math.max(1, Math.ceil(rest / RELIABLE_FRAGMENT_BYTES)));
      bytes += fragments * FRAGMENT_HEADER_BYTES + Math.min(rest, fragments * RELIABLE_FRAGMENT_BYTES);
      free -= fragments;
    }
    return bytes;
  }

  /** Writes the fragments that are due, then new ones, as far as they fit; gives the index after the last. */
  fill(now: Millis, seq: Seq, resendAfter: Millis, out: Uint8Array, offset: number, end: number): number {
    const packet = seq % PACKET_SLOTS;
    this.#packetSeq[packet] = seq;
    this.#packetBase[packet] = this.#oldest;
    this.#packetLow[packet] = 0;
    this.#packetHigh[packet] = 0;
    let at = offset;
    for (let i = 0; i < FRAGMENT_WINDOW; i++) {
      const number = seqAdd(this.#oldest, i);
      const slot = number % FRAGMENT_WINDOW;
      const isNew = number === this.#next;
      if (isNew && !this.#cut(slot, end - at - FRAGMENT_HEADER_BYTES)) break;
      if (!isNew && !this.#isDue(slot, now, resendAfter)) continue;
      if (at + FRAGMENT_HEADER_BYTES + this.#length[slot]! > end) continue;
      at = this.#write(number, slot, out, at);
      if (isNew) this.fragmentsSent++;
      else this.fragmentsResent++;
      this.#sentAt[slot] = now;
      if (i < 32) this.#packetLow[packet] = this.#packetLow[packet]! | (1 << i);
      else this.#packetHigh[packet] = this.#packetHigh[packet]! | (1 << (i - 32));
    }
    return at;
  }

  /** The packet arrived: its fragments need no more sending. */
  acked(seq: Seq): void {
    const packet = seq % PACKET_SLOTS;
    if (this.#packetSeq[packet] !== seq) return;
    this.#packetSeq[packet] = -1;
    const base = this.#packetBase[packet]!;
    this.#ackBits(base, this.#packetLow[packet]!);
    this.#ackBits(seqAdd(base, 32), this.#packetHigh[packet]!);
    while (this.#oldest !== this.#next && this.#acked[this.#oldest % FRAGMENT_WINDOW] === 1) this.#release();
  }

  /** Packet numbers begin anew: nothing in flight can be acknowledged any more, so all of it is due. */
  resetFlight(): void {
    this.#packetSeq.fill(-1);
    this.#sentAt.fill(Number.NEGATIVE_INFINITY);
  }

  #isDue(slot: number, now: Millis, resendAfter: Millis): boolean {
    return this.#acked[slot] === 0 && now - this.#sentAt[slot]! >= resendAfter;
  }

  /** Cuts the next fragment into `slot`, unless there is none or it is longer than `room`. */
  #cut(slot: number, room: number): boolean {
    const message = this.#uncut.at(0);
    if (message === undefined) return false;
    const length = Math.min(RELIABLE_FRAGMENT_BYTES, message.length - this.#cutAt);
    if (length > room) return false;
    this.#source[slot] = message;
    this.#from[slot] = this.#cutAt;
    this.#length[slot] = length;
    this.#acked[slot] = 0;
    this.#cutAt += length;
    const done = this.#cutAt === message.length;
    this.#end[slot] = done ? 1 : 0;
    if (done) {
      this.#uncut.shift();
      this.#cutAt = 0;
    }
    this.#next = seqNext(this.#next);
    return true;
  }

  #write(number: Seq, slot: number, out: Uint8Array, at: number): number {
    const source = this.#source[slot]!;
    return writeFragment(
      out,
      at,
      true,
      this.#end[slot] === 1,
      number,
      source,
      this.#from[slot]!,
      this.#length[slot]!,
    );
  }

  #ackBits(base: Seq, bits: number): void {
    for (let rest = bits; rest !== 0; rest &= rest - 1) {
      const number = seqAdd(base, 31 - Math.clz32(rest & -rest));
      // Acknowledged before, in another packet, and released since: its slot may belong to a newer fragment.
      if (seqDelta(number, this.#oldest) >= 0) this.#acked[number % FRAGMENT_WINDOW] = 1;
    }
  }

  #release(): void {
    const slot = this.#oldest % FRAGMENT_WINDOW;
    this.heldBytes -= this.#length[slot]!;
    if (this.#end[slot] === 1) this.heldMessages--;
    this.#source[slot] = NOTHING;
    this.#oldest = seqNext(this.#oldest);
  }
}

export class ReliableReceiver {
  duplicates = 0;
  /** The peer broke the stream's rules: nothing more can be read from it. */
  broken = false;

  readonly #ring = new Uint8Array(FRAGMENT_WINDOW * RELIABLE_FRAGMENT_BYTES);
  /** 0 empty, else 1 + length. */
  readonly #filled = new Uint16Array(FRAGMENT_WINDOW);
  readonly #end = new Uint8Array(FRAGMENT_WINDOW);
  #expected: Seq = 0;
  /** The message being put together, and how much of it is there. */
  #partial: Uint8Array = NOTHING;
  #partialLength = 0;

  /** False for a number that no peer may send: 64 fragments ahead of the first one missing here. */
  inWindow(number: Seq): boolean {
    return seqDelta(number, this.#expected) < FRAGMENT_WINDOW;
  }

  /** Stores one fragment. `inWindow` has been asked. */
  store(number: Seq, end: boolean, bytes: Uint8Array, from: number, to: number): void {
    const slot = number % FRAGMENT_WINDOW;
    if (seqDelta(number, this.#expected) < 0 || this.#filled[slot] !== 0) {
      this.duplicates++;
      return;
    }
    const start = slot * RELIABLE_FRAGMENT_BYTES;
    for (let i = from; i < to; i++) this.#ring[start + i - from] = bytes[i]!;
    this.#filled[slot] = 1 + to - from;
    this.#end[slot] = end ? 1 : 0;
  }

  /** The next complete message, in order. */
  take(): Uint8Array | undefined {
    while (!this.broken && this.#filled[this.#expected % FRAGMENT_WINDOW] !== 0) {
      const message = this.#consume(this.#expected % FRAGMENT_WINDOW);
      this.#expected = seqNext(this.#expected);
      if (message !== undefined) return message;
    }
    return undefined;
  }

  #consume(slot: number): Uint8Array | undefined {
    const length = this.#filled[slot]! - 1;
    const start = slot * RELIABLE_FRAGMENT_BYTES;
    const ends = this.#end[slot] === 1;
    this.#filled[slot] = 0;
    if (ends && this.#partialLength === 0) return this.#ring.slice(start, start + length);
    // An empty last fragment would be a second encoding of the same message.
    if (length === 0 || this.#partialLength + length > MAX_MESSAGE_BYTES) {
      this.broken = true;
      return undefined;
    }
    this.#reserve(this.#partialLength + length);
    for (let i = 0; i < length; i++) this.#partial[this.#partialLength + i] = this.#ring[start + i]!;
    this.#partialLength += length;
    return ends ? this.#finish() : undefined;
  }

  #reserve(length: number): void {
    if (this.#partial.length >= length) return;
    const grown = new Uint8Array(
      Math.min(MAX_MESSAGE_BYTES, Math.max(4 * RELIABLE_FRAGMENT_BYTES, 2 * length)),
    );
    grown.set(this.#partial.subarray(0, this.#partialLength));
    this.#partial = grown;
  }

  #finish(): Uint8Array {
    const message = this.#partial.slice(0, this.#partialLength);
    this.#partial = NOTHING; // a session at rest holds no memory for messages it once had
    this.#partialLength = 0;
    return message;
  }
}

const NOTHING = new Uint8Array(0);

/** Packets whose fragments are remembered, as many as the acks remember. Divides 65,536, so a wrap keeps the slots. */
const PACKET_SLOTS = 256;
