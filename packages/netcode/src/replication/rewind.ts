/**
 * Rebuilds the rows that a player saw, from the copies that its client held: a row is where the client's own blend draws it at the
 * view's fractional tick. Both sides call this with equal copies [S3], so both find the same.
 */

import { floatBits } from '../simulation/float.ts';
import type { RowSet } from '../simulation/rows.ts';
import type { RowNumber, TypeShape } from '../simulation/shapes.ts';
import type { Targets } from '../simulation/targets.ts';
import { ID, MARK, type RowSchema } from '../wire/schema.ts';
import { type Continuous, RowBlend } from './blend.ts';

/** Copies of a type's rows in rising id order, as a client held them after one snapshot. */
export interface Copies {
  readonly rows: RowSet;
  /** The tick of all of them; -1 where each row's mark is its own. */
  readonly tick: number;
}

export class Rewinder {
  readonly #blend: RowBlend;
  readonly #drawn: Float64Array;
  /** Indexes among the continuous fields, -1 for what is drawn as it was sent. */
  readonly #x: number;
  readonly #y: number;
  readonly #angle: number;

  /** `tickRate` in ticks per second. */
  constructor(schema: RowSchema, shape: TypeShape, tickRate: number) {
    this.#blend = new RowBlend(schema, tickRate);
    const { fields } = this.#blend;
    this.#drawn = new Float64Array(fields.length);
    const indexOf = (number: RowNumber | undefined): number =>
      fields.findIndex(({ at }) => at === number?.at);
    this.#x = indexOf(shape.x);
    this.#y = indexOf(shape.y);
    this.#angle = indexOf(shape.angle);
  }

  /** Places the rows of `older` as they are drawn at `tick`, on their way to those of `newer`. */
  place(older: Copies, newer: Copies | undefined, tick: number, into: Targets): void {
    const { rows } = into;
    const { stride } = rows.schema;
    rows.copyFrom(older.rows);
    into.picture();
    const next = newer?.rows;
    let n = 0;
    for (let i = 0; i < rows.count; i++) {
      const at = i * stride;
      const id = rows.data[at + ID] as number;
      if (next !== undefined) while (n < next.count && next.id(n) < id) n++;
      const goesOn = next !== undefined && n < next.count && next.id(n) === id;
      const held = older.tick < 0 ? (older.rows.data[at + MARK] as number) : older.tick;
      const nextAt = n * stride;
      const nextHeld = goesOn ? markOr(newer as Copies, nextAt) : 0;
      this.#blend.draw(
        this.#drawn,
        tick,
        rows.data,
        at,
        held,
        goesOn ? next.data : undefined,
        nextAt,
        nextHeld,
      );
      this.#place(i, at, into);
    }
  }

  /** What is read from the row is what was drawn, on the field's grid; what is tested is where it was drawn. */
  #place(i: number, at: number, into: Targets): void {
    const { fields } = this.#blend;
    const drawn = this.#drawn;
    for (let f = 0; f < fields.length; f++)
      into.set(i, (fields[f] as Continuous).at, stored(fields[f] as Continuous, drawn[f] as number));
    const { x, y, angle } = into.shape;
    into.place(
      i,
      this.#x < 0 ? into.read(at, x) : (drawn[this.#x] as number),
      this.#y < 0 ? into.read(at, y) : (drawn[this.#y] as number),
      angle === undefined ? 0 : this.#angle < 0 ? into.read(at, angle) : (drawn[this.#angle] as number),
    );
  }
}

function markOr({ rows, tick }: Copies, at: number): number {
  return tick < 0 ? (rows.data[at + MARK] as number) : tick;
}

/** The word for a drawn value. */
function stored({ kind, step, lo, hi }: Continuous, value: number): number {
  if (kind === 'float') return floatBits(value);
  const word = Math.floor(value / step + 0.5);
  // Half a turn on is the same angle as half a turn back.
  if (kind === 'turn' && word > hi) return lo;
  return word < lo ? lo : word > hi ? hi : word;
}
