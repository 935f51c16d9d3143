import { describe, expect, it } from 'vitest';
import { Rng } from './rng.ts';

describe('Rng', () => {
  it('gives the same numbers for ever: these are part of every recorded match', () => {
    const rng = new Rng(1, 2, 3);
    expect([rng.u32(), rng.u32(), rng.u32(), rng.u32()]).toEqual(GOLDEN);
  });

  it('starts again on reseed, in the state a new one would have', () => {
    const used = new Rng(99);
    for (let i = 0; i < 10; i++) used.next();
    const fresh = new Rng(7, 8, 9);
    used.reseed(7, 8, 9);
    for (let i = 0; i < 20; i++) expect(used.u32()).toBe(fresh.u32());
  });

  it('counts seed words modulo 2^32', () => {
    expect(new Rng(2 ** 32 + 5, -1).u32()).toBe(new Rng(5, 0xffffffff).u32());
  });

  it('shares nothing between neighbouring seeds: half of the bits differ', () => {
    let differing = 0;
    for (let tick = 0; tick < 1_000; tick++) {
      const a = new Rng(42, tick, 7).u32();
      const b = new Rng(42, tick + 1, 7).u32();
      differing += bits(a ^ b);
    }
    expect(differing / 1_000 / 32).toBeGreaterThan(0.49);
    expect(differing / 1_000 / 32).toBeLessThan(0.51);
  });

  it('tells the order of its seed words', () => {
    expect(new Rng(1, 2).u32()).not.toBe(new Rng(2, 1).u32());
    expect(new Rng(0, 0, 1).u32()).not.toBe(new Rng(0, 1, 0).u32());
  });

  it('is even: 60,000 throws of a die give each face about 10,000 times', () => {
    const rng = new Rng(5);
    const faces = [0, 0, 0, 0, 0, 0, 0];
    for (let i = 0; i < 60_000; i++) faces[rng.int(1, 6)]!++;
    expect(faces[0]).toBe(0);
    for (const count of faces.slice(1)) expect(Math.abs(count - 10_000)).toBeLessThan(400);
  });

  it('stays inside its bounds and has the right mean', () => {
    const rng = new Rng(6);
    let sum = 0;
    let hits = 0;
    for (let i = 0; i < 20_000; i++) {
      const value = rng.range(-3, 5);
      expect(value >= -3 && value < 5).toBe(true);
      sum += value;
      if (rng.chance(0.25)) hits++;
    }
    expect(sum / 20_000).toBeCloseTo(1, 1);
    expect(hits / 20_000).toBeCloseTo(0.25, 1);
  });

  it('covers a span of 2^32 without leaving it', () => {
    const rng = new Rng(8);
    for (let i = 0; i < 1_000; i++) {
      const value = rng.int(-(2 ** 31), 2 ** 31 - 1);
      expect(value).toBe(value | 0);
    }
  });
});

/** From an independent program in another language. */
const GOLDEN = [3790104830, 3303582086, 1329292173, 2988962919];

const bits = (word: number): number => (word >>> 0).toString(2).replaceAll('0', '').length;
