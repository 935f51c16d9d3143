/** Continuous fields, those drawn between the values that were sent: which they are, and how two values blend. */

import { floatOf } from '../simulation/float.ts';
import type { RowSchema } from '../wire/schema.ts';

export interface Continuous {
  /** First word of the field in the row. */
  readonly at: number;
  /** Place among the row's continuous fields. */
  readonly index: number;
  readonly kind: 'line' | 'turn' | 'float';
  readonly step: number;
  readonly lo: number;
  readonly hi: number;
  /** Row offset of the rate field, -1 for none, and grid steps per tick per unit of it. */
  readonly followsAt: number;
  readonly followsFactor: number;
}

export function continuousFields(schema: RowSchema): Continuous[] {
  const found: Continuous[] = [];
  for (const { field, at, followsAt, followsFactor, name } of schema.fields) {
    if (name.startsWith('$') || field.local || !['grid', 'angle', 'f32'].includes(field.kind)) continue;
    const kind = field.kind === 'angle' ? 'turn' : field.kind === 'f32' ? 'float' : 'line';
    const { step, lo, hi } = field;
    found.push({ at, index: found.length, kind, step, lo, hi, followsAt, followsFactor });
  }
  return found;
}

/** The stored number as the unit that interpolation works in: the field's own value. */
export function drawnValue(field: Continuous, word: number): number {
  return field.kind === 'float' ? floatOf(word) : word * field.step;
}

/** What leads from one value to another; angles take the short way round. */
export function difference(field: Continuous, to: number, from: number): number {
  return field.kind === 'turn' ? wrapTurn(to - from) : to - from;
}

/** The value `share` (0..1) of the way `difference` along. */
export function along(field: Continuous, from: number, way: number, share: number): number {
  const value = from + way * share;
  return field.kind === 'turn' ? wrapTurn(value) : value;
}

const TURN = 2 * Math.PI;

/** An angle in [-pi, pi). */
export function wrapTurn(angle: number): number {
  const from = angle + Math.PI;
  // Nearly every angle is in range already; the division below costs more than all else that is done to a drawn row.
  return from >= 0 && from < TURN ? angle : angle - Math.floor(from / TURN) * TURN;
}
