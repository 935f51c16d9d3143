/**
 * What each seat sees, for the rules of one simulation: `ctx.seen(seat)`. Targets are placed when a query first needs them and kept
 * until the tick ends; nothing here changes the world [L1].
 */

import { MARK } from '../wire/schema.ts';
import type { Row } from './entity.ts';
import { Queries, type QueryHit, type QueryOptions, type TargetSource } from './queries.ts';
import { type HitShape, numberIn, type TypeShape } from './shapes.ts';
import type { Table } from './table.ts';
import { Targets } from './targets.ts';
import { isPredicted, type WorldCore } from './world.ts';

/** Pictures of the past. A side that has none leaves it out, and everybody sees the world as it is. */
export interface PastSource {
  /** The fractional tick at which a seat saw others in its command for the present tick; undefined if it has no view of its own. */
  viewTick(seat: number): number | undefined;
  /** Fills in the rows of type `t` as that seat saw them. */
  seen(seat: number, t: number, into: Targets): void;
  /** Fills in all rows of type `t` as they were at a fractional tick. */
  past(tick: number, t: number, into: Targets): void;
  /** The rows of type `t` that the seat's client was sent last; undefined for all. A side that has no others leaves it out. */
  known?(seat: number, t: number): ReadonlySet<number> | undefined;
}

type PredictRule = ((row: Row, me: number) => boolean) | undefined;

/** What the seats need of the simulation around them. */
interface Surroundings {
  readonly core: WorldCore;
  readonly shapes: readonly (TypeShape | undefined)[];
  readonly rules: readonly PredictRule[];
}

export class Sights {
  past: PastSource | undefined;
  readonly #around: Surroundings;
  readonly #seats: (Sight | undefined)[] = [];

  constructor(core: WorldCore, predict: Readonly<Record<string, unknown>>) {
    const { rows, shapes } = core.schema;
    this.#around = {
      core,
      shapes: shapes ?? rows.map(() => undefined),
      rules: rows.map(({ name }) => predict[name] as PredictRule),
    };
  }

  /** What `seat` sees in the present tick. */
  of(seat: number): Sight {
    let sight = this.#seats[seat];
    if (sight === undefined) {
      sight = new Sight(seat, this.#around);
      this.#seats[seat] = sight;
    }
    sight.look(this.past);
    return sight;
  }

  /** A tick begins or begins again: nothing that was placed is true any more. */
  forget(): void {
    for (const sight of this.#seats) sight?.forget();
  }
}

/** What one seat sees in one tick, or saw `then`. Its face for game code is `Seen`. */
class Sight implements TargetSource {
  readonly seat: number;
  readonly types: number;
  tick = 0;
  readonly #around: Surroundings;
  readonly #queries: Queries;
  readonly #past: (Targets | undefined)[];
  readonly #living: (Targets | undefined)[];
  /** The tick for which each type was placed, -1 for none. */
  readonly #placed: Float64Array;
  /** By type, once asked in this tick: the rows that the seat was sent. */
  readonly #known: ({ readonly ids: ReadonlySet<number> | undefined } | undefined)[];
  #source: PastSource | undefined;
  #looked = false;
  /** True: this is the world as it was, not as the seat saw it. */
  #whole = false;
  #then: Sight | undefined;

  constructor(seat: number, around: Surroundings) {
    this.seat = seat;
    this.types = around.shapes.length;
    this.#around = around;
    this.#queries = new Queries(this);
    this.#past = around.shapes.map(() => undefined);
    this.#living = around.shapes.map(() => undefined);
    this.#placed = new Float64Array(this.types).fill(-1);
    this.#known = around.shapes.map(() => undefined);
  }

  nameOf(t: number): string {
    return this.#around.core.table(t).schema.name;
  }

  get lag(): number {
    return Math.max(0, this.#around.core.tick - this.tick);
  }

  look(source: PastSource | undefined): void {
    if (this.#looked) return;
    this.#looked = true;
    const tick = source?.viewTick(this.seat);
    this.#source = tick === undefined ? undefined : source;
    this.tick = tick ?? this.#around.core.tick;
  }

  forget(): void {
    this.#looked = false;
    this.#placed.fill(-1);
    this.#known.fill(undefined);
    this.#then?.forget();
  }

  ray(x: number, y: number, toX: number, toY: number, options?: QueryOptions): readonly QueryHit[] {
    return this.#queries.ray(x, y, toX, toY, options);
  }

  overlap(shape: HitShape, x: number, y: number, options?: QueryOptions): readonly QueryHit[] {
    return this.#queries.overlap(shape, x, y, options);
  }

  nearest(x: number, y: number, radius: number, options?: QueryOptions): QueryHit | undefined {
    return this.#queries.nearest(x, y, radius, options);
  }

  at(tick: number): Sight {
    const then = this.#then ?? new Sight(this.seat, this.#around);
    this.#then = then;
    then.#source = this.#source;
    then.#whole = true;
    then.tick = Math.min(tick, this.#around.core.tick);
    return then;
  }

  advance(visit: (then: Sight, ticks: number) => unknown): void {
    const { tick: now } = this.#around.core;
    for (let { tick } = this; tick < now; ) {
      const ticks = Math.min(1, now - tick);
      tick += ticks;
      if (visit(this.at(tick), ticks) === false) return;
    }
  }

  past(t: number): Targets | undefined {
    const shape = this.#around.shapes[t];
    if (shape === undefined) return undefined;
    const targets = this.#past[t] ?? this.#newTargets(t, shape);
    this.#past[t] = targets;
    const source = this.#source;
    if (source === undefined) targets.count = 0;
    else if (this.#placed[t] !== this.tick) {
      if (this.#whole) source.past(this.tick, t, targets);
      else {
        source.seen(this.seat, t, targets);
        this.#dropPredicted(t, targets);
      }
      this.#placed[t] = this.tick;
    }
    return targets;
  }

  /** Rows that the seat predicts, or all of them where it has no view of its own. Read anew each time: the tick is changing them. */
  living(t: number, own: boolean): Targets | undefined {
    const { core, shapes, rules } = this.#around;
    const all = this.#source === undefined;
    if (this.#whole && !all) return undefined;
    // Own rows are all that most games predict, and those are seldom asked for.
    if (!all && rules[t] === undefined && !own) return undefined;
    const shape = shapes[t] as TypeShape;
    const targets = this.#living[t] ?? this.#newTargets(t, shape);
    this.#living[t] = targets;
    const table = core.table(t);
    targets.living(table);
    for (let i = 0; i < table.count; i++)
      if (all || this.#predicts(t, table, i)) placeLiving(targets, table, i);
    return targets;
  }

  /** Takes out what the seat predicts: it is tested where it is now. */
  #dropPredicted(t: number, targets: Targets): void {
    const { core, rules } = this.#around;
    const table = core.table(t);
    let kept = 0;
    for (let i = 0; i < targets.count; i++) {
      const id = targets.ids[i] as number;
      const index = rules[t] === undefined ? -1 : table.indexOf(id);
      const predicted =
        rules[t] === undefined
          ? targets.owners[i] === this.seat
          : index >= 0 && this.#predicts(t, table, index);
      if (!predicted) targets.keep(kept++, i);
    }
    targets.count = kept;
  }

  #predicts(t: number, table: Table, index: number): boolean {
    const { core, rules } = this.#around;
    // A client goes by its marks, which may be older than the row.
    if (core.predictingSeat >= 0) return table.data[table.offset(index) + MARK] === 1;
    const row = table.at(index) as Row;
    return (
      isPredicted(table.schema, row, this.seat, rules[t]) && (row.owner === this.seat || this.#knows(t, row))
    );
  }

  /** A rule may name rows that are kept from the player: its client does not predict those, and nobody hits what it is not sent [L4]. */
  #knows(t: number, { id }: Row): boolean {
    this.#known[t] ??= { ids: this.#source?.known?.(this.seat, t) };
    return this.#known[t].ids?.has(id) !== false;
  }

  #newTargets(t: number, shape: TypeShape): Targets {
    const { core } = this.#around;
    const { schema } = core;
    return new Targets(core.table(t).schema, shape, schema.rowClasses[t] as never, core);
  }
}

function placeLiving(targets: Targets, table: Table, index: number): void {
  const { data } = table;
  const at = table.offset(index);
  const { x, y, angle } = targets.shape;
  targets.place(
    index,
    numberIn(data, at, x),
    numberIn(data, at, y),
    angle === undefined ? 0 : numberIn(data, at, angle),
  );
}
