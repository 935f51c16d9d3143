// Requests and transfers as a builder uses them: `serve` and `connect`, over real WebRTC on loopback.

import { type Game, refuse, type Shape } from '@tickwire/netcode';
import type { Transfer } from '@tickwire/netcode/client';
import { type ServeOptions, type ServerEvent, serve } from '@tickwire/server';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { connect } from '../../packages/netcode/src/transport/connect.ts';
import { boxes } from '../games/boxes.ts';
import { until } from './pair.ts';
import { installWebRtc } from './webrtc.ts';

type Options = typeof boxes extends Game<infer S extends Shape> ? ServeOptions<S> : never;

beforeAll(installWebRtc);

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
});

async function start(options: Options = {}) {
  const server = await serve(boxes, { port: 0, bindAddress: '127.0.0.1', signals: false, ...options });
  const client = await connect(boxes, { url: server.url, name: 'Ada' });
  const timer = setInterval(() => client.frame(() => ({ dx: 1 })), 16);
  open.push(server, client, { close: () => clearInterval(timer) });
  return { server, client };
}

it('[M2] asks the rules and the server, and gets what they answer or why they do not', async () => {
  const { client } = await start({
    answers: {
      lookup: async (from, key) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (key === 'never') await new Promise(() => undefined);
        return key === 'secret' ? refuse('not for you') : `${key} of ${from.name}`;
      },
    },
  });
  const bought = await client.request('buy', { cost: 0 });
  // What is asked and what is answered have the declared types.
  const score: number = bought.score;
  expect(score).toBeGreaterThanOrEqual(0);
  const looked: string = await client.request('lookup', 'best lap');
  expect(looked).toBe('best lap of Ada');
  // @ts-expect-error: no such request
  await expect(client.request('steal', 1)).rejects.toThrow('declares no request "steal"');
  // @ts-expect-error: not what `buy` is asked
  await expect(client.request('buy', 'all')).rejects.toMatchObject({ code: 'malformed' });
  await expect(client.request('buy', { cost: 1e9 })).rejects.toMatchObject({
    name: 'RequestError',
    code: 'refused',
    message: 'not enough score',
  });
  await expect(client.request('lookup', 'secret')).rejects.toMatchObject({ message: 'not for you' });
  await expect(client.request('lookup', 'never', { timeoutMs: 150 })).rejects.toMatchObject({
    code: 'timed-out',
  });
  const last = client.request('lookup', 'never');
  client.close();
  await expect(last).rejects.toMatchObject({ code: 'ended' });
  await expect(client.request('lookup', 'more')).rejects.toMatchObject({ code: 'ended' });
});

it('[M3] moves a map of 1 MiB to a page and an avatar back, while snapshots go on', async () => {
  const events: ServerEvent[] = [];
  const { server, client } = await start({ onEvent: (event) => events.push(event) });
  const map = Uint8Array.from({ length: 1024 * 1024 }, (_, i) => Math.imul(i, 2_654_435_761) >>> 24);
  const got: Transfer[] = [];
  client.on('transfer', (transfer) => got.push(transfer));
  const [snapshots, from] = [client.stats().snapshots, performance.now()];
  const sent = server.core.transfer(client.seat, 'map', map);
  await until('the map begins', () => (got[0]?.moved ?? 0) > 0);
  const arrived = (await got[0]?.finished) as Uint8Array;
  const seconds = (performance.now() - from) / 1_000;
  expect(Buffer.compare(arrived, map)).toBe(0);
  expect(await sent.finished).toBe(map);
  // 20 a second are sent; a machine that is busy with other tests may be late.
  expect((client.stats().snapshots - snapshots) / seconds).toBeGreaterThan(15);
  const avatar = map.slice(0, 30_000);
  await client.transfer('avatar', avatar).finished;
  const upload = events.find((event) => event.type === 'transfer-ended' && event.transfer.incoming);
  expect(upload).toMatchObject({ seat: client.seat, transfer: { name: 'avatar', state: 'done' } });
  console.log(`1 MiB over WebRTC on loopback: ${seconds.toFixed(1)} s`, client.stats().transport);
}, 60_000);
