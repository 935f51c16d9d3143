import { describe, expect, it } from 'vitest';
import { TREND_VALUES, Trend } from './trend.ts';

/** Newest first. */
const series = (of: (t: number) => number): Float64Array =>
  Float64Array.from({ length: TREND_VALUES }, (_, back) => Math.round(of(-back)));

describe('Trend', () => {
  it('finds a slow speed under the rounding that hides it from one step to the next', () => {
    const trend = new Trend();
    for (let phase = 0; phase < 1; phase += 0.1) {
      trend.look(
        1,
        series((t) => phase + 0.37 * t),
        TREND_VALUES,
        6,
        0.25,
      );
      expect(Math.abs(trend.value - (phase + 0.37 * 6))).toBeLessThan(0.5);
      expect(trend.window).toBe(9);
    }
  });

  it('follows a fall with a parabola', () => {
    const trend = new Trend();
    const fall = (t: number): number => 500 + 7 * t - 0.7 * t * t;
    trend.look(2, series(fall), TREND_VALUES, 6, 0.25);
    expect(Math.abs(trend.value - fall(6))).toBeLessThan(0.7);
  });

  it('forgets what was before a bounce', () => {
    const trend = new Trend();
    const bounce = (t: number): number => (t > -8 ? 5 * t : -40 - 9 * (t + 8));
    trend.look(1, series(bounce), TREND_VALUES, 6, 0.25);
    expect(trend.value).toBeCloseTo(30, 1);
    expect(trend.window).toBeLessThan(6);
  });
});
