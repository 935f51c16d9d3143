/** Ours against the others, cell by cell: better, worse or level in error and in jerk, and steps back. */

import { type Cell, describeCell } from './cells.ts';
import type { Row } from './measure.ts';

/** Figures nearer than this share count as level: another seed moves them by more. */
const LEVEL = 0.01;

/** How ours stands in one cell: its figure over the best and over the worst of the others. */
export interface Comparison {
  readonly cell: Cell;
  /** By root mean squares. */
  readonly error: Standing;
  readonly jerk: Standing;
  readonly errorMean: Standing;
  readonly jerkMean: Standing;
}

export interface Standing {
  readonly toBest: number;
  readonly toWorst: number;
}

export interface Summary {
  readonly cells: number;
  /** Cells in which ours is better than each of the others in both error and jerk. */
  readonly betterInBoth: number;
  readonly betterInError: number;
  readonly betterInJerk: number;
  /** The same as `betterInBoth` by plain means, which rare large errors hardly touch. */
  readonly betterInBothByMean: number;
  /** Cells in which ours is worse than all others in error or in jerk, by name. */
  readonly worseThanAll: readonly string[];
  /** Shots of all cells. */
  readonly hits: { readonly judged: number; readonly agreed: number; readonly clamped: number };
  /** Frames that showed an earlier moment than the frame before, and ships drawn back on their way, over all cells. */
  readonly back: Readonly<Record<string, { readonly time: number; readonly steps: number }>>;
}

export const OURS = 'tickwire';

/** The cells of which both ours and others were measured. */
export function compare(rows: readonly Row[]): Comparison[] {
  return rows
    .filter(({ method }) => method === OURS)
    .map((row) => {
      const others = rows.filter((other) => other.method !== OURS && sameCell(other, row));
      const against = (figure: (of: Row) => number): Standing => standing(figure(row), others.map(figure));
      return {
        cell: row,
        error: against(({ errorRms }) => errorRms),
        jerk: against(({ jerkRms }) => jerkRms),
        errorMean: against(({ errorMean }) => errorMean),
        jerkMean: against(({ jerkMean }) => jerkMean),
      };
    });
}

export function summarize(rows: readonly Row[]): Summary {
  const all = compare(rows);
  const isBetter = ({ toBest }: Standing): boolean => toBest < 1 - LEVEL;
  const isWorst = ({ toWorst }: Standing): boolean => toWorst > 1 + LEVEL;
  const back: Record<string, { time: number; steps: number }> = {};
  for (const { method, timeBack, stepsBack } of rows) {
    const sum = back[method] ?? { time: 0, steps: 0 };
    back[method] = { time: sum.time + timeBack, steps: sum.steps + stepsBack };
  }
  return {
    cells: all.length,
    betterInBoth: all.filter(({ error, jerk }) => isBetter(error) && isBetter(jerk)).length,
    betterInError: all.filter(({ error }) => isBetter(error)).length,
    betterInJerk: all.filter(({ jerk }) => isBetter(jerk)).length,
    betterInBothByMean: all.filter(({ errorMean, jerkMean }) => isBetter(errorMean) && isBetter(jerkMean))
      .length,
    worseThanAll: all
      .filter(({ error, jerk }) => isWorst(error) || isWorst(jerk))
      .map(({ cell, error, jerk }) => {
        const where = [isWorst(error) ? 'error' : '', isWorst(jerk) ? 'jerk' : ''].filter(
          (one) => one !== '',
        );
        return `${describeCell(cell)} (${where.join(', ')})`;
      }),
    hits: {
      judged: sum(rows, ({ hitsJudged }) => hitsJudged),
      agreed: sum(rows, ({ hitsJudged, hitAgreementPct }) =>
        Math.round(((hitsJudged ?? 0) * (hitAgreementPct ?? 0)) / 100),
      ),
      clamped: sum(rows, ({ hitsClamped }) => hitsClamped),
    },
    back,
  };
}

/** The summary as sentences. */
export function summaryLines({
  cells,
  betterInBoth,
  betterInError,
  betterInJerk,
  betterInBothByMean,
  worseThanAll,
  hits,
  back,
}: Summary): string[] {
  const share = (count: number): string => `${count} of ${cells} (${Math.round((100 * count) / cells)} %)`;
  return [
    `Cells in which Tickwire is better than both others, in error and jerk: ${share(betterInBoth)}; in error in ${share(betterInError)}, in jerk in ${share(betterInJerk)}. By plain means instead of root mean squares: in both in ${share(betterInBothByMean)}.`,
    worseThanAll.length === 0
      ? 'Cells in which it is worse than both others in error or in jerk: none.'
      : `Cells in which it is worse than both others in error or in jerk: ${share(worseThanAll.length)}: ${worseThanAll.join('; ')}.`,
    `Shots on which shooter and server agree: ${hits.agreed.toLocaleString('en-US')} of ${hits.judged.toLocaleString('en-US')}; ${hits.clamped} more were at what lay too far back.`,
    `Back in time, frames: ${told(back, ({ time }) => time)}. Drawn back on their way, ships: ${told(back, ({ steps }) => steps)}.`,
  ];
}

function told(back: Summary['back'], count: (one: { time: number; steps: number }) => number): string {
  return Object.entries(back)
    .map(([method, one]) => `${method} ${count(one).toLocaleString('en-US')}`)
    .join(', ');
}

function sum(rows: readonly Row[], count: (row: Row) => number | null): number {
  return rows.reduce((total, row) => total + (count(row) ?? 0), 0);
}

function standing(ours: number, others: readonly number[]): Standing {
  return { toBest: ours / Math.min(...others), toWorst: ours / Math.max(...others) };
}

function sameCell(a: Cell, b: Cell): boolean {
  return describeCell(a) === describeCell(b);
}
