/** Which blocks each of the last 256 packets carried, and whether it is still under way. */

import { type Seq, seqAdd, seqDelta } from '../base/seq.ts';
import type { Millis } from '../base/units.ts';

/** Packets remembered, as many as the acks remember. Divides 65,536, so a wrap keeps the slots. */
export const PACKET_SLOTS = 256;

/** Runs of blocks in one packet. */
export const RUNS = 4;

export const NONE = 0;
export const OPEN = 1;
export const LOST = 2;

export class PacketRuns {
  readonly seq = new Int32Array(PACKET_SLOTS).fill(-1);
  readonly state = new Uint8Array(PACKET_SLOTS);
  readonly sentAt = new Float64Array(PACKET_SLOTS);
  readonly bytes = new Int32Array(PACKET_SLOTS);
  readonly runs = new Uint8Array(PACKET_SLOTS);
  readonly id = new Uint16Array(PACKET_SLOTS * RUNS);
  readonly from = new Int32Array(PACKET_SLOTS * RUNS);
  readonly count = new Int32Array(PACKET_SLOTS * RUNS);
  /** No packet before `oldest` is open; `newest` is being written. */
  oldest: Seq = -1;
  newest: Seq = -1;

  begin(now: Millis, seq: Seq): void {
    const slot = seq % PACKET_SLOTS;
    this.seq[slot] = seq;
    this.state[slot] = NONE;
    this.runs[slot] = 0;
    this.sentAt[slot] = now;
    if (this.oldest < 0) this.oldest = seq;
    else if (seqDelta(seq, this.oldest) >= PACKET_SLOTS) this.oldest = seqAdd(seq, 1 - PACKET_SLOTS);
    this.newest = seq;
  }

  add(seq: Seq, id: Seq, from: number, count: number): void {
    const slot = seq % PACKET_SLOTS;
    const run = slot * RUNS + this.runs[slot]!++;
    this.id[run] = id;
    this.from[run] = from;
    this.count[run] = count;
  }

  finish(seq: Seq, bytes: number): void {
    const slot = seq % PACKET_SLOTS;
    this.bytes[slot] = bytes;
    this.state[slot] = bytes > 0 ? OPEN : NONE;
  }

  clear(): void {
    this.seq.fill(-1);
    this.state.fill(NONE);
    this.oldest = -1;
    this.newest = -1;
  }
}
