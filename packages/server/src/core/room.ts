/** One independent world. It is a function of game, options, seed and input log: everything enters through `run`, so a recorded log replays it [R1]. */

import {
  failure,
  type Game,
  HELD_WINDOW_TICKS,
  History,
  type InputLog,
  type Outcome,
  type OutgoingMessage,
  outcomeOf,
  PLAYERS,
  playerId,
  type RoomInput,
  type SavedWorld,
  ServerRecorder,
  type Shape,
  Simulation,
  type TraceLimits,
  UsageError,
  type Who,
  type World,
} from '@tickwire/netcode/internal';
import { Rewind } from './rewind.ts';

export interface RoomOptions<S extends Shape> {
  readonly seed: number;
  readonly options: S['options'];
  readonly development: boolean;
  /** Keep the input log. */
  readonly record: boolean;
  /** Record the world tick by tick. */
  readonly trace?: boolean | TraceLimits;
}

/** What the rules answered to one request. */
export interface RoomAnswer {
  readonly seat: number;
  readonly id: number;
  readonly name: string;
  readonly outcome: Outcome;
}

export class Room<S extends Shape = Shape> {
  readonly game: Game<S>;
  readonly seed: number;
  readonly options: S['options'];
  readonly log: InputLog | undefined;
  readonly simulation: Simulation<S>;
  /** The recording of the last seconds, if one is made. */
  readonly recorder: ServerRecorder | undefined;
  /** World states at snapshot ticks, as far back as a client may hold values. */
  readonly history: History<SavedWorld>;
  /** Messages at which the game's handler threw. */
  failedMessages = 0;
  /** What the rules answered in the last tick, in the order of the requests. */
  readonly answers: RoomAnswer[] = [];
  /** What players saw; undefined for a game without shapes. */
  readonly rewind: Rewind | undefined;
  readonly #names = new Map<number, string>();
  readonly #warned = new Set<string>();

  constructor(game: Game<S>, { seed, options, development, record, trace = false }: RoomOptions<S>) {
    this.game = game;
    this.seed = seed;
    this.options = options;
    this.simulation = new Simulation(game, { seed, options, seat: -1, development });
    this.history = new History<SavedWorld>(
      Math.ceil(HELD_WINDOW_TICKS / game.schema.ticksPerSnapshot) * game.schema.ticksPerSnapshot +
        game.schema.ticksPerSnapshot,
    );
    if (game.schema.shapes !== undefined) {
      this.rewind = new Rewind(game.schema, this.history);
      this.simulation.past = this.rewind;
    }
    this.log = record
      ? {
          game: game.schema.name,
          schemaHash: game.schema.hash,
          seed,
          options: options as Record<string, unknown>,
          firstTick: 1,
          ticks: [],
        }
      : undefined;
    if (trace !== false)
      this.recorder = new ServerRecorder(game as never, this.simulation, trace === true ? {} : trace);
    this.simulation.setup();
  }

  get tick(): number {
    return this.simulation.core.tick;
  }

  get world(): World<S> {
    return this.simulation.world;
  }

  /** Runs one tick: its inputs in order, then the step. Gives the messages that the rules sent. */
  run(inputs: readonly RoomInput[]): OutgoingMessage[] {
    const { simulation, rewind } = this;
    const logged = this.log === undefined ? undefined : [...inputs];
    if (logged !== undefined) this.log?.ticks.push(logged);
    const { core } = simulation;
    rewind?.begin(inputs);
    core.tick++;
    this.answers.length = 0;
    for (let seat = 1; seat <= this.game.schema.maxPlayers; seat++) simulation.commands.clear(seat);
    for (const input of inputs) this.#enter(input);
    simulation.step(core.tick);
    if (rewind !== undefined) {
      const noted = rewind.end(core);
      logged?.push(...noted);
      // What a later tick looks back at must be there in a replay too, where nobody asks for snapshots.
      if (core.tick % this.game.schema.ticksPerSnapshot === 0) this.keep();
    }
    this.recorder?.tick(inputs);
    return simulation.drainOutbox();
  }

  /** Saves the world for snapshots of this tick. */
  keep(): SavedWorld {
    const { core } = this.simulation;
    const kept = this.history.get(core.tick);
    if (kept !== undefined) return kept;
    const saved = this.history.recycle(core.tick) ?? core.newSave();
    core.save(saved);
    this.history.set(core.tick, saved);
    return saved;
  }

  #enter(input: RoomInput): void {
    const { simulation } = this;
    const { core } = simulation;
    const who = { seat: input.seat, name: this.#names.get(input.seat) ?? '' };
    switch (input.type) {
      case 'join': {
        this.#names.set(input.seat, input.name);
        // A seat starts as if never used: no pulls, no spawns.
        core.controls.fill(0, input.seat * core.controlStride, (input.seat + 1) * core.controlStride);
        core.open(-1);
        const row = core.table(PLAYERS).insert(playerId(input.seat), input.seat) as unknown as {
          name: string;
        };
        row.name = input.name;
        core.close();
        simulation.join({ seat: input.seat, name: input.name });
        return;
      }
      case 'leave': {
        simulation.leave(who);
        const row = core.player(input.seat);
        core.open(-1);
        if (row !== undefined) core.table(PLAYERS).despawn(row);
        core.close();
        this.#names.delete(input.seat);
        return;
      }
      case 'status': {
        const row = core.player(input.seat) as unknown as { status: string } | undefined;
        core.open(-1);
        if (row !== undefined) row.status = input.status;
        core.close();
        return;
      }
      case 'message':
        this.#message(who, input.name, input.payload);
        return;
      case 'request':
        this.answers.push({
          seat: input.seat,
          id: input.id,
          name: input.name,
          outcome: this.#answer(who, input.name, input.question),
        });
        return;
      case 'command':
        simulation.command(input.seat, Int32Array.from(input.words), 0);
        if (input.view !== undefined) this.rewind?.view(input.seat, input.view);
        return;
      case 'held':
        return;
      default:
        throw new UsageError('unknown input in the log');
    }
  }

  #message(who: Who, name: string, payload: unknown): void {
    try {
      this.simulation.message(who, name, payload);
    } catch (error) {
      this.failedMessages++;
      this.#handlerThrew(`message "${name}"`, who, error);
    }
  }

  #answer(who: Who, name: string, question: unknown): Outcome {
    try {
      return outcomeOf(this.simulation.answer(who, name, question));
    } catch (error) {
      this.#handlerThrew(`request "${name}"`, who, error);
      return failure('failed');
    }
  }

  /** What a player sends must not end the room, whatever the game's handler makes of it. Warns once per type. */
  #handlerThrew(what: string, who: Who, error: unknown): void {
    if (this.#warned.has(what)) return;
    this.#warned.add(what);
    this.simulation.warnings.push(
      `${what} from seat ${who.seat}: the game's handler threw "${String(error)}"; declare validate for it, and check what it holds`,
    );
  }
}

/** Runs a recorded log from its start; stops after `until` ticks if given. The result equals the recorded room bit for bit. */
export function replay<S extends Shape>(
  game: Game<S>,
  log: InputLog,
  onTick?: (room: Room<S>) => void,
  until: number = log.ticks.length,
  trace: boolean | TraceLimits = false,
): Room<S> {
  if (log.schemaHash[0] !== game.schema.hash[0] || log.schemaHash[1] !== game.schema.hash[1]) {
    throw new UsageError(
      `this log was recorded with another version of the game "${log.game}"; replay it with the code that recorded it`,
    );
  }
  const room = new Room(game, {
    seed: log.seed,
    options: log.options as S['options'],
    development: false,
    record: false,
    trace,
  });
  for (let i = 0; i < Math.min(until, log.ticks.length); i++) {
    room.run(log.ticks[i] ?? []);
    onTick?.(room);
  }
  return room;
}

/** The recording of a replay, for `tickwire trace` beside the server's own: the last 30 s, or as the limits say. */
export function traceReplay<S extends Shape>(
  game: Game<S>,
  log: InputLog,
  limits: TraceLimits = {},
): Uint8Array {
  const room = replay(game, log, undefined, undefined, limits);
  return (room.recorder as ServerRecorder).bytes();
}
