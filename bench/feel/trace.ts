/** One method's frames at one client: noted while they are drawn, and held against the truth once all of it is known. */

import { Figures } from './figures.ts';
import type { Method } from './methods/method.ts';
import { seatOf, TICK_MS } from './ships.ts';
import type { Place, Truth } from './truth.ts';

/** A ship that goes one way for this long before and after a moment cannot be seen going back at it. */
const STEADY_TICKS = 6;
/** Cosine of the angle within which it is one way. */
const STEADY_COSINE = 0.9;
/** Steps back below this are no movement that anyone sees: a twentieth of a pixel in the arena. */
const BACK_UNITS = 0.05;
/** So far the moment shown may go back by rounding. */
const BACK_TICKS = 1e-6;

/** The ticks of the snapshots that a page has, in order. */
export class Arrivals {
  readonly #ticks: number[] = [];

  add(tick: number): void {
    let at = this.#ticks.length;
    while (at > 0 && (this.#ticks[at - 1] as number) > tick) at--;
    this.#ticks.splice(at, 0, tick);
  }

  /** The newest at or before a moment, and the oldest after it; the moment itself where there is none. */
  around(tick: number): { readonly older: number; readonly newer: number } {
    let at = this.#ticks.length - 1;
    while (at >= 0 && (this.#ticks[at] as number) > tick) at--;
    return { older: this.#ticks[at] ?? tick, newer: this.#ticks[at + 1] ?? tick };
  }

  get newest(): number {
    return this.#ticks.at(-1) ?? 0;
  }
}

/** What a frame shows. */
interface Moment {
  readonly tick: number;
  /** Ticks from it to the server's present. */
  readonly age: number;
  readonly isUnderrun: boolean;
  /** The snapshots around it. What happened between them the page cannot know. */
  readonly older: number;
  readonly newer: number;
}

/** One ship as it was drawn, frame by frame. */
interface Drawn {
  readonly frames: number[];
  readonly xs: number[];
  readonly ys: number[];
}

export class Trace {
  readonly method: Method;
  /** Units between a drawn ship and where it was at the moment shown. */
  readonly error = new Figures();
  /** Change of a drawn ship's velocity from one frame to the next that the ship did not make, in units per second. */
  readonly jerk = new Figures();
  /** Milliseconds from the moment shown to the server's present. */
  readonly age = new Figures();
  frames = 0;
  /** Frames that show a moment past the newest snapshot. */
  underruns = 0;
  /** Frames that show an earlier moment than the frame before. */
  timeBack = 0;
  /** Times that a ship was drawn further back than in the frame before while it went one way all the time. */
  stepsBack = 0;
  readonly #moments: Moment[] = [];
  readonly #drawn = new Map<number, Drawn>();

  constructor(method: Method) {
    this.method = method;
  }

  /**
   * Notes the frame that the method has made. `tick` is the moment it shows, `arrivals` what the page has, `present` the server's own
   * moment; ships of the seat `mine` are predicted and no business of the method's.
   */
  note(tick: number, arrivals: Arrivals, present: number, mine: number): void {
    const frame = this.#moments.length;
    const isUnderrun = tick > arrivals.newest;
    this.#moments.push({ tick, age: present - tick, isUnderrun, ...arrivals.around(tick) });
    this.method.ships((id, x, y) => {
      if (seatOf(id) === mine) return;
      let drawn = this.#drawn.get(id);
      if (drawn === undefined) {
        drawn = { frames: [], xs: [], ys: [] };
        this.#drawn.set(id, drawn);
      }
      drawn.frames.push(frame);
      drawn.xs.push(x);
      drawn.ys.push(y);
    });
  }

  /** Holds what was shown of the moments [from, to) against the truth: the same moments for every method, whenever it showed them. */
  judge(truth: Truth, from: number, to: number): void {
    this.#moments.forEach(({ tick, age, isUnderrun }, frame) => {
      if (tick < from || tick >= to) return;
      this.frames++;
      this.age.add(age * TICK_MS);
      if (isUnderrun) this.underruns++;
      if (tick < (this.#moments[frame - 1]?.tick ?? tick) - BACK_TICKS) this.timeBack++;
    });
    for (const [id, drawn] of this.#drawn) {
      for (let i = 0; i < drawn.frames.length; i++) {
        const moment = this.#moments[drawn.frames[i] as number] as Moment;
        if (moment.tick >= from && moment.tick < to) this.#judge(truth, id, moment, drawn, i);
      }
    }
  }

  #judge(truth: Truth, id: number, { tick, newer }: Moment, { frames, xs, ys }: Drawn, i: number): void {
    const x = xs[i] as number;
    const y = ys[i] as number;
    if (!truth.at(id, tick, there)) return;
    this.error.add(length(x - there.x, y - there.y));
    if (frames[i - 1] !== (frames[i] as number) - 1) return;
    const lastX = xs[i - 1] as number;
    const lastY = ys[i - 1] as number;
    const known = (this.#moments[frames[i - 1] as number] as Moment).older;
    const from = Math.min(tick - STEADY_TICKS, known);
    const to = Math.max(tick + STEADY_TICKS, newer);
    if (wentBack(truth, id, from, to, { x: x - lastX, y: y - lastY })) this.stepsBack++;
    if (frames[i - 2] !== (frames[i] as number) - 2) return;
    // A frame is as long as a tick: at the right speed the frames before showed the ticks before.
    if (!truth.at(id, tick - 1, before) || !truth.at(id, tick - 2, earlier)) return;
    const ax = x - 2 * lastX + (xs[i - 2] as number) - (there.x - 2 * before.x + earlier.x);
    const ay = y - 2 * lastY + (ys[i - 2] as number) - (there.y - 2 * before.y + earlier.y);
    this.jerk.add(length(ax, ay) / (TICK_MS / 1_000));
  }
}

const there: Place = { x: 0, y: 0 };
const before: Place = { x: 0, y: 0 };
const earlier: Place = { x: 0, y: 0 };
const later: Place = { x: 0, y: 0 };

/**
 * Whether a drawn step leads back on the way that the ship took all the time between two ticks. They reach over the snapshots that the
 * picture was made from: where the ship turned between those, a straight line is no step back, only wrong.
 */
function wentBack(truth: Truth, id: number, from: number, to: number, step: Place): boolean {
  if (!truth.at(id, from, earlier) || !truth.at(id, to, later)) return false;
  const wayX = later.x - earlier.x;
  const wayY = later.y - earlier.y;
  const way = length(wayX, wayY);
  if (way === 0 || step.x * wayX + step.y * wayY > -BACK_UNITS * way) return false;
  for (let at = from; at + 1 <= to; at++) {
    if (!truth.at(id, at, earlier) || !truth.at(id, at + 1, later)) return false;
    const stepX = later.x - earlier.x;
    const stepY = later.y - earlier.y;
    const made = length(stepX, stepY);
    if (made < BACK_UNITS || stepX * wayX + stepY * wayY < STEADY_COSINE * way * made) return false;
  }
  return true;
}

function length(x: number, y: number): number {
  return Math.sqrt(x * x + y * y);
}
