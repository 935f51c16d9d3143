/**
 * Which drawn row goes on as which when a correction replaces the prediction. An id alone does not say: spawn counters are rolled
 * back, so after a shot that never was, the next one has its id.
 */

import type { RowSet } from '../simulation/rows.ts';
import { ID, MARK } from '../wire/schema.ts';
import type { Predictor } from './prediction.ts';

/** Rows older than this were settled long ago: their ids are theirs. */
const YOUNG_TICKS = 64;

/** The same spawn, adopted later than predicted, slides; beyond this it is another one. */
const LATE_MS = 250;

interface Young {
  readonly id: number;
  /** Tick that spawned it, as the prediction has it. */
  readonly born: number;
  readonly words: Int32Array;
}

/** The young rows of one entity type, before and after a correction. */
export class Spawns {
  readonly #t: number;
  readonly #late: number;
  /** Words that move: positions and the like. */
  readonly #moving: readonly number[];
  readonly #young: Young[] = [];

  constructor(t: number, tickRate: number, moving: readonly number[]) {
    this.#t = t;
    this.#late = Math.ceil((LATE_MS * tickRate) / 1000);
    this.#moving = moving;
  }

  /** Before the correction: remembers the rows that the prediction spawned a short while ago. */
  remember(predictor: Predictor<never>, own: RowSet): void {
    this.#young.length = 0;
    const { stride } = own.schema;
    for (let i = 0; i < own.count; i++) {
      const id = own.id(i);
      const born = bornAt(predictor, this.#t, id, predictor.tick - YOUNG_TICKS);
      if (born >= 0) this.#young.push({ id, born, words: own.data.slice(i * stride, (i + 1) * stride) });
    }
  }

  /** After the correction: the id under which row `index` was drawn before the correction, -1 for none. */
  former(predictor: Predictor<never>, own: RowSet, index: number): number {
    const id = own.id(index);
    if (this.#young.length === 0) return id;
    const at = index * own.schema.stride;
    const same = this.#young.find((one) => one.id === id);
    if (same !== undefined && this.#isTwin(same, own, at)) return id;
    // An earlier spawn was taken back, and those after it moved up: what flies where one flew before is that one.
    const twin = this.#young.find((one) => this.#isTwin(one, own, at));
    if (twin !== undefined) return twin.id;
    const born = bornAt(predictor, this.#t, id, predictor.settled);
    return same !== undefined && born - same.born > this.#late ? -1 : id;
  }

  #isTwin({ words }: Young, own: RowSet, at: number): boolean {
    return this.#moving.every((word) => words[word] === own.data[at + word]);
  }
}

/** The tick since which the prediction has had a row, -1 if it has had it since `from`. */
function bornAt(predictor: Predictor<never>, t: number, id: number, from: number): number {
  for (let tick = predictor.tick - 1; tick >= from; tick--) {
    const before = predictor.at(tick)?.tables[t];
    if (before === undefined) return -1;
    if (before.offsetOf(id) < 0) return tick + 1;
  }
  return -1;
}

/** Whether a copy from the past is of a row that was predicted then and that the prediction has despawned since. */
export function isTakenBack(predictor: Predictor<never>, t: number, words: Int32Array, at: number): boolean {
  const id = words[at + ID] ?? 0;
  const then = predictor.at(words[at + MARK] ?? 0)?.tables[t];
  return then !== undefined && then.offsetOf(id) >= 0 && predictor.world.table(t).get(id) === undefined;
}
