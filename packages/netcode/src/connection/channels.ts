/**
 * The messages of one session: a reliable ordered stream, an unreliable one and transfers, riding in packets that somebody
 * else builds. Their numbers belong to the session and outlive a change of connection; only what was in flight is sent again.
 *
 *     sender     sendReliable / sendUnreliable -> fill(packet n) ... acked(n), when the peer acknowledges it
 *     receiver   read(section) -> 'ok': acknowledge the packet; anything else: do not -> receive() until undefined
 *
 * The bytes of a section are drawn in fragments.ts.
 */

import type { Seq } from '../base/seq.ts';
import type { Millis } from '../base/units.ts';
import { FragmentCursor, MAX_UNRELIABLE_BYTES, type SectionRefusal } from './fragments.ts';
import { Queue } from './queue.ts';
import { MAX_MESSAGE_BYTES, ReliableReceiver, ReliableSender } from './reliable.ts';
import type { Path } from './transfer-pace.ts';
import { Transfers } from './transfers.ts';
import { UnreliableReceiver, UnreliableSender } from './unreliable.ts';

export interface ReceivedMessage {
  readonly reliable: boolean;
  /** Belongs to the caller. */
  readonly bytes: Uint8Array;
}

export interface ChannelStats {
  /** Reliable messages accepted for sending, and refused because the queue was full. */
  reliableQueued: number;
  reliableQueueFull: number;
  /** Messages over the limit of their kind: not queued. */
  tooLong: number;
  unreliableQueued: number;
  unreliableSent: number;
  /** Unreliable messages that gave way to newer ones before a packet had room. */
  unreliableDropped: number;
  fragmentsSent: number;
  fragmentsResent: number;
  sectionsRead: number;
  reliableReceived: number;
  unreliableReceived: number;
  duplicateFragments: number;
  duplicateUnreliable: number;
  staleUnreliable: number;
  readonly refused: Record<SectionRefusal, number>;
}

export class MessageChannels {
  readonly transfers: Transfers;
  readonly #reliable = new ReliableSender();
  readonly #unreliable = new UnreliableSender();
  readonly #stream = new ReliableReceiver();
  readonly #singles = new UnreliableReceiver();
  readonly #ready = new Queue<ReceivedMessage>();
  readonly #cursor = new FragmentCursor();
  readonly #stats: ChannelStats = emptyStats();
  #readyBytes = 0;
  #unreliableFirst = false;

  /** `transferBytes`: what the peer's transfers may hold here at a time. */
  constructor(transferBytes = 0) {
    this.transfers = new Transfers(transferBytes);
  }

  /** Queues a copy. False, and counted, when the queue is full or the message is longer than 64 KiB. */
  sendReliable(bytes: Uint8Array): boolean {
    if (bytes.length > MAX_MESSAGE_BYTES) {
      this.#stats.tooLong++;
      return false;
    }
    const queued = this.#reliable.push(bytes);
    if (queued) this.#stats.reliableQueued++;
    else this.#stats.reliableQueueFull++;
    return queued;
  }

  /** Queues a copy; the oldest of 32 gives way. False, and counted, when the message is longer than 900 bytes. */
  sendUnreliable(bytes: Uint8Array): boolean {
    if (bytes.length > MAX_UNRELIABLE_BYTES) {
      this.#stats.tooLong++;
      return false;
    }
    this.#unreliable.push(bytes);
    this.#stats.unreliableQueued++;
    return true;
  }

  /** Reliable bytes accepted and not yet acknowledged. */
  get unacknowledgedBytes(): number {
    return this.#reliable.heldBytes;
  }

  /** True once the peer broke the rules of its reliable stream or of transfers. Nothing more can be read: close the session. */
  get broken(): boolean {
    return this.#stream.broken || this.transfers.broken;
  }

  /** Bytes of messages that `fill` would write now if room were endless: how much to set aside. Transfers never count. */
  wanted(now: Millis, rtt: Millis): number {
    return this.#reliable.wanted(now, resendAfter(rtt)) + this.#unreliable.wanted();
  }

  /**
   * Writes as many fragments as fit into `maxBytes` of `out` from `offset`, and gives the number of bytes written.
   * Call it once for every packet that is numbered, even with no room: that is how it learns that a number is used
   * again. A packet must now and then offer 260 bytes, or a full fragment never leaves. Transfers take what messages
   * leave of the room, as far as their own pace allows and up to `maxBlockBytes`: a byte budget bounds them with it before it has
   * to bound anything else.
   */
  fill(
    now: Millis,
    seq: Seq,
    maxBytes: number,
    out: Uint8Array,
    offset: number,
    path: Path,
    maxBlockBytes: number = maxBytes,
  ): number {
    const end = Math.min(offset + maxBytes, out.length);
    const after = resendAfter(path.rtt);
    let at = offset;
    this.transfers.flush(this.#reliable);
    // Taking turns at the first place, neither a long transfer nor a flood of small messages starves the other.
    if (this.#unreliableFirst) at = this.#unreliable.fill(out, at, end);
    at = this.#reliable.fill(now, seq, after, out, at, end);
    if (!this.#unreliableFirst) at = this.#unreliable.fill(out, at, end);
    if (at > offset) this.#unreliableFirst = !this.#unreliableFirst;
    at = this.transfers.fill(now, seq, path, out, at, Math.min(end, at + maxBlockBytes));
    return at - offset;
  }

  /** The peer acknowledged this packet of the present connection. */
  acked(seq: Seq): void {
    this.#reliable.acked(seq);
    this.transfers.acked(seq);
  }

  /** The connection changed and packet numbers begin anew: everything unacknowledged is due again. */
  resetFlight(): void {
    this.#reliable.resetFlight();
    this.transfers.resetFlight();
  }

  /**
   * Reads the section of a received packet, `bytes[start]` up to `bytes[end]`. A refusal is counted and changes
   * nothing else; the packet must then not be acknowledged. Any bytes are an ordinary input.
   */
  read(bytes: Uint8Array, start: number, end: number): 'ok' | SectionRefusal {
    const verdict = this.#check(bytes, start, end);
    if (verdict === 'ok') this.#apply(bytes, start, end);
    else this.#stats.refused[verdict]++;
    return verdict;
  }

  /** The next complete message; reliable ones come in the order they were sent. Show it to `transfers` first. */
  receive(): ReceivedMessage | undefined {
    const message = this.#ready.shift();
    if (message !== undefined) this.#readyBytes -= message.bytes.length;
    return message;
  }

  get stats(): Readonly<ChannelStats> {
    const stats = this.#stats;
    stats.unreliableSent = this.#unreliable.sent;
    stats.unreliableDropped = this.#unreliable.dropped;
    stats.fragmentsSent = this.#reliable.fragmentsSent;
    stats.fragmentsResent = this.#reliable.fragmentsResent;
    stats.duplicateFragments = this.#stream.duplicates;
    stats.duplicateUnreliable = this.#singles.duplicates;
    stats.staleUnreliable = this.#singles.stale;
    return stats;
  }

  #check(bytes: Uint8Array, start: number, end: number): 'ok' | SectionRefusal {
    if (start >= end) return 'ok';
    if (this.broken) return 'stream-broken';
    if (this.#ready.length >= BACKLOG_MESSAGES || this.#readyBytes >= BACKLOG_BYTES) return 'backlog';
    const cursor = this.#cursor;
    cursor.open(start);
    while (cursor.to < end) {
      const verdict = cursor.next(bytes, end);
      if (verdict !== 'ok') return verdict;
      if (cursor.blocks) {
        const allowed = this.transfers.check(cursor);
        if (allowed !== 'ok') return allowed;
      } else if (cursor.reliable && !this.#stream.inWindow(cursor.number)) return 'window';
    }
    return 'ok';
  }

  #apply(bytes: Uint8Array, start: number, end: number): void {
    const cursor = this.#cursor;
    cursor.open(start);
    while (cursor.to < end) {
      cursor.next(bytes, end);
      if (cursor.blocks) {
        this.transfers.store(cursor, bytes);
      } else if (cursor.reliable) {
        this.#stream.store(cursor.number, cursor.end, bytes, cursor.from, cursor.to);
      } else if (this.#singles.accept(cursor.number)) {
        this.#stats.unreliableReceived++;
        this.#deliver(false, bytes.slice(cursor.from, cursor.to));
      }
    }
    for (let message = this.#stream.take(); message !== undefined; message = this.#stream.take()) {
      this.#stats.reliableReceived++;
      this.#deliver(true, message);
    }
    this.#stats.sectionsRead++;
  }

  #deliver(reliable: boolean, bytes: Uint8Array): void {
    this.#ready.push({ reliable, bytes });
    this.#readyBytes += bytes.length;
  }
}

/**
 * How long a fragment waits for its acknowledgement before it is sent again. The 60 ms are the peer's: it answers
 * with its next packet, up to 50 ms later at 20 Hz, which the round-trip estimate leaves out.
 */
function resendAfter(rtt: Millis): Millis {
  return Math.max(100, 1.25 * rtt + 60);
}

/** What may wait for `receive` before a peer's sections are refused. A core that drains after each packet never gets here. */
const BACKLOG_MESSAGES = 1_024;
const BACKLOG_BYTES = 256 * 1024;

function emptyStats(): ChannelStats {
  return {
    reliableQueued: 0,
    reliableQueueFull: 0,
    tooLong: 0,
    unreliableQueued: 0,
    unreliableSent: 0,
    unreliableDropped: 0,
    fragmentsSent: 0,
    fragmentsResent: 0,
    sectionsRead: 0,
    reliableReceived: 0,
    unreliableReceived: 0,
    duplicateFragments: 0,
    duplicateUnreliable: 0,
    staleUnreliable: 0,
    refused: {
      truncated: 0,
      'reserved-bits': 0,
      length: 0,
      order: 0,
      window: 0,
      backlog: 0,
      'stream-broken': 0,
    },
  };
}
