/** What one client is to see now: which rows, and which of their secrets. */

import { type GameSchema, ROOM } from '../simulation/game.ts';
import { OWNER_BIT, type Secrets, TEAM_BIT } from '../simulation/secrets.ts';
import { OWNER } from '../wire/schema.ts';
import type { Frame, FrameTable } from './frame.ts';
import type { WorldSource } from './held.ts';
import type { Relevance } from './relevance.ts';
import type { Viewer } from './viewer.ts';

export class Sight {
  readonly #schema: GameSchema;
  readonly #relevance: Relevance;
  /** 1 for each table without a hook and without secrets. */
  readonly #alwaysPublic: Uint8Array;
  #worlds: WorldSource = { get: () => undefined };
  #frame!: Frame;
  #viewer!: Viewer;
  /** What `gather` found: indexes of rows, in id order; the first `count` count. */
  rows = new Int32Array(64);
  count = 0;

  constructor(schema: GameSchema, relevance: Relevance) {
    this.#schema = schema;
    this.#relevance = relevance;
    this.#alwaysPublic = Uint8Array.from(schema.rows, (_, t) =>
      relevance.visible[t] === undefined && schema.secrets[t]?.all.length === 0 ? 1 : 0,
    );
  }

  begin(frame: Frame, worlds: WorldSource, viewer: Viewer): void {
    this.#frame = frame;
    this.#worlds = worlds;
    this.#viewer = viewer;
  }

  /** Whether the client owns rows of a table. */
  ownsRows(t: number): boolean {
    const { rows } = this.#frame.tables[t] as FrameTable;
    const { seat } = this.#viewer;
    const row = rows.lowerBound(seat * 65536);
    return row < rows.count && rows.id(row) >> 16 === seat;
  }

  /** Whether nobody is told anything special about the rows of a list, this client included. */
  isPublic(t: number, key: number): boolean {
    if (this.#alwaysPublic[t] === 1) return true;
    if (this.#relevance.visible[t] !== undefined) return false;
    const { owners, refers } = this.#frame.tables[t] as FrameTable;
    const seats = owners[key] as number;
    if (refers[key] === 1) return false;
    if ((seats & (1 << (this.#viewer.seat & 31))) !== 0) return false;
    // Whose team a seat is in is asked row by row; here any owner may be one of the team.
    return seats === 0 || this.#viewer.team < 0;
  }

  /** The rows of a list that this client should see now, in id order. */
  gather(t: number, key: number, now: FrameTable): void {
    const { seat, shown } = this.#viewer;
    const spatial = this.#schema.positions[t] !== undefined;
    this.count = 0;
    if (spatial && key === 0) {
      // Own rows that no shown cell holds.
      const { rows, keys } = now;
      for (let row = rows.lowerBound(seat * 65536); row < rows.count && rows.id(row) >> 16 === seat; row++)
        if (shown[keys[row] as number] !== 1) this.#take(row);
      return;
    }
    if (spatial && shown[key] !== 1) return;
    const hook = this.#relevance.visible[t];
    const end = now.starts[key + 1] as number;
    for (let m = now.starts[key] as number; m < end; m++) {
      const id = now.ids[m] as number;
      if (hook === undefined || id >> 16 === seat || hook(this.#viewer, id))
        this.#take(now.members[m] as number);
    }
  }

  #take(row: number): void {
    if (this.count >= this.rows.length) {
      const more = new Int32Array(this.rows.length * 2);
      more.set(this.rows);
      this.rows = more;
    }
    this.rows[this.count++] = row;
  }

  /** Whether the client is to see a row in another list than `key`. */
  sees(t: number, key: number, now: FrameTable, row: number, id: number): boolean {
    if (this.#schema.positions[t] === undefined) return false;
    const { seat, shown } = this.#viewer;
    if (id >> 16 === seat) return true;
    const there = now.keys[row] as number;
    if (there === key || shown[there] !== 1) return false;
    const hook = this.#relevance.visible[t];
    return hook === undefined || hook(this.#viewer, id);
  }

  /** Which secrets of a row this client is told: those that there are. */
  maskOf(t: number, row: number): number {
    const secrets = this.#schema.secrets[t] as Secrets;
    if (secrets.all.length === 0) return 0;
    const truth = this.#worlds.get(this.#frame.tick)?.tables[t];
    if (truth === undefined) return 0;
    const { data } = truth;
    const { stride, empty } = truth.schema;
    const at = row * stride;
    const owner = data[at + OWNER] as number;
    let mask = 0;
    for (const { bit, words, target } of secrets.all) {
      let told = false;
      for (const word of words) if (data[at + word] !== empty[word]) told = true;
      if (!told) continue;
      if (target >= 0) told = this.#seesEntity(target, data[at + (words[0] as number)] as number);
      else if (bit === OWNER_BIT) told = owner === this.#viewer.seat;
      else if (bit === TEAM_BIT) told = owner === this.#viewer.seat || this.#sameTeam(owner);
      if (told) mask |= bit;
    }
    return mask;
  }

  #sameTeam(owner: number): boolean {
    return this.#viewer.team >= 0 && this.#relevance.teamOf(owner) === this.#viewer.team;
  }

  /** Whether an entity is one that this client is to see. */
  #seesEntity(t: number, id: number): boolean {
    const now = this.#frame.tables[t] as FrameTable;
    const row = now.rows.find(id);
    if (row < 0) return false;
    const { seat, shown } = this.#viewer;
    if (id >> 16 === seat) return true;
    if (this.#schema.positions[t] !== undefined && shown[now.keys[row] as number] !== 1) return false;
    const hook = this.#relevance.visible[t];
    return hook === undefined || hook(this.#viewer, id);
  }

  /** Whether a client may see any entity that a seat owns. Players' own rows, which everybody sees, are none. */
  seesSeat(frame: Frame, viewer: Viewer, seat: number): boolean {
    for (let t = ROOM + 1; t < frame.tables.length; t++) {
      const { rows, keys } = frame.tables[t] as FrameTable;
      const hook = this.#relevance.visible[t];
      const spatial = this.#schema.positions[t] !== undefined;
      for (let row = rows.lowerBound(seat * 65536); row < rows.count && rows.id(row) >> 16 === seat; row++)
        if (!spatial || viewer.shown[keys[row] as number] === 1)
          if (hook === undefined || hook(viewer, rows.id(row))) return true;
    }
    return false;
  }

  /** A row with the secrets of a mask. */
  compose(t: number, into: Int32Array, table: FrameTable, tick: number, at: number, mask: number): void {
    const { stride } = table.rows.schema;
    const truth = this.#worlds.get(tick)?.tables[t]?.data ?? table.rows.data;
    for (let i = 0; i < stride; i++) into[i] = table.rows.data[at + i] as number;
    for (const { bit, words } of (this.#schema.secrets[t] as Secrets).all) {
      if ((mask & bit) === 0) continue;
      for (const word of words) into[word] = truth[at + word] as number;
    }
  }
}
