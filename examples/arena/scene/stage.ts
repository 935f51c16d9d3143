/** The place: floor, wires on the floor, and walls that stand up from it. */

import type * as Phaser from 'phaser';
import type { ArenaMap, Rect } from '../rules/map.ts';
import type { Eye } from './camera.ts';
import { INK } from './palette.ts';

const GRID = 50;
const TILE = 200;
/** How much larger the tops of the walls are than their feet: what makes them stand up. */
const RISE = 0.035;
const BORDER = 900;

export class Stage {
  readonly #map: ArenaMap;
  readonly #floor: Phaser.GameObjects.Graphics;
  readonly #sides: Phaser.GameObjects.Graphics;
  readonly #tops: Phaser.GameObjects.Graphics;
  readonly #border: readonly Rect[];

  constructor(scene: Phaser.Scene, map: ArenaMap) {
    this.#map = map;
    const { width, height } = map;
    this.#floor = scene.add.graphics().setDepth(0);
    drawWires(scene.add.graphics().setDepth(1), map);
    drawShadows(scene.add.graphics().setDepth(2), map);
    this.#sides = scene.add.graphics().setDepth(3);
    this.#tops = scene.add.graphics().setDepth(50);
    this.#border = [
      { x: -BORDER, y: -BORDER, w: width + 2 * BORDER, h: BORDER },
      { x: -BORDER, y: height, w: width + 2 * BORDER, h: BORDER },
      { x: -BORDER, y: 0, w: BORDER, h: height },
      { x: width, y: 0, w: BORDER, h: height },
    ];
  }

  /** Draws the walls as they stand from where the camera is. Sides lie under the ships, tops over them. */
  update(eye: Eye): void {
    drawGrid(this.#floor.clear(), this.#map, eye);
    const border = this.#border.filter((wall) => shows(eye, wall));
    const seen = this.#map.walls.filter((wall) => shows(eye, wall));
    const sides = this.#sides.clear();
    for (const wall of border) drawSides(sides, wall, eye.x, eye.y);
    for (const wall of seen) drawSides(sides, wall, eye.x, eye.y);
    const pen = this.#tops.clear();
    pen.fillStyle(INK.wallEdge);
    for (const wall of seen) top(pen, wall, eye, 0);
    pen.fillStyle(INK.beyond);
    for (const wall of border) top(pen, wall, eye, 0);
    this.#drawRim(pen, eye);
    pen.fillStyle(INK.wallTop);
    for (const wall of seen) top(pen, wall, eye, 2);
    // An inner line, as two fills of which the second leaves a rim of the first.
    pen.fillStyle(INK.wallInset);
    for (const wall of seen) top(pen, wall, eye, 11);
    pen.fillStyle(INK.wallTop);
    for (const wall of seen) top(pen, wall, eye, 12.5);
  }

  #drawRim(pen: Phaser.GameObjects.Graphics, eye: Eye): void {
    const x = raise(0, eye.x);
    const y = raise(0, eye.y);
    const w = raise(this.#map.width, eye.x) - x;
    const h = raise(this.#map.height, eye.y) - y;
    pen.lineStyle(2, INK.wallEdge).strokeRect(x - 1, y - 1, w + 2, h + 2);
    pen.lineStyle(1.5, INK.wallInset, 0.7).strokeRect(x - 12, y - 12, w + 24, h + 24);
  }
}

function shows(eye: Eye, wall: Rect): boolean {
  return (
    Math.abs(wall.x + wall.w / 2 - eye.x) < wall.w / 2 + eye.halfWidth + 40 &&
    Math.abs(wall.y + wall.h / 2 - eye.y) < wall.h / 2 + eye.halfHeight + 40
  );
}

function raise(value: number, eye: number): number {
  return value + (value - eye) * RISE;
}

function top(pen: Phaser.GameObjects.Graphics, wall: Rect, eye: Eye, edge: number): void {
  const x = raise(wall.x, eye.x) + edge;
  const y = raise(wall.y, eye.y) + edge;
  pen.fillRect(x, y, raise(wall.x + wall.w, eye.x) - edge - x, raise(wall.y + wall.h, eye.y) - edge - y);
}

function drawSides(pen: Phaser.GameObjects.Graphics, wall: Rect, eyeX: number, eyeY: number): void {
  const { x, y } = wall;
  const right = x + wall.w;
  const bottom = y + wall.h;
  if (x > eyeX) side(pen, x, y, x, bottom, eyeX, eyeY, INK.wallSide);
  if (right < eyeX) side(pen, right, y, right, bottom, eyeX, eyeY, INK.wallSideLit);
  if (y > eyeY) side(pen, x, y, right, y, eyeX, eyeY, INK.wallSide);
  if (bottom < eyeY) side(pen, x, bottom, right, bottom, eyeX, eyeY, INK.wallSideLit);
}

function side(
  pen: Phaser.GameObjects.Graphics,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  eyeX: number,
  eyeY: number,
  colour: number,
): void {
  const x2 = raise(x1, eyeX);
  const y2 = raise(y1, eyeY);
  const x3 = raise(x0, eyeX);
  const y3 = raise(y0, eyeY);
  pen.fillStyle(colour);
  pen.fillTriangle(x0, y0, x1, y1, x2, y2);
  pen.fillTriangle(x0, y0, x2, y2, x3, y3);
}

/** Grid lines of the floor, as far as the screen shows them. Drawn as lines: a floor picture would cost every pixel twice. */
function drawGrid(pen: Phaser.GameObjects.Graphics, map: ArenaMap, eye: Eye): void {
  const left = Math.max(0, eye.x - eye.halfWidth);
  const right = Math.min(map.width, eye.x + eye.halfWidth);
  const top = Math.max(0, eye.y - eye.halfHeight);
  const bottom = Math.min(map.height, eye.y + eye.halfHeight);
  const first = (from: number) => Math.ceil(from / GRID) * GRID;
  for (const fine of [true, false]) {
    pen.fillStyle(INK.line, fine ? 0.32 : 0.85);
    for (let x = first(left); x <= right; x += GRID)
      if (fine === (x % TILE !== 0)) pen.fillRect(x - 0.5, top, 1, bottom - top);
    for (let y = first(top); y <= bottom; y += GRID)
      if (fine === (y % TILE !== 0)) pen.fillRect(left, y - 0.5, right - left, 1);
  }
  pen.fillStyle(INK.cross);
  for (let x = Math.ceil(left / TILE) * TILE; x <= right; x += TILE) {
    for (let y = Math.ceil(top / TILE) * TILE; y <= bottom; y += TILE) {
      pen.fillRect(x - 7, y - 0.75, 14, 1.5);
      pen.fillRect(x - 0.75, y - 7, 1.5, 14);
    }
  }
}

/** Traces on the floor that lead from the edges to the middle, so that one knows where one is. */
function drawWires(pen: Phaser.GameObjects.Graphics, map: ArenaMap): void {
  const cx = map.width / 2;
  const cy = map.height / 2;
  for (const [radius, alpha] of [
    [110, 0.9],
    [118, 0.5],
    [250, 0.6],
  ] as const) {
    pen.lineStyle(2, INK.wire, alpha).strokeCircle(cx, cy, radius);
  }
  for (const turn of [1, -1]) {
    for (const lane of [-16, 0, 16]) {
      const alpha = lane === 0 ? 0.9 : 0.5;
      pen.lineStyle(2, INK.wire, alpha);
      trace(pen, cx, cy, turn, [
        [118, lane],
        [360, lane],
        [520, lane + 160],
        [720, lane + 160],
        [cx, lane + 160],
      ]);
      trace(pen, cx, cy, turn, [
        [lane, 118],
        [lane, 330],
        [lane - 130, 460],
        [lane - 130, cy],
      ]);
    }
  }
  for (const { x, y } of map.pickups) pen.lineStyle(1.5, INK.wire, 0.9).strokeCircle(x, y, 30);
}

function trace(
  pen: Phaser.GameObjects.Graphics,
  cx: number,
  cy: number,
  turn: number,
  points: readonly (readonly [number, number])[],
): void {
  pen.beginPath();
  for (const [index, [x, y]] of points.entries()) {
    if (index === 0) pen.moveTo(cx + x * turn, cy + y * turn);
    else pen.lineTo(cx + x * turn, cy + y * turn);
  }
  pen.strokePath();
}

/** Soft shade around the feet of the walls. */
function drawShadows(pen: Phaser.GameObjects.Graphics, map: ArenaMap): void {
  for (const [grow, alpha] of [
    [14, 0.16],
    [6, 0.24],
  ] as const) {
    pen.fillStyle(INK.void, alpha);
    for (const wall of map.walls)
      pen.fillRect(wall.x - grow, wall.y - grow + 4, wall.w + 2 * grow, wall.h + 2 * grow);
    pen.fillRect(0, 0, map.width, grow + 6);
    pen.fillRect(0, map.height - grow, map.width, grow);
    pen.fillRect(0, 0, grow, map.height);
    pen.fillRect(map.width - grow, 0, grow, map.height);
  }
}
