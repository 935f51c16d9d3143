/** Drawn rows: discrete fields as stored words, continuous ones as off-grid numbers, one accessor object per row. */

import { readText, scalar } from '../simulation/entity.ts';
import { floatOf } from '../simulation/float.ts';
import type { Field } from '../wire/fields.ts';
import { ID, OWNER, type RowSchema } from '../wire/schema.ts';

/** A continuous field: where it lies in the row and in the drawn numbers. */
export interface Continuous {
  readonly at: number;
  readonly index: number;
  readonly kind: 'line' | 'turn' | 'float';
  readonly step: number;
  readonly lo: number;
  readonly hi: number;
  /** Row offset of the rate field, -1 for none, and grid steps per tick per unit of it. */
  readonly followsAt: number;
  readonly followsFactor: number;
}

/** Reads of other rows that a view needs: references lead to drawn rows. */
export interface ViewHost {
  readonly seat: number;
  rowOf(type: string, id: number): ViewRow | undefined;
}

/** What every drawn entity has beside its fields. */
export interface ViewHandle {
  readonly id: number;
  readonly owner: number;
  /** Owned by this client. */
  readonly mine: boolean;
  /** Drawn from prediction, not from the past. */
  readonly predicted: boolean;
}

export class ViewRow implements ViewHandle {
  readonly rows: ViewRows;
  readonly index: number;

  constructor(rows: ViewRows, index: number) {
    this.rows = rows;
    this.index = index;
  }

  get id(): number {
    return this.rows.words[this.index * this.rows.schema.stride + ID] ?? 0;
  }

  get owner(): number {
    return this.rows.words[this.index * this.rows.schema.stride + OWNER] ?? 0;
  }

  get seat(): number {
    return this.owner;
  }

  get mine(): boolean {
    return this.owner === this.rows.host.seat;
  }

  get predicted(): boolean {
    return this.rows.predicted[this.index] === 1;
  }
}

/** The drawn rows of one type, in id order. Filled anew for each frame; objects and arrays are reused. */
export class ViewRows implements Iterable<ViewRow> {
  readonly schema: RowSchema;
  readonly host: ViewHost;
  readonly continuous: readonly Continuous[];
  words: Int32Array;
  numbers: Float64Array;
  predicted: Uint8Array;
  count = 0;
  readonly #objects: ViewRow[] = [];
  readonly #Row: new (
    rows: ViewRows,
    index: number,
  ) => ViewRow;

  constructor(schema: RowSchema, host: ViewHost) {
    this.schema = schema;
    this.host = host;
    this.continuous = continuousFields(schema);
    this.#Row = viewClass(schema, this.continuous);
    this.words = new Int32Array(16 * schema.stride);
    this.numbers = new Float64Array(16 * this.continuous.length);
    this.predicted = new Uint8Array(16);
  }

  /** Appends a row whose discrete fields are those at `from`. Gives its index. */
  push(data: Int32Array, from: number, predicted: boolean): number {
    if (this.count >= this.predicted.length) this.#grow();
    const index = this.count++;
    const { stride } = this.schema;
    const to = index * stride;
    for (let i = 0; i < stride; i++) this.words[to + i] = data[from + i] ?? 0;
    this.predicted[index] = predicted ? 1 : 0;
    return index;
  }

  at(index: number): ViewRow {
    while (this.#objects.length <= index) this.#objects.push(new this.#Row(this, this.#objects.length));
    return this.#objects[index] as ViewRow;
  }

  get(id: number): ViewRow | undefined {
    const { stride } = this.schema;
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.words[middle * stride + ID] ?? 0) < id) low = middle + 1;
      else high = middle;
    }
    return low < this.count && this.words[low * stride + ID] === id ? this.at(low) : undefined;
  }

  *[Symbol.iterator](): Iterator<ViewRow> {
    for (let i = 0; i < this.count; i++) yield this.at(i);
  }

  #grow(): void {
    const size = this.predicted.length * 2;
    const words = new Int32Array(size * this.schema.stride);
    words.set(this.words);
    this.words = words;
    const numbers = new Float64Array(size * this.continuous.length);
    numbers.set(this.numbers);
    this.numbers = numbers;
    const predicted = new Uint8Array(size);
    predicted.set(this.predicted);
    this.predicted = predicted;
  }
}

function continuousFields(schema: RowSchema): Continuous[] {
  const found: Continuous[] = [];
  for (const { field, at, followsAt, followsFactor, name } of schema.fields) {
    if (name.startsWith('$') || !['grid', 'angle', 'f32'].includes(field.kind)) continue;
    const kind = field.kind === 'angle' ? 'turn' : field.kind === 'f32' ? 'float' : 'line';
    found.push({
      at,
      index: found.length,
      kind,
      step: field.step,
      lo: field.lo,
      hi: field.hi,
      followsAt,
      followsFactor,
    });
  }
  return found;
}

/** The stored number as the unit that interpolation works in: the field's own value. */
export function drawnValue(field: Continuous, word: number): number {
  return field.kind === 'float' ? floatOf(word) : word * field.step;
}

/** The value after `ticks` more at the row's own rate. */
export function movedValue(field: Continuous, data: Int32Array, at: number, ticks: number): number {
  const word = data[at + field.at] ?? 0;
  if (field.followsAt < 0 || ticks === 0) return drawnValue(field, word);
  const moved = word + (data[at + field.followsAt] ?? 0) * field.followsFactor * ticks;
  return Math.max(field.lo, Math.min(field.hi, moved)) * field.step;
}

/** Blends two values of a field; angles take the short way round. */
export function blend(field: Continuous, from: number, to: number, t: number): number {
  if (field.kind !== 'turn') return from + (to - from) * t;
  return wrapTurn(from + wrapTurn(to - from) * t);
}

/** An angle in [-pi, pi). */
export function wrapTurn(angle: number): number {
  const turn = 2 * Math.PI;
  return angle - Math.floor((angle + Math.PI) / turn) * turn;
}

function viewClass(
  schema: RowSchema,
  continuous: readonly Continuous[],
): new (
  rows: ViewRows,
  index: number,
) => ViewRow {
  class SchemaViewRow extends ViewRow {}
  const numbers = continuous.length;
  for (const { field, at, name } of schema.fields) {
    if (name.startsWith('$') || field.local) continue;
    const drawn = continuous.find((entry) => entry.at === at);
    const get =
      drawn === undefined
        ? discreteGetter(field, at, `${schema.name}.${name}`)
        : function (this: ViewRow): number {
            return this.rows.numbers[this.index * numbers + drawn.index] ?? 0;
          };
    Object.defineProperty(SchemaViewRow.prototype, name, { enumerable: true, get });
  }
  return SchemaViewRow;
}

function discreteGetter(field: Field, at: number, name: string): (this: ViewRow) => unknown {
  const start = (row: ViewRow): number => row.index * row.rows.schema.stride + at;
  if (field.kind === 'text') return textGetter(field, start);
  if (field.kind === 'ref') {
    return function (this: ViewRow) {
      const id = this.rows.words[start(this)] ?? 0;
      return id === 0 ? undefined : this.rows.host.rowOf(field.target ?? '', id);
    };
  }
  if (field.kind === 'list') {
    const element = scalar(field.element as Field, name);
    return function (this: ViewRow) {
      const from = start(this);
      return Array.from({ length: this.rows.words[from] ?? 0 }, (_, i) =>
        element.read(this.rows.words[from + 1 + i] ?? 0),
      );
    };
  }
  const { read } = scalar(field, name);
  return function (this: ViewRow) {
    return read(this.rows.words[start(this)] ?? 0);
  };
}

/** Texts are decoded once per content, not once per frame. */
function textGetter(field: Field, start: (row: ViewRow) => number): (this: ViewRow) => string {
  const cache = new Map<string, string>();
  return function (this: ViewRow) {
    const from = start(this);
    const key = this.rows.words.subarray(from, from + field.words).join(' ');
    let text = cache.get(key);
    if (text === undefined) {
      if (cache.size > 256) cache.clear();
      text = readText(this.rows.words, from);
      cache.set(key, text);
    }
    return text;
  };
}
