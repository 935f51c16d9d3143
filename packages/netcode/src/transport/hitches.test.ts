// The page's shell on a clock of its own: frozen pages, pauses, a system clock that is set, a timer that is lost. Nobody reconnects.

import { ServerCore } from '@tickwire/server/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { defineGame, type Game } from '../simulation/game.ts';
import { grid, int } from '../wire/fields.ts';
import { Client } from './client.ts';
import { memoryLink } from './memory.ts';
import type { Transport } from './transport.ts';
import { Waker } from './waker.ts';

const STEP_MS = 4;
const FRAME_MS = 16;
const HOUR_MS = 3_600_000;

const dots = defineGame({
  name: 'dots',
  entities: { dot: { x: grid(0, 1_000_000, 1) } },
  command: { dx: int(-1, 1) },
  join: (world, who) => {
    world.dot.spawn({ owner: who });
  },
  step(world, ctx) {
    for (const dot of ctx.simulated(world.dot)) dot.x += ctx.command(dot.owner).dx;
  },
});
type Dots = typeof dots extends Game<infer S> ? S : never;

let now = 1_000;
beforeEach(() => {
  now = 1_000;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  vi.spyOn(performance, 'now').mockImplementation(() => now);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A client's shell and a server's core in one process. */
class Page {
  readonly server = new ServerCore(dots, { now, entropy: () => 5, seed: 1 });
  readonly states: string[] = [];
  readonly client: Client<Dots>;
  opened = 0;
  /** Datagrams that the page has sent. */
  sent = 0;
  #pump: () => void = () => undefined;
  #toPage: Transport | undefined;

  constructor() {
    const open = async (): Promise<Transport> => {
      const { a, b, pump } = memoryLink({ deliver: 'manual' });
      const connection = ++this.opened;
      this.server.open(now, connection);
      b.onDatagram = (bytes) => {
        this.sent++;
        this.server.receive(now, connection, bytes);
      };
      this.#toPage = b;
      this.#pump = pump;
      return a;
    };
    const store = { take: () => undefined, put: () => undefined };
    this.client = new Client({
      game: dots,
      open,
      store,
      name: '',
      room: '',
      timeoutMs: 5_000,
      development: true,
    });
    this.client.on('state', (state) => this.states.push(state));
  }

  /** Lets `ms` pass. A frozen page neither draws nor reads nor has timers; the system clock (`Date`) is nobody's business. */
  async pass(ms: number, frozen = false): Promise<this> {
    for (const end = now + ms; now < end; now += STEP_MS) {
      this.server.advance(now);
      for (let out = this.server.pollDatagram(); out !== undefined; out = this.server.pollDatagram())
        this.#toPage?.send(out.bytes);
      if (frozen) continue;
      this.#pump();
      await vi.advanceTimersByTimeAsync(STEP_MS);
      if (now % FRAME_MS === 0) this.client.frame(() => ({ dx: 1 }));
    }
    return this;
  }

  static async playing(): Promise<Page> {
    const page = new Page();
    const joined = page.client.join();
    await page.pass(3_000);
    await joined;
    expect(page.states).toEqual(['playing']);
    return page;
  }
}

describe('[C6] a page', () => {
  it.each([400, 30_000])(
    'that stands still for %i ms stays connected, is in step soon, and sends no burst',
    async (ms) => {
      const page = await Page.playing();
      await page.pass(ms, true);
      const { sent } = page;
      await page.pass(100);
      // One packet per tick, and the probe or two that open the gate again.
      expect(page.sent - sent).toBeLessThanOrEqual(10);
      await page.pass(400);
      const { slack, targetSlack } = page.client.stats();
      expect(Math.abs(slack - targetSlack)).toBeLessThan(1);
      expect(Math.abs(page.client.tick - page.server.tick)).toBeLessThan(8);
      await page.pass(3_000);
      expect(page.states).toEqual(['playing']);
      expect(page.opened).toBe(1);
      page.client.close();
    },
  );

  it('does not care when the system clock is set by an hour', async () => {
    const page = await Page.playing();
    for (const step of [HOUR_MS, -2 * HOUR_MS]) {
      vi.setSystemTime(Date.now() + step);
      const { tick } = page.client;
      const { substituted } = page.server.stats();
      await page.pass(2_000);
      expect(page.client.tick - tick).toBeGreaterThan(115);
      expect(page.client.tick - tick).toBeLessThan(125);
      expect(page.server.stats().substituted).toBe(substituted);
    }
    expect(page.states).toEqual(['playing']);
    expect(page.opened).toBe(1);
    page.client.close();
  });

  it('hands its wishes on to the core', async () => {
    const settings = {
      game: dots,
      open: () => new Promise<Transport>(() => undefined),
      store: { take: () => undefined, put: () => undefined },
    };
    const common = { name: '', room: '', timeoutMs: 5_000, development: true };
    expect(() => new Client({ ...settings, ...common, inputDelay: 61 })).toThrow(
      /inputDelay must be 0\.\.60/,
    );
    expect(() => new Client({ ...settings, ...common, maxPrediction: 50 })).toThrow(
      /maxPrediction must be 100\.\.1500/,
    );
  });
});

describe('Waker', () => {
  it('rings again after its timer was lost with a frozen page', () => {
    let rung = 0;
    const waker = new Waker(() => rung++);
    waker.at(now + 10);
    vi.clearAllTimers();
    now += 500;
    waker.at(now + 10);
    vi.advanceTimersByTime(100);
    // It may still be under way.
    expect(rung).toBe(0);
    now += 1_000;
    waker.at(now + 10);
    vi.advanceTimersByTime(100);
    expect(rung).toBe(1);
    waker.stop();
    now += 5_000;
    waker.at(now + 10);
    vi.advanceTimersByTime(100);
    expect(rung).toBe(1);
  });
});
