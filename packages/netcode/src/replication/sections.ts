/**
 * Work that clients share within one snapshot tick: what became of each list of rows since a held tick, in bits. Clients that held a
 * list whole at the same tick are sent the same bits, written once; only the choice of lists and what is secret are their own.
 */

import { BitWriter } from '../wire/bits.ts';
import type { Frame, FrameTable } from './frame.ts';
import { ListWriter } from './listwriter.ts';
import type { RowCodec } from './rows/rowcodec.ts';
import { SECTION } from './rowsink.ts';

/** Stands for a held tick: the list is new to the client, and so is every row in it. */
export const NOTHING_HELD = -1;

const UNKNOWN = 0;
/** State of a section that can be copied. */
const READY = 1;
const NO_ROOM = 2;

/**
 * Lists of one table since one held tick. A section is the list's own code (one bit, for where a list has one), what became of the rows
 * held, and how many are new to the list. Those follow one by one in `SectionSet`, since not every client knows them from elsewhere;
 * only of a list that is new with all its rows they are part of the section.
 */
export class TableSections {
  readonly state: Uint8Array;
  readonly start: Int32Array;
  readonly end: Int32Array;
  /** Rows that are new to the list: `from`..`to` in `SectionSet.sources`. */
  readonly from: Int32Array;
  readonly to: Int32Array;

  constructor(keys: number) {
    this.state = new Uint8Array(keys);
    this.start = new Int32Array(keys);
    this.end = new Int32Array(keys);
    this.from = new Int32Array(keys);
    this.to = new Int32Array(keys);
  }
}

/** The sections of one held tick. */
export class SectionSet {
  bits: BitWriter;
  /** By arrival: the key of the list that the row was in at the held tick, -1 for one that did not exist. */
  sources = new Int32Array(64);
  /** By arrival, four each: where its id starts in the bits, its body as a row that moved, and the end; then its row, see `NewBodies`. */
  places = new Int32Array(256);
  readonly tables: readonly TableSections[];
  /** Each list as it is told to a client that held others at this tick, but not this one: all its rows arrive. */
  readonly entries: readonly TableSections[];
  sourceCount = 0;

  constructor(frame: Frame) {
    this.bits = new BitWriter(new Uint8Array(MIN_BYTES));
    this.tables = frame.tables.map((table) => new TableSections(table.starts.length - 1));
    this.entries = frame.tables.map((table) => new TableSections(table.starts.length - 1));
  }

  reset(bytes: number): void {
    if (this.bits.bytes.length < bytes) this.bits = new BitWriter(new Uint8Array(bytes));
    this.bits.reset();
    this.sourceCount = 0;
    for (const table of this.tables) table.state.fill(UNKNOWN);
    for (const table of this.entries) table.state.fill(UNKNOWN);
  }

  /** Begins an arrival from a list; its places follow. */
  addArrival(key: number): number {
    if (this.sourceCount >= this.sources.length) {
      const sources = new Int32Array(this.sources.length * 2);
      sources.set(this.sources);
      this.sources = sources;
      const places = new Int32Array(this.places.length * 2);
      places.set(this.places);
      this.places = places;
    }
    this.sources[this.sourceCount] = key;
    return 4 * this.sourceCount++;
  }
}

/** The bodies of rows that are new to a client: the same whatever it holds, so each is written once in a tick. */
export class NewBodies {
  bits = new BitWriter(new Uint8Array(MIN_BYTES));
  /** By table and row: where its body starts, -1 when it is not written yet, and where it ends. */
  readonly starts: Int32Array[] = [];
  readonly ends: Int32Array[] = [];

  reset(frame: Frame, bytes: number): void {
    if (this.bits.bytes.length < bytes) this.bits = new BitWriter(new Uint8Array(bytes));
    this.bits.reset();
    frame.tables.forEach(({ rows }, t) => {
      const starts = this.starts[t];
      if (starts !== undefined && starts.length >= rows.count) starts.fill(-1, 0, rows.count);
      else {
        const size = rows.count + (rows.count >> 1) + 8;
        this.starts[t] = new Int32Array(size).fill(-1);
        this.ends[t] = new Int32Array(size);
      }
    });
  }

  /** Makes more room, keeping what is written. */
  grow(): void {
    const larger = new BitWriter(new Uint8Array(this.bits.bytes.length * 2));
    larger.append(this.bits, 0, this.bits.bitLength);
    this.bits = larger;
  }
}

const MIN_BYTES = 16 * 1024;
const MAX_BYTES = 1024 * 1024;

/** Bytes kept free for the section being written: what does not fit is written for each client alone. */
const ROOM_BYTES = 8 * 1024;

/** The sections of the present snapshot tick, by held tick. */
export class Sections {
  readonly #byTick = new Map<number, SectionSet>();
  readonly #free: SectionSet[] = [];
  #last: SectionSet | undefined;
  #lastHeld = NOTHING_HELD;
  readonly news = new NewBodies();
  readonly #writer: ListWriter;
  readonly #codecs: readonly RowCodec[];
  #frame: Frame | undefined;
  #bytes = MIN_BYTES;
  readonly #frames: { get(tick: number): Frame | undefined };
  #arrivals = new Int32Array(64);

  constructor(codecs: readonly RowCodec[], frames: { get(tick: number): Frame | undefined }) {
    this.#codecs = codecs;
    this.#frames = frames;
    this.#writer = new ListWriter(new BitWriter(new Uint8Array(8)), codecs);
  }

  /** Starts over with a new snapshot tick. */
  begin(frame: Frame): void {
    this.#frame = frame;
    for (const set of this.#byTick.values()) this.#free.push(set);
    this.#byTick.clear();
    this.#last = undefined;
    let rows = 0;
    for (const table of frame.tables) rows += table.rows.count;
    this.#bytes = Math.min(MAX_BYTES, MIN_BYTES + 16 * rows);
    this.news.reset(frame, 2 * this.#bytes);
  }

  at(held: number): SectionSet {
    // A client asks for one list after another, mostly of the same tick.
    if (held === this.#lastHeld && this.#last !== undefined) return this.#last;
    let set = this.#byTick.get(held);
    if (set === undefined) {
      set = this.#free.pop() ?? new SectionSet(this.#frame as Frame);
      set.reset(this.#bytes);
      this.#byTick.set(held, set);
    }
    this.#lastHeld = held;
    this.#last = set;
    return set;
  }

  /** Whether the section of a list since `held` is ready in `set`, after writing it if need be. */
  ready(set: SectionSet, t: number, key: number, held: number): boolean {
    return this.#prepare(set, set.tables[t] as TableSections, t, key, held, false);
  }

  /** The same for a list that the client did not hold at that tick, while it held others. */
  entryReady(set: SectionSet, t: number, key: number, held: number): boolean {
    return this.#prepare(set, set.entries[t] as TableSections, t, key, held, true);
  }

  #prepare(
    set: SectionSet,
    table: TableSections,
    t: number,
    key: number,
    held: number,
    entered: boolean,
  ): boolean {
    const state = table.state[key];
    if (state !== UNKNOWN) return state === READY;
    const { bits } = set;
    if (bits.bitLength > (bits.bytes.length - ROOM_BYTES) * 8) {
      table.state[key] = NO_ROOM;
      return false;
    }
    const start = bits.bitLength;
    table.start[key] = start;
    table.from[key] = set.sourceCount;
    this.#write(set, table, t, key, held, entered);
    table.to[key] = set.sourceCount;
    const fits = !bits.overflowed;
    if (!fits) bits.seek(start);
    table.state[key] = fits ? READY : NO_ROOM;
    return fits;
  }

  /** Walks a list then and now side by side. */
  #write(
    set: SectionSet,
    section: TableSections,
    t: number,
    key: number,
    held: number,
    entered: boolean,
  ): void {
    const now = this.#frame?.tables[t] as FrameTable;
    const tick = this.#frame?.tick ?? 0;
    const codec = this.#codecs[t] as RowCodec;
    const writer = this.#writer;
    writer.w = set.bits;
    writer.table(t);
    writer.list(SECTION);
    const { stride } = now.rows.schema;
    const { ids, members, steady } = now;
    const { data } = now.rows;
    let n = now.starts[key] as number;
    const nEnd = now.starts[key + 1] as number;
    let arrivals = 0;
    if (this.#arrivals.length < nEnd - n) this.#arrivals = new Int32Array((nEnd - n) * 2);
    const old = held === NOTHING_HELD ? undefined : (this.#frames.get(held)?.tables[t] as FrameTable);
    if (old !== undefined && !entered) {
      const age = tick - held;
      const oldIds = old.ids;
      const oldEnd = old.starts[key + 1] as number;
      for (let o = old.starts[key] as number; o < oldEnd; o++) {
        const id = oldIds[o] as number;
        while (n < nEnd && (ids[n] as number) < id) this.#arrivals[arrivals++] = n++;
        if (n >= nEnd || ids[n] !== id) {
          if (now.rows.find(id) < 0) writer.gone();
          else writer.left();
          continue;
        }
        const row = members[n++] as number;
        if ((steady[row] as number) <= held) {
          writer.asExpected();
          continue;
        }
        const at = row * stride;
        const from = (old.members[o] as number) * stride;
        if (codec.holds(old.rows.data, from, age, data, at)) writer.asExpected();
        else {
          codec.expect(old.rows.data, from, age);
          writer.changed(data, at, tick);
        }
      }
      writer.endHeld();
    }
    while (n < nEnd) this.#arrivals[arrivals++] = n++;
    writer.news(arrivals);
    if (old === undefined) this.#writeNew(t, arrivals);
    section.end[key] = set.bits.bitLength;
    if (old !== undefined) this.#writeArrivals(set, t, key, old, arrivals, tick - held, tick);
  }

  /** The rows of a list that is new, each of them new to the client. */
  #writeNew(t: number, count: number): void {
    const { ids, members } = (this.#frame as Frame).tables[t] as FrameTable;
    const writer = this.#writer;
    const { news } = this;
    let last = 0;
    for (let i = 0; i < count; i++) {
      const n = this.#arrivals[i] as number;
      const row = members[n] as number;
      writer.id(ids[n] as number, last);
      last = ids[n] as number;
      const start = this.newBody(t, row);
      writer.w.append(news.bits, start, news.ends[t]?.[row] as number);
    }
  }

  /** Where the body of a row that is new to a client starts in `news`, written if need be. */
  newBody(t: number, row: number): number {
    const { news } = this;
    const starts = news.starts[t] as Int32Array;
    const known = starts[row] as number;
    if (known >= 0) return known;
    const { rows } = (this.#frame as Frame).tables[t] as FrameTable;
    const codec = this.#codecs[t] as RowCodec;
    if (news.bits.bitLength > (news.bits.bytes.length - ROOM_BYTES) * 8) news.grow();
    const start = news.bits.bitLength;
    codec.expect(rows.schema.empty, 0, 0);
    codec.write(news.bits, rows.data, row * rows.schema.stride, this.#frame?.tick ?? 0);
    starts[row] = start;
    (news.ends[t] as Int32Array)[row] = news.bits.bitLength;
    return start;
  }

  /** Rows that came into a list: as moved, for those who held it elsewhere; for the others the new body will do. */
  #writeArrivals(
    set: SectionSet,
    t: number,
    key: number,
    old: FrameTable,
    count: number,
    age: number,
    tick: number,
  ): void {
    const { rows, ids, members } = (this.#frame as Frame).tables[t] as FrameTable;
    const writer = this.#writer;
    const { stride } = rows.schema;
    let last = 0;
    for (let i = 0; i < count; i++) {
      const n = this.#arrivals[i] as number;
      const id = ids[n] as number;
      const row = members[n] as number;
      const before = old.rows.find(id);
      const source = before < 0 ? -1 : (old.keys[before] as number);
      const place = set.addArrival(source);
      set.places[place] = set.bits.bitLength;
      writer.id(id, last);
      last = id;
      set.places[place + 1] = set.bits.bitLength;
      // From this very list nobody moves: who is told of all its rows did not hold it.
      if (source >= 0 && source !== key) {
        writer.expect(old.rows.data, before * stride, age);
        writer.moved(rows.data, row * stride, tick);
      }
      set.places[place + 2] = set.bits.bitLength;
      set.places[place + 3] = row;
    }
  }
}
