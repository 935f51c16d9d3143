// `serve(game, options)`: a whole game server in one call: one room, one HTTP port, one UDP port.

import { randomInt } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Game, Shape } from '@tickwire/netcode';
import { Hono } from 'hono';
import { type Logger, pino } from 'pino';
import {
  type CodecSetting,
  type ServerAnswers,
  ServerCore,
  type ServerEvent,
  type ServerStats,
  type Think,
} from '../core/index.ts';
import { type DevelopmentHost, developmentHost } from './development.ts';
import { GeckosListener, type GeckosListenerOptions, type GeckosListenerStats } from './geckos.ts';
import { Host, type HostStats } from './host.ts';
import { type Handle, httpServer } from './http.ts';
import { isLoopback } from './limits.ts';
import { chooseUdpPort, explainListen, ServeError } from './ports.ts';
import { type SignallingOptions, signalling } from './signalling.ts';
import { stopOnSignals } from './signals.ts';
import { staticFiles } from './static.ts';
import { TraceFile } from './tracefile.ts';

type ListenerOptions = Pick<
  GeckosListenerOptions,
  'advertise' | 'iceServers' | 'limits' | 'maxPending' | 'joinDeadlineMs'
>;

export interface ServeOptions<S extends Shape> extends SignallingOptions, ListenerOptions {
  /** HTTP port; 0 is any. Default: the environment's PORT, or 3000. */
  readonly port?: number;
  /** Address to listen on; 0.0.0.0 lets other machines in. Default: the environment's HOST, or 127.0.0.1. */
  readonly host?: string;
  /** UDP port of all players. Default: the environment's UDP_PORT, or the HTTP port's number when it is free, or any. */
  readonly udpPort?: number;
  /** Address for UDP only. Default: the `host` when it is one address of this machine, else all addresses. */
  readonly bindAddress?: string;
  /** A built page to serve. Without it the server is headless. */
  readonly static?: string;
  /** The room's options, in place of the game's defaults. */
  readonly options?: Partial<S['options']>;
  readonly maxPlayers?: number;
  readonly seed?: number;
  /** Players that the server plays itself. */
  readonly bots?: { readonly count: number; readonly think: Think<S>; readonly names?: readonly string[] };
  /** How long a seat waits for a player who is away. Default 60 s. */
  readonly graceMs?: number;
  /** How snapshots are written: `small` ones take time, `fast` ones bytes. Default `auto`: small while there is time for it. */
  readonly codec?: CodecSetting;
  /**
   * Most bytes that one player gets in any second, 2,000..100,000,000, with what the network adds. Default: the environment's
   * MAX_BYTES_PER_SECOND, or 128,000. `core.session(seat)?.setCap(bytes)` changes it for one player.
   */
  readonly maxBytesPerSecond?: number;
  /** Bytes that the network adds to each datagram, as the cap counts them. Default 93; 0 makes the cap count our own bytes only. */
  readonly overheadBytes?: number;
  /** Handlers of requests outside the room, for what takes time: a database, say. They may return promises. */
  readonly answers?: ServerAnswers<S>;
  /** Bytes of one client's transfers that may be held here at a time; 0 takes none. Default 64 KiB. */
  readonly transferBytes?: number;
  /** Keep the input log, to replay the match. */
  readonly record?: boolean;
  /**
   * A file for the recording of the last 30 s, tick by tick, which `tickwire trace` holds against a client's: written every 5 s and at
   * the end. Default: the environment's TRACE, or none.
   */
  readonly trace?: string;
  /** Default: silent, or the level in the environment's LOG_LEVEL. */
  readonly logger?: Logger;
  /** Stop gracefully on SIGINT and SIGTERM, then end the process. Default true. */
  readonly signals?: boolean;
  /** What happens in the room. */
  readonly onEvent?: (event: ServerEvent) => void;
  /** The game threw in a tick and the server has stopped. Default: the process ends with the error. */
  readonly onError?: (error: unknown) => void;
}

export interface GameServer<S extends Shape> {
  /** Where the page or the joining routes are, without a trailing slash. */
  readonly url: string;
  readonly port: number;
  readonly udpPort: number;
  readonly core: ServerCore<S>;
  stats(): GameServerStats;
  /** Says goodbye to the players and frees both ports. */
  close(): Promise<void>;
}

export interface GameServerStats {
  readonly core: ServerStats;
  readonly host: HostStats;
  readonly listener: GeckosListenerStats;
}

/** Starts a server for `game`. Rejects with a `ServeError` whose message is one sentence with the fix. */
export async function serve<S extends Shape>(
  game: Game<S>,
  options: ServeOptions<S> = {},
): Promise<GameServer<S>> {
  const logger = options.logger ?? pino({ level: process.env['LOG_LEVEL'] ?? 'silent' });
  const door = await openDoor(options);
  try {
    const server = await open(game, options, door, logger);
    logger.info({ url: server.url, udpPort: server.udpPort, game: game.schema.name }, 'serving');
    return server;
  } catch (error) {
    await door.close();
    throw error;
  }
}

async function open<S extends Shape>(
  game: Game<S>,
  options: ServeOptions<S>,
  door: Door,
  logger: Logger,
): Promise<GameServer<S>> {
  const udpPort = await chooseUdpPort(
    options.udpPort ?? door.udpPort,
    door.preferredUdpPort,
    door.bindAddress,
  );
  const { bindAddress } = door;
  const listener = new GeckosListener({
    ...options,
    port: udpPort,
    ...(bindAddress === undefined ? {} : { bindAddress }),
    onFault: (error, address) => logger.error({ err: error, address }, 'a connection failed'),
  });
  await listener.start().catch((error: unknown) => {
    throw new ServeError('WEBRTC', `WebRTC cannot start on UDP port ${udpPort}: ${String(error)}`, error);
  });
  const trace = options.trace ?? (process.env['TRACE'] || undefined);
  const core = newCore(game, options, trace !== undefined);
  const traceFile =
    trace === undefined
      ? undefined
      : new TraceFile(trace, core, (error) =>
          logger.error({ err: error, file: trace }, 'the recording cannot be written'),
        );
  const host = new Host<ServerEvent>(core, listener, {
    event: (event) => {
      log(logger, event);
      options.onEvent?.(event);
    },
    overrun: (lateMs, tookMs) => logger.warn({ lateMs, tookMs }, 'the tick loop ran late'),
    fault: (error) => logger.error({ err: error }, 'a datagram made the core throw'),
    failed: (error) => fail(error),
  });
  const close = once(async () => {
    forget();
    await Promise.all([host.close(), door.close(), traceFile?.close()]);
    logger.info('closed');
  });
  const fail = (error: unknown): void => {
    logger.fatal({ err: error }, 'the game threw; the server has stopped');
    void close();
    if (options.onError !== undefined) options.onError(error);
    else if (door.development !== undefined) door.development.failed(error);
    else setImmediate(() => raise(error));
  };
  const server: GameServer<S> = {
    url: door.url,
    port: door.port,
    udpPort,
    core,
    stats: () => ({ core: core.stats(), host: host.stats, listener: listener.stats }),
    close,
  };
  const forget = options.signals === false || door.development ? () => undefined : stopOnSignals(server);
  const app = new Hono();
  app.route('/', signalling(listener, options));
  app.get('/healthz', (c) => {
    const { tick, players, bots, connections } = core.stats();
    return c.json({ status: 'ok', game: game.schema.name, tick, players, bots, connections });
  });
  if (options.static !== undefined) app.use(staticFiles(options.static));
  await door.open(app.fetch, server);
  host.start();
  return server;
}

function newCore<S extends Shape>(game: Game<S>, options: ServeOptions<S>, trace: boolean): ServerCore<S> {
  const { maxPlayers, seed, graceMs, overheadBytes, record, bots, codec, answers, transferBytes } = options;
  const asksCap = process.env['MAX_BYTES_PER_SECOND'];
  const maxBytesPerSecond = options.maxBytesPerSecond ?? (asksCap ? Number(asksCap) : undefined);
  const core = new ServerCore<S>(game, {
    now: performance.now(),
    entropy: () => randomInt(0, 2 ** 32),
    development: options.development ?? process.env['NODE_ENV'] !== 'production',
    trace,
    ...(options.options === undefined ? {} : { options: options.options }),
    ...(maxPlayers === undefined ? {} : { maxPlayers }),
    ...(seed === undefined ? {} : { seed }),
    ...(graceMs === undefined ? {} : { graceMs }),
    ...(codec === undefined ? {} : { codec }),
    ...(maxBytesPerSecond === undefined ? {} : { maxBytesPerSecond }),
    ...(overheadBytes === undefined ? {} : { overheadBytes }),
    ...(record === undefined ? {} : { record }),
    ...(answers === undefined ? {} : { answers }),
    ...(transferBytes === undefined ? {} : { transferBytes }),
  });
  for (let n = 0; n < (bots?.count ?? 0); n++) {
    const names = bots?.names ?? [];
    core.addBot({ name: names[n % names.length] ?? `Bot ${n + 1}`, think: bots?.think ?? (() => ({})) });
  }
  return core;
}

type DoorOptions = Pick<ServeOptions<Shape>, 'host' | 'port' | 'bindAddress'>;

/** The HTTP side: a port of our own, or the dev server's. */
interface Door {
  readonly url: string;
  readonly port: number;
  readonly udpPort: number | undefined;
  readonly preferredUdpPort: number;
  readonly bindAddress: string | undefined;
  readonly development?: DevelopmentHost;
  /** From now on requests are answered by `handle`; until then they are told to wait. */
  open(handle: Handle, server: { readonly udpPort: number; close(): Promise<void> }): Promise<void>;
  close(): Promise<void>;
}

async function openDoor(options: DoorOptions): Promise<Door> {
  const development = developmentHost();
  if (development !== undefined) return devDoor(options, development);
  const host = options.host ?? process.env['HOST'] ?? '127.0.0.1';
  const asked = options.port ?? Number(process.env['PORT'] || 3000);
  let handle: Handle = () =>
    Response.json({ code: 'starting', message: 'The server is starting.' }, { status: 503 });
  const fetch: Handle = (request, env) => handle(request, env);
  const http = httpServer(fetch);
  await new Promise<void>((resolve, reject) => {
    http.once('error', (error) => reject(explainListen(error, asked, host)));
    http.listen(asked, host, resolve);
  });
  const { port, address } = http.address() as AddressInfo;
  const everywhere = address === '0.0.0.0' || address === '::';
  const shown =
    everywhere || isLoopback(address) ? 'localhost' : address.includes(':') ? `[${address}]` : address;
  const asksUdp = process.env['UDP_PORT'];
  return {
    url: `http://${shown}:${port}`,
    port,
    udpPort: asksUdp ? Number(asksUdp) : undefined,
    preferredUdpPort: port,
    // On this machine only: pages reach us by the loopback and, as Firefox insists, by the machine's own address.
    bindAddress: options.bindAddress ?? (everywhere || isLoopback(address) ? undefined : address),
    open: async (ready) => {
      handle = ready;
    },
    close: once(
      () =>
        new Promise<void>((resolve) => {
          http.close(() => resolve());
          http.closeAllConnections();
        }),
    ),
  };
}

function devDoor(options: DoorOptions, development: DevelopmentHost): Door {
  return {
    url: development.url,
    port: development.httpPort,
    udpPort: undefined,
    preferredUdpPort: development.udpPort ?? development.httpPort,
    bindAddress: options.bindAddress,
    development,
    open: async (handle, server) => {
      const listener = getRequestListener(handle);
      const attached = {
        handle: (request: IncomingMessage, response: ServerResponse) => void listener(request, response),
        close: () => server.close(),
      };
      await development.attach(attached, server.udpPort);
    },
    close: async () => undefined,
  };
}

function log(logger: Logger, event: ServerEvent): void {
  if (event.type === 'transfer' || event.type === 'transfer-ended') {
    const { name, length, incoming, state } = event.transfer;
    logger.info({ seat: event.seat, name, length, incoming, state }, event.type);
    return;
  }
  const { type, ...detail } = event;
  if (type === 'warning' || type === 'overrun') logger.warn(detail, type);
  else logger.info(detail, type);
}

function once(action: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= action();
    return done;
  };
}

/** Outside every caller, so that the process ends as it does for any uncaught error. */
function raise(error: unknown): never {
  throw error;
}
