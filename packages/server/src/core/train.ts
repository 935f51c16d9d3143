/**
 * Trains a game's tables: plays a match or replays recorded ones, learns from the first 80 % of their ticks, and measures on the rest
 * what the tables are worth. A function of its arguments: the same ones give the same tables.
 */

import {
  assert,
  BitCounter,
  type CodecTables,
  defineGame,
  type Game,
  type InputLog,
  type Observation,
  Rng,
  type RoomInput,
  type RowSchema,
  type RowTables,
  rowModel,
  type Shape,
  SmallRowCodec,
  Trainer,
} from '@tickwire/netcode/internal';
import { Observer, VIEWS } from './observe.ts';
import { Rehearsal } from './rehearsal.ts';
import { Room } from './room.ts';
import type { Think } from './types.ts';

export interface TrainOptions {
  /** Recorded matches. Without any, one is played. */
  readonly logs?: readonly InputLog[];
  /** Length of the match that is played: 10..36,000 simulated seconds. Default 120. */
  readonly seconds?: number;
  /** Its players, 1 to the game's own limit. Default 8, or that limit. */
  readonly players?: number;
  /** A whole number. Default 1. */
  readonly seed?: number;
  /** What its players do. Default: random commands. */
  readonly think?: Think<Shape> | undefined;
}

export interface TrainProgress {
  /** Ticks so far, and in all. */
  readonly tick: number;
  readonly ticks: number;
}

/** What training made of one row type. Bytes are those of its rows in one client's small snapshot, of ticks that were not learned from. */
export interface TrainedType {
  readonly name: string;
  /** Rows learned from. */
  readonly rows: number;
  readonly untrainedBytes: number;
  readonly trainedBytes: number;
  /** Size of its tables as JSON. 0: they do not pay, and are left out. */
  readonly tableBytes: number;
}

export interface Training {
  readonly tables: CodecTables;
  readonly types: readonly TrainedType[];
  /** Snapshots that were measured. */
  readonly snapshots: number;
  /** Sums over all types. */
  readonly rows: number;
  readonly untrainedBytes: number;
  readonly trainedBytes: number;
  readonly tableBytes: number;
}

const LEARNED_SHARE = 0.8;

/** Rows of one type that are learned from, and measured, at most about. Of a larger world some are drawn. */
const MOST_ROWS = 300_000;

/** A match: a room, and what enters it tick by tick. */
interface Match {
  readonly room: Room;
  readonly ticks: number;
  inputs(): readonly RoomInput[];
}

/** Trains tables, one simulated second at a time. Throws a `UsageError` that names what to change. */
export function* train(of: Game<Shape>, options: TrainOptions = {}): Generator<TrainProgress, Training> {
  // Tables that the game has already neither help nor matter.
  const { tables: _, ...definition } = of.definition;
  const game = defineGame(definition) as unknown as Game<Shape>;
  const { seed = 1 } = options;
  assert(Number.isSafeInteger(seed), `seed must be a whole number, got ${seed}`);
  const matches = matchesOf(game, of, options, seed);
  const { ticksPerSnapshot, tickRate } = game.schema;
  const ticks = matches.reduce((sum, match) => sum + match.ticks, 0);
  const learned = Math.floor(ticks * LEARNED_SHARE);
  const school = new School(game, new Rng(seed, 0x736b6970), {
    learned: Math.ceil(learned / ticksPerSnapshot) * VIEWS,
    measured: Math.ceil((ticks - learned) / ticksPerSnapshot) * VIEWS,
  });
  let tick = 0;
  for (const [index, match] of matches.entries()) {
    const { room } = match;
    const observer = new Observer(
      game,
      room.history,
      new Rng(seed, 0x65796573, index),
      game.schema.maxPlayers,
    );
    for (let i = 0; i < match.ticks; i++) {
      room.run(match.inputs());
      tick++;
      if (room.tick % ticksPerSnapshot === 0) {
        const world = room.keep();
        if (tick > learned) school.finish();
        observer.look(world, (t, seen) => school.take(t, seen));
        school.endSnapshot();
      }
      if (tick % tickRate === 0) yield { tick, ticks };
    }
  }
  return school.report();
}

function matchesOf(
  game: Game<Shape>,
  of: Game<Shape>,
  { logs = [], seconds = 120, players, think }: TrainOptions,
  seed: number,
): Match[] {
  const { maxPlayers, tickRate } = game.schema;
  if (logs.length > 0) return logs.map((log) => recorded(game, of, log));
  const count = players ?? Math.min(8, maxPlayers);
  assert(seconds >= 10 && seconds <= 36_000, `seconds must be 10..36000, got ${seconds}`);
  assert(
    Number.isInteger(count) && count >= 1 && count <= maxPlayers,
    `players must be 1..${maxPlayers}, the game's own limit; got ${count}`,
  );
  const room = newRoom(game, seed >>> 0, {});
  const rehearsal = new Rehearsal(room, count, seed, think);
  return [{ room, ticks: Math.floor(seconds * tickRate), inputs: () => rehearsal.next() }];
}

function recorded(game: Game<Shape>, of: Game<Shape>, log: InputLog): Match {
  const fits = [game, of].some(
    ({ schema }) => schema.hash[0] === log.schemaHash[0] && schema.hash[1] === log.schemaHash[1],
  );
  assert(
    fits,
    `this log was recorded with another version of the game "${log.game}"; train with the code and the tables that recorded it, or record it anew`,
  );
  let at = 0;
  return {
    room: newRoom(game, log.seed, log.options),
    ticks: log.ticks.length,
    inputs: () => log.ticks[at++] ?? [],
  };
}

function newRoom(game: Game<Shape>, seed: number, given: object): Room {
  const options = { ...(game.definition.options ?? {}), ...given };
  return new Room(game, { seed, options, development: false, record: false });
}

/** Learns until it has finished, and from then on measures. */
class School {
  readonly #rows: readonly RowSchema[];
  readonly #trainer: Trainer;
  readonly #rng: Rng;
  readonly #views: { readonly learned: number; readonly measured: number };
  readonly #learned: Int32Array;
  readonly #inSnapshot: Int32Array;
  readonly #lastCount: Int32Array;
  #tables: CodecTables | undefined;
  #measures: readonly Measure[] = [];
  #snapshots = 0;
  /** Whether any row has changed or gone: a world in which nothing happens teaches nothing. */
  #stirs = false;

  constructor(game: Game<Shape>, rng: Rng, views: { learned: number; measured: number }) {
    this.#rows = game.schema.rows;
    this.#trainer = new Trainer(this.#rows);
    this.#rng = rng;
    this.#views = views;
    this.#learned = new Int32Array(this.#rows.length);
    this.#inSnapshot = new Int32Array(this.#rows.length);
    this.#lastCount = new Int32Array(this.#rows.length).fill(1);
  }

  take(t: number, seen: Observation): void {
    this.#stirs ||= stirs(seen, this.#rows[t]?.stride ?? 0);
    this.#inSnapshot[t] = (this.#inSnapshot[t] ?? 0) + 1;
    const views = this.#tables === undefined ? this.#views.learned : this.#views.measured;
    const share = Math.min(1, MOST_ROWS / ((this.#lastCount[t] ?? 1) * views));
    if (!this.#rng.chance(share)) return;
    if (this.#tables !== undefined) {
      this.#measures[t]?.add(seen, 1 / share);
      return;
    }
    this.#learned[t] = (this.#learned[t] ?? 0) + 1;
    this.#trainer.observe(t, seen);
  }

  endSnapshot(): void {
    for (let t = 0; t < this.#rows.length; t++) {
      const count = this.#inSnapshot[t] ?? 0;
      if (count > 0) this.#lastCount[t] = Math.ceil(count / VIEWS);
    }
    this.#inSnapshot.fill(0);
    if (this.#tables !== undefined) this.#snapshots += VIEWS;
  }

  /** Makes the tables. */
  finish(): void {
    if (this.#tables !== undefined) return;
    this.#tables = this.#trainer.tables();
    this.#measures = this.#rows.map((row) => new Measure(row, this.#tables?.rows[row.name]));
  }

  report(): Training {
    const { rows: all = {} } = this.#tables ?? {};
    const kept: { [name: string]: RowTables } = {};
    const types: TrainedType[] = [];
    this.#rows.forEach(({ name }, t) => {
      const { plain, trained } = this.#measures[t] ?? { plain: 0, trained: 0 };
      const tables = all[name];
      const pays = tables !== undefined && trained < plain;
      if (pays) kept[name] = tables;
      const bytes = (bits: number): number => bits / 8 / Math.max(1, this.#snapshots);
      types.push({
        name,
        rows: this.#learned[t] ?? 0,
        untrainedBytes: bytes(plain),
        trainedBytes: bytes(pays ? trained : plain),
        tableBytes: pays ? JSON.stringify(tables).length : 0,
      });
    });
    assert(
      this.#stirs && this.#snapshots > 0 && Object.keys(kept).length > 0,
      'there is nothing to learn: no row changed in what was played, or it was too short; play longer, give your bots something to do, or give logs of real matches',
    );
    const sum = (of: (type: TrainedType) => number): number =>
      types.reduce((total, type) => total + of(type), 0);
    return {
      tables: { version: 1, rows: kept },
      types,
      snapshots: this.#snapshots,
      rows: sum(({ rows }) => rows),
      untrainedBytes: sum(({ untrainedBytes }) => untrainedBytes),
      trainedBytes: sum(({ trainedBytes }) => trainedBytes),
      tableBytes: sum(({ tableBytes }) => tableBytes),
    };
  }
}

/** Bits of one type's rows with and without tables. */
class Measure {
  plain = 0;
  trained = 0;
  readonly #plain: SmallRowCodec;
  readonly #trained: SmallRowCodec;

  constructor(schema: RowSchema, tables: RowTables | undefined) {
    this.#plain = new SmallRowCodec(rowModel(schema));
    this.#trained = new SmallRowCodec(rowModel(schema, tables));
  }

  add(seen: Observation, weight: number): void {
    this.plain += weight * bitsOf(this.#plain, seen);
    this.trained += weight * bitsOf(this.#trained, seen);
  }
}

/** `Observation.code` of a row that is sent to another list; above it are those that are not sent. */
const MOVED = 2;

function stirs({ code, row, at, base, baseAt }: Observation, stride: number): boolean {
  if (base === undefined || code > MOVED) return base !== undefined;
  for (let i = 0; i < stride; i++) if (row[at + i] !== base[baseAt + i]) return true;
  return false;
}

function bitsOf(codec: SmallRowCodec, seen: Observation): number {
  const counter = new BitCounter();
  const { row, at, tick, base } = seen;
  if (base === undefined) codec.expectNew();
  else codec.expect(base, seen.baseAt, seen.ticks, seen.before, seen.beforeAt, seen.beforeTicks);
  const same = base !== undefined && codec.matches(row, at);
  if (base !== undefined) codec.code(counter, seen.code > 1 ? seen.code : same ? 0 : 1);
  if (!same && seen.code <= MOVED) codec.row(counter, row, at, tick);
  return counter.cost;
}
