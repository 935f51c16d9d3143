/** What bursts are made of: a recipe per event, as data. `Particles` throws them, `Effects` says when. */

import type { Picture } from './atlas.ts';

type Range = readonly [number, number];

export interface Burst {
  readonly picture: Picture;
  readonly count: number;
  /** Units per second. Default: stays where it is. */
  readonly speed?: Range;
  readonly seconds: Range;
  /** From the first moment to the last, as a multiple of the picture's size. */
  readonly scale: Range;
  /** In place of the colour of whoever caused it. */
  readonly colour?: number;
  /** Half width of the fan around the given direction, in radians. Default: all around. */
  readonly spread?: number;
  /** Part of the speed lost per second, 0..1. */
  readonly drag?: number;
  readonly alpha?: number;
  /** Radians per second, either way. Default: points where it flies. */
  readonly spin?: number;
}

const WHITE = 0xffffff;
const PAPER = 0xe9eef7;
const EMBER = 0xfff2d8;
const LEAF = 0x6df0a4;

/** A picture that grows or shrinks on the spot. */
const flare = (picture: Picture, seconds: number, scale: Range, more: Partial<Burst> = {}): Burst => ({
  picture,
  count: 1,
  seconds: [seconds, seconds],
  scale,
  ...more,
});

export const BURSTS = {
  muzzle: [
    flare('glow', 0.07, [0.9, 0.4], { alpha: 0.9 }),
    {
      picture: 'spark',
      count: 3,
      colour: PAPER,
      speed: [140, 420],
      seconds: [0.06, 0.14],
      scale: [0.7, 0.1],
      spread: 0.4,
      drag: 0.97,
    },
  ],
  railMuzzle: [
    flare('glow', 0.16, [1.7, 0.5], { alpha: 0.95 }),
    flare('ring', 0.26, [0.25, 1.2], { alpha: 0.8 }),
    {
      picture: 'spark',
      count: 8,
      colour: PAPER,
      speed: [160, 620],
      seconds: [0.1, 0.24],
      scale: [1, 0.1],
      spread: 0.5,
      drag: 0.97,
    },
  ],
  railTrail: [
    {
      picture: 'dot',
      count: 1,
      speed: [14, 46],
      seconds: [0.35, 0.75],
      scale: [1.1, 0.15],
      spread: 0.35,
      drag: 0.7,
      alpha: 0.75,
    },
  ],
  railHit: [
    flare('glow', 0.2, [2.2, 0.4], { colour: WHITE, alpha: 0.9 }),
    flare('ring', 0.34, [0.3, 1.9], { alpha: 0.9 }),
    {
      picture: 'spark',
      count: 20,
      speed: [140, 620],
      seconds: [0.16, 0.44],
      scale: [1.2, 0.1],
      spread: 1.4,
      drag: 0.95,
    },
  ],
  wallHit: [
    {
      picture: 'spark',
      count: 6,
      speed: [90, 380],
      seconds: [0.12, 0.34],
      scale: [0.9, 0.1],
      spread: 1.1,
      drag: 0.95,
    },
    flare('glow', 0.12, [0.7, 0.2], { alpha: 0.8 }),
  ],
  shipHit: [
    {
      picture: 'spark',
      count: 10,
      speed: [90, 380],
      seconds: [0.12, 0.34],
      scale: [0.9, 0.1],
      spread: 1.5,
      drag: 0.95,
    },
    flare('glow', 0.12, [1, 0.2], { alpha: 0.8, colour: PAPER }),
  ],
  hurt: [
    {
      picture: 'shard',
      count: 4,
      speed: [60, 200],
      seconds: [0.3, 0.6],
      scale: [0.8, 0.3],
      drag: 0.9,
      spin: 9,
    },
  ],
  explosion: [
    flare('glow', 0.22, [3.4, 0.6], { colour: WHITE }),
    flare('glow', 0.7, [2.2, 5], { alpha: 0.55 }),
    flare('ring', 0.5, [0.4, 3.6], { alpha: 0.9 }),
    flare('ring', 0.28, [0.3, 2], { alpha: 0.7, colour: WHITE }),
    {
      picture: 'shard',
      count: 16,
      speed: [80, 420],
      seconds: [0.5, 1.2],
      scale: [1.4, 0.5],
      drag: 0.88,
      spin: 12,
    },
    {
      picture: 'spark',
      count: 26,
      colour: EMBER,
      speed: [160, 640],
      seconds: [0.25, 0.7],
      scale: [1.3, 0.1],
      drag: 0.94,
    },
    { picture: 'dot', count: 22, speed: [30, 240], seconds: [0.5, 1.1], scale: [1.6, 0.2], drag: 0.9 },
  ],
  arrival: [
    flare('ring', 0.45, [2.8, 0.5], { alpha: 0.9 }),
    flare('glow', 0.5, [0.6, 3], { alpha: 0.8 }),
    { picture: 'dot', count: 14, speed: [120, 160], seconds: [0.3, 0.5], scale: [1, 0.1], drag: 0.9 },
  ],
  departure: [
    flare('ring', 0.4, [1, 0.1], { alpha: 0.8 }),
    { picture: 'dot', count: 10, speed: [20, 90], seconds: [0.4, 0.7], scale: [1, 0.1] },
  ],
  dash: [
    flare('ring', 0.3, [0.4, 1.5], { alpha: 0.7 }),
    {
      picture: 'spark',
      count: 10,
      speed: [120, 380],
      seconds: [0.15, 0.35],
      scale: [1.2, 0.2],
      spread: 0.5,
      drag: 0.9,
    },
  ],
  thrust: [
    {
      picture: 'dot',
      count: 1,
      speed: [30, 90],
      seconds: [0.24, 0.42],
      scale: [1.15, 0.1],
      spread: 0.3,
      alpha: 0.5,
    },
  ],
  dashTrail: [
    {
      picture: 'dot',
      count: 2,
      speed: [30, 90],
      seconds: [0.24, 0.42],
      scale: [2.6, 0.4],
      spread: 0.3,
      alpha: 0.8,
    },
  ],
  healed: [
    {
      picture: 'dot',
      count: 12,
      colour: LEAF,
      speed: [40, 130],
      seconds: [0.4, 0.7],
      scale: [1, 0.1],
      drag: 0.7,
    },
  ],
  taken: [
    flare('ring', 0.4, [0.4, 1.8], { alpha: 0.9 }),
    { picture: 'dot', count: 14, speed: [60, 200], seconds: [0.3, 0.6], scale: [1.1, 0.1], drag: 0.8 },
  ],
  returned: [flare('ring', 0.5, [1.8, 0.4], { alpha: 0.6 })],
} as const satisfies Readonly<Record<string, readonly Burst[]>>;

export type BurstName = keyof typeof BURSTS;
