// One random world, and clients with lossy links to it. Every snapshot is checked bit by bit against plain code.

import { Rng } from '@tickwire/netcode';
import {
  type Area,
  BitReader,
  BitWriter,
  type Game,
  HELD_WINDOW_TICKS,
  HeldSet,
  History,
  heldRows,
  MAX_DATAGRAM_BYTES,
  newReplica,
  type Relevance,
  type Replica,
  type RowSet,
  type SavedWorld,
  type SnapshotCodec,
  SnapshotDecoder,
  SnapshotEncoder,
  Viewer,
  WorldCore,
} from '@tickwire/netcode/internal';
import { expect } from 'vitest';
import { firstDifference } from '../../packages/netcode/src/simulation/rows.ts';
import { maskedRow, type Secrets } from '../../packages/netcode/src/simulation/secrets.ts';
import { MARK, OWNER } from '../../packages/netcode/src/wire/schema.ts';
import { scatter } from './arbitrary.ts';
import { Eyes, Places, type Rules, type Sight } from './eyes.ts';
import { type Replicas, writeSnapshot } from './reference.ts';

/** Snapshots after which a baseline cannot be named any more. */
const MAX_AGE = 63;

/** A baseline up to this old must be usable: what it holds whole may be 32 ticks older still. */
const USABLE_TICKS = HELD_WINDOW_TICKS - 32 - 12;

/** The smallest budget that a packet leaves is far above this, and what the lists cost that a client may be shown. */
const SMALLEST_BUDGET_BITS = 4 * 64;

/** Bits that say nothing of a row: per table, per list, and around a row. */
const TABLE_BITS = 24;
const LIST_BITS = 2;
const ROW_BITS = 64;

export class Totals {
  snapshots = 0;
  small = 0;
  /** Snapshots of the other codec than their baseline. */
  switched = 0;
  rows = 0;
  deferred = 0;
  lost = 0;
  fromEmpty = 0;
  beyondWindow = 0;
  complete = 0;
  own = 0;
  entered = 0;
  left = 0;
  told = 0;
  flips = 0;
  flipsAccepted = 0;
}

export interface ChainOptions {
  /** Clients of the one encoder. Default 1. With several each is compared with an encoder of its own. */
  readonly clients?: number;
}

/** Everything about one client: its link, and what both sides remember. */
class Client {
  readonly viewer: Viewer;
  readonly eyes: Eyes;
  readonly rng: Rng;
  readonly replicas = new Map<number, Replica>();
  readonly sent = new Map<number, HeldSet>();
  readonly codecs = new Map<number, SnapshotCodec>();
  readonly seen = new Map<number, Sight>();
  /** Snapshots between a sending and its acknowledgement. */
  readonly delay: number;
  readonly isSpectator: boolean;
  previous: HeldSet | undefined;
  private: SnapshotEncoder | undefined;
  x = 0;
  y = 0;
  #bad = false;

  constructor(seat: number, seed: number) {
    this.viewer = new Viewer(seat);
    this.eyes = new Eyes(seat);
    this.rng = new Rng(seed, 9, seat);
    this.delay = this.rng.chance(0.5) ? 0 : this.rng.int(1, 6);
    this.isSpectator = this.rng.chance(0.2);
  }

  /** Three of ten snapshots are lost, five in a row on average. */
  loses(): boolean {
    this.#bad = this.#bad ? !this.rng.chance(0.2) : this.rng.chance(0.6 / 7);
    return this.#bad;
  }
}

export class Chain {
  readonly #world: WorldCore;
  readonly #game: Game;
  readonly #rng: Rng;
  readonly #totals: Totals;
  readonly #rules: Rules;
  readonly #relevance: Relevance;
  readonly #places: Places;
  readonly #clients: readonly Client[];
  readonly #encoder: SnapshotEncoder;
  readonly #decoder: SnapshotDecoder;
  readonly #spare: Replica;
  readonly #size: number;
  readonly #dice: number;
  /** As the room keeps it: old worlds are overwritten. */
  readonly #history: History<SavedWorld>;
  /** Forgets nothing. */
  readonly #truth = new Map<number, SavedWorld>();
  #tick: number;
  #asleep = 0;
  readonly #again = new BitWriter(new Uint8Array(2 * MAX_DATAGRAM_BYTES));

  constructor(game: Game, seed: number, totals: Totals, { clients = 1 }: ChainOptions = {}) {
    const { schema } = game;
    const { ticksPerSnapshot } = schema;
    this.#game = game;
    this.#rng = new Rng(seed);
    this.#totals = totals;
    this.#dice = this.#rng.u32();
    this.#world = new WorldCore(schema, false);
    this.#rules = this.#makeRules();
    this.#relevance = this.#makeRelevance();
    this.#places = new Places(game);
    this.#history = new History(
      Math.ceil(HELD_WINDOW_TICKS / ticksPerSnapshot) * ticksPerSnapshot + ticksPerSnapshot,
    );
    this.#encoder = new SnapshotEncoder(schema, this.#history, this.#relevance);
    this.#decoder = new SnapshotDecoder(schema);
    this.#spare = newReplica(schema, 1);
    this.#clients = Array.from({ length: clients }, (_, i) => new Client(i + 1, seed));
    if (clients > 1)
      for (const client of this.#clients)
        client.private = new SnapshotEncoder(schema, this.#history, this.#relevance);
    this.#size = this.#rng.int(1, this.#rng.chance(0.3) ? 60 : 20);
    const first = this.#rng.chance(0.2) ? Math.floor((2 ** 31 - 1e6) / ticksPerSnapshot) : 0;
    this.#tick = (first + this.#rng.int(0, 1000)) * ticksPerSnapshot;
  }

  step(): void {
    const { schema } = this.#game;
    this.#tick += schema.ticksPerSnapshot;
    this.#change();
    this.#world.tick = this.#tick;
    const saved = this.#history.recycle(this.#tick) ?? this.#world.newSave();
    this.#world.save(saved);
    this.#history.set(this.#tick, saved);
    const truth = this.#world.newSave();
    this.#world.save(truth);
    this.#truth.set(this.#tick, truth);
    // Now and then nobody is there to be sent anything, for up to 90 snapshots; worlds are kept all the same.
    if (this.#asleep > 0) {
      this.#asleep--;
      return;
    }
    if (this.#rng.chance(0.01)) this.#asleep = this.#rng.int(1, 90);
    this.#places.take(truth);
    this.#encoder.begin(saved);
    for (const client of this.#clients) client.private?.begin(saved);
    for (const client of this.#clients) {
      this.#look(client);
      client.seen.set(this.#tick, client.eyes.see(this.#game, truth, this.#places, this.#rules));
      this.#snapshot(client, saved);
    }
  }

  #makeRules(): Rules {
    const { rows } = this.#game.schema;
    const { visible = {} } = this.#game.definition;
    const dice = this.#dice;
    return {
      visible: (t) => {
        const name = rows[t]?.name ?? '';
        if (t <= 1 || !Object.hasOwn(visible, name)) return undefined;
        return (seat, id, tick) => scramble(dice + seat, id, Math.floor(tick / 8)) % 10 < 7;
      },
      teamOf: (seat, tick) => (scramble(dice, seat, Math.floor(tick / 32)) % 4) - 1,
    };
  }

  #makeRelevance(): Relevance {
    const { rows } = this.#game.schema;
    const dice = this.#dice;
    const rules = this.#rules;
    const now = (): number => this.#tick;
    return {
      weights: rows.map((_, t) => 1 + (t % 3)),
      visible: rows.map((_, t) => {
        const rule = rules.visible(t);
        return rule === undefined ? undefined : (viewer, id) => rule(viewer.seat, id, now());
      }),
      predicted: rows.map((_, t) =>
        t > 1 && (dice >> t) % 4 === 1 ? (viewer, id) => (id + viewer.seat) % 6 === 0 : undefined,
      ),
      priority: rows.map((_, t) =>
        t > 1 && (dice >> t) % 3 === 0 ? (_viewer, id) => (id * 7) % 5 : undefined,
      ),
      teamOf: (seat) => rules.teamOf(seat, now()),
    };
  }

  /** Wanders about, as circles and rectangles of all sizes; now and then there is nothing to look at. */
  #look(client: Client): void {
    const { viewer, eyes, rng, isSpectator } = client;
    viewer.team = this.#rules.teamOf(viewer.seat, this.#tick);
    const { grid } = this.#game.schema;
    const { cells } = this.#places;
    if (grid === undefined || cells === undefined) return;
    const [width, height] = [cells.columns * cells.size, cells.lines * cells.size];
    if (rng.chance(0.05))
      [client.x, client.y] = [rng.range(-0.1, 1.1) * width, rng.range(-0.1, 1.1) * height];
    client.x += rng.range(-0.3, 0.3) * cells.size;
    client.y += rng.range(-0.3, 0.3) * cells.size;
    const [x, y] = [cells.left + client.x, cells.top + client.y];
    const size = cells.size * rng.range(0.1, isSpectator ? 12 : 3);
    const area: Area | undefined = rng.chance(isSpectator ? 0.2 : 0.03)
      ? undefined
      : isSpectator
        ? { x, y, width: size, height: rng.range(0, 2) * size }
        : { x, y, radius: rng.chance(0.9) ? cells.size * 1.5 : size };
    viewer.look(grid, area);
    eyes.look(cells, area);
  }

  /** Moves, changes, spawns and despawns; now and then an id is born again at once. */
  #change(): void {
    const rng = this.#rng;
    for (let t = 0; t < this.#world.tables.length; t++) {
      if (t === 1) continue;
      this.#world.open(-1);
      const table = this.#world.table(t);
      for (let i = table.count - 1; i >= 0; i--) if (rng.chance(0.02)) table.removeAt(i);
      this.#world.close();
      this.#world.open(-1);
      this.#spawn(t);
      this.#move(t);
      this.#world.close();
    }
    const room = this.#world.table(1);
    for (let f = 0; f < room.schema.fields.length; f++)
      if (rng.chance(0.1)) scatter(room.schema, room.data, room.offset(0), f, rng, this.#tick);
  }

  #spawn(t: number): void {
    const rng = this.#rng;
    const table = this.#world.table(t);
    while (table.count < this.#size && rng.chance(0.5)) {
      const seat = t === 0 ? rng.int(1, rng.chance(0.5) ? 6 : 255) : rng.int(0, 5);
      const id = t === 0 ? seat * 65536 : this.#newId(seat);
      if (this.#world.tables.some((any) => any.get(id) !== undefined)) break;
      const row = table.insert(id, seat);
      for (let f = 0; f < table.schema.fields.length; f++)
        if (rng.chance(0.6)) scatter(table.schema, table.data, row.at, f, rng, this.#tick);
    }
  }

  #newId(seat: number): number {
    // A small range, so that ids are used again soon; the ends of the range too.
    const counter = this.#rng.chance(0.1) ? this.#rng.int(65_400, 65_534) : this.#rng.int(1, 200);
    return seat * 65536 + counter;
  }

  /** Most rows go on as expected, as the step would make them; some are changed, some of these a lot. */
  #move(t: number): void {
    const rng = this.#rng;
    const table = this.#world.table(t);
    const { schema, data } = table;
    const { ticksPerSnapshot } = this.#game.schema;
    for (let i = 0; i < table.count; i++) {
      const at = table.offset(i);
      for (const { field, at: word, followsAt, followsFactor } of schema.fields) {
        if (followsAt < 0) continue;
        for (let n = 0; n < ticksPerSnapshot; n++) {
          const moved =
            (data[at + word] ?? 0) + Math.floor((data[at + followsAt] ?? 0) * followsFactor + 0.5);
          data[at + word] = Math.max(field.lo, Math.min(field.hi, moved));
        }
      }
      if (!rng.chance(0.35)) continue;
      for (let changes = rng.int(1, 3); changes > 0; changes--)
        scatter(schema, data, at, rng.int(0, schema.fields.length - 1), rng, this.#tick);
    }
  }

  #snapshot(client: Client, world: SavedWorld): void {
    const { rng } = client;
    const { schema } = this.#game;
    const baseTick = this.#baselineTick(client);
    const lists = client.sent.get(baseTick ?? -1)?.tables.reduce((sum, { count }) => sum + count, 0) ?? 0;
    const least = SMALLEST_BUDGET_BITS + lists * LIST_BITS;
    const budgetBits = rng.chance(0.4) ? least + rng.int(0, 3_000) : (MAX_DATAGRAM_BYTES - 40) * 8;
    const lead = rng.int(0, 12);
    const leadBits = rng.u32();
    const codec: SnapshotCodec = rng.chance(0.5) ? 'small' : 'fast';
    const write = (encoder: SnapshotEncoder): { bytes: Uint8Array; bits: number; into: HeldSet } => {
      const into = new HeldSet(schema.rows);
      const w = new BitWriter(new Uint8Array(MAX_DATAGRAM_BYTES + 8));
      w.write(leadBits, lead);
      const baseline = baseTick === undefined ? undefined : client.sent.get(baseTick);
      const { previous, viewer } = client;
      const sent = { get: (tick: number) => client.sent.get(tick) };
      encoder.encode(w, { world, baseline, previous, viewer, budgetBits, codec, sent, into });
      check(!w.overflowed && w.bitLength - lead <= budgetBits, `${w.bitLength - lead} of ${budgetBits} bits`);
      const bits = w.bitLength;
      return { bytes: w.bytes.slice(0, w.finish()), bits, into };
    };
    const { bytes, bits, into } = write(this.#encoder);
    if (client.private !== undefined) {
      const alone = write(client.private);
      if (!same(alone.bytes, bytes)) expect(bytes).toEqual(alone.bytes);
      expect(alone.into.deferred).toBe(into.deferred);
    }
    client.previous = into;
    client.sent.set(this.#tick, into);
    client.codecs.set(this.#tick, codec);

    const before = baseTick === undefined ? undefined : client.replicas.get(baseTick);
    const replica = newReplica(schema, 1);
    const r = new BitReader(bytes);
    r.read(lead);
    this.#decoder.decode(r, before, this.#tick, replica, client.replicas);
    check(!r.failed && bytes.length * 8 - r.remaining === bits && r.align(), 'the snapshot was not read');
    this.#compare(replica, into);
    this.#checkSight(client, replica);
    if (into.deferred === 0) this.#checkComplete(client, replica);
    this.#checkOwn(client, replica, before, budgetBits);
    this.#count(client, replica, before, into, codec);

    const again = this.#encodeAgain(before, replica, bytes, lead, client.replicas);
    if (!same(again, bytes)) expect(again).toEqual(bytes);
    this.#flip(before, bytes, lead, client);
    this.#deliver(client, replica);
  }

  #deliver(client: Client, replica: Replica): void {
    const oldest = this.#tick - (MAX_AGE + 1) * this.#game.schema.ticksPerSnapshot;
    if (client.loses()) this.#totals.lost++;
    else client.replicas.set(this.#tick, replica);
    for (const tick of client.replicas.keys()) if (tick < oldest) client.replicas.delete(tick);
  }

  /** One of the snapshots that arrived: mostly the newest acknowledged, sometimes an old one, sometimes none. */
  #baselineTick({ rng, replicas, delay, sent }: Client): number | undefined {
    const { ticksPerSnapshot } = this.#game.schema;
    const oldest = this.#tick - MAX_AGE * ticksPerSnapshot;
    const newest = this.#tick - delay * ticksPerSnapshot;
    const held = [...replicas.keys()].filter((tick) => tick >= oldest && tick < newest);
    if (held.length === 0 || rng.chance(0.02)) return undefined;
    const chosen = held[rng.chance(0.8) ? held.length - 1 : rng.int(0, held.length - 1)] as number;
    if (this.#encoder.canUse(sent.get(chosen) as HeldSet)) return chosen;
    check(this.#tick - chosen > USABLE_TICKS, `a baseline of ${this.#tick - chosen} ticks was not usable`);
    return undefined;
  }

  /** [S3] bit for bit: ids, held ticks, masks and every sent field, against history that forgets nothing. */
  #compare(replica: Replica, into: HeldSet): void {
    replica.tables.forEach((rows, t) => {
      const held = heldRows(into, t, { get: (tick) => this.#encoder.frameAt(tick) });
      check(held.length === rows.count, `${held.length} rows are remembered, ${rows.count} are held`);
      held.forEach(({ id, held: tick, mask }, r) => {
        const at = r * rows.schema.stride;
        check(id === rows.id(r) && rows.data[at + MARK] === tick, `row ${r} is ${rows.id(r)}, not ${id}`);
        check(rows.data[at + OWNER] === id >> 16, `owner of ${id}`);
        const source = this.#truth.get(tick)?.tables[t] as RowSet;
        const told = maskedRow(this.#game.schema.secrets[t] as Secrets, source, source.offsetOf(id), mask);
        const field = firstDifference(rows.schema, rows.data, at, told, 0);
        check(field === undefined, `${rows.schema.name} ${id}.${field} differs, held at ${tick}`);
        if (replica.tick - tick > HELD_WINDOW_TICKS) this.#totals.beyondWindow++;
        if (mask !== 0) this.#totals.told++;
        this.#totals.rows++;
      });
    });
  }

  /** [S4] What is held is what plain code lets this client see at the held tick, secrets and all, and nothing else. */
  #checkSight({ seen }: Client, replica: Replica): void {
    replica.tables.forEach((rows, t) => {
      for (let r = 0; r < rows.count; r++) {
        const at = r * rows.schema.stride;
        const tick = rows.data[at + MARK] ?? -1;
        const row = seen.get(tick)?.[t]?.get(rows.id(r));
        check(row !== undefined, `${rows.schema.name} ${rows.id(r)} was not to be seen at ${tick}`);
        const field = firstDifference(rows.schema, rows.data, at, row as Int32Array, 0);
        check(field === undefined, `${rows.schema.name} ${rows.id(r)}.${field} is not for this client`);
      }
    });
  }

  #checkComplete({ seen }: Client, replica: Replica): void {
    this.#totals.complete++;
    const sight = seen.get(this.#tick);
    replica.tables.forEach((rows, t) => {
      const ids = Array.from({ length: rows.count }, (_, r) => rows.id(r));
      const all = [...(sight?.[t]?.keys() ?? [])];
      if (`${ids}` !== `${all}`) expect(ids, `${rows.schema.name}: nothing was deferred`).toEqual(all);
      for (let r = 0; r < rows.count; r++)
        check(rows.data[r * rows.schema.stride + MARK] === this.#tick, `${rows.id(r)} is old`);
    });
  }

  /** [S6] Rows of the client's own seat are of this tick, and own rows that are gone are gone: if they can fit at all. */
  #checkOwn(
    { seen, viewer }: Client,
    replica: Replica,
    before: Replica | undefined,
    budgetBits: number,
  ): void {
    const sight = seen.get(this.#tick);
    const isOwn = (id: number): boolean => id >> 16 === viewer.seat;
    let bits = replica.tables.length * TABLE_BITS;
    replica.tables.forEach((rows, t) => {
      const own = [...(sight?.[t]?.keys() ?? [])].filter(isOwn).length;
      const old = before?.tables[t];
      const held = Array.from({ length: old?.count ?? 0 }, (_, i) => old?.id(i) ?? 0).filter(isOwn).length;
      bits += own * worstBits(rows) + held * ROW_BITS;
      bits += ((before?.lists[t]?.count ?? 0) + viewer.count) * LIST_BITS;
    });
    if (bits > budgetBits / 2) return;
    replica.tables.forEach((rows, t) => {
      const own = new Set([...(sight?.[t]?.keys() ?? [])].filter(isOwn));
      for (let r = 0; r < rows.count; r++) {
        const id = rows.id(r);
        if (!isOwn(id)) continue;
        this.#totals.own++;
        const fresh = rows.data[r * rows.schema.stride + MARK] === this.#tick;
        check(fresh && own.delete(id), `own ${rows.schema.name} ${id} was deferred`);
      }
      check(own.size === 0, `own ${rows.schema.name} ${[...own]} is missing`);
    });
  }

  #count(
    { viewer, codecs }: Client,
    replica: Replica,
    before: Replica | undefined,
    into: HeldSet,
    codec: SnapshotCodec,
  ): void {
    const totals = this.#totals;
    totals.snapshots++;
    if (codec === 'small') totals.small++;
    if (before !== undefined && codecs.get(before.tick) !== codec) totals.switched++;
    totals.deferred += into.deferred;
    if (before === undefined) totals.fromEmpty++;
    else if (viewer.count > 0) {
      const [old, now] = [before, replica].map(
        ({ lists }) => new Set(lists.flatMap(({ keys, count }) => [...keys.subarray(0, count)])),
      );
      for (const key of now ?? []) if (old?.has(key) !== true) totals.entered++;
      for (const key of old ?? []) if (now?.has(key) !== true) totals.left++;
    }
  }

  #encodeAgain(
    before: Replica | undefined,
    after: Replica,
    bytes: Uint8Array,
    lead: number,
    held: Replicas,
  ): Uint8Array {
    const w = this.#again;
    w.reset();
    const r = new BitReader(bytes);
    w.write(r.read(lead), lead);
    writeSnapshot(w, this.#game.schema, before, after, r.readBool() ? 'small' : 'fast', held);
    return w.bytes.slice(0, w.finish());
  }

  /** [W2] Whatever the decoder accepts is the one encoding of what it decoded to. */
  #flip(before: Replica | undefined, bytes: Uint8Array, lead: number, { rng, replicas }: Client): void {
    const total = bytes.length * 8;
    for (let tries = 0; tries < Math.min(2, total - lead); tries++) {
      const mutant = bytes.slice();
      const bit = rng.int(lead, total - 1);
      mutant[bit >> 3] = (mutant[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      if (rng.chance(0.3)) {
        const other = rng.int(lead, total - 1);
        mutant[other >> 3] = (mutant[other >> 3] ?? 0) ^ (1 << (other & 7));
      }
      const r = new BitReader(mutant);
      r.read(lead);
      this.#decoder.decode(r, before, this.#tick, this.#spare, replicas);
      this.#totals.flips++;
      if (r.failed || !r.align() || r.remaining > 0) continue;
      this.#totals.flipsAccepted++;
      const again = this.#encodeAgain(before, this.#spare, mutant, lead, replicas);
      if (!same(again, mutant)) expect(again).toEqual(mutant);
    }
  }
}

/** More than a row can need, changed in every field. */
function worstBits({ schema }: RowSet): number {
  return schema.fields.reduce((bits, { field }) => bits + field.words * 36 + 8, ROW_BITS);
}

/** Any whole number from three. */
const scramble = (a: number, b: number, c: number): number => {
  let h = Math.imul(a ^ Math.imul(b, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return (h ^ (h >>> 12)) >>> 0;
};

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

const same = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);
