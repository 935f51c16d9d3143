/** Puts numbers into few classes, for contexts: similar cases share what is learned about them. */

/** The absolute value. */
export const size = (x: number): number => (x < 0 ? -x : x);

/** The least of three. */
export const least = (a: number, b: number, c: number): number => (a < b ? (a < c ? a : c) : b < c ? b : c);

/** Octaves of distance that are told apart. */
export const OCTAVES = 24;

/** Distances by size, coarsely: 0..8. */
export function sizeClass(x: number): number {
  const d = size(x);
  return d < 6
    ? d < 1.5
      ? d < 0.5
        ? 0
        : 1
      : d < 3
        ? 2
        : 3
    : d < 24
      ? d < 12
        ? 4
        : 5
      : d < 48
        ? 6
        : d < 100
          ? 7
          : 8;
}

const MISS_LIMITS = [0.25, 0.75, 1.5, 2.5, 4, 6, 9, 13, 20, 30, 50, 90];

/** Distances by size, finely: 0..12. */
export function missClass(x: number): number {
  const d = size(x);
  let i = 0;
  while (i < 12 && d >= (MISS_LIMITS[i] as number)) i++;
  return i;
}

/** Octave of a distance, from its square: 0 for none. */
export function octave(square: number): number {
  let n = 0;
  for (let d = square; d >= 1 && n < OCTAVES - 1; d /= 4) n++;
  return n;
}

/** Quarter octaves of a distance, from its square. */
export function octave4(square: number): number {
  let n = 0;
  let d = square;
  while (d >= 4 && n < 88) {
    d /= 4;
    n += 4;
  }
  return n + (d >= 2 ? (d >= 2.83 ? 3 : 2) : d >= 1.41 ? 1 : 0);
}
