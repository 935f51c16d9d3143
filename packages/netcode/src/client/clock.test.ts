import { describe, expect, it } from 'vitest';
import { CommandClock } from './clock.ts';

const TICK_MS = 1000 / 60;
const TARGET = 2;

/**
 * A clock against a server whose true slack is known: the server is at `now / TICK_MS`, and commands take `trip` ticks to it.
 * Reports come back after another `trip`.
 */
function drive(clock: CommandClock, trip: number, ms: number, from = 0, each: () => void = () => undefined) {
  const waiting: { at: number; commandTick: number; slack: number }[] = [];
  let lastMade = 0;
  for (let now = from; now <= from + ms; now += TICK_MS) {
    clock.advance(now);
    const tick = Math.floor(clock.position);
    if (tick > lastMade) {
      lastMade = tick;
      clock.made(tick);
      const arrives = now + trip * TICK_MS;
      waiting.push({ at: arrives + trip * TICK_MS, commandTick: tick, slack: tick - arrives / TICK_MS });
    }
    while (waiting[0] !== undefined && waiting[0].at <= now) clock.report(waiting.shift() as never);
    each();
  }
  const now = from + ms;
  return clock.positionAt(now) - now / TICK_MS - trip;
}

const started = (position: number): CommandClock => {
  const clock = new CommandClock(TICK_MS);
  clock.start(0, position);
  return clock;
};

describe('CommandClock', () => {
  it.each([1, 4, 12])('finds its target from a wrong start and stays there (trip of %i ticks)', (trip) => {
    for (const start of [0, 3, 8, 25]) {
      const clock = started(start);
      const slack = drive(clock, trip, 5_000);
      expect(Math.abs(slack - TARGET)).toBeLessThan(1.1);
      expect(Math.abs(clock.slack - TARGET)).toBeLessThan(0.5);
    }
  });

  it('[C4] does nothing without reports', () => {
    const clock = started(10);
    for (let now = 0; now <= 10_000; now += 5) clock.advance(now);
    expect(clock.rate).toBe(1);
    expect(clock.jumps).toBe(0);
    expect(clock.position).toBeCloseTo(10 + 10_000 / TICK_MS, 6);
  });

  it('steers within ten percent, and subtracts what it has corrected already', () => {
    const clock = started(8);
    drive(clock, 4, 2_000);
    let slowest = 1;
    let fastest = 1;
    const trip = 9;
    // The path gets five ticks longer at once: late commands, so it must run faster, but not overshoot.
    drive(clock, trip, 3_000, 2_000, () => {
      slowest = Math.min(slowest, clock.rate);
      fastest = Math.max(fastest, clock.rate);
    });
    expect(fastest).toBeGreaterThan(1.05);
    expect(fastest).toBeLessThanOrEqual(1.1);
    expect(slowest).toBeGreaterThan(0.94);
  });

  it('jumps when two reports say that it is more than ten ticks off', () => {
    const clock = started(6);
    drive(clock, 2, 1_000);
    const jumps = clock.jumps;
    const report = { commandTick: Math.floor(clock.position), slack: -30 };
    clock.made(report.commandTick);
    const before = clock.slack;
    clock.report(report);
    expect(clock.jumps).toBe(jumps);
    expect(clock.slack).toBe(before);
    clock.report(report);
    expect(clock.jumps).toBe(jumps + 1);
    expect(clock.slack).toBeCloseTo(TARGET, 6);
  });

  it('[C8] jumps at once for a command that came far too early: no network makes one early', () => {
    const clock = started(6);
    drive(clock, 2, 1_000);
    const { jumps, position } = clock;
    clock.made(Math.floor(position));
    clock.report({ commandTick: Math.floor(position), slack: 50 });
    expect(clock.jumps).toBe(jumps + 1);
    expect(clock.position).toBeLessThan(position - 45);
  });

  it('[C4] does not judge the path by commands that left late because the page hung', () => {
    const clock = started(6);
    drive(clock, 2, 2_000);
    const { position, slack } = clock;
    const newest = Math.floor(position);
    for (let tick = newest - 20; tick <= newest; tick++) clock.made(tick);
    clock.sent(newest - 21, newest);
    clock.report({ commandTick: newest - 20, slack: -18 });
    expect(clock.slack).toBe(slack);
    // The newest ones of the same packet were made in time.
    clock.report({ commandTick: newest, slack: 1 });
    expect(clock.slack).not.toBe(slack);
  });

  it('does not overshoot when one step takes half a minute', () => {
    const clock = started(6);
    drive(clock, 2, 1_000);
    clock.made(Math.floor(clock.position));
    clock.report({ commandTick: Math.floor(clock.position), slack: -4 });
    expect(clock.rate).toBeGreaterThan(1);
    const lead = clock.position - 1_000 / TICK_MS;
    clock.advance(31_000);
    expect(Math.abs(clock.position - 31_000 / TICK_MS - lead)).toBeLessThan(3);
  });

  it('asked for a position in between, it does not move', () => {
    const clock = started(6);
    clock.advance(100);
    const before = clock.position;
    expect(clock.positionAt(108)).toBeCloseTo(before + 8 / TICK_MS, 9);
    expect(clock.positionAt(90)).toBe(before);
    expect(clock.position).toBe(before);
    expect(clock.timeOf(before + 6)).toBeCloseTo(200, 6);
  });

  it('does not run backwards when the page clock does', () => {
    const clock = started(6);
    clock.advance(100);
    const before = clock.position;
    clock.advance(50);
    expect(clock.position).toBe(before);
  });
});
