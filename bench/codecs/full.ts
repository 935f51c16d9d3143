/** Codecs that write the full state of the visible units each time: JSON, msgpackr and geckos' typed-array schema. */

import { BufferSchema, int16, Model, uint8, uint16, uint32 } from '@geckos.io/typed-array-buffer-schema';
import { clamp } from '@tickwire/netcode';
// Comes with the packages: as a dependency of the root as well, npm could not lock its optional binaries.
import { Packr } from 'msgpackr';
import type { Scenario } from '../workload/scenarios.ts';
import { HP, ROT, ST, unitId, VX, VY, WORDS, X, Y } from '../workload/world.ts';
import { type Codec, type CodecType, type Frame, sampleClients } from './codec.ts';
import { recordsDiffer, type UnitRecord } from './truth.ts';

/** Each packet stands for itself, so a sample of the clients tells as much as all of them: this many units per tick. */
const SAMPLE_UNITS = 8_000;
const SAMPLE_CLIENTS = 32;

/** Packs a list of units, and unpacks what it packed. */
interface Packing {
  pack(units: UnitRecord[]): Uint8Array;
  unpack(packet: Uint8Array): UnitRecord[];
}

class FullState implements Codec {
  readonly clients: readonly number[];
  readonly lossy = false;
  readonly #packing: Packing;
  readonly #records: UnitRecord[];
  #written = false;
  readonly #packets: Uint8Array[] = [];
  readonly #decoded: UnitRecord[][] = [];

  constructor(scenario: Scenario, packing: Packing) {
    const visible = scenario.side === 0 ? scenario.units : SAMPLE_UNITS / SAMPLE_CLIENTS;
    this.clients = sampleClients(scenario, clamp(Math.floor(SAMPLE_UNITS / visible), 2, SAMPLE_CLIENTS));
    this.#packing = packing;
    this.#records = Array.from({ length: scenario.units }, (_, i) => ({
      id: unitId(i),
      x: 0,
      y: 0,
      rot: 0,
      vx: 0,
      vy: 0,
      hp: 0,
      st: 0,
    }));
  }

  write({ world: { rows, changed, count } }: Frame): void {
    for (let i = 0; i < count; i++) {
      if (changed[i] === 0 && this.#written) continue;
      const record = this.#records[i] as UnitRecord;
      const at = i * WORDS;
      record.x = rows[at + X] ?? 0;
      record.y = rows[at + Y] ?? 0;
      record.rot = rows[at + ROT] ?? 0;
      record.vx = rows[at + VX] ?? 0;
      record.vy = rows[at + VY] ?? 0;
      record.hp = rows[at + HP] ?? 0;
      record.st = rows[at + ST] ?? 0;
    }
    this.#written = true;
  }

  encode({ interest }: Frame, from: number, to: number): void {
    for (let i = from; i < to; i++) {
      const client = this.clients[i] ?? 0;
      const set = interest.sets[client];
      if (set === undefined) continue;
      const visible: UnitRecord[] = [];
      for (let k = 0; k < set.count; k++) visible.push(this.#records[set.units[k] ?? 0] as UnitRecord);
      this.#packets[client] = this.#packing.pack(visible);
    }
  }

  packet(client: number): Uint8Array {
    return this.#packets[client] as Uint8Array;
  }

  decode(_: Frame, client: number, packet: Uint8Array): void {
    this.#decoded[client] = this.#packing.unpack(packet);
  }

  difference({ world, interest }: Frame, client: number): string | undefined {
    const set = interest.sets[client];
    return set === undefined ? 'no such client' : recordsDiffer(world, set, this.#decoded[client] ?? []);
  }
}

function jsonPacking(): Packing {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  return {
    pack: (units) => encoder.encode(JSON.stringify(units)),
    unpack: (packet) => JSON.parse(decoder.decode(packet)) as UnitRecord[],
  };
}

/** The record structure is shared beforehand, so that packets carry values only. */
function msgpackrPacking(): Packing {
  const structures: string[][] = [['id', 'x', 'y', 'rot', 'vx', 'vy', 'hp', 'st']];
  const packr = new Packr({ structures });
  return {
    pack: (units) => packr.pack(units),
    unpack: (packet) => packr.unpack(packet) as UnitRecord[],
  };
}

/** The library's names are global, so the schema exists once. */
let geckosModel: Model | undefined;

function geckosPacking(): Packing {
  geckosModel ??= new Model(
    BufferSchema.schema('snapshot', {
      units: [
        BufferSchema.schema('unit', {
          id: uint16,
          x: uint32,
          y: uint32,
          rot: int16,
          vx: int16,
          vy: int16,
          hp: uint8,
          st: uint8,
        }),
      ],
    }),
    256, // kB: the largest packet of 10,000 units
  );
  const model = geckosModel;
  return {
    pack: (units) => new Uint8Array(model.toBuffer({ units })),
    unpack: (packet) => (model.fromBuffer(packet.buffer as ArrayBuffer) as { units: UnitRecord[] }).units,
  };
}

const full = (name: string, packing: () => Packing): CodecType => ({
  name,
  refuses: () => undefined,
  create: (scenario) => new FullState(scenario, packing()),
});

export const json = full('json', jsonPacking);
export const msgpackr = full('msgpackr', msgpackrPacking);
export const geckosSchema = full('geckos-schema', geckosPacking);
