/** Datagrams that carry blocks of transfers and nothing else: how many, to whom, and when they do not stand in a snapshot's way. */

import type { Millis } from '@tickwire/netcode/internal';
import type { Session } from './session.ts';

/** In one tick, to one player and to all. A datagram costs the server 50 µs whatever is in it: 32 are a tenth of a tick. */
const PER_TICK = 2;
const PER_TICK_ALL = 32;

export class Lane {
  /** Who comes first: the one after the last that was served, so that nobody waits for ever behind the others. */
  #turn = 0;
  readonly #waiting: Session[] = [];

  run(
    now: Millis,
    tick: number,
    ticksPerSnapshot: number,
    sessions: Iterable<Session>,
    send: (connection: number, bytes: Uint8Array) => void,
  ): void {
    // What leaves in the tick before a snapshot's might still be in the transport's buffer then, and the snapshot be skipped.
    if (ticksPerSnapshot > 2 && (tick + 1) % ticksPerSnapshot === 0) return;
    const waiting = this.#waiting;
    waiting.length = 0;
    for (const session of sessions) if (session.channels.transfers.sending) waiting.push(session);
    let left = PER_TICK_ALL;
    for (let i = 0; i < waiting.length && left > 0; i++) {
      const session = waiting[(this.#turn + i) % waiting.length] as Session;
      left -= this.#serve(now, tick, session, Math.min(PER_TICK, left), send);
      if (left === 0) this.#turn = (this.#turn + i + 1) % waiting.length;
    }
  }

  #serve(
    now: Millis,
    tick: number,
    session: Session,
    most: number,
    send: (connection: number, bytes: Uint8Array) => void,
  ): number {
    const { link } = session;
    if (link === undefined || session.hidden || link.buffered > 0 || link.gated(now)) return 0;
    let sent = 0;
    while (sent < most && session.channels.transfers.owesDatagram(now, link.acks)) {
      const bytes = session.lanePacket(now, link, tick);
      if (bytes === undefined) break;
      send(link.connection, bytes);
      sent++;
    }
    return sent;
  }
}
