/**
 * One field's value on the wire, bit-packed, when it is not as expected:
 *
 *     bool                                  nothing: the other value
 *     up to 6 bits    value                 counted from the field's minimum
 *     wider numbers   class(2) surprise     surprise z of 1/4, 1/2 or 3/4 of the field's bits; class 3 is the value itself
 *     tick            none(1) [class(2) distance]   distance from the snapshot's tick
 *     ref             none(1) [id(31)]
 *     text            length bytes
 *     list            count values
 *
 * Surprise z counts 1, -1, 2, -2 … from 0. Each class starts where the one before ends, so that every value has one code [W2].
 */

import type { BitReader, BitWriter } from '../../wire/bits.ts';
import { bitsFor, type Field } from '../../wire/fields.ts';
import type { FieldLayout } from '../../wire/schema.ts';
import { decodeUtf8 } from '../../wire/utf8.ts';

/** Fields of up to this many bits are sent whole when they change. */
const RAW_BITS = 6;

const RAW = 0;
const SURPRISE = 1;
const BOOL = 2;
const TICK = 3;
const REF = 4;
const FLOAT = 5;
const TEXT = 6;
const LIST = 7;

/** A field with what its bits need. */
export interface FieldBits {
  readonly code: number;
  readonly at: number;
  readonly field: Field;
  readonly wraps: boolean;
  /** Bits of the three surprise classes. */
  readonly bitsA: number;
  readonly bitsB: number;
  readonly bitsC: number;
  /** First surprise of the second, third and last class. */
  readonly startB: number;
  readonly startC: number;
  readonly startD: number;
}

export function fieldBits({ field, at }: FieldLayout): FieldBits {
  const n = field.kind === 'tick' ? 32 : field.bits;
  const bitsA = Math.max(2, Math.ceil(n / 4));
  const bitsB = Math.ceil(n / 2);
  const bitsC = Math.ceil((n * 3) / 4);
  const startB = 2 ** bitsA;
  const startC = startB + 2 ** bitsB;
  const startD = startC + 2 ** bitsC;
  return {
    code: codeOf(field),
    at,
    field,
    wraps: field.kind === 'angle',
    bitsA,
    bitsB,
    bitsC,
    startB,
    startC,
    startD,
  };
}

function codeOf(field: Field): number {
  switch (field.kind) {
    case 'bool':
      return BOOL;
    case 'tick':
      return TICK;
    case 'ref':
      return REF;
    case 'f32':
      return FLOAT;
    case 'text':
      return TEXT;
    case 'list':
      return LIST;
    default:
      return field.bits <= RAW_BITS ? RAW : SURPRISE;
  }
}

export function writeValue(
  w: BitWriter,
  op: FieldBits,
  row: Int32Array,
  at: number,
  expected: number,
  tick: number,
): void {
  const { field } = op;
  const value = row[at] ?? 0;
  switch (op.code) {
    case BOOL:
      return;
    case RAW:
      w.write(value - field.lo, field.bits);
      return;
    case SURPRISE:
      writeSurprise(w, op, surpriseOf(value - expected, op), value - field.lo, field.bits);
      return;
    case TICK:
      w.write(value === 0 ? 1 : 0, 1);
      if (value !== 0) writeSurprise(w, op, distanceOf(value - tick), value, 31);
      return;
    case REF:
      w.write(value === 0 ? 1 : 0, 1);
      if (value !== 0) w.write(value, 31);
      return;
    case FLOAT:
      w.write(value, 32);
      return;
    case TEXT:
      w.write(value, bitsFor(field.hi));
      for (let i = 0; i < value; i++) w.write((row[at + 1 + (i >> 2)] ?? 0) >>> ((i & 3) * 8), 8);
      return;
    default:
      writeList(w, field, row, at);
  }
}

export function readValue(
  r: BitReader,
  op: FieldBits,
  row: Int32Array,
  at: number,
  expected: number,
  tick: number,
): void {
  const { field } = op;
  let value = 0;
  switch (op.code) {
    case BOOL:
      row[at] = 1 - expected;
      return;
    case RAW:
      value = r.read(field.bits) + field.lo;
      break;
    case SURPRISE:
      value = readSurprise(r, op, expected, field.bits, field.lo);
      break;
    case TICK:
      value = r.readBool() ? 0 : readDistance(r, op, tick);
      break;
    case REF:
      value = r.readBool() ? 0 : readId(r);
      break;
    case FLOAT:
      value = r.read(32) | 0;
      if (!isFiniteWord(value)) r.fail();
      break;
    case TEXT:
      readText(r, field, row, at);
      return;
    default:
      readList(r, field, row, at);
      return;
  }
  if (value === expected || value < field.lo || value > field.hi) r.fail();
  else row[at] = value;
}

/** 1, -1, 2, -2 … as 0, 1, 2, 3 …; a difference of zero is never sent. Angles take the short way round. */
function surpriseOf(difference: number, { wraps, field }: FieldBits): number {
  const turns = wraps ? (difference << (32 - field.bits)) >> (32 - field.bits) : difference;
  return turns > 0 ? (turns - 1) * 2 : (-turns - 1) * 2 + 1;
}

/** 0, 1, -1, 2 … as 0, 1, 2, 3 … */
function distanceOf(difference: number): number {
  return difference > 0 ? difference * 2 - 1 : -difference * 2;
}

function writeSurprise(w: BitWriter, op: FieldBits, z: number, whole: number, bits: number): void {
  if (z < op.startB) {
    w.write(0, 2);
    w.write(z, op.bitsA);
  } else if (z < op.startC) {
    w.write(1, 2);
    w.write(z - op.startB, op.bitsB);
  } else if (z < op.startD) {
    w.write(2, 2);
    w.write(z - op.startC, op.bitsC);
  } else {
    w.write(3, 2);
    w.write(whole, bits);
  }
}

/** Reads a class and its number; -1 stands for the last class, whose value follows whole. */
function readClass(r: BitReader, op: FieldBits): number {
  switch (r.read(2)) {
    case 0:
      return r.read(op.bitsA);
    case 1:
      return op.startB + r.read(op.bitsB);
    case 2:
      return op.startC + r.read(op.bitsC);
    default:
      return -1;
  }
}

function readSurprise(r: BitReader, op: FieldBits, expected: number, bits: number, lo: number): number {
  const z = readClass(r, op);
  if (z < 0) {
    const value = r.read(bits) + lo;
    if (surpriseOf(value - expected, op) < op.startD) r.fail();
    return value;
  }
  const difference = z % 2 === 0 ? z / 2 + 1 : -(z - 1) / 2 - 1;
  const value = expected + difference;
  if (!op.wraps) return value;
  if (surpriseOf(difference, op) !== z) r.fail();
  return (value << (32 - bits)) >> (32 - bits);
}

function readDistance(r: BitReader, op: FieldBits, tick: number): number {
  const z = readClass(r, op);
  let value: number;
  if (z < 0) {
    value = r.read(31);
    if (distanceOf(value - tick) < op.startD) r.fail();
  } else {
    value = tick + (z % 2 === 1 ? (z + 1) / 2 : -z / 2);
  }
  // Zero has its own code.
  if (value <= 0) r.fail();
  return value;
}

/** None has its own code. */
function readId(r: BitReader): number {
  const id = r.read(31);
  if (id === 0) r.fail();
  return id;
}

export const isFiniteWord = (word: number): boolean =>
  (word & 0x7f800000) !== 0x7f800000 && word !== -2147483648;

export function readText(r: BitReader, field: Field, row: Int32Array, at: number): void {
  const length = r.read(bitsFor(field.hi));
  if (length > field.hi || r.remaining < length * 8) {
    r.fail();
    return;
  }
  const bytes = new Uint8Array(length);
  row.fill(0, at, at + field.words);
  row[at] = length;
  for (let i = 0; i < length; i++) {
    bytes[i] = r.read(8);
    const word = at + 1 + (i >> 2);
    row[word] = (row[word] ?? 0) | ((bytes[i] ?? 0) << ((i & 3) * 8));
  }
  if (decodeUtf8(bytes) === undefined) r.fail();
}

export function writeList(w: BitWriter, field: Field, row: Int32Array, at: number): void {
  const element = field.element as Field;
  const count = row[at] ?? 0;
  w.write(count, bitsFor(field.hi));
  for (let i = 1; i <= count; i++)
    w.write(element.bits === 32 ? (row[at + i] ?? 0) : (row[at + i] ?? 0) - element.lo, element.bits);
}

export function readList(r: BitReader, field: Field, row: Int32Array, at: number): void {
  const element = field.element as Field;
  const count = r.read(bitsFor(field.hi));
  if (count > field.hi) {
    r.fail();
    return;
  }
  row.fill(0, at, at + field.words);
  row[at] = count;
  for (let i = 1; i <= count && !r.failed; i++) {
    const value = element.bits === 32 ? r.read(32) | 0 : r.read(element.bits) + element.lo;
    if (value < element.lo || value > element.hi || (element.kind === 'f32' && !isFiniteWord(value)))
      r.fail();
    else row[at + i] = value;
  }
}
