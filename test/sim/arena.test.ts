// The arena under the instruments: its rules depend on nothing but state, input, tick and seed, and a full match travels unharmed.
import { Rig, syncTest } from '@tickwire/netcode/testing';
import { expect, test } from 'vitest';
import { createBot } from '../../examples/arena/bots/think.ts';
import { game } from '../../examples/arena/game.ts';
import { FULL } from './play.ts';

/** 28 minutes of a match; in the quick check, 50 seconds. */
const TICKS = FULL ? 100_000 : 3_000;

const mind = createBot(game.definition.options?.map ?? '');

/** Bots think all the time; here each thinks at every sixth tick and holds its hands still between. */
function slowBot(): typeof mind {
  const held = new Map<number, ReturnType<typeof mind>>();
  return (world, me, tick) => {
    if ((tick + me) % 6 === 0 || !held.has(me)) held.set(me, mind(world, me, tick));
    return { ...(held.get(me) as ReturnType<typeof mind>), dash: (tick + me) % 97 === 0 ? 1 : 0 };
  };
}

test(`${TICKS.toLocaleString('en')} ticks of the arena run a second time exactly as the first`, () => {
  const bot = slowBot();
  let shots = 0;
  const result = syncTest({
    game,
    seed: 1,
    ticks: TICKS,
    players: 8,
    // Six ticks again at every twelfth: half of all ticks run twice.
    every: 12,
    think: (world, seat, tick, rng) => {
      shots = Math.max(shots, world.shot.count);
      const input = bot(world as never, seat, tick);
      return rng.chance(0.02) ? { ...input, fire: !input.fire } : input;
    },
  });
  expect(result).toMatchObject({ ticks: TICKS, divergence: undefined });
  expect(shots).toBeGreaterThan(10);
}, 300_000);

test.each(['wifi', 'mobile', 'terrible'] as const)('[S3] a match of 4 players and 8 bots on %s', (link) => {
  const bot = slowBot();
  const rig = new Rig({
    game,
    seed: 41,
    clients: 4,
    link,
    bots: Array.from({ length: 8 }, () => bot as never),
    script: (client, now) => ({
      mx: Math.sin(now / 800 + client.seat),
      my: Math.cos(now / 1_100 + client.seat),
      aim: (now / 500) % 6,
      fire: true,
      dash: 0,
    }),
  });
  rig.run(FULL ? 30_000 : 5_000);
  const { checks } = rig.expectClean();
  expect(checks.snapshots).toBeGreaterThan(4 * 20 * 5 * 0.7);
  expect(checks.beyondHistory).toBe(0);
  // Nothing waits: twelve players fit a datagram.
  expect(rig.server.stats().deferredRows).toBeLessThan(checks.rows / 100);
  const fallen = [...rig.server.room.world.players].reduce((sum, player) => sum + player.deaths, 0);
  if (FULL) expect(fallen).toBeGreaterThan(0);
});
