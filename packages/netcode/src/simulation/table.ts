/**
 * The live rows of one entity type.
 *
 * Rows sit in slots that do not move, so that entity objects stay valid; `order` holds the used slots by rising id, then the slots
 * freed in this tick (not reused before its end), then the free ones. Rows iterate in id order.
 */

import { assert, UsageError } from '../base/assert.ts';
import { ID, MARK, OWNER, type RowSchema } from '../wire/schema.ts';
import type { Row, RowClass } from './entity.ts';
import type { RowSet } from './rows.ts';

/** Guard states: may rows be written now? */
export const CLOSED = 0;
export const OPEN = 1;
/** Only rows that this client predicts. */
export const PREDICTING = 2;

/** One counter per way in which a write did not do what it says. */
export interface WriteCounters {
  clamped: number;
  notANumber: number;
  /** Writes to rows that this client does not predict. */
  discardedWrites: number;
  discardedSpawns: number;
  discardedDespawns: number;
}

/** Sees every grid write in development; finds writes that round to no change for ever. */
export interface WriteWatch {
  write(
    table: Table,
    row: number,
    at: number,
    field: string,
    value: number,
    stored: number,
    step: number,
  ): void;
}

/** Where a write reports that it could not do what it says. In development a NaN throws. */
export interface WriteSink {
  readonly counters: WriteCounters;
  readonly development: boolean;
}

/** What a table needs of the world around it. */
export interface TableHost extends WriteSink {
  /** Seat whose spawns are predicted while predicting. */
  readonly predictingSeat: number;
  nextEntityId(owner: number): number;
  tableNamed(name: string): Table | undefined;
}

const FIRST_CAPACITY = 16;
const MAX_ENTITIES = 1 << 16;

export class Table {
  readonly schema: RowSchema;
  readonly counters: WriteCounters;
  readonly development: boolean;
  guard = CLOSED;
  watch: WriteWatch | undefined;
  data: Int32Array;
  order: Int32Array;
  count = 0;
  #freed = 0;
  readonly #host: TableHost;
  readonly #Row: RowClass;
  readonly #rows: Row[] = [];
  readonly #cursors: Cursor[] = [];
  #sink: Table | undefined;

  constructor(schema: RowSchema, rowType: RowClass, host: TableHost, capacity = FIRST_CAPACITY) {
    this.schema = schema;
    this.#host = host;
    this.#Row = rowType;
    this.counters = host.counters;
    this.development = host.development;
    this.data = new Int32Array(capacity * schema.stride);
    this.order = new Int32Array(capacity);
    this.#addSlots(0, capacity);
  }

  /** Iterates in id order. Rows spawned meanwhile are not visited, despawned ones are skipped. */
  [Symbol.iterator](): Iterator<Row> {
    return this.#cursor(false);
  }

  /** Iterates the rows that carry this client's prediction mark; on the server, all. */
  marked(): Iterable<Row> {
    return this.#cursor(true);
  }

  get(id: number): Row | undefined {
    const index = this.#find(id);
    return index < 0 ? undefined : this.#rows[this.order[index] ?? 0];
  }

  /** Index of a row in id order, -1 if there is none. */
  indexOf(id: number): number {
    return this.#find(id);
  }

  /** The row at `index` in id order. */
  at(index: number): Row | undefined {
    return index >= 0 && index < this.count ? this.#rows[this.order[index] ?? 0] : undefined;
  }

  /** Rows of one owner, in id order. A copy: safe to despawn while looping. */
  ownedBy(owner: number | { readonly seat: number }): Row[] {
    const seat = typeof owner === 'number' ? owner : owner.seat;
    const found: Row[] = [];
    for (const row of this) if (row.owner === seat) found.push(row);
    return found;
  }

  /** Adds a row and gives it. Fields not named start at 0, or at the end of their range nearest to it. */
  spawn(init: Readonly<Record<string, unknown>>): Row {
    const { owner, ...fields } = init;
    const seat =
      typeof owner === 'number'
        ? owner
        : typeof owner === 'object' && owner !== null
          ? (owner as { seat: number }).seat
          : 0;
    assert(
      Number.isInteger(seat) && seat >= 0,
      `${this.schema.name}.spawn needs an owner: a seat number, or 0 for the server`,
    );
    if (this.guard === CLOSED) this.#refuse('spawn');
    if (this.guard === PREDICTING && seat !== this.#host.predictingSeat) {
      this.counters.discardedSpawns++;
      return this.#discard(seat, fields);
    }
    const row = this.insert(this.#host.nextEntityId(seat), seat);
    this.data[row.at + MARK] = 1;
    this.#assign(row, fields);
    return row;
  }

  /** Adds a row of default values with a known id. */
  insert(id: number, owner: number): Row {
    if (this.count + this.#freed >= this.order.length) this.#grow();
    const { order, schema } = this;
    const slot = order[this.count + this.#freed] ?? 0;
    const index = this.#lowerBound(id);
    order.copyWithin(index + 1, index, this.count + this.#freed);
    order[index] = slot;
    this.count++;
    const at = slot * schema.stride;
    this.data.set(schema.empty, at);
    this.data[at + ID] = id;
    this.data[at + OWNER] = owner;
    return this.#rows[slot] as Row;
  }

  despawn(row: Row): void {
    if (this.guard === CLOSED) this.#refuse('despawn');
    const index = this.#find(row.id);
    if (row.id === 0 || index < 0) return;
    if (this.guard === PREDICTING && this.data[row.at + MARK] !== 1) {
      this.counters.discardedDespawns++;
      return;
    }
    this.removeAt(index);
  }

  /** Takes out the row at `index` in id order. Its slot is not used again before the tick ends. */
  removeAt(index: number): void {
    const { order } = this;
    const slot = order[index] ?? 0;
    const end = this.count + this.#freed;
    order.copyWithin(index, index + 1, end);
    order[end - 1] = slot;
    this.count--;
    this.#freed++;
    this.data[slot * this.schema.stride + ID] = 0;
  }

  /** Slots freed in the past tick may be used again. */
  endTick(): void {
    this.#freed = 0;
  }

  /** Whether the row at this offset may be written now. Throws outside a tick; counts what a client may not predict. */
  mayWrite(at: number): boolean {
    if (this.guard === OPEN) return true;
    if (this.guard === CLOSED) this.#refuse('write');
    if (this.data[at + MARK] === 1) return true;
    this.counters.discardedWrites++;
    return false;
  }

  sibling(name: string): Table | undefined {
    return this.#host.tableNamed(name);
  }

  /** Offset of the row at `index` in id order. */
  offset(index: number): number {
    return (this.order[index] ?? 0) * this.schema.stride;
  }

  save(into: RowSet): void {
    const { stride } = this.schema;
    into.clear();
    into.reserve(this.count);
    const target = into.data;
    const { data, order, count } = this;
    let to = 0;
    let index = 0;
    while (index < count) {
      // Neighbours in order are often neighbours in memory: copy them as one run.
      const first = order[index] ?? 0;
      let run = 1;
      while (index + run < count && order[index + run] === first + run) run++;
      if (run > 4) target.set(data.subarray(first * stride, (first + run) * stride), to);
      else for (let i = 0; i < run * stride; i++) target[to + i] = data[first * stride + i] ?? 0;
      to += run * stride;
      index += run;
    }
    into.count = count;
  }

  restore(from: RowSet): void {
    const { stride } = this.schema;
    while (this.order.length < from.count) this.#grow();
    const { order } = this;
    this.data.fill(0);
    this.data.set(from.data.subarray(0, from.count * stride));
    for (let i = 0; i < order.length; i++) order[i] = i;
    this.count = from.count;
    this.#freed = 0;
  }

  #find(id: number): number {
    const index = this.#lowerBound(id);
    return index < this.count && this.data[this.offset(index) + ID] === id ? index : -1;
  }

  #lowerBound(id: number): number {
    const { data, order } = this;
    const { stride } = this.schema;
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((data[(order[middle] ?? 0) * stride + ID] ?? 0) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #assign(row: Row, fields: Readonly<Record<string, unknown>>): void {
    for (const key in fields) {
      assert(
        this.schema.byName.has(key) && !key.startsWith('$'),
        `${this.schema.name} has no field "${key}"; declare it in entities, or mend the name`,
      );
      if (fields[key] !== undefined) (row as unknown as Record<string, unknown>)[key] = fields[key];
    }
  }

  /** A row that nobody sees: what a discarded spawn gives, so that game code need not branch. */
  #discard(owner: number, fields: Readonly<Record<string, unknown>>): Row {
    this.#sink ??= new Table(this.schema, this.#Row, this.#host, 1);
    const sink = this.#sink;
    sink.guard = OPEN;
    if (sink.count > 0) sink.removeAt(0);
    sink.endTick();
    const row = sink.insert(-1, owner);
    sink.#assign(row, fields);
    return row;
  }

  #refuse(what: string): never {
    throw new UsageError(
      `${this.schema.name}: ${what} outside a tick. The world changes only in setup, join, leave, message and step; bring the change there by a command or a message`,
    );
  }

  #grow(): void {
    const old = this.order.length;
    assert(
      old < MAX_ENTITIES,
      `${this.schema.name} has ${old} entities, the most a table holds; despawn what is no longer needed`,
    );
    const data = new Int32Array(this.data.length * 2);
    data.set(this.data);
    this.data = data;
    const order = new Int32Array(old * 2);
    order.set(this.order);
    this.order = order;
    this.#addSlots(old, old * 2);
  }

  #addSlots(from: number, to: number): void {
    for (let slot = from; slot < to; slot++) {
      this.order[slot] = slot;
      this.#rows.push(new this.#Row(this, slot));
    }
  }

  #cursor(marked: boolean): Cursor {
    const cursor = this.#cursors.pop() ?? new Cursor(this, (used) => this.#cursors.push(used));
    cursor.start(this.#rows, marked);
    return cursor;
  }
}

/** One loop over a table. Works on its own copy of the order and is pooled, so loops allocate nothing. */
class Cursor implements IterableIterator<Row> {
  readonly #table: Table;
  readonly #release: (cursor: Cursor) => void;
  readonly #result = { done: false, value: undefined as unknown as Row };
  #order = new Int32Array(FIRST_CAPACITY);
  #rows: readonly Row[] = [];
  #count = 0;
  #index = 0;
  #marked = false;
  #running = false;

  constructor(table: Table, release: (cursor: Cursor) => void) {
    this.#table = table;
    this.#release = release;
  }

  start(rows: readonly Row[], marked: boolean): void {
    const { order, count } = this.#table;
    if (this.#order.length < count) this.#order = new Int32Array(order.length);
    this.#order.set(order.subarray(0, count));
    this.#rows = rows;
    this.#count = count;
    this.#index = 0;
    this.#marked = marked && this.#table.guard === PREDICTING;
    this.#running = true;
  }

  next(): IteratorResult<Row> {
    const { data, schema } = this.#table;
    while (this.#index < this.#count) {
      const slot = this.#order[this.#index++] ?? 0;
      const at = slot * schema.stride;
      if (data[at + ID] === 0 || (this.#marked && data[at + MARK] !== 1)) continue;
      this.#result.value = this.#rows[slot] as Row;
      return this.#result;
    }
    return this.return();
  }

  return(): IteratorResult<Row> {
    if (this.#running) {
      this.#running = false;
      this.#release(this);
    }
    return { done: true, value: undefined };
  }

  [Symbol.iterator](): this {
    return this;
  }
}
