/** Reads what smallwriter.ts writes, one list at a time. Total: any bytes give rows or a failure. */

import { HELD_WINDOW_TICKS } from '../base/units.ts';
import type { GameSchema } from '../simulation/game.ts';
import type { RowSet } from '../simulation/rows.ts';
import type { BitReader } from '../wire/bits.ts';
import { RangeDecoder } from '../wire/range.ts';
import { ID, MARK } from '../wire/schema.ts';
import { type HeldRows, holds, ReadRows, roomFor, type TableReader } from './listreader.ts';
import type { SmallRowCodec } from './rows/smallrow.ts';
import { DROPPED_LIST, KEPT_LIST, KEY_ORDER, SECTION } from './rowsink.ts';
import {
  ENTERED_ODDS,
  KEPT_ODDS,
  MOVED_SAME_ODDS,
  NEWS_ODDS,
  PacketOdds,
  SAME_SEAT_ODDS,
  SEAT_ZERO_ODDS,
  smallCodecs,
  smallLengthOrder,
} from './smallwriter.ts';

/** Earlier rows of the same entities, by the held tick of the base. */
export interface EarlierRows {
  /** The rows of a table at the baseline of the snapshot of `held`, and its tick; undefined when too old or not held. */
  earlier(t: number, held: number): { readonly rows: RowSet; readonly tick: number } | undefined;
}

export class SmallReader extends ReadRows implements TableReader {
  readonly #codecs: readonly SmallRowCodec[];
  readonly #maxPlayers: number;
  readonly #coder = new RangeDecoder();
  readonly #odds = new PacketOdds();
  #bytes = new Uint8Array(4_096);
  #codec: SmallRowCodec;
  #t = 0;
  /** Where the next earlier row probably stands. */
  #cursor = 0;
  #earlier: EarlierRows = { earlier: () => undefined };

  constructor(schema: GameSchema) {
    super();
    this.#codecs = smallCodecs(schema);
    this.#codec = this.#codecs[0] as SmallRowCodec;
    this.#maxPlayers = schema.maxPlayers;
  }

  /** Takes the bytes of a small snapshot out of the packet. */
  open(r: BitReader, earlier: EarlierRows): void {
    this.#earlier = earlier;
    this.#odds.reset();
    const length = r.readGolomb(smallLengthOrder);
    if (length * 8 > r.remaining) {
      r.fail();
      return;
    }
    if (this.#bytes.length < length) this.#bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) this.#bytes[i] = r.read(8);
    this.#coder.open(this.#bytes, 0, length);
  }

  /** Whether all that was read is the one encoding of what it says. */
  close(r: BitReader): void {
    if (!this.#coder.finish()) r.fail();
  }

  get failed(): boolean {
    return this.#coder.failed;
  }

  fail(): void {
    this.#coder.fail();
  }

  table(t: number): void {
    this.#t = t;
    this.#codec = this.#codecs[t] as SmallRowCodec;
    this.goneCount = 0;
  }

  enteredCount(): number {
    return this.#coder.bit(0, ENTERED_ODDS) === 0 ? 0 : this.#coder.golomb(0) + 1;
  }

  keyGap(): number {
    return this.#coder.golomb(KEY_ORDER);
  }

  listCode(): number {
    if (this.#odds.sent.code(this.#coder, 0) === 1) return SECTION;
    return this.#odds.stays.code(this.#coder, 0) === 1 ? KEPT_LIST : DROPPED_LIST;
  }

  read(held: HeldRows | undefined, table: RowSet | undefined, tick: number, into: RowSet): void {
    this.kept = 0;
    if (held !== undefined) this.origins = roomFor(this.origins, into.count + held.to - held.from);
    const keeps = this.#coder.bit(0, KEPT_ODDS) === 1;
    if (held !== undefined)
      for (let m = held.from; m < held.to && !this.failed; m++) this.#heldRow(held, m, keeps, tick, into);
    if (keeps && this.kept === 0) this.fail();
    this.#newRows(held, table, tick, into);
  }

  #heldRow({ rows, members }: HeldRows, m: number, keeps: boolean, tick: number, into: RowSet): void {
    const at = (members[m] as number) * rows.schema.stride;
    const c = this.#coder;
    this.origins[into.count] = members[m] as number;
    if (keeps && this.#odds.kept.code(c, 0) === 1) {
      into.push(rows.data, at);
      this.kept++;
      return;
    }
    this.#expect(rows, at, tick);
    const code = this.#codec.code(c, 0);
    if (code === 0) this.#takeExpected(rows.data[at + ID] as number, tick, into);
    else if (code === 1) this.#takeChanged(rows.data[at + ID] as number, tick, into);
    else if (code === 3) this.noteGone(rows.data[at + ID] as number);
    // Keeping has a bit of its own.
    else if (code === 4) this.fail();
  }

  #expect(rows: RowSet, at: number, tick: number): void {
    const held = rows.data[at + MARK] as number;
    const age = tick - held;
    if (age > HELD_WINDOW_TICKS) {
      this.#codec.expectNew();
      return;
    }
    const earlier = this.#earlier.earlier(this.#t, held);
    const id = rows.data[at + ID] as number;
    const row = earlier === undefined ? -1 : earlier.rows.findNear(id, this.#cursor);
    this.#cursor = row + 1;
    if (earlier === undefined || row < 0) {
      this.#codec.expect(rows.data, at, age);
      return;
    }
    const from = row * rows.schema.stride;
    // An earlier row counts only if it was sent in that very snapshot.
    if (earlier.rows.data[from + MARK] !== earlier.tick) this.#codec.expect(rows.data, at, age);
    else this.#codec.expect(rows.data, at, age, earlier.rows.data, from, held - earlier.tick);
  }

  #takeExpected(id: number, tick: number, into: RowSet): void {
    const to = this.begin(into, id, tick);
    const { expected } = this.#codec;
    const { data } = into;
    for (let i = MARK + 1; i < expected.length; i++) data[to + i] = expected[i] as number;
  }

  #takeRow(id: number, tick: number, into: RowSet): number {
    // The row may move the data to larger memory: begin it before naming the data.
    const to = this.begin(into, id, tick);
    this.#codec.row(this.#coder, into.data, to, tick);
    return to;
  }

  /** What is as expected has a code of its own. */
  #takeChanged(id: number, tick: number, into: RowSet): void {
    const to = this.#takeRow(id, tick, into);
    if (this.#codec.matches(into.data, to)) this.fail();
  }

  #newRows(held: HeldRows | undefined, table: RowSet | undefined, tick: number, into: RowSet): void {
    const c = this.#coder;
    this.news = c.bit(0, NEWS_ODDS) === 0 ? 0 : c.golomb(0) + 1;
    let last = 0;
    for (let n = 0; n < this.news && !this.failed; n++) {
      const id = this.#readId(last);
      last = id;
      if (this.failed) return;
      const from = table === undefined ? -1 : table.find(id);
      if (from >= 0 && held !== undefined && holds(held, from)) this.fail();
      this.origins = roomFor(this.origins, into.count + 1);
      this.origins[into.count] = from;
      if (table === undefined || from < 0) {
        this.#codec.expectNew();
        this.#takeRow(id, tick, into);
        continue;
      }
      this.#expect(table, from * table.schema.stride, tick);
      if (c.bit(0, MOVED_SAME_ODDS) === 1) this.#takeExpected(id, tick, into);
      else this.#takeChanged(id, tick, into);
    }
  }

  #readId(last: number): number {
    const c = this.#coder;
    if (last !== 0 && c.bit(0, SAME_SEAT_ODDS) === 1) {
      const next = last + c.golomb(4) + 1;
      if (next >> 16 !== last >> 16) this.fail();
      return next;
    }
    const zero = c.bit(0, SEAT_ZERO_ODDS) === 1;
    const seat = zero ? 0 : c.bits(0, 8);
    const named = seat * 65536 + c.bits(0, 16);
    if (
      (!zero && seat === 0) ||
      named <= last ||
      seat > this.#maxPlayers ||
      (last !== 0 && seat === last >> 16)
    )
      this.fail();
    return named;
  }
}
