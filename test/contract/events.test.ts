// One-shot events as a builder uses them: `serve`, `connect` and `onEvent`, over real WebRTC on loopback.

import type { EventVerdict } from '@tickwire/netcode/client';
import { serve } from '@tickwire/server';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { connect } from '../../packages/netcode/src/transport/connect.ts';
import { duel } from '../games/duel.ts';
import { until } from './pair.ts';
import { installWebRtc } from './webrtc.ts';

beforeAll(installWebRtc);

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
});

it('[E1] listeners get typed events, their own at once, and what they return gets the verdict', async () => {
  const server = await serve(duel, {
    port: 0,
    bindAddress: '127.0.0.1',
    signals: false,
    options: { jams: true, harmless: true },
  });
  open.push(server);
  const [anna, berta] = await Promise.all(
    ['Anna', 'Berta'].map((name) => connect(duel, { url: server.url, name })),
  );
  if (anna === undefined || berta === undefined) throw new Error('nobody joined');
  open.push(anna, berta);
  const shots: { number: number; predicted: boolean; mine: boolean }[] = [];
  const verdicts: EventVerdict[] = [];
  anna.onEvent('fired', ({ number, x }, { predicted, mine, owner, tick }) => {
    expect([x >= 0, owner, tick > 0]).toEqual([true, anna.seat, true]);
    shots.push({ number, predicted, mine });
    return (verdict) => verdicts.push(verdict);
  });
  const heard: number[] = [];
  const stop = berta.onEvent('fired', ({ number }, { predicted, mine }) => {
    expect([predicted, mine]).toEqual([false, false]);
    heard.push(number);
  });
  const gongs: string[] = [];
  berta.onEvent('gong', ({ words }) => {
    gongs.push(words);
  });
  // @ts-expect-error: no such event
  anna.onEvent('fierd', () => undefined);
  // @ts-expect-error: no such field
  anna.onEvent('fired', ({ nubmer }) => nubmer);
  let frame = 0;
  const timer = setInterval(() => {
    anna.frame(() => ({ shoot: frame++ % 10 === 5 ? 1 : 0 }));
    berta.frame(() => ({}));
  }, 16);
  open.push({ close: () => clearInterval(timer) });
  await until('confirmed and rejected shots', () => new Set(verdicts).size === 2 && heard.length > 3, 15_000);
  // While its gun is jammed, a page that does not know it yet shows shots that never were. It is told.
  expect(verdicts).toContain('rejected');
  expect(verdicts).toContain('confirmed');
  expect(shots.every(({ predicted, mine }) => predicted && mine)).toBe(true);
  expect(new Set(heard).size).toBe(heard.length);
  stop();
  const before = heard.length;
  await until('more shots', () => verdicts.length > 12, 15_000);
  expect(heard.length).toBe(before);
  await until('a gong', () => gongs.length > 0, 15_000);
}, 40_000);
