/**
 * One saved tick as replication sees it, shared by all clients: rows without secrets, the list that each row stands in, and since
 * when each row has been as expected.
 *
 * A table's rows are cut into lists by key. A type that is relevant everywhere has one list, key 0; a type with a position has one
 * list per interest cell (see simulation/grid.ts). Lists hold their rows in rising id order [S2].
 */

import type { GameSchema } from '../simulation/game.ts';
import type { InterestGrid, PositionWords } from '../simulation/grid.ts';
import { RowSet } from '../simulation/rows.ts';
import type { Secrets } from '../simulation/secrets.ts';
import type { SavedWorld } from '../simulation/world.ts';
import { OWNER } from '../wire/schema.ts';
import type { RowCodec } from './rows/rowcodec.ts';

export class FrameTable {
  /** What everybody may know; where the schema has no secrets, the world's own rows. */
  rows: RowSet;
  /** Key by row. */
  keys = new Int32Array(16);
  /** Where each list starts in `members` and `ids`, by key; one more for the end. */
  readonly starts: Int32Array;
  /** Row indexes and ids, list by list. */
  members = new Int32Array(16);
  ids = new Int32Array(16);
  /** By row: the first of the frames since which the row has been as expected from each to the next. */
  steady = new Int32Array(16);
  /** By key: seats (modulo 32) that own rows with secrets here, and 1 where a row refers to what may be hidden. Empty without secrets. */
  readonly owners: Int32Array;
  readonly refers: Uint8Array;
  readonly #copy: RowSet | undefined;

  constructor(rows: RowSet, cells: number, secrets: Secrets) {
    this.rows = rows;
    this.starts = new Int32Array(cells + 2);
    const secretive = secrets.all.length > 0;
    this.owners = new Int32Array(secretive ? cells + 1 : 0);
    this.refers = new Uint8Array(secretive ? cells + 1 : 0);
    this.#copy = secretive ? new RowSet(rows.schema) : undefined;
  }

  reserve(count: number): void {
    if (count <= this.keys.length) return;
    const size = count + (count >> 1);
    this.keys = new Int32Array(size);
    this.members = new Int32Array(size);
    this.ids = new Int32Array(size);
    this.steady = new Int32Array(size);
  }

  /** Takes the world's rows, and hides what is secret in a copy of them. */
  take(rows: RowSet, secrets: Secrets): void {
    this.rows = rows;
    const copy = this.#copy;
    if (copy === undefined) return;
    copy.copyFrom(rows);
    this.rows = copy;
    const { stride, empty } = rows.schema;
    for (let i = 0, at = 0; i < copy.count; i++, at += stride)
      for (const word of secrets.words) copy.data[at + word] = empty[word] ?? 0;
  }
}

export class Frame {
  tick = -1;
  readonly tables: readonly FrameTable[];

  constructor(schema: GameSchema, world: SavedWorld) {
    this.tables = world.tables.map((rows, t) => {
      const cells = schema.positions[t] === undefined ? 0 : (schema.grid?.cells ?? 0);
      return new FrameTable(rows, cells, schema.secrets[t] as Secrets);
    });
  }
}

/** Fills frames, each one from the world's rows and the frame before it. */
export class Framer {
  readonly #schema: GameSchema;
  readonly #codecs: readonly RowCodec[];
  #next = new Int32Array(0);

  constructor(schema: GameSchema, codecs: readonly RowCodec[]) {
    this.#schema = schema;
    this.#codecs = codecs;
  }

  fill(frame: Frame, world: SavedWorld, before: Frame | undefined): void {
    const { positions, secrets, grid } = this.#schema;
    frame.tick = world.tick;
    for (let t = 0; t < frame.tables.length; t++) {
      const table = frame.tables[t] as FrameTable;
      const rows = world.tables[t] as RowSet;
      const secret = secrets[t] as Secrets;
      table.reserve(rows.count);
      table.take(rows, secret);
      const position = positions[t];
      const old = before?.tables[t];
      this.#compare(table, old, t, world.tick, before?.tick ?? -1);
      if (position === undefined || grid === undefined) listAll(table);
      else this.#sort(table, old, position, grid);
      if (secret.all.length > 0) guard(table, rows, secret);
    }
  }

  /** Which rows are as expected from the frame before: most of a calm world's. */
  #compare(table: FrameTable, old: FrameTable | undefined, t: number, tick: number, oldTick: number): void {
    const codec = this.#codecs[t] as RowCodec;
    const { rows, steady } = table;
    const { stride } = rows.schema;
    const { data } = rows;
    let o = 0;
    for (let n = 0; n < rows.count; n++) {
      const at = n * stride;
      steady[n] = tick;
      if (old === undefined) continue;
      const id = data[at] as number;
      while (o < old.rows.count && old.rows.id(o) < id) o++;
      if (o >= old.rows.count || old.rows.id(o) !== id) continue;
      if (codec.holds(old.rows.data, o * stride, tick - oldTick, data, at))
        steady[n] = old.steady[o] as number;
    }
  }

  /** Puts rows into the lists of their cells: counts, then places, so that each list is in id order. */
  #sort(table: FrameTable, old: FrameTable | undefined, position: PositionWords, grid: InterestGrid): void {
    const { rows, keys, starts, members, ids } = table;
    const { xAt, yAt, xStep, yStep } = position;
    const { data } = rows;
    const { stride } = rows.schema;
    starts.fill(0);
    let o = 0;
    for (let n = 0; n < rows.count; n++) {
      const at = n * stride;
      const x = (data[at + xAt] as number) * xStep;
      const y = (data[at + yAt] as number) * yStep;
      const id = data[at] as number;
      if (old !== undefined) while (o < old.rows.count && old.rows.id(o) < id) o++;
      const known = old !== undefined && o < old.rows.count && old.rows.id(o) === id;
      const key = known ? grid.keyFrom(old.keys[o] as number, x, y) : grid.keyAt(x, y);
      keys[n] = key;
      starts[key + 1] = (starts[key + 1] as number) + 1;
    }
    for (let key = 1; key < starts.length; key++)
      starts[key] = (starts[key] as number) + (starts[key - 1] as number);
    if (this.#next.length < starts.length) this.#next = new Int32Array(starts.length);
    const next = this.#next;
    for (let key = 0; key < starts.length; key++) next[key] = starts[key] as number;
    for (let n = 0; n < rows.count; n++) {
      const key = keys[n] as number;
      const place = next[key] as number;
      next[key] = place + 1;
      members[place] = n;
      ids[place] = data[n * stride] as number;
    }
  }
}

function listAll(table: FrameTable): void {
  const { rows, keys, members, ids, starts } = table;
  for (let n = 0; n < rows.count; n++) {
    keys[n] = 0;
    members[n] = n;
    ids[n] = rows.id(n);
  }
  starts[0] = 0;
  starts[1] = rows.count;
}

/** Notes which lists hold rows of which some client is told more than the others. */
function guard(table: FrameTable, truth: RowSet, secrets: Secrets): void {
  const { keys, owners, refers } = table;
  const { stride, empty } = truth.schema;
  const { data } = truth;
  owners.fill(0);
  refers.fill(0);
  for (let n = 0; n < truth.count; n++) {
    const at = n * stride;
    const key = keys[n] as number;
    for (const secret of secrets.all) {
      let told = false;
      for (const word of secret.words) if (data[at + word] !== empty[word]) told = true;
      if (!told) continue;
      if (secret.target >= 0) refers[key] = 1;
      else owners[key] = (owners[key] as number) | (1 << ((data[at + OWNER] as number) & 31));
    }
  }
}
