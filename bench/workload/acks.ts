/** Which snapshots arrive, and what the server knows of it: a round trip of 2..6 ticks and 5 % loss each way, from a seed. */

import { Rng } from '@tickwire/netcode';

const LOSS = 0.05;
/** Ticks for which the schedule is known, back from the newest; far longer than any acknowledgement takes. */
const WINDOW = 64;
/** A baseline older than this is given up for the empty one. It takes nine losses in a row. */
const KEPT_TICKS = 16;

export class AckSchedule {
  readonly #clients: number;
  readonly #rng: Rng;
  /** Per client and tick: bit 0, the snapshot arrived; bit 1, the packet that would acknowledge it did. */
  readonly #arrived: Uint8Array;
  #tick = 0;

  constructor(clients: number, seed: number) {
    this.#clients = clients;
    this.#rng = new Rng(seed, 0xac, clients);
    this.#arrived = new Uint8Array(clients * WINDOW);
  }

  /** Draws what becomes of the snapshots of `tick`; ticks come one by one, from 1. */
  next(tick: number): void {
    this.#tick = tick;
    for (let client = 0; client < this.#clients; client++) {
      const down = this.#rng.chance(LOSS) ? 0 : 1;
      const up = this.#rng.chance(LOSS) ? 0 : 2;
      this.#arrived[client * WINDOW + (tick % WINDOW)] = down | up;
    }
  }

  /** Whether this client gets its snapshot of the newest tick. */
  delivered(client: number): boolean {
    return ((this.#arrived[client * WINDOW + (this.#tick % WINDOW)] ?? 0) & 1) !== 0;
  }

  /**
   * Tick of the newest snapshot that the server knows this client to have, at the newest tick; 0 when there is none. Every packet
   * of the client names the newest snapshot it has, so a lost one only delays the news.
   */
  baseline(client: number): number {
    const roundTrip = 2 + (client % 5);
    const oldest = Math.max(1, this.#tick - KEPT_TICKS + 1);
    let known = false;
    for (let tick = this.#tick - roundTrip; tick >= oldest; tick--) {
      const what = this.#arrived[client * WINDOW + (tick % WINDOW)] ?? 0;
      known ||= (what & 2) !== 0;
      if (known && (what & 1) !== 0) return tick;
    }
    return 0;
  }
}
