/**
 * The sync test: runs a game, and at every tick runs the last ticks again from a saved state with the same inputs. Any difference
 * is a rule that depends on something that is not state, input, tick or seed; the test names entity, field and tick. (GGPO's idea.)
 */

import { Rng } from '../base/rng.ts';
import { CommandSampler } from '../simulation/commands.ts';
import type { Game } from '../simulation/game.ts';
import { Simulation } from '../simulation/simulation.ts';
import type { InputOf, Shape, World } from '../simulation/types.ts';
import { firstWorldDifference, playerId, type SavedWorld } from '../simulation/world.ts';

export interface SyncTestOptions<S extends Shape> {
  readonly game: Game<S>;
  readonly seed: number;
  readonly ticks: number;
  /** Players that join before the first tick. Default 4. */
  readonly players?: number;
  /** What each player does. Default: random levels and presses. */
  readonly think?: (world: World<S>, seat: number, tick: number, rng: Rng) => InputOf<S>;
  /** How many ticks are run again each time. Default 6. */
  readonly rerun?: number;
  /** Run again only every this many ticks. Default 1. */
  readonly every?: number;
  readonly options?: Partial<S['options']>;
}

/** Where the second run left the first. */
export interface Divergence {
  readonly tick: number;
  readonly type: string;
  readonly id: number;
  readonly field: string;
}

export interface SyncTestResult {
  readonly ticks: number;
  readonly divergence: Divergence | undefined;
  /** Hash of the last world. Equal seeds give equal hashes on every machine. */
  readonly hash: number;
}

/** Runs the test to its end or to the first divergence. */
export function syncTest<S extends Shape>(options: SyncTestOptions<S>): SyncTestResult {
  return new SyncTest(options).run();
}

class SyncTest<S extends Shape> {
  readonly #options: SyncTestOptions<S>;
  readonly #simulation: Simulation<S>;
  readonly #players: number;
  readonly #rerun: number;
  readonly #samplers: CommandSampler[] = [];
  readonly #saves: SavedWorld[];
  readonly #engines: unknown[] = [];
  readonly #check: SavedWorld;
  readonly #words: Int32Array[];
  readonly #rng: Rng;
  #restores = 0;

  constructor(options: SyncTestOptions<S>) {
    this.#options = options;
    const { game, seed, rerun = 6, players = Math.min(4, game.schema.maxPlayers) } = options;
    const roomOptions = { ...(game.definition.options ?? {}), ...(options.options ?? {}) };
    // No traps: an ambient value must show as a difference, with its name.
    this.#simulation = new Simulation(game, { seed, options: roomOptions, seat: -1, development: false });
    this.#players = players;
    this.#rerun = rerun;
    this.#rng = new Rng(seed, 77);
    const { core } = this.#simulation;
    this.#saves = Array.from({ length: rerun + 1 }, () => core.newSave());
    this.#check = core.newSave();
    const stride = game.schema.command.words * (game.schema.maxPlayers + 1);
    this.#words = Array.from({ length: rerun + 1 }, () => new Int32Array(stride));
    for (let seat = 0; seat <= players; seat++)
      this.#samplers.push(new CommandSampler(game.schema.command, core));
  }

  run(): SyncTestResult {
    const { ticks, every = 1 } = this.#options;
    const { core } = this.#simulation;
    this.#setup();
    this.#keep(0);
    for (let tick = 1; tick <= ticks; tick++) {
      this.#sample(tick);
      this.#step(tick);
      this.#keep(tick);
      if (tick < this.#rerun || tick % every !== 0) continue;
      const divergence = withShiftedClocks(this.#restores, () => this.#again(tick));
      if (divergence !== undefined) return { ticks: tick, divergence, hash: core.hash() };
    }
    return { ticks, divergence: undefined, hash: core.hash() };
  }

  #setup(): void {
    const simulation = this.#simulation;
    simulation.setup();
    for (let seat = 1; seat <= this.#players; seat++) {
      simulation.core.open(-1);
      simulation.core.table(0).insert(playerId(seat), seat);
      simulation.core.close();
      simulation.join({ seat, name: `P${seat}` });
    }
  }

  #save(tick: number): SavedWorld {
    return this.#saves[tick % this.#saves.length] as SavedWorld;
  }

  #keep(tick: number): void {
    this.#simulation.core.save(this.#save(tick));
    this.#engines[tick % this.#saves.length] = this.#simulation.engine.save();
  }

  #restore(tick: number): void {
    this.#simulation.core.restore(this.#save(tick));
    this.#simulation.engine.restore(this.#engines[tick % this.#saves.length]);
  }

  #sample(tick: number): void {
    const { words } = this.#options.game.schema.command;
    const buffer = this.#words[tick % this.#words.length] as Int32Array;
    for (let seat = 1; seat <= this.#players; seat++) {
      const sampler = this.#samplers[seat] as CommandSampler;
      const think = this.#options.think;
      const input =
        think === undefined ? this.#randomInput() : think(this.#simulation.world, seat, tick, this.#rng);
      sampler.sample(input as Readonly<Record<string, unknown>>);
      sampler.copyTo(buffer, seat * words);
    }
  }

  #randomInput(): InputOf<S> {
    const input: Record<string, unknown> = {};
    for (const { name, field } of this.#options.game.schema.command.fields) {
      if (field.kind === 'press') input[name] = this.#rng.chance(0.05) ? 1 : 0;
      else if (field.kind === 'bool') input[name] = this.#rng.chance(0.5);
      else if (field.kind === 'oneOf')
        input[name] = field.choices?.[this.#rng.int(0, field.choices.length - 1)];
      else input[name] = this.#rng.int(field.lo, field.hi) * field.step;
    }
    return input as InputOf<S>;
  }

  #step(tick: number): void {
    const buffer = this.#words[tick % this.#words.length] as Int32Array;
    const { words } = this.#options.game.schema.command;
    for (let seat = 1; seat <= this.#players; seat++) this.#simulation.command(seat, buffer, seat * words);
    this.#simulation.step(tick);
    this.#simulation.drainOutbox();
  }

  /** Restores the state `rerun` ticks ago, with other local fields, and runs up to `tick` again. */
  #again(tick: number): Divergence | undefined {
    const { core } = this.#simulation;
    const from = tick - this.#rerun;
    this.#restore(from);
    core.scrambleLocals(++this.#restores * 31 + 7);
    for (let t = from + 1; t <= tick; t++) {
      this.#step(t);
      core.save(this.#check);
      const difference = firstWorldDifference(this.#save(t), this.#check);
      if (difference !== undefined) return { tick: t, ...difference };
    }
    // Locals go on from the first run, so that the test itself changes nothing.
    this.#restore(tick);
    return undefined;
  }
}

/** While `again` runs, clocks stand a day further: a rule that reads one shows as a difference even within the same millisecond. */
function withShiftedClocks<T>(count: number, again: () => T): T {
  const shift = 86_400_000 + count * 7_919;
  const holders = [Date, (globalThis as { performance?: object }).performance] as (
    | Record<string, unknown>
    | undefined
  )[];
  const originals = holders.map((holder) => holder?.['now'] as (() => number) | undefined);
  holders.forEach((holder, i) => {
    const original = originals[i];
    if (holder !== undefined && original !== undefined) holder['now'] = () => original.call(holder) + shift;
  });
  try {
    return again();
  } finally {
    holders.forEach((holder, i) => {
      if (holder !== undefined && originals[i] !== undefined) holder['now'] = originals[i];
    });
  }
}
