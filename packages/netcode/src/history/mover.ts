/**
 * Codes where one mover went: its place axis by axis, then its rotation, each number by forecasts from its own past, from weights
 * learned for mixing them, and from what movers near it missed by.
 */

import type { Field } from '../wire/fields.ts';
import type { BitCoder } from '../wire/range.ts';
import { least, missClass, OCTAVES, octave, size, sizeClass } from './classes.ts';
import { type Coded, MISSES, SAMPLE } from './coded.ts';
import type { Company } from './company.ts';
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
import type { Guesser } from './guess.ts';
import { hash2, type Mixer } from './mixer.ts';
import { RIDGE_INPUTS, Ridge } from './ridge.ts';
import { largestPart } from './rotation.ts';

/** The miss of what the ridges say, behind those of the forecasts. */
const LEARNED = 7;
/** First weights of the forecasts of places and rotations. */
const PLACE_WEIGHTS = [0.2, 0.2, 0, 0, 0.3, 0.2, 0, 0, 0.7, 0];
const TURN_WEIGHTS = [0.3, 0.3, 0, 0, 0.3, 0.1, 0, 0, 0, 0];
const PLACE_RIDGES = 3 * 4 * OCTAVES;

export class MoverCoder {
  readonly #layout: Layout;
  /** By word of a row. */
  readonly #fieldAt: readonly Field[];
  readonly #mixer: Mixer;
  readonly #guesser: Guesser;
  readonly #company: Company;
  readonly #forecast: Forecast;
  readonly #ridges: Ridge[];
  /** Decaying mean misses, and the surprises of the newest known frame. */
  readonly #misses: Float32Array;
  readonly #surprises: Int32Array;
  readonly #inputs = new Float64Array(RIDGE_INPUTS);
  readonly #parts = new Float64Array((FORECASTS + 1) * 3);
  readonly #missed = new Float64Array(3);
  readonly #turn = new Float64Array(3);
  #base: Int32Array = new Int32Array(0);
  #ahead = 0;

  constructor(
    layout: Layout,
    fieldAt: readonly Field[],
    mixer: Mixer,
    guesser: Guesser,
    company: Company,
    rows: number,
  ) {
    this.#layout = layout;
    this.#fieldAt = fieldAt;
    this.#mixer = mixer;
    this.#guesser = guesser;
    this.#company = company;
    this.#forecast = new Forecast(layout);
    this.#misses = new Float32Array(rows * MISSES);
    this.#surprises = new Int32Array(rows * 6);
    this.#ridges = Array.from(
      { length: PLACE_RIDGES + 2 * OCTAVES },
      (_, i) => new Ridge(i < PLACE_RIDGES ? PLACE_WEIGHTS : TURN_WEIGHTS),
    );
  }

  /** How far the row's first axis was from its centre, in the newest known frame. */
  surprise(row: number): number {
    return this.#surprises[row * 6] as number;
  }

  /** Codes the moving fields of a row, `ahead` ticks after the newest frame of the past. */
  move(c: BitCoder, past: Past, row: number, rows: Int32Array, ahead: number, coded: Coded): void {
    const { places, rotation, stride } = this.#layout;
    const forecast = this.#forecast;
    const company = this.#company;
    this.#base = past.frame(0);
    this.#ahead = ahead;
    forecast.look(past, row, ahead);
    company.ask(row);
    for (let i = 0; i < places.length && !c.failed; i++) this.#place(c, row, i, rows, coded);
    this.#turn.fill(0);
    if (rotation.length > 0 && !c.failed) {
      this.#rotate(c, row, rows, coded);
      if (!c.failed) forecast.missed(STEADY, rows, row * stride, this.#turn);
    }
    company.tell(row, this.#missed, this.#turn);
  }

  learn({ samples, sampleCount, misses, surprises }: Coded): void {
    for (let at = 0; at < sampleCount; at += SAMPLE)
      (this.#ridges[samples[at] as number] as Ridge).add(
        samples,
        at + 3,
        samples[at + 2] as number,
        samples[at + 1] as number,
      );
    for (const ridge of this.#ridges) ridge.solve();
    for (let i = 0; i < this.#misses.length; i++)
      this.#misses[i] = ((this.#misses[i] as number) + (misses[i] as number)) * 0.5;
    this.#surprises.set(surprises);
  }

  #place(c: BitCoder, row: number, i: number, rows: Int32Array, coded: Coded): void {
    const mixer = this.#mixer;
    const guesser = this.#guesser;
    const { values, lines, parabolas, speeds, bends } = this.#forecast;
    const company = this.#company;
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

  #rotate(c: BitCoder, row: number, rows: Int32Array, coded: Coded): void {
    const forecast = this.#forecast;
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
      this.#part(c, row, i, at + (words[1 + i] as number), rows, moved, coded);
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

  #part(
    c: BitCoder,
    row: number,
    i: number,
    word: number,
    rows: Int32Array,
    moved: number,
    coded: Coded,
  ): void {
    const mixer = this.#mixer;
    const guesser = this.#guesser;
    const { lines, parabolas } = this.#forecast;
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
