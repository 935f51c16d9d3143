/** A field that is no part of a vector, entropy coded: whether it is as expected, and if not, what it is. */

import { bitsFor, type Field } from '../../wire/fields.ts';
import type { BitCoder } from '../../wire/range.ts';
import { decodeUtf8 } from '../../wire/utf8.ts';
import { wrap } from './bends.ts';
import { codeNonzero, codeSurprise, codeTree } from './surprise.ts';
import type { FieldPlan } from './tables.ts';

const HALF = 32_768;
const MINUS_ZERO = -2147483648;
const MAX_FINITE = 0x7f7fffff;

/** The value that a field is expected to have, and the contexts that its decisions are made in. */
export interface Place {
  /** Row that holds the expected words of texts and lists, and its first word. */
  readonly expected: Int32Array;
  tick: number;
  flag: number;
  value: number;
}

/**
 * Codes the field's words in `row`, whose row starts at `at`, against `expected`. Gives whether it changed.
 * A reader fails on what no writer writes: a change to the expected value, or a value out of range.
 */
export function codeField(
  c: BitCoder,
  odds: Uint16Array,
  plan: FieldPlan,
  row: Int32Array,
  at: number,
  expected: number,
  place: Place,
): boolean {
  const { field } = plan;
  const word = at + plan.at;
  const value = row[word] ?? 0;
  const flag = odds[plan.flag.at + place.flag] ?? 1;
  if (field.words > 1) {
    const differs = c.writing && wordsDiffer(plan, row, at, place.expected);
    if (c.bit(differs ? 1 : 0, flag) === 0) {
      for (let i = 0; i < field.words; i++) row[word + i] = place.expected[plan.at + i] ?? 0;
      return false;
    }
    if (field.kind === 'text') codeText(c, field, row, word);
    else codeList(c, odds, plan, row, word, place);
    if (!c.writing && !wordsDiffer(plan, row, at, place.expected)) c.fail();
    return true;
  }
  if (c.bit(value === expected ? 0 : 1, flag) === 0) {
    row[word] = expected;
    return false;
  }
  const coded = codeValue(c, odds, plan, value, expected, place);
  if (c.writing) return true;
  if (coded === expected || !(coded >= field.lo && coded <= field.hi)) c.fail();
  else row[word] = coded;
  return true;
}

function codeValue(
  c: BitCoder,
  odds: Uint16Array,
  plan: FieldPlan,
  value: number,
  expected: number,
  place: Place,
): number {
  const { field } = plan;
  const { bins } = plan.value;
  const at = plan.value.at + place.value * bins;
  if (plan.habits.whole) return field.lo + codeTree(c, odds, at, field.bits, value - field.lo);
  switch (field.kind) {
    case 'bool':
      return 1 - expected;
    case 'ref':
      if (expected !== 0 && c.bit(value === 0 ? 1 : 0, odds[at] ?? 1) === 1) return 0;
      return notZero(c, c.bits(value, 31));
    case 'tick':
      if (expected !== 0 && c.bit(value === 0 ? 1 : 0, odds[at + bins - 1] ?? 1) === 1) return 0;
      return notZero(c, place.tick + codeSurprise(c, odds, at, bins - 3, value - place.tick));
    case 'f32':
      return fromOrder(
        c,
        inOrder(expected) + codeNonzero(c, odds, at + 1, bins - 2, inOrder(value) - inOrder(expected)),
      );
    case 'angle':
      return codeTurn(c, odds, at + 1, bins - 2, value, expected, field);
    default:
      return expected + codeNonzero(c, odds, at + 1, bins - 2, value - expected);
  }
}

/** None has its own code. */
function notZero(c: BitCoder, value: number): number {
  if (value === 0) c.fail();
  return value;
}

function codeTurn(
  c: BitCoder,
  odds: Uint16Array,
  at: number,
  sizes: number,
  value: number,
  expected: number,
  { bits }: Field,
): number {
  const turn = codeNonzero(c, odds, at, sizes, wrap(value - expected, bits));
  // The long way round is another spelling of the short one.
  if (wrap(turn, bits) !== turn) c.fail();
  return wrap(expected + turn, bits);
}

/** Floats in the order of their values, as integers. */
function inOrder(word: number): number {
  return word >= 0 ? word : -(word & 0x7fffffff);
}

function fromOrder(c: BitCoder, order: number): number {
  if (order > MAX_FINITE || order < -MAX_FINITE) c.fail();
  return order >= 0 ? order : -order | MINUS_ZERO | 0;
}

function wordsDiffer(
  { at, field }: FieldPlan,
  row: Int32Array,
  rowAt: number,
  expected: Int32Array,
): boolean {
  for (let i = at; i < at + field.words; i++) if (row[rowAt + i] !== expected[i]) return true;
  return false;
}

function codeText(c: BitCoder, field: Field, row: Int32Array, word: number): void {
  const length = c.bits(row[word] ?? 0, bitsFor(field.hi));
  if (c.writing) {
    for (let i = 0; i < length; i++) c.bits(((row[word + 1 + (i >> 2)] ?? 0) >>> ((i & 3) * 8)) & 255, 8);
    return;
  }
  row.fill(0, word, word + field.words);
  if (length > field.hi) {
    c.fail();
    return;
  }
  const bytes = new Uint8Array(length);
  row[word] = length;
  for (let i = 0; i < length; i++) {
    bytes[i] = c.bits(0, 8);
    const to = word + 1 + (i >> 2);
    row[to] = (row[to] ?? 0) | ((bytes[i] ?? 0) << ((i & 3) * 8));
  }
  if (decodeUtf8(bytes) === undefined) c.fail();
}

/** Count, then per element that was there before its surprise, then new ones as themselves. */
function codeList(
  c: BitCoder,
  odds: Uint16Array,
  plan: FieldPlan,
  row: Int32Array,
  word: number,
  { expected, value }: Place,
): void {
  const { field } = plan;
  const element = field.element as Field;
  const { bins } = plan.value;
  const at = plan.value.at + value * bins;
  const had = expected[plan.at] ?? 0;
  const count = c.bits(row[word] ?? 0, bitsFor(field.hi));
  if (count > field.hi) {
    c.fail();
    return;
  }
  if (!c.writing) {
    row.fill(0, word, word + field.words);
    row[word] = count;
  }
  for (let i = 1; i <= count && !c.failed; i++) {
    const now = row[word + i] ?? 0;
    const coded =
      i <= had
        ? codeElement(c, odds, at, bins - 2, now, expected[plan.at + i] ?? 0, element)
        : codePlain(c, now, element);
    if (c.writing) continue;
    if (!(coded >= element.lo && coded <= element.hi)) c.fail();
    else row[word + i] = coded;
  }
}

function codeElement(
  c: BitCoder,
  odds: Uint16Array,
  at: number,
  sizes: number,
  now: number,
  was: number,
  element: Field,
): number {
  if (element.kind === 'f32')
    return fromOrder(c, inOrder(was) + codeSurprise(c, odds, at, sizes, inOrder(now) - inOrder(was)));
  if (element.kind !== 'angle') return was + codeSurprise(c, odds, at, sizes, now - was);
  if (c.bit(now === was ? 0 : 1, odds[at] ?? HALF) === 0) return was;
  return codeTurn(c, odds, at + 1, sizes, now, was, element);
}

function codePlain(c: BitCoder, now: number, element: Field): number {
  if (element.kind !== 'f32') return element.lo + c.bits(now - element.lo, element.bits);
  const word = c.bits(now, 32) | 0;
  if ((word & 0x7f800000) === 0x7f800000 || word === MINUS_ZERO) c.fail();
  return word;
}
