// Straight flights back and forth: nothing to touch, nothing to guess, so that every step back on a screen is the netcode's.

import { mapOf } from '../../../examples/arena/rules/map.ts';
import { SHIP_RADIUS, TOP_SPEED } from '../../../examples/arena/rules/ship.ts';
import type { World } from '../../../examples/arena/schema.ts';
import { STICK } from '../../../examples/arena/schema.ts';

/** Units between a ship that turns round and the wall: it needs a quarter of a second to stop. */
const MARGIN = SHIP_RADIUS + 60;

/** The longer of the two straight ways through a place: its axis, and between where and where. */
export interface Lane {
  readonly axis: 'x' | 'y';
  readonly from: number;
  readonly to: number;
}

export function laneThrough(mapName: string, x: number, y: number): Lane {
  const map = mapOf(mapName);
  const along = (axis: 'x' | 'y'): Lane => {
    const [here, across] = axis === 'x' ? [x, y] : [y, x];
    let [from, to] = [0, axis === 'x' ? map.width : map.height];
    for (const wall of map.walls) {
      const [start, length, side, depth] =
        axis === 'x' ? [wall.x, wall.w, wall.y, wall.h] : [wall.y, wall.h, wall.x, wall.w];
      if (across + SHIP_RADIUS + 2 < side || across - SHIP_RADIUS - 2 > side + depth) continue;
      if (start + length <= here) from = Math.max(from, start + length);
      else if (start >= here) to = Math.min(to, start);
    }
    return { axis, from: from + MARGIN, to: to - MARGIN };
  };
  const [wide, high] = [along('x'), along('y')];
  return wide.to - wide.from >= high.to - high.from ? wide : high;
}

/** Which way to go now: on until the end of the lane, then back. */
export class Flight {
  #lane: Lane | undefined;
  #way = 1;

  /** The stick for a ship of this place. */
  steer(mapName: string, ship: { readonly x: number; readonly y: number }): { mx: number; my: number } {
    this.#lane ??= laneThrough(mapName, ship.x, ship.y);
    const { axis, from, to } = this.#lane;
    if (ship[axis] >= to) this.#way = -1;
    if (ship[axis] <= from) this.#way = 1;
    return axis === 'x' ? { mx: this.#way * STICK, my: 0 } : { mx: 0, my: this.#way * STICK };
  }
}

/** Where a ship was at each tick, on the server. */
export type Course = Map<number, { readonly x: number; readonly y: number }>;

/** A bot that flies one lane, and what it flew. */
export function flyer(mapName: string, course: Course = new Map()) {
  const flight = new Flight();
  return (world: World, me: number, tick: number) => {
    for (const ship of world.ship) {
      if (ship.owner !== me) continue;
      // Bots think before the step of their tick: this is where the one before it ended.
      course.set(tick - 1, { x: ship.x, y: ship.y });
      return { ...flight.steer(mapName, ship), aim: 0, fire: false, dash: 0 };
    }
    return {};
  };
}

/** Ticks around a turn that do not count: what is drawn between two snapshots turns where these are, and some are lost. */
const TURN_TICKS = 15;

/** One step of each position on the grid, and what doubles make of it. */
const GRID_STEP = 1 / 1024 + 1e-9;

export interface Smoothness {
  /** Pairs of frames of a straight flight that were compared. */
  compared: number;
  /** How often the view's tick went back. */
  viewBackwards: number;
  /** How often the ship went back by more than a grid step, and by how much at most. */
  backwards: number;
  worst: number;
  /** Greatest distance from where the ship was at the tick that the view showed. */
  furthest: number;
}

type Drawn = readonly [tick: number, x: number, y: number, ...rest: unknown[]];

/** Whether a ship was drawn moving the way that it flew, in the straight parts of its course. */
export function smoothness(frames: readonly Drawn[], course: Course): Smoothness {
  const result: Smoothness = { compared: 0, viewBackwards: 0, backwards: 0, worst: 0, furthest: 0 };
  for (let i = 1; i < frames.length; i++) {
    const [before, x0, y0] = frames[i - 1] as Drawn;
    const [tick, x, y] = frames[i] as Drawn;
    if (tick < before) result.viewBackwards++;
    const way = straightFrom(course, Math.floor(before) - TURN_TICKS, Math.ceil(tick) + TURN_TICKS);
    const here = course.get(Math.floor(tick));
    if (way === undefined || here === undefined) continue;
    result.compared++;
    const forward = (x - x0) * way.x + (y - y0) * way.y;
    if (forward < -GRID_STEP) result.backwards++;
    result.worst = Math.max(result.worst, -forward);
    const since = (tick % 1) * way.perTick;
    result.furthest = Math.max(
      result.furthest,
      Math.hypot(here.x + way.x * since - x, here.y + way.y * since - y),
    );
  }
  return result;
}

/** The direction in which a ship flew at one speed from one tick to another; undefined when it did not. */
function straightFrom(
  course: Course,
  from: number,
  to: number,
): { x: number; y: number; perTick: number } | undefined {
  const [start, next] = [course.get(from), course.get(from + 1)];
  if (start === undefined || next === undefined) return undefined;
  const perTick = Math.hypot(next.x - start.x, next.y - start.y);
  if (perTick < 1) return undefined;
  const [x, y] = [(next.x - start.x) / perTick, (next.y - start.y) / perTick];
  for (let tick = from + 2; tick <= to; tick++) {
    const at = course.get(tick);
    const far = (tick - from) * perTick;
    if (at === undefined || Math.hypot(start.x + x * far - at.x, start.y + y * far - at.y) > 0.5)
      return undefined;
  }
  return { x, y, perTick };
}

/** How often a ship that flew at full speed one way, from one frame to the next, was drawn further back. */
export function stepsBack(frames: readonly (readonly [number, number, number, number, number])[]): {
  compared: number;
  backwards: number;
  worst: number;
} {
  const result = { compared: 0, backwards: 0, worst: 0 };
  for (let i = 1; i < frames.length; i++) {
    const [, x0, y0, vx0, vy0] = frames[i - 1] as (typeof frames)[number];
    const [, x, y, vx, vy] = frames[i] as (typeof frames)[number];
    const speed = Math.hypot(vx, vy);
    if (speed < TOP_SPEED * 0.99 || vx !== vx0 || vy !== vy0) continue;
    result.compared++;
    const forward = ((x - x0) * vx + (y - y0) * vy) / speed;
    if (forward < -GRID_STEP) result.backwards++;
    result.worst = Math.max(result.worst, -forward);
  }
  return result;
}
