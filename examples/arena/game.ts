/** The arena's game definition: imported by the server, the page, the bots and the tests. One `step` for all of them. */

import { atan2, circle, defineGame } from '@tickwire/netcode';
import { mapOf } from './rules/map.ts';
import {
  destroy,
  inPause,
  layPickups,
  respawnFallen,
  runRounds,
  spawnShip,
  takePickups,
} from './rules/match.ts';
import { fireRail, RAIL_DAMAGE } from './rules/rail.ts';
import { moveShip, SHIP_RADIUS } from './rules/ship.ts';
import { damage, fire, flyShot, SHOT_DAMAGE } from './rules/weapons.ts';
import { arena, type Ship, TICK_RATE } from './schema.ts';

export const game = defineGame({
  name: 'arena',
  tickRate: TICK_RATE,
  snapshotRate: 20,
  maxPlayers: 16,
  ...arena,
  // When not all fits a datagram, ships go first.
  priority: { ship: 4, shot: 2, beam: 2, pickup: 1 },
  // What shots are tested against: ships where their shooter sees them.
  shapes: { ship: circle(SHIP_RADIUS) },

  setup(world, ctx) {
    layPickups(world, ctx.options.map);
  },

  join(world, who, ctx) {
    const player = world.players.get(who.seat);
    // 222.5 degrees apart: neighbouring seats look as different as sixteen colours can.
    if (player !== undefined) player.hue = Math.floor((who.seat * 222.5 + 175) % 360);
    spawnShip(world, who.seat, ctx);
  },

  leave(world, who) {
    for (const ship of world.ship.ownedBy(who)) ship.despawn();
    for (const shot of world.shot.ownedBy(who)) shot.despawn();
    for (const beam of world.beam.ownedBy(who)) beam.despawn();
    if (world.room.leader === who.seat) world.room.leader = 0;
  },

  step(world, ctx) {
    const { tick, dt } = ctx;
    const map = mapOf(ctx.options.map);
    const hit = (target: Ship, by: number, amount: number): void => {
      if (inPause(world.room, tick)) return;
      ctx.authority(() => {
        if (damage(target, amount, tick)) destroy(world, target, by, ctx);
      });
    };

    for (const ship of ctx.simulated(world.ship)) {
      const input = ctx.command(ship.owner);
      moveShip(ship, input, map, tick, dt);
      if (input.fire && fire(world, ship, tick)) ctx.emit('fired', { owner: ship.owner });
      const struck = input.rail > 0 ? fireRail(world, ship, map, ctx) : undefined;
      if (struck !== undefined) hit(struck, ship.owner, RAIL_DAMAGE);
    }
    for (const beam of ctx.simulated(world.beam)) if (tick >= beam.endsAt) beam.despawn();

    for (const shot of ctx.simulated(world.shot)) {
      const { owner: shooter, vx, vy } = shot;
      const target = flyShot(shot, world, map, ctx);
      if (target === undefined || inPause(world.room, tick)) continue;
      ctx.emit('struck', { owner: shooter, x: shot.x, y: shot.y, angle: atan2(vy, vx) });
      hit(target, shooter, SHOT_DAMAGE);
    }

    ctx.authority(() => {
      takePickups(world, ctx);
      respawnFallen(world, ctx);
      runRounds(world, ctx);
    });
  },

  message(_world, from, name, payload, ctx) {
    if (name === 'emote' && 'kind' in payload)
      ctx.broadcast('emote', { seat: from.seat, kind: payload.kind });
  },
});
