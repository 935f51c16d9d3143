/** How a ship moves, dashes and mends. Reads only the ship's own row, its command, the map and the tick, so a client predicts it exactly. */

import { cos, hypot, sin } from '@tickwire/netcode';
import type { Command, Ship } from '../schema.ts';
import { MAX_SHIELD, STICK } from '../schema.ts';
import { slide } from './collision.ts';
import type { ArenaMap } from './map.ts';

export const SHIP_RADIUS = 18;

/** Units per second. */
export const TOP_SPEED = 320;
const DASH_SPEED = 900;

/** Units per second, per second: to full speed in an eighth of a second, to rest in a sixth. */
const THRUST = 2500;
const FRICTION = 1900;

export const DASH_TICKS = 9;
export const DASH_COOLDOWN_TICKS = 75;

/** The shield grows back by one point in this many ticks, after this many ticks without a hit. */
export const MEND_TICKS = 4;
export const MEND_DELAY_TICKS = 200;

export function moveShip(ship: Ship, input: Command, map: ArenaMap, tick: number, dt: number): void {
  let { vx, vy } = ship;
  const strength = Math.min(hypot(input.mx, input.my) / STICK, 1);
  const direction = hypot(input.mx, input.my);
  const ux = direction === 0 ? 0 : input.mx / direction;
  const uy = direction === 0 ? 0 : input.my / direction;

  ship.aim = input.aim;
  if (input.dash && tick >= ship.dashAt) {
    ship.dashAt = tick + DASH_COOLDOWN_TICKS;
    vx = DASH_SPEED * (direction === 0 ? cos(input.aim) : ux);
    vy = DASH_SPEED * (direction === 0 ? sin(input.aim) : uy);
  }
  if (!isDashing(ship, tick)) {
    const wx = ux * strength * TOP_SPEED;
    const wy = uy * strength * TOP_SPEED;
    const gap = hypot(wx - vx, wy - vy);
    const change = (direction === 0 ? FRICTION : THRUST) * dt;
    // Arrives exactly, so a ship without a command comes to rest and then costs no bits.
    vx = gap <= change ? wx : vx + ((wx - vx) / gap) * change;
    vy = gap <= change ? wy : vy + ((wy - vy) / gap) * change;
  }

  // Through the grid first: the place must follow from the speed that is stored and sent.
  ship.vx = vx;
  ship.vy = vy;
  const moved = slide(map, SHIP_RADIUS, ship.x, ship.y, ship.vx, ship.vy, dt);
  ship.x = moved.x;
  ship.y = moved.y;
  if (moved.touched) {
    ship.vx = moved.vx;
    ship.vy = moved.vy;
  }
}

export function isDashing(ship: Readonly<Pick<Ship, 'dashAt'>>, tick: number): boolean {
  return tick < ship.dashAt - DASH_COOLDOWN_TICKS + DASH_TICKS;
}

export function isGuarded(ship: Readonly<Pick<Ship, 'guardUntil'>>, tick: number): boolean {
  return tick < ship.guardUntil;
}

/** The shield now. It is stored as it was at the last hit; growing back changes no field, so it costs no bits. */
export function shieldAt(ship: Readonly<Pick<Ship, 'shield' | 'mendsAt'>>, tick: number): number {
  const grown = tick > ship.mendsAt ? Math.floor((tick - ship.mendsAt) / MEND_TICKS) : 0;
  return Math.min(MAX_SHIELD, ship.shield + grown);
}
