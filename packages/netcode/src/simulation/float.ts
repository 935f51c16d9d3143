/** Floats as the integers that share their bits. */

const floats = new Float32Array(1);
const words = new Int32Array(floats.buffer);
const MINUS_ZERO = -2147483648;

export const MAX_FLOAT = 3.4028234663852886e38;

/** The word of a number within ±MAX_FLOAT, rounded to float precision. */
export function floatBits(value: number): number {
  floats[0] = value;
  const word = words[0] ?? 0;
  // One zero: -0 and 0 are equal values and must be equal words. A tiny negative number rounds to -0 as well.
  return word === MINUS_ZERO ? 0 : word;
}

export function floatOf(bits: number): number {
  words[0] = bits;
  return floats[0] ?? 0;
}
