/**
 * Which drawn row goes on as which when a correction replaces the prediction. An id alone does not say: spawn counters are rolled
 * back, so after a shot that never was, the next one has its id.
 */

import { firstDifference, type RowSet } from '../simulation/rows.ts';
import { OWNER } from '../wire/schema.ts';
import type { Predictor } from './prediction.ts';

/** Rows older than this were settled long ago: their ids are theirs. */
const YOUNG_TICKS = 64;

/** The same spawn, adopted later than predicted, slides; beyond this it is another one. */
const LATE_MS = 250;

interface Young {
  readonly id: number;
  readonly born: number;
  readonly words: Int32Array;
}

/** The young rows of one entity type, before and after a correction. */
export class Spawns {
  readonly #t: number;
  readonly #late: number;
  readonly #young: Young[] = [];

  constructor(t: number, tickRate: number) {
    this.#t = t;
    this.#late = Math.ceil((LATE_MS * tickRate) / 1000);
  }

  /** Before the correction: remembers the rows that the prediction spawned a short while ago. */
  remember(predictor: Predictor<never>, own: RowSet): void {
    this.#young.length = 0;
    const { stride } = own.schema;
    for (let i = 0; i < own.count; i++) {
      const born = bornAt(predictor, this.#t, own.id(i));
      if (born < 0) continue;
      this.#young.push({ id: own.id(i), born, words: own.data.slice(i * stride, (i + 1) * stride) });
    }
  }

  /** The id under which row `index` was drawn before the correction; -1 for none. */
  former(predictor: Predictor<never>, own: RowSet, index: number): number {
    const id = own.id(index);
    if (this.#young.length === 0) return id;
    const at = index * own.schema.stride;
    const same = this.#young.find((one) => one.id === id);
    const born = bornAt(predictor, this.#t, id);
    if (born < 0 || (same !== undefined && isTwin(same, own, at))) return id;
    // Equal in everything but its id: an earlier spawn was taken back, and this one moved up.
    const twin = this.#young.find((one) => isTwin(one, own, at));
    if (twin !== undefined) return twin.id;
    return same !== undefined && Math.abs(same.born - born) > this.#late ? -1 : id;
  }
}

function isTwin({ words }: Young, own: RowSet, at: number): boolean {
  return (
    words[OWNER] === own.data[at + OWNER] && firstDifference(own.schema, words, 0, own.data, at) === undefined
  );
}

/** The tick since which the prediction has had a row, -1 for long ago. */
function bornAt(predictor: Predictor<never>, t: number, id: number): number {
  const { tick } = predictor;
  for (let back = 1; back <= YOUNG_TICKS; back++) {
    const before = predictor.at(tick - back)?.tables[t];
    if (before === undefined) return -1;
    if (before.offsetOf(id) < 0) return tick - back + 1;
  }
  return -1;
}

/** Whether a row of an old snapshot is one that was predicted then and that the prediction has despawned since. */
export function isTakenBack(
  predictor: Predictor<never>,
  t: number,
  id: number,
  snapshotTick: number,
): boolean {
  const then = predictor.at(snapshotTick)?.tables[t];
  return then !== undefined && then.offsetOf(id) >= 0 && predictor.world.table(t).get(id) === undefined;
}
