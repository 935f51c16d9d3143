/** The rail gun: hits at once what its shooter sees in its line, through nothing. What a hit does is ruled by the server alone. */

import { cos, sin } from '@tickwire/netcode';
import type { Context, Ship, World } from '../schema.ts';
import { clearShare } from './collision.ts';
import type { ArenaMap } from './map.ts';
import { isGuarded } from './ship.ts';

/** Units: about what a screen shows to each side, and half as much again. */
export const RAIL_REACH = 900;
/** Two hits destroy a ship with its shield down; a full shield takes most of one. */
export const RAIL_DAMAGE = 55;
export const RAIL_COOLDOWN_TICKS = 110;

/** How long the row of a beam lives: long enough to be in a snapshot that everybody gets. Its picture fades on its own. */
const BEAM_TICKS = 18;
const MUZZLE = 24;

/** Fires if the gun is ready. Gives the ship that is hit, as the shooter saw it; the shooter's client finds the same one. */
export function fireRail(world: World, ship: Ship, map: ArenaMap, ctx: Context): Ship | undefined {
  const { tick } = ctx;
  if (tick < ship.railAt) return undefined;
  ship.railAt = tick + RAIL_COOLDOWN_TICKS;
  ship.guardUntil = Math.min(ship.guardUntil, tick);
  const { x, y, owner } = ship;
  const ux = cos(ship.aim);
  const uy = sin(ship.aim);
  const reach = RAIL_REACH * clearShare(map, x, y, x + ux * RAIL_REACH, y + uy * RAIL_REACH);
  const seen = ctx.seen(owner);
  const [hit] = seen.ray(x, y, x + ux * reach, y + uy * reach, {
    type: 'ship',
    where: (target) => !isGuarded(target, seen.tick),
  });
  const length = hit?.distance ?? reach;
  const from = Math.min(MUZZLE, length);
  world.beam.spawn({
    owner,
    x: x + ux * from,
    y: y + uy * from,
    toX: x + ux * length,
    toY: y + uy * length,
    struck: hit !== undefined,
    endsAt: tick + BEAM_TICKS,
  });
  return hit === undefined ? undefined : world.ship.get(hit.id);
}
