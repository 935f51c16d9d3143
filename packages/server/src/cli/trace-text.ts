/** A join of two recordings as a person reads it. */

import {
  type Cell,
  type CommandLine,
  nameOf,
  type Parting,
  shortNumber,
  type TraceReport,
} from '@tickwire/netcode/internal';
import { bold, dim, green, red, yellow } from './colours.ts';

/** Differences of one tick that are shown. */
const SHOWN_CELLS = 8;

/** Columns of the picture of how it went on. */
const SHOWN_TICKS = 60;

export function traceText(report: TraceReport): string {
  const parts = [heading(report), counted(report)];
  if (report.first !== undefined) parts.push(parting(report, report.first));
  return parts.filter((part) => part !== '').join('\n\n');
}

function heading({ game, seat, overlap, tickRate, names, verdict }: TraceReport): string {
  const who = seat > 0 ? `client of seat ${seat} and server` : `two servers, ${names.join(' and ')}`;
  const seconds = ((overlap.to - overlap.from + 1) / tickRate).toFixed(1);
  const result = {
    same: green('They agree in every tick.'),
    explained: green('No desync: the network, and what only the server runs, explain every difference.'),
    maybe: yellow('They differ, perhaps because of what the client cannot know.'),
    desync: red('Desync: same inputs, different state.'),
  }[verdict];
  return `${bold(game)}, ${who}: ${overlap.compared} ticks compared, ${overlap.from} to ${overlap.to} (${seconds} s)\n${result}`;
}

function counted({ counts, seat }: TraceReport): string {
  if (seat === 0) return '';
  const lines = [
    [counts.desync, 'where only the rules can differ'],
    [counts.maybe, 'that rows of others may explain'],
    [counts.command, 'because the server ran another command: late or lost'],
    [counts.authority, 'because of what only the server runs'],
  ] as const;
  const shown = lines
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${String(count).padStart(7)}  ${what}`);
  const healed =
    counts.healed > 0
      ? `${String(counts.healed).padStart(7)}  ticks first predicted wrongly, and right once the others’ moves were known`
      : '';
  if (shown.length === 0) return healed;
  return ['Times that they parted:', ...shown, ...(healed === '' ? [] : [healed])].join('\n');
}

function parting(report: TraceReport, first: Parting): string {
  const [lead] = first.cells;
  if (lead === undefined) return '';
  const { names } = report;
  const where = lead.what === 'exists' ? nameOf(lead) : `${nameOf(lead)}, ${bold(lead.field)}`;
  const title = `${explained(first) ? 'First difference' : red('First difference')}: ${bold(`tick ${first.tick}`)}, ${where}`;
  return [
    title,
    cellTable(first.cells, names),
    `Looks like: ${first.kind.sentence}.`,
    ...(explained(first) ? [] : [`After that: ${course(first, names)}`]),
    ...first.notes,
    `\nCommands of ${report.seat > 0 ? `seat ${report.seat}` : `seat ${lead.owner}`} around it, ${names.join(' / ')} where they differ:`,
    commandTable(first),
  ].join('\n');
}

const explained = ({ cause }: Parting): boolean => cause === 'command' || cause === 'authority';

function cellTable(cells: readonly Cell[], [left, right]: readonly [string, string]): string {
  const shown = cells
    .slice(0, SHOWN_CELLS)
    .map((cell) => [
      nameOf(cell),
      cell.field,
      cell.left,
      cell.right,
      difference(cell),
      cell.layout !== undefined && cell.layout.kind !== 'f32' && cell.steps !== undefined
        ? `${signed(cell.steps)} ${Math.abs(cell.steps) === 1 ? 'step' : 'steps'}${stepText(cell.layout.step)}`
        : '',
      cell.alone ? 'server alone' : '',
    ]);
  const lines = table(
    [['entity', 'field', left, right, 'difference', 'in grid steps', ''], ...shown],
    [2, 3, 4, 5],
  );
  const more = cells.length > SHOWN_CELLS ? [dim(`  and ${cells.length - SHOWN_CELLS} more`)] : [];
  return [dim(lines[0] ?? ''), ...lines.slice(1), ...more].join('\n');
}

function difference({ leftNumber, rightNumber }: Cell): string {
  return leftNumber === undefined || rightNumber === undefined ? '' : signed(leftNumber - rightNumber);
}

function course(
  { course: { word, ticks, corrections, again, sizes } }: Parting,
  names: readonly [string, string],
): string {
  const text = {
    heals: `gone by itself after ${plural(ticks ?? 0, 'tick')}`,
    corrected: `gone with the next snapshot${ticks === undefined ? '' : `, after ${plural(ticks, 'tick')}`}`,
    returns: `there again after ${again} of the next ${corrections} corrections`,
    grows: 'it grows',
    constant: names[0] === 'client' ? 'it stays' : 'it stays as it is',
  }[word];
  const shown = sizes.slice(0, SHOWN_TICKS);
  const most = Math.max(...shown.map(({ size }) => size));
  if (most === 0 || shown.length < 2) return text;
  const bars = shown.map(({ size }) => (size === 0 ? '·' : BARS[Math.ceil((size / most) * BARS.length) - 1]));
  return `${text}\n  ${bars.join('')}  ${dim(`its size in the next ${shown.length} ticks, at most ${shortNumber(most)}`)}`;
}

const BARS = '▁▂▃▄▅▆▇█';

function commandTable({ commands, tick, fields }: Parting): string {
  const rows = commands.map((line) => [
    line.tick === tick ? '>' : ' ',
    String(line.tick),
    ...fields.map((_, i) => both(line, i)),
    line.same ? '' : 'differs',
  ]);
  const lines = table([['', 'tick', ...fields, ''], ...rows], [1, ...fields.map((_, i) => i + 2)]);
  return [
    dim(lines[0] ?? ''),
    ...lines.slice(1).map((line, i) => {
      const command = commands[i];
      if (command?.tick === tick) return bold(line);
      return command?.same === false ? yellow(line) : line;
    }),
  ].join('\n');
}

function both({ left, right }: CommandLine, i: number): string {
  const [l, r] = [left?.[i] ?? 'none', right?.[i] ?? 'none'];
  return l === r ? l : `${l} / ${r}`;
}

/** Lines of aligned columns; those in `numbers` to the right. */
function table(rows: readonly (readonly string[])[], numbers: readonly number[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    `  ${row
      .map((cell, column) =>
        numbers.includes(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')}`.trimEnd(),
  );
}

/** Fine steps are usually fractions of a power of two. */
function stepText(step: number): string {
  if (step === 1) return '';
  const parts = 1 / step;
  return ` of ${Number.isInteger(parts) ? `1/${parts}` : shortNumber(step)}`;
}

const signed = (value: number): string => (value > 0 ? `+${shortNumber(value)}` : shortNumber(value));
const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
