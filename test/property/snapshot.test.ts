// Snapshots of random worlds over long chains: what the client decodes is what the server remembers, in one encoding only.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EFFORT, games, runs } from './arbitrary.ts';
import { Chain, type ChainOptions, Totals } from './chain.ts';

const MINUTE = 60_000;
const seeds = fc.integer({ min: 0, max: 2 ** 31 });
const lengths = fc.integer({ min: 5, max: 250 });

/** Worlds tried in a full run and in a quick one. */
function play(full: number, quick: number, options: ChainOptions): Totals {
  const totals = new Totals();
  const tried = fc.property(games, seeds, lengths, (game, seed, steps) => {
    const chain = new Chain(game, seed, totals, options);
    for (let i = 0; i < steps; i++) chain.step();
  });
  fc.assert(tried, { ...runs(full), numRuns: EFFORT === 1 ? full : quick });
  console.log('snapshots', JSON.stringify(totals));
  // Rows that waited for 256 ticks and more are rare: the quick check may see none.
  for (const [name, count] of Object.entries(totals))
    if (EFFORT === 1 || name !== 'beyondWindow') expect(count, name).toBeGreaterThan(0);
  return totals;
}

describe('snapshots of random worlds', () => {
  test(
    '[S2] [S3] [S4] [S6] [W1] [W2] decode to what the server remembers, which is what may be seen, within the budget, in one encoding',
    () => {
      const { snapshots } = play(640, 40, {});
      if (EFFORT === 1) expect(snapshots).toBeGreaterThan(50_000);
    },
    15 * MINUTE,
  );

  test(
    '[S3] [S4] several clients of one encoder get what an encoder of its own writes for each, byte for byte',
    () => {
      play(20, 5, { clients: 5 });
    },
    15 * MINUTE,
  );
});
