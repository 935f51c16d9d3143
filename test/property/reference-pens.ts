// How each codec spells what reference.ts has to say, from docs/wire-format.md: the lists anew, the rows with the row codecs.

import type { BitWriter, GameSchema } from '@tickwire/netcode/internal';
import { RowCodec } from '../../packages/netcode/src/replication/rows/rowcodec.ts';
import { SmallRowCodec } from '../../packages/netcode/src/replication/rows/smallrow.ts';
import { rowModel } from '../../packages/netcode/src/replication/rows/tables.ts';
import { RangeEncoder } from '../../packages/netcode/src/wire/range.ts';

/** A row by itself: id, held tick, words. */
export type Row = Int32Array;

/** A held row, and the earlier one that its motion is seen from. */
export interface Held {
  readonly row: Row;
  /** Ticks. */
  readonly age: number;
  readonly earlier?: Row;
  /** Ticks from the earlier row to the held one. */
  readonly earlierAge?: number;
}

/** What is said, in this order, of each table. Rows that are held are undefined when too old to be expected from. */
export interface Pen {
  table(t: number): void;
  /** Key gaps of the lists that are new. */
  entered(gaps: readonly number[]): void;
  heldList(what: 'rows' | 'kept' | 'dropped'): void;
  begin(keeps: boolean): void;
  kept(): void;
  /** As expected, or changed. */
  held(held: Held | undefined, now: Row, tick: number): void;
  gone(held: Held | undefined): void;
  left(held: Held | undefined): void;
  news(count: number): void;
  id(id: number, last: number): void;
  moved(held: Held | undefined, now: Row, tick: number): void;
  body(now: Row, tick: number): void;
  close(w: BitWriter): void;
}

const codecs = new WeakMap<GameSchema, { fast: RowCodec[]; small: SmallRowCodec[] }>();

function codecsOf(schema: GameSchema): { fast: RowCodec[]; small: SmallRowCodec[] } {
  const made = codecs.get(schema) ?? {
    fast: schema.rows.map((row) => new RowCodec(row, schema.tables?.rows[row.name])),
    small: schema.rows.map((row) => new SmallRowCodec(rowModel(row, schema.tables?.rows[row.name]))),
  };
  codecs.set(schema, made);
  return made;
}

export class FastPen implements Pen {
  readonly #w: BitWriter;
  readonly #codecs: readonly RowCodec[];
  #codec: RowCodec;
  #gap = 0;
  #run = 0;

  constructor(w: BitWriter, schema: GameSchema) {
    this.#w = w;
    this.#codecs = codecsOf(schema).fast;
    this.#codec = this.#codecs[0] as RowCodec;
  }

  table(t: number): void {
    this.#codec = this.#codecs[t] as RowCodec;
  }

  entered(gaps: readonly number[]): void {
    this.#w.writeGolomb(gaps.length, 0);
    for (const gap of gaps) this.#w.writeGolomb(gap, 3);
  }

  heldList(what: 'rows' | 'kept' | 'dropped'): void {
    // 10 and 11 in the order of writing.
    if (what === 'rows') this.#w.write(0, 1);
    else this.#w.write(what === 'kept' ? 0b01 : 0b11, 2);
  }

  begin(): void {}

  kept(): void {
    this.#run++;
  }

  held(held: Held | undefined, now: Row, tick: number): void {
    this.#expect(held);
    if (this.#codec.matches(now, 0)) {
      this.#endRun();
      this.#gap++;
    } else {
      this.#code(0, 1);
      this.#codec.write(this.#w, now, 0, tick);
    }
  }

  gone(): void {
    this.#code(0b01, 2);
  }

  left(): void {
    this.#code(0b011, 3);
  }

  news(count: number): void {
    this.#endRun();
    if (this.#gap > 0) this.#w.writeGolomb(this.#gap, 0);
    this.#gap = 0;
    this.#w.writeGolomb(count, 0);
  }

  id(id: number, last: number): void {
    const w = this.#w;
    if (last !== 0 && id >> 16 === last >> 16) {
      w.write(1, 1);
      w.writeGolomb(id - last - 1, 4);
    } else if (id >> 16 === 0) {
      w.write(0, 1);
      w.write(0, 1);
      w.write(id, 16);
    } else {
      w.write(0, 1);
      w.write(1, 1);
      w.write(id >> 16, 8);
      w.write(id & 0xffff, 16);
    }
  }

  moved(held: Held | undefined, now: Row, tick: number): void {
    this.#expect(held);
    const same = this.#codec.matches(now, 0);
    this.#w.write(same ? 0 : 1, 1);
    if (!same) this.#codec.write(this.#w, now, 0, tick);
  }

  body(now: Row, tick: number): void {
    this.#expect(undefined);
    this.#codec.write(this.#w, now, 0, tick);
  }

  close(): void {}

  #expect(held: Held | undefined): void {
    if (held === undefined) this.#codec.expect(this.#codec.schema.empty, 0, 0);
    else this.#codec.expect(held.row, 0, held.age);
  }

  #endRun(): void {
    if (this.#run === 0) return;
    const run = this.#run;
    this.#run = 0;
    this.#code(0b111, 3);
    this.#w.writeGolomb(run - 1, 0);
  }

  #code(bits: number, count: number): void {
    this.#endRun();
    this.#w.writeGolomb(this.#gap, 0);
    this.#gap = 0;
    this.#w.write(bits, count);
  }
}

/** A chance in 1/65536 that follows what came before in the packet, as the page says. */
class Learned {
  odds: number;

  constructor(odds: number) {
    this.odds = odds;
  }

  code(coder: RangeEncoder, bit: number): void {
    coder.bit(bit, this.odds);
    const next = this.odds + Math.floor(((bit === 1 ? 65_535 : 1) - this.odds) / 16);
    this.odds = Math.min(65_024, Math.max(512, next));
  }
}

export class SmallPen implements Pen {
  readonly #bytes = new Uint8Array(1 << 16);
  readonly #c = new RangeEncoder().open(this.#bytes, 0, this.#bytes.length);
  readonly #codecs: readonly SmallRowCodec[];
  #codec: SmallRowCodec;
  readonly #isKept = new Learned(32_768);
  readonly #isSent = new Learned(64_000);
  readonly #stays = new Learned(32_768);
  #keeps = false;

  constructor(schema: GameSchema) {
    this.#codecs = codecsOf(schema).small;
    this.#codec = this.#codecs[0] as SmallRowCodec;
  }

  table(t: number): void {
    this.#codec = this.#codecs[t] as SmallRowCodec;
  }

  entered(gaps: readonly number[]): void {
    this.#count(gaps.length, 6_000);
    for (const gap of gaps) this.#c.golomb(gap, 3);
  }

  heldList(what: 'rows' | 'kept' | 'dropped'): void {
    this.#isSent.code(this.#c, what === 'rows' ? 1 : 0);
    if (what !== 'rows') this.#stays.code(this.#c, what === 'kept' ? 1 : 0);
  }

  begin(keeps: boolean): void {
    this.#keeps = keeps;
    this.#c.bit(keeps ? 1 : 0, 2_000);
  }

  kept(): void {
    this.#isKept.code(this.#c, 1);
  }

  held(held: Held | undefined, now: Row, tick: number): void {
    this.#say(held, undefined, now, tick);
  }

  gone(held: Held | undefined): void {
    this.#say(held, 3);
  }

  left(held: Held | undefined): void {
    this.#say(held, 2);
  }

  news(count: number): void {
    this.#count(count, 16_000);
  }

  id(id: number, last: number): void {
    const c = this.#c;
    const seat = Math.floor(id / 65_536);
    const same = last !== 0 && seat === Math.floor(last / 65_536);
    if (last !== 0) c.bit(same ? 1 : 0, 52_000);
    if (same) {
      c.golomb(id - last - 1, 4);
      return;
    }
    c.bit(seat === 0 ? 1 : 0, 49_000);
    if (seat > 0) c.bits(seat, 8);
    c.bits(id % 65_536, 16);
  }

  moved(held: Held | undefined, now: Row, tick: number): void {
    this.#expect(held);
    const same = this.#codec.matches(now, 0);
    this.#c.bit(same ? 1 : 0, 26_000);
    if (!same) this.#codec.row(this.#c, now, 0, tick);
  }

  body(now: Row, tick: number): void {
    this.#codec.expectNew();
    this.#codec.row(this.#c, now, 0, tick);
  }

  close(w: BitWriter): void {
    const length = this.#c.finish();
    w.writeGolomb(length, 8);
    for (const byte of this.#bytes.subarray(0, length)) w.write(byte, 8);
  }

  /** Whether there are any, then how many. */
  #count(count: number, odds: number): void {
    this.#c.bit(count > 0 ? 1 : 0, odds);
    if (count > 0) this.#c.golomb(count - 1, 0);
  }

  #say(held: Held | undefined, code: number | undefined, now?: Row, tick = 0): void {
    if (this.#keeps) this.#isKept.code(this.#c, 0);
    this.#expect(held);
    const said = code ?? (this.#codec.matches(now as Row, 0) ? 0 : 1);
    this.#codec.code(this.#c, said);
    if (said === 1) this.#codec.row(this.#c, now as Row, 0, tick);
  }

  #expect(held: Held | undefined): void {
    if (held === undefined) this.#codec.expectNew();
    else this.#codec.expect(held.row, 0, held.age, held.earlier, 0, held.earlierAge ?? 0);
  }
}
