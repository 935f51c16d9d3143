/** The rows of one client's snapshot that are looked at one by one, and what becomes of them. Parallel arrays, reused. */

/** What a row needs in this snapshot. */
export const EXPECTED = 0;
export const CHANGED = 1;
/** It does not exist any more. */
export const GONE = 2;
/** It is out of this client's sight. */
export const LEFT = 3;
/** It stands in another list of this client now; an ARRIVED row there is its other half. */
export const AWAY = 4;
/** It is new to this list, and was held in another one. */
export const ARRIVED = 5;
/** It is new to the client. */
export const NEW = 6;

/** Own rows and removals go before everything that has merely waited. */
export const FIRST = 2 ** 24;

/** Never to be sent in this snapshot: the other half of a move stands in a list that is not looked at. */
export const BLOCKED = -1;

export class Plan {
  count = 0;
  id = new Int32Array(64);
  kind = new Uint8Array(64);
  table = new Uint8Array(64);
  /** Index of the row in its table now, -1 when gone. */
  row = new Int32Array(64);
  /** Index of the row in its table at the held tick, -1 when not looked up. */
  base = new Int32Array(64);
  held = new Int32Array(64);
  since = new Int32Array(64);
  /** Secrets that the client is told now, and was told at the held tick. */
  mask = new Int32Array(64);
  heldMask = new Int32Array(64);
  urgency = new Float64Array(64);
  chosen = new Uint8Array(64);
  /** The other half of a move, -1 for none. */
  pair = new Int32Array(64);
  #order = new Float64Array(64);

  clear(): void {
    this.count = 0;
  }

  /** Appends a row that was held (at `base` in its table at that tick), or is new with `held` NOT_HELD. Gives its index. */
  add(
    table: number,
    id: number,
    kind: number,
    row: number,
    base: number,
    held: number,
    since: number,
    heldMask: number,
    mask: number,
    urgency: number,
  ): number {
    if (this.count >= this.id.length) this.#grow();
    const i = this.count++;
    this.table[i] = table;
    this.id[i] = id;
    this.kind[i] = kind;
    this.row[i] = row;
    this.base[i] = base;
    this.held[i] = held;
    this.since[i] = since;
    this.heldMask[i] = heldMask;
    this.mask[i] = mask;
    this.urgency[i] = urgency;
    this.chosen[i] = 1;
    this.pair[i] = -1;
    return i;
  }

  /**
   * Indexes by falling urgency; equal ones in table, list and id order, so that the result is repeatable. Give each to `indexOf`.
   * Urgency, on a grid, and the index share one double, so that the sort needs no comparison function.
   */
  sortByUrgency(): Float64Array {
    const order = this.#order.subarray(0, this.count);
    for (let i = 0; i < this.count; i++) {
      const urgency = Math.max(0, Math.min(FIRST * 4, this.urgency[i] as number));
      order[i] = (FIRST * 4 * FINENESS - Math.floor(urgency * FINENESS)) * INDEXES + i;
    }
    return order.sort();
  }

  indexOf(sorted: number): number {
    return sorted % INDEXES;
  }

  #grow(): void {
    const size = this.id.length * 2;
    for (const key of ['id', 'row', 'base', 'held', 'since', 'mask', 'heldMask', 'pair'] as const) {
      const next = new Int32Array(size);
      next.set(this[key]);
      this[key] = next;
    }
    for (const key of ['kind', 'table', 'chosen'] as const) {
      const next = new Uint8Array(size);
      next.set(this[key]);
      this[key] = next;
    }
    const urgency = new Float64Array(size);
    urgency.set(this.urgency);
    this.urgency = urgency;
    this.#order = new Float64Array(size);
  }
}

/** Steps of urgency per unit, and room for the index: together with the largest urgency they fill the 53 bits of a double. */
const FINENESS = 64;
const INDEXES = 2 ** 20;
