// `serve` and `connect` together, over real WebRTC on loopback: joining, leaving, coming back, and being told why not.

import type { Game, Shape } from '@tickwire/netcode';
import type { Transport } from '@tickwire/netcode/transport';
import { ServeError, type ServeOptions, serve } from '@tickwire/server';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ConnectOptions, connect } from '../../packages/netcode/src/transport/connect.ts';
import { openGeckos } from '../../packages/netcode/src/transport/geckos.ts';
import { boxes } from './boxes.ts';
import { pause, until } from './pair.ts';
import { installWebRtc } from './webrtc.ts';

type Options = typeof boxes extends Game<infer S extends Shape> ? ServeOptions<S> : never;
type Player = Awaited<ReturnType<typeof join>>;
const LOOPBACK = { port: 0, bindAddress: '127.0.0.1', signals: false } as const;

beforeAll(installWebRtc);

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
});
const start = async (options: Options = {}) => {
  const server = await serve(boxes, { ...LOOPBACK, ...options });
  open.push(server);
  return server;
};
async function join(url: string, options: Omit<ConnectOptions, 'url'> = {}) {
  const client = await connect(boxes, { url, ...options });
  open.push(client);
  return client;
}
/** Draws frames at 60 Hz with the stick to the right, until the condition holds. */
async function play(client: Player, condition: () => boolean, dx = 1): Promise<void> {
  const timer = setInterval(() => client.frame(() => ({ dx })), 16);
  try {
    await until('the condition while playing', condition);
  } finally {
    clearInterval(timer);
  }
}
const mine = (client: Player) => [...client.view.box].find((box) => box.mine);
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'connected',
    ({ code, message }: { code: string; message: string }) => ({ code, message }),
  );

/** Opens real transports and remembers them; while dark, those that are open carry nothing either way. */
class Links {
  dark = false;
  readonly all: Transport[] = [];
  readonly open: NonNullable<ConnectOptions['transport']>;

  constructor(url: string) {
    this.open = async (timeoutMs, signal) => {
      const link = await openGeckos({ url, timeoutMs, signal });
      this.all.push(link);
      return this.#darkened(link);
    };
  }

  #darkened(link: Transport): Transport {
    const send = link.send.bind(link);
    link.send = (bytes) => {
      if (!this.dark) send(bytes);
    };
    return new Proxy(link, {
      get: (target, key) => {
        const value = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
      set: (target, key, value) => {
        if (key !== 'onDatagram') return Reflect.set(target, key, value, target);
        target.onDatagram = (bytes) => {
          if (!this.dark) value(bytes);
        };
        return true;
      },
    });
  }
}

describe('playing', () => {
  it('joins, moves at once and is seen by another player', async () => {
    const server = await start();
    const ada = await join(server.url, { name: 'Ada' });
    const bob = await join(server.url, { name: 'Bob' });
    expect([ada.seat, bob.seat]).toEqual([1, 2]);
    expect(ada.state).toBe('playing');
    await Promise.all([
      play(ada, () => (mine(ada)?.x ?? 0) > 500),
      play(bob, () => [...bob.view.box].some((box) => !box.mine && box.x > 500), 0),
    ]);
    expect([...bob.view.players].map(({ name }) => name)).toEqual(['Ada', 'Bob']);
    const { rtt, bytesInPerSecond, transport } = ada.stats();
    expect(rtt).toBeLessThan(100);
    expect(bytesInPerSecond).toBeGreaterThan(0);
    expect(transport).toMatchObject({ text: 0, oversize: 0, faults: 0 });
    expect(server.stats()).toMatchObject({
      core: { players: 2 },
      host: { faults: 0 },
      listener: { open: 2, pending: 0 },
    });
  });

  it('carries typed messages', async () => {
    const server = await start();
    const [ada, bob] = [await join(server.url), await join(server.url)];
    const heard: string[] = [];
    bob.on('message', (name, payload) => {
      if (name === 'chat') heard.push(payload.text);
    });
    expect(ada.send('chat', { text: 'hello' })).toBe(true);
    await until('the message', () => heard.length === 1);
    expect(heard).toEqual(['1: hello']);
  });

  it('gives the room options and bots of the server', async () => {
    const server = await start({
      options: { speed: 9 },
      bots: { count: 2, names: ['Morse'], think: () => ({ dx: 1 }) },
    });
    const ada = await join(server.url);
    expect(ada.options).toEqual({ speed: 9 });
    await play(ada, () => ada.view.players.count === 3);
    expect([...ada.view.players].map(({ name }) => name).slice(0, 1)).toEqual(['Morse']);
    const health = await (await fetch(`${server.url}/healthz`)).json();
    expect(health).toMatchObject({ status: 'ok', game: 'boxes', players: 1, bots: 2, connections: 1 });
  });

  it('gives the seat back on leaving', async () => {
    const left: unknown[] = [];
    const server = await start({ onEvent: (event) => event.type === 'left' && left.push(event.reason) });
    const ada = await join(server.url);
    ada.close();
    expect(ada.state).toBe('closed');
    await until(
      'the server let go',
      () => server.stats().core.players === 0 && server.stats().listener.open === 0,
    );
    expect(left).toEqual(['left']);
    ada.frame(() => ({})); // a page's last frames do no harm
    expect(ada.send('chat', { text: 'x' })).toBe(false);
  });
});

describe('coming back', () => {
  it('resumes the same seat over a new transport when the old one breaks', async () => {
    const server = await start();
    const links = new Links(server.url);
    const ada = await join(server.url, { name: 'Ada', transport: links.open });
    const states: string[] = [];
    ada.on('state', (state) => states.push(state));
    await play(ada, () => (mine(ada)?.x ?? 0) > 450);
    links.all[0]?.close();
    await until('playing again', () => states.at(-1) === 'playing');
    expect(states).toEqual(['reconnecting', 'playing']);
    expect(links.all).toHaveLength(2);
    expect(ada.seat).toBe(1);
    expect(server.stats().core.players).toBe(1);
    await play(ada, () => (mine(ada)?.x ?? 0) > 600);
    await until('the old connection is forgotten', () => server.stats().listener.open === 1);
  });

  it('waits for an outage to heal, and only after 5 s of silence tries another transport', async () => {
    const server = await start();
    const links = new Links(server.url);
    const ada = await join(server.url, { transport: links.open });
    const states: string[] = [];
    ada.on('state', (state, { code }) => states.push(`${state} ${code ?? ''}`.trim()));
    await play(ada, () => mine(ada) !== undefined);

    links.dark = true;
    await play(ada, () => states.length === 1); // 3 s
    expect(states).toEqual(['reconnecting silent']);
    links.dark = false;
    await play(ada, () => states.length === 2);
    expect(states[1]).toBe('playing');
    await pause(2200);
    expect(links.all).toHaveLength(1);

    links.dark = true;
    await play(ada, () => links.all.length === 2, 1).catch(() => undefined); // 5 s
    await until('a second transport', () => links.all.length === 2, 3000);
    links.dark = false;
    await play(ada, () => states.at(-1) === 'playing');
    expect(ada.seat).toBe(1);
    expect(server.stats().core.players).toBe(1);
  }, 30_000);

  it('joins the server again after it restarted', async () => {
    const first = await start();
    const ada = await join(first.url);
    const states: string[] = [];
    ada.on('state', (state, { code }) => states.push(`${state} ${code ?? ''}`.trim()));
    await first.close();
    const second = await start({ port: first.port });
    await until('playing again', () => states.at(-1) === 'playing', 12_000);
    expect(states[0]).toBe('reconnecting shutdown');
    expect(second.stats().core.players).toBe(1);
    await play(ada, () => (mine(ada)?.x ?? 0) > 420);
  }, 20_000);
});

describe('being refused', () => {
  it('names a full room', async () => {
    const server = await start({ maxPlayers: 1 });
    await join(server.url);
    expect(await failure(connect(boxes, { url: server.url, timeoutMs: 2000 }))).toMatchObject({
      code: 'full',
    });
  });

  it('names another room', async () => {
    const server = await start();
    expect(await failure(connect(boxes, { url: server.url, room: 'nowhere' }))).toMatchObject({
      code: 'room-unknown',
    });
  });

  it('names a server that is not there, and an address that is none', async () => {
    expect(await failure(connect(boxes, { url: 'http://127.0.0.1:9' }))).toMatchObject({
      code: 'signalling-unreachable',
    });
    expect(await failure(connect(boxes, { url: 'nonsense' }))).toMatchObject({
      code: 'signalling-unreachable',
    });
  });

  it('names a transport that opens and then says nothing', async () => {
    const { memoryLink } = await import('@tickwire/netcode/transport');
    const before = performance.now();
    const transport = async () => memoryLink().a;
    expect(await failure(connect(boxes, { url: 'http://x', timeoutMs: 600, transport }))).toMatchObject({
      code: 'timeout',
    });
    expect(performance.now() - before).toBeLessThan(1200);
  });
});

describe('serving', () => {
  it('names a busy HTTP port, with the fix', async () => {
    const server = await start();
    const error = await serve(boxes, { ...LOOPBACK, port: server.port }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ServeError);
    expect(error).toMatchObject({
      code: 'EADDRINUSE',
      message: `Port ${server.port} is in use. Stop the other program or choose another: PORT=${server.port + 1} npm start`,
    });
  });

  it('names a busy UDP port, and avoids one that nobody asked for', async () => {
    const server = await start();
    const error = await serve(boxes, { ...LOOPBACK, udpPort: server.udpPort }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'EADDRINUSE', message: expect.stringContaining('UDP port') });
    const { createSocket } = await import('node:dgram');
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const other = await start({ port: socket.address().port });
    expect(other.port).toBe(socket.address().port);
    expect(other.udpPort).not.toBe(other.port);
    socket.close();
    await join(other.url);
  });

  it('says goodbye and frees its ports', async () => {
    const server = await start();
    const ada = await join(server.url);
    const details: unknown[] = [];
    ada.on('state', (_state, { code }) => details.push(code));
    const before = performance.now();
    await server.close();
    expect(performance.now() - before).toBeLessThan(1000);
    await until('the goodbye', () => details.length > 0);
    expect(details[0]).toBe('shutdown');
    ada.close();
    const again = await start({ port: server.port, udpPort: server.udpPort });
    await join(again.url);
  });

  it('stops when the game throws, and says so', async () => {
    const errors: unknown[] = [];
    const server = await start({ onError: (error) => errors.push(error) });
    const ada = await join(server.url);
    const timer = setInterval(() => ada.frame(() => ({ crash: true })), 16);
    await until('the error', () => errors.length > 0);
    clearInterval(timer);
    expect(String(errors[0])).toContain('planted in step');
    await pause(300);
    expect(server.stats().listener.open).toBe(0);
  });
});
