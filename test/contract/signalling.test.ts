// What strangers can do to the joining routes, and that the server serves on: THREATS for anyone who can send an HTTP request.

import { connect as connectTcp } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openGeckos } from '../../packages/netcode/src/transport/geckos.ts';
import { pause, until } from './pair.ts';
import { installWebRtc, WebRtcServer } from './webrtc.ts';

beforeAll(installWebRtc);

const running: WebRtcServer[] = [];
const start = async (...options: Parameters<typeof WebRtcServer.start>): Promise<WebRtcServer> => {
  const server = await WebRtcServer.start(...options);
  running.push(server);
  return server;
};
afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

interface Offer {
  readonly id: string;
  readonly localDescription: { readonly type: string; readonly sdp: string };
}
const join = async (server: WebRtcServer): Promise<Offer> => (await (await server.post('')).json()) as Offer;
const refusal = async (response: Response): Promise<unknown> => ({
  status: response.status,
  code: ((await response.json()) as { code: string }).code,
});

describe('joining', () => {
  it('gives an offer on one UDP port with an id that nobody can guess', async () => {
    const server = await start();
    const offers = await Promise.all(Array.from({ length: 16 }, () => join(server)));
    expect(new Set(offers.map(({ id }) => id)).size).toBe(16);
    for (const { id, localDescription } of offers) {
      expect(id).toMatch(/^[\w-]{24}$/);
      expect(localDescription.type).toBe('offer');
      expect(localDescription.sdp).not.toContain('a=candidate');
    }
  });

  it('names its address only to who has answered, so that no check arrives before the fingerprint is known', async () => {
    const server = await start();
    const { id } = await join(server);
    const ask = async (): Promise<unknown> =>
      (await fetch(`${server.url}/.wrtc/v2/connections/${id}/additional-candidates`)).json();
    let told: unknown;
    const first = ask().then((candidates) => {
      told = candidates;
    });
    await pause(50);
    expect(await ask()).toEqual([]); // one may wait
    expect(told).toBeUndefined();
    await server.post(`/${id}/remote-description`, { type: 'answer', sdp: ANSWER });
    await first;
    const expected = [
      { candidate: expect.stringMatching(` 127\\.0\\.0\\.1 ${server.udpPort} typ host`), sdpMid: '0' },
    ];
    expect(told).toEqual(expected);
    expect(await ask()).toEqual(expected);
    await server.post(`/${id}/close`);
    expect(await ask()).toEqual([]);
  });

  it('gives the advertised address instead of its own', async () => {
    const server = await start({ advertise: { address: '203.0.113.7', port: 4000 } });
    const { id } = await join(server);
    await server.post(`/${id}/remote-description`, { type: 'answer', sdp: ANSWER });
    const candidates = await (
      await fetch(`${server.url}/.wrtc/v2/connections/${id}/additional-candidates`)
    ).json();
    expect(candidates).toEqual([
      { candidate: 'candidate:9 1 UDP 2130706431 203.0.113.7 4000 typ host', sdpMid: '0' },
    ]);
  });

  it('works through an advertised address that is its real one', async () => {
    const server = await start({ advertise: '127.0.0.1' });
    expect(await server.serves()).toBe(true);
  });

  it('refuses more joins than may wait, in all and per address, and forgets them at the deadline', async () => {
    const server = await start({ maxPending: 6, maxPendingPerAddress: 4, joinDeadlineMs: 300 });
    const responses = await Promise.all(Array.from({ length: 10 }, () => server.post('')));
    expect(responses.map(({ status }) => status).sort()).toEqual([
      200, 200, 200, 200, 503, 503, 503, 503, 503, 503,
    ]);
    expect(await refusal(await server.post(''))).toEqual({ status: 503, code: 'too-many-joins' });
    await until('the deadline', () => server.listener.stats.pending === 0);
    expect(server.listener.stats).toMatchObject({ open: 0, expired: 4 });
    expect(await server.serves()).toBe(true);
  });

  it('refuses one address that joins too fast', async () => {
    const server = await start({}, { joins: { burst: 3, perSecond: 0.1 } });
    const statuses = [];
    for (let n = 0; n < 5; n++) statuses.push((await server.post('')).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    const response = await server.post('');
    expect(response.headers.get('retry-after')).toBe('2');
    expect(await refusal(response)).toEqual({ status: 429, code: 'rate-limited' });
  });

  it('refuses pages of other origins and answers preflights of its own', async () => {
    const server = await start({}, { origins: ['https://game.example'], development: false });
    const from = (origin: string): Promise<Response> => server.post('', undefined, { Origin: origin });
    expect(await refusal(await from('https://evil.example'))).toEqual({
      status: 403,
      code: 'origin-refused',
    });
    expect(await refusal(await from('null'))).toEqual({ status: 403, code: 'origin-refused' });
    expect((await from('http://localhost:5173')).status).toBe(403); // not in production
    expect((await from(server.url)).status).toBe(200);
    const allowed = await from('https://game.example');
    expect(allowed.status).toBe(200);
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://game.example');
    const preflight = await fetch(`${server.url}/.wrtc/v2/connections`, {
      method: 'OPTIONS',
      headers: { Origin: 'https://game.example', 'Access-Control-Request-Method': 'POST' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('content-type');
  });
});

describe('answering', () => {
  const BAD_BODIES: readonly [string, unknown, number][] = [
    ['an empty object', {}, 400],
    ['nothing', undefined, 400],
    ['null', 'null', 400],
    ['no JSON', '{', 400],
    ['a list', [1], 400],
    ['an offer', { type: 'offer', sdp: 'v=0' }, 400],
    ['an empty description', { type: 'answer', sdp: '' }, 400],
    ['a number', { type: 'answer', sdp: 5 }, 400],
    [
      'garbage',
      { type: 'answer', sdp: `v=0\r\n${'a=candidate:1 1 UDP 1 evil.example 9 typ host\r\n'.repeat(90)}` },
      400,
    ],
    ['17 KiB', { type: 'answer', sdp: 'x'.repeat(17_000) }, 413],
  ];
  it.each(BAD_BODIES)('refuses %s and serves on', async (_name, body, status) => {
    const server = await start();
    const { id } = await join(server);
    const response = await server.post(`/${id}/remote-description`, body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code: expect.any(String), message: expect.any(String) });
    expect(await server.serves()).toBe(true);
  });

  it('takes one answer per id, and none for an unknown id', async () => {
    const server = await start();
    const { id } = await join(server);
    const answer = { type: 'answer', sdp: ANSWER };
    expect((await server.post(`/${id}/remote-description`, answer)).status).toBe(200);
    expect(await refusal(await server.post(`/${id}/remote-description`, answer))).toEqual({
      status: 409,
      code: 'already-answered',
    });
    expect(await refusal(await server.post(`/${'A'.repeat(24)}/remote-description`, answer))).toEqual({
      status: 404,
      code: 'unknown-connection',
    });
    expect(await server.serves()).toBe(true);
  });

  it('refuses 64 MB without reading it', async () => {
    const server = await start();
    const { id } = await join(server);
    const before = process.memoryUsage().rss;
    const chunk = new Uint8Array(65_536).fill(120);
    let pulled = 0;
    const body = new ReadableStream({
      pull(controller) {
        if (++pulled > 1024) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const status = await fetch(`${server.url}/.wrtc/v2/connections/${id}/remote-description`, {
      method: 'POST',
      body,
      duplex: 'half',
    } as RequestInit).then(
      (response) => response.status,
      () => 'cut off',
    );
    expect([413, 'cut off']).toContain(status);
    expect(process.memoryUsage().rss - before).toBeLessThan(64e6);
    expect(await server.serves()).toBe(true);
  });

  it('lets a body dribble in only for so long', async () => {
    const server = await start();
    const { id } = await join(server);
    const { port } = new URL(server.url);
    const socket = connectTcp(Number(port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(
      `POST /.wrtc/v2/connections/${id}/remote-description HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{`,
    );
    const reply = await new Promise<string>((resolve) => {
      socket.once('data', (data) => resolve(data.toString()));
      socket.once('close', () => resolve('cut off'));
    });
    socket.destroy();
    expect(reply).toMatch(/^HTTP\/1\.1 4\d\d|^cut off/);
    expect(await server.serves()).toBe(true);
  }, 15_000);
});

describe('leaving', () => {
  it('closes by id, again and for ids that never were', async () => {
    const server = await start();
    const { id } = await join(server);
    expect(server.listener.stats.pending).toBe(1);
    for (const what of [id, id, 'nonsense', '%00', 'A'.repeat(4000)]) {
      expect((await server.post(`/${what}/close`)).status).toBe(200);
    }
    expect(server.listener.stats.pending).toBe(0);
    expect(
      await (await fetch(`${server.url}/.wrtc/v2/connections/${id}/additional-candidates`)).json(),
    ).toEqual([]);
  });

  it('survives 300 joins that leave at once, and holds nothing of them', async () => {
    const server = await start();
    const leave = async (n: number): Promise<void> => {
      const { id } = await join(server);
      if (id === undefined) return; // refused: 503
      if (n % 3 === 0) await server.post(`/${id}/remote-description`, { type: 'answer', sdp: ANSWER });
      if (n % 2 === 0) void server.post(`/${id}/close`);
      await server.post(`/${id}/close`);
    };
    for (let n = 0; n < 300; n += 10) await Promise.all(Array.from({ length: 10 }, (_, k) => leave(n + k)));
    await until('all gone', () => server.listener.stats.pending === 0 && server.listener.stats.open === 0);
    expect(server.listener.stats.faults).toBe(0);
    expect(await server.serves()).toBe(true);
  });

  it('survives real transports that close the moment they open', async () => {
    const server = await start();
    for (let n = 0; n < 40; n += 4) {
      await Promise.all(
        Array.from({ length: 4 }, async () => {
          const transport = await openGeckos({ url: server.url });
          transport.send(Uint8Array.of(1));
          transport.close();
        }),
      );
    }
    await until('all gone', () => server.listener.stats.open === 0);
    expect(server.listener.stats.faults).toBe(0);
    expect(await server.serves()).toBe(true);
  });

  it('closes extra data channels', async () => {
    const server = await start();
    const original = globalThis.RTCPeerConnection;
    const peers: RTCPeerConnection[] = [];
    globalThis.RTCPeerConnection = class extends original {
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        peers.push(this);
      }
    };
    const a = await openGeckos({ url: server.url });
    globalThis.RTCPeerConnection = original;
    const extra = peers[0]?.createDataChannel('x'.repeat(1000));
    await until('the extra channel is closed', () => extra?.readyState === 'closed');
    let heard = 0;
    const [b] = server.accepted;
    if (b !== undefined) b.onDatagram = () => heard++;
    a.send(Uint8Array.of(1));
    await until('the first one works', () => heard === 1);
    a.close();
  });
});

describe('players', () => {
  it('takes no more than its allowance from one connection, and drops a flood', async () => {
    const server = await start({ limits: { messages: { burst: 20, perSecond: 1 }, floodPerSecond: 200 } });
    const { a, b } = await server.open();
    let closed = '';
    b.onClose = (reason) => {
      closed = reason;
    };
    for (let n = 0; n < 100; n++) a.send(Uint8Array.of(n));
    await until('the burst', () => b.stats.received + b.stats.throttled >= 90);
    expect(b.stats.received).toBeLessThanOrEqual(21);
    for (let n = 0; n < 400 && closed === ''; n++) {
      a.send(Uint8Array.of(1));
      if (n % 20 === 0) await pause(1);
    }
    await until('it is dropped', () => closed !== '');
    expect(closed).toBe('flooding');
    expect(await server.serves()).toBe(true);
  });

  it('drops a player whose handler throws, and nobody else', async () => {
    const faults: unknown[] = [];
    const server = await start({ onFault: (error) => faults.push(error) });
    const good = await server.open();
    const bad = await server.open();
    bad.b.onDatagram = () => {
      throw new Error('planted');
    };
    let closed = false;
    bad.a.onClose = () => {
      closed = true;
    };
    bad.a.send(Uint8Array.of(1));
    await until('it is gone', () => closed);
    expect(String(faults[0])).toContain('planted');
    expect(server.listener.stats).toMatchObject({ faults: 1, open: 1 });
    let heard = 0;
    good.b.onDatagram = () => heard++;
    good.a.send(Uint8Array.of(1));
    await until('the other player', () => heard === 1);
  });
});

describe('pages that cannot connect', () => {
  const failure = async (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => 'connected',
      (error: { code?: string }) => error.code ?? String(error),
    );

  it('says that nobody answers', async () => {
    const server = await start();
    await server.close();
    running.length = 0;
    expect(await failure(openGeckos({ url: server.url }))).toBe('signalling-unreachable');
  });

  it('says that the server hangs', async () => {
    const { createServer } = await import('node:http');
    const http = createServer(() => undefined);
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const { port } = http.address() as { port: number };
    const before = performance.now();
    expect(await failure(openGeckos({ url: `http://127.0.0.1:${port}`, timeoutMs: 400 }))).toBe(
      'signalling-unreachable',
    );
    expect(performance.now() - before).toBeLessThan(1000);
    http.closeAllConnections();
    http.close();
  });

  it('says that it was refused, and how', async () => {
    const limited = await start({}, { joins: { burst: 0, perSecond: 0 } });
    expect(await failure(openGeckos({ url: limited.url }))).toBe('rate-limited');
    const full = await start({ maxPending: 0 });
    expect(await failure(openGeckos({ url: full.url }))).toBe('server-busy');
  });

  it('says that UDP is blocked', async () => {
    const server = await start({ answer: 'ignored' });
    const before = performance.now();
    expect(await failure(openGeckos({ url: server.url, timeoutMs: 1200 }))).toBe('udp-blocked');
    expect(performance.now() - before).toBeLessThan(2000);
    await until('the server let go', () => server.listener.stats.pending === 0);
  });

  it('gives up when told to', async () => {
    const server = await start({ answer: 'ignored' });
    const controller = new AbortController();
    const opening = failure(openGeckos({ url: server.url, signal: controller.signal }));
    setTimeout(() => controller.abort(), 100);
    expect(await opening).toBe('closed');
    await until('the server let go', () => server.listener.stats.pending === 0);
  });
});

/** A well-formed answer of nobody. */
const ANSWER = [
  'v=0',
  'o=- 4611731400430051336 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'a=msid-semantic: WMS',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 0.0.0.0',
  'a=ice-ufrag:abcd',
  'a=ice-pwd:abcdefghijklmnopqrstuvwx',
  'a=ice-options:trickle',
  `a=fingerprint:sha-256 ${'AB:'.repeat(31)}AB`,
  'a=setup:active',
  'a=mid:0',
  'a=sctp-port:5000',
  'a=max-message-size:262144',
  '',
].join('\r\n');
