/**
 * Looks at one client's lists row by row: what was held against what it should see now. Says what each row needs, writes it, and
 * records what the client then holds. Lists that can be copied from shared work never come here.
 */

import { HELD_WINDOW_TICKS } from '../base/units.ts';
import type { GameSchema } from '../simulation/game.ts';
import { OWNER_BIT, type Secrets, TEAM_BIT } from '../simulation/secrets.ts';
import type { SavedWorld } from '../simulation/world.ts';
import { OWNER } from '../wire/schema.ts';
import type { Frame, FrameTable } from './frame.ts';
import type { HeldSet, HeldTable } from './held.ts';
import { earlierReach, NAMED, NOT_HELD } from './held.ts';
import { ARRIVED, AWAY, CHANGED, EXPECTED, FIRST, GONE, LEFT, NEW, Plan } from './plan.ts';
import type { Relevance } from './relevance.ts';
import { KEPT_LIST, type RowSink, SECTION } from './rowsink.ts';
import type { Viewer } from './viewer.ts';

/** Marks of lists, by key: not held, held row by row, or held whole at `mark - WHOLE`. */
const NOT_MARKED = 0;
const ROW_BY_ROW = 1;
const WHOLE = 2;

/** A list may be held whole at a tick as old as this; older ones are named row by row. */
const WHOLE_WINDOW_TICKS = 32;

/** World states and frames by tick. */
export interface FrameSource {
  get(tick: number): Frame | undefined;
}
/** What was sent to a client, by snapshot tick. */
export interface SentSource {
  get(tick: number): HeldSet | undefined;
}
export interface WorldSource {
  get(tick: number): SavedWorld | undefined;
}

export class Lists {
  readonly plan = new Plan();
  readonly #schema: GameSchema;
  readonly #relevance: Relevance;
  readonly #frames: FrameSource;
  /** 1 for each table without a hook and without secrets. */
  readonly #alwaysPublic: Uint8Array;
  readonly #marks: Int32Array;
  readonly #nowRow: Int32Array;
  readonly #heldRow: Int32Array;
  #worlds: WorldSource = { get: () => undefined };
  #frame!: Frame;
  #viewer!: Viewer;
  #baseline: HeldSet | undefined;
  #previous: HeldSet | undefined;
  #sent: SentSource = { get: () => undefined };
  #held: HeldTable | undefined;
  /** The tick at which every held list of the open table is held whole; -1 if they differ or one is held row by row. */
  #uniform = -1;
  #rows = new Int32Array(64);
  #rowCount = 0;
  /** What `#locate` found. */
  #found = { held: NOT_HELD, base: -1, mask: 0, key: -1 };

  constructor(schema: GameSchema, relevance: Relevance, frames: FrameSource) {
    this.#schema = schema;
    this.#relevance = relevance;
    this.#frames = frames;
    this.#alwaysPublic = Uint8Array.from(schema.rows, (_, t) =>
      relevance.visible[t] === undefined && schema.secrets[t]?.all.length === 0 ? 1 : 0,
    );
    this.#marks = new Int32Array((schema.grid?.cells ?? 0) + 1);
    const widest = Math.max(...schema.rows.map((row) => row.stride));
    this.#nowRow = new Int32Array(widest);
    this.#heldRow = new Int32Array(widest);
  }

  begin(
    frame: Frame,
    worlds: WorldSource,
    viewer: Viewer,
    baseline: HeldSet | undefined,
    previous: HeldSet | undefined,
    sent: SentSource,
  ): void {
    this.#sent = sent;
    this.#earlierTable = -1;
    this.#frame = frame;
    this.#worlds = worlds;
    this.#viewer = viewer;
    this.#baseline = baseline;
    this.#previous = previous;
    this.plan.clear();
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

  /** The tick at which all lists of the open table are held whole; -1 if they differ. */
  get uniform(): number {
    return this.#uniform;
  }

  /** Whether the client owns rows of a table. */
  ownsRows(t: number): boolean {
    const { rows } = this.#frame.tables[t] as FrameTable;
    const { seat } = this.#viewer;
    const row = rows.lowerBound(seat * 65536);
    return row < rows.count && rows.id(row) >> 16 === seat;
  }

  /** Whether nobody is told anything special about the rows of a list, this client included. */
  isPublic(t: number, key: number): boolean {
    if (this.#alwaysPublic[t] === 1) return true;
    if (this.#relevance.visible[t] !== undefined) return false;
    const { owners, refers } = this.#frame.tables[t] as FrameTable;
    const seats = owners[key] as number;
    if (refers[key] === 1) return false;
    if ((seats & (1 << (this.#viewer.seat & 31))) !== 0) return false;
    // Whose team a seat is in is asked row by row; here any owner may be one of the team.
    return seats === 0 || this.#viewer.team < 0;
  }

  /** Adds to the plan what the rows of a list need. `factor` is how urgent its place makes them. */
  expand(t: number, key: number, list: number, factor: number): void {
    const now = this.#frame.tables[t] as FrameTable;
    this.#gather(t, key, now);
    const held = this.#held;
    const tick = list < 0 ? NOT_HELD : (held?.ticks[list] as number);
    let n = 0;
    if (tick >= 0) {
      const old = this.#frames.get(tick)?.tables[t] as FrameTable;
      const end = old.starts[key + 1] as number;
      for (let o = old.starts[key] as number; o < end; o++) {
        const id = old.ids[o] as number;
        n = this.#addNews(t, key, now, n, id, factor);
        n = this.#addHeld(t, key, now, n, id, tick, old.members[o] as number, 0, factor);
      }
    } else if (tick === NAMED && held !== undefined) {
      const end = held.to[list] as number;
      for (let e = held.from[list] as number; e < end; e++) {
        const at = held.held[e] as number;
        if (at === NOT_HELD) continue;
        const id = held.ids[e] as number;
        n = this.#addNews(t, key, now, n, id, factor);
        n = this.#addHeld(t, key, now, n, id, at, -1, held.masks[e] as number, factor);
      }
    }
    this.#addNews(t, key, now, n, Infinity, factor);
  }

  /** The rows of a list that this client should see now, in id order. */
  #gather(t: number, key: number, now: FrameTable): void {
    const { seat, shown } = this.#viewer;
    const spatial = this.#schema.positions[t] !== undefined;
    this.#rowCount = 0;
    if (spatial && key === 0) {
      // Own rows that no shown cell holds.
      const { rows, keys } = now;
      for (let row = rows.lowerBound(seat * 65536); row < rows.count && rows.id(row) >> 16 === seat; row++)
        if (shown[keys[row] as number] !== 1) this.#take(row);
      return;
    }
    if (spatial && shown[key] !== 1) return;
    const hook = this.#relevance.visible[t];
    const end = now.starts[key + 1] as number;
    for (let m = now.starts[key] as number; m < end; m++) {
      const id = now.ids[m] as number;
      if (hook === undefined || id >> 16 === seat || hook(this.#viewer, id))
        this.#take(now.members[m] as number);
    }
  }

  #take(row: number): void {
    if (this.#rowCount >= this.#rows.length) {
      const more = new Int32Array(this.#rows.length * 2);
      more.set(this.#rows);
      this.#rows = more;
    }
    this.#rows[this.#rowCount++] = row;
  }

  /** Adds a row that was held in this list, and gives the next of the rows gathered. */
  #addHeld(
    t: number,
    key: number,
    now: FrameTable,
    n: number,
    id: number,
    held: number,
    base: number,
    heldMask: number,
    factor: number,
  ): number {
    const { plan } = this;
    const { tick } = this.#frame;
    const mine = id >> 16 === this.#viewer.seat;
    const row = n < this.#rowCount ? (this.#rows[n] as number) : -1;
    if (row < 0 || now.rows.id(row) !== id) {
      const elsewhere = now.rows.find(id);
      const kind = elsewhere < 0 ? GONE : this.#sees(t, key, now, elsewhere, id) ? AWAY : LEFT;
      const urgency = mine ? FIRST * 2 : FIRST + tick - held;
      plan.add(t, id, kind, elsewhere, base, held, held, heldMask, 0, urgency);
      return n;
    }
    const mask = this.#maskOf(t, row);
    const urgency = mine ? FIRST * 2 : this.#weigh(t, id, factor) * (tick - held);
    const kind = heldMask === 0 && mask === 0 && (now.steady[row] as number) <= held ? EXPECTED : CHANGED;
    const window = tick - held <= HELD_WINDOW_TICKS;
    plan.add(t, id, window ? kind : CHANGED, row, base, held, held, heldMask, mask, urgency);
    return n + 1;
  }

  /** Adds the rows gathered that come before `until`: they were not held in this list. */
  #addNews(t: number, key: number, now: FrameTable, n: number, until: number, factor: number): number {
    const { plan } = this;
    const { tick } = this.#frame;
    let i = n;
    for (; i < this.#rowCount; i++) {
      const row = this.#rows[i] as number;
      const id = now.rows.id(row);
      if (id >= until) break;
      const mine = id >> 16 === this.#viewer.seat;
      const mask = this.#maskOf(t, row);
      const weight = mine ? 1 : this.#weigh(t, id, factor);
      if (this.#locate(t, id)) {
        const { held, base, mask: heldMask } = this.#found;
        const urgency = mine ? FIRST * 2 : weight * (tick - held);
        plan.add(t, id, ARRIVED, row, base, held, held, heldMask, mask, urgency);
      } else {
        const since = this.#since(t, key, id);
        // What the last snapshot brought comes again until it is acknowledged: else it would vanish with the next.
        const first = this.#wasBrought(t, key, id) ? FIRST / 2 : 0;
        const urgency = mine ? FIRST * 2 : first + weight * (tick - since);
        plan.add(t, id, NEW, row, -1, NOT_HELD, since, 0, mask, urgency);
      }
    }
    return i;
  }

  #weigh(t: number, id: number, factor: number): number {
    const weight = (this.#relevance.weights[t] ?? 1) * factor;
    const hook = this.#relevance.priority[t];
    return hook === undefined ? weight : weight * Math.max(0, hook(this.#viewer, id));
  }

  /** Whether the client is to see a row in another list than `key`. */
  #sees(t: number, key: number, now: FrameTable, row: number, id: number): boolean {
    if (this.#schema.positions[t] === undefined) return false;
    const { seat, shown } = this.#viewer;
    if (id >> 16 === seat) return true;
    const there = now.keys[row] as number;
    if (there === key || shown[there] !== 1) return false;
    const hook = this.#relevance.visible[t];
    return hook === undefined || hook(this.#viewer, id);
  }

  /** Looks for a row among all lists that the client holds. */
  #locate(t: number, id: number): boolean {
    const held = this.#held;
    if (held === undefined) return false;
    const found = this.#found;
    let seenTick = -1;
    let seenRow = -1;
    let old: FrameTable | undefined;
    if (this.#uniform >= 0) {
      old = this.#frames.get(this.#uniform)?.tables[t] as FrameTable;
      const row = old.rows.find(id);
      if (row < 0 || !this.holdsWhole(old.keys[row] as number, this.#uniform)) return false;
      return this.#note(found, this.#uniform, row, 0);
    }
    for (let i = 0; i < held.count; i++) {
      const tick = held.ticks[i] as number;
      if (tick === NAMED) {
        const entry = held.findEntry(i, id);
        if (entry >= 0 && held.held[entry] !== NOT_HELD)
          return this.#note(found, held.held[entry] as number, -1, held.masks[entry] as number);
      } else if (tick >= 0) {
        if (tick !== seenTick) {
          old = this.#frames.get(tick)?.tables[t] as FrameTable;
          seenRow = old.rows.find(id);
          seenTick = tick;
        }
        if (seenRow >= 0 && old?.keys[seenRow] === held.keys[i]) return this.#note(found, tick, seenRow, 0);
      }
    }
    return false;
  }

  #note(found: { held: number; base: number; mask: number }, held: number, base: number, mask: number): true {
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
    const { tick } = this.#frame;
    return Math.min(
      tick - 1,
      listSince(this.#baseline?.tables[t], key),
      listSince(this.#previous?.tables[t], key),
    );
  }

  /** Since when a row that is new to the client waits. */
  #since(t: number, key: number, id: number): number {
    if (!this.holds(key)) return this.waitingSince(t, key);
    const { tick } = this.#frame;
    return Math.min(
      tick - 1,
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
  #wasBrought(t: number, key: number, id: number): boolean {
    const table = this.#previous?.tables[t];
    const list = table === undefined ? -1 : table.find(key);
    if (table === undefined || list < 0) return false;
    const tick = table.ticks[list] as number;
    if (tick >= 0) return true;
    const entry = tick === NAMED ? table.findEntry(list, id) : -1;
    return entry >= 0 && table.held[entry] !== NOT_HELD;
  }

  /** Which secrets of a row this client is told: those that there are. */
  #maskOf(t: number, row: number): number {
    const secrets = this.#schema.secrets[t] as Secrets;
    if (secrets.all.length === 0) return 0;
    const truth = this.#worlds.get(this.#frame.tick)?.tables[t];
    if (truth === undefined) return 0;
    const { data } = truth;
    const { stride, empty } = truth.schema;
    const at = row * stride;
    const owner = data[at + OWNER] as number;
    let mask = 0;
    for (const { bit, words, target } of secrets.all) {
      let told = false;
      for (const word of words) if (data[at + word] !== empty[word]) told = true;
      if (!told) continue;
      if (target >= 0) told = this.#seesEntity(target, data[at + (words[0] as number)] as number);
      else if (bit === OWNER_BIT) told = owner === this.#viewer.seat;
      else if (bit === TEAM_BIT) told = owner === this.#viewer.seat || this.#sameTeam(owner);
      if (told) mask |= bit;
    }
    return mask;
  }

  #sameTeam(owner: number): boolean {
    return this.#viewer.team >= 0 && this.#relevance.teamOf(owner) === this.#viewer.team;
  }

  /** Whether an entity is one that this client is to see. */
  #seesEntity(t: number, id: number): boolean {
    const now = this.#frame.tables[t] as FrameTable;
    const row = now.rows.find(id);
    if (row < 0) return false;
    const { seat, shown } = this.#viewer;
    if (id >> 16 === seat) return true;
    if (this.#schema.positions[t] !== undefined && shown[now.keys[row] as number] !== 1) return false;
    const hook = this.#relevance.visible[t];
    return hook === undefined || hook(this.#viewer, id);
  }

  /** Makes a held row of the plan the expected one. */
  expect(writer: RowSink, i: number): void {
    const { plan } = this;
    const t = plan.table[i] as number;
    const held = plan.held[i] as number;
    const age = this.#frame.tick - held;
    const { rows } = this.#frame.tables[t] as FrameTable;
    if (held === NOT_HELD || age > HELD_WINDOW_TICKS) {
      writer.expectNew(rows.schema);
      return;
    }
    const old = this.#frames.get(held)?.tables[t] as FrameTable;
    if ((plan.base[i] as number) < 0) plan.base[i] = old.rows.find(plan.id[i] as number);
    const at = (plan.base[i] as number) * rows.schema.stride;
    const mask = plan.heldMask[i] as number;
    if (mask !== 0) {
      this.#compose(t, this.#heldRow, old, held, at, mask);
      writer.expect(this.#heldRow, 0, age, undefined, 0, 0);
      return;
    }
    const before = writer.usesBefore ? this.#findEarlier(t, held, plan.id[i] as number) : -1;
    if (before < 0) writer.expect(old.rows.data, at, age, undefined, 0, 0);
    else {
      const earlier = this.#earlier as FrameTable;
      writer.expect(
        old.rows.data,
        at,
        age,
        earlier.rows.data,
        before * rows.schema.stride,
        held - this.#earlierTick,
      );
    }
  }

  /** Of the rows held at `#earlierHeld`: what was sent in the baseline of that snapshot. */
  #earlierTable = -1;
  #earlierHeld = -1;
  #earlierTick = -1;
  #earlier: FrameTable | undefined;
  #earlierSet: HeldTable | undefined;
  #earlierCursor = 0;

  /** Index of an entity's row in the earlier frame, if the client was sent it then; otherwise -1. */
  #findEarlier(t: number, held: number, id: number): number {
    if (t !== this.#earlierTable || held !== this.#earlierHeld) {
      this.#earlierTable = t;
      this.#earlierHeld = held;
      this.#lookEarlier(t, held);
    }
    const earlier = this.#earlier;
    if (earlier === undefined) return -1;
    const row = earlier.rows.findNear(id, this.#earlierCursor);
    this.#earlierCursor = row + 1;
    return row >= 0 && this.#wasSent(earlier, row, id) ? row : -1;
  }

  #lookEarlier(t: number, held: number): void {
    this.#earlier = undefined;
    this.#earlierCursor = 0;
    if ((this.#schema.secrets[t] as Secrets).all.length > 0) return;
    const set = held === this.#baseline?.tick ? this.#baseline : this.#sent.get(held);
    const from = set?.baseline ?? -1;
    if (from < 0 || this.#frame.tick - from > earlierReach(this.#schema)) return;
    const before = this.#sent.get(from);
    if (before === undefined) return;
    this.#earlier = this.#frames.get(from)?.tables[t];
    this.#earlierSet = before.tables[t];
    this.#earlierTick = from;
  }

  /** Whether a row was part of the snapshot of `#earlierTick`, in the list of its cell or among the client's own. */
  #wasSent(earlier: FrameTable, row: number, id: number): boolean {
    const set = this.#earlierSet as HeldTable;
    const key = earlier.keys[row] as number;
    if (this.#wasSentIn(set, set.find(key), id)) return true;
    return key !== 0 && this.#wasSentIn(set, set.find(0), id);
  }

  #wasSentIn(set: HeldTable, list: number, id: number): boolean {
    if (list < 0) return false;
    const tick = set.ticks[list] as number;
    // A whole list of key 0 of a type with a place holds no rows.
    if (tick >= 0)
      return (
        tick === this.#earlierTick &&
        (set.keys[list] !== 0 || this.#schema.positions[this.#earlierTable] === undefined)
      );
    if (tick !== NAMED) return false;
    const entry = set.findEntry(list, id);
    return entry >= 0 && set.held[entry] === this.#earlierTick;
  }

  /** The list in which the client holds an ARRIVED row of the plan. Its table must be open. */
  listOf(t: number, i: number): number {
    const { plan } = this;
    const held = this.#held;
    const tick = plan.held[i] as number;
    const id = plan.id[i] as number;
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
      if (this.#frame.tick - tick <= WHOLE_WINDOW_TICKS) into.addWhole(key, tick, tick);
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

  /** Data and offset of a row of the plan as this client is told it now. */
  rowData(i: number): Int32Array {
    const t = this.plan.table[i] as number;
    const now = this.#frame.tables[t] as FrameTable;
    const mask = this.plan.mask[i] as number;
    if (mask === 0) return now.rows.data;
    const at = (this.plan.row[i] as number) * now.rows.schema.stride;
    this.#compose(t, this.#nowRow, now, this.#frame.tick, at, mask);
    return this.#nowRow;
  }

  rowAt(i: number): number {
    if (this.plan.mask[i] !== 0) return 0;
    const { rows } = this.#frame.tables[this.plan.table[i] as number] as FrameTable;
    return (this.plan.row[i] as number) * rows.schema.stride;
  }

  /** A row with the secrets of a mask. */
  #compose(t: number, into: Int32Array, table: FrameTable, tick: number, at: number, mask: number): void {
    const { stride } = table.rows.schema;
    const truth = this.#worlds.get(tick)?.tables[t]?.data ?? table.rows.data;
    for (let i = 0; i < stride; i++) into[i] = table.rows.data[at + i] as number;
    for (const { bit, words } of (this.#schema.secrets[t] as Secrets).all) {
      if ((mask & bit) === 0) continue;
      for (const word of words) into[word] = truth[at + word] as number;
    }
  }

  /** Finds out whether a row that may have changed did. */
  settle(writer: RowSink, i: number): void {
    const { kind } = this.plan;
    if (kind[i] === EXPECTED && writer.usesBefore) kind[i] = CHANGED;
    if (kind[i] !== CHANGED) return;
    writer.table(this.plan.table[i] as number);
    this.expect(writer, i);
    if (writer.matches(this.rowData(i), this.rowAt(i))) this.plan.kind[i] = EXPECTED;
  }

  /** Writes the chosen rows of a list, `from`..`to` of the plan. `coded`: a list that was held, which may be kept as it is. */
  write(writer: RowSink, from: number, to: number, coded: boolean): void {
    const { plan } = this;
    const { tick } = this.#frame;
    let held = 0;
    let chosen = 0;
    let news = 0;
    for (let i = from; i < to; i++) {
      const isNew = (plan.kind[i] as number) >= ARRIVED;
      if (!isNew) held++;
      chosen += plan.chosen[i] as number;
      if (isNew) news += plan.chosen[i] as number;
    }
    if (coded) {
      writer.list(chosen === 0 && held > 0 ? KEPT_LIST : SECTION);
      if (chosen === 0 && held > 0) return;
    }
    writer.begin(held - (chosen - news));
    for (let i = from; i < to; i++) {
      const kind = plan.kind[i] as number;
      if (kind >= ARRIVED) continue;
      if (plan.chosen[i] === 0) writer.kept();
      else this.#writeHeld(writer, i, kind, tick);
    }
    writer.endHeld();
    writer.news(news);
    let last = 0;
    for (let i = from; i < to && news > 0; i++) {
      const kind = plan.kind[i] as number;
      if (kind < ARRIVED || plan.chosen[i] === 0) continue;
      writer.id(plan.id[i] as number, last);
      last = plan.id[i] as number;
      this.expect(writer, i);
      if (kind === NEW) writer.body(this.rowData(i), this.rowAt(i), tick);
      else writer.moved(this.rowData(i), this.rowAt(i), tick);
    }
  }

  #writeHeld(writer: RowSink, i: number, kind: number, tick: number): void {
    if (kind === EXPECTED && !writer.usesBefore) {
      writer.asExpected();
      return;
    }
    // How likely a code is depends on the row, so that it is expected first.
    if (writer.usesBefore || kind === CHANGED) this.expect(writer, i);
    if (kind === GONE) writer.gone();
    else if (kind > CHANGED) writer.left();
    else if (writer.matches(this.rowData(i), this.rowAt(i))) writer.asExpected();
    else writer.changed(this.rowData(i), this.rowAt(i), tick);
  }

  /** Records what the client holds of a list after this snapshot, which had waited `since`. Gives the number of rows that wait. */
  record(into: HeldTable, t: number, key: number, from: number, to: number, since: number): number {
    const { plan } = this;
    const { tick } = this.#frame;
    const now = this.#frame.tables[t] as FrameTable;
    into.addNamed(key, since);
    let waiting = 0;
    let whole = 0;
    for (let i = from; i < to; i++) {
      const kind = plan.kind[i] as number;
      const chosen = plan.chosen[i] === 1;
      if (!chosen) {
        waiting++;
        // A row that waits to move stays where it was; it is no part of this list yet.
        if (kind === ARRIVED) continue;
        into.addEntry(
          plan.id[i] as number,
          plan.held[i] as number,
          plan.since[i] as number,
          plan.heldMask[i] as number,
        );
        continue;
      }
      if (kind === GONE || kind === LEFT || kind === AWAY) continue;
      if (plan.mask[i] === 0) whole++;
      into.addEntry(plan.id[i] as number, tick, plan.since[i] as number, plan.mask[i] as number);
    }
    const own = key === 0 && this.#schema.positions[t] !== undefined;
    const members = own ? 0 : (now.starts[key + 1] as number) - (now.starts[key] as number);
    if (
      waiting === 0 &&
      whole === members &&
      into.to[into.count - 1] === (into.from[into.count - 1] as number) + whole
    )
      into.makeWhole(tick);
    return waiting;
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
