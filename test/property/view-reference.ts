// The view, drawn the plain way: every row anew in every frame, one value at a time. What the client draws must be the same, bit for bit.

import type { GameSchema, Replica } from '@tickwire/netcode/internal';
import { RowBlend, RowSet } from '@tickwire/netcode/internal';
import type { Predictor } from '../../packages/netcode/src/client/prediction.ts';
import { floatOf } from '../../packages/netcode/src/simulation/float.ts';
import { type FieldLayout, ID, MARK, OWNER, type RowSchema } from '../../packages/netcode/src/wire/schema.ts';

const EASE_MS = 25;
const MOST_EASED_MS = 250;
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

/** Differences that fade, by continuous field: in field units, and in field units per ms. */
interface Eased {
  readonly offsets: number[];
  readonly speeds: number[];
}

interface Pair {
  readonly rows: RowSet;
  readonly next: RowSet | undefined;
  readonly nextTick: number;
}

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
  #drawnAt = Number.NEGATIVE_INFINITY;
  /** What was paired last, by type. */
  #pairs: Pair[] | undefined;
  readonly #eased: Map<number, Eased>[];
  readonly #blends: readonly RowBlend[];
  readonly #offsets: Map<number, Numbers>[];
  /** Milliseconds for which an offset is still seen. */
  readonly #left: Map<number, number>[];
  readonly #before: Map<number, BeforeCorrection>[];

  constructor(schema: GameSchema, customRules: readonly boolean[]) {
    this.#schema = schema;
    this.#customRules = customRules;
    this.#blends = schema.rows.map((row) => new RowBlend(row, schema.tickRate));
    this.#eased = schema.rows.map(() => new Map());
    this.#offsets = schema.rows.map(() => new Map());
    this.#left = schema.rows.map(() => new Map());
    this.#before = schema.rows.map(() => new Map());
  }

  /** Rows of others that are not drawn where they are, since a guess was wrong. */
  get eased(): number {
    return this.#eased.reduce((sum, rows) => sum + rows.size, 0);
  }

  clear(): void {
    this.#forget();
    this.#pair = '';
    for (const offsets of this.#offsets) offsets.clear();
  }

  #forget(): void {
    this.#held = undefined;
    this.#pairs = undefined;
    this.#drawnAt = Number.NEGATIVE_INFINITY;
    for (const rows of this.#eased) rows.clear();
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
      if (older.tick - this.#olderTick > FORGET_TICKS) this.#forget();
      this.#held = older.tables.map((past, t) => freshest(this.#held?.[t], past, newer?.tables[t]));
      const pairs = this.#held.map((rows, t) => ({
        rows,
        next: copied(newer?.tables[t]),
        nextTick: newer?.tick ?? Infinity,
      }));
      const seen = tick - this.#drawnAt <= (MOST_EASED_MS * this.#schema.tickRate) / 1000;
      pairs.forEach((is, t) => {
        if (seen) this.#ease(t, this.#pairs?.[t], is, older.tick);
        else this.#eased[t]?.clear();
      });
      this.#pairs = pairs;
      this.#pair = pair;
      this.#olderTick = older.tick;
    }
    this.#drawnAt = tick;
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
    const t = schema.index;
    const values = this.#between(t, this.#tick, words, copyOf(newer, words[ID] ?? 0));
    const eased = this.#eased[t]?.get(words[ID] ?? 0);
    const numbers: Numbers = new Map();
    continuousOf(schema).forEach(({ name, field }, f) => {
      const offset = eased?.offsets[f] ?? 0;
      const drawn = (values[f] ?? 0) + offset;
      numbers.set(name, offset !== 0 && field.kind === 'angle' ? wrap(drawn) : drawn);
    });
    return { words, predicted: false, numbers };
  }

  /** What a row is drawn as at a tick, by the function that the server uses. */
  #between(t: number, tick: number, words: Int32Array, next: Int32Array | undefined): Float64Array {
    const blend = this.#blends[t] as RowBlend;
    const values = new Float64Array(blend.fields.length);
    blend.draw(values, tick, words, 0, words[MARK] ?? 0, next, 0, next?.[MARK] ?? 0);
    return values;
  }

  /** From one pair of snapshots to the next: what was guessed and is not so fades from now on. */
  #ease(t: number, was: Pair | undefined, is: Pair, pastTick: number): void {
    if (was === undefined || !(this.#eased[t]?.size || was.nextTick > pastTick || hasGuesses(was))) return;
    const old = this.#eased[t] as Map<number, Eased>;
    const { fields } = this.#blends[t] as RowBlend;
    const kept = new Map<number, Eased>();
    for (let i = 0; i < is.rows.count; i++) {
      const words = rowOf(is.rows, i);
      const id = words[ID] ?? 0;
      const before = copyOf(was.rows, id);
      const { cutAt } = is.rows.schema;
      if (before === undefined || before[cutAt] !== words[cutAt]) continue;
      const [wasNext, isNext] = [copyOf(was.next, id), copyOf(is.next, id)];
      const last = old.get(id);
      const offsets = fields.map((_, f) => last?.offsets[f] ?? 0);
      const speeds = fields.map((_, f) => last?.speeds[f] ?? 0);
      const wentTo = wasNext?.[MARK] ?? -1;
      const from = before[MARK] ?? 0;
      if (wentTo <= from ? this.#drawnAt > from : wentTo > (words[MARK] ?? 0)) {
        const ahead = this.#tick + 0.5;
        const [a, b] = [
          this.#between(t, this.#tick, before, wasNext),
          this.#between(t, this.#tick, words, isNext),
        ];
        const [c, d] = [this.#between(t, ahead, before, wasNext), this.#between(t, ahead, words, isNext)];
        fields.forEach((field, f) => {
          const turned = (angle: number): number => (field.kind === 'turn' ? wrap(angle) : angle);
          const off = turned((a[f] ?? 0) - (b[f] ?? 0));
          const later = turned((c[f] ?? 0) - (d[f] ?? 0));
          offsets[f] = (offsets[f] ?? 0) + off;
          speeds[f] = (speeds[f] ?? 0) + turned(later - off) / (0.5 * this.#schema.tickMs);
        });
      }
      kept.set(id, { offsets, speeds });
    }
    this.#eased[t] = kept;
    if (!this.#visible(t)) kept.clear();
  }

  /** Once nobody can see any difference of a type, all of them are forgotten. */
  #visible(t: number): boolean {
    const fields = continuousOf(this.#schema.rows[t] as RowSchema);
    return [...(this.#eased[t]?.values() ?? [])].some(({ offsets, speeds }) =>
      fields.some(
        ({ field }, f) =>
          Math.abs(offsets[f] ?? 0) > field.step * SETTLED ||
          Math.abs(speeds[f] ?? 0) * EASE_MS > field.step * SETTLED,
      ),
    );
  }

  #fade(ms: number): void {
    const share = Math.exp(-ms / EASE_MS);
    this.#eased.forEach((rows, t) => {
      for (const { offsets, speeds } of rows.values())
        offsets.forEach((offset, f) => {
          const pull = (speeds[f] ?? 0) + offset / EASE_MS;
          offsets[f] = (offset + pull * ms) * share;
          speeds[f] = ((speeds[f] ?? 0) - (pull * ms) / EASE_MS) * share;
        });
      if (!this.#visible(t)) rows.clear();
    });
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
    this.#fade(elapsed);
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

function blend({ field }: FieldLayout, from: number, to: number, share: number): number {
  if (field.kind !== 'angle') return from + (to - from) * share;
  return wrap(from + wrap(to - from) * share);
}

function wrap(angle: number): number {
  const turn = 2 * Math.PI;
  return angle - Math.floor((angle + Math.PI) / turn) * turn;
}

/** Whether a row was not on its way to a newer copy. */
function hasGuesses({ rows, next }: Pair): boolean {
  return Array.from({ length: rows.count }, (_, i) => rowOf(rows, i)).some((row) => {
    const copy = copyOf(next, row[ID] ?? 0);
    const { cutAt } = rows.schema;
    return copy === undefined || copy[cutAt] !== row[cutAt] || (copy[MARK] ?? 0) <= (row[MARK] ?? 0);
  });
}

function copyOf(rows: RowSet | undefined, id: number): Int32Array | undefined {
  const found = rows?.find(id) ?? -1;
  return found < 0 ? undefined : rowOf(rows as RowSet, found);
}

function copied(rows: RowSet | undefined): RowSet | undefined {
  if (rows === undefined) return undefined;
  const copy = new RowSet(rows.schema);
  copy.copyFrom(rows);
  return copy;
}
