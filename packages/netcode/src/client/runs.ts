/**
 * Rows in neighbouring slots that were sent together, and whose newer copies were: they are drawn alike. Most rows of most pairs of
 * snapshots are one run.
 */

import type { BlendTimes } from '../replication/blend.ts';

/** The newer copy of a run without one: its rows stay where they are, or move on at their own rate. */
export const STAYS = -1;
export const MOVES = -2;

export class Runs {
  count = 0;
  /** The slot after the run's last one. */
  ends = new Int32Array(16);
  /** Offset of the first row's newer copy, or STAYS or MOVES. */
  next = new Int32Array(16);
  /** The same for the tick of the last `share`: a blend that has not begun yet moves. */
  now = new Int32Array(16);
  /** Of the way to the newer copy; for a run that moves on, the ticks for which it has. */
  shares = new Float64Array(16);
  /** Ticks that a blend takes, and for how many the run has moved on before it begins. */
  spans = new Float64Array(16);
  lates = new Float64Array(16);
  /** Whether any run has no newer copy to go to. */
  guesses = false;
  /** Held ticks of the last run and of its newer copy. */
  held = 0;
  nextHeld = 0;
  readonly #times: BlendTimes;
  #held = new Float64Array(16);
  #starts = new Float64Array(16);
  #nextEnd = STAYS;

  constructor(times: BlendTimes) {
    this.#times = times;
  }

  clear(slots: number): void {
    this.count = 0;
    this.guesses = false;
    this.#nextEnd = STAYS;
    if (slots <= this.ends.length) return;
    this.ends = new Int32Array(slots * 2);
    this.next = new Int32Array(slots * 2);
    this.now = new Int32Array(slots * 2);
    this.shares = new Float64Array(slots * 2);
    this.spans = new Float64Array(slots * 2);
    this.lates = new Float64Array(slots * 2);
    this.#held = new Float64Array(slots * 2);
    this.#starts = new Float64Array(slots * 2);
  }

  /** Adds the next slot. Its newer copy is at `next` and ends before `nextEnd`; `next` is STAYS or MOVES if there is none. */
  add(slot: number, held: number, nextHeld: number, next: number, nextEnd: number): void {
    const last = this.count - 1;
    const same = last >= 0 && held === this.held && nextHeld === this.nextHeld;
    if (!(same && next === (next < 0 ? this.next[last] : this.#nextEnd))) {
      const run = this.count++;
      const start = next < 0 ? held : this.#times.start(held, nextHeld);
      this.next[run] = next;
      this.spans[run] = nextHeld - start;
      this.lates[run] = this.#times.moved(start - held);
      this.#held[run] = held;
      this.#starts[run] = start;
      this.held = held;
      this.nextHeld = nextHeld;
      if (next < 0) this.guesses = true;
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

  /** Works out `now` and `shares` for a fractional tick. */
  share(tick: number): void {
    const { next, now, shares } = this;
    for (let run = 0; run < this.count; run++) {
      const since = tick - (this.#starts[run] as number);
      const blends = (next[run] as number) >= 0 && since >= 0;
      now[run] = blends ? (next[run] as number) : next[run] === STAYS ? STAYS : MOVES;
      shares[run] = blends
        ? Math.min(1, since / (this.spans[run] as number))
        : this.#times.moved(tick - (this.#held[run] as number));
    }
  }
}
