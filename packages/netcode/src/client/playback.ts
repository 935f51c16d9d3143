/**
 * The view clock: which moment of the server's past others are drawn at.
 *
 * Each snapshot's arrival is a sample of (server time - local time). Their mean and deviation say how far back the view must stay
 * so that the next snapshot is nearly always there before it is needed. The view's rate is slewed, never reversed [V2].
 */

import { Smoothed } from '../base/stats.ts';
import type { Millis } from '../base/units.ts';

const MIN_RATE = 0.85;
const MAX_RATE = 1.1;

/** Deviations of arrival jitter that the delay covers, beside one snapshot interval. */
const DEVIATIONS = 3;

/** Share of the distance to the wanted time that is closed per second. */
const CATCH_UP_PER_SECOND = 2;

/** Further behind than this the view jumps forward. */
const JUMP_MS = 250;

/** A sample further from the mean than this many deviations is clipped: a page that hangs reads its datagrams late. */
const CLIP_DEVIATIONS = 4;
const CLIP_FLOOR_MS = 20;

/** A page that has not drawn for this long hangs; what it then reads late says nothing about the network. */
const HANG_MS = 50;

/** Datagrams that waited out a hang are read within this after it. */
const HANG_REST_MS = 20;

/** So many clipped samples in a row are no hiccup: the path has changed. */
const CLIPPED_MAKE_A_CHANGE = 8;

/** The view never stays further back than this. */
const MAX_DELAY_MS = 500;

export class Playback {
  readonly #tickMs: Millis;
  readonly #intervalMs: Millis;
  readonly #offset = new Smoothed(0.05);
  #time: Millis = 0;
  #last: Millis = 0;
  #running = false;
  #clipped = 0;
  #hungUntil: Millis = 0;
  /** Frames drawn past the newest snapshot. */
  underruns = 0;
  frames = 0;

  constructor(tickMs: Millis, ticksPerSnapshot: number) {
    this.#tickMs = tickMs;
    this.#intervalMs = tickMs * ticksPerSnapshot;
  }

  /** The fractional tick that the view shows. */
  get tick(): number {
    return this.#time / this.#tickMs;
  }

  /** How far the view stays behind the arrival of snapshots, in ms. */
  get delay(): Millis {
    return Math.min(MAX_DELAY_MS, this.#intervalMs + Math.max(2, DEVIATIONS * this.#offset.deviation));
  }

  get jitter(): Millis {
    return this.#offset.deviation;
  }

  get running(): boolean {
    return this.#running;
  }

  /** The snapshot of `tick` arrived. */
  arrived(now: Millis, tick: number): void {
    const sample = tick * this.#tickMs - now;
    const hung = this.#running && (now - this.#last > HANG_MS || now < this.#hungUntil);
    if (!hung || sample > this.#offset.mean) this.#learn(sample);
    if (this.#running) return;
    this.#running = true;
    this.#time = tick * this.#tickMs - this.delay;
    this.#last = now;
  }

  /** Moves the view to `now` and gives its fractional tick. `newest` is the tick of the newest snapshot. */
  advance(now: Millis, newest: number): number {
    if (!this.#running) return 0;
    const elapsed = Math.max(0, now - this.#last);
    if (elapsed > HANG_MS) this.#hungUntil = now + HANG_REST_MS;
    this.#last = now;
    const wanted = now + this.#offset.mean - this.delay;
    const behind = wanted - this.#time;
    if (behind - elapsed > JUMP_MS) {
      this.#time = wanted;
    } else {
      const rate = 1 + ((behind - elapsed) * CATCH_UP_PER_SECOND) / 1000;
      this.#time += elapsed * Math.max(MIN_RATE, Math.min(MAX_RATE, rate));
    }
    this.frames++;
    if (this.tick > newest) this.underruns++;
    return this.tick;
  }

  #learn(sample: Millis): void {
    const offset = this.#offset;
    const reach = Math.max(CLIP_FLOOR_MS, CLIP_DEVIATIONS * offset.deviation);
    const error = sample - offset.mean;
    const odd = offset.samples > 0 && Math.abs(error) > reach;
    this.#clipped = odd ? this.#clipped + 1 : 0;
    if (this.#clipped >= CLIPPED_MAKE_A_CHANGE) {
      this.#clipped = 0;
      offset.reset();
      offset.add(sample);
    } else {
      offset.add(odd ? offset.mean + Math.sign(error) * reach : sample);
    }
    if (offset.samples === 1) offset.deviation = this.#intervalMs / 4;
  }

  reset(): void {
    this.#running = false;
    this.#offset.reset();
    this.#time = 0;
  }
}
