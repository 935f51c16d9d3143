/**
 * Where a number is heading: lines and parabolas through its latest values, over the longest stretch that they explain.
 *
 * Values on a grid say little about speed from one to the next; a long stretch says much, until something is hit. Least squares over
 * windows of rising length stop at the first that leaves more than rounding noise.
 */

/** Steps back that a window may reach. */
const WINDOWS = [2, 3, 4, 6, 8, 12, 16, 24, 32, 48] as const;

/** Values that `Trend.look` takes at most, the newest first. */
export const TREND_VALUES = 49;

/** Inverse of the moments of 1, t, t^2 at t = 0, -1, .. -w: nine numbers per window, for each degree. */
const INVERSES = [1, 2].map((degree) =>
  Float64Array.from(WINDOWS.flatMap((w) => invertMoments(w + 1, degree))),
);

export class Trend {
  /** Expected value `ahead` steps after the newest. */
  value = 0;
  /** Which window it was; -1 for none. The longer, the surer. */
  window = -1;

  /** Fits a curve of degree 1 or 2 to `count` values; leaves at most `noise` squared, in the mean, unexplained. */
  look(degree: number, values: Float64Array, count: number, ahead: number, noise: number): void {
    const inverse = INVERSES[degree - 1] as Float64Array;
    const origin = values[0] as number;
    this.window = -1;
    this.value = origin;
    let sum0 = 0;
    let sum1 = 0;
    let sum2 = 0;
    let squares = 0;
    let j = 0;
    for (let w = degree - 1; w < WINDOWS.length; w++) {
      const size = (WINDOWS[w] as number) + 1;
      if (size > count) return;
      for (; j < size; j++) {
        const d = (values[j] as number) - origin;
        sum0 += d;
        sum1 -= j * d;
        sum2 += j * j * d;
        squares += d * d;
      }
      const at = w * 9;
      const c0 =
        (inverse[at] as number) * sum0 +
        (inverse[at + 1] as number) * sum1 +
        (inverse[at + 2] as number) * sum2;
      const c1 =
        (inverse[at + 3] as number) * sum0 +
        (inverse[at + 4] as number) * sum1 +
        (inverse[at + 5] as number) * sum2;
      const c2 =
        (inverse[at + 6] as number) * sum0 +
        (inverse[at + 7] as number) * sum1 +
        (inverse[at + 8] as number) * sum2;
      const free = size - degree - 1;
      const left = squares - c0 * sum0 - c1 * sum1 - c2 * sum2;
      const rough = free > 0 && left > noise * free;
      if (rough && this.window >= 0) return;
      this.window = w;
      this.value = origin + c0 + ahead * (c1 + ahead * c2);
      if (rough) return;
    }
  }
}

function invertMoments(size: number, degree: number): number[] {
  const order = degree + 1;
  const rows: number[][] = Array.from({ length: order }, (_, a) =>
    Array.from({ length: 2 * order }, (_, b) => (b - order === a ? 1 : 0)),
  );
  for (let j = 0; j < size; j++)
    for (let a = 0; a < order; a++)
      for (let b = 0; b < order; b++) (rows[a] as number[])[b] = (rows[a]?.[b] ?? 0) + (-j) ** (a + b);
  for (let a = 0; a < order; a++) {
    const pivot = rows[a] as number[];
    const scale = pivot[a] as number;
    for (let b = 0; b < 2 * order; b++) pivot[b] = (pivot[b] as number) / scale;
    for (const row of rows) {
      if (row === pivot) continue;
      const factor = row[a] as number;
      for (let b = 0; b < 2 * order; b++) row[b] = (row[b] as number) - factor * (pivot[b] as number);
    }
  }
  return [0, 1, 2].flatMap((a) =>
    [0, 1, 2].map((b) => (a < order && b < order ? (rows[a]?.[order + b] ?? 0) : 0)),
  );
}
