// The view, drawn the plain way: every row anew in every frame, one value at a time. What the client draws must be the same, bit for bit.

import type { GameSchema, Replica } from '@tickwire/netcode/internal';
import { RowSet } from '@tickwire/netcode/internal';
import type { Predictor } from '../../packages/netcode/src/client/prediction.ts';
import { floatOf } from '../../packages/netcode/src/simulation/float.ts';
import { type FieldLayout, ID, MARK, OWNER, type RowSchema } from '../../packages/netcode/src/wire/schema.ts';

const EXTRAPOLATE_MS = 250;
const CORRECTION_MS = 240;
const SETTLED = 0.01;
const FORGET_TICKS = 256;
const YOUNG_TICKS = 64;
const LATE_MS = 250;

export interface DrawnRow {
  readonly words: Int32Array;
  readonly predicted: boolean;
  /** Continuous fields by name. */
  readonly numbers: Map<string, number>;
}

type Numbers = Map<string, number>;

interface BeforeCorrection {
  readonly numbers: Numbers;
  readonly offsets: Numbers | undefined;
  readonly left: number;
  readonly cut: number;
  readonly words: Int32Array;
  /** Tick of its spawn, -1 for long ago. */
  readonly born: number;
}

export const continuousOf = (schema: RowSchema): FieldLayout[] =>
  schema.fields.filter(
    ({ name, field }) =>
      !name.startsWith('$') && !field.local && ['grid', 'angle', 'f32'].includes(field.kind),
  );

export class PlainView {
  seat = 0;
  tables: DrawnRow[][] = [];
  readonly #schema: GameSchema;
  readonly #customRules: readonly boolean[];
  #held: RowSet[] | undefined;
  #pair = '';
  #olderTick = 0;
  #tick = 0;
  #ownTick = 0;
  #decayedAt = 0;
  readonly #offsets: Map<number, Numbers>[];
  /** Milliseconds for which an offset is still seen. */
  readonly #left: Map<number, number>[];
  readonly #before: Map<number, BeforeCorrection>[];

  constructor(schema: GameSchema, customRules: readonly boolean[]) {
    this.#schema = schema;
    this.#customRules = customRules;
    this.#offsets = schema.rows.map(() => new Map());
    this.#left = schema.rows.map(() => new Map());
    this.#before = schema.rows.map(() => new Map());
  }

  clear(): void {
    this.#held = undefined;
    this.#pair = '';
    for (const offsets of this.#offsets) offsets.clear();
  }

  draw(
    now: number,
    tick: number,
    older: Replica,
    newer: Replica | undefined,
    predictor: Predictor<never> | undefined,
    ownTick: number,
  ): void {
    this.#tick = tick;
    this.#ownTick = ownTick;
    this.#decay(now);
    const pair = `${older.tick} ${newer?.tick}`;
    if (pair !== this.#pair) {
      if (older.tick - this.#olderTick > FORGET_TICKS) this.#held = undefined;
      this.#held = older.tables.map((past, t) => freshest(this.#held?.[t], past, newer?.tables[t]));
      this.#pair = pair;
      this.#olderTick = older.tick;
    }
    this.tables = this.#schema.rows.map((schema, t) => {
      const rows = new Map<number, DrawnRow>();
      const held = this.#held?.[t] as RowSet;
      for (let i = 0; i < held.count; i++) {
        const words = rowOf(held, i);
        const gone = predictor !== undefined && t > 1 && !this.#customRules[t] && words[OWNER] === this.seat;
        if (!gone) rows.set(held.id(i), this.#other(schema, words, newer?.tables[t]));
      }
      for (const words of ownRows(predictor, t))
        rows.set(words[ID] ?? 0, this.#own(schema, t, words, predictor as Predictor<never>));
      return [...rows.values()].sort((a, b) => (a.words[ID] ?? 0) - (b.words[ID] ?? 0));
    });
  }

  #other(schema: RowSchema, words: Int32Array, newer: RowSet | undefined): DrawnRow {
    const numbers: Numbers = new Map();
    const found = newer?.find(words[ID] ?? 0) ?? -1;
    const next = found < 0 ? undefined : rowOf(newer as RowSet, found);
    const held = words[MARK] ?? 0;
    const cut = next !== undefined && next[schema.cutAt] !== words[schema.cutAt];
    const span = (next?.[MARK] ?? held) - held;
    for (const layout of continuousOf(schema)) {
      const { name, at } = layout;
      if (next === undefined || cut || span <= 0) {
        const limit = (EXTRAPOLATE_MS * this.#schema.tickRate) / 1000;
        const ahead = cut ? 0 : Math.max(0, Math.min(limit, this.#tick - held));
        numbers.set(name, moved(layout, words, ahead));
      } else {
        const share = Math.max(0, Math.min(1, (this.#tick - held) / span));
        numbers.set(name, blend(layout, value(layout, words[at] ?? 0), value(layout, next[at] ?? 0), share));
      }
    }
    return { words, predicted: false, numbers };
  }

  #own(schema: RowSchema, t: number, words: Int32Array, predictor: Predictor<never>): DrawnRow {
    const numbers = this.#ownNumbers(schema, t, words, predictor);
    const offsets = this.#offsets[t]?.get(words[ID] ?? 0);
    if (offsets !== undefined) {
      for (const { name, field } of continuousOf(schema)) {
        const drawn = (numbers.get(name) ?? 0) + (offsets.get(name) ?? 0);
        numbers.set(name, field.kind === 'angle' ? wrap(drawn) : drawn);
      }
    }
    return { words, predicted: true, numbers };
  }

  #ownNumbers(schema: RowSchema, t: number, words: Int32Array, predictor: Predictor<never>): Numbers {
    const before = predictor.at(predictor.tick - 1)?.tables[t];
    const found = before?.find(words[ID] ?? 0) ?? -1;
    const last = found < 0 ? undefined : rowOf(before as RowSet, found);
    const share = Math.max(0, Math.min(1, this.#ownTick - predictor.tick + 1));
    const numbers: Numbers = new Map();
    for (const layout of continuousOf(schema)) {
      const now = value(layout, words[layout.at] ?? 0);
      const still = last === undefined || last[schema.cutAt] !== words[schema.cutAt];
      numbers.set(layout.name, still ? now : blend(layout, value(layout, last[layout.at] ?? 0), now, share));
    }
    return numbers;
  }

  beforeCorrection(predictor: Predictor<never>): void {
    this.#schema.rows.forEach((schema, t) => {
      for (const words of ownRows(predictor, t)) {
        const numbers = this.#ownNumbers(schema, t, words, predictor);
        const offsets = this.#offsets[t]?.get(words[ID] ?? 0);
        for (const [name, number] of numbers) numbers.set(name, number + (offsets?.get(name) ?? 0));
        const born = bornAt(predictor, t, words[ID] ?? 0, predictor.tick - YOUNG_TICKS);
        const left = this.#left[t]?.get(words[ID] ?? 0) ?? 0;
        const cut = words[schema.cutAt] ?? 0;
        this.#before[t]?.set(words[ID] ?? 0, { numbers, offsets, left, cut, words, born });
      }
    });
  }

  afterCorrection(predictor: Predictor<never>): void {
    this.#schema.rows.forEach((schema, t) => {
      this.#offsets[t]?.clear();
      for (const words of ownRows(predictor, t)) {
        const id = words[ID] ?? 0;
        const drawn = this.#former(schema, t, words, predictor);
        if (drawn === undefined) continue;
        const numbers = this.#ownNumbers(schema, t, words, predictor);
        const offsets: Numbers = new Map();
        const former = drawn.offsets;
        let jumped = former === undefined;
        for (const { name, field } of continuousOf(schema)) {
          const off = (drawn.numbers.get(name) ?? 0) - (numbers.get(name) ?? 0);
          const shown = drawn.cut === words[schema.cutAt] ? off : 0;
          const kept = field.kind === 'angle' ? wrap(shown) : shown;
          if (Math.abs(kept - (former?.get(name) ?? 0)) > field.step * SETTLED) jumped = true;
          offsets.set(name, kept);
        }
        this.#left[t]?.set(id, jumped ? CORRECTION_MS : drawn.left);
        this.#keepVisible(t, id, offsets);
      }
    });
    for (const before of this.#before) before.clear();
  }

  /** [E6]: what flies as one did before the correction is that one; else the one with the same id, unless it was spawned much later. */
  #former(
    schema: RowSchema,
    t: number,
    words: Int32Array,
    predictor: Predictor<never>,
  ): BeforeCorrection | undefined {
    const before = this.#before[t] as ReadonlyMap<number, BeforeCorrection>;
    const same = before.get(words[ID] ?? 0);
    const young = [...before.values()].filter(({ born }) => born >= 0);
    const twins = young.filter((one) => continuousOf(schema).every(({ at }) => one.words[at] === words[at]));
    if (twins.length > 0) return twins.find((one) => one === same) ?? twins[0];
    const born = bornAt(predictor, t, words[ID] ?? 0, predictor.settled);
    const late = Math.ceil((LATE_MS * this.#schema.tickRate) / 1000);
    return same !== undefined && same.born >= 0 && born - same.born > late ? undefined : same;
  }

  #keepVisible(t: number, id: number, offsets: Numbers): void {
    const visible = continuousOf(this.#schema.rows[t] as RowSchema).some(
      ({ name, field }) => Math.abs(offsets.get(name) ?? 0) > field.step * SETTLED,
    );
    if (visible) this.#offsets[t]?.set(id, offsets);
    else this.#offsets[t]?.delete(id);
  }

  #decay(now: number): void {
    const elapsed = Math.max(0, now - this.#decayedAt);
    this.#decayedAt = now;
    this.#offsets.forEach((table, t) => {
      for (const [id, offsets] of [...table]) {
        const left = this.#left[t]?.get(id) ?? 0;
        const rest = Math.max(0, left - elapsed);
        const share = rest / left;
        this.#left[t]?.set(id, rest);
        for (const [name, offset] of offsets) offsets.set(name, offset * share * share * share);
        this.#keepVisible(t, id, offsets);
      }
    });
  }
}

/** [V3]: of each row the copy with the highest held tick; a row that `past` lacks stays while `next` has it. */
function freshest(held: RowSet | undefined, past: RowSet, next: RowSet | undefined): RowSet {
  const copies = new Map<number, Int32Array>();
  for (let i = 0; i < (held?.count ?? 0); i++) {
    const row = rowOf(held as RowSet, i);
    const id = row[ID] ?? 0;
    if (past.find(id) >= 0 || (next !== undefined && next.find(id) >= 0)) copies.set(id, row);
  }
  for (let i = 0; i < past.count; i++) {
    const row = rowOf(past, i);
    const kept = copies.get(past.id(i));
    if (kept === undefined || (kept[MARK] ?? 0) <= (row[MARK] ?? 0)) copies.set(past.id(i), row);
  }
  const rows = new RowSet(past.schema);
  for (const id of [...copies.keys()].sort((a, b) => a - b)) rows.push(copies.get(id) as Int32Array, 0);
  return rows;
}

const rowOf = ({ data, schema: { stride } }: RowSet, index: number): Int32Array =>
  data.slice(index * stride, (index + 1) * stride);

/** The first tick from which on a row was predicted, -1 when that is `from` or before, or not known. */
function bornAt(predictor: Predictor<never>, t: number, id: number, from: number): number {
  for (let tick = predictor.tick - 1; tick >= from; tick--) {
    const rows = predictor.at(tick)?.tables[t];
    if (rows === undefined) return -1;
    if (rows.find(id) < 0) return tick + 1;
  }
  return -1;
}

/** The marked rows of the predicted world. */
function ownRows(predictor: Predictor<never> | undefined, t: number): Int32Array[] {
  const table = predictor?.world.table(t);
  const found: Int32Array[] = [];
  for (let i = 0; table !== undefined && i < table.count; i++) {
    const at = table.offset(i);
    if (table.data[at + MARK] === 1) found.push(table.data.slice(at, at + table.schema.stride));
  }
  return found;
}

const value = ({ field }: FieldLayout, word: number): number =>
  field.kind === 'f32' ? floatOf(word) : word * field.step;

function moved(layout: FieldLayout, words: Int32Array, ticks: number): number {
  const { field, at, followsAt, followsFactor } = layout;
  const word = words[at] ?? 0;
  if (followsAt < 0 || ticks === 0) return value(layout, word);
  const there = word + (words[followsAt] ?? 0) * followsFactor * ticks;
  return Math.max(field.lo, Math.min(field.hi, there)) * field.step;
}

function blend({ field }: FieldLayout, from: number, to: number, share: number): number {
  if (field.kind !== 'angle') return from + (to - from) * share;
  return wrap(from + wrap(to - from) * share);
}

function wrap(angle: number): number {
  const turn = 2 * Math.PI;
  return angle - Math.floor((angle + Math.PI) / turn) * turn;
}
