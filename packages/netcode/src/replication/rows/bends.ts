/**
 * The little trigonometry that expectations need, from exact operations only: encoder and decoder must get the same bits on every
 * engine. Shorter series than base/math.ts, good enough to predict with.
 */

/** A whole number of angle steps, brought into the range of the field. */
export function wrap(steps: number, bits: number): number {
  return (steps << (32 - bits)) >> (32 - bits);
}

/**
 * The sum of a rate that turns evenly from one value to another over `ticks`, over the mean of the two times `ticks`:
 * tan(a / 2) / tan(a / 2n) / n, with the whole turn a from its chord, as series that hold up to a right angle.
 */
export function bendOf(now2: number, was2: number, dot: number, ticks: number): number {
  const chord2 = (now2 + was2 - 2 * dot) / Math.sqrt(now2 * was2);
  const q = chord2 < 2 ? chord2 : 2;
  const a2 = q * (1 + q * (1 / 12 + q * (1 / 90 + q / 560)));
  const n2 = ticks * ticks;
  return (
    (1 + (a2 / 12) * (1 + (a2 / 10) * (1 + (a2 * 17) / 168))) / (1 + (a2 / (12 * n2)) * (1 + a2 / (10 * n2)))
  );
}

/** Arc sine for 0 <= s <= 1, good to 1e-4 below 0.9: enough to turn on by. */
export function arcSine(s: number): number {
  if (s > 0.75) return Math.PI / 2 - arcSine(Math.sqrt(1 - (s < 1 ? s * s : 1)));
  const s2 = s * s;
  return s * (1 + s2 * (1 / 6 + s2 * (3 / 40 + s2 * (15 / 336 + s2 * (105 / 3456 + s2 * (945 / 42240))))));
}

/** Sine and cosine of a turn; larger ones than half a circle are taken for half a circle. */
export function sine(turn: number): number {
  const x = turn < Math.PI ? turn : Math.PI;
  const x2 = x * x;
  return (
    x *
    (1 - (x2 / 6) * (1 - (x2 / 20) * (1 - (x2 / 42) * (1 - (x2 / 72) * (1 - (x2 / 110) * (1 - x2 / 156))))))
  );
}

export function cosine(turn: number): number {
  const x = turn < Math.PI ? turn : Math.PI;
  const x2 = x * x;
  return (
    1 - (x2 / 2) * (1 - (x2 / 12) * (1 - (x2 / 30) * (1 - (x2 / 56) * (1 - (x2 / 90) * (1 - x2 / 132)))))
  );
}
