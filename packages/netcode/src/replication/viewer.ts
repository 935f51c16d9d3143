/** One client as the interest rules see it: its seat, its team, and the cells that it is shown. */

import type { Area, InterestGrid } from '../simulation/grid.ts';

/** Less than any distance that matters, as a share of a cell. */
const BARELY = 1e-6;

export class Viewer {
  readonly seat: number;
  /** Rows of players of the same team show their `teamOnly` fields. -1: none. */
  team = -1;
  /** Middle of the area; what is near it is more urgent. */
  x = 0;
  y = 0;
  /** Half of the area's smaller extent, 0 before the first area. */
  reach = 0;
  /** Keys of the cells shown, rising; the first `count` count. */
  keys = new Int32Array(64);
  count = 0;
  /** 1 for each key shown. */
  shown = new Uint8Array(0);
  /** What `keys` were chosen for: bounds in columns and lines of the area, and of the area grown by the margin. */
  readonly #bounds = new Int32Array(8).fill(-1);
  readonly #next = new Int32Array(8);

  constructor(seat: number) {
    this.seat = seat;
  }

  /** Chooses the cells for an area; with none, no cell is shown. */
  look(grid: InterestGrid, area: Area | undefined): void {
    if (this.shown.length <= grid.cells) this.shown = new Uint8Array(grid.cells + 1);
    if (area === undefined) {
      this.#drop();
      this.#bounds.fill(-1);
      return;
    }
    const round = 'radius' in area;
    // A circle may just touch the far edge of a cell that begins left of or above its bounds: `touches` then decides.
    const halfWidth = round ? area.radius + grid.cell * BARELY : area.width / 2;
    const halfHeight = round ? area.radius + grid.cell * BARELY : area.height / 2;
    this.x = area.x;
    this.y = area.y;
    this.reach = Math.min(halfWidth, halfHeight);
    const next = this.#next;
    this.#measure(grid, 0, area.x, area.y, halfWidth, halfHeight);
    this.#measure(grid, 4, area.x, area.y, halfWidth + grid.margin, halfHeight + grid.margin);
    if (!round && this.#sameBounds()) return;
    this.#bounds.set(next);
    this.#choose(grid, area, round ? area.radius : -1);
  }

  #measure(
    grid: InterestGrid,
    at: number,
    x: number,
    y: number,
    halfWidth: number,
    halfHeight: number,
  ): void {
    const next = this.#next;
    next[at] = grid.column(x - halfWidth);
    next[at + 1] = grid.column(x + halfWidth);
    next[at + 2] = grid.line(y - halfHeight);
    next[at + 3] = grid.line(y + halfHeight);
  }

  #sameBounds(): boolean {
    for (let i = 0; i < 8; i++) if (this.#bounds[i] !== this.#next[i]) return false;
    return true;
  }

  /** Cells that the area reaches come in; of the others those stay that it reaches when grown by the margin. */
  #choose(grid: InterestGrid, { x, y }: Area, radius: number): void {
    const b = this.#bounds;
    const [
      left = 0,
      right = 0,
      top = 0,
      bottom = 0,
      outerLeft = 0,
      outerRight = 0,
      outerTop = 0,
      outerBottom = 0,
    ] = b;
    const before = this.shown;
    const size = (outerRight - outerLeft + 1) * (outerBottom - outerTop + 1);
    const keys = this.keys.length >= size ? this.#spareKeys(size) : new Int32Array(size * 2);
    let count = 0;
    for (let line = outerTop; line <= outerBottom; line++) {
      for (let column = outerLeft; column <= outerRight; column++) {
        const key = 1 + line * grid.columns + column;
        const inside = column >= left && column <= right && line >= top && line <= bottom;
        const near = before[key] === 1;
        if (radius < 0 ? inside || near : grid.touches(column, line, x, y, radius, near ? grid.margin : 0))
          keys[count++] = key;
      }
    }
    this.#drop();
    this.#spare = this.keys;
    this.keys = keys;
    this.count = count;
    for (let i = 0; i < count; i++) this.shown[keys[i] as number] = 1;
  }

  #spare = new Int32Array(64);

  #spareKeys(size: number): Int32Array<ArrayBuffer> {
    return this.#spare.length >= size ? this.#spare : new Int32Array(this.keys.length);
  }

  #drop(): void {
    for (let i = 0; i < this.count; i++) this.shown[this.keys[i] as number] = 0;
    this.count = 0;
  }
}
