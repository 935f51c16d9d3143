/**
 * Looks at one client's lists row by row: what was held against what it should see now. Says what each row needs, writes it, and
 * records what the client then holds. Lists that can be copied from shared work never come here.
 */

import { HELD_WINDOW_TICKS } from '../base/units.ts';
import type { GameSchema } from '../simulation/game.ts';
import { EarlierSent } from './earlier.ts';
import type { Frame, FrameTable } from './frame.ts';
import {
  type FrameSource,
  type HeldSet,
  type HeldTable,
  NAMED,
  NOT_HELD,
  type SentSource,
  type WorldSource,
} from './held.ts';
import { Holdings } from './holdings.ts';
import { ARRIVED, AWAY, CHANGED, EXPECTED, FIRST, GONE, LEFT, NEW, Plan } from './plan.ts';
import type { Relevance } from './relevance.ts';
import { KEPT_LIST, type RowSink, SECTION } from './rowsink.ts';
import { Sight } from './sight.ts';
import type { Viewer } from './viewer.ts';

export class Lists {
  readonly plan = new Plan();
  readonly holdings: Holdings;
  readonly sight: Sight;
  readonly #schema: GameSchema;
  readonly #relevance: Relevance;
  readonly #frames: FrameSource;
  readonly #earlier: EarlierSent;
  readonly #nowRow: Int32Array;
  readonly #heldRow: Int32Array;
  #frame!: Frame;
  #viewer!: Viewer;

  constructor(schema: GameSchema, relevance: Relevance, frames: FrameSource) {
    this.#schema = schema;
    this.#relevance = relevance;
    this.#frames = frames;
    this.holdings = new Holdings(schema.grid?.cells ?? 0, frames);
    this.sight = new Sight(schema, relevance);
    this.#earlier = new EarlierSent(schema, frames);
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
    this.#frame = frame;
    this.#viewer = viewer;
    this.holdings.begin(frame.tick, baseline, previous);
    this.sight.begin(frame, worlds, viewer);
    this.#earlier.begin(frame.tick, baseline, sent);
    this.plan.clear();
  }

  /** Adds to the plan what the rows of a list need. `factor` is how urgent its place makes them. */
  expand(t: number, key: number, list: number, factor: number): void {
    const now = this.#frame.tables[t] as FrameTable;
    this.sight.gather(t, key, now);
    const held = this.holdings.table;
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
    const row = n < this.sight.count ? (this.sight.rows[n] as number) : -1;
    if (row < 0 || now.rows.id(row) !== id) {
      const elsewhere = now.rows.find(id);
      const kind = elsewhere < 0 ? GONE : this.sight.sees(t, key, now, elsewhere, id) ? AWAY : LEFT;
      const urgency = mine ? FIRST * 2 : FIRST + tick - held;
      plan.add(t, id, kind, elsewhere, base, held, held, heldMask, 0, urgency);
      return n;
    }
    const mask = this.sight.maskOf(t, row);
    const urgency = mine ? FIRST * 2 : this.#predicted(t, id) + this.#weigh(t, id, factor) * (tick - held);
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
    for (; i < this.sight.count; i++) {
      const row = this.sight.rows[i] as number;
      const id = now.rows.id(row);
      if (id >= until) break;
      const mine = id >> 16 === this.#viewer.seat;
      const mask = this.sight.maskOf(t, row);
      const weight = mine ? 1 : this.#weigh(t, id, factor);
      if (this.holdings.locate(t, id)) {
        const { held, base, mask: heldMask } = this.holdings.found;
        const urgency = mine ? FIRST * 2 : this.#predicted(t, id) + weight * (tick - held);
        plan.add(t, id, ARRIVED, row, base, held, held, heldMask, mask, urgency);
      } else {
        const since = this.holdings.since(t, key, id);
        // What the last snapshot brought comes again until it is acknowledged: else it would vanish with the next.
        const first = this.#predicted(t, id) + (this.holdings.wasBrought(t, key, id) ? FIRST / 2 : 0);
        const urgency = mine ? FIRST * 2 : first + weight * (tick - since);
        plan.add(t, id, NEW, row, -1, NOT_HELD, since, 0, mask, urgency);
      }
    }
    return i;
  }

  /** Rows that the client predicts come right after its own. */
  #predicted(t: number, id: number): number {
    const rule = this.#relevance.predicted[t];
    return rule?.(this.#viewer, id) === true ? FIRST : 0;
  }

  #weigh(t: number, id: number, factor: number): number {
    const weight = (this.#relevance.weights[t] ?? 1) * factor;
    const hook = this.#relevance.priority[t];
    return hook === undefined ? weight : weight * Math.max(0, hook(this.#viewer, id));
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
      this.sight.compose(t, this.#heldRow, old, held, at, mask);
      writer.expect(this.#heldRow, 0, age, undefined, 0, 0);
      return;
    }
    const before = writer.usesBefore ? this.#earlier.find(t, held, plan.id[i] as number) : -1;
    if (before < 0) writer.expect(old.rows.data, at, age, undefined, 0, 0);
    else {
      const earlier = this.#earlier;
      writer.expect(
        old.rows.data,
        at,
        age,
        earlier.rows.rows.data,
        before * rows.schema.stride,
        held - earlier.tick,
      );
    }
  }

  /** Data and offset of a row of the plan as this client is told it now. */
  rowData(i: number): Int32Array {
    const t = this.plan.table[i] as number;
    const now = this.#frame.tables[t] as FrameTable;
    const mask = this.plan.mask[i] as number;
    if (mask === 0) return now.rows.data;
    const at = (this.plan.row[i] as number) * now.rows.schema.stride;
    this.sight.compose(t, this.#nowRow, now, this.#frame.tick, at, mask);
    return this.#nowRow;
  }

  rowAt(i: number): number {
    if (this.plan.mask[i] !== 0) return 0;
    const { rows } = this.#frame.tables[this.plan.table[i] as number] as FrameTable;
    return (this.plan.row[i] as number) * rows.schema.stride;
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
