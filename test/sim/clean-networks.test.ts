// The networks on which prediction must be right.
import { expect, test } from 'vitest';
import { commandsRun, mispredictions, profileSuite } from './profile-suite.ts';

profileSuite('perfect', (played) => {
  test('[P1] every pull runs exactly once, those before the first snapshot too (seed 1)', () => {
    // Seat 1 pulls three times between its welcome and its first snapshot; they were once forgotten.
    const { hands, rig } = played();
    expect(hands.ran(rig)).toEqual(hands.pulls);
  });

  test('[P2] nothing is mispredicted, spawns included, and no command is missed', () => {
    const { rig } = played();
    expect(mispredictions(rig)).toEqual([0, 0, 0, 0]);
    expect(rig.server.stats().substituted).toBe(0);
  });
});

profileSuite('wifi', (played) => {
  test('mispredictions happen at counted substitutions only, at most one in 10,000 commands', () => {
    const { rig } = played();
    const { substituted } = rig.server.stats();
    const missed = mispredictions(rig).reduce((sum, count) => sum + count, 0);
    expect(missed).toBeLessThanOrEqual(substituted);
    expect(substituted).toBeLessThanOrEqual(commandsRun(rig) / 10_000);
  });
});
