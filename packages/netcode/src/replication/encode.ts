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
import { Frame, Framer } from './frame.ts';
import { type HeldSet, type HeldTable, NOT_HELD } from './held.ts';
import { Lists } from './lists.ts';
import { DROPPED_LIST, ListWriter, SECTION } from './listwriter.ts';
import { Pressure } from './pressure.ts';
import type { Relevance } from './relevance.ts';
import { RowCodec } from './rowcodec.ts';
import { NOTHING_HELD, Sections } from './sections.ts';
import type { Viewer } from './viewer.ts';

export interface SnapshotRequest {
  readonly world: SavedWorld;
  /** What the client held at the baseline; undefined for the empty baseline. */
  readonly baseline: HeldSet | undefined;
  /** The last snapshot written for this client, acknowledged or not: says since when new rows wait. */
  readonly previous: HeldSet | undefined;
  /** Whose snapshot this is. Rows of its seat are never deferred. */
  readonly viewer: Viewer;
  readonly budgetBits: number;
  /** Filled with what the client will hold. */
  readonly into: HeldSet;
}

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
    this.#codecs = schema.rows.map((row) => new RowCodec(row));
    this.#framer = new Framer(schema, this.#codecs);
    this.#frames = new History(Math.floor(HELD_WINDOW_TICKS / schema.ticksPerSnapshot) + 1);
    this.#sections = new Sections(this.#codecs, this.#source);
    this.#lists = new Lists(schema, relevance, this.#source);
    this.#pressure = new Pressure(schema, this.#lists, this.#source, this.#codecs, relevance.weights);
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

  /** Appends the snapshot's entities to `w`. */
  encode(w: BitWriter, request: SnapshotRequest): void {
    const frame = this.begin(request.world);
    const start = w.bitLength;
    const limit = start + request.budgetBits;
    this.#writer.w = w;
    this.#lists.begin(frame, this.#worlds, request.viewer, request.baseline, request.previous);
    request.into.clear(frame.tick, request.baseline?.tick ?? -1);
    if (this.#calm(w, request, frame, limit)) return;
    w.seek(start);
    request.into.clear(frame.tick, request.baseline?.tick ?? -1);
    this.#pressure.encode(this.#writer, request, frame, request.budgetBits);
  }

  /** Sends everything. False when that does not fit. */
  #calm(w: BitWriter, request: SnapshotRequest, frame: Frame, limit: number): boolean {
    for (let t = 0; t < frame.tables.length; t++) {
      const held = this.#lists.open(t);
      const into = request.into.tables[t] as HeldTable;
      this.#writer.table(t);
      if (this.#schema.positions[t] === undefined) this.#calmList(w, t, 0, held, into, frame);
      else this.#calmCells(w, t, held, into, frame, request.viewer, limit);
      this.#lists.close();
      if (w.bitLength > limit || w.overflowed) return false;
    }
    return true;
  }

  #calmCells(
    w: BitWriter,
    t: number,
    held: HeldTable | undefined,
    into: HeldTable,
    frame: Frame,
    viewer: Viewer,
    limit: number,
  ): void {
    this.#calmList(w, t, 0, held, into, frame);
    // Finding them may move the keys to larger memory: count before naming it.
    const entered = this.#findEntered(viewer);
    this.#writer.entered(this.#enteredKeys, entered);
    const heldCount = held?.count ?? 0;
    let h = heldCount > 0 && held?.keys[0] === 0 ? 1 : 0;
    let s = 0;
    while (w.bitLength <= limit) {
      while (h < heldCount && held?.ticks[h] === NOT_HELD) h++;
      const heldKey = h < heldCount ? (held?.keys[h] as number) : Infinity;
      const key = s < viewer.count ? (viewer.keys[s] as number) : Infinity;
      if (heldKey < key) {
        this.#writer.list(DROPPED_LIST);
        h++;
        continue;
      }
      if (key === Infinity) return;
      s++;
      if (heldKey === key) this.#heldList(w, t, key, held as HeldTable, h++, into, frame);
      else this.#newList(w, t, key, into, frame);
    }
  }

  /** The cells shown that the client does not hold. */
  #findEntered(viewer: Viewer): number {
    if (this.#enteredKeys.length < viewer.count) this.#enteredKeys = new Int32Array(viewer.count * 2);
    let count = 0;
    for (let s = 0; s < viewer.count; s++) {
      const key = viewer.keys[s] as number;
      if (!this.#lists.holds(key)) this.#enteredKeys[count++] = key;
    }
    return count;
  }

  /** The list with key 0, which is there whether or not it was held. */
  #calmList(
    w: BitWriter,
    t: number,
    key: number,
    held: HeldTable | undefined,
    into: HeldTable,
    frame: Frame,
  ): void {
    const list = held === undefined || !this.#lists.holds(key) ? -1 : held.find(key);
    if (this.#schema.positions[t] !== undefined) this.#alone(t, key, list, false, into);
    else if (list >= 0) this.#plainHeld(w, t, held as HeldTable, list, into, frame);
    else this.#newList(w, t, key, into, frame);
  }

  #plainHeld(w: BitWriter, t: number, held: HeldTable, list: number, into: HeldTable, frame: Frame): void {
    if (this.#copy(w, t, 0, held.ticks[list] as number, frame, false))
      into.addWhole(0, frame.tick, frame.tick);
    else this.#alone(t, 0, list, false, into);
  }

  #heldList(
    w: BitWriter,
    t: number,
    key: number,
    held: HeldTable,
    list: number,
    into: HeldTable,
    frame: Frame,
  ): void {
    if (this.#copy(w, t, key, held.ticks[list] as number, frame, true))
      into.addWhole(key, frame.tick, frame.tick);
    else this.#alone(t, key, list, true, into);
  }

  /** A list of which the client holds nothing. Shared, unless it holds one of the rows from another list. */
  #newList(w: BitWriter, t: number, key: number, into: HeldTable, frame: Frame): void {
    if (this.#isNewToClient(t, key) && this.#copy(w, t, key, NOTHING_HELD, frame, false))
      into.addWhole(key, frame.tick, frame.tick);
    else this.#alone(t, key, -1, false, into);
  }

  #isNewToClient(t: number, key: number): boolean {
    const { uniform } = this.#lists;
    if (!this.#lists.holdsAny) return true;
    if (uniform < 0) return false;
    const set = this.#sections.at(uniform);
    const entry = this.#sections.learnEntry(set, t, key, uniform);
    for (let i = entry.from[key] as number; i < (entry.to[key] as number); i++)
      if (this.#lists.holds(set.sources[i] as number)) return false;
    return true;
  }

  /** Copies the section of a list since `heldTick` from shared work; false when this client's must be written for it alone. */
  #copy(w: BitWriter, t: number, key: number, heldTick: number, frame: Frame, coded: boolean): boolean {
    if (heldTick < NOTHING_HELD || !this.#lists.isPublic(t, key)) return false;
    if (heldTick >= 0 && frame.tick - heldTick > HELD_WINDOW_TICKS) return false;
    const set = this.#sections.at(heldTick);
    if (!this.#sections.ready(set, t, key, heldTick)) return false;
    const section = set.tables[t] as (typeof set.tables)[number];
    if (heldTick >= 0 && (section.arrivals[key] as number) > 0) {
      // Rows that came were written as moved from a list that the client holds at the same tick, or as new to it.
      if (this.#lists.uniform !== heldTick) return false;
      for (let i = section.from[key] as number; i < (section.to[key] as number); i++)
        if (!this.#lists.holdsWhole(set.sources[i] as number, heldTick)) return false;
    }
    if (coded) this.#writer.list(SECTION);
    w.append(set.bits, section.start[key] as number, section.end[key] as number);
    return true;
  }

  /** Writes a list for this client alone, and records it. */
  #alone(t: number, key: number, list: number, coded: boolean, into: HeldTable): void {
    const { plan } = this.#lists;
    const from = plan.count;
    this.#lists.expand(t, key, list, 1);
    const to = plan.count;
    for (let i = from; i < to; i++) this.#lists.settle(this.#writer, i);
    this.#writer.table(t);
    this.#lists.write(this.#writer, from, to, coded);
    this.#lists.record(into, t, key, from, to, this.#frame?.tick ?? 0);
  }
}
