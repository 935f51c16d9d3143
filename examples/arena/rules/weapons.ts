/** Shots: fired, flown and stopped on both sides; what a hit does is ruled by the server alone. */

import { cos, sin } from '@tickwire/netcode';
import type { Context, Ship, Shot, World } from '../schema.ts';
import { MAX_SHIELD } from '../schema.ts';
import { blocked } from './collision.ts';
import type { ArenaMap } from './map.ts';
import { isGuarded, MEND_DELAY_TICKS, shieldAt } from './ship.ts';

const SHOT_RADIUS = 4;
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

/** What stops a shot. `viewTick` is set before each question: a guard ends at a tick, and counts as its shooter saw it. */
let viewTick = 0;
const TARGETS = {
  type: 'ship',
  radius: SHOT_RADIUS,
  where: (ship: Readonly<Ship>): boolean => !isGuarded(ship, viewTick),
} as const;

/**
 * Flies one tick. Returns the ship that stops the shot, if one does; the shot is gone then. It stops at what its shooter sees in its
 * way, on both sides: what flies into a ship on the screen hits it.
 */
export function flyShot(shot: Shot, world: World, map: ArenaMap, ctx: Context): Ship | undefined {
  const x0 = shot.x;
  const y0 = shot.y;
  shot.x = x0 + shot.vx * ctx.dt;
  shot.y = y0 + shot.vy * ctx.dt;
  const { x, y } = shot;
  const seen = ctx.seen(shot.owner);
  viewTick = seen.tick;
  const [hit] = seen.ray(x0, y0, x, y, TARGETS);
  if (hit !== undefined || ctx.tick >= shot.endsAt || blocked(map, x, y, SHOT_RADIUS)) shot.despawn();
  return hit === undefined ? undefined : world.ship.get(hit.id);
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
