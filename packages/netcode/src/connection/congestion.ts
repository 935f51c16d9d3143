/**
 * How many bytes per second the path to one peer carries, from its acknowledgements and from what the transport could
 * not send yet.
 *
 * Delay speaks first: the shortest of the last round trips against the shortest of the last 20 seconds is the standing
 * queue, and shortest ones pass over jitter (LEDBAT, RFC 6817). A queue beyond the target cuts the rate below what was
 * delivered in the last second, which is what the bottleneck carries, so that one cut is enough to drain it (as BBR
 * takes its rate). Loss alone speaks only from a third on: radio links lose 5-20 % at any rate, and sending less
 * would not help them. Without either the rate grows, fast far from the last limit and slowly near it, and only while it
 * is used (RFC 7661).
 *
 * Belongs to the connection, as the path does. No call allocates.
 */

import type { Seq } from '../base/seq.ts';
import type { Millis } from '../base/units.ts';
import type { PacketAcks } from './acks.ts';

export class CongestionControl {
  /** Cuts by what caused them, and cuts taken back because the delay was not ours. */
  readonly stats = { delayCuts: 0, lossCuts: 0, bufferCuts: 0, takenBack: 0 };
  #rate = INITIAL_RATE;
  /** What the path carried when it was last full. */
  #limit = Infinity;
  readonly #sentSeq = new Int32Array(SENT_SLOTS).fill(-1);
  readonly #sentBytes = new Int32Array(SENT_SLOTS);
  readonly #sent = new ByteMeter();
  readonly #delivered = new ByteMeter();

  readonly #recent = new Float64Array(RECENT_TRIPS);
  #recentCount = 0;
  #samples = 0;
  /** Shortest round trips of this half of the memory and of the one before. */
  #base = Infinity;
  #baseBefore = Infinity;
  #baseSince: Millis = 0;
  #queueMs = 0;

  #measuredAt: Millis = -Infinity;
  #settledAt: Millis = 0;
  #lossCutAt: Millis = -Infinity;
  #heldTicks = 0;
  /** Cuts for delay in a row, the standing queue at the last of them, and the rate before the first. */
  #cuts = 0;
  #queueAtCut = 0;
  #rateBeforeCuts = 0;

  /** Bytes per second, overhead included, that the path takes without a queue. */
  get rate(): number {
    return this.#rate;
  }

  /** How long a datagram waits in queues on the way, in ms, as far as round trips tell. */
  get queueMs(): Millis {
    return this.#queueMs;
  }

  /** Packet `seq` of `bytes` on the wire was sent. */
  sent(now: Millis, seq: Seq, bytes: number): void {
    const slot = seq % SENT_SLOTS;
    this.#sentSeq[slot] = seq;
    this.#sentBytes[slot] = bytes;
    this.#sent.add(now, bytes);
  }

  /** The peer has packet `seq`. */
  acked(now: Millis, seq: Seq): void {
    const slot = seq % SENT_SLOTS;
    if (this.#sentSeq[slot] !== seq) return;
    this.#sentSeq[slot] = -1;
    this.#delivered.add(now, this.#sentBytes[slot]!);
  }

  /** Adapts the rate, up to `cap`. Call after each header that `acks` has applied. */
  measure(now: Millis, acks: PacketAcks, cap: number): void {
    const elapsed = Math.min(MAX_GROWTH_MS, now - this.#measuredAt);
    this.#measuredAt = now;
    this.#rate = Math.min(this.#rate, cap);
    if (acks.rttSamples === this.#samples) return;
    this.#samples = acks.rttSamples;
    this.#sample(now, acks.newestRtt);
    if (now < this.#settledAt || this.#recentCount < MIN_TRIPS) return;
    const target = Math.max(QUEUE_TARGET_MS, JITTERS * acks.jitter);
    if (this.#queueMs > target) {
      this.#tooSlow(now);
    } else if (acks.loss > LOSS_FLOOR && now - this.#lossCutAt >= LOSS_CUT_EVERY_MS) {
      this.stats.lossCuts++;
      this.#lossCutAt = now;
      this.#limit = this.#rate;
      this.#setRate(this.#rate * GENTLE_CUT);
    } else if (this.#queueMs < target / 2) {
      this.#calm(now, elapsed, cap);
    }
  }

  /** What the transport still held at a snapshot tick. One tick is a retransmission; more is a path that takes less than it gets. */
  held(now: Millis, bytes: number): void {
    this.#heldTicks = bytes > 0 ? this.#heldTicks + 1 : 0;
    if (this.#heldTicks < HELD_TICKS || now < this.#settledAt) return;
    this.#heldTicks = 0;
    this.stats.bufferCuts++;
    this.#cut(now, GENTLE_CUT, 0);
  }

  #sample(now: Millis, rtt: Millis): void {
    if (now - this.#baseSince >= BASE_MEMORY_MS / 2) {
      this.#baseBefore = this.#base;
      this.#base = Infinity;
      this.#baseSince = now;
    }
    this.#base = Math.min(this.#base, rtt);
    this.#recent[this.#recentCount++ % RECENT_TRIPS] = rtt;
    let shortest = Infinity;
    const count = Math.min(this.#recentCount, RECENT_TRIPS);
    for (let i = 0; i < count; i++) shortest = Math.min(shortest, this.#recent[i]!);
    this.#queueMs = shortest - Math.min(this.#base, this.#baseBefore);
  }

  #tooSlow(now: Millis): void {
    // The first cut may have trusted a second in which the path was still wider; the next knows what it carries. A queue
    // that not even that one shortens is somebody else's, or the path has become longer.
    if (this.#cuts >= 2 && this.#queueMs > NOT_SHORTER * this.#queueAtCut) {
      this.stats.takenBack++;
      this.#cuts = 0;
      this.#base = Math.min(this.#base, this.#baseBefore) + this.#queueMs;
      this.#baseBefore = Infinity;
      this.#queueMs = 0;
      this.#limit = Infinity;
      this.#setRate(this.#rateBeforeCuts);
      return;
    }
    if (this.#cuts++ === 0) this.#rateBeforeCuts = this.#rate;
    this.#queueAtCut = this.#queueMs;
    this.stats.delayCuts++;
    this.#cut(now, Math.max(HARDEST_CUT, Math.min(GENTLE_CUT, 1 - this.#queueMs / 1_000)), this.#queueMs);
  }

  /** Below what is delivered by as much as drains the queue in about a second, and then time to see it. */
  #cut(now: Millis, factor: number, queueMs: Millis): void {
    const delivered = this.#delivered.perSecond(now);
    this.#limit = Math.min(this.#rate, delivered);
    this.#setRate(Math.max(this.#rate * HARDEST_CUT, Math.min(this.#rate * GENTLE_CUT, delivered * factor)));
    const trip = Math.min(this.#base, this.#baseBefore) + queueMs;
    this.#settledAt = now + Math.min(MAX_SETTLE_MS, trip + queueMs / (1 - factor));
    this.#recentCount = 0;
  }

  #calm(now: Millis, elapsed: Millis, cap: number): void {
    // The queue is gone: back to just below what the path carries.
    if (this.#cuts > 0) this.#setRate(Math.max(this.#rate, Math.min(this.#limit, cap) * GENTLE_CUT));
    this.#cuts = 0;
    if (this.#sent.perSecond(now) < USED * this.#rate) return;
    const near = this.#rate > this.#limit * GENTLE_CUT && this.#rate < this.#limit * BEYOND_LIMIT;
    if (this.#rate >= this.#limit * BEYOND_LIMIT) this.#limit = Infinity;
    const perSecond = near ? SLOW_GROWTH : FAST_GROWTH;
    this.#setRate(Math.min(cap, this.#rate * (1 + (perSecond * elapsed) / 1_000)));
  }

  #setRate(rate: number): void {
    this.#rate = Math.max(MIN_RATE, rate);
  }
}

/** Bytes over about the last second, in steps of an eighth. */
class ByteMeter {
  readonly #bytes = new Float64Array(METER_SLOTS);
  #slot = -METER_SLOTS;
  #first: Millis = Infinity;

  add(now: Millis, bytes: number): void {
    this.#turn(now);
    this.#first = Math.min(this.#first, now);
    const at = this.#slot % METER_SLOTS;
    this.#bytes[at] = this.#bytes[at]! + bytes;
  }

  perSecond(now: Millis): number {
    this.#turn(now);
    let sum = 0;
    for (const bytes of this.#bytes) sum += bytes;
    // The newest slot is not over yet, and at first there are fewer.
    const covered = Math.min(now - this.#first, now - (this.#slot - METER_SLOTS + 1) * METER_SLOT_MS);
    return (sum * 1_000) / Math.max(LEAST_METERED_MS, covered);
  }

  #turn(now: Millis): void {
    const slot = Math.floor(now / METER_SLOT_MS);
    if (slot <= this.#slot) return;
    if (slot - this.#slot >= METER_SLOTS) this.#bytes.fill(0);
    else for (let s = this.#slot + 1; s <= slot; s++) this.#bytes[s % METER_SLOTS] = 0;
    this.#slot = slot;
  }
}

/** Half a kilobyte at 20 snapshots a second and more: what any line carries that plays at all. */
const INITIAL_RATE = 16_000;

/** Below this nobody plays. Ten small snapshots a second. */
const MIN_RATE = 4_000;

/** The standing queue that is put up with: a snapshot interval. */
const QUEUE_TARGET_MS = 50;

/** The shortest of some round trips still varies with the jitter: on a jittery path by this many of its mean steps. */
const JITTERS = 2;

/** Half a second at 20 packets a second, of which most must be there before anything is judged. */
const RECENT_TRIPS = 10;
const MIN_TRIPS = 6;

/** A path that has become longer is taken for a queue for at most this long. */
const BASE_MEMORY_MS = 20_000;

/** Smoothed over about 100 packets, a fifth lost in bursts reaches a third seldom. */
const LOSS_FLOOR = 0.35;
const LOSS_CUT_EVERY_MS = 2_000;

/** 100 ms at 20 snapshots a second: longer than one retransmission takes. */
const HELD_TICKS = 3;

const GENTLE_CUT = 0.85;
const HARDEST_CUT = 0.4;
const MAX_SETTLE_MS = 3_000;

/** A cut that leaves this much of the queue did not meet its cause. */
const NOT_SHORTER = 0.8;

/** Share of the rate per second: 16 to 64 kB/s in 3.4 s; from 15 % below a known limit to 20 % above it in 7 s. */
const FAST_GROWTH = 0.5;
const SLOW_GROWTH = 0.05;
const BEYOND_LIMIT = 1.2;
const MAX_GROWTH_MS = 100;

/** A rate of which less is used says nothing about the path, so it does not grow. */
const USED = 0.7;

/** Must divide 65,536, or a wrap would move the slots. */
const SENT_SLOTS = 256;

const METER_SLOTS = 8;
const METER_SLOT_MS = 125;
const LEAST_METERED_MS = 250;
