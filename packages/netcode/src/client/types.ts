/** What a page gives to a client core and gets from it. */

import type { Millis } from '../base/units.ts';
import type { CloseReason, HandshakeRefusal, RefusalCode } from '../connection/handshake.ts';
import type { Transfer } from '../connection/transfer.ts';
import type { MessageRefusal } from '../simulation/messages.ts';
import type { Outcome } from '../simulation/requests.ts';
import type { TraceLimits } from '../trace/index.ts';
import type { EventStats, EventVerdict } from './events.ts';
import type { HealthCounts } from './health.ts';
import type { SnapshotRefusal } from './replicas.ts';

export interface ClientCoreOptions {
  readonly now: Millis;
  /** A fresh u32 per call. */
  readonly entropy: () => number;
  /** The player's name; the server gives one when it is empty. */
  readonly name?: string;
  readonly room?: string;
  /** Resume token of an earlier session, in hex. */
  readonly token?: string;
  /** Bytes of the server's transfers that may be held here at a time. Default 4 MiB. */
  readonly transferBytes?: number;
  /**
   * Steps that a correction may run again in one `advance`, 8 or more; what is left waits for the next one, while the former
   * prediction goes on. Default 64.
   */
  readonly maxReplay?: number;
  /**
   * Ticks, 0..60, that own commands wait before this client sees them; the server gets them as early as ever. Each one brings the
   * prediction a tick closer to the newest snapshot: fewer and smaller corrections, for a later answer to the player's hands. Default 0.
   */
  readonly inputDelay?: number;
  /** Most that is predicted past a snapshot, 100..1,500 ms. A longer path forces an input delay. Default 1,000. */
  readonly maxPrediction?: Millis;
  readonly development?: boolean;
  /** Record what is predicted, the last 30 s or as the limits say, for `trace()`. Default: while `development` is on. */
  readonly trace?: boolean | TraceLimits;
}

/** Things the page may care about. Ignoring one never breaks the protocol. */
export type ClientEvent =
  | { readonly type: 'joined'; readonly seat: number; readonly token: string; readonly resumed: boolean }
  | { readonly type: 'refused'; readonly code: RefusalCode; readonly message: string }
  | { readonly type: 'closed'; readonly reason: CloseReason }
  /** The server was not heard for 3 s. */
  | { readonly type: 'silent' }
  | { readonly type: 'heard' }
  | { readonly type: 'message'; readonly name: string; readonly payload: unknown }
  /** A one-shot event, to be shown now. `id` is not 0 while it is predicted only: its verdict follows under that number. */
  | {
      readonly type: 'event';
      readonly name: string;
      readonly fields: Readonly<Record<string, unknown>>;
      readonly tick: number;
      readonly owner: number;
      readonly predicted: boolean;
      readonly id: number;
    }
  /** The server has spoken about an event that was shown before. */
  | { readonly type: 'event-settled'; readonly id: number; readonly verdict: EventVerdict }
  /** An entity came into this client's sight. It is drawn once the view has reached it. */
  | { readonly type: 'enter'; readonly entity: string; readonly id: number }
  /** An entity is no longer held. `gone`: it does not exist any more; otherwise it left this client's sight. */
  | { readonly type: 'leave'; readonly entity: string; readonly id: number; readonly gone: boolean }
  /** What became of a request. */
  | { readonly type: 'answer'; readonly id: number; readonly name: string; readonly outcome: Outcome }
  /** The server sends something large: how far it is can be read from `transfer` at any time. */
  | { readonly type: 'transfer'; readonly transfer: Transfer }
  /** It has arrived, or it has failed. Those that this side sends end here too. */
  | { readonly type: 'transfer-ended'; readonly transfer: Transfer }
  | { readonly type: 'warning'; readonly message: string };

/** Why bytes from the server were not accepted. */
export type ClientRefusal =
  | HandshakeRefusal
  | 'unknown-kind'
  | 'empty'
  | 'unexpected'
  | 'truncated'
  | 'bad-value'
  | 'bad-ack'
  | 'bad-padding'
  | 'bad-messages'
  | 'duplicate-packet'
  | SnapshotRefusal;

export interface ClientStats {
  /** Round trip in ms, without the time that either side waits before answering. */
  readonly rtt: number;
  /** Deviation of snapshot arrivals in ms. */
  readonly jitter: number;
  /** Share of the server's packets that did not arrive, 0..1. */
  readonly loss: number;
  /** Newest predicted tick. */
  readonly tick: number;
  /** Ticks that this client runs ahead of the newest snapshot. */
  readonly lead: number;
  /** Ticks by which commands arrive early at the server. */
  readonly slack: number;
  /** Ticks by which they should: adapted to the jitter and the loss on the way there. */
  readonly targetSlack: number;
  /** Times that the command clock jumped in place of being steered. */
  readonly clockJumps: number;
  /** Ticks that own commands wait here before they are seen, asked for or forced by `maxPrediction`. */
  readonly inputDelay: number;
  /** Times that `maxPrediction` has forced a longer input delay. */
  readonly predictionCapHits: number;
  /** Milliseconds since the newest snapshot arrived. */
  readonly snapshotAge: number;
  /** Milliseconds between the newest snapshot's tick and the tick that others are drawn at. */
  readonly viewDelay: number;
  readonly mispredictions: number;
  readonly replayedSteps: number;
  /** Frames at whose end a correction was not done, because `maxReplay` steps were. */
  readonly deferredReplays: number;
  /** Snapshots that were as predicted, but came with another player's command that was not as assumed. */
  readonly anticipations: number;
  /** What rules did here to rows that this client does not predict, in vain: writes, spawns, despawns. */
  readonly discardedWrites: number;
  readonly discardedSpawns: number;
  readonly discardedDespawns: number;
  readonly entities: number;
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  /** Predicted entities by how well they agree with the snapshots. */
  readonly health: HealthCounts;
  readonly snapshots: number;
  readonly underruns: number;
  /** Commands whose view lay further back than shots are tested: they are tested against what was drawn later. */
  readonly viewsClamped: number;
  readonly clockRate: number;
  /** What became of one-shot events. */
  readonly oneShots: Readonly<EventStats>;
  /** Why datagrams were not accepted. `datagramsIn` is `datagramsAccepted` plus the sum of these. */
  readonly refused: Readonly<Partial<Record<ClientRefusal, number>>>;
  /** Why messages in accepted datagrams were not delivered. */
  readonly messagesRefused: Readonly<Partial<Record<MessageRefusal, number>>>;
  /** Datagrams received, and those among them that were accepted. */
  readonly datagramsIn: number;
  readonly datagramsAccepted: number;
}
