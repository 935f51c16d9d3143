// The view: columns and runs, paired once per two snapshots, against the plain way of drawing; and rows that never go back.

import { Rng } from '@tickwire/netcode';
import { type Game, newReplica, type Replica, RowSet } from '@tickwire/netcode/internal';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Predictor } from '../../packages/netcode/src/client/prediction.ts';
import { View } from '../../packages/netcode/src/client/view.ts';
import type { ViewRows } from '../../packages/netcode/src/client/viewrows.ts';
import { ID, MARK, OWNER, type RowSchema } from '../../packages/netcode/src/wire/schema.ts';
import { games, runs, scatter } from './arbitrary.ts';
import { type DrawnRow, PlainView } from './view-reference.ts';

const SEAT = 2;
const FIRST_ENTITY = 2;

/** What the tests need to know that was drawn, or they would prove nothing. */
const seen = { frames: 0, rows: 0, own: 0, stale: 0, kept: 0, cuts: 0, corrections: 0 };

test('[V3] the view draws what the plain way draws, bit for bit', () => {
  fc.assert(
    fc.property(games, fc.integer(), (game, seed) => {
      const scene = new Scene(game, seed);
      for (let frame = 0; frame < 60; frame++) scene.frame();
    }),
    runs(200),
  );
  console.log('view', JSON.stringify(seen));
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(50);
});

/** Snapshots in which rows are late, missing or cut, a prediction that changes its mind, and both views of it. */
class Scene {
  readonly #rng: Rng;
  readonly #game: Game;
  readonly #view: View;
  readonly #plain: PlainView;
  readonly #snapshots: Replica[] = [];
  readonly #prediction: Prediction;
  #now = 0;
  #tick: number;
  /** Held ticks of what was drawn last, by type and id. */
  #heldBefore: readonly Map<number, number>[] = [];

  constructor(game: Game, seed: number) {
    this.#rng = new Rng(seed);
    this.#game = game;
    const rules = game.schema.rows.map((_, t) => t > 1 && this.#rng.chance(0.3));
    this.#view = new View(game.schema, rules);
    this.#plain = new PlainView(game.schema, rules);
    this.#prediction = new Prediction(game, this.#rng);
    this.#tick = 100 * game.schema.ticksPerSnapshot;
    this.#startOver();
  }

  #startOver(): void {
    this.#view.clear();
    this.#plain.clear();
    this.#view.seat = SEAT;
    this.#plain.seat = SEAT;
    this.#heldBefore = [];
  }

  frame(): void {
    const rng = this.#rng;
    this.#now += rng.int(1, 60);
    this.#tick += rng.chance(0.02) ? rng.int(200, 400) : rng.range(0, this.#game.schema.ticksPerSnapshot);
    while ((this.#snapshots.at(-1)?.tick ?? 0) < this.#tick - 6 || rng.chance(0.5)) this.#arrive();
    if (rng.chance(0.01)) this.#startOver();
    if (rng.chance(0.6)) this.#prediction.step();
    if (rng.chance(0.1)) this.#correct();
    this.#draw(rng.chance(0.9) ? this.#prediction.predictor : undefined);
  }

  #correct(): void {
    const { predictor } = this.#prediction;
    this.#view.beforeCorrection(predictor);
    this.#plain.beforeCorrection(predictor);
    this.#prediction.changeMind();
    this.#view.afterCorrection(predictor);
    this.#plain.afterCorrection(predictor);
    seen.corrections++;
  }

  #draw(predictor: Predictor<never> | undefined): void {
    const older =
      this.#snapshots.findLast(({ tick }) => tick <= this.#tick) ?? (this.#snapshots[0] as Replica);
    const newer = this.#snapshots.find(({ tick }) => tick > this.#tick && tick > older.tick);
    const ownTick = this.#prediction.predictor.tick - this.#rng.range(-0.2, 1.2);
    this.#view.draw(this.#now, this.#tick, older, newer, predictor, ownTick);
    this.#plain.draw(this.#now, this.#tick, older, newer, predictor, ownTick);
    seen.frames++;
    this.#heldBefore = this.#view.tables.map((rows, t) => {
      const drawn = this.#plain.tables[t] as DrawnRow[];
      expect(rows.count).toBe(drawn.length);
      for (const [i, row] of [...rows].entries())
        compare(rows, row as unknown as Handle, drawn[i] as DrawnRow);
      return this.#judge(t, drawn, older);
    });
  }

  /** No row is drawn from an older copy than in the frame before. Gives the held ticks. */
  #judge(t: number, drawn: readonly DrawnRow[], older: Replica): Map<number, number> {
    const ticks = new Map<number, number>();
    const past = older.tables[t] as RowSet;
    for (const { words, predicted } of drawn) {
      if (predicted) continue;
      const id = words[ID] ?? 0;
      const held = words[MARK] ?? 0;
      const before = this.#heldBefore[t]?.get(id) ?? 0;
      if (held < before) expect(held).toBeGreaterThanOrEqual(before);
      ticks.set(id, held);
      const found = past.offsetOf(id);
      if (found < 0) seen.kept++;
      else if ((past.data[found + MARK] ?? 0) < held) seen.stale++;
    }
    return ticks;
  }

  /** The next snapshot, or one that was overtaken by the last. */
  #arrive(): void {
    const rng = this.#rng;
    const { schema } = this.#game;
    const last = this.#snapshots.at(-1);
    const [before, newest] = this.#snapshots.slice(-2);
    const late = (newest?.tick ?? 0) - schema.ticksPerSnapshot;
    const overtaken = rng.chance(0.2) && before !== undefined && late > before.tick;
    const tick = overtaken
      ? late
      : (last?.tick ?? this.#tick - (this.#tick % schema.ticksPerSnapshot)) +
        schema.ticksPerSnapshot * (rng.chance(0.2) ? 2 : 1);
    const replica = newReplica(schema, 1);
    replica.tick = tick;
    schema.rows.forEach((row, t) => {
      this.#fill(row, replica.tables[t] as RowSet, last?.tables[t], tick);
    });
    this.#snapshots.splice(overtaken ? -1 : this.#snapshots.length, 0, replica);
  }

  /** Rows come from the last snapshot, some changed; some ids come and go, and some rows are held from long ago. */
  #fill(schema: RowSchema, into: RowSet, last: RowSet | undefined, tick: number): void {
    const rng = this.#rng;
    const late = rng.chance(0.5);
    for (const id of idsOf(schema)) {
      if (rng.chance(0.1)) continue;
      const from = last?.offsetOf(id) ?? -1;
      const at = from < 0 ? into.push(schema.empty, 0) : into.push(last?.data as Int32Array, from);
      into.data[at + ID] = id;
      into.data[at + OWNER] = id >> 16;
      into.data[at + MARK] = tick - (late && rng.chance(0.3) ? rng.int(1, 20) : 0);
      for (let f = 0; f < schema.fields.length; f++) {
        const isCut = f === schema.fields.length - 1;
        if (isCut ? !rng.chance(0.05) : !rng.chance(0.5)) continue;
        if (isCut) seen.cuts++;
        scatter(schema, into.data, at, f, rng, tick);
      }
    }
  }
}

/** Ids of the server, of this player and of others. */
function idsOf(schema: RowSchema): number[] {
  if (schema.index < FIRST_ENTITY) return [65536, 2 * 65536, 3 * 65536];
  return [0, 1, SEAT, 3].flatMap((seat) => [1, 2, 5, 9].map((counter) => seat * 65536 + counter));
}

interface Handle {
  readonly id: number;
  readonly owner: number;
  readonly predicted: boolean;
  readonly slot: number;
  readonly [field: string]: unknown;
}

/** `expect` at every word would take most of the time: it is asked where something differs. */
function compare(rows: ViewRows, row: Handle, drawn: DrawnRow): void {
  seen.rows++;
  if (drawn.predicted) seen.own++;
  const at = row.slot * rows.schema.stride;
  const differs =
    drawn.words.some((word, i) => word !== rows.words[at + i]) ||
    row.id !== drawn.words[ID] ||
    row.owner !== drawn.words[OWNER] ||
    row.predicted !== drawn.predicted ||
    rows.get(row.id) !== (row as unknown) ||
    [...drawn.numbers].some(([name, number]) => !Object.is(row[name], number));
  if (!differs) return;
  expect(shown(rows, row, at, drawn)).toEqual(drawn);
  throw new Error(`${rows.schema.name} ${row.id} is not what is listed under its id`);
}

function shown({ words, schema }: ViewRows, row: Handle, at: number, { numbers }: DrawnRow): DrawnRow {
  return {
    words: words.slice(at, at + schema.stride),
    predicted: row.predicted,
    numbers: new Map([...numbers.keys()].map((name) => [name, row[name] as number])),
  };
}

/** Stands for a `Predictor`: marked rows among unmarked ones, and what they were a tick before. */
class Prediction {
  readonly predictor: Predictor<never>;
  readonly #rng: Rng;
  readonly #history = new Map<number, { readonly tables: readonly RowSet[] }>();
  readonly #world: readonly RowSet[];
  /** Far from the snapshots' ticks: rows of others that the prediction took back are a matter of test/sim/events.test.ts. */
  #tick = 1_000_000;

  constructor(game: Game, rng: Rng) {
    this.#rng = rng;
    this.#world = game.schema.rows.map((row) => new RowSet(row));
    const prediction = this;
    const table = (t: number) => {
      const rows = this.#world[t] as RowSet;
      const { stride } = rows.schema;
      return { data: rows.data, count: rows.count, schema: rows.schema, offset: (i: number) => i * stride };
    };
    this.predictor = {
      world: { table },
      get tick() {
        return prediction.#tick;
      },
      get settled() {
        return prediction.#tick - 9;
      },
      at: (tick: number) => this.#history.get(tick),
    } as unknown as Predictor<never>;
    this.changeMind();
  }

  step(): void {
    this.#tick += this.#rng.chance(0.05) ? 3 : 1;
    this.changeMind();
  }

  /** Other values for the newest tick, and sometimes other rows. */
  changeMind(): void {
    const rng = this.#rng;
    for (const rows of this.#world.slice(FIRST_ENTITY)) {
      const { schema } = rows;
      const last = new RowSet(schema);
      last.copyFrom(rows);
      const turnover = rng.chance(0.2);
      rows.clear();
      for (const id of idsOf(schema)) {
        const from = last.offsetOf(id);
        if (turnover ? rng.chance(0.4) : last.count > 0 && from < 0) continue;
        const at = from < 0 ? rows.push(schema.empty, 0) : rows.push(last.data, from);
        rows.data[at + ID] = id;
        rows.data[at + OWNER] = id >> 16;
        rows.data[at + MARK] = id >> 16 === SEAT || id % 65536 === 5 ? 1 : 0;
        for (let f = 0; f < schema.fields.length; f++)
          if (rng.chance(f === schema.fields.length - 1 ? 0.02 : 0.5))
            scatter(schema, rows.data, at, f, rng, this.#tick);
      }
    }
    this.#history.set(this.#tick, { tables: this.#world.map(marked) });
  }
}

function marked(rows: RowSet): RowSet {
  const found = new RowSet(rows.schema);
  const { stride } = rows.schema;
  for (let i = 0; i < rows.count; i++)
    if (rows.data[i * stride + MARK] === 1) found.push(rows.data, i * stride);
  return found;
}
