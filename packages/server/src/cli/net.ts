/** `tickwire net`: a bad network in front of a running server, until it is told to stop. */

import { readFileSync } from 'node:fs';
import { type Net, openNet } from '../net/index.ts';
import { type Network, readNetwork, readSetting, SETTINGS, type SettingName, WAYS } from '../net/network.ts';
import { readScenario, type Scenario, type Step } from '../net/scenario.ts';
import { NetScreen } from './netscreen.ts';
import { Trouble, UsageTrouble } from './trouble.ts';

/** As the command line gives them. Settings of the network go by their own names. */
export interface NetFlags extends Readonly<Record<string, unknown>> {
  readonly target: unknown;
  readonly port: unknown;
  readonly host: unknown;
}

const STOP_MS = 1_000;

/** Runs until SIGINT or SIGTERM. */
export async function netCommand(flags: NetFlags): Promise<void> {
  const { network, seed, port } = orUsage(() => ({
    network: networkOf(flags),
    seed: whole('seed', flags['seed'] ?? 1, 2 ** 32 - 1),
    port: whole('port', flags.port, 65_535),
  }));
  const file = flags['scenario'] === undefined ? undefined : String(flags['scenario']);
  const scenario = file === undefined ? undefined : loadScenario(file);
  const end = stopped();
  const screen = new NetScreen(flags['json'] === true);
  const told = (step: Step): void => screen.step(step);
  const net = await openNet({
    target: String(flags.target),
    host: String(flags.host),
    port,
    network,
    seed,
    ...(scenario === undefined ? {} : { scenario, onStep: told }),
  }).catch(explain);
  screen.start(net, { target: String(flags.target), seed, scenario });
  await end;
  await stop(net, screen);
}

async function stop(net: Net, screen: NetScreen): Promise<void> {
  const stats = net.relay.stats();
  await net.close();
  screen.end(stats);
}

/** A preset and the settings that go for both ways, then what is said of one way. */
function networkOf(flags: NetFlags): Network {
  let both = flags['preset'] === undefined ? {} : readNetwork({ preset: flags['preset'] }, '--preset');
  for (const name of [...(Object.keys(SETTINGS) as SettingName[]), 'bursts']) {
    const value = flags[camel(name)];
    if (value !== undefined) both = { ...both, ...readSetting(name, value, `--${name}`) };
  }
  const [up, down] = WAYS.map((way) =>
    flags[way] === undefined ? both : readNetwork(String(flags[way]), `--${way}`, both),
  );
  return { up: up ?? both, down: down ?? both };
}

function loadScenario(file: string): Scenario {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Trouble(`the scenario ${file} cannot be read: ${(error as Error).message}`);
  }
  try {
    return readScenario(JSON.parse(text));
  } catch (error) {
    throw new Trouble(`${file}: ${(error as Error).message}`);
  }
}

function whole(name: string, value: unknown, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > most)
    throw new UsageTrouble(`--${name} takes a whole number, 0..${most}, got ${String(value)}`);
  return value;
}

/** What is wrong with a flag is a wrong call. */
function orUsage<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageTrouble((error as Error).message);
  }
}

function explain(error: Error): never {
  if (error.name === 'UsageError') throw new UsageTrouble(error.message);
  throw error.name === 'NetError' ? new Trouble(error.message) : error;
}

/** The first signal ends the wait. What then hangs is ended a second later, so that others can be ignored. */
function stopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        setTimeout(() => process.exit(1), STOP_MS).unref();
        resolve();
      });
    }
  });
}

/** As the parser of the command line names it. */
const camel = (name: string): string => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
