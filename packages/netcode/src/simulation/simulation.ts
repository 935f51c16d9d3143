/** Runs a game's rules on a world, one tick at a time. Server, clients, bots, replay and tests all call this; nobody has a copy of it. */

import { assert } from '../base/assert.ts';
import { Rng } from '../base/rng.ts';
import { CommandTable } from './commands.ts';
import { Engine, type EngineHooks } from './engine.ts';
import type { Row } from './entity.ts';
import { EventRaiser, type EventSink } from './events.ts';
import type { Game } from './game.ts';
import { type PastSource, Sights } from './sights.ts';
import type { Table } from './table.ts';
import { withTraps } from './traps.ts';
import type { Context, Shape, Who, World } from './types.ts';
import { WriteWatcher } from './watch.ts';
import { type SavedWorld, WorldCore } from './world.ts';

/** A message that a rule queued. Seat 0 means every player. */
export interface OutgoingMessage {
  readonly seat: number;
  readonly name: string;
  readonly payload: unknown;
}

export interface SimulationOptions {
  /** Room seed for `ctx.random`. */
  readonly seed: number;
  /** The room's options, complete. */
  readonly options: object;
  /** Seat of the predicting client; -1 on the server. */
  readonly seat: number;
  /** Traps ambient randomness and clocks during rules, throws on NaN, watches for writes that never move. */
  readonly development: boolean;
}

export class Simulation<S extends Shape = Shape> {
  readonly game: Game<S>;
  readonly core: WorldCore;
  readonly commands: CommandTable;
  /** What the rules keep beside the rows. `save` and `restore` leave it alone: it is saved with what a tick is remembered by. */
  readonly engine: Engine;
  readonly outbox: OutgoingMessage[] = [];
  readonly warnings: string[] = [];
  /** For instruments: called around what only the server runs: `ctx.authority`, and all rules but `step`. */
  alone: { before(): void; after(): void } | undefined;
  readonly #raiser: EventRaiser;
  readonly #ctx: Context<S>;
  readonly #development: boolean;
  readonly #seat: number;
  readonly #watch: WriteWatcher | undefined;
  readonly #sights: Sights | undefined;

  constructor(game: Game<S>, options: SimulationOptions) {
    this.game = game;
    this.core = new WorldCore(game.schema, options.development);
    this.commands = new CommandTable(game.schema.command, game.schema.maxPlayers);
    this.engine = new Engine(game.definition.engine as EngineHooks<unknown> | undefined);
    this.#development = options.development;
    this.#seat = options.seat;
    this.#raiser = new EventRaiser(game.schema, this.core, options.seat);
    if (game.schema.shapes !== undefined) this.#sights = new Sights(this.core, game.definition.predict ?? {});
    this.#ctx = this.#makeContext(options);
    if (options.development) {
      this.#watch = new WriteWatcher((warning) => this.warnings.push(warning));
      for (const table of this.core.tables) table.watch = this.#watch;
    }
  }

  /** Where `ctx.seen` finds what players saw. Without it they see the world as it is. */
  set past(source: PastSource) {
    if (this.#sights !== undefined) this.#sights.past = source;
  }

  get world(): World<S> {
    return this.core.facade as World<S>;
  }

  /** Who takes the events that rules emit. Without one they are lost. */
  set events(sink: EventSink) {
    this.#raiser.sink = sink;
  }

  setup(): void {
    const { setup } = this.game.definition;
    if (setup !== undefined) this.#runAlone(() => setup(this.world, this.#ctx));
  }

  join(who: Who): void {
    const { join } = this.game.definition;
    if (join !== undefined) this.#runAlone(() => join(this.world, who, this.#ctx));
  }

  leave(who: Who): void {
    const { leave } = this.game.definition;
    if (leave !== undefined) this.#runAlone(() => leave(this.world, who, this.#ctx));
  }

  message(from: Who, name: string, payload: unknown): void {
    const handler = this.game.definition.message;
    if (handler !== undefined)
      this.#runAlone(() => handler(this.world, from, name as never, payload as never, this.#ctx));
  }

  /** Runs the rules' handler of a request and gives what it returns. There is one: ask `game.definition.answers` first. */
  answer(from: Who, name: string, question: unknown): unknown {
    const handler = this.game.definition.answers?.[name];
    let returned: unknown;
    if (handler !== undefined)
      this.#runAlone(() => {
        returned = handler(this.world, from, question as never, this.#ctx);
      });
    return returned;
  }

  /** Runs a seat's command words in the next step. Without it the seat is neutral. */
  command(seat: number, words: Int32Array, at: number): void {
    this.commands.run(seat, words, at, this.core.controls, seat * this.core.controlStride);
  }

  /** One step of the rules: the world goes from `tick - 1` to `tick`. */
  step(tick: number): void {
    this.core.tick = tick;
    this.#watch?.begin(tick);
    this.#raiser.begin(tick);
    this.#run(() => this.game.definition.step(this.world, this.#ctx));
  }

  save(into: SavedWorld): void {
    this.core.save(into);
  }

  restore(from: SavedWorld): void {
    this.core.restore(from);
  }

  /** Takes the messages queued since the last call. */
  drainOutbox(): OutgoingMessage[] {
    return this.outbox.splice(0);
  }

  #runAlone(rules: () => void): void {
    this.alone?.before();
    try {
      this.#run(rules);
    } finally {
      this.alone?.after();
    }
  }

  #run(rules: () => void): void {
    this.#sights?.forget();
    this.core.open(this.#seat);
    try {
      if (this.#development) withTraps(rules);
      else rules();
    } finally {
      this.core.close();
    }
  }

  #makeContext(options: SimulationOptions): Context<S> {
    const { core, commands, outbox, engine } = this;
    const raiser = this.#raiser;
    const sights = this.#sights;
    const isServer = options.seat < 0;
    const queue = (seat: number, name: string, payload: unknown): void => {
      if (isServer) outbox.push({ seat, name, payload });
    };
    const context = {
      get tick() {
        return core.tick;
      },
      dt: 1 / core.schema.tickRate,
      isServer,
      options: Object.freeze({ ...options.options }),
      engine: engine.state,
      simulated: (table: Table): Iterable<Row> => table.marked(),
      command: (seat: number) => commands.get(seat),
      seen: (seat: number) => {
        assert(
          sights !== undefined,
          'ctx.seen needs to know what entities look like: declare shapes in defineGame',
        );
        return sights.of(seat);
      },
      random: (entity?: { readonly id: number }, salt = 0) =>
        new Rng(options.seed ^ Math.imul(salt, 0x9e3779b1), core.tick, entity?.id ?? 0),
      authority: (rules: () => void): void => {
        if (!isServer) return;
        this.alone?.before();
        try {
          rules();
        } finally {
          this.alone?.after();
        }
      },
      send: queue,
      broadcast: (name: string, payload: unknown) => queue(0, name, payload),
      emit: (name: string, init: Readonly<Record<string, unknown>>) => raiser.emit(name, init),
    };
    return Object.freeze(context) as unknown as Context<S>;
  }
}
