/** One's own commands: which ticks they are for, when they are made and run here, and how they travel. */

import { assert } from '../base/assert.ts';
import type { Millis } from '../base/units.ts';
import type { Replica } from '../replication/decode.ts';
import { COMMAND_COUNT_BITS, MAX_COMMANDS, type SlackReport } from '../replication/packets.ts';
import { CommandSampler, writeCommand } from '../simulation/commands.ts';
import type { GameSchema } from '../simulation/game.ts';
import type { BitWriter } from '../wire/bits.ts';
import { CommandClock } from './clock.ts';
import { InputDelay } from './delay.ts';
import type { CommandViews } from './seen.ts';
import type { ClientStats } from './types.ts';

/** Steps in one `advance`; what is more is skipped, as after a sleeping tab. */
const MAX_STEPS = 8;

/** Room for commands in a packet: what a full fragment of a message needs is left over. */
const MAX_COMMAND_BITS = 800 * 8;

/** Without snapshots commands are made for at most this far past the newest one. */
const MAX_LEAD_MS = 1_500;

/** Prediction past a snapshot that a path may ask for. Three times a bad path's round trip: the own ship answers at once nearly everywhere. */
const MAX_PREDICTION_MS = 1_000;
const LEAST_MAX_PREDICTION_MS = 100;
const MOST_INPUT_DELAY_TICKS = 60;

/** A clock that jumps back by no more than this is waited for; further back, commands are taken back and made anew. */
const WAIT_TICKS = 2;

/** Commands repeated beyond the estimated slack: covers an estimate that is a little off. */
const REDUNDANCY_MARGIN = 4;

/** What is known of the path to the server. */
export interface Trip {
  readonly rtt: Millis;
  /** Share of packets at which a run of losses began. */
  readonly lossRuns: number;
  /** The page has just come back from not running: what arrives now waited for it. */
  readonly justWoke: boolean;
}

/** Where commands run here. */
interface CommandRunner {
  readonly tick: number;
  readonly settled: number;
  step(): void;
  skipTo(tick: number): void;
  goBack(tick: number): void;
  setCommand(tick: number, words: Int32Array): void;
  hasCommand(tick: number): boolean;
  copyCommand(tick: number, words: Int32Array, at: number): void;
}

export class OwnCommands {
  /** What was seen with each command; undefined for a game without shapes. */
  views: CommandViews | undefined;
  readonly #schema: GameSchema;
  readonly #clock: CommandClock;
  readonly #delay: InputDelay;
  readonly #sampler: CommandSampler;
  readonly #words: Int32Array;
  readonly #maxLead: number;
  /** Newest tick that a command was made for, and newest one that was sent. */
  #made = 0;
  #sent = 0;

  constructor(
    schema: GameSchema,
    development: boolean,
    {
      inputDelay = 0,
      maxPrediction = MAX_PREDICTION_MS,
    }: { readonly inputDelay?: number; readonly maxPrediction?: Millis },
  ) {
    assert(
      inputDelay >= 0 && inputDelay <= MOST_INPUT_DELAY_TICKS,
      `inputDelay must be 0..${MOST_INPUT_DELAY_TICKS} ticks, got ${inputDelay}`,
    );
    assert(
      maxPrediction >= LEAST_MAX_PREDICTION_MS && maxPrediction <= MAX_LEAD_MS,
      `maxPrediction must be ${LEAST_MAX_PREDICTION_MS}..${MAX_LEAD_MS} ms, got ${maxPrediction}`,
    );
    this.#schema = schema;
    this.#maxLead = Math.floor((MAX_LEAD_MS * schema.tickRate) / 1000);
    this.#clock = new CommandClock(schema.tickMs);
    this.#delay = new InputDelay(schema.tickMs, schema.ticksPerSnapshot, inputDelay, maxPrediction);
    this.#words = new Int32Array((MAX_COMMANDS + 1) * schema.command.words);
    const counters = {
      clamped: 0,
      notANumber: 0,
      discardedWrites: 0,
      discardedSpawns: 0,
      discardedDespawns: 0,
    };
    this.#sampler = new CommandSampler(schema.command, { counters, development });
  }

  /** When the next command is due; undefined while nothing has told the time. */
  get nextDue(): Millis | undefined {
    return this.#clock.running ? this.#clock.timeOf(this.#made + 1) : undefined;
  }

  /** Takes the player's hands as they are now. */
  sample(input: Readonly<Record<string, unknown>>): void {
    this.#sampler.sample(input);
  }

  advance(now: Millis): void {
    const before = this.#clock.position;
    this.#clock.advance(now);
    this.#delay.advance(this.#clock.position - before);
  }

  /** The fractional tick that is due here at `now`, the input delay behind the clock; undefined before the first snapshot. */
  dueAt(now: Millis): number | undefined {
    return this.#clock.running ? this.#clock.positionAt(now) - this.#delay.ticks : undefined;
  }

  /** Ticks by which the newest snapshot is older than it would be on this path. */
  aheadAt(now: Millis, newest: number): number {
    return this.#clock.positionAt(now) - newest - this.#delay.ahead;
  }

  /** Another session or world: nothing is due, no pull is left over. */
  stop(): void {
    this.#clock.stop();
    this.#sampler.dropPulls();
  }

  /** The first snapshot: pull counters go on from the server's, the clock starts ahead of it. */
  start(now: Millis, replica: Replica, trip: Trip, runner: CommandRunner): void {
    this.#sampler.adoptPulls(replica.controls, 0);
    const lead = this.#startClock(now, replica.tick, trip);
    this.#made = Math.floor(replica.tick + lead);
    this.#sent = this.#made;
    runner.skipTo(Math.floor(replica.tick + lead - this.#delay.ticks));
  }

  /** Takes what a newer snapshot says of the time. */
  steer(now: Millis, tick: number, report: SlackReport | undefined, trip: Trip, runner: CommandRunner): void {
    this.advance(now);
    const ahead = this.#clock.position - tick;
    // What waited for a sleeping page is old; a fresh snapshot follows.
    if (ahead > this.#maxLead && trip.justWoke) return;
    // A server that stalled has dropped ticks, and this client runs beyond all it may predict: no report would ever tell.
    if (ahead < 0 || ahead > this.#maxLead) this.#startClock(now, tick, trip);
    else {
      if (report !== undefined) this.#clock.report(report, trip.lossRuns);
      this.#delay.arrived(this.#clock.position - tick);
    }
    const due = Math.floor(this.#clock.position);
    if (this.#made - due > WAIT_TICKS) this.#goBack(due, runner);
  }

  /** Makes the commands that are due and runs them. `newest` is the tick of the newest snapshot. True when there is a new command. */
  run(newest: number, runner: CommandRunner): boolean {
    if (!this.#clock.running) return false;
    const limit = newest + this.#maxLead;
    const now = Math.floor(this.#clock.position);
    // A page that slept has snapshots to wait for: a command for a tick long gone would only be late.
    const made = now <= limit + MAX_STEPS && this.#make(runner, Math.min(now, limit));
    const due = Math.max(newest, Math.floor(this.#clock.position - this.#delay.ticks));
    const last = Math.min(due, this.#made);
    if (last - runner.tick > MAX_STEPS) runner.skipTo(last - 1);
    while (runner.tick < last) runner.step();
    return made;
  }

  /** Writes the commands that can still arrive in time, oldest first. */
  write(w: BitWriter, runner: CommandRunner): void {
    if (this.#made > this.#sent) this.#clock.sent(this.#sent, this.#made);
    this.#sent = this.#made;
    const reach = Math.ceil(Math.max(0, this.#clock.slack)) + REDUNDANCY_MARGIN;
    const oldest = Math.max(this.#made - Math.min(reach, MAX_COMMANDS) + 1, runner.settled + 1);
    let count = 0;
    while (count < MAX_COMMANDS && this.#made - count >= oldest && runner.hasCommand(this.#made - count))
      count++;
    const start = w.bitLength;
    this.#writeNewest(w, count, runner);
    // Large commands that change all the time: fewer of them, but the packet stays one datagram with room for messages.
    for (; w.bitLength - start > MAX_COMMAND_BITS; count >>= 1) {
      w.seek(start);
      this.#writeNewest(w, count >> 1, runner);
    }
  }

  stats(): Pick<
    ClientStats,
    'slack' | 'targetSlack' | 'clockJumps' | 'clockRate' | 'inputDelay' | 'predictionCapHits'
  > {
    return {
      slack: this.#clock.slack,
      targetSlack: this.#clock.target,
      clockJumps: this.#clock.jumps,
      clockRate: this.#clock.rate,
      inputDelay: this.#delay.ticks,
      predictionCapHits: this.#delay.capHits,
    };
  }

  /** Sets the clock ahead of a snapshot: a round trip, the wanted slack, and one tick for the way. Gives how far. */
  #startClock(now: Millis, tick: number, { rtt }: Trip): number {
    const lead = rtt / this.#schema.tickMs + this.#clock.target + 1;
    this.#clock.start(now, tick + lead);
    this.#delay.start(lead);
    return lead;
  }

  /** The clock has jumped back: what was made for later ticks has not run there yet and is made anew, so that the player's hands count at once. */
  #goBack(due: number, runner: CommandRunner): void {
    this.#made = due;
    this.#sent = Math.min(this.#sent, due);
    runner.goBack(due);
  }

  /** Makes the commands up to `due` of the player's hands as they are. True when there is a new one. */
  #make(runner: CommandRunner, due: number): boolean {
    if (due - this.#made > MAX_STEPS) {
      this.#made = due - 1;
      this.#sent = this.#made;
    }
    const before = this.#made;
    while (this.#made < due) {
      const tick = ++this.#made;
      this.#sampler.copyTo(this.#words, 0);
      runner.setCommand(tick, this.#words.subarray(0, this.#schema.command.words));
      this.views?.note(tick);
      this.#clock.made(tick);
    }
    return this.#made > before;
  }

  #writeNewest(w: BitWriter, count: number, runner: CommandRunner): void {
    const { command } = this.#schema;
    w.write(count, COMMAND_COUNT_BITS);
    if (count === 0) return;
    w.write(this.#made, 32);
    this.#words.set(command.neutral, 0);
    for (let i = 1; i <= count; i++) {
      const tick = this.#made - count + i;
      runner.copyCommand(tick, this.#words, i * command.words);
      writeCommand(w, command, this.#words, i * command.words, this.#words, (i - 1) * command.words);
      this.views?.write(w, tick, i === 1);
    }
  }
}
