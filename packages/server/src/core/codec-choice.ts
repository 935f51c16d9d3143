/**
 * Which codec writes the snapshots of a tick: small ones while the server has time for them, fast ones under load. It counts rows, not
 * milliseconds, so that a run repeats itself; a server that fell behind has no time, whatever the count says.
 */

import type { SnapshotCodec } from '@tickwire/netcode/internal';

/** What a server may be told to use. */
export type CodecSetting = SnapshotCodec | 'auto';

/** Nanoseconds per row and client that small snapshots take on a slow machine. */
const SMALL_ROW_NS = 500;

/** Share of one core that small snapshots may take. */
const SMALL_SHARE = 0.2;

/** Back to small ones only when they would take this much less. */
const RETURN_SHARE = 0.7;

/** After the server fell behind, fast ones for this long. */
const REST_SECONDS = 10;

export class CodecChoice {
  readonly #setting: CodecSetting;
  readonly #mostRows: number;
  readonly #restTicks: number;
  #codec: SnapshotCodec = 'small';
  #restsUntil = -1;

  constructor(setting: CodecSetting, tickRate: number, snapshotRate: number) {
    this.#setting = setting;
    this.#mostRows = (SMALL_SHARE * 1e9) / SMALL_ROW_NS / snapshotRate;
    this.#restTicks = REST_SECONDS * tickRate;
  }

  /** The codec for a tick in which `rows` rows are told, all clients together. */
  choose(rows: number, tick: number): SnapshotCodec {
    if (this.#setting !== 'auto') return this.#setting;
    if (tick < this.#restsUntil || rows > this.#mostRows) this.#codec = 'fast';
    else if (rows < this.#mostRows * RETURN_SHARE) this.#codec = 'small';
    return this.#codec;
  }

  /** The server could not keep up. */
  overran(tick: number): void {
    this.#restsUntil = tick + this.#restTicks;
  }
}
