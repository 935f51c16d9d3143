/** Builds, once per schema, the class whose objects read and write one row: thin accessors, no Proxy, no copies. */

import { assert, UsageError } from '../base/assert.ts';
import type { Field } from '../wire/fields.ts';
import { defaultOf, type FieldLayout, ID, OWNER, type RowSchema } from '../wire/schema.ts';
import { decodeUtf8, encodeUtf8 } from '../wire/utf8.ts';
import { floatBits, floatOf, MAX_FLOAT } from './float.ts';
import { OPEN, type Table, type WriteSink } from './table.ts';

/** What every entity has beside its declared fields. Valid within one tick: keep `id`, or a `ref`, across ticks. */
export interface EntityHandle {
  /** Entity id; 0 after a despawn. */
  readonly id: number;
  /** Seat that owns the entity; 0 is the server. */
  readonly owner: number;
  readonly alive: boolean;
  despawn(): void;
  /** Marks a teleport or respawn: viewers jump instead of sliding there. */
  cut(): void;
}

/** The writable part of a `list` field. Reads past the end give undefined. */
export interface ListHandle<T> extends Iterable<T> {
  readonly length: number;
  at(index: number): T | undefined;
  set(index: number, value: T): void;
  /** Appends; false when the list is full. */
  push(value: T): boolean;
  clear(): void;
}

/** An accessor object onto one slot of a table. */
export class Row implements EntityHandle {
  readonly table: Table;
  /** Offset of the row's first word in the table's data. */
  readonly at: number;

  constructor(table: Table, slot: number) {
    this.table = table;
    this.at = slot * table.schema.stride;
  }

  get id(): number {
    return this.table.data[this.at + ID] ?? 0;
  }

  get owner(): number {
    return this.table.data[this.at + OWNER] ?? 0;
  }

  get alive(): boolean {
    return this.table.data[this.at + ID] !== 0;
  }

  despawn(): void {
    this.table.despawn(this);
  }

  cut(): void {
    if (!this.table.mayWrite(this.at)) return;
    const { data, schema } = this.table;
    const at = this.at + schema.cutAt;
    data[at] = ((data[at] ?? 0) + 1) & 7;
  }
}

export type RowClass = new (table: Table, slot: number) => Row;

/** A subclass of `Row` with one accessor pair per declared field. */
export function rowClass(schema: RowSchema): RowClass {
  class SchemaRow extends Row {}
  for (const layout of schema.fields) {
    if (!layout.name.startsWith('$'))
      Object.defineProperty(SchemaRow.prototype, layout.name, accessor(layout, schema));
  }
  return SchemaRow;
}

function accessor(layout: FieldLayout, schema: RowSchema): PropertyDescriptor & ThisType<Row> {
  const { field, at, name } = layout;
  switch (field.kind) {
    case 'text':
      return textAccessor(field, at);
    case 'list':
      return listAccessor(field, at, `${schema.name}.${name}`);
    case 'ref':
      return refAccessor(field, at);
    case 'grid':
      return gridAccessor(layout, schema.name);
    default: {
      const { read, write } = scalar(field, `${schema.name}.${name}`);
      return {
        enumerable: true,
        get() {
          return read(this.table.data[this.at + at] ?? 0);
        },
        set(value: unknown) {
          const table = this.table;
          if (table.guard !== OPEN && !table.mayWrite(this.at)) return;
          const old = table.data[this.at + at] ?? 0;
          table.data[this.at + at] = write(value as never, old, table);
        },
      };
    }
  }
}

/** The hot one, kept apart from `scalar` so that nothing is called per write. */
function gridAccessor({ field, at, name }: FieldLayout, type: string): PropertyDescriptor & ThisType<Row> {
  const { lo, hi, step } = field;
  const perStep = 1 / step;
  // A power-of-two step may multiply by its exact inverse; any other must divide, or the two roundings would disagree.
  const exact = perStep === Math.floor(perStep) && (perStep & (perStep - 1)) === 0;
  return {
    enumerable: true,
    get() {
      return (this.table.data[this.at + at] ?? 0) * step;
    },
    set(value: number) {
      const table = this.table;
      if (table.guard !== OPEN && !table.mayWrite(this.at)) return;
      const stored = Math.floor((exact ? value * perStep : value / step) + 0.5);
      const slot = this.at + at;
      if (table.watch !== undefined) table.watch.write(table, this.at, at, name, value, stored, step);
      if (stored >= lo && stored <= hi) table.data[slot] = stored;
      else table.data[slot] = outOfRange(table, stored, lo, hi, table.data[slot] ?? 0, `${type}.${name}`);
    },
  };
}

function outOfRange(
  sink: WriteSink,
  stored: number,
  lo: number,
  hi: number,
  old: number,
  name: string,
): number {
  // NaN compares false with everything, so it arrives here too.
  if (Number.isNaN(stored)) {
    if (sink.development)
      throw new UsageError(`${name} was given NaN; check the arithmetic before this write`);
    sink.counters.notANumber++;
    return old;
  }
  sink.counters.clamped++;
  return stored < lo ? lo : hi;
}

/** How a one-word field's stored integer becomes a value, and back. Writing may clamp, count or throw through `sink`. */
export interface Scalar {
  read(stored: number): unknown;
  write(value: never, old: number, sink: WriteSink): number;
}

/** `name` is for messages: the field's full name. */
export function scalar(field: Field, name: string): Scalar {
  const { lo, hi, step, kind } = field;
  switch (kind) {
    case 'bool':
      return { read: (stored) => stored !== 0, write: (value: unknown) => (value ? 1 : 0) };
    case 'angle': {
      const perStep = 1 / step;
      const steps = hi - lo + 1;
      return {
        read: (stored) => stored * step,
        write: (value: number, old, sink) => {
          const turned = Math.floor(value * perStep + 0.5);
          if (turned - turned !== 0) return outOfRange(sink, NaN, lo, hi, old, name);
          return turned - Math.floor((turned - lo) / steps) * steps;
        },
      };
    }
    case 'f32':
      return {
        read: floatOf,
        write: (value: number, old, sink) =>
          Math.abs(value) <= MAX_FLOAT
            ? floatBits(value)
            : outOfRange(sink, value, floatBits(-MAX_FLOAT), floatBits(MAX_FLOAT), old, name),
      };
    case 'oneOf': {
      const choices = field.choices ?? [];
      return {
        read: (stored) => choices[stored],
        write: (value: string) => {
          const index = choices.indexOf(value);
          assert(index >= 0, `${name} must be one of ${choices.join(', ')}; got ${String(value)}`);
          return index;
        },
      };
    }
    default:
      return {
        read: (stored) => stored * step,
        write: (value: number, old, sink) => {
          const stored = Math.floor(value / step + 0.5);
          return stored >= lo && stored <= hi ? stored : outOfRange(sink, stored, lo, hi, old, name);
        },
      };
  }
}

function textAccessor(field: Field, at: number): PropertyDescriptor & ThisType<Row> {
  return {
    enumerable: true,
    get() {
      return readText(this.table.data, this.at + at);
    },
    set(value: string) {
      if (!this.table.mayWrite(this.at)) return;
      writeText(this.table.data, this.at + at, field, value);
    },
  };
}

/** Text in a row: the byte count, then four bytes per word, least significant first. Unused bytes are zero. */
export function readText(data: Int32Array, at: number): string {
  const length = data[at] ?? 0;
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (data[at + 1 + (i >> 2)] ?? 0) >>> ((i & 3) * 8);
  return decodeUtf8(bytes) ?? '';
}

export function writeText(data: Int32Array, at: number, field: Field, value: string): void {
  const bytes = encodeUtf8(String(value), field.hi);
  data.fill(0, at, at + field.words);
  data[at] = bytes.length;
  for (let i = 0; i < bytes.length; i++) {
    const word = at + 1 + (i >> 2);
    data[word] = (data[word] ?? 0) | ((bytes[i] ?? 0) << ((i & 3) * 8));
  }
}

function refAccessor(field: Field, at: number): PropertyDescriptor & ThisType<Row> {
  const target = field.target ?? '';
  return {
    enumerable: true,
    get() {
      const id = this.table.data[this.at + at] ?? 0;
      return id === 0 ? undefined : this.table.sibling(target)?.get(id);
    },
    set(value: EntityHandle | undefined) {
      if (!this.table.mayWrite(this.at)) return;
      this.table.data[this.at + at] = value?.id ?? 0;
    },
  };
}

function listAccessor(field: Field, at: number, name: string): PropertyDescriptor & ThisType<Row> {
  const element = scalar(field.element as Field, name);
  const cache = Symbol(name);
  return {
    enumerable: true,
    get() {
      const holder = this as Row & { [cache]?: ListHandle<unknown> };
      holder[cache] ??= new RowList(this, at, field, element);
      return holder[cache];
    },
    set(values: Iterable<unknown>) {
      const list = (this as unknown as Record<string, ListHandle<unknown>>)[
        name.slice(name.indexOf('.') + 1)
      ] as ListHandle<unknown>;
      const copy = [...values];
      list.clear();
      for (const value of copy) list.push(value);
    },
  };
}

class RowList implements ListHandle<unknown> {
  readonly #row: Row;
  readonly #at: number;
  readonly #max: number;
  readonly #element: Scalar;
  /** What a new element holds when it is given NaN: a value in range, which 0 need not be. */
  readonly #unset: number;

  constructor(row: Row, at: number, field: Field, element: Scalar) {
    this.#row = row;
    this.#at = row.at + at;
    this.#max = field.hi;
    this.#element = element;
    this.#unset = defaultOf(field.element as Field);
  }

  get length(): number {
    return this.#row.table.data[this.#at] ?? 0;
  }

  at(index: number): unknown {
    const { data } = this.#row.table;
    const place = index < 0 ? index + this.length : index;
    return place >= 0 && place < this.length
      ? this.#element.read(data[this.#at + 1 + place] ?? 0)
      : undefined;
  }

  set(index: number, value: unknown): void {
    const { table } = this.#row;
    if (!table.mayWrite(this.#row.at)) return;
    assert(
      index >= 0 && index < this.length,
      `list index ${index} is outside 0..${this.length - 1}; use push() to append`,
    );
    const at = this.#at + 1 + index;
    table.data[at] = this.#element.write(value as never, table.data[at] ?? 0, table);
  }

  push(value: unknown): boolean {
    const { table } = this.#row;
    if (!table.mayWrite(this.#row.at)) return false;
    const { length } = this;
    if (length >= this.#max) {
      table.counters.clamped++;
      return false;
    }
    table.data[this.#at + 1 + length] = this.#element.write(value as never, this.#unset, table);
    table.data[this.#at] = length + 1;
    return true;
  }

  /** Empties the list and zeroes its words, so that equal lists have equal rows. */
  clear(): void {
    const { table } = this.#row;
    if (table.mayWrite(this.#row.at)) table.data.fill(0, this.#at, this.#at + 1 + this.#max);
  }

  *[Symbol.iterator](): Iterator<unknown> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }
}
