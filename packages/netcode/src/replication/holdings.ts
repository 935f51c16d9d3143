/**
 * What one client holds at the baseline, and what the last snapshot brought it: asked list by list and row by row. A table must be open
 * for questions about the lists of the baseline.
 */

import type { FrameTable } from './frame.ts';
import { type FrameSource, type HeldSet, type HeldTable, NAMED, NOT_HELD } from './held.ts';

/** Marks of lists, by key: not held, held row by row, or held whole at `mark - WHOLE`. */
const NOT_MARKED = 0;
const ROW_BY_ROW = 1;
const WHOLE = 2;

/** A list may be held whole at a tick as old as this; older ones are named row by row. */
const WHOLE_WINDOW_TICKS = 32;

export class Holdings {
  readonly #frames: FrameSource;
  readonly #marks: Int32Array;
  #tick = 0;
  #baseline: HeldSet | undefined;
  #previous: HeldSet | undefined;
  #held: HeldTable | undefined;
  /** The tick at which every held list of the open table is held whole; -1 if they differ or one is held row by row. */
  #uniform = -1;
  /** What `locate` found: the held tick, the row then (-1 when not looked up), and the secrets told. */
  readonly found = { held: NOT_HELD, base: -1, mask: 0 };

  /** `cells` is the largest key. */
  constructor(cells: number, frames: FrameSource) {
    this.#frames = frames;
    this.#marks = new Int32Array(cells + 1);
  }

  begin(tick: number, baseline: HeldSet | undefined, previous: HeldSet | undefined): void {
    this.#tick = tick;
    this.#baseline = baseline;
    this.#previous = previous;
  }

  /** Notes which lists of a table the client holds. `close` it before the next. */
  open(t: number): HeldTable | undefined {
    const held = this.#baseline?.tables[t];
    this.#held = held;
    this.#uniform = -1;
    if (held === undefined) return undefined;
    let uniform = true;
    let tick = -1;
    for (let i = 0; i < held.count; i++) {
      const at = held.ticks[i] as number;
      if (at === NOT_HELD) continue;
      this.#marks[held.keys[i] as number] = at >= 0 ? at + WHOLE : ROW_BY_ROW;
      if (at < 0 || (tick >= 0 && tick !== at)) uniform = false;
      tick = at;
    }
    if (uniform) this.#uniform = tick;
    return held;
  }

  close(): void {
    const held = this.#held;
    if (held === undefined) return;
    for (let i = 0; i < held.count; i++) this.#marks[held.keys[i] as number] = NOT_MARKED;
    this.#held = undefined;
  }

  /** Whether the client holds a list, or part of it, at the baseline. */
  holds(key: number): boolean {
    return this.#marks[key] !== NOT_MARKED;
  }

  /** Whether the client holds any list of the open table. */
  get holdsAny(): boolean {
    return this.#held !== undefined && this.#held.count > 0;
  }

  /** Whether the client holds a list whole at a tick. */
  holdsWhole(key: number, tick: number): boolean {
    return this.#marks[key] === tick + WHOLE;
  }

  /** The open table, as held at the baseline. */
  get table(): HeldTable | undefined {
    return this.#held;
  }

  /** The tick at which all lists of the open table are held whole; -1 if they differ. */
  get uniform(): number {
    return this.#uniform;
  }

  /** Looks for a row among all lists that the client holds. */
  locate(t: number, id: number): boolean {
    const held = this.#held;
    if (held === undefined) return false;
    let seenTick = -1;
    let seenRow = -1;
    let old: FrameTable | undefined;
    if (this.#uniform >= 0) {
      old = this.#frames.get(this.#uniform)?.tables[t] as FrameTable;
      const row = old.rows.find(id);
      if (row < 0 || !this.holdsWhole(old.keys[row] as number, this.#uniform)) return false;
      return this.#note(this.#uniform, row, 0);
    }
    for (let i = 0; i < held.count; i++) {
      const tick = held.ticks[i] as number;
      if (tick === NAMED) {
        const entry = held.findEntry(i, id);
        if (entry >= 0 && held.held[entry] !== NOT_HELD)
          return this.#note(held.held[entry] as number, -1, held.masks[entry] as number);
      } else if (tick >= 0) {
        if (tick !== seenTick) {
          old = this.#frames.get(tick)?.tables[t] as FrameTable;
          seenRow = old.rows.find(id);
          seenTick = tick;
        }
        if (seenRow >= 0 && old?.keys[seenRow] === held.keys[i]) return this.#note(tick, seenRow, 0);
      }
    }
    return false;
  }

  #note(held: number, base: number, mask: number): true {
    const { found } = this;
    found.held = held;
    found.base = base;
    found.mask = mask;
    return true;
  }

  /**
   * Since when a list that is new to the client waits. The baseline knows it, and so does the last snapshot, acknowledged or not: what
   * that one sent is not held yet, so it waits on. Were it counted as sent, the snapshots under way would each send something else, and
   * the client would see now these rows and now those.
   */
  waitingSince(t: number, key: number): number {
    return Math.min(
      this.#tick - 1,
      listSince(this.#baseline?.tables[t], key),
      listSince(this.#previous?.tables[t], key),
    );
  }

  /** Since when a row that is new to the client waits. */
  since(t: number, key: number, id: number): number {
    if (!this.holds(key)) return this.waitingSince(t, key);
    return Math.min(
      this.#tick - 1,
      rowSince(this.#baseline?.tables[t], key, id),
      rowSince(this.#previous?.tables[t], key, id),
    );
  }

  /** Whether the last snapshot, acknowledged or not, brought a list or part of it. */
  brought(t: number, key: number): boolean {
    const table = this.#previous?.tables[t];
    const list = table === undefined ? -1 : table.find(key);
    return list >= 0 && table?.ticks[list] !== NOT_HELD;
  }

  /** Whether the last snapshot held a row in this list. */
  wasBrought(t: number, key: number, id: number): boolean {
    const table = this.#previous?.tables[t];
    const list = table === undefined ? -1 : table.find(key);
    if (table === undefined || list < 0) return false;
    const tick = table.ticks[list] as number;
    if (tick >= 0) return true;
    const entry = tick === NAMED ? table.findEntry(list, id) : -1;
    return entry >= 0 && table.held[entry] !== NOT_HELD;
  }

  /** Key of the list in which the client holds a row at `tick`; -1 for none. */
  listOf(t: number, id: number, tick: number): number {
    const held = this.#held;
    if (held === undefined) return -1;
    // A row may be held for longer than its frame: it is then named, and no list is held whole at that tick.
    const old = this.#frames.get(tick)?.tables[t];
    const row = old === undefined ? -1 : old.rows.find(id);
    for (let list = 0; list < held.count; list++) {
      const at = held.ticks[list] as number;
      if (at === tick && row >= 0 && old?.keys[row] === held.keys[list]) return held.keys[list] as number;
      if (at !== NAMED) continue;
      const entry = held.findEntry(list, id);
      if (entry >= 0 && held.held[entry] === tick) return held.keys[list] as number;
    }
    return -1;
  }

  /** Whether a list of the baseline holds any row on the client. */
  hasRows(t: number, list: number): boolean {
    const held = this.#baseline?.tables[t] as HeldTable;
    const tick = held.ticks[list] as number;
    if (tick >= 0) {
      const old = this.#frames.get(tick)?.tables[t] as FrameTable;
      const key = held.keys[list] as number;
      return (old.starts[key + 1] as number) > (old.starts[key] as number);
    }
    for (let e = held.from[list] as number; e < (held.to[list] as number); e++)
      if (held.held[e] !== NOT_HELD) return true;
    return false;
  }

  /** Records that a list stays as it is. Gives the number of rows in it. */
  keep(into: HeldTable, t: number, list: number): number {
    const held = this.#baseline?.tables[t] as HeldTable;
    const tick = held.ticks[list] as number;
    const key = held.keys[list] as number;
    if (tick >= 0) {
      const old = this.#frames.get(tick)?.tables[t] as FrameTable;
      const from = old.starts[key] as number;
      const to = old.starts[key + 1] as number;
      if (this.#tick - tick <= WHOLE_WINDOW_TICKS) into.addWhole(key, tick, tick);
      else {
        // Its frame will be forgotten while this snapshot may still be a baseline: from now on its rows are named.
        into.addNamed(key, tick);
        for (let m = from; m < to; m++) into.addEntry(old.ids[m] as number, tick, tick, 0);
      }
      return to - from;
    }
    into.addNamed(key, held.since[list] as number);
    const end = held.to[list] as number;
    const from = held.from[list] as number;
    for (let e = from; e < end; e++)
      into.addEntry(
        held.ids[e] as number,
        held.held[e] as number,
        held.entrySince[e] as number,
        held.masks[e] as number,
      );
    return end - from;
  }
}

function listSince(table: HeldTable | undefined, key: number): number {
  const list = table === undefined ? -1 : table.find(key);
  return list < 0 ? Infinity : (table?.since[list] as number);
}

/** Since when a row of a list that is held in part waits; a list that is held whole had no such row. */
function rowSince(table: HeldTable | undefined, key: number, id: number): number {
  const list = table === undefined ? -1 : table.find(key);
  if (table === undefined || list < 0) return Infinity;
  if (table.ticks[list] === NOT_HELD) return table.since[list] as number;
  const entry = table.ticks[list] === NAMED ? table.findEntry(list, id) : -1;
  return entry < 0 ? Infinity : (table.entrySince[entry] as number);
}
