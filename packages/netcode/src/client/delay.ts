/**
 * Input delay: how many ticks after a command's sampling this client runs it for itself.
 *
 * Commands are stamped and sent at once, whatever the delay: the server runs them at the same tick. Only the client's own prediction
 * stays that much closer to the newest snapshot, which makes fewer and smaller corrections. The player may ask for a delay; a path so
 * long that more than `maxPrediction` would have to be predicted forces one (as MaxPredictAheadTimeMS does in Unity Netcode for Entities).
 */

import type { Millis } from '../base/units.ts';

/** The lead follows a snapshot that came early fast and one that came late slowly: late ones say more of jitter than of the path. */
const FALL_GAIN = 0.3;
const RISE_GAIN = 0.02;

/** The delay changes by at most this many ticks per tick, so that the own view never stops. */
const SLEW = 0.1;

/** Too little to wait a tick for. */
const ROUNDING_TICKS = 0.01;

/** A delay that was forced goes away when this much less would do. */
const HYSTERESIS_TICKS = 2;

export class InputDelay {
  readonly #wanted: number;
  readonly #cap: number;
  readonly #interval: number;
  #delay = 0;
  #ahead = 0;
  #forced = 0;
  /** How often the cap has forced more delay. */
  capHits = 0;

  /** `wanted` in ticks; `maxPrediction` is the most that is predicted past a snapshot, until the next one has come. */
  constructor(tickMs: Millis, ticksPerSnapshot: number, wanted: number, maxPrediction: Millis) {
    this.#wanted = wanted;
    this.#cap = maxPrediction / tickMs;
    this.#interval = ticksPerSnapshot;
  }

  /** Ticks that the command clock usually is past a snapshot when that comes. */
  get ahead(): number {
    return this.#ahead;
  }

  /** Ticks that own commands wait here before they are seen. Whole unless it is changing. */
  get ticks(): number {
    return this.#delay;
  }

  /** The command clock starts `ahead` ticks past the newest snapshot. */
  start(ahead: number): void {
    this.#ahead = ahead;
    this.#forced = 0;
    this.#force();
    this.#delay = this.#target;
  }

  /** A snapshot came while the command clock was `ahead` ticks past it. */
  arrived(ahead: number): void {
    this.#ahead += (ahead - this.#ahead) * (ahead < this.#ahead ? FALL_GAIN : RISE_GAIN);
    this.#force();
  }

  /** Lets `ticks` of time pass. */
  advance(ticks: number): void {
    const reach = Math.max(0, ticks) * SLEW;
    this.#delay += Math.max(-reach, Math.min(reach, this.#target - this.#delay));
  }

  /** Never so much that a snapshot would have to wait for this client to catch up with it. */
  get #target(): number {
    return Math.max(0, Math.min(Math.max(this.#wanted, this.#forced), Math.floor(this.#ahead - 1)));
  }

  #force(): void {
    const needed = Math.max(0, Math.ceil(this.#ahead + this.#interval - this.#cap - ROUNDING_TICKS));
    if (needed > this.#forced) {
      this.#forced = needed;
      this.capHits++;
    } else if (needed === 0 || needed < this.#forced - HYSTERESIS_TICKS) {
      this.#forced = needed;
    }
  }
}
