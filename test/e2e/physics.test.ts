// The physics example in a real browser: the engine comes to the same bits there, and two pages push one ball.

import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { encodeLog } from '@tickwire/netcode';
import { Rig } from '@tickwire/netcode/testing';
import { type Browser, chromium, type Page } from 'playwright-core';
import { createServer, defaultClientConditions, type ViteDevServer } from 'vite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { game, STICK } from '../../examples/physics/game.ts';
import { findChromium } from '../chromium.mjs';
import { addressOf, FLAGS } from './browser.ts';
import { hashes } from './physics/hashes.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const PATIENCE = { timeout: 20_000, interval: 250 };

let vite: ViteDevServer;
let server: ChildProcess;
let browser: Browser;
let url: string;
const problems: string[] = [];

beforeAll(async () => {
  server = spawn(process.execPath, ['examples/start.mjs', 'physics'], {
    cwd: repository,
    env: { ...process.env, PORT: '0', HOST: '127.0.0.1', NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  vite = await createServer({
    root: fileURLToPath(new URL('./physics/', import.meta.url)),
    configFile: false,
    envDir: false,
    logLevel: 'error',
    resolve: { conditions: ['tickwire-source', ...defaultClientConditions] },
    server: { port: 0, host: '127.0.0.1', fs: { allow: [repository] }, watch: null, hmr: false },
  });
  await vite.listen();
  browser = await chromium.launch({ executablePath: findChromium(), args: FLAGS });
  url = await addressOf(server);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await vite?.close();
  const ended = new Promise((done) => server.once('exit', done));
  server?.kill('SIGTERM');
  await ended;
});

async function open(address: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1120, height: 700 } });
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  await page.goto(address);
  return page;
}

test('[R1] the same input log gives the same state in Node and in Chromium, engine and all', async () => {
  const rig = new Rig({
    game,
    seed: 21,
    clients: 3,
    link: 'mobile',
    record: true,
    script: (_core, _now, rng) => ({ dx: rng.int(-STICK, STICK), dy: rng.int(-STICK, STICK) }),
  });
  rig.run(10_000).expectClean();
  const log = encodeLog(rig.server.room.log ?? expect.fail('no log was recorded'));
  const here = hashes(log);
  expect(here.at(-1)).toBe(rig.server.room.simulation.core.hash());
  expect(new Set(here).size).toBeGreaterThan(3);

  const page = await open(vite.resolvedUrls?.local[0] ?? '');
  await page.waitForFunction(() => 'hashes' in globalThis, undefined, { timeout: 60_000 });
  const there = await page.evaluate(
    (bytes) => (globalThis as unknown as { hashes(log: number[]): number[] }).hashes(bytes),
    [...log],
  );
  expect(there).toEqual(here);
  await page.close();
});

interface Seen {
  readonly discs: number;
  readonly ball: { x: number; y: number };
}
const look = (page: Page): Promise<Seen> =>
  page.evaluate(() => {
    const { view } = (
      globalThis as unknown as {
        tickwire: { view: { disc: { count: number }; ball: Iterable<{ x: number; y: number }> } };
      }
    ).tickwire;
    const [ball] = [...view.ball];
    return { discs: view.disc.count, ball: { x: ball?.x ?? 0, y: ball?.y ?? 0 } };
  });

test('two pages push one ball: it moves alike on both', async () => {
  const pages = [await open(url), await open(url)] as const;
  const [first, second] = pages;
  for (const page of pages) {
    await page.waitForFunction(() => 'tickwire' in globalThis, undefined, { timeout: 20_000 });
    await expect.poll(async () => (await look(page)).discs, PATIENCE).toBe(2);
  }
  const start = (await look(first)).ball;
  // Both hold the pointer where the ball lies: they drive into it.
  for (const page of pages) {
    await page.bringToFront();
    const box = await page.locator('canvas').boundingBox();
    if (box === null) return expect.fail('the field is not drawn');
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.waitForTimeout(1_500);
  }
  const moved = async (page: Page): Promise<number> => {
    const { ball } = await look(page);
    return Math.hypot(ball.x - start.x, ball.y - start.y);
  };
  await expect.poll(() => moved(second), PATIENCE).toBeGreaterThan(0.5);
  await second.screenshot({ path: fileURLToPath(new URL('../output/physics.png', import.meta.url)) });
  for (const page of pages) {
    await page.bringToFront();
    await page.mouse.up();
  }
  // Once the hands rest, both see the ball at the same place, to a pixel.
  await expect
    .poll(async () => {
      const [a, b] = await Promise.all(pages.map(async (page) => (await look(page)).ball));
      return Math.hypot((a?.x ?? 0) - (b?.x ?? 9), (a?.y ?? 0) - (b?.y ?? 9));
    }, PATIENCE)
    .toBeLessThan(1 / 40);
  expect(problems).toEqual([]);
  for (const page of pages) await page.close();
});
