/** What `tickwire net` shows: where to play, a line that follows the counts, what the scenario does, and a table at the end. */

import { stripVTControlCharacters } from 'node:util';
import type { Net } from '../net/index.ts';
import type { WayStats } from '../net/line.ts';
import { describeLink, WAYS, type Way } from '../net/network.ts';
import type { RelayStats } from '../net/relay.ts';
import type { Scenario, Step } from '../net/scenario.ts';

const EVERY_MS = 500;

/** The part of a period's counts that a status line shows. */
interface Period {
  readonly perSecond: number;
  readonly dropped: number;
  readonly delayMs: number;
}

export class NetScreen {
  readonly #json: boolean;
  /** A line can be written over. */
  readonly #live = process.stdout.isTTY === true && process.env['TERM'] !== 'dumb';
  readonly #started = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #before: RelayStats | undefined;
  #beforeAt = 0;

  constructor(json: boolean) {
    this.#json = json;
  }

  start(
    net: Net,
    about: { readonly target: string; readonly seed: number; readonly scenario: Scenario | undefined },
  ): void {
    const { url, udpPort, relay } = net;
    const { target, seed, scenario } = about;
    if (this.#json) {
      this.#print({ event: 'ready', url, udpPort, target, seed, network: relay.network });
      return;
    }
    const [up, down] = WAYS.map((way) => describeLink(relay.network[way]));
    const ways = up === down ? `  each way ${up}` : `  up       ${up}\n  down     ${down}`;
    const plays =
      scenario === undefined ? '' : `\n  scenario ${scenario.name || `${scenario.steps.length} steps`}`;
    console.log(`\n  Play through this network at ${bold(url)} (UDP port ${udpPort}); the server is at ${target}.
${ways}
  seed     ${seed}${plays}
  Stop with Ctrl+C.\n`);
    this.#before = relay.stats();
    this.#beforeAt = performance.now();
    if (this.#live) this.#timer = setInterval(() => this.#status(relay.stats()), EVERY_MS);
  }

  step(step: Step): void {
    const { at, up, down, blackout, rebind } = step;
    if (this.#json) {
      this.#print({ event: 'step', ...step, at: at / 1000 });
      return;
    }
    const parts: string[] = [];
    if (up !== undefined && up === down) parts.push(`each way ${describeLink(up)}`);
    else {
      if (up !== undefined) parts.push(`up ${describeLink(up)}`);
      if (down !== undefined) parts.push(`down ${describeLink(down)}`);
    }
    if (blackout !== undefined)
      parts.push(
        `blackout of ${blackout.ms / 1000} s${blackout.way === 'both' ? '' : `, ${blackout.way} only`}`,
      );
    if (rebind) parts.push('every page has a new address');
    this.#clear();
    console.log(`  ${clock(at)}  ${parts.join('; ')}`);
  }

  end(stats: RelayStats): void {
    clearInterval(this.#timer);
    const seconds = (performance.now() - this.#started) / 1000;
    if (this.#json) {
      const ways = Object.fromEntries(WAYS.map((way) => [way, { ...stats[way], ...shares(stats[way]) }]));
      this.#print({ event: 'summary', seconds, ...stats, ...ways });
      return;
    }
    this.#clear();
    console.log(table(stats, seconds));
  }

  #status(stats: RelayStats): void {
    const now = performance.now();
    const parts = WAYS.map((way) => {
      const { perSecond, dropped, delayMs } = period(this.#before?.[way], stats[way], now - this.#beforeAt);
      const drop = `${(dropped * 100).toFixed(1)} % dropped`;
      return `${way} ${perSecond.toFixed(0)}/s ${dropped > 0 ? yellow(drop) : drop} ${delayMs.toFixed(0)} ms`;
    });
    this.#before = stats;
    this.#beforeAt = now;
    const pages = `${stats.flows} ${stats.flows === 1 ? 'address' : 'addresses'}`;
    const width = process.stdout.columns ?? 80;
    const line = `  ${clock(now - this.#started)}  ${parts.join('   ')}   ${pages}`;
    const plain = stripVTControlCharacters(line);
    // A line that is too long would wrap, and could not be written over.
    process.stdout.write(`\r\u001b[K${plain.length < width ? line : plain.slice(0, width - 1)}`);
  }

  #clear(): void {
    if (this.#live && !this.#json) process.stdout.write('\r\u001b[K');
  }

  #print(value: object): void {
    console.log(JSON.stringify(value));
  }
}

function period(before: WayStats | undefined, now: WayStats, ms: number): Period {
  const since = (name: keyof WayStats): number => now[name] - (before?.[name] ?? 0);
  const sent = since('sent');
  const delivered = since('delivered');
  return {
    perSecond: (sent * 1000) / ms,
    dropped: sent === 0 ? 0 : (drops(now) - (before === undefined ? 0 : drops(before))) / sent,
    delayMs: delivered === 0 ? 0 : (since('delayMs') + since('lateMs')) / delivered,
  };
}

const drops = (way: WayStats): number =>
  way.lost + way.lostInBurst + way.lostInBlackout + way.queueFull + way.overMtu;

/** Means over the whole run: the share that was dropped, the delay, and this program's own part of it. */
function shares(way: WayStats): { dropped: number; meanDelayMs: number; meanLateMs: number } {
  const { sent, delivered, delayMs, lateMs } = way;
  return {
    dropped: sent === 0 ? 0 : drops(way) / sent,
    meanDelayMs: delivered === 0 ? 0 : (delayMs + lateMs) / delivered,
    meanLateMs: delivered === 0 ? 0 : lateMs / delivered,
  };
}

function table(stats: RelayStats, seconds: number): string {
  const rows: [name: string, cell: (way: WayStats) => string, always: boolean][] = [
    ['datagrams', (way) => count(way.sent), true],
    ['kB', (way) => count(Math.round(way.bytesSent / 1000)), true],
    ['delivered', (way) => count(way.delivered), true],
    ['dropped', (way) => `${(shares(way).dropped * 100).toFixed(1)} %`, true],
    ['  one by one', (way) => count(way.lost), false],
    ['  in bursts', (way) => count(way.lostInBurst), false],
    ['  in blackouts', (way) => count(way.lostInBlackout), false],
    ['  at a full queue', (way) => count(way.queueFull), false],
    ['  too long', (way) => count(way.overMtu), false],
    ['overtaken', (way) => count(way.reordered), false],
    ['twice', (way) => count(way.duplicated), false],
    ['corrupted', (way) => count(way.corrupted), false],
    ['mean delay', (way) => `${shares(way).meanDelayMs.toFixed(1)} ms`, true],
    ['  of it the relay’s own', (way) => `${shares(way).meanLateMs.toFixed(2)} ms`, true],
    ['  at worst', (way) => `${way.worstLateMs.toFixed(1)} ms`, true],
  ];
  const shown = rows.filter(([, cell, always]) => always || WAYS.some((way) => cell(stats[way]) !== '0'));
  const line = (name: string, cells: readonly string[]): string =>
    `  ${name.padEnd(24)}${cells.map((cell) => cell.padStart(12)).join('')}`;
  const lines = shown.map(([name, cell]) =>
    line(
      name,
      WAYS.map((way: Way) => cell(stats[way])),
    ),
  );
  return [`\n  ${clock(seconds * 1000)} of play through the network`, line('', [...WAYS]), ...lines, ''].join(
    '\n',
  );
}

const count = (value: number): string => value.toLocaleString('en');

function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
}

const coloured = process.stdout.isTTY === true && !process.env['NO_COLOR'];
const paint = (code: number, text: string): string => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text);
const bold = (text: string): string => paint(1, text);
const yellow = (text: string): string => paint(33, text);
