/** More than one datagram holds: sixteen ships, their shots, and hundreds of movers that never do what is expected. */

import { damp, defineGame, grid, int, message, tick } from '@tickwire/netcode';

const SHOTS_PER_SHIP = 14;

export const crowd = defineGame({
  name: 'crowd',
  maxPlayers: 16,
  entities: {
    ship: {
      x: grid(0, 4096, 1 / 256, { follows: 'vx' }),
      y: grid(0, 4096, 1 / 256, { follows: 'vy' }),
      vx: grid(-960, 960, 60 / 256),
      vy: grid(-960, 960, 60 / 256),
    },
    shot: {
      x: grid(0, 4096, 1 / 256, { follows: 'vx' }),
      y: grid(0, 4096, 1 / 256, { follows: 'vy' }),
      vx: grid(-960, 960, 60 / 256),
      vy: grid(-960, 960, 60 / 256),
      dies: tick(),
    },
    mover: { x: grid(0, 4096, 1 / 256), y: grid(0, 4096, 1 / 256), mood: int(0, 255) },
  },
  room: { quiet: int(0, 1) },
  options: { movers: 400 },
  command: { dx: int(-1, 1), dy: int(-1, 1), fire: int(0, 1) },
  messages: { quiet: message<null>({ from: 'client' }) },
  priority: { ship: 4 },
  setup(world, ctx) {
    for (let i = 0; i < ctx.options.movers; i++) {
      const rng = ctx.random(undefined, i);
      world.mover.spawn({ owner: 0, x: rng.range(0, 4096), y: rng.range(0, 4096) });
    }
  },
  join(world, who) {
    world.ship.spawn({ owner: who, x: 200 * who.seat, y: 2048 });
  },
  leave(world, who) {
    for (const ship of world.ship.ownedBy(who)) ship.despawn();
  },
  message(world) {
    world.room.quiet = 1;
  },
  step(world, ctx) {
    for (const ship of ctx.simulated(world.ship)) {
      const { dx, dy, fire } = ctx.command(ship.owner);
      ship.vx = damp(ship.vx + dx * 9, 0.95, 60 / 256);
      ship.vy = damp(ship.vy + dy * 9, 0.95, 60 / 256);
      ship.x += ship.vx * ctx.dt;
      ship.y += ship.vy * ctx.dt;
      if (fire === 0 || ctx.tick % 6 !== 0) continue;
      const { owner, x, y } = ship;
      const [vx, vy] = [ctx.tick % 12 === 0 ? 300 : -300, ship.vy];
      world.shot.spawn({ owner, x, y, vx, vy, dies: ctx.tick + 6 * SHOTS_PER_SHIP });
    }
    for (const shot of ctx.simulated(world.shot)) {
      shot.x += shot.vx * ctx.dt;
      shot.y += shot.vy * ctx.dt;
      if (ctx.tick >= shot.dies) shot.despawn();
    }
    ctx.authority(() => {
      if (world.room.quiet === 1) return;
      for (const mover of world.mover) {
        const rng = ctx.random(mover);
        mover.x += rng.range(-4, 4);
        mover.y += rng.range(-4, 4);
        if (rng.chance(0.02)) mover.mood = rng.int(0, 255);
      }
    });
  },
});
