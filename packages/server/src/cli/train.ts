/** `tickwire train`: reads a game and its logs, drives the training, writes the tables and says what they are worth. */

import { existsSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { type Training, type TrainOptions, type TrainProgress, train } from '../core/index.ts';
import { loadGame, loadLog } from './load.ts';
import { Trouble, UsageTrouble } from './trouble.ts';

/** As the command line gives them: numbers are numbers unless they were not. */
export interface TrainFlags {
  readonly output: string;
  readonly seconds?: unknown;
  readonly players?: unknown;
  readonly seed?: unknown;
  readonly json?: boolean;
}

export async function trainCommand(
  module: string,
  logs: readonly string[],
  flags: TrainFlags,
): Promise<void> {
  const output = String(flags.output);
  const numbers = {
    ...whole('seconds', flags.seconds),
    ...whole('players', flags.players),
    ...whole('seed', flags.seed),
  };
  if (logs.length > 0 && (flags.seconds ?? flags.players) !== undefined)
    throw new UsageTrouble(
      '--seconds and --players are for a match that is played; leave them out beside logs',
    );
  if (!existsSync(dirname(resolve(output))))
    throw new Trouble(`there is no folder ${dirname(output)} for ${output}; make it first`);
  const recorded = logs.map(loadLog);
  const { game, think } = await loadGame(module);
  const training = run(game, { ...numbers, logs: recorded, think });
  try {
    writeFileSync(output, `${JSON.stringify(training.tables, undefined, 2)}\n`);
  } catch (error) {
    throw new Trouble(`${output} cannot be written: ${(error as Error).message}`);
  }
  const { tables: _, ...result } = training;
  if (flags.json === true) {
    const played = recorded.length > 0 ? 'logs' : think === undefined ? 'random' : 'bots';
    console.log(JSON.stringify({ game: game.schema.name, output, played, ...result }, undefined, 2));
    return;
  }
  console.log(report(training, output, module));
  if (recorded.length === 0 && think === undefined)
    console.log(
      `\nThe players pressed keys at random: export "think" from ${module}, or give logs, for tables that know real play.`,
    );
}

function whole(name: string, value: unknown): Record<string, number> {
  if (value === undefined) return {};
  const number = Number(value);
  if (!Number.isSafeInteger(number) || typeof value === 'boolean')
    throw new UsageTrouble(`--${name} takes one whole number, got ${String(value)}`);
  return { [name]: number };
}

function run(game: Parameters<typeof train>[0], options: TrainOptions): Training {
  const steps = train(game, options);
  const progress = new ProgressLine();
  try {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      progress.show(step.value);
    }
  } finally {
    progress.clear();
  }
}

/** One line on standard error that is written over, on terminals only. */
class ProgressLine {
  readonly #shown = process.stderr.isTTY === true && process.env['TERM'] !== 'dumb';
  #percent = -1;

  show({ tick, ticks }: TrainProgress): void {
    const percent = Math.floor((100 * tick) / ticks);
    if (!this.#shown || percent === this.#percent) return;
    this.#percent = percent;
    process.stderr.write(`\r${dim(`training ${percent} %`)}`);
  }

  clear(): void {
    if (this.#percent >= 0) process.stderr.write('\r\u001b[K');
  }
}

function dim(text: string): string {
  return process.env['NO_COLOR'] ? text : `\u001b[2m${text}\u001b[22m`;
}

function report(training: Training, output: string, module: string): string {
  const cells = [
    ['', 'rows seen', 'untrained', 'trained', 'saved', 'tables'],
    ...[...training.types, { name: 'all', ...training }].map((type) => [
      type.name,
      type.rows.toLocaleString('en'),
      type.untrainedBytes.toFixed(1),
      type.trainedBytes.toFixed(1),
      type.untrainedBytes > 0 ? `${(100 * (1 - type.trainedBytes / type.untrainedBytes)).toFixed(0)} %` : '-',
      type.tableBytes > 0 ? `${(type.tableBytes / 1000).toFixed(1)} kB` : '-',
    ]),
  ];
  const widths =
    cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = cells.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  const from = relative(dirname(resolve(module)), resolve(output)).replaceAll('\\', '/');
  return `Bytes of rows in one client's snapshot, over ${training.snapshots.toLocaleString('en')} snapshots that were not learned from:

${lines.join('\n')}

Wrote ${output}. In the module of the game:

  import tables from '${from.startsWith('.') ? from : `./${from}`}' with { type: 'json' };
  defineGame({ ..., tables });`;
}
