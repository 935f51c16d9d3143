/** A wide meadow with any number of sheep, and a dog for each player: what the interest suite plays. */

import { type Area, defineGame, grid, int } from '@tickwire/netcode';

export const MEADOW = 4096;

/** Rates are whole steps per tick, so that a straight walk is as expected. */
const RATE = 60 / 16;

export interface MeadowRules {
  /** Radius around the dog that a player is shown. */
  readonly radius: number;
  readonly cell?: number;
  /** What spectators look at: players without a dog. */
  readonly stand?: Area;
}

const meadow = (radius: number, cell: number) =>
  defineGame({
    name: 'meadow',
    maxPlayers: 32,
    entities: {
      dog: {
        x: grid(0, MEADOW, 1 / 16, { follows: 'vx' }),
        y: grid(0, MEADOW, 1 / 16),
        vx: grid(-960, 960, RATE),
      },
      sheep: {
        x: grid(0, MEADOW, 1 / 16, { follows: 'vx' }),
        y: grid(0, MEADOW, 1 / 16, { follows: 'vy' }),
        vx: grid(-960, 960, RATE),
        vy: grid(-960, 960, RATE),
        wool: int(0, 255),
      },
    },
    room: { quiet: int(0, 1) },
    options: {
      sheep: 100,
      /** Sheep within this distance of the middle only. */
      spread: MEADOW,
      /** Share of the sheep that change their way all the time, in percent. */
      restless: 0,
      /** How far the first sheep and the dogs walk to and fro across x = 2400 and x = 2100. */
      sway: 0,
      dogSway: 0,
      /** Players of this seat and higher have no dog. */
      dogs: 32,
    },
    command: { go: int(-1, 1) },
    interest: {
      position: { dog: ['x', 'y'], sheep: ['x', 'y'] },
      radius,
      cell,
    },
    setup(world, ctx) {
      const rng = ctx.random(undefined, 1);
      const at = (): number => MEADOW / 2 + rng.range(-0.5, 0.5) * ctx.options.spread;
      for (let i = 0; i < ctx.options.sheep; i++)
        world.sheep.spawn({ owner: 0, x: at(), y: at(), wool: rng.int(0, 255) });
    },
    join(world, who, ctx) {
      if (who.seat <= ctx.options.dogs) world.dog.spawn({ owner: who, x: MEADOW / 2, y: MEADOW / 2 });
    },
    leave(world, who) {
      for (const dog of world.dog.ownedBy(who)) dog.despawn();
    },
    step(world, ctx) {
      const { restless, sway, dogSway } = ctx.options;
      for (const dog of ctx.simulated(world.dog)) {
        dog.vx = ctx.command(dog.owner).go * 90;
        dog.x += dog.vx * ctx.dt;
      }
      ctx.authority(() => {
        const phase = Math.abs((ctx.tick % 60) - 30) / 15 - 1;
        if (dogSway > 0) for (const dog of world.dog) dog.x = 2100 + phase * dogSway;
        let first = true;
        for (const sheep of world.sheep) {
          if (first && sway > 0)
            [sheep.x, sheep.y] = [2400 + phase * sway, MEADOW / 2 + (ctx.tick % 600) / 10 - 30];
          first = false;
          if (world.room.quiet === 1) {
            sheep.vx = 0;
            sheep.vy = 0;
          } else if ((sheep.id * 37) % 100 < restless) {
            const rng = ctx.random(sheep);
            if (rng.chance(0.2)) [sheep.vx, sheep.vy] = [rng.int(-8, 8) * RATE, rng.int(-8, 8) * RATE];
          }
          sheep.x += sheep.vx * ctx.dt;
          sheep.y += sheep.vy * ctx.dt;
        }
      });
    },
  });

export function meadowGame({ radius, cell = radius / 3, stand }: MeadowRules): ReturnType<typeof meadow> {
  const game = meadow(radius, cell);
  if (stand === undefined) return game;
  const { definition } = game;
  const { position } = definition.interest ?? { position: {} };
  return defineGame({
    ...definition,
    interest: {
      position,
      radius,
      cell,
      area({ seat }, world): Area | undefined {
        const [dog] = world.dog.ownedBy(seat);
        return dog === undefined ? stand : { x: dog.x, y: dog.y, radius };
      },
    },
  });
}
