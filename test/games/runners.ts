/** Runners on a line: the least that shows prediction, for the suites about clocks. Where they are close they slow each other down. */

import { defineGame, type Game, grid, int } from '@tickwire/netcode';

/** Units that a runner moves per tick at most. */
export const TOP_SPEED = 4;

/** Runs of the rules by clients. */
export const steps = { onPages: 0 };

const LANES = 20_000;

export const runners = defineGame({
  name: 'runners',
  tickRate: 60,
  snapshotRate: 20,
  entities: {
    runner: { x: grid(0, 40_000, 1 / 64, { follows: 'vx' }), vx: grid(-480, 480, 60 / 64), lane: int(0, 63) },
  },
  options: {
    /** Everybody on one lane, where runners meet; else each has a lane of its own. */
    meet: false,
  },
  command: { dx: int(-1, 1) },
  join: (world, who, ctx) => {
    const lane = ctx.options.meet ? 0 : who.seat;
    world.runner.spawn({ owner: who, x: LANES + who.seat * 40, lane });
  },
  leave: (world, who) => {
    for (const runner of world.runner.ownedBy(who)) runner.despawn();
  },
  step(world, ctx) {
    if (!ctx.isServer) steps.onPages++;
    for (const runner of ctx.simulated(world.runner)) {
      const { dx } = ctx.command(runner.owner);
      let grip = 0.9;
      for (const other of world.runner) {
        const near =
          other.owner !== runner.owner && other.lane === runner.lane && Math.abs(other.x - runner.x) < 60;
        if (near) grip = 0.5;
      }
      const vx = runner.vx * grip + dx * 60;
      // Below this the grid would round friction away.
      runner.vx = Math.abs(vx) < 10 ? 0 : Math.max(-TOP_SPEED * 60, Math.min(TOP_SPEED * 60, vx));
      runner.x += runner.vx / 60;
    }
  },
});

export type RunnersShape = typeof runners extends Game<infer S> ? S : never;
