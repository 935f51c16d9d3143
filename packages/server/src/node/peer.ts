// One player's WebRTC connection on the server: a transport whose native callbacks cannot hurt the process.
//
// Every callback given to the native module goes through `#guarded`: an exception there would be SIGABRT.

import {
  MAX_DATAGRAM_BYTES,
  newTransportStats,
  type Transport,
  type TransportStats,
  type TransportTraits,
} from '@tickwire/netcode/transport';
import { type Rate, TokenBucket } from './limits.ts';
import {
  type DataChannel,
  discard,
  type NativeOptions,
  openDataChannel,
  openPeerConnection,
  type PeerConnection,
} from './native.ts';
import { withoutCandidates } from './sdp.ts';

/** The label the page's transport expects. */
const CHANNEL_LABEL = 'tickwire';

/** How long the native layer may take to write the offer. It takes a few ms. */
const OFFER_MS = 2_000;

/** Datagrams kept until `onDatagram` is set. */
const EARLY_LIMIT = 64;

export interface PeerLimits {
  /** Messages taken from one connection. A page sends 60 per second; the burst covers a stall of two seconds. */
  readonly messages: Rate;
  /** Bytes taken from one connection. */
  readonly bytes: Rate;
  /** Messages refused within one second after which the connection is closed. */
  readonly floodPerSecond: number;
}

export const PEER_LIMITS: PeerLimits = {
  messages: { burst: 240, perSecond: 200 },
  bytes: { burst: 131_072, perSecond: 98_304 },
  floodPerSecond: 2_000,
};

/** One of our addresses, as `RTCPeerConnection.addIceCandidate` takes it. */
export interface Candidate {
  readonly candidate: string;
  readonly sdpMid: string;
}

export interface PeerHooks {
  opened(peer: Peer): void;
  ended(peer: Peer, reason: string): void;
  fault(peer: Peer, error: unknown): void;
}

export type PeerState = 'offered' | 'answered' | 'open' | 'closed';

export class Peer implements Transport {
  readonly traits: TransportTraits = {
    kind: 'webrtc',
    reliable: false,
    ordered: false,
    maxDatagramBytes: MAX_DATAGRAM_BYTES,
  };
  readonly stats: TransportStats = newTransportStats();
  onClose: ((reason: string) => void) | undefined;
  /** The capability that signalling hands to the page. Never shown to anyone else. */
  readonly id: string;
  /** Who asked, for limits and logs. */
  readonly address: string;
  readonly #hooks: PeerHooks;
  readonly #limits: PeerLimits;
  readonly #messages: TokenBucket;
  readonly #bytes: TokenBucket;
  readonly #early: Uint8Array[] = [];
  readonly #candidates: Candidate[] = [];
  #pc: PeerConnection | undefined;
  #channel: DataChannel | undefined;
  #onDatagram: ((bytes: Uint8Array) => void) | undefined;
  #state: PeerState = 'offered';
  #offered: ((sdp?: string) => void) | undefined;
  #answered: (() => void) | undefined;
  #floodStart = 0;
  #flood = 0;

  constructor(id: string, address: string, hooks: PeerHooks, limits: PeerLimits = PEER_LIMITS) {
    this.id = id;
    this.address = address;
    this.#hooks = hooks;
    this.#limits = limits;
    const now = performance.now();
    this.#messages = new TokenBucket(limits.messages, now);
    this.#bytes = new TokenBucket(limits.bytes, now);
  }

  get state(): PeerState {
    return this.#state;
  }

  /** The native channel, for tests that break the rules on purpose. */
  get unsafeChannel(): unknown {
    return this.#channel;
  }

  get onDatagram(): ((bytes: Uint8Array) => void) | undefined {
    return this.#onDatagram;
  }

  set onDatagram(handler: ((bytes: Uint8Array) => void) | undefined) {
    this.#onDatagram = handler;
    if (handler !== undefined) for (const bytes of this.#early.splice(0)) handler(bytes);
  }

  /** Opens the native side. Resolves with the offer, or undefined when it could not be made. */
  async open(options: NativeOptions): Promise<string | undefined> {
    const pc = await openPeerConnection(this.id, options);
    if (this.#isClosed()) {
      discard(pc);
      return undefined;
    }
    this.#pc = pc;
    const late = setTimeout(() => this.#offered?.(), OFFER_MS);
    const offer = new Promise<string | undefined>((resolve) => {
      this.#offered = resolve;
    });
    this.#listen(pc);
    const channel = openDataChannel(pc, CHANNEL_LABEL);
    this.#channel = channel;
    this.#listenToChannel(channel);
    const sdp = await offer;
    clearTimeout(late);
    return this.#isClosed() || sdp === undefined ? undefined : withoutCandidates(sdp);
  }

  /** Takes the page's answer, which must have been sanitised. False when the native parser refuses it. */
  answer(sdp: string): boolean {
    if (this.#state !== 'offered' || this.#pc === undefined) return false;
    this.#state = 'answered';
    try {
      this.#pc.setRemoteDescription(sdp, 'answer');
      this.#answered?.();
      return true;
    } catch (error) {
      this.#fault(error);
      return false;
    }
  }

  /**
   * Our addresses, once the answer is in. A page that knew them earlier would start its checks before the native layer knows the
   * page's fingerprint, which then fails about 2 % of joins on a fast network; so the first to ask waits, the others get nothing yet.
   */
  async candidates(): Promise<readonly Candidate[]> {
    if (this.#state === 'offered') {
      if (this.#answered !== undefined) return [];
      await new Promise<void>((resolve) => {
        this.#answered = resolve;
      });
    }
    return this.#isClosed() ? [] : this.#candidates;
  }

  send(bytes: Uint8Array): void {
    if (bytes.length > MAX_DATAGRAM_BYTES) {
      this.stats.oversize++;
    } else if (this.#state !== 'open' || this.#channel === undefined) {
      this.stats.dropped++;
    } else {
      try {
        this.#channel.sendMessageBinary(bytes); // false means buffered, which bufferedAmount() shows
        this.stats.sent++;
        this.stats.bytesSent += bytes.length;
      } catch {
        this.stats.faults++; // closed below us a moment ago; its callback is on the way
      }
    }
  }

  bufferedAmount(): number {
    if (this.#state !== 'open' || this.#channel === undefined) return 0;
    try {
      return this.#channel.bufferedAmount();
    } catch {
      return 0;
    }
  }

  close(reason = 'closed'): void {
    if (this.#isClosed()) return;
    this.#state = 'closed';
    this.#offered?.();
    this.#answered?.();
    const [pc, channel] = [this.#pc, this.#channel];
    this.#pc = undefined;
    this.#channel = undefined;
    this.#early.length = 0;
    this.#quietly(() => channel?.close());
    this.#quietly(() => pc?.close());
    this.#quietly(() => this.#hooks.ended(this, reason));
    this.#quietly(() => this.onClose?.(reason));
  }

  #listen(pc: PeerConnection): void {
    pc.onStateChange(
      this.#guarded((state: string) => {
        // 'disconnected' heals by itself; silence is the session's business.
        if (state === 'failed' || state === 'closed') this.close(`connection ${state}`);
      }),
    );
    pc.onLocalDescription(this.#guarded((sdp: string) => this.#offered?.(sdp)));
    pc.onLocalCandidate(
      this.#guarded((candidate: string, sdpMid: string) => {
        this.#candidates.push({ candidate, sdpMid });
      }),
    );
    pc.onDataChannel(this.#guarded((extra: DataChannel) => extra.close()));
    pc.onTrack(this.#guarded((track: { close(): void }) => track.close()));
  }

  #listenToChannel(channel: DataChannel): void {
    channel.onOpen(
      this.#guarded(() => {
        if (this.#isClosed() || this.#state === 'open') return; // a page that left before its channel opened
        this.#state = 'open';
        this.#hooks.opened(this);
      }),
    );
    channel.onMessage(this.#guarded((data: string | Buffer | ArrayBuffer) => this.#receive(data)));
    channel.onClosed(this.#guarded(() => this.close('closed by peer')));
    channel.onError(this.#guarded((message: string) => this.#fault(new Error(message))));
  }

  #receive(data: string | Buffer | ArrayBuffer): void {
    if (this.#state !== 'open') {
      this.stats.dropped++;
      return;
    }
    const now = performance.now();
    const size = typeof data === 'string' ? data.length : data.byteLength;
    if (!this.#messages.take(now) || !this.#bytes.take(now, size)) {
      this.#throttle(now);
    } else if (typeof data === 'string') {
      this.stats.text++;
    } else if (size > MAX_DATAGRAM_BYTES) {
      this.stats.oversize++;
    } else {
      this.stats.received++;
      this.stats.bytesReceived += size;
      const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data;
      if (this.#onDatagram !== undefined) this.#onDatagram(bytes);
      else if (this.#early.length < EARLY_LIMIT) this.#early.push(bytes);
      else this.stats.dropped++;
    }
  }

  #throttle(now: number): void {
    this.stats.throttled++;
    if (now - this.#floodStart > 1000) {
      this.#floodStart = now;
      this.#flood = 0;
    }
    if (++this.#flood > this.#limits.floodPerSecond) this.close('flooding');
  }

  #guarded<A extends unknown[]>(callback: (...args: A) => void): (...args: A) => void {
    return (...args) => {
      try {
        callback(...args);
      } catch (error) {
        this.#fault(error);
      }
    };
  }

  /** Whatever threw, this player goes and the others stay. */
  #fault(error: unknown): void {
    this.stats.faults++;
    this.#quietly(() => this.#hooks.fault(this, error));
    this.close('internal error');
  }

  #quietly(action: () => void): void {
    try {
      action();
    } catch {
      this.stats.faults++;
    }
  }

  #isClosed(): boolean {
    return this.#state === 'closed';
  }
}
