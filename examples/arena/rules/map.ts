/** The maps: walls, where ships arrive, where pickups lie. Static data that both sides share, so nothing of it travels. */

import type { Pickup } from '../schema.ts';
import { WORLD_SIZE } from '../schema.ts';

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface Spot {
  readonly x: number;
  readonly y: number;
}

/** What an author draws. */
export interface MapPlan {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly walls: readonly Rect[];
  readonly spawns: readonly Spot[];
  readonly pickups: readonly (Spot & { readonly kind: Pickup['kind'] })[];
}

export interface ArenaMap extends MapPlan {
  /** Per cell of the map the walls in or near it: most places have none to test. */
  readonly cells: readonly (readonly Rect[])[];
  readonly columns: number;
}

export const CELL = 100;

/** A wall counts as near a cell from this far: more than a ship's radius and what it moves in a tick. */
const NEAR = 60;

/** Turns a plan into a map that can be asked for the walls near a place. */
export function layOut(plan: MapPlan): ArenaMap {
  const columns = Math.ceil(plan.width / CELL);
  const cells: Rect[][] = [];
  for (let cell = 0; cell < columns * Math.ceil(plan.height / CELL); cell++) {
    const left = (cell % columns) * CELL - NEAR;
    const top = Math.floor(cell / columns) * CELL - NEAR;
    const size = CELL + 2 * NEAR;
    cells.push(
      plan.walls.filter(({ x, y, w, h }) => x < left + size && x + w > left && y < top + size && y + h > top),
    );
  }
  return { ...plan, cells, columns };
}

const NO_WALLS: readonly Rect[] = [];

/** The walls that a circle of up to 40 units around this place can touch; none outside of the map. */
export function wallsNear(map: ArenaMap, x: number, y: number): readonly Rect[] {
  if (x < 0 || x >= map.width || y < 0) return NO_WALLS;
  return map.cells[Math.floor(y / CELL) * map.columns + Math.floor(x / CELL)] ?? NO_WALLS;
}

/** Every map looks the same from both ends: write one half, and this adds the other, turned by half a turn. */
function turned<T extends Spot>(width: number, height: number, half: readonly T[]): T[] {
  const other = half.map((item) => {
    const size = item as T & Partial<Rect>;
    return { ...item, x: width - item.x - (size.w ?? 0), y: height - item.y - (size.h ?? 0) };
  });
  return [...half, ...other];
}

const rect = (x: number, y: number, w: number, h: number): Rect => ({ x, y, w, h });
const spot = (x: number, y: number): Spot => ({ x, y });

function cross(): MapPlan {
  const width = WORLD_SIZE;
  const height = 1600;
  return {
    name: 'cross',
    width,
    height,
    walls: turned(width, height, [
      // Brackets around the middle.
      rect(940, 590, 180, 44),
      rect(940, 590, 44, 130),
      rect(1280, 590, 180, 44),
      rect(1416, 590, 44, 130),
      // Two blocks near the corners, a long bar between them.
      rect(300, 250, 230, 150),
      rect(1870, 250, 230, 150),
      rect(990, 236, 420, 48),
      // A wall in front of the left base, pillars on the diagonals, a crate.
      rect(410, 640, 48, 320),
      rect(690, 430, 92, 92),
      rect(1618, 430, 92, 92),
      rect(632, 764, 72, 72),
      // Stubs that grow from the border.
      rect(0, 480, 150, 48),
      rect(2250, 480, 150, 48),
      rect(640, 0, 48, 170),
      rect(1712, 0, 48, 170),
    ]),
    spawns: turned(width, height, [
      spot(120, 120),
      spot(1200, 120),
      spot(2280, 120),
      spot(130, 800),
      spot(840, 330),
      spot(1560, 330),
      spot(560, 560),
    ]),
    pickups: [
      { x: 1200, y: 800, kind: 'rapid' },
      ...turned(width, height, [
        { x: 1200, y: 410, kind: 'shield' },
        { x: 270, y: 800, kind: 'health' },
        { x: 415, y: 160, kind: 'shield' },
        { x: 1840, y: 600, kind: 'health' },
      ] as const),
    ],
  };
}

function pillars(): MapPlan {
  const width = 1800;
  const height = 1200;
  const walls: Rect[] = [];
  for (let row = 0; row < 3; row++) {
    for (let column = 0; column < 5; column++) {
      const odd = (row + column) % 2 === 1;
      walls.push(
        odd
          ? rect(265 + column * 300, 215 + row * 345, 70, 80)
          : rect(250 + column * 300, 230 + row * 345, 100, 50),
      );
    }
  }
  return {
    name: 'pillars',
    width,
    height,
    walls,
    spawns: turned(width, height, [
      spot(100, 100),
      spot(900, 90),
      spot(1700, 100),
      spot(100, 600),
      spot(450, 430),
    ]),
    pickups: [
      { x: 900, y: 430, kind: 'rapid' },
      ...turned(width, height, [
        { x: 140, y: 430, kind: 'health' },
        { x: 1350, y: 90, kind: 'shield' },
      ] as const),
    ],
  };
}

const maps = new Map([cross(), pillars()].map((plan) => [plan.name, layOut(plan)]));

/** The map of that name; the first one for a name nobody knows. */
export function mapOf(name: string): ArenaMap {
  return maps.get(name) ?? (maps.get('cross') as ArenaMap);
}
