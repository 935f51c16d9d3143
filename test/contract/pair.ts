// What the transport contract suite needs from an implementation: a connected pair, and time for datagrams to arrive.

import type { Transport } from '@tickwire/netcode/transport';

export interface TransportPair {
  /** The page's side. */
  readonly a: Transport;
  /** The server's side. */
  readonly b: Transport;
  /** Sends text from a to b, or from b to a, past the transport's own interface: a peer that does not keep to it. */
  readonly text?: (from: 'a' | 'b', message: string) => void;
}

export interface TransportUnderTest {
  open(): Promise<TransportPair>;
  close(): Promise<void>;
}

export async function until(what: string, condition: () => boolean, limitMs = 5000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`never happened within ${limitMs} ms: ${what}`);
    await pause(5);
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
