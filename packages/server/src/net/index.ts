/** A bad network in front of a running server: pages that come through it play as if they were far away. */

import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { UsageError } from '@tickwire/netcode';
import { isLoopback } from '../node/limits.ts';
import type { Network } from './network.ts';
import { proxyServer } from './proxy.ts';
import { Relay, type RelayOptions } from './relay.ts';
import type { Scenario, Step } from './scenario.ts';

export interface NetOptions {
  /** The running server: `http://127.0.0.1:3000`. */
  readonly target: string;
  /** HTTP port, and UDP port when that is free; 0 is any. Default 3100. */
  readonly port?: number;
  /** Address to listen on; 0.0.0.0 lets other machines in. Default 127.0.0.1. */
  readonly host?: string;
  /** Default: a network that does nothing. */
  readonly network?: Network;
  readonly seed?: number;
  readonly scenario?: Scenario;
  /** Told of each step of the scenario when it happens. */
  readonly onStep?: (step: Step) => void;
}

export interface Net {
  /** Where pages find the game, without a trailing slash. */
  readonly url: string;
  readonly port: number;
  readonly udpPort: number;
  /** The datagrams' side: change the network, darken it, bind anew, read the counts. */
  readonly relay: Relay;
  close(): Promise<void>;
}

/** Why it did not start. */
export type NetFailure = 'target-unreachable' | 'not-a-server' | 'port-taken' | 'cannot-listen';

export class NetError extends Error {
  override readonly name = 'NetError';
  readonly code: NetFailure;

  constructor(code: NetFailure, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** A server on this or a near machine answers in a few ms. */
const ASK_MS = 5_000;

/** Opens the network. Rejects with a `NetError` whose message names the fix. */
export async function openNet(options: NetOptions): Promise<Net> {
  const target = readTarget(options.target);
  await ask(target);
  const { port = 3100, host = '127.0.0.1', network = { up: {}, down: {} }, seed = 1, scenario } = options;
  const relay = await openRelay(host, { addresses: addressesFor(host), port, network, seed });
  const proxy = proxyServer(target, relay);
  const { http } = proxy;
  try {
    await new Promise<void>((resolve, reject) => {
      http.once('error', reject);
      http.listen(port, host, resolve);
    });
  } catch (error) {
    relay.close();
    throw cannotListen(error, port, host);
  }
  const play = new Play(relay, scenario, options.onStep);
  const bound = http.address() as AddressInfo;
  return {
    url: `http://${shownHost(bound.address)}:${bound.port}`,
    port: bound.port,
    udpPort: relay.port,
    relay,
    close: async () => {
      play.stop();
      relay.close();
      await proxy.close();
    },
  };
}

/** Plays a scenario's steps at their times. */
class Play {
  #timer: NodeJS.Timeout | undefined;
  readonly #start = performance.now();
  readonly #relay: Relay;
  readonly #steps: readonly Step[];
  readonly #told: ((step: Step) => void) | undefined;

  constructor(relay: Relay, scenario: Scenario | undefined, told: ((step: Step) => void) | undefined) {
    this.#relay = relay;
    this.#steps = scenario?.steps ?? [];
    this.#told = told;
    this.#next(0);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #next(index: number): void {
    const step = this.#steps[index];
    if (step === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#do(step);
        this.#next(index + 1);
      },
      this.#start + step.at - performance.now(),
    );
  }

  #do(step: Step): void {
    const { up, down, blackout } = step;
    this.#relay.change({ ...(up && { up }), ...(down && { down }) });
    if (blackout !== undefined) this.#relay.darken(blackout.ms, blackout.way);
    if (step.rebind) this.#relay.rebind();
    this.#told?.(step);
  }
}

function readTarget(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new UsageError(
      `the target must be an address such as http://127.0.0.1:3000, got ${JSON.stringify(text)}`,
    );
  return url;
}

/** Whether a game server is there, before anybody waits for it in vain. */
async function ask(target: URL): Promise<void> {
  let status = '';
  try {
    const answer = await fetch(new URL('/healthz', target), { signal: AbortSignal.timeout(ASK_MS) });
    const health = (await answer.json().catch(() => undefined)) as { game?: unknown } | undefined;
    if (answer.ok && typeof health?.game === 'string') return;
    status = `GET /healthz gave ${answer.status}`;
  } catch (error) {
    throw new NetError(
      'target-unreachable',
      `nothing answers at ${target.origin}: start the game's server first (npm start), or name another with --target`,
      error,
    );
  }
  throw new NetError(
    'not-a-server',
    `what answers at ${target.origin} is not a Tickwire server (${status}): name the game's own address with --target`,
  );
}

/** The port that was asked for on every address, or any port: pages are told. */
async function openRelay(host: string, options: RelayOptions): Promise<Relay> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await Relay.open({ ...options, port: attempt === 0 ? options.port : 0 });
    } catch (error) {
      // A port that is free on one address may be taken on the next one.
      const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      if (!taken || attempt === 3) throw cannotListen(error, options.port, host);
    }
  }
}

/** Where pages may send datagrams: an answer must come from the address that was asked, so each has its socket. */
function addressesFor(host: string): string[] {
  const local = isLoopback(host) || host === 'localhost';
  if (!local && host !== '0.0.0.0' && host !== '::') return [host];
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address);
  return ['127.0.0.1', ...new Set(own)];
}

function cannotListen(error: unknown, port: number, host: string): NetError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE')
    return new NetError(
      'port-taken',
      `port ${port} is in use: choose another with --port ${port + 1}`,
      error,
    );
  if (code === 'EACCES')
    return new NetError(
      'cannot-listen',
      `port ${port} needs more rights: choose one above 1023 with --port 3100`,
      error,
    );
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return new NetError(
      'cannot-listen',
      `${host} is not an address of this machine: leave --host out, or use 127.0.0.1 or 0.0.0.0`,
      error,
    );
  return new NetError('cannot-listen', message, error);
}

const shownHost = (address: string): string =>
  isLoopback(address) || address === '0.0.0.0' || address === '::'
    ? 'localhost'
    : address.includes(':')
      ? `[${address}]`
      : address;
