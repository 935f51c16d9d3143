#!/usr/bin/env node
/** The command `tickwire`. Exit codes: 0 done, 1 it failed and says why (`trace`: they differ), 2 it was called in a wrong way. */

import { readFileSync } from 'node:fs';
import { cac } from 'cac';
import type { NetFlags } from './net.ts';
import { type TraceFlags, traceCommand } from './trace.ts';
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
cli
  .command('net', 'Put a bad network in front of a running server, and play through it')
  .usage(
    `net [options]

  Pages opened at the address that it prints play through a relay that delays, drops, reorders, duplicates,
  corrupts, limits or cuts off every datagram. Times are one way, shares in percent. A preset comes first, single
  settings change it, and --up and --down say what is different one way: --down rate=64,queue=300`,
  )
  .option('--target <url>', 'The running server', { default: 'http://127.0.0.1:3000' })
  .option('--port <n>', 'Where pages find it, 0 for any', { default: 3100 })
  .option('--host <address>', 'Address to listen on, 0.0.0.0 to let other machines in', {
    default: '127.0.0.1',
  })
  .option('--preset <name>', 'perfect, wifi, mobile or terrible: the networks of the rig')
  .option('--latency <ms>', 'Delay one way')
  .option('--jitter <ms>', 'Standard deviation of the delay')
  .option('--loss <percent>', 'Datagrams lost one by one')
  .option('--bursts <share/length/loss>', 'Datagrams lost together: 6/5/80')
  .option('--reorder <percent>', 'Datagrams that later ones overtake')
  .option('--reorder-by <ms>', 'How long these are held (default: 60 and the jitter)')
  .option('--duplicate <percent>', 'Datagrams that come twice')
  .option('--corrupt <percent>', 'Datagrams with flipped bits')
  .option('--rate <kB/s>', 'Bottleneck')
  .option('--queue <ms>', 'Its queue: what would wait longer is dropped (default: 200)')
  .option('--mtu <bytes>', 'Longer datagrams are dropped')
  .option('--up <settings>', 'From page to server: a preset, settings, or both')
  .option('--down <settings>', 'From server to page')
  .option('--scenario <file>', 'JSON: how the network changes over time')
  .option('--seed <n>', 'The same seed gives the same fates (default: 1)')
  .option('--json', 'Print one JSON object per line: ready, step, summary')
  .example('  tickwire net --preset mobile')
  .example('  tickwire net --latency 75 --jitter 20 --loss 5 --down mobile,rate=64')
  .action(async (flags: NetFlags) => (await import('./net.ts')).netCommand(flags));
cli
  .command('trace <a> <b>', 'Find where a client and its server part, or a server and its replay')
  .usage(
    `trace <a> <b> [options]

  <a> <b>  two recordings of one match, in any order: one of a server, the other of a client or of that server's replay.
           A server writes one with serve(game, { trace: 'server.trace' }), or when TRACE names a file;
           a client gives the bytes with client.trace(), traceReplay(game, log) gives those of a replay

  Exit codes: 0 they agree, or the network explains all differences; 1 they differ; 2 they cannot be compared, or a wrong call`,
  )
  .option('--json', 'Print the result as JSON')
  .example('  tickwire trace client.trace server.trace')
  .example('  tickwire trace client.trace server.trace --json')
  .action(traceCommand as (a: string, b: string, flags: TraceFlags) => void);
cli.help();
cli.version(version);

const NAMES = cli.commands.map(({ name }) => name).join(', ');

try {
  const { args, options } = cli.parse(process.argv, { run: false });
  if (cli.matchedCommand !== undefined) await cli.runMatchedCommand();
  else if (args.length > 0)
    throw new UsageTrouble(`there is no command "${args[0]}"; there is ${NAMES}. See tickwire --help`);
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
