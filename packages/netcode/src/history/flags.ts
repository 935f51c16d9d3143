/**
 * Codes which rows change in a frame: one decision for rows that rest together, else one per row, and what becomes of the fields that
 * are neither place nor rotation. Rows that moved, rows near movers and rows behind a row that moved are the likely ones.
 */

import type { BitCoder } from '../wire/range.ts';
import type { FieldLayout } from '../wire/schema.ts';
import { octave4, sizeClass } from './classes.ts';
import type { Layout, Past } from './forecast.ts';
import type { Guesser } from './guess.ts';
import { hash2, type Mixer } from './mixer.ts';

/** Frames of rest that are told apart. */
const REST_FRAMES = 24;
/** Rows that share one decision while all of them rest. */
const BLOCK = 16;

export class FlagCoder {
  /** Which rows move in the frame that was coded last. */
  readonly moved: Uint8Array;
  readonly #layout: Layout;
  readonly #moving: readonly FieldLayout[];
  readonly #others: readonly FieldLayout[];
  readonly #mixer: Mixer;
  readonly #guesser: Guesser;
  readonly #rows: number;
  /** Frames for which a row has not moved, up to `REST_FRAMES`. */
  readonly #rest: Uint8Array;
  /** Places of rows that moved lately, carried on, and of movers of this frame: x y z each. */
  readonly #lately: Float64Array;
  #latelyCount = 0;
  readonly #movers: Float64Array;
  #moverCount = 0;
  readonly #past: Past;
  #base: Int32Array;

  constructor(
    layout: Layout,
    moving: readonly FieldLayout[],
    others: readonly FieldLayout[],
    mixer: Mixer,
    guesser: Guesser,
    past: Past,
    rows: number,
  ) {
    this.#layout = layout;
    this.#moving = moving;
    this.#others = others;
    this.#mixer = mixer;
    this.#guesser = guesser;
    this.#past = past;
    this.#base = past.frame(0);
    this.#rows = rows;
    this.moved = new Uint8Array(rows);
    this.#rest = new Uint8Array(rows);
    this.#lately = new Float64Array(rows * 3);
    this.#movers = new Float64Array(rows * 3);
  }

  /** Codes the flags and the other fields of all rows; `surprise` gives how far a row was off in the newest known frame. */
  code(c: BitCoder, rows: Int32Array, ahead: number, surprise: (row: number) => number): void {
    this.#base = this.#past.frame(0);
    this.#surprise = surprise;
    this.#look(ahead);
    this.#lastMoved = 0;
    for (let row = 0; row < this.#rows && !c.failed; row += BLOCK) this.#block(c, row, rows);
  }

  /** A frame after `before` is known to be held. */
  learn(before: Int32Array, rows: Int32Array): void {
    for (let row = 0; row < this.#rows; row++) {
      const rest = this.#rest[row] as number;
      this.#rest[row] = this.same(row, before, rows) ? (rest < REST_FRAMES ? rest + 1 : rest) : 0;
    }
  }

  /** Whether a row's place and rotation are the same in two frames. */
  same(row: number, a: Int32Array, b: Int32Array): boolean {
    const at = row * this.#layout.stride;
    for (let i = 0; i < this.#moving.length; i++) {
      const word = at + (this.#moving[i] as FieldLayout).at;
      if (a[word] !== b[word]) return false;
    }
    return true;
  }

  /** How far the row's numbers are from what they were some frames before the newest. */
  #change(row: number, back: number): number {
    const at = row * this.#layout.stride;
    const then = this.#past.frame(back);
    let sum = 0;
    for (let i = 0; i < this.#moving.length; i++) {
      const word = at + (this.#moving[i] as FieldLayout).at;
      const d = (this.#base[word] as number) - (then[word] as number);
      sum += d < 0 ? -d : d;
    }
    return sum;
  }

  /** Finds the rows that moved lately, and where they will be. */
  #look(ahead: number): void {
    const { places, stride } = this.#layout;
    const recent = this.#past.frame(3);
    const then = this.#past.frame(6);
    const share = ahead / 6;
    this.#latelyCount = 0;
    this.#moverCount = 0;
    for (let row = 0; row < this.#rows; row++) {
      if (this.#rest[row] === REST_FRAMES || this.same(row, this.#base, recent)) continue;
      const to = 3 * this.#latelyCount++;
      for (let i = 0; i < places.length; i++) {
        const word = row * stride + (places[i] as number);
        const now = this.#base[word] as number;
        this.#lately[to + i] = now + (now - (then[word] as number)) * share;
      }
    }
  }

  #nearest(row: number, places: Float64Array, count: number): number {
    const at = row * this.#layout.stride;
    const words = this.#layout.places;
    const x = this.#base[at + (words[0] as number)] as number;
    const y = words.length > 1 ? (this.#base[at + (words[1] as number)] as number) : 0;
    const z = words.length > 2 ? (this.#base[at + (words[2] as number)] as number) : 0;
    let least = 1e15;
    for (let i = 0; i < count * 3; i += 3) {
      const dx = (places[i] as number) - x;
      const dy = (places[i + 1] as number) - y;
      const dz = (places[i + 2] as number) - z;
      const d = dx * dx + dy * dy + dz * dz;
      if (d < least) least = d;
    }
    return least;
  }

  #lastMoved = 0;
  #surprise: (row: number) => number = () => 0;

  /** The flags of some rows: one for all, if all have been at rest and stay so. */
  #block(c: BitCoder, row: number, rows: Int32Array): void {
    const end = row + BLOCK < this.#rows ? row + BLOCK : this.#rows;
    let resting = true;
    for (let i = row; i < end && resting; i++) resting = this.#rest[i] === REST_FRAMES;
    if (resting && this.#changes(c, row, end, rows) === 0) return;
    let active = false;
    for (let i = row; i < end && !c.failed; i++) if (this.#flags(c, i, rows)) active = true;
    if (resting && !active) c.fail();
  }

  /** Whether any of a block of resting rows changes. */
  #changes(c: BitCoder, row: number, end: number, rows: Int32Array): number {
    const mixer = this.#mixer;
    let near = 1e15;
    let by = 1e15;
    let changes = 0;
    for (let i = row; i < end; i++) {
      const lately = this.#nearest(i, this.#lately, this.#latelyCount);
      const mover = this.#nearest(i, this.#movers, this.#moverCount);
      if (lately < near) near = lately;
      if (mover < by) by = mover;
      if (c.writing && (!this.same(i, this.#base, rows) || this.#othersChange(i, rows))) changes = 1;
    }
    const nearClass = octave4(near);
    this.#start(4);
    this.#know(nearClass);
    this.#know(hash2(nearClass, octave4(by)));
    this.#know(hash2(nearClass, this.#lastMoved));
    this.#know(hash2(row, 78));
    mixer.pickA = nearClass;
    mixer.pickB = 5;
    if (mixer.bit(c, changes, 0) === 1) return 1;
    this.#lastMoved = 0;
    for (let i = row; i < end; i++) {
      this.moved[i] = 0;
      if (c.writing) continue;
      this.#keepMotion(i, rows);
      this.#keepOthers(i, rows);
    }
    return 0;
  }

  #keepMotion(row: number, rows: Int32Array): void {
    const at = row * this.#layout.stride;
    for (let i = 0; i < this.#moving.length; i++) {
      const word = at + (this.#moving[i] as FieldLayout).at;
      rows[word] = this.#base[word] as number;
    }
  }

  /** Whether the row moves, and whether and how its other fields change. Gives whether anything did. */
  #flags(c: BitCoder, row: number, rows: Int32Array): boolean {
    const mixer = this.#mixer;
    const { stride, places } = this.#layout;
    const at = row * stride;
    const rest = this.#rest[row] as number;
    const rested = rest < 4 ? rest : rest < 8 ? 4 : rest < 16 ? 5 : rest < 24 ? 6 : 7;
    let state = rested;
    for (let i = 0; i < this.#others.length; i++)
      state = hash2(state, this.#base[at + (this.#others[i] as FieldLayout).at] as number);
    const latest = sizeClass(this.#change(row, 1));
    const late = sizeClass(this.#change(row, 6));
    const near = rest < 2 ? 99 : octave4(this.#nearest(row, this.#lately, this.#latelyCount));
    const by = rest < 2 ? 99 : octave4(this.#nearest(row, this.#movers, this.#moverCount));
    const surprised = sizeClass(this.#surprise(row));
    this.#start(1);
    this.#know(state);
    this.#know(hash2(state, this.#lastMoved));
    this.#know(hash2(latest * 16 + late, state));
    this.#know(hash2(rested * 16 + (surprised < 3 ? surprised : 3), rest === 0 ? 5 : 6));
    this.#know(hash2(row, 77));
    this.#know(hash2(state, near * 8 + (this.#lastMoved & 7)));
    this.#know(hash2(state, near * 128 + by));
    this.#know(hash2(latest * 128 + by, late * 8 + rested));
    mixer.pickA = hash2(1, state);
    mixer.pickB = hash2(2, near);
    const moves = c.writing && !this.same(row, this.#base, rows) ? 1 : 0;
    const changes = c.writing && this.#othersChange(row, rows) ? 1 : 0;
    const active = mixer.bit(c, moves | changes, 0);
    const moved = active === 0 ? 0 : mixer.bit(c, moves, 1);
    this.#lastMoved = ((this.#lastMoved << 1) | moved) & 7;
    this.moved[row] = moved;
    if (moved === 1) {
      const to = 3 * this.#moverCount++;
      for (let i = 0; i < places.length; i++)
        this.#movers[to + i] = this.#base[at + (places[i] as number)] as number;
    } else if (!c.writing) this.#keepMotion(row, rows);
    if (!c.writing) this.#keepOthers(row, rows);
    if (active === 0) return false;
    this.#start(2);
    this.#know(hash2(state, moved));
    this.#know(hash2(hash2(state, moved), rested));
    this.#know(hash2(hash2(state, moved), latest * 16 + late));
    this.#know(hash2(hash2(state, moved), near * 128 + by));
    mixer.pickA = hash2(3, moved);
    mixer.pickB = hash2(4, state);
    if (moved === 0 || mixer.bit(c, changes, 0) === 1) this.#codeOthers(c, row, rows, moved);
    return true;
  }

  #othersChange(row: number, rows: Int32Array): boolean {
    const at = row * this.#layout.stride;
    for (let i = 0; i < this.#others.length; i++) {
      const word = at + (this.#others[i] as FieldLayout).at;
      if (rows[word] !== this.#base[word]) return true;
    }
    return false;
  }

  #keepOthers(row: number, rows: Int32Array): void {
    const at = row * this.#layout.stride;
    for (let i = 0; i < this.#others.length; i++) {
      const word = at + (this.#others[i] as FieldLayout).at;
      rows[word] = this.#base[word] as number;
    }
  }

  #codeOthers(c: BitCoder, row: number, rows: Int32Array, moved: number): void {
    const mixer = this.#mixer;
    const at = row * this.#layout.stride;
    let any = false;
    for (let i = 0; i < this.#others.length; i++) {
      const { at: offset, field } = this.#others[i] as FieldLayout;
      const was = this.#base[at + offset] as number;
      this.#start(3);
      this.#know(i);
      this.#know(hash2(i, was));
      this.#know(hash2(i, moved));
      mixer.pickA = i;
      mixer.pickB = i;
      if (field.hi - field.lo === 1) {
        if (mixer.bit(c, rows[at + offset] === was ? 0 : 1, 1) === 1)
          rows[at + offset] = field.lo + field.hi - was;
      } else {
        this.#guesser.clear();
        this.#guesser.add(was, hash2(50, i));
        rows[at + offset] = this.#within(
          c,
          field.lo,
          field.hi,
          this.#guesser.code(c, rows[at + offset] as number, was),
        );
      }
      if (rows[at + offset] !== was) any = true;
    }
    if (!any) c.fail();
  }

  #within(c: BitCoder, lo: number, hi: number, value: number): number {
    if (value >= lo && value <= hi) return value;
    c.fail();
    return lo;
  }

  #kind = 0;

  /** Starts over with what is known about the next number. */
  #start(kind: number): void {
    this.#mixer.knownCount = 0;
    this.#kind = kind;
  }

  #know(what: number): void {
    const mixer = this.#mixer;
    mixer.known[mixer.knownCount++] = hash2(what, this.#kind);
  }
}
