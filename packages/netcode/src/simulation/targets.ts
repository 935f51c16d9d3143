/** Rows of one type, placed for queries: columns of numbers, filled anew for each look and never shrunk. */

import { UsageError } from '../base/assert.ts';
import type { RowSchema } from '../wire/schema.ts';
import { ID, OWNER } from '../wire/schema.ts';
import type { Row, RowClass } from './entity.ts';
import { RowSet } from './rows.ts';
import { type HitShape, reachOf, type TypeShape } from './shapes.ts';
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

const NUMBERS = ['x', 'y', 'angle', 'halfWidth', 'halfHeight', 'radius', 'reach'] as const;
const WORDS = ['ids', 'owners', 'indexes'] as const;

export class Targets {
  readonly schema: RowSchema;
  readonly shape: TypeShape;
  count = 0;
  x = new Float64Array(16);
  y = new Float64Array(16);
  /** Which way each shape is turned, in radians. */
  angle = new Float64Array(16);
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
  #finish: ((index: number) => void) | undefined;
  /** By index: 1 where the picture's row has been finished. */
  #complete = new Uint8Array(16);
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
    const index = this.indexes[i] as number;
    if (this.#table === this.#seen && this.#complete[index] === 0) {
      this.#complete[index] = 1;
      this.#finish?.(index);
    }
    return this.#table.at(index) as Row;
  }

  /**
   * Starts a picture of `rows`, which have been filled: `place` each of them then. `finish` is called before the row at an index is read
   * for the first time, to `set` what was drawn of it.
   */
  picture(finish?: (index: number) => void): void {
    this.count = 0;
    this.#table = this.#seen;
    this.#finish = finish;
    this.#seen.restore(this.rows);
    this.#reserve(this.rows.count);
    this.#complete.fill(0, 0, this.rows.count);
  }

  /** Changes a word of the picture's row at `index`, at offset `at` within it. */
  set(index: number, at: number, word: number): void {
    this.#seen.data[index * this.schema.stride + at] = word;
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
    const shape = fixed ?? (choose?.(this.row(i)) as HitShape);
    this.halfWidth[i] = shape.halfWidth;
    this.halfHeight[i] = shape.halfHeight;
    this.radius[i] = shape.radius;
    this.reach[i] = reachOf(shape);
    this.angle[i] = angle;
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
    this.#complete = new Uint8Array(size);
    for (const name of NUMBERS) this[name] = new Float64Array(size);
    for (const name of WORDS) this[name] = new Int32Array(size);
  }
}
