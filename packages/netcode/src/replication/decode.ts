/** Reads a snapshot's entities (drawn in encode.ts) onto what the client held at the baseline. Total: any bytes give rows or a failure. */

import type { GameSchema } from '../simulation/game.ts';
import { RowSet } from '../simulation/rows.ts';
import type { BitReader } from '../wire/bits.ts';
import { earlierReach } from './held.ts';
import { type HeldRows, ListReader, type TableReader } from './listreader.ts';
import { RowCodec } from './rows/rowcodec.ts';
import { KEPT_LIST, SECTION } from './rowsink.ts';
import { type EarlierRows, SmallReader } from './smallreader.ts';

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

/** Snapshots that a client still holds, by tick. */
export interface ReplicaSource {
  get(tick: number): Replica | undefined;
}

const NONE_HELD: ReplicaSource = { get: () => undefined };

export class SnapshotDecoder {
  readonly #schema: GameSchema;
  readonly #fast: ListReader;
  readonly #small: SmallReader;
  #reader: TableReader;
  readonly #scratch: readonly RowSet[];
  readonly #merge = new Merge();
  readonly #earlier: Earlier;
  #entered = new Int32Array(16);
  #enteredCount = 0;

  constructor(schema: GameSchema) {
    this.#schema = schema;
    this.#fast = new ListReader(
      schema.rows.map((row) => new RowCodec(row, schema.tables?.rows[row.name])),
      schema.maxPlayers,
    );
    this.#small = new SmallReader(schema);
    this.#reader = this.#fast;
    this.#scratch = schema.rows.map((row) => new RowSet(row));
    this.#earlier = new Earlier(schema);
  }

  /** Fills `into` for `tick`. On failure `r.failed` is set and `into` holds nothing of use. `held`: the snapshots held, by tick. */
  decode(
    r: BitReader,
    baseline: Replica | undefined,
    tick: number,
    into: Replica,
    held: ReplicaSource = NONE_HELD,
  ): void {
    into.tick = tick;
    into.baseline = baseline?.tick ?? -1;
    const isSmall = r.readBool();
    this.#reader = isSmall ? this.#small : this.#fast;
    if (isSmall) this.#small.open(r, this.#earlier.at(tick, held));
    else this.#fast.open(r);
    for (let t = 0; t < into.tables.length && !r.failed; t++) this.#table(t, baseline, tick, into);
    if (this.#reader.failed) r.fail();
    else if (isSmall) this.#small.close(r);
  }

  #table(t: number, baseline: Replica | undefined, tick: number, into: Replica): void {
    const reader = this.#reader;
    const rows = this.#scratch[t] as RowSet;
    const lists = into.lists[t] as ReplicaLists;
    reader.table(t);
    rows.clear();
    lists.clear();
    if (this.#schema.positions[t] === undefined) this.#list(t, 0, 0, baseline, tick, rows, lists);
    else this.#cells(t, baseline, tick, rows, lists);
    if (reader.failed) return;
    if (!this.#merge.sort(rows, baseline?.tables[t], reader.origins, lists, into.tables[t] as RowSet))
      reader.fail();
    this.#noteGone(into, t);
  }

  /** Reads one list: list `index` of the baseline, or a new one when there is none. */
  #list(
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
    this.#reader.read(held, baseline?.tables[t], tick, rows);
    lists.add(key, from, rows.count);
  }

  #cells(t: number, baseline: Replica | undefined, tick: number, rows: RowSet, lists: ReplicaLists): void {
    const reader = this.#reader;
    this.#list(t, 0, baseline === undefined ? -1 : 0, baseline, tick, rows, lists);
    this.#readEntered();
    const old = baseline?.lists[t];
    const count = old?.count ?? 0;
    let h = 1;
    let e = 0;
    while ((h < count || e < this.#enteredCount) && !reader.failed) {
      const heldKey = h < count ? (old?.keys[h] as number) : Infinity;
      const newKey = e < this.#enteredCount ? (this.#entered[e] as number) : Infinity;
      if (heldKey === newKey) reader.fail();
      else if (newKey < heldKey) {
        this.#list(t, newKey, -1, baseline, tick, rows, lists);
        e++;
      } else this.#heldList(t, heldKey, h++, baseline as Replica, tick, rows, lists);
    }
  }

  #readEntered(): void {
    const cells = this.#schema.grid?.cells ?? 0;
    const reader = this.#reader;
    const count = reader.enteredCount();
    this.#enteredCount = 0;
    let last = 0;
    for (let i = 0; i < count && !reader.failed; i++) {
      last += reader.keyGap() + 1;
      if (last > cells) reader.fail();
      if (this.#enteredCount >= this.#entered.length) this.#entered = grown(this.#entered, i * 2);
      this.#entered[this.#enteredCount++] = last;
    }
  }

  #heldList(
    t: number,
    key: number,
    index: number,
    baseline: Replica,
    tick: number,
    rows: RowSet,
    lists: ReplicaLists,
  ): void {
    const reader = this.#reader;
    const held = heldRows(baseline, t, index) as HeldRows;
    const size = held.to - held.from;
    const code = reader.listCode();
    if (code === SECTION) {
      this.#list(t, key, index, baseline, tick, rows, lists);
      // All rows kept and none new has a code of its own.
      if (size > 0 && reader.kept === size && reader.news === 0) reader.fail();
    } else if (code === KEPT_LIST) {
      if (size === 0) reader.fail();
      const from = rows.count;
      reader.keep(held, rows);
      lists.add(key, from, rows.count);
    }
  }

  #noteGone(into: Replica, t: number): void {
    const reader = this.#reader;
    const { gone, goneCount } = reader;
    let ids = into.gone[t] as Int32Array;
    if (ids.length < goneCount) {
      ids = new Int32Array(goneCount * 2);
      into.gone[t] = ids;
    }
    const rows = into.tables[t] as RowSet;
    for (let i = 0; i < goneCount; i++) {
      ids[i] = gone[i] as number;
      // What is gone does not stand in another list.
      if (rows.find(ids[i] as number) >= 0) reader.fail();
    }
    into.goneCounts[t] = goneCount;
  }
}

/** Finds, for rows held at a tick, the rows at the baseline of that tick's snapshot: what small snapshots expect motion from. */
class Earlier implements EarlierRows {
  readonly #schema: GameSchema;
  #tick = 0;
  #held: ReplicaSource = NONE_HELD;
  readonly #found: { rows: RowSet; tick: number } = { rows: undefined as never, tick: 0 };

  constructor(schema: GameSchema) {
    this.#schema = schema;
  }

  #lastTable = -1;
  #lastHeld = -1;
  #lastFound = false;

  at(tick: number, held: ReplicaSource): this {
    this.#tick = tick;
    this.#held = held;
    this.#lastTable = -1;
    return this;
  }

  earlier(t: number, held: number): { readonly rows: RowSet; readonly tick: number } | undefined {
    // Rows of one list were mostly held at one tick.
    if (t !== this.#lastTable || held !== this.#lastHeld) {
      this.#lastTable = t;
      this.#lastHeld = held;
      this.#lastFound = this.#find(t, held);
    }
    return this.#lastFound ? this.#found : undefined;
  }

  #find(t: number, held: number): boolean {
    if (this.#schema.secrets[t]?.all.length !== 0) return false;
    const from = this.#held.get(held)?.baseline ?? -1;
    if (from < 0 || this.#tick - from > earlierReach(this.#schema)) return false;
    const rows = this.#held.get(from)?.tables[t];
    if (rows === undefined) return false;
    this.#found.rows = rows;
    this.#found.tick = from;
    return true;
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

/** Brings rows that were read list by list into id order: those that were held are in order by where they were, the new ones are sorted. */
class Merge {
  /** By row of the baseline: which of the rows read it became, -1 for none. */
  #became = new Int32Array(64);
  /** The rows read that are new to the client, as `id * INDEXES + index`. */
  #news = new Float64Array(64);
  #listOf = new Int32Array(64);
  #next = new Int32Array(16);

  /** Fills `into`, and makes the lists refer to its rows. False when an id stands in two lists. */
  sort(
    rows: RowSet,
    old: RowSet | undefined,
    origins: Int32Array,
    lists: ReplicaLists,
    into: RowSet,
  ): boolean {
    const { count } = rows;
    if (isSorted(rows)) {
      const { data } = into;
      into.data = rows.data;
      into.count = count;
      rows.data = data;
      return true;
    }
    const heldCount = old?.count ?? 0;
    if (this.#became.length < heldCount) this.#became = new Int32Array(heldCount * 2);
    if (this.#listOf.length < count) {
      this.#listOf = new Int32Array(count * 2);
      this.#news = new Float64Array(count * 2);
    }
    const became = this.#became;
    became.fill(-1, 0, heldCount);
    let news = 0;
    for (let i = 0; i < count; i++) {
      const origin = origins[i] as number;
      if (origin < 0) this.#news[news++] = rows.id(i) * INDEXES + i;
      else if (became[origin] === -1) became[origin] = i;
      else return false;
    }
    if (news > 1) this.#news.subarray(0, news).sort();
    this.#noteLists(lists);
    return this.#join(rows, heldCount, news, lists, into);
  }

  /** Takes the rows that were held and the new ones side by side. */
  #join(rows: RowSet, heldCount: number, news: number, lists: ReplicaLists, into: RowSet): boolean {
    const became = this.#became;
    into.clear();
    into.reserve(rows.count);
    let n = 0;
    for (let o = 0; o < heldCount; o++) {
      const i = became[o] as number;
      if (i < 0) continue;
      const id = rows.id(i);
      while (n < news && Math.floor((this.#news[n] as number) / INDEXES) < id) {
        if (!this.#take(rows, (this.#news[n++] as number) % INDEXES, lists, into)) return false;
      }
      if (!this.#take(rows, i, lists, into)) return false;
    }
    while (n < news) if (!this.#take(rows, (this.#news[n++] as number) % INDEXES, lists, into)) return false;
    return true;
  }

  /** Rows come by in id order, so each list gets its own in that order. */
  #take(rows: RowSet, from: number, lists: ReplicaLists, into: RowSet): boolean {
    const at = into.count;
    if (at > 0 && into.id(at - 1) >= rows.id(from)) return false;
    into.push(rows.data, from * rows.schema.stride);
    const list = this.#listOf[from] as number;
    const place = this.#next[list] as number;
    this.#next[list] = place + 1;
    lists.members[place] = at;
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
