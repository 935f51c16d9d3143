/** What the server did with what it was sent. Nothing is dropped without one of these moving. */

import type {
  HandshakeRefusal,
  MessageRefusal,
  RefusalCode,
  RequestFailure,
} from '@tickwire/netcode/internal';
import { type EventCounters, newEventCounters } from './events.ts';
import type { PacketRefusal } from './session.ts';
import type { ViewCounters } from './views.ts';

export type DatagramRefusal =
  | PacketRefusal
  | HandshakeRefusal
  | 'unknown-kind'
  | 'empty'
  | 'oversized'
  | 'unknown-connection'
  /** The shell was told to close it. */
  | 'closed-connection'
  | 'no-session';

export interface ServerCounters extends ViewCounters {
  datagramsIn: number;
  datagramsOut: number;
  bytesIn: number;
  bytesOut: number;
  accepted: number;
  /** Why datagrams were not accepted. `datagramsIn` is `accepted` plus the sum of these. */
  readonly refused: Partial<Record<DatagramRefusal, number>>;
  /** Why players were not let in. */
  readonly turnedAway: Partial<Record<RefusalCode, number>>;
  readonly messagesRefused: Partial<Record<MessageRefusal, number>>;
  /** Messages that rules sent to somebody whose queue was full or who has left, or that could not be packed. */
  messagesLost: number;
  /** Messages of players at which the game's handler threw. */
  messagesFailed: number;
  /** Requests of players, by what they were answered. */
  readonly answered: Partial<Record<'answered' | RequestFailure, number>>;
  /** Answers to players who have left, loaded their page again, or whose queue was full. */
  answersLost: number;
  readonly events: EventCounters;
  probesSent: number;
  /** Snapshots not sent because the transport still held bytes, or the peer is not heard from. */
  snapshotsSkipped: number;
  /** Snapshots not sent because the client's cap, or what its path takes, had no room for one of any use. */
  snapshotsThrottled: number;
  /** Answers to hellos and goodbyes that a client's cap had no room for. A client asks again. */
  answersThrottled: number;
  ticksDropped: number;
}

export const newCounters = (): ServerCounters => ({
  datagramsIn: 0,
  datagramsOut: 0,
  bytesIn: 0,
  bytesOut: 0,
  accepted: 0,
  refused: {},
  turnedAway: {},
  messagesRefused: {},
  messagesLost: 0,
  messagesFailed: 0,
  answered: {},
  answersLost: 0,
  events: newEventCounters(),
  probesSent: 0,
  snapshotsSkipped: 0,
  snapshotsThrottled: 0,
  answersThrottled: 0,
  ticksDropped: 0,
  viewsClamped: 0,
  viewsForged: 0,
});

/** Adds one to a counter that may not exist yet. */
export function count<K extends string>(counters: Partial<Record<K, number>>, key: K): void {
  counters[key] = (counters[key] ?? 0) + 1;
}
