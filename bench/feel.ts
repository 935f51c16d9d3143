/** The lab: what players notice, measured over a grid of networks, beside two other ways of drawing the same snapshots. */

import { describeCell } from './feel/cells.ts';
import { measureCell, type Row } from './feel/measure.ts';
import { HELP, type Options, readOptions } from './feel/options.ts';
import { drawPlots } from './feel/plots.ts';
import { OURS, summarize, summaryLines } from './feel/summary.ts';
import { markdownTable, textTable } from './feel/table.ts';
import { writeCharts, writePart } from './report/document.ts';
import { Progress } from './report/progress.ts';

const PAGE = 'docs/feel.md';
const CHARTS = 'docs/feel';
const BEGIN = '<!-- feel: written by npm run feel -- --plots -->';
const END = '<!-- feel: end -->';

const progress = new Progress('second');
main();

function main(): void {
  let options: Options;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
    return;
  }
  if (options.help) console.log(HELP);
  else run(options);
}

function run(options: Options): void {
  const rows = options.cells.flatMap((cell, i) => {
    progress.begin(`${i + 1} of ${options.cells.length}: ${describeCell(cell)}`);
    try {
      return measureCell(cell, { ...options, progress: progress.tick });
    } catch (error) {
      // The other networks are still worth seeing.
      progress.say(`${describeCell(cell)}: ${(error as Error).message}`);
      process.exitCode = 1;
      return [];
    }
  });
  progress.end();
  const summary = summarize(rows);
  if (options.json) console.log(JSON.stringify({ cells: rows, summary }));
  else console.log([textTable(rows), '', ...summaryLines(summary)].join('\n'));
  if ((summary.back[OURS]?.time ?? 0) > 0) process.exitCode = 1;
  if (options.plots) writePage(rows, options);
}

function writePage(rows: readonly Row[], { seed, seconds }: Options): void {
  writeCharts(CHARTS, drawPlots(rows));
  const { length } = rows.filter(({ method }) => method === OURS);
  const special = rows.filter(
    (row) => row.network !== '' || row.reorderPct > 0 || row.blackoutMs > 0 || row.capBytesPerSecond > 0,
  );
  writePart(PAGE, BEGIN, END, [
    `${length} networks, ${seconds} seconds of play each, seed ${seed}.`,
    ...summaryLines(summarize(rows)),
    'The named networks, and 100±10 ms with one trouble each:',
    markdownTable(special),
  ]);
}
