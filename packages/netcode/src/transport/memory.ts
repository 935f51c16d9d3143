// A link inside one process, for tests and single player: two transports whose datagrams never touch a socket.

import {
  MAX_DATAGRAM_BYTES,
  newTransportStats,
  type Transport,
  type TransportStats,
  type TransportTraits,
} from './transport.ts';

/** Datagrams kept for a side that has not set `onDatagram` yet. One second of both directions at 60 Hz. */
const EARLY_LIMIT = 64;

export interface MemoryLink {
  readonly a: Transport;
  readonly b: Transport;
  /** Delivers what was sent before this call. Returns how many datagrams arrived. */
  pump(): number;
}

export interface MemoryLinkOptions {
  /** `microtask` delivers by itself after the current call; `manual` waits for `pump()`. */
  readonly deliver?: 'microtask' | 'manual';
}

/** Opens a pair of connected transports. Delivery is never synchronous: a sender is not re-entered by its own datagram. */
export function memoryLink(options: MemoryLinkOptions = {}): MemoryLink {
  const queue: (() => boolean)[] = [];
  let scheduled = false;
  const pump = (): number => {
    scheduled = false;
    let delivered = 0;
    for (let left = queue.length; left > 0; left--) if (queue.shift()?.()) delivered++;
    return delivered;
  };
  const later = (action: () => boolean): void => {
    queue.push(action);
    if (options.deliver === 'manual' || scheduled) return;
    scheduled = true;
    void Promise.resolve().then(pump);
  };
  const a = new MemoryTransport(later);
  const b = new MemoryTransport(later);
  a.connect(b);
  b.connect(a);
  return { a, b, pump };
}

class MemoryTransport implements Transport {
  readonly traits: TransportTraits = {
    kind: 'memory',
    reliable: true,
    ordered: true,
    maxDatagramBytes: MAX_DATAGRAM_BYTES,
  };
  readonly stats: TransportStats = newTransportStats();
  onClose: ((reason: string) => void) | undefined;
  readonly #later: (action: () => boolean) => void;
  #peer: MemoryTransport | undefined;
  #open = true;
  #onDatagram: ((bytes: Uint8Array) => void) | undefined;
  readonly #early: Uint8Array[] = [];

  constructor(later: (action: () => boolean) => void) {
    this.#later = later;
  }

  get onDatagram(): ((bytes: Uint8Array) => void) | undefined {
    return this.#onDatagram;
  }

  set onDatagram(handler: ((bytes: Uint8Array) => void) | undefined) {
    this.#onDatagram = handler;
    if (handler !== undefined) for (const bytes of this.#early.splice(0)) handler(bytes);
  }

  get open(): boolean {
    return this.#open;
  }

  connect(peer: MemoryTransport): void {
    this.#peer = peer;
  }

  send(bytes: Uint8Array): void {
    const peer = this.#peer;
    if (!this.#open || peer === undefined) {
      this.stats.dropped++;
    } else if (bytes.length > MAX_DATAGRAM_BYTES) {
      this.stats.oversize++;
    } else {
      const copy = bytes.slice();
      this.stats.sent++;
      this.stats.bytesSent += copy.length;
      this.#later(() => peer.#deliver(copy));
    }
  }

  bufferedAmount(): number {
    return 0; // the queue is the wire, which takes everything at once
  }

  close(): void {
    this.#end('closed');
    // The peer hears of it after what was sent before, as on a real link.
    const peer = this.#peer;
    if (peer?.open === true) {
      this.#later(() => {
        peer.#end('closed by peer');
        return false;
      });
    }
  }

  #deliver(bytes: Uint8Array): boolean {
    if (!this.#open) return false;
    this.stats.received++;
    this.stats.bytesReceived += bytes.length;
    if (this.#onDatagram !== undefined) this.#onDatagram(bytes);
    else if (this.#early.length < EARLY_LIMIT) this.#early.push(bytes);
    else this.stats.dropped++;
    return true;
  }

  #end(reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.onClose?.(reason);
  }
}
