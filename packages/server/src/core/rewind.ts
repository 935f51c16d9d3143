/**
 * Rewind: what players saw, rebuilt from the world's history and from what each client held. The living world is not touched [L1].
 * What a client held depends on its network, so it is part of the input log wherever the rules asked for it.
 */

import {
  BASELINE_WINDOW,
  type CommandView,
  type Copies,
  type Frame,
  type GameSchema,
  type HeldSet,
  type History,
  lastSnapshot,
  MARK,
  NO_NEWER,
  type PastSource,
  Rewinder,
  type RoomInput,
  RowSet,
  type SavedWorld,
  type Targets,
  VIEW_UNITS,
  type WorldCore,
} from '@tickwire/netcode/internal';

/** What clients hold, as the server remembers it. A replayed room has none: its log says what there is to know. */
export interface Holdings {
  /** What a seat's client holds after the snapshot of a tick. */
  held(seat: number, tick: number): HeldSet | undefined;
  frame(tick: number): Frame | undefined;
}

type HeldInput = Extract<RoomInput, { readonly type: 'held' }>;

/** Names the newest snapshot of all that were sent, where inputs name a tick. */
const NEWEST = -1;

/** One row that a client held: in one number, so that they sort by id. */
const ENTRY_INDEXES = 65_536;

export class Rewind implements PastSource {
  holdings: Holdings | undefined;
  readonly #schema: GameSchema;
  readonly #history: History<SavedWorld>;
  readonly #views: (Readonly<CommandView> | undefined)[];
  readonly #rewinders: readonly (Rewinder | undefined)[];
  /** Rows of the types with a shape after the last tick. */
  readonly #latest: readonly (RowSet | undefined)[];
  #latestTick = -1;
  /** What is gathered for older and newer snapshots, per type. */
  readonly #gathered: readonly (readonly [RowSet, RowSet] | undefined)[];
  #order = new Float64Array(64);
  #held = new Int32Array(64);
  #masks = new Int32Array(64);
  readonly #told: HeldInput[] = [];
  readonly #noted: HeldInput[] = [];

  constructor(schema: GameSchema, history: History<SavedWorld>) {
    this.#schema = schema;
    this.#history = history;
    this.#views = new Array<CommandView | undefined>(schema.maxPlayers + 1).fill(undefined);
    const shapes = schema.shapes ?? [];
    const shaped = <T>(make: (t: number) => T): readonly (T | undefined)[] =>
      schema.rows.map((_, t) => (shapes[t] === undefined ? undefined : make(t)));
    const rows = (t: number): RowSet => new RowSet(schema.rows[t] as never);
    this.#rewinders = shaped(
      (t) => new Rewinder(schema.rows[t] as never, shapes[t] as never, schema.tickRate),
    );
    this.#latest = shaped(rows);
    this.#gathered = shaped((t) => [rows(t), rows(t)] as const);
  }

  /** A tick begins with these inputs. */
  begin(inputs: readonly RoomInput[]): void {
    this.#views.fill(undefined);
    this.#told.length = 0;
    this.#noted.length = 0;
    for (const input of inputs) if (input.type === 'held') this.#told.push(input);
  }

  /** The view of the command that a seat runs in this tick. */
  view(seat: number, [time, older, newer]: readonly [number, number, number]): void {
    this.#views[seat] = { time, older, newer };
  }

  /** A tick is over. Gives what of clients' holdings was needed in it, for the log. */
  end(core: WorldCore): readonly RoomInput[] {
    for (let t = 0; t < this.#latest.length; t++) {
      const rows = this.#latest[t];
      if (rows !== undefined) core.table(t).save(rows);
    }
    this.#latestTick = core.tick;
    return this.#noted;
  }

  viewTick(seat: number): number | undefined {
    const view = this.#views[seat];
    return view === undefined ? undefined : view.time / VIEW_UNITS;
  }

  seen(seat: number, t: number, into: Targets): void {
    const view = this.#views[seat];
    const older = view === undefined ? undefined : this.#copies(seat, view.older, t, 0);
    if (view === undefined || older === undefined) {
      into.clear();
      return;
    }
    const newer = view.newer === NO_NEWER ? undefined : this.#copies(seat, view.newer, t, 1);
    this.#rewinders[t]?.place(older, newer, view.time / VIEW_UNITS, into);
  }

  past(tick: number, t: number, into: Targets): void {
    const { ticksPerSnapshot } = this.#schema;
    const latest = { rows: this.#latest[t] as RowSet, tick: this.#latestTick };
    const before = lastSnapshot(tick * VIEW_UNITS, ticksPerSnapshot);
    const older = tick >= latest.tick ? latest : this.#whole(before, t);
    if (older === undefined) {
      into.clear();
      return;
    }
    const newer = older === latest ? undefined : (this.#whole(before + ticksPerSnapshot, t) ?? latest);
    this.#rewinders[t]?.place(older, newer, tick, into);
  }

  known(seat: number, t: number): ReadonlySet<number> | undefined {
    const { holdings } = this;
    if (holdings === undefined) {
      const told = this.#told.find(
        (input) => input.seat === seat && input.tick === NEWEST && input.table === t,
      );
      return told && idsOf(told);
    }
    const { ticksPerSnapshot } = this.#schema;
    let tick = this.#latestTick - (this.#latestTick % ticksPerSnapshot);
    const oldest = tick - BASELINE_WINDOW * ticksPerSnapshot;
    let set = holdings.held(seat, tick);
    for (; set === undefined && tick > oldest && tick > 0; set = holdings.held(seat, tick))
      tick -= ticksPerSnapshot;
    const table = set?.tables[t];
    if (this.#schema.positions[t] === undefined && table?.count === 1 && (table.ticks[0] as number) >= 0)
      return undefined;
    return idsOf(this.#note(seat, NEWEST, t, set));
  }

  /** All rows of a type at a snapshot's tick. */
  #whole(tick: number, t: number): Copies | undefined {
    const rows = this.#history.get(tick)?.tables[t];
    return rows === undefined ? undefined : { rows, tick };
  }

  /** The rows of a type that a seat's client held after the snapshot of a tick. `side`: 0 for older, 1 for newer. */
  #copies(seat: number, tick: number, t: number, side: 0 | 1): Copies | undefined {
    const { holdings } = this;
    if (holdings === undefined) {
      const told = this.#told.find(
        (input) => input.seat === seat && input.tick === tick && input.table === t,
      );
      return told === undefined ? this.#plain(tick, t, side) : this.#recall(told, side);
    }
    const set = holdings.held(seat, tick);
    const table = set?.tables[t];
    if (this.#schema.positions[t] === undefined && table?.count === 1 && table.ticks[0] === tick)
      return this.#plain(tick, t, side);
    return this.#recall(this.#note(seat, tick, t, set), side);
  }

  /** Notes what a client holds for the log: a replay cannot know. */
  #note(seat: number, tick: number, t: number, set: HeldSet | undefined): HeldInput {
    const count = set === undefined ? 0 : this.#list(set, t);
    // A client may ask with each command, of thousands of rows: no garbage but the list itself.
    const order = this.#order.subarray(0, count).sort();
    const rows = new Array<number>(3 * count);
    for (let n = 0; n < count; n++) {
      const entry = order[n] as number;
      const i = entry % ENTRY_INDEXES;
      rows[3 * n] = (entry - i) / ENTRY_INDEXES;
      rows[3 * n + 1] = this.#held[i] as number;
      rows[3 * n + 2] = this.#masks[i] as number;
    }
    const noted: HeldInput = { type: 'held', seat, tick, table: t, rows };
    this.#noted.push(noted);
    return noted;
  }

  /** The whole world of a tick, as somebody is told it who owns nothing of it. */
  #plain(tick: number, t: number, side: 0 | 1): Copies | undefined {
    const whole = this.#whole(tick, t);
    const hidden = this.#schema.secrets[t]?.words ?? NO_WORDS;
    if (whole === undefined || hidden.length === 0) return whole;
    const rows = (this.#gathered[t] as readonly RowSet[])[side] as RowSet;
    rows.copyFrom(whole.rows);
    const { stride, empty } = rows.schema;
    for (let i = 0; i < rows.count; i++)
      for (const word of hidden) rows.data[i * stride + word] = empty[word] as number;
    return { rows, tick };
  }

  /** Lists ids, held ticks and masks of what a client holds; the ids with their indexes, unsorted. */
  #list(set: HeldSet, t: number): number {
    const table = set.tables[t] as HeldSet['tables'][number];
    let count = 0;
    for (let list = 0; list < table.count; list++) {
      const tick = table.ticks[list] as number;
      if (tick >= 0) {
        const frame = this.holdings?.frame(tick)?.tables[t];
        const key = table.keys[list] as number;
        const to = frame === undefined ? 0 : (frame.starts[key + 1] as number);
        for (let m = frame === undefined ? 0 : (frame.starts[key] as number); m < to; m++)
          this.#add(count++, frame?.ids[m] as number, tick, 0);
      }
      for (let e = table.from[list] as number; e < (table.to[list] as number); e++) {
        const held = table.held[e] as number;
        if (held >= 0) this.#add(count++, table.ids[e] as number, held, table.masks[e] as number);
      }
    }
    return count;
  }

  #add(i: number, id: number, held: number, mask: number): void {
    if (i >= this.#order.length) {
      this.#order = grown(this.#order, new Float64Array(i * 2));
      this.#held = grown(this.#held, new Int32Array(i * 2));
      this.#masks = grown(this.#masks, new Int32Array(i * 2));
    }
    this.#order[i] = id * ENTRY_INDEXES + i;
    this.#held[i] = held;
    this.#masks[i] = mask;
  }

  /** Copies rows out of history; each one's mark is its held tick. What history has forgotten is not there. */
  #recall({ rows: list, table: t }: HeldInput, side: 0 | 1): Copies {
    const rows = (this.#gathered[t] as readonly RowSet[])[side] as RowSet;
    const { empty } = rows.schema;
    rows.clear();
    for (let i = 0; i < list.length; i += 3) {
      const held = list[i + 1] as number;
      const source = this.#history.get(held)?.tables[t];
      const from = source?.offsetOf(list[i] as number) ?? -1;
      if (source === undefined || from < 0) continue;
      const at = rows.push(source.data, from);
      rows.data[at + MARK] = held;
      for (const { bit, words } of this.#schema.secrets[t]?.all ?? []) {
        if (((list[i + 2] as number) & bit) !== 0) continue;
        for (const word of words) rows.data[at + word] = empty[word] as number;
      }
    }
    return { rows, tick: -1 };
  }
}

const NO_WORDS = new Int32Array(0);

function idsOf({ rows }: HeldInput): ReadonlySet<number> {
  const ids = new Set<number>();
  for (let i = 0; i < rows.length; i += 3) ids.add(rows[i] as number);
  return ids;
}

function grown<T extends Float64Array | Int32Array>(old: T, next: T): T {
  next.set(old);
  return next;
}
