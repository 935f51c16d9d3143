/**
 * The command clock: how far ahead of the server this client runs, so that its commands arrive `slack` ticks early.
 *
 * The server reports slack with each snapshot. The clock steers its rate within ±10 % and jumps beyond 10 ticks, after
 * subtracting what it has already corrected since the reported command was made (the idea of Unity Netcode for Entities).
 */

import type { Millis } from '../base/units.ts';
import type { SlackReport } from '../replication/packets.ts';
import { TargetSlack } from './slack.ts';

/** Rate change per tick of error, and its bound. */
const GAIN = 0.1;
const MAX_RATE_CHANGE = 0.1;

/** Errors beyond this are jumped, not steered. */
const JUMP_TICKS = 10;

/** A command this much earlier than expected is no luck. */
const SURE_MS = 500;

/** Errors below this are noise. */
const DEAD_BAND_TICKS = 0.25;

/** The estimate follows bad news fast and good news slowly, so it stays at the lower edge of the jitter. */
const FALL_GAIN = 0.3;
const RISE_GAIN = 0.04;

/** Corrections are remembered by command tick for this long: 8.5 s at 60 Hz. */
const MEMORY_TICKS = 512;

/** Shortfalls are judged so many reports later: by then the estimate has followed a path that has really become longer. */
const JUDGED_AFTER = 4;

/** A command that leaves this much later than usual says how long the page hung or was not heard, not how long the path is. */
const LATE_TICKS = 2;

export class CommandClock {
  readonly #tickMs: Millis;
  readonly #target: TargetSlack;
  #position = 0;
  #last: Millis = 0;
  #rate = 1;
  #corrected = 0;
  readonly #correctedAt = new Float64Array(MEMORY_TICKS);
  /** The tick that each slot of `#correctedAt` stands for; -1 for none. */
  readonly #madeTicks = new Float64Array(MEMORY_TICKS).fill(-1);
  #slack = 0;
  #reports = 0;
  /** The newest reports as the corrections that would have brought their command just in time. */
  readonly #needed = new Float64Array(JUDGED_AFTER);
  #judgeable = 0;
  /** The last report was so far off, in this direction, that the clock jumps if the next one is, too. */
  #far = 0;
  #running = false;
  /** Jumps made so far. */
  jumps = 0;

  constructor(tickMs: Millis) {
    this.#tickMs = tickMs;
    this.#target = new TargetSlack(tickMs);
  }

  /** Slack to aim for, in ticks: room for jitter and lost packets as they were measured. */
  get target(): number {
    return this.#target.ticks;
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
    this.#far = 0;
    this.#judgeable = 0;
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
    // The rate closes the gap and stops there, also when no further report comes and after a long sleep.
    const gap = Math.abs(this.target - this.#slack);
    const correction = Math.max(-gap, Math.min(gap, elapsed * (this.#rate - 1)));
    this.#position += elapsed + correction;
    this.#corrected += correction;
    this.#slack += correction;
    this.#target.advance(elapsed);
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

  /** Notes that a packet left whose commands after `before`, up to `newest`, none before it had. */
  sent(before: number, newest: number): void {
    const usual = this.#position - this.#target.perPacket - LATE_TICKS;
    for (let tick = Math.max(before + 1, newest - MEMORY_TICKS); tick <= newest && tick < usual; tick++)
      this.#madeTicks[tick % MEMORY_TICKS] = -1;
    this.#target.sent(newest - before);
  }

  /**
   * Takes the server's word. What it says of commands made before the last `start` is about another clock. `loss` is the share of this
   * client's packets that are lost one by one, 0..1.
   */
  report(report: SlackReport, loss = 0): void {
    const slot = report.commandTick % MEMORY_TICKS;
    if (this.#madeTicks[slot] !== report.commandTick) return;
    const inFlight = this.#corrected - (this.#correctedAt[slot] ?? 0);
    const slack = report.slack + inFlight;
    const first = this.#reports++ === 0;
    if (first || this.#isElsewhere(slack)) {
      this.#slack = slack;
      this.#judgeable = 0;
    } else if (this.#far === 0)
      this.#slack += (slack - this.#slack) * (slack < this.#slack ? FALL_GAIN : RISE_GAIN);
    this.#judge(this.#corrected - slack, loss);
    const error = this.target - this.#slack;
    // The first report may move the clock at once: until then it was a guess from one round trip.
    if (Math.abs(error) > (first ? 1 : JUMP_TICKS)) this.#jump(error);
    this.#steer();
  }

  /** Time at which the position reaches `tick`. */
  timeOf(tick: number): Millis {
    return this.#last + (Math.max(0, tick - this.#position) * this.#tickMs) / this.#rate;
  }

  /**
   * A single command may be late by a hiccup and early by luck, two are neither. None is half a second early by luck: a server that stood
   * still has dropped ticks.
   */
  #isElsewhere(slack: number): boolean {
    const error = slack - this.#slack;
    const far = Math.abs(error) > JUMP_TICKS ? Math.sign(error) : 0;
    const again = far !== 0 && (far === this.#far || error * this.#tickMs > SURE_MS);
    this.#far = again ? 0 : far;
    return again;
  }

  /** Takes the correction that the newest report needed, and judges the one of some reports ago. */
  #judge(needed: number, loss: number): void {
    const slot = this.#reports % JUDGED_AFTER;
    const former = this.#needed[slot] ?? 0;
    this.#needed[slot] = needed;
    if (this.#judgeable++ >= JUDGED_AFTER) this.#target.learn(former - (this.#corrected - this.#slack), loss);
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
