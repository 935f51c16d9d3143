// Runs one server core over a listener: sockets' bytes in, the core's datagrams out, on one thread and one clock.
//
//   native callback -> bounded inbox -> core.receive -> core.advance -> core.pollDatagram -> transport.send

import type { Listener, Transport } from '@tickwire/netcode/transport';
import { type LoopStats, TickLoop } from './loop.ts';

/** The part of `ServerCore` that a host runs. */
export interface HostedCore<Event = unknown> {
  open(now: number, connection: number): void;
  closed(now: number, connection: number): void;
  receive(now: number, connection: number, bytes: Uint8Array): void;
  setBuffered(connection: number, bytes: number): void;
  advance(now: number): void;
  pollDatagram(): { readonly connection: number; readonly bytes: Uint8Array } | undefined;
  pollEvent(): Event | undefined;
  nextWakeup(): number;
  shutdown(now: number): void;
}

export interface HostHooks<Event> {
  event?(event: Event): void;
  overrun?(lateMs: number, tookMs: number): void;
  /** The core threw at a datagram. */
  fault?(error: unknown): void;
  /** The game's code threw in a tick. The host has stopped; the world is as that tick left it. */
  failed(error: unknown): void;
}

export interface HostStats {
  /** Datagrams waiting for the JavaScript thread. */
  readonly inbox: number;
  readonly connections: number;
  /** Datagrams dropped because the inbox was full: the thread stalled under load. */
  readonly inboxDropped: number;
  /** Datagrams at which the core threw: a bug of ours, and that connection was closed. */
  readonly faults: number;
  readonly loop: Readonly<LoopStats>;
}

/** Datagrams waiting in all. A full room of 64 players fills it in a second of stall; older ones would be stale anyway. */
const INBOX_LIMIT = 4096;

/** How long a connection stays open after the core gave it up, so that its goodbye leaves the socket. */
const LINGER_MS = 200;

/** What happened on a connection, in order of time: it opened, a datagram came, it closed. */
interface Arrived {
  readonly at: number;
  readonly connection: number;
  readonly what: Uint8Array | 'opened' | 'closed';
}

export class Host<Event = unknown> {
  readonly #core: HostedCore<Event>;
  readonly #listener: Listener;
  readonly #hooks: HostHooks<Event>;
  readonly #loop: TickLoop;
  readonly #transports = new Map<number, Transport>();
  #inbox: Arrived[] = [];
  #inboxDropped = 0;
  #faults = 0;
  #drainScheduled = false;
  #lastConnection = 0;
  #closing = false;

  constructor(core: HostedCore<Event>, listener: Listener, hooks: HostHooks<Event>) {
    this.#core = core;
    this.#listener = listener;
    this.#hooks = hooks;
    this.#loop = new TickLoop({
      nextWakeup: () => core.nextWakeup(),
      run: (now) => this.#run(now),
      ...(hooks.overrun === undefined ? {} : { overrun: hooks.overrun }),
      failed: (error) => hooks.failed(error),
    });
    listener.onConnection = (transport) => this.#accept(transport);
  }

  get stats(): HostStats {
    return {
      inbox: this.#inbox.length,
      connections: this.#transports.size,
      inboxDropped: this.#inboxDropped,
      faults: this.#faults,
      loop: this.#loop.stats,
    };
  }

  start(): void {
    this.#loop.start();
  }

  /** Says goodbye to everybody, lets the goodbyes leave, and closes the listener. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#loop.stop();
    try {
      this.#core.shutdown(performance.now());
      this.#pump();
    } catch (error) {
      this.#hooks.failed(error);
    }
    if (this.#transports.size > 0) await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
    await this.#listener.close();
  }

  #accept(transport: Transport): void {
    if (this.#closing) {
      transport.close();
      return;
    }
    const connection = ++this.#lastConnection;
    this.#transports.set(connection, transport);
    transport.onDatagram = (bytes) => this.#arrive(connection, bytes);
    transport.onClose = () => this.#arrive(connection, 'closed');
    this.#arrive(connection, 'opened');
  }

  /** Runs inside a native callback, so it only notes what came. */
  #arrive(connection: number, what: Arrived['what']): void {
    if (typeof what !== 'string' && this.#inbox.length >= INBOX_LIMIT) {
      this.#inboxDropped++;
      return;
    }
    this.#inbox.push({ at: performance.now(), connection, what });
    if (this.#drainScheduled) return;
    this.#drainScheduled = true;
    setImmediate(() => {
      this.#drainScheduled = false;
      if (this.#closing) return;
      try {
        this.#drain();
        this.#pump();
        this.#loop.reconsider();
      } catch (error) {
        this.#loop.stop();
        this.#hooks.failed(error);
      }
    });
  }

  #drain(): void {
    const arrived = this.#inbox;
    this.#inbox = [];
    for (const { at, connection, what } of arrived) {
      if (what === 'opened') {
        this.#core.open(at, connection);
      } else if (what === 'closed') {
        this.#transports.delete(connection);
        this.#core.closed(at, connection);
      } else {
        this.#receive(at, connection, what);
      }
    }
  }

  #receive(at: number, connection: number, bytes: Uint8Array): void {
    try {
      this.#core.receive(at, connection, bytes);
    } catch (error) {
      this.#faults++;
      this.#transports.get(connection)?.close();
      this.#hooks.fault?.(error);
    }
  }

  #run(now: number): void {
    this.#drain();
    for (const [connection, transport] of this.#transports) {
      this.#core.setBuffered(connection, transport.bufferedAmount());
    }
    this.#core.advance(now);
    this.#pump();
  }

  #pump(): void {
    for (let out = this.#core.pollDatagram(); out !== undefined; out = this.#core.pollDatagram()) {
      this.#transports.get(out.connection)?.send(out.bytes);
    }
    for (let event = this.#core.pollEvent(); event !== undefined; event = this.#core.pollEvent()) {
      this.#obey(event);
      this.#hooks.event?.(event);
    }
  }

  #obey(event: Event): void {
    const { type, connection } = event as { type?: unknown; connection?: unknown };
    if (type !== 'close-connection' || typeof connection !== 'number') return;
    const transport = this.#transports.get(connection);
    setTimeout(() => transport?.close(), LINGER_MS);
  }
}
