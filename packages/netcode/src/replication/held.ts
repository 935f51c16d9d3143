/**
 * What one client holds after one snapshot: which lists, and of each either all its rows at one tick, or which rows at which ticks.
 * Values live once, in world history.
 */

import { HELD_WINDOW_TICKS } from '../base/units.ts';
import type { GameSchema } from '../simulation/game.ts';
import type { SavedWorld } from '../simulation/world.ts';
import type { RowSchema } from '../wire/schema.ts';
import type { Frame } from './frame.ts';

/** Held tick of an entity, or of a whole list, that this client should get but does not hold yet. */
export const NOT_HELD = -1;

/** In place of a whole list's tick: its rows are named one by one. */
export const NAMED = -2;

/** Most lists are held whole: a client that holds all of them so has no entries. */
const NO_ENTRIES = new Int32Array(0);

/** One table of a `HeldSet`: lists in rising key order, and the rows of those that are not held whole. */
export class HeldTable {
  count = 0;
  keys = new Int32Array(1);
  /** The tick at which all rows of the list are held, NOT_HELD for a list that waits, NAMED for one whose rows are named. */
  ticks = new Int32Array(1);
  /** Tick since when a list waits, and where a named list's entries start, in rising id order; undefined for lists held whole. */
  since = new Int32Array(1);
  from = new Int32Array(1);
  to = new Int32Array(1);
  entries = 0;
  ids = NO_ENTRIES;
  /** Tick whose values the client holds, or NOT_HELD while the entity still waits for room. */
  held = NO_ENTRIES;
  /** Tick since when this client should get the entity. While it does not hold it, urgency grows from here. */
  entrySince = NO_ENTRIES;
  /** Which secrets of the row the client was told, see simulation/secrets.ts. */
  masks = NO_ENTRIES;

  clear(): void {
    this.count = 0;
    this.entries = 0;
  }

  /** Adds a list that is held whole at `tick`, or waits since `since`. */
  addWhole(key: number, tick: number, since: number): void {
    if (this.count >= this.keys.length) this.#growLists();
    const i = this.count++;
    this.keys[i] = key;
    this.ticks[i] = tick;
    this.since[i] = since;
    this.from[i] = this.entries;
    this.to[i] = this.entries;
  }

  /** Adds a list whose rows follow, one `addEntry` each. */
  addNamed(key: number, since: number): void {
    this.addWhole(key, NAMED, since);
  }

  addEntry(id: number, held: number, since: number, mask: number): void {
    if (this.entries >= this.ids.length) this.#growEntries();
    const i = this.entries++;
    this.ids[i] = id;
    this.held[i] = held;
    this.entrySince[i] = since;
    this.masks[i] = mask;
    this.to[this.count - 1] = this.entries;
  }

  /** The named list that was added last turned out to be held whole. */
  makeWhole(tick: number): void {
    const i = this.count - 1;
    this.ticks[i] = tick;
    this.entries = this.from[i] as number;
    this.to[i] = this.entries;
  }

  /** Index of the list with this key, or -1. */
  find(key: number): number {
    let low = 0;
    let high = this.count - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = this.keys[middle] as number;
      if (found === key) return middle;
      if (found < key) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /** Index of the entry of an id within a named list, or -1. */
  findEntry(list: number, id: number): number {
    let low = this.from[list] as number;
    let high = (this.to[list] as number) - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = this.ids[middle] as number;
      if (found === id) return middle;
      if (found < id) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  #growLists(): void {
    const size = this.keys.length < 16 ? 4 * this.keys.length : Math.ceil(this.keys.length * 1.5);
    for (const name of ['keys', 'ticks', 'since', 'from', 'to'] as const)
      this[name] = grown(this[name], size);
  }

  #growEntries(): void {
    const size = Math.max(16, this.ids.length * 2);
    for (const name of ['ids', 'held', 'entrySince', 'masks'] as const) this[name] = grown(this[name], size);
  }
}

/** What a client holds once it has applied the snapshot of `tick`. */
export class HeldSet {
  tick = -1;
  /** Tick of the baseline that the snapshot was written against, -1 for the empty one. */
  baseline = -1;
  readonly tables: readonly HeldTable[];
  /** Entities that had to wait in this snapshot. */
  deferred = 0;

  constructor(rows: readonly RowSchema[]) {
    this.tables = rows.map(() => new HeldTable());
  }

  clear(tick: number, baseline: number): void {
    this.tick = tick;
    this.baseline = baseline;
    this.deferred = 0;
    for (const table of this.tables) table.clear();
  }
}

/** Snapshots back to which an earlier row may help to expect a later one. Both sides keep twice as many. */
const EARLIER_SNAPSHOTS = 32;

/** Ticks back to which it may. */
export function earlierReach(schema: GameSchema): number {
  return Math.min(HELD_WINDOW_TICKS, EARLIER_SNAPSHOTS * schema.ticksPerSnapshot);
}

/** Frames by tick, while they are kept. */
export interface FrameSource {
  get(tick: number): Frame | undefined;
}

/** What was sent to a client, by snapshot tick. */
export interface SentSource {
  get(tick: number): HeldSet | undefined;
}

/** Saved worlds by tick, while they are kept. */
export interface WorldSource {
  get(tick: number): SavedWorld | undefined;
}

/** A row that a client holds: which one, at which tick, and which of its secrets. */
export interface HeldRow {
  readonly id: number;
  readonly held: number;
  readonly mask: number;
}

/** Every row of a table that is held, in rising id order. For instruments and tests: it allocates. */
export function heldRows(
  set: HeldSet,
  t: number,
  frames: { get(tick: number): Frame | undefined },
): HeldRow[] {
  const table = set.tables[t] as HeldTable;
  const found: HeldRow[] = [];
  for (let i = 0; i < table.count; i++) {
    const tick = table.ticks[i] as number;
    if (tick >= 0) {
      const frame = frames.get(tick)?.tables[t];
      if (frame === undefined) throw new Error(`no frame of tick ${tick} is kept`);
      const key = table.keys[i] as number;
      for (let m = frame.starts[key] as number; m < (frame.starts[key + 1] as number); m++)
        found.push({ id: frame.ids[m] as number, held: tick, mask: 0 });
    }
    for (let e = table.from[i] as number; e < (table.to[i] as number); e++) {
      const held = table.held[e] as number;
      if (held !== NOT_HELD) found.push({ id: table.ids[e] as number, held, mask: table.masks[e] as number });
    }
  }
  return found.sort((a, b) => a.id - b.id);
}

function grown(old: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const next = new Int32Array(size);
  next.set(old);
  return next;
}
