/** Which units each client sees: whole cells of 128 x 128 map units that the square around its own unit touches. */

import type { Scenario } from './scenarios.ts';
import { POSITION_SCALE, type UnitWorld, WORDS, X, Y } from './world.ts';

const CELL = 128;
const CELLS = 32; // a side of the map
const CELL_SHIFT = Math.log2(CELL * POSITION_SCALE);

/** A client's cells, all ends included. */
export interface CellRect {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** One client's visible units, by rising index. */
export class VisibleSet {
  units: Int32Array = new Int32Array(64);
  count = 0;
  readonly cells: CellRect = { left: 0, top: 0, right: CELLS - 1, bottom: CELLS - 1 };
  /** What came into and went out of sight in this tick. */
  readonly entered: number[] = [];
  readonly left: number[] = [];
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

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.sets = Array.from({ length: scenario.clients }, () => new VisibleSet());
  }

  update(world: UnitWorld): void {
    const { side } = this.#scenario;
    if (side > 0) this.#fillCells(world);
    for (let client = 0; client < this.sets.length; client++) {
      const set = this.sets[client] as VisibleSet;
      set.begin();
      if (side === 0) for (let unit = 0; unit < world.count; unit++) set.add(unit);
      else this.#gather(set, world.rows, client * WORDS, (side / 2) * POSITION_SCALE);
      set.end();
    }
  }

  #fillCells(world: UnitWorld): void {
    for (const cell of this.#members) cell.length = 0;
    for (let unit = 0; unit < world.count; unit++) {
      const column = cellOf(world.rows[unit * WORDS + X] ?? 0);
      const row = cellOf(world.rows[unit * WORDS + Y] ?? 0);
      this.#members[row * CELLS + column]?.push(unit);
    }
  }

  #gather(set: VisibleSet, rows: Int32Array, at: number, half: number): void {
    const x = rows[at + X] ?? 0;
    const y = rows[at + Y] ?? 0;
    const { cells } = set;
    cells.left = cellOf(x - half);
    cells.right = cellOf(x + half);
    cells.top = cellOf(y - half);
    cells.bottom = cellOf(y + half);
    for (let row = cells.top; row <= cells.bottom; row++) {
      for (let column = cells.left; column <= cells.right; column++) {
        for (const unit of this.#members[row * CELLS + column] as number[]) set.add(unit);
      }
    }
  }
}

/** Column or row of a stored coordinate; what lies off the map belongs to the cells at its edge. */
function cellOf(stored: number): number {
  return Math.max(0, Math.min(CELLS - 1, stored >> CELL_SHIFT));
}
