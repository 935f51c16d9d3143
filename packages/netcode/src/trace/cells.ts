/** What two recorded ticks differ in: entities that one side lacks, owners, fields, control words. */

import { MARK, OWNER } from '../wire/schema.ts';
import {
  entityName,
  formatValue,
  isNumeric,
  numberOf,
  type TraceField,
  type TraceHeader,
} from './description.ts';
import type { TraceTick } from './recording.ts';
import { findRow, type Rows } from './rows.ts';

/** One value that differs. `left` is the client's, or the first server's. */
export interface Cell {
  readonly type: string;
  /** Entity id; a seat for control words. */
  readonly id: number;
  readonly owner: number;
  /** Field name; `exists`, `owner`, or the name of a control word. */
  readonly field: string;
  readonly what: 'exists' | 'owner' | 'field' | 'control';
  /** In game units, as text. */
  readonly left: string;
  readonly right: string;
  /** Right's value a tick before, as text and as a number; undefined where there is none. */
  readonly beforeText: string | undefined;
  readonly before: number | undefined;
  /** As numbers; undefined for texts, lists and the like. */
  readonly leftNumber: number | undefined;
  readonly rightNumber: number | undefined;
  /** Left minus right in grid steps; undefined for what has no order. */
  readonly steps: number | undefined;
  readonly layout: TraceField | undefined;
  /** The server wrote it where only the server runs. */
  readonly alone: boolean;
}

/** More than this many differences are as good as all. */
const MOST_CELLS = 48;

/** `players` and `room` come first in every game and are never predicted. */
export const FIRST_ENTITY_TYPE = 2;

/** The differences of one tick, those first that others follow from: what exists, who owns it, rates before what they move. */
export class CellFinder {
  readonly #header: TraceHeader;
  /** The client's seat; 0 when both sides are servers. */
  readonly #seat: number;

  constructor(header: TraceHeader, seat: number) {
    this.#header = header;
    this.#seat = seat;
  }

  /** `leftBefore` and `rightBefore` are the ticks before, where they are known. */
  find(left: TraceTick, right: TraceTick, leftBefore?: TraceTick, rightBefore?: TraceTick): Cell[] {
    return this.compare(left.tables, left.controls, right, leftBefore, rightBefore);
  }

  compare(
    tables: readonly Rows[],
    controls: Int32Array,
    right: TraceTick,
    leftBefore?: TraceTick,
    rightBefore?: TraceTick,
  ): Cell[] {
    const cells: Cell[] = [];
    const from = this.#seat > 0 ? FIRST_ENTITY_TYPE : 0;
    for (let t = from; t < this.#header.types.length && cells.length < MOST_CELLS; t++)
      this.#type(cells, t, tables[t] as Rows, right, leftBefore?.tables[t], rightBefore?.tables[t]);
    this.#controls(cells, controls, right);
    return cells.sort((a, b) => rank(a, cells) - rank(b, cells));
  }

  #type(
    cells: Cell[],
    t: number,
    left: Rows,
    right: TraceTick,
    leftBefore: Rows | undefined,
    rightBefore: Rows | undefined,
  ): void {
    const type = this.#header.types[t];
    const rows = right.tables[t];
    if (type === undefined || rows === undefined) return;
    const { stride, name } = type;
    const was = (id: number): boolean => rightBefore !== undefined && findRow(stride, rightBefore, id) >= 0;
    let i = 0;
    let j = 0;
    while ((i < left.count || j < rows.count) && cells.length < MOST_CELLS) {
      const l = i * stride;
      const r = j * stride;
      const leftId = i < left.count ? (left.data[l] ?? 0) : Number.POSITIVE_INFINITY;
      const rightId = j < rows.count ? (rows.data[r] ?? 0) : Number.POSITIVE_INFINITY;
      const id = Math.min(leftId, rightId);
      const alone = right.alone.get(`${t} ${id}`);
      if (leftId < rightId) {
        i++;
        cells.push(existence(name, id, left.data[l + OWNER] ?? 0, true, alone?.length === 0, was(id)));
      } else if (rightId < leftId) {
        j++;
        if (this.#isMissed(t, id, rows.data[r + OWNER] ?? 0, leftBefore, rightBefore))
          cells.push(existence(name, id, rows.data[r + OWNER] ?? 0, false, alone?.length === 0, was(id)));
      } else {
        i++;
        j++;
        if (!differ(stride, left.data, l, rows.data, r)) continue;
        this.#row(cells, t, left.data, l, rows.data, r, rightBefore, alone);
      }
    }
  }

  /** Whether the client should have had this row: it is the player's own, or the client predicted it a tick before. */
  #isMissed(
    t: number,
    id: number,
    owner: number,
    leftBefore: Rows | undefined,
    rightBefore: Rows | undefined,
  ): boolean {
    if (this.#seat === 0) return true;
    const type = this.#header.types[t];
    if (type === undefined || owner !== this.#seat) return false;
    if (!type.ruled) return true;
    if (leftBefore !== undefined && findRow(type.stride, leftBefore, id) >= 0) return true;
    return (
      Math.floor(id / 65536) === this.#seat &&
      rightBefore !== undefined &&
      findRow(type.stride, rightBefore, id) < 0
    );
  }

  #row(
    cells: Cell[],
    t: number,
    left: Int32Array,
    l: number,
    right: Int32Array,
    r: number,
    rightBefore: Rows | undefined,
    alone: readonly number[] | undefined,
  ): void {
    const type = this.#header.types[t];
    if (type === undefined) return;
    const id = left[l] ?? 0;
    const owner = right[r + OWNER] ?? 0;
    const common = { type: type.name, id, owner };
    if (left[l + OWNER] !== owner)
      cells.push({
        ...common,
        field: 'owner',
        what: 'owner',
        left: seatName(left[l + OWNER] ?? 0),
        right: seatName(owner),
        beforeText: undefined,
        before: undefined,
        leftNumber: undefined,
        rightNumber: undefined,
        steps: undefined,
        layout: undefined,
        alone: alone?.length === 0,
      });
    const b = rightBefore === undefined ? -1 : findRow(type.stride, rightBefore, id);
    for (let f = 0; f < type.fields.length; f++) {
      const field = type.fields[f];
      if (field === undefined || field.local || !this.#isTold(field, owner, left[l + field.at] ?? 0))
        continue;
      if (sameWords(field, left, l, right, r)) continue;
      const numeric = isNumeric(field);
      const leftWord = left[l + field.at] ?? 0;
      const rightWord = right[r + field.at] ?? 0;
      cells.push({
        ...common,
        field: field.name,
        what: 'field',
        left: formatValue(field, left, l + field.at),
        right: formatValue(field, right, r + field.at),
        beforeText:
          rightBefore !== undefined && b >= 0
            ? formatValue(field, rightBefore.data, b + field.at)
            : undefined,
        before:
          numeric && rightBefore !== undefined && b >= 0
            ? numberOf(field, rightBefore.data[b + field.at] ?? 0)
            : undefined,
        leftNumber: numeric ? numberOf(field, leftWord) : undefined,
        rightNumber: numeric ? numberOf(field, rightWord) : undefined,
        steps: numeric && field.kind !== 'f32' ? stepsBetween(field, leftWord, rightWord) : undefined,
        layout: field,
        alone: alone !== undefined && (alone.length === 0 || alone.includes(f)),
      });
    }
  }

  /** Whether the client is sent this field of a row. */
  #isTold(field: TraceField, owner: number, word: number): boolean {
    if (this.#seat === 0) return true;
    if (field.audience !== 'all' && owner !== this.#seat) return false;
    const target =
      field.kind === 'ref' ? this.#header.types.find(({ name }) => name === field.target) : undefined;
    return target?.hidden !== true || word !== 0;
  }

  #controls(cells: Cell[], controls: Int32Array, right: TraceTick): void {
    const { controls: names, seats } = this.#header;
    const own = this.#seat > 0;
    for (let seat = own ? this.#seat : 0; seat <= (own ? this.#seat : seats); seat++) {
      for (let i = 0; i < names.length; i++) {
        const left = controls[(own ? 0 : seat * names.length) + i] ?? 0;
        const now = right.controls[seat * names.length + i] ?? 0;
        if (left === now) continue;
        cells.push({
          type: 'seat',
          id: seat,
          owner: seat,
          field: names[i] ?? '',
          what: 'control',
          left: String(left),
          right: String(now),
          beforeText: undefined,
          before: undefined,
          leftNumber: left,
          rightNumber: now,
          steps: left - now,
          layout: undefined,
          alone: false,
        });
      }
    }
  }
}

export function nameOf(cell: Pick<Cell, 'type' | 'id' | 'what'>): string {
  return cell.what === 'control' ? `seat ${cell.id}` : `${cell.type} ${entityName(cell.id)}`;
}

export const seatName = (seat: number): string => (seat === 0 ? 'the server' : `seat ${seat}`);

/** Fields by the order in which they usually follow from each other: what moves comes after its rate, if that differs too. */
function rank(cell: Cell, cells: readonly Cell[]): number {
  if (cell.alone) return 6;
  if (cell.what === 'exists') return 0;
  if (cell.what === 'owner') return 1;
  if (cell.what === 'control') return 5;
  if (cell.field === 'cut()') return 4;
  const rate = cell.layout?.follows;
  const rateDiffers =
    rate != null &&
    cells.some(({ type, id, field }) => type === cell.type && id === cell.id && field === rate);
  return rateDiffers ? 3 : 2;
}

function existence(
  type: string,
  id: number,
  owner: number,
  left: boolean,
  alone: boolean,
  before: boolean,
): Cell {
  return {
    type,
    id,
    owner,
    field: 'exists',
    what: 'exists',
    left: left ? 'exists' : 'does not exist',
    right: left ? 'does not exist' : 'exists',
    beforeText: before ? 'exists' : undefined,
    before: undefined,
    leftNumber: undefined,
    rightNumber: undefined,
    steps: undefined,
    layout: undefined,
    alone,
  };
}

function differ(stride: number, left: Int32Array, l: number, right: Int32Array, r: number): boolean {
  for (let word = 1; word < stride; word++)
    if (word !== MARK && left[l + word] !== right[r + word]) return true;
  return false;
}

function sameWords(field: TraceField, left: Int32Array, l: number, right: Int32Array, r: number): boolean {
  for (let word = field.at; word < field.at + field.words; word++)
    if (left[l + word] !== right[r + word]) return false;
  return true;
}

/** The short way round for angles. */
function stepsBetween(field: TraceField, left: number, right: number): number {
  if (field.kind !== 'angle') return left - right;
  const turn = field.hi - field.lo + 1;
  return ((((left - right + turn / 2) % turn) + turn) % turn) - turn / 2;
}
