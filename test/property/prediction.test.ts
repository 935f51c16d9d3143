// The predicted set without a network: snapshots made by hand, commands known or not, rows that come, go and wait.

import { readFileSync } from 'node:fs';
import { bool, defineGame, grid, int, press, Rng } from '@tickwire/netcode';
import {
  BitReader,
  BitWriter,
  type Game,
  MAX_RELAYED,
  newReplica,
  Relays,
  type Replica,
  RowSet,
  Simulation,
  writeRelayed,
} from '@tickwire/netcode/internal';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Predictor } from '../../packages/netcode/src/client/prediction.ts';
import { firstDifference, sameSentRow } from '../../packages/netcode/src/simulation/rows.ts';
import { MARK } from '../../packages/netcode/src/wire/schema.ts';
import { games, randomWord, runs } from './arbitrary.ts';

const ME = 2;
const OTHER = 1;
const RATE = 60 / 256;

/** A cart is predicted by whom it follows; the gate opens it to everybody for a while. */
const carts = defineGame({
  name: 'carts',
  maxPlayers: 4,
  entities: {
    walker: {
      x: grid(0, 4096, 1 / 256, { follows: 'vx' }),
      vx: grid(-960, 960, RATE),
      hops: int(0, 1_000_000),
    },
    cart: {
      x: grid(0, 4096, 1 / 256, { follows: 'vx' }),
      vx: grid(-960, 960, RATE),
      follows: int(0, 4),
      pushes: int(0, 1_000_000),
    },
    crumb: { x: grid(0, 4096, 1 / 256) },
  },
  command: { dx: int(-1, 1), drop: bool(), hop: press() },
  relay: true,
  predict: {
    walker: () => true,
    cart: (cart, me) => cart.follows === 0 || cart.follows === me,
    // Nobody predicts what falls, not even who drops it.
    crumb: () => false,
  },
  setup(world) {
    for (let i = 0; i < 4; i++) world.cart.spawn({ owner: 0, x: 500 + 100 * i, follows: i });
  },
  join(world, who) {
    world.walker.spawn({ owner: who, x: 600 + who.seat });
  },
  step(world, ctx) {
    for (const walker of ctx.simulated(world.walker)) {
      const { dx, drop, hop } = ctx.command(walker.owner);
      walker.vx += dx * 30;
      walker.x += walker.vx * ctx.dt;
      walker.hops += hop;
      if (drop && ctx.tick % 20 === 0) world.crumb.spawn({ owner: walker.owner, x: walker.x });
      for (const cart of world.cart) {
        if (Math.abs(cart.x - walker.x) > 20) continue;
        cart.vx = walker.vx;
        cart.pushes += 1;
        if (hop > 0) cart.follows = (cart.follows + 1) % 5;
      }
    }
    for (const cart of ctx.simulated(world.cart)) cart.x += cart.vx * ctx.dt;
  },
});

type CartWorld = Simulation<typeof carts extends Game<infer S> ? S : never>;

/** A server with two players, and one client's prediction of it. */
class Stage {
  readonly server: CartWorld = new Simulation(carts, { seed: 1, options: {}, seat: -1, development: false });
  readonly client = new Predictor(carts, ME, 1, {}, false);
  readonly #commands = new Map<string, Int32Array>();
  readonly #rng: Rng;
  readonly #hops: boolean;
  /** Pulls so far, by seat. */
  readonly #pulls = [0, 0, 0];

  /** Without `hops` nobody pulls, and carts follow whom they followed. */
  constructor(seed: number, hops = true) {
    this.#hops = hops;
    this.#rng = new Rng(seed, 9);
    this.server.setup();
    for (const seat of [OTHER, ME]) this.server.join({ seat, name: `P${seat}` });
    this.client.scramble = (count) => count * 5 + 1;
  }

  /** The command of a seat in a tick; made when it is first asked for. Ticks are asked for in order. */
  command(seat: number, tick: number): Int32Array {
    const key = `${seat} ${tick}`;
    const known = this.#commands.get(key);
    if (known !== undefined) return known;
    const rng = this.#rng;
    const before = this.#commands.get(`${seat} ${tick - 1}`);
    const pulls = this.#pulls[seat] ?? 0;
    this.#pulls[seat] = (pulls + (this.#hops && rng.chance(0.1) ? 1 : 0)) % 256;
    const dx = before !== undefined && rng.chance(0.8) ? (before[0] ?? 0) : rng.int(-1, 1);
    const words = Int32Array.of(dx, rng.chance(0.3) ? 1 : 0, this.#pulls[seat] ?? 0);
    this.#commands.set(key, words);
    return words;
  }

  serverStep(): void {
    const tick = this.server.core.tick + 1;
    for (const seat of [OTHER, ME]) this.server.command(seat, this.command(seat, tick), 0);
    this.server.step(tick);
  }

  clientStep(): void {
    this.client.setCommand(this.client.tick + 1, this.command(ME, this.client.tick + 1));
    this.client.step();
  }

  /** The snapshot of the server's tick. Rows for which `isOld` holds are of `old`, an earlier one. */
  replica(old?: Replica, isOld: (rows: RowSet, id: number) => boolean = () => false): Replica {
    const { core } = this.server;
    const replica = newReplica(carts.schema, core.controlStride);
    replica.tick = core.tick;
    replica.controls.set(core.controls.subarray(ME * core.controlStride, (ME + 1) * core.controlStride));
    core.tables.forEach((table, t) => {
      const rows = replica.tables[t] as RowSet;
      const { stride } = table.schema;
      for (let i = 0; i < table.count; i++) {
        const from = rows.push(table.data, table.offset(i));
        rows.data[from + MARK] = core.tick;
        const before = old?.tables[t];
        const at = before?.offsetOf(rows.id(i)) ?? -1;
        if (before === undefined || at < 0 || !isOld(rows, rows.id(i))) continue;
        rows.data.set(before.data.subarray(at, at + stride), from);
      }
    });
    return replica;
  }

  /** What is relayed of the other player: the present command and `more` later ones. */
  relays(more: number): Relays {
    const relays = new Relays(carts.schema.command, 4);
    const { tick } = this.server.core;
    relays.tick = tick;
    relays.count = 1;
    relays.seats[0] = OTHER;
    relays.counts[0] = more + 1;
    const since = this.command(OTHER, tick)[2] ?? 0;
    for (let i = 0; i <= more; i++) {
      const words = this.command(OTHER, tick + i).slice();
      words[2] = ((words[2] ?? 0) - since + 256) % 256;
      relays.words.set(words, 3 * i);
    }
    return relays;
  }

  /** Predicted rows of a type are, in the server's tick, rows of the server's. Gives their number. */
  expectOnServer(rows: RowSet): number {
    const table = this.server.core.table(rows.schema.index);
    for (let i = 0; i < rows.count; i++) {
      const row = table.get(rows.id(i));
      const at = i * rows.schema.stride;
      expect(row, `${rows.schema.name} ${rows.id(i)}`).toBeDefined();
      expect(firstDifference(rows.schema, table.data, row?.at ?? 0, rows.data, at)).toBeUndefined();
    }
    return rows.count;
  }

  /** Names of the types of which the client has not, in rows that it predicts, what the server has. */
  differing(): string[] {
    const found = new Set<string>();
    const own = this.client.world;
    this.server.core.tables.forEach((table, t) => {
      const predicted = own.table(t);
      for (let i = 0; i < predicted.count; i++) {
        const at = predicted.offset(i);
        if (predicted.data[at + MARK] !== 1) continue;
        const row = table.get(predicted.at(i)?.id ?? 0);
        if (row === undefined || !sameSentRow(table.schema, table.data, row.at, predicted.data, at))
          found.add(table.schema.name);
      }
    });
    return [...found];
  }
}

const quiet = { before: () => undefined, after: () => undefined };

describe('the predicted set', () => {
  test('[P3] restored and replayed it is what the server has, when all commands are known; rows come and go meanwhile', () => {
    const seen = { rows: 0, entered: 0, left: 0, replayed: 0, mispredicted: 0 };
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const stage = new Stage(seed);
        const rng = new Rng(seed, 2);
        stage.serverStep();
        stage.client.reconcile(stage.replica(), stage.relays(MAX_RELAYED - 1));
        stage.client.frame(quiet);
        let carts = marked(stage);
        for (let round = 0; round < 12; round++) {
          const until = stage.server.core.tick + rng.int(4, MAX_RELAYED - 1);
          while (stage.client.tick < until) stage.clientStep();
          const now = marked(stage);
          seen.entered += now.filter((id) => !carts.includes(id)).length;
          seen.left += carts.filter((id) => !now.includes(id)).length;
          carts = now;
          // Now and then little is known of the other, and the next snapshot shows that the future is another one.
          const isKnown = rng.chance(0.6);
          for (let steps = rng.int(1, 3); steps > 0; steps--) stage.serverStep();
          stage.client.reconcile(stage.replica(), stage.relays(isKnown ? MAX_RELAYED - 1 : 0));
          stage.client.frame(quiet);
          if (!isKnown) continue;
          // All that moves a cart is predicted, but for carts that follow others: nobody reads those.
          const predicted = stage.client.at(stage.client.tick)?.tables.map((rows) => {
            const copy = new RowSet(rows.schema);
            copy.copyFrom(rows);
            return copy;
          });
          while (stage.server.core.tick < stage.client.tick) stage.serverStep();
          for (const rows of predicted ?? []) seen.rows += stage.expectOnServer(rows);
        }
        seen.replayed += stage.client.stats.replayed;
        seen.mispredicted += stage.client.stats.mispredicted;
      }),
      runs(300),
    );
    for (const count of Object.values(seen)) expect(count, JSON.stringify(seen)).toBeGreaterThan(10);
  });

  test('[P4] a command that turns out as assumed replays nothing, another one does', () => {
    const stage = new Stage(5);
    stage.serverStep();
    stage.client.reconcile(stage.replica(), stage.relays(2));
    stage.client.frame(quiet);
    for (let i = 0; i < 9; i++) stage.clientStep();
    let assumed = 0;
    let other = 0;
    for (let i = 0; i < 400; i++) {
      stage.serverStep();
      stage.clientStep();
      const { matched, replayed, regrouped } = stage.client.stats;
      const known = stage.client.others?.knownUntil(OTHER) ?? 0;
      const { tick } = stage.server.core;
      // Whatever is known two ticks ahead was assumed to go on: levels the same, and no pull.
      const before = stage.command(OTHER, known);
      const asAssumed = tick + 2 <= known || same(before, stage.command(OTHER, tick + 2));
      stage.client.reconcile(stage.replica(), stage.relays(2));
      stage.client.frame(quiet);
      const isMatched = stage.client.stats.matched > matched;
      expect(stage.client.stats.mispredicted).toBe(0);
      // A cart has changed its mind.
      if (stage.client.stats.regrouped > regrouped) continue;
      expect(isMatched, `tick ${tick}`).toBe(asAssumed);
      expect(stage.client.stats.replayed > replayed).toBe(!asAssumed);
      if (asAssumed) assumed++;
      else other++;
    }
    expect(assumed).toBeGreaterThan(10);
    expect(other).toBeGreaterThan(10);
  });

  test('[P3] a predicted row that a snapshot left out is as predicted, another one is where it was going', () => {
    const stage = new Stage(8, false);
    for (let i = 0; i < 5; i++) stage.serverStep();
    const [, , , strange] = [...stage.server.world.cart];
    stage.server.core.open(-1);
    for (const cart of stage.server.world.cart) cart.vx = 60;
    stage.server.core.close();
    const first = stage.replica();
    stage.client.reconcile(first, stage.relays(15));
    stage.client.frame(quiet);
    for (let i = 0; i < 12; i++) stage.clientStep();
    for (let i = 0; i < 6; i++) stage.serverStep();
    // No cart is told of since.
    const old = stage.replica(first, (rows) => rows.schema.name === 'cart');
    const { replayed } = stage.client.stats;
    stage.client.reconcile(old, stage.relays(15));
    stage.client.frame(quiet);
    expect(stage.client.stats).toMatchObject({ matched: 1, mispredicted: 0, replayed });
    for (let i = 0; i < 6; i++) stage.serverStep();
    expect(stage.differing()).toEqual([]);
    // The cart that follows player 3 is not predicted, and still where the server has it: 12 ticks on.
    const there = stage.client.simulation.world.cart.get(strange?.id ?? 0);
    expect(there?.follows).not.toBe(ME);
    expect(there?.x).toBe(strange?.x);
  });

  test('[P3] what rules do to other rows is discarded and counted: writes, spawns, despawns', () => {
    const game = defineGame({
      name: 'meddler',
      entities: { mine: { x: int(0, 9) }, other: { x: int(0, 9) } },
      command: { dx: int(-1, 1) },
      step(world, ctx) {
        if (ctx.isServer) return;
        for (const other of world.other) other.x = 5;
        const row = world.other.spawn({ owner: 0, x: 3 });
        expect(row.x).toBe(3);
        for (const other of world.other) other.despawn();
        world.mine.spawn({ owner: ME, x: 1 });
      },
    });
    const server = new Simulation(game, { seed: 1, options: {}, seat: -1, development: false });
    const client = new Predictor(game, ME, 1, {}, false);
    server.core.open(-1);
    for (let i = 0; i < 3; i++) server.world.other.spawn({ owner: OTHER, x: i });
    server.core.close();
    const replica = newReplica(game.schema, server.core.controlStride);
    replica.tick = 3;
    server.core.tables.forEach((table, t) => {
      table.save(replica.tables[t] as RowSet);
    });
    for (const rows of replica.tables)
      for (let i = 0; i < rows.count; i++) rows.data[i * rows.schema.stride + MARK] = 3;
    client.reconcile(replica);
    client.frame(quiet);
    client.step();
    client.step();
    expect(client.world.counters).toMatchObject({
      discardedWrites: 6,
      discardedSpawns: 2,
      discardedDespawns: 6,
    });
    expect([...client.simulation.world.other].map(({ x }) => x)).toEqual([0, 1, 2]);
    expect([...client.simulation.world.mine].map(({ owner }) => owner)).toEqual([ME, ME]);
  });

  test('[P3] a spawned row that its rule leaves out is gone with its tick, and its number is used up', () => {
    const stage = new Stage(3);
    for (let i = 0; i < 18; i++) stage.serverStep();
    stage.client.reconcile(stage.replica(), stage.relays(0));
    stage.client.frame(quiet);
    stage.client.setCommand(19, Int32Array.of(0, 1, stage.command(ME, 18)[2] ?? 0));
    stage.client.setCommand(20, Int32Array.of(0, 1, stage.command(ME, 18)[2] ?? 0));
    const { controls, controlStride } = stage.client.world;
    const counter = controls[ME * controlStride] ?? 0;
    stage.client.step();
    stage.client.step();
    expect(stage.client.world.tick).toBe(20);
    expect([...stage.client.simulation.world.crumb].filter(({ owner }) => owner === ME)).toEqual([]);
    expect(controls[ME * controlStride]).toBe(counter + 1);
  });
});

const same = (a: Int32Array, b: Int32Array): boolean => a[0] === b[0] && a[1] === b[1] && a[2] === b[2];

/** Ids of the carts that the client predicts. */
function marked({ client }: Stage): number[] {
  const table = client.world.tableNamed('cart');
  return [...(table ?? [])].filter((row) => table?.data[row.at + MARK] === 1).map(({ id }) => id);
}

describe('relayed commands', () => {
  test('[W1] [W2] come back, and every code that is accepted is the only one', () => {
    let accepted = 0;
    fc.assert(
      fc.property(games, fc.nat(), (game, seed) => {
        const rng = new Rng(seed, 4);
        const { command, maxPlayers } = game.schema;
        const [bytes, bits] = randomSection(game, rng);
        for (const flip of [-1, ...Array.from({ length: 12 }, () => rng.int(0, bits - 1))]) {
          const mutant = bytes.slice();
          if (flip >= 0) mutant[flip >> 3] = (mutant[flip >> 3] ?? 0) ^ (1 << (flip & 7));
          const relays = new Relays(command, maxPlayers);
          const r = new BitReader(mutant);
          relays.read(r, 30, 0);
          if (r.failed) continue;
          accepted++;
          const read = mutant.length * 8 - r.remaining;
          const w = new BitWriter(new Uint8Array(mutant.length + 64));
          writeSection(w, game, relays);
          expect(w.bitLength).toBe(read);
          const whole = read >> 3;
          w.finish();
          expect(w.bytes.subarray(0, whole)).toEqual(mutant.subarray(0, whole));
          const rest = (1 << (read & 7)) - 1;
          expect((w.bytes[whole] ?? 0) & rest).toBe((mutant[whole] ?? 0) & rest);
          if (flip < 0) expect(read).toBe(bits);
        }
      }),
      runs(500),
    );
    expect(accepted).toBeGreaterThan(60);
  });

  test('[W1] of a seat that is not there, of the reader itself, or with pulls of before are refused', () => {
    const { command } = carts.schema;
    const read = (seat: number, words: readonly number[], me = 4): boolean => {
      const w = new BitWriter(new Uint8Array(64));
      w.writeGolomb(1, 0);
      w.writeGolomb(seat - 1, 0);
      writeRelayed(w, command, Int32Array.from(words), 0, 1);
      const r = new BitReader(w.bytes.slice(0, w.finish()));
      new Relays(command, 4).read(r, 30, me);
      return !r.failed;
    };
    expect(read(1, [1, 0, 0])).toBe(true);
    expect(read(4, [1, 0, 0], 2)).toBe(true);
    expect(read(4, [1, 0, 0])).toBe(false);
    expect(read(5, [1, 0, 0])).toBe(false);
    expect(read(1, [1, 0, 3])).toBe(false);
  });
});

test('[W2] the worked example of docs/wire-format.md is what is written, bit by bit', () => {
  const page = readFileSync(new URL('../../docs/wire-format.md', import.meta.url), 'utf8');
  const source = /^```ts push\n([\s\S]*?)^```$/m.exec(page)?.[1] ?? '';
  const vocabulary = { bool, defineGame, int, press };
  const game = new Function(...Object.keys(vocabulary), `${source}\nreturn push;`)(
    ...Object.values(vocabulary),
  ) as Game;
  const lines = /^```section push\n([\s\S]*?)^```$/m.exec(page)?.[1]?.trim().split('\n') ?? [];
  const bits = lines.map((line) => /^[01 ]+/.exec(line)?.[0].replace(/ /g, '') ?? '').join('');
  const relays = new Relays(game.schema.command, game.schema.maxPlayers);
  relays.count = 2;
  relays.seats.set([1, 4]);
  relays.counts.set([3, 1]);
  relays.words.set([-1, 1, 0, -1, 1, 0, -1, 1, 1]);
  const w = new BitWriter(new Uint8Array(64));
  writeSection(w, game, relays);
  expect(w.bitLength).toBe(bits.length);
  const r = new BitReader(w.bytes.slice(0, w.finish()));
  for (const bit of bits) expect(r.read(1)).toBe(Number(bit));
});

function writeSection(w: BitWriter, game: Game, relays: Relays): void {
  w.writeGolomb(relays.count, 0);
  let last = 0;
  for (let place = 0; place < relays.count; place++) {
    const seat = relays.seats[place] ?? 0;
    w.writeGolomb(seat - last - 1, 0);
    last = seat;
    writeRelayed(w, game.schema.command, relays.words, relays.offset(place), relays.counts[place] ?? 0);
  }
}

function randomSection(game: Game, rng: Rng): [Uint8Array, number] {
  const { command, maxPlayers } = game.schema;
  const relays = new Relays(command, maxPlayers);
  for (let seat = 1; seat <= Math.min(6, maxPlayers); seat++) {
    if (rng.chance(0.4)) continue;
    const place = relays.count++;
    relays.seats[place] = seat;
    relays.counts[place] = rng.int(1, MAX_RELAYED);
    for (let i = 0; i < (relays.counts[place] ?? 0); i++)
      for (let f = 0; f < command.words; f++) {
        const at = relays.offset(place) + i * command.words + f;
        const field = command.fields[f]?.field;
        const before = i === 0 ? (command.neutral[f] ?? 0) : (relays.words[at - command.words] ?? 0);
        const isFirstPull = i === 0 && field?.kind === 'press';
        relays.words[at] =
          field !== undefined && !isFirstPull && rng.chance(0.3) ? randomWord(field, rng, 0) : before;
      }
  }
  const w = new BitWriter(new Uint8Array(16_384));
  writeSection(w, game, relays);
  const bits = w.bitLength;
  return [w.bytes.slice(0, w.finish()), bits];
}
