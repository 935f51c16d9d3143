import { describe, expect, it } from 'vitest';
import { Rng } from '../base/rng.ts';
import { Lateness } from './lateness.ts';

const INTERVAL = 50;

describe('Lateness', () => {
  it('needs an interval on a steady path, and nothing before the first arrival', () => {
    const lateness = new Lateness(INTERVAL);
    expect(lateness.needed).toBe(0);
    for (let i = 0; i < 300; i++) lateness.add(0, INTERVAL);
    expect(lateness.needed).toBeGreaterThan(INTERVAL - 1);
    expect(lateness.needed).toBeLessThan(INTERVAL + 1);
  });

  it('leaves moments without a snapshot for half a percent of the time', () => {
    for (const loss of [0, 0.02, 0.1, 0.3]) {
      const rng = new Rng(7);
      const lateness = new Lateness(INTERVAL);
      const arrivals: { late: number; gap: number }[] = [];
      for (let i = 0, gap = INTERVAL; i < 240; i++, gap += INTERVAL) {
        if (rng.chance(loss)) continue;
        arrivals.push({ late: rng.range(-20, 20), gap: Math.min(gap, 3 * INTERVAL) });
        lateness.add(arrivals.at(-1)?.late ?? 0, gap);
        gap = 0;
      }
      // Moment by moment: does the snapshot that serves it come in time?
      let missing = 0;
      let moments = 0;
      for (const { late, gap } of arrivals)
        for (let before = 0.05; before < gap; before += 0.1, moments++)
          if (late + before > lateness.needed) missing++;
      expect(missing / moments).toBeLessThan(0.0055);
      expect(missing / moments).toBeGreaterThan(0.003);
    }
  });

  it('prepares for two losses in a row and not for a pause', () => {
    const lateness = new Lateness(INTERVAL);
    for (let i = 0; i < 200; i++) lateness.add(0, i % 50 === 25 ? 5_000 : INTERVAL);
    expect(lateness.needed).toBeGreaterThan(INTERVAL);
    expect(lateness.needed).toBeLessThanOrEqual(3 * INTERVAL);
  });

  it('forgets what was twelve seconds ago', () => {
    const lateness = new Lateness(INTERVAL);
    for (let i = 0; i < 20; i++) lateness.add(200, INTERVAL);
    expect(lateness.needed).toBeGreaterThan(200);
    for (let i = 0; i < 241; i++) lateness.add(0, INTERVAL);
    expect(lateness.needed).toBeLessThan(INTERVAL + 1);
  });

  it('takes it back when the mean has moved instead', () => {
    const lateness = new Lateness(INTERVAL);
    for (let i = 0; i < 100; i++) lateness.add(0, INTERVAL);
    for (let i = 0; i < 8; i++) lateness.add(90, INTERVAL);
    expect(lateness.needed).toBeGreaterThan(90);
    lateness.shift(90, 8);
    expect(lateness.needed).toBeLessThan(INTERVAL + 1);
    lateness.clear();
    expect(lateness.needed).toBe(0);
  });
});
