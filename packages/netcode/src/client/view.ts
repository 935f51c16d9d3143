/**
 * What the renderer gets: others interpolated at view time, own rows between the last two predicted ticks, corrections smoothed.
 * Smoothing changes the view only [V1].
 */

import type { Millis } from '../base/units.ts';
import type { Replica } from '../replication/decode.ts';
import type { GameSchema } from '../simulation/game.ts';
import type { RowSet } from '../simulation/rows.ts';
import { ID, MARK, OWNER } from '../wire/schema.ts';
import type { Predictor } from './prediction.ts';
import {
  blend,
  type Continuous,
  drawnValue,
  movedValue,
  type ViewHost,
  type ViewRow,
  ViewRows,
  wrapTurn,
} from './viewrows.ts';

/** Past the newest snapshot rows move on at their own rate for this long, then hold. */
const EXTRAPOLATE_MS = 250;

/** A correction's visible rest after this long is 1/e. */
const CORRECTION_TAU_MS = 70;

/** Corrections smaller than a hundredth of a grid step are over. */
const SETTLED = 0.01;

export class View implements ViewHost {
  readonly tables: readonly ViewRows[];
  seat = 0;
  /** The fractional tick that others are drawn at. */
  tick = 0;
  /** The fractional tick that own rows are drawn at. */
  ownTick = 0;
  /** Largest correction that was shown so far, in field units. */
  largestCorrection = 0;
  readonly #schema: GameSchema;
  readonly #customRules: readonly boolean[];
  readonly #offsets: Map<number, Float64Array>[];
  readonly #before: Map<number, Float64Array>[];
  #decayedAt: Millis = 0;

  constructor(schema: GameSchema, customRules: readonly boolean[]) {
    this.#schema = schema;
    this.#customRules = customRules;
    this.tables = schema.rows.map((row) => new ViewRows(row, this));
    this.#offsets = schema.rows.map(() => new Map());
    this.#before = schema.rows.map(() => new Map());
  }

  rowOf(type: string, id: number): ViewRow | undefined {
    return this.tables.find((table) => table.schema.name === type)?.get(id);
  }

  clear(): void {
    for (const table of this.tables) table.count = 0;
    for (const offsets of this.#offsets) offsets.clear();
  }

  /** Fills the view. `older` and `newer` are the snapshots around `tick`; `newer` is undefined past the newest. */
  draw(
    now: Millis,
    tick: number,
    older: Replica | undefined,
    newer: Replica | undefined,
    predictor: Predictor<never> | undefined,
    ownTick: number,
  ): void {
    this.tick = tick;
    this.ownTick = ownTick;
    this.#decay(now);
    for (let t = 0; t < this.tables.length; t++) {
      const view = this.tables[t] as ViewRows;
      view.count = 0;
      this.#drawTable(view, t, older, newer, predictor);
    }
  }

  /** Merges own and others' rows in id order. */
  #drawTable(
    view: ViewRows,
    t: number,
    older: Replica | undefined,
    newer: Replica | undefined,
    predictor: Predictor<never> | undefined,
  ): void {
    const past = older?.tables[t];
    const next = newer?.tables[t];
    const own = predictor?.world.table(t);
    const { stride } = view.schema;
    let i = 0;
    let n = 0;
    let o = 0;
    for (;;) {
      while (own !== undefined && o < own.count && own.data[own.offset(o) + MARK] !== 1) o++;
      const ownAt = own !== undefined && o < own.count ? own.offset(o) : -1;
      const ownId = ownAt >= 0 ? (own?.data[ownAt + ID] ?? 0) : Infinity;
      const id = past !== undefined && i < past.count ? past.id(i) : Infinity;
      if (ownId === Infinity && id === Infinity) return;
      if (ownId <= id) {
        this.#drawOwn(view, t, ownId, predictor as Predictor<never>, o++);
        if (ownId === id) i++;
        continue;
      }
      const at = i++ * stride;
      const set = past as RowSet;
      // An own row that the prediction no longer has is gone for this player.
      if (predictor !== undefined && t > 1 && !this.#customRules[t] && set.data[at + OWNER] === this.seat)
        continue;
      while (next !== undefined && n < next.count && next.id(n) < id) n++;
      const hasNext = next !== undefined && n < next.count && next.id(n) === id;
      this.#drawOther(view, set.data, at, hasNext ? (next as RowSet).data : undefined, n * stride);
    }
  }

  #drawOther(
    view: ViewRows,
    data: Int32Array,
    at: number,
    next: Int32Array | undefined,
    nextAt: number,
  ): void {
    const index = view.push(data, at, false);
    const held = data[at + MARK] ?? 0;
    const nextHeld = next === undefined ? held : (next[nextAt + MARK] ?? 0);
    const to = index * view.continuous.length;
    const cut = next !== undefined && next[nextAt + view.schema.cutAt] !== data[at + view.schema.cutAt];
    if (next === undefined || nextHeld <= held || cut) {
      const limit = (EXTRAPOLATE_MS * this.#schema.tickRate) / 1000;
      const ahead = cut ? 0 : Math.max(0, Math.min(limit, this.tick - held));
      for (const field of view.continuous)
        view.numbers[to + field.index] = movedValue(field, data, at, ahead);
      return;
    }
    const t = Math.max(0, Math.min(1, (this.tick - held) / (nextHeld - held)));
    for (const field of view.continuous) {
      view.numbers[to + field.index] = blend(
        field,
        drawnValue(field, data[at + field.at] ?? 0),
        drawnValue(field, next[nextAt + field.at] ?? 0),
        t,
      );
    }
  }

  #drawOwn(view: ViewRows, t: number, id: number, predictor: Predictor<never>, index: number): void {
    const table = predictor.world.table(t);
    const at = table.offset(index);
    const row = view.push(table.data, at, true);
    const offsets = this.#offsets[t]?.get(id);
    const to = row * view.continuous.length;
    this.#ownValues(view, t, id, predictor, table.data, at, view.numbers, to);
    if (offsets === undefined) return;
    for (const field of view.continuous) {
      const drawn = (view.numbers[to + field.index] ?? 0) + (offsets[field.index] ?? 0);
      view.numbers[to + field.index] = field.kind === 'turn' ? wrapTurn(drawn) : drawn;
    }
  }

  /** Values between the last two predicted ticks, without correction. */
  #ownValues(
    view: ViewRows,
    t: number,
    id: number,
    predictor: Predictor<never>,
    data: Int32Array,
    at: number,
    into: Float64Array,
    to: number,
  ): void {
    const before = predictor.at(predictor.tick - 1)?.tables[t];
    const from = before?.offsetOf(id) ?? -1;
    const share = Math.max(0, Math.min(1, this.ownTick - predictor.tick + 1));
    const cut = from >= 0 && before?.data[from + view.schema.cutAt] !== data[at + view.schema.cutAt];
    for (const field of view.continuous) {
      const value = drawnValue(field, data[at + field.at] ?? 0);
      into[to + field.index] =
        from < 0 || cut
          ? value
          : blend(field, drawnValue(field, before?.data[from + field.at] ?? 0), value, share);
    }
  }

  /** Remembers what is drawn, before rows are corrected. */
  beforeCorrection(predictor: Predictor<never>): void {
    this.#eachOwn(predictor, (view, t, id, data, at) => {
      const drawn = this.#before[t]?.get(id) ?? new Float64Array(view.continuous.length + 1);
      this.#before[t]?.set(id, drawn);
      this.#ownValues(view, t, id, predictor, data, at, drawn, 0);
      const offsets = this.#offsets[t]?.get(id);
      for (const field of view.continuous)
        drawn[field.index] = (drawn[field.index] ?? 0) + (offsets?.[field.index] ?? 0);
      drawn[view.continuous.length] = data[at + view.schema.cutAt] ?? 0;
    });
  }

  /** Keeps the picture where it was: the difference becomes an offset that decays. */
  afterCorrection(predictor: Predictor<never>): void {
    const now = new Float64Array(Math.max(...this.tables.map((view) => view.continuous.length)));
    this.#eachOwn(predictor, (view, t, id, data, at) => {
      const drawn = this.#before[t]?.get(id);
      if (drawn === undefined) return;
      const sameCut = drawn[view.continuous.length] === data[at + view.schema.cutAt];
      this.#ownValues(view, t, id, predictor, data, at, now, 0);
      const offsets = this.#offsets[t]?.get(id) ?? new Float64Array(view.continuous.length);
      let visible = false;
      for (const field of view.continuous) {
        const off = sameCut ? difference(field, drawn[field.index] ?? 0, now[field.index] ?? 0) : 0;
        offsets[field.index] = off;
        if (Math.abs(off) > field.step * SETTLED) visible = true;
        this.largestCorrection = Math.max(this.largestCorrection, Math.abs(off));
      }
      if (visible) this.#offsets[t]?.set(id, offsets);
      else this.#offsets[t]?.delete(id);
    });
    for (const before of this.#before) before.clear();
  }

  #eachOwn(
    predictor: Predictor<never>,
    visit: (view: ViewRows, t: number, id: number, data: Int32Array, at: number) => void,
  ): void {
    for (let t = 2; t < this.tables.length; t++) {
      const table = predictor.world.table(t);
      for (let i = 0; i < table.count; i++) {
        const at = table.offset(i);
        if (table.data[at + MARK] === 1)
          visit(this.tables[t] as ViewRows, t, table.data[at + ID] ?? 0, table.data, at);
      }
    }
  }

  #decay(now: Millis): void {
    const share = Math.exp(-Math.max(0, now - this.#decayedAt) / CORRECTION_TAU_MS);
    this.#decayedAt = now;
    this.#offsets.forEach((offsets, t) => {
      const { continuous } = this.tables[t] as ViewRows;
      for (const [id, values] of offsets) {
        let visible = false;
        for (const field of continuous) {
          const rest = (values[field.index] ?? 0) * share;
          values[field.index] = rest;
          if (Math.abs(rest) > field.step * SETTLED) visible = true;
        }
        if (!visible) offsets.delete(id);
      }
    });
  }
}

function difference(field: Continuous, a: number, b: number): number {
  return field.kind === 'turn' ? wrapTurn(a - b) : a - b;
}
