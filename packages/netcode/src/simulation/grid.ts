/**
 * The interest grid: the plane cut into square cells. An entity lies in one cell, a client sees whole cells.
 *
 *     key 0   no cell: all rows of a type that is relevant everywhere, or a client's own rows beyond its cells
 *     key 1   first column of the first row of cells, key 2 the next column …
 *
 * Both choices have hysteresis: an entity changes cells only when it is `margin` outside of its own, and a client lets go of a cell
 * only when the cell is `margin` outside of its area. What walks along an edge therefore does not come and go.
 */

import { assert } from '../base/assert.ts';
import type { RowSchema } from '../wire/schema.ts';

/** What a client is shown: everything within a radius, or within a rectangle around a point. World units. */
export type Area =
  | { readonly x: number; readonly y: number; readonly radius: number }
  | { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

/** Where a type's rows have their position. */
export interface PositionWords {
  readonly xAt: number;
  readonly yAt: number;
  readonly xStep: number;
  readonly yStep: number;
}

/** Cells travel as numbers of at most this size. */
const MAX_CELLS = 65_536;

export class InterestGrid {
  /** Edge of a cell, world units. */
  readonly cell: number;
  readonly margin: number;
  readonly columns: number;
  readonly lines: number;
  readonly #left: number;
  readonly #top: number;

  constructor(left: number, top: number, right: number, bottom: number, cell: number, margin: number) {
    assert(cell > 0 && Number.isFinite(cell), `interest.cell must be a positive number, got ${cell}`);
    assert(
      margin >= 0 && margin <= cell,
      `interest.margin must be 0..${cell}, the size of a cell; got ${margin}`,
    );
    this.cell = cell;
    this.margin = margin;
    this.#left = left;
    this.#top = top;
    this.columns = Math.max(1, Math.ceil((right - left) / cell));
    this.lines = Math.max(1, Math.ceil((bottom - top) / cell));
    assert(
      this.columns * this.lines <= MAX_CELLS,
      `interest.cell ${cell} cuts the world into ${this.columns * this.lines} cells, at most ${MAX_CELLS}; use larger cells`,
    );
  }

  /** Largest key. */
  get cells(): number {
    return this.columns * this.lines;
  }

  column(x: number): number {
    return clamp(Math.floor((x - this.#left) / this.cell), this.columns - 1);
  }

  line(y: number): number {
    return clamp(Math.floor((y - this.#top) / this.cell), this.lines - 1);
  }

  keyAt(x: number, y: number): number {
    return 1 + this.line(y) * this.columns + this.column(x);
  }

  /** The key of what was in cell `before` and is at (x, y) now: the same while it is within the margin. */
  keyFrom(before: number, x: number, y: number): number {
    const column = (before - 1) % this.columns;
    const line = (before - 1 - column) / this.columns;
    const dx = x - this.#left - column * this.cell;
    const dy = y - this.#top - line * this.cell;
    const { margin } = this;
    const near = dx >= -margin && dy >= -margin && dx < this.cell + margin && dy < this.cell + margin;
    return near ? before : this.keyAt(x, y);
  }

  /** Squared distance of a point from the middle of a cell. */
  distance2(key: number, x: number, y: number): number {
    const column = (key - 1) % this.columns;
    const line = (key - 1 - column) / this.columns;
    const dx = this.#left + (column + 0.5) * this.cell - x;
    const dy = this.#top + (line + 0.5) * this.cell - y;
    return dx * dx + dy * dy;
  }

  /** Whether a cell, grown by `extra` on each side, reaches into a circle. */
  touches(column: number, line: number, x: number, y: number, radius: number, extra: number): boolean {
    const dx = beyond(x - this.#left, column * this.cell - extra, (column + 1) * this.cell + extra);
    const dy = beyond(y - this.#top, line * this.cell - extra, (line + 1) * this.cell + extra);
    return dx * dx + dy * dy <= radius * radius;
  }
}

/** Row offsets of a type's position. Throws if the fields cannot hold one. */
export function positionWords(row: RowSchema, names: readonly [string, string]): PositionWords {
  const [x, y] = names.map((name) => {
    const layout = row.byName.get(name);
    assert(
      layout !== undefined && (layout.field.kind === 'grid' || layout.field.kind === 'int'),
      `interest.position.${row.name}: "${name}" must be a grid or int field of ${row.name}`,
    );
    assert(!layout.field.local, `interest.position.${row.name}: "${name}" is local; a position must be sent`);
    return layout;
  });
  if (x === undefined || y === undefined)
    throw new Error(`interest.position.${row.name} needs two field names`);
  return { xAt: x.at, yAt: y.at, xStep: x.field.step, yStep: y.field.step };
}

function clamp(index: number, last: number): number {
  return index > 0 ? (index < last ? index : last) : 0;
}

function beyond(value: number, from: number, to: number): number {
  return value < from ? from - value : value > to ? value - to : 0;
}

interface InterestOptions {
  readonly position: Readonly<Record<string, readonly [string, string] | undefined>>;
  readonly radius?: number;
  readonly area?: unknown;
  readonly cell?: number;
  readonly margin?: number;
}

/** The grid that covers every position field, and where each type's position is. */
export function compileInterest(
  options: InterestOptions | undefined,
  rows: readonly RowSchema[],
): { grid: InterestGrid | undefined; positions: readonly (PositionWords | undefined)[] } {
  const named = Object.entries(options?.position ?? {}).filter(([, names]) => names !== undefined);
  if (options === undefined || named.length === 0)
    return { grid: undefined, positions: rows.map(() => undefined) };
  for (const [type] of named)
    assert(
      rows.some((row) => row.index > 1 && row.name === type),
      `interest.position names "${type}", which is not an entity type`,
    );
  const positions = rows.map((row) => {
    const names = row.index > 1 ? options.position[row.name] : undefined;
    return names === undefined ? undefined : positionWords(row, names);
  });
  const { radius, cell = (radius ?? 0) / 3 } = options;
  assert(
    options.area !== undefined || (radius !== undefined && radius > 0),
    'interest needs a radius, or an area(viewer, world) that says what a client looks at',
  );
  assert(cell > 0, 'interest needs a cell size when it has no radius: about a third of what a client sees');
  const bounds = [Infinity, Infinity, -Infinity, -Infinity];
  rows.forEach((row, index) => {
    const words = positions[index];
    if (words === undefined) return;
    const [x, y] = [words.xAt, words.yAt].map((at) => row.fields.find((layout) => layout.at === at)?.field);
    if (x === undefined || y === undefined) return;
    bounds[0] = Math.min(bounds[0] ?? 0, x.lo * x.step);
    bounds[1] = Math.min(bounds[1] ?? 0, y.lo * y.step);
    bounds[2] = Math.max(bounds[2] ?? 0, x.hi * x.step);
    bounds[3] = Math.max(bounds[3] ?? 0, y.hi * y.step);
  });
  const [left = 0, top = 0, right = 0, bottom = 0] = bounds;
  return { grid: new InterestGrid(left, top, right, bottom, cell, options.margin ?? cell / 8), positions };
}
