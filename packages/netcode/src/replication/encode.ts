/**
 * Writes one client's snapshot of one tick, against a baseline that the client has acknowledged, into one datagram.
 *
 * Per entity type, in the order of the schema, first what the client held at the baseline, in rising id order [S2]:
 *
 *     gap(golomb 0)                 this many rows are as expected; if that reaches the last row, the list ends here
 *     0 row                         changed: the row against what was expected
 *     10                            removed
 *     11 run-1(golomb 0)            held: this row and the next ones stay as the client holds them
 *
 * then what is new to the client:
 *
 *     count(golomb 0), then per row: 1 counter-gap(golomb 4) | 0 seat(8) counter(16), row against the empty row
 *
 * If all fits the budget, all is sent. If not, the most urgent rows are, and the rest is held or waits [S3].
 */

import { HELD_WINDOW_TICKS, MAX_DATAGRAM_BYTES } from '../base/units.ts';
import type { GameSchema } from '../simulation/game.ts';
import type { RowSet } from '../simulation/rows.ts';
import type { SavedWorld } from '../simulation/world.ts';
import { BitWriter } from '../wire/bits.ts';
import { OWNER } from '../wire/schema.ts';
import { type HeldSet, type HeldTable, NOT_HELD } from './held.ts';
import { RowCodec } from './rowcodec.ts';
import { DIFFERENT, FROM_EMPTY, SAME, SharedWork } from './shared.ts';

/** World states by tick: the server's history. */
export interface WorldSource {
  get(tick: number): SavedWorld | undefined;
}

export interface SnapshotRequest {
  readonly world: SavedWorld;
  readonly history: WorldSource;
  /** What the client held at the baseline; undefined for the empty baseline. */
  readonly baseline: HeldSet | undefined;
  /** The last snapshot written for this client, acknowledged or not: says since when new rows wait. */
  readonly previous: HeldSet | undefined;
  /** Rows of this owner are never deferred. */
  readonly seat: number;
  readonly budgetBits: number;
  /** Filled with what the client will hold. */
  readonly into: HeldSet;
}

/** What a row needs in this snapshot. */
const EXPECTED = 0;
const CHANGED = 1;
const REMOVED = 2;
const NEW = 3;

/** Whose bits a body is: this client's alone, or shared by all with its baseline, or by all who lack the row. */
const OWN = 0;
const OF_BASELINE = 1;
const OF_EMPTY = 2;

/** Own rows and removals go before everything that has merely waited. */
const FIRST = 2 ** 40;

/** Bits that one sent row costs beside its body, on average: gap, code, and a held run that it splits. Full datagrams carry 1,050..1,130 bytes with 8, 900..970 with 16. */
const ROW_OVERHEAD_BITS = 8;

export class SnapshotEncoder {
  readonly #codecs: readonly RowCodec[];
  readonly #weights: readonly number[];
  readonly #plan = new Plan();
  readonly #shared = new SharedWork();
  readonly #bodies = new BitWriter(new Uint8Array(4 * MAX_DATAGRAM_BYTES));
  /** Where bodies stand, by `Plan.source`. */
  readonly #sources: BitWriter[] = [this.#bodies, this.#bodies, this.#bodies];

  /** `weights` gives each row schema's priority. */
  constructor(schema: GameSchema, weights: readonly number[]) {
    this.#codecs = schema.rows.map((row) => new RowCodec(row));
    this.#weights = weights;
  }

  /** Appends the snapshot's entities to `w`. */
  encode(w: BitWriter, request: SnapshotRequest): void {
    const plan = this.#classify(request);
    if (!plan.fits) this.#choose(plan, request, request.budgetBits);
    for (let share = 7; !this.#assemble(w, plan, request); share--) {
      if (share > 0) this.#choose(plan, request, Math.floor((request.budgetBits * share) / 8));
      else plan.chosen.fill(0);
    }
    this.#record(plan, request);
  }

  /** Walks baseline, previous snapshot and world side by side and notes what each row needs. */
  #classify(request: SnapshotRequest): Plan {
    const plan = this.#plan;
    plan.clear();
    this.#bodies.reset();
    this.#shared.begin(request.world.tick, request.world.tables);
    for (let t = 0; t < this.#codecs.length; t++) {
      plan.begin(t);
      this.#classifyTable(plan, t, request);
    }
    return plan;
  }

  #classifyTable(plan: Plan, t: number, request: SnapshotRequest): void {
    const { world, history, baseline, previous, seat } = request;
    const rows = world.tables[t] as RowSet;
    const old = baseline?.tables[t];
    const last = previous?.tables[t];
    const codec = this.#codecs[t] as RowCodec;
    const { stride, empty } = rows.schema;
    const weight = this.#weights[t] ?? 1;
    let o = nextHeld(old, 0);
    let p = 0;
    let n = 0;
    const fresh = this.#shared.at(FROM_EMPTY);
    const common = this.#shared.at(baseline?.tick ?? FROM_EMPTY);
    let source: RowSet | undefined;
    let sourceTick = -1;
    let cursor = 0;
    while ((old !== undefined && o < old.count) || n < rows.count) {
      const oldId = old !== undefined && o < old.count ? (old.ids[o] ?? 0) : Infinity;
      const newId = n < rows.count ? rows.id(n) : Infinity;
      const id = oldId < newId ? oldId : newId;
      while (last !== undefined && p < last.count && (last.ids[p] ?? 0) < id) p++;
      const since =
        last !== undefined && p < last.count && last.ids[p] === id ? (last.since[p] ?? 0) : world.tick - 1;
      const at = n * stride;
      const mine = newId === id ? rows.data[at + OWNER] === seat : id >> 16 === seat;
      if (oldId !== id) {
        plan.add(id, NEW, at, NOT_HELD, since, mine ? FIRST * 2 : weight * (world.tick - since));
        if (fresh.state(t, n) === DIFFERENT) {
          plan.share(OF_EMPTY, fresh.start(t, n), fresh.end(t, n), request.budgetBits);
        } else {
          codec.expect(empty, 0, 0);
          if (fresh.write(t, n, codec, rows, world.tick))
            plan.share(OF_EMPTY, fresh.start(t, n), fresh.end(t, n), request.budgetBits);
          else this.#tryBody(plan, codec, rows, at, request);
        }
        n++;
        continue;
      }
      const held = old?.held[o] ?? NOT_HELD;
      o = nextHeld(old, o + 1);
      // What counts is how old the row is on this baseline, not when it was sent last: that may be lost, or still unknown to be held.
      const age = world.tick - held;
      if (newId !== id) {
        plan.add(id, REMOVED, -1, held, since, mine ? FIRST * 2 : FIRST + age);
        continue;
      }
      const urgency = mine ? FIRST * 2 : weight * age;
      const sharing = held === baseline?.tick && age <= HELD_WINDOW_TICKS;
      let state = sharing ? common.state(t, n) : 0;
      if (state === 0) {
        if (age > HELD_WINDOW_TICKS) {
          codec.expect(empty, 0, 0);
        } else {
          if (held !== sourceTick) {
            source = history.get(held)?.tables[t] as RowSet;
            sourceTick = held;
            cursor = source.lowerBound(id);
          }
          const base = source as RowSet;
          while (base.id(cursor) < id) cursor++;
          codec.expect(base.data, cursor * stride, age);
        }
        if (sharing && common.learn(t, n, codec, rows, world.tick)) state = common.state(t, n);
      }
      if (state === DIFFERENT) {
        plan.add(id, CHANGED, at, held, since, urgency);
        plan.share(OF_BASELINE, common.start(t, n), common.end(t, n), request.budgetBits);
      } else if (state === SAME || codec.matches(rows.data, at)) {
        plan.add(id, EXPECTED, at, held, since, urgency);
      } else {
        plan.add(id, CHANGED, at, held, since, urgency);
        this.#tryBody(plan, codec, rows, at, request);
      }
      n++;
    }
  }

  /** While everything fits, each body is written as soon as its row is looked at: in calm times there is no second walk. */
  #tryBody(
    plan: Plan,
    codec: RowCodec,
    rows: RowSet,
    at: number,
    { world, budgetBits }: SnapshotRequest,
  ): void {
    const i = plan.count - 1;
    plan.source[i] = OWN;
    if (!plan.fits) return;
    plan.start[i] = this.#bodies.bitLength;
    codec.write(this.#bodies, rows.data, at, world.tick);
    plan.end[i] = this.#bodies.bitLength;
    plan.spend(this.#bodies.bitLength - (plan.start[i] ?? 0), budgetBits);
  }

  /** Writes bodies in order of urgency until the budget is full; ties go to the smaller table and id. */
  #choose(plan: Plan, request: SnapshotRequest, budgetBits: number): void {
    this.#bodies.reset();
    const { order } = plan.sortByUrgency();
    let left = budgetBits - plan.tables.length * 24;
    let misses = 0;
    for (let k = 0; k < plan.count; k++) {
      const i = order[k] ?? 0;
      plan.chosen[i] = plan.kind[i] === EXPECTED ? 1 : 0;
      // A smaller row behind a large one may still fit; after some misses the datagram counts as full.
      if (plan.chosen[i] === 1 || misses > 16) continue;
      const before = this.#bodies.bitLength;
      const bits = this.#writeBody(plan, i, request) + ROW_OVERHEAD_BITS;
      if (bits > left) {
        this.#bodies.rewind(before);
        misses++;
        continue;
      }
      left -= bits;
      plan.chosen[i] = 1;
    }
  }

  /** Writes one row's body to the scratch and notes where. Gives its bits. */
  #writeBody(plan: Plan, i: number, { world, history }: SnapshotRequest): number {
    const kind = plan.kind[i];
    // A shared body stands where it was written.
    if (plan.source[i] !== OWN) return (plan.end[i] ?? 0) - (plan.start[i] ?? 0);
    plan.start[i] = this.#bodies.bitLength;
    if (kind === CHANGED || kind === NEW) {
      const t = plan.table[i] ?? 0;
      const codec = this.#codecs[t] as RowCodec;
      const rows = world.tables[t] as RowSet;
      const held = plan.held[i] ?? NOT_HELD;
      const fromEmpty = kind === NEW || world.tick - held > HELD_WINDOW_TICKS;
      const base = fromEmpty ? undefined : (history.get(held)?.tables[t] as RowSet);
      if (base === undefined) codec.expect(rows.schema.empty, 0, 0);
      else codec.expect(base.data, base.offsetOf(plan.id[i] ?? 0), world.tick - held);
      codec.write(this.#bodies, rows.data, plan.row[i] ?? 0, world.tick);
    }
    plan.end[i] = this.#bodies.bitLength;
    return (plan.end[i] ?? 0) - (plan.start[i] ?? 0);
  }

  /** Writes the codes and the chosen bodies. False, with `w` put back, when that broke the budget after all. */
  #assemble(w: BitWriter, plan: Plan, { budgetBits, baseline }: SnapshotRequest): boolean {
    this.#sources[OF_EMPTY] = this.#shared.at(FROM_EMPTY).bits;
    this.#sources[OF_BASELINE] = this.#shared.at(baseline?.tick ?? FROM_EMPTY).bits;
    const start = w.bitLength;
    const limit = start + budgetBits;
    for (let t = 0; t < this.#codecs.length; t++) this.#assembleTable(w, plan, t);
    if (!w.overflowed && w.bitLength <= limit) return true;
    w.rewind(start);
    return false;
  }

  #assembleTable(w: BitWriter, plan: Plan, t: number): void {
    const from = plan.tables[t] ?? 0;
    const to = plan.tables[t + 1] ?? plan.count;
    let gap = 0;
    let heldRun = 0;
    let news = 0;
    const flush = (): void => {
      if (heldRun === 0) return;
      w.writeGolomb(gap, 0);
      w.write(3, 2);
      w.writeGolomb(heldRun - 1, 0);
      gap = 0;
      heldRun = 0;
    };
    for (let i = from; i < to; i++) {
      const kind = plan.kind[i];
      if (kind === NEW) {
        news += plan.chosen[i] ?? 0;
        continue;
      }
      if (plan.chosen[i] === 0) {
        heldRun++;
        continue;
      }
      flush();
      if (kind === EXPECTED) {
        gap++;
        continue;
      }
      w.writeGolomb(gap, 0);
      gap = 0;
      if (kind === REMOVED) w.write(1, 2);
      else {
        w.write(0, 1);
        this.#append(w, plan, i);
      }
    }
    flush();
    if (gap > 0) w.writeGolomb(gap, 0);
    this.#assembleNew(w, plan, from, to, news);
  }

  #assembleNew(w: BitWriter, plan: Plan, from: number, to: number, news: number): void {
    w.writeGolomb(news, 0);
    let lastId = 0;
    for (let i = from; i < to && news > 0; i++) {
      if (plan.kind[i] !== NEW || plan.chosen[i] !== 1) continue;
      const id = plan.id[i] ?? 0;
      writeId(w, id, lastId);
      lastId = id;
      this.#append(w, plan, i);
    }
  }

  #append(w: BitWriter, plan: Plan, i: number): void {
    w.append(this.#sources[plan.source[i] ?? OWN] ?? this.#bodies, plan.start[i] ?? 0, plan.end[i] ?? 0);
  }

  /** Notes what the client holds once it applies this snapshot [S3]. */
  #record(plan: Plan, { world, into }: SnapshotRequest): void {
    into.clear(world.tick);
    for (let t = 0; t < this.#codecs.length; t++) {
      const table = into.tables[t] as HeldTable;
      const to = plan.tables[t + 1] ?? plan.count;
      for (let i = plan.tables[t] ?? 0; i < to; i++) {
        const chosen = plan.chosen[i] === 1;
        if (!chosen) into.deferred++;
        if (chosen && plan.kind[i] === REMOVED) continue;
        table.push(plan.id[i] ?? 0, chosen ? world.tick : (plan.held[i] ?? NOT_HELD), plan.since[i] ?? 0);
      }
    }
  }
}

/** Index of the next entry, from `index` on, that the client really holds. */
function nextHeld(table: HeldTable | undefined, index: number): number {
  if (table === undefined) return 0;
  let i = index;
  while (i < table.count && table.held[i] === NOT_HELD) i++;
  return i;
}

/** Ids rise; within one seat only the gap to the last one is sent. */
function writeId(w: BitWriter, id: number, last: number): void {
  const sameSeat = id >> 16 === last >> 16 && last !== 0;
  w.write(sameSeat ? 1 : 0, 1);
  if (sameSeat) w.writeGolomb(id - last - 1, 4);
  else {
    w.write(id >> 16, 8);
    w.write(id & 0xffff, 16);
  }
}

/** The rows of one snapshot and what becomes of them, as parallel arrays in table and id order. Reused. */
class Plan {
  count = 0;
  /** All rows are chosen and their bodies are written. */
  fits = true;
  /** Index of each table's first entry. */
  readonly tables: number[] = [];
  id = new Int32Array(64);
  kind = new Uint8Array(64);
  table = new Uint8Array(64);
  row = new Int32Array(64);
  held = new Int32Array(64);
  since = new Int32Array(64);
  urgency = new Float64Array(64);
  chosen = new Uint8Array(64);
  start = new Int32Array(64);
  end = new Int32Array(64);
  order = new Int32Array(64);
  source = new Uint8Array(64);
  #table = 0;
  #bits = 0;

  clear(): void {
    this.count = 0;
    this.fits = true;
    this.#bits = 0;
    this.tables.length = 0;
  }

  begin(table: number): void {
    this.#table = table;
    this.tables.push(this.count);
  }

  add(id: number, kind: number, row: number, held: number, since: number, urgency: number): void {
    if (this.count >= this.id.length) this.#grow();
    const i = this.count++;
    this.id[i] = id;
    this.kind[i] = kind;
    this.table[i] = this.#table;
    this.row[i] = row;
    this.held[i] = held;
    this.since[i] = since;
    this.urgency[i] = urgency;
    this.chosen[i] = 1;
    this.source[i] = OWN;
  }

  /** The row added last has its body in shared bits. */
  share(source: number, start: number, end: number, budgetBits: number): void {
    const i = this.count - 1;
    this.source[i] = source;
    this.start[i] = start;
    this.end[i] = end;
    this.spend(end - start, budgetBits);
  }

  /** Counts a body against the budget. */
  spend(bits: number, budgetBits: number): void {
    this.#bits += bits;
    if (this.#bits > budgetBits) this.fits = false;
  }

  sortByUrgency(): this {
    const order = this.order.subarray(0, this.count);
    for (let i = 0; i < this.count; i++) order[i] = i;
    // Entries stand in table and id order, so the index is the tie-break that makes the result repeatable.
    order.sort((a, b) => (this.urgency[b] ?? 0) - (this.urgency[a] ?? 0) || a - b);
    return this;
  }

  #grow(): void {
    const size = this.id.length * 2;
    for (const key of ['id', 'row', 'held', 'since', 'start', 'end', 'order'] as const) {
      const next = new Int32Array(size);
      next.set(this[key]);
      this[key] = next;
    }
    for (const key of ['kind', 'table', 'chosen', 'source'] as const) {
      const next = new Uint8Array(size);
      next.set(this[key]);
      this[key] = next;
    }
    const urgency = new Float64Array(size);
    urgency.set(this.urgency);
    this.urgency = urgency;
  }
}
