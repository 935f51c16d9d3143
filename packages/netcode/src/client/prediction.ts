/**
 * Prediction and reconciliation: the client's own copy of the room, ahead of the server.
 *
 * The predicted set (predicted.ts) comes from running `step` on this player's commands and, where the game relays them, on what is
 * known of the others' (relayed.ts); all other rows stand where the newest snapshot says they are going. When a snapshot settles a
 * tick, its rows are compared with what was predicted for that tick. Equal, with the commands that are known now: only the other rows
 * are replaced. Different: the settled tick is restored and every tick after it is run again, at most `maxReplay` per frame. Until that
 * is done the former prediction goes on and is what is drawn.
 */

import { History } from '../base/history.ts';
import type { Replica } from '../replication/decode.ts';
import type { Relays } from '../replication/relays.ts';
import type { EventSink } from '../simulation/events.ts';
import type { Game } from '../simulation/game.ts';
import type { RowSet } from '../simulation/rows.ts';
import { Simulation } from '../simulation/simulation.ts';
import type { Shape } from '../simulation/types.ts';
import { markPredicted, type SavedWorld, WorldCore } from '../simulation/world.ts';
import type { ClientRecorder } from '../trace/index.ts';
import { Health } from './health.ts';
import {
  adoptLocals,
  bringUp,
  Course,
  compareMarked,
  keepPredicted,
  mergeMarked,
  type PredictedTick,
  type PredictRule,
  REGROUPED,
  remark,
  WRONG,
} from './predicted.ts';
import { RaisedAgain } from './raised.ts';
import { RelayedCommands } from './relayed.ts';

export interface PredictionStats {
  /** Snapshots whose settled tick was as predicted. */
  matched: number;
  /** Snapshots whose settled tick was not. */
  mispredicted: number;
  /** Snapshots that were as predicted, but for rows that came into the predicted set or left it. */
  regrouped: number;
  /** Snapshots that were as predicted, and came with a command of another player that was not as assumed. */
  anticipated: number;
  /** Steps run again. */
  replayed: number;
  /** Frames at whose end a replay was not done. */
  deferred: number;
}

/** Takes the events that the prediction raises; told while a replay has not caught up, so that it judges nothing by what is outdated. */
interface PredictionSink extends EventSink {
  replaying: boolean;
}

/** Told before and after rows jump from one prediction to another. */
export interface CorrectionListener {
  before(): void;
  after(): void;
}

/** Steps run again in one frame, unless the page says otherwise: a lead of a second at 60 Hz. */
export const DEFAULT_MAX_REPLAY = 64;

/** Fewer than this and a replay might never catch up with a page that runs several ticks per frame. */
export const LEAST_MAX_REPLAY = 8;

/** Ticks of commands and predictions kept: 4.3 s at 60 Hz. */
const MEMORY_TICKS = 256;

/** Rows that are not predicted move on for this long past what is known of them, then hold. */
const COURSE_MS = 500;

/** No replay is under way. */
const NONE = -1;

export class Predictor<S extends Shape> {
  readonly simulation: Simulation<S>;
  readonly stats: PredictionStats = {
    matched: 0,
    mispredicted: 0,
    regrouped: 0,
    anticipated: 0,
    replayed: 0,
    deferred: 0,
  };
  /** What others do; undefined when the game does not relay it. */
  readonly others: RelayedCommands | undefined;
  /** Fills `local` fields with something else on every restore. Nothing sent may change by it. */
  scramble: ((count: number) => number) | undefined;
  /** Writes down what is predicted. */
  recorder: ClientRecorder | undefined;
  /** How well what is predicted agrees with the snapshots. */
  readonly health = new Health();
  readonly #seat: number;
  readonly #maxReplay: number;
  readonly #courseTicks: number;
  #history = new History<PredictedTick>(MEMORY_TICKS);
  readonly #commandWords: number;
  readonly #commands: Int32Array;
  readonly #commandTicks = new Float64Array(MEMORY_TICKS).fill(-1);
  readonly #truth: WorldCore;
  readonly #merged: SavedWorld;
  readonly #rules: readonly PredictRule[];
  readonly #courses: readonly Course[];
  #restores = 0;
  /** Newest tick that was simulated. */
  tick = 0;
  /** Newest tick that a snapshot settled. */
  settled = -1;

  /** What a replay has made of the ticks from `#from` to `#replayed`. */
  readonly #redone = new History<PredictedTick>(MEMORY_TICKS);
  #from = NONE;
  #replayed = NONE;
  /** The newest snapshot has shown that the prediction is wrong, or that the replay under way is: another one starts from it. */
  #due = false;
  /** The world is past `tick` until the settled tick has been restored. */
  #wentBack = false;
  /** What the replay has come to while the former prediction is in the world, and the other way round. */
  readonly #aside: SavedWorld;
  readonly #present: SavedWorld;
  /** Whether the replay is in the world now. */
  #isInWorld = false;
  #events: PredictionSink | undefined;
  readonly #raisedAgain = new RaisedAgain();

  constructor(
    game: Game<S>,
    seat: number,
    seed: number,
    options: object,
    development: boolean,
    maxReplay = DEFAULT_MAX_REPLAY,
  ) {
    const { schema } = game;
    this.simulation = new Simulation(game, { seed, options, seat, development });
    this.#seat = seat;
    this.#maxReplay = maxReplay;
    this.#courseTicks = Math.floor((COURSE_MS * schema.tickRate) / 1000);
    this.#commandWords = schema.command.words;
    this.#commands = new Int32Array(MEMORY_TICKS * this.#commandWords);
    this.#truth = new WorldCore(schema, false);
    this.#merged = this.#truth.newSave();
    this.#aside = this.#truth.newSave();
    this.#present = this.#truth.newSave();
    const rules = (game.definition.predict ?? {}) as Readonly<Record<string, PredictRule>>;
    this.#rules = schema.rows.map((row) => rules[row.name]);
    this.#courses = schema.rows.map((row) => new Course(row));
    this.others = schema.relays
      ? new RelayedCommands(schema.command, schema.tickRate, schema.maxPlayers, MEMORY_TICKS)
      : undefined;
  }

  get world(): WorldCore {
    return this.simulation.core;
  }

  /** Who takes the events that the prediction raises. What a replay raises comes when it has caught up, tick by tick. */
  set events(sink: PredictionSink) {
    this.#events = sink;
    this.simulation.events = sink;
  }

  /** Whether something is to be replayed in the next frame. */
  get replaying(): boolean {
    return this.#due || this.#replayed !== NONE;
  }

  /** Keeps the command of a tick. A tick's command never changes once it was made. */
  setCommand(tick: number, words: Int32Array): void {
    const slot = tick % MEMORY_TICKS;
    this.#commandTicks[slot] = tick;
    this.#commands.set(words, slot * this.#commandWords);
  }

  hasCommand(tick: number): boolean {
    return this.#commandTicks[tick % MEMORY_TICKS] === tick;
  }

  /** Copies the command of `tick` to `words`. */
  copyCommand(tick: number, words: Int32Array, at: number): void {
    const from = (tick % MEMORY_TICKS) * this.#commandWords;
    for (let i = 0; i < this.#commandWords; i++) words[at + i] = this.#commands[from + i] ?? 0;
  }

  /** Simulates the next tick with the command made for it. */
  step(): void {
    this.#run(this.tick + 1);
    this.tick++;
    this.#keep(this.#history, this.tick);
    if (this.recorder !== undefined) this.#record(this.recorder, this.#history, this.tick);
  }

  /** Forgets the ticks up to `tick`: a sleeping page skips them instead of running them all. */
  skipTo(tick: number): void {
    this.tick = tick;
    this.#due = this.#wentBack;
    this.#abandon();
  }

  /**
   * Takes back what was made and predicted past `tick`, for the clock has jumped back. The settled tick is restored and run up to there
   * in the next frame; commands are made anew from there on.
   */
  goBack(tick: number): void {
    this.tick = Math.min(this.tick, tick);
    this.#wentBack = true;
    for (let slot = 0; slot < MEMORY_TICKS; slot++)
      if ((this.#commandTicks[slot] ?? -1) > tick) this.#commandTicks[slot] = -1;
    this.#due = true;
    this.#abandon();
    this.#noteReplaying();
  }

  /** Takes the newest snapshot and, if the game relays them, the commands that came with it. What it changes, `frame` runs again. */
  reconcile(replica: Replica, relays?: Relays): void {
    if (relays !== undefined) this.others?.take(relays);
    const { tick } = replica;
    this.recorder?.settle(tick, (of) => this.#newest(of));
    const isRedone = tick >= this.#from && tick <= this.#replayed;
    const predicted = this.tick >= tick ? (isRedone ? this.#redone : this.#history).get(tick) : undefined;
    this.#loadTruth(replica, predicted);
    this.settled = tick;
    this.#due = !this.#judge(predicted, replica, isRedone ? this.#replayed : this.tick) || this.#wentBack;
    // A replay that has come this far goes on to its end, right or wrong: else one that takes long might never end.
    if (!isRedone) this.#abandon();
    if (!this.#due) this.#adoptOthers();
    this.#noteReplaying();
  }

  /** Once per frame: replays what snapshots have changed, as far as one frame may. */
  frame(correction: CorrectionListener): void {
    let allowance = this.#maxReplay;
    while (this.replaying) {
      if (this.#replayed === NONE) this.#begin();
      else if (!this.#isInWorld) this.#exchange(this.#present, this.#aside, this.#redone.get(this.#replayed));
      while (this.#replayed < this.tick && allowance > 0) {
        allowance--;
        this.stats.replayed++;
        this.#run(this.#replayed + 1);
        this.#keep(this.#redone, ++this.#replayed);
        if (this.recorder !== undefined) this.#record(this.recorder, this.#redone, this.#replayed);
      }
      if (this.#replayed < this.tick) break;
      this.#finish(correction);
    }
    if (this.#isInWorld) this.#exchange(this.#aside, this.#present, this.#history.get(this.tick));
    if (this.replaying) this.stats.deferred++;
    this.#noteReplaying();
  }

  /** Rows that are predicted now. */
  get predictedCount(): number {
    return this.#history.get(this.tick)?.tables.reduce((sum, rows) => sum + rows.count, 0) ?? 0;
  }

  /** The predicted rows after `tick`, if remembered. */
  at(tick: number): PredictedTick | undefined {
    return this.#history.get(tick);
  }

  /** Whether what was predicted for the settled tick, and assumed for those up to `newest`, still holds. Counts what it finds. */
  #judge(predicted: PredictedTick | undefined, replica: Replica, newest: number): boolean {
    if (predicted === undefined) return false;
    const found = this.#compare(predicted, replica);
    if ((found & WRONG) !== 0) {
      this.health.differ(this.#truth.tables, predicted.tables);
      this.stats.mispredicted++;
      return false;
    }
    this.health.agree();
    if (found === REGROUPED) this.stats.regrouped++;
    else if (this.others?.changed(replica.tick, newest) === true) this.stats.anticipated++;
    else {
      this.stats.matched++;
      return true;
    }
    return false;
  }

  /** Compares the predicted rows and own control words with the server's. */
  #compare(predicted: PredictedTick, replica: Replica): number {
    let found = 0;
    for (let i = 0; i < replica.controls.length; i++)
      if (predicted.controls[i] !== replica.controls[i]) found |= WRONG;
    for (let t = 0; t < this.#truth.tables.length; t++)
      found |= compareMarked(this.#truth.table(t), predicted.tables[t] as RowSet, this.#seat);
    return found;
  }

  /** Restores the settled tick: from here everything is run again. */
  #begin(): void {
    const { settled } = this;
    this.#due = false;
    this.#wentBack = false;
    this.simulation.save(this.#present);
    this.#raisedAgain.forget();
    this.#enter(true);
    this.#restore(this.tick >= settled ? this.#history.get(settled) : undefined);
    this.tick = Math.max(this.tick, settled);
    // A gap that long is no replay any more: the page slept, or the server did.
    const from = this.tick - settled > MEMORY_TICKS / 2 ? this.tick : settled;
    this.world.tick = from;
    const restored = this.#keep(this.#redone, from);
    this.recorder?.restored(from, restored, from === settled);
    this.#from = from;
    this.#replayed = from;
  }

  /** Takes one of the two predictions out of the world and puts the other in. */
  #exchange(out: SavedWorld, back: SavedWorld, newest: PredictedTick | undefined): void {
    this.simulation.save(out);
    this.simulation.restore(back);
    this.simulation.engine.restore(newest?.engine);
    this.#enter(!this.#isInWorld);
  }

  /** From now on the replay, or the prediction that it is to replace, is in the world. */
  #enter(isReplay: boolean): void {
    this.#isInWorld = isReplay;
    if (this.#events !== undefined) this.simulation.events = isReplay ? this.#raisedAgain : this.#events;
  }

  /** The replay has caught up: it is the prediction from now on. */
  #finish(correction: CorrectionListener): void {
    correction.before();
    for (let tick = this.#from; tick <= this.tick; tick++) {
      const redone = this.#redone.get(tick) as PredictedTick;
      const former = this.#history.recycle(tick);
      this.#history.set(tick, redone);
      this.#redone.set(tick, former ?? keepPredicted(this.world, this.#seat, undefined));
    }
    const isOld = this.settled > this.#from;
    this.#enter(false);
    this.#abandon();
    if (this.#events !== undefined) {
      this.#events.replaying = false;
      this.#raisedAgain.tell(this.#events);
    }
    if (isOld && !this.#due) this.#adoptOthers();
    correction.after();
  }

  #abandon(): void {
    this.#from = NONE;
    this.#replayed = NONE;
  }

  #noteReplaying(): void {
    if (this.#events !== undefined) this.#events.replaying = this.replaying;
  }

  /** What the next snapshot is compared with: the replay, as far as it has come. */
  #newest(tick: number): PredictedTick | undefined {
    const isRedone = tick >= this.#from && tick <= this.#replayed;
    return (isRedone ? this.#redone : this.#history).get(tick);
  }

  #record(recorder: ClientRecorder, history: History<PredictedTick>, tick: number): void {
    const kept = history.get(tick);
    if (kept === undefined) return;
    const at = this.#commandFor(tick);
    const own = this.hasCommand(tick);
    const { counters } = this.world;
    recorder.ran(
      tick,
      kept,
      history.get(tick - 1),
      this.settled,
      this.#commands,
      at,
      own,
      counters,
      this.others,
    );
  }

  #run(tick: number): void {
    const { simulation, others } = this;
    const command = this.#commandFor(tick);
    if (command >= 0) simulation.command(this.#seat, this.#commands, command);
    else simulation.commands.clear(this.#seat);
    others?.enter(tick, simulation.commands);
    if (tick - this.settled <= this.#courseTicks) this.#moveOthers(1);
    simulation.step(tick);
    others?.note(tick, simulation.commands);
    for (let t = 0; t < this.#rules.length; t++) {
      const rule = this.#rules[t];
      if (rule !== undefined) remark(this.world.table(t), this.#truth.table(t), this.#seat, rule);
    }
  }

  /** Offset of the command that runs in `tick`: its own, or the last one before, as the server would substitute it. */
  #commandFor(tick: number): number {
    for (let back = 0; back < 16; back++) {
      if (this.hasCommand(tick - back)) return ((tick - back) % MEMORY_TICKS) * this.#commandWords;
    }
    return -1;
  }

  #keep(history: History<PredictedTick>, tick: number): PredictedTick {
    const kept = keepPredicted(this.world, this.#seat, history.recycle(tick));
    kept.engine = this.simulation.engine.save();
    history.set(tick, kept);
    return kept;
  }

  /** The server's rows at the snapshot's tick. What it left out is as it was `predicted`. */
  #loadTruth(replica: Replica, predicted: PredictedTick | undefined): void {
    const truth = this.#truth;
    truth.tick = replica.tick;
    for (let t = 0; t < truth.tables.length; t++) {
      const table = truth.table(t);
      const rows = replica.tables[t] as RowSet;
      table.restore(rows);
      markPredicted(table, this.#seat, this.#rules[t]);
      const course = this.#courses[t] as Course;
      bringUp(table, rows, replica.tick, predicted?.tables[t], course, this.#courseTicks);
    }
    truth.controls.fill(0);
    truth.controls.set(replica.controls, this.#seat * truth.controlStride);
  }

  /** Predicted rows stay as they are; all others become those of the snapshot, moved on to the present tick. */
  #adoptOthers(): void {
    for (let t = 0; t < this.#truth.tables.length; t++) {
      const merged = this.#merged.tables[t] as RowSet;
      mergeMarked(this.#truth.table(t), this.world.table(t), merged);
      this.world.table(t).restore(merged);
    }
    this.#moveOthers(Math.min(this.tick - this.settled, this.#courseTicks));
  }

  #moveOthers(ticks: number): void {
    for (let t = 0; t < this.#courses.length; t++)
      (this.#courses[t] as Course).moveOthers(this.world.table(t), ticks);
  }

  #restore(predicted: PredictedTick | undefined): void {
    const { world } = this;
    for (let t = 0; t < world.tables.length; t++) {
      const merged = this.#merged.tables[t] as RowSet;
      this.#truth.table(t).save(merged);
      if (predicted !== undefined) adoptLocals(merged, predicted.tables[t] as RowSet);
      world.table(t).restore(merged);
    }
    world.controls.set(this.#truth.controls);
    this.simulation.engine.restore(predicted?.engine);
    if (this.scramble !== undefined) world.scrambleLocals(this.scramble(this.#restores));
    this.#restores++;
  }
}
