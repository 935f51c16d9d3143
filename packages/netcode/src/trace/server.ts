/**
 * A server's recording: the whole world after each tick, the commands that ran, and which fields the server wrote alone.
 *
 *     tick (against the tick before; whole when it opens a block)
 *     rows of each type, control words           against the tick before
 *     commands: how many; seats skipped, words   against the same seat's last in the block
 *     written alone: how many; type, row id, how many fields, fields skipped   0 fields: all of the row, which came or went
 */

import type { Game } from '../simulation/game.ts';
import type { RoomInput } from '../simulation/log.ts';
import { RowSet } from '../simulation/rows.ts';
import type { Simulation } from '../simulation/simulation.ts';
import type { SavedWorld, WorldCore } from '../simulation/world.ts';
import { ID, OWNER } from '../wire/schema.ts';
import { Blocks, type TraceLimits } from './blocks.ts';
import { describeTrace, type TraceHeader } from './description.ts';
import { copyRows, newRows, type Rows, writeChanges, writeRows } from './rows.ts';

interface Alone {
  readonly type: number;
  readonly id: number;
  /** Indices of fields; none for a row that came or went. */
  readonly fields: Set<number>;
}

export class ServerRecorder {
  readonly #header: TraceHeader;
  readonly #blocks: Blocks;
  readonly #core: WorldCore;
  readonly #before: readonly Rows[];
  readonly #scratch: readonly RowSet[];
  readonly #controls: Int32Array;
  readonly #commands: Int32Array[];
  readonly #save: SavedWorld;
  readonly #alone = new Map<string, Alone>();
  readonly #neutral: Int32Array;
  #depth = 0;
  #last = 0;

  /** Records what `simulation`, which has no seat, runs from now on; call `tick` after each of its ticks. */
  constructor(game: Game<never>, simulation: Pick<Simulation, 'core' | 'alone'>, limits: TraceLimits = {}) {
    const { schema, definition } = game;
    this.#core = simulation.core;
    this.#header = describeTrace(
      schema,
      Object.keys(definition.predict ?? {}),
      Object.keys(definition.visible ?? {}),
      'server',
      0,
    );
    this.#blocks = new Blocks(schema.tickRate, limits);
    this.#before = schema.rows.map(newRows);
    this.#scratch = schema.rows.map((row) => new RowSet(row));
    this.#controls = new Int32Array(this.#core.controls.length);
    this.#neutral = schema.command.neutral;
    this.#commands = Array.from({ length: schema.maxPlayers + 1 }, () => this.#neutral.slice());
    this.#save = this.#core.newSave();
    simulation.alone = { before: () => this.#enter(), after: () => this.#leave() };
  }

  /** The world is as its tick left it; `inputs` are what entered that tick. */
  tick(inputs: readonly RoomInput[]): void {
    const core = this.#core;
    const opens = this.#blocks.begin(core.tick);
    const w = this.#blocks.writer;
    if (opens) this.#forget();
    w.unsigned(opens ? core.tick : core.tick - this.#last);
    this.#last = core.tick;
    for (let t = 0; t < core.tables.length; t++) {
      const rows = this.#scratch[t] as RowSet;
      const before = this.#before[t] as Rows;
      const { stride } = rows.schema;
      core.table(t).save(rows);
      writeRows(w, stride, before, rows);
      copyRows(stride, rows, before);
    }
    writeChanges(w, this.#controls.length, this.#controls, core.controls);
    this.#writeCommands(inputs);
    this.#writeAlone();
  }

  bytes(): Uint8Array {
    return this.#blocks.file(this.#header);
  }

  #forget(): void {
    for (const rows of this.#before) rows.count = 0;
    this.#controls.fill(0);
    for (const words of this.#commands) words.set(this.#neutral);
  }

  #writeCommands(inputs: readonly RoomInput[]): void {
    const w = this.#blocks.writer;
    const commands = inputs.filter((input) => input.type === 'command').sort((a, b) => a.seat - b.seat);
    w.unsigned(commands.length);
    let seat = 0;
    for (const command of commands) {
      w.unsigned(command.seat - seat);
      seat = command.seat;
      writeChanges(
        w,
        this.#neutral.length,
        this.#commands[seat] as Int32Array,
        Int32Array.from(command.words),
      );
    }
  }

  #writeAlone(): void {
    const w = this.#blocks.writer;
    w.unsigned(this.#alone.size);
    for (const { type, id, fields } of this.#alone.values()) {
      w.unsigned(type);
      w.unsigned(id);
      w.unsigned(fields.size);
      for (const field of fields) w.unsigned(field);
    }
    this.#alone.clear();
  }

  /** Rules begin that no client runs. */
  #enter(): void {
    if (this.#depth++ === 0) this.#core.save(this.#save);
  }

  #leave(): void {
    if (--this.#depth > 0) return;
    for (let t = 0; t < this.#core.tables.length; t++) this.#note(t);
  }

  #note(t: number): void {
    const table = this.#core.table(t);
    const before = this.#save.tables[t] as RowSet;
    const { stride } = table.schema;
    let b = 0;
    for (let i = 0; i < table.count; i++) {
      const at = table.offset(i);
      const id = table.data[at + ID] ?? 0;
      for (; b < before.count && before.id(b) < id; b++) this.#whole(t, before.id(b));
      if (b >= before.count || before.id(b) !== id) this.#whole(t, id);
      else this.#fields(t, id, table.data, at, before.data, b++ * stride);
    }
    for (; b < before.count; b++) this.#whole(t, before.id(b));
  }

  #fields(t: number, id: number, data: Int32Array, at: number, before: Int32Array, from: number): void {
    const { fields } = this.#core.table(t).schema;
    if (data[at + OWNER] !== before[from + OWNER]) this.#whole(t, id);
    for (let f = 0; f < fields.length; f++) {
      const layout = fields[f];
      if (layout === undefined) continue;
      for (let word = layout.at; word < layout.at + layout.field.words; word++) {
        if (data[at + word] === before[from + word]) continue;
        this.#entry(t, id)?.fields.add(f);
        break;
      }
    }
  }

  #whole(type: number, id: number): void {
    this.#alone.set(`${type} ${id}`, { type, id, fields: new Set() });
  }

  /** Undefined when all of the row is noted already. */
  #entry(type: number, id: number): Alone | undefined {
    const key = `${type} ${id}`;
    const known = this.#alone.get(key);
    if (known !== undefined) return known.fields.size === 0 ? undefined : known;
    const entry: Alone = { type, id, fields: new Set() };
    this.#alone.set(key, entry);
    return entry;
  }
}
