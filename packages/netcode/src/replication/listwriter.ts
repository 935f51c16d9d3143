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

import { MAX_DATAGRAM_BYTES } from '../base/units.ts';
import { BitWriter } from '../wire/bits.ts';
import type { RowSchema } from '../wire/schema.ts';
import type { RowCodec } from './rows/rowcodec.ts';
import { KEPT_LIST, KEY_ORDER, type RowSink, SECTION } from './rowsink.ts';

export class ListWriter implements RowSink {
  readonly usesBefore = false;
  readonly rowOverheadBits = 5;
  w: BitWriter;
  readonly #codecs: readonly RowCodec[];
  #codec: RowCodec;
  #gap = 0;
  #kept = 0;
  readonly #scratch = new BitWriter(new Uint8Array(2 * MAX_DATAGRAM_BYTES));

  constructor(w: BitWriter, codecs: readonly RowCodec[]) {
    this.w = w;
    this.#codecs = codecs;
    this.#codec = codecs[0] as RowCodec;
  }

  get bits(): number {
    return this.w.bitLength;
  }

  table(t: number): void {
    this.#codec = this.#codecs[t] as RowCodec;
  }

  entered(keys: Int32Array, count: number): void {
    this.w.writeGolomb(count, 0);
    let last = 0;
    for (let i = 0; i < count; i++) {
      const key = keys[i] as number;
      this.w.writeGolomb(key - last - 1, KEY_ORDER);
      last = key;
    }
  }

  list(code: number): void {
    if (code === SECTION) this.w.write(0, 1);
    else this.w.write(code === KEPT_LIST ? 1 : 3, 2);
  }

  begin(): void {}

  expect(base: Int32Array, at: number, ticks: number): void {
    this.#codec.expect(base, at, ticks);
  }

  expectNew({ empty }: RowSchema): void {
    this.#codec.expect(empty, 0, 0);
  }

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

  endHeld(): void {
    if (this.#kept > 0) this.#flushKept();
    if (this.#gap > 0) this.w.writeGolomb(this.#gap, 0);
    this.#gap = 0;
  }

  news(count: number): void {
    this.w.writeGolomb(count, 0);
  }

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

  moved(data: Int32Array, at: number, tick: number): void {
    const same = this.#codec.matches(data, at);
    this.w.write(same ? 0 : 1, 1);
    if (!same) this.#codec.write(this.w, data, at, tick);
  }

  body(data: Int32Array, at: number, tick: number): void {
    this.#codec.write(this.w, data, at, tick);
  }

  measure(data: Int32Array, at: number, tick: number): number {
    this.#scratch.reset();
    this.#codec.write(this.#scratch, data, at, tick);
    return this.#scratch.bitLength;
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
