// The arena as people meet it: `npm start`, two real browser pages, real WebRTC data channels, bots fighting all the while.

import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ArenaClient } from '../../examples/arena/page/client.ts';
import { findChromium } from '../chromium.mjs';
import { addressOf, FLAGS } from './browser.ts';

declare global {
  interface Window {
    tickwire?: ArenaClient;
    dataChannel?: RTCDataChannel;
    /** While true, nothing that the server sends reaches the page. */
    deaf?: boolean;
    watched?: Watched;
  }
}

const repository = fileURLToPath(new URL('../../', import.meta.url));
const pictures = fileURLToPath(new URL('../output/', import.meta.url));
/** A ship's top speed in units per second, with the dash, and some room for a correction. */
const FASTEST = 1_500;

let server: ChildProcess;
let browser: Browser;
let url: string;
const problems: string[] = [];

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true });
  server = spawn(process.execPath, ['examples/start.mjs'], {
    cwd: repository,
    env: { ...process.env, PORT: '0', HOST: '127.0.0.1', BOTS: '6', NODE_ENV: 'production' },
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

test('two pages play each other over WebRTC: at once on one’s own, smoothly on the other’s, kills on both, back after a reload', async () => {
  const a = await player('Ada');
  const b = await player('Bob');

  // Unordered, and given up after 100 ms rather than sent again for ever: see docs/decisions/0006.
  for (const { page } of [a, b])
    expect(await page.evaluate(channelOf)).toEqual({ ordered: false, maxPacketLifeTime: 100, state: 'open' });

  // Ada holds a key: her ship moves although nothing from the server reaches her page, and Bob sees it glide.
  await startWatching(b.page, await a.page.evaluate(() => window.tickwire?.seat ?? 0));
  const moved = await ownMovement(a.page);
  const seen = await b.page.evaluate(() => window.watched as Watched);
  expect(moved.frames).toBeLessThanOrEqual(3);
  expect(moved.lateMs, 'later than one tick and one frame').toBeLessThanOrEqual(0);
  expect(seen.distance).toBeGreaterThan(50);
  expect(seen.viewBackwards).toBe(0);
  expect(seen.fastest).toBeLessThan(FASTEST);
  await a.page.screenshot({ path: `${pictures}arena-a.png` });
  await b.page.screenshot({ path: `${pictures}arena-b.png` });

  // Both stand still among six bots until somebody dies; then both pages count the same.
  const before = await scores(a.page);
  await expect
    .poll(async () => total(await scores(a.page)), { timeout: 120_000 })
    .toBeGreaterThan(total(before));
  await expect
    .poll(
      async () => [await scores(a.page), await scores(b.page)].map((score) => JSON.stringify(score)),
      PATIENCE,
    )
    .toSatisfy(([one, other]: string[]) => one === other);
  await expect.poll(() => feedLines(a.page), PATIENCE).toBeGreaterThan(0);

  // A page that says `null`, and a stranger that answers with nothing, harm nobody.
  await b.page.evaluate(() => window.dataChannel?.send('null'));
  const answered = await fetch(`${url}/.wrtc/v2/connections/0/remote-description`, {
    method: 'POST',
    body: '{}',
  });
  expect(answered.status).toBeGreaterThanOrEqual(400);
  expect(answered.status).toBeLessThan(500);

  // A reload gives the same seat and the same count back.
  const seat = await a.page.evaluate(() => window.tickwire?.seat);
  await a.page.reload();
  await playing(a.page);
  expect(await a.page.evaluate(() => window.tickwire?.seat)).toBe(seat);

  // The bots never stopped.
  const status = await health();
  expect(status.bots).toBeGreaterThanOrEqual(4);
  expect(status.players).toBe(2);
  await expect.poll(async () => (await health()).tick, PATIENCE).toBeGreaterThan(status.tick);

  const stats = await a.page.evaluate(() => window.tickwire?.stats());
  for (const name of STATS) expect(stats, name).toHaveProperty(name);
  // A page that is slow to start says hello twice, and the second welcome comes unexpected; nothing else may be refused.
  expect(Object.keys(stats?.refused ?? {}).filter((reason) => reason !== 'unexpected')).toEqual([]);
  await a.context.close();
  await b.context.close();
  expect(problems.splice(0)).toEqual([]);
}, 240_000);

test('a newcomer is asked for a name, and a small screen gets sticks', async () => {
  const context = await browser.newContext({
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
    deviceScaleFactor: 2,
  });
  const page = await listened(context);
  await page.goto(url);
  await page.locator('input').fill('Grace');
  await page.screenshot({ path: `${pictures}name-card-phone.png` });
  await page.keyboard.press('Enter');
  await playing(page);
  await page.touchscreen.tap(100, 700);
  await page.waitForTimeout(500);
  await page.screenshot({ path: `${pictures}arena-phone.png` });
  expect(await page.evaluate(() => window.tickwire?.view.players.get(window.tickwire.seat)?.name)).toBe(
    'Grace',
  );
  await context.close();
  expect(problems.splice(0)).toEqual([]);
});

test('a player who chases the nearest ship finds a fight; the best picture of it is kept', async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
  const page = await listened(context);
  await page.goto(`${url}/?name=Ada`);
  await playing(page);
  let best = 0;
  let railed = false;
  for (let round = 0; round < 12 && (best < 6 || !railed); round++) {
    const near = await page.evaluate(nearestShip);
    for (const key of ['w', 'a', 's', 'd']) await page.keyboard.up(key);
    if (near !== undefined) {
      const { dx, dy, distance } = near;
      await page.mouse.move(640 + (dx / distance) * 250, 360 + (dy / distance) * 200);
      await page.mouse.down();
      await page.keyboard.press('e');
      if (distance > 250) {
        await page.keyboard.down(dx > 0 ? 'd' : 'a');
        await page.keyboard.down(dy > 0 ? 's' : 'w');
      }
      if (near.inView > best) await page.screenshot({ path: `${pictures}fight.png` });
      best = Math.max(best, near.inView);
    }
    await page.waitForTimeout(700);
    railed ||= await page.evaluate(railUsed);
  }
  expect(railed).toBe(true);
  expect(best).toBeGreaterThanOrEqual(2);
  // The picture in the README: UPDATE_PICTURES=1 npm test -- e2e/arena
  if (process.env['UPDATE_PICTURES'])
    copyFileSync(`${pictures}fight.png`, `${repository}docs/images/arena.png`);
  await context.close();
  expect(problems.splice(0)).toEqual([]);
});

test('when the server goes away the page says so, and it comes back by itself', async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
  const page = await listened(context);
  await page.goto(`${url}/?name=Edsger`);
  await playing(page);
  const port = new URL(url).port;
  const ended = new Promise((done) => server.once('exit', done));
  server.kill('SIGTERM');
  await ended;
  await expect
    .poll(() => page.evaluate(() => window.tickwire?.state), { timeout: 10_000 })
    .not.toBe('playing');
  await page.waitForTimeout(500);
  await page.screenshot({ path: `${pictures}server-gone.png` });
  server = spawn(process.execPath, ['examples/start.mjs'], {
    cwd: repository,
    env: { ...process.env, PORT: port, HOST: '127.0.0.1', BOTS: '6', NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await addressOf(server);
  await expect.poll(() => page.evaluate(() => window.tickwire?.state), { timeout: 30_000 }).toBe('playing');
  await context.close();
  // The browser itself reports requests that nobody answered; nothing else may complain.
  expect(problems.splice(0).filter((problem) => !/Failed to (load resource|fetch)/.test(problem))).toEqual(
    [],
  );
});

const PATIENCE = { timeout: 20_000 };

const STATS = [
  'rtt',
  'jitter',
  'loss',
  'tick',
  'lead',
  'slack',
  'snapshotAge',
  'viewDelay',
  'mispredictions',
  'entities',
  'bytesInPerSecond',
  'bytesOutPerSecond',
];

async function listened(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.addInitScript(noteChannel);
  page.on('pageerror', (error) => problems.push(`page error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`console: ${message.text()}`);
  });
  return page;
}

async function player(name: string): Promise<{ context: BrowserContext; page: Page }> {
  const context = await browser.newContext({ viewport: { width: 960, height: 540 } });
  const page = await listened(context);
  await page.goto(`${url}/?name=${name}`);
  await playing(page);
  return { context, page };
}

async function playing(page: Page): Promise<void> {
  await page.waitForFunction(
    () => window.tickwire?.state === 'playing' && [...window.tickwire.view.ship].some((ship) => ship.mine),
    undefined,
    { timeout: 30_000 },
  );
}

async function health(): Promise<{ tick: number; bots: number; players: number }> {
  return (await fetch(`${url}/healthz`)).json();
}

/** The browser's own word on the channel that carries the game. Runs in the page. */
function channelOf(): { ordered: boolean; maxPacketLifeTime: number | null; state: string } | undefined {
  const { dataChannel: channel } = window;
  return (
    channel && {
      ordered: channel.ordered,
      maxPacketLifeTime: channel.maxPacketLifeTime,
      state: channel.readyState,
    }
  );
}

/** Keeps hold of the data channel that the page sends on, and can keep the server's word from it. Runs before anything else. */
function noteChannel(): void {
  const handler = Object.getOwnPropertyDescriptor(
    RTCDataChannel.prototype,
    'onmessage',
  ) as PropertyDescriptor;
  Object.defineProperty(RTCDataChannel.prototype, 'onmessage', {
    ...handler,
    set(this: RTCDataChannel, listener: RTCDataChannel['onmessage']) {
      const gated = listener && ((event: MessageEvent) => !window.deaf && listener.call(this, event));
      handler.set?.call(this, gated);
    },
  });
  const { send } = RTCDataChannel.prototype;
  RTCDataChannel.prototype.send = function (this: RTCDataChannel, ...data: Parameters<typeof send>) {
    window.dataChannel = this;
    send.apply(this, data);
  } as typeof send;
}

interface Movement {
  /** Frames drawn from the key to the first movement. */
  readonly frames: number;
  /** By how much it was later than one tick and the frames it takes to see it. */
  readonly lateMs: number;
}

/** Presses and holds a key that leads away from the nearest wall, and counts frames until the own ship has moved. */
async function ownMovement(page: Page): Promise<Movement> {
  for (let attempt = 0; attempt < 8; attempt++) {
    await playing(page);
    const key = await page.evaluate(roomiestWay);
    const looking = page.evaluate(firstMovement);
    await page.keyboard.down(key);
    const moved = await looking;
    if (moved !== undefined) await page.waitForTimeout(1_500);
    await page.keyboard.up(key);
    if (moved !== undefined) return moved;
    // The ship was shot, or stood at a wall: once more with the next one.
    await page.waitForTimeout(1_000);
  }
  throw new Error('the own ship never moved');
}

/** The key that leads to the far side of the map. Runs in the page. */
function roomiestWay(): string {
  const ship = [...(window.tickwire?.view.ship ?? [])].find((own) => own.mine);
  return (ship?.x ?? 0) < 1_200 ? 'd' : 'a';
}

/** Waits for a key, keeps the server's word from the page, and says when the own ship was first seen elsewhere. Runs in the page. */
function firstMovement(): Promise<Movement | undefined> {
  const own = () => [...(window.tickwire?.view.ship ?? [])].find((ship) => ship.mine);
  return new Promise((resolve) => {
    let start: { x: number; y: number; at: number } | undefined;
    let longest = 0;
    let before = performance.now();
    let frames = 0;
    const done = (moved: Movement | undefined) => {
      window.deaf = false;
      window.removeEventListener('keydown', pressed);
      resolve(moved);
    };
    setTimeout(() => done(undefined), 5_000);
    const pressed = () => {
      const ship = own();
      if (ship === undefined) return done(undefined);
      window.deaf = true;
      start = { x: ship.x, y: ship.y, at: performance.now() };
    };
    window.addEventListener('keydown', pressed, { once: true });
    const look = () => {
      const ship = own();
      const now = performance.now();
      longest = Math.max(longest, now - before);
      before = now;
      if (start !== undefined) {
        frames++;
        // Beside the frame that takes the key there is the one in which this observer may look just too early.
        const lateMs = now - start.at - 1000 / 60 - 2 * longest;
        if (ship === undefined || frames > 20) return done(undefined);
        if (Math.hypot(ship.x - start.x, ship.y - start.y) > 0.01) return done({ frames, lateMs });
      }
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
}

/** How another player's ship looked from a page, frame by frame. */
interface Watched {
  distance: number;
  /** Units per second of view time. */
  fastest: number;
  viewBackwards: number;
}

/** Watches another player's ship until the page goes away, and keeps the result in `window.watched`. */
function startWatching(page: Page, seat: number): Promise<void> {
  return page.evaluate((watched) => {
    const client = window.tickwire;
    const result = { distance: 0, fastest: 0, viewBackwards: 0 };
    window.watched = result;
    let last: { id: number; x: number; y: number; tick: number } | undefined;
    const look = () => {
      const ship = [...(client?.view.ship ?? [])].find((other) => other.owner === watched);
      const tick = client?.view.tick ?? 0;
      if (last !== undefined && tick < last.tick) result.viewBackwards++;
      // A ship that comes back after its end is another one, somewhere else.
      if (ship !== undefined && last?.id === ship.id && tick > last.tick) {
        const way = Math.hypot(ship.x - last.x, ship.y - last.y);
        result.distance += way;
        // Speed by view time: a frame that took long may show a longer way.
        result.fastest = Math.max(result.fastest, (way / (tick - last.tick)) * 60);
      }
      if (ship !== undefined) last = { id: ship.id, x: ship.x, y: ship.y, tick };
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }, seat);
}

/** Way to the nearest other ship, and how many are on the screen. Runs in the page. */
function nearestShip(): { dx: number; dy: number; distance: number; inView: number } | undefined {
  const ships = [...(window.tickwire?.view.ship ?? [])];
  const own = ships.find((ship) => ship.mine);
  if (own === undefined) return undefined;
  const ways = ships.map((ship) => ({ dx: ship.x - own.x, dy: ship.y - own.y }));
  const inView = ways.filter(({ dx, dy }) => Math.abs(dx) < 600 && Math.abs(dy) < 320).length;
  const others = ways.map((way) => ({ ...way, distance: Math.hypot(way.dx, way.dy), inView }));
  return others.filter((way) => way.distance > 0).sort((a, b) => a.distance - b.distance)[0];
}

/** Whether the own ship has fired its rail gun. Runs in the page. */
function railUsed(): boolean {
  return [...(window.tickwire?.view.ship ?? [])].some((ship) => ship.mine && ship.railAt > 0);
}

/** Kills and deaths by seat, as this page shows them. */
function scores(page: Page): Promise<Record<string, [number, number]>> {
  return page.evaluate(() => {
    const all: Record<string, [number, number]> = {};
    for (const row of window.tickwire?.view.players ?? []) all[row.seat] = [row.kills, row.deaths];
    return all;
  });
}

const total = (score: Record<string, [number, number]>): number =>
  Object.values(score).reduce((sum, [kills]) => sum + kills, 0);

function feedLines(page: Page): Promise<number> {
  return page.evaluate(() => document.querySelector('#feed')?.childElementCount ?? 0);
}
