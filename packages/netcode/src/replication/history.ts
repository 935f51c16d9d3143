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
import { Guesser } from '../wire/guess.ts';
import { hash2, Journal, Mixer } from '../wire/mixer.ts';
import type { BitCoder } from '../wire/range.ts';
import type { FieldLayout, RowSchema } from '../wire/schema.ts';
import { Company } from './company.ts';
import {
  CURVED,
  FORECASTS,
  Forecast,
  LATEST,
  type Layout,
  LINE,
  PARABOLA,
  type Past,
  STAY,
  STEADY,
} from './forecast.ts';
import { RIDGE_INPUTS, Ridge } from './ridge.ts';
import { largestPart, type RotationGrid } from './rotation.ts';
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

/** Misses remembered per row: eight forecasts on three axes, and eight of the rotation. */
const MISSES = 32;
const LEARNED = 7;
const REST_FRAMES = 24;
/** First weights of the forecasts of places and rotations; see `#place`. */
const PLACE_WEIGHTS = [0.2, 0.2, 0, 0, 0.3, 0.2, 0, 0, 0.7, 0];
const TURN_WEIGHTS = [0.3, 0.3, 0, 0, 0.3, 0.1, 0, 0, 0, 0];
/** Octaves of distance to the nearest mover that are told apart. */
const OCTAVES = 24;
const PLACE_RIDGES = 3 * 4 * OCTAVES;

/** A frame that was coded, to be learned when it is known to be held. */
class Coded {
  readonly journal = new Journal();
  readonly rows: Int32Array;
  readonly misses: Float32Array;
  readonly surprises: Int32Array;
  /** Per learned forecast: which ridge, its usual miss, its inputs and the outcome. */
  samples = new Float64Array(4096);
  sampleCount = 0;

  constructor(rows: number, stride: number) {
    this.rows = new Int32Array(rows * stride);
    this.misses = new Float32Array(rows * MISSES);
    this.surprises = new Int32Array(rows * 6);
  }

  sample(ridge: number, usual: number, inputs: Float64Array, outcome: number): void {
    let at = this.sampleCount;
    if (at + RIDGE_INPUTS + 3 > this.samples.length) {
      const more = new Float64Array(this.samples.length * 2);
      more.set(this.samples);
      this.samples = more;
    }
    this.samples[at++] = ridge;
    this.samples[at++] = usual;
    this.samples[at++] = outcome;
    for (let i = 0; i < RIDGE_INPUTS; i++) this.samples[at++] = inputs[i] as number;
    this.sampleCount = at;
  }
}

export class HistoryCodec implements Past {
  readonly #rows: number;
  readonly #layout: Layout;
  readonly #others: readonly FieldLayout[];
  readonly #moving: readonly FieldLayout[];
  /** By word of a row. */
  readonly #fieldAt: Field[] = [];
  readonly #mixer = new Mixer();
  readonly #guesser = new Guesser(this.#mixer);
  readonly #forecast: Forecast;
  readonly #company: Company;
  readonly #frames: Int32Array[] = [];
  #newest = 0;
  #known = 0;
  readonly #waiting: Coded[] = [];
  readonly #free: Coded[] = [];
  readonly #misses: Float32Array;
  readonly #surprises: Int32Array;
  /** Frames for which a row has not moved, up to `REST_FRAMES`. */
  readonly #rest: Uint8Array;
  readonly #moved: Uint8Array;
  readonly #ridges: Ridge[];
  readonly #inputs = new Float64Array(RIDGE_INPUTS);
  readonly #parts = new Float64Array((FORECASTS + 1) * 3);
  readonly #missed = new Float64Array(3);
  readonly #turn = new Float64Array(3);
  /** Places of rows that moved lately, carried on, and of movers of this frame: x y z each. */
  readonly #lately: Float64Array;
  #latelyCount = 0;
  readonly #movers: Float64Array;
  #moverCount = 0;
  #ahead = 0;
  #base: Int32Array;
  #coded: Coded;

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
    this.#moving = sent.filter(({ at }) => places.includes(at) || turning.includes(at));
    this.#others = sent.filter(({ at }) => !places.includes(at) && !turning.includes(at));
    for (const { at, field } of sent) this.#fieldAt[at] = field;
    this.#forecast = new Forecast(this.#layout);
    this.#company = new Company(rows);
    const first = new Int32Array(rows * schema.stride);
    for (let i = 0; i < rows; i++) first.set(schema.empty, i * schema.stride);
    this.#frames.push(first);
    this.#base = first;
    this.#misses = new Float32Array(rows * MISSES);
    this.#surprises = new Int32Array(rows * 6);
    this.#rest = new Uint8Array(rows);
    this.#moved = new Uint8Array(rows);
    this.#ridges = Array.from(
      { length: PLACE_RIDGES + 2 * OCTAVES },
      (_, i) => new Ridge(i < PLACE_RIDGES ? PLACE_WEIGHTS : TURN_WEIGHTS),
    );
    this.#lately = new Float64Array(rows * 3);
    this.#movers = new Float64Array(rows * 3);
    this.#coded = new Coded(rows, schema.stride);
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
   * there; header words stay as they are. The frame then waits for `know`.
   */
  code(c: BitCoder, rows: Int32Array, ahead: number): void {
    const coded = this.#free.pop() ?? new Coded(this.#rows, this.#layout.stride);
    this.#coded = coded;
    coded.misses.fill(0);
    coded.surprises.fill(0);
    coded.sampleCount = 0;
    this.#ahead = ahead;
    this.#base = this.frame(0);
    this.#mixer.try(coded.journal);
    this.#look();
    for (let row = 0; row < this.#rows && !c.failed; row++) this.#flags(c, row, rows);
    this.#gather();
    for (let n = 0; n < this.#company.size && !c.failed; n++)
      this.#move(c, this.#company.order[n] as number, rows);
    this.#mixer.takeBack();
    coded.rows.set(rows);
    this.#waiting.push(coded);
  }

  /** The oldest frame that waits is now known to be held by both sides. */
  know(): void {
    const coded = this.#waiting.shift();
    if (coded === undefined) return;
    this.#mixer.learn(coded.journal);
    const { samples, rows } = coded;
    for (let at = 0; at < coded.sampleCount; at += RIDGE_INPUTS + 3)
      (this.#ridges[samples[at] as number] as Ridge).add(
        samples,
        at + 3,
        samples[at + 2] as number,
        samples[at + 1] as number,
      );
    for (const ridge of this.#ridges) ridge.solve();
    for (let i = 0; i < this.#misses.length; i++)
      this.#misses[i] = ((this.#misses[i] as number) + (coded.misses[i] as number)) * 0.5;
    this.#surprises.set(coded.surprises);
    const before = this.frame(0);
    for (let row = 0; row < this.#rows; row++) {
      const rest = this.#rest[row] as number;
      this.#rest[row] = this.#sameMotion(row, before, rows) ? (rest < REST_FRAMES ? rest + 1 : rest) : 0;
    }
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

  #sameMotion(row: number, a: Int32Array, b: Int32Array): boolean {
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
    const then = this.frame(back);
    let sum = 0;
    for (let i = 0; i < this.#moving.length; i++) {
      const word = at + (this.#moving[i] as FieldLayout).at;
      const d = (this.#base[word] as number) - (then[word] as number);
      sum += d < 0 ? -d : d;
    }
    return sum;
  }

  /** Finds the rows that moved lately, and where they will be. */
  #look(): void {
    const { places, stride } = this.#layout;
    const recent = this.frame(3);
    const then = this.frame(6);
    const share = this.#ahead / 6;
    this.#latelyCount = 0;
    this.#moverCount = 0;
    for (let row = 0; row < this.#rows; row++) {
      if (this.#rest[row] === REST_FRAMES || this.#sameMotion(row, this.#base, recent)) continue;
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

  /** Whether the row moves, and whether and how its other fields change. */
  #flags(c: BitCoder, row: number, rows: Int32Array): void {
    const mixer = this.#mixer;
    const { stride, places } = this.#layout;
    const at = row * stride;
    if (row === 0) this.#lastMoved = 0;
    const rest = this.#rest[row] as number;
    const rested = rest < 4 ? rest : rest < 8 ? 4 : rest < 16 ? 5 : rest < 24 ? 6 : 7;
    let state = rested;
    for (let i = 0; i < this.#others.length; i++)
      state = hash2(state, this.#base[at + (this.#others[i] as FieldLayout).at] as number);
    const latest = sizeClass(this.#change(row, 1));
    const late = sizeClass(this.#change(row, 6));
    const near = rest < 2 ? 99 : octave4(this.#nearest(row, this.#lately, this.#latelyCount));
    const by = rest < 2 ? 99 : octave4(this.#nearest(row, this.#movers, this.#moverCount));
    const surprised = sizeClass(this.#surprises[row * 6] as number);
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
    const moves = c.writing && !this.#sameMotion(row, this.#base, rows) ? 1 : 0;
    const changes = c.writing && this.#othersChange(row, rows) ? 1 : 0;
    const active = mixer.bit(c, moves | changes, 0);
    const moved = active === 0 ? 0 : mixer.bit(c, moves, 1);
    this.#lastMoved = ((this.#lastMoved << 1) | moved) & 7;
    this.#moved[row] = moved;
    if (moved === 1) {
      const to = 3 * this.#moverCount++;
      for (let i = 0; i < places.length; i++)
        this.#movers[to + i] = this.#base[at + (places[i] as number)] as number;
    } else if (!c.writing)
      for (let i = 0; i < this.#moving.length; i++) {
        const word = at + (this.#moving[i] as FieldLayout).at;
        rows[word] = this.#base[word] as number;
      }
    if (!c.writing) this.#keepOthers(row, rows);
    if (active === 0) return;
    this.#start(2);
    this.#know(hash2(state, moved));
    this.#know(hash2(hash2(state, moved), rested));
    this.#know(hash2(hash2(state, moved), latest * 16 + late));
    this.#know(hash2(hash2(state, moved), near * 128 + by));
    mixer.pickA = hash2(3, moved);
    mixer.pickB = hash2(4, state);
    if (moved === 0 || mixer.bit(c, changes, 0) === 1) this.#codeOthers(c, row, rows, moved);
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

  /** Puts the movers in the order in which they are coded. */
  #gather(): void {
    const { places, stride } = this.#layout;
    const latest = this.frame(1);
    const then = this.frame(3);
    const company = this.#company;
    company.clear();
    for (let row = 0; row < this.#rows; row++) {
      if (this.#moved[row] === 0) continue;
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

  #move(c: BitCoder, row: number, rows: Int32Array): void {
    const { places, rotation, stride } = this.#layout;
    const forecast = this.#forecast;
    const company = this.#company;
    forecast.look(this, row, this.#ahead);
    company.ask(row);
    for (let i = 0; i < places.length && !c.failed; i++) this.#place(c, row, i, rows);
    this.#turn.fill(0);
    if (rotation.length > 0 && !c.failed) {
      this.#rotate(c, row, rows);
      if (!c.failed) forecast.missed(STEADY, rows, row * stride, this.#turn);
    }
    company.tell(row, this.#missed, this.#turn);
    if (!c.writing && this.#sameMotion(row, this.#base, rows)) c.fail();
  }

  #place(c: BitCoder, row: number, i: number, rows: Int32Array): void {
    const mixer = this.#mixer;
    const guesser = this.#guesser;
    const { values, lines, parabolas, speeds, bends } = this.#forecast;
    const company = this.#company;
    const coded = this.#coded;
    const inputs = this.#inputs;
    const misses = row * MISSES + i;
    const surprises = row * 6;
    const at = i * FORECASTS;
    const word = row * this.#layout.stride + (this.#layout.places[i] as number);
    const base = this.#base[word] as number;
    const reference = ((values[at + LATEST] as number) + (values[at + STEADY] as number)) / 2;
    for (let n = LATEST; n <= PARABOLA; n++) inputs[n - 1] = (values[at + n] as number) - base;
    inputs[6] = 4;
    inputs[7] = company.mean[i] as number;
    inputs[8] = company.plane[i] as number;
    inputs[9] = company.near[i] as number;
    // The reference is part of what others missed.
    const reach = parabolas[i] as number;
    const away = octave(company.nearest2);
    const which = ((i * 2 + (reach > 2 ? 1 : 0)) * 2 + (reach > 5 ? 1 : 0)) * OCTAVES + away;
    const ridge = this.#ridges[which] as Ridge;
    const learned = base + ridge.of(inputs, 0);
    const miss = (n: number): number => missClass(this.#misses[misses + n * 3] as number);
    const last = sizeClass(this.#surprises[surprises + i] as number);
    const one = i > 0 ? sizeClass(coded.surprises[surprises] as number) : 0;
    const two = i > 1 ? sizeClass(coded.surprises[surprises + 1] as number) : 0;
    const near = missClass(company.near[i] as number);
    const apart = missClass((company.mean[i] as number) - (company.near[i] as number));
    const fast = sizeClass((speeds[i] as number) * this.#ahead);
    const spread = missClass((values[at + LATEST] as number) - (values[at + PARABOLA] as number));
    const kind = 100 + i * 16;
    const lately = miss(LEARNED);
    guesser.clear();
    guesser.add(base, hash2(kind, fast * 16 + miss(STAY)));
    guesser.add(values[at + LATEST] as number, hash2(kind + 1, miss(PARABOLA)));
    guesser.add(values[at + STEADY] as number, hash2(kind + 2, miss(STEADY)));
    guesser.add(values[at + CURVED] as number, hash2(kind + 3, miss(CURVED)));
    guesser.add(values[at + LINE] as number, hash2(kind + 4, (lines[i] as number) * 16 + miss(LINE)));
    guesser.add(values[at + PARABOLA] as number, hash2(kind + 5, reach * 16 + miss(PARABOLA)));
    guesser.add(learned, hash2(kind + 6, lately * 16 + reach));
    guesser.add(learned, hash2(kind + 7, hash2(one * 16 + two, lately)));
    guesser.add(learned, hash2(kind + 8, hash2(away, apart * 16 + lately)));
    guesser.add(reference + (company.plane[i] as number), hash2(kind + 9, hash2(away, near)));
    const middle = guesser.weigh();
    const centre = Math.floor(middle + 0.5);
    const fraction = Math.floor((middle - centre + 0.5) * 8);
    this.#start(10 + i);
    this.#know(hash2(last, one * 16 + two));
    this.#know(hash2(lately, reach));
    this.#know(hash2(spread, miss(PARABOLA)));
    this.#know(hash2(fast, one));
    this.#know(hash2(fraction, hash2(reach, miss(PARABOLA))));
    this.#know(hash2(one * 16 + two, spread));
    this.#know(hash2(missClass((bends[i] as number) * 18), fast));
    this.#know(fast < 2 ? centre + 1000 : 0);
    this.#know(hash2(away, near * 16 + miss(PARABOLA)));
    mixer.pickA = hash2(10 + i, last);
    mixer.pickB = hash2(20 + i, away * 16 + one);
    const value = this.#field(c, word, rows, centre);
    coded.surprises[surprises + i] = value - centre;
    coded.sample(which, mixer.spread(hash2(kind + 6, lately * 16 + reach)) + 0.5, inputs, value - base);
    this.#missed[i] = value - reference;
    for (let n = STAY; n <= PARABOLA; n++)
      coded.misses[misses + n * 3] = size(value - (values[at + n] as number));
    coded.misses[misses + LEARNED * 3] = size(value - learned);
  }

  #rotate(c: BitCoder, row: number, rows: Int32Array): void {
    const forecast = this.#forecast;
    const coded = this.#coded;
    const words = this.#layout.rotation;
    const at = row * this.#layout.stride;
    const surprises = row * 6;
    let moved = 0;
    for (let i = 0; i < 3; i++) {
      const by = size(coded.surprises[surprises + i] as number);
      if (by > moved) moved = by;
    }
    moved = sizeClass(moved);
    const largest = this.#largest(c, row, rows, moved);
    if (c.failed) return;
    forecast.turnMore(STEADY, this.#company.turn);
    const parts = this.#parts;
    for (let n = 0; n <= FORECASTS; n++) forecast.pack(n, largest, parts, n * 3);
    for (let i = 0; i < 3 && !c.failed; i++)
      this.#part(c, row, i, at + (words[1 + i] as number), rows, moved);
  }

  /** Which part of the rotation is largest: what the line says, or the next largest, or one of the others. */
  #largest(c: BitCoder, row: number, rows: Int32Array, moved: number): number {
    const mixer = this.#mixer;
    const forecast = this.#forecast;
    const word = row * this.#layout.stride + (this.#layout.rotation[0] as number);
    const expected = forecast.largest(largestPart, LINE);
    let agree = 0;
    for (let n = 0; n < FORECASTS; n++) if (forecast.largest(largestPart, n) === expected) agree++;
    let second = expected === 0 ? 1 : 0;
    for (let i = 0; i < 4; i++)
      if (i !== expected && size(forecast.part(LINE, i)) > size(forecast.part(LINE, second))) second = i;
    const lead =
      (size(forecast.part(LINE, expected)) - size(forecast.part(LINE, second))) / this.#layout.grid.step / 4;
    const gap = lead < 15 ? Math.floor(lead) : 15;
    this.#start(30);
    this.#know(hash2(gap, agree));
    this.#know(
      hash2(
        gap * 16 + sizeClass(this.#surprises[row * 6 + 3] as number),
        expected === this.#base[word] ? 1 : 0,
      ),
    );
    this.#know(hash2(gap, moved));
    mixer.pickA = hash2(30, gap);
    mixer.pickB = hash2(31, agree);
    const value = rows[word] as number;
    let largest = expected;
    if (mixer.bit(c, value === expected ? 1 : 0, 0) === 0) {
      largest = second;
      if (mixer.bit(c, value === second ? 1 : 0, 1) === 0) {
        const left = [0, 1, 2, 3].filter((i) => i !== expected && i !== second);
        largest = left[mixer.bit(c, value === left[1] ? 1 : 0, 2)] as number;
      }
    }
    rows[word] = largest;
    return largest;
  }

  #part(c: BitCoder, row: number, i: number, word: number, rows: Int32Array, moved: number): void {
    const mixer = this.#mixer;
    const guesser = this.#guesser;
    const { lines, parabolas } = this.#forecast;
    const coded = this.#coded;
    const inputs = this.#inputs;
    const parts = this.#parts;
    const part = (n: number): number => parts[n * 3 + i] as number;
    const stay = part(STAY);
    for (let n = LATEST; n <= PARABOLA; n++) inputs[n - 1] = part(n) - stay;
    const together = part(FORECASTS);
    inputs[6] = together - part(STEADY);
    inputs[7] = 0;
    inputs[8] = 0;
    inputs[9] = 0;
    const line = least(lines[3] as number, lines[4] as number, lines[5] as number);
    const reach = least(parabolas[3] as number, parabolas[4] as number, parabolas[5] as number);
    const away = octave(this.#company.nearest2);
    const which = PLACE_RIDGES + (reach > 2 ? OCTAVES : 0) + away;
    const learned = stay + (this.#ridges[which] as Ridge).of(inputs, 0);
    const misses = row * MISSES + 24;
    const surprises = row * 6 + 3;
    const miss = (n: number): number => missClass(this.#misses[misses + n] as number);
    const one = i > 0 ? sizeClass(coded.surprises[surprises] as number) : 9;
    const two = i > 1 ? sizeClass(coded.surprises[surprises + 1] as number) : 0;
    let last = 0;
    for (let n = 0; n < 3; n++) {
      const by = size(this.#surprises[surprises + n] as number);
      if (by > last) last = by;
    }
    last = sizeClass(last);
    const lately = miss(LEARNED);
    const spread = missClass(part(LATEST) - part(PARABOLA));
    const more = missClass(together - part(STEADY));
    guesser.clear();
    guesser.add(stay, hash2(200, miss(STAY)));
    guesser.add(part(LATEST), hash2(201, miss(LATEST)));
    guesser.add(part(STEADY), hash2(202, miss(STEADY)));
    guesser.add(part(CURVED), hash2(203, miss(CURVED)));
    guesser.add(part(LINE), hash2(204, line * 16 + miss(LINE)));
    guesser.add(part(PARABOLA), hash2(205, reach * 16 + miss(PARABOLA)));
    guesser.add(learned, hash2(206, lately * 16 + moved));
    guesser.add(learned, hash2(207, hash2(one * 16 + two, lately)));
    guesser.add(learned, hash2(208, hash2(away, moved * 16 + lately)));
    guesser.add(together, hash2(209, hash2(away, more)));
    const middle = guesser.weigh();
    const centre = Math.floor(middle + 0.5);
    const fraction = Math.floor((middle - centre + 0.5) * 8);
    this.#start(40);
    this.#know(hash2(last, one * 16 + two));
    this.#know(hash2(lately, reach));
    this.#know(hash2(spread, miss(PARABOLA)));
    this.#know(hash2(moved, one * 16 + two));
    this.#know(hash2(fraction, hash2(reach, miss(PARABOLA))));
    this.#know(hash2(moved, last * 16 + spread));
    this.#know(hash2(missClass(part(LATEST) - stay), moved));
    this.#know(hash2(away, moved * 16 + more));
    mixer.pickA = hash2(40, last);
    mixer.pickB = hash2(41, away * 16 + one);
    const value = this.#field(c, word, rows, centre);
    coded.surprises[surprises + i] = value - centre;
    coded.sample(which, mixer.spread(hash2(206, lately * 16 + moved)) + 0.5, inputs, value - stay);
    for (let n = STAY; n <= PARABOLA; n++)
      coded.misses[misses + n] = (coded.misses[misses + n] as number) + size(value - part(n)) / 3;
    coded.misses[misses + LEARNED] = (coded.misses[misses + LEARNED] as number) + size(value - learned) / 3;
  }

  #field(c: BitCoder, word: number, rows: Int32Array, centre: number): number {
    const offset = word % this.#layout.stride;
    const field = this.#fieldAt[offset] as Field;
    const value = this.#within(c, field.lo, field.hi, this.#guesser.code(c, rows[word] as number, centre));
    rows[word] = value;
    return value;
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

const size = (x: number): number => (x < 0 ? -x : x);

const least = (a: number, b: number, c: number): number => (a < b ? (a < c ? a : c) : b < c ? b : c);

/** Distances by size, coarsely: 0..8. */
function sizeClass(x: number): number {
  const d = size(x);
  return d < 6
    ? d < 1.5
      ? d < 0.5
        ? 0
        : 1
      : d < 3
        ? 2
        : 3
    : d < 24
      ? d < 12
        ? 4
        : 5
      : d < 48
        ? 6
        : d < 100
          ? 7
          : 8;
}

const MISS_LIMITS = [0.25, 0.75, 1.5, 2.5, 4, 6, 9, 13, 20, 30, 50, 90];

/** Distances by size, finely: 0..12. */
function missClass(x: number): number {
  const d = size(x);
  let i = 0;
  while (i < 12 && d >= (MISS_LIMITS[i] as number)) i++;
  return i;
}

/** Octave of a distance, from its square: 0 for none. */
function octave(square: number): number {
  let n = 0;
  for (let d = square; d >= 1 && n < OCTAVES - 1; d /= 4) n++;
  return n;
}

/** Quarter octaves of a distance, from its square. */
function octave4(square: number): number {
  let n = 0;
  let d = square;
  while (d >= 4 && n < 88) {
    d /= 4;
    n += 4;
  }
  return n + (d >= 2 ? (d >= 2.83 ? 3 : 2) : d >= 1.41 ? 1 : 0);
}
