/**
 * Writes one client's snapshot of one tick, against a baseline that the client has acknowledged, into one datagram.
 *
 * Per entity type: the list of all its rows, or, for types with a position, the client's own rows beyond its cells and then
 *
 *     count(golomb 0), gap-1(golomb 3) per key         lists that are new to the client
 *     per list, in rising key order
 *       held at the baseline:  0 rows | 10 kept: every row stays as held | 11 dropped: no row of it is shown any more
 *       new:                   rows
 *
 * Rows are drawn in listwriter.ts. In calm times all is sent, and lists that the client held whole are copied from work shared with
 * others (sections.ts). When the budget is too small, the most urgent rows are sent, and the rest is kept or waits [S3].
 */

import { History } from '../base/history.ts';
import { HELD_WINDOW_TICKS } from '../base/units.ts';
import type { GameSchema } from '../simulation/game.ts';
import type { SavedWorld } from '../simulation/world.ts';
import { BitWriter } from '../wire/bits.ts';
import { Frame, Framer, type FrameTable } from './frame.ts';
import type { SentSource } from './held.ts';
import { type HeldSet, type HeldTable, NOT_HELD } from './held.ts';
import { Lists } from './lists.ts';
import { ListWriter } from './listwriter.ts';
import { Pressure } from './pressure.ts';
import type { Relevance } from './relevance.ts';
import { RowCodec } from './rows/rowcodec.ts';
import { DROPPED_LIST, type RowSink } from './rowsink.ts';
import { NOTHING_HELD, type SectionSet, Sections, type TableSections } from './sections.ts';
import { SmallWriter } from './smallwriter.ts';
import type { Viewer } from './viewer.ts';

/** `fast`: bit-packed, shared between clients where it can be. `small`: entropy coded for each client alone. */
export type SnapshotCodec = 'fast' | 'small';

export interface SnapshotRequest {
  readonly world: SavedWorld;
  /** What the client held at the baseline; undefined for the empty baseline. */
  readonly baseline: HeldSet | undefined;
  /** The last snapshot written for this client, acknowledged or not: says since when new rows wait. */
  readonly previous: HeldSet | undefined;
  /** Whose snapshot this is. Rows of its seat are never deferred. */
  readonly viewer: Viewer;
  readonly budgetBits: number;
  /** Small packets cost time, fast ones bytes. */
  readonly codec: SnapshotCodec;
  /** What was sent to this client before, by snapshot tick. */
  readonly sent: SentSource;
  /** Filled with what the client will hold. */
  readonly into: HeldSet;
}

/** Bits for the length of a small snapshot that fits a datagram. */
const SMALL_LENGTH_BITS = 16;

const NO_KEYS = new Int32Array(0);

/** Behind every key. */
const NO_KEY = 2 ** 30;

export class SnapshotEncoder {
  readonly #schema: GameSchema;
  readonly #codecs: readonly RowCodec[];
  readonly #framer: Framer;
  /** By snapshot number, as far back as the world states. */
  readonly #frames: History<Frame>;
  readonly #source = { get: (tick: number): Frame | undefined => this.frameAt(tick) };
  readonly #sections: Sections;
  readonly #lists: Lists;
  readonly #pressure: Pressure;
  readonly #writer: ListWriter;
  readonly #small: SmallWriter;
  #frame: Frame | undefined;
  readonly #worlds: { get(tick: number): SavedWorld | undefined };
  #enteredKeys = new Int32Array(64);

  /** `worlds` are the saved states by tick, kept for at least HELD_WINDOW_TICKS. */
  constructor(
    schema: GameSchema,
    worlds: { get(tick: number): SavedWorld | undefined },
    relevance: Relevance,
  ) {
    this.#schema = schema;
    this.#worlds = worlds;
    this.#codecs = schema.rows.map((row) => new RowCodec(row, schema.tables?.rows[row.name]));
    this.#framer = new Framer(schema, this.#codecs);
    this.#frames = new History(Math.floor(HELD_WINDOW_TICKS / schema.ticksPerSnapshot) + 1);
    this.#sections = new Sections(this.#codecs, this.#source);
    this.#lists = new Lists(schema, relevance, this.#source);
    this.#pressure = new Pressure(schema, this.#lists, this.#source, relevance);
    this.#small = new SmallWriter(schema);
    this.#writer = new ListWriter(new BitWriter(new Uint8Array(8)), this.#codecs);
  }

  /** The frame of a snapshot tick, while it is kept. One that is older may still be there, but its rows are overwritten. */
  frameAt(tick: number): Frame | undefined {
    const frame = this.#frames.get(tick / this.#schema.ticksPerSnapshot);
    const age = (this.#frame?.tick ?? tick) - tick;
    return frame?.tick === tick && age <= HELD_WINDOW_TICKS ? frame : undefined;
  }

  /** Whether a snapshot can still be written against a baseline: everything that the client holds whole must be remembered. */
  canUse(baseline: HeldSet): boolean {
    if (this.frameAt(baseline.tick) === undefined) return false;
    for (const table of baseline.tables)
      for (let i = 0; i < table.count; i++) {
        const tick = table.ticks[i] as number;
        if (tick >= 0 && tick !== baseline.tick && this.frameAt(tick) === undefined) return false;
      }
    return true;
  }

  /** Prepares what the clients share of a snapshot tick. `encode` does it if nobody did. */
  begin(world: SavedWorld): Frame {
    if (this.#frame?.tick === world.tick) return this.#frame;
    const number = world.tick / this.#schema.ticksPerSnapshot;
    const last = this.#frame;
    const before =
      last !== undefined && world.tick - last.tick <= HELD_WINDOW_TICKS && world.tick > last.tick
        ? last
        : undefined;
    const recycled = this.#frames.recycle(number);
    const frame = recycled === undefined || recycled === before ? new Frame(this.#schema, world) : recycled;
    this.#framer.fill(frame, world, before);
    this.#frames.set(number, frame);
    this.#frame = frame;
    this.#sections.begin(frame);
    return frame;
  }

  /** Rows that a client is to see, before hooks hide some. */
  rowsFor(viewer: Viewer, world: SavedWorld): number {
    const { tables } = this.begin(world);
    let rows = 0;
    for (let t = 0; t < tables.length; t++) {
      const table = tables[t] as FrameTable;
      if (this.#schema.positions[t] === undefined) {
        rows += table.rows.count;
        continue;
      }
      for (let i = 0; i < viewer.count; i++) {
        const key = viewer.keys[i] as number;
        rows += (table.starts[key + 1] as number) - (table.starts[key] as number);
      }
    }
    return rows;
  }

  /** Whether a client may see an entity of a seat in the tick last begun. */
  sees(viewer: Viewer, seat: number): boolean {
    return this.#frame !== undefined && this.#lists.sight.seesSeat(this.#frame, viewer, seat);
  }

  /** Appends the snapshot's entities to `w`: a bit for the codec, 0 fast or 1 small, then all tables. */
  encode(w: BitWriter, request: SnapshotRequest): void {
    const frame = this.begin(request.world);
    const { baseline, viewer, previous, sent, into } = request;
    const isSmall = request.codec === 'small';
    const limit = w.bitLength + request.budgetBits;
    w.write(isSmall ? 1 : 0, 1);
    const start = w.bitLength;
    this.#lists.begin(frame, this.#worlds, viewer, baseline, previous, sent);
    into.clear(frame.tick, baseline?.tick ?? -1);
    if (isSmall) this.#encodeSmall(w, request, frame, limit - start);
    else this.#encodeFast(w, request, frame, start, limit);
  }

  #encodeFast(w: BitWriter, request: SnapshotRequest, frame: Frame, start: number, limit: number): void {
    this.#writer.w = w;
    if (this.#calm(this.#writer, w, request, frame, limit) && !w.overflowed) return;
    request.into.clear(frame.tick, request.baseline?.tick ?? -1);
    this.#pressure.encode(
      this.#writer,
      request,
      frame,
      limit - start,
      () => w.seek(start),
      () => !w.overflowed && w.bitLength <= limit,
    );
  }

  /** Arithmetic coding makes one run of bytes, which is copied behind the header when it is known to fit. */
  #encodeSmall(w: BitWriter, request: SnapshotRequest, frame: Frame, budgetBits: number): void {
    const small = this.#small;
    // The length of the bytes takes bits too.
    const room = budgetBits - SMALL_LENGTH_BITS;
    small.open(room);
    // The end of the bytes may take one more.
    if (!this.#calm(small, undefined, request, frame, room - 8)) {
      request.into.clear(frame.tick, request.baseline?.tick ?? -1);
      this.#pressure.encode(
        small,
        request,
        frame,
        room,
        () => small.open(room),
        () => small.bits + 8 <= room,
      );
    }
    small.close(w);
  }

  /**
   * Sends everything. False when that does not fit in `limit` bits of the sink. With `w`, which the fast codec writes to, lists are copied
   * from shared work where they can be; without, each is written for this client alone.
   */
  #calm(
    sink: RowSink,
    w: BitWriter | undefined,
    request: SnapshotRequest,
    frame: Frame,
    limit: number,
  ): boolean {
    for (let t = 0; t < frame.tables.length; t++) {
      const held = this.#lists.holdings.open(t);
      const into = request.into.tables[t] as HeldTable;
      sink.table(t);
      this.#calmFirst(sink, w, t, held, into, frame);
      if (this.#schema.positions[t] !== undefined)
        this.#calmCells(sink, w, t, held, into, frame, request.viewer, limit);
      this.#lists.holdings.close();
      if (sink.bits > limit) return false;
    }
    return true;
  }

  /** The list with key 0, which is there whether or not it was held. */
  #calmFirst(
    sink: RowSink,
    w: BitWriter | undefined,
    t: number,
    held: HeldTable | undefined,
    into: HeldTable,
    frame: Frame,
  ): void {
    const list = held === undefined || !this.#lists.holdings.holds(0) ? -1 : held.find(0);
    const tick = list < 0 ? NOT_HELD : (held?.ticks[list] as number);
    const spatial = this.#schema.positions[t] !== undefined;
    if (w === undefined) this.#alone(sink, t, 0, list, false, into);
    else if (spatial && (list < 0 || tick >= 0) && !this.#lists.sight.ownsRows(t)) {
      // No own row beyond the cells, then or now.
      sink.news(0);
      into.addWhole(0, frame.tick, frame.tick);
    } else if (spatial) this.#alone(sink, t, 0, list, false, into);
    else if (list < 0) this.#newList(w, t, 0, into, frame);
    else if (this.#copy(w, t, 0, tick, frame, false)) into.addWhole(0, frame.tick, frame.tick);
    else this.#alone(sink, t, 0, list, false, into);
  }

  #calmCells(
    sink: RowSink,
    w: BitWriter | undefined,
    t: number,
    held: HeldTable | undefined,
    into: HeldTable,
    frame: Frame,
    viewer: Viewer,
    limit: number,
  ): void {
    // Finding them may move the keys to larger memory: count before naming it.
    const entered = this.#findEntered(viewer);
    sink.entered(this.#enteredKeys, entered);
    const { keys, count } = viewer;
    const heldKeys = held === undefined ? NO_KEYS : held.keys;
    const heldCount = held === undefined ? 0 : held.count;
    let h = heldCount > 0 && heldKeys[0] === 0 ? 1 : 0;
    let s = 0;
    while (sink.bits <= limit) {
      while (h < heldCount && held?.ticks[h] === NOT_HELD) h++;
      const heldKey = h < heldCount ? (heldKeys[h] as number) : NO_KEY;
      const key = s < count ? (keys[s] as number) : NO_KEY;
      if (heldKey < key) {
        sink.list(DROPPED_LIST);
        h++;
        continue;
      }
      if (key === NO_KEY) return;
      s++;
      const list = heldKey === key ? h++ : -1;
      if (w === undefined) this.#alone(sink, t, key, list, list >= 0, into);
      else if (list < 0) this.#newList(w, t, key, into, frame);
      else if (this.#copy(w, t, key, held?.ticks[list] as number, frame, true))
        into.addWhole(key, frame.tick, frame.tick);
      else this.#alone(sink, t, key, list, true, into);
    }
  }

  /** Copies the rows that came into a list: as moved from a list that the client holds, or as new to it. */
  #appendArrivals(
    w: BitWriter,
    t: number,
    set: SectionSet,
    sections: TableSections,
    key: number,
    tick: number,
  ): void {
    const { bits, places, sources } = set;
    const end = sections.to[key] as number;
    for (let i = sections.from[key] as number; i < end; i++) {
      const source = sources[i] as number;
      const place = 4 * i;
      w.append(bits, places[place] as number, places[place + 1] as number);
      if (source >= 0 && this.#lists.holdings.holdsWhole(source, tick))
        w.append(bits, places[place + 1] as number, places[place + 2] as number);
      else {
        const row = places[place + 3] as number;
        const start = this.#sections.newBody(t, row);
        const { news } = this.#sections;
        w.append(news.bits, start, news.ends[t]?.[row] as number);
      }
    }
  }

  /** The cells shown that the client does not hold. */
  #findEntered(viewer: Viewer): number {
    if (this.#enteredKeys.length < viewer.count) this.#enteredKeys = new Int32Array(viewer.count * 2);
    let count = 0;
    for (let s = 0; s < viewer.count; s++) {
      const key = viewer.keys[s] as number;
      if (!this.#lists.holdings.holds(key)) this.#enteredKeys[count++] = key;
    }
    return count;
  }

  /** A list of which the client holds nothing; of its rows it may hold some from another list. */
  #newList(w: BitWriter, t: number, key: number, into: HeldTable, frame: Frame): void {
    const { uniform, holdsAny } = this.#lists.holdings;
    if (
      !holdsAny
        ? this.#copy(w, t, key, NOTHING_HELD, frame, false)
        : this.#copyEntry(w, t, key, uniform, frame)
    )
      into.addWhole(key, frame.tick, frame.tick);
    else this.#alone(this.#writer, t, key, -1, false, into);
  }

  #copyEntry(w: BitWriter, t: number, key: number, uniform: number, frame: Frame): boolean {
    if (uniform < 0 || frame.tick - uniform > HELD_WINDOW_TICKS || !this.#lists.sight.isPublic(t, key))
      return false;
    const set = this.#sections.at(uniform);
    if (!this.#sections.entryReady(set, t, key, uniform)) return false;
    const entries = set.entries[t] as TableSections;
    w.append(set.bits, (entries.start[key] as number) + 1, entries.end[key] as number);
    this.#appendArrivals(w, t, set, entries, key, uniform);
    return true;
  }

  /** Copies the section of a list since `heldTick` from shared work; false when this client's must be written for it alone. */
  #copy(w: BitWriter, t: number, key: number, heldTick: number, frame: Frame, coded: boolean): boolean {
    if (heldTick < NOTHING_HELD || !this.#lists.sight.isPublic(t, key)) return false;
    if (heldTick >= 0 && frame.tick - heldTick > HELD_WINDOW_TICKS) return false;
    const set = this.#sections.at(heldTick);
    if (!this.#sections.ready(set, t, key, heldTick)) return false;
    const section = set.tables[t] as TableSections;
    const arrives = section.to[key] !== section.from[key];
    // Where rows come from is known only of clients that held all their lists at one tick.
    if (arrives && this.#lists.holdings.uniform !== heldTick) return false;
    // The list's code is one bit.
    w.append(set.bits, (section.start[key] as number) + (coded ? 0 : 1), section.end[key] as number);
    if (arrives) this.#appendArrivals(w, t, set, section, key, heldTick);
    return true;
  }

  /** Writes a list for this client alone, and records it. */
  #alone(sink: RowSink, t: number, key: number, list: number, coded: boolean, into: HeldTable): void {
    const { plan } = this.#lists;
    // All rows of a calm snapshot are chosen, so that the plan need not outlive the list.
    plan.clear();
    this.#lists.expand(t, key, list, 1);
    this.#lists.write(sink, 0, plan.count, coded);
    this.#lists.record(into, t, key, 0, plan.count, this.#frame?.tick ?? 0);
  }
}
