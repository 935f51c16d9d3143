/** Saved rows: the state of one table at one tick, compact, in rising id order. */

import { hashWords } from '../wire/hash.ts';
import { ID, OWNER, type RowSchema } from '../wire/schema.ts';

export class RowSet {
  readonly schema: RowSchema;
  data: Int32Array;
  count = 0;

  constructor(schema: RowSchema, capacity = 8) {
    this.schema = schema;
    this.data = new Int32Array(capacity * schema.stride);
  }

  clear(): void {
    this.count = 0;
  }

  /** Makes room for `count` rows, keeping what is there. */
  reserve(count: number): void {
    const words = count * this.schema.stride;
    if (words <= this.data.length) return;
    const grown = new Int32Array(Math.max(words, this.data.length * 2));
    grown.set(this.data.subarray(0, this.count * this.schema.stride));
    this.data = grown;
  }

  /** Appends a copy of the row at `from`. The caller keeps id order. Gives the new row's offset. */
  push(data: Int32Array, from: number): number {
    this.reserve(this.count + 1);
    const { stride } = this.schema;
    const at = this.count++ * stride;
    const target = this.data;
    for (let i = 0; i < stride; i++) target[at + i] = data[from + i] ?? 0;
    return at;
  }

  copyFrom(other: RowSet): void {
    this.count = 0;
    this.reserve(other.count);
    this.data.set(other.data.subarray(0, other.count * this.schema.stride));
    this.count = other.count;
  }

  id(index: number): number {
    return this.data[index * this.schema.stride + ID] ?? 0;
  }

  /** Index of the row with this id, or -1. */
  find(id: number): number {
    const index = this.lowerBound(id);
    return index < this.count && this.id(index) === id ? index : -1;
  }

  /** Index of the row with this id, or -1; looks at index `near` first. */
  findNear(id: number, near: number): number {
    return near < this.count && this.id(near) === id ? near : this.find(id);
  }

  /** Index of the first row with an id of at least `id`. */
  lowerBound(id: number): number {
    const { stride } = this.schema;
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.data[middle * stride + ID] ?? 0) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Offset of the row with this id, or -1. */
  offsetOf(id: number): number {
    const index = this.find(id);
    return index < 0 ? -1 : index * this.schema.stride;
  }
}

/** Whether two rows agree in id, owner and every field that is sent. */
export function sameSentRow(
  schema: RowSchema,
  a: Int32Array,
  aAt: number,
  b: Int32Array,
  bAt: number,
): boolean {
  return (
    a[aAt + ID] === b[bAt + ID] &&
    a[aAt + OWNER] === b[bAt + OWNER] &&
    firstDifference(schema, a, aAt, b, bAt) === undefined
  );
}

/** Name of the first sent field in which two rows differ. */
export function firstDifference(
  schema: RowSchema,
  a: Int32Array,
  aAt: number,
  b: Int32Array,
  bAt: number,
): string | undefined {
  for (const { field, at, name } of schema.fields) {
    if (field.local) continue;
    for (let word = at; word < at + field.words; word++) {
      if (a[aAt + word] !== b[bAt + word]) return name;
    }
  }
  return undefined;
}

/** Hash of ids, owners and sent fields. */
export function hashRow(schema: RowSchema, data: Int32Array, at: number, seed: number): number {
  let hash = hashWords(data, at + ID, at + OWNER + 1, seed);
  for (const { field, at: word } of schema.fields) {
    if (!field.local) hash = hashWords(data, at + word, at + word + field.words, hash);
  }
  return hash;
}

/** Overwrites the fields that are never sent with the given value, to prove that nothing depends on them. */
export function scrambleLocal(schema: RowSchema, data: Int32Array, at: number, value: number): void {
  for (const { field, at: word } of schema.fields) {
    if (!field.local) continue;
    for (let i = 0; i < field.words; i++) {
      const range = field.hi - field.lo + 1;
      data[at + word + i] =
        field.kind === 'text' || field.kind === 'list' ? 0 : field.lo + (((value + i) >>> 0) % range);
    }
  }
}
