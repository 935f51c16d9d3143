// What carries datagrams between one client and the server: the interface every link implements and one contract suite checks.

export { MAX_DATAGRAM_BYTES } from '../base/units.ts';

export interface TransportTraits {
  readonly kind: 'webrtc' | 'memory' | 'websocket';
  /** Whether every datagram arrives while the transport is open. */
  readonly reliable: boolean;
  /** Whether datagrams arrive in the order in which they were sent. */
  readonly ordered: boolean;
  /** A longer datagram is dropped and counted, in both directions. */
  readonly maxDatagramBytes: number;
}

/** One counter per outcome: what was sent plus every kind of refusal is what the caller asked for. */
export interface TransportStats {
  sent: number;
  received: number;
  bytesSent: number;
  bytesReceived: number;
  /** Asked to send after the transport closed, or before anyone could hear it. */
  dropped: number;
  /** Asked to send, or received, more than `maxDatagramBytes`. */
  oversize: number;
  /** Received text where only binary is spoken. */
  text: number;
  /** Received beyond the peer's message or byte allowance. */
  throttled: number;
  /** The layer below, or a callback of ours, threw. */
  faults: number;
}

/** A bidirectional link to one peer. It is usable from the moment you hold it until `onClose`. */
export interface Transport {
  readonly traits: TransportTraits;
  /** Sends a copy of `bytes` as one datagram. Never throws: what cannot go is dropped and counted. */
  send(bytes: Uint8Array): void;
  /** Bytes accepted by `send` that the layer below has not taken yet. Nothing new should be sent while it is above 0. */
  bufferedAmount(): number;
  /** Called for each datagram. `bytes` belongs to the receiver. What arrives before this is set waits for it, up to a bound. */
  onDatagram: ((bytes: Uint8Array) => void) | undefined;
  /** Called once, when either side closed or the link broke; never for a transient outage. */
  onClose: ((reason: string) => void) | undefined;
  /** Closes at once, telling the peer where possible. Closing twice does nothing. */
  close(): void;
  readonly stats: Readonly<TransportStats>;
}

/** Where a server's transports come from. */
export interface Listener {
  onConnection: ((transport: Transport) => void) | undefined;
  /** Closes every transport and takes no more. */
  close(): Promise<void>;
}

export const newTransportStats = (): TransportStats => ({
  sent: 0,
  received: 0,
  bytesSent: 0,
  bytesReceived: 0,
  dropped: 0,
  oversize: 0,
  text: 0,
  throttled: 0,
  faults: 0,
});
