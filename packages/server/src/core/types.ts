/** What a shell gives to a server core and gets from it. */

import type {
  CloseReason,
  InputOf,
  Millis,
  RefusalCode,
  Shape,
  SnapshotCodec,
  TraceLimits,
  Transfer,
  World,
} from '@tickwire/netcode/internal';
import type { CodecSetting } from './codec-choice.ts';
import type { ServerCounters } from './counters.ts';
import type { RelayStats } from './relays.ts';
import type { ServerAnswers } from './requests.ts';
import type { BudgetStats } from './session.ts';

export type ServerEvent =
  | { readonly type: 'joined'; readonly seat: number; readonly name: string; readonly resumed: boolean }
  | { readonly type: 'away'; readonly seat: number }
  | { readonly type: 'back'; readonly seat: number }
  | { readonly type: 'left'; readonly seat: number; readonly reason: CloseReason }
  /** The shell should close this connection once its datagrams are sent. */
  | {
      readonly type: 'close-connection';
      readonly connection: number;
      readonly reason: CloseReason | RefusalCode;
    }
  /** A client sends something large: how far it is can be read from `transfer` at any time. */
  | { readonly type: 'transfer'; readonly seat: number; readonly transfer: Transfer }
  /** It has arrived, or it has failed. Those that the server sends end here too. */
  | { readonly type: 'transfer-ended'; readonly seat: number; readonly transfer: Transfer }
  | { readonly type: 'overrun'; readonly ticks: number }
  | { readonly type: 'warning'; readonly message: string };

export interface ServerCoreOptions<S extends Shape> {
  readonly now: Millis;
  /** A fresh unpredictable u32 per call; tokens are made of it. */
  readonly entropy: () => number;
  /** Seed of the room's random numbers; drawn from `entropy` when left out. */
  readonly seed?: number;
  readonly options?: Partial<S['options']>;
  /** Most players, bots included; at most the game's `maxPlayers`. */
  readonly maxPlayers?: number;
  /** Traps and warnings for game authors. */
  readonly development?: boolean;
  /** Keep the input log, to replay the match. */
  readonly record?: boolean;
  /** Record the world tick by tick, the last 30 s or as the limits say. `trace()` gives the recording. */
  readonly trace?: boolean | TraceLimits;
  /** How snapshots are written: `small` ones take time, `fast` ones bytes. Default `auto`: small while there is time for it. */
  readonly codec?: CodecSetting;
  /** How long a seat waits for a player who is away. Default 60 s. */
  readonly graceMs?: number;
  /**
   * Most bytes that one client gets in any second, 2,000..100,000,000. Default 128,000, which never binds at 60 snapshots a second or
   * fewer. Below it each client gets what its own path takes.
   */
  readonly maxBytesPerSecond?: number;
  /** What the network adds to each datagram and the cap counts, 0..200 bytes. Default 93: UDP over IPv4, DTLS and SCTP. 0 counts our own bytes only. */
  readonly overheadBytes?: number;
  /** Handlers of requests outside the room: they may take their time, and do not touch the world. */
  readonly answers?: ServerAnswers<S>;
  /** Bytes of one client's transfers that may be held here at a time; 0 takes none. Default 64 KiB. */
  readonly transferBytes?: number;
}

/** What a bot does in a tick: the same input that a player's hands give. */
export type Think<S extends Shape> = (world: World<S>, me: number, tick: number) => InputOf<S>;

export interface Bot<S extends Shape> {
  readonly name: string;
  readonly think: Think<S>;
}

export interface ServerStats {
  readonly tick: number;
  readonly players: number;
  readonly bots: number;
  readonly connections: number;
  readonly entities: number;
  readonly counters: Readonly<ServerCounters>;
  readonly substituted: number;
  readonly deferredRows: number;
  /** The codec of the last snapshots. */
  readonly codec: SnapshotCodec;
  /** Commands passed on to other players; undefined when the game relays none. */
  readonly relays: Readonly<RelayStats> | undefined;
  /** How much each client gets. */
  readonly budgets: readonly SeatBudget[];
}

export interface SeatBudget extends BudgetStats {
  readonly seat: number;
}
