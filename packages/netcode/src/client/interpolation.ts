/**
 * Rows of others between two snapshots. Which row blends into which, and over how many ticks, is worked out once per pair of
 * snapshots, as runs of slots that were sent together (runs.ts); a frame is one share per run, then one loop per field (columns.ts). A
 * row without a newer copy moves on at its own rate instead, for a bounded time. How values blend is in replication/blend.ts.
 */

import { BlendTimes, type Continuous, CURVE, RowBlend } from '../replication/blend.ts';
import type { RowSet } from '../simulation/rows.ts';
import { ID, MARK } from '../wire/schema.ts';
import { drawCurves, drawFloats, drawLines, drawTurns, writeCurves } from './columns.ts';
import { Easing, type Paired } from './easing.ts';
import { MOVES, Runs, STAYS } from './runs.ts';
import type { ViewRows } from './viewrows.ts';

/** Above every entity id. */
export const NO_ID = 2 ** 31 - 1;

const NO_ROWS = new Int32Array(0);

/** A view that went on by more than this has not shown what lies between: there is nothing to go on from. */
const MOST_EASED_MS = 250;

export class Interpolation {
  readonly #rows: ViewRows;
  readonly #mostEased: number;
  /** Rows of the next pair are gathered beside those of the last one, and then the two trade places. */
  #gathered: Int32Array = new Int32Array(0);
  #count = 0;
  #changed = false;
  readonly #runs: Runs;
  readonly #easing: Easing;
  /** The curves of each field that follows a rate, by its index; CURVE numbers per slot. */
  readonly #curves: (Float64Array | undefined)[];
  /** What was paired last and before that. */
  #is: Paired = { words: NO_ROWS, count: 0, next: undefined };
  #was: Paired = { words: NO_ROWS, count: 0, next: undefined };
  #nextTick = 0;

  constructor(rows: ViewRows, tickRate: number) {
    this.#rows = rows;
    this.#mostEased = (MOST_EASED_MS * tickRate) / 1000;
    this.#runs = new Runs(new BlendTimes(tickRate));
    this.#easing = new Easing(rows.schema, new RowBlend(rows.schema, tickRate), 1000 / tickRate);
    this.#curves = rows.continuous.map((field) =>
      field.followsAt < 0 ? undefined : new Float64Array(16 * CURVE),
    );
  }

  /** Nothing is drawn any more. */
  clear(): void {
    this.#is.count = 0;
    this.#easing.clear();
  }

  /**
   * Takes two snapshots' rows. A row never goes back [V3]: datagrams that overtake each other, and full ones that build on the same
   * baseline, bring copies later that are older. So a copy that was drawn stays until a fresher one comes, and a row that `past`
   * lacks stays when it was drawn and is in `next`. True when slots hold other rows than before. `tick` is drawn next,
   * `lastTick` was before; `pastTick` and `nextTick` are the snapshots', the latter -1 when there is none.
   */
  pair(
    tick: number,
    lastTick: number,
    past: RowSet | undefined,
    pastTick: number,
    next: RowSet | undefined,
    nextTick: number,
  ): boolean {
    const { words, others } = this.#rows;
    const guessed = this.#runs.guesses || this.#nextTick < 0 || this.#nextTick > pastTick;
    this.#changed = false;
    this.#gather(past, next);
    this.#rows.takeOthers(this.#gathered, this.#count);
    const was = this.#was;
    this.#was = this.#is;
    this.#is = was;
    was.words = this.#gathered;
    was.count = this.#count;
    was.next = next;
    this.#nextTick = nextTick;
    if (tick - lastTick > this.#mostEased) this.#easing.clear();
    else if (guessed || this.#easing.active) this.#easing.take(tick, lastTick, this.#was, this.#is);
    this.#gathered = words;
    this.#bend(next?.data ?? NO_ROWS);
    return this.#changed || this.#count !== others;
  }

  /** Works out the curves between the copies. */
  #bend(nextData: Int32Array): void {
    const { continuous, words, schema } = this.#rows;
    for (let index = 0; index < continuous.length; index++) {
      let curves = this.#curves[index];
      if (curves === undefined) continue;
      if (curves.length < this.#count * CURVE) {
        curves = new Float64Array(2 * this.#count * CURVE);
        this.#curves[index] = curves;
      }
      writeCurves(curves, continuous[index] as Continuous, words, nextData, schema.stride, this.#runs);
    }
  }

  /** Merges the copies held so far with those of `past`, in id order. */
  #gather(past: RowSet | undefined, next: RowSet | undefined): void {
    const { words, others, schema } = this.#rows;
    const { stride } = schema;
    const heldEnd = others * stride;
    const pastEnd = (past?.count ?? 0) * stride;
    const nextEnd = (next?.count ?? 0) * stride;
    const pastData = past?.data ?? NO_ROWS;
    const nextData = next?.data ?? NO_ROWS;
    this.#reserve(heldEnd + pastEnd, pastData.length);
    // Most often all rows come from `past` and lie where they lay: they are copied at once, and only exceptions one by one.
    this.#gathered.set(pastData);
    this.#count = 0;
    this.#runs.clear((heldEnd + pastEnd) / stride);
    let h = 0;
    let p = 0;
    let n = 0;
    while (h < heldEnd || p < pastEnd) {
      // Nearly all the time is spent here: rows that are in all three, sent with the row before.
      const alike = this.#alike(words, h, heldEnd, pastData, p, pastEnd, nextData, n, nextEnd);
      if (alike > 0) {
        h += alike;
        p += alike;
        n += alike;
        continue;
      }
      const heldId = h < heldEnd ? (words[h + ID] as number) : NO_ID;
      const pastId = p < pastEnd ? (pastData[p + ID] as number) : NO_ID;
      const id = heldId < pastId ? heldId : pastId;
      if (heldId !== pastId) this.#changed = true;
      while (n < nextEnd && (nextData[n + ID] as number) < id) n += stride;
      const nextAt = n < nextEnd && nextData[n + ID] === id ? n : STAYS;
      if (heldId < pastId) {
        if (nextAt >= 0) this.#place(words, h, false, nextData, nextAt);
        h += stride;
      } else {
        if (heldId === pastId && (words[h + MARK] as number) > (pastData[p + MARK] as number))
          this.#place(words, h, false, nextData, nextAt);
        else this.#place(pastData, p, p === this.#count * stride, nextData, nextAt);
        if (heldId === pastId) h += stride;
        p += stride;
      }
    }
  }

  /** Words of the rows that lie in `past` where they will lie in their slots, and go on the last run. They join it. */
  #alike(
    words: Int32Array,
    h: number,
    heldEnd: number,
    past: Int32Array,
    p: number,
    pastEnd: number,
    next: Int32Array,
    n: number,
    nextEnd: number,
  ): number {
    const { stride, cutAt } = this.#rows.schema;
    if (p !== this.#count * stride || !this.#runs.goesOn(n)) return 0;
    const { held, nextHeld } = this.#runs;
    const end = Math.min(heldEnd - h, pastEnd - p, nextEnd - n);
    let at = 0;
    for (; at < end; at += stride) {
      const id = past[p + at + ID];
      if (words[h + at + ID] !== id || next[n + at + ID] !== id) break;
      if (past[p + at + MARK] !== held || (words[h + at + MARK] as number) > held) break;
      if (next[n + at + MARK] !== nextHeld || past[p + at + cutAt] !== next[n + at + cutAt]) break;
    }
    this.#count += at / stride;
    this.#runs.extend(this.#count, n + at);
    return at;
  }

  /** Gives the next slot to the row at `at`, and finds how it is drawn. */
  #place(data: Int32Array, at: number, there: boolean, next: Int32Array, nextAt: number): void {
    const { stride, cutAt } = this.#rows.schema;
    const slot = this.#count++;
    if (!there) {
      const to = slot * stride;
      for (let i = 0; i < stride; i++) this.#gathered[to + i] = data[at + i] as number;
    }
    const held = data[at + MARK] as number;
    const nextHeld = nextAt < 0 ? held : (next[nextAt + MARK] as number);
    if (nextAt >= 0 && next[nextAt + cutAt] !== data[at + cutAt])
      this.#runs.add(slot, held, held, STAYS, STAYS);
    else if (nextHeld > held) this.#runs.add(slot, held, nextHeld, nextAt, nextAt + stride);
    else this.#runs.add(slot, held, held, MOVES, STAYS);
  }

  /** Draws all rows for a fractional tick. `next` are the rows that were paired last. */
  draw(tick: number, next: RowSet | undefined): void {
    if (this.#rows.others === 0) return;
    const { continuous, drawn, words, schema } = this.#rows;
    const { stride } = schema;
    const nextData = next?.data ?? NO_ROWS;
    this.#runs.share(tick);
    for (let index = 0; index < continuous.length; index++) {
      const field = continuous[index] as Continuous;
      const into = drawn[index] as Float64Array;
      const curves = this.#curves[index];
      if (curves !== undefined) drawCurves(into, field, words, curves, stride, this.#runs);
      else if (field.kind === 'line') drawLines(into, field, words, nextData, stride, this.#runs);
      else if (field.kind === 'turn') drawTurns(into, field, words, nextData, stride, this.#runs);
      else drawFloats(into, field, words, nextData, stride, this.#runs);
    }
    if (this.#easing.active) this.#easing.add(drawn, this.#rows.others);
  }

  /** Whether anything is eased. */
  get eases(): boolean {
    return this.#easing.active;
  }

  /** Lets what is eased fade for `ms`. */
  fade(ms: number): void {
    this.#easing.fade(ms);
  }

  /** Makes room for what a pair may bring. Nothing is kept. */
  #reserve(words: number, atOnce: number): void {
    const needed = Math.max(words, atOnce);
    if (this.#gathered.length < needed)
      this.#gathered = new Int32Array(Math.max(needed, this.#gathered.length * 2));
  }
}
