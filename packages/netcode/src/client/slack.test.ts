import { describe, expect, it } from 'vitest';
import { Rng } from '../base/rng.ts';
import { TargetSlack } from './slack.ts';

const TICK_MS = 1000 / 60;
const fresh = (): TargetSlack => new TargetSlack(TICK_MS);
const second = (target: TargetSlack, shortfall: () => number, loss = 0): void => {
  for (let i = 0; i < 20; i++) target.learn(shortfall(), loss);
  target.advance(60);
};

describe('[C5] TargetSlack', () => {
  it('asks for the ticks of a packet and one more, where nothing is late or lost', () => {
    const target = fresh();
    expect(target.ticks).toBe(2);
    for (let i = 0; i < 60; i++) second(target, () => 0.2);
    expect(target.ticks).toBe(2);
    for (let i = 0; i < 600; i++) target.sent(2);
    expect(target.ticks).toBeCloseTo(3, 1);
    for (let i = 0; i < 600; i++) target.sent(1);
    expect(target.ticks).toBeCloseTo(2, 1);
  });

  it('one bad report is a hiccup, two are a reason; then it falls slowly', () => {
    const target = fresh();
    for (let i = 0; i < 30; i++) second(target, () => 0);
    target.learn(6, 0);
    expect(target.ticks).toBe(2);
    target.learn(6, 0);
    expect(target.ticks).toBeGreaterThan(7);
    let before = target.ticks;
    let seconds = 0;
    for (; target.ticks > 2 && seconds < 200; seconds++) {
      second(target, () => 0);
      expect(before - target.ticks).toBeLessThanOrEqual(0.5 + 1e-9);
      before = target.ticks;
    }
    expect(seconds).toBeGreaterThan(10);
    expect(seconds).toBeLessThan(60);
  });

  it('leaves room for all but one report in 250', () => {
    const rng = new Rng(5);
    const target = fresh();
    let late = 0;
    let all = 0;
    for (let i = 0; i < 600; i++) {
      second(target, () => {
        // Rarer and rarer: each tick more half as often.
        let ticks = 0;
        while (rng.chance(0.5)) ticks++;
        if (i > 60) {
          all++;
          if (ticks > target.ticks) late++;
        }
        return ticks;
      });
    }
    expect(late / all).toBeLessThan(1 / 250);
    expect(target.ticks).toBeLessThan(12);
  });

  it('grows with the share of lost packets, and is bounded', () => {
    const wanted = [0, 0.005, 0.05, 0.2].map((loss) => {
      const target = fresh();
      for (let i = 0; i < 10; i++) second(target, () => 0, loss);
      return target.ticks;
    });
    expect(wanted).toEqual([...wanted].sort((a, b) => a - b));
    // With 5 % lost, six packets in a row are lost once in 64 million.
    expect(wanted[2]).toBeGreaterThan(4);
    expect(wanted[3]).toBeLessThanOrEqual(6 + 1e-9);
    const hopeless = fresh();
    for (let i = 0; i < 10; i++) second(hopeless, () => 100, 0.9);
    expect(hopeless.ticks).toBeLessThanOrEqual(2 + 250 / TICK_MS);
  });
});
