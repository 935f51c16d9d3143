/** Ships come and go, pickups are taken, rounds are counted: the rules that only the server runs. */

import type { Context, Pickup, Ship, World } from '../schema.ts';
import { MAX_HEALTH, MAX_SHIELD, TICK_RATE } from '../schema.ts';
import { mapOf } from './map.ts';
import { SHIP_RADIUS } from './ship.ts';

export const RESPAWN_TICKS = 2 * TICK_RATE;
export const GUARD_TICKS = Math.round(1.5 * TICK_RATE);
export const RAPID_TICKS = 8 * TICK_RATE;
/** Between two rounds shots do no harm. */
export const PAUSE_TICKS = 8 * TICK_RATE;

export const PICKUP_RADIUS = 16;
const PICKUP_HEALTH = 50;
const BACK_TICKS = { health: 12 * TICK_RATE, shield: 15 * TICK_RATE, rapid: 20 * TICK_RATE };

/** A ship arrives at the first place drawn that is this far from all others; after some draws, at the best of them. */
const SPAWN_ROOM = 520;
const SPAWN_DRAWS = 6;

export function layPickups(world: World, mapName: string): void {
  for (const { x, y, kind } of mapOf(mapName).pickups)
    world.pickup.spawn({ owner: 0, x, y, kind, backAt: 0 });
}

export function spawnShip(world: World, seat: number, ctx: Context): void {
  const map = mapOf(ctx.options.map);
  const random = ctx.random(undefined, seat);
  let place = map.spawns[0]!;
  let farthest = -1;
  for (let draw = 0; draw < SPAWN_DRAWS; draw++) {
    const candidate = map.spawns[random.int(0, map.spawns.length - 1)]!;
    const room = distanceToShips(world, candidate.x, candidate.y);
    if (room <= farthest) continue;
    farthest = room;
    place = candidate;
    if (room > SPAWN_ROOM * SPAWN_ROOM) break;
  }
  world.ship.spawn({
    owner: seat,
    x: place.x,
    y: place.y,
    health: MAX_HEALTH,
    shield: MAX_SHIELD,
    guardUntil: ctx.tick + GUARD_TICKS,
  });
}

function distanceToShips(world: World, x: number, y: number): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (const ship of world.ship)
    nearest = Math.min(nearest, (ship.x - x) * (ship.x - x) + (ship.y - y) * (ship.y - y));
  return nearest;
}

/** The ship is gone, the score counts, everyone hears of it. */
export function destroy(world: World, victim: Ship, killerSeat: number, ctx: Context): void {
  const loser = world.players.get(victim.owner);
  const winner = world.players.get(killerSeat);
  if (loser !== undefined) {
    loser.deaths++;
    loser.streak = 0;
    loser.respawnAt = ctx.tick + RESPAWN_TICKS;
  }
  if (winner !== undefined) {
    winner.kills++;
    winner.streak++;
    const leader = world.players.get(world.room.leader);
    if (leader === undefined || winner.kills > leader.kills) world.room.leader = winner.seat;
  }
  ctx.broadcast('kill', { killer: killerSeat, victim: victim.owner, streak: winner?.streak ?? 0 });
  ctx.emit('destroyed', { owner: victim.owner, x: victim.x, y: victim.y });
  victim.despawn();
}

export function respawnFallen(world: World, ctx: Context): void {
  for (const player of world.players) {
    if (player.respawnAt === 0 || ctx.tick < player.respawnAt || player.status === 'away') continue;
    player.respawnAt = 0;
    spawnShip(world, player.seat, ctx);
  }
}

export function takePickups(world: World, ctx: Context): void {
  const reach = SHIP_RADIUS + PICKUP_RADIUS;
  for (const pickup of world.pickup) {
    if (ctx.tick < pickup.backAt) continue;
    for (const ship of world.ship) {
      const dx = ship.x - pickup.x;
      const dy = ship.y - pickup.y;
      if (dx * dx + dy * dy > reach * reach || !take(ship, pickup, ctx.tick)) continue;
      pickup.backAt = ctx.tick + BACK_TICKS[pickup.kind];
      break;
    }
  }
}

/** Health stays where it is for a ship that needs none. */
function take(ship: Ship, pickup: Pickup, tick: number): boolean {
  switch (pickup.kind) {
    case 'health':
      if (ship.health === MAX_HEALTH) return false;
      ship.health = Math.min(MAX_HEALTH, ship.health + PICKUP_HEALTH);
      return true;
    case 'shield':
      if (ship.shield === MAX_SHIELD) return false;
      ship.shield = MAX_SHIELD;
      return true;
    case 'rapid':
      ship.rapidUntil = tick + RAPID_TICKS;
      return true;
  }
}

/** Whether the round is over and the next has not begun. Follows from one field, known long before it is due. */
export function inPause(room: { readonly endsAt: number }, tick: number): boolean {
  return room.endsAt !== 0 && tick >= room.endsAt && tick < room.endsAt + PAUSE_TICKS;
}

export function runRounds(world: World, ctx: Context): void {
  const { room } = world;
  if (room.endsAt === 0) room.endsAt = ctx.tick + ctx.options.roundSeconds * TICK_RATE;
  if (ctx.tick < room.endsAt + PAUSE_TICKS) return;
  room.endsAt = ctx.tick + ctx.options.roundSeconds * TICK_RATE;
  room.leader = 0;
  for (const player of world.players) {
    player.kills = 0;
    player.deaths = 0;
    player.streak = 0;
  }
}
