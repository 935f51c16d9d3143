/**
 * Prediction and reconciliation: the client's own copy of the room, ahead of the server.
 *
 * Predicted rows come from running `step` on this player's commands; all other rows stand at the newest snapshot. When a snapshot
 * settles a tick, its rows are compared with what was predicted for that tick. Equal: only the other rows are replaced. Different:
 * the settled tick is restored and every command after it is run again.
 */

import { History } from '../base/history.ts';
import type { Replica } from '../replication/decode.ts';
import type { Row } from '../simulation/entity.ts';
import type { Game } from '../simulation/game.ts';
import { RowSet, sameSentRow } from '../simulation/rows.ts';
import { Simulation } from '../simulation/simulation.ts';
import type { Table } from '../simulation/table.ts';
import type { Shape } from '../simulation/types.ts';
import { markPredicted, type SavedWorld, WorldCore } from '../simulation/world.ts';
import { ID, MARK } from '../wire/schema.ts';

/** The predicted rows and own control words after one tick. */
export interface PredictedTick {
  readonly tables: readonly RowSet[];
  readonly controls: Int32Array;
  /** What the game's engine saved. */
  engine: unknown;
}

export interface PredictionStats {
  /** Snapshots whose settled tick was as predicted. */
  matched: number;
  /** Snapshots whose settled tick was not. */
  mispredicted: number;
  /** Steps run again. */
  replayed: number;
}

/** Ticks of commands and predictions kept: 4.3 s at 60 Hz. */
const MEMORY_TICKS = 256;

export class Predictor<S extends Shape> {
  readonly simulation: Simulation<S>;
  readonly stats: PredictionStats = { matched: 0, mispredicted: 0, replayed: 0 };
  /** Fills `local` fields with something else on every restore. Nothing sent may change by it. */
  scramble: ((count: number) => number) | undefined;
  readonly #seat: number;
  readonly #history = new History<PredictedTick>(MEMORY_TICKS);
  readonly #commandWords: number;
  readonly #commands: Int32Array;
  readonly #commandTicks = new Float64Array(MEMORY_TICKS).fill(-1);
  readonly #truth: WorldCore;
  readonly #merged: SavedWorld;
  readonly #rules: readonly (((row: Row, me: number) => boolean) | undefined)[];
  #restores = 0;
  /** Newest tick that was simulated. */
  tick = 0;
  /** Newest tick that a snapshot settled. */
  settled = -1;

  constructor(game: Game<S>, seat: number, seed: number, options: object, development: boolean) {
    this.simulation = new Simulation(game, { seed, options, seat, development });
    this.#seat = seat;
    this.#commandWords = game.schema.command.words;
    this.#commands = new Int32Array(MEMORY_TICKS * this.#commandWords);
    this.#truth = new WorldCore(game.schema, false);
    this.#merged = this.#truth.newSave();
    const rules = (game.definition.predict ?? {}) as Readonly<
      Record<string, ((row: Row, me: number) => boolean) | undefined>
    >;
    this.#rules = game.schema.rows.map((row) => rules[row.name]);
  }

  get world(): WorldCore {
    return this.simulation.core;
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
  }

  /** Forgets the ticks up to `tick`: a sleeping page skips them instead of running them all. */
  skipTo(tick: number): void {
    this.tick = tick;
  }

  /** Takes the newest snapshot. `onCorrection` is called before and after rows are replayed. */
  reconcile(replica: Replica, correction: { before(): void; after(): void }): void {
    this.#loadTruth(replica);
    this.settled = replica.tick;
    const predicted = this.#history.get(replica.tick);
    if (predicted !== undefined && this.tick >= replica.tick && this.#matches(predicted, replica)) {
      this.stats.matched++;
      this.#adoptOthers();
      return;
    }
    if (predicted !== undefined) this.stats.mispredicted++;
    correction.before();
    this.#restore(predicted);
    const newest = Math.max(this.tick, replica.tick);
    // A gap that long is no replay any more: the page slept, or the server did.
    const from = newest - replica.tick > MEMORY_TICKS / 2 ? newest : replica.tick;
    this.tick = from;
    this.world.tick = from;
    this.#keep(from);
    while (this.tick < newest) {
      this.stats.replayed++;
      this.#run(this.tick + 1);
    }
    correction.after();
  }

  /** The predicted rows after `tick`, if remembered. */
  at(tick: number): PredictedTick | undefined {
    return this.#history.get(tick);
  }

  #run(tick: number): void {
    const { simulation } = this;
    const command = this.#commandFor(tick);
    if (command >= 0) simulation.command(this.#seat, this.#commands, command);
    else simulation.commands.clear(this.#seat);
    simulation.step(tick);
    this.tick = tick;
    this.#keep(tick);
  }

  /** Offset of the command that runs in `tick`: its own, or the last one before, as the server would substitute it. */
  #commandFor(tick: number): number {
    for (let back = 0; back < 16; back++) {
      if (this.hasCommand(tick - back)) return ((tick - back) % MEMORY_TICKS) * this.#commandWords;
    }
    return -1;
  }

  #keep(tick: number): void {
    const { world } = this;
    const kept = this.#history.recycle(tick) ?? {
      tables: world.tables.map((table) => new RowSet(table.schema)),
      controls: new Int32Array(world.controlStride),
      engine: undefined,
    };
    for (let t = 0; t < world.tables.length; t++) copyMarked(world.table(t), kept.tables[t] as RowSet);
    const at = this.#seat * world.controlStride;
    for (let i = 0; i < world.controlStride; i++) kept.controls[i] = world.controls[at + i] ?? 0;
    kept.engine = this.simulation.engine.save();
    this.#history.set(tick, kept);
  }

  #loadTruth(replica: Replica): void {
    const truth = this.#truth;
    truth.tick = replica.tick;
    for (let t = 0; t < truth.tables.length; t++) {
      const table = truth.table(t);
      table.restore(replica.tables[t] as RowSet);
      markPredicted(table, this.#seat, this.#rules[t]);
    }
    truth.controls.fill(0);
    truth.controls.set(replica.controls, this.#seat * truth.controlStride);
  }

  #matches(predicted: PredictedTick, replica: Replica): boolean {
    for (let i = 0; i < replica.controls.length; i++)
      if (predicted.controls[i] !== replica.controls[i]) return false;
    for (let t = 0; t < this.#truth.tables.length; t++) {
      if (!sameMarked(this.#truth.table(t), predicted.tables[t] as RowSet)) return false;
    }
    return true;
  }

  /** Predicted rows stay as they are; all others become those of the snapshot. */
  #adoptOthers(): void {
    for (let t = 0; t < this.#truth.tables.length; t++) {
      const merged = this.#merged.tables[t] as RowSet;
      mergeMarked(this.#truth.table(t), this.world.table(t), merged);
      this.world.table(t).restore(merged);
    }
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

function copyMarked(table: Table, into: RowSet): void {
  into.clear();
  for (let i = 0; i < table.count; i++) {
    const at = table.offset(i);
    if (table.data[at + MARK] === 1) into.push(table.data, at);
  }
}

function sameMarked(truth: Table, predicted: RowSet): boolean {
  const { schema } = truth;
  let p = 0;
  for (let i = 0; i < truth.count; i++) {
    const at = truth.offset(i);
    if (truth.data[at + MARK] !== 1) continue;
    if (p >= predicted.count || !sameSentRow(schema, truth.data, at, predicted.data, p * schema.stride))
      return false;
    p++;
  }
  return p === predicted.count;
}

/** Unmarked rows of `others` and marked rows of `own`, in id order. */
function mergeMarked(others: Table, own: Table, into: RowSet): void {
  into.clear();
  let i = 0;
  let j = 0;
  while (i < others.count || j < own.count) {
    const at = i < others.count ? others.offset(i) : -1;
    if (at >= 0 && others.data[at + MARK] === 1) {
      i++;
      continue;
    }
    const ownAt = j < own.count ? own.offset(j) : -1;
    if (ownAt >= 0 && own.data[ownAt + MARK] !== 1) {
      j++;
      continue;
    }
    const id = at >= 0 ? (others.data[at + ID] ?? 0) : Infinity;
    const ownId = ownAt >= 0 ? (own.data[ownAt + ID] ?? 0) : Infinity;
    if (ownId <= id) {
      into.push(own.data, ownAt);
      j++;
      // A row that is predicted by one rule and not by the other: the prediction is newer.
      if (ownId === id) i++;
    } else {
      into.push(others.data, at);
      i++;
    }
  }
}

/** Fields that are never sent come from what this client had computed for the tick. */
function adoptLocals(rows: RowSet, predicted: RowSet): void {
  const { schema } = rows;
  for (let i = 0; i < rows.count; i++) {
    const from = predicted.offsetOf(rows.id(i));
    if (from < 0) continue;
    for (const { field, at } of schema.fields) {
      if (!field.local) continue;
      for (let word = at; word < at + field.words; word++)
        rows.data[i * schema.stride + word] = predicted.data[from + word] ?? 0;
    }
  }
}
