/**
 * Which units each client sees: whole cells of 128 x 128 map units that the square around its own unit touches.
 *
 * Plain code for what Tickwire's interest grid does, with its hysteresis: a unit changes cells only when it is a margin outside of its
 * own, and a client lets go of a cell only when it is a margin outside of the square.
 */

import type { Scenario } from './scenarios.ts';
import { POSITION_SCALE, type UnitWorld, WORDS, X, Y } from './world.ts';

export const CELL = 128;
export const MARGIN = 16;
const CELLS = 32; // a side of the map
const STORED_CELL = CELL * POSITION_SCALE;
const STORED_MARGIN = MARGIN * POSITION_SCALE;

/** One client's visible units, by rising index. */
export class VisibleSet {
  units: Int32Array = new Int32Array(64);
  count = 0;
  /** What came into and went out of sight in this tick. */
  readonly entered: number[] = [];
  readonly left: number[] = [];
  /** Cells in sight. */
  cells: number[] = [];
  /** 1 for each cell in sight. */
  readonly shown = new Uint8Array(CELLS * CELLS);
  #before: Int32Array = new Int32Array(64);
  #beforeCount = 0;

  /** Keeps what is visible now as what was visible before. */
  begin(): void {
    const spare = this.#before;
    this.#before = this.units;
    this.#beforeCount = this.count;
    this.units = spare;
    this.count = 0;
  }

  add(unit: number): void {
    if (this.count >= this.units.length) {
      const grown = new Int32Array(this.units.length * 2);
      grown.set(this.units);
      this.units = grown;
    }
    this.units[this.count++] = unit;
  }

  end(): void {
    this.units.subarray(0, this.count).sort();
    this.entered.length = 0;
    this.left.length = 0;
    let b = 0;
    for (let i = 0; i < this.count; i++) {
      const unit = this.units[i] ?? 0;
      while (b < this.#beforeCount && (this.#before[b] ?? 0) < unit) this.left.push(this.#before[b++] ?? 0);
      if (b < this.#beforeCount && this.#before[b] === unit) b++;
      else this.entered.push(unit);
    }
    while (b < this.#beforeCount) this.left.push(this.#before[b++] ?? 0);
  }
}

/** The visible sets of all clients at one tick. The same sets are given to every codec. */
export class Interest {
  readonly sets: readonly VisibleSet[];
  readonly #scenario: Scenario;
  readonly #members: number[][] = Array.from({ length: CELLS * CELLS }, () => []);
  /** Cell of each unit, -1 before the first tick. */
  readonly #cellOf: Int32Array;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#cellOf = new Int32Array(scenario.units).fill(-1);
    this.sets = Array.from({ length: scenario.clients }, () => new VisibleSet());
  }

  /** Notes the cell of each unit; which one depends on where it was before. Part of `update`. */
  place(world: UnitWorld): void {
    if (this.#scenario.side > 0) this.#fillCells(world);
  }

  update(world: UnitWorld): void {
    const { side } = this.#scenario;
    this.place(world);
    for (let client = 0; client < this.sets.length; client++) {
      const set = this.sets[client] as VisibleSet;
      set.begin();
      if (side === 0) for (let unit = 0; unit < world.count; unit++) set.add(unit);
      else this.#look(set, world.rows, client * WORDS, (side / 2) * POSITION_SCALE);
      set.end();
    }
  }

  #fillCells({ rows, count }: UnitWorld): void {
    for (const cell of this.#members) cell.length = 0;
    for (let unit = 0; unit < count; unit++) {
      const x = rows[unit * WORDS + X] ?? 0;
      const y = rows[unit * WORDS + Y] ?? 0;
      let cell = this.#cellOf[unit] ?? -1;
      if (cell < 0 || !isNear(cell, x, y)) cell = lineOf(y) * CELLS + lineOf(x);
      this.#cellOf[unit] = cell;
      this.#members[cell]?.push(unit);
    }
  }

  #look(set: VisibleSet, rows: Int32Array, at: number, half: number): void {
    const x = rows[at + X] ?? 0;
    const y = rows[at + Y] ?? 0;
    const reach = half + STORED_MARGIN;
    const cells: number[] = [];
    for (let row = lineOf(y - reach); row <= lineOf(y + reach); row++) {
      for (let column = lineOf(x - reach); column <= lineOf(x + reach); column++) {
        const cell = row * CELLS + column;
        if (set.shown[cell] === 1 || (covers(x, half, column) && covers(y, half, row))) cells.push(cell);
      }
    }
    for (const cell of set.cells) set.shown[cell] = 0;
    for (const cell of cells) {
      set.shown[cell] = 1;
      for (const unit of this.#members[cell] as number[]) set.add(unit);
    }
    set.cells = cells;
  }
}

/** Whether a position lies in a cell or within the margin around it. */
function isNear(cell: number, x: number, y: number): boolean {
  const dx = x - (cell % CELLS) * STORED_CELL;
  const dy = y - Math.floor(cell / CELLS) * STORED_CELL;
  const most = STORED_CELL + STORED_MARGIN;
  return dx >= -STORED_MARGIN && dy >= -STORED_MARGIN && dx < most && dy < most;
}

/** Whether the stretch `half` to both sides of `middle` touches a column or row. */
function covers(middle: number, half: number, line: number): boolean {
  return lineOf(middle - half) <= line && line <= lineOf(middle + half);
}

/** Column or row of a stored coordinate; what lies off the map belongs to the cells at its edge. */
function lineOf(stored: number): number {
  return Math.max(0, Math.min(CELLS - 1, Math.floor(stored / STORED_CELL)));
}
