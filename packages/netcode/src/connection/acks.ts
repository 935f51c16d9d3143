/**
 * Numbers the packets of one connection, tells the peer which of its packets arrived, and measures the path.
 *
 *     ack       u16   the newest sequence number received
 *     ackBits   u32   bit n: packet `ack - n` was received. Bit 0 is the ack itself, so 0 means "nothing received yet"
 *     ackDelay  u8    milliseconds since `ack` was received, 255 when it is that or more
 *
 * A packet that the peer's ack has passed by 32 without naming it counts as lost. Belongs to the connection: a new
 * connection starts with new `PacketAcks`. No call allocates.
 */

import { type Seq, seqAdd, seqDelta, seqNext } from '../base/seq.ts';
import type { Millis } from '../base/units.ts';

/** What every packet carries about the other direction. One object is reused: read it before the next call. */
export interface AckHeader {
  ack: Seq;
  /** Unsigned 32 bits. */
  ackBits: number;
  /** Whole milliseconds, 0..255. */
  ackDelayMs: number;
}

export interface AckStats {
  /** Packets numbered. `sent = acked + lost + those still open`. */
  sent: number;
  acked: number;
  lost: number;
  /** Acknowledged after having been counted as lost: an older header arrived late. */
  revived: number;
  /** Packets received for the first time. */
  received: number;
  /** Packets of the peer that fell out of the receive window without having arrived. */
  missed: number;
  duplicate: number;
  tooOld: number;
  /** Ack headers that name packets never sent, or have bits without an ack. */
  badAcks: number;
}

export class PacketAcks {
  readonly stats: AckStats = {
    sent: 0,
    acked: 0,
    lost: 0,
    revived: 0,
    received: 0,
    missed: 0,
    duplicate: 0,
    tooOld: 0,
    badAcks: 0,
  };

  readonly #sentSeq = new Int32Array(SENT_SLOTS).fill(-1);
  readonly #sentAt = new Float64Array(SENT_SLOTS);
  readonly #sentTag = new Float64Array(SENT_SLOTS);
  readonly #sentState = new Uint8Array(SENT_SLOTS);
  #next: Seq = 0;
  /** The oldest packet that is not yet judged acked or lost lies here or later. */
  #open: Seq = 0;

  #newest: Seq = 0;
  #newestAt: Millis = 0;
  #bits = 0;
  /** How many numbers below and including the newest the window covers: the first packets have nothing before them. */
  #span = 0;
  readonly #header: AckHeader = { ack: 0, ackBits: 0, ackDelayMs: 0 };

  #rttSamples = 0;
  #newestRtt = 0;
  #rtt = 0;
  #rttDeviation = 0;
  #jitter = 0;
  #lastSample = 0;
  #loss = 0;
  #lossRuns = 0;
  #judgedLost = false;
  #inboundLoss = 0;

  /** Round-trip time in ms without the peer's ack delay, smoothed; 0 before the first sample. */
  get rtt(): Millis {
    return this.#rtt;
  }

  /** Mean absolute deviation of the round-trip time in ms. */
  get rttDeviation(): Millis {
    return this.#rttDeviation;
  }

  /** Mean difference of one round-trip sample to the next, in ms. */
  get jitter(): Millis {
    return this.#jitter;
  }

  /** Share of our packets that do not arrive, 0..1, over about the last 100. */
  get loss(): number {
    return this.#loss;
  }

  /**
   * Share of our packets with which a run of lost ones begins, 0..1, over about the last 300. Where packets are lost one by one it is the
   * loss; a blackout is one run.
   */
  get lossRuns(): number {
    return this.#lossRuns;
  }

  /** Share of the peer's packets that do not arrive here, 0..1, over about the last 100. */
  get inboundLoss(): number {
    return this.#inboundLoss;
  }

  get hasRtt(): boolean {
    return this.#rttSamples > 0;
  }

  /** Round trips measured so far: a change says that `newestRtt` is a new one. */
  get rttSamples(): number {
    return this.#rttSamples;
  }

  /** The newest round trip in ms as it was measured, neither smoothed nor clipped; 0 before the first. */
  get newestRtt(): Millis {
    return this.#newestRtt;
  }

  /** Numbers a packet that is about to be sent. `tag` comes back when it is acknowledged: a tick, say. */
  next(now: Millis, tag = 0): Seq {
    const seq = this.#next;
    const slot = seq % SENT_SLOTS;
    // The slot's former packet was sent 256 packets ago: nothing can acknowledge it any more.
    if (this.#sentSeq[slot]! >= 0 && this.#sentState[slot] === OPEN) this.#judgeLost(slot);
    this.#sentSeq[slot] = seq;
    this.#sentAt[slot] = now;
    this.#sentTag[slot] = tag;
    this.#sentState[slot] = OPEN;
    this.#next = seqNext(seq);
    if (seqDelta(this.#next, this.#open) > SENT_SLOTS) this.#open = seqAdd(this.#next, -SENT_SLOTS);
    this.stats.sent++;
    return seq;
  }

  /** True when `receivedPacket` would accept this number. Changes nothing: ask before decoding the rest. */
  isNew(seq: Seq): boolean {
    return this.#place(seq) === 'new';
  }

  /**
   * A packet arrived and was accepted whole. From now on `header` acknowledges it, so call this only after its
   * contents were applied. False, and counted, for a duplicate or one older than the window of 32.
   */
  receivedPacket(now: Millis, seq: Seq): boolean {
    const place = this.#place(seq);
    if (place === 'duplicate') this.stats.duplicate++;
    else if (place === 'too-old') this.stats.tooOld++;
    else this.#markReceived(now, seq);
    return place === 'new';
  }

  /** The acknowledgement to put into the next packet. */
  header(now: Millis): AckHeader {
    const header = this.#header;
    header.ack = this.#newest;
    header.ackBits = this.#bits >>> 0;
    header.ackDelayMs =
      this.#bits === 0 ? 0 : Math.max(0, Math.min(ACK_DELAY_MAX, Math.floor(now - this.#newestAt)));
    return header;
  }

  /**
   * Applies a header received from the peer and calls `onAcked` once per newly acknowledged packet, oldest first.
   * False, counted and without any effect when the header names packets that were never sent.
   */
  acknowledged(
    now: Millis,
    ack: Seq,
    ackBits: number,
    ackDelayMs: number,
    onAcked: (seq: Seq, tag: number) => void,
  ): boolean {
    if (!this.validHeader(ack, ackBits, ackDelayMs)) {
      this.stats.badAcks++;
      return false;
    }
    if (ackBits === 0) return true;
    this.#sampleRtt(now, ack, ackDelayMs);
    for (let n = ACK_BITS - 1; n >= 0; n--) {
      if (((ackBits >>> n) & 1) === 1) this.#acknowledge(seqAdd(ack, -n), onAcked);
    }
    this.#judgeBefore(seqAdd(ack, 1 - ACK_BITS));
    return true;
  }

  /** Whether a peer that tells the truth could have sent this header. Changes nothing. */
  validHeader(ack: Seq, ackBits: number, ackDelayMs: number): boolean {
    if (ackBits === 0) return ack === 0 && ackDelayMs === 0; // "nothing yet" has one encoding
    if ((ackBits & 1) === 0) return false;
    const age = seqDelta(this.#next, ack); // 1 for the packet sent last
    const oldest = age + 31 - Math.clz32(ackBits);
    return age >= 1 && oldest <= Math.min(this.stats.sent, MAX_ACK_AGE);
  }

  #place(seq: Seq): 'new' | 'duplicate' | 'too-old' {
    if (this.#bits === 0) return 'new';
    const age = seqDelta(this.#newest, seq);
    if (age < 0) return 'new';
    if (age >= ACK_BITS) return 'too-old';
    return ((this.#bits >>> age) & 1) === 1 ? 'duplicate' : 'new';
  }

  #markReceived(now: Millis, seq: Seq): void {
    this.stats.received++;
    if (this.#bits === 0) {
      this.#newest = seq;
      this.#newestAt = now;
      this.#bits = 1;
      this.#span = 1;
      return;
    }
    const step = seqDelta(seq, this.#newest);
    if (step > 0) {
      this.#shiftWindow(step);
      this.#newest = seq;
      this.#newestAt = now;
    } else {
      this.#bits |= 1 << -step;
      this.#span = Math.max(this.#span, 1 - step);
    }
  }

  #shiftWindow(step: number): void {
    const span = Math.min(ACK_BITS, this.#span + step);
    const fallen = this.#span + step - span;
    const leaving = step >= ACK_BITS ? this.#bits : this.#bits >>> (ACK_BITS - step);
    const arrived = bitCount(leaving);
    this.stats.missed += fallen - arrived;
    for (let i = 0; i < arrived; i++) this.#inboundLoss -= this.#inboundLoss * LOSS_GAIN;
    // A jump past the estimate's whole memory says no more than its first thousand packets do.
    const missed = Math.min(fallen - arrived, 1_000);
    for (let i = 0; i < missed; i++) this.#inboundLoss += (1 - this.#inboundLoss) * LOSS_GAIN;
    this.#bits = step >= ACK_BITS ? 1 : (this.#bits << step) | 1;
    this.#span = span;
  }

  #acknowledge(seq: Seq, onAcked: (seq: Seq, tag: number) => void): void {
    const slot = seq % SENT_SLOTS;
    const state = this.#sentState[slot];
    if (this.#sentSeq[slot] !== seq || state === ACKED) return;
    this.#sentState[slot] = ACKED;
    if (state === LOST) {
      this.stats.revived++;
    } else {
      this.stats.acked++;
      this.#loss -= this.#loss * LOSS_GAIN;
    }
    onAcked(seq, this.#sentTag[slot]!);
  }

  /** Everything open before `seq` has left the ack window: no header to come can name it. */
  #judgeBefore(seq: Seq): void {
    while (seqDelta(seq, this.#open) > 0) {
      const slot = this.#open % SENT_SLOTS;
      if (this.#sentSeq[slot] === this.#open) {
        if (this.#sentState[slot] === OPEN) this.#judgeLost(slot);
        this.#noteRun(this.#sentState[slot] === LOST);
      }
      this.#open = seqNext(this.#open);
    }
  }

  #noteRun(lost: boolean): void {
    const begins = lost && !this.#judgedLost;
    this.#judgedLost = lost;
    this.#lossRuns += ((begins ? 1 : 0) - this.#lossRuns) * RUNS_GAIN;
  }

  #judgeLost(slot: number): void {
    this.#sentState[slot] = LOST;
    this.stats.lost++;
    this.#loss += (1 - this.#loss) * LOSS_GAIN;
  }

  /** Only the newest packet of a header, and only the first time it is named: its delay is the one we were told. */
  #sampleRtt(now: Millis, ack: Seq, ackDelayMs: number): void {
    const slot = ack % SENT_SLOTS;
    if (this.#sentSeq[slot] !== ack || this.#sentState[slot] !== OPEN) return;
    if (ackDelayMs >= ACK_DELAY_MAX) return; // the true delay is unknown
    const raw = Math.max(0, now - this.#sentAt[slot]! - ackDelayMs);
    this.#newestRtt = raw;
    if (this.#rttSamples++ === 0) {
      this.#rtt = raw;
      this.#rttDeviation = raw / 2;
      this.#lastSample = raw;
      return;
    }
    // A sleeping tab answers after seconds. Clipping lets one such sample move the estimate by little, while a path
    // that really got slower widens the deviation and is followed within a few samples.
    const sample = Math.min(raw, this.#rtt + Math.max(4 * this.#rttDeviation, OUTLIER_FLOOR_MS));
    const error = sample - this.#rtt;
    this.#rtt += error * Math.max(1 / 8, 1 / this.#rttSamples);
    this.#rttDeviation += (Math.abs(error) - this.#rttDeviation) / 4;
    this.#jitter += (Math.abs(sample - this.#lastSample) - this.#jitter) / 16;
    this.#lastSample = sample;
  }
}

/** Packets that one header can acknowledge: 533 ms at 60 Hz, 1.6 s at 20 Hz. */
export const ACK_BITS = 32;

/** Packets remembered as sent: 4.2 s at 60 Hz, 12.8 s at 20 Hz. Must divide 65,536, or a wrap would move the slots. */
const SENT_SLOTS = 256;

/** A header may repeat an old ack for as long as the peer hears nothing new, far beyond what is remembered here. */
const MAX_ACK_AGE = 32_000;

const ACK_DELAY_MAX = 255;

/** An estimate over about 100 packets: 1.7 s at 60 Hz, 5 s at 20 Hz. */
const LOSS_GAIN = 1 / 100;

/** Rarer than losses, so looked for longer: 5 s at 60 Hz. */
const RUNS_GAIN = 1 / 300;

/** On a path without jitter the deviation tends to 0; a single late frame of this much is not an outlier. */
const OUTLIER_FLOOR_MS = 20;

const OPEN = 0;
const ACKED = 1;
const LOST = 2;

function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
