/** One session's commands on the server: each runs at its own tick or never [C1], and the server never waits for one [C2]. */

import { type CommandSchema, HOLD_LEVELS_MS } from '@tickwire/netcode/internal';

/** What became of every command and every tick that needed one. */
export interface CommandStats {
  accepted: number;
  duplicate: number;
  late: number;
  tooEarly: number;
  /** Ticks that ran the last levels again. */
  substituted: number;
  /** Ticks that ran neutral, after the last levels were too old. */
  neutral: number;
}

/** How early the oldest new command of a packet came, at worst since the last report. */
export interface Slack {
  readonly commandTick: number;
  readonly slack: number;
}

/** Commands further ahead than this are refused: 2.1 s at 60 Hz. */
export const MAX_AHEAD_TICKS = 128;

export class CommandQueue {
  readonly stats: CommandStats = {
    accepted: 0,
    duplicate: 0,
    late: 0,
    tooEarly: 0,
    substituted: 0,
    neutral: 0,
  };
  readonly #schema: CommandSchema;
  readonly #words: Int32Array;
  readonly #ticks = new Float64Array(MAX_AHEAD_TICKS).fill(-1);
  readonly #last: Int32Array;
  readonly #substituteTicks: number;
  #missing = 0;
  #started = false;
  #report: Slack | undefined;

  constructor(schema: CommandSchema, tickRate: number) {
    this.#schema = schema;
    this.#words = new Int32Array(MAX_AHEAD_TICKS * schema.words);
    this.#last = schema.neutral.slice();
    this.#substituteTicks = Math.floor((HOLD_LEVELS_MS * tickRate) / 1000);
  }

  /** Takes the command for `tick` while `next` is the tick that runs next. True when it is new and in time. */
  add(next: number, tick: number, words: Int32Array, at: number): boolean {
    if (tick < next) {
      this.stats.late++;
      return false;
    }
    if (tick >= next + MAX_AHEAD_TICKS) {
      this.stats.tooEarly++;
      return false;
    }
    const slot = tick % MAX_AHEAD_TICKS;
    if (this.#ticks[slot] === tick) {
      this.stats.duplicate++;
      return false;
    }
    this.#ticks[slot] = tick;
    this.#words.set(words.subarray(at, at + this.#schema.words), slot * this.#schema.words);
    this.stats.accepted++;
    return true;
  }

  /** Notes how early a packet's oldest new command came. The least since the last report is what counts. */
  noteSlack(commandTick: number, slack: number): void {
    if (this.#report === undefined || slack < this.#report.slack) this.#report = { commandTick, slack };
  }

  /** The report for the next snapshot; undefined when nothing new arrived, which is not the same as bad news [C4]. */
  takeReport(): Slack | undefined {
    const report = this.#report;
    this.#report = undefined;
    return report;
  }

  /** The client has jumped back and makes the commands from `tick` on anew: what it sent for them before must not run. */
  takeBack(tick: number): void {
    for (let slot = 0; slot < MAX_AHEAD_TICKS; slot++)
      if ((this.#ticks[slot] ?? -1) >= tick) this.#ticks[slot] = -1;
  }

  /** The words that run in `tick`; undefined before the first command ever. A missing one is substituted, pulls never are. */
  take(tick: number): Int32Array | undefined {
    const slot = tick % MAX_AHEAD_TICKS;
    if (this.#ticks[slot] === tick) {
      const from = slot * this.#schema.words;
      this.#last.set(this.#words.subarray(from, from + this.#schema.words));
      this.#ticks[slot] = -1;
      this.#missing = 0;
      this.#started = true;
    } else if (this.#started) {
      this.#substitute();
    }
    return this.#started ? this.#last : undefined;
  }

  /** Copies the command that waits for `tick`; false when there is none yet. */
  peek(tick: number, into: Int32Array, at: number): boolean {
    const slot = tick % MAX_AHEAD_TICKS;
    if (this.#ticks[slot] !== tick) return false;
    const from = slot * this.#schema.words;
    for (let i = 0; i < this.#schema.words; i++) into[at + i] = this.#words[from + i] as number;
    return true;
  }

  /** Another page speaks for this seat now: what the old one sent ahead must not run any more. */
  forget(): void {
    this.#ticks.fill(-1);
    this.#report = undefined;
  }

  /** Pull counters stay as they were run last, so a substituted tick has no pulls [P1]. */
  #substitute(): void {
    if (++this.#missing <= this.#substituteTicks) {
      this.stats.substituted++;
      return;
    }
    this.stats.neutral++;
    this.#schema.fields.forEach(({ field }, index) => {
      if (field.kind !== 'press') this.#last[index] = this.#schema.neutral[index] ?? 0;
    });
  }
}
