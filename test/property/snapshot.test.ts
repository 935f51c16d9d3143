// Snapshots of random worlds over long chains: what the client decodes is what the server remembers, in one encoding only.

import { Rng } from '@tickwire/netcode';
import {
  BitReader,
  BitWriter,
  type Game,
  HELD_WINDOW_TICKS,
  HeldSet,
  MAX_DATAGRAM_BYTES,
  newReplica,
  type Replica,
  type RowSet,
  type SavedWorld,
  SnapshotDecoder,
  SnapshotEncoder,
  WorldCore,
} from '@tickwire/netcode/internal';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { firstDifference } from '../../packages/netcode/src/simulation/rows.ts';
import { HEADER_WORDS, MARK, OWNER } from '../../packages/netcode/src/wire/schema.ts';
import { EFFORT, games, runs, scatter } from './arbitrary.ts';
import { writeSnapshot } from './reference.ts';

const MAX_AGE = 63;
/** The smallest budget that a packet leaves is far above this. */
const SMALLEST_BUDGET_BITS = 4 * 64;

interface Totals {
  snapshots: number;
  rows: number;
  deferred: number;
  lost: number;
  fromEmpty: number;
  beyondWindow: number;
  flips: number;
  flipsAccepted: number;
}

/** One world and one client with a lossy link between them. Every snapshot is checked bit by bit. */
class Chain {
  readonly world: WorldCore;
  readonly saved = new Map<number, SavedWorld>();
  readonly replicas = new Map<number, Replica>();
  readonly sent = new Map<number, HeldSet>();
  readonly #game: Game;
  readonly #rng: Rng;
  readonly #encoder: SnapshotEncoder;
  readonly #decoder: SnapshotDecoder;
  readonly #totals: Totals;
  readonly #spare: Replica;
  #previous: HeldSet | undefined;
  #tick: number;
  readonly #size: number;
  readonly #again = new BitWriter(new Uint8Array(2 * MAX_DATAGRAM_BYTES));

  constructor(game: Game, seed: number, totals: Totals) {
    this.#game = game;
    this.#rng = new Rng(seed);
    this.#totals = totals;
    this.world = new WorldCore(game.schema, false);
    this.#encoder = new SnapshotEncoder(
      game.schema,
      game.schema.rows.map((_, t) => 1 + (t % 3)),
    );
    this.#decoder = new SnapshotDecoder(game.schema);
    this.#spare = newReplica(game.schema, 1);
    this.#size = this.#rng.int(1, 60);
    const first = this.#rng.chance(0.2) ? 2 ** 30 : this.#rng.int(0, 1000);
    this.#tick = first * game.schema.ticksPerSnapshot;
    if (this.#tick >= 2 ** 31 - 1e6)
      this.#tick =
        2 ** 29 * game.schema.ticksPerSnapshot >= 2 ** 31 - 1e6 ? 0 : 2 ** 29 * game.schema.ticksPerSnapshot;
  }

  step(): void {
    const { ticksPerSnapshot } = this.#game.schema;
    this.#tick += ticksPerSnapshot;
    this.#change();
    const saved = this.world.newSave();
    this.world.tick = this.#tick;
    this.world.save(saved);
    this.saved.set(this.#tick, saved);
    this.#snapshot(saved);
  }

  /** Moves, changes, spawns and despawns; now and then an id is born again at once. */
  #change(): void {
    const rng = this.#rng;
    const { ticksPerSnapshot } = this.#game.schema;
    for (let t = 0; t < this.world.tables.length; t++) {
      if (t === 1) continue;
      const table = this.world.table(t);
      this.world.open(-1);
      for (let i = table.count - 1; i >= 0; i--) if (rng.chance(0.04)) table.removeAt(i);
      this.world.close();
      this.world.open(-1);
      while (table.count < this.#size && rng.chance(0.5)) {
        const seat = t === 0 ? rng.int(1, 255) : rng.int(0, 5);
        const id = t === 0 ? seat * 65536 : this.#newId(seat);
        if (this.world.tables.some((any) => any.get(id) !== undefined)) break;
        const row = table.insert(id, seat);
        for (let f = 0; f < table.schema.fields.length; f++)
          if (rng.chance(0.6)) scatter(table.schema, table.data, row.at, f, rng, this.#tick);
      }
      for (let i = 0; i < table.count; i++) {
        const at = table.offset(i);
        this.#move(table.schema, table.data, at, ticksPerSnapshot);
        if (!rng.chance(0.5)) continue;
        for (let changes = rng.int(1, 3); changes > 0; changes--)
          scatter(table.schema, table.data, at, rng.int(0, table.schema.fields.length - 1), rng, this.#tick);
      }
      this.world.close();
    }
    const room = this.world.table(1);
    for (let f = 0; f < room.schema.fields.length; f++)
      if (rng.chance(0.1)) scatter(room.schema, room.data, room.offset(0), f, rng, this.#tick);
  }

  #newId(seat: number): number {
    // A small range, so that ids are used again soon; the ends of the range too.
    const counter = this.#rng.chance(0.1) ? this.#rng.int(65_400, 65_534) : this.#rng.int(1, 200);
    return seat * 65536 + counter;
  }

  #move(schema: Game['schema']['rows'][number], data: Int32Array, at: number, ticks: number): void {
    for (const { field, at: word, followsAt, followsFactor } of schema.fields) {
      if (followsAt < 0) continue;
      for (let i = 0; i < ticks; i++) {
        const moved = (data[at + word] ?? 0) + Math.floor((data[at + followsAt] ?? 0) * followsFactor + 0.5);
        data[at + word] = Math.max(field.lo, Math.min(field.hi, moved));
      }
    }
  }

  #snapshot(world: SavedWorld): void {
    const rng = this.#rng;
    const { schema } = this.#game;
    const { ticksPerSnapshot } = schema;
    const baseTick = this.#baselineTick();
    const baseline = baseTick === undefined ? undefined : this.sent.get(baseTick);
    const into = new HeldSet(schema.rows);
    const w = new BitWriter(new Uint8Array(MAX_DATAGRAM_BYTES + 8));
    const budgetBits = rng.chance(0.5) ? rng.int(SMALLEST_BUDGET_BITS, 3_000) : (MAX_DATAGRAM_BYTES - 40) * 8;
    const lead = rng.int(0, 12);
    w.write(rng.u32(), lead);
    const oldest = this.#tick - HELD_WINDOW_TICKS - ticksPerSnapshot;
    this.#encoder.encode(w, {
      world,
      history: { get: (tick) => (tick < oldest ? undefined : this.saved.get(tick)) },
      baseline,
      previous: this.#previous,
      seat: rng.int(0, 3),
      budgetBits,
      into,
    });
    expect(w.overflowed).toBe(false);
    expect(w.bitLength - lead).toBeLessThanOrEqual(budgetBits);
    const bits = w.bitLength;
    const bytes = w.bytes.slice(0, w.finish());
    this.#previous = into;
    this.sent.set(this.#tick, into);

    const before = baseTick === undefined ? undefined : this.replicas.get(baseTick);
    const replica = newReplica(schema, 1);
    const r = new BitReader(bytes);
    r.read(lead);
    this.#decoder.decode(r, before, this.#tick, replica);
    expect(r.failed).toBe(false);
    expect(bytes.length * 8 - r.remaining).toBe(bits);
    expect(r.align()).toBe(true);
    this.#compare(replica, into);
    this.#totals.snapshots++;
    this.#totals.deferred += into.deferred;
    if (before === undefined) this.#totals.fromEmpty++;

    const again = this.#encodeAgain(before, replica, bytes, lead);
    if (!same(again, bytes)) expect(again).toEqual(bytes);
    this.#flip(before, bytes, lead);

    if (rng.chance(0.3)) {
      this.#totals.lost++;
      return;
    }
    this.replicas.set(this.#tick, replica);
    for (const tick of this.replicas.keys())
      if (tick < this.#tick - (MAX_AGE + 1) * ticksPerSnapshot) this.replicas.delete(tick);
  }

  /** One of the snapshots that arrived: mostly the newest, sometimes an old one, sometimes none. */
  #baselineTick(): number | undefined {
    const rng = this.#rng;
    const { ticksPerSnapshot } = this.#game.schema;
    const oldest = this.#tick - MAX_AGE * ticksPerSnapshot;
    const held = [...this.replicas.keys()].filter((tick) => tick >= oldest);
    if (held.length === 0 || rng.chance(0.03)) return undefined;
    const index = rng.chance(0.7) ? held.length - 1 : rng.int(0, held.length - 1);
    return held[index];
  }

  /** [S3] bit for bit: ids, held ticks and every sent field, against history that forgets nothing. */
  #compare(replica: Replica, held: HeldSet): void {
    replica.tables.forEach((rows, t) => {
      const sent = held.tables[t];
      let r = 0;
      for (let i = 0; i < (sent?.count ?? 0); i++) {
        const tick = sent?.held[i] ?? -1;
        if (tick === -1) continue;
        const at = r * rows.schema.stride;
        const id = rows.id(r);
        check(id === sent?.ids[i] && rows.data[at + MARK] === tick, `row ${r} is ${id}`);
        check(rows.data[at + OWNER] === id >> 16, `owner of ${id}`);
        const source = this.saved.get(tick)?.tables[t] as RowSet;
        const from = source.offsetOf(id);
        const field = firstDifference(rows.schema, rows.data, at, source.data, from);
        check(
          from >= 0 && field === undefined,
          `${rows.schema.name} ${id}.${field} differs, held at ${tick}`,
        );
        if (replica.tick - tick > HELD_WINDOW_TICKS) this.#totals.beyondWindow++;
        this.#totals.rows++;
        r++;
      }
      expect(rows.count).toBe(r);
    });
  }

  #encodeAgain(before: Replica | undefined, after: Replica, bytes: Uint8Array, lead: number): Uint8Array {
    const w = this.#again;
    w.reset();
    w.write(new BitReader(bytes).read(lead), lead);
    writeSnapshot(w, this.#game.schema, before, after);
    return w.bytes.slice(0, w.finish());
  }

  /** [W2] Whatever the decoder accepts is the one encoding of what it decoded to. */
  #flip(before: Replica | undefined, bytes: Uint8Array, lead: number): void {
    const total = bytes.length * 8;
    for (let tries = 0; tries < Math.min(12, total - lead); tries++) {
      const mutant = bytes.slice();
      const bit = this.#rng.int(lead, total - 1);
      mutant[bit >> 3] = (mutant[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      if (this.#rng.chance(0.3)) {
        const other = this.#rng.int(lead, total - 1);
        mutant[other >> 3] = (mutant[other >> 3] ?? 0) ^ (1 << (other & 7));
      }
      const r = new BitReader(mutant);
      r.read(lead);
      this.#decoder.decode(r, before, this.#tick, this.#spare);
      this.#totals.flips++;
      if (r.failed || !r.align() || r.remaining > 0) continue;
      this.#totals.flipsAccepted++;
      const again = this.#encodeAgain(before, this.#spare, mutant, lead);
      if (!same(again, mutant)) expect(again).toEqual(mutant);
    }
  }
}

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

const same = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

describe('snapshots of random worlds', () => {
  test('[S2] [S3] [W1] [W2] decode to what the server remembers, within the budget, in one encoding', () => {
    const totals: Totals = {
      snapshots: 0,
      rows: 0,
      deferred: 0,
      lost: 0,
      fromEmpty: 0,
      beyondWindow: 0,
      flips: 0,
      flipsAccepted: 0,
    };
    fc.assert(
      fc.property(
        games,
        fc.integer({ min: 0, max: 2 ** 31 }),
        fc.integer({ min: 5, max: 110 }),
        (game, seed, steps) => {
          const chain = new Chain(game, seed, totals);
          for (let i = 0; i < steps; i++) chain.step();
        },
      ),
      runs(120),
    );
    console.log('snapshots', JSON.stringify(totals));
    // Rows that waited for 256 ticks and more are rare: the quick check may see none.
    if (EFFORT === 1) expect(totals.beyondWindow).toBeGreaterThan(0);
    expect(totals.deferred).toBeGreaterThan(0);
    expect(HEADER_WORDS).toBe(3);
  });
});
