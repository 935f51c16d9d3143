// The README's game in real browsers: several fresh joins, and a key that moves a box on every screen.

import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findChromium } from '../chromium.mjs';
import { addressOf, FLAGS } from './browser.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const JOINS = 6;
const PATIENCE = { timeout: 20_000, interval: 500 };

let server: ChildProcess;
let browser: Browser;
let url: string;

beforeAll(async () => {
  server = spawn(process.execPath, ['examples/start.mjs', 'smallest'], {
    cwd: repository,
    env: { ...process.env, PORT: '0', HOST: '127.0.0.1', NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  url = await addressOf(server);
  browser = await chromium.launch({ executablePath: findChromium(), args: FLAGS });
}, 120_000);

afterAll(async () => {
  await browser?.close();
  const ended = new Promise((done) => server.once('exit', done));
  server?.kill('SIGTERM');
  await ended;
});

test(`${JOINS} pages join afresh, each of them hears the server, and a box moves on every screen`, async () => {
  const problems: string[] = [];
  const pages: Page[] = [];
  for (let n = 0; n < JOINS; n++) {
    const page = await browser.newPage({ viewport: { width: 840, height: 680 } });
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    await page.goto(url);
    await expect.poll(() => litPixels(page), PATIENCE).toBeGreaterThan(0);
    pages.push(page);
  }
  const [first] = pages as [Page];
  await first.bringToFront();
  // All boxes start at one place: the one that moves leaves it on every screen. A page that just came to the front may still
  // lose the key with a late blur, so it is pressed until the box has arrived.
  const arrived = async (): Promise<number> => {
    await first.keyboard.up('ArrowRight');
    await first.keyboard.down('ArrowRight');
    await first.waitForTimeout(1_000);
    return rightmostPixel(first);
  };
  await expect.poll(arrived, PATIENCE).toBeGreaterThan(600);
  for (const page of pages) await expect.poll(() => rightmostPixel(page), PATIENCE).toBeGreaterThan(600);
  await first.keyboard.up('ArrowRight');
  await first.screenshot({ path: fileURLToPath(new URL('../output/smallest.png', import.meta.url)) });
  expect(problems).toEqual([]);
  for (const page of pages) await page.close();
});

/** Drawn pixels of the canvas, every fourth. */
function litPixels(page: Page): Promise<number> {
  return page.evaluate(() => {
    const canvas = document.querySelector('canvas');
    const pixels = canvas?.getContext('2d')?.getImageData(0, 0, 800, 600).data ?? [];
    let lit = 0;
    for (let i = 3; i < pixels.length; i += 16) if (pixels[i] !== 0) lit++;
    return lit;
  });
}

/** The rightmost column with a drawn pixel. */
function rightmostPixel(page: Page): Promise<number> {
  return page.evaluate(() => {
    const pixels =
      document.querySelector('canvas')?.getContext('2d')?.getImageData(0, 0, 800, 600).data ?? [];
    let right = -1;
    for (let i = 3; i < pixels.length; i += 4)
      if (pixels[i] !== 0) right = Math.max(right, ((i - 3) / 4) % 800);
    return right;
  });
}
