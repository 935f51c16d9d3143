/** Receives transfers: grants room, puts blocks in their places, and checks the whole. Holds no more than its limit. */

import { type Seq, seqDelta, seqNext } from '../base/seq.ts';
import type { FragmentCursor } from './fragments.ts';
import {
  BLOCK_BYTES,
  blocksOf,
  MAX_OPEN_TRANSFERS,
  type Transfer,
  type TransferControl,
  type TransferFailure,
  TransferHandle,
} from './transfer.ts';
import { TransferHash } from './transfer-hash.ts';
import type { TransferOutlet } from './transfer-sender.ts';

export interface TransferReceiverStats {
  blockBytesReceived: number;
  /** Blocks that were there already. */
  duplicateBytes: number;
  /** Blocks of transfers that are over. */
  staleBytes: number;
  /** Bytes that were offered and not taken, because a transfer was too large or was cancelled here. */
  refusedBytes: number;
  /** Bytes of blocks that no grant allowed, or that no transfer can have: their packets were refused. */
  unaskedBytes: number;
}

export interface TransferInlet extends TransferOutlet {
  started(transfer: Transfer): void;
}

export class TransferReceiver {
  readonly stats: TransferReceiverStats = {
    blockBytesReceived: 0,
    duplicateBytes: 0,
    staleBytes: 0,
    refusedBytes: 0,
    unaskedBytes: 0,
  };
  readonly #limit: number;
  readonly #inlet: TransferInlet;
  readonly #open: Incoming[] = [];
  #nextId: Seq = 0;

  /** `limit`: bytes that one transfer may have, and that all of them together may claim here at a time. */
  constructor(limit: number, inlet: TransferInlet) {
    this.#limit = limit;
    this.#inlet = inlet;
  }

  /** Whether the blocks at the cursor may be stored. Changes nothing but the count of what is refused. */
  check(cursor: FragmentCursor): 'ok' | 'window' | 'length' {
    const incoming = this.#find(cursor.number);
    const length = cursor.to - cursor.from;
    const verdict = incoming === undefined ? 'ok' : incoming.check(cursor.block, length);
    if (verdict !== 'ok') this.stats.unaskedBytes += length;
    return verdict;
  }

  /** Stores the blocks at the cursor, which were checked. */
  store(cursor: FragmentCursor, bytes: Uint8Array): void {
    const incoming = this.#find(cursor.number);
    const length = cursor.to - cursor.from;
    if (incoming === undefined) {
      this.stats.staleBytes += length;
      return;
    }
    const fresh = incoming.store(cursor.block, bytes, cursor.from, cursor.to);
    this.stats.blockBytesReceived += fresh;
    this.stats.duplicateBytes += length - fresh;
    if (incoming.complete) this.#finish(incoming);
    else if (incoming.wantsMore) this.#grant(incoming);
  }

  /** Bytes of memory that unfinished transfers take here, but for a bit per block. Never more than the limit. */
  get heldBytes(): number {
    return this.#open.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
  }

  /** What the sender says. False when it cannot be true: the peer breaks the rules. */
  hear(control: TransferControl): boolean {
    if (control.what === 'offer') return this.#offered(control.transfer, control.name, control.length);
    const incoming = this.#find(control.transfer);
    // It crossed our refusal.
    if (incoming === undefined) return seqDelta(control.transfer, this.#nextId) < 0;
    if (control.what === 'withdrawn') {
      this.#close(incoming);
      incoming.transfer.fail(control.code, control.reason);
      this.#inlet.ended(incoming.transfer);
      return true;
    }
    if (control.what !== 'end' || incoming.hash !== undefined) return false;
    incoming.hash = control.hash;
    if (incoming.complete) this.#finish(incoming);
    return true;
  }

  /** The session is over: nothing comes any more. */
  abandon(): void {
    for (const { transfer } of this.#open.splice(0)) {
      transfer.fail('ended', '');
      this.#inlet.ended(transfer);
    }
  }

  #offered(id: Seq, name: string, length: number): boolean {
    if (id !== this.#nextId || this.#open.length >= MAX_OPEN_TRANSFERS) return false;
    this.#nextId = seqNext(id);
    if (length > this.#limit) {
      this.stats.refusedBytes += length;
      this.#inlet.tell({ what: 'refused', transfer: id, code: 'too-large', reason: '' });
      return true;
    }
    const transfer = new TransferHandle(name, length, true, (one, reason) => this.#cancel(one, reason));
    this.#open.push(new Incoming(id, transfer));
    this.#inlet.started(transfer);
    this.#admit();
    return true;
  }

  /** Lets those begin that the limit has room for, in the order of their offers. */
  #admit(): void {
    let claimed = 0;
    for (const incoming of this.#open) {
      claimed += incoming.transfer.length;
      if (claimed > this.#limit) return;
      if (incoming.transfer.state === 'waiting') this.#grant(incoming);
    }
  }

  #grant(incoming: Incoming): void {
    incoming.transfer.state = 'moving';
    this.#inlet.tell({ what: 'grant', transfer: incoming.id, blocks: incoming.grant() });
  }

  #finish(incoming: Incoming): void {
    const { id, transfer } = incoming;
    const right = incoming.hashFits;
    if (right) this.#inlet.tell({ what: 'done', transfer: id });
    else this.#refuse(incoming, 'corrupt', '');
    this.#close(incoming);
    if (right) transfer.succeed(incoming.take());
    else transfer.fail('corrupt', '');
    this.#inlet.ended(transfer);
  }

  #cancel(transfer: TransferHandle, reason: string): void {
    const incoming = this.#open.find((one) => one.transfer === transfer);
    if (incoming === undefined) return;
    this.#refuse(incoming, 'cancelled', reason);
    this.#close(incoming);
    transfer.fail('cancelled', reason);
    this.#inlet.ended(transfer);
  }

  #refuse({ id, transfer }: Incoming, code: TransferFailure, reason: string): void {
    this.stats.refusedBytes += transfer.length - transfer.moved;
    this.#inlet.tell({ what: 'refused', transfer: id, code, reason });
  }

  #close(incoming: Incoming): void {
    this.#open.splice(this.#open.indexOf(incoming), 1);
    this.#admit();
  }

  #find(id: Seq): Incoming | undefined {
    return this.#open.find((one) => one.id === id);
  }
}

/** One transfer on its way here. */
class Incoming {
  readonly id: Seq;
  readonly transfer: TransferHandle;
  /** The sender's, once it has sent all of it. */
  hash: readonly [number, number] | undefined;
  readonly #blocks: number;
  #granted = 0;
  readonly #have: Uint8Array;
  /** Every block before this one is here, and in the hash. */
  #whole = 0;
  readonly #hash = new TransferHash();
  /** Grows with what arrives: an offer alone claims nothing. */
  #bytes = new Uint8Array(0);

  constructor(id: Seq, transfer: TransferHandle) {
    this.id = id;
    this.transfer = transfer;
    this.#blocks = blocksOf(transfer.length);
    this.#have = new Uint8Array(Math.ceil(this.#blocks / 8));
  }

  get complete(): boolean {
    return this.#whole === this.#blocks && this.hash !== undefined;
  }

  get heldBytes(): number {
    return this.#bytes.length;
  }

  get hashFits(): boolean {
    const [first, second] = this.#hash.finish();
    return first === this.hash?.[0] && second === this.hash[1];
  }

  get wantsMore(): boolean {
    return this.#granted < this.#blocks && this.#granted - this.#whole < WINDOW_BLOCKS / 2;
  }

  /** Blocks that may come from now on, counted from the first one. */
  grant(): number {
    this.#granted = Math.min(this.#blocks, this.#whole + WINDOW_BLOCKS);
    return this.#granted;
  }

  check(block: number, length: number): 'ok' | 'window' | 'length' {
    const end = block * BLOCK_BYTES + length;
    if (block + blocksOf(length) > this.#granted) return 'window';
    const whole = length % BLOCK_BYTES === 0 && end < this.transfer.length;
    return whole || end === this.transfer.length ? 'ok' : 'length';
  }

  /** Gives the number of bytes that were not here before. */
  store(block: number, bytes: Uint8Array, from: number, to: number): number {
    this.#reserve(block * BLOCK_BYTES + to - from);
    let fresh = 0;
    for (let at = from, number = block; at < to; at += BLOCK_BYTES, number++) {
      const bit = 1 << (number & 7);
      if ((this.#have[number >> 3]! & bit) !== 0) continue;
      this.#have[number >> 3]! |= bit;
      const end = Math.min(at + BLOCK_BYTES, to);
      this.#bytes.set(bytes.subarray(at, end), number * BLOCK_BYTES);
      fresh += end - at;
    }
    this.transfer.moved += fresh;
    this.#advance();
    return fresh;
  }

  take(): Uint8Array {
    const whole = this.#bytes;
    this.#bytes = NOTHING;
    return whole;
  }

  #advance(): void {
    while (this.#whole < this.#blocks && (this.#have[this.#whole >> 3]! & (1 << (this.#whole & 7))) !== 0) {
      const from = this.#whole * BLOCK_BYTES;
      this.#hash.add(this.#bytes, from, Math.min(from + BLOCK_BYTES, this.transfer.length));
      this.#whole++;
    }
  }

  #reserve(length: number): void {
    if (this.#bytes.length >= length) return;
    const grown = new Uint8Array(
      Math.min(this.transfer.length, Math.max(2 * this.#bytes.length, length, FIRST_BYTES)),
    );
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

const NOTHING = new Uint8Array(0);
const FIRST_BYTES = 16 * 1024;

/** Credit beyond the first block that is missing: 256 KiB, two seconds at the highest rate. */
const WINDOW_BLOCKS = (256 * 1024) / BLOCK_BYTES;
