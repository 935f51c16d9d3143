// The tick loop on the real clock: short, and with margins that a busy machine keeps.

import { afterEach, expect, test, vi } from 'vitest';
import { TickLoop } from './loop.ts';

const loops: TickLoop[] = [];
afterEach(() => {
  for (const loop of loops.splice(0)) loop.stop();
});
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A core that wants to run every `periodMs`, from absolute times. */
function metronome(periodMs: number, body: () => void = () => undefined) {
  const start = performance.now();
  const ran: number[] = [];
  const overruns: number[] = [];
  const errors: unknown[] = [];
  let due = start;
  const loop = new TickLoop({
    nextWakeup: () => due,
    run(now) {
      while (due <= now) due += periodMs;
      ran.push(now - start);
      body();
    },
    overrun: (lateMs, tookMs) => overruns.push(Math.max(lateMs, tookMs)),
    failed: (error) => errors.push(error),
  });
  loops.push(loop);
  return { loop, ran, overruns, errors, wake: (at: number) => (due = at) };
}

test('runs at its rate and does not drift', async () => {
  const { loop, ran } = metronome(1000 / 60);
  loop.start();
  await pause(1000);
  loop.stop();
  // A loop that slept 17 ms after each run would be 20 runs short after a second with a step of 5 ms; a late start costs two here.
  expect(ran.length).toBeGreaterThanOrEqual(57);
  expect(ran.length).toBeLessThanOrEqual(61);
  expect(loop.stats.runs).toBe(ran.length);
});

test('runs never before it is due', async () => {
  const early: number[] = [];
  const start = performance.now();
  let due = start + 7.3;
  const loop = new TickLoop({
    nextWakeup: () => due,
    run(now) {
      if (now < due) early.push(due - now);
      due += 7.3;
    },
    failed: () => undefined,
  });
  loops.push(loop);
  loop.start();
  await pause(300);
  expect(early).toEqual([]);
});

test('reports an overrun once per second', async () => {
  const { loop, overruns } = metronome(10, () => {
    const until = performance.now() + 30;
    while (performance.now() < until);
  });
  loop.start();
  await pause(250);
  loop.stop();
  expect(loop.stats.overruns).toBeGreaterThanOrEqual(3);
  expect(overruns).toHaveLength(1);
  expect(overruns[0]).toBeGreaterThanOrEqual(29);
  expect(loop.stats.worstTookMs).toBeGreaterThanOrEqual(29);
});

test('[C6] a process that stood still is one late run, not one for each that it missed', async () => {
  const { loop, ran } = metronome(10);
  loop.start();
  await pause(50);
  const before = ran.length;
  const until = performance.now() + 400;
  while (performance.now() < until);
  await pause(30);
  loop.stop();
  expect(ran.length - before).toBeGreaterThanOrEqual(1);
  expect(ran.length - before).toBeLessThan(20);
  expect(loop.stats.worstLateMs).toBeGreaterThan(300);
});

test('[C6] does not care when the system clock is set by an hour', async () => {
  const { loop, ran } = metronome(10);
  loop.start();
  await pause(50);
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
  try {
    const before = ran.length;
    const from = performance.now();
    await pause(300);
    expect(ran.length - before).toBeGreaterThanOrEqual(3);
    expect(ran.length - before).toBeLessThanOrEqual((performance.now() - from) / 10 + 2);
  } finally {
    vi.useRealTimers();
  }
});

test('wakes earlier when the core changes its mind', async () => {
  const { loop, ran, wake } = metronome(10_000);
  loop.start();
  await pause(30);
  expect(ran).toHaveLength(1);
  wake(performance.now() + 5);
  loop.reconsider();
  await pause(60);
  expect(ran.length).toBeGreaterThanOrEqual(2);
});

test('stops at an exception and hands it over', async () => {
  const { loop, ran, errors } = metronome(5, () => {
    throw new Error('planted');
  });
  loop.start();
  await pause(50);
  expect(ran).toHaveLength(1);
  expect(String(errors[0])).toContain('planted');
});

test('stops when told to', async () => {
  const { loop, ran } = metronome(5);
  loop.start();
  await pause(30);
  loop.stop();
  const count = ran.length;
  await pause(40);
  expect(ran.length).toBe(count);
});
