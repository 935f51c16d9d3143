/** The server's end of one connection: packet numbers, acknowledgements, and the gate that keeps the transport's buffers empty. */

import {
  CongestionControl,
  encodeProbe,
  GATE_AFTER_MS,
  type Millis,
  PacketAcks,
  PROBE_EVERY_MS,
} from '@tickwire/netcode/internal';

export class Link {
  readonly connection: number;
  readonly acks = new PacketAcks();
  readonly congestion = new CongestionControl();
  lastHeard: Millis;
  readonly openedAt: Millis;
  /** The shell was told to close it: nothing more is taken from it. */
  closing = false;
  /** Hellos turned away on it. */
  refusals = 0;
  /** Bytes that the transport still holds. While it holds any, snapshots are skipped: a later one is fresher. */
  buffered = 0;
  /** Datagrams heard since the last one sent; a hidden page gets one for each. */
  credit = 1;
  #probes = 0;
  #lastProbe: Millis = -Infinity;
  #echo = 0;

  constructor(connection: number, now: Millis) {
    this.connection = connection;
    this.lastHeard = now;
    this.openedAt = now;
  }

  heard(now: Millis): void {
    this.lastHeard = now;
    this.credit = 1;
  }

  probeHeard(time: number): void {
    this.#echo = time;
  }

  /** To a peer unheard for 250 ms go only probes [X2]. */
  gated(now: Millis): boolean {
    return now - this.lastHeard > GATE_AFTER_MS;
  }

  /** The probe that is due, if one is. */
  probe(now: Millis): Uint8Array | undefined {
    if (now - this.#lastProbe < PROBE_EVERY_MS) return undefined;
    this.#lastProbe = now;
    return encodeProbe({ counter: this.#probes++ & 0xffff, time: Math.floor(now) >>> 0, echo: this.#echo });
  }
}
