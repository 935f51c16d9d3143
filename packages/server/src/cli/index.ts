#!/usr/bin/env node
/** The command `tickwire`. Exit codes: 0 done, 1 it failed and says why, 2 it was called in a wrong way. */

import { readFileSync } from 'node:fs';
import { cac } from 'cac';
import { type TrainFlags, trainCommand } from './train.ts';
import { Trouble, UsageTrouble } from './trouble.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const cli = cac('tickwire');
cli
  .command('train <game> [...logs]', 'Train tables that make the small snapshots of a game smaller')
  .usage(
    `train <game> [...logs] [options]

  <game>   a module that exports a game as "game" or as default, and "think" if its bots are to play
  [logs]   recorded matches: encodeLog(server.core.room.log) of serve(game, { record: true }).
           Without any, a match is played`,
  )
  .option('-o, --output <file>', 'Where the tables go', { default: 'tables.json' })
  .option('--seconds <n>', 'Simulated length of the match that is played, 10..36000 (default: 120)')
  .option('--players <n>', 'Its players (default: 8, or the most that the game takes)')
  .option('--seed <n>', 'The same seed gives the same tables (default: 1)')
  .option('--json', 'Print the result as JSON')
  .example('  tickwire train src/game.ts')
  .example('  tickwire train src/game.ts matches/*.log -o src/tables.json')
  .action(trainCommand as (game: string, logs: string[], flags: TrainFlags) => Promise<void>);
cli.help();
cli.version(version);

try {
  const { args, options } = cli.parse(process.argv, { run: false });
  if (cli.matchedCommand !== undefined) await cli.runMatchedCommand();
  else if (args.length > 0)
    throw new UsageTrouble(`there is no command "${args[0]}"; there is train. See tickwire --help`);
  else if (options['help'] !== true && options['version'] !== true) {
    cli.outputHelp();
    process.exitCode = 2;
  }
} catch (error) {
  const wrongCall = error instanceof UsageTrouble || (error instanceof Error && error.name === 'CACError');
  process.exitCode = wrongCall ? 2 : 1;
  console.error(`tickwire: ${describe(error)}`);
}

/** What the user can do something about is one sentence; a game's own error has its stack. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Errors of the game's own copy of Tickwire are known by name only.
  const expected = error instanceof Trouble || error.name === 'UsageError' || error.name === 'CACError';
  return expected ? error.message : (error.stack ?? error.message);
}
