/** All state of one room at one tick: a table per entity type, and each seat's control words. Saving and restoring copy rows, nothing else. */

import { assert } from '../base/assert.ts';
import { finish32, mix32 } from '../wire/hash.ts';
import { MARK, OWNER, type RowSchema } from '../wire/schema.ts';
import { controlWords } from './commands.ts';
import type { Row } from './entity.ts';
import { type GameSchema, PLAYERS, ROOM, ROOM_ID } from './game.ts';
import { firstDifference, hashRow, RowSet, scrambleLocal } from './rows.ts';
import { CLOSED, OPEN, PREDICTING, Table, type TableHost, type WriteCounters } from './table.ts';

/** One tick of a world, saved. */
export interface SavedWorld {
  tick: number;
  readonly tables: readonly RowSet[];
  readonly controls: Int32Array;
}

/** Where two saved worlds first differ. */
export interface WorldDifference {
  readonly type: string;
  readonly id: number;
  readonly field: string;
}

const SPAWN_COUNTERS = 0xffff;

export class WorldCore implements TableHost {
  readonly schema: GameSchema;
  readonly tables: readonly Table[];
  readonly counters: WriteCounters = {
    clamped: 0,
    notANumber: 0,
    discardedWrites: 0,
    discardedSpawns: 0,
    discardedDespawns: 0,
  };
  readonly development: boolean;
  /** `controlWords` words per seat: spawn counter, pull counters. */
  readonly controls: Int32Array;
  readonly controlStride: number;
  predictingSeat = -1;
  tick = 0;
  /** The object that game code sees. */
  readonly facade: object;

  constructor(schema: GameSchema, development: boolean) {
    this.schema = schema;
    this.development = development;
    this.tables = schema.rows.map((row) => new Table(row, schema.rowClasses[row.index] as never, this));
    this.controlStride = controlWords(schema.command);
    this.controls = new Int32Array((schema.maxPlayers + 1) * this.controlStride);
    this.facade = this.#makeFacade();
    this.#ensureRoom();
  }

  table(index: number): Table {
    return this.tables[index] as Table;
  }

  tableNamed(name: string): Table | undefined {
    return this.tables.find((table) => table.schema.name === name);
  }

  /** The player row of a seat. */
  player(seat: number): Row | undefined {
    return this.table(PLAYERS).get(playerId(seat));
  }

  /** The next free id of a seat: its counter goes on, skipping ids that are alive. Both sides derive the same one. */
  nextEntityId(owner: number): number {
    assert(
      owner <= this.schema.maxPlayers,
      `owner ${owner} is not a seat of this room (0..${this.schema.maxPlayers})`,
    );
    const slot = owner * this.controlStride;
    for (let tries = 0; tries < SPAWN_COUNTERS; tries++) {
      const next = ((this.controls[slot] ?? 0) % (SPAWN_COUNTERS - 1)) + 1;
      this.controls[slot] = next;
      const id = owner * 65536 + next;
      if (!this.tables.some((table) => table.get(id) !== undefined)) return id;
    }
    assert(false, `seat ${owner} has ${SPAWN_COUNTERS} living entities; despawn what is no longer needed`);
  }

  /** Opens the world for one tick's writes. `seat` is the predicting client's, or -1 on the server. */
  open(seat: number): void {
    this.predictingSeat = seat;
    for (const table of this.tables) table.guard = seat < 0 ? OPEN : PREDICTING;
  }

  close(): void {
    for (const table of this.tables) {
      table.guard = CLOSED;
      table.endTick();
    }
  }

  newSave(): SavedWorld {
    return {
      tick: -1,
      tables: this.schema.rows.map((row) => new RowSet(row)),
      controls: new Int32Array(this.controls.length),
    };
  }

  save(into: SavedWorld): void {
    into.tick = this.tick;
    for (let i = 0; i < this.tables.length; i++) this.table(i).save(into.tables[i] as RowSet);
    into.controls.set(this.controls);
  }

  restore(from: SavedWorld): void {
    this.tick = from.tick;
    for (let i = 0; i < this.tables.length; i++) this.table(i).restore(from.tables[i] as RowSet);
    this.controls.set(from.controls);
    this.#ensureRoom();
  }

  /** Hash of everything that is sent, and of the controls. Equal worlds have equal hashes on every machine. */
  hash(): number {
    let hash = mix32(0x2f6e2b1, this.tick);
    for (const table of this.tables) {
      hash = mix32(hash, table.count);
      for (let i = 0; i < table.count; i++) hash = hashRow(table.schema, table.data, table.offset(i), hash);
    }
    for (const word of this.controls) hash = mix32(hash, word);
    return finish32(hash);
  }

  /** Fills every `local` field with something else, to show that nothing sent depends on them. */
  scrambleLocals(value: number): void {
    for (const table of this.tables) {
      for (let i = 0; i < table.count; i++)
        scrambleLocal(table.schema, table.data, table.offset(i), value + i);
    }
  }

  get entityCount(): number {
    let count = 0;
    for (const table of this.tables) if (table.schema.index > ROOM) count += table.count;
    return count;
  }

  #ensureRoom(): void {
    const room = this.table(ROOM);
    if (room.count === 0) room.insert(ROOM_ID, 0);
  }

  #makeFacade(): object {
    const facade: Record<string, unknown> = {};
    for (const table of this.tables) facade[table.schema.name] = table;
    facade['players'] = new PlayerTableView(this.table(PLAYERS));
    Object.defineProperty(facade, 'tick', { enumerable: true, get: () => this.tick });
    Object.defineProperty(facade, 'room', { enumerable: true, get: () => this.table(ROOM).at(0) });
    return Object.freeze(facade);
  }
}

/** Id of a seat's row in `players`: the seat's counter value 0, which no spawn takes. */
export const playerId = (seat: number): number => seat * 65536;

/** Game code reads players by seat; only the room adds and removes them. */
class PlayerTableView implements Iterable<Row> {
  readonly #table: Table;
  constructor(table: Table) {
    this.#table = table;
  }
  get count(): number {
    return this.#table.count;
  }
  get(seat: number): Row | undefined {
    return this.#table.get(playerId(seat));
  }
  [Symbol.iterator](): Iterator<Row> {
    return this.#table[Symbol.iterator]();
  }
}

/** The first entity and field in which two saves differ, in table and id order. */
export function firstWorldDifference(a: SavedWorld, b: SavedWorld): WorldDifference | undefined {
  for (let t = 0; t < a.tables.length; t++) {
    const difference = firstRowDifference(a.tables[t] as RowSet, b.tables[t] as RowSet);
    if (difference !== undefined) return difference;
  }
  for (let i = 0; i < a.controls.length; i++) {
    if (a.controls[i] !== b.controls[i]) return { type: 'controls', id: i, field: 'spawn or pull counter' };
  }
  return undefined;
}

function firstRowDifference(a: RowSet, b: RowSet): WorldDifference | undefined {
  const { schema } = a;
  let i = 0;
  let j = 0;
  while (i < a.count || j < b.count) {
    const idA = i < a.count ? a.id(i) : Infinity;
    const idB = j < b.count ? b.id(j) : Infinity;
    if (idA !== idB) return { type: schema.name, id: Math.min(idA, idB), field: 'exists' };
    const atA = i++ * schema.stride;
    const atB = j++ * schema.stride;
    if (a.data[atA + OWNER] !== b.data[atB + OWNER]) return { type: schema.name, id: idA, field: 'owner' };
    const field = firstDifference(schema, a.data, atA, b.data, atB);
    if (field !== undefined) return { type: schema.name, id: idA, field };
  }
  return undefined;
}

/** Sets the prediction mark of each row as the game's rule says. Pure over sent fields, so both sides agree. */
export function markPredicted(
  table: Table,
  seat: number,
  rule: ((row: Row, me: number) => boolean) | undefined,
): void {
  const { data, schema } = table;
  for (let i = 0; i < table.count; i++) {
    const at = table.offset(i);
    data[at + MARK] = isPredicted(schema, table.at(i) as Row, seat, rule) ? 1 : 0;
  }
}

/** Players and room rows are never predicted; entities by the game's rule, or when owned. */
export function isPredicted(
  schema: RowSchema,
  row: Row,
  seat: number,
  rule: ((row: Row, me: number) => boolean) | undefined,
): boolean {
  if (schema.index <= ROOM || row.id === 0) return false;
  return rule === undefined ? row.owner === seat : rule(row, seat);
}
