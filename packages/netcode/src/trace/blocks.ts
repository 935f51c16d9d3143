/** A recording's memory: the last seconds, as blocks of a second that each read without the others. The oldest goes when there is too much. */

import { pack } from 'msgpackr';
import { assert } from '../base/assert.ts';
import { ByteWriter } from './bytes.ts';
import type { TraceHeader } from './description.ts';

/** How much a recording remembers. */
export interface TraceLimits {
  /** Seconds of play, 1..600. Default 30. */
  readonly seconds?: number;
  /** Bytes in memory and in the file. Default 16 MiB: half a minute of a thousand moving entities. */
  readonly bytes?: number;
}

/** What a file holds. */
export interface TraceFile {
  readonly magic: string;
  readonly header: TraceHeader;
  readonly blocks: readonly { readonly tick: number; readonly bytes: Uint8Array }[];
}

export const MAGIC = 'tickwire trace';
const DEFAULT_SECONDS = 30;
const DEFAULT_BYTES = 16 * 1024 * 1024;

export class Blocks {
  readonly writer = new ByteWriter();
  readonly #limit: { readonly blocks: number; readonly bytes: number };
  readonly #blockTicks: number;
  #closed: { tick: number; bytes: Uint8Array }[] = [];
  #size = 0;
  #first = -1;

  constructor(tickRate: number, { seconds = DEFAULT_SECONDS, bytes = DEFAULT_BYTES }: TraceLimits) {
    assert(seconds >= 1 && seconds <= 600, `a recording keeps 1..600 seconds, got ${seconds}`);
    assert(bytes >= 65_536, `a recording needs at least 65536 bytes, got ${bytes}`);
    this.#blockTicks = tickRate;
    this.#limit = { blocks: Math.ceil(seconds), bytes };
  }

  /** Begins the entry of a tick. True when it opens a block: it is coded against nothing then. */
  begin(tick: number): boolean {
    if (this.#first >= 0 && tick > this.#first && tick < this.#first + this.#blockTicks) return false;
    this.#close();
    this.#first = tick;
    return true;
  }

  clear(): void {
    this.#closed = [];
    this.#size = 0;
    this.#first = -1;
    this.writer.reset();
  }

  file(header: TraceHeader): Uint8Array {
    const blocks = [...this.#closed];
    if (this.#first >= 0) blocks.push({ tick: this.#first, bytes: this.writer.take() });
    return pack({ magic: MAGIC, header, blocks } satisfies TraceFile);
  }

  #close(): void {
    if (this.#first < 0) return;
    const bytes = this.writer.take();
    this.#closed.push({ tick: this.#first, bytes });
    this.#size += bytes.length;
    this.writer.reset();
    // The open block counts too.
    while (
      this.#closed.length > 1 &&
      (this.#closed.length > this.#limit.blocks || this.#size > this.#limit.bytes)
    )
      this.#size -= this.#closed.shift()?.bytes.length ?? 0;
  }
}
