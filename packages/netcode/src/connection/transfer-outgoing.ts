/** One transfer at its sender: which of its blocks have arrived, which are lost, and which come next. */

import type { Seq } from '../base/seq.ts';
import { Queue } from './queue.ts';
import { BLOCK_BYTES, blocksOf, type TransferHandle } from './transfer.ts';
import { TransferHash } from './transfer-hash.ts';

export class Outgoing {
  readonly transfer: TransferHandle;
  readonly bytes: Uint8Array;
  readonly priority: number;
  readonly blocks: number;
  readonly hash = new TransferHash();
  id: Seq = -1;
  /** Blocks, from the first one on, that the receiver has room for. */
  granted = 0;
  /** Bytes sent, to share fairly. */
  served = 0;
  endSent = false;
  /** The run that `take` chose, and whether it was sent before. */
  runFrom = 0;
  runBytes = 0;
  runAgain = false;
  /** The first block that was never sent. */
  #next = 0;
  readonly #acked: Uint8Array;
  readonly #lost = new Queue<{ from: number; count: number }>();

  constructor(transfer: TransferHandle, bytes: Uint8Array, priority: number) {
    this.transfer = transfer;
    this.bytes = bytes;
    this.priority = priority;
    this.blocks = blocksOf(bytes.length);
    this.#acked = new Uint8Array(this.blocks);
  }

  get wholeSent(): boolean {
    return this.#next === this.blocks;
  }

  get canSend(): boolean {
    return this.#next < this.granted || this.#findLost();
  }

  /** Chooses the next run of blocks that fits `room` bytes: lost ones first. False when there is none. */
  take(room: number): boolean {
    this.runAgain = this.#findLost();
    this.runFrom = this.runAgain ? this.#lost.at(0)!.from : this.#next;
    let most = this.granted - this.#next;
    if (this.runAgain) most = this.#lostRun();
    const count = this.#fitting(this.runFrom, most, room);
    if (count === 0) return false;
    const from = this.runFrom * BLOCK_BYTES;
    this.runBytes = Math.min(count * BLOCK_BYTES, this.bytes.length - from);
    if (this.runAgain) {
      const run = this.#lost.at(0)!;
      run.from += count;
      run.count -= count;
    } else {
      this.hash.add(this.bytes, from, from + this.runBytes);
      this.#next += count;
    }
    return true;
  }

  acked(from: number, count: number): void {
    for (let block = from; block < from + count; block++) {
      if (this.#acked[block] === 1) continue;
      this.#acked[block] = 1;
      this.transfer.moved += Math.min(BLOCK_BYTES, this.bytes.length - block * BLOCK_BYTES);
    }
  }

  again(from: number, count: number): void {
    this.#lost.push({ from, count });
  }

  /** Brings the first lost block that is still missing to the front; false when there is none. */
  #findLost(): boolean {
    for (let run = this.#lost.at(0); run !== undefined; run = this.#lost.at(0)) {
      while (run.count > 0 && this.#acked[run.from] === 1) {
        run.from++;
        run.count--;
      }
      if (run.count > 0) return true;
      this.#lost.shift();
    }
    return false;
  }

  /** Blocks at the front of the lost ones up to the first that has arrived after all. */
  #lostRun(): number {
    const { from, count } = this.#lost.at(0)!;
    let run = 1;
    while (run < count && this.#acked[from + run] === 0) run++;
    return run;
  }

  #fitting(from: number, most: number, room: number): number {
    const count = Math.min(most, Math.floor(room / BLOCK_BYTES));
    // The last block may be short enough for what is left.
    const rest = this.bytes.length - (from + count) * BLOCK_BYTES;
    return count < most && from + count === this.blocks - 1 && rest <= room - count * BLOCK_BYTES
      ? count + 1
      : count;
  }
}
