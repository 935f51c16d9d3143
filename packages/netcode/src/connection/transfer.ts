/**
 * Transfers: named bytes, too many for a message, that move in blocks beside everything else a packet carries.
 *
 *     sender      offer ─▶           ─▶ blocks, any order ─▶ end (hash) ─▶
 *     receiver          ◀─ grant: so many blocks may come ◀─ more ...      ◀─ done
 *     either side ends it early: the sender withdraws, the receiver refuses, both with a code and a reason
 *
 * Offers, grants and ends are reliable messages whose first byte is 255, which no game's message has; blocks ride in
 * frames of their own (fragments.ts) and are acknowledged with their packet. All of it belongs to the session.
 *
 *     255 | 1 offer     | u16 transfer | u32 length in bytes | u8 n, n bytes name
 *     255 | 2 grant     | u16 transfer | u32 blocks from the first one on
 *     255 | 3 end       | u16 transfer | u32 u32 hash
 *     255 | 4 done      | u16 transfer
 *     255 | 5 withdrawn | u16 transfer | u8 code | u8 n, n bytes reason
 *     255 | 6 refused   | u16 transfer | u8 code | u8 n, n bytes reason
 */

import { assert } from '../base/assert.ts';
import { encodeUtf8 } from '../wire/utf8.ts';
import { ByteReader, ByteWriter, type ReadRefusal } from './bytes.ts';

/** A transfer is cut into blocks of this many bytes, the last one shorter; a frame carries a run of them. */
export const BLOCK_BYTES = 64;

/** Block numbers have 24 bits. */
const MAX_TRANSFER_BYTES = BLOCK_BYTES * 2 ** 24;

/** Transfers of one side that are offered at a time; more wait at their sender. */
export const MAX_OPEN_TRANSFERS = 8;

const MAX_TRANSFER_NAME_BYTES = 32;
const MAX_TRANSFER_REASON_BYTES = 100;

/** What a client holds of its server's transfers at a time, and a server of one client's, unless they say otherwise. */
export const DEFAULT_TRANSFER_BYTES = 4 * 1024 * 1024;
export const DEFAULT_UPLOAD_BYTES = 64 * 1024;

/** First byte of a reliable message that is about a transfer. */
export const TRANSFER_CONTROL = 255;

/** Why a transfer ended early. The list only grows at its end: places in it travel. */
export const TRANSFER_FAILURES = [
  /** One side's program called `cancel`. */
  'cancelled',
  /** Longer than the receiver takes at all. */
  'too-large',
  /** The bytes that arrived are not those that were sent: the sender's array was changed on the way. */
  'corrupt',
  /** More transfers wait than may. Never travels. */
  'busy',
  /** The session is over, or the page was loaded again. Never travels. */
  'ended',
] as const;
export type TransferFailure = (typeof TRANSFER_FAILURES)[number];

/** How many of the failures a peer may name. */
const TRAVELLING_FAILURES = 3;

/** What `finished` rejects with. `code` is stable; `message` holds the reason that the other side gave, if it gave one. */
export class TransferError extends Error {
  override readonly name = 'TransferError';
  readonly code: TransferFailure;

  constructor(code: TransferFailure, message: string) {
    super(message);
    this.code = code;
  }
}

export interface TransferOptions {
  /** A higher one goes first; those of the same share alike. Default 0. */
  readonly priority?: number;
}

export type TransferState = 'waiting' | 'moving' | 'done' | 'failed';

/** One transfer, as the programs at either end see it. */
export interface Transfer {
  readonly name: string;
  /** Bytes in all. */
  readonly length: number;
  /** Whether the other side sends it. */
  readonly incoming: boolean;
  /** Bytes that have arrived; at the sender those known to have. */
  readonly moved: number;
  readonly state: TransferState;
  /** Why it failed, once it has. */
  readonly error: TransferError | undefined;
  /** The whole of it once it has moved and its hash is right; rejects with a `TransferError`. Nobody has to listen. */
  readonly finished: Promise<Uint8Array>;
  /** Done or failed. */
  readonly over: boolean;
  /** Gives it up and tells the other side why, in at most 100 bytes. Does nothing when it is over. */
  cancel(reason?: string): void;
}

/** The same for the side that moves it. */
export class TransferHandle implements Transfer {
  readonly name: string;
  readonly length: number;
  readonly incoming: boolean;
  moved = 0;
  state: TransferState = 'waiting';
  error: TransferError | undefined;
  readonly finished: Promise<Uint8Array>;
  readonly #cancel: (transfer: TransferHandle, reason: string) => void;
  #resolve: (bytes: Uint8Array) => void = () => undefined;
  #reject: (error: TransferError) => void = () => undefined;

  constructor(
    name: string,
    length: number,
    incoming: boolean,
    cancel: (transfer: TransferHandle, reason: string) => void,
  ) {
    this.name = name;
    this.length = length;
    this.incoming = incoming;
    this.#cancel = cancel;
    this.finished = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.finished.catch(() => undefined);
  }

  get over(): boolean {
    return this.state === 'done' || this.state === 'failed';
  }

  cancel(reason = ''): void {
    if (!this.over) this.#cancel(this, reason);
  }

  succeed(bytes: Uint8Array): void {
    this.state = 'done';
    this.moved = this.length;
    this.#resolve(bytes);
  }

  fail(code: TransferFailure, reason: string): void {
    this.state = 'failed';
    this.error = new TransferError(code, reason === '' ? MESSAGES[code] : reason);
    this.#reject(this.error);
  }
}

const MESSAGES: Readonly<Record<TransferFailure, string>> = {
  cancelled: 'The transfer was cancelled.',
  'too-large': 'The transfer is longer than the other side takes.',
  corrupt: 'What arrived is not what was sent; do not change the bytes while they move.',
  busy: 'Too many transfers wait already.',
  ended: 'The session ended before the transfer did.',
};

export type TransferControl =
  | {
      readonly what: 'offer';
      readonly transfer: number;
      readonly length: number;
      readonly name: string;
    }
  | { readonly what: 'grant'; readonly transfer: number; readonly blocks: number }
  | { readonly what: 'end'; readonly transfer: number; readonly hash: readonly [number, number] }
  | { readonly what: 'done'; readonly transfer: number }
  | {
      readonly what: 'withdrawn' | 'refused';
      readonly transfer: number;
      readonly code: TransferFailure;
      readonly reason: string;
    };

export function encodeTransferControl(control: TransferControl): Uint8Array {
  const w = new ByteWriter().uint(TRANSFER_CONTROL, 1);
  w.uint(KINDS.indexOf(control.what) + 1, 1).uint(control.transfer, 2);
  switch (control.what) {
    case 'offer':
      return w.uint(control.length, 4).sized(encodeUtf8(control.name), 1).finish();
    case 'grant':
      return w.uint(control.blocks, 4).finish();
    case 'end':
      return w.uint(control.hash[0], 4).uint(control.hash[1], 4).finish();
    case 'done':
      return w.finish();
    default:
      return w
        .uint(TRANSFER_FAILURES.indexOf(control.code), 1)
        .sized(encodeUtf8(control.reason, MAX_TRANSFER_REASON_BYTES), 1)
        .finish();
  }
}

/** Reads a reliable message that begins with 255. */
export function decodeTransferControl(bytes: Uint8Array): TransferControl | ReadRefusal | 'bad-value' {
  const r = new ByteReader(bytes, 1);
  const what = KINDS[r.uint(1) - 1];
  const transfer = r.uint(2);
  if (what === undefined) return r.refusal ?? 'bad-value';
  const control = readBody(r, what, transfer);
  return r.end() ?? control;
}

function readBody(
  r: ByteReader,
  what: TransferControl['what'],
  transfer: number,
): TransferControl | 'bad-value' {
  switch (what) {
    case 'offer':
      return { what, transfer, length: r.uint(4), name: r.text(MAX_TRANSFER_NAME_BYTES) };
    case 'grant':
      return { what, transfer, blocks: r.uint(4) };
    case 'end':
      return { what, transfer, hash: [r.uint(4), r.uint(4)] };
    case 'done':
      return { what, transfer };
    default: {
      const code = r.uint(1);
      const reason = r.text(MAX_TRANSFER_REASON_BYTES);
      const failure = TRANSFER_FAILURES[code];
      return failure === undefined || code >= TRAVELLING_FAILURES
        ? 'bad-value'
        : { what, transfer, code: failure, reason };
    }
  }
}

/** Checks what a program asks to send. */
export function assertTransferable(name: string, bytes: Uint8Array): void {
  assert(
    encodeUtf8(name).length <= MAX_TRANSFER_NAME_BYTES,
    `the name of a transfer has at most ${MAX_TRANSFER_NAME_BYTES} bytes, "${name}" has more`,
  );
  assert(
    bytes.length <= MAX_TRANSFER_BYTES,
    `a transfer has at most ${MAX_TRANSFER_BYTES} bytes, got ${bytes.length}; send it in parts`,
  );
}

export const blocksOf = (length: number): number => Math.ceil(length / BLOCK_BYTES);

const KINDS = ['offer', 'grant', 'end', 'done', 'withdrawn', 'refused'] as const;
