/**
 * When not all fits: which rows go now. Lists near the viewer and lists that have waited are looked at first, as many as the budget can
 * possibly take; of their rows the most urgent are sent, and everything else is kept as the client holds it, or waits [S3].
 */

import type { GameSchema } from '../simulation/game.ts';
import type { SnapshotRequest } from './encode.ts';
import type { Frame, FrameTable } from './frame.ts';
import type { FrameSource } from './held.ts';
import { type HeldTable, NAMED, NOT_HELD } from './held.ts';
import type { Lists } from './lists.ts';
import { ARRIVED, AWAY, BLOCKED, CHANGED, EXPECTED, FIRST } from './plan.ts';
import type { Relevance } from './relevance.ts';
import { DROPPED_LIST, KEPT_LIST, type RowSink, SECTION } from './rowsink.ts';

/** Choices of rows until what is written fits; the last one is none. */
const MOST_TRIES = 8;

/** Bits that the id of a new row costs, on average, beyond that. */
const NEW_OVERHEAD_BITS = 8;

/** Bits per table and per list that hold something, whatever becomes of their rows. */
const TABLE_BITS = 24;
const LIST_BITS = 2;

/** What rows cost, roughly, to judge how many lists are worth a look. */
const GUESS_HELD_BITS = 8;
const GUESS_NEW_BITS = 64;

/** After this many rows that did not fit, the datagram counts as full. */
const MISSES = 16;

/** A list of the client: its place in table and key order, and what was decided. */
interface ListChoice {
  table: number;
  key: number;
  /** Index among the lists held at the baseline, -1 when it is new to the client. */
  list: number;
  dropped: boolean;
  expanded: boolean;
  urgency: number;
  factor: number;
  rows: number;
  from: number;
  to: number;
}

export class Pressure {
  readonly #schema: GameSchema;
  readonly #lists: Lists;
  readonly #frames: FrameSource;
  readonly #relevance: Relevance;
  readonly #choices: ListChoice[] = [];
  #count = 0;
  readonly #byUrgency: ListChoice[] = [];
  readonly #entered = new Int32Array(65_537);
  /** By row of the open table: the AWAY entry of the plan, if it is of this round. */
  #away = new Int32Array(64);
  #awayRound = new Int32Array(64);
  #round = 0;

  constructor(schema: GameSchema, lists: Lists, frames: FrameSource, relevance: Relevance) {
    this.#schema = schema;
    this.#lists = lists;
    this.#frames = frames;
    this.#relevance = relevance;
  }

  /** Writes as much as `budgetBits` allow, and records it. `restart` forgets what was written since the call; `fits` says whether it fits. */
  encode(
    writer: RowSink,
    request: SnapshotRequest,
    frame: Frame,
    budgetBits: number,
    restart: () => void,
    fits: () => boolean,
  ): void {
    this.#collect(request, frame);
    this.#pick(budgetBits);
    this.#expand(writer, frame);
    let share = 1;
    for (let tries = 1; ; tries++) {
      if (tries < MOST_TRIES) this.#choose(writer, frame, Math.floor(budgetBits * share));
      else this.#chooseNothing();
      restart();
      const start = writer.bits;
      for (let t = 0; t < frame.tables.length; t++) this.#write(writer, t);
      if (tries === MOST_TRIES || fits()) break;
      // A little less than what was too much, and soon a lot less.
      share *= tries < 4 ? Math.min(31 / 32, budgetBits / (writer.bits - start)) : 0.5;
    }
    this.#record(request, frame);
  }

  /** All lists of this client, held or new to it, in table and key order. */
  #collect({ viewer, baseline }: SnapshotRequest, frame: Frame): void {
    this.#count = 0;
    for (let t = 0; t < frame.tables.length; t++) {
      const held = baseline?.tables[t];
      const now = frame.tables[t] as FrameTable;
      const spatial = this.#schema.positions[t] !== undefined;
      const shown = spatial ? viewer.count : 0;
      let h = 0;
      let s = -1;
      // Key 0 stands before the cells.
      for (;;) {
        while (held !== undefined && h < held.count && held.ticks[h] === NOT_HELD) h++;
        const heldKey = held !== undefined && h < held.count ? (held.keys[h] as number) : Infinity;
        const shownKey = s < 0 ? 0 : s < shown ? (viewer.keys[s] as number) : Infinity;
        const key = Math.min(heldKey, shownKey);
        if (key === Infinity) break;
        const list = heldKey === key ? h++ : -1;
        if (shownKey === key) s++;
        this.#add(t, key, list, shownKey !== key, held, now, frame.tick, viewer);
      }
    }
  }

  #add(
    t: number,
    key: number,
    list: number,
    dropped: boolean,
    held: HeldTable | undefined,
    now: FrameTable,
    tick: number,
    viewer: SnapshotRequest['viewer'],
  ): void {
    const choice = this.#choices[this.#count] ?? emptyChoice();
    this.#choices[this.#count++] = choice;
    const grid = this.#schema.grid;
    choice.table = t;
    choice.key = key;
    choice.list = list;
    choice.dropped = dropped;
    choice.expanded = false;
    choice.factor =
      key === 0 || grid === undefined ? 1 : nearness(grid.distance2(key, viewer.x, viewer.y), viewer.reach);
    const present = (now.starts[key + 1] as number) - (now.starts[key] as number);
    const rows = list < 0 || held === undefined ? 0 : this.#heldCount(held, list, t);
    choice.rows = rows * GUESS_HELD_BITS + Math.max(0, present - rows) * GUESS_NEW_BITS;
    const since =
      list >= 0 && held !== undefined ? oldest(held, list) : this.#lists.holdings.waitingSince(t, key);
    // A list that an own or predicted row has left is looked at too: both halves of a move go together.
    const first =
      key === 0 ||
      this.#holdsOwn(t, now, key, viewer.seat) ||
      this.#holdsPredicted(t, now, key, viewer) ||
      (list >= 0 && held !== undefined && this.#heldOwn(held, list, t, viewer.seat)) ||
      (list >= 0 && held !== undefined && this.#heldPredicted(held, list, t, viewer));
    const again = list < 0 && this.#lists.holdings.brought(t, key);
    const waited = (this.#relevance.weights[t] ?? 1) * choice.factor * (tick - since);
    choice.urgency = first ? FIRST : again ? FIRST / 2 + waited : waited;
    choice.from = 0;
    choice.to = 0;
  }

  #heldCount(held: HeldTable, list: number, t: number): number {
    const tick = held.ticks[list] as number;
    if (tick < 0) return (held.to[list] as number) - (held.from[list] as number);
    const old = this.#frames.get(tick)?.tables[t] as FrameTable;
    const key = held.keys[list] as number;
    return (old.starts[key + 1] as number) - (old.starts[key] as number);
  }

  #holdsOwn(t: number, now: FrameTable, key: number, seat: number): boolean {
    if (this.#schema.positions[t] === undefined) return true;
    const { rows, keys } = now;
    for (let row = rows.lowerBound(seat * 65536); row < rows.count && rows.id(row) >> 16 === seat; row++)
      if (keys[row] === key) return true;
    return false;
  }

  #heldOwn(held: HeldTable, list: number, t: number, seat: number): boolean {
    const tick = held.ticks[list] as number;
    if (tick >= 0)
      return this.#holdsOwn(
        t,
        this.#frames.get(tick)?.tables[t] as FrameTable,
        held.keys[list] as number,
        seat,
      );
    for (let e = held.from[list] as number; e < (held.to[list] as number); e++)
      if ((held.ids[e] as number) >> 16 === seat) return true;
    return false;
  }

  #holdsPredicted(t: number, now: FrameTable, key: number, viewer: SnapshotRequest['viewer']): boolean {
    const rule = this.#relevance.predicted[t];
    if (rule === undefined) return false;
    const end = now.starts[key + 1] as number;
    for (let m = now.starts[key] as number; m < end; m++) if (rule(viewer, now.ids[m] as number)) return true;
    return false;
  }

  #heldPredicted(held: HeldTable, list: number, t: number, viewer: SnapshotRequest['viewer']): boolean {
    const rule = this.#relevance.predicted[t];
    if (rule === undefined) return false;
    const tick = held.ticks[list] as number;
    if (tick >= 0) {
      const old = this.#frames.get(tick)?.tables[t] as FrameTable;
      return this.#holdsPredicted(t, old, held.keys[list] as number, viewer);
    }
    for (let e = held.from[list] as number; e < (held.to[list] as number); e++)
      if (rule(viewer, held.ids[e] as number)) return true;
    return false;
  }

  /** Marks the most urgent lists, until twice the budget is guessed. */
  #pick(budgetBits: number): void {
    const order = this.#byUrgency;
    order.length = 0;
    for (let i = 0; i < this.#count; i++) order.push(this.#choices[i] as ListChoice);
    order.sort((a, b) => b.urgency - a.urgency || a.table - b.table || a.key - b.key);
    let guessed = 0;
    for (const choice of order) {
      if (choice.dropped) continue;
      if (guessed > budgetBits * 2 && choice.urgency < FIRST) break;
      choice.expanded = true;
      guessed += choice.rows;
    }
  }

  #expand(writer: RowSink, frame: Frame): void {
    const { plan } = this.#lists;
    plan.clear();
    for (let c = 0; c < this.#count; ) {
      const t = (this.#choices[c] as ListChoice).table;
      this.#lists.holdings.open(t);
      const first = plan.count;
      for (; c < this.#count && this.#choices[c]?.table === t; c++) {
        const choice = this.#choices[c] as ListChoice;
        choice.from = plan.count;
        if (choice.expanded) this.#lists.expand(t, choice.key, choice.list, choice.factor);
        choice.to = plan.count;
      }
      this.#pairUp(t, frame, first);
      this.#lists.holdings.close();
    }
    for (let i = 0; i < plan.count; i++) this.#lists.settle(writer, i);
  }

  /** Both halves of a move go together, or none does. */
  #pairUp(t: number, frame: Frame, first: number): void {
    const { plan } = this.#lists;
    const now = frame.tables[t] as FrameTable;
    if (this.#away.length < now.rows.count) {
      this.#away = new Int32Array(now.rows.count * 2);
      this.#awayRound = new Int32Array(now.rows.count * 2);
    }
    this.#round++;
    for (let i = first; i < plan.count; i++) {
      if (plan.kind[i] !== AWAY) continue;
      const row = plan.row[i] as number;
      this.#away[row] = i;
      this.#awayRound[row] = this.#round;
      plan.urgency[i] = BLOCKED;
    }
    for (let i = first; i < plan.count; i++) {
      if (plan.kind[i] !== ARRIVED) continue;
      const row = plan.row[i] as number;
      if (this.#awayRound[row] === this.#round) {
        plan.pair[i] = this.#away[row] as number;
        continue;
      }
      // Its old list is dropped, so that it is free to come; or it is not looked at, and would hold the row twice.
      if (!this.#comesFromDropped(t, i)) plan.urgency[i] = BLOCKED;
    }
  }

  #comesFromDropped(t: number, i: number): boolean {
    const key = this.#lists.holdings.listOf(
      t,
      this.#lists.plan.id[i] as number,
      this.#lists.plan.held[i] as number,
    );
    for (let c = 0; c < this.#count; c++) {
      const choice = this.#choices[c] as ListChoice;
      if (choice.table === t && choice.key === key) return choice.dropped;
    }
    return true;
  }

  /** Takes rows in order of urgency until the budget is full; ties go to the smaller table, list and id. */
  #choose(writer: RowSink, frame: Frame, budgetBits: number): void {
    const { plan } = this.#lists;
    const order = plan.sortByUrgency();
    let left = budgetBits - frame.tables.length * TABLE_BITS - this.#count * LIST_BITS;
    let misses = 0;
    for (let k = 0; k < plan.count; k++) {
      const i = plan.indexOf(order[k] as number);
      plan.chosen[i] = plan.kind[i] === EXPECTED ? 1 : 0;
    }
    for (let k = 0; k < plan.count && misses <= MISSES; k++) {
      const i = plan.indexOf(order[k] as number);
      if (plan.kind[i] === EXPECTED || plan.urgency[i] === BLOCKED) continue;
      const bits = this.#measureRow(writer, i, frame.tick) + writer.rowOverheadBits;
      if (bits > left) {
        misses++;
        continue;
      }
      left -= bits;
      plan.chosen[i] = 1;
      const pair = plan.pair[i] as number;
      if (pair >= 0) plan.chosen[pair] = 1;
    }
  }

  #chooseNothing(): void {
    const { plan } = this.#lists;
    plan.chosen.fill(0, 0, plan.count);
  }

  #measureRow(writer: RowSink, i: number, tick: number): number {
    const { plan } = this.#lists;
    const kind = plan.kind[i] as number;
    if (kind !== CHANGED && kind < ARRIVED) return 0;
    writer.table(plan.table[i] as number);
    this.#lists.expect(writer, i);
    const bits = writer.measure(this.#lists.rowData(i), this.#lists.rowAt(i), tick);
    return kind >= ARRIVED ? bits + NEW_OVERHEAD_BITS : bits;
  }

  #write(writer: RowSink, t: number): void {
    writer.table(t);
    const spatial = this.#schema.positions[t] !== undefined;
    let opened = !spatial;
    for (let c = 0; c < this.#count; c++) {
      const choice = this.#choices[c] as ListChoice;
      if (choice.table !== t) continue;
      if (choice.key === 0) {
        this.#lists.write(writer, choice.from, choice.to, false);
        continue;
      }
      if (!opened) {
        this.#writeEntered(writer, t);
        opened = true;
      }
      if (choice.dropped) writer.list(DROPPED_LIST);
      else if (choice.list >= 0) this.#writeHeld(writer, choice);
      else if (this.#sends(choice)) this.#lists.write(writer, choice.from, choice.to, false);
    }
    if (!opened) this.#writeEntered(writer, t);
  }

  /** A list that is not looked at stays as it is. One without rows has nothing to keep. */
  #writeHeld(writer: RowSink, choice: ListChoice): void {
    if (choice.expanded) {
      this.#lists.write(writer, choice.from, choice.to, true);
      return;
    }
    if (!this.#lists.holdings.hasRows(choice.table, choice.list)) {
      writer.list(SECTION);
      writer.begin(0);
      writer.endHeld();
      writer.news(0);
    } else writer.list(KEPT_LIST);
  }

  #writeEntered(writer: RowSink, t: number): void {
    let count = 0;
    for (let c = 0; c < this.#count; c++) {
      const choice = this.#choices[c] as ListChoice;
      if (choice.table === t && choice.key !== 0 && choice.list < 0 && this.#sends(choice))
        this.#entered[count++] = choice.key;
    }
    writer.entered(this.#entered, count);
  }

  /** Whether anything of a list that is new to the client is sent. */
  #sends(choice: ListChoice): boolean {
    if (!choice.expanded) return false;
    const { chosen } = this.#lists.plan;
    for (let i = choice.from; i < choice.to; i++) if (chosen[i] === 1) return true;
    return false;
  }

  #record({ into }: SnapshotRequest, frame: Frame): void {
    for (let c = 0; c < this.#count; c++) {
      const choice = this.#choices[c] as ListChoice;
      if (choice.dropped) continue;
      const { table: t, key } = choice;
      const target = into.tables[t] as HeldTable;
      const now = frame.tables[t] as FrameTable;
      const isNew = choice.list < 0 && key !== 0;
      if (isNew && !this.#sends(choice)) {
        target.addWhole(key, NOT_HELD, this.#lists.holdings.waitingSince(t, key));
        into.deferred += (now.starts[key + 1] as number) - (now.starts[key] as number);
      } else if (choice.expanded) {
        const since = isNew ? this.#lists.holdings.waitingSince(t, key) : frame.tick;
        into.deferred += this.#lists.record(target, t, key, choice.from, choice.to, since);
      } else {
        into.deferred += this.#lists.holdings.keep(target, t, choice.list);
      }
    }
  }
}

/** 1 in the middle of the area, about a fifth at its edge. */
function nearness(distance2: number, reach: number): number {
  return reach > 0 ? 1 / (1 + distance2 / (reach * reach * 0.25)) : 1;
}

/** The tick of the stalest row of a held list. */
function oldest(held: HeldTable, list: number): number {
  const tick = held.ticks[list] as number;
  if (tick !== NAMED) return tick;
  let stalest = held.since[list] as number;
  for (let e = held.from[list] as number; e < (held.to[list] as number); e++) {
    const at = held.held[e] as number;
    stalest = Math.min(stalest, at === NOT_HELD ? (held.entrySince[e] as number) : at);
  }
  return stalest;
}

function emptyChoice(): ListChoice {
  return {
    table: 0,
    key: 0,
    list: -1,
    dropped: false,
    expanded: false,
    urgency: 0,
    factor: 1,
    rows: 0,
    from: 0,
    to: 0,
  };
}
