// The relay with real sockets on loopback. What becomes of each datagram is compared with the simulated link that it should be.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { type LinkOptions, PROFILES, SimLink } from '@tickwire/netcode/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { Agenda, type Due } from './agenda.ts';
import type { WayStats } from './line.ts';
import { Relay } from './relay.ts';

const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const thing of open.splice(0)) thing.close();
});

/** A socket that keeps what it hears. */
class Ear {
  readonly socket: Socket = createSocket('udp4');
  readonly heard: { readonly text: string; readonly port: number; readonly at: number }[] = [];
  /** Sends everything back. */
  echo = false;

  static async open(): Promise<Ear> {
    const ear = new Ear();
    open.push(ear.socket);
    ear.socket.bind(0, '127.0.0.1');
    await once(ear.socket, 'listening');
    ear.socket.on('message', (bytes, { port }) => {
      ear.heard.push({ text: bytes.toString('latin1'), port, at: performance.now() });
      if (ear.echo) ear.send(bytes, port);
    });
    return ear;
  }

  get port(): number {
    return this.socket.address().port;
  }

  get texts(): string[] {
    return this.heard.map(({ text }) => text);
  }

  send(bytes: Uint8Array | string, port: number): void {
    this.socket.send(bytes, port, '127.0.0.1');
  }

  async hears(count: number, limitMs = 10_000): Promise<void> {
    const until = performance.now() + limitMs;
    while (this.heard.length < count && performance.now() < until) await pause(2);
    expect(this.heard.length).toBeGreaterThanOrEqual(count);
  }
}

async function start(up: LinkOptions = {}, down: LinkOptions = {}, seed = 1) {
  const relay = await Relay.open({ addresses: ['127.0.0.1'], port: 0, network: { up, down }, seed });
  open.push(relay);
  const [server, page] = [await Ear.open(), await Ear.open()];
  relay.target = { address: '127.0.0.1', port: server.port };
  return { relay, server, page };
}

function expectAllAccountedFor(way: WayStats): void {
  const { lost, lostInBurst, lostInBlackout, queueFull, overMtu, inFlight } = way;
  expect(way.delivered + lost + lostInBurst + lostInBlackout + queueFull + overMtu + inFlight).toBe(
    way.sent + way.duplicated,
  );
}

describe('Relay', () => {
  it('carries datagrams both ways; each side knows the other by the relay alone', async () => {
    const { relay, server, page } = await start();
    const other = await Ear.open();
    server.echo = true;
    page.send('a', relay.port);
    other.send('b', relay.port);
    await page.hears(1);
    await other.hears(1);
    expect(page.heard).toMatchObject([{ text: 'a', port: relay.port }]);
    expect(other.heard).toMatchObject([{ text: 'b', port: relay.port }]);
    const ports = new Set(server.heard.map(({ port }) => port));
    expect(ports.size).toBe(2); // the server tells pages apart as it would without the relay
    for (const own of [page.port, other.port, relay.port]) expect(ports).not.toContain(own);
    expect(relay.stats()).toMatchObject({ flows: 2, refused: 0, failed: 0 });
  });

  it('delays by what the network says, each way by its own', async () => {
    const { relay, server, page } = await start({ latencyMs: 80 }, { latencyMs: 40 });
    server.echo = true;
    const began = performance.now();
    page.send('ping', relay.port);
    await page.hears(1);
    // A slow machine may add to it, never take away.
    expect((server.heard[0]?.at ?? 0) - began).toBeGreaterThanOrEqual(79);
    expect((page.heard[0]?.at ?? 0) - began).toBeGreaterThanOrEqual(118);
    const { up, down } = relay.stats();
    expect(up).toMatchObject({ sent: 1, delivered: 1, delayMs: expect.closeTo(80) });
    expect(down).toMatchObject({ sent: 1, delivered: 1, delayMs: expect.closeTo(40) });
    expect(up.worstLateMs).toBe(Math.max(0, up.lateMs));
  });

  it.each([
    ['independent loss', { loss: 0.2 }],
    ['bursts', { bursts: { pGoodToBad: 0.05, pBadToGood: 0.2, lossGood: 0, lossBad: 0.9 } }],
    ['corruption', { corrupt: 0.1 }],
    ['a limit of length', { mtu: 400 }],
    [
      'all that is terrible, without its delays',
      { ...PROFILES.terrible, latencyMs: 0, jitterMs: 0, reorder: 0, reorderMs: 1 },
    ],
  ] satisfies [string, LinkOptions][])(
    '%s: every datagram meets the fate that the rig’s link draws for it',
    async (_, options) => {
      const { relay, server, page } = await start(options, {}, 77);
      const link = new SimLink(options, 77, 10);
      const expected: string[] = [];
      for (let n = 0; n < 1_000; n++) {
        const text = `${n}`.padEnd(1 + ((n * 7) % 800), '.');
        link.send(n, Buffer.from(text, 'latin1'));
        page.send(text, relay.port);
        // The system's own buffers must not drop any.
        if (n % 20 === 19) await pause(1);
      }
      for (let bytes = link.receive(1e9); bytes !== undefined; bytes = link.receive(1e9))
        expected.push(Buffer.from(bytes).toString('latin1'));
      await server.hears(expected.length);
      // Copies may come behind one more or less.
      expect(server.texts.sort()).toEqual(expected.sort());
      expect(expected.length).toBeGreaterThan(300);
      const { up } = relay.stats();
      const { delayMs: _delay, ...counts } = link.stats;
      expect(up).toMatchObject(counts);
      expectAllAccountedFor(up);
    },
  );

  it('lets datagrams overtake where that is asked for, and nowhere else', async () => {
    const { relay, server, page } = await start({ latencyMs: 5, jitterMs: 5 });
    const send = async (): Promise<number[]> => {
      server.heard.length = 0;
      for (let n = 0; n < 200; n++) {
        page.send(`${n}`, relay.port);
        await pause(1);
      }
      await server.hears(200);
      return server.texts.map(Number);
    };
    expect(await send()).toEqual(Array.from({ length: 200 }, (_, n) => n));
    relay.change({ up: { latencyMs: 5, reorder: 0.2, reorderMs: 30 } });
    const order = await send();
    expect(order.filter((n, index) => n < (order[index - 1] ?? -1)).length).toBeGreaterThan(5);
    expect(order.sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, n) => n));
  });

  it('holds a rate, queues in front of it, and drops what finds the queue full', async () => {
    const { relay, server, page } = await start({
      rateBytesPerSecond: 50_000,
      overheadBytes: 28,
      queueMs: 100,
    });
    const began = performance.now();
    for (let n = 0; n < 20; n++) page.send('x'.repeat(472), relay.port); // 10 ms each: 100 ms of queue and the one that is served
    await server.hears(10);
    expect(performance.now() - began).toBeGreaterThan(95);
    await expect.poll(() => relay.stats().up.inFlight).toBe(0);
    const { up } = relay.stats();
    expect(up.queueFull).toBeGreaterThanOrEqual(4);
    expectAllAccountedFor(up);
  });

  it('is dark for as long as it was told, one way or both, for those who come meanwhile too', async () => {
    const { relay, server, page } = await start();
    server.echo = true;
    page.send('before', relay.port);
    await page.hears(1);
    relay.darken(700, 'down');
    expect(relay.darkFor()).toBeGreaterThan(500);
    const late = await Ear.open();
    page.send('during', relay.port);
    late.send('newcomer', relay.port);
    await server.hears(3);
    while (relay.darkFor() > 0) await pause(5);
    page.send('after', relay.port);
    late.send('later', relay.port);
    await page.hears(2);
    await late.hears(1);
    expect(page.texts).toEqual(['before', 'after']);
    expect(late.texts).toEqual(['later']);
    expect(relay.stats().down.lostInBlackout).toBe(2);
    relay.darken(60_000);
    page.send('never', relay.port);
    await expect.poll(() => relay.stats().up.lostInBlackout).toBe(1);
  });

  it('after a NAT rebind the server hears every page from a new port, and nobody hears what it sends to the old one', async () => {
    const { relay, server, page } = await start();
    page.send('one', relay.port);
    await server.hears(1);
    const old = server.heard[0]?.port ?? 0;
    relay.rebind();
    server.send('to the old port', old);
    page.send('two', relay.port);
    await server.hears(2);
    const fresh = server.heard[1]?.port ?? 0;
    expect(fresh).not.toBe(old);
    server.send('to the new port', fresh);
    await page.hears(1);
    expect(page.texts).toEqual(['to the new port']);
    expect(page.heard[0]?.port).toBe(relay.port);
  });

  it('refuses and counts what comes before it knows a server, and hears nobody else in the server’s place', async () => {
    const { relay, server, page } = await start();
    const { target } = relay;
    relay.target = undefined;
    page.send('too early', relay.port);
    await expect.poll(() => relay.stats().refused).toBe(1);
    relay.target = target;
    page.send('in time', relay.port);
    await server.hears(1);
    const stranger = await Ear.open();
    stranger.send('not the server', server.heard[0]?.port ?? 0);
    server.send('the server', server.heard[0]?.port ?? 0);
    await page.hears(1);
    expect(page.texts).toEqual(['the server']);
  });

  it('frees its port when one of its addresses cannot be had, and when it is closed', async () => {
    const { relay } = await start();
    const { port } = relay;
    const network = { up: {}, down: {} };
    const both = { addresses: ['127.0.0.1', '127.0.0.1'], port: 0, network, seed: 1 };
    await expect(Relay.open(both)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await expect(Relay.open({ ...both, addresses: ['127.0.0.1'], port })).rejects.toThrow('EADDRINUSE');
    relay.close();
    const next = await Relay.open({ ...both, addresses: ['127.0.0.1'], port });
    expect(next.port).toBe(port);
    next.close();
  });
});

describe('Agenda', () => {
  it('runs everything once, in order of time, at most half a millisecond early', async () => {
    const agenda = new Agenda();
    const ran: { readonly at: number; readonly early: number }[] = [];
    const start = performance.now();
    let seed = 1;
    const times = Array.from({ length: 500 }, () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return start + (seed % 60_000) / 1_000;
    });
    for (const at of times) {
      const what: Due = {
        due: Number.POSITIVE_INFINITY,
        run: () => ran.push({ at, early: at - performance.now() }),
      };
      agenda.add(what, at + 20);
      agenda.add(what, at); // earlier counts
      agenda.add(what, at + 10);
    }
    while (ran.length < times.length) await pause(5);
    await pause(30);
    expect(ran.map(({ at }) => at)).toEqual([...times].sort((a, b) => a - b));
    expect(Math.max(...ran.map(({ early }) => early))).toBeLessThanOrEqual(0.5);
    agenda.stop();
  });

  it('runs nothing after it was stopped', async () => {
    const agenda = new Agenda();
    let ran = 0;
    const what: Due = { due: Number.POSITIVE_INFINITY, run: () => ran++ };
    agenda.add(what, performance.now() + 5);
    agenda.stop();
    await pause(20);
    expect(ran).toBe(0);
  });
});
