/**
 * Rows of one tick against those of the tick before, as a list of codes `n << 2 | op` in id order:
 *
 *     KEEP n    the next n rows are as before; n = 0 ends the list
 *     EDIT n    the next row has n changed words: (words skipped, difference) n times
 *     DROP n    the next n rows are gone
 *     ADD  n    a new row: its id, then its n words that are not zero, as in EDIT
 *
 * The mark word is of the side that runs, no state, and stays out.
 */

import { UsageError } from '../base/assert.ts';
import { ID, MARK } from '../wire/schema.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';

/** Rows of one type in id order, `stride` words each. */
export interface Rows {
  data: Int32Array;
  count: number;
}

const KEEP = 0;
const EDIT = 1;
const DROP = 2;
const ADD = 3;

/** Most rows of one type that a recording may claim. */
const MAX_ROWS = 1 << 16;

export const newRows = (): Rows => ({ data: new Int32Array(0), count: 0 });

/** Makes `into` a copy of `from`. */
export function copyRows(stride: number, from: Rows, into: Rows): void {
  const words = from.count * stride;
  if (into.data.length < words) into.data = new Int32Array(words * 2);
  into.data.set(from.data.subarray(0, words));
  into.count = from.count;
}

/** Offset of the row with this id, or -1. */
export function findRow(stride: number, rows: Rows, id: number): number {
  let low = 0;
  let high = rows.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows.data[middle * stride] ?? 0) < id) low = middle + 1;
    else high = middle;
  }
  return low < rows.count && rows.data[low * stride] === id ? low * stride : -1;
}

export function sameRows(stride: number, a: Rows, b: Rows): boolean {
  if (a.count !== b.count) return false;
  for (let at = 0; at < a.count * stride; at++)
    if (a.data[at] !== b.data[at] && at % stride !== MARK) return false;
  return true;
}

export function writeRows(w: ByteWriter, stride: number, before: Rows, after: Rows): void {
  let kept = 0;
  const flush = (): void => {
    if (kept > 0) w.unsigned((kept << 2) | KEEP);
    kept = 0;
  };
  let i = 0;
  let j = 0;
  while (i < before.count || j < after.count) {
    const from = i * stride;
    const to = j * stride;
    const idBefore = i < before.count ? (before.data[from + ID] ?? 0) : Number.POSITIVE_INFINITY;
    const idAfter = j < after.count ? (after.data[to + ID] ?? 0) : Number.POSITIVE_INFINITY;
    if (idBefore < idAfter) {
      flush();
      w.unsigned((1 << 2) | DROP);
      i++;
      continue;
    }
    j++;
    if (idBefore > idAfter) {
      flush();
      w.unsigned((changes(stride, undefined, 0, after.data, to) << 2) | ADD);
      w.unsigned(idAfter);
      writeWords(w, stride, undefined, 0, after.data, to);
      continue;
    }
    i++;
    const changed = changes(stride, before.data, from, after.data, to);
    if (changed === 0) {
      kept++;
      continue;
    }
    flush();
    w.unsigned((changed << 2) | EDIT);
    writeWords(w, stride, before.data, from, after.data, to);
  }
  flush();
  w.unsigned(KEEP);
}

/** Reads into `after` what `writeRows` wrote; `before` and `after` are different objects. */
export function readRows(r: ByteReader, stride: number, before: Rows, after: Rows): void {
  let i = 0;
  after.count = 0;
  for (;;) {
    const code = r.unsigned();
    const op = code & 3;
    const n = code >>> 2;
    if (op === KEEP && n === 0) return;
    if (op === DROP) {
      i += n;
      continue;
    }
    const rows = op === KEEP ? n : 1;
    if ((op !== ADD && i + rows > before.count) || after.count + rows > MAX_ROWS || n > MAX_ROWS)
      throw new UsageError('this recording is damaged: it tells of rows that were never there');
    const to = after.count * stride;
    if (after.data.length < to + rows * stride) {
      const grown = new Int32Array((to + rows * stride) * 2);
      grown.set(after.data.subarray(0, to));
      after.data = grown;
    }
    after.count += rows;
    if (op === ADD) {
      after.data.fill(0, to, to + stride);
      after.data[to + ID] = r.unsigned();
    } else {
      after.data.set(before.data.subarray(i * stride, (i + rows) * stride), to);
      i += rows;
    }
    if (op !== KEEP) readWords(r, n, stride, after.data, to);
  }
}

/** Words against others of the same meaning: how many differ, then (words skipped, difference) for each. */
export function writeChanges(
  w: ByteWriter,
  words: number,
  before: Int32Array,
  after: Int32Array,
  at = 0,
): void {
  let count = 0;
  for (let i = 0; i < words; i++) if (before[i] !== after[at + i]) count++;
  w.unsigned(count);
  let skipped = 0;
  for (let i = 0; i < words; i++) {
    const old = before[i] ?? 0;
    const now = after[at + i] ?? 0;
    if (old === now) {
      skipped++;
      continue;
    }
    w.unsigned(skipped);
    w.signed((now - old) | 0);
    skipped = 0;
    before[i] = now;
  }
}

/** Applies to `words` what `writeChanges` wrote. */
export function readChanges(r: ByteReader, words: Int32Array): void {
  readWords(r, r.unsigned(), words.length, words, 0, -1);
}

function changes(
  stride: number,
  before: Int32Array | undefined,
  from: number,
  after: Int32Array,
  to: number,
): number {
  let count = 0;
  for (let word = ID + 1; word < stride; word++)
    if (word !== MARK && (before?.[from + word] ?? 0) !== after[to + word]) count++;
  return count;
}

function writeWords(
  w: ByteWriter,
  stride: number,
  before: Int32Array | undefined,
  from: number,
  after: Int32Array,
  to: number,
): void {
  let skipped = 0;
  for (let word = ID + 1; word < stride; word++) {
    const old = before?.[from + word] ?? 0;
    const now = after[to + word] ?? 0;
    if (word === MARK || old === now) {
      skipped++;
      continue;
    }
    w.unsigned(skipped);
    w.signed((now - old) | 0);
    skipped = 0;
  }
}

function readWords(
  r: ByteReader,
  count: number,
  stride: number,
  data: Int32Array,
  at: number,
  start = ID,
): void {
  let word = start;
  for (let n = 0; n < count; n++) {
    word += r.unsigned() + 1;
    if (word >= stride) throw new UsageError('this recording is damaged: a row in it is too long');
    data[at + word] = ((data[at + word] ?? 0) + r.signed()) | 0;
  }
}
