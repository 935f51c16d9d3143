/** The way around walls: a grid over the map, and per goal the direction to walk in every cell, worked out when first asked for. */

import { blocked, clearLine } from '../rules/collision.ts';
import type { ArenaMap, Spot } from '../rules/map.ts';
import { SHIP_RADIUS } from '../rules/ship.ts';

const CELL = 50;
/** Room to both sides of a ship on its way. */
const CLEARANCE = SHIP_RADIUS + 4;
/** How many cells of the way are looked at for a straight line. */
const LOOK_AHEAD = 9;

const NEIGHBOURS = [
  [1, 0],
  [-1, 0],
  [0, 1],
  [0, -1],
  [1, 1],
  [1, -1],
  [-1, 1],
  [-1, -1],
] as const;

export class Navigation {
  readonly #map: ArenaMap;
  readonly #columns: number;
  readonly #rows: number;
  readonly #open: Uint8Array;
  /** Per goal cell: for every cell the next cell on the way, or itself. 1,536 cells make 3 kB a goal. */
  readonly #flows = new Map<number, Int16Array>();

  constructor(map: ArenaMap) {
    this.#map = map;
    this.#columns = Math.ceil(map.width / CELL);
    this.#rows = Math.ceil(map.height / CELL);
    this.#open = new Uint8Array(this.#columns * this.#rows);
    for (let cell = 0; cell < this.#open.length; cell++) {
      this.#open[cell] = blocked(map, this.#x(cell), this.#y(cell), CLEARANCE) ? 0 : 1;
    }
  }

  /** Where to head for from `from`, to get to `to`: `to` itself when nothing stands between. */
  heading(from: Spot, to: Spot): Spot {
    if (clearLine(this.#map, from.x, from.y, to.x, to.y, CLEARANCE)) return to;
    const flow = this.#flowTo(this.#nearestOpen(to));
    let cell = this.#nearestOpen(from);
    let best = cell;
    for (let step = 0; step < LOOK_AHEAD; step++) {
      const next = flow[cell]!;
      if (next === cell) break;
      cell = next;
      if (step > 0 && !clearLine(this.#map, from.x, from.y, this.#x(cell), this.#y(cell), CLEARANCE)) break;
      best = cell;
    }
    return { x: this.#x(best), y: this.#y(best) };
  }

  /** Breadth first from the goal, so every cell learns its neighbour that is one step nearer. */
  #flowTo(goal: number): Int16Array {
    const known = this.#flows.get(goal);
    if (known !== undefined) return known;
    const flow = new Int16Array(this.#open.length);
    for (let cell = 0; cell < flow.length; cell++) flow[cell] = cell;
    const seen = new Uint8Array(flow.length);
    const queue = [goal];
    seen[goal] = 1;
    for (let head = 0; head < queue.length; head++) {
      const cell = queue[head]!;
      for (const [dx, dy] of NEIGHBOURS) {
        const next = this.#step(cell, dx, dy);
        if (next < 0 || seen[next] === 1) continue;
        seen[next] = 1;
        flow[next] = cell;
        queue.push(next);
      }
    }
    this.#flows.set(goal, flow);
    return flow;
  }

  /** The neighbouring cell, or -1. A diagonal needs both of its sides open: corners are not cut. */
  #step(cell: number, dx: number, dy: number): number {
    const column = (cell % this.#columns) + dx;
    const row = Math.floor(cell / this.#columns) + dy;
    if (column < 0 || row < 0 || column >= this.#columns || row >= this.#rows) return -1;
    if (this.#open[row * this.#columns + column] === 0) return -1;
    if (dx !== 0 && dy !== 0) {
      if (this.#open[(row - dy) * this.#columns + column] === 0) return -1;
      if (this.#open[row * this.#columns + column - dx] === 0) return -1;
    }
    return row * this.#columns + column;
  }

  /** The open cell at or around this place. */
  #nearestOpen(place: Spot): number {
    const column = Math.min(Math.max(Math.floor(place.x / CELL), 0), this.#columns - 1);
    const row = Math.min(Math.max(Math.floor(place.y / CELL), 0), this.#rows - 1);
    let nearest = row * this.#columns + column;
    if (this.#open[nearest] === 1) return nearest;
    let best = Number.POSITIVE_INFINITY;
    for (let dy = -2; dy <= 2; dy++) {
      for (let dx = -2; dx <= 2; dx++) {
        if (column + dx < 0 || column + dx >= this.#columns || row + dy < 0 || row + dy >= this.#rows)
          continue;
        const cell = (row + dy) * this.#columns + column + dx;
        const distance = (this.#x(cell) - place.x) ** 2 + (this.#y(cell) - place.y) ** 2;
        if (this.#open[cell] === 0 || distance >= best) continue;
        best = distance;
        nearest = cell;
      }
    }
    return nearest;
  }

  #x(cell: number): number {
    return ((cell % this.#columns) + 0.5) * CELL;
  }

  #y(cell: number): number {
    return (Math.floor(cell / this.#columns) + 0.5) * CELL;
  }
}
