// The page's side of a connection in a real browser: joining, reloading, hiding, leaving at once, and being told why not.

import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { createServer, defaultClientConditions, defaultServerConditions, type ViteDevServer } from 'vite';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { tickwire } from '../../packages/server/src/vite/index.ts';
import { findChromium } from '../chromium.mjs';

const root = fileURLToPath(new URL('./connection/', import.meta.url));
const repository = fileURLToPath(new URL('../../', import.meta.url));
const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let vite: ViteDevServer;
let browser: Browser;
let url: string;
const pages: Page[] = [];
const problems: string[] = [];

beforeAll(async () => {
  vite = await createServer({
    root,
    configFile: false,
    envDir: false,
    mode: 'development',
    logLevel: 'error',
    plugins: [tickwire()],
    resolve: { conditions: ['tickwire-source', ...defaultClientConditions] },
    ssr: {
      resolve: { conditions: ['tickwire-source', ...defaultServerConditions] },
      noExternal: [/^@tickwire\//],
      external: ['node-datachannel', 'pino', 'hono', '@hono/node-server', 'msgpackr'],
    },
    // Files edited while this runs are another run's business.
    server: { port: 0, host: '127.0.0.1', fs: { allow: [repository] }, watch: null, hmr: false },
  });
  await vite.listen();
  url = (vite.resolvedUrls?.local[0] ?? '').replace(/\/$/, '');
  browser = await chromium.launch({ executablePath: findChromium(), args: FLAGS });
  let healthy = false;
  while (!healthy) healthy = (await fetch(`${url}/healthz`)).ok;
  const warm = await open(); // Vite finds and bundles the page's packages on the first visit, and may reload it
  await warm.close();
  problems.length = 0;
});
afterEach(async () => {
  for (const page of pages.splice(0)) await page.close();
  expect(problems.splice(0)).toEqual([]);
});
afterAll(async () => {
  await browser?.close();
  await vite?.close();
});

interface PageClient {
  readonly seat: number;
  readonly state: string;
  readonly tick: number;
  readonly joinedMs: number;
  readonly x: number | undefined;
}

async function open(): Promise<Page> {
  const page = await browser.newPage();
  pages.push(page);
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  await page.goto(url);
  await joined(page);
  return page;
}
const joined = (page: Page) => page.waitForFunction(() => 'client' in globalThis || 'failure' in globalThis);
const look = (page: Page): Promise<PageClient> =>
  page.evaluate(() => (globalThis as unknown as { look(): PageClient }).look());
const players = async (): Promise<number> =>
  ((await (await fetch(`${url}/healthz`)).json()) as { players: number }).players;

test('a page joins quickly and plays, with nothing in its console', async () => {
  const page = await open();
  const before = await look(page);
  expect(before).toMatchObject({ state: 'playing' });
  expect(before.joinedMs).toBeLessThan(2000);
  await page.keyboard.down('ArrowRight');
  await expect.poll(async () => (await look(page)).x, { timeout: 5000 }).toBeGreaterThan(500);
});

test('a reload comes back to the same seat, a duplicate of the page gets its own', async () => {
  const page = await open();
  const { seat } = await look(page);
  for (let n = 0; n < 3; n++) {
    await page.reload();
    await joined(page);
    expect(await look(page)).toMatchObject({ seat, state: 'playing' });
  }
  const popup = page.waitForEvent('popup');
  await page.evaluate(() => window.open(location.href)); // copies the session storage, as duplicating a tab does
  const copy = await popup;
  pages.push(copy);
  await joined(copy);
  expect((await look(copy)).seat).not.toBe(seat);
  expect(await look(page)).toMatchObject({ seat, state: 'playing' });
});

test('a hidden page keeps its connection and its clock', async () => {
  const page = await open();
  const session = await page.context().newCDPSession(page);
  await session.send('Page.setWebLifecycleState', { state: 'active' });
  await page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'hidden' });
    document.dispatchEvent(new Event('visibilitychange'));
    (globalThis as unknown as { stopDrawing(): void }).stopDrawing(); // as the browser does
  });
  const { tick } = await look(page);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const after = await look(page);
  expect(after.state).toBe('playing');
  expect(after.tick - tick).toBeGreaterThan(100); // 60 Hz, not the 1 Hz of a hidden page's own timers
});

test('three hundred joins that leave at once leave nothing behind', async () => {
  const page = await open();
  const context = await browser.newContext();
  const visitor = await context.newPage();
  await visitor.goto(`${url}/leave.html`);
  await visitor.waitForFunction(() => (globalThis as { left?: number }).left === 300, undefined, {
    timeout: 220_000,
  });
  await context.close();
  expect(await look(page)).toMatchObject({ state: 'playing' });
  await expect.poll(players, { timeout: 10_000 }).toBeLessThanOrEqual(8);
  await open();
}, 240_000);

test('a page that cannot reach the UDP port says so within 5 s', async () => {
  const page = await browser.newPage();
  pages.push(page);
  await page.addInitScript(() => {
    RTCPeerConnection.prototype.addIceCandidate = () => Promise.resolve(); // the server's address never gets through
  });
  await page.goto(url);
  await joined(page);
  const failure = await page.evaluate(
    () => (globalThis as unknown as { failure: { code: string; afterMs: number } }).failure,
  );
  expect(failure.code).toBe('udp-blocked');
  expect(failure.afterMs).toBeLessThan(5500);
});
