// The WebRTC listener: hands out offers, takes one answer each, and turns those that open into transports.
//
// What an unknown caller can make it hold is bounded: pending joins in all and per address, a deadline for each, ids nobody can guess.

import { randomBytes } from 'node:crypto';
import type { Listener, Transport } from '@tickwire/netcode/transport';
import { addressKey, isLoopback } from './limits.ts';
import { type NativeOptions, openAnchor } from './native.ts';
import { type Candidate, PEER_LIMITS, Peer, type PeerLimits } from './peer.ts';
import { hostCandidate, sanitizeAnswer } from './sdp.ts';

/** Joins that have not opened yet. A join takes about half a second, so 64 admit over a hundred players per second. */
export const MAX_PENDING = 64;

/** Of those, how many one address may hold: half, so that one caller cannot shut the door for the others. */
export const MAX_PENDING_PER_ADDRESS = 32;

/** How long a join may take from offer to open channel. */
export const JOIN_DEADLINE_MS = 10_000;

/** 144 random bits. Whoever holds the id may answer and close that connection, nobody else. */
const ID_BYTES = 18;

export interface GeckosListenerOptions {
  /** The one UDP port that all players share. */
  readonly port: number;
  /** Listen on this address only. */
  readonly bindAddress?: string;
  /** What to tell pages instead of our own addresses: an IP address, on this port unless another is given. */
  readonly advertise?: string | { readonly address: string; readonly port?: number };
  readonly iceServers?: readonly string[];
  readonly maxPending?: number;
  readonly maxPendingPerAddress?: number;
  readonly joinDeadlineMs?: number;
  readonly limits?: Partial<PeerLimits>;
  /** Told of every exception that would have ended the process. */
  readonly onFault?: (error: unknown, address: string) => void;
}

export type JoinRefusal = 'too-many-joins' | 'no-offer' | 'closed';
export type AnswerOutcome = 'accepted' | 'unknown' | 'already-answered' | 'invalid';

export interface GeckosListenerStats {
  /** Offers given whose channel has not opened. */
  readonly pending: number;
  readonly open: number;
  offers: number;
  opened: number;
  expired: number;
  refused: number;
  badAnswers: number;
  faults: number;
}

export class GeckosListener implements Listener {
  onConnection: ((transport: Transport) => void) | undefined;
  readonly #options: GeckosListenerOptions;
  readonly #native: NativeOptions;
  readonly #advertised: Candidate | undefined;
  readonly #limits: PeerLimits;
  readonly #peers = new Map<string, Peer>();
  readonly #deadlines = new Map<string, NodeJS.Timeout>();
  readonly #counts = { offers: 0, opened: 0, expired: 0, refused: 0, badAnswers: 0, faults: 0 };
  #anchor: { close(): void } | undefined;
  #closed = false;

  constructor(options: GeckosListenerOptions) {
    this.#options = options;
    this.#native = options;
    this.#limits = { ...PEER_LIMITS, ...options.limits };
    const told = typeof options.advertise === 'string' ? { address: options.advertise } : options.advertise;
    this.#advertised = told && hostCandidate(told.address, told.port ?? options.port);
  }

  get stats(): GeckosListenerStats {
    const pending = this.#deadlines.size;
    return { pending, open: this.#peers.size - pending, ...this.#counts };
  }

  /** Holds the UDP port from now on, and fails here rather than at the first player when the native module cannot work. */
  async start(): Promise<void> {
    this.#anchor = await openAnchor(this.#native);
  }

  /** An offer for the page at `address`, or why there is none. */
  async offer(address: string): Promise<{ readonly id: string; readonly sdp: string } | JoinRefusal> {
    if (this.#closed) return 'closed';
    if (!this.#hasRoomFor(address)) {
      this.#counts.refused++;
      return 'too-many-joins';
    }
    const peer = this.#newPeer(address);
    this.#counts.offers++;
    const sdp = await peer.open(this.#native).catch((error: unknown) => {
      this.#fault(error, address);
      return undefined;
    });
    if (sdp === undefined) {
      peer.close('no offer');
      return this.#closed ? 'closed' : 'no-offer';
    }
    return { id: peer.id, sdp };
  }

  /** The page's answer. An id is answered once; what does not parse uses it up. */
  answer(id: string, sdp: unknown): AnswerOutcome {
    const peer = this.#peers.get(id);
    if (peer === undefined) return 'unknown';
    if (peer.state !== 'offered') return 'already-answered';
    const clean = sanitizeAnswer(sdp);
    if (typeof clean !== 'string' && peer.answer(clean.sdp)) return 'accepted';
    this.#counts.badAnswers++;
    peer.close('bad answer');
    return 'invalid';
  }

  /** Where we can be reached, as soon as the answer is in. Unknown ids have nothing: asking reveals nothing. */
  async candidates(id: string): Promise<readonly Candidate[]> {
    const peer = this.#peers.get(id);
    const own = (await peer?.candidates()) ?? [];
    if (peer === undefined || own.length === 0) return [];
    if (this.#advertised !== undefined) return [this.#advertised];
    // A page on this machine may have no network at all, and the native layer does not name the loopback by itself.
    const local = this.#options.bindAddress === undefined && isLoopback(peer.address);
    return local ? [...own, hostCandidate('127.0.0.1', this.#options.port)] : own;
  }

  /** Ends the connection with this id, if there is one. Again does nothing. */
  hangUp(id: string): void {
    this.#peers.get(id)?.close('closed by peer');
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const peer of [...this.#peers.values()]) peer.close('server closing');
    this.#anchor?.close();
    this.#anchor = undefined;
  }

  #newPeer(address: string): Peer {
    const id = randomBytes(ID_BYTES).toString('base64url');
    const hooks = {
      opened: (peer: Peer) => {
        this.#settle(peer.id);
        this.#counts.opened++;
        if (this.onConnection === undefined) peer.close('nobody listens');
        else this.onConnection(peer);
      },
      ended: (peer: Peer) => {
        this.#settle(peer.id);
        this.#peers.delete(peer.id);
      },
      fault: (peer: Peer, error: unknown) => this.#fault(error, peer.address),
    };
    const peer = new Peer(id, address, hooks, this.#limits);
    this.#peers.set(id, peer);
    const expire = (): void => {
      this.#counts.expired++;
      peer.close('join deadline');
    };
    this.#deadlines.set(id, setTimeout(expire, this.#options.joinDeadlineMs ?? JOIN_DEADLINE_MS));
    return peer;
  }

  #settle(id: string): void {
    clearTimeout(this.#deadlines.get(id));
    this.#deadlines.delete(id);
  }

  #hasRoomFor(address: string): boolean {
    if (this.#deadlines.size >= (this.#options.maxPending ?? MAX_PENDING)) return false;
    const key = addressKey(address);
    let own = 0;
    for (const id of this.#deadlines.keys())
      if (addressKey(this.#peers.get(id)?.address ?? '') === key) own++;
    return own < (this.#options.maxPendingPerAddress ?? MAX_PENDING_PER_ADDRESS);
  }

  #fault(error: unknown, address: string): void {
    this.#counts.faults++;
    this.#options.onFault?.(error, address);
  }
}
