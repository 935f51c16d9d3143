/** What the benchmark asks of a codec: a server half that writes every client's packet of a tick, and client halves that read them. */

import type { AckSchedule } from '../workload/acks.ts';
import type { Interest } from '../workload/interest.ts';
import type { Scenario } from '../workload/scenarios.ts';
import type { UnitWorld } from '../workload/world.ts';

/** One tick of the workload, the same for all codecs. */
export interface Frame {
  readonly world: UnitWorld;
  readonly interest: Interest;
  readonly acks: AckSchedule;
}

export interface Codec {
  /** The clients that this codec serves: all, or an even sample where each packet stands for itself. */
  readonly clients: readonly number[];
  /** True when packets may be lost, and are coded against what the client acknowledged. Others get a perfect, ordered channel. */
  readonly lossy: boolean;
  /** A tick without clients, for a server half that remembers many ticks. */
  settle?(frame: Frame): void;
  /** The game's own writes of this tick, in the form that the codec wants them. */
  write(frame: Frame): void;
  /**
   * Everything else a server does for `clients[from]` .. `clients[to - 1]` in this tick. Called over all clients in order; work
   * for all of them belongs to the call with `from` 0.
   */
  encode(frame: Frame, from: number, to: number): void;
  /** The packet of a client, written in this tick. */
  packet(client: number): Uint8Array;
  /** Reads and applies a packet at a client that has a client half. */
  decode(frame: Frame, client: number, packet: Uint8Array): void;
  /** Undefined when the client holds exactly its visible units; else what differs. */
  difference(frame: Frame, client: number): string | undefined;
  /** More figures for the report. */
  figures?(): Record<string, number>;
}

export interface CodecType {
  readonly name: string;
  /** Tickwire's own: bench/budget.json holds its packets to their size. */
  readonly ours?: boolean;
  /** Undefined when this codec can play the scenario; else why not. */
  refuses(scenario: Scenario): string | undefined;
  create(scenario: Scenario): Codec;
}

/** `count` clients of the scenario, spread evenly. */
export function sampleClients(scenario: Scenario, count: number): number[] {
  const size = Math.min(count, scenario.clients);
  return Array.from({ length: size }, (_, i) => Math.floor((i * scenario.clients) / size));
}
