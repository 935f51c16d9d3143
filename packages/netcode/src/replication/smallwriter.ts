/**
 * The small codec's way of writing lists of rows: the same story as in listwriter.ts, but every decision is a bit of an arithmetic coder.
 *
 *     per table        any list entered? [count-1 golomb 0, key gaps golomb 3]
 *     per held list    rows | kept | dropped
 *     per list         any row kept?, then per held row: [kept?], its code, and what changed; then any row new? [count-1 golomb 0],
 *                      per new row: id, and for one held in another list whether it is as expected; what changed
 *
 * How rows are coded says smallrow.ts. Whether a row or a list is kept is learned within the packet, since it depends on how full
 * packets are: in a full one nearly all lists are kept, and there may be hundreds.
 */

import type { GameSchema } from '../simulation/game.ts';
import type { BitWriter } from '../wire/bits.ts';
import { type BitCoder, RangeEncoder } from '../wire/range.ts';
import { SmallRowCodec } from './rows/smallrow.ts';
import { rowModel } from './rows/tables.ts';
import { KEPT_LIST, KEY_ORDER, type RowSink, SECTION } from './rowsink.ts';

/** Chances in 1/65536: a table has entered lists, a list has kept rows, a list has new rows. */
export const ENTERED_ODDS = 6_000;
export const KEPT_ODDS = 2_000;
export const NEWS_ODDS = 16_000;
export const SAME_SEAT_ODDS = 52_000;
export const SEAT_ZERO_ODDS = 49_000;
export const MOVED_SAME_ODDS = 26_000;

/** How fast a learned chance follows what came before in the packet, and its bounds. */
const LEARNING_RATE = 4;
const LEAST_ODDS = 512;
const MOST_ODDS = 65_024;

/** A chance that is learned within one packet, alike on both sides. */
class LearnedOdds {
  odds: number;
  readonly #first: number;

  constructor(first: number) {
    this.odds = first;
    this.#first = first;
  }

  reset(): void {
    this.odds = this.#first;
  }

  /** Codes a bit, and learns from it. */
  code(c: BitCoder, bit: number): number {
    const { odds } = this;
    const coded = c.bit(bit, odds);
    const next = odds + (((coded === 1 ? 65_535 : 1) - odds) >> LEARNING_RATE);
    this.odds = next < LEAST_ODDS ? LEAST_ODDS : next > MOST_ODDS ? MOST_ODDS : next;
    return coded;
  }
}

/** The chances that are learned: a row is kept, a held list is sent, one that is not is kept. */
export class PacketOdds {
  readonly kept = new LearnedOdds(32_768);
  readonly sent = new LearnedOdds(64_000);
  readonly stays = new LearnedOdds(32_768);

  reset(): void {
    this.kept.reset();
    this.sent.reset();
    this.stays.reset();
  }
}

/** Bytes that a snapshot can have when nothing limits it. */
const LARGEST_BYTES = 1 << 20;

const LENGTH_ORDER = 8;

export class SmallWriter implements RowSink {
  readonly usesBefore = true;
  readonly rowOverheadBits = 2;
  readonly #codecs: readonly SmallRowCodec[];
  readonly #coder = new RangeEncoder();
  readonly #odds = new PacketOdds();
  #bytes = new Uint8Array(4_096);
  #codec: SmallRowCodec;
  #keeps = false;

  constructor(schema: GameSchema) {
    this.#codecs = smallCodecs(schema);
    this.#codec = this.#codecs[0] as SmallRowCodec;
  }

  /** Starts a snapshot of at most `bits` bits. */
  open(bits: number): void {
    const limit = Math.min(LARGEST_BYTES, Math.ceil(bits / 8) + 8);
    if (this.#bytes.length < limit) this.#bytes = new Uint8Array(limit);
    this.#coder.open(this.#bytes, 0, limit);
    this.#odds.reset();
  }

  get bits(): number {
    return this.#coder.bitLength;
  }

  /** Appends what was written: its length in bytes, then the bytes. */
  close(w: BitWriter): boolean {
    const length = this.#coder.finish();
    if (this.#coder.overflowed) return false;
    w.writeGolomb(length, LENGTH_ORDER);
    for (let i = 0; i < length; i++) w.write(this.#bytes[i] as number, 8);
    return true;
  }

  table(t: number): void {
    this.#codec = this.#codecs[t] as SmallRowCodec;
  }

  entered(keys: Int32Array, count: number): void {
    const c = this.#coder;
    c.bit(count > 0 ? 1 : 0, ENTERED_ODDS);
    if (count === 0) return;
    c.golomb(count - 1, 0);
    let last = 0;
    for (let i = 0; i < count; i++) {
      const key = keys[i] as number;
      c.golomb(key - last - 1, KEY_ORDER);
      last = key;
    }
  }

  list(code: number): void {
    this.#odds.sent.code(this.#coder, code === SECTION ? 1 : 0);
    if (code !== SECTION) this.#odds.stays.code(this.#coder, code === KEPT_LIST ? 1 : 0);
  }

  begin(kept: number): void {
    this.#keeps = kept > 0;
    this.#coder.bit(this.#keeps ? 1 : 0, KEPT_ODDS);
  }

  expect(
    base: Int32Array,
    at: number,
    ticks: number,
    before: Int32Array | undefined,
    beforeAt: number,
    beforeTicks: number,
  ): void {
    this.#codec.expect(base, at, ticks, before, beforeAt, beforeTicks);
  }

  expectNew(): void {
    this.#codec.expectNew();
  }

  matches(data: Int32Array, at: number): boolean {
    return this.#codec.matches(data, at);
  }

  asExpected(): void {
    this.#notKept();
    this.#codec.code(this.#coder, 0);
  }

  changed(data: Int32Array, at: number, tick: number): void {
    this.#notKept();
    this.#codec.code(this.#coder, 1);
    this.#codec.row(this.#coder, data, at, tick);
  }

  left(): void {
    this.#notKept();
    this.#codec.code(this.#coder, 2);
  }

  gone(): void {
    this.#notKept();
    this.#codec.code(this.#coder, 3);
  }

  kept(): void {
    this.#odds.kept.code(this.#coder, 1);
  }

  endHeld(): void {}

  news(count: number): void {
    this.#coder.bit(count > 0 ? 1 : 0, NEWS_ODDS);
    if (count > 0) this.#coder.golomb(count - 1, 0);
  }

  id(id: number, last: number): void {
    const c = this.#coder;
    const seat = id >> 16;
    if (last !== 0) {
      const same = seat === last >> 16;
      c.bit(same ? 1 : 0, SAME_SEAT_ODDS);
      if (same) {
        c.golomb(id - last - 1, 4);
        return;
      }
    }
    c.bit(seat === 0 ? 1 : 0, SEAT_ZERO_ODDS);
    if (seat !== 0) c.bits(seat, 8);
    c.bits(id & 0xffff, 16);
  }

  moved(data: Int32Array, at: number, tick: number): void {
    const same = this.#codec.matches(data, at);
    this.#coder.bit(same ? 1 : 0, MOVED_SAME_ODDS);
    if (!same) this.#codec.row(this.#coder, data, at, tick);
  }

  body(data: Int32Array, at: number, tick: number): void {
    this.#codec.row(this.#coder, data, at, tick);
  }

  measure(data: Int32Array, at: number, tick: number): number {
    return this.#codec.estimateBits(data, at, tick);
  }

  #notKept(): void {
    if (this.#keeps) this.#odds.kept.code(this.#coder, 0);
  }
}

/** Reads the length that `close` wrote. */
export const smallLengthOrder = LENGTH_ORDER;

export function smallCodecs(schema: GameSchema): SmallRowCodec[] {
  return schema.rows.map((row) => new SmallRowCodec(rowModel(row, schema.tables?.rows[row.name])));
}
