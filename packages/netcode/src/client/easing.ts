/**
 * Rows that were drawn on a guess, and a snapshot says otherwise: the picture does not jump, the difference to it fades instead. It goes
 * on at the speed that it had, as a critically damped spring does, so that neither places nor speeds jump.
 *
 * Guessed is what lay past the newest snapshot, what full datagrams had left out, and what a snapshot that came late brings in between.
 * The server knows nothing of such differences: hits are judged without them.
 */

import { difference, type RowBlend, wrapTurn } from '../replication/blend.ts';
import type { RowSet } from '../simulation/rows.ts';
import { ID, MARK, type RowSchema } from '../wire/schema.ts';

/**
 * Time constant of the spring: of a difference without speed 74 % are left after it, 9 % after four times. Longer is a little smoother,
 * and further from where things are: on a grid of 20 networks, 50 in place of 25 is 5 % less jerk and a fifth more error.
 */
const EASE_MS = 25;

/** Differences below a hundredth of a grid step are over. */
const SETTLED = 0.01;

/** Ticks over which speeds are measured. */
const AHEAD = 0.5;

const NO_ROWS = new Int32Array(0);
const NONE = -1;

/** The rows of others in their slots, and the rows of the snapshot that they blend into. */
export interface Paired {
  words: Int32Array;
  count: number;
  next: RowSet | undefined;
}

export class Easing {
  /** Whether anything is eased now. */
  active = false;
  readonly #schema: RowSchema;
  readonly #blend: RowBlend;
  readonly #tickMs: number;
  /** By continuous field and slot, in field units and in field units per ms. */
  #offsets: Float64Array[];
  #speeds: Float64Array[];
  #nextOffsets: Float64Array[];
  #nextSpeeds: Float64Array[];
  readonly #was: Float64Array;
  readonly #wasAhead: Float64Array;
  readonly #is: Float64Array;
  readonly #isAhead: Float64Array;

  constructor(schema: RowSchema, blend: RowBlend, tickMs: number) {
    this.#schema = schema;
    this.#blend = blend;
    this.#tickMs = tickMs;
    const columns = (): Float64Array[] => blend.fields.map(() => new Float64Array(16));
    this.#offsets = columns();
    this.#speeds = columns();
    this.#nextOffsets = columns();
    this.#nextSpeeds = columns();
    const values = (): Float64Array => new Float64Array(blend.fields.length);
    this.#was = values();
    this.#wasAhead = values();
    this.#is = values();
    this.#isAhead = values();
  }

  clear(): void {
    this.active = false;
  }

  /** Lets differences fade for `ms`. */
  fade(ms: number): void {
    const share = Math.exp(-ms / EASE_MS);
    const { fields } = this.#blend;
    let visible = false;
    for (let f = 0; f < fields.length; f++) {
      const offsets = this.#offsets[f] as Float64Array;
      const speeds = this.#speeds[f] as Float64Array;
      const least = (fields[f]?.step ?? 0) * SETTLED;
      for (let slot = 0; slot < offsets.length; slot++) {
        const offset = offsets[slot] as number;
        const speed = speeds[slot] as number;
        if (offset === 0 && speed === 0) continue;
        const pull = speed + offset / EASE_MS;
        const rest = (offset + pull * ms) * share;
        offsets[slot] = rest;
        speeds[slot] = (speed - (pull * ms) / EASE_MS) * share;
        if (Math.abs(rest) > least || Math.abs(speeds[slot] as number) * EASE_MS > least) visible = true;
      }
    }
    this.active = visible;
  }

  /** Adds what is left of the differences to what is drawn. */
  add(drawn: readonly Float64Array[], count: number): void {
    const { fields } = this.#blend;
    for (let f = 0; f < fields.length; f++) {
      const offsets = this.#offsets[f] as Float64Array;
      const into = drawn[f] as Float64Array;
      const turns = fields[f]?.kind === 'turn';
      for (let slot = 0; slot < count; slot++) {
        if (offsets[slot] === 0) continue;
        const value = (into[slot] as number) + (offsets[slot] as number);
        into[slot] = turns ? wrapTurn(value) : value;
      }
    }
  }

  /**
   * Goes over from one pair of snapshots to the next: what a guess would draw at `tick` and is not so
   * fades from now on. Drawn last was `lastTick`.
   */
  take(tick: number, lastTick: number, was: Paired, is: Paired): void {
    this.#reserve(is.count);
    const { stride, cutAt } = this.#schema;
    const wasNext = was.next?.data ?? NO_ROWS;
    const isNext = is.next?.data ?? NO_ROWS;
    const wasEnd = was.count * stride;
    const wasNextEnd = (was.next?.count ?? 0) * stride;
    const isNextEnd = (is.next?.count ?? 0) * stride;
    let visible = false;
    let o = 0;
    let on = 0;
    let n = 0;
    for (let slot = 0; slot < is.count; slot++) {
      const at = slot * stride;
      const id = is.words[at + ID] as number;
      while (o < wasEnd && (was.words[o + ID] as number) < id) o += stride;
      while (on < wasNextEnd && (wasNext[on + ID] as number) < id) on += stride;
      while (n < isNextEnd && (isNext[n + ID] as number) < id) n += stride;
      const known = o < wasEnd && was.words[o + ID] === id && was.words[o + cutAt] === is.words[at + cutAt];
      if (!known) {
        this.#set(slot, NONE);
        continue;
      }
      const wasNextAt = on < wasNextEnd && wasNext[on + ID] === id ? on : NONE;
      const isNextAt = n < isNextEnd && isNext[n + ID] === id ? n : NONE;
      this.#set(slot, o / stride);
      if (
        guessed(
          lastTick,
          was.words[o + MARK] as number,
          wasNextAt < 0 ? NONE : (wasNext[wasNextAt + MARK] as number),
          is.words[at + MARK] as number,
        )
      ) {
        this.#value(this.#was, this.#wasAhead, tick, was.words, o, wasNext, wasNextAt);
        this.#value(this.#is, this.#isAhead, tick, is.words, at, isNext, isNextAt);
        this.#addDifference(slot);
      }
      visible ||= this.#isVisible(slot);
    }
    [this.#offsets, this.#nextOffsets] = [this.#nextOffsets, this.#offsets];
    [this.#speeds, this.#nextSpeeds] = [this.#nextSpeeds, this.#speeds];
    this.active = visible;
  }

  /** The values of a row at `tick` and a little later. */
  #value(
    into: Float64Array,
    ahead: Float64Array,
    tick: number,
    words: Int32Array,
    at: number,
    next: Int32Array,
    nextAt: number,
  ): void {
    const held = words[at + MARK] as number;
    const copy = nextAt < 0 ? undefined : next;
    const nextHeld = nextAt < 0 ? held : (next[nextAt + MARK] as number);
    this.#blend.draw(into, tick, words, at, held, copy, nextAt, nextHeld);
    this.#blend.draw(ahead, tick + AHEAD, words, at, held, copy, nextAt, nextHeld);
  }

  #addDifference(slot: number): void {
    const { fields } = this.#blend;
    const span = AHEAD * this.#tickMs;
    for (let f = 0; f < fields.length; f++) {
      const field = fields[f] as (typeof fields)[number];
      const off = difference(field, this.#was[f] as number, this.#is[f] as number);
      const ahead = difference(field, this.#wasAhead[f] as number, this.#isAhead[f] as number);
      const offsets = this.#nextOffsets[f] as Float64Array;
      const speeds = this.#nextSpeeds[f] as Float64Array;
      offsets[slot] = (offsets[slot] as number) + off;
      speeds[slot] = (speeds[slot] as number) + difference(field, ahead, off) / span;
    }
  }

  /** What slot `from` had is the slot's now; NONE for nothing. */
  #set(slot: number, from: number): void {
    const none = from < 0 || !this.active;
    for (let f = 0; f < this.#offsets.length; f++) {
      (this.#nextOffsets[f] as Float64Array)[slot] = none ? 0 : (this.#offsets[f]?.[from] ?? 0);
      (this.#nextSpeeds[f] as Float64Array)[slot] = none ? 0 : (this.#speeds[f]?.[from] ?? 0);
    }
  }

  #isVisible(slot: number): boolean {
    const { fields } = this.#blend;
    for (let f = 0; f < fields.length; f++) {
      const least = (fields[f]?.step ?? 0) * SETTLED;
      if (Math.abs(this.#nextOffsets[f]?.[slot] ?? 0) > least) return true;
      if (Math.abs(this.#nextSpeeds[f]?.[slot] ?? 0) * EASE_MS > least) return true;
    }
    return false;
  }

  #reserve(slots: number): void {
    for (const columns of [this.#nextOffsets, this.#nextSpeeds])
      for (let f = 0; f < columns.length; f++) {
        if ((columns[f]?.length ?? 0) < slots) columns[f] = new Float64Array(slots * 2);
        // Slots beyond hold nothing that fades.
        else (columns[f] as Float64Array).fill(0, slots);
      }
  }
}

/** Whether a row was on its way to nowhere known, or to a copy beyond the one that it is blended from now. */
function guessed(lastTick: number, wasHeld: number, wasNextHeld: number, isHeld: number): boolean {
  return wasNextHeld <= wasHeld ? lastTick > wasHeld : wasNextHeld > isHeld;
}
