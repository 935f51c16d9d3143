/** The transfers of one session, both ways, and how what they tell each other rides in the reliable stream. */

import type { Seq } from '../base/seq.ts';
import type { Millis } from '../base/units.ts';
import type { FragmentCursor } from './fragments.ts';
import { Queue } from './queue.ts';
import {
  decodeTransferControl,
  encodeTransferControl,
  TRANSFER_CONTROL,
  type Transfer,
  type TransferControl,
} from './transfer.ts';
import type { Path } from './transfer-pace.ts';
import { TransferReceiver, type TransferReceiverStats } from './transfer-receiver.ts';
import { TransferSender, type TransferSenderStats } from './transfer-sender.ts';

/** Where the reliable stream takes its messages. */
export interface ReliableQueue {
  push(message: Uint8Array): boolean;
}

export interface TransferEvent {
  /** A transfer that the peer sends has begun, or one of either side is over. */
  readonly type: 'transfer' | 'transfer-ended';
  readonly transfer: Transfer;
}

export type TransferStats = TransferSenderStats &
  TransferReceiverStats & {
    /** Bytes of memory that the peer's unfinished transfers take here. */
    readonly heldBytes: number;
    /** Bytes per second that transfers may use now. */
    readonly rate: number;
    /** Times the rate was cut, by what showed that the path is full. */
    readonly cuts: Readonly<{ delay: number; loss: number; buffered: number }>;
  };

/** Answers that a peer which acknowledges nothing may make wait here. An honest one makes a few. */
const MAX_WAITING_ANSWERS = 128;

export class Transfers {
  /** The peer broke the rules of transfers. Close the session. */
  broken = false;
  readonly #sender: TransferSender;
  readonly #receiver: TransferReceiver;
  readonly #events = new Queue<TransferEvent>();
  /** What this side says of its own transfers, and what it answers to the peer's. */
  readonly #said = new Queue<Uint8Array>();
  readonly #answers = new Queue<Uint8Array>();
  readonly #queues = [this.#said, this.#answers];

  /** `limit`: bytes of the peer's transfers that may be held here at a time. */
  constructor(limit: number) {
    const ended = (transfer: Transfer): void => this.#events.push({ type: 'transfer-ended', transfer });
    this.#sender = new TransferSender({
      tell: (control) => this.#said.push(encodeTransferControl(control)),
      ended,
    });
    this.#receiver = new TransferReceiver(limit, {
      tell: (control) => this.#answer(control),
      started: (transfer) => this.#events.push({ type: 'transfer', transfer }),
      ended,
    });
  }

  /** Takes `bytes` without a copy: they must not change until the transfer is over. A higher priority goes first. */
  send(name: string, bytes: Uint8Array, priority = 0): Transfer {
    return this.#sender.send(name, bytes, priority);
  }

  /** Whether something of this side is on its way. */
  get sending(): boolean {
    return this.#sender.busy;
  }

  /** Whether they look for what the path takes: until the first sign of a queue or of loss that is not the path's own. */
  get probing(): boolean {
    return this.#sender.busy && this.#sender.pace.fresh;
  }

  /** Whether a datagram should be sent that carries nothing but blocks. */
  owesDatagram(now: Millis, path: Path): boolean {
    return this.#sender.owesDatagram(now, path);
  }

  /** The transport still holds what it was given before. */
  buffered(now: Millis): void {
    if (this.sending) this.#sender.pace.buffered(now);
  }

  /** Takes a message of the reliable stream if it is about transfers. */
  take(message: Uint8Array): boolean {
    if (message[0] !== TRANSFER_CONTROL) return false;
    const control = decodeTransferControl(message);
    if (typeof control === 'string' || !this.#hear(control)) this.broken = true;
    return true;
  }

  /** The next thing that the program should know. */
  pollEvent(): TransferEvent | undefined {
    return this.#events.shift();
  }

  /** The session is over, or the peer has forgotten it. */
  abandon(): void {
    this.#sender.abandon();
    this.#receiver.abandon();
  }

  get stats(): TransferStats {
    const { pace, stats } = this.#sender;
    const { heldBytes } = this.#receiver;
    return { ...stats, ...this.#receiver.stats, heldBytes, rate: pace.rate, cuts: pace.cuts };
  }

  // What the channels call

  /** Hands what waits to be told to the reliable stream, as far as it takes it. */
  flush(stream: ReliableQueue): void {
    for (const queue of this.#queues)
      for (let next = queue.at(0); next !== undefined && stream.push(next); next = queue.at(0)) queue.shift();
  }

  fill(now: Millis, seq: Seq, path: Path, out: Uint8Array, offset: number, end: number): number {
    return this.#sender.fill(now, seq, path, out, offset, end);
  }

  acked(seq: Seq): void {
    this.#sender.acked(seq);
  }

  resetFlight(): void {
    this.#sender.resetFlight();
  }

  check(cursor: FragmentCursor): 'ok' | 'window' | 'length' {
    return this.#receiver.check(cursor);
  }

  store(cursor: FragmentCursor, bytes: Uint8Array): void {
    this.#receiver.store(cursor, bytes);
  }

  #hear(control: TransferControl): boolean {
    switch (control.what) {
      case 'offer':
      case 'end':
      case 'withdrawn':
        return this.#receiver.hear(control);
      default:
        return this.#sender.hear(control);
    }
  }

  #answer(control: TransferControl): void {
    if (this.#answers.length >= MAX_WAITING_ANSWERS) this.broken = true;
    else this.#answers.push(encodeTransferControl(control));
  }
}
