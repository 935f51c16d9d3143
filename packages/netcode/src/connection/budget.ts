/**
 * How many bytes one client may get: a hard cap for every window of one second, and an even pace below it.
 *
 *     allowance(now, rate) -> bytes the next datagram may have, or 0 -> send it -> spend(now, its bytes)
 *
 * A token bucket paces: it fills at the lower of the cap and `rate` (congestion.ts) and holds a tenth of a second, so an
 * idle time is never saved up for a burst. A log of the last second makes the cap hard: whatever the ticks do, no window
 * of 1,000 ms, [t, t + 1,000), carries more. Both count what the network does, `overheadBytes` for each datagram included.
 * Belongs to the session: a new connection does not bring a new allowance. No call allocates.
 */

import { assert } from '../base/assert.ts';
import { MAX_DATAGRAM_BYTES, type Millis, WIRE_OVERHEAD_BYTES } from '../base/units.ts';

export interface SendBudgetOptions {
  readonly now: Millis;
  /** At most this many bytes in any second: 2,000..100,000,000. */
  readonly maxBytesPerSecond: number;
  /** Counted beside each datagram's own bytes, 0..200. Default: the 93 of UDP over IPv4, DTLS and SCTP. */
  readonly overheadBytes?: number;
  /** Time between two paced datagrams. A window that begins or ends between two ticks holds one more than fit into a second. */
  readonly intervalMs: Millis;
}

export class SendBudget {
  readonly overheadBytes: number;
  readonly #intervalMs: Millis;
  #cap = 0;
  #tokens: number;
  #filledAt: Millis;
  /** What was sent within the last second, oldest first, as a ring. */
  readonly #times = new Float64Array(LOG_SLOTS);
  readonly #charges = new Int32Array(LOG_SLOTS);
  #head = 0;
  #logged = 0;
  #inWindow = 0;

  constructor({
    now,
    maxBytesPerSecond,
    overheadBytes = WIRE_OVERHEAD_BYTES,
    intervalMs,
  }: SendBudgetOptions) {
    checkBudget(maxBytesPerSecond, overheadBytes);
    this.overheadBytes = overheadBytes;
    this.#intervalMs = intervalMs;
    this.#cap = Math.floor(maxBytesPerSecond);
    this.#tokens = MAX_DATAGRAM_BYTES + overheadBytes;
    this.#filledAt = now;
  }

  /** At most this many bytes in any second. A lower one holds for the windows that begin once it is set. */
  get cap(): number {
    return this.#cap;
  }

  set cap(bytesPerSecond: number) {
    checkBudget(bytesPerSecond, this.overheadBytes);
    this.#cap = Math.floor(bytesPerSecond);
  }

  /**
   * Bytes that the next paced datagram may have, 0..1,164, when `rate` bytes a second may be sent. 0 when that is less
   * than `least`: then the tick is skipped and what it might have sent is saved, for a datagram of that size at most or a tenth
   * of a second.
   */
  allowance(now: Millis, rate: number, least = MIN_SNAPSHOT_BYTES): number {
    const pace = this.#pace(rate);
    this.#fill(now, pace, least + this.overheadBytes);
    // At most twice an even share: what was saved leaves over some ticks, not as one lump that comes back each second.
    const share = Math.max(least + this.overheadBytes, (2 * pace * this.#intervalMs) / 1_000);
    const charge = Math.min(this.#tokens, share, this.#room(now) - RESERVED_BYTES);
    const bytes = Math.min(MAX_DATAGRAM_BYTES, Math.floor(charge) - this.overheadBytes);
    return bytes < least ? 0 : bytes;
  }

  /**
   * Bytes that one more datagram may have now, 0..1,164, beside the paced ones: at least `reserve` bytes (overhead included) are left
   * for those, and as far as half of what is saved goes a full datagram, since the next may be larger than usual. What is left is
   * still there for the one after, so that it costs no throughput.
   */
  spare(now: Millis, rate: number, reserve: number): number {
    const pace = this.#pace(rate);
    const most = this.#fill(now, pace, MIN_SNAPSHOT_BYTES + this.overheadBytes);
    const room = this.#room(now) - RESERVED_BYTES;
    if (this.#logged >= SPARE_SLOTS) return 0;
    const kept = Math.max(reserve, Math.min(MAX_DATAGRAM_BYTES + this.overheadBytes, most / 2));
    const left = Math.min(this.#tokens, room) - kept - this.overheadBytes;
    return Math.max(0, Math.min(MAX_DATAGRAM_BYTES, Math.floor(left)));
  }

  /** Whether a datagram that is not paced (an answer, a probe, a goodbye) keeps within the cap. */
  fits(now: Millis, bytes: number): boolean {
    return bytes + this.overheadBytes <= this.#room(now);
  }

  /** A datagram of `bytes` was sent. */
  spend(now: Millis, bytes: number): void {
    const charge = bytes + this.overheadBytes;
    this.#tokens -= charge;
    this.#room(now);
    // Only a caller that asked neither `allowance` nor `fits` finds the log full: the oldest entry then counts for a little longer.
    const slot = (this.#head + Math.min(this.#logged, LOG_SLOTS - 1)) % LOG_SLOTS;
    this.#charges[slot] = (this.#logged === LOG_SLOTS ? this.#charges[slot]! : 0) + charge;
    this.#times[slot] = now;
    this.#logged = Math.min(LOG_SLOTS, this.#logged + 1);
    this.#inWindow += charge;
  }

  /** Bytes sent within the second before `now`. */
  sentLastSecond(now: Millis): number {
    this.#room(now);
    return this.#inWindow;
  }

  #pace(rate: number): number {
    return Math.min(rate, ((this.#cap - RESERVED_BYTES) * 1_000) / (1_000 + this.#intervalMs));
  }

  /** Gives the most that can be saved. */
  #fill(now: Millis, pace: number, atLeast: number): number {
    // Beside what is saved up for, the part of a tick that it needed less.
    const most = Math.max(atLeast, pace * SAVED_SECONDS) + (pace * this.#intervalMs) / 1_000;
    const gained = (Math.max(0, now - this.#filledAt) * pace) / 1_000;
    this.#tokens = Math.min(most, this.#tokens + gained);
    this.#filledAt = Math.max(this.#filledAt, now);
    return most;
  }

  /** Bytes that the cap leaves in the window that ends now. */
  #room(now: Millis): number {
    while (this.#logged > 0 && now - this.#times[this.#head]! >= 1_000) {
      this.#inWindow -= this.#charges[this.#head]!;
      this.#head = (this.#head + 1) % LOG_SLOTS;
      this.#logged--;
    }
    return this.#logged === LOG_SLOTS ? 0 : this.#cap - this.#inWindow;
  }
}

/** Throws when a server cannot be run with these. */
export function checkBudget(maxBytesPerSecond: number, overheadBytes: number): void {
  assert(
    maxBytesPerSecond >= MIN_CAP && maxBytesPerSecond <= MAX_CAP,
    `maxBytesPerSecond must be ${MIN_CAP}..${MAX_CAP}, the bytes that one client may get in a second; got ${maxBytesPerSecond}`,
  );
  assert(
    overheadBytes >= 0 && overheadBytes <= MAX_OVERHEAD_BYTES,
    `overheadBytes must be 0..${MAX_OVERHEAD_BYTES}, what the network adds to each datagram; got ${overheadBytes}`,
  );
}

/** Below this a snapshot carries little but headers: better fewer, larger ones. A game's own rows must fit into it. */
export const MIN_SNAPSHOT_BYTES = 320;

/** Kept free of paced datagrams in each second: three goodbyes or two probes. */
const RESERVED_BYTES = 300;

/** Two snapshots of the smallest kind and the acknowledgements between them. */
const MIN_CAP = 2_000;
const MAX_CAP = 100_000_000;
const MAX_OVERHEAD_BYTES = 200;

/** What is saved is sent at once, so it is also how much longer a queue may get: 100 ms. */
const SAVED_SECONDS = 0.1;

/** Datagrams in one second: 64 snapshots, as many datagrams of messages alone, 10 probes, and answers. */
const LOG_SLOTS = 256;
/** Datagrams beside the paced ones leave a quarter of the log to those: one that is full stops everything. */
const SPARE_SLOTS = 192;
