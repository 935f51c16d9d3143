/** Drawn rows: discrete fields as stored words, continuous ones as off-grid numbers, one accessor object per slot. */

import { type Continuous, continuousFields } from '../replication/blend.ts';
import { readText, scalar } from '../simulation/entity.ts';
import type { Field } from '../wire/fields.ts';
import { ID, OWNER, type RowSchema } from '../wire/schema.ts';

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
  readonly slot: number;
  /** Offset of the row's first word. */
  readonly at: number;

  constructor(rows: ViewRows, slot: number) {
    this.rows = rows;
    this.slot = slot;
    this.at = slot * rows.schema.stride;
  }

  get id(): number {
    return this.rows.words[this.at + ID] ?? 0;
  }

  get owner(): number {
    return this.rows.words[this.at + OWNER] ?? 0;
  }

  get seat(): number {
    return this.owner;
  }

  get mine(): boolean {
    return this.owner === this.rows.host.seat;
  }

  get predicted(): boolean {
    return this.slot >= this.rows.others;
  }
}

/**
 * The drawn rows of one type. Each lies in a slot: first come all rows of others that are held, then the player's own ones. What is
 * drawn is a list of slots in id order, so that the rows of others stay where they are from frame to frame.
 */
export class ViewRows implements Iterable<ViewRow> {
  readonly schema: RowSchema;
  readonly host: ViewHost;
  readonly continuous: readonly Continuous[];
  /** Rows by slot. */
  words: Int32Array;
  /** A column by slot for each continuous field. */
  readonly drawn: Float64Array[];
  /** Slots below this hold rows of others. */
  others = 0;
  /** Rows that are drawn. */
  count = 0;
  #order = new Int32Array(16);
  readonly #objects: ViewRow[] = [];
  readonly #Row: new (
    rows: ViewRows,
    slot: number,
  ) => ViewRow;

  constructor(schema: RowSchema, host: ViewHost) {
    this.schema = schema;
    this.host = host;
    this.continuous = continuousFields(schema);
    this.#Row = viewClass(schema, this.continuous);
    this.words = new Int32Array(16 * schema.stride);
    this.drawn = this.continuous.map(() => new Float64Array(16));
  }

  /** Takes over memory that holds so many rows of others in id order. */
  takeOthers(words: Int32Array, count: number): void {
    this.words = words;
    this.others = count;
    this.reserve(count);
  }

  /** Makes room for so many slots, keeping what is in them. */
  reserve(slots: number): void {
    if (slots * this.schema.stride > this.words.length) {
      const words = new Int32Array(slots * 2 * this.schema.stride);
      words.set(this.words);
      this.words = words;
    }
    for (let i = 0; i < this.drawn.length; i++) {
      const old = this.drawn[i] as Float64Array;
      if (old.length >= slots) continue;
      const grown = new Float64Array(slots * 2);
      grown.set(old);
      this.drawn[i] = grown;
    }
  }

  clear(): void {
    this.count = 0;
    this.others = 0;
  }

  /** The list of drawn slots, to be filled in id order, with room for so many. `count` says how many are in it. */
  newOrder(slots: number): Int32Array {
    if (this.#order.length < slots) this.#order = new Int32Array(slots * 2);
    return this.#order;
  }

  idOf(slot: number): number {
    return this.words[slot * this.schema.stride + ID] ?? 0;
  }

  at(index: number): ViewRow {
    const slot = this.#order[index] ?? 0;
    while (this.#objects.length <= slot) this.#objects.push(new this.#Row(this, this.#objects.length));
    return this.#objects[slot] as ViewRow;
  }

  get(id: number): ViewRow | undefined {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.idOf(this.#order[middle] ?? 0) < id) low = middle + 1;
      else high = middle;
    }
    return low < this.count && this.idOf(this.#order[low] ?? 0) === id ? this.at(low) : undefined;
  }

  [Symbol.iterator](): Iterator<ViewRow> {
    return new RowIterator(this) as Iterator<ViewRow>;
  }
}

/** An iterator that is its own result: a loop over thousands of rows makes one object, also before it is optimised. */
class RowIterator {
  done = false;
  value: ViewRow | undefined = undefined;
  #index = 0;
  readonly #rows: ViewRows;

  constructor(rows: ViewRows) {
    this.#rows = rows;
  }

  next(): this {
    this.done = this.#index >= this.#rows.count;
    this.value = this.done ? undefined : this.#rows.at(this.#index++);
    return this;
  }
}

function viewClass(
  schema: RowSchema,
  continuous: readonly Continuous[],
): new (
  rows: ViewRows,
  slot: number,
) => ViewRow {
  class SchemaViewRow extends ViewRow {}
  for (const { field, at, name } of schema.fields) {
    if (name.startsWith('$') || field.local) continue;
    const drawn = continuous.find((entry) => entry.at === at);
    const get =
      drawn === undefined
        ? discreteGetter(field, at, `${schema.name}.${name}`)
        : continuousGetter(drawn.index);
    Object.defineProperty(SchemaViewRow.prototype, name, { enumerable: true, get });
  }
  return SchemaViewRow;
}

function continuousGetter(index: number): (this: ViewRow) => number {
  return function (this: ViewRow) {
    return (this.rows.drawn[index] as Float64Array)[this.slot] ?? 0;
  };
}

function discreteGetter(field: Field, at: number, name: string): (this: ViewRow) => unknown {
  if (field.kind === 'text') return textGetter(field, at);
  if (field.kind === 'ref') {
    return function (this: ViewRow) {
      const id = this.rows.words[this.at + at] ?? 0;
      return id === 0 ? undefined : this.rows.host.rowOf(field.target ?? '', id);
    };
  }
  if (field.kind === 'list') {
    const element = scalar(field.element as Field, name);
    return function (this: ViewRow) {
      const from = this.at + at;
      return Array.from({ length: this.rows.words[from] ?? 0 }, (_, i) =>
        element.read(this.rows.words[from + 1 + i] ?? 0),
      );
    };
  }
  const { read } = scalar(field, name);
  return function (this: ViewRow) {
    return read(this.rows.words[this.at + at] ?? 0);
  };
}

/** Texts are decoded once per content, not once per frame: each slot remembers what it decoded last, and from which words. */
function textGetter(field: Field, at: number): (this: ViewRow) => string {
  const decoded: { readonly words: Int32Array; text: string }[] = [];
  return function (this: ViewRow) {
    const { words } = this.rows;
    const from = this.at + at;
    while (decoded.length <= this.slot) decoded.push({ words: new Int32Array(field.words), text: '' });
    const last = decoded[this.slot] as { readonly words: Int32Array; text: string };
    let same = true;
    for (let i = 0; i < field.words; i++) {
      if (last.words[i] === words[from + i]) continue;
      last.words[i] = words[from + i] ?? 0;
      same = false;
    }
    if (!same) last.text = readText(words, from);
    return last.text;
  };
}
