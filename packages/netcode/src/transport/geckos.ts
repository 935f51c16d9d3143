// The browser's WebRTC transport: @geckos.io/client opens the connection, and from then on we own the data channel.
//
// Taken from geckos: the signalling calls and the peer connection. Not taken: its message parser, events, "reliable" sends,
// `onDisconnect` (it fires about 5.7 s into an outage that heals at 12) and its silence when UDP is blocked.

import geckos from '@geckos.io/client';
import { type ConnectError, failureOfStatus, type LinkFailure, linkError } from './errors.ts';
import {
  MAX_DATAGRAM_BYTES,
  newTransportStats,
  type Transport,
  type TransportStats,
  type TransportTraits,
} from './transport.ts';

/** The label both sides give the one data channel. */
export const CHANNEL_LABEL = 'tickwire';

/** How long a connection may take, signalling included, before it fails with a name. */
export const DEFAULT_OPEN_MS = 5000;

/** Datagrams kept until `onDatagram` is set. One second at 60 Hz. */
const EARLY_LIMIT = 64;

export interface GeckosOptions {
  /** Where the signalling routes are, without a trailing slash: `https://game.example` or `https://example/game`. */
  readonly url: string;
  readonly timeoutMs?: number;
  readonly iceServers?: RTCIceServer[];
  readonly iceTransportPolicy?: RTCIceTransportPolicy;
  /** Sent as the Authorization header when joining. */
  readonly authorization?: string;
  /** Gives up at once when aborted. */
  readonly signal?: AbortSignal;
}

/** Opens a WebRTC transport, or rejects with a `ConnectError` no later than `timeoutMs`. */
export function openGeckos(options: GeckosOptions): Promise<Transport> {
  if (typeof RTCPeerConnection === 'undefined') return Promise.reject(linkError('webrtc-unsupported'));
  return new Promise((resolve, reject) => {
    const joining = new Joining(options, (outcome) => {
      clearTimeout(deadline);
      options.signal?.removeEventListener('abort', abort);
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    });
    const deadline = setTimeout(() => joining.expire(), options.timeoutMs ?? DEFAULT_OPEN_MS);
    const abort = (): void => joining.fail('closed');
    options.signal?.addEventListener('abort', abort);
    if (options.signal?.aborted) abort();
    else joining.start();
  });
}

/** The parts of geckos' client that are read or replaced here; 3.1.0, pinned by the contract suite. */
interface GeckosInternals {
  readonly connectionsManager: {
    onDataChannel: (event: { channel: RTCDataChannel }) => void;
    dataChannel: { readonly readyState: string } | undefined;
    localPeerConnection: RTCPeerConnection | undefined;
    readonly remotePeerConnection?: { readonly id?: unknown };
  };
}

/** geckos polls for candidates with ten timers that nothing cancels; they ask no more once the channel reads as closed. */
const STOP_POLLING = { readyState: 'closed' } as const;

/** One attempt: ends exactly once, as a transport or as an error, and leaves nothing running. */
class Joining {
  readonly #options: GeckosOptions;
  readonly #finish: (outcome: Transport | ConnectError) => void;
  readonly #geckos: ReturnType<typeof geckos>;
  readonly #manager: GeckosInternals['connectionsManager'];
  #peer: RTCPeerConnection | undefined;
  /** Whether a packet came back from the server's UDP port. */
  #reached = false;
  #settled = false;

  constructor(options: GeckosOptions, finish: (outcome: Transport | ConnectError) => void) {
    this.#options = options;
    this.#finish = finish;
    this.#geckos = geckos({
      url: options.url,
      port: 0, // falsy: the port is part of the URL
      label: CHANNEL_LABEL,
      iceServers: options.iceServers ?? [],
      iceTransportPolicy: options.iceTransportPolicy ?? 'all',
      ...(options.authorization === undefined ? {} : { authorization: options.authorization }),
    });
    this.#manager = (this.#geckos as unknown as GeckosInternals).connectionsManager;
  }

  start(): void {
    this.#manager.onDataChannel = (event) => this.#adopt(event.channel);
    // geckos creates the peer connection itself; this is how we see it in time to watch it, or to close it when we gave up.
    Object.defineProperty(this.#manager, 'localPeerConnection', {
      get: () => this.#peer,
      set: (peer: RTCPeerConnection) => this.#watch(peer),
    });
    this.#geckos
      .onConnect((error: unknown) => {
        if (error) this.fail(failureOf(error), detailOf(error));
      })
      .catch((error: unknown) => this.fail(failureOf(error), detailOf(error)));
  }

  /** The deadline passed: the reason is how far we came. */
  expire(): void {
    if (this.#peer === undefined) this.fail('signalling-unreachable');
    else if (this.#reached || isConnected(this.#peer)) this.fail('timeout');
    else this.fail('udp-blocked');
  }

  fail(code: LinkFailure, detail?: string): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#manager.dataChannel = STOP_POLLING;
    this.#peer?.close();
    this.#tellServer();
    this.#finish(linkError(code, detail));
  }

  #watch(peer: RTCPeerConnection): void {
    this.#peer = peer;
    if (this.#settled) {
      peer.close();
      this.#tellServer();
      return;
    }
    // geckos adds candidates without looking at the outcome: on a connection closed meanwhile that is an unhandled rejection.
    const add = peer.addIceCandidate.bind(peer) as (candidate: RTCIceCandidateInit) => Promise<void>;
    peer.addIceCandidate = (candidate?: RTCIceCandidateInit | null) =>
      this.#settled || candidate == null ? Promise.resolve() : add(candidate).catch(() => undefined);
    peer.addEventListener('iceconnectionstatechange', () => {
      this.#reached ||= isConnected(peer);
    });
    peer.addEventListener('connectionstatechange', () => {
      if (peer.connectionState === 'failed' || peer.connectionState === 'closed')
        this.fail(this.#reached ? 'webrtc-failed' : 'udp-blocked');
    });
  }

  #adopt(channel: RTCDataChannel): void {
    const peer = this.#peer;
    if (this.#settled || peer === undefined || channel.label !== CHANNEL_LABEL) {
      channel.close();
      return;
    }
    this.#manager.dataChannel = channel;
    const transport = new DataChannelTransport(channel, peer, () => this.#tellServer());
    const opened = (): void => {
      if (this.#settled) return;
      this.#settled = true;
      this.#manager.dataChannel = STOP_POLLING;
      // Chromium never counts down again what is sent in the very task of the open event: its bufferedAmount stays up for good.
      setTimeout(() => this.#finish(transport), 0);
    };
    if (channel.readyState === 'open') opened();
    else channel.addEventListener('open', opened, { once: true });
    channel.addEventListener('close', () => this.fail('closed'));
  }

  /** Frees the server's side at once. Without a body or headers it needs no CORS preflight and survives the page. */
  #tellServer(): void {
    const id = this.#manager.remotePeerConnection?.id;
    if (typeof id !== 'string') return;
    const url = `${this.#options.url}/.wrtc/v2/connections/${encodeURIComponent(id)}/close`;
    fetch(url, { method: 'POST', keepalive: true }).catch(() => undefined); // it also notices by itself, only later
  }
}

/** A message lives 100 ms, so an amount that stands still for longer than this is the browser's mistake, not bytes that wait. */
const STUCK_MS = 500;

/** A transport over an open data channel. */
export class DataChannelTransport implements Transport {
  readonly traits: TransportTraits = {
    kind: 'webrtc',
    reliable: false,
    ordered: false,
    maxDatagramBytes: MAX_DATAGRAM_BYTES,
  };
  readonly stats: TransportStats = newTransportStats();
  onClose: ((reason: string) => void) | undefined;
  readonly #channel: RTCDataChannel;
  readonly #peer: RTCPeerConnection;
  readonly #tellServer: () => void;
  readonly #early: Uint8Array[] = [];
  #onDatagram: ((bytes: Uint8Array) => void) | undefined;
  #ended = false;
  #buffered = 0;
  #bufferedSince = 0;

  constructor(channel: RTCDataChannel, peer: RTCPeerConnection, tellServer: () => void) {
    this.#channel = channel;
    this.#peer = peer;
    this.#tellServer = tellServer;
    channel.binaryType = 'arraybuffer';
    channel.onmessage = (event: MessageEvent<unknown>) => this.#receive(event.data);
    channel.addEventListener('close', () => this.#end('closed by peer'));
    peer.addEventListener('connectionstatechange', () => {
      // 'disconnected' heals by itself; 'failed' does not.
      if (peer.connectionState === 'failed') this.#end('the network path is gone');
      else if (peer.connectionState === 'closed') this.#end('closed');
    });
  }

  get onDatagram(): ((bytes: Uint8Array) => void) | undefined {
    return this.#onDatagram;
  }

  set onDatagram(handler: ((bytes: Uint8Array) => void) | undefined) {
    this.#onDatagram = handler;
    if (handler !== undefined) for (const bytes of this.#early.splice(0)) handler(bytes);
  }

  send(bytes: Uint8Array): void {
    if (bytes.length > MAX_DATAGRAM_BYTES) {
      this.stats.oversize++;
    } else if (this.#ended || this.#channel.readyState !== 'open') {
      this.stats.dropped++;
    } else {
      try {
        this.#channel.send(bytes as Uint8Array<ArrayBuffer>);
        this.stats.sent++;
        this.stats.bytesSent += bytes.length;
      } catch {
        this.stats.faults++; // a full send buffer throws: drop, as the network would
      }
    }
  }

  bufferedAmount(): number {
    if (this.#ended) return 0;
    const amount = this.#channel.bufferedAmount;
    const now = performance.now();
    if (amount !== this.#buffered) {
      this.#buffered = amount;
      this.#bufferedSince = now;
    }
    return now - this.#bufferedSince > STUCK_MS ? 0 : amount;
  }

  close(): void {
    this.#end('closed');
  }

  #receive(data: unknown): void {
    if (this.#ended) return;
    if (!(data instanceof ArrayBuffer)) {
      this.stats.text++;
    } else if (data.byteLength > MAX_DATAGRAM_BYTES) {
      this.stats.oversize++;
    } else {
      this.stats.received++;
      this.stats.bytesReceived += data.byteLength;
      const bytes = new Uint8Array(data);
      if (this.#onDatagram !== undefined) this.#onDatagram(bytes);
      else if (this.#early.length < EARLY_LIMIT) this.#early.push(bytes);
      else this.stats.dropped++;
    }
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#channel.onmessage = null;
    this.#peer.close(); // closes the channel and tells the peer
    if (reason === 'closed') this.#tellServer();
    this.onClose?.(reason);
  }
}

const isConnected = ({ iceConnectionState }: RTCPeerConnection): boolean =>
  iceConnectionState === 'connected' || iceConnectionState === 'completed';

function failureOf(error: unknown): LinkFailure {
  const status = (error as { status?: unknown } | null)?.status;
  if (typeof status === 'number') return failureOfStatus(status);
  return error instanceof TypeError ? 'signalling-unreachable' : 'webrtc-failed';
}

function detailOf(error: unknown): string | undefined {
  const { status, message } = (error ?? {}) as { status?: unknown; message?: unknown };
  if (typeof status === 'number') return `HTTP ${status}`;
  return error instanceof TypeError || typeof message !== 'string' ? undefined : message;
}
