/**
 * How many bytes per second the path to one peer carries, from its acknowledgements and from what the transport could
 * not send yet.
 *
 * Delay speaks first: the shortest of the last round trips against the shortest of the last 20 seconds is the standing
 * queue, and shortest ones pass over jitter (LEDBAT, RFC 6817). A queue beyond the target cuts the rate below what was
 * delivered in the last second, which is what the bottleneck carries, so that one cut is enough to drain it (as BBR
 * takes its rate). Loss alone speaks only from 30 % on, 45 % where there is jitter: radio links lose 5-20 % at any rate, and sending less
 * would not help them. Without either the rate grows, fast far from the last limit and slowly near it, and only while it
 * is used (RFC 7661). While a transfer begins and no limit was met, it grows three times as fast: the transfer stops at the first
 * sign of a queue (transfer-pace.ts), long before it would be felt, so what it finds out costs the snapshots nothing.
 *
 * Belongs to the connection, as the path does. No call allocates.
 */

import type { Seq } from '../base/seq.ts';
import type { Millis } from '../base/units.ts';
import type { PacketAcks } from './acks.ts';
import { ByteMeter } from './meter.ts';

export class CongestionControl {
  /** Cuts by what caused them, and cuts taken back because the delay was not ours. */
  readonly stats = { delayCuts: 0, lossCuts: 0, bufferCuts: 0, takenBack: 0 };
  #rate = INITIAL_RATE;
  /** What the path carried when it was last full. */
  #limit = Infinity;
  readonly #sentSeq = new Int32Array(SENT_SLOTS).fill(-1);
  readonly #sentBytes = new Int32Array(SENT_SLOTS);
  /** Bytes sent up to and including the packet. */
  readonly #sentUpTo = new Float64Array(SENT_SLOTS);
  readonly #sent = new ByteMeter();
  readonly #delivered = new ByteMeter();
  /** What was sent up to the newest acknowledged packet: delivered or lost. */
  readonly #passed = new ByteMeter();
  #total = 0;
  /** Mean size of a datagram. */
  #datagram = 0;
  #ackedUpTo = 0;

  readonly #trips = new Float64Array(LONG_TRIPS);
  #tripCount = 0;
  #samples = 0;
  #lastTrip: Millis = 0;
  #jitter: Millis = 0;
  /** Shortest round trips of this half of the memory and of the one before. */
  #base = Infinity;
  #baseBefore = Infinity;
  #baseSince: Millis = 0;
  #queueMs: Millis = 0;

  #grownAt: Millis = Infinity;
  /** Packets sent before this say nothing about the rate. */
  #settledAt: Millis = 0;
  #lossCutAt: Millis = -Infinity;
  #heldTicks = 0;
  /** Cuts for delay in a row; at the last of them how much longer the way was than at best, and how long what was under way waited; the rate before the first. */
  #cuts = 0;
  #longerAtCut: Millis = 0;
  #waitingAtCut: Millis = 0;
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
    this.#total += bytes;
    this.#sentSeq[slot] = seq;
    this.#sentBytes[slot] = bytes;
    this.#sentUpTo[slot] = this.#total;
    this.#sent.add(now, bytes);
    this.#datagram += (bytes - this.#datagram) / 8;
  }

  /** The peer has packet `seq`. */
  acked(now: Millis, seq: Seq): void {
    const slot = seq % SENT_SLOTS;
    if (this.#sentSeq[slot] !== seq) return;
    this.#sentSeq[slot] = -1;
    this.#delivered.add(now, this.#sentBytes[slot]!);
    const passed = this.#sentUpTo[slot]! - this.#ackedUpTo;
    if (passed <= 0) return;
    this.#passed.add(now, passed);
    this.#ackedUpTo += passed;
  }

  /** Adapts the rate, up to `cap`. Call after each header that `acks` has applied. `probing`: a transfer that would use more watches the delay. */
  measure(now: Millis, acks: PacketAcks, cap: number, probing = false): void {
    this.#rate = Math.min(this.#rate, cap);
    if (acks.rttSamples === this.#samples) return;
    this.#samples = acks.rttSamples;
    this.#sample(now, acks.newestRtt);
    if (this.#tripCount < SHORT_TRIPS) return;
    const target = Math.max(QUEUE_TARGET_MS, JITTERS * this.#jitter);
    const long = this.#tripCount >= LEAST_LONG_TRIPS;
    const short = this.#queueOver(SHORT_TRIPS);
    const waiting = this.#waitingMs(now, acks.loss) - ANSWER_MS;
    const urgent = short > target && Math.max(short, waiting) > URGENT * target;
    if ((long && this.#queueMs > target) || urgent) {
      this.#tooFast(now, acks.loss);
    } else if (long && acks.loss > this.#lossFloor() && now - this.#lossCutAt >= LOSS_CUT_EVERY_MS) {
      this.#tooLossy(now);
    } else if (long && this.#queueMs < Math.max(target / 2, target - DOUBTFUL_MS)) {
      this.#calm(now, cap, acks.loss, probing);
    } else {
      this.#grownAt = now;
    }
  }

  /** What the transport still held at a snapshot tick. One tick is a retransmission; more is a path that takes less than it gets. */
  held(now: Millis, bytes: number): void {
    this.#heldTicks = bytes > 0 ? this.#heldTicks + 1 : 0;
    if (this.#heldTicks < HELD_TICKS) return;
    this.#heldTicks = 0;
    this.stats.bufferCuts++;
    this.#cut(now, this.#delivered.perSecond(now), GENTLE_CUT, 0, HARDEST_STEP);
  }

  #sample(now: Millis, trip: Millis): void {
    if (now - this.#baseSince >= BASE_MEMORY_MS / 2) {
      this.#baseBefore = this.#base;
      this.#base = Infinity;
      this.#baseSince = now;
    }
    this.#base = Math.min(this.#base, trip);
    const step = Math.min(MAX_STEP_MS, Math.abs(trip - this.#lastTrip));
    if (this.#samples > 1) this.#jitter += (step - this.#jitter) * Math.max(JITTER_GAIN, 1 / this.#samples);
    this.#lastTrip = trip;
    if (now - trip < this.#settledAt) return;
    this.#trips[this.#tripCount++ % LONG_TRIPS] = trip;
    this.#queueMs = this.#queueOver(LONG_TRIPS);
  }

  /** The shortest of the newest `count` round trips above the shortest of all. */
  #queueOver(count: number): Millis {
    let shortest = Infinity;
    for (let i = 1; i <= Math.min(count, this.#tripCount); i++)
      shortest = Math.min(shortest, this.#trips[(this.#tripCount - i) % LONG_TRIPS]!);
    return Math.max(0, shortest - this.#shortest() - this.#passage());
  }

  /** How long one of our own datagrams takes through the narrowest place, ms. That is no queue: a thinner path shows it, too. */
  #passage(): Millis {
    return (this.#datagram * 1_000) / Math.max(MIN_RATE, this.#limit);
  }

  /**
   * How long what is under way takes beyond the shortest round trip. Round trips tell of packets sent a queue ago, this tells how
   * long it is now; but a burst of losses looks the same, so only a path without any is asked.
   */
  #waitingMs(now: Millis, loss: number): Millis {
    if (this.#isLossy(now, loss)) return 0;
    const delivered = Math.max(MIN_RATE, this.#delivered.perSecond(now));
    return ((this.#total - this.#ackedUpTo) * 1_000) / delivered - this.#shortest() - this.#passage();
  }

  /** Acknowledgements judge a packet lost after 32 more; what the last second left out is known at once. */
  #isLossy(now: Millis, loss: number): boolean {
    const through = this.#delivered.perSecond(now) / Math.max(1, this.#passed.perSecond(now));
    return Math.max(loss, 1 - through) > CLEAN_LOSS;
  }

  #shortest(): Millis {
    return Math.min(this.#base, this.#baseBefore);
  }

  #tooFast(now: Millis, loss: number): void {
    const delivered = this.#delivered.perSecond(now);
    const longer = this.#queueOver(SHORT_TRIPS) + this.#passage();
    const waiting = this.#waitingMs(now, loss) + this.#passage();
    const shorter = longer < NOT_SHORTER * this.#longerAtCut || waiting < NOT_SHORTER * this.#waitingAtCut;
    if (this.#cuts >= 2 && !shorter) {
      this.#takeBack();
      return;
    }
    if (this.#cuts++ === 0) this.#rateBeforeCuts = this.#rate;
    this.stats.delayCuts++;
    this.#longerAtCut = longer;
    this.#waitingAtCut = waiting;
    const queueMs = Math.max(longer, Math.min(MAX_QUEUE_MS, waiting - ANSWER_MS));
    // What random loss takes does not narrow the path.
    const carried = delivered / (1 - Math.min(this.#lossFloor(), loss));
    const factor = Math.max(HARDEST_CUT, Math.min(GENTLE_CUT, 1 - queueMs / 1_000));
    this.#cut(now, carried, factor, queueMs, this.#isLossy(now, loss) ? HARDEST_LOSSY_STEP : HARDEST_STEP);
  }

  /**
   * The first cut may have trusted a second in which the path was still wider; the next knew what it carries. A delay that not even
   * that one shortened is somebody else's queue, or a path that has become longer.
   */
  #takeBack(): void {
    this.stats.takenBack++;
    this.#cuts = 0;
    this.#base = this.#shortest() + this.#queueMs + this.#passage();
    this.#baseBefore = Infinity;
    this.#queueMs = 0;
    this.#limit = Infinity;
    this.#setRate(this.#rateBeforeCuts);
  }

  /** Loss up to here may be the radio's own. Where delays are steady there is hardly a radio. */
  #lossFloor(): number {
    return this.#jitter > RADIO_JITTER_MS ? LOSS_FLOOR_RADIO : LOSS_FLOOR;
  }

  #tooLossy(now: Millis): void {
    this.stats.lossCuts++;
    this.#lossCutAt = now;
    const delivered = this.#delivered.perSecond(now);
    this.#setRate(Math.max(this.#rate * HARD_LOSS_CUT, Math.min(this.#rate * GENTLE_CUT, delivered)));
    this.#limit = this.#rate;
    this.#grownAt = now;
  }

  /** Below what the path carries by as much as drains the queue in about a second, and then time to see it. */
  #cut(now: Millis, carried: number, factor: number, queueMs: Millis, hardest: number): void {
    this.#limit = carried;
    this.#setRate(Math.max(this.#rate * hardest, Math.min(this.#rate * GENTLE_CUT, carried * factor)));
    const draining = Math.max(1 - GENTLE_CUT, 1 - this.#rate / Math.max(MIN_RATE, carried));
    this.#settledAt = now + Math.min(MAX_SETTLE_MS, queueMs / draining);
    this.#tripCount = 0;
    this.#grownAt = now;
  }

  #calm(now: Millis, cap: number, loss: number, probing: boolean): void {
    this.#cuts = 0;
    const elapsed = Math.max(0, Math.min(MAX_GROWTH_MS, now - this.#grownAt));
    this.#grownAt = now;
    const probes = probing && this.#limit === Infinity;
    const used = (probes ? PROBE_USED : USED) * this.#rate;
    if (this.#sent.perSecond(now) < used || loss > this.#lossFloor()) return;
    if (this.#rate >= this.#limit * BEYOND_LIMIT && loss < QUIET * this.#lossFloor()) this.#limit = Infinity;
    const near = this.#rate >= this.#limit * GENTLE_CUT;
    const growth = near ? SLOW_GROWTH : probes ? PROBE_GROWTH : FAST_GROWTH;
    this.#setRate(Math.min(cap, this.#rate * (1 + (growth * elapsed) / 1_000)));
  }

  #setRate(rate: number): void {
    this.#rate = Math.max(MIN_RATE, rate);
  }
}

/** Half a kilobyte at 20 snapshots a second and more: what any line carries that plays at all. */
const INITIAL_RATE = 16_000;

/** Below this nobody plays. Ten small snapshots a second. */
const MIN_RATE = 4_000;

/** The standing queue that is put up with: a snapshot interval. */
const QUEUE_TARGET_MS = 50;

/** The shortest of ten round trips still varies with the jitter: on a jittery path by this many of its mean steps. */
const JITTERS = 3.5;
const JITTER_GAIN = 1 / 64;
const MAX_STEP_MS = 250;

/** Below the target by less than this, or by less than half of it, the rate stays as it is. */
const DOUBTFUL_MS = 80;

/** Round trips that are judged together: half a second at 20 packets a second. */
const LONG_TRIPS = 10;
const LEAST_LONG_TRIPS = 7;

/** A queue this many times too long shows in fewer. */
const SHORT_TRIPS = 4;
const URGENT = 3;

/** What was sent since the newest acknowledgement was written is under way, too: a snapshot interval and two frames of the page. */
const ANSWER_MS = 80;

/** A path that has become longer is taken for a queue for at most this long. */
const BASE_MEMORY_MS = 20_000;

/** Over about 100 packets one lost in five is never a third; lost in bursts, it is at times nearly half. */
const LOSS_FLOOR = 0.3;
const LOSS_FLOOR_RADIO = 0.45;
const RADIO_JITTER_MS = 25;
/** Share of the floor above which a known limit is not forgotten: this may be a queue too short to be seen. */
const QUIET = 0.5;
/** The estimate forgets in about this time at 20 packets a second. */
const LOSS_CUT_EVERY_MS = 5_000;
const HARD_LOSS_CUT = 0.7;

/** 150 ms at 20 snapshots a second: longer than one retransmission takes. */
const HELD_TICKS = 3;

const GENTLE_CUT = 0.85;
const HARDEST_CUT = 0.4;
/** However little seems to have been delivered: a burst of losses looks like a narrow path. */
const HARDEST_STEP = 0.25;
const HARDEST_LOSSY_STEP = 0.6;
const CLEAN_LOSS = 0.05;
const MAX_QUEUE_MS = 3_000;
const MAX_SETTLE_MS = 5_000;

/** A cut that leaves this much of the queue did not meet its cause. */
const NOT_SHORTER = 0.8;

/** Share of the rate per second: 16 to 64 kB/s in 3.4 s; from 15 % below a known limit to 20 % above it in 7 s. */
const FAST_GROWTH = 0.5;
const SLOW_GROWTH = 0.05;
const BEYOND_LIMIT = 1.2;
/** 16 to 128 kB/s in 1.4 s. */
const PROBE_GROWTH = 1.5;
const MAX_GROWTH_MS = 250;

/** A rate of which less is used says nothing about the path, so it does not grow. */
const USED = 0.7;
/** At that growth the last second had half of the rate at most. */
const PROBE_USED = 0.4;

/** Must divide 65,536, or a wrap would move the slots. */
const SENT_SLOTS = 256;
