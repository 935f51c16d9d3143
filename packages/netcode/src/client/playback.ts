/**
 * The view clock: which moment of the server's past others are drawn at.
 *
 * Each snapshot's arrival is a sample of (server time - local time). Their mean, and how far single ones and lost ones are behind it
 * (lateness.ts), say how far back the view must stay so that the next snapshot is nearly always there before it is needed. The view's
 * rate is slewed, never reversed [V2].
 */

import { Smoothed } from '../base/stats.ts';
import type { Millis } from '../base/units.ts';
import { Lateness } from './lateness.ts';

const MIN_RATE = 0.85;
const MAX_RATE = 1.1;

/** Share of the distance to the wanted time that is closed per second. */
const CATCH_UP_PER_SECOND = 3;

/** Time constant in which the rate follows what is wanted of it: a rate that jumps is seen. */
const RATE_MS = 100;

/** Weight of an arrival in the mean: it follows a path that drifts in 1.7 s at 20 snapshots a second, and single ones hardly. */
const MEAN_GAIN = 0.03;

/** Beside what was needed so far: what frames and clocks round. */
const MARGIN_MS = 2;

/** Until so many have arrived nobody knows the path, and the view stays half an interval further back. */
const FIRST_ARRIVALS = 10;

/** Further behind than this the view jumps forward. */
const JUMP_MS = 250;

/** A sample further from the mean than this many deviations is clipped: a page that hangs reads its datagrams late. */
const CLIP_DEVIATIONS = 4;
const CLIP_FLOOR_MS = 20;

/** A page that has not drawn for this long, and for three of its frames, hangs; what it then reads late says nothing about the network. */
const HANG_MS = 50;
const HANG_FRAMES = 3;

/** Weight of a frame in the usual time of frames; longer ones than this do not count. */
const FRAME_GAIN = 0.1;
const LONGEST_FRAME_MS = 250;

/** Datagrams that waited out a hang are read within this after it. */
const HANG_REST_MS = 20;

/** Clipped samples for this long are no hiccup and no queue that fills and drains again: the path has changed. */
const CHANGE_MS = 1_500;

/** The view never stays further back than this, or than two intervals: a shot at what is drawn must not be too old to count. */
const MAX_DELAY_MS = 250;

/** The server time that is shown, when it was, how fast it runs, and the usual time of a frame; in `#clock`. */
const TIME = 0;
const LAST = 1;
const RATE = 2;
const FRAME = 3;

/** Without snapshots the view stops this far past the newest. */
const MAX_PAST_MS = 250;

export class Playback {
  readonly #tickMs: Millis;
  readonly #intervalMs: Millis;
  readonly #offset = new Smoothed(MEAN_GAIN);
  readonly #lateness: Lateness;
  #newest = -1;
  /** What changes with each frame, see TIME and so on: as fields, every change would leave an object behind. */
  readonly #clock = new Float64Array([0, 0, 1, 0]);
  #running = false;
  #clipped = 0;
  /** So many clipped samples make a change. */
  readonly #change: number;
  #hungUntil: Millis = 0;
  /** Frames drawn past the newest snapshot. */
  underruns = 0;
  frames = 0;

  constructor(tickMs: Millis, ticksPerSnapshot: number) {
    this.#tickMs = tickMs;
    this.#intervalMs = tickMs * ticksPerSnapshot;
    this.#change = Math.ceil(CHANGE_MS / this.#intervalMs);
    this.#lateness = new Lateness(this.#intervalMs);
  }

  /** The fractional tick that the view shows. */
  get tick(): number {
    return (this.#clock[TIME] as number) / this.#tickMs;
  }

  /** How far the view stays behind the arrival of snapshots, in ms. */
  get delay(): Millis {
    const least = this.#intervalMs * (this.#offset.samples < FIRST_ARRIVALS ? 1.5 : 1);
    return Math.min(
      Math.max(MAX_DELAY_MS, 2 * this.#intervalMs),
      Math.max(least, this.#lateness.needed) + MARGIN_MS,
    );
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
    const hung = this.#running && (this.#hangs(now - (this.#clock[LAST] as number)) || now < this.#hungUntil);
    if (!hung || sample > this.#offset.mean) {
      this.#learn(sample);
      if (tick > this.#newest && this.#newest >= 0)
        this.#lateness.add(this.#offset.mean - sample, (tick - this.#newest) * this.#tickMs);
    }
    this.#newest = Math.max(this.#newest, tick);
    if (this.#running) return;
    this.#running = true;
    this.#clock[TIME] = tick * this.#tickMs - this.delay;
    this.#clock[LAST] = now;
    this.#clock[RATE] = 1;
  }

  /** Moves the view to `now` and gives its fractional tick. `newest` is the tick of the newest snapshot. */
  advance(now: Millis, newest: number): number {
    if (!this.#running) return 0;
    const clock = this.#clock;
    const elapsed = Math.max(0, now - (clock[LAST] as number));
    if (this.#hangs(elapsed)) this.#hungUntil = now + HANG_REST_MS;
    const usual = clock[FRAME] as number;
    clock[FRAME] = usual + (Math.min(elapsed, LONGEST_FRAME_MS) - usual) * FRAME_GAIN;
    clock[LAST] = now;
    const wanted = now + this.#offset.mean - this.delay;
    const time = clock[TIME] as number;
    const behind = wanted - time - elapsed;
    if (behind > JUMP_MS) {
      clock[TIME] = wanted;
      clock[RATE] = 1;
    } else {
      const last = clock[RATE] as number;
      const due = Math.max(MIN_RATE, Math.min(MAX_RATE, 1 + (behind * CATCH_UP_PER_SECOND) / 1000));
      const rate = last + (due - last) * (1 - Math.exp(-elapsed / RATE_MS));
      clock[RATE] = rate;
      clock[TIME] = time + elapsed * rate;
    }
    // Without snapshots time stands still: it cannot go back to where they continue once a server that stood still has dropped ticks.
    clock[TIME] = Math.max(time, Math.min(clock[TIME] as number, newest * this.#tickMs + MAX_PAST_MS));
    this.frames++;
    if (this.tick > newest) this.underruns++;
    return this.tick;
  }

  #hangs(elapsed: Millis): boolean {
    return elapsed > Math.max(HANG_MS, HANG_FRAMES * (this.#clock[FRAME] as number));
  }

  #learn(sample: Millis): void {
    const offset = this.#offset;
    const reach = Math.max(CLIP_FLOOR_MS, CLIP_DEVIATIONS * offset.deviation);
    const error = sample - offset.mean;
    // No network makes a snapshot early by that much: this page's clock stood still while its machine slept.
    if (error > JUMP_MS) {
      offset.reset();
      this.#lateness.clear();
    }
    const odd = offset.samples > 0 && Math.abs(error) > reach;
    this.#clipped = odd ? this.#clipped + 1 : 0;
    if (this.#clipped >= this.#change) {
      this.#clipped = 0;
      this.#lateness.shift(offset.mean - sample, this.#change - 1);
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
    this.#lateness.clear();
    this.#newest = -1;
    this.#clipped = 0;
    this.#clock[TIME] = 0;
  }
}
