/** The requests that a client has asked and that nobody has answered yet: which they are, and until when they wait. */

import type { Millis } from '../base/units.ts';

/** A client may wait for this many answers at a time, and a server owes one client no more. */
export const MAX_OUTSTANDING = 32;

export interface Asked {
  readonly id: number;
  readonly name: string;
  readonly until: Millis;
}

export class Requests {
  readonly #asked = new Map<number, Asked>();
  /** Id of the next request, 0..65535; it wraps, and skips those that still wait. */
  id = 0;

  get full(): boolean {
    return this.#asked.size >= MAX_OUTSTANDING;
  }

  /** Notes that request `id` was asked; gives the id. Ask `full` first. */
  add(name: string, until: Millis): number {
    const { id } = this;
    this.#asked.set(id, { id, name, until });
    do this.id = (this.id + 1) & 0xffff;
    while (this.#asked.has(this.id));
    return id;
  }

  /** The request that this answer is for; undefined when there is none. */
  take(id: number, name: string): Asked | undefined {
    const asked = this.#asked.get(id);
    if (asked?.name !== name) return undefined;
    this.#asked.delete(id);
    return asked;
  }

  /** A request whose time is up at `now`, one per call. */
  takeOverdue(now: Millis): Asked | undefined {
    for (const asked of this.#asked.values()) {
      if (asked.until > now) continue;
      this.#asked.delete(asked.id);
      return asked;
    }
    return undefined;
  }

  takeAll(): Asked[] {
    const all = [...this.#asked.values()];
    this.#asked.clear();
    return all;
  }
}
