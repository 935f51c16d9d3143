/** How a difference goes on after the tick in which it began. */

import type { Cell, CellFinder } from './cells.ts';
import type { Recording } from './recording.ts';

export interface Course {
  /**
   * `heals`: gone by itself. `corrected`: gone with the snapshot that told the truth. `returns`: corrected, and there again after
   * later corrections. `grows` and `constant`: still there at the end, of what was looked at.
   */
  readonly word: 'heals' | 'corrected' | 'returns' | 'grows' | 'constant';
  /** Ticks from its beginning to its first end; undefined when it does not end. */
  readonly ticks: number | undefined;
  /** Corrections in the time looked at, and those after which it was there again. */
  readonly corrections: number;
  readonly again: number;
  /** Its size by tick, in grid steps, 0 where it is gone; 1 for what has no size. */
  readonly sizes: readonly { readonly tick: number; readonly size: number }[];
}

/** How far it is followed, in seconds. */
const FOLLOWED_SECONDS = 2;

export function courseOf(
  left: Recording,
  right: Recording,
  cells: CellFinder,
  tick: number,
  lead: Cell,
): Course {
  const sizes: { tick: number; size: number }[] = [];
  const end = tick + FOLLOWED_SECONDS * right.header.tickRate;
  const base = left.at(tick)?.run?.base;
  const bases = new Set<number>();
  const wrong = new Set<number>();
  let gone: number | undefined;
  let byItself = false;
  for (let t = tick; t < end; t++) {
    const ours = left.at(t);
    const theirs = right.at(t);
    if (ours === undefined || theirs === undefined) continue;
    const same = cells
      .find(ours, theirs, left.at(t - 1), right.at(t - 1))
      .find((cell) => cell.type === lead.type && cell.field === lead.field && cell.what === lead.what);
    sizes.push({ tick: t, size: same === undefined ? 0 : sizeOf(same) });
    const now = ours.run?.base;
    if (now !== undefined && now !== base) bases.add(now);
    if (same !== undefined) {
      if (now !== undefined && now !== base) wrong.add(now);
    } else if (gone === undefined) {
      gone = t;
      byItself = now === base;
    }
  }
  const common = { corrections: bases.size, again: wrong.size, sizes };
  const known = gone === undefined ? undefined : gone - tick;
  if (wrong.size > 0) return { ...common, word: 'returns', ticks: known };
  if (gone !== undefined) return { ...common, word: byItself ? 'heals' : 'corrected', ticks: gone - tick };
  if (bases.size > 0) return { ...common, word: 'corrected', ticks: undefined };
  const first = sizes[0]?.size ?? 0;
  const last = sizes.at(-1)?.size ?? 0;
  return { ...common, word: last > 1.5 * first && last > first + 1 ? 'grows' : 'constant', ticks: undefined };
}

function sizeOf({ steps, leftNumber, rightNumber, what }: Cell): number {
  if (what === 'control') return 1;
  if (steps !== undefined) return Math.abs(steps);
  return leftNumber === undefined || rightNumber === undefined ? 1 : Math.abs(leftNumber - rightNumber);
}
