/** Which way a vector points, in whole steps of an angle field. The same on every engine: only exact operations. */

import { wrap } from './bends.ts';

const TURN = 1 / (2 * Math.PI);

/** Direction of (x, y), which is not zero, in steps of `bits`. Good to 1e-5 rad (Abramowitz and Stegun 4.4.47, 1964). */
export function headingOf(x: number, y: number, bits: number): number {
  const ax = x < 0 ? -x : x;
  const ay = y < 0 ? -y : y;
  const t = ay <= ax ? ay / ax : ax / ay;
  const s = t * t;
  const eighth = t * (0.999866 + s * (-0.3302995 + s * (0.180141 + s * (-0.085133 + s * 0.0208351))));
  let turns = (ay <= ax ? eighth : Math.PI / 2 - eighth) * TURN;
  if (x < 0) turns = 0.5 - turns;
  if (y < 0) turns = -turns;
  return wrap(Math.floor(turns * (1 << bits) + 0.5), bits);
}
