/**
 * How many bytes of transfers may leave now: a rate in bytes per second, raised while the path takes it and cut when it does not.
 *
 * Transfers run behind play, so the first sign of trouble counts: the round trip grows (a queue builds up somewhere, in which
 * snapshots would wait), more is lost than the path loses anyway, or the transport still holds bytes. The cut comes before the
 * queue is full, as in LEDBAT (RFC 6817); raising and cutting is AIMD. Loss that is there at any rate, a bad radio's, is learned
 * as ambient while the rate is low, and does not hold the rate down.
 *
 * Not the same as congestion.ts, which tells the server what the whole path takes: that one speaks at a queue in which play would
 * suffer, and must leave play its bytes; this one gives way before, and is all there is on the way from a page to the server.
 */

import { MAX_DATAGRAM_BYTES, type Millis } from '../base/units.ts';

/** What the pace must know of a connection. `PacketAcks` is one. */
export interface Path {
  /** Smoothed round trip in ms, 0 before the first sample. */
  readonly rtt: Millis;
  /** Its mean deviation in ms. */
  readonly rttDeviation: Millis;
  /** Share of packets that do not arrive, 0..1. */
  readonly loss: number;
}

export class TransferPace {
  /** Bytes per second that transfers may use now. */
  rate = START_RATE;
  /** Times the rate was cut because of a growing round trip, loss, or bytes that the transport held. */
  readonly cuts = { delay: 0, loss: 0, buffered: 0 };
  #rtt: Millis = 0;
  #deviation: Millis = 0;
  #tokens = 0;
  #at: Millis = Number.NEGATIVE_INFINITY;
  #judgeAt: Millis = 0;
  #cutAgainAt: Millis = 0;
  /** The rate doubles about every 300 ms until the first cut, then it rises by steps. */
  #fresh = true;
  #loss = 0;
  #ambient = 0;
  // The least round trip of the present window and of the one before it.
  #least: Millis = Number.POSITIVE_INFINITY;
  #leastBefore: Millis = Number.POSITIVE_INFINITY;
  #windowEnds: Millis = 0;

  /** Call with every packet while there is something to transfer. */
  advance(now: Millis, path: Path): void {
    const since = now - this.#at;
    this.#at = now;
    this.#rtt = path.rtt;
    this.#deviation = path.rttDeviation;
    if (since > IDLE_MS) this.#restart(now, path);
    else this.#tokens = Math.min(MAX_TOKENS, this.#tokens + (this.rate * since) / 1_000);
    if (path.rtt > 0) this.#noteRoundTrip(now, path.rtt);
    if (now >= this.#judgeAt) this.#judge(now);
  }

  /** Nothing has spoken against a higher rate since the transfers began. */
  get fresh(): boolean {
    return this.#fresh;
  }

  /** Bytes that may leave in this packet when `inFlight` are under way; 0 when it is not worth a frame. */
  allowance(inFlight: number): number {
    const window = (this.rate * (this.#rtt + ACK_MS)) / 1_000 + 4 * MAX_DATAGRAM_BYTES;
    const bytes = Math.floor(Math.min(this.#tokens, window - inFlight));
    return bytes < LEAST_FRAME_BYTES ? 0 : bytes;
  }

  /** Whether a datagram of its own is due: what the next snapshot's datagram has room for stays reserved for it. */
  owesDatagram(inFlight: number): boolean {
    return this.#tokens >= 2 * MAX_DATAGRAM_BYTES && this.allowance(inFlight) >= MAX_DATAGRAM_BYTES;
  }

  spent(bytes: number): void {
    this.#tokens -= bytes;
  }

  /** How long a packet may stay unacknowledged until its blocks are sent again. */
  get resendAfter(): Millis {
    return Math.max(100, 1.25 * this.#rtt + 2 * this.#deviation + 60);
  }

  acked(): void {
    this.#loss -= this.#loss * LOSS_GAIN;
  }

  lost(): void {
    this.#loss += (1 - this.#loss) * LOSS_GAIN;
  }

  /** The transport has not taken what it was given: everything behind it waits. */
  buffered(now: Millis): void {
    if (now >= this.#cutAgainAt) this.#cut(now, 'buffered', 0.5);
  }

  /** Another connection: what was measured says nothing about it. */
  reset(): void {
    this.#at = Number.NEGATIVE_INFINITY;
  }

  #restart(now: Millis, path: Path): void {
    this.rate = START_RATE;
    this.#tokens = MAX_DATAGRAM_BYTES;
    this.#fresh = true;
    this.#loss = path.loss;
    this.#ambient = path.loss;
    this.#least = Number.POSITIVE_INFINITY;
    this.#leastBefore = Number.POSITIVE_INFINITY;
    this.#windowEnds = now + WINDOW_MS;
    this.#judgeAt = now + JUDGE_MS;
  }

  #noteRoundTrip(now: Millis, rtt: Millis): void {
    if (now >= this.#windowEnds) {
      this.#leastBefore = this.#least;
      this.#least = Number.POSITIVE_INFINITY;
      this.#windowEnds = now + WINDOW_MS;
    }
    this.#least = Math.min(this.#least, rtt);
  }

  #judge(now: Millis): void {
    const base = Math.min(this.#least, this.#leastBefore);
    const low = this.rate <= 2 * MIN_RATE;
    if (low || this.#loss < this.#ambient) this.#ambient += (this.#loss - this.#ambient) / 8;
    if (this.#rtt - base > QUEUE_MS + this.#deviation) this.#cut(now, 'delay', 0.7);
    else if (this.#loss > 1.5 * this.#ambient + LOSS_MARGIN) this.#cut(now, 'loss', 0.85);
    else {
      this.rate = Math.min(MAX_RATE, this.#fresh ? this.rate * 1.25 : this.rate + RATE_STEP);
      this.#judgeAt = now + JUDGE_MS;
    }
  }

  /** Waits until the path can show what the cut did. */
  #cut(now: Millis, why: 'delay' | 'loss' | 'buffered', factor: number): void {
    this.cuts[why]++;
    this.#fresh = false;
    this.rate = Math.max(MIN_RATE, this.rate * factor);
    this.#tokens = Math.min(this.#tokens, 0);
    this.#judgeAt = now + Math.max(2 * JUDGE_MS, 1.5 * this.#rtt + 2 * this.#deviation);
    this.#cutAgainAt = this.#judgeAt;
  }
}

/** Bytes per second. At the least a MiB takes 90 s; at the most 8 s, in about 100 datagrams a second. */
const MIN_RATE = 12_000;
const START_RATE = 32_000;
const MAX_RATE = 128_000;
const RATE_STEP = 4_000;

/** At most this much at once, however long nothing was sent: a burst would be a queue of its own. */
const MAX_TOKENS = 4 * MAX_DATAGRAM_BYTES;

/** With less a frame's header and the message around it cost too much. */
const LEAST_FRAME_BYTES = 256;

const JUDGE_MS = 100;

/** After a pause of this long the path is as good as unknown. */
const IDLE_MS = 2_000;

/** The least round trip of the last 10 to 20 s counts as that of an empty path. */
const WINDOW_MS = 10_000;

/** A round trip longer by this, and by what jitter explains, is a queue. */
const QUEUE_MS = 20;

/** How late an acknowledgement may be beyond the round trip: at 20 Hz the peer's next packet takes 50 ms, and some are lost. */
const ACK_MS = 200;

/** About the last 50 packets that carried blocks. */
const LOSS_GAIN = 1 / 50;
const LOSS_MARGIN = 0.05;
