/**
 * One direction of a simulated datagram link, in virtual time: everything that a bad network does, from a seed.
 *
 *     send -> mtu -> blackout -> queue before the bottleneck -> loss -> delay -> receive
 *
 * Order is kept, as most real paths keep it: a datagram that jitter delays holds back those behind it. Only `reorder`
 * and `duplicate` let one overtake another. Every datagram draws the same random numbers whatever the options are, so
 * changing one option leaves the rest of a run as it was.
 */

import { Rng } from '../base/rng.ts';
import { type Millis, WIRE_OVERHEAD_BYTES } from '../base/units.ts';

/** Gilbert-Elliott loss: a hidden state flips between good and bad once per datagram. */
export interface Bursts {
  readonly pGoodToBad: number;
  readonly pBadToGood: number;
  readonly lossGood: number;
  readonly lossBad: number;
}

/** What is left out does not happen. Probabilities are 0..1, times one way in milliseconds. */
export interface LinkOptions {
  /** Mean delay before `jitterMs` varies it. */
  readonly latencyMs?: Millis;
  /** Standard deviation of the delay, bell-shaped and cut off at twice this; a delay is never below 0. */
  readonly jitterMs?: Millis;
  /** Loss of each datagram for itself, beside what bursts take. */
  readonly loss?: number;
  readonly bursts?: Bursts;
  /** How often a datagram is held for half to all of `reorderMs` more while later ones pass. */
  readonly reorder?: number;
  /** Default: 60 ms plus the jitter, which is enough to be overtaken at 20 datagrams a second. */
  readonly reorderMs?: Millis;
  /** How often a second copy arrives, up to `reorderMs` after the first. */
  readonly duplicate?: number;
  /** How often one to three bits are flipped. DTLS drops such datagrams, so over WebRTC this never reaches a core. */
  readonly corrupt?: number;
  /** Bottleneck, counting `overheadBytes` around each datagram. */
  readonly rateBytesPerSecond?: number;
  /** Default: the 93 bytes that IPv4, UDP, DTLS and SCTP add to what a core sends. */
  readonly overheadBytes?: number;
  /** A datagram that would wait longer than this at the bottleneck is dropped. Default: 200 ms. */
  readonly queueMs?: Millis;
  /** Longer datagrams are dropped. */
  readonly mtu?: number;
  /** Windows [from, to) in which nothing that is sent arrives. */
  readonly blackouts?: readonly (readonly [from: Millis, to: Millis])[];
}

/** `sent + duplicated = delivered + lost + lostInBurst + lostInBlackout + queueFull + overMtu + inFlight` */
export interface LinkStats {
  sent: number;
  delivered: number;
  lost: number;
  lostInBurst: number;
  lostInBlackout: number;
  queueFull: number;
  overMtu: number;
  duplicated: number;
  reordered: number;
  corrupted: number;
  bytesSent: number;
  bytesDelivered: number;
  /** Sum of the times that what was delivered was under way. */
  delayMs: Millis;
}

export class SimLink {
  readonly stats: LinkStats = {
    sent: 0,
    delivered: 0,
    lost: 0,
    lostInBurst: 0,
    lostInBlackout: 0,
    queueFull: 0,
    overMtu: 0,
    duplicated: 0,
    reordered: 0,
    corrupted: 0,
    bytesSent: 0,
    bytesDelivered: 0,
    delayMs: 0,
  };
  #options: LinkOptions;
  readonly #rng: Rng;
  readonly #dark: [from: Millis, to: Millis][] = [];
  /** In flight, by rising arrival. */
  #flight: { readonly sent: Millis; readonly arrival: Millis; readonly bytes: Uint8Array }[] = [];
  #head = 0;
  #lastArrival: Millis = Number.NEGATIVE_INFINITY;
  #bottleneckFree: Millis = Number.NEGATIVE_INFINITY;
  #bad = false;

  /** `stream` tells links of one run apart: two links of the same seed need different ones. */
  constructor(options: LinkOptions, seed: number, stream = 0) {
    this.#options = options;
    this.#rng = new Rng(seed, stream);
  }

  get options(): LinkOptions {
    return this.#options;
  }

  /** From now on another network. What is in flight arrives as it would have. */
  change(options: LinkOptions): void {
    this.#options = options;
  }

  /** Nothing sent from `from` on arrives, for `ms`. */
  darken(from: Millis, ms: Millis): void {
    this.#dark.push([from, from + ms]);
  }

  /** Takes a copy. `now` never goes back. */
  send(now: Millis, bytes: Uint8Array): void {
    const chances = this.#draw();
    const stats = this.stats;
    stats.sent++;
    stats.bytesSent += bytes.length;
    const { mtu = Number.POSITIVE_INFINITY } = this.#options;
    if (bytes.length > mtu) stats.overMtu++;
    else if (this.#isDark(now)) stats.lostInBlackout++;
    else this.#throughBottleneck(now, bytes, chances);
  }

  /** The next datagram that has arrived by `now`, or undefined. It belongs to the caller. */
  receive(now: Millis): Uint8Array | undefined {
    const next = this.#flight[this.#head];
    if (next === undefined || next.arrival > now) return undefined;
    this.#head++;
    if (this.#head > 64 && this.#head * 2 > this.#flight.length) {
      this.#flight = this.#flight.slice(this.#head);
      this.#head = 0;
    }
    this.stats.delivered++;
    this.stats.bytesDelivered += next.bytes.length;
    this.stats.delayMs += next.arrival - next.sent;
    return next.bytes;
  }

  /** When the next datagram arrives; Infinity when none is under way. */
  nextArrival(): Millis {
    return this.#flight[this.#head]?.arrival ?? Number.POSITIVE_INFINITY;
  }

  get inFlight(): number {
    return this.#flight.length - this.#head;
  }

  #throughBottleneck(now: Millis, bytes: Uint8Array, chances: Chances): void {
    const { rateBytesPerSecond, overheadBytes = WIRE_OVERHEAD_BYTES, queueMs = 200 } = this.#options;
    let leaves = now;
    if (rateBytesPerSecond !== undefined) {
      const starts = Math.max(now, this.#bottleneckFree);
      if (starts - now > queueMs) {
        this.stats.queueFull++;
        return;
      }
      leaves = starts + ((bytes.length + overheadBytes) * 1_000) / rateBytesPerSecond;
      this.#bottleneckFree = leaves;
    }
    if (this.#isLostInBurst(chances)) this.stats.lostInBurst++;
    else if (chances.loss < (this.#options.loss ?? 0)) this.stats.lost++;
    else this.#deliver(now, leaves, bytes, chances);
  }

  #isLostInBurst(chances: Chances): boolean {
    const bursts = this.#options.bursts;
    if (bursts === undefined) return false;
    if (chances.flip < (this.#bad ? bursts.pBadToGood : bursts.pGoodToBad)) this.#bad = !this.#bad;
    return chances.burst < (this.#bad ? bursts.lossBad : bursts.lossGood);
  }

  #deliver(now: Millis, leaves: Millis, bytes: Uint8Array, chances: Chances): void {
    const { latencyMs = 0, jitterMs = 0, reorder = 0, duplicate = 0, corrupt = 0 } = this.#options;
    const { reorderMs = 60 + jitterMs } = this.#options;
    const copy = bytes.slice();
    if (chances.corrupt < corrupt) this.#corrupt(copy, chances.where);
    let arrival = leaves + Math.max(0, latencyMs + jitterMs * chances.jitter);
    if (chances.reorder < reorder) {
      arrival = Math.max(arrival, this.#lastArrival) + reorderMs * (1 + chances.hold) * 0.5;
      this.stats.reordered++;
    } else {
      arrival = Math.max(arrival, this.#lastArrival);
      this.#lastArrival = arrival;
    }
    this.#insert(now, arrival, copy);
    if (chances.duplicate >= duplicate) return;
    this.stats.duplicated++;
    this.#insert(now, arrival + reorderMs * chances.echo, copy.slice());
  }

  #corrupt(bytes: Uint8Array, where: number): void {
    this.stats.corrupted++;
    if (bytes.length === 0) return;
    const bits = bytes.length * 8;
    const flips = 1 + (where % 3);
    for (let i = 0; i < flips; i++) {
      const bit = Math.floor(where / 3 + (i * bits) / 3) % bits;
      bytes[bit >> 3] = bytes[bit >> 3]! ^ (1 << (bit & 7));
    }
  }

  /** Behind everything that arrives no later, so that what arrives at once keeps the order it was sent in. */
  #insert(sent: Millis, arrival: Millis, bytes: Uint8Array): void {
    let at = this.#flight.length;
    while (at > this.#head && this.#flight[at - 1]!.arrival > arrival) at--;
    this.#flight.splice(at, 0, { sent, arrival, bytes });
  }

  #isDark(now: Millis): boolean {
    for (const [from, to] of this.#options.blackouts ?? []) if (now >= from && now < to) return true;
    for (const [from, to] of this.#dark) if (now >= from && now < to) return true;
    return false;
  }

  #draw(): Chances {
    const rng = this.#rng;
    return {
      flip: rng.next(),
      burst: rng.next(),
      loss: rng.next(),
      jitter: bell(rng),
      reorder: rng.next(),
      hold: rng.next(),
      duplicate: rng.next(),
      echo: rng.next(),
      corrupt: rng.next(),
      where: rng.u32(),
    };
  }
}

/** The fate of one datagram, drawn whole before it is known which of it matters. */
interface Chances {
  readonly flip: number;
  readonly burst: number;
  readonly loss: number;
  /** In standard deviations, -2..2. */
  readonly jitter: number;
  readonly reorder: number;
  readonly hold: number;
  readonly duplicate: number;
  readonly echo: number;
  readonly corrupt: number;
  readonly where: number;
}

/** Mean 0, deviation 1, cut off at 2: the sum of four even draws, which no engine rounds differently. */
function bell(rng: Rng): number {
  const sum = rng.next() + rng.next() + rng.next() + rng.next();
  return Math.max(-2, Math.min(2, (sum - 2) * SQRT_3));
}

const SQRT_3 = 1.7320508075688772;
