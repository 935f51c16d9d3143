/** Tickwire's snapshots: the world is saved to history, each client's packet is coded against what it acknowledged. */

import {
  BASELINE_BITS,
  BitReader,
  BitWriter,
  type GameSchema,
  HELD_WINDOW_TICKS,
  HeldSet,
  History,
  newReplica,
  plainRelevance,
  type Replica,
  type RowSet,
  type SavedWorld,
  type SnapshotCodec,
  SnapshotDecoder,
  SnapshotEncoder,
  Viewer,
  WorldCore,
} from '@tickwire/netcode/internal';
import { CELL, MARGIN } from '../workload/interest.ts';
import type { Scenario } from '../workload/scenarios.ts';
import {
  HP,
  POSITION_SCALE,
  ROT,
  ST,
  UNIT,
  unitId,
  VELOCITY_SCALE,
  VX,
  VY,
  WORDS,
  workloadGame,
  X,
  Y,
} from '../workload/world.ts';
import { type Codec, type CodecType, type Frame, sampleClients } from './codec.ts';
import { differenceOf, type UnitRecord } from './truth.ts';

/** Snapshots that both halves remember: enough for every baseline here, and for what small snapshots expect motion from. */
const KEPT_TICKS = 40;
/** Room for a packet that carries every unit anew. */
const ROOM_BYTES_PER_UNIT = 20;
const UNLIMITED_BITS = 2 ** 30;
/** Radians per stored step of a heading. */
const HEADING_STEP = (2 * Math.PI) / 1024;

/** A unit as game code writes it. */
type UnitRow = Omit<UnitRecord, 'id'>;

class Tickwire implements Codec {
  readonly clients: readonly number[];
  readonly lossy = true;
  readonly #schema: GameSchema;
  readonly #core: WorldCore;
  readonly #history = new History<SavedWorld>(HELD_WINDOW_TICKS + 1);
  readonly #encoder: SnapshotEncoder;
  readonly #decoder: SnapshotDecoder;
  /** What a client looks at: a square around its own unit. One object for all. */
  readonly #area: { x: number; y: number; width: number; height: number };
  readonly #units: UnitRow[];
  #written = false;
  readonly #seats: Seat[];
  /** One request object is used for all: the encoder keeps nothing of it. */
  readonly #request: { -readonly [K in keyof Request]: Request[K] };
  readonly #reader = new BitReader();
  /** Per client, the tick it is known to hold; 0 for none. A server learns it as packets come in. */
  readonly #known: Int32Array;

  constructor(scenario: Scenario, codec: SnapshotCodec) {
    const { schema } = workloadGame(scenario.side === 0 ? undefined : { cell: CELL, margin: MARGIN });
    this.#schema = schema;
    this.#core = new WorldCore(schema, false);
    this.#encoder = new SnapshotEncoder(schema, this.#history, plainRelevance(schema.rows.map(() => 1)));
    this.#decoder = new SnapshotDecoder(schema);
    this.#area = { x: 0, y: 0, width: scenario.side, height: scenario.side };
    this.clients = sampleClients(scenario, scenario.clients);
    this.#known = new Int32Array(scenario.clients);
    const decoded = new Set(sampleClients(scenario, scenario.decoded));
    this.#seats = this.clients.map((client) => new Seat(scenario, decoded.has(client)));
    const table = this.#core.table(UNIT);
    this.#core.open(-1);
    for (let i = 0; i < scenario.units; i++) table.insert(unitId(i), 0);
    this.#core.close();
    this.#units = Array.from({ length: scenario.units }, (_, i) => table.at(i) as unknown as UnitRow);
    const world = this.#core.newSave();
    this.#request = {
      world,
      baseline: undefined,
      previous: undefined,
      viewer: new Viewer(1),
      budgetBits: UNLIMITED_BITS,
      codec,
      sent: { get: () => undefined },
      into: new HeldSet(schema.rows),
    };
  }

  settle(frame: Frame): void {
    this.write(frame);
    this.#save(frame.world.tick);
  }

  write({ world, acks }: Frame): void {
    const { rows, changed, count, tick } = world;
    this.#core.open(-1);
    for (let i = 0; i < count; i++) {
      if (changed[i] === 0 && this.#written) continue;
      const unit = this.#units[i] as UnitRow;
      const at = i * WORDS;
      unit.x = (rows[at + X] ?? 0) / POSITION_SCALE;
      unit.y = (rows[at + Y] ?? 0) / POSITION_SCALE;
      unit.rot = (rows[at + ROT] ?? 0) * HEADING_STEP;
      unit.vx = (rows[at + VX] ?? 0) / VELOCITY_SCALE;
      unit.vy = (rows[at + VY] ?? 0) / VELOCITY_SCALE;
      unit.hp = rows[at + HP] ?? 0;
      unit.st = rows[at + ST] ?? 0;
    }
    this.#core.close();
    this.#written = true;
    this.#core.tick = tick;
    for (const client of this.clients) this.#known[client] = acks.baseline(client);
  }

  encode({ world }: Frame, from: number, to: number): void {
    const { tick } = world;
    const { rows, grid } = this.#schema;
    const request = this.#request;
    if (from === 0) this.#save(tick);
    for (let i = from; i < to; i++) {
      const seat = this.#seats[i] as Seat;
      const known = this.#known[i] ?? 0;
      request.baseline = known === 0 ? undefined : seat.held.get(known);
      request.previous = seat.previous;
      request.viewer = seat.viewer;
      request.sent = seat.held;
      if (grid !== undefined) {
        const own = this.#units[i] as UnitRow;
        this.#area.x = own.x;
        this.#area.y = own.y;
        seat.viewer.look(grid, this.#area);
      }
      const into = seat.held.recycle(tick) ?? new HeldSet(rows);
      request.into = into;
      seat.writer.reset();
      seat.writer.write(request.baseline === undefined ? 0 : tick - known, BASELINE_BITS);
      this.#encoder.encode(seat.writer, request);
      seat.bytes = seat.writer.finish();
      seat.held.set(tick, into);
      seat.previous = into;
    }
  }

  /** The world goes to history, and what all clients share of it is prepared. */
  #save(tick: number): void {
    const save = this.#history.recycle(tick) ?? this.#core.newSave();
    this.#core.save(save);
    this.#history.set(tick, save);
    this.#encoder.begin(save);
    this.#request.world = save;
  }

  packet(client: number): Uint8Array {
    const seat = this.#seats[client] as Seat;
    return seat.writer.bytes.subarray(0, seat.bytes);
  }

  decode({ world: { tick } }: Frame, client: number, packet: Uint8Array): void {
    const replicas = this.#seats[client]?.replicas as History<Replica>;
    const r = this.#reader.open(packet, 0, packet.length);
    const age = r.read(BASELINE_BITS);
    const into = replicas.recycle(tick) ?? newReplica(this.#schema, 1);
    this.#decoder.decode(r, age === 0 ? undefined : replicas.get(tick - age), tick, into, replicas);
    if (r.align() && !r.failed) replicas.set(tick, into);
  }

  difference({ world, interest }: Frame, client: number): string | undefined {
    const replica = this.#seats[client]?.replicas?.get(world.tick);
    const set = interest.sets[client];
    if (replica === undefined || set === undefined) return 'the snapshot cannot be read';
    const rows = replica.tables[UNIT] as RowSet;
    const first = rows.schema.cutAt - WORDS;
    return differenceOf(world, set, rows.count, (index, unit, word) =>
      rows.id(index) === unitId(unit) ? rows.data[index * rows.schema.stride + first + word] : undefined,
    );
  }
}

type Request = Parameters<SnapshotEncoder['encode']>[1];

/** One client as the server knows it, and its client half. */
class Seat {
  /** Seat 1 for all: no unit belongs to a player. */
  readonly viewer = new Viewer(1);
  readonly writer: BitWriter;
  readonly held = new History<HeldSet>(KEPT_TICKS);
  readonly replicas: History<Replica> | undefined;
  previous: HeldSet | undefined;
  bytes = 0;

  constructor(scenario: Scenario, decodes: boolean) {
    const visible = scenario.side === 0 ? scenario.units : Math.min(scenario.units, 1_000);
    this.writer = new BitWriter(new Uint8Array(64 + visible * ROOM_BYTES_PER_UNIT));
    this.replicas = decodes ? new History(KEPT_TICKS) : undefined;
  }
}

const tickwire = (codec: SnapshotCodec): CodecType => ({
  name: `tickwire-${codec}`,
  ours: true,
  refuses: () => undefined,
  create: (scenario) => new Tickwire(scenario, codec),
});

export const tickwireSmall = tickwire('small');
export const tickwireFast = tickwire('fast');
