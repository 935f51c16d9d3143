// A second, slower writer of snapshots, made from docs/wire-format.md alone: what the decoder accepted must come out of it again.

import type { BitWriter, GameSchema, Replica } from '@tickwire/netcode/internal';
import { HELD_WINDOW_TICKS } from '../../packages/netcode/src/base/units.ts';
import { MARK } from '../../packages/netcode/src/wire/schema.ts';
import { FastPen, type Held, type Pen, type Row, SmallPen } from './reference-pens.ts';

/** Snapshots that a client holds, by tick. */
export interface Replicas {
  get(tick: number): Replica | undefined;
}

/** Small snapshots look this many snapshots back, and no further than rows are expected from. */
const EARLIER_SNAPSHOTS = 32;

/** Writes the one snapshot of a codec that leads from `before` to `after`: rows marked with the tick are sent, older ones are kept. */
export function writeSnapshot(
  w: BitWriter,
  schema: GameSchema,
  before: Replica | undefined,
  after: Replica,
  codec: 'fast' | 'small' = 'fast',
  held: Replicas = { get: () => undefined },
): void {
  w.write(codec === 'small' ? 1 : 0, 1);
  const pen = codec === 'small' ? new SmallPen(schema) : new FastPen(w, schema);
  schema.rows.forEach((_, t) => {
    pen.table(t);
    const table = new TableWriter(pen, schema, t, before, after, held);
    if (schema.positions[t] === undefined) table.list(0);
    else table.cells();
  });
  pen.close(w);
}

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

class TableWriter {
  readonly #pen: Pen;
  readonly #schema: GameSchema;
  readonly #t: number;
  readonly #before: Listed | undefined;
  readonly #after: Listed;
  readonly #gone: ReadonlySet<number>;
  readonly #tick: number;
  readonly #replicas: Replicas;
  /** Every row of the table that was held, whatever its list. */
  readonly #heldById: ReadonlyMap<number, Row>;

  constructor(
    pen: Pen,
    schema: GameSchema,
    t: number,
    before: Replica | undefined,
    after: Replica,
    replicas: Replicas,
  ) {
    this.#pen = pen;
    this.#schema = schema;
    this.#t = t;
    this.#before = listsOf(before, t);
    this.#after = listsOf(after, t) ?? new Map();
    this.#gone = new Set(after.gone[t]?.subarray(0, after.goneCounts[t]));
    this.#tick = after.tick;
    this.#replicas = replicas;
    this.#heldById = new Map([...(this.#before?.values() ?? [])].flat().map((held) => [held[0] ?? 0, held]));
  }

  cells(): void {
    this.list(0);
    const held = new Set(this.#before?.keys());
    const entered = [...this.#after.keys()].filter((key) => key !== 0 && !held.has(key));
    this.#pen.entered(entered.map((key, i) => key - (entered[i - 1] ?? 0) - 1));
    const keys = [...new Set([...held, ...entered])].filter((key) => key !== 0).sort((a, b) => a - b);
    for (const key of keys) this.#cell(key, held.has(key));
  }

  #cell(key: number, wasHeld: boolean): void {
    const old = this.#before?.get(key) ?? [];
    const now = this.#after.get(key);
    if (!wasHeld) this.list(key);
    else if (now === undefined) this.#pen.heldList('dropped');
    else if (old.length > 0 && now.length === old.length && now.every((row) => this.#isOld(row)))
      this.#pen.heldList('kept');
    else {
      this.#pen.heldList('rows');
      this.list(key);
    }
  }

  /** One list: what was held of it, then what is new to it. */
  list(key: number): void {
    const pen = this.#pen;
    const now = this.#after.get(key) ?? [];
    const old = this.#before?.get(key) ?? [];
    const nowById = new Map(now.map((row) => [row[0] ?? 0, row]));
    const keeps = (row: Row): boolean => this.#isOld(nowById.get(row[0] ?? 0));
    pen.begin(old.some(keeps));
    for (const row of old) {
      const next = nowById.get(row[0] ?? 0);
      if (keeps(row)) pen.kept();
      else if (next !== undefined) pen.held(this.#heldAs(row), next, this.#tick);
      else if (this.#gone.has(row[0] ?? 0)) pen.gone(this.#heldAs(row));
      else pen.left(this.#heldAs(row));
    }
    const before = new Set(old.map((row) => row[0]));
    const fresh = now.filter((row) => !before.has(row[0] ?? 0));
    pen.news(fresh.length);
    let last = 0;
    for (const row of fresh) {
      const id = row[0] ?? 0;
      const held = this.#heldById.get(id);
      pen.id(id, last);
      if (held === undefined) pen.body(row, this.#tick);
      else pen.moved(this.#heldAs(held), row, this.#tick);
      last = id;
    }
  }

  #isOld(row: Row | undefined): boolean {
    return row !== undefined && row[MARK] !== this.#tick;
  }

  /** What a held row is expected from. */
  #heldAs(row: Row): Held | undefined {
    const held = row[MARK] ?? 0;
    const age = this.#tick - held;
    if (age > HELD_WINDOW_TICKS) return undefined;
    return { row, age, ...this.#earlierOf(row[0] ?? 0, held) };
  }

  /** The row that the snapshot sent which was the baseline of the snapshot that sent the held one. */
  #earlierOf(id: number, held: number): Pick<Held, 'earlier' | 'earlierAge'> {
    const from = this.#replicas.get(held)?.baseline ?? -1;
    const { ticksPerSnapshot, secrets } = this.#schema;
    const reach = Math.min(HELD_WINDOW_TICKS, EARLIER_SNAPSHOTS * ticksPerSnapshot);
    const rows =
      from < 0 || this.#tick - from > reach ? undefined : this.#replicas.get(from)?.tables[this.#t];
    const at = rows?.offsetOf(id) ?? -1;
    if (rows === undefined || at < 0 || secrets[this.#t]?.all.length !== 0) return {};
    const earlier = rows.data.slice(at, at + rows.schema.stride);
    return earlier[MARK] === from ? { earlier, earlierAge: held - from } : {};
  }
}
