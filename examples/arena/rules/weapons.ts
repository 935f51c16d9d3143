/** Shots: fired, flown and stopped on both sides; what a hit does is ruled by the server alone. */

import { cos, sin } from '@tickwire/netcode';
import type { Ship, Shot, World } from '../schema.ts';
import { MAX_SHIELD } from '../schema.ts';
import { blocked, distanceToLineSquared } from './collision.ts';
import type { ArenaMap } from './map.ts';
import { isGuarded, MEND_DELAY_TICKS, SHIP_RADIUS, shieldAt } from './ship.ts';

export const SHOT_RADIUS = 4;
export const SHOT_SPEED = 840;
/** Flies 950 units: a little more than half a screen. */
export const SHOT_TICKS = 68;
export const SHOT_DAMAGE = 15;

export const FIRE_TICKS = 9;
export const RAPID_FIRE_TICKS = 5;

/** From the ship's centre to the muzzle. */
export const MUZZLE = 26;

/** Fires if the gun is ready, and says whether it did. The shooter's client does the same at the same tick, and both derive the same shot. */
export function fire(world: World, ship: Ship, tick: number): boolean {
  if (tick < ship.fireAt) return false;
  ship.fireAt = tick + (tick < ship.rapidUntil ? RAPID_FIRE_TICKS : FIRE_TICKS);
  ship.guardUntil = Math.min(ship.guardUntil, tick);
  const ux = cos(ship.aim);
  const uy = sin(ship.aim);
  world.shot.spawn({
    owner: ship.owner,
    x: ship.x + ux * MUZZLE,
    y: ship.y + uy * MUZZLE,
    vx: ux * SHOT_SPEED,
    vy: uy * SHOT_SPEED,
    endsAt: tick + SHOT_TICKS,
  });
  return true;
}

/** Where the ships stand in this tick, read once for all shots. Filled anew every tick; nothing survives in it. */
const targets: { ship: Ship; owner: number; x: number; y: number }[] = [];

/** To be called when ships have moved and before shots fly. */
export function markTargets(world: World, tick: number): void {
  targets.length = 0;
  for (const ship of world.ship) {
    if (!isGuarded(ship, tick)) targets.push({ ship, owner: ship.owner, x: ship.x, y: ship.y });
  }
}

/** Flies one tick. Returns the ship that stops the shot, if one does; the shot is gone then. */
export function flyShot(shot: Shot, map: ArenaMap, tick: number, dt: number): Ship | undefined {
  const x0 = shot.x;
  const y0 = shot.y;
  shot.x = x0 + shot.vx * dt;
  shot.y = y0 + shot.vy * dt;
  const { x, y } = shot;
  // On a client the others stand where the newest snapshot has them: a guess, which the server's next word settles.
  const target = firstHit(shot.owner, x0, y0, x, y);
  if (target !== undefined || tick >= shot.endsAt || blocked(map, x, y, SHOT_RADIUS)) shot.despawn();
  return target;
}

/** The ship nearest to where the shot was, of those that its way of this tick touches; of two equally near, the lower id. */
function firstHit(shooter: number, x0: number, y0: number, x1: number, y1: number): Ship | undefined {
  const reach = SHIP_RADIUS + SHOT_RADIUS;
  let nearest: Ship | undefined;
  // Farther than this from its start a ship is out of reach, as (a + b)² <= 2a² + 2b². Nearly all end here.
  let best = 2 * (reach * reach + (x1 - x0) * (x1 - x0) + (y1 - y0) * (y1 - y0));
  for (const { ship, owner, x, y } of targets) {
    const distance = (x - x0) * (x - x0) + (y - y0) * (y - y0);
    if (owner === shooter || distance >= best || !ship.alive) continue;
    if (distanceToLineSquared(x, y, x0, y0, x1, y1) > reach * reach) continue;
    best = distance;
    nearest = ship;
  }
  return nearest;
}

/** Takes damage from the shield first. Returns whether the ship is destroyed. */
export function damage(ship: Ship, amount: number, tick: number): boolean {
  const shield = shieldAt(ship, tick);
  const absorbed = Math.min(shield, amount);
  ship.shield = Math.min(MAX_SHIELD, shield - absorbed);
  ship.mendsAt = tick + MEND_DELAY_TICKS;
  ship.health = Math.max(0, ship.health - (amount - absorbed));
  return ship.health === 0;
}
