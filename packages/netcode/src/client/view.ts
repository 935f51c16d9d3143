/**
 * What the renderer gets: others interpolated at view time, own rows between the last two predicted ticks, corrections smoothed.
 * Smoothing changes the view only [V1].
 */

import { HELD_WINDOW_TICKS, type Millis } from '../base/units.ts';
import { along, type Continuous, difference, drawnValue, wrapTurn } from '../replication/blend.ts';
import type { Replica } from '../replication/decode.ts';
import type { GameSchema } from '../simulation/game.ts';
import type { RowSet } from '../simulation/rows.ts';
import { ID, OWNER } from '../wire/schema.ts';
import { Interpolation, NO_ID } from './interpolation.ts';
import type { Predictor } from './prediction.ts';
import { isTakenBack, Spawns } from './spawns.ts';
import { type ViewHost, type ViewRow, ViewRows } from './viewrows.ts';

/** A correction is seen for this long: fast at first, and at rest at its end. A third of it is left after 75 ms. */
const CORRECTION_MS = 240;

/** Corrections smaller than a hundredth of a grid step are over. */
const SETTLED = 0.01;

/** The tick of a snapshot that is not there, and that of a pair before anything was drawn. */
const NO_SNAPSHOT = -1;
const NO_PAIR = -2;

/** One entity type as it is drawn. */
interface DrawnType {
  readonly rows: ViewRows;
  readonly others: Interpolation;
  /** Own rows that the prediction no longer has are gone for this player: no rule of the game's says otherwise. */
  readonly hidesOwn: boolean;
  /** Ids of the own rows in the order that is drawn; the count is -1 where the order must be made anew. */
  ownIds: Int32Array;
  ownCount: number;
  /** By id: per continuous field how far it is drawn from where it is, then the milliseconds for which it still is. */
  readonly offsets: Map<number, Float64Array>;
  /** By id, before a correction: what was drawn, the cut counter, and the offsets. */
  readonly before: Map<number, Float64Array>;
  readonly spawns: Spawns;
}

export class View implements ViewHost {
  readonly tables: readonly ViewRows[];
  seat = 0;
  /** The fractional tick that others are drawn at. */
  tick = 0;
  /** The fractional tick that own rows are drawn at. */
  ownTick = 0;
  /** Largest correction that was shown so far, in field units. */
  largestCorrection = 0;
  readonly #types: readonly DrawnType[];
  readonly #byName: ReadonlyMap<string, ViewRows>;
  #predicts = false;
  #olderTick = NO_PAIR;
  #newerTick = NO_PAIR;
  #decayedAt: Millis = 0;

  constructor(schema: GameSchema, customRules: readonly boolean[]) {
    this.#types = schema.rows.map((row, t) => {
      const rows = new ViewRows(row, this);
      return {
        rows,
        others: new Interpolation(rows, schema.tickRate),
        hidesOwn: t > 1 && customRules[t] !== true,
        ownIds: new Int32Array(16),
        ownCount: -1,
        offsets: new Map(),
        before: new Map(),
        spawns: new Spawns(
          t,
          schema.tickRate,
          rows.continuous.map(({ at }) => at),
        ),
      };
    });
    this.tables = this.#types.map(({ rows }) => rows);
    this.#byName = new Map(this.tables.map((rows) => [rows.schema.name, rows]));
  }

  rowOf(type: string, id: number): ViewRow | undefined {
    return this.#byName.get(type)?.get(id);
  }

  clear(): void {
    this.#olderTick = NO_PAIR;
    this.#newerTick = NO_PAIR;
    for (const { rows, others, offsets } of this.#types) {
      rows.clear();
      others.clear();
      offsets.clear();
    }
    this.#reorder();
  }

  /**
   * Fills the view. `older` and `newer` are the snapshots around `tick`; `newer` is undefined past the newest. Snapshots of the same
   * ticks are taken for the same snapshots until `clear`.
   */
  draw(
    now: Millis,
    tick: number,
    older: Replica | undefined,
    newer: Replica | undefined,
    predictor: Predictor<never> | undefined,
    ownTick: number,
  ): void {
    const lastTick = this.tick;
    this.tick = tick;
    this.ownTick = ownTick;
    this.#decay(now);
    this.#pair(lastTick, older, newer);
    if (this.#predicts !== (predictor !== undefined)) {
      this.#predicts = predictor !== undefined;
      this.#reorder();
    }
    for (let t = 0; t < this.#types.length; t++) {
      const type = this.#types[t] as DrawnType;
      const own = predictor === undefined ? undefined : predictedRows(predictor, t);
      if (ownChanged(type, own)) this.#order(type, t, own, predictor);
      type.others.draw(tick, newer?.tables[t]);
      if (predictor !== undefined && own !== undefined) this.#drawOwn(type, t, own, predictor);
    }
  }

  #pair(lastTick: number, older: Replica | undefined, newer: Replica | undefined): void {
    const olderTick = older?.tick ?? NO_SNAPSHOT;
    const newerTick = newer?.tick ?? NO_SNAPSHOT;
    if (olderTick === this.#olderTick && newerTick === this.#newerTick) return;
    // Nothing drawn that long ago may stay: its id may be another's by now [X4].
    if (olderTick - this.#olderTick > HELD_WINDOW_TICKS) {
      for (const { rows, others } of this.#types) {
        rows.clear();
        others.clear();
      }
      this.#reorder();
    }
    this.#olderTick = olderTick;
    this.#newerTick = newerTick;
    for (let t = 0; t < this.#types.length; t++) {
      const type = this.#types[t] as DrawnType;
      if (type.others.pair(this.tick, lastTick, older?.tables[t], olderTick, newer?.tables[t], newerTick))
        type.ownCount = -1;
    }
  }

  #reorder(): void {
    for (let t = 0; t < this.#types.length; t++) (this.#types[t] as DrawnType).ownCount = -1;
  }

  /** Merges own and others' rows in id order. An own row takes the place of what others hold of it. */
  #order(type: DrawnType, t: number, own: RowSet | undefined, predictor: Predictor<never> | undefined): void {
    const { rows } = type;
    const { words, others } = rows;
    const { stride } = rows.schema;
    const ownCount = own?.count ?? 0;
    const hides = type.hidesOwn && this.#predicts;
    const order = rows.newOrder(others + ownCount);
    let count = 0;
    let o = 0;
    let ownId = own !== undefined && ownCount > 0 ? own.id(0) : NO_ID;
    for (let slot = 0; slot < others; slot++) {
      const at = slot * stride;
      const id = words[at + ID] as number;
      let predicted = false;
      while (own !== undefined && ownId <= id) {
        predicted = ownId === id;
        order[count++] = others + o++;
        ownId = o < ownCount ? own.id(o) : NO_ID;
      }
      if (predicted || (hides && words[at + OWNER] === this.seat)) continue;
      if (!type.hidesOwn && t > 1 && predictor !== undefined && isTakenBack(predictor, t, words, at))
        continue;
      order[count++] = slot;
    }
    while (o < ownCount) order[count++] = others + o++;
    rows.count = count;
    if (type.ownIds.length < ownCount) type.ownIds = new Int32Array(2 * ownCount);
    for (let i = 0; i < ownCount; i++) type.ownIds[i] = own?.id(i) ?? 0;
    type.ownCount = ownCount;
  }

  #drawOwn(type: DrawnType, t: number, own: RowSet, predictor: Predictor<never>): void {
    const { rows, offsets } = type;
    const { stride } = rows.schema;
    const before = predictor.at(predictor.tick - 1)?.tables[t];
    const share = this.#ownShare(predictor);
    rows.reserve(rows.others + own.count);
    const { words } = rows;
    for (let i = 0; i < own.count; i++) {
      const at = i * stride;
      const slot = rows.others + i;
      for (let word = 0; word < stride; word++) words[slot * stride + word] = own.data[at + word] ?? 0;
      const from = ownOffset(before, own, at);
      const correction = offsets.size === 0 ? undefined : offsets.get(own.id(i));
      for (let f = 0; f < rows.continuous.length; f++) {
        const field = rows.continuous[f] as Continuous;
        let value = ownValue(field, before, from, own, at, share);
        if (correction !== undefined) {
          value += correction[f] ?? 0;
          if (field.kind === 'turn') value = wrapTurn(value);
        }
        (rows.drawn[f] as Float64Array)[slot] = value;
      }
    }
  }

  #ownShare(predictor: Predictor<never>): number {
    return Math.max(0, Math.min(1, this.ownTick - predictor.tick + 1));
  }

  /** Remembers what is drawn, before rows are corrected. */
  beforeCorrection(predictor: Predictor<never>): void {
    this.#types.forEach((type, t) => {
      const own = predictedRows(predictor, t);
      if (own !== undefined) type.spawns.remember(predictor, own);
    });
    this.#eachOwn(predictor, (type, id, cut, predicted) => {
      const { continuous } = type.rows;
      const drawn = type.before.get(id) ?? new Float64Array(2 * (continuous.length + 1));
      type.before.set(id, drawn);
      const offsets = type.offsets.get(id);
      for (const field of continuous) drawn[field.index] = predicted(field) + (offsets?.[field.index] ?? 0);
      drawn[continuous.length] = cut;
      const formerAt = continuous.length + 1;
      for (let i = 0; i < formerAt; i++) drawn[formerAt + i] = offsets?.[i] ?? 0;
    });
  }

  /** Keeps the picture where it was: the difference becomes an offset that decays. */
  afterCorrection(predictor: Predictor<never>): void {
    // What a row was off by is in what was drawn of it; one that is gone leaves nothing to who has its id next.
    for (const { offsets } of this.#types) offsets.clear();
    this.#eachOwn(predictor, (type, id, cut, predicted, own, index) => {
      const { continuous } = type.rows;
      const drawn = type.before.get(type.spawns.former(predictor, own, index));
      if (drawn === undefined) return;
      const sameCut = drawn[continuous.length] === cut;
      const formerAt = continuous.length + 1;
      const offsets = new Float64Array(continuous.length + 1);
      let visible = false;
      let jumped = false;
      for (const field of continuous) {
        const off = sameCut ? difference(field, drawn[field.index] ?? 0, predicted(field)) : 0;
        // Where nothing was corrected, what is left of an earlier correction fades as it would have.
        const former = drawn[formerAt + field.index] ?? 0;
        if (Math.abs(off - former) > field.step * SETTLED) jumped = true;
        offsets[field.index] = off;
        if (Math.abs(off) > field.step * SETTLED) visible = true;
        this.largestCorrection = Math.max(this.largestCorrection, Math.abs(off));
      }
      offsets[continuous.length] = jumped ? CORRECTION_MS : (drawn[formerAt + continuous.length] ?? 0);
      if (visible) type.offsets.set(id, offsets);
    });
    for (const { before } of this.#types) before.clear();
  }

  /** `predicted` gives a field between the last two predicted ticks, without correction. */
  #eachOwn(
    predictor: Predictor<never>,
    visit: (
      type: DrawnType,
      id: number,
      cut: number,
      predicted: (field: Continuous) => number,
      own: RowSet,
      index: number,
    ) => void,
  ): void {
    const share = this.#ownShare(predictor);
    this.#types.forEach((type, t) => {
      const own = predictedRows(predictor, t);
      const before = predictor.at(predictor.tick - 1)?.tables[t];
      const { stride, cutAt } = type.rows.schema;
      for (let i = 0; own !== undefined && i < own.count; i++) {
        const at = i * stride;
        const from = ownOffset(before, own, at);
        const predicted = (field: Continuous): number => ownValue(field, before, from, own, at, share);
        visit(type, own.id(i), own.data[at + cutAt] ?? 0, predicted, own, i);
      }
    });
  }

  #decay(now: Millis): void {
    const elapsed = Math.max(0, now - this.#decayedAt);
    this.#decayedAt = now;
    for (let t = 0; t < this.#types.length; t++) {
      const type = this.#types[t] as DrawnType;
      if (type.others.eases) type.others.fade(elapsed);
      if (type.offsets.size > 0) decayOffsets(type, elapsed);
    }
  }
}

/** The rows that the prediction marks as its own after its newest tick, in id order. */
function predictedRows(predictor: Predictor<never>, t: number): RowSet | undefined {
  return predictor.at(predictor.tick)?.tables[t];
}

function ownChanged(type: DrawnType, own: RowSet | undefined): boolean {
  if (type.ownCount !== (own?.count ?? 0)) return true;
  for (let i = 0; i < type.ownCount; i++) if (type.ownIds[i] !== own?.id(i)) return true;
  return false;
}

/** Offset of the row as it was a tick before, -1 where nothing may be drawn in between. */
function ownOffset(before: RowSet | undefined, own: RowSet, at: number): number {
  const { cutAt } = own.schema;
  const from = before?.offsetOf(own.data[at + ID] ?? 0) ?? -1;
  return from >= 0 && before?.data[from + cutAt] === own.data[at + cutAt] ? from : -1;
}

function ownValue(
  field: Continuous,
  before: RowSet | undefined,
  from: number,
  own: RowSet,
  at: number,
  share: number,
): number {
  const value = drawnValue(field, own.data[at + field.at] ?? 0);
  if (from < 0 || before === undefined) return value;
  const last = drawnValue(field, before.data[from + field.at] ?? 0);
  return along(field, last, difference(field, value, last), share);
}

/** Corrections fade; those that nobody can see any more are forgotten. */
function decayOffsets({ rows, offsets }: DrawnType, elapsed: Millis): void {
  const time = rows.continuous.length;
  for (const [id, values] of offsets) {
    const left = values[time] ?? 0;
    const rest = Math.max(0, left - elapsed);
    const share = rest / left;
    let visible = false;
    for (const field of rows.continuous) {
      const off = (values[field.index] ?? 0) * share * share * share;
      values[field.index] = off;
      if (Math.abs(off) > field.step * SETTLED) visible = true;
    }
    values[time] = rest;
    if (!visible) offsets.delete(id);
  }
}
