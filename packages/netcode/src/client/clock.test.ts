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
  const clock = new CommandClock(TICK_MS, TARGET);
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

  it('jumps when it is more than ten ticks off', () => {
    const clock = started(6);
    drive(clock, 2, 1_000);
    const jumps = clock.jumps;
    clock.made(Math.floor(clock.position));
    clock.report({ commandTick: Math.floor(clock.position), slack: -30 });
    expect(clock.jumps).toBe(jumps + 1);
    expect(clock.slack).toBeCloseTo(TARGET, 6);
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
