// `tickwire net` in front of a real server: what page and server learn of each other, what play is like, and the command itself.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { join as joinPath } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type GameServer, serve } from '@tickwire/server';
import { type NetOptions, openNet } from '@tickwire/server/testing';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../packages/netcode/src/transport/connect.ts';
import { boxes } from './boxes.ts';
import { until } from './pair.ts';
import { installWebRtc } from './webrtc.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));

let server: GameServer<never>;
const open: { close(): unknown }[] = [];

beforeAll(async () => {
  installWebRtc();
  server = (await serve(boxes, { port: 0, bindAddress: '127.0.0.1', signals: false })) as never;
});
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
});
afterAll(() => server.close());

const target = (): string => `http://127.0.0.1:${server.port}`;

async function start(options: Partial<NetOptions> = {}) {
  const net = await openNet({ target: target(), port: 0, ...options });
  open.push(net);
  return net;
}

/** A player who holds a key. */
async function join(url: string) {
  const client = await connect(boxes, { url });
  const timer = setInterval(() => client.frame(() => ({ dx: 1 })), 16);
  const close = (): void => {
    clearInterval(timer);
    client.close();
  };
  open.push({ close });
  const x = (): number => [...client.view.box].find((box) => box.mine)?.x ?? 0;
  return { client, x, close };
}

const post = (url: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}/.wrtc/v2/connections`, { method: 'POST', headers });

describe('openNet', () => {
  it('a player plays through it, as far away as the network says', async () => {
    const net = await start({ network: { up: { latencyMs: 60 }, down: { latencyMs: 40 } } });
    const { client, x } = await join(net.url);
    await until('the box moves', () => x() > 430);
    await until('the round trip is known', () => client.stats().rtt > 0 && client.stats().snapshots > 10);
    expect(client.stats().rtt).toBeGreaterThan(98);
    const { up, down, refused } = net.relay.stats();
    expect(refused).toBe(0);
    // All of it: what the transports say of themselves, and the STUN, DTLS and SCTP around it.
    expect(up.sent).toBeGreaterThan(client.stats().transport?.sent ?? Number.POSITIVE_INFINITY);
    expect(down.delivered).toBeGreaterThan(client.stats().transport?.received ?? Number.POSITIVE_INFINITY);
    expect(up.delayMs / up.delivered).toBeCloseTo(60);
    expect(down.delayMs / down.delivered).toBeCloseTo(40);
  });

  it('the page learns the relay’s addresses only, and the server none of the page’s', async () => {
    const answers: string[] = [];
    const plain = await fakeServer((path, body) => {
      if (path.endsWith('remote-description')) answers.push(body);
      if (path.endsWith('additional-candidates'))
        return [
          { candidate: 'candidate:1 1 UDP 2 198.51.100.7 4567 typ host', sdpMid: '0' },
          { candidate: 'candidate:2 1 UDP 2 127.0.0.1 4567 typ host', sdpMid: '0' },
        ];
      const sdp = 'v=0\r\na=candidate:1 1 UDP 2 198.51.100.7 4567 typ host\r\na=end-of-candidates\r\n';
      return { userData: {}, id: 'x', localDescription: { type: 'offer', sdp } };
    });
    const net = await start({ target: plain });
    const offer = (await (await post(net.url)).json()) as { localDescription: { sdp: string } };
    expect(offer.localDescription.sdp).not.toContain('198.51.100.7');
    expect(offer.localDescription.sdp).toContain(` 127.0.0.1 ${net.udpPort} typ host`);
    const told = await (await fetch(`${net.url}/.wrtc/v2/connections/x/additional-candidates`)).json();
    expect(told).toHaveLength(net.relay.addresses.length);
    expect(JSON.stringify(told)).not.toMatch(/198\.51\.100\.7|4567/);
    expect(net.relay.target).toEqual({ address: '127.0.0.1', port: 4567 }); // of two the near one
    const sdp = 'v=0\r\na=ice-ufrag:abcd\r\na=candidate:1 1 udp 2 192.0.2.9 5678 typ host\r\n';
    await fetch(`${net.url}/.wrtc/v2/connections/x/remote-description`, {
      method: 'POST',
      body: JSON.stringify({ type: 'answer', sdp }),
    });
    expect(JSON.parse(answers[0] ?? '')).toEqual({ type: 'answer', sdp: 'v=0\r\na=ice-ufrag:abcd\r\n' });
  });

  it('is of the server’s own origin to the server, and lets no foreign page in', async () => {
    const net = await start();
    const own = await post(net.url, { origin: net.url });
    expect(own.status).toBe(200);
    expect(own.headers.get('access-control-allow-origin')).toBe(net.url);
    const foreign = await post(net.url, { origin: 'https://elsewhere.example' });
    expect(foreign.status).toBe(403);
    expect(await foreign.json()).toMatchObject({ code: 'origin-refused' });
  });

  it('passes everything else on as it is, WebSockets too, and says when the server is gone', async () => {
    const plain = await fakeServer(() => ({ fine: true }));
    const net = await start({ target: plain });
    expect(await (await fetch(`${net.url}/some/file?x=1`)).json()).toEqual({ fine: true });
    const socket = connectTcp(net.port, '127.0.0.1');
    socket.write('GET /hmr HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    let heard = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      heard += text;
    });
    await until('the handshake', () => heard.includes('101 Switching Protocols'));
    socket.write('hello');
    await until('the echo', () => heard.endsWith('hello'));
    for (const one of fakes.splice(0)) {
      one.closeAllConnections();
      one.close();
    }
    const gone = await fetch(`${net.url}/`);
    expect(gone.status).toBe(502);
    expect(await gone.json()).toMatchObject({ code: 'target-unreachable' });
    await net.close(); // with the WebSocket still open
    socket.destroy();
  });

  it('a joining call takes a round trip and waits for the end of a blackout', async () => {
    const net = await start({ network: { up: { latencyMs: 50 }, down: { latencyMs: 50 } } });
    let began = performance.now();
    await post(net.url);
    expect(performance.now() - began).toBeGreaterThan(95);
    net.relay.darken(500);
    began = performance.now();
    await post(net.url);
    expect(performance.now() - began).toBeGreaterThan(550);
  });
});

describe('tickwire net', () => {
  const scratch = joinPath(repository, 'test', 'output');
  mkdirSync(scratch, { recursive: true });
  const folder = mkdtempSync(joinPath(scratch, 'net-'));
  const cli = joinPath(repository, 'packages', 'server', 'dist-dev', 'cli-net', 'index.js');

  beforeAll(async () => {
    await build({
      root: repository,
      configFile: joinPath(repository, 'vite.config.ts'),
      logLevel: 'error',
      build: {
        ssr: joinPath(repository, 'packages', 'server', 'src', 'cli', 'index.ts'),
        outDir: joinPath(cli, '..'),
        target: 'node20',
      },
    });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function run(...args: string[]): ChildProcess {
    const defaults = { '--port': '0', '--target': target() };
    const added = Object.entries(defaults).filter(([flag]) => !args.includes(flag));
    const child = spawn(process.execPath, [cli, 'net', ...added.flat(), ...args]);
    open.push({ close: () => child.kill('SIGKILL') });
    return child;
  }

  async function ended(child: ChildProcess): Promise<{ code: number | null; out: string; err: string }> {
    let [out, err] = ['', ''];
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, out, err };
  }

  it('plays a scenario, reports it as lines of JSON, and ends with exit code 0 on SIGTERM', async () => {
    const file = joinPath(folder, 'scenario.json');
    const steps = [
      { at: 0, 'nat-rebind': true },
      { at: 0.1, down: 'latency=30' },
      { at: 0.2, blackout: { seconds: 0.3, way: 'up' } },
    ];
    writeFileSync(file, JSON.stringify({ name: 'three steps', steps }));
    const child = run(
      '--json',
      '--preset',
      'wifi',
      '--loss',
      '0',
      '--up',
      'latency=25',
      '--seed',
      '9',
      '--scenario',
      file,
    );
    const lines: Record<string, unknown>[] = [];
    if (child.stdout === null) throw new Error('no output');
    createInterface(child.stdout).on('line', (line) => lines.push(JSON.parse(line)));
    await until('the address', () => lines.length > 0, 20_000);
    expect(lines[0]).toMatchObject({
      event: 'ready',
      target: target(),
      seed: 9,
      network: { up: { latencyMs: 25, jitterMs: 8, loss: 0 }, down: { latencyMs: 20, jitterMs: 8, loss: 0 } },
    });
    await join(String(lines[0]?.['url']));
    await until('the last step', () => lines.length === 4, 20_000);
    child.kill('SIGTERM');
    const [code] = (await once(child, 'close')) as [number | null];
    expect(code).toBe(0);
    expect(lines.slice(1)).toMatchObject([
      { event: 'step', at: 0, rebind: true },
      { event: 'step', at: 0.1, down: { latencyMs: 30 } },
      { event: 'step', at: 0.2, blackout: { ms: 300, way: 'up' } },
      { event: 'summary', down: { meanDelayMs: expect.any(Number) }, refused: 0, failed: 0 },
    ]);
    const { up } = lines[4] as { up: { sent: number; delivered: number; meanDelayMs: number } };
    expect(up.delivered).toBeGreaterThan(10);
    expect(up.meanDelayMs).toBeGreaterThan(20);
  });

  it('tells people where to play, without colours or a live line where there is no terminal, and ends on SIGINT', async () => {
    const child = run('--latency', '75', '--jitter', '20', '--loss', '5');
    const done = ended(child);
    await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
    child.kill('SIGINT');
    const { code, out, err } = await done;
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/Play through this network at http:\/\/localhost:\d+ \(UDP port \d+\)/);
    expect(out).toContain('each way 75 ± 20 ms, 5 % lost');
    expect(out).toMatch(/mean delay +0\.0 ms/);
    for (const control of ['\u001b', '\r']) expect(out).not.toContain(control);
  });

  it('says what is wrong and how to fix it: exit code 2 for the call, 1 for the rest', async () => {
    const bad = joinPath(folder, 'bad.json');
    writeFileSync(bad, '{ "steps": [{ "at": 0, "both": { "loss": 500 } }] }');
    const taken = String(server.port);
    const cases: [code: number, message: string, ...args: string[]][] = [
      [2, '--loss must be 0..100 %, got 300', '--loss', '300'],
      [2, 'Unknown option `--speed`', '--speed', '3'],
      [2, 'the target must be an address such as http://127.0.0.1:3000', '--target', 'nonsense'],
      [1, 'nothing answers at http://127.0.0.1:1: start the game', '--target', 'http://127.0.0.1:1'],
      [1, `port ${taken} is in use: choose another with --port ${server.port + 1}`, '--port', taken],
      [1, '192.0.2.1 is not an address of this machine', '--host', '192.0.2.1'],
      [1, 'bad.json: steps[0].both.loss must be 0..100 %, got 500', '--scenario', bad],
    ];
    for (const [code, message, ...args] of cases) {
      const result = await ended(run(...args));
      expect(result.err).toContain(message);
      expect(result).toMatchObject({ code, out: '' });
    }
  });
});

const fakes: Server[] = [];

/** Something that looks like a server from outside. Upgrades are echoed. */
async function fakeServer(answer: (path: string, body: string) => unknown): Promise<string> {
  const fake = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const path = request.url ?? '';
    response.end(JSON.stringify(path === '/healthz' ? { game: 'fake' } : answer(path, body)));
  });
  fake.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    socket.pipe(socket);
  });
  fakes.push(fake);
  fake.listen(0, '127.0.0.1');
  await once(fake, 'listening');
  open.push(fake);
  return `http://127.0.0.1:${(fake.address() as AddressInfo).port}`;
}
