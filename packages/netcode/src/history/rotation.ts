/**
 * Rotations sent as the smallest three of a unit quaternion: which of the four parts is largest, and the other three in steps. Turned
 * into quaternions here, carried on, and back into steps.
 *
 * Quaternions are four doubles x y z w at an offset of a larger array. Sines come from base/math: engines agree on every bit.
 */

import { atan2, cos, sin } from '../base/math.ts';

/** How three of the four parts are stored: part = (stored - zero) * step. */
export interface RotationGrid {
  readonly step: number;
  readonly zero: number;
}

/** Reads the quaternion of stored parts; words `at` hold largest, a, b, c in the given places. */
export function unpackRotation(
  { step, zero }: RotationGrid,
  rows: Int32Array,
  places: ArrayLike<number>,
  at: number,
  into: Float64Array,
): void {
  const largest = rows[at + (places[0] as number)] ?? 0;
  let rest = 1;
  let next = 1;
  for (let i = 0; i < 4; i++) {
    if (i === largest) continue;
    const part = ((rows[at + (places[next++] ?? 0)] ?? 0) - zero) * step;
    into[i] = part;
    rest -= part * part;
  }
  into[largest] = rest > 0 ? Math.sqrt(rest) : 0;
  const length = Math.sqrt(1 - rest + (rest > 0 ? rest : 0));
  for (let i = 0; i < 4; i++) into[i] = (into[i] as number) / length;
}

/** The three smaller parts in steps, not rounded, if part `largest` is the one left out. */
export function packRotation(
  { step, zero }: RotationGrid,
  q: Float64Array,
  at: number,
  largest: number,
  into: Float64Array,
  intoAt: number,
): void {
  const sign = (q[at + largest] as number) < 0 ? -1 : 1;
  let next = intoAt;
  for (let i = 0; i < 4; i++) if (i !== largest) into[next++] = (sign * (q[at + i] as number)) / step + zero;
}

/** Which part of a quaternion is largest. */
export function largestPart(q: Float64Array, at: number): number {
  let largest = 0;
  for (let i = 1; i < 4; i++) if (size(q[at + i] as number) > size(q[at + largest] as number)) largest = i;
  return largest;
}

/** The turn from one rotation to another, as an axis times its angle in radians, the short way. */
export function turnBetween(from: Float64Array, fromAt: number, to: Float64Array, into: Float64Array): void {
  multiply(
    to[0] as number,
    to[1] as number,
    to[2] as number,
    to[3] as number,
    -(from[fromAt] as number),
    -(from[fromAt + 1] as number),
    -(from[fromAt + 2] as number),
    from[fromAt + 3] as number,
    PRODUCT,
    0,
  );
  const flip = (PRODUCT[3] as number) < 0 ? -1 : 1;
  let squares = 0;
  for (let i = 0; i < 3; i++) squares += (PRODUCT[i] as number) * (PRODUCT[i] as number);
  const s = Math.sqrt(squares);
  const scale = s < SMALL ? 2 * arcSineShare(squares) : (2 * atan2(s, flip * (PRODUCT[3] as number))) / s;
  for (let i = 0; i < 3; i++) into[i] = (PRODUCT[i] as number) * flip * scale;
}

/** A rotation, turned by x y z. */
export function turned(
  x: number,
  y: number,
  z: number,
  q: Float64Array,
  at: number,
  into: Float64Array,
  intoAt: number,
): void {
  const angle = Math.sqrt(x * x + y * y + z * z);
  const scale = angle < 1e-9 ? 0.5 : sin(angle / 2) / angle;
  multiply(
    x * scale,
    y * scale,
    z * scale,
    cos(angle / 2),
    q[at] as number,
    q[at + 1] as number,
    q[at + 2] as number,
    q[at + 3] as number,
    into,
    intoAt,
  );
}

/** Half turns with a smaller sine are measured by a short series: most are small, and the error stays below 1e-6. */
const SMALL = 0.2;

/** asin(s) / s from the square of s. */
function arcSineShare(square: number): number {
  return 1 + square * (1 / 6 + square * (3 / 40 + square * (15 / 336 + square * (105 / 3456))));
}

const PRODUCT = new Float64Array(4);

const size = (x: number): number => (x < 0 ? -x : x);

function multiply(
  ax: number,
  ay: number,
  az: number,
  aw: number,
  bx: number,
  by: number,
  bz: number,
  bw: number,
  into: Float64Array,
  at: number,
): void {
  into[at] = aw * bx + ax * bw + ay * bz - az * by;
  into[at + 1] = aw * by - ax * bz + ay * bw + az * bx;
  into[at + 2] = aw * bz + ax * by - ay * bx + az * bw;
  into[at + 3] = aw * bw - ax * bx - ay * by - az * bz;
}
