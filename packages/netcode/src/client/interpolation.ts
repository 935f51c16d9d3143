/**
 * Rows of others between two snapshots. What is known about a row is worked out once per pair of snapshots, into columns of numbers
 * by slot; a frame is then a loop over each column:
 *
 *     share[slot] = (view tick - held[slot]) / span[slot], within 0..1
 *     drawn[slot] = from[slot] + way[slot] * share[slot]
 *
 * A row without a newer copy moves on at its own rate instead, for a bounded time.
 */

import type { RowSet } from '../simulation/rows.ts';
import { ID, MARK } from '../wire/schema.ts';
import { type Continuous, difference, drawnValue, wrapTurn } from './continuous.ts';
import type { ViewRows } from './viewrows.ts';

/** Above every entity id. */
const NO_ID = 2 ** 31 - 1;

const NONE = new Int32Array(0);

export class Interpolation {
  readonly #rows: ViewRows;
  readonly #limit: number;
  readonly #following: readonly Continuous[];
  /** Rows of the next pair are gathered beside those of the last one, and then trade places with them. */
  #gathered: Int32Array = new Int32Array(0);
  #count = 0;
  /** Offset of the newer copy's row that a slot blends to, -1 for none. */
  #blendAt = new Int32Array(0);
  #held = new Float64Array(0);
  #span = new Float64Array(0);
  #share = new Float64Array(0);
  readonly #from: Float64Array[];
  readonly #way: Float64Array[];
  #moving = new Int32Array(0);
  #movingCount = 0;

  /** Past their newest copy, rows move on for `limit` ticks. */
  constructor(rows: ViewRows, limit: number) {
    this.#rows = rows;
    this.#limit = limit;
    this.#following = rows.continuous.filter((field) => field.followsAt >= 0);
    this.#from = rows.continuous.map(() => new Float64Array(0));
    this.#way = rows.continuous.map(() => new Float64Array(0));
  }

  /**
   * Takes two snapshots' rows. A row never goes back [V3]: datagrams that overtake each other, and full ones that build on the same
   * baseline, bring copies later that are older. So a copy that was drawn stays until a fresher one comes, and a row that `past`
   * lacks stays when it was drawn and is in `next`.
   */
  pair(past: RowSet | undefined, next: RowSet | undefined): void {
    this.#reserve((past?.count ?? 0) + this.#rows.others);
    this.#gather(past, next);
    const { words } = this.#rows;
    this.#rows.takeOthers(this.#gathered, this.#count);
    this.#gathered = words;
    for (const field of this.#rows.continuous) this.#fillColumn(field, next?.data ?? NONE);
  }

  /** Merges the copies held so far with those of `past`, in id order. */
  #gather(past: RowSet | undefined, next: RowSet | undefined): void {
    const { words, others, schema } = this.#rows;
    const { stride } = schema;
    const heldEnd = others * stride;
    const pastEnd = (past?.count ?? 0) * stride;
    const nextEnd = (next?.count ?? 0) * stride;
    const pastData = past?.data ?? NONE;
    const nextData = next?.data ?? NONE;
    this.#count = 0;
    this.#movingCount = 0;
    let h = 0;
    let p = 0;
    let n = 0;
    while (h < heldEnd || p < pastEnd) {
      const heldId = h < heldEnd ? (words[h + ID] as number) : NO_ID;
      const pastId = p < pastEnd ? (pastData[p + ID] as number) : NO_ID;
      const id = heldId < pastId ? heldId : pastId;
      while (n < nextEnd && (nextData[n + ID] as number) < id) n += stride;
      const nextAt = n < nextEnd && nextData[n + ID] === id ? n : -1;
      if (heldId < pastId) {
        if (nextAt >= 0) this.#place(words, h, nextData, nextAt);
        h += stride;
      } else {
        const fresher = heldId === pastId && (words[h + MARK] as number) > (pastData[p + MARK] as number);
        if (fresher) this.#place(words, h, nextData, nextAt);
        else this.#place(pastData, p, nextData, nextAt);
        if (heldId === pastId) h += stride;
        p += stride;
      }
    }
  }

  /** Gives the next slot to the row at `at`, and finds how it is drawn. */
  #place(data: Int32Array, at: number, next: Int32Array, nextAt: number): void {
    const { stride, cutAt } = this.#rows.schema;
    const slot = this.#count++;
    const to = slot * stride;
    const gathered = this.#gathered;
    for (let i = 0; i < stride; i++) gathered[to + i] = data[at + i] as number;
    const held = data[at + MARK] as number;
    const nextHeld = nextAt < 0 ? held : (next[nextAt + MARK] as number);
    const cut = nextAt >= 0 && next[nextAt + cutAt] !== data[at + cutAt];
    const blends = !cut && nextHeld > held;
    this.#held[slot] = held;
    this.#span[slot] = blends ? nextHeld - held : 1;
    this.#blendAt[slot] = blends ? nextAt : -1;
    if (!blends && !cut) this.#moving[this.#movingCount++] = slot;
  }

  #fillColumn(field: Continuous, next: Int32Array): void {
    const { words, schema } = this.#rows;
    const { stride } = schema;
    const from = this.#from[field.index] as Float64Array;
    const way = this.#way[field.index] as Float64Array;
    const blendAt = this.#blendAt;
    for (let slot = 0; slot < this.#count; slot++) {
      const value = drawnValue(field, words[slot * stride + field.at] as number);
      const to = blendAt[slot] as number;
      from[slot] = value;
      way[slot] = to < 0 ? 0 : difference(field, drawnValue(field, next[to + field.at] as number), value);
    }
  }

  /** Draws all rows for a fractional tick. */
  draw(tick: number): void {
    const { continuous, drawn, others: count } = this.#rows;
    if (count === 0) return;
    fillShares(this.#share, this.#held, this.#span, tick, count);
    for (let index = 0; index < continuous.length; index++) {
      const { kind } = continuous[index] as Continuous;
      const into = drawn[index] as Float64Array;
      const from = this.#from[index] as Float64Array;
      const way = this.#way[index] as Float64Array;
      if (kind === 'turn') blendTurns(into, from, way, this.#share, count);
      else blendLines(into, from, way, this.#share, count);
    }
    for (let i = 0; i < this.#following.length; i++) this.#moveOn(this.#following[i] as Continuous, tick);
  }

  /** Rows without a newer copy move on from theirs. */
  #moveOn(field: Continuous, tick: number): void {
    const { words, schema, drawn } = this.#rows;
    const { at, followsAt, followsFactor, lo, hi, step } = field;
    const into = drawn[field.index] as Float64Array;
    for (let i = 0; i < this.#movingCount; i++) {
      const slot = this.#moving[i] as number;
      const ahead = Math.min(this.#limit, tick - (this.#held[slot] as number));
      if (ahead <= 0) continue;
      const row = slot * schema.stride;
      const moved = (words[row + at] as number) + (words[row + followsAt] as number) * followsFactor * ahead;
      into[slot] = Math.max(lo, Math.min(hi, moved)) * step;
    }
  }

  /** Makes room for so many slots. Nothing is kept: a pair fills all of it anew. */
  #reserve(slots: number): void {
    const words = slots * this.#rows.schema.stride;
    if (this.#gathered.length < words)
      this.#gathered = new Int32Array(Math.max(words, this.#gathered.length * 2));
    if (this.#held.length >= slots) return;
    const size = Math.max(slots, this.#held.length * 2);
    this.#blendAt = new Int32Array(size);
    this.#moving = new Int32Array(size);
    this.#held = new Float64Array(size);
    this.#span = new Float64Array(size);
    this.#share = new Float64Array(size);
    for (let i = 0; i < this.#from.length; i++) {
      this.#from[i] = new Float64Array(size);
      this.#way[i] = new Float64Array(size);
    }
  }
}

function fillShares(
  share: Float64Array,
  held: Float64Array,
  span: Float64Array,
  tick: number,
  count: number,
): void {
  let lastHeld = Number.NaN;
  let lastSpan = 1;
  let last = 0;
  for (let i = 0; i < count; i++) {
    // Unless datagrams are full, all rows were sent together, and one division serves them all.
    if (held[i] !== lastHeld || span[i] !== lastSpan) {
      lastHeld = held[i] as number;
      lastSpan = span[i] as number;
      last = Math.max(0, Math.min(1, (tick - lastHeld) / lastSpan));
    }
    share[i] = last;
  }
}

function blendLines(
  into: Float64Array,
  from: Float64Array,
  way: Float64Array,
  share: Float64Array,
  count: number,
): void {
  for (let i = 0; i < count; i++) into[i] = (from[i] as number) + (way[i] as number) * (share[i] as number);
}

function blendTurns(
  into: Float64Array,
  from: Float64Array,
  way: Float64Array,
  share: Float64Array,
  count: number,
): void {
  for (let i = 0; i < count; i++)
    into[i] = wrapTurn((from[i] as number) + (way[i] as number) * (share[i] as number));
}
