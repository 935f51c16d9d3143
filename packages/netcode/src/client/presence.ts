/**
 * Which entities this client knows of: tells when one comes into its sight, and when it goes, whether it left or ceased to exist.
 *
 * When not all fits, a snapshot may lack what an earlier one brought, because both were written against the same old baseline. Such an
 * entity is still known: it is missed only once a baseline that is newer than its last sighting lacks it too, or it is said to be gone.
 */

import type { Replica } from '../replication/decode.ts';
import type { RowSet } from '../simulation/rows.ts';

/** Comes before the types that games declare: `players` and `room`. */
const FIRST_TYPE = 2;

export interface PresenceListener {
  entered(table: number, id: number): void;
  /** `gone`: it does not exist any more. Otherwise it left this client's sight, or went unseen. */
  left(table: number, id: number, gone: boolean): void;
}

/** The known entities of one type, in rising id order. */
class Known {
  ids = new Int32Array(16);
  /** Newest snapshot tick that held each. */
  seen = new Int32Array(16);
  count = 0;

  push(id: number, seen: number): void {
    if (this.count >= this.ids.length) {
      const ids = new Int32Array(this.ids.length * 2);
      const seenAt = new Int32Array(this.ids.length * 2);
      ids.set(this.ids);
      seenAt.set(this.seen);
      this.ids = ids;
      this.seen = seenAt;
    }
    this.ids[this.count] = id;
    this.seen[this.count++] = seen;
  }
}

export class Presence {
  readonly #known: Known[] = [];
  readonly #next: Known[] = [];

  /** Compares the newest snapshot with what was known. Call it with rising ticks. */
  update(replica: Replica, listener: PresenceListener): void {
    for (let t = FIRST_TYPE; t < replica.tables.length; t++) {
      this.#known[t] ??= new Known();
      this.#next[t] ??= new Known();
      this.#updateTable(replica, t, listener);
      const spare = this.#known[t] as Known;
      this.#known[t] = this.#next[t] as Known;
      this.#next[t] = spare;
    }
  }

  #updateTable(replica: Replica, t: number, listener: PresenceListener): void {
    const known = this.#known[t] as Known;
    const next = this.#next[t] as Known;
    const rows = replica.tables[t] as RowSet;
    next.count = 0;
    let k = 0;
    let r = 0;
    while (k < known.count || r < rows.count) {
      const knownId = k < known.count ? (known.ids[k] as number) : Infinity;
      const id = r < rows.count ? rows.id(r) : Infinity;
      if (id <= knownId) {
        if (id < knownId) listener.entered(t, id);
        else k++;
        next.push(id, replica.tick);
        r++;
        continue;
      }
      const seen = known.seen[k++] as number;
      const gone = isGone(replica, t, knownId);
      if (gone || replica.baseline >= seen) listener.left(t, knownId, gone);
      else next.push(knownId, seen);
    }
  }

  /** Knows nothing any more, without a word: the world is another one. */
  clear(): void {
    for (const known of this.#known) if (known !== undefined) known.count = 0;
  }
}

function isGone(replica: Replica, t: number, id: number): boolean {
  const ids = replica.gone[t] as Int32Array;
  for (let i = 0; i < (replica.goneCounts[t] as number); i++) if (ids[i] === id) return true;
  return false;
}
