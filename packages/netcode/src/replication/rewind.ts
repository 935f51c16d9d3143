/**
 * Rebuilds the rows that a player saw, from the copies that its client held: a row is where the client's own blend draws it at the
 * view's fractional tick. Both sides call this with equal copies [S3], so both find the same.
 */

import { floatBits } from '../simulation/float.ts';
import type { RowSet } from '../simulation/rows.ts';
import { numberIn, type TypeShape } from '../simulation/shapes.ts';
import type { Targets } from '../simulation/targets.ts';
import { ID, MARK, type RowSchema } from '../wire/schema.ts';
import { type Continuous, continuousFields, RowBlend } from './blend.ts';

/** Copies of a type's rows in rising id order, as a client held them after one snapshot. */
export interface Copies {
  readonly rows: RowSet;
  /** The tick of all of them; -1 where each row's mark is its own. */
  readonly tick: number;
}

export class Rewinder {
  /** What a query needs of every row: where it is and which way it is turned. */
  readonly #placing: RowBlend;
  readonly #blend: RowBlend;
  readonly #drawn: Float64Array;
  /** Indexes of x, y and angle among the fields that are drawn, -1 for what is drawn as it was sent. */
  readonly #x: number;
  readonly #y: number;
  readonly #angle: number;
  readonly #pictures = new WeakMap<Targets, Picture>();

  /** `tickRate` in ticks per second. */
  constructor(schema: RowSchema, shape: TypeShape, tickRate: number) {
    const words = [shape.x, shape.y, shape.angle].map((number) => number?.at);
    const placing = continuousFields(schema).filter(({ at }) => words.includes(at));
    this.#placing = new RowBlend(schema, tickRate, placing);
    this.#blend = new RowBlend(schema, tickRate);
    this.#drawn = new Float64Array(this.#blend.fields.length);
    const [x = -1, y = -1, angle = -1] = words.map((word) => placing.findIndex(({ at }) => at === word));
    this.#x = x;
    this.#y = y;
    this.#angle = angle;
  }

  /** Places the rows of `older` as they are drawn at `tick`, on their way to those of `newer`. */
  place(older: Copies, newer: Copies | undefined, tick: number, into: Targets): void {
    let picture = this.#pictures.get(into);
    if (picture === undefined) {
      picture = new Picture(into, this.#blend);
      this.#pictures.set(into, picture);
    }
    const { rows } = into;
    const { stride } = rows.schema;
    rows.copyFrom(older.rows);
    picture.start(tick, rows.count);
    const next = newer?.rows;
    const drawn = this.#drawn;
    const { x, y, angle } = into.shape;
    const { data } = rows;
    const nextData = next?.data ?? NO_ROWS;
    const nextEnd = (next?.count ?? 0) * stride;
    const nextTick = newer?.tick ?? -1;
    let n = 0;
    for (let i = 0; i < rows.count; i++) {
      const at = i * stride;
      if (older.tick >= 0) data[at + MARK] = older.tick;
      const id = data[at + ID] as number;
      while (n < nextEnd && (nextData[n + ID] as number) < id) n += stride;
      if (n < nextEnd && nextData[n + ID] === id) picture.goesOn(i, nextData, n, nextTick);
      picture.draw(this.#placing, i, drawn);
      into.place(
        i,
        this.#x < 0 ? numberIn(data, at, x) : (drawn[this.#x] as number),
        this.#y < 0 ? numberIn(data, at, y) : (drawn[this.#y] as number),
        angle === undefined
          ? 0
          : this.#angle < 0
            ? numberIn(data, at, angle)
            : (drawn[this.#angle] as number),
      );
    }
  }
}

const NO_ROWS = new Int32Array(0);

/** The copies that a picture is drawn from, kept until it is drawn anew: what nobody reads of it need not be drawn. */
class Picture {
  readonly #targets: Targets;
  readonly #blend: RowBlend;
  readonly #finish: (index: number) => void;
  readonly #drawn: Float64Array;
  /** By index: the newer copy of each row, where `#has` is 1. Its mark is its held tick. */
  #next: Int32Array;
  #has = new Uint8Array(16);
  #tick = 0;

  constructor(targets: Targets, blend: RowBlend) {
    this.#targets = targets;
    this.#blend = blend;
    this.#drawn = new Float64Array(blend.fields.length);
    this.#next = new Int32Array(16 * targets.schema.stride);
    this.#finish = (index) => this.#complete(index);
  }

  start(tick: number, count: number): void {
    this.#tick = tick;
    if (count > this.#has.length) {
      this.#has = new Uint8Array(count * 2);
      this.#next = new Int32Array(count * 2 * this.#targets.schema.stride);
    }
    this.#has.fill(0, 0, count);
    this.#targets.picture(this.#finish);
  }

  /** The row at `index` has a newer copy; `held` is its tick, -1 where the copy's mark says it. */
  goesOn(index: number, data: Int32Array, from: number, held: number): void {
    const { stride } = this.#targets.schema;
    const to = index * stride;
    const next = this.#next;
    for (let i = 0; i < stride; i++) next[to + i] = data[from + i] as number;
    if (held >= 0) next[to + MARK] = held;
    this.#has[index] = 1;
  }

  draw(blend: RowBlend, index: number, into: Float64Array): void {
    const { rows, schema } = this.#targets;
    const at = index * schema.stride;
    const next = this.#has[index] === 1 ? this.#next : undefined;
    const held = rows.data[at + MARK] as number;
    blend.draw(
      into,
      this.#tick,
      rows.data,
      at,
      held,
      next,
      at,
      next === undefined ? 0 : (next[at + MARK] as number),
    );
  }

  /** What is read from a row is what was drawn, on the field's grid. */
  #complete(index: number): void {
    const { fields } = this.#blend;
    const drawn = this.#drawn;
    this.draw(this.#blend, index, drawn);
    for (let f = 0; f < fields.length; f++) {
      const field = fields[f] as Continuous;
      this.#targets.set(index, field.at, stored(field, drawn[f] as number));
    }
  }
}

/** The word for a drawn value. */
function stored({ kind, step, lo, hi }: Continuous, value: number): number {
  if (kind === 'float') return floatBits(value);
  const word = Math.floor(value / step + 0.5);
  // Half a turn on is the same angle as half a turn back.
  if (kind === 'turn' && word > hi) return lo;
  return word < lo ? lo : word > hi ? hi : word;
}
