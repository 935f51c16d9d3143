/** @colyseus/schema 5: with a `StateView` per client, and as one broadcast for all. */

import { Decoder, Encoder, type MapSchema, type SchemaType, StateView, schema, t } from '@colyseus/schema';
import type { Scenario } from '../workload/scenarios.ts';
import { HP, ROT, ST, UNIT_FIELDS, unitId, VX, VY, WORDS, X, Y } from '../workload/world.ts';
import { type Codec, type CodecType, type Frame, sampleClients } from './codec.ts';
import { differenceOf } from './truth.ts';

/** The narrowest types that hold the values: positions have 17 bits. */
const Unit = schema(
  {
    x: t.uint32(),
    y: t.uint32(),
    rot: t.int16(),
    vx: t.int16(),
    vy: t.int16(),
    hp: t.uint8(),
    st: t.uint8(),
  },
  'Unit',
);
type Unit = SchemaType<typeof Unit>;

const ViewedState = schema({ units: t.map(Unit).view() }, 'ViewedState');
const SharedState = schema({ units: t.map(Unit) }, 'SharedState');
type State = SchemaType<typeof SharedState>;

/** The state as the game writes it, and the clients that mirror it. */
abstract class Colyseus implements Codec {
  readonly clients: readonly number[];
  readonly lossy = false;
  protected readonly encoder: Encoder;
  protected readonly units: Unit[];
  protected readonly packets: Uint8Array[] = [];
  protected readonly decoders: (Decoder | undefined)[] = [];
  readonly #keys: string[];
  #written = false;

  constructor(scenario: Scenario, state: State, mirror: () => State) {
    this.clients = sampleClients(scenario, scenario.clients);
    // Larger than any packet, as the library advises, so that it never has to grow.
    Encoder.BUFFER_SIZE = 1 << 20;
    this.encoder = new Encoder(state);
    this.#keys = Array.from({ length: scenario.units }, (_, i) => String(unitId(i)));
    this.units = this.#keys.map((key) => {
      const unit = new Unit();
      state.units.set(key, unit);
      return unit;
    });
    for (const client of sampleClients(scenario, scenario.decoded)) {
      this.decoders[client] = new Decoder(mirror());
    }
  }

  write({ world: { rows, changed, count } }: Frame): void {
    for (let i = 0; i < count; i++) {
      if (changed[i] === 0 && this.#written) continue;
      const unit = this.units[i] as Unit;
      const at = i * WORDS;
      // Writing an equal value is not a change: the setters compare.
      unit.x = rows[at + X] ?? 0;
      unit.y = rows[at + Y] ?? 0;
      unit.rot = rows[at + ROT] ?? 0;
      unit.vx = rows[at + VX] ?? 0;
      unit.vy = rows[at + VY] ?? 0;
      unit.hp = rows[at + HP] ?? 0;
      unit.st = rows[at + ST] ?? 0;
    }
    this.#written = true;
  }

  abstract encode(frame: Frame, from: number, to: number): void;

  packet(client: number): Uint8Array {
    return this.packets[client] as Uint8Array;
  }

  decode(_: Frame, client: number, packet: Uint8Array): void {
    this.decoders[client]?.decode(packet);
  }

  difference({ world, interest }: Frame, client: number): string | undefined {
    const set = interest.sets[client];
    const held = (this.decoders[client]?.state as State | undefined)?.units as MapSchema<Unit> | undefined;
    if (set === undefined || held === undefined) return 'no state';
    return differenceOf(world, set, held.size, (_, unit, word) => {
      const mirror = held.get(this.#keys[unit] ?? '');
      return mirror?.[UNIT_FIELDS[word] as keyof Unit] as number | undefined;
    });
  }
}

class Views extends Colyseus {
  readonly #views: StateView[];
  readonly #it = { offset: 0 };
  #sharedOffset = 0;
  #joined = false;

  constructor(scenario: Scenario) {
    super(scenario, new ViewedState() as unknown as State, () => new ViewedState() as unknown as State);
    this.#views = this.clients.map(() => new StateView());
  }

  encode({ interest }: Frame, from: number, to: number): void {
    const { encoder } = this;
    const it = this.#it;
    if (from === 0) {
      it.offset = 0;
      if (this.#joined) encoder.encode(it);
      else encoder.encodeAll(it);
      this.#sharedOffset = it.offset;
    }
    for (let i = from; i < to; i++) {
      const view = this.#views[i] as StateView;
      const set = interest.sets[i];
      if (set === undefined) continue;
      for (const unit of set.left) view.remove(this.units[unit] as Unit);
      for (const unit of set.entered) view.add(this.units[unit] as Unit);
      // Every view is written to the same place: what it gives back is a copy.
      it.offset = this.#sharedOffset;
      this.packets[i] = this.#joined
        ? encoder.encodeView(view, this.#sharedOffset, it)
        : encoder.encodeAllView(view, this.#sharedOffset, it);
    }
    if (to < this.clients.length) return;
    encoder.discardChanges();
    this.#joined = true;
  }
}

class Broadcast extends Colyseus {
  readonly #it = { offset: 0 };
  #joined = false;

  constructor(scenario: Scenario) {
    super(scenario, new SharedState(), () => new SharedState());
  }

  encode(_: Frame, from: number, to: number): void {
    if (from === 0) {
      const it = this.#it;
      it.offset = 0;
      const bytes = this.#joined ? this.encoder.encode(it) : this.encoder.encodeAll(it);
      // The encoder's buffer is used again; a server sends a copy to all.
      const packet = bytes.slice();
      for (const client of this.clients) this.packets[client] = packet;
    }
    if (to < this.clients.length) return;
    this.encoder.discardChanges();
    this.#joined = true;
  }
}

export const colyseusView: CodecType = {
  name: 'colyseus-view',
  refuses: () => undefined,
  create: (scenario) => new Views(scenario),
};

export const colyseusBroadcast: CodecType = {
  name: 'colyseus-broadcast',
  refuses: (scenario) => (scenario.side === 0 ? undefined : 'a broadcast shows everything to everybody'),
  create: (scenario) => new Broadcast(scenario),
};
