/** One way of one page's datagrams: a simulated link in real time. */

import { type LinkOptions, type LinkStats, SimLink } from '@tickwire/netcode/testing';
import type { Agenda, Due } from './agenda.ts';

/** What became of the datagrams of one way, all pages together. Times are sums in ms. */
export interface WayStats extends LinkStats {
  /** By how much datagrams left later than the link says: this program's own delay. */
  lateMs: number;
  /** The worst of these. */
  worstLateMs: number;
  inFlight: number;
}

export class Line implements Due {
  due = Number.POSITIVE_INFINITY;
  readonly link: SimLink;
  readonly #agenda: Agenda;
  readonly #send: (bytes: Uint8Array) => void;
  #lateMs = 0;
  #worstLateMs = 0;

  constructor(
    agenda: Agenda,
    options: LinkOptions,
    seed: number,
    stream: number,
    send: (bytes: Uint8Array) => void,
  ) {
    this.link = new SimLink(options, seed, stream);
    this.#agenda = agenda;
    this.#send = send;
  }

  take(bytes: Uint8Array): void {
    this.link.send(performance.now(), bytes);
    this.#wait();
  }

  run(until: number): void {
    const now = performance.now();
    for (let at = this.link.nextArrival(); at <= until; at = this.link.nextArrival()) {
      const late = now - at;
      this.#lateMs += late;
      if (late > this.#worstLateMs) this.#worstLateMs = late;
      this.#send(this.link.receive(until) as Uint8Array);
    }
    this.#wait();
  }

  /** Adds this line's counts to `sum`. */
  addTo(sum: WayStats): void {
    const { stats } = this.link;
    for (const name of Object.keys(stats) as (keyof LinkStats)[]) sum[name] += stats[name];
    sum.lateMs += this.#lateMs;
    sum.worstLateMs = Math.max(sum.worstLateMs, this.#worstLateMs);
    sum.inFlight += this.link.inFlight;
  }

  #wait(): void {
    const next = this.link.nextArrival();
    if (next < Number.POSITIVE_INFINITY) this.#agenda.add(this, next);
  }
}

export const noWayStats = (): WayStats => ({
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
  lateMs: 0,
  worstLateMs: 0,
  inFlight: 0,
});
