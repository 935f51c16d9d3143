/** What one client holds after one snapshot: per entity the held tick, whose values live once, in world history. */

import type { RowSchema } from '../wire/schema.ts';

/** Entry of an entity that this client should get but does not hold yet. */
export const NOT_HELD = -1;

/** One table of a `HeldSet`, in rising id order. */
export class HeldTable {
  ids = new Int32Array(16);
  /** Tick whose values the client holds, or NOT_HELD while the entity still waits for room. */
  held = new Int32Array(16);
  /** Tick since when this client should get the entity. While it does not hold it, urgency grows from here. */
  since = new Int32Array(16);
  count = 0;

  push(id: number, held: number, since: number): void {
    if (this.count >= this.ids.length) this.#grow();
    this.ids[this.count] = id;
    this.held[this.count] = held;
    this.since[this.count++] = since;
  }

  #grow(): void {
    const size = this.ids.length * 2;
    this.ids = grown(this.ids, size);
    this.held = grown(this.held, size);
    this.since = grown(this.since, size);
  }
}

/** What a client holds once it has applied the snapshot of `tick`. */
export class HeldSet {
  tick = -1;
  readonly tables: readonly HeldTable[];
  /** Entities that had to wait in this snapshot. */
  deferred = 0;

  constructor(rows: readonly RowSchema[]) {
    this.tables = rows.map(() => new HeldTable());
  }

  clear(tick: number): void {
    this.tick = tick;
    this.deferred = 0;
    for (const table of this.tables) table.count = 0;
  }
}

function grown(old: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const next = new Int32Array(size);
  next.set(old);
  return next;
}
