/** Reads what listwriter.ts writes, one list at a time. Total: any bytes give rows or a failure. */

import { HELD_WINDOW_TICKS } from '../base/units.ts';
import type { RowSet } from '../simulation/rows.ts';
import { BitReader } from '../wire/bits.ts';
import { ID, MARK, OWNER } from '../wire/schema.ts';
import type { RowCodec } from './rows/rowcodec.ts';
import { DROPPED_LIST, KEPT_LIST, KEY_ORDER, SECTION } from './rowsink.ts';

/** Rows of a list at the baseline: indexes into the table's rows, `from`..`to` of `members`. */
export interface HeldRows {
  readonly rows: RowSet;
  readonly members: Int32Array;
  readonly from: number;
  readonly to: number;
}

/** Reads one table's lists after another. What it says of the last list read is good until the next. */
export interface TableReader {
  readonly failed: boolean;
  fail(): void;
  /** The lists to come are of this table. */
  table(t: number): void;
  /** How many lists are new to the client, and by how much the key of each is beyond the one before, less one. */
  enteredCount(): number;
  keyGap(): number;
  /** What becomes of a list that was held: SECTION, KEPT_LIST or DROPPED_LIST. */
  listCode(): number;
  /** Reads one list's rows and appends them to `into`, the ones held before first. `table`: all that the client held of the type. */
  read(held: HeldRows | undefined, table: RowSet | undefined, tick: number, into: RowSet): void;
  /** Appends all rows of a list as they are held. */
  keep(held: HeldRows, into: RowSet): void;
  /** Ids that the server said do not exist any more, in this table so far; the first `goneCount` count. */
  readonly gone: Int32Array;
  readonly goneCount: number;
  /** Rows of the last list that stayed as they were held, and rows that were new to it. */
  readonly kept: number;
  readonly news: number;
  /** For each row appended: where the client held it in the table, -1 when it is new to the client. */
  readonly origins: Int32Array;
}

/** What a reader notes of the rows that it has read, whatever the codec. */
export abstract class ReadRows {
  gone: Int32Array = new Int32Array(16);
  goneCount = 0;
  kept = 0;
  news = 0;
  origins: Int32Array = new Int32Array(64);

  keep({ rows, members, from, to }: HeldRows, into: RowSet): void {
    const { stride } = rows.schema;
    this.origins = roomFor(this.origins, into.count + to - from);
    for (let m = from; m < to; m++) {
      this.origins[into.count] = members[m] as number;
      into.push(rows.data, (members[m] as number) * stride);
    }
  }

  protected noteGone(id: number): void {
    if (this.goneCount >= this.gone.length) {
      const more = new Int32Array(this.gone.length * 2);
      more.set(this.gone);
      this.gone = more;
    }
    this.gone[this.goneCount++] = id;
  }

  /** Starts a row that is sent in this snapshot; gives its offset. */
  protected begin(into: RowSet, id: number, tick: number): number {
    const at = into.push(into.schema.empty, 0);
    into.data[at + ID] = id;
    into.data[at + OWNER] = id >> 16;
    into.data[at + MARK] = tick;
    return at;
  }
}

export class ListReader extends ReadRows implements TableReader {
  readonly #codecs: readonly RowCodec[];
  readonly #maxPlayers: number;
  #r = new BitReader();
  #codec: RowCodec;

  constructor(codecs: readonly RowCodec[], maxPlayers: number) {
    super();
    this.#codecs = codecs;
    this.#codec = codecs[0] as RowCodec;
    this.#maxPlayers = maxPlayers;
  }

  open(r: BitReader): void {
    this.#r = r;
  }

  get failed(): boolean {
    return this.#r.failed;
  }

  fail(): void {
    this.#r.fail();
  }

  table(t: number): void {
    this.#codec = this.#codecs[t] as RowCodec;
    this.goneCount = 0;
  }

  enteredCount(): number {
    return this.#r.readGolomb(0);
  }

  keyGap(): number {
    return this.#r.readGolomb(KEY_ORDER);
  }

  listCode(): number {
    if (this.#r.read(1) === 0) return SECTION;
    return this.#r.read(1) === 0 ? KEPT_LIST : DROPPED_LIST;
  }

  read(held: HeldRows | undefined, table: RowSet | undefined, tick: number, into: RowSet): void {
    const r = this.#r;
    this.kept = 0;
    if (held !== undefined) this.origins = roomFor(this.origins, into.count + held.to - held.from);
    if (held !== undefined) this.#heldRows(r, held, tick, into);
    this.#newRows(r, held, table, tick, into);
  }

  #heldRows(r: BitReader, held: HeldRows, tick: number, into: RowSet): void {
    const { rows, members, to } = held;
    let m = held.from;
    let afterKept = false;
    while (m < to && !r.failed) {
      const gap = r.readGolomb(0);
      if (m + gap > to) {
        r.fail();
        return;
      }
      for (const end = m + gap; m < end; m++) this.#expectedRow(rows, members[m] as number, tick, into);
      if (m === to) {
        // A list that ends on a code has no closing gap.
        if (gap === 0) r.fail();
        return;
      }
      const isKept = this.#coded(r, held, m, gap, afterKept, tick, into);
      m += isKept ? this.#run : 1;
      afterKept = isKept;
    }
  }

  #run = 0;

  /** Reads one code and its row. True when it was a run of kept rows. */
  #coded(
    r: BitReader,
    { rows, members, to }: HeldRows,
    m: number,
    gap: number,
    afterKept: boolean,
    tick: number,
    into: RowSet,
  ): boolean {
    const { stride } = rows.schema;
    const at = (members[m] as number) * stride;
    if (r.read(1) === 0) {
      this.#changedRow(r, rows, members[m] as number, tick, into);
      return false;
    }
    if (r.read(1) === 0) {
      this.noteGone(rows.data[at + ID] as number);
      return false;
    }
    // It left this list: for another one, or for nowhere that this client sees.
    if (r.read(1) === 0) return false;
    const run = r.readGolomb(0) + 1;
    if (m + run > to || (afterKept && gap === 0)) {
      r.fail();
      return true;
    }
    for (let i = m; i < m + run; i++) {
      this.origins[into.count] = members[i] as number;
      into.push(rows.data, (members[i] as number) * stride);
    }
    this.kept += run;
    this.#run = run;
    return true;
  }

  #expect(old: RowSet, at: number, tick: number): RowCodec {
    const codec = this.#codec;
    const age = tick - (old.data[at + MARK] as number);
    if (age > HELD_WINDOW_TICKS) codec.expect(old.schema.empty, 0, 0);
    else codec.expect(old.data, at, age);
    return codec;
  }

  /** Copies a row and moves it on: most rows of most snapshots. */
  #expectedRow(old: RowSet, row: number, tick: number, into: RowSet): void {
    const from = row * old.schema.stride;
    const age = tick - (old.data[from + MARK] as number);
    this.origins[into.count] = row;
    if (age > HELD_WINDOW_TICKS) {
      const id = old.data[from + ID] as number;
      this.begin(into, id, tick);
      return;
    }
    const to = into.push(old.data, from);
    into.data[to + MARK] = tick;
    this.#codec.advance(into.data, to, age);
  }

  #changedRow(r: BitReader, old: RowSet, row: number, tick: number, into: RowSet): void {
    const from = row * old.schema.stride;
    const codec = this.#expect(old, from, tick);
    this.origins[into.count] = row;
    // The row may move the data to larger memory: begin it before naming the data.
    const to = this.begin(into, old.data[from + ID] as number, tick);
    codec.read(r, into.data, to, tick);
    if (codec.matches(into.data, to)) r.fail();
  }

  /** Rows that are new to the list: those that the client holds at the baseline come from another list. */
  #newRows(
    r: BitReader,
    held: HeldRows | undefined,
    table: RowSet | undefined,
    tick: number,
    into: RowSet,
  ): void {
    const count = r.readGolomb(0);
    this.news = count;
    let last = 0;
    for (let n = 0; n < count && !r.failed; n++) {
      const id = this.#readId(r, last);
      last = id;
      if (r.failed) return;
      const from = table === undefined ? -1 : table.find(id);
      this.origins = roomFor(this.origins, into.count + 1);
      // What was held in this list is changed, never removed and sent anew: that would be a second encoding.
      if (from >= 0 && held !== undefined && holds(held, from)) r.fail();
      if (table !== undefined && from >= 0) this.#movedRow(r, table, from, tick, into);
      else {
        this.origins[into.count] = -1;
        this.#codec.expect(into.schema.empty, 0, 0);
        const to = this.begin(into, id, tick);
        this.#codec.read(r, into.data, to, tick);
      }
    }
  }

  #movedRow(r: BitReader, table: RowSet, row: number, tick: number, into: RowSet): void {
    if (r.readBool()) this.#changedRow(r, table, row, tick, into);
    else this.#expectedRow(table, row, tick, into);
  }

  /** `1 gap` counts on from the id before, `00` is of seat 0, `01` names another seat. */
  #readId(r: BitReader, last: number): number {
    if (r.readBool()) {
      const id = last + r.readGolomb(4) + 1;
      if (last === 0 || id >> 16 !== last >> 16) r.fail();
      return id;
    }
    const named = r.readBool();
    const seat = named ? r.read(8) : 0;
    const id = seat * 65536 + r.read(16);
    if (named === (seat === 0) || id <= last || seat > this.#maxPlayers) r.fail();
    if (last !== 0 && seat === last >> 16) r.fail();
    return id;
  }
}

/** Whether a row stands in a list. */
export function holds({ members, from, to }: HeldRows, row: number): boolean {
  let low = from;
  let high = to - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = members[middle] as number;
    if (found === row) return true;
    if (found < row) low = middle + 1;
    else high = middle - 1;
  }
  return false;
}

/** The array, or a larger one with the same contents when it has less than `count` elements. */
export function roomFor(array: Int32Array, count: number): Int32Array {
  if (count <= array.length) return array;
  const more = new Int32Array(count * 2);
  more.set(array);
  return more;
}
