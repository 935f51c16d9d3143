/** The rows of a run as tables: for people at a terminal, and for docs/feel.md. */

import { inBars, inColumns } from '../report/table.ts';
import { describeCell } from './cells.ts';
import type { Row } from './measure.ts';

const HEADINGS = [
  'network',
  'method',
  'input',
  'error',
  'jerk',
  'delay',
  'underruns',
  'back',
  'corr/min',
  'largest',
  'hits',
  'subst.',
  'slack',
  'up B/s',
  'down B/s',
];
/** Columns that hold words. */
const TEXTS = 2;

function cells(row: Row, heads: boolean): string[] {
  const { correctionsPerMinute, correctionMax, hitAgreementPct, slackMean } = row;
  return [
    heads ? describeCell(row) : '',
    row.method,
    figure(row.inputFramesMean, 1),
    row.errorRms.toFixed(2),
    row.jerkRms.toFixed(1),
    `${row.viewDelayMs.toFixed(0)} ms`,
    `${row.underrunPct.toFixed(2)} %`,
    `${row.timeBack}/${row.stepsBack}`,
    ...(correctionsPerMinute === null
      ? ['', '', '', '', '', '', '']
      : [
          figure(correctionsPerMinute, 1),
          figure(correctionMax, 1),
          hitAgreementPct === null ? '-' : `${hitAgreementPct.toFixed(1)} %`,
          `${row.substitutedPct.toFixed(2)} %`,
          figure(slackMean, 1),
          row.bytesUpPerSecond.toFixed(0),
          row.bytesDownPerSecond.toFixed(0),
        ]),
  ];
}

/** Columns in line; the network is named at the first of its methods. */
export function textTable(rows: readonly Row[]): string {
  return inColumns([HEADINGS, ...rows.map((row, i) => cells(row, headsCell(rows, i)))], TEXTS).join('\n');
}

export function markdownTable(rows: readonly Row[]): string {
  const rule = HEADINGS.map((_, i) => (i < TEXTS ? '---' : '--:'));
  return inBars([HEADINGS, rule, ...rows.map((row, i) => cells(row, headsCell(rows, i)))]);
}

function headsCell(rows: readonly Row[], i: number): boolean {
  const last = rows[i - 1];
  return last === undefined || describeCell(last) !== describeCell(rows[i] as Row);
}

function figure(value: number | null, digits: number): string {
  return value === null ? '-' : value.toFixed(digits);
}
