/** Floats as the integers that share their bits. */

const floats = new Float32Array(1);
const words = new Int32Array(floats.buffer);

export function floatBits(value: number): number {
  // One zero: -0 and 0 are equal values and must be equal words.
  floats[0] = value === 0 ? 0 : value;
  return words[0] ?? 0;
}

export function floatOf(bits: number): number {
  words[0] = bits;
  return floats[0] ?? 0;
}
