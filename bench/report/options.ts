/** The command line of `npm run bench:replication`. */

import { parseArgs } from 'node:util';
import { CODECS } from '../codecs/all.ts';
import type { CodecType } from '../codecs/codec.ts';
import { SCENARIOS, type Scenario, scenarioNamed } from '../workload/scenarios.ts';

export const HELP = `Usage: npm run bench:replication [-- <option> ...]

Plays workload W with Tickwire and with other libraries, on the same state in the same run, and checks every
decoded packet. docs/benchmarks.md says how it is measured.

  --scenario NAME,...   ${SCENARIOS.map((one) => one.name).join(', ')} (default: all)
  --codec NAME,...      ${CODECS.map((one) => one.name).join(', ')}
                        (default: all)
  --seed N              the world and the lost packets (default: 1)
  --ticks N             measured ticks per scenario (default: by scenario)
  --json                prints {"rows":[...]} on standard output and nothing else
  --plots               also sweeps the number of units and of clients, and writes docs/benchmarks/*.svg and the
                        table in docs/benchmarks.md
  --update-budget       writes bench/budget.json, which npm test holds Tickwire's packets to, and ends
  --help                this text

Ends with code 1 when a row is not checked: a client decoded something else than it should.`;

export interface Options {
  readonly scenarios: readonly Scenario[];
  readonly codecs: readonly CodecType[];
  /** Whether codecs were named: then it is worth saying that one cannot play a scenario. */
  readonly codecsNamed: boolean;
  readonly seed: number;
  readonly ticks: number | undefined;
  readonly json: boolean;
  readonly plots: boolean;
  readonly updateBudget: boolean;
  readonly help: boolean;
}

/** Throws an error whose message is one sentence for the user. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: 'string', multiple: true },
      codec: { type: 'string', multiple: true },
      seed: { type: 'string' },
      ticks: { type: 'string' },
      json: { type: 'boolean' },
      plots: { type: 'boolean' },
      'update-budget': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const scenarios = names(values.scenario).map((name) =>
    known('scenario', name, SCENARIOS, scenarioNamed(name)),
  );
  const codecs = names(values.codec).map((name) =>
    known(
      'codec',
      name,
      CODECS,
      CODECS.find((codec) => codec.name === name),
    ),
  );
  return {
    scenarios: scenarios.length > 0 ? SCENARIOS.filter((one) => scenarios.includes(one)) : SCENARIOS,
    codecs: codecs.length > 0 ? CODECS.filter((one) => codecs.includes(one)) : CODECS,
    codecsNamed: codecs.length > 0,
    seed: whole('seed', values.seed, 0) ?? 1,
    ticks: whole('ticks', values.ticks, 1),
    json: values.json === true,
    plots: values.plots === true,
    updateBudget: values['update-budget'] === true,
    help: values.help === true,
  };
}

function names(given: readonly string[] | undefined): string[] {
  return (given ?? []).flatMap((list) => list.split(',')).filter((name) => name !== '');
}

function known<T extends { readonly name: string }>(
  what: string,
  name: string,
  all: readonly T[],
  found: T | undefined,
): T {
  if (found !== undefined) return found;
  throw new Error(`There is no ${what} "${name}"; there is ${all.map((one) => one.name).join(', ')}.`);
}

function whole(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value < 2 ** 31) return value;
  throw new Error(`--${name} takes a whole number of at least ${least}, not "${text}".`);
}
