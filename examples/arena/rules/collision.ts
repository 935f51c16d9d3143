/** Circles and lines against walls. Only + - * / and sqrt, so both sides get the same bits. */

import { clamp, hypot } from '@tickwire/netcode';
import { type ArenaMap, type Rect, wallsNear } from './map.ts';

/** Where a moving circle is and where it goes. One object is reused by every call: read it before the next. */
export interface Motion {
  x: number;
  y: number;
  vx: number;
  vy: number;
  touched: boolean;
}

const motion: Motion = { x: 0, y: 0, vx: 0, vy: 0, touched: false };

/** Moves a circle by `dt` seconds. It slides along what it touches: only the speed into the wall is lost. */
export function slide(
  map: ArenaMap,
  radius: number,
  x: number,
  y: number,
  vx: number,
  vy: number,
  dt: number,
): Motion {
  motion.x = x + vx * dt;
  motion.y = y + vy * dt;
  motion.vx = vx;
  motion.vy = vy;
  motion.touched = false;
  for (const wall of wallsNear(map, motion.x, motion.y)) pushOut(wall, radius);
  keepInside(map, radius);
  return motion;
}

function pushOut(wall: Rect, radius: number): void {
  const { x, y } = motion;
  if (x + radius <= wall.x || x - radius >= wall.x + wall.w) return;
  if (y + radius <= wall.y || y - radius >= wall.y + wall.h) return;
  const dx = x - clamp(x, wall.x, wall.x + wall.w);
  const dy = y - clamp(y, wall.y, wall.y + wall.h);
  const distance = hypot(dx, dy);
  if (distance >= radius) return;
  motion.touched = true;
  if (distance > 0) leave(dx / distance, dy / distance, radius - distance);
  else leaveFromInside(wall, radius);
}

/** The centre is within the wall, after a dash perhaps: out through the nearest side. */
function leaveFromInside(wall: Rect, radius: number): void {
  const left = motion.x - wall.x;
  const right = wall.x + wall.w - motion.x;
  const up = motion.y - wall.y;
  const down = wall.y + wall.h - motion.y;
  const least = Math.min(left, right, up, down);
  if (least === left) leave(-1, 0, left + radius);
  else if (least === right) leave(1, 0, right + radius);
  else if (least === up) leave(0, -1, up + radius);
  else leave(0, 1, down + radius);
}

function leave(nx: number, ny: number, depth: number): void {
  motion.x += nx * depth;
  motion.y += ny * depth;
  const into = motion.vx * nx + motion.vy * ny;
  if (into >= 0) return;
  motion.vx -= nx * into;
  motion.vy -= ny * into;
}

function keepInside(map: ArenaMap, radius: number): void {
  if (motion.x < radius) leave(1, 0, radius - motion.x);
  if (motion.x > map.width - radius) leave(-1, 0, motion.x - (map.width - radius));
  if (motion.y < radius) leave(0, 1, radius - motion.y);
  if (motion.y > map.height - radius) leave(0, -1, motion.y - (map.height - radius));
}

/** Whether a circle at this place overlaps a wall or leaves the map. */
export function blocked(map: ArenaMap, x: number, y: number, radius: number): boolean {
  if (x < radius || y < radius || x > map.width - radius || y > map.height - radius) return true;
  for (const wall of wallsNear(map, x, y)) {
    const dx = x - clamp(x, wall.x, wall.x + wall.w);
    const dy = y - clamp(y, wall.y, wall.y + wall.h);
    if (dx * dx + dy * dy < radius * radius) return true;
  }
  return false;
}

/** Whether a line, `radius` thick to each side, passes all walls. */
export function clearLine(
  map: ArenaMap,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  radius: number,
): boolean {
  for (const wall of map.walls) {
    if (
      crosses(
        wall.x - radius,
        wall.x + wall.w + radius,
        wall.y - radius,
        wall.y + wall.h + radius,
        x0,
        y0,
        x1,
        y1,
      )
    )
      return false;
  }
  return true;
}

/** The share 0..1 of a line that is free of walls and within the map. */
export function clearShare(map: ArenaMap, x0: number, y0: number, x1: number, y1: number): number {
  const dx = x1 - x0;
  const dy = y1 - y0;
  let share = Math.min(1, untilEdge(x0, dx, map.width), untilEdge(y0, dy, map.height));
  for (const wall of map.walls) {
    const x = span(wall.x, wall.x + wall.w, x0, dx);
    const enterX = x.enter;
    const exitX = x.exit;
    const y = span(wall.y, wall.y + wall.h, y0, dy);
    const enter = Math.max(0, enterX, y.enter);
    if (enter < Math.min(exitX, y.exit)) share = Math.min(share, enter);
  }
  return share;
}

function untilEdge(from: number, way: number, size: number): number {
  if (way === 0) return 1;
  return Math.max(0, ((way > 0 ? size : 0) - from) / way);
}

/** The shares of a way at which it enters and leaves a range. One object is reused. */
const shares = { enter: 0, exit: 0 };

function span(low: number, high: number, from: number, way: number): typeof shares {
  const inside = from > low && from < high;
  const a = way === 0 ? (inside ? -Infinity : Infinity) : (low - from) / way;
  const b = way === 0 ? (inside ? Infinity : -Infinity) : (high - from) / way;
  shares.enter = way === 0 ? a : Math.min(a, b);
  shares.exit = way === 0 ? b : Math.max(a, b);
  return shares;
}

/** Slab test: the part of the line within the x range and the part within the y range overlap. */
function crosses(
  left: number,
  right: number,
  top: number,
  bottom: number,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
) {
  let enter = 0;
  let exit = 1;
  const dx = x1 - x0;
  const dy = y1 - y0;
  if (dx === 0) {
    if (x0 <= left || x0 >= right) return false;
  } else {
    const a = (left - x0) / dx;
    const b = (right - x0) / dx;
    enter = Math.max(enter, Math.min(a, b));
    exit = Math.min(exit, Math.max(a, b));
  }
  if (dy === 0) {
    if (y0 <= top || y0 >= bottom) return false;
  } else {
    const a = (top - y0) / dy;
    const b = (bottom - y0) / dy;
    enter = Math.max(enter, Math.min(a, b));
    exit = Math.min(exit, Math.max(a, b));
  }
  return enter < exit;
}
