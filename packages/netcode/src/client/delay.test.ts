import { describe, expect, it } from 'vitest';
import { InputDelay } from './delay.ts';

const TICK_MS = 1000 / 60;
const delay = (wanted: number, maxPrediction = 1_000): InputDelay =>
  new InputDelay(TICK_MS, 3, wanted, maxPrediction);

/** Snapshots come `ahead` ticks behind the command clock, for some seconds. */
function pass(delay: InputDelay, ahead: number, seconds: number): number {
  let fastest = 0;
  for (let i = 0; i < seconds * 20; i++) {
    delay.arrived(ahead);
    for (let tick = 0; tick < 3; tick++) {
      const before = delay.ticks;
      delay.advance(1);
      fastest = Math.max(fastest, Math.abs(delay.ticks - before));
    }
  }
  return fastest;
}

describe('[C7] InputDelay', () => {
  it('is what was asked for, from the start, and no more than there is lead', () => {
    const asked = delay(5);
    asked.start(12);
    expect(asked.ticks).toBe(5);
    pass(asked, 4.5, 3);
    // Without a round trip to hide, a delay would only make this client late.
    expect(asked.ticks).toBe(3);
    pass(asked, 12, 10);
    expect(asked.ticks).toBe(5);
    expect(asked.capHits).toBe(0);
  });

  it('is forced by a path longer than may be predicted, slowly, and goes again', () => {
    const forced = delay(0, 250);
    forced.start(8);
    expect(forced.ticks).toBe(0);
    expect(pass(forced, 24, 20)).toBeLessThanOrEqual(0.1 + 1e-9);
    // 24 ticks and those of an interval, but 15 of them may be predicted.
    expect(forced.ticks).toBeCloseTo(12, 6);
    expect(forced.capHits).toBeGreaterThan(0);
    pass(forced, 8, 5);
    expect(forced.ticks).toBe(0);
  });

  it('does not shrink for a little less, so that it does not swing', () => {
    const forced = delay(0, 250);
    forced.start(24);
    expect(forced.ticks).toBe(12);
    const { capHits } = forced;
    pass(forced, 22.5, 10);
    pass(forced, 24, 10);
    expect(forced.ticks).toBe(12);
    expect(forced.capHits).toBe(capHits);
  });

  it('adds nothing to a delay that is longer anyway', () => {
    const both = delay(14, 250);
    both.start(24);
    expect(both.ticks).toBe(14);
  });
});
