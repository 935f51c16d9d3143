// What a client is to see, by plain code that shares nothing with the encoder: cells, hidden rows, secrets.

import {
  type Area,
  type Game,
  HELD_WINDOW_TICKS,
  type RowSet,
  type SavedWorld,
} from '@tickwire/netcode/internal';
import { type FieldLayout, OWNER, type RowSchema } from '../../packages/netcode/src/wire/schema.ts';

/** The rules of one game, as pure functions of a tick. */
export interface Rules {
  readonly visible: (t: number) => ((seat: number, id: number, tick: number) => boolean) | undefined;
  readonly teamOf: (seat: number, tick: number) => number;
}

/** Rows by id, as one client is to know them. */
export type Sight = readonly ReadonlyMap<number, Int32Array>[];

interface Cells {
  readonly left: number;
  readonly top: number;
  readonly size: number;
  readonly margin: number;
  readonly columns: number;
  readonly lines: number;
}

/** The plane as the declarations say: bounds of all position fields, cut into squares. */
function cellsOf({ schema, definition }: Game): Cells | undefined {
  const options = definition.interest;
  if (options === undefined) return undefined;
  const ends = [0, 1].map((axis) =>
    Object.entries(options.position).map(([type, names]) => {
      const row = schema.rows.find(({ name }) => name === type);
      const field = row?.byName.get(names?.[axis] ?? '')?.field;
      if (field === undefined) throw new Error(`${type} has no place`);
      return [field.lo * field.step, field.hi * field.step] as const;
    }),
  );
  const [xs = [], ys = []] = ends;
  const [left, right] = [Math.min(...xs.map(([lo]) => lo)), Math.max(...xs.map(([, hi]) => hi))];
  const [top, bottom] = [Math.min(...ys.map(([lo]) => lo)), Math.max(...ys.map(([, hi]) => hi))];
  const size = options.cell ?? (options.radius ?? 0) / 3;
  return {
    left,
    top,
    size,
    margin: options.margin ?? size / 8,
    columns: Math.max(1, Math.ceil((right - left) / size)),
    lines: Math.max(1, Math.ceil((bottom - top) / size)),
  };
}

const within = (index: number, count: number): number => Math.max(0, Math.min(count - 1, index));

/** Which cell each entity stands in, from snapshot to snapshot: it stays until it is the margin outside. A long pause forgets. */
export class Places {
  readonly #cells: Cells | undefined;
  readonly #game: Game;
  #cellOf: Map<number, readonly [number, number]>[] = [];
  #tick = 0;

  constructor(game: Game) {
    this.#game = game;
    this.#cells = cellsOf(game);
  }

  get cells(): Cells | undefined {
    return this.#cells;
  }

  take(world: SavedWorld): void {
    const cells = this.#cells;
    if (world.tick - this.#tick > HELD_WINDOW_TICKS) this.#cellOf = [];
    this.#tick = world.tick;
    this.#cellOf = world.tables.map((rows, t) => {
      const next = new Map<number, readonly [number, number]>();
      const position = this.#game.schema.positions[t];
      if (cells === undefined || position === undefined) return next;
      for (let i = 0; i < rows.count; i++) {
        const at = i * rows.schema.stride;
        const x = (rows.data[at + position.xAt] ?? 0) * position.xStep - cells.left;
        const y = (rows.data[at + position.yAt] ?? 0) * position.yStep - cells.top;
        next.set(rows.id(i), this.#stay(cells, this.#cellOf[t]?.get(rows.id(i)), x, y));
      }
      return next;
    });
  }

  #stay(
    { size, margin, columns, lines }: Cells,
    before: readonly [number, number] | undefined,
    x: number,
    y: number,
  ): readonly [number, number] {
    if (before !== undefined) {
      const [dx, dy] = [x - before[0] * size, y - before[1] * size];
      if (dx >= -margin && dx < size + margin && dy >= -margin && dy < size + margin) return before;
    }
    return [within(Math.floor(x / size), columns), within(Math.floor(y / size), lines)];
  }

  of(t: number, id: number): string {
    return `${this.#cellOf[t]?.get(id)}`;
  }
}

/** The cells that one client is shown: what its area reaches, and of what it was shown before what the grown area reaches. */
export class Eyes {
  readonly seat: number;
  #shown = new Set<string>();

  constructor(seat: number) {
    this.seat = seat;
  }

  look(cells: Cells, area: Area | undefined): void {
    const before = this.#shown;
    this.#shown = new Set();
    if (area === undefined) return;
    for (let column = 0; column < cells.columns; column++) {
      for (let line = 0; line < cells.lines; line++) {
        const name = `${[column, line]}`;
        if (reaches(cells, column, line, area, before.has(name) ? cells.margin : 0)) this.#shown.add(name);
      }
    }
  }

  /** Every row that this client is to see at a tick, as it is to know it. */
  see(game: Game, world: SavedWorld, places: Places, rules: Rules): Sight {
    const sees = (t: number, id: number): boolean => {
      if ((world.tables[t]?.find(id) ?? -1) < 0) return false;
      if (id >> 16 === this.seat) return true;
      if (game.schema.positions[t] !== undefined && !this.#shown.has(places.of(t, id))) return false;
      return rules.visible(t)?.(this.seat, id, world.tick) ?? true;
    };
    return world.tables.map((rows, t) => {
      const seen = new Map<number, Int32Array>();
      for (let i = 0; i < rows.count; i++)
        if (sees(t, rows.id(i))) seen.set(rows.id(i), this.#told(game, rows, i, world.tick, rules, sees));
      return seen;
    });
  }

  #told(
    { schema }: Game,
    rows: RowSet,
    index: number,
    tick: number,
    rules: Rules,
    sees: (t: number, id: number) => boolean,
  ): Int32Array {
    const { stride, empty } = rows.schema;
    const row = rows.data.slice(index * stride, (index + 1) * stride);
    const owner = row[OWNER] ?? 0;
    const team = rules.teamOf(this.seat, tick);
    const isMine = owner === this.seat;
    const isOurs = isMine || (team >= 0 && rules.teamOf(owner, tick) === team);
    for (const { field, at } of guarded(rows.schema)) {
      const target = schema.rows.findIndex(({ name, index: t }) => t > 1 && name === field.target);
      const isTold =
        field.audience === 'owner'
          ? isMine
          : field.audience === 'team'
            ? isOurs
            : !mayHide(schema, rules, target) || sees(target, row[at] ?? 0);
      if (!isTold) for (let i = at; i < at + field.words; i++) row[i] = empty[i] ?? 0;
    }
    return row;
  }
}

const guardedFields = new WeakMap<RowSchema, readonly FieldLayout[]>();

/** Fields that somebody may not be told. */
function guarded(schema: RowSchema): readonly FieldLayout[] {
  const known = guardedFields.get(schema);
  if (known !== undefined) return known;
  const found = schema.fields.filter(({ field }) => field.audience !== 'all' || field.target !== undefined);
  guardedFields.set(schema, found);
  return found;
}

const mayHide = ({ positions }: Game['schema'], rules: Rules, t: number): boolean =>
  positions[t] !== undefined || rules.visible(t) !== undefined;

function reaches(cells: Cells, column: number, line: number, area: Area, extra: number): boolean {
  const { left, top, size, columns, lines } = cells;
  if ('radius' in area) {
    const [x, y] = [area.x - left, area.y - top];
    const dx = Math.max(column * size - extra - x, 0, x - ((column + 1) * size + extra));
    const dy = Math.max(line * size - extra - y, 0, y - ((line + 1) * size + extra));
    return dx * dx + dy * dy <= area.radius * area.radius;
  }
  // A rectangle beyond the world's edge shows the cells at the edge.
  const [w, h] = [area.width / 2 + extra, area.height / 2 + extra];
  const cell = (at: number, count: number): number => within(Math.floor(at / size), count);
  return (
    column >= cell(area.x - w - left, columns) &&
    column <= cell(area.x + w - left, columns) &&
    line >= cell(area.y - h - top, lines) &&
    line <= cell(area.y + h - top, lines)
  );
}
