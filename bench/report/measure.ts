/** Plays one scenario with several codecs side by side: the same units, the same visible sets, the same lost packets. */

import { getHeapStatistics } from 'node:v8';
import type { Codec, CodecType, Frame } from '../codecs/codec.ts';
import { sampleClients } from '../codecs/codec.ts';
import { AckSchedule } from '../workload/acks.ts';
import { Interest } from '../workload/interest.ts';
import type { Scenario } from '../workload/scenarios.ts';
import { UnitWorld } from '../workload/world.ts';

export interface Row {
  readonly scenario: string;
  readonly codec: string;
  /** Payload bytes per client and tick. */
  readonly bytesPerClientTick: number;
  /** Server time per unit that a client sees, and per client, in one tick. */
  readonly nsPerPair: number;
  readonly usPerClientTick: number;
  /** The same for all clients together. */
  readonly encodeUsPerTick: number;
  /** Time for the game's own writes of one tick, with whatever the codec notes meanwhile. Not part of the figures above. */
  readonly applyUsPerTick: number;
  /** Client time for one packet: decoding and applying it. */
  readonly decodeUs: number;
  /** Bytes that the server half allocates. */
  readonly garbagePerPair: number;
  /** Every packet that arrived at a client half gave exactly the units it should. */
  readonly checked: boolean;
  readonly difference?: string;
  readonly entities: number;
  readonly clients: number;
  /** Units that a client sees, on average. */
  readonly visible: number;
  readonly ticks: number;
  readonly seed: number;
  readonly packetsChecked: number;
  readonly [more: string]: unknown;
}

export interface Plan {
  readonly seed: number;
  readonly ticks: number;
  /** Ticks before the first client joins, in which a server's history fills up. */
  readonly settle: number;
  /** Ticks before the first that counts: joins, compilers, the first acknowledgements. */
  readonly warmUp: number;
  /** Ticks after the last that counts, in which allocation is measured. */
  readonly garbageTicks: number;
  readonly progress?: (done: number, of: number) => void;
}

/** A codec at work, and what was seen of it so far. */
class Contender {
  readonly type: CodecType;
  readonly codec: Codec;
  readonly decoding: readonly number[];
  readonly nsPerPair: number[] = [];
  readonly applyUs: number[] = [];
  readonly encodeUs: number[] = [];
  readonly decodeUs: number[] = [];
  bytes = 0;
  packets = 0;
  pairs = 0;
  garbage = 0;
  garbagePairs = 0;
  packetsChecked = 0;
  difference: string | undefined;

  constructor(type: CodecType, scenario: Scenario) {
    this.type = type;
    this.codec = type.create(scenario);
    const halves = new Set(sampleClients(scenario, scenario.decoded));
    const served = this.codec.clients;
    this.decoding = served.length < scenario.clients ? served : served.filter((c) => halves.has(c));
  }

  encode(frame: Frame, counts: boolean): void {
    const { codec } = this;
    const start = performance.now();
    codec.write(frame);
    const written = performance.now();
    codec.encode(frame, 0, codec.clients.length);
    const us = (performance.now() - written) * 1e3;
    if (!counts) return;
    let pairs = 0;
    for (const client of codec.clients) {
      this.bytes += codec.packet(client).length;
      pairs += frame.interest.sets[client]?.count ?? 0;
    }
    this.packets += codec.clients.length;
    this.pairs += pairs;
    this.nsPerPair.push((us * 1e3) / pairs);
    this.applyUs.push((written - start) * 1e3);
    // A codec that serves a sample would take as long for each of the others.
    this.encodeUs.push((us * frame.interest.sets.length) / codec.clients.length);
  }

  /** The same work in slices, each after a collection of the young generation, so that none can run within. */
  encodeWatchingHeap(frame: Frame): void {
    const { codec } = this;
    const { sets } = frame.interest;
    codec.write(frame);
    collect('major');
    const total = codec.clients.length;
    const step = Math.max(1, Math.floor(SLICE_PAIRS / Math.max(1, sets[0]?.count ?? 1)));
    for (let from = 0; from < total; from += step) {
      const to = Math.min(total, from + step);
      collect('minor');
      const before = allocated();
      codec.encode(frame, from, to);
      const grown = allocated() - before - HEAP_PROBE;
      this.garbage += Math.max(0, grown);
      for (let i = from; i < to; i++) this.garbagePairs += sets[codec.clients[i] ?? 0]?.count ?? 0;
    }
  }

  decode(frame: Frame, counts: boolean): void {
    const { codec } = this;
    const arrived = this.decoding.filter((client) => !codec.lossy || frame.acks.delivered(client));
    const packets = arrived.map((client) => codec.packet(client));
    const start = performance.now();
    for (let i = 0; i < arrived.length; i++)
      codec.decode(frame, arrived[i] as number, packets[i] as Uint8Array);
    const us = (performance.now() - start) * 1e3;
    if (counts && arrived.length > 0) this.decodeUs.push(us / arrived.length);
    for (const client of arrived) {
      const difference = codec.difference(frame, client);
      if (difference === undefined) this.packetsChecked++;
      else this.difference ??= `tick ${frame.world.tick}, client ${client}: ${difference}`;
    }
  }

  row(scenario: Scenario, plan: Plan): Row {
    return {
      scenario: scenario.name,
      codec: this.type.name,
      bytesPerClientTick: round(this.bytes / this.packets, 1),
      nsPerPair: round(median(this.nsPerPair), 2),
      usPerClientTick: round(median(this.encodeUs) / scenario.clients, 3),
      encodeUsPerTick: round(median(this.encodeUs), 1),
      applyUsPerTick: round(median(this.applyUs), 1),
      decodeUs: round(median(this.decodeUs), 2),
      garbagePerPair: this.garbagePairs === 0 ? 0 : round(this.garbage / this.garbagePairs, 3),
      checked: this.difference === undefined && this.packetsChecked > 0,
      ...(this.difference === undefined ? {} : { difference: this.difference }),
      entities: scenario.units,
      clients: scenario.clients,
      visible: round(this.pairs / this.packets, 1),
      ticks: plan.ticks,
      seed: plan.seed,
      packetsChecked: this.packetsChecked,
      ...this.codec.figures?.(),
    };
  }
}

/** One row per codec. Codecs take turns within each tick, and the turn goes round, so that none always runs first. */
export function measure(scenario: Scenario, types: readonly CodecType[], plan: Plan): Row[] {
  if (types.length === 0) return [];
  const world = new UnitWorld(scenario.units, plan.seed);
  const interest = new Interest(scenario);
  const acks = new AckSchedule(scenario.clients, plan.seed);
  const frame: Frame = { world, interest, acks };
  const contenders = types.map((type) => new Contender(type, scenario));
  const first = plan.settle + plan.warmUp;
  const end = first + plan.ticks;
  for (let tick = 1; tick <= plan.settle; tick++) {
    world.step();
    interest.place(world);
    for (const { codec } of contenders) codec.settle?.(frame);
  }
  for (let tick = plan.settle + 1; tick <= end + plan.garbageTicks; tick++) {
    world.step();
    interest.update(world);
    acks.next(tick);
    const counts = tick > first && tick <= end;
    for (let k = 0; k < contenders.length; k++) {
      const contender = contenders[(tick + k) % contenders.length] as Contender;
      if (tick > end) contender.encodeWatchingHeap(frame);
      else contender.encode(frame, counts);
      contender.decode(frame, counts);
    }
    plan.progress?.(tick - plan.settle, end + plan.garbageTicks - plan.settle);
  }
  return contenders.map((contender) => contender.row(scenario, plan));
}

/** Pairs per slice: a few megabytes at the most wasteful codec, well within the young generation. */
const SLICE_PAIRS = 4_000;

type Collect = (options: { type: 'minor' | 'major' }) => void;

function collect(type: 'minor' | 'major'): void {
  (globalThis as { gc?: Collect }).gc?.({ type });
}

function allocated(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

/** What asking costs by itself. */
const HEAP_PROBE = ((): number => {
  const costs: number[] = [];
  for (let i = 0; i < 50; i++) {
    const before = allocated();
    costs.push(allocated() - before);
  }
  return median(costs);
})();

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
