/**
 * Several forecasts of where a row will be, from the rows that it was: staying, going on at its latest speed, at a steadier speed,
 * braking or falling, and the longest line and parabola that explain its past. Rotations are carried on as turns from the newest one.
 */

import { packRotation, type RotationGrid, turnBetween, turned, unpackRotation } from './rotation.ts';
import { TREND_VALUES, Trend } from './trend.ts';

export const STAY = 0;
export const LATEST = 1;
export const STEADY = 2;
export const SLOW = 3;
export const CURVED = 4;
export const LINE = 5;
export const PARABOLA = 6;
export const FORECASTS = 7;

/** Mean squares of what a curve may leave unexplained, in steps: rounding is 1/12; rotations pass through three roundings. */
const NOISE = 0.25;
const TURN_NOISE = 0.64;

/** Frames that both sides hold, the newest first. */
export interface Past {
  readonly count: number;
  frame(back: number): Int32Array;
}

/** Where places and rotations are in a row. */
export interface Layout {
  readonly stride: number;
  /** Words of up to three fields that make a place. */
  readonly places: ArrayLike<number>;
  /** Words of largest, a, b, c; empty without a rotation. */
  readonly rotation: ArrayLike<number>;
  readonly grid: RotationGrid;
}

export class Forecast {
  /** Six rows of seven forecasts: three places, three turns (in half steps around the newest rotation). */
  readonly values = new Float64Array(6 * FORECASTS);
  /** How far back the line and the parabola reach, 0..9; -1 for not at all. */
  readonly lines = new Int32Array(6);
  readonly parabolas = new Int32Array(6);
  /** Change per frame, latest, and its change over the last frames. */
  readonly speeds = new Float64Array(6);
  readonly bends = new Float64Array(6);
  readonly #layout: Layout;
  readonly #trend = new Trend();
  readonly #series = Array.from({ length: 6 }, () => new Float64Array(TREND_VALUES));
  readonly #newest = new Float64Array(4);
  readonly #older = new Float64Array(4);
  readonly #turn = new Float64Array(3);
  readonly #rotations = new Float64Array((FORECASTS + 1) * 4);

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  look(past: Past, row: number, ahead: number): void {
    const { places, rotation, stride } = this.#layout;
    const count = past.count < TREND_VALUES ? past.count : TREND_VALUES;
    const at = row * stride;
    for (let i = 0; i < places.length; i++) {
      const word = at + (places[i] as number);
      const series = this.#series[i] as Float64Array;
      for (let j = 0; j < count; j++) series[j] = past.frame(j)[word] ?? 0;
      this.#extend(i, count, ahead, NOISE);
    }
    if (rotation.length > 0) this.#lookAround(past, at, count, ahead);
  }

  /** A forecast rotation; `FORECASTS` for the one that was given to `turnMore`. */
  largest(of: (q: Float64Array, at: number) => number, which: number): number {
    return of(this.#rotations, which * 4);
  }

  part(which: number, i: number): number {
    return this.#rotations[which * 4 + i] as number;
  }

  pack(which: number, largest: number, into: Float64Array, at: number): void {
    packRotation(this.#layout.grid, this.#rotations, which * 4, largest, into, at);
  }

  /** Adds one more rotation: a forecast, turned by as much as others missed it. */
  turnMore(which: number, turn: Float64Array): void {
    turned(
      turn[0] as number,
      turn[1] as number,
      turn[2] as number,
      this.#rotations,
      which * 4,
      this.#rotations,
      FORECASTS * 4,
    );
  }

  /** How far a row's rotation is from a forecast, as a turn in radians. */
  missed(which: number, rows: Int32Array, at: number, into: Float64Array): void {
    unpackRotation(this.#layout.grid, rows, this.#layout.rotation, at, this.#older);
    turnBetween(this.#rotations, which * 4, this.#older, into);
  }

  #lookAround(past: Past, at: number, count: number, ahead: number): void {
    const { rotation, grid } = this.#layout;
    const turn = this.#turn;
    const half = grid.step * 2;
    unpackRotation(grid, past.frame(0), rotation, at, this.#newest);
    let turns = count;
    // Nothing turned lately: nothing is asked of the sines.
    if (this.#still(past, at, count)) turns = 0;
    for (let j = 0; j < turns; j++) {
      unpackRotation(grid, past.frame(j), rotation, at, this.#older);
      turnBetween(this.#newest, 0, this.#older, turn);
      for (let i = 0; i < 3; i++) (this.#series[3 + i] as Float64Array)[j] = (turn[i] as number) / half;
    }
    if (turns === 0) for (let i = 3; i < 6; i++) (this.#series[i] as Float64Array).fill(0);
    for (let i = 3; i < 6; i++) this.#extend(i, count, ahead, TURN_NOISE);
    for (let n = 0; n < FORECASTS; n++)
      turned(
        (this.values[3 * FORECASTS + n] as number) * half,
        (this.values[4 * FORECASTS + n] as number) * half,
        (this.values[5 * FORECASTS + n] as number) * half,
        this.#newest,
        0,
        this.#rotations,
        n * 4,
      );
  }

  #still(past: Past, at: number, count: number): boolean {
    const { rotation } = this.#layout;
    const newest = past.frame(0);
    for (let j = 1; j < count && j <= 12; j++)
      for (let i = 0; i < 4; i++) {
        const word = at + (rotation[i] as number);
        if (past.frame(j)[word] !== newest[word]) return false;
      }
    return true;
  }

  #extend(i: number, count: number, ahead: number, noise: number): void {
    const series = this.#series[i] as Float64Array;
    const { values } = this;
    const at = i * FORECASTS;
    const back = (j: number): number => series[j < count ? j : count - 1] as number;
    const now = back(0);
    const three = back(3);
    const six = back(6);
    values[at + STAY] = now;
    values[at + LATEST] = now + (now - back(1)) * ahead;
    values[at + STEADY] = now + ((now - three) * ahead) / 3;
    values[at + SLOW] = now + ((now - six) * ahead) / 6;
    const bend = (now - 2 * three + six) / 9;
    values[at + CURVED] = now + ((now - three) / 3 + bend * 1.5) * ahead + 0.5 * bend * ahead * ahead;
    const trend = this.#trend;
    trend.look(1, series, count, ahead, noise);
    values[at + LINE] = trend.value;
    this.lines[i] = trend.window;
    trend.look(2, series, count, ahead, noise);
    values[at + PARABOLA] = trend.value;
    this.parabolas[i] = trend.window;
    this.speeds[i] = now - back(1);
    this.bends[i] = bend;
  }
}
