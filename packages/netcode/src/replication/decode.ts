/** Reads a snapshot's entities (drawn in encode.ts) onto what the client held at the baseline. Total: any bytes give rows or a failure. */

import { HELD_WINDOW_TICKS } from '../base/units.ts';
import type { GameSchema } from '../simulation/game.ts';
import { RowSet } from '../simulation/rows.ts';
import type { BitReader } from '../wire/bits.ts';
import { ID, MARK, OWNER } from '../wire/schema.ts';
import { RowCodec } from './rowcodec.ts';

/** What a client holds after one snapshot. Each row's mark is its held tick. */
export interface Replica {
  tick: number;
  readonly tables: readonly RowSet[];
  /** The control words of the client's own seat at this tick. */
  readonly controls: Int32Array;
}

export function newReplica(schema: GameSchema, controlWords: number): Replica {
  return {
    tick: -1,
    tables: schema.rows.map((row) => new RowSet(row)),
    controls: new Int32Array(controlWords),
  };
}

export class SnapshotDecoder {
  readonly #codecs: readonly RowCodec[];
  readonly #maxPlayers: number;

  constructor(schema: GameSchema) {
    this.#codecs = schema.rows.map((row) => new RowCodec(row));
    this.#maxPlayers = schema.maxPlayers;
  }

  /** Fills `into` for `tick`. On failure `r.failed` is set and `into` holds nothing of use. */
  decode(r: BitReader, baseline: Replica | undefined, tick: number, into: Replica): void {
    into.tick = tick;
    for (let t = 0; t < this.#codecs.length && !r.failed; t++)
      this.#table(r, t, baseline?.tables[t], tick, into.tables[t] as RowSet);
  }

  #table(r: BitReader, t: number, old: RowSet | undefined, tick: number, into: RowSet): void {
    into.clear();
    const kept = this.#kept[t] ?? new RowSet(into.schema);
    this.#kept[t] = kept;
    kept.clear();
    if (old !== undefined) this.#heldRows(r, t, old, tick, kept);
    this.#newRows(r, t, old, kept, tick, into);
  }

  readonly #kept: RowSet[] = [];

  /** The rows that were held at the baseline. */
  #heldRows(r: BitReader, t: number, old: RowSet, tick: number, into: RowSet): void {
    const { stride } = old.schema;
    let i = 0;
    let afterHeld = false;
    while (i < old.count && !r.failed) {
      const gap = r.readGolomb(0);
      if (i + gap > old.count) {
        r.fail();
        return;
      }
      for (const end = i + gap; i < end; i++) this.#expectedRow(t, old, i * stride, tick, into);
      if (i === old.count) {
        // A list that ends on a code has no closing gap.
        if (gap === 0) r.fail();
        return;
      }
      const code = readCode(r);
      if (code === CHANGED) {
        this.#changedRow(r, t, old, i++ * stride, tick, into);
      } else if (code === REMOVED) {
        i++;
      } else {
        const run = r.readGolomb(0) + 1;
        if (i + run > old.count || (afterHeld && gap === 0)) {
          r.fail();
          return;
        }
        for (const end = i + run; i < end; i++) into.push(old.data, i * stride);
      }
      afterHeld = code === HELD;
    }
  }

  #expect(t: number, old: RowSet, at: number, tick: number): RowCodec {
    const codec = this.#codecs[t] as RowCodec;
    const age = tick - (old.data[at + MARK] ?? 0);
    if (age > HELD_WINDOW_TICKS) codec.expect(old.schema.empty, 0, 0);
    else codec.expect(old.data, at, age);
    return codec;
  }

  #expectedRow(t: number, old: RowSet, at: number, tick: number, into: RowSet): void {
    const codec = this.#expect(t, old, at, tick);
    const to = this.#begin(into, old.data[at + ID] ?? 0, tick);
    const { data } = into;
    const { expected } = codec;
    for (let i = MARK + 1; i < expected.length; i++) data[to + i] = expected[i] ?? 0;
  }

  #changedRow(r: BitReader, t: number, old: RowSet, at: number, tick: number, into: RowSet): void {
    const codec = this.#expect(t, old, at, tick);
    const to = this.#begin(into, old.data[at + ID] ?? 0, tick);
    codec.read(r, into.data, to, tick);
    if (codec.matches(into.data, to)) r.fail();
  }

  #begin(into: RowSet, id: number, tick: number): number {
    const at = into.push(into.schema.empty, 0);
    into.data[at + ID] = id;
    into.data[at + OWNER] = id >> 16;
    into.data[at + MARK] = tick;
    return at;
  }

  /** Merges what is new to the client into what it kept, in id order. */
  #newRows(r: BitReader, t: number, old: RowSet | undefined, kept: RowSet, tick: number, into: RowSet): void {
    const { stride } = into.schema;
    const codec = this.#codecs[t] as RowCodec;
    const count = r.readGolomb(0);
    let k = 0;
    let last = 0;
    for (let n = 0; n < count && !r.failed; n++) {
      const id = this.#readId(r, last);
      last = id;
      while (k < kept.count && kept.id(k) < id) into.push(kept.data, k++ * stride);
      // What was held is changed, never removed and sent anew: that would be a second encoding.
      if (old !== undefined && old.find(id) >= 0) r.fail();
      if (r.failed) return;
      codec.expect(into.schema.empty, 0, 0);
      // The row may move the data to larger memory: begin it before naming the data.
      const to = this.#begin(into, id, tick);
      codec.read(r, into.data, to, tick);
    }
    while (k < kept.count) into.push(kept.data, k++ * stride);
  }

  #readId(r: BitReader, last: number): number {
    if (r.readBool()) {
      const id = last + r.readGolomb(4) + 1;
      if (last === 0 || id >> 16 !== last >> 16) r.fail();
      return id;
    }
    const seat = r.read(8);
    const id = seat * 65536 + r.read(16);
    if (id <= last || seat > this.#maxPlayers || (last !== 0 && seat === last >> 16)) r.fail();
    return id;
  }
}

const CHANGED = 0;
const REMOVED = 1;
const HELD = 2;

function readCode(r: BitReader): number {
  if (r.read(1) === 0) return CHANGED;
  return r.read(1) === 0 ? REMOVED : HELD;
}
