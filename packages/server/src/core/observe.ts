/** What clients at various distances would be sent of a room's rows: the observations that training and its measurement share. */

import {
  type Game,
  HELD_WINDOW_TICKS,
  History,
  type Observation,
  OWNER,
  type Rng,
  RowSet,
  type SavedWorld,
  type Shape,
} from '@tickwire/netcode/internal';

/** Clients that are drawn per snapshot. */
export const VIEWS = 2;

/** Oldest base that a client is drawn to hold, in snapshots. */
const MOST_AGE = 8;

/** One row in so many comes into or leaves a client's sight without being born or gone: it joins late, or walks. */
const TURNOVER = 1 / 128;

/** `Observation.code`. */
const SENT = 0;
const MOVED = 2;
const GONE = 3;

type Seen = { -readonly [K in keyof Observation]: Observation[K] };

/** Called with the index of a row's schema and what is sent of it; `seen` is valid until the next call. */
type Visit = (table: number, seen: Observation) => void;

/**
 * Draws clients that hold the room of some snapshots ago, and the one that this was coded against, and shows each row as it would be
 * sent to them: changed or as expected, new, moved to another list, gone. Secrets are told to owners only. Deterministic by `rng`.
 */
export class Observer {
  readonly #game: Game<Shape>;
  readonly #rng: Rng;
  readonly #seats: number;
  readonly #worlds: History<SavedWorld>;
  /** Interest cells by tick, table and entity. */
  readonly #cells: History<readonly Map<number, number>[]>;
  #last: readonly Map<number, number>[] = [];
  readonly #seen: Seen = {
    code: SENT,
    tick: 0,
    row: new Int32Array(0),
    at: 0,
    base: undefined,
    baseAt: 0,
    ticks: 0,
    before: undefined,
    beforeAt: 0,
    beforeTicks: 0,
  };

  constructor(game: Game<Shape>, worlds: History<SavedWorld>, rng: Rng, seats: number) {
    this.#game = game;
    this.#rng = rng;
    this.#seats = seats;
    this.#worlds = worlds;
    this.#cells = new History(worlds.capacity);
  }

  /** Shows the rows of `world` as `VIEWS` clients would be sent them. Call it for every snapshot tick. */
  look(world: SavedWorld, visit: Visit): void {
    this.#last = this.#cellsOf(world);
    this.#cells.set(world.tick, this.#last);
    for (let view = 0; view < VIEWS; view++) {
      const seat = this.#rng.int(1, this.#seats);
      const ticks = this.#drawAge();
      const beforeTicks = this.#drawAge();
      const base = this.#worlds.get(world.tick - ticks);
      if (base === undefined) continue;
      const before =
        ticks + beforeTicks <= HELD_WINDOW_TICKS ? this.#worlds.get(base.tick - beforeTicks) : undefined;
      for (let t = 0; t < world.tables.length; t++) this.#table(t, seat, world, base, before, visit);
    }
  }

  /** Ticks between snapshots that a client is sent and holds: the nearer the more often. */
  #drawAge(): number {
    const { ticksPerSnapshot } = this.#game.schema;
    const most = Math.max(1, Math.min(MOST_AGE, Math.floor(HELD_WINDOW_TICKS / ticksPerSnapshot)));
    return Math.min(this.#rng.int(1, most), this.#rng.int(1, most)) * ticksPerSnapshot;
  }

  #table(
    t: number,
    seat: number,
    world: SavedWorld,
    held: SavedWorld,
    earlier: SavedWorld | undefined,
    visit: Visit,
  ): void {
    const seen = this.#seen;
    const now = this.#told(t, seat, world);
    const base = this.#told(t, seat, held);
    // Rows with secrets are expected without an earlier one.
    const secretive = this.#game.schema.secrets[t]?.all.length !== 0;
    const before = secretive ? undefined : (earlier?.tables[t] as RowSet | undefined);
    const cells = this.#cells.get(held.tick)?.[t];
    const spatial = this.#game.schema.positions[t] !== undefined;
    const { stride } = now.schema;
    seen.tick = world.tick;
    seen.ticks = world.tick - held.tick;
    let n = 0;
    let b = 0;
    while (n < now.count || b < base.count) {
      const nowId = n < now.count ? now.id(n) : Number.POSITIVE_INFINITY;
      const baseId = b < base.count ? base.id(b) : Number.POSITIVE_INFINITY;
      const id = Math.min(nowId, baseId);
      const turnover = this.#rng.chance(TURNOVER);
      seen.row = nowId === id ? now.data : base.data;
      seen.at = (nowId === id ? n : b) * stride;
      seen.base = baseId === id ? base.data : undefined;
      seen.baseAt = b * stride;
      const row = before === undefined || seen.base === undefined ? -1 : before.find(id);
      seen.before = row < 0 ? undefined : before?.data;
      seen.beforeAt = row * stride;
      seen.beforeTicks = row < 0 || earlier === undefined ? 0 : held.tick - earlier.tick;
      seen.code = SENT;
      if (nowId !== id) seen.code = GONE;
      else if (seen.base !== undefined && spatial && cells?.get(id) !== this.#last[t]?.get(id))
        seen.code = MOVED;
      else if (seen.base !== undefined && turnover) this.#turnOver(spatial);
      visit(t, seen);
      if (nowId === id) n++;
      if (baseId === id) b++;
    }
  }

  /** Makes a row one that comes into sight, or, where sight has an end, leaves it. */
  #turnOver(spatial: boolean): void {
    const seen = this.#seen;
    if (spatial && this.#rng.chance(0.5)) {
      seen.code = MOVED;
      return;
    }
    seen.base = undefined;
    seen.before = undefined;
    seen.beforeTicks = 0;
  }

  /** The rows of a table as one player is told them. */
  #told(t: number, seat: number, world: SavedWorld): RowSet {
    const rows = world.tables[t] as RowSet;
    const words = this.#game.schema.secrets[t]?.words ?? new Int32Array(0);
    if (words.length === 0) return rows;
    const { stride, empty } = rows.schema;
    const told = new RowSet(rows.schema, rows.count + 1);
    told.copyFrom(rows);
    for (let at = 0; at < told.count * stride; at += stride) {
      if (told.data[at + OWNER] === seat) continue;
      for (const word of words) told.data[at + word] = empty[word] ?? 0;
    }
    return told;
  }

  #cellsOf(world: SavedWorld): readonly Map<number, number>[] {
    const { grid, positions } = this.#game.schema;
    if (grid === undefined) return [];
    return world.tables.map((rows, t) => {
      const cells = new Map<number, number>();
      const position = positions[t];
      if (position === undefined) return cells;
      const { xAt, yAt, xStep, yStep } = position;
      for (let at = 0, i = 0; i < rows.count; i++, at += rows.schema.stride) {
        const id = rows.id(i);
        const x = (rows.data[at + xAt] ?? 0) * xStep;
        const y = (rows.data[at + yAt] ?? 0) * yStep;
        const before = this.#last[t]?.get(id);
        cells.set(id, before === undefined ? grid.keyAt(x, y) : grid.keyFrom(before, x, y));
      }
      return cells;
    });
  }
}
