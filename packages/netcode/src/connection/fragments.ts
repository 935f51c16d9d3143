/**
 * Fragments: the pieces of messages that fill what a packet has left, up to its end.
 *
 *     byte 0..1   head, least significant byte first
 *                   bits 0..9    length of the data in bytes
 *                   bit  10      this fragment ends its message
 *                   bit  11      1: reliable stream, 0: unreliable message
 *                   bit  12      zero: a fragment. 1: blocks of a transfer, see below
 *                   bits 13..15  zero
 *     byte 2..3   number, least significant byte first
 *                   reliable: place in the stream of fragments; unreliable: id of the message
 *     byte 4..    data
 *
 * A reliable message is cut every 256 bytes and only its last fragment may be shorter, so a message has one encoding.
 * An unreliable message is always one fragment. Numbers of either kind rise within a packet.
 *
 * Blocks of a transfer (transfer.ts) ride beside them:
 *
 *     byte 0..1   bits 0..11 length of the data in bytes, not 0 | bit 12 set | bits 13..15 zero
 *     byte 2..3   number of the transfer
 *     byte 4..6   number of the first block
 *     byte 7..    whole blocks of 64 bytes; the last block of a transfer may be shorter
 */

import { type Seq, seqDelta } from '../base/seq.ts';

export const FRAGMENT_HEADER_BYTES = 4;
export const BLOCKS_HEADER_BYTES = 7;

/**
 * Where reliable messages are cut. Small, because a fragment keeps its size for ever and must find room in packets
 * that snapshots have filled: 260 bytes always do, 900 might never. The header costs 1.6 %.
 */
export const RELIABLE_FRAGMENT_BYTES = 256;

/** The largest unreliable message: one fragment that fits a packet beside commands or a small snapshot. */
export const MAX_UNRELIABLE_BYTES = 900;

/** Reliable fragments in flight, and the receiver's ring: 16 KiB per round trip. */
export const FRAGMENT_WINDOW = 64;

/** Why a peer's section was not accepted. */
export type SectionRefusal =
  /** The section ends inside a fragment. */
  | 'truncated'
  /** A bit that must be zero is set. */
  | 'reserved-bits'
  /** A length that this kind of fragment cannot have. */
  | 'length'
  /** Numbers do not rise. */
  | 'order'
  /** A reliable fragment, or a block of a transfer, further ahead than a peer may send. */
  | 'window'
  /** `receive` was not called for too long: nothing more is taken in until it is. */
  | 'backlog'
  /** The reliable stream broke its rules earlier. Close the session. */
  | 'stream-broken';

/** The fragment at one place of a section. One object is reused; a walk allocates nothing. */
export class FragmentCursor {
  reliable = false;
  end = false;
  /** Blocks of a transfer: `number` is the transfer's, `block` the first one's. */
  blocks = false;
  block = 0;
  number: Seq = 0;
  /** The data lies at `bytes[from]` up to, not including, `bytes[to]`. */
  from = 0;
  to = 0;

  #lastReliable = -1;
  #lastUnreliable = -1;

  /** Starts a walk at byte `at`. */
  open(at: number): void {
    this.to = at;
    this.#lastReliable = -1;
    this.#lastUnreliable = -1;
  }

  /** Steps onto the next fragment. Call while `to < end`; checks all that one section can show. */
  next(bytes: Uint8Array, end: number): 'ok' | SectionRefusal {
    const at = this.to;
    if (at + FRAGMENT_HEADER_BYTES > end) return 'truncated';
    const head = bytes[at]! | (bytes[at + 1]! << 8);
    this.blocks = (head & BLOCKS_BIT) !== 0;
    if (this.blocks) return this.#nextBlocks(bytes, at, head, end);
    const length = head & LENGTH_MASK;
    this.end = (head & END_BIT) !== 0;
    this.reliable = (head & RELIABLE_BIT) !== 0;
    this.number = bytes[at + 2]! | (bytes[at + 3]! << 8);
    this.from = at + FRAGMENT_HEADER_BYTES;
    this.to = this.from + length;
    if (head >= FIRST_SPARE_BIT) return 'reserved-bits';
    if (!this.#lengthFits(length)) return 'length';
    if (this.to > end) return 'truncated';
    return this.#rises() ? 'ok' : 'order';
  }

  #nextBlocks(bytes: Uint8Array, at: number, head: number, end: number): 'ok' | SectionRefusal {
    if (head >= FIRST_SPARE_BIT) return 'reserved-bits';
    const length = head & (BLOCKS_BIT - 1);
    if (length === 0) return 'length';
    this.from = at + BLOCKS_HEADER_BYTES;
    this.to = this.from + length;
    if (this.to > end) return 'truncated';
    this.number = bytes[at + 2]! | (bytes[at + 3]! << 8);
    this.block = bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16);
    return 'ok';
  }

  #lengthFits(length: number): boolean {
    if (!this.reliable) return this.end && length <= MAX_UNRELIABLE_BYTES;
    return this.end ? length <= RELIABLE_FRAGMENT_BYTES : length === RELIABLE_FRAGMENT_BYTES;
  }

  #rises(): boolean {
    const last = this.reliable ? this.#lastReliable : this.#lastUnreliable;
    if (this.reliable) this.#lastReliable = this.number;
    else this.#lastUnreliable = this.number;
    return last < 0 || seqDelta(this.number, last) > 0;
  }
}

/** Writes one fragment of `source` at `at` and gives the index after it. The caller has checked the room. */
export function writeFragment(
  out: Uint8Array,
  at: number,
  reliable: boolean,
  end: boolean,
  number: Seq,
  source: Uint8Array,
  from: number,
  length: number,
): number {
  const head = length | (end ? END_BIT : 0) | (reliable ? RELIABLE_BIT : 0);
  out[at] = head & 0xff;
  out[at + 1] = head >>> 8;
  out[at + 2] = number & 0xff;
  out[at + 3] = number >>> 8;
  const data = at + FRAGMENT_HEADER_BYTES;
  for (let i = 0; i < length; i++) out[data + i] = source[from + i]!;
  return data + length;
}

/** Writes blocks of a transfer at `at` and gives the index after them. The caller has checked the room. */
export function writeBlocks(
  out: Uint8Array,
  at: number,
  transfer: Seq,
  block: number,
  source: Uint8Array,
  from: number,
  length: number,
): number {
  const head = length | BLOCKS_BIT;
  out[at] = head & 0xff;
  out[at + 1] = head >>> 8;
  out[at + 2] = transfer & 0xff;
  out[at + 3] = transfer >>> 8;
  out[at + 4] = block & 0xff;
  out[at + 5] = (block >>> 8) & 0xff;
  out[at + 6] = block >>> 16;
  const data = at + BLOCKS_HEADER_BYTES;
  out.set(source.subarray(from, from + length), data);
  return data + length;
}

const LENGTH_MASK = 0x3ff;
const END_BIT = 0x400;
const RELIABLE_BIT = 0x800;
const BLOCKS_BIT = 0x1000;
const FIRST_SPARE_BIT = 0x2000;
