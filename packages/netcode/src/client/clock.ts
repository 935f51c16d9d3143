/**
 * The command clock: how far ahead of the server this client runs, so that its commands arrive `slack` ticks early.
 *
 * The server reports slack with each snapshot. The clock steers its rate within ±10 % and jumps beyond 10 ticks, after
 * subtracting what it has already corrected since the reported command was made (the idea of Unity Netcode for Entities).
 */

import type { Millis } from '../base/units.ts';
import type { SlackReport } from '../replication/packets.ts';

/** Rate change per tick of error, and its bound. */
const GAIN = 0.1;
const MAX_RATE_CHANGE = 0.1;

/** Errors beyond this are jumped, not steered. */
const JUMP_TICKS = 10;

/** Errors below this are noise. */
const DEAD_BAND_TICKS = 0.25;

/** The estimate follows bad news fast and good news slowly, so it stays at the lower edge of the jitter. */
const FALL_GAIN = 0.3;
const RISE_GAIN = 0.04;

/** Corrections are remembered by command tick for this long: 8.5 s at 60 Hz. */
const MEMORY_TICKS = 512;

export class CommandClock {
  readonly #tickMs: Millis;
  /** Slack to aim for, in ticks: one packet may be lost or late without a command missing its tick. */
  readonly target: number;
  #position = 0;
  #last: Millis = 0;
  #rate = 1;
  #corrected = 0;
  readonly #correctedAt = new Float64Array(MEMORY_TICKS);
  /** The tick that each slot of `#correctedAt` stands for; -1 for none. */
  readonly #madeTicks = new Float64Array(MEMORY_TICKS).fill(-1);
  #slack = 0;
  #reports = 0;
  #running = false;
  /** Jumps made so far. */
  jumps = 0;

  constructor(tickMs: Millis, target: number) {
    this.#tickMs = tickMs;
    this.target = target;
  }

  get running(): boolean {
    return this.#running;
  }

  /** The fractional tick that commands are made for now. */
  get position(): number {
    return this.#position;
  }

  get rate(): number {
    return this.#rate;
  }

  /** Estimated slack of a command made now, in ticks. */
  get slack(): number {
    return this.#slack;
  }

  start(now: Millis, position: number): void {
    this.#running = true;
    this.#position = position;
    this.#last = now;
    this.#rate = 1;
    this.#reports = 0;
    this.#corrected = 0;
    this.#slack = this.target;
    this.#madeTicks.fill(-1);
  }

  stop(): void {
    this.#running = false;
  }

  /** Moves the clock to `now`. */
  advance(now: Millis): void {
    if (!this.#running) return;
    const elapsed = Math.max(0, now - this.#last) / this.#tickMs;
    this.#last = now;
    this.#position += elapsed * this.#rate;
    this.#corrected += elapsed * (this.#rate - 1);
    this.#slack += elapsed * (this.#rate - 1);
    // The rate closes the gap and stops there, also when no further report comes.
    this.#steer();
  }

  /** The position at `now`, for drawing: asking moves nothing [V1]. */
  positionAt(now: Millis): number {
    return this.#position + (Math.max(0, now - this.#last) / this.#tickMs) * this.#rate;
  }

  /** Notes that the command of `tick` was made with the corrections so far. */
  made(tick: number): void {
    this.#correctedAt[tick % MEMORY_TICKS] = this.#corrected;
    this.#madeTicks[tick % MEMORY_TICKS] = tick;
  }

  /** Takes the server's word. What it says of commands made before the last `start` is about another clock. */
  report(report: SlackReport): void {
    const slot = report.commandTick % MEMORY_TICKS;
    if (this.#madeTicks[slot] !== report.commandTick) return;
    const inFlight = this.#corrected - (this.#correctedAt[slot] ?? 0);
    const slack = report.slack + inFlight;
    if (this.#reports++ === 0 || Math.abs(slack - this.#slack) > JUMP_TICKS) this.#slack = slack;
    else this.#slack += (slack - this.#slack) * (slack < this.#slack ? FALL_GAIN : RISE_GAIN);
    const error = this.target - this.#slack;
    // The first report may move the clock at once: until then it was a guess from one round trip.
    if (Math.abs(error) > (this.#reports === 1 ? 1 : JUMP_TICKS)) this.#jump(error);
    this.#steer();
  }

  /** Time at which the position reaches `tick`. */
  timeOf(tick: number): Millis {
    return this.#last + (Math.max(0, tick - this.#position) * this.#tickMs) / this.#rate;
  }

  #jump(ticks: number): void {
    this.#position += ticks;
    this.#corrected += ticks;
    this.#slack += ticks;
    this.jumps++;
  }

  #steer(): void {
    const error = this.target - this.#slack;
    const change = Math.abs(error) < DEAD_BAND_TICKS ? 0 : error * GAIN;
    this.#rate = 1 + Math.max(-MAX_RATE_CHANGE, Math.min(MAX_RATE_CHANGE, change));
  }
}
