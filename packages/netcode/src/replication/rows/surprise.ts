/** Numbers as decisions: how a difference from what was expected is spelled in bits with probabilities. */

import type { BitCoder } from '../../wire/range.ts';

/**
 * A difference, zero included: zero or not, then as `codeNonzero`. `odds` from `at`: one for zero, one for the sign, and one per size.
 * `sizes` is the number of those; a size is the number of binary digits below the leading one.
 */
export function codeSurprise(
  c: BitCoder,
  odds: Uint16Array,
  at: number,
  sizes: number,
  difference: number,
): number {
  if (c.bit(difference === 0 ? 0 : 1, odds[at] ?? 1) === 0) return 0;
  return codeNonzero(c, odds, at + 1, sizes, difference);
}

/** A difference that is not zero: sign, size in unary, then the digits below the leading one. At most 32 digits. */
export function codeNonzero(
  c: BitCoder,
  odds: Uint16Array,
  at: number,
  sizes: number,
  difference: number,
): number {
  const negative = c.bit(difference < 0 ? 1 : 0, odds[at] ?? 1);
  const amount = difference < 0 ? -difference : difference;
  const digits = 31 - Math.clz32(amount);
  let size = 0;
  while (size < sizes && c.bit(digits > size ? 1 : 0, odds[at + 1 + size] ?? 1) === 1) size++;
  if (size >= 31) return codeHuge(c, size, negative, amount);
  const value = size === 0 ? 1 : (1 << size) + c.bits(amount - (1 << size), size);
  return negative === 1 ? -value : value;
}

/** Beyond the reach of 32-bit operations. */
function codeHuge(c: BitCoder, size: number, negative: number, amount: number): number {
  const value = 2 ** size + c.bits(amount - 2 ** size, size);
  return negative === 1 ? -value : value;
}

/** A number of `digits` binary digits, down a tree whose inner nodes have their own probability. */
export function codeTree(c: BitCoder, odds: Uint16Array, at: number, digits: number, value: number): number {
  let node = 1;
  for (let i = digits - 1; i >= 0; i--) node = node * 2 + c.bit((value >>> i) & 1, odds[at + node] ?? 1);
  return node - (1 << digits);
}
