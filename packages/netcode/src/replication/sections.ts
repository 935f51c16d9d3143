/**
 * Work that clients share within one snapshot tick: what became of each list of rows since a held tick, in bits. Clients that held a
 * list whole at the same tick are sent the same bits, written once; only the choice of lists and what is secret are their own.
 */

import { BitWriter } from '../wire/bits.ts';
import type { Frame, FrameTable } from './frame.ts';
import { ListWriter } from './listwriter.ts';
import type { RowCodec } from './rowcodec.ts';
import { SECTION } from './rowsink.ts';

/** Stands for a held tick: the list is new to the client, and so is every row in it. */
export const NOTHING_HELD = -1;

const UNKNOWN = 0;
/** State of a section that can be copied. */
export const READY = 1;
const NO_ROOM = 2;

/**
 * Lists of one table that changed since one held tick. Where a section stands in the bits, and from which lists rows came into it.
 * A section starts with the list's own code, one bit, for where a list has one.
 */
export class TableSections {
  readonly state: Uint8Array;
  readonly start: Int32Array;
  readonly end: Int32Array;
  /** Rows that are new to the list. */
  readonly arrivals: Int32Array;
  /** Keys of the lists that arrivals were in: `from`..`to` in `SectionSet.sources`. */
  readonly from: Int32Array;
  readonly to: Int32Array;

  constructor(keys: number) {
    this.state = new Uint8Array(keys);
    this.start = new Int32Array(keys);
    this.end = new Int32Array(keys);
    this.arrivals = new Int32Array(keys);
    this.from = new Int32Array(keys);
    this.to = new Int32Array(keys);
  }
}

/** The sections of one held tick. */
export class SectionSet {
  bits: BitWriter;
  /** Keys of the lists that rows came from. */
  sources = new Int32Array(64);
  readonly tables: readonly TableSections[];
  /** For each list as if it were new to a client that held everything else at this tick: which lists its rows were in. */
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

  addSource(key: number): void {
    if (this.sourceCount >= this.sources.length) {
      const more = new Int32Array(this.sources.length * 2);
      more.set(this.sources);
      this.sources = more;
    }
    this.sources[this.sourceCount++] = key;
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
    let rows = 0;
    for (const table of frame.tables) rows += table.rows.count;
    this.#bytes = Math.min(MAX_BYTES, MIN_BYTES + 16 * rows);
  }

  at(held: number): SectionSet {
    let set = this.#byTick.get(held);
    if (set === undefined) {
      set = this.#free.pop() ?? new SectionSet(this.#frame as Frame);
      set.reset(this.#bytes);
      this.#byTick.set(held, set);
    }
    return set;
  }

  /** Whether the section of a list since `held` is ready in `set`, after writing it if need be. */
  ready(set: SectionSet, t: number, key: number, held: number): boolean {
    const table = set.tables[t] as TableSections;
    const state = table.state[key];
    if (state !== UNKNOWN) return state === READY;
    if (set.bits.bitLength > (set.bits.bytes.length - ROOM_BYTES) * 8) {
      table.state[key] = NO_ROOM;
      return false;
    }
    table.start[key] = set.bits.bitLength;
    table.from[key] = set.sourceCount;
    this.#write(set, table, t, key, held);
    table.to[key] = set.sourceCount;
    table.end[key] = set.bits.bitLength;
    const fits = !set.bits.overflowed;
    if (!fits) set.bits.seek(table.start[key] as number);
    table.state[key] = fits ? READY : NO_ROOM;
    return fits;
  }

  /** Makes known which lists the rows of an entered list were in at `held`. */
  learnEntry(set: SectionSet, t: number, key: number, held: number): TableSections {
    const table = set.entries[t] as TableSections;
    if (table.state[key] === READY) return table;
    table.state[key] = READY;
    table.from[key] = set.sourceCount;
    const now = this.#frame?.tables[t] as FrameTable;
    const old = this.#frames.get(held)?.tables[t] as FrameTable;
    for (let m = now.starts[key] as number; m < (now.starts[key + 1] as number); m++) {
      const before = old.rows.find(now.ids[m] as number);
      if (before >= 0) set.addSource(old.keys[before] as number);
    }
    table.to[key] = set.sourceCount;
    return table;
  }

  /** Walks a list then and now side by side. */
  #write(set: SectionSet, section: TableSections, t: number, key: number, held: number): void {
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
    if (old !== undefined) {
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
    section.arrivals[key] = arrivals;
    writer.news(arrivals);
    if (arrivals > 0) this.#writeArrivals(set, t, old, arrivals, tick - held, tick);
  }

  #writeArrivals(
    set: SectionSet,
    t: number,
    old: FrameTable | undefined,
    count: number,
    age: number,
    tick: number,
  ): void {
    const now = this.#frame?.tables[t] as FrameTable;
    const writer = this.#writer;
    const { stride } = now.rows.schema;
    const { data } = now.rows;
    let last = 0;
    for (let i = 0; i < count; i++) {
      const n = this.#arrivals[i] as number;
      const id = now.ids[n] as number;
      const at = (now.members[n] as number) * stride;
      writer.id(id, last);
      last = id;
      const before = old === undefined ? -1 : old.rows.find(id);
      if (old === undefined || before < 0) {
        writer.expectNew(now.rows.schema);
        writer.body(data, at, tick);
      } else {
        writer.expect(old.rows.data, before * stride, age);
        writer.moved(data, at, tick);
        set.addSource(old.keys[before] as number);
      }
    }
  }
}
