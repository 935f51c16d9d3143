/**
 * The predicted set: which rows of a table a client simulates, and how its own copy and the server's rows become one table.
 *
 * A row is in the set at a tick when the game's `predict` rule holds for it after that tick; its mark says so. All other rows are what
 * the newest snapshot says of them, moved on to the tick by the rates that they follow.
 */

import { moved } from '../replication/rows/rowcodec.ts';
import type { Row } from '../simulation/entity.ts';
import { RowSet, sameSentRow } from '../simulation/rows.ts';
import type { Table } from '../simulation/table.ts';
import { isPredicted, type WorldCore } from '../simulation/world.ts';
import type { RunNote } from '../trace/index.ts';
import { type FieldLayout, HEADER_WORDS, ID, MARK, OWNER, type RowSchema } from '../wire/schema.ts';

/** The predicted rows and own control words after one tick. */
export interface PredictedTick {
  readonly tables: readonly RowSet[];
  readonly controls: Int32Array;
  /** What the game's engine saved. */
  engine: unknown;
  /** The recorder's, if there is one. */
  note?: RunNote;
}

/** Which rows of a type a client predicts; undefined: those that it owns. */
export type PredictRule = ((row: Row, me: number) => boolean) | undefined;

/** What a comparison found; bits of one number. */
export const WRONG = 1;
/** Rows came into the set, or went out of it, by what others or the server did: nothing was predicted wrongly. */
export const REGROUPED = 2;

/** The predicted rows of `world` and the control words of `seat`, in memory that is used again. */
export function keepPredicted(world: WorldCore, seat: number, old: PredictedTick | undefined): PredictedTick {
  const kept = old ?? {
    tables: world.tables.map((table) => new RowSet(table.schema)),
    controls: new Int32Array(world.controlStride),
    engine: undefined,
  };
  for (let t = 0; t < world.tables.length; t++) copyMarked(world.table(t), kept.tables[t] as RowSet);
  const at = seat * world.controlStride;
  for (let i = 0; i < world.controlStride; i++) kept.controls[i] = world.controls[at + i] ?? 0;
  return kept;
}

function copyMarked(table: Table, into: RowSet): void {
  into.clear();
  for (let i = 0; i < table.count; i++) {
    const at = table.offset(i);
    if (table.data[at + MARK] === 1) into.push(table.data, at);
  }
}

/** Compares the predicted rows of a settled tick with the server's. Gives 0, or what there is of WRONG and REGROUPED. */
export function compareMarked(truth: Table, predicted: RowSet, me: number): number {
  const { schema, data } = truth;
  let found = 0;
  let p = 0;
  for (let i = 0; i < truth.count; i++) {
    const at = truth.offset(i);
    const id = data[at + ID] as number;
    // The server has no such row, or this client may not see it any more.
    for (; p < predicted.count && predicted.id(p) < id; p++) found |= changeOf(predicted, p, me);
    const from = p < predicted.count && predicted.id(p) === id ? p++ * schema.stride : -1;
    const marked = data[at + MARK] === 1;
    if (from >= 0 && !sameSentRow(schema, data, at, predicted.data, from)) found |= WRONG;
    else if (from >= 0 !== marked) found |= data[at + OWNER] === me ? WRONG : REGROUPED;
  }
  for (; p < predicted.count; p++) found |= changeOf(predicted, p, me);
  return found;
}

function changeOf(predicted: RowSet, index: number, me: number): number {
  return predicted.data[index * predicted.schema.stride + OWNER] === me ? WRONG : REGROUPED;
}

/**
 * The server's unmarked rows and the client's marked ones, in id order. A row that came into the set, or went out of it, after the
 * settled tick is the client's own: it knows more.
 */
export function mergeMarked(truth: Table, own: Table, into: RowSet): void {
  into.clear();
  let i = 0;
  let j = 0;
  while (i < truth.count || j < own.count) {
    const at = i < truth.count ? truth.offset(i) : -1;
    const ownAt = j < own.count ? own.offset(j) : -1;
    const id = at < 0 ? Infinity : (truth.data[at + ID] as number);
    const ownId = ownAt < 0 ? Infinity : (own.data[ownAt + ID] as number);
    if (id <= ownId) i++;
    if (ownId <= id) j++;
    const settledOwn = id <= ownId && truth.data[at + MARK] === 1;
    const isOwn = ownId <= id && own.data[ownAt + MARK] === 1;
    if (isOwn || (settledOwn && ownId === id)) into.push(own.data, ownAt);
    else if (id <= ownId && !settledOwn) into.push(truth.data, at);
  }
}

/** Fields that are never sent come from what this client had computed for the tick. */
export function adoptLocals(rows: RowSet, predicted: RowSet): void {
  const { schema } = rows;
  if (!schema.fields.some(({ field }) => field.local)) return;
  for (let i = 0; i < rows.count; i++) {
    const from = predicted.offsetOf(rows.id(i));
    if (from < 0) continue;
    for (const { field, at } of schema.fields) {
      if (!field.local) continue;
      for (let word = at; word < at + field.words; word++)
        rows.data[i * schema.stride + word] = predicted.data[from + word] ?? 0;
    }
  }
}

/** Marks the rows of a table anew after its step. A spawned row that its rule leaves out of the set, and the server has not, is gone. */
export function remark(table: Table, truth: Table, me: number, rule: PredictRule): void {
  const { data, schema } = table;
  for (let i = table.count - 1; i >= 0; i--) {
    const at = table.offset(i);
    const row = table.at(i) as Row;
    const was = data[at + MARK];
    data[at + MARK] = isPredicted(schema, row, me, rule) ? 1 : 0;
    if (was === 1 && data[at + MARK] === 0 && truth.get(row.id) === undefined) table.removeAt(i);
  }
  table.endTick();
}

/** Moves rows on by the rates that they follow, as the codecs expect them to move. */
export class Course {
  readonly #fields: readonly FieldLayout[];

  constructor(schema: RowSchema) {
    this.#fields = schema.fields.filter(({ followsAt, field }) => followsAt >= 0 && !field.local);
  }

  /** Moves the rows of a table that are not predicted. */
  moveOthers(table: Table, ticks: number): void {
    if (this.#fields.length === 0 || ticks <= 0) return;
    const { data } = table;
    for (let i = 0; i < table.count; i++) {
      const at = table.offset(i);
      if (data[at + MARK] !== 1) this.moveRow(data, at, ticks);
    }
  }

  moveRow(data: Int32Array, at: number, ticks: number): void {
    for (const layout of this.#fields) data[at + layout.at] = moved(layout, data, at, ticks);
  }
}

/**
 * Brings rows that their snapshot left as they were, held since an earlier tick, to its own. What they are then is not known: a
 * predicted one stays as it was predicted, any other one moves on.
 */
export function bringUp(
  table: Table,
  held: RowSet,
  tick: number,
  predicted: RowSet | undefined,
  course: Course,
  mostTicks: number,
): void {
  const { stride } = table.schema;
  for (let i = 0; i < held.count; i++) {
    const age = tick - (held.data[i * stride + MARK] as number);
    if (age === 0) continue;
    const at = table.offset(i);
    const from = table.data[at + MARK] === 1 ? (predicted?.offsetOf(held.id(i)) ?? -1) : -1;
    if (from < 0 || predicted === undefined) course.moveRow(table.data, at, Math.min(age, mostTicks));
    else
      for (let word = HEADER_WORDS; word < stride; word++)
        table.data[at + word] = predicted.data[from + word] as number;
  }
}
