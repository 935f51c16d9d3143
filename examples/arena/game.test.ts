/** The arena on the rig: what is predicted is what the server does, and everybody sees the same match. */

import { Rig, syncTest } from '@tickwire/netcode/testing';
import { describe, expect, it } from 'vitest';
import { createBot } from './bots/think.ts';
import { game } from './game.ts';
import { type Input, STICK } from './schema.ts';

/** Minutes of play take seconds; on a busy machine they may take more. */
const PATIENT = { timeout: 60_000 };

describe('the arena', PATIENT, () => {
  it('is predicted exactly by ships that touch nothing', () => {
    const rig = new Rig({
      game,
      seed: 5,
      clients: 4,
      link: 'perfect',
      script: (_core, now, rng): Input => ({
        mx: Math.round(STICK * Math.sign(Math.sin(now / 700))),
        my: rng.int(-1, 1),
        aim: rng.range(-3, 3),
        fire: false,
        dash: rng.chance(0.01) ? 1 : 0,
      }),
    });
    rig.run(10_000).expectClean();
    for (const client of rig.clients) expect(client.core.stats().mispredictions).toBe(0);
  });

  it.each(['perfect', 'wifi', 'mobile'] as const)(
    'stays the same on both sides in a fight with bots (%s)',
    (link) => {
      const think = createBot('cross');
      const rig = new Rig({
        game,
        seed: 9,
        clients: 2,
        link,
        bots: Array(6).fill(think),
        script: (_core, now, rng): Input => ({
          mx: rng.int(-STICK, STICK),
          my: rng.int(-STICK, STICK),
          aim: now / 900,
          fire: true,
          dash: 0,
        }),
      });
      rig.run(10_000).expectClean();
      expect(rig.checks.snapshots).toBeGreaterThan(300);
    },
  );

  it('depends on nothing but state, commands and seed', () => {
    const think = createBot('cross');
    const result = syncTest({
      game,
      seed: 2,
      ticks: 900,
      players: 6,
      think: (world, seat, tick) => think(world, seat, tick),
    });
    expect(result.divergence).toBeUndefined();
  });
});
