/** The networks of the lab: what a cell of the grid is, and the links that the rig makes of it. */

import { type LinkOptions, PROFILES, type ProfileName } from '@tickwire/netcode/testing';

/** One network, the same in both directions. */
export interface Cell {
  /** A named network of the rig, which says more than the figures below; empty for a cell of the grid. */
  readonly network: ProfileName | '';
  /** Round trip before jitter. */
  readonly rttMs: number;
  /** Standard deviation of the delay of each way. */
  readonly jitterMs: number;
  /** Of each way, in percent. */
  readonly lossPct: number;
  /** Losses come in bursts of 5 datagrams, which take 4 of them; otherwise one by one. */
  readonly bursts: boolean;
  /** Datagrams, in percent, that later ones overtake. */
  readonly reorderPct: number;
  /** Each `BLACKOUT_EVERY_MS` nothing gets through for so long. */
  readonly blackoutMs: number;
  /** Bottleneck of each way, headers of 93 bytes per datagram included; 0 for none. */
  readonly capBytesPerSecond: number;
}

export const BLACKOUT_EVERY_MS = 5_000;

const BURST_DATAGRAMS = 5;
const BURST_LOSS = 0.8;
/** Blackouts are planned for this long. */
const LONGEST_RUN_MS = 660_000;

const CLEAR: Cell = {
  network: '',
  rttMs: 0,
  jitterMs: 0,
  lossPct: 0,
  bursts: false,
  reorderPct: 0,
  blackoutMs: 0,
  capBytesPerSecond: 0,
};

const RTTS = [0, 50, 100, 200, 300];
const JITTERS = [0, 20, 40, 80];
const LOSSES: readonly Partial<Cell>[] = [
  { lossPct: 0 },
  { lossPct: 5 },
  { lossPct: 5, bursts: true },
  { lossPct: 20 },
  { lossPct: 20, bursts: true },
];

/** What the figures of a round trip, jitter and loss leave out, on a middling network. */
const MIDDLING: Partial<Cell> = { rttMs: 100, jitterMs: 10 };
const TROUBLES: readonly Partial<Cell>[] = [
  { reorderPct: 5 },
  { reorderPct: 20 },
  { blackoutMs: 200 },
  { blackoutMs: 1_000 },
  { capBytesPerSecond: 16_000 },
  { capBytesPerSecond: 6_000 },
];

const named = (network: ProfileName): Cell => ({ ...CLEAR, network, ...figuresOf(PROFILES[network]) });

/** Every cell of a full run: the named networks, the grid, and the middling network with one trouble each. */
export const GRID: readonly Cell[] = [
  named('wifi'),
  named('mobile'),
  named('terrible'),
  ...TROUBLES.map((trouble) => ({ ...CLEAR, ...MIDDLING, ...trouble })),
  ...RTTS.flatMap((rttMs) =>
    JITTERS.flatMap((jitterMs) => LOSSES.map((loss) => ({ ...CLEAR, rttMs, jitterMs, ...loss }))),
  ),
];

/** A handful that shows the whole range within half a minute. */
export const QUICK: readonly Cell[] = [
  named('wifi'),
  named('mobile'),
  { ...CLEAR },
  { ...CLEAR, rttMs: 100, jitterMs: 20, lossPct: 5 },
  { ...CLEAR, rttMs: 200, lossPct: 5 },
  { ...CLEAR, rttMs: 300, jitterMs: 80, lossPct: 20, bursts: true },
];

/** The rig's link for one way of a cell. */
export function linkOf(cell: Cell): LinkOptions {
  if (cell.network !== '') return PROFILES[cell.network];
  const loss = cell.lossPct / 100;
  return {
    latencyMs: cell.rttMs / 2,
    jitterMs: cell.jitterMs,
    ...(cell.bursts ? { bursts: burstsOf(loss) } : { loss }),
    reorder: cell.reorderPct / 100,
    ...(cell.capBytesPerSecond > 0 ? { rateBytesPerSecond: cell.capBytesPerSecond } : {}),
    ...(cell.blackoutMs > 0 ? { blackouts: blackoutsOf(cell.blackoutMs) } : {}),
  };
}

/** `wifi`, or figures as in `rtt=150,jitter=20,loss=5,bursts`. Throws an error whose message is one sentence for the user. */
export function readCell(text: string): Cell {
  if (text in PROFILES) return named(text as ProfileName);
  let cell = CLEAR;
  for (const part of text.split(',').filter((one) => one !== '')) {
    const [name = '', value] = part.split('=');
    if (name in PROFILES) throw new Error(`${name} is a whole network: it stands alone.`);
    if (name === 'bursts' && value === undefined) cell = { ...cell, bursts: true };
    else if (name in FIGURES) cell = { ...cell, ...figure(name as keyof typeof FIGURES, value) };
    else
      throw new Error(
        `A cell has no "${part}"; it has ${Object.keys(FIGURES).join('=, ')}= and bursts, or is ${Object.keys(PROFILES).join(', ')}.`,
      );
  }
  if (cell.bursts && cell.lossPct === 0) throw new Error('Bursts need a loss, as in loss=5,bursts.');
  return cell;
}

/** What a cell is called in tables and plots. */
export function describeCell(cell: Cell): string {
  if (cell.network !== '') return cell.network;
  const parts = [`${cell.rttMs}±${cell.jitterMs} ms`];
  if (cell.lossPct > 0) parts.push(`${cell.lossPct} %${cell.bursts ? ' bursts' : ''}`);
  if (cell.reorderPct > 0) parts.push(`reorder ${cell.reorderPct} %`);
  if (cell.blackoutMs > 0) parts.push(`dark ${cell.blackoutMs} ms`);
  if (cell.capBytesPerSecond > 0) parts.push(`${cell.capBytesPerSecond / 1_000} kB/s`);
  return parts.join(', ');
}

/** By name on the command line: the key, and the largest value that makes sense. */
const FIGURES = {
  rtt: { key: 'rttMs', most: 2_000 },
  jitter: { key: 'jitterMs', most: 500 },
  loss: { key: 'lossPct', most: 60 },
  reorder: { key: 'reorderPct', most: 100 },
  blackout: { key: 'blackoutMs', most: BLACKOUT_EVERY_MS - 1 },
  cap: { key: 'capBytesPerSecond', most: 10_000_000 },
} as const;

function figure(name: keyof typeof FIGURES, text: string | undefined): Partial<Cell> {
  const { key, most } = FIGURES[name];
  const value = Number(text);
  if (text === undefined || text === '' || !(value >= 0 && value <= most))
    throw new Error(`${name} takes a number from 0 to ${most}, as in ${name}=${most / 10}.`);
  return { [key]: value };
}

function figuresOf(link: LinkOptions): Partial<Cell> {
  const { bursts } = link;
  const bad = bursts === undefined ? 0 : bursts.pGoodToBad / (bursts.pGoodToBad + bursts.pBadToGood);
  const loss = bursts === undefined ? (link.loss ?? 0) : bad * bursts.lossBad;
  return {
    rttMs: 2 * (link.latencyMs ?? 0),
    jitterMs: link.jitterMs ?? 0,
    lossPct: Number((loss * 100).toFixed(2)),
    bursts: bursts !== undefined,
    reorderPct: (link.reorder ?? 0) * 100,
  };
}

/** Gilbert-Elliott with the wanted share lost on the whole. */
function burstsOf(loss: number): NonNullable<LinkOptions['bursts']> {
  const inBurst = loss / BURST_LOSS;
  const pBadToGood = 1 / BURST_DATAGRAMS;
  return {
    pGoodToBad: (inBurst / (1 - inBurst)) * pBadToGood,
    pBadToGood,
    lossGood: 0,
    lossBad: BURST_LOSS,
  };
}

function blackoutsOf(ms: number): [number, number][] {
  const windows: [number, number][] = [];
  for (let from = BLACKOUT_EVERY_MS; from < LONGEST_RUN_MS; from += BLACKOUT_EVERY_MS)
    windows.push([from, from + ms]);
  return windows;
}
