// `connect(game, options)`: from a page to a playing client in one call.

import type { Game } from '../simulation/game.ts';
import type { Shape } from '../simulation/types.ts';
import type { TraceLimits } from '../trace/index.ts';
import { Client } from './client.ts';
import { linkError } from './errors.ts';
import { DEFAULT_OPEN_MS, type GeckosOptions, openGeckos } from './geckos.ts';
import { seatStore } from './seatstore.ts';
import type { Transport } from './transport.ts';

export interface ConnectOptions
  extends Pick<GeckosOptions, 'iceServers' | 'iceTransportPolicy' | 'authorization'> {
  /** Where the server is. Default: where the page came from. */
  readonly url?: string;
  /** The player's name; the server gives one when it is empty. */
  readonly name?: string;
  readonly room?: string;
  /** After this long without being in the game, `connect` rejects with the reason. Default 5000. */
  readonly timeoutMs?: number;
  /** Opens the transport, in place of WebRTC: for tests and single player. */
  readonly transport?: (timeoutMs: number, signal: AbortSignal) => Promise<Transport>;
  /** Bytes of the server's transfers that may be held here at a time. Default 4 MiB. */
  readonly transferBytes?: number;
  /** Steps that a correction may run again in one frame, 8 or more: fewer where a step takes long. Default 64. */
  readonly maxReplay?: number;
  /**
   * Ticks, 0..60, that the player's own commands wait before the page shows what they do. The server gets them as early as ever. Each tick
   * makes corrections rarer and smaller where players touch, and the answer to the hands later. Default 0.
   */
  readonly inputDelay?: number;
  /** Most that the page predicts past what it has heard, 100..1,500 ms. A longer way to the server forces an input delay. Default 1,000. */
  readonly maxPrediction?: number;
  /** Traps and warnings for the game's author. */
  readonly development?: boolean;
  /** Record what is predicted, the last 30 s or as the limits say, for `client.trace()`. Default: while `development` is on. */
  readonly trace?: boolean | TraceLimits;
}

/** Joins a game. Rejects with a `ConnectError` whose `code` names the reason and whose `message` can be shown. */
export async function connect<S extends Shape>(
  game: Game<S>,
  options: ConnectOptions = {},
): Promise<Client<S>> {
  const url = (options.url ?? globalThis.location?.origin ?? '').replace(/\/+$/, '');
  if (options.transport === undefined && !URL.canParse(url)) {
    throw linkError('signalling-unreachable', `"${url}" is not an address; give the option \`url\``);
  }
  const { iceServers, iceTransportPolicy, authorization } = options;
  const open = (timeoutMs: number, signal: AbortSignal): Promise<Transport> =>
    openGeckos({
      url,
      timeoutMs,
      signal,
      ...(iceServers === undefined ? {} : { iceServers }),
      ...(iceTransportPolicy === undefined ? {} : { iceTransportPolicy }),
      ...(authorization === undefined ? {} : { authorization }),
    });
  const client = new Client<S>({
    game,
    open: options.transport ?? open,
    store: seatStore(`tickwire:${game.schema.name}:${url}`),
    name: options.name ?? '',
    room: options.room ?? '',
    timeoutMs: options.timeoutMs ?? DEFAULT_OPEN_MS,
    development: options.development ?? false,
    transferBytes: options.transferBytes,
    maxReplay: options.maxReplay,
    trace: options.trace,
    inputDelay: options.inputDelay,
    maxPrediction: options.maxPrediction,
  });
  await client.join();
  return client;
}
