/** One frame of one field: a loop per run over the field's column. All the time of a drawn frame is spent here. */

import {
  type Continuous,
  CURVE,
  drawnValue,
  movedValue,
  wrapTurn,
  writeCurve,
} from '../replication/blend.ts';
import { MOVES, type Runs } from './runs.ts';

/** Works out the curves of a field that follows a rate, for all rows that are blended. */
export function writeCurves(
  curves: Float64Array,
  field: Continuous,
  words: Int32Array,
  nextWords: Int32Array,
  stride: number,
  runs: Runs,
): void {
  let slot = 0;
  for (let run = 0; run < runs.count; run++) {
    const end = runs.ends[run] as number;
    const span = runs.spans[run] as number;
    const late = runs.lates[run] as number;
    let next = runs.next[run] as number;
    if (next < 0) slot = end;
    for (; slot < end; slot++) {
      writeCurve(curves, slot * CURVE, field, words, slot * stride, nextWords, next, late, span);
      next += stride;
    }
  }
}

/** Draws a field that follows a rate. */
export function drawCurves(
  into: Float64Array,
  field: Continuous,
  words: Int32Array,
  curves: Float64Array,
  stride: number,
  runs: Runs,
): void {
  let slot = 0;
  for (let run = 0; run < runs.count; run++) {
    const end = runs.ends[run] as number;
    const share = runs.shares[run] as number;
    const blends = (runs.now[run] as number) >= 0;
    if (blends) {
      for (let at = slot * CURVE; slot < end; slot++) {
        const bend = (curves[at + 2] as number) + share * (curves[at + 3] as number);
        into[slot] = (curves[at] as number) + share * ((curves[at + 1] as number) + share * bend);
        at += CURVE;
      }
    } else {
      const ticks = runs.now[run] === MOVES ? share : 0;
      for (; slot < end; slot++) into[slot] = movedValue(field, words, slot * stride, ticks);
    }
  }
}

export function drawLines(
  into: Float64Array,
  field: Continuous,
  words: Int32Array,
  nextWords: Int32Array,
  stride: number,
  runs: Runs,
): void {
  const { step } = field;
  let slot = 0;
  let at = field.at;
  for (let run = 0; run < runs.count; run++) {
    const end = runs.ends[run] as number;
    const share = runs.shares[run] as number;
    let next = runs.now[run] as number;
    if (next >= 0) {
      for (next += field.at; slot < end; slot++) {
        const from = (words[at] as number) * step;
        into[slot] = from + ((nextWords[next] as number) * step - from) * share;
        at += stride;
        next += stride;
      }
    } else {
      for (; slot < end; slot++) {
        into[slot] = (words[at] as number) * step;
        at += stride;
      }
    }
  }
}

export function drawTurns(
  into: Float64Array,
  field: Continuous,
  words: Int32Array,
  nextWords: Int32Array,
  stride: number,
  runs: Runs,
): void {
  const { step } = field;
  let slot = 0;
  let at = field.at;
  for (let run = 0; run < runs.count; run++) {
    const end = runs.ends[run] as number;
    const share = runs.shares[run] as number;
    const first = runs.now[run] as number;
    let next = first + field.at;
    for (; slot < end; slot++) {
      const from = (words[at] as number) * step;
      into[slot] =
        first < 0 ? from : wrapTurn(from + wrapTurn((nextWords[next] as number) * step - from) * share);
      at += stride;
      next += stride;
    }
  }
}

export function drawFloats(
  into: Float64Array,
  field: Continuous,
  words: Int32Array,
  nextWords: Int32Array,
  stride: number,
  runs: Runs,
): void {
  let slot = 0;
  let at = field.at;
  for (let run = 0; run < runs.count; run++) {
    const end = runs.ends[run] as number;
    const share = runs.shares[run] as number;
    const first = runs.now[run] as number;
    let next = first + field.at;
    for (; slot < end; slot++) {
      const from = drawnValue(field, words[at] as number);
      into[slot] = first < 0 ? from : from + (drawnValue(field, nextWords[next] as number) - from) * share;
      at += stride;
      next += stride;
    }
  }
}
