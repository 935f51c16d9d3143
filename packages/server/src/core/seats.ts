/** Which seats are taken. A seat is given again only after every client's history has forgotten its former entities. */

import { HELD_WINDOW_TICKS } from '@tickwire/netcode/internal';

export class Seats {
  readonly #size: number;
  readonly #taken = new Set<number>();
  readonly #freeAt = new Map<number, number>();

  constructor(size: number) {
    this.#size = size;
  }

  get taken(): number {
    return this.#taken.size;
  }

  /** Takes the seat that has rested longest, or gives undefined when none is free at `tick`. */
  take(tick: number): number | undefined {
    let best: number | undefined;
    for (let seat = 1; seat <= this.#size; seat++) {
      if (this.#taken.has(seat) || (this.#freeAt.get(seat) ?? 0) > tick) continue;
      if (best === undefined || (this.#freeAt.get(seat) ?? 0) < (this.#freeAt.get(best) ?? 0)) best = seat;
    }
    if (best !== undefined) this.#taken.add(best);
    return best;
  }

  free(seat: number, tick: number): void {
    this.#taken.delete(seat);
    this.#freeAt.set(seat, tick + 2 * HELD_WINDOW_TICKS);
  }
}
