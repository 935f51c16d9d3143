/**
 * Earlier rows of the same entities: for a row held at a tick, the row that the client was sent in the baseline of that tick's snapshot.
 * The client finds them in what it holds (decode.ts), so both sides expect the same.
 */

import type { GameSchema } from '../simulation/game.ts';
import type { Secrets } from '../simulation/secrets.ts';
import type { FrameTable } from './frame.ts';
import {
  earlierReach,
  type FrameSource,
  type HeldSet,
  type HeldTable,
  NAMED,
  type SentSource,
} from './held.ts';

export class EarlierSent {
  readonly #schema: GameSchema;
  readonly #frames: FrameSource;
  #now = 0;
  #baseline: HeldSet | undefined;
  #sent: SentSource = { get: () => undefined };
  #table = -1;
  #held = -1;
  #tick = -1;
  #rows: FrameTable | undefined;
  #set: HeldTable | undefined;
  #cursor = 0;

  constructor(schema: GameSchema, frames: FrameSource) {
    this.#schema = schema;
    this.#frames = frames;
  }

  begin(tick: number, baseline: HeldSet | undefined, sent: SentSource): void {
    this.#now = tick;
    this.#baseline = baseline;
    this.#sent = sent;
    this.#table = -1;
  }

  /** Where `find` found its row, and the tick of it. */
  get rows(): FrameTable {
    return this.#rows as FrameTable;
  }

  get tick(): number {
    return this.#tick;
  }

  /** Index of an entity's row in the earlier frame, if the client was sent it then; otherwise -1. */
  find(t: number, held: number, id: number): number {
    if (t !== this.#table || held !== this.#held) {
      this.#table = t;
      this.#held = held;
      this.#look(t, held);
    }
    const earlier = this.#rows;
    if (earlier === undefined) return -1;
    const row = earlier.rows.findNear(id, this.#cursor);
    this.#cursor = row + 1;
    return row >= 0 && this.#wasSent(earlier, row, id) ? row : -1;
  }

  #look(t: number, held: number): void {
    this.#rows = undefined;
    this.#cursor = 0;
    if ((this.#schema.secrets[t] as Secrets).all.length > 0) return;
    const set = held === this.#baseline?.tick ? this.#baseline : this.#sent.get(held);
    const from = set?.baseline ?? -1;
    if (from < 0 || this.#now - from > earlierReach(this.#schema)) return;
    const before = this.#sent.get(from);
    if (before === undefined) return;
    this.#rows = this.#frames.get(from)?.tables[t];
    this.#set = before.tables[t];
    this.#tick = from;
  }

  /** Whether a row was part of the snapshot of `#tick`, in the list of its cell or among the client's own. */
  #wasSent(earlier: FrameTable, row: number, id: number): boolean {
    const set = this.#set as HeldTable;
    const key = earlier.keys[row] as number;
    if (this.#wasSentIn(set, set.find(key), id)) return true;
    return key !== 0 && this.#wasSentIn(set, set.find(0), id);
  }

  #wasSentIn(set: HeldTable, list: number, id: number): boolean {
    if (list < 0) return false;
    const tick = set.ticks[list] as number;
    // A whole list of key 0 of a type with a place holds no rows.
    if (tick >= 0)
      return (
        tick === this.#tick && (set.keys[list] !== 0 || this.#schema.positions[this.#table] === undefined)
      );
    if (tick !== NAMED) return false;
    const entry = set.findEntry(list, id);
    return entry >= 0 && set.held[entry] === this.#tick;
  }
}
