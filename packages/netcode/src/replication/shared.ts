/**
 * Work that clients share within one snapshot tick: how each row differs from what it was at a held tick, and the bits that say so.
 * Clients with the same baseline compare and write each row once between them; only lists and urgency are their own.
 */

import { MAX_DATAGRAM_BYTES } from '../base/units.ts';
import type { RowSet } from '../simulation/rows.ts';
import { BitWriter } from '../wire/bits.ts';
import type { RowCodec } from './rowcodec.ts';

/** Key of the bodies of rows that are new to a client: they are written against the empty row. */
export const FROM_EMPTY = -1;

const UNKNOWN = 0;
export const SAME = 1;
export const DIFFERENT = 2;

/** Room for a body, whatever its row. */
const LONGEST_BODY_BITS = MAX_DATAGRAM_BYTES * 8;

/** Bodies of one held tick. What does not fit is written for each client alone. */
const SHARED_BYTES = 32 * 1024;

/** One table's rows in a `SharedTick`, by their place in the world. */
interface SharedRows {
  state: Uint8Array;
  start: Int32Array;
  end: Int32Array;
}

/** What became of the rows since one held tick. */
export class SharedTick {
  readonly bits = new BitWriter(new Uint8Array(SHARED_BYTES));
  readonly #tables: SharedRows[] = [];

  /** Forgets everything; `tables` are the world's rows now. */
  reset(tables: readonly RowSet[]): void {
    this.bits.reset();
    tables.forEach((rows, t) => {
      const known = this.#tables[t];
      if (known !== undefined && known.state.length >= rows.count) {
        known.state.fill(UNKNOWN, 0, rows.count);
        return;
      }
      const size = Math.max(16, rows.count * 2);
      this.#tables[t] = {
        state: new Uint8Array(size),
        start: new Int32Array(size),
        end: new Int32Array(size),
      };
    });
  }

  /** SAME, DIFFERENT, or 0 when nobody has asked yet. */
  state(t: number, row: number): number {
    return this.#tables[t]?.state[row] ?? UNKNOWN;
  }

  start(t: number, row: number): number {
    return this.#tables[t]?.start[row] ?? 0;
  }

  end(t: number, row: number): number {
    return this.#tables[t]?.end[row] ?? 0;
  }

  /** Compares a row with what `codec` expects, and writes its body if it differs. False when there is no room left to share it. */
  learn(t: number, row: number, codec: RowCodec, rows: RowSet, tick: number): boolean {
    const table = this.#tables[t] as SharedRows;
    const at = row * rows.schema.stride;
    if (codec.matches(rows.data, at)) {
      table.state[row] = SAME;
      return true;
    }
    return this.write(t, row, codec, rows, tick);
  }

  /** Writes a row's body whether or not it differs: a row that is new to a client always has one. */
  write(t: number, row: number, codec: RowCodec, rows: RowSet, tick: number): boolean {
    if (this.bits.bitLength + LONGEST_BODY_BITS > SHARED_BYTES * 8) return false;
    const table = this.#tables[t] as SharedRows;
    table.start[row] = this.bits.bitLength;
    codec.write(this.bits, rows.data, row * rows.schema.stride, tick);
    table.end[row] = this.bits.bitLength;
    table.state[row] = DIFFERENT;
    return true;
  }
}

/** The shared work of the present snapshot tick, by held tick. */
export class SharedWork {
  readonly #byHeld = new Map<number, SharedTick>();
  readonly #free: SharedTick[] = [];
  #tick = -1;
  #tables: readonly RowSet[] = [];

  /** Starts over when `tick` is another one than before. */
  begin(tick: number, tables: readonly RowSet[]): void {
    if (tick === this.#tick && tables === this.#tables) return;
    this.#tick = tick;
    this.#tables = tables;
    for (const used of this.#byHeld.values()) this.#free.push(used);
    this.#byHeld.clear();
  }

  at(held: number): SharedTick {
    let shared = this.#byHeld.get(held);
    if (shared === undefined) {
      shared = this.#free.pop() ?? new SharedTick();
      shared.reset(this.#tables);
      this.#byHeld.set(held, shared);
    }
    return shared;
  }
}
