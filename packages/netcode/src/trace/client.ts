/**
 * A client's recording: for each tick that a snapshot has settled, what the client predicted for it, at first and at last, and from what.
 *
 *     tick (against the tick before; whole when it opens a block)
 *     ticks since the restored one that this run came from, plus 1; 0 when unknown
 *     ticks since the newest snapshot it knew; times it ran; discarded writes, spawns, despawns
 *     command: 0 none, 1 its own, 2 an earlier one again; words         against the last in the block
 *     commands of others that rules read: how many; seats skipped, levels and pulls   against the same seat's last in the block
 *     predicted rows of each type, own control words                    against the tick before
 *     1 when the first run gave other rows: these, and control words    against the last run
 *
 * A tick that was run again after a correction counts by its last run: that is what the next snapshots were compared with.
 */

import type { Game } from '../simulation/game.ts';
import { RowSet } from '../simulation/rows.ts';
import type { WriteCounters } from '../simulation/table.ts';
import { Blocks, type TraceLimits } from './blocks.ts';
import { describeTrace } from './description.ts';
import { copyRows, newRows, type Rows, sameRows, writeChanges, writeRows } from './rows.ts';

/** How the rows of a tick came about. The prediction keeps it with them, since it may hold two versions of a tick. */
export interface RunNote {
  tick: number;
  /** The restored tick that the run came from; -1 when unknown. */
  base: number;
  /** The newest snapshot at that time. */
  seen: number;
  readonly discarded: [writes: number, spawns: number, despawns: number];
  command: 0 | 1 | 2;
  readonly words: Int32Array;
  /** Seats of others, as many as `others`, and their levels and pulls one after the other. */
  others: number;
  seats: Int32Array;
  theirs: Int32Array;
}

/** The commands of others that a step has read: levels, and pulls in that tick. */
interface OthersCommands {
  each(tick: number, visit: (seat: number, words: Int32Array, at: number) => void): void;
}

/** The predicted rows and own control words after one tick. */
interface Predicted {
  readonly tables: readonly RowSet[];
  readonly controls: Int32Array;
  /** Written by the recorder only. */
  note?: RunNote;
}

/** Unsettled ticks that are remembered: as many as the prediction keeps. */
const MEMORY_TICKS = 256;

/** What the first run of a tick gave. */
interface FirstRun {
  tick: number;
  runs: number;
  readonly tables: readonly RowSet[];
  readonly controls: Int32Array;
}

export class ClientRecorder {
  readonly #game: Game<never>;
  readonly #blocks: Blocks;
  readonly #before: readonly Rows[];
  readonly #controls: Int32Array;
  readonly #command: Int32Array;
  readonly #theirs = new Map<number, Int32Array>();
  readonly #first: FirstRun[] = [];
  readonly #discarded: [number, number, number] = [0, 0, 0];
  #seat = 0;
  #settled = -1;
  #last = 0;

  constructor(game: Game<never>, limits: TraceLimits = {}) {
    this.#game = game;
    const { schema } = game;
    this.#blocks = new Blocks(schema.tickRate, limits);
    this.#before = schema.rows.map(newRows);
    this.#controls = new Int32Array(1 + schema.command.presses.length);
    this.#command = schema.command.neutral.slice();
  }

  /** A new prediction begins, perhaps of another seat: then nothing before it counts. */
  attach(seat: number): void {
    if (seat !== this.#seat) this.#blocks.clear();
    this.#seat = seat;
    this.#settled = -1;
    this.#discarded.fill(0);
    for (const first of this.#first) first.tick = -1;
  }

  /** A snapshot was restored and kept as the rows of `tick`; `exact` is false when it is not of that tick, as after a sleep. */
  restored(tick: number, kept: Predicted, exact: boolean): void {
    const note = this.#noteOf(kept);
    note.tick = tick;
    note.base = exact ? tick : -1;
  }

  /** A tick ran on the rows `before`. `words` holds the command at `at`; `own` is false when it was made for an earlier tick. */
  ran(
    tick: number,
    kept: Predicted,
    before: Predicted | undefined,
    seen: number,
    words: Int32Array,
    at: number,
    own: boolean,
    counters: WriteCounters,
    others: OthersCommands | undefined,
  ): void {
    const first = this.#firstOf(tick);
    if (first.tick === tick) first.runs++;
    else {
      first.tick = tick;
      first.runs = 1;
      for (let t = 0; t < first.tables.length; t++)
        (first.tables[t] as RowSet).copyFrom(kept.tables[t] as RowSet);
      first.controls.set(kept.controls);
    }
    const note = this.#noteOf(kept);
    note.tick = tick;
    note.base = before?.note?.tick === tick - 1 ? before.note.base : -1;
    note.seen = seen;
    note.command = at < 0 ? 0 : own ? 1 : 2;
    if (at >= 0) for (let i = 0; i < note.words.length; i++) note.words[i] = words[at + i] ?? 0;
    else note.words.set(this.#game.schema.command.neutral);
    this.#noteOthers(note, others);
    const { discardedWrites, discardedSpawns, discardedDespawns } = counters;
    const now = [discardedWrites, discardedSpawns, discardedDespawns];
    for (let i = 0; i < 3; i++) {
      note.discarded[i as 0] = (now[i] ?? 0) - (this.#discarded[i as 0] ?? 0);
      this.#discarded[i as 0] = now[i] ?? 0;
    }
  }

  #noteOthers(note: RunNote, others: OthersCommands | undefined): void {
    const { length } = note.words;
    note.others = 0;
    others?.each(note.tick, (seat, words, at) => {
      const place = note.others++;
      note.seats[place] = seat;
      for (let i = 0; i < length; i++) note.theirs[place * length + i] = words[at + i] ?? 0;
    });
  }

  /** A snapshot of `tick` arrived, and nothing of it is used yet: what is predicted up to there will not be run again. */
  settle(tick: number, predicted: (tick: number) => Predicted | undefined): void {
    for (let t = Math.max(this.#settled + 1, tick - MEMORY_TICKS + 1); t <= tick; t++) {
      const last = predicted(t);
      const first = this.#first[t % MEMORY_TICKS];
      if (last?.note?.tick === t && first?.tick === t) this.#write(last, last.note, first);
    }
    this.#settled = Math.max(this.#settled, tick);
  }

  /** What is settled so far, for a file. */
  bytes(): Uint8Array {
    const { schema, definition } = this.#game;
    return this.#blocks.file(
      describeTrace(
        schema,
        Object.keys(definition.predict ?? {}),
        Object.keys(definition.visible ?? {}),
        'client',
        this.#seat,
      ),
    );
  }

  #write(last: Predicted, note: RunNote, first: FirstRun): void {
    const opens = this.#blocks.begin(note.tick);
    const w = this.#blocks.writer;
    if (opens) {
      for (const rows of this.#before) rows.count = 0;
      this.#controls.fill(0);
      this.#command.set(this.#game.schema.command.neutral);
      this.#theirs.clear();
    }
    w.unsigned(opens ? note.tick : note.tick - this.#last);
    this.#last = note.tick;
    w.unsigned(note.base < 0 ? 0 : note.tick - note.base + 1);
    w.unsigned(note.tick - note.seen);
    w.unsigned(first.runs);
    for (const count of note.discarded) w.unsigned(count);
    w.unsigned(note.command);
    writeChanges(w, note.words.length, this.#command, note.words);
    this.#writeOthers(note);
    let same = true;
    for (let t = 0; t < last.tables.length; t++) {
      const rows = last.tables[t] as RowSet;
      const before = this.#before[t] as Rows;
      const { stride } = rows.schema;
      writeRows(w, stride, before, rows);
      copyRows(stride, rows, before);
      if (!sameRows(stride, rows, first.tables[t] as RowSet)) same = false;
    }
    writeChanges(w, this.#controls.length, this.#controls, last.controls);
    if (this.#controls.some((word, i) => word !== first.controls[i])) same = false;
    w.unsigned(same ? 0 : 1);
    if (same) return;
    for (let t = 0; t < last.tables.length; t++) {
      const rows = last.tables[t] as RowSet;
      writeRows(w, rows.schema.stride, rows, first.tables[t] as RowSet);
    }
    writeChanges(w, this.#controls.length, last.controls.slice(), first.controls);
  }

  #writeOthers({ others, seats, theirs, words }: RunNote): void {
    const w = this.#blocks.writer;
    w.unsigned(others);
    let seat = 0;
    for (let place = 0; place < others; place++) {
      w.unsigned((seats[place] ?? 0) - seat);
      seat = seats[place] ?? 0;
      const last = this.#theirs.get(seat) ?? this.#game.schema.command.neutral.slice();
      this.#theirs.set(seat, last);
      writeChanges(w, words.length, last, theirs, place * words.length);
    }
  }

  #noteOf(kept: Predicted): RunNote {
    const { command, maxPlayers } = this.#game.schema;
    kept.note ??= {
      tick: -1,
      base: -1,
      seen: -1,
      discarded: [0, 0, 0],
      command: 0,
      words: new Int32Array(command.words),
      others: 0,
      seats: new Int32Array(maxPlayers),
      theirs: new Int32Array(maxPlayers * command.words),
    };
    return kept.note;
  }

  #firstOf(tick: number): FirstRun {
    const slot = tick % MEMORY_TICKS;
    const { schema } = this.#game;
    while (this.#first.length <= slot)
      this.#first.push({
        tick: -1,
        runs: 0,
        tables: schema.rows.map((row) => new RowSet(row)),
        controls: new Int32Array(1 + schema.command.presses.length),
      });
    return this.#first[slot] as FirstRun;
  }
}
