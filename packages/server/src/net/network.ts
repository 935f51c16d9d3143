/**
 * Networks as people name them, in flags and in scenario files, turned into what the simulated link takes.
 *
 *     mobile                            a preset of the rig
 *     latency=75,jitter=20,loss=5       one way, in ms and percent
 *     mobile,rate=64                    a preset, but
 *     { "preset": "mobile", "rate": 64 }
 */

import { UsageError } from '@tickwire/netcode';
import type { Bursts, LinkOptions } from '@tickwire/netcode/testing';
import { PROFILES, type ProfileName } from '@tickwire/netcode/testing';

/** `up` is from the page to the server. */
export type Way = 'up' | 'down';
export const WAYS: readonly Way[] = ['up', 'down'];

/** What each way does to datagrams. */
export type Network = Readonly<Record<Way, LinkOptions>>;

/** The bottleneck counts IPv4 and UDP around each datagram; DTLS and SCTP are inside it already. */
const UDP_OVERHEAD_BYTES = 28;

interface Setting {
  readonly key: keyof LinkOptions;
  readonly least: number;
  readonly most: number;
  readonly unit: string;
  /** From the unit to that of the link. */
  readonly scale: number;
}

const time = (key: keyof LinkOptions, most: number): Setting => ({
  key,
  least: 0,
  most,
  unit: 'ms',
  scale: 1,
});
const share = (key: keyof LinkOptions): Setting => ({ key, least: 0, most: 100, unit: '%', scale: 0.01 });

/** By the name of the flag and of the field in a scenario. */
export const SETTINGS = {
  latency: time('latencyMs', 10_000),
  jitter: time('jitterMs', 5_000),
  loss: share('loss'),
  reorder: share('reorder'),
  'reorder-by': time('reorderMs', 10_000),
  duplicate: share('duplicate'),
  corrupt: share('corrupt'),
  rate: { key: 'rateBytesPerSecond', least: 0.1, most: 1_000_000, unit: 'kB/s', scale: 1_000 },
  queue: time('queueMs', 60_000),
  mtu: { key: 'mtu', least: 64, most: 65_535, unit: 'bytes', scale: 1 },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
const NAMES = Object.keys(SETTINGS) as SettingName[];
const PRESETS = Object.keys(PROFILES) as ProfileName[];

/** What stands beside the numbers. */
const ALL_NAMES = ['preset', ...NAMES, 'bursts'].join(', ');

/**
 * One way of a network from text or from an object. `base` is what it starts from. Throws a `UsageError` that names `where`, the
 * place of the value as its author knows it.
 */
export function readNetwork(value: unknown, where: string, base: LinkOptions = {}): LinkOptions {
  if (typeof value === 'string') return fromText(value, where, base);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(
      `${where} must be a preset (${PRESETS.join(', ')}) or settings such as latency and loss, got ${shown(value)}`,
    );
  return fromEntries(Object.entries(value), where, base);
}

function fromText(text: string, where: string, base: LinkOptions): LinkOptions {
  const entries = text.split(',').map((part): [string, unknown] => {
    const [name = '', setting] = part.split('=').map((side) => side.trim());
    if (setting === undefined) return ['preset', name];
    return [name, name === 'preset' || name === 'bursts' || setting === '' ? setting : Number(setting)];
  });
  return fromEntries(entries, where, base);
}

function fromEntries(
  entries: readonly (readonly [string, unknown])[],
  where: string,
  base: LinkOptions,
): LinkOptions {
  let options = base;
  // The preset comes first, wherever it stands.
  for (const [name, value] of entries) if (name === 'preset') options = preset(value, where);
  for (const [name, value] of entries) {
    if (name !== 'preset') options = { ...options, ...readSetting(name, value, `${where}.${name}`) };
  }
  return options;
}

function preset(name: unknown, where: string): LinkOptions {
  const profile = PROFILES[name as ProfileName];
  if (typeof name !== 'string' || !Object.hasOwn(PROFILES, name))
    throw new UsageError(`${where}: there is no preset ${shown(name)}; there is ${PRESETS.join(', ')}`);
  return profile;
}

/** One setting, by its name, as part of a link's options. `where` is what the author calls it. */
export function readSetting(name: string, value: unknown, where: string): LinkOptions {
  if (name === 'bursts') return { bursts: readBursts(value, where) };
  if (!Object.hasOwn(SETTINGS, name))
    throw new UsageError(`${where} is not a setting; there is ${ALL_NAMES}`);
  const { key, least, most, unit, scale } = SETTINGS[name as SettingName];
  if (typeof value !== 'number' || !(value >= least && value <= most))
    throw new UsageError(`${where} must be ${least}..${most} ${unit}, got ${shown(value)}`);
  const overhead = key === 'rateBytesPerSecond' ? { overheadBytes: UDP_OVERHEAD_BYTES } : {};
  return { [key]: value * scale, ...overhead };
}

/** `share/length/loss`: so many percent of datagrams fall into bursts of that mean length, which take that many percent of them. */
function readBursts(value: unknown, where: string): Bursts {
  const parts =
    typeof value === 'string'
      ? value.split('/').map(Number)
      : Object.values(burstsObject(value) ?? { share: Number.NaN });
  const [percent = Number.NaN, length = Number.NaN, loss = 100] = parts;
  const known = parts.length <= 3 && percent >= 0 && percent <= 90 && length >= 1 && length <= 1_000;
  if (!known || !(loss >= 0 && loss <= 100))
    throw new UsageError(
      `${where} must be share/length/loss such as 6/5/80: 6 % of datagrams (0..90) fall into bursts of 5 (1..1000), which take 80 % (0..100); got ${shown(value)}`,
    );
  const bad = percent / 100;
  // The share of bad datagrams is in / (in + out), and 1 / out is the mean length.
  const pGoodToBad = Math.min(1, bad / (1 - bad) / length);
  return { pGoodToBad, pBadToGood: 1 / length, lossGood: 0, lossBad: loss / 100 };
}

/** In the order of the text form; undefined when it is not one. */
function burstsObject(value: unknown): { share: number; length: number; loss: number } | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const given = value as Record<string, unknown>;
  if (Object.keys(given).some((name) => !['share', 'length', 'loss'].includes(name))) return undefined;
  const number = (part: unknown): number => (typeof part === 'number' ? part : Number.NaN);
  return {
    share: number(given['share']),
    length: number(given['length']),
    loss: number(given['loss'] ?? 100),
  };
}

/** For people: `75 ± 20 ms, 5 % lost`. */
export function describeLink(options: LinkOptions): string {
  const { latencyMs = 0, jitterMs = 0, bursts, rateBytesPerSecond, queueMs = 200, mtu } = options;
  const parts = [`${latencyMs}${jitterMs > 0 ? ` ± ${jitterMs}` : ''} ms`];
  const chance = (value: number | undefined, what: string): void => {
    if (value !== undefined && value > 0) parts.push(`${percent(value)} ${what}`);
  };
  chance(options.loss, 'lost');
  if (bursts !== undefined) {
    const bad = bursts.pGoodToBad / (bursts.pGoodToBad + bursts.pBadToGood);
    const length = +(1 / bursts.pBadToGood).toFixed(1);
    parts.push(`${percent(bad)} in bursts of ${length} that take ${percent(bursts.lossBad)}`);
  }
  chance(options.reorder, 'overtaken');
  chance(options.duplicate, 'twice');
  chance(options.corrupt, 'corrupted');
  if (rateBytesPerSecond !== undefined)
    parts.push(`${+(rateBytesPerSecond / 1000).toFixed(1)} kB/s with a queue of ${queueMs} ms`);
  if (mtu !== undefined) parts.push(`at most ${mtu} bytes`);
  return parts.join(', ');
}

const percent = (value: number): string => `${+(value * 100).toFixed(2)} %`;

export const shown = (value: unknown): string => JSON.stringify(value) ?? String(value);
