/** `tickwire trace`: joins two recordings and says where they part. */

import { existsSync, readFileSync } from 'node:fs';
import { joinRecordings, Recording, type TraceReport } from '@tickwire/netcode/internal';
import { traceText } from './trace-text.ts';
import { UsageTrouble } from './trouble.ts';

export interface TraceFlags {
  readonly json?: boolean;
}

export function traceCommand(a: string, b: string, flags: TraceFlags): void {
  const report = join(a, b);
  console.log(flags.json === true ? JSON.stringify(plain(report), undefined, 2) : traceText(report));
  if (report.verdict === 'maybe' || report.verdict === 'desync') process.exitCode = 1;
}

/** Whatever keeps the two from being compared is a wrong call: 1 means that they differ. */
function join(a: string, b: string): TraceReport {
  const [first, second] = [load(a), load(b)];
  try {
    return joinRecordings(first, second);
  } catch (error) {
    throw wrongCall(error);
  }
}

function load(file: string): Recording {
  if (!existsSync(file))
    throw new UsageTrouble(
      `there is no file ${file}; record a server with serve(game, { trace: 'server.trace' }), a client with client.trace()`,
    );
  try {
    return new Recording(readFileSync(file));
  } catch (error) {
    throw wrongCall(error, `${file}: `);
  }
}

function wrongCall(error: unknown, before = ''): unknown {
  return error instanceof Error && error.name === 'UsageError'
    ? new UsageTrouble(`${before}${error.message}`)
    : error;
}

/** Without what only serves the text. */
function plain(report: TraceReport): unknown {
  const { first } = report;
  if (first === undefined) return report;
  return {
    ...report,
    first: { ...first, cells: first.cells.map(({ layout, ...cell }) => ({ ...cell, step: layout?.step })) },
  };
}
