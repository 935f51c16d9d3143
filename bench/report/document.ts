/** Keeps docs/benchmarks.md and its charts as the last full run found them. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import type { Row } from './measure.ts';
import { markdownScenarios, markdownTable } from './table.ts';

const PAGE = 'docs/benchmarks.md';
const CHARTS = 'docs/benchmarks';
const BEGIN = '<!-- replication: written by npm run bench:replication -- --plots -->';
const END = '<!-- replication: end -->';

export function writeCharts(charts: ReadonlyMap<string, string>): void {
  mkdirSync(CHARTS, { recursive: true });
  for (const [name, svg] of charts) writeFileSync(`${CHARTS}/${name}`, svg);
}

/** Puts the run's scenarios, table and machine between the page's two marks. */
export function writeTable(rows: readonly Row[]): void {
  const page = readFileSync(PAGE, 'utf8');
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from)
    throw new Error(`${PAGE} has lost its marks "${BEGIN}" and "${END}": put them back.`);
  const part = [BEGIN, markdownScenarios(rows), machine(), markdownTable(rows), END].join('\n\n');
  writeFileSync(PAGE, `${page.slice(0, from)}${part}${page.slice(to + END.length)}`);
}

function machine(): string {
  const cores = cpus();
  const model = cores[0]?.model.trim() ?? 'unknown processor';
  return `Measured on ${cores.length} cores of ${model}, Node ${process.versions.node}.`;
}
