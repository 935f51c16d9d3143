/**
 * What this player saw: keeps the view that each command was given with, and finds the copies it was drawn from. A command that is run
 * again is asked about what was on the screen then, not about what is there now.
 */

import type { Replica } from '../replication/decode.ts';
import { type Copies, Rewinder } from '../replication/rewind.ts';
import { type CommandView, NO_NEWER, newView, VIEW_UNITS, writeView } from '../simulation/commandview.ts';
import type { GameSchema } from '../simulation/game.ts';
import type { PastSource } from '../simulation/sights.ts';
import type { Targets } from '../simulation/targets.ts';
import type { BitWriter } from '../wire/bits.ts';
import type { Replicas } from './replicas.ts';

/** Views kept, by tick: as many as the prediction keeps commands. */
const MEMORY_TICKS = 256;

export class CommandViews implements PastSource {
  /** Commands whose view lay further back than a rewind may go, and was moved up. */
  clamped = 0;
  noted = 0;
  #drawn: number | undefined;
  readonly #schema: GameSchema;
  readonly #replicas: Replicas;
  readonly #seat: number;
  readonly #now: () => number;
  readonly #ticks = new Float64Array(MEMORY_TICKS).fill(-1);
  readonly #views = Array.from({ length: MEMORY_TICKS }, newView);
  readonly #rewinders: readonly (Rewinder | undefined)[];

  /** `now` gives the tick that the rules run. */
  constructor(schema: GameSchema, replicas: Replicas, seat: number, now: () => number) {
    this.#schema = schema;
    this.#replicas = replicas;
    this.#seat = seat;
    this.#now = now;
    this.#rewinders = schema.rows.map((row, t) => {
      const shape = schema.shapes?.[t];
      return shape === undefined ? undefined : new Rewinder(row, shape, schema.tickRate);
    });
  }

  /** A frame was drawn, with others at this fractional tick. */
  drawn(tick: number): void {
    this.#drawn = tick;
  }

  /** The command for `tick` is given now, to what was drawn last; a page that draws nothing sees its newest snapshot. */
  note(tick: number): void {
    const earliest = Math.max(0, tick - this.#schema.maxRewind);
    const seen = this.#drawn ?? this.#replicas.newest?.tick ?? 0;
    this.noted++;
    if (seen < earliest) this.clamped++;
    const slot = tick % MEMORY_TICKS;
    const view = this.#views[slot] as CommandView;
    this.#ticks[slot] = tick;
    const time = Math.floor(Math.min(tick, Math.max(earliest, seen)) * VIEW_UNITS);
    const { older, newer } = this.#replicas.around(time / VIEW_UNITS);
    // Before the first snapshot's tick that one is shown.
    const from = older ?? newer;
    view.older = from?.tick ?? 0;
    view.newer = older === undefined ? NO_NEWER : (newer?.tick ?? NO_NEWER);
    view.time = Math.min(tick * VIEW_UNITS, Math.max(time, view.older * VIEW_UNITS));
  }

  /** Writes the view of the command for `tick`; `first` of its packet, or after that for the tick before. */
  write(w: BitWriter, tick: number, first: boolean): void {
    const before = first ? undefined : this.#views[(tick - 1) % MEMORY_TICKS];
    writeView(
      w,
      this.#views[tick % MEMORY_TICKS] as CommandView,
      tick,
      before,
      this.#schema.ticksPerSnapshot,
    );
  }

  viewTick(seat: number): number | undefined {
    const view = seat === this.#seat ? this.#view() : undefined;
    return view === undefined ? undefined : view.time / VIEW_UNITS;
  }

  seen(_seat: number, t: number, into: Targets): void {
    const view = this.#view();
    if (view === undefined) return;
    this.#place(
      t,
      this.#replicas.at(view.older),
      this.#replicas.at(view.newer),
      view.time / VIEW_UNITS,
      into,
    );
  }

  past(tick: number, t: number, into: Targets): void {
    const { older, newer } = this.#replicas.around(tick);
    this.#place(t, older ?? newer, older === undefined ? undefined : newer, tick, into);
  }

  #view(): CommandView | undefined {
    const tick = this.#now();
    const slot = tick % MEMORY_TICKS;
    return this.#ticks[slot] === tick ? this.#views[slot] : undefined;
  }

  #place(
    t: number,
    older: Replica | undefined,
    newer: Replica | undefined,
    tick: number,
    into: Targets,
  ): void {
    if (older === undefined) into.clear();
    else this.#rewinders[t]?.place(copies(older, t), newer && copies(newer, t), tick, into);
  }
}

function copies(replica: Replica, t: number): Copies {
  return { rows: replica.tables[t] as Copies['rows'], tick: -1 };
}
