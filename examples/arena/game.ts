/** The arena's game definition: imported by the server, the page, the bots and the tests. One `step` for all of them. */

import { atan2, defineGame } from '@tickwire/netcode';
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
import { moveShip } from './rules/ship.ts';
import { damage, fire, flyShot, markTargets, SHOT_DAMAGE } from './rules/weapons.ts';
import { arena, TICK_RATE } from './schema.ts';

export const game = defineGame({
  name: 'arena',
  tickRate: TICK_RATE,
  snapshotRate: 20,
  maxPlayers: 16,
  ...arena,
  // When not all fits a datagram, ships go first.
  priority: { ship: 4, shot: 2, pickup: 1 },

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
    if (world.room.leader === who.seat) world.room.leader = 0;
  },

  step(world, ctx) {
    const { tick, dt } = ctx;
    const map = mapOf(ctx.options.map);

    for (const ship of ctx.simulated(world.ship)) {
      const input = ctx.command(ship.owner);
      moveShip(ship, input, map, tick, dt);
      if (input.fire && fire(world, ship, tick)) ctx.emit('fired', { owner: ship.owner });
    }

    markTargets(world, tick);
    for (const shot of ctx.simulated(world.shot)) {
      const { owner: shooter, vx, vy } = shot;
      const target = flyShot(shot, map, tick, dt);
      if (target === undefined || inPause(world.room, tick)) continue;
      ctx.emit('struck', { owner: shooter, x: shot.x, y: shot.y, angle: atan2(vy, vx) });
      ctx.authority(() => {
        if (damage(target, SHOT_DAMAGE, tick)) destroy(world, target, shooter, ctx);
      });
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
