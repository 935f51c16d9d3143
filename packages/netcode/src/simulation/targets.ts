/** Rows of one type, placed for queries: columns of numbers, filled anew for each look and never shrunk. */

import { UsageError } from '../base/assert.ts';
import { cos, sin } from '../base/math.ts';
import type { RowSchema } from '../wire/schema.ts';
import { ID, OWNER } from '../wire/schema.ts';
import type { Row, RowClass } from './entity.ts';
import { RowSet } from './rows.ts';
import { type HitShape, numberIn, type RowNumber, reachOf, type TypeShape } from './shapes.ts';
import { Table, type TableHost } from './table.ts';

/** Rows as they were seen: nobody can change them. */
class SeenTable extends Table {
  override mayWrite(): boolean {
    return refuse(this.schema.name);
  }

  override despawn(): void {
    refuse(this.schema.name);
  }
}

function refuse(type: string): never {
  throw new UsageError(
    `${type}: this row is a picture of the past and cannot be changed; change world.${type}.get(id)`,
  );
}

const NUMBERS = ['x', 'y', 'cos', 'sin', 'halfWidth', 'halfHeight', 'radius', 'reach'] as const;
const WORDS = ['ids', 'owners', 'indexes'] as const;

export class Targets {
  readonly schema: RowSchema;
  readonly shape: TypeShape;
  count = 0;
  x = new Float64Array(16);
  y = new Float64Array(16);
  cos = new Float64Array(16);
  sin = new Float64Array(16);
  halfWidth = new Float64Array(16);
  halfHeight = new Float64Array(16);
  radius = new Float64Array(16);
  /** Farthest point of the shape from its middle. */
  reach = new Float64Array(16);
  ids = new Int32Array(16);
  owners = new Int32Array(16);
  /** Where in its table each row is. */
  indexes = new Int32Array(16);
  /** Rows to be placed, for those who fill this with a picture of the past. */
  readonly rows: RowSet;
  readonly #seen: SeenTable;
  #table: Table;

  constructor(schema: RowSchema, shape: TypeShape, rowType: RowClass, host: TableHost) {
    this.schema = schema;
    this.shape = shape;
    this.rows = new RowSet(schema);
    this.#seen = new SeenTable(schema, rowType, host);
    this.#table = this.#seen;
  }

  /** The row of target `i`. */
  row(i: number): Row {
    return this.#table.at(this.indexes[i] as number) as Row;
  }

  /** Starts a picture of `this.rows`, which may have been filled: `place` each of its rows then. */
  picture(): void {
    this.count = 0;
    this.#table = this.#seen;
    this.#seen.restore(this.rows);
    this.#reserve(this.rows.count);
  }

  /** Changes a word of the picture's row at `index`, at offset `at` within it. */
  set(index: number, at: number, word: number): void {
    this.#seen.data[index * this.schema.stride + at] = word;
  }

  /** A number of the picture's row whose first word is at `at`, as it was sent. */
  read(at: number, number: RowNumber): number {
    return numberIn(this.rows.data, at, number);
  }

  /** Nothing was seen. */
  clear(): void {
    this.rows.clear();
    this.picture();
  }

  /** Starts a look at living rows. */
  living(table: Table): void {
    this.count = 0;
    this.#table = table;
    this.#reserve(table.count);
  }

  /** Adds the row at `index` of the table, at this place. */
  place(index: number, x: number, y: number, angle: number): void {
    const table = this.#table;
    const i = this.count++;
    const at = table.offset(index);
    this.indexes[i] = index;
    this.ids[i] = table.data[at + ID] as number;
    this.owners[i] = table.data[at + OWNER] as number;
    this.x[i] = x;
    this.y[i] = y;
    const { fixed, choose } = this.shape;
    const shape = fixed ?? (choose?.(table.at(index) as Row) as HitShape);
    this.halfWidth[i] = shape.halfWidth;
    this.halfHeight[i] = shape.halfHeight;
    this.radius[i] = shape.radius;
    this.reach[i] = reachOf(shape);
    this.cos[i] = angle === 0 ? 1 : cos(angle);
    this.sin[i] = angle === 0 ? 0 : sin(angle);
  }

  /** Moves target `from` to `to`, which is not after it. */
  keep(to: number, from: number): void {
    if (to === from) return;
    for (const name of NUMBERS) this[name][to] = this[name][from] as number;
    for (const name of WORDS) this[name][to] = this[name][from] as number;
  }

  #reserve(count: number): void {
    if (count <= this.ids.length) return;
    const size = count * 2;
    for (const name of NUMBERS) this[name] = new Float64Array(size);
    for (const name of WORDS) this[name] = new Int32Array(size);
  }
}
