/**
 * The impairing relay: pages send to its port, the server hears only its sockets, and every datagram between them
 * crosses a simulated link.
 *
 *     page:p ──▶ :port [front] ──▶ up ──▶ [upstream of page:p] :q ──▶ server
 *     page:p ◀── :port [front] ◀── down ◀── [upstream of page:p] :q ◀── server
 *
 * It reads nothing of what it carries. Each page's address has links of its own, as each client of the rig has.
 */

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { Agenda } from './agenda.ts';
import { Line, noWayStats, type WayStats } from './line.ts';
import { type Network, WAYS, type Way } from './network.ts';

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface RelayOptions {
  /** Addresses of this machine to listen on. */
  readonly addresses: readonly string[];
  /** On all of them; 0 is any. */
  readonly port: number;
  readonly network: Network;
  /** The same datagrams at the same times meet the same fate again. */
  readonly seed: number;
}

export interface RelayStats extends Record<Way, WayStats> {
  /** Pages' addresses that are heard. */
  readonly flows: number;
  /** Datagrams from pages that came before the server's address was known, or from one address too many. */
  readonly refused: number;
  /** Datagrams that the system did not take. */
  readonly failed: number;
}

/** Addresses carried at once. A page that joins may use several. */
const MAX_FLOWS = 1024;

/** An address that is not heard for this long has gone: far longer than a page waits for its server. */
const FORGET_MS = 120_000;

export class Relay {
  readonly #agenda = new Agenda();
  readonly #fronts: Socket[] = [];
  readonly #flows = new Map<string, Flow>();
  readonly #seed: number;
  /** Counts of flows that have gone. */
  readonly #gone: Record<Way, WayStats> = { up: noWayStats(), down: noWayStats() };
  readonly #dark: Record<Way, number> = { up: 0, down: 0 };
  readonly #sweep: NodeJS.Timeout;
  #network: Network;
  #created = 0;
  #refused = 0;
  #failed = 0;
  /** Where the server is, once it is known. Flows keep the address they began with. */
  target: Endpoint | undefined;

  private constructor({ network, seed }: RelayOptions) {
    this.#network = network;
    this.#seed = seed;
    this.#sweep = setInterval(() => this.#forget(performance.now() - FORGET_MS), FORGET_MS / 4).unref();
  }

  /** Binds one port on all addresses. Rejects with the system's error. */
  static async open(options: RelayOptions): Promise<Relay> {
    const relay = new Relay(options);
    try {
      for (const address of options.addresses) await relay.#listen(address, relay.port || options.port);
      return relay;
    } catch (error) {
      relay.close();
      throw error;
    }
  }

  /** The one UDP port that pages send to; 0 before it is bound. */
  get port(): number {
    return this.#fronts[0]?.address().port ?? 0;
  }

  get addresses(): string[] {
    return this.#fronts.map((front) => front.address().address);
  }

  get network(): Network {
    return this.#network;
  }

  /** From now on another network, for those that are here as well. What is under way arrives as it would have. */
  change(network: Partial<Network>): void {
    this.#network = { ...this.#network, ...network };
    for (const flow of this.#flows.values())
      for (const way of WAYS) flow[way].link.change(this.#network[way]);
  }

  /** Nothing that is sent from now on arrives, for `ms`. */
  darken(ms: number, ways: Way | 'both' = 'both'): void {
    const now = performance.now();
    for (const way of WAYS) {
      if (ways !== 'both' && ways !== way) continue;
      this.#dark[way] = Math.max(this.#dark[way], now + ms);
      for (const flow of this.#flows.values()) flow[way].link.darken(now, ms);
    }
  }

  /** Milliseconds until nothing is dark any more, 0 when nothing is. */
  darkFor(): number {
    return Math.max(0, this.#dark.up - performance.now(), this.#dark.down - performance.now());
  }

  /** What a home router does after a restart: the server hears every page from a new port, and nobody at the old one. */
  rebind(): void {
    for (const flow of this.#flows.values()) flow.rebind();
  }

  stats(): RelayStats {
    const { flows, refused, failed } = {
      flows: this.#flows.size,
      refused: this.#refused,
      failed: this.#failed,
    };
    const sums = { up: { ...this.#gone.up }, down: { ...this.#gone.down } };
    for (const flow of this.#flows.values()) for (const way of WAYS) flow[way].addTo(sums[way]);
    return { ...sums, flows, refused, failed };
  }

  close(): void {
    clearInterval(this.#sweep);
    this.#agenda.stop();
    for (const flow of this.#flows.values()) flow.close();
    this.#flows.clear();
    for (const front of this.#fronts.splice(0)) front.close();
  }

  async #listen(address: string, port: number): Promise<void> {
    const front = newSocket(address);
    await new Promise<void>((resolve, reject) => {
      front.once('error', (error) => {
        front.close();
        reject(error);
      });
      front.bind({ address, port, exclusive: true }, resolve);
    });
    front.removeAllListeners('error');
    front.on('error', () => this.#failed++);
    front.on('message', (bytes, from) => this.#fromPage(front, bytes, from));
    this.#fronts.push(front);
  }

  #fromPage(front: Socket, bytes: Uint8Array, from: RemoteInfo): void {
    const key = `${this.#fronts.indexOf(front)} ${from.port} ${from.address}`;
    const flow = this.#flows.get(key) ?? this.#newFlow(key, front, from);
    if (flow === undefined) this.#refused++;
    else flow.fromPage(bytes);
  }

  #newFlow(key: string, front: Socket, page: Endpoint): Flow | undefined {
    if (this.target === undefined || this.#flows.size >= MAX_FLOWS) return undefined;
    const failed = (error: Error | null): void => {
      if (error !== null) this.#failed++;
    };
    const now = performance.now();
    const stream = 10 + 2 * this.#created++; // as the rig numbers those of its clients
    const line = (way: Way, send: (bytes: Uint8Array) => void): Line => {
      const made = new Line(this.#agenda, this.#network[way], this.#seed, stream + WAYS.indexOf(way), send);
      if (this.#dark[way] > now) made.link.darken(now, this.#dark[way] - now);
      return made;
    };
    const flow: Flow = new Flow(
      this.target,
      line('up', (bytes) => flow.toServer(bytes)),
      line('down', (bytes) => front.send(bytes, page.port, page.address, failed)),
      failed,
    );
    this.#flows.set(key, flow);
    return flow;
  }

  #forget(before: number): void {
    for (const [key, flow] of this.#flows) {
      if (flow.heardAt > before) continue;
      for (const way of WAYS) flow[way].addTo(this.#gone[way]);
      flow.close();
      this.#flows.delete(key);
    }
  }
}

/** One address of a page, and the socket that the server knows it by. */
class Flow {
  readonly up: Line;
  readonly down: Line;
  heardAt = performance.now();
  readonly #server: Endpoint;
  readonly #failed: (error: Error | null) => void;
  #upstream: Socket;

  constructor(server: Endpoint, up: Line, down: Line, failed: (error: Error | null) => void) {
    this.up = up;
    this.down = down;
    this.#server = server;
    this.#failed = failed;
    this.#upstream = this.#open();
  }

  fromPage(bytes: Uint8Array): void {
    this.heardAt = performance.now();
    this.up.take(bytes);
  }

  toServer(bytes: Uint8Array): void {
    this.#upstream.send(bytes, this.#server.port, this.#server.address, this.#failed);
  }

  rebind(): void {
    this.#upstream.close();
    this.#upstream = this.#open();
  }

  close(): void {
    this.#upstream.close();
  }

  #open(): Socket {
    const socket = newSocket(this.#server.address);
    socket.on('error', this.#failed);
    socket.on('message', (bytes, { address, port }) => {
      if (port === this.#server.port && address === this.#server.address) this.down.take(bytes);
    });
    return socket; // the first send binds it
  }
}

/** Addresses are numbers already: looking them up would take a turn of the event loop each. */
function newSocket(address: string): Socket {
  const family = isIPv6(address) ? 6 : 4;
  return createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    lookup: (host, _options, done) => done(null, host, family),
  });
}
