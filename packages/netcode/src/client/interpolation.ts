/**
 * Rows of others between two snapshots. Which row blends into which, and over how many ticks, is worked out once per pair of
 * snapshots, as runs of slots that were sent together; a frame is one share per run, then one loop per field:
 *
 *     share = (view tick - held tick) / span, within 0..1        drawn = from + (to - from) * share
 *
 * A row without a newer copy moves on at its own rate instead, for a bounded time.
 */

import { type Continuous, drawnValue, wrapTurn } from '../replication/blend.ts';
import type { RowSet } from '../simulation/rows.ts';
import { ID, MARK } from '../wire/schema.ts';
import type { ViewRows } from './viewrows.ts';

/** Above every entity id. */
export const NO_ID = 2 ** 31 - 1;

/** The newer copy of a run without one: its rows stay where they are, or move on at their own rate. */
const STAYS = -1;
const MOVES = -2;

const NO_ROWS = new Int32Array(0);

export class Interpolation {
  readonly #rows: ViewRows;
  readonly #limit: number;
  /** Rows of the next pair are gathered beside those of the last one, and then the two trade places. */
  #gathered: Int32Array = new Int32Array(0);
  #count = 0;
  #changed = false;
  readonly #runs = new Runs();

  /** Past their newest copy, rows move on for `limit` ticks. */
  constructor(rows: ViewRows, limit: number) {
    this.#rows = rows;
    this.#limit = limit;
  }

  /**
   * Takes two snapshots' rows. A row never goes back [V3]: datagrams that overtake each other, and full ones that build on the same
   * baseline, bring copies later that are older. So a copy that was drawn stays until a fresher one comes, and a row that `past`
   * lacks stays when it was drawn and is in `next`. True when slots hold other rows than before.
   */
  pair(past: RowSet | undefined, next: RowSet | undefined): boolean {
    const { words, others } = this.#rows;
    this.#changed = false;
    this.#gather(past, next);
    this.#rows.takeOthers(this.#gathered, this.#count);
    this.#gathered = words;
    return this.#changed || this.#count !== others;
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
    this.#runs.share(tick, this.#limit);
    for (let index = 0; index < continuous.length; index++) {
      const field = continuous[index] as Continuous;
      const into = drawn[index] as Float64Array;
      if (field.kind === 'line') drawLines(into, field, words, nextData, stride, this.#runs);
      else if (field.kind === 'turn') drawTurns(into, field, words, nextData, stride, this.#runs);
      else drawFloats(into, field, words, nextData, stride, this.#runs);
    }
  }

  /** Makes room for what a pair may bring. Nothing is kept. */
  #reserve(words: number, atOnce: number): void {
    const needed = Math.max(words, atOnce);
    if (this.#gathered.length < needed)
      this.#gathered = new Int32Array(Math.max(needed, this.#gathered.length * 2));
  }
}

/** Rows in neighbouring slots that were sent together, and whose newer copies were. */
class Runs {
  count = 0;
  /** The slot after the run's last one. */
  ends = new Int32Array(16);
  /** Offset of the first row's newer copy, or STAYS or MOVES. */
  next = new Int32Array(16);
  /** Of the way to the newer copy; for a run that moves on, the ticks for which it does. */
  shares = new Float64Array(16);
  /** Held ticks of the last run and of its newer copy. */
  held = 0;
  nextHeld = 0;
  #held = new Float64Array(16);
  #span = new Float64Array(16);
  #nextEnd = STAYS;

  clear(slots: number): void {
    this.count = 0;
    this.#nextEnd = STAYS;
    if (slots <= this.ends.length) return;
    this.ends = new Int32Array(slots * 2);
    this.next = new Int32Array(slots * 2);
    this.shares = new Float64Array(slots * 2);
    this.#held = new Float64Array(slots * 2);
    this.#span = new Float64Array(slots * 2);
  }

  /** Adds the next slot. Its newer copy is at `next` and ends before `nextEnd`; `next` is STAYS or MOVES if there is none. */
  add(slot: number, held: number, nextHeld: number, next: number, nextEnd: number): void {
    const last = this.count - 1;
    const same = last >= 0 && held === this.held && nextHeld === this.nextHeld;
    if (!(same && next === (next < 0 ? this.next[last] : this.#nextEnd))) {
      const run = this.count++;
      this.next[run] = next;
      this.#held[run] = held;
      this.#span[run] = nextHeld - held;
      this.held = held;
      this.nextHeld = nextHeld;
    }
    this.extend(slot + 1, nextEnd);
  }

  /** Whether the last run blends, and a row with its newer copy at `next` may belong to it. */
  goesOn(next: number): boolean {
    return next === this.#nextEnd;
  }

  extend(end: number, nextEnd: number): void {
    this.ends[this.count - 1] = end;
    this.#nextEnd = nextEnd;
  }

  share(tick: number, limit: number): void {
    const { next, shares } = this;
    for (let run = 0; run < this.count; run++) {
      const since = tick - (this.#held[run] as number);
      shares[run] = Math.max(
        0,
        next[run] === MOVES ? Math.min(limit, since) : Math.min(1, since / (this.#span[run] as number)),
      );
    }
  }
}

function drawLines(
  into: Float64Array,
  field: Continuous,
  words: Int32Array,
  nextWords: Int32Array,
  stride: number,
  runs: Runs,
): void {
  const { step } = field;
  let slot = 0;
  let at = field.at;
  for (let run = 0; run < runs.count; run++) {
    const end = runs.ends[run] as number;
    const share = runs.shares[run] as number;
    let next = runs.next[run] as number;
    if (next >= 0) {
      for (next += field.at; slot < end; slot++) {
        const from = (words[at] as number) * step;
        into[slot] = from + ((nextWords[next] as number) * step - from) * share;
        at += stride;
        next += stride;
      }
    } else if (next === MOVES && share > 0 && field.followsAt >= 0) {
      for (; slot < end; slot++) {
        into[slot] = movedValue(field, words, at, share);
        at += stride;
      }
    } else {
      for (; slot < end; slot++) {
        into[slot] = (words[at] as number) * step;
        at += stride;
      }
    }
  }
}

/** The value after `ticks` more at the row's own rate. */
function movedValue(field: Continuous, words: Int32Array, at: number, ticks: number): number {
  const rate = words[at - field.at + field.followsAt] as number;
  const moved = (words[at] as number) + rate * field.followsFactor * ticks;
  return Math.max(field.lo, Math.min(field.hi, moved)) * field.step;
}

function drawTurns(
  into: Float64Array,
  field: Continuous,
  words: Int32Array,
  nextWords: Int32Array,
  stride: number,
  runs: Runs,
): void {
  const { step } = field;
  let slot = 0;
  let at = field.at;
  for (let run = 0; run < runs.count; run++) {
    const end = runs.ends[run] as number;
    const share = runs.shares[run] as number;
    const first = runs.next[run] as number;
    let next = first + field.at;
    for (; slot < end; slot++) {
      const from = (words[at] as number) * step;
      into[slot] =
        first < 0 ? from : wrapTurn(from + wrapTurn((nextWords[next] as number) * step - from) * share);
      at += stride;
      next += stride;
    }
  }
}

function drawFloats(
  into: Float64Array,
  field: Continuous,
  words: Int32Array,
  nextWords: Int32Array,
  stride: number,
  runs: Runs,
): void {
  let slot = 0;
  let at = field.at;
  for (let run = 0; run < runs.count; run++) {
    const end = runs.ends[run] as number;
    const share = runs.shares[run] as number;
    const first = runs.next[run] as number;
    let next = first + field.at;
    for (; slot < end; slot++) {
      const from = drawnValue(field, words[at] as number);
      into[slot] = first < 0 ? from : from + (drawnValue(field, nextWords[next] as number) - from) * share;
      at += stride;
      next += stride;
    }
  }
}
