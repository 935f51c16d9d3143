/** What a bot notices: whom to fight, which shot to fear, what to pick up. Reads the world, decides nothing. */

import { hypot } from '@tickwire/netcode';
import { clearLine } from '../rules/collision.ts';
import type { ArenaMap } from '../rules/map.ts';
import { isGuarded, shieldAt } from '../rules/ship.ts';
import type { Pickup, Ship, Shot, World } from '../schema.ts';
import { dice } from './dice.ts';

/** How far a bot sees. */
const SIGHT = 900;
/** A bot keeps its favourite foe for this long. */
const GRUDGE_TICKS = 150;

export interface Foe {
  readonly ship: Ship;
  readonly distance: number;
  readonly visible: boolean;
}

/** The foe that is near, weak, in sight and, for a while, simply disliked. */
export function chooseFoe(world: World, map: ArenaMap, me: Ship, tick: number): Foe | undefined {
  let chosen: Foe | undefined;
  let best = Number.POSITIVE_INFINITY;
  for (const ship of world.ship) {
    if (ship.owner === me.owner || isGuarded(ship, tick)) continue;
    const distance = hypot(ship.x - me.x, ship.y - me.y);
    const visible = distance < SIGHT && clearLine(map, me.x, me.y, ship.x, ship.y, 6);
    const dislike = dice(me.owner, ship.owner, Math.floor(tick / GRUDGE_TICKS)) * 350;
    const weakness = 100 - ship.health + (50 - shieldAt(ship, tick)) / 2;
    const cost = distance + dislike - weakness + (visible ? 0 : 500);
    if (cost >= best) continue;
    best = cost;
    chosen = { ship, distance, visible };
  }
  return chosen;
}

export interface Threat {
  readonly shot: Shot;
  /** Ticks until it is nearest. */
  readonly ticks: number;
  /** Unit vector away from its course. */
  readonly awayX: number;
  readonly awayY: number;
}

/** The shot that will hit soonest if nothing changes. */
export function mostUrgentThreat(world: World, me: Ship, horizonTicks: number): Threat | undefined {
  let urgent: Threat | undefined;
  let soonest = horizonTicks;
  for (const shot of world.shot) {
    if (shot.owner === me.owner) continue;
    const rx = me.x - shot.x;
    const ry = me.y - shot.y;
    const vx = shot.vx - me.vx;
    const vy = shot.vy - me.vy;
    const speed2 = vx * vx + vy * vy;
    if (speed2 === 0) continue;
    const seconds = (rx * vx + ry * vy) / speed2;
    const ticks = seconds * 60;
    if (ticks < 0 || ticks >= soonest) continue;
    const missX = rx - vx * seconds;
    const missY = ry - vy * seconds;
    const miss = hypot(missX, missY);
    if (miss > 34) continue;
    soonest = ticks;
    // Dead centre: either side will do.
    const awayX = miss > 1 ? missX / miss : -shot.vy / hypot(shot.vx, shot.vy);
    const awayY = miss > 1 ? missY / miss : shot.vx / hypot(shot.vx, shot.vy);
    urgent = { shot, ticks, awayX, awayY };
  }
  return urgent;
}

/** The nearest pickup that is there and of use, within `reach` units. */
export function usefulPickup(world: World, me: Ship, tick: number, reach: number): Pickup | undefined {
  let chosen: Pickup | undefined;
  let best = reach;
  for (const pickup of world.pickup) {
    if (tick < pickup.backAt) continue;
    const distance = hypot(pickup.x - me.x, pickup.y - me.y) / appetite(pickup.kind, me, tick);
    if (distance >= best) continue;
    best = distance;
    chosen = pickup;
  }
  return chosen;
}

/** How much farther than usual it goes for one of these; 0.05 is hardly at all. */
function appetite(kind: Pickup['kind'], me: Ship, tick: number): number {
  switch (kind) {
    case 'health':
      return me.health < 40 ? 4 : me.health < 75 ? 1.2 : 0.05;
    case 'shield':
      return shieldAt(me, tick) < 25 ? 1.2 : 0.05;
    case 'rapid':
      return tick < me.rapidUntil ? 0.05 : 1;
  }
}
