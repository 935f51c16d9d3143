/**
 * Codes whole frames of rows against every frame that both sides are known to hold, and learns from those frames as it goes: for
 * streams where bytes matter more than time, such as many rigid bodies that everybody sees.
 *
 *     per row:    moved, others changed        then per mover, nearest first:   places, rotation (largest, three parts)
 *
 * Nothing outside of the known frames is needed to read a frame: what is learned while coding one is taken back, and learned again when
 * the frame is known to be held. Both sides call `know` for the same frames in the same order. Rows are fixed: one per body.
 */

import { assert } from '../base/assert.ts';
import type { Field } from '../wire/fields.ts';
import type { BitCoder } from '../wire/range.ts';
import type { RowSchema } from '../wire/schema.ts';
import { Coded } from './coded.ts';
import { Company } from './company.ts';
import { FlagCoder } from './flags.ts';
import type { Layout, Past } from './forecast.ts';
import { Guesser } from './guess.ts';
import { Mixer } from './mixer.ts';
import { MoverCoder } from './mover.ts';
import type { RotationGrid } from './rotation.ts';
import { TREND_VALUES } from './trend.ts';

/** What fields mean together. */
export interface Hints {
  /** One to three fields that are a place, of one step. */
  readonly place: readonly string[];
  /** Four fields that are a rotation: the largest part's number, and the three others. */
  readonly rotation?: RotationGrid & {
    readonly largest: string;
    readonly parts: readonly [string, string, string];
  };
}

export class HistoryCodec implements Past {
  readonly #rows: number;
  readonly #layout: Layout;
  readonly #mixer = new Mixer();
  readonly #guesser = new Guesser(this.#mixer);
  readonly #company: Company;
  readonly #flags: FlagCoder;
  readonly #mover: MoverCoder;
  readonly #surprise: (row: number) => number;
  readonly #frames: Int32Array[] = [];
  #newest = 0;
  #known = 0;
  readonly #waiting: Coded[] = [];
  readonly #free: Coded[] = [];
  #base: Int32Array;

  constructor(schema: RowSchema, hints: Hints, rows: number) {
    const word = (name: string): number => {
      const layout = schema.byName.get(name);
      assert(layout !== undefined, `"${name}" is not a field of ${schema.name}`);
      return layout.at;
    };
    const { rotation } = hints;
    assert(hints.place.length >= 1 && hints.place.length <= 3, 'a place has one to three fields');
    const places = hints.place.map(word);
    const turning = rotation === undefined ? [] : [rotation.largest, ...rotation.parts].map(word);
    const sent = schema.fields.filter(({ field }) => !field.local);
    assert(
      sent.every(({ field }) => field.words === 1),
      `${schema.name} has texts or lists; a history codes numbers only`,
    );
    this.#rows = rows;
    this.#layout = {
      stride: schema.stride,
      places: Int32Array.from(places),
      rotation: Int32Array.from(turning),
      grid: rotation ?? { step: 1, zero: 0 },
    };
    const moving = sent.filter(({ at }) => places.includes(at) || turning.includes(at));
    const others = sent.filter(({ at }) => !places.includes(at) && !turning.includes(at));
    const fieldAt: Field[] = [];
    for (const { at, field } of sent) fieldAt[at] = field;
    this.#company = new Company(rows);
    this.#mover = new MoverCoder(this.#layout, fieldAt, this.#mixer, this.#guesser, this.#company, rows);
    const first = new Int32Array(rows * schema.stride);
    for (let i = 0; i < rows; i++) first.set(schema.empty, i * schema.stride);
    this.#frames.push(first);
    this.#base = first;
    this.#flags = new FlagCoder(this.#layout, moving, others, this.#mixer, this.#guesser, this, rows);
    this.#surprise = (row) => this.#mover.surprise(row);
  }

  /** Frames that may be looked back on: the known ones, or one of default rows. */
  get count(): number {
    return this.#frames.length;
  }

  frame(back: number): Int32Array {
    const n = this.#frames.length;
    const i = this.#newest - (back < n ? back : n - 1);
    return this.#frames[i < 0 ? i + n : i] as Int32Array;
  }

  /**
   * Codes the frame `ahead` ticks (1 or more) after the newest known one: a writing coder takes it from `rows`, a reading one puts it
   * there; header words stay as they are. The frame then waits for `know` or `lose`. Reading fails on anything that was not written this
   * way; nothing then waits, and `rows` is not to be used.
   */
  code(c: BitCoder, rows: Int32Array, ahead: number): void {
    const coded = this.#free.pop() ?? new Coded(this.#rows, this.#layout.stride);
    coded.misses.fill(0);
    coded.surprises.fill(0);
    coded.sampleCount = 0;
    this.#base = this.frame(0);
    this.#mixer.try(coded.journal);
    this.#flags.code(c, rows, ahead, this.#surprise);
    this.#gather();
    for (let n = 0; n < this.#company.size && !c.failed; n++) {
      const row = this.#company.order[n] as number;
      this.#mover.move(c, this, row, rows, ahead, coded);
      if (!c.writing && this.#flags.same(row, this.#base, rows)) c.fail();
    }
    this.#mixer.takeBack();
    coded.rows.set(rows);
    if (c.failed) this.#free.push(coded);
    else this.#waiting.push(coded);
  }

  /** The oldest frame that waits is now known to be held by both sides. */
  know(): void {
    const coded = this.#waiting.shift();
    if (coded === undefined) return;
    this.#mixer.learn(coded.journal);
    const { rows } = coded;
    this.#mover.learn(coded);
    this.#flags.learn(this.frame(0), rows);
    if (this.#known++ === 0) (this.#frames[0] as Int32Array).set(rows);
    else if (this.#frames.length < TREND_VALUES) {
      this.#frames.push(rows.slice());
      this.#newest = this.#frames.length - 1;
    } else {
      this.#newest = (this.#newest + 1) % TREND_VALUES;
      (this.#frames[this.#newest] as Int32Array).set(rows);
    }
    this.#free.push(coded);
  }

  /** The oldest frame that waits did not arrive. The writer says so; a reader has no such frame. */
  lose(): void {
    const coded = this.#waiting.shift();
    if (coded !== undefined) this.#free.push(coded);
  }

  /** Puts the movers in the order in which they are coded. */
  #gather(): void {
    const { places, stride } = this.#layout;
    const latest = this.frame(1);
    const then = this.frame(3);
    const company = this.#company;
    company.clear();
    for (let row = 0; row < this.#rows; row++) {
      if (this.#flags.moved[row] === 0) continue;
      const value = (i: number): number =>
        i < places.length ? (this.#base[row * stride + (places[i] as number)] as number) : 0;
      const speed = (i: number): number => {
        if (i >= places.length) return 0;
        const word = row * stride + (places[i] as number);
        const now = this.#base[word] as number;
        return (now - (latest[word] as number) + (now - (then[word] as number)) / 3) / 2;
      };
      company.add(row, value(0), value(1), value(2), speed(0), speed(1), speed(2));
    }
    company.sort();
  }
}
