/** The rows of a run as a table, for people and for docs/benchmarks.md. */

import type { Row } from './measure.ts';

const HEADINGS = [
  'scenario',
  'codec',
  'bytes/client/tick',
  'ns/pair',
  'µs/client/tick',
  'encode µs/tick',
  'apply µs/tick',
  'decode µs',
  'garbage B/pair',
  'checked',
];

function cells(row: Row): string[] {
  return [
    row.scenario,
    row.codec,
    grouped(row.bytesPerClientTick, 0),
    grouped(row.nsPerPair, row.nsPerPair < 100 ? 1 : 0),
    grouped(row.usPerClientTick, 2),
    grouped(row.encodeUsPerTick, 0),
    grouped(row.applyUsPerTick, 0),
    grouped(row.decodeUs, 1),
    grouped(row.garbagePerPair, 2),
    row.checked ? 'yes' : 'NO',
  ];
}

/** Columns in line, with the scenario's size as a heading. */
export function textTable(rows: readonly Row[]): string {
  const lines: string[] = [];
  for (const [scenario, own] of byScenario(rows)) {
    const [first] = own;
    if (first === undefined) continue;
    lines.push('', `${scenario}: ${describe(first)}`);
    const table = [HEADINGS, ...own.map(cells)].map((line) => line.slice(1));
    lines.push(...inColumns(table, 1).map((line) => `  ${line}`));
    for (const row of own) if (row.difference !== undefined) lines.push(`  ${row.codec}: ${row.difference}`);
  }
  return lines.join('\n');
}

export function markdownTable(rows: readonly Row[]): string {
  const rule = HEADINGS.map((_, i) => (i < 2 || i === HEADINGS.length - 1 ? '---' : '--:'));
  return inBars([HEADINGS, rule, ...rows.map(cells)]);
}

/** Cells in line, the first `texts` columns to the left and figures to the right. */
export function inColumns(table: readonly (readonly string[])[], texts: number): string[] {
  const widths = table[0]?.map((_, i) => Math.max(...table.map((line) => line[i]?.length ?? 0))) ?? [];
  return table.map((line) =>
    line
      .map((cell, i) => (i < texts ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  '),
  );
}

/** Cells as a table in Markdown. */
export function inBars(table: readonly (readonly string[])[]): string {
  return table.map((line) => `| ${line.join(' | ')} |`).join('\n');
}

/** How large each scenario is, one line each. */
export function markdownScenarios(rows: readonly Row[]): string {
  return [...byScenario(rows)]
    .map(([scenario, own]) => `- **${scenario}**: ${own[0] === undefined ? '' : describe(own[0])}`)
    .join('\n');
}

function describe({ entities, clients, visible, ticks, seed }: Row): string {
  const seen = visible === entities ? 'all visible to each' : `about ${Math.round(visible)} visible to each`;
  return `${grouped(entities, 0)} units, ${grouped(clients, 0)} clients, ${seen}; ${ticks} ticks, seed ${seed}`;
}

function byScenario(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.scenario);
    if (group === undefined) groups.set(row.scenario, [row]);
    else group.push(row);
  }
  return groups;
}

function grouped(value: number, digits: number): string {
  const [whole = '0', fraction] = value.toFixed(digits).split('.');
  const spaced = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? spaced : `${spaced}.${fraction}`;
}
