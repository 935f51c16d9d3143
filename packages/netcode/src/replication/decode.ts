/** Reads a snapshot's entities (drawn in encode.ts) onto what the client held at the baseline. Total: any bytes give rows or a failure. */

import type { GameSchema } from '../simulation/game.ts';
import { RowSet } from '../simulation/rows.ts';
import type { BitReader } from '../wire/bits.ts';
import { type HeldRows, ListReader } from './listreader.ts';
import { KEY_ORDER } from './listwriter.ts';
import { RowCodec } from './rowcodec.ts';

/** Which rows of a table stand in which list, by key. Rows are indexes into the table's RowSet, in rising id order within a list. */
export class ReplicaLists {
  count = 0;
  keys = new Int32Array(8);
  /** Where each list starts in `members`; one more for the end. */
  starts = new Int32Array(9);
  members = new Int32Array(16);

  clear(): void {
    this.count = 0;
    this.starts[0] = 0;
  }

  /** Adds a list of the rows `from`..`to` of the snapshot, in the order in which they were read. */
  add(key: number, from: number, to: number): void {
    if (this.count >= this.keys.length) {
      this.keys = grown(this.keys, this.keys.length * 2);
      this.starts = grown(this.starts, this.keys.length + 1);
    }
    if (to > this.members.length) this.members = grown(this.members, to * 2);
    this.keys[this.count++] = key;
    this.starts[this.count] = to;
    for (let i = from; i < to; i++) this.members[i] = i;
  }
}

/** What a client holds after one snapshot. Each row's mark is its held tick. */
export interface Replica {
  tick: number;
  /** Tick of the baseline that it was read onto, -1 for the empty one. */
  baseline: number;
  /** In rising id order. */
  readonly tables: readonly RowSet[];
  readonly lists: readonly ReplicaLists[];
  /** Ids, per table, of rows that were held at the baseline and do not exist any more; the first `goneCounts[t]` count. */
  readonly gone: Int32Array[];
  readonly goneCounts: Int32Array;
  /** The control words of the client's own seat at this tick. */
  readonly controls: Int32Array;
}

export function newReplica(schema: GameSchema, controlWords: number): Replica {
  return {
    tick: -1,
    baseline: -1,
    tables: schema.rows.map((row) => new RowSet(row)),
    lists: schema.rows.map(() => new ReplicaLists()),
    gone: schema.rows.map(() => new Int32Array(8)),
    goneCounts: new Int32Array(schema.rows.length),
    controls: new Int32Array(controlWords),
  };
}

export class SnapshotDecoder {
  readonly #schema: GameSchema;
  readonly #readers: readonly ListReader[];
  readonly #scratch: readonly RowSet[];
  readonly #merge = new Merge();
  #entered = new Int32Array(16);
  #enteredCount = 0;

  constructor(schema: GameSchema) {
    this.#schema = schema;
    this.#readers = schema.rows.map((row) => new ListReader(new RowCodec(row), schema.maxPlayers));
    this.#scratch = schema.rows.map((row) => new RowSet(row));
  }

  /** Fills `into` for `tick`. On failure `r.failed` is set and `into` holds nothing of use. */
  decode(r: BitReader, baseline: Replica | undefined, tick: number, into: Replica): void {
    into.tick = tick;
    into.baseline = baseline?.tick ?? -1;
    for (let t = 0; t < this.#readers.length && !r.failed; t++) {
      const reader = this.#readers[t] as ListReader;
      reader.goneCount = 0;
      const rows = this.#scratch[t] as RowSet;
      const lists = into.lists[t] as ReplicaLists;
      rows.clear();
      lists.clear();
      if (this.#schema.positions[t] === undefined) this.#list(r, t, 0, 0, baseline, tick, rows, lists);
      else this.#cells(r, t, baseline, tick, rows, lists);
      if (r.failed) return;
      if (!this.#merge.sort(rows, lists, into.tables[t] as RowSet)) r.fail();
      this.#noteGone(r, into, t, reader);
    }
  }

  /** Reads one list: list `index` of the baseline, or a new one when there is none. */
  #list(
    r: BitReader,
    t: number,
    key: number,
    index: number,
    baseline: Replica | undefined,
    tick: number,
    rows: RowSet,
    lists: ReplicaLists,
  ): void {
    const from = rows.count;
    const held = index < 0 ? undefined : heldRows(baseline, t, index);
    (this.#readers[t] as ListReader).read(r, held, baseline?.tables[t], tick, rows);
    lists.add(key, from, rows.count);
  }

  #cells(
    r: BitReader,
    t: number,
    baseline: Replica | undefined,
    tick: number,
    rows: RowSet,
    lists: ReplicaLists,
  ): void {
    this.#list(r, t, 0, baseline === undefined ? -1 : 0, baseline, tick, rows, lists);
    this.#readEntered(r);
    const old = baseline?.lists[t];
    const count = old?.count ?? 0;
    let h = 1;
    let e = 0;
    while ((h < count || e < this.#enteredCount) && !r.failed) {
      const heldKey = h < count ? (old?.keys[h] as number) : Infinity;
      const newKey = e < this.#enteredCount ? (this.#entered[e] as number) : Infinity;
      if (heldKey === newKey) r.fail();
      else if (newKey < heldKey) {
        this.#list(r, t, newKey, -1, baseline, tick, rows, lists);
        e++;
      } else this.#heldList(r, t, heldKey, h++, baseline as Replica, tick, rows, lists);
    }
  }

  #readEntered(r: BitReader): void {
    const cells = this.#schema.grid?.cells ?? 0;
    const count = r.readGolomb(0);
    this.#enteredCount = 0;
    let last = 0;
    for (let i = 0; i < count && !r.failed; i++) {
      last += r.readGolomb(KEY_ORDER) + 1;
      if (last > cells) r.fail();
      if (this.#enteredCount >= this.#entered.length) this.#entered = grown(this.#entered, i * 2);
      this.#entered[this.#enteredCount++] = last;
    }
  }

  #heldList(
    r: BitReader,
    t: number,
    key: number,
    index: number,
    baseline: Replica,
    tick: number,
    rows: RowSet,
    lists: ReplicaLists,
  ): void {
    const reader = this.#readers[t] as ListReader;
    const held = heldRows(baseline, t, index) as HeldRows;
    const size = held.to - held.from;
    if (r.read(1) === 0) {
      this.#list(r, t, key, index, baseline, tick, rows, lists);
      // All rows kept and none new has a code of its own.
      if (size > 0 && reader.kept === size && reader.news === 0) r.fail();
      return;
    }
    if (r.read(1) === 1) return;
    if (size === 0) r.fail();
    const from = rows.count;
    reader.keep(held, rows);
    lists.add(key, from, rows.count);
  }

  #noteGone(r: BitReader, into: Replica, t: number, { gone, goneCount }: ListReader): void {
    let ids = into.gone[t] as Int32Array;
    if (ids.length < goneCount) {
      ids = new Int32Array(goneCount * 2);
      into.gone[t] = ids;
    }
    const rows = into.tables[t] as RowSet;
    for (let i = 0; i < goneCount; i++) {
      ids[i] = gone[i] as number;
      // What is gone does not stand in another list.
      if (rows.find(ids[i] as number) >= 0) r.fail();
    }
    into.goneCounts[t] = goneCount;
  }
}

/** One object is reused: what it says is read before the next call. */
const HELD: { rows: RowSet; members: Int32Array; from: number; to: number } = {
  rows: undefined as never,
  members: new Int32Array(0),
  from: 0,
  to: 0,
};

function heldRows(baseline: Replica | undefined, t: number, index: number): HeldRows | undefined {
  const lists = baseline?.lists[t];
  if (baseline === undefined || lists === undefined || index >= lists.count) return undefined;
  HELD.rows = baseline.tables[t] as RowSet;
  HELD.members = lists.members;
  HELD.from = lists.starts[index] as number;
  HELD.to = lists.starts[index + 1] as number;
  return HELD;
}

/** Brings rows that were read list by list into id order. */
class Merge {
  #keys = new Float64Array(64);
  #listOf = new Int32Array(64);
  #next = new Int32Array(16);

  /** Fills `into`, and makes the lists refer to its rows. False when an id stands in two lists. */
  sort(rows: RowSet, lists: ReplicaLists, into: RowSet): boolean {
    const { count } = rows;
    const { stride } = rows.schema;
    if (isSorted(rows)) {
      const { data } = into;
      into.data = rows.data;
      into.count = count;
      rows.data = data;
      return true;
    }
    into.clear();
    into.reserve(count);
    if (this.#keys.length < count) {
      this.#keys = new Float64Array(count * 2);
      this.#listOf = new Int32Array(count * 2);
    }
    const keys = this.#keys.subarray(0, count);
    for (let i = 0; i < count; i++) keys[i] = rows.id(i) * INDEXES + i;
    keys.sort();
    this.#noteLists(lists);
    let last = -1;
    for (let i = 0; i < count; i++) {
      const from = (keys[i] as number) % INDEXES;
      if (rows.id(from) === last) return false;
      last = rows.id(from);
      into.push(rows.data, from * stride);
      // Rows come by in id order, so each list gets its own in that order.
      const list = this.#listOf[from] as number;
      const place = this.#next[list] as number;
      this.#next[list] = place + 1;
      lists.members[place] = i;
    }
    return true;
  }

  /** Which list each row was read in, and where each list goes on. */
  #noteLists({ count, starts }: ReplicaLists): void {
    if (this.#next.length < count) this.#next = new Int32Array(count * 2);
    for (let list = 0; list < count; list++) {
      const from = starts[list] as number;
      const to = starts[list + 1] as number;
      this.#next[list] = from;
      this.#listOf.fill(list, from, to);
    }
  }
}

/** Room for an index beside 31 bits of id in a double's 53. */
const INDEXES = 2 ** 22;

function isSorted(rows: RowSet): boolean {
  let last = -1;
  for (let i = 0; i < rows.count; i++) {
    const id = rows.id(i);
    if (id <= last) return false;
    last = id;
  }
  return true;
}

function grown(old: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const next = new Int32Array(Math.max(size, old.length));
  next.set(old);
  return next;
}
