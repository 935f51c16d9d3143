/** Keeps a page of docs/ and its charts as the last full run found them. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** Writes charts by file name into a folder. */
export function writeCharts(folder: string, charts: ReadonlyMap<string, string>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, svg] of charts) writeFileSync(`${folder}/${name}`, svg);
}

/** Puts paragraphs between a page's two marks. */
export function writePart(path: string, begin: string, end: string, paragraphs: readonly string[]): void {
  const page = readFileSync(path, 'utf8');
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from)
    throw new Error(`${path} has lost its marks "${begin}" and "${end}": put them back.`);
  const part = [begin, ...paragraphs, end].join('\n\n');
  writeFileSync(path, `${page.slice(0, from)}${part}${page.slice(to + end.length)}`);
}

/** The machine of a run in a sentence. */
export function machine(): string {
  const cores = cpus();
  const model = cores[0]?.model.trim() ?? 'unknown processor';
  return `Measured on ${cores.length} cores of ${model}, Node ${process.versions.node}.`;
}
