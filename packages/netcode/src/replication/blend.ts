/**
 * How a row is drawn between two copies of it, and for a while past the last one. The client draws others with it, and the server
 * rebuilds with it what a player saw: one file, so that both get the same picture.
 *
 *     a field that follows a rate    a cubic (Hermite) with the rates at both ends as slopes, limited so that it does not overshoot
 *     other numbers                  the straight way
 *     angles                         the straight way, the shorter side round
 *     no newer copy                  on at its own rate, ever slower, until it stands
 *
 * All of it depends on the two copies, their ticks and the fractional tick alone.
 */

import { floatOf } from '../simulation/float.ts';
import type { RowSchema } from '../wire/schema.ts';

/** Past its last copy a row moves on at its full rate for this long ... */
const STEADY_MS = 100;
/** ... and comes to rest in this time more, halfway: 250 ms of its way in all. */
const RESTING_MS = 300;

/** Two copies further apart than this are blended over the end of the time between them: what stood still must not crawl. */
const LONGEST_BLEND_MS = 500;

/** A continuous field: one that is drawn between the values that were sent. */
export interface Continuous {
  /** First word of the field in the row. */
  readonly at: number;
  /** Place among the row's continuous fields. */
  readonly index: number;
  readonly kind: 'line' | 'turn' | 'float';
  readonly step: number;
  readonly lo: number;
  readonly hi: number;
  /** Row offset of the rate field, -1 for none, and grid steps per tick per unit of it. */
  readonly followsAt: number;
  readonly followsFactor: number;
}

export function continuousFields(schema: RowSchema): Continuous[] {
  const found: Continuous[] = [];
  for (const { field, at, followsAt, followsFactor, name } of schema.fields) {
    if (name.startsWith('$') || field.local || !['grid', 'angle', 'f32'].includes(field.kind)) continue;
    const kind = field.kind === 'angle' ? 'turn' : field.kind === 'f32' ? 'float' : 'line';
    const { step, lo, hi } = field;
    found.push({ at, index: found.length, kind, step, lo, hi, followsAt, followsFactor });
  }
  return found;
}

/** Spans of time in ticks of one game. */
export class BlendTimes {
  /** Longest time from one copy to the next over which a row is blended. */
  readonly longest: number;
  readonly #steady: number;
  readonly #resting: number;

  /** `tickRate` in ticks per second. */
  constructor(tickRate: number) {
    this.longest = (LONGEST_BLEND_MS * tickRate) / 1000;
    this.#steady = (STEADY_MS * tickRate) / 1000;
    this.#resting = (RESTING_MS * tickRate) / 1000;
  }

  /** The ticks for which a row has moved at its full rate, `since` ticks after its last copy. */
  moved(since: number): number {
    if (since <= 0) return 0;
    const beyond = since - this.#steady;
    if (beyond <= 0) return since;
    if (beyond >= this.#resting) return this.#steady + this.#resting / 2;
    return since - (beyond * beyond) / (2 * this.#resting);
  }

  /** Where the blend from a copy of tick `held` to one of tick `nextHeld` begins. */
  start(held: number, nextHeld: number): number {
    return Math.max(held, nextHeld - this.longest);
  }
}

/** The stored number as the unit that is drawn: the field's own value. */
export function drawnValue(field: Continuous, word: number): number {
  return field.kind === 'float' ? floatOf(word) : word * field.step;
}

/** What leads from one value to another; angles take the short way round. */
export function difference(field: Continuous, to: number, from: number): number {
  return field.kind === 'turn' ? wrapTurn(to - from) : to - from;
}

/** The value `share` (0..1) of the way `difference` along. */
export function along(field: Continuous, from: number, way: number, share: number): number {
  const value = from + way * share;
  return field.kind === 'turn' ? wrapTurn(value) : value;
}

const TURN = 2 * Math.PI;

/** An angle in [-pi, pi). */
export function wrapTurn(angle: number): number {
  const from = angle + Math.PI;
  // Nearly every angle is in range already; the division below costs more than all else that is done to a drawn row.
  return from >= 0 && from < TURN ? angle : angle - Math.floor(from / TURN) * TURN;
}

/** The value of a field that follows a rate, after `ticks` more at its row's own rate; `at` is the row's offset. */
export function movedValue(field: Continuous, words: Int32Array, at: number, ticks: number): number {
  const rate = words[at + field.followsAt] as number;
  const moved = (words[at + field.at] as number) + rate * field.followsFactor * ticks;
  return Math.max(field.lo, Math.min(field.hi, moved)) * field.step;
}

/** Numbers per curve. */
export const CURVE = 4;

/**
 * Writes the curve of a field that follows a rate, from the row at `at` to its newer copy, at `to` of `curves`:
 *
 *     value(share) = c0 + share (c1 + share (c2 + share c3))        share 0..1
 *
 * `late` is how many ticks the row has moved on before the blend begins, `span` the ticks that it takes.
 */
export function writeCurve(
  curves: Float64Array,
  to: number,
  field: Continuous,
  words: Int32Array,
  at: number,
  next: Int32Array,
  nextAt: number,
  late: number,
  span: number,
): void {
  const { step } = field;
  const scale = field.followsFactor * span * step;
  const from = late === 0 ? (words[at + field.at] as number) * step : movedValue(field, words, at, late);
  const way = (next[nextAt + field.at] as number) * step - from;
  let out = (words[at + field.followsAt] as number) * scale;
  let home = (next[nextAt + field.followsAt] as number) * scale;
  // A rate belongs to one side of its tick: in a game that moves by the new rate it is that of the tick before. So steady acceleration
  // goes half of a tick's change beside the mean of both rates, on the side that the way tells; what goes elsewhere did not accelerate
  // steadily, and is left alone.
  const reach = Math.abs(home - out) / (2 * Math.max(2, span));
  const beside = way - (out + home) / 2;
  const far = Math.abs(beside) - reach;
  const shift = far <= 0 ? beside : far < reach ? Math.sign(beside) * (reach - far) : 0;
  if (out * home < 0) {
    // It turned round in between: when, the way tells. A slope that held only briefly must not carry it beyond where it turned.
    const turned = (way - home) / (out - home);
    out = (out + shift) * Math.max(0, Math.min(1, 3 * turned));
    home = (home + shift) * Math.max(0, Math.min(1, 3 - 3 * turned));
  } else {
    out = limited(out + shift, way);
    home = limited(home + shift, way);
  }
  curves[to] = from;
  curves[to + 1] = out;
  curves[to + 2] = 3 * way - 2 * out - home;
  curves[to + 3] = out + home - 2 * way;
}

/** A cubic whose slopes are at most three times its way, and in its direction, rises or falls all along (Fritsch and Carlson 1980). */
function limited(slope: number, way: number): number {
  if (slope > 0) return way > 0 ? Math.min(slope, 3 * way) : 0;
  return way < 0 ? Math.max(slope, 3 * way) : 0;
}

/** Draws single rows of one type: what the server asks when it rebuilds what a player saw. */
export class RowBlend {
  /** The fields that it draws, in the order of what it writes. */
  readonly fields: readonly Continuous[];
  readonly #times: BlendTimes;
  readonly #cutAt: number;
  readonly #curve = new Float64Array(CURVE);

  /** `tickRate` in ticks per second. Draws the `fields` given, all continuous ones of the type if left out. */
  constructor(schema: RowSchema, tickRate: number, fields: readonly Continuous[] = continuousFields(schema)) {
    this.fields = fields;
    this.#times = new BlendTimes(tickRate);
    this.#cutAt = schema.cutAt;
  }

  /**
   * Writes the drawn value of each continuous field, in the field's own unit, at its index of `into`. The row is at `at` of `words` and
   * of tick `held`: the freshest copy of a snapshot up to `tick`. Its copy in the first snapshot after `tick` is at `nextAt` of `next`
   * and of tick `nextHeld`; `next` is undefined when there is no such snapshot or the row is not in it. The marks in the rows are not
   * read, so that rows of the server's own history will do.
   */
  draw(
    into: Float64Array,
    tick: number,
    words: Int32Array,
    at: number,
    held: number,
    next: Int32Array | undefined,
    nextAt: number,
    nextHeld: number,
  ): void {
    const { fields } = this;
    const cut = next !== undefined && next[nextAt + this.#cutAt] !== words[at + this.#cutAt];
    if (next === undefined || cut || nextHeld <= held) {
      const ticks = cut ? 0 : this.#times.moved(tick - held);
      for (let i = 0; i < fields.length; i++) {
        const field = fields[i] as Continuous;
        into[i] =
          ticks > 0 && field.followsAt >= 0
            ? movedValue(field, words, at, ticks)
            : drawnValue(field, words[at + field.at] as number);
      }
      return;
    }
    const start = this.#times.start(held, nextHeld);
    const span = nextHeld - start;
    const share = Math.max(0, Math.min(1, (tick - start) / span));
    // Before the blend begins the row still moves as if nothing had come after it.
    const late = this.#times.moved(Math.min(tick, start) - held);
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i] as Continuous;
      if (field.followsAt >= 0) {
        into[i] = this.#onCurve(field, words, at, next, nextAt, late, span, share);
        continue;
      }
      const from = drawnValue(field, words[at + field.at] as number);
      const way = difference(field, drawnValue(field, next[nextAt + field.at] as number), from);
      into[i] = along(field, from, way, share);
    }
  }

  #onCurve(
    field: Continuous,
    words: Int32Array,
    at: number,
    next: Int32Array,
    nextAt: number,
    late: number,
    span: number,
    share: number,
  ): number {
    const curve = this.#curve;
    writeCurve(curve, 0, field, words, at, next, nextAt, late, span);
    return curveAt(curve, 0, share);
  }
}

/** The value of the curve at `at` of `curves`. */
export function curveAt(curves: Float64Array, at: number, share: number): number {
  const bend = (curves[at + 2] as number) + share * (curves[at + 3] as number);
  return (curves[at] as number) + share * ((curves[at + 1] as number) + share * bend);
}
