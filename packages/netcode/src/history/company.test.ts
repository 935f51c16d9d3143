import { describe, expect, it } from 'vitest';
import { Company } from './company.ts';

/** A grid of bodies on a turning raft: each misses by what the raft's unforeseen turn does at its place. */
const missed = (x: number, y: number): Float64Array => Float64Array.of(40 - 0.1 * y, 10 + 0.1 * x, 3);

describe('Company', () => {
  it('expects of a row what its neighbours missed, carried to its own place', () => {
    const company = new Company(25);
    const place = (row: number): [number, number] => [(row % 5) * 100, Math.floor(row / 5) * 100];
    for (let row = 0; row < 25; row++) company.add(row, ...place(row), 0, 1, 2, 3);
    company.sort();
    expect(new Set(company.order).size).toBe(25);
    const still = new Float64Array(3);
    let plane = 0;
    let nearest = 0;
    for (let n = 0; n < 25; n++) {
      const row = company.order[n] as number;
      company.ask(row);
      const truth = missed(...place(row));
      if (n > 9) {
        for (let i = 0; i < 3; i++) {
          plane += Math.abs((company.plane[i] as number) - (truth[i] as number));
          nearest += Math.abs((company.near[i] as number) - (truth[i] as number));
        }
        expect(company.nearest2).toBe(100 * 100 + 1);
      }
      company.tell(row, truth, still);
    }
    expect(nearest).toBeGreaterThan(100);
    expect(plane).toBeLessThan(nearest / 2);
  });

  it('has nothing to say to the first', () => {
    const company = new Company(2);
    company.add(1, 5, 5, 5, 0, 0, 0);
    company.sort();
    company.ask(1);
    expect(company.nearest2).toBe(0);
    expect([...company.plane]).toEqual([0, 0, 0]);
  });
});
