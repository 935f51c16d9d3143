/** What snapshots cost: workload W with Tickwire and with other libraries, in bytes, server time, client time and garbage. */

import { readFileSync, writeFileSync } from 'node:fs';
import type { CodecType } from './codecs/codec.ts';
import { type Budget, measureBudget, overBudget } from './report/budget.ts';
import { machine, writeCharts, writePart } from './report/document.ts';
import { measure, type Row } from './report/measure.ts';
import { HELP, type Options, readOptions } from './report/options.ts';
import { drawSweep, SWEEPS } from './report/plots.ts';
import { Progress } from './report/progress.ts';
import { markdownScenarios, markdownTable, textTable } from './report/table.ts';
import type { Scenario } from './workload/scenarios.ts';

const BUDGET = 'bench/budget.json';
const PAGE = 'docs/benchmarks.md';
const CHARTS = 'docs/benchmarks';
const BEGIN = '<!-- replication: written by npm run bench:replication -- --plots -->';
const END = '<!-- replication: end -->';
const GARBAGE_TICKS = 4;
/** As far as Tickwire's history of worlds reaches, and one more. */
const SETTLE_TICKS = 258;

const progress = new Progress();
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
  else if (options.updateBudget) updateBudget();
  else run(options);
}

function run(options: Options): void {
  const rows: Row[] = [];
  for (const scenario of options.scenarios) rows.push(...play(scenario, options));
  if (options.plots) {
    const swept = SWEEPS.flatMap((sweep) => {
      const found = sweep.scenarios.flatMap((scenario) => play(scenario, options));
      writeCharts(CHARTS, drawSweep(sweep, found));
      return found;
    });
    writePart(PAGE, BEGIN, END, [markdownScenarios(rows), machine(), markdownTable(rows)]);
    rows.push(...swept.filter((row) => !row.checked));
  }
  progress.end();
  if (options.json) console.log(JSON.stringify({ rows }));
  else console.log(textTable(rows));
  // A codec that was asked for and never ran is not a success.
  if (rows.length === 0 || rows.some((row) => !row.checked)) process.exitCode = 1;
}

function play(scenario: Scenario, { codecs, codecsNamed, seed, ticks }: Options): Row[] {
  const able: CodecType[] = [];
  for (const codec of codecs) {
    const reason = codec.refuses(scenario);
    if (reason === undefined) able.push(codec);
    else if (codecsNamed) progress.say(`${codec.name} does not play ${scenario.name}: ${reason}.`);
  }
  progress.begin(scenario.name);
  return measure(scenario, able, {
    seed,
    ticks: ticks ?? scenario.ticks,
    settle: SETTLE_TICKS,
    warmUp: scenario.warmUp,
    garbageTicks: GARBAGE_TICKS,
    progress: progress.tick,
  });
}

function updateBudget(): void {
  const measured = measureBudget((what) => progress.begin(what));
  const before = JSON.parse(readFileSync(BUDGET, 'utf8')) as Budget;
  writeFileSync(BUDGET, `${JSON.stringify(measured, null, 2)}\n`);
  const grown = overBudget(measured, before);
  console.log(grown.length === 0 ? 'Nothing grew.' : `Changed:\n  ${grown.join('\n  ')}`);
}
