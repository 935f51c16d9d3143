// A second, slower writer of snapshots, made from docs/wire-format.md alone: what the decoder accepted must come out of it again.

import type { BitWriter, GameSchema, Replica } from '@tickwire/netcode/internal';
import { HELD_WINDOW_TICKS } from '../../packages/netcode/src/base/units.ts';
import { RowCodec } from '../../packages/netcode/src/replication/rowcodec.ts';
import { MARK, type RowSchema } from '../../packages/netcode/src/wire/schema.ts';

/** Writes the one snapshot that leads from `before` to `after`: rows marked with the tick are sent, older ones are kept. */
export function writeSnapshot(
  w: BitWriter,
  schema: GameSchema,
  before: Replica | undefined,
  after: Replica,
): void {
  schema.rows.forEach((row, t) => {
    const table = new TableWriter(
      w,
      row,
      listsOf(before, t),
      listsOf(after, t),
      goneOf(after, t),
      after.tick,
    );
    if (schema.positions[t] === undefined) table.list(0);
    else table.cells();
  });
}

/** A row by itself: id, held tick, words. */
type Row = Int32Array;

/** Rows by list, lists by key, both in rising order. */
type Listed = Map<number, Row[]>;

function listsOf(replica: Replica | undefined, t: number): Listed | undefined {
  const lists = replica?.lists[t];
  const rows = replica?.tables[t];
  if (lists === undefined || rows === undefined) return undefined;
  const { stride } = rows.schema;
  const all: Listed = new Map();
  for (let i = 0; i < lists.count; i++) {
    const members = [...lists.members.subarray(lists.starts[i], lists.starts[i + 1])];
    all.set(
      lists.keys[i] as number,
      members.map((row) => rows.data.slice(row * stride, (row + 1) * stride)),
    );
  }
  return all;
}

const goneOf = (replica: Replica, t: number): ReadonlySet<number> =>
  new Set(replica.gone[t]?.subarray(0, replica.goneCounts[t]));

const codecs = new WeakMap<RowSchema, RowCodec>();

function codecOf(row: RowSchema): RowCodec {
  const codec = codecs.get(row) ?? new RowCodec(row);
  codecs.set(row, codec);
  return codec;
}

class TableWriter {
  readonly #w: BitWriter;
  readonly #row: RowSchema;
  readonly #codec: RowCodec;
  readonly #before: Listed | undefined;
  readonly #after: Listed;
  readonly #gone: ReadonlySet<number>;
  readonly #tick: number;
  /** Every row of the table that was held, whatever its list. */
  readonly #heldById: ReadonlyMap<number, Row>;

  constructor(
    w: BitWriter,
    row: RowSchema,
    before: Listed | undefined,
    after: Listed | undefined,
    gone: ReadonlySet<number>,
    tick: number,
  ) {
    this.#w = w;
    this.#row = row;
    this.#codec = codecOf(row);
    this.#before = before;
    this.#after = after ?? new Map();
    this.#gone = gone;
    this.#tick = tick;
    this.#heldById = new Map([...(before?.values() ?? [])].flat().map((held) => [held[0] ?? 0, held]));
  }

  cells(): void {
    this.list(0);
    const held = new Set(this.#before?.keys());
    const entered = [...this.#after.keys()].filter((key) => key !== 0 && !held.has(key));
    this.#w.writeGolomb(entered.length, 0);
    entered.forEach((key, i) => {
      this.#w.writeGolomb(key - (i === 0 ? 0 : (entered[i - 1] ?? 0)) - 1, 3);
    });
    const keys = [...new Set([...held, ...entered])].filter((key) => key !== 0).sort((a, b) => a - b);
    for (const key of keys) this.#cell(key, held.has(key));
  }

  #cell(key: number, wasHeld: boolean): void {
    const old = this.#before?.get(key) ?? [];
    const now = this.#after.get(key);
    if (!wasHeld) this.list(key);
    else if (now === undefined)
      this.#w.write(0b11, 2); // dropped
    else if (old.length > 0 && now.length === old.length && now.every((row) => row[MARK] !== this.#tick))
      this.#w.write(0b01, 2); // kept: 10 in the order of writing
    else {
      this.#w.write(0, 1);
      this.list(key);
    }
  }

  /** One list: what was held of it, then what is new to it. */
  list(key: number): void {
    const now = this.#after.get(key) ?? [];
    const old = this.#before?.get(key) ?? [];
    this.#heldRows(old, new Map(now.map((row) => [row[0] ?? 0, row])));
    const before = new Set(old.map((row) => row[0]));
    this.#newRows(now.filter((row) => !before.has(row[0] ?? 0)));
  }

  #heldRows(old: readonly Row[], now: ReadonlyMap<number, Row>): void {
    const w = this.#w;
    let gap = 0;
    const code = (bits: number, count: number): void => {
      w.writeGolomb(gap, 0);
      w.write(bits, count);
      gap = 0;
    };
    const isKept = (row: Row | undefined): boolean => {
      const next = now.get(row?.[0] ?? 0);
      return next !== undefined && next[MARK] !== this.#tick;
    };
    for (let i = 0; i < old.length; i++) {
      const row = old[i] as Row;
      const next = now.get(row[0] ?? 0);
      if (next === undefined) {
        if (this.#gone.has(row[0] ?? 0)) code(0b01, 2);
        else code(0b011, 3);
      } else if (isKept(row)) {
        let run = 1;
        while (i + run < old.length && isKept(old[i + run])) run++;
        code(0b111, 3);
        w.writeGolomb(run - 1, 0);
        i += run - 1;
      } else if (this.#isExpected(row, next)) gap++;
      else {
        code(0, 1);
        this.#codec.write(w, next, 0, this.#tick);
      }
    }
    if (gap > 0) w.writeGolomb(gap, 0);
  }

  #newRows(fresh: readonly Row[]): void {
    const w = this.#w;
    w.writeGolomb(fresh.length, 0);
    let last = 0;
    for (const row of fresh) {
      const id = row[0] ?? 0;
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
      last = id;
      const held = this.#heldById.get(id);
      if (held === undefined) this.#codec.expect(this.#row.empty, 0, 0);
      else {
        const same = this.#isExpected(held, row);
        w.write(same ? 0 : 1, 1);
        if (same) continue;
      }
      this.#codec.write(w, row, 0, this.#tick);
    }
  }

  /** Leaves the expected row in the codec. */
  #isExpected(held: Row, now: Row): boolean {
    const age = this.#tick - (held[MARK] ?? 0);
    if (age > HELD_WINDOW_TICKS) this.#codec.expect(this.#row.empty, 0, 0);
    else this.#codec.expect(held, 0, age);
    return this.#codec.matches(now, 0);
  }
}
