/**
 * The fast codec's way of writing lists of rows. Per list, first the rows that were held at the baseline, in rising id order [S2]:
 *
 *     gap(golomb 0)                 this many rows are as expected; if that reaches the last row, this part ends here
 *     0 row                         changed: the row against what was expected
 *     10                            gone: it does not exist any more
 *     110                           left this list: for another list, or out of this client's sight
 *     111 run-1(golomb 0)           kept: this row and the next ones stay as the client holds them
 *
 * then what is new to the list:
 *
 *     count(golomb 0), then per row: id, and
 *       held in another list:  0 as expected | 1 row
 *       new to the client:     row against the empty row
 *
 *     id = 1 gap-1(golomb 4) | 00 counter(16) | 01 seat(8) counter(16)      same seat as before | seat 0 | another seat
 */

import type { BitWriter } from '../wire/bits.ts';
import type { RowSchema } from '../wire/schema.ts';
import type { RowCodec } from './rowcodec.ts';

/** What is said of a list that was held at the baseline. */
export const SECTION = 0;
export const KEPT_LIST = 1;
export const DROPPED_LIST = 2;

/** Order of the code for gaps between the keys of entered lists. */
export const KEY_ORDER = 3;

/** Writes rows one after another; the caller says what each one is. `expect` comes before whatever is said of a held row. */
export class ListWriter {
  w: BitWriter;
  readonly #codecs: readonly RowCodec[];
  #codec: RowCodec;
  #gap = 0;
  #kept = 0;

  constructor(w: BitWriter, codecs: readonly RowCodec[]) {
    this.w = w;
    this.#codecs = codecs;
    this.#codec = codecs[0] as RowCodec;
  }

  get bits(): number {
    return this.w.bitLength;
  }

  /** The rows to come are of this table. */
  table(t: number): void {
    this.#codec = this.#codecs[t] as RowCodec;
  }

  /** Keys of the lists that the client does not hold yet. */
  entered(keys: Int32Array, count: number): void {
    this.w.writeGolomb(count, 0);
    let last = 0;
    for (let i = 0; i < count; i++) {
      const key = keys[i] as number;
      this.w.writeGolomb(key - last - 1, KEY_ORDER);
      last = key;
    }
  }

  /** What becomes of a list that was held. */
  list(code: number): void {
    if (code === SECTION) this.w.write(0, 1);
    else this.w.write(code === KEPT_LIST ? 1 : 3, 2);
  }

  expect(base: Int32Array, at: number, ticks: number): void {
    this.#codec.expect(base, at, ticks);
  }

  expectNew({ empty }: RowSchema): void {
    this.#codec.expect(empty, 0, 0);
  }

  /** Whether the row is as it was last expected. */
  matches(data: Int32Array, at: number): boolean {
    return this.#codec.matches(data, at);
  }

  asExpected(): void {
    if (this.#kept > 0) this.#flushKept();
    this.#gap++;
  }

  changed(data: Int32Array, at: number, tick: number): void {
    this.#code(0, 1);
    this.#codec.write(this.w, data, at, tick);
  }

  gone(): void {
    this.#code(1, 2);
  }

  left(): void {
    this.#code(3, 3);
  }

  kept(): void {
    this.#kept++;
  }

  /** After the last row that was held. */
  endHeld(): void {
    if (this.#kept > 0) this.#flushKept();
    if (this.#gap > 0) this.w.writeGolomb(this.#gap, 0);
    this.#gap = 0;
  }

  news(count: number): void {
    this.w.writeGolomb(count, 0);
  }

  /** Id of the next row that is new to the list; `last` is the one before it, 0 for none. */
  id(id: number, last: number): void {
    const { w } = this;
    const seat = id >> 16;
    if (last !== 0 && seat === last >> 16) {
      w.write(1, 1);
      w.writeGolomb(id - last - 1, 4);
    } else if (seat === 0) {
      w.write(0, 2);
      w.write(id, 16);
    } else {
      w.write(2, 2);
      w.write(seat, 8);
      w.write(id & 0xffff, 16);
    }
  }

  /** The body of a row that the client held in another list. */
  moved(data: Int32Array, at: number, tick: number): void {
    const same = this.#codec.matches(data, at);
    this.w.write(same ? 0 : 1, 1);
    if (!same) this.#codec.write(this.w, data, at, tick);
  }

  /** The body of a row that is new to the client. */
  body(data: Int32Array, at: number, tick: number): void {
    this.#codec.write(this.w, data, at, tick);
  }

  #code(bits: number, count: number): void {
    if (this.#kept > 0) this.#flushKept();
    this.w.writeGolomb(this.#gap, 0);
    this.#gap = 0;
    this.w.write(bits, count);
  }

  #flushKept(): void {
    this.w.writeGolomb(this.#gap, 0);
    this.#gap = 0;
    this.w.write(7, 3);
    this.w.writeGolomb(this.#kept - 1, 0);
    this.#kept = 0;
  }
}
