/** The command line of `npm run feel`. */

import { parseArgs } from 'node:util';
import { type Cell, GRID, QUICK, readCell } from './cells.ts';

export const HELP = `Usage: npm run feel [-- <option> ...]

Plays the arena over a grid of ${GRID.length} networks and measures what players notice: how soon their own ship answers, how true and
smooth the others move, and what the network costs. Every snapshot also drives a fixed-100 ms lerp and
@geckos.io/snapshot-interpolation. docs/feel.md says what each column means.

  --cell LIST     one network instead: rtt=150,jitter=20,loss=5,bursts,reorder=5,blackout=400,cap=16000 (what is left
                  out is 0), or wifi, mobile, terrible; may be given several times
  --quick         ${QUICK.length} networks instead of all
  --seed N        the match and what the networks do (default: 1)
  --seconds N     measured seconds of play per network (default: 20; with --quick 10)
  --json          prints {"cells":[...],"summary":{...}} on standard output and nothing else
  --plots         writes docs/feel/*.svg and the tables in docs/feel.md; needs all networks
  --help          this text

The same options give the same figures on every machine. Ends with code 1 when an option is wrong, when the rig saw a rule
broken, or when Tickwire's view went back in time; a figure that is worse than another method's is not a failure.`;

export interface Options {
  readonly cells: readonly Cell[];
  readonly seed: number;
  readonly seconds: number;
  readonly json: boolean;
  readonly plots: boolean;
  readonly help: boolean;
}

const SECONDS = 20;
const QUICK_SECONDS = 10;
const MOST_SECONDS = 600;

/** Throws an error whose message is one sentence for the user. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      cell: { type: 'string', multiple: true },
      quick: { type: 'boolean' },
      seed: { type: 'string' },
      seconds: { type: 'string' },
      json: { type: 'boolean' },
      plots: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const quick = values.quick === true;
  const named = (values.cell ?? []).map(readCell);
  if (quick && named.length > 0)
    throw new Error('--quick and --cell name different networks: give one of them.');
  if (values.plots === true && (quick || named.length > 0))
    throw new Error('--plots draws all networks: leave --quick and --cell out.');
  return {
    cells: named.length > 0 ? named : quick ? QUICK : GRID,
    seed: whole('seed', values.seed, 0, 2 ** 31 - 1) ?? 1,
    seconds: whole('seconds', values.seconds, 1, MOST_SECONDS) ?? (quick ? QUICK_SECONDS : SECONDS),
    json: values.json === true,
    plots: values.plots === true,
    help: values.help === true,
  };
}

function whole(name: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`--${name} takes a whole number from ${least} to ${most}, not "${text}".`);
}
