/** Every picture of the game, drawn once at start on one canvas at the density of the screen. White, to be tinted. */

import type * as Phaser from 'phaser';

const KEY = 'atlas';
const GAP = 4;
const PAGE = 1024;

type Draw = (pen: CanvasRenderingContext2D, radius: number) => void;

export type Picture =
  | 'hull'
  | 'hull-light'
  | 'glow'
  | 'ring'
  | 'bubble'
  | 'shot'
  | 'beam'
  | 'spark'
  | 'dot'
  | 'shard'
  | 'flame'
  | 'halo'
  | 'mark'
  | 'bar'
  | 'health'
  | 'shield'
  | 'rapid';

/** Half the width of each picture in world units, and how it is drawn around the origin. */
const PICTURES: Readonly<Record<Picture, readonly [number, Draw]>> = {
  hull: [28, drawHull],
  'hull-light': [28, drawHullLight],
  glow: [32, (pen, r) => radial(pen, r, [0, 1], [0.25, 0.5], [0.6, 0.13], [1, 0])],
  ring: [32, (pen, r) => circle(pen, r - 3, 2.5)],
  bubble: [30, drawBubble],
  shot: [20, drawShot],
  beam: [8, drawBeam],
  spark: [10, drawSpark],
  dot: [6, (pen, r) => radial(pen, r, [0, 1], [0.4, 0.7], [1, 0])],
  shard: [6, drawShard],
  flame: [14, drawFlame],
  halo: [30, drawHalo],
  mark: [34, drawMark],
  bar: [2, (pen) => pen.fillRect(-2, -2, 4, 4)],
  health: [
    18,
    (pen) =>
      drawPickup(pen, (p) =>
        p.fill(new Path2D('M-2.4 -7h4.8v4.6h4.6v4.8h-4.6v4.6h-4.8v-4.6h-4.6v-4.8h4.6z')),
      ),
  ],
  shield: [
    18,
    (pen) =>
      drawPickup(pen, (p) => p.fill(new Path2D('M0 -7.5 6.5 -5v5c0 4-3 6.5-6.5 8C-3.5 6.5-6.5 4-6.5 0v-5z'))),
  ],
  rapid: [
    18,
    (pen) =>
      drawPickup(pen, (p) =>
        p.fill(new Path2D('M-6.5 -6 -1 0-6.5 6h4.6L3.8 0-1.9 -6zM.6 -6 6.2 0 .6 6h3.2L9 0 3.8 -6z')),
      ),
  ],
};

export interface Atlas {
  /** Scale that shows a picture at its size in world units. */
  readonly unit: number;
  /** An image of the atlas, centred, in world units. */
  image(picture: Picture): Phaser.GameObjects.Image;
}

/** `density` is device pixels per world unit. */
export function createAtlas(scene: Phaser.Scene, density: number): Atlas {
  const scale = Math.min(Math.max(density, 1), 3.5);
  if (scene.textures.exists(KEY)) scene.textures.remove(KEY);
  const texture = scene.textures.createCanvas(KEY, PAGE, PAGE);
  if (texture === null) throw new Error('This browser gave no 2D canvas.');
  const pen = texture.context;
  let x = GAP;
  let y = GAP;
  let rowHeight = 0;
  for (const [name, [radius, draw]] of Object.entries(PICTURES)) {
    const size = Math.ceil(radius * 2 * scale);
    if (x + size + GAP > PAGE) {
      x = GAP;
      y += rowHeight + GAP;
      rowHeight = 0;
    }
    pen.save();
    pen.translate(x + size / 2, y + size / 2);
    pen.scale(scale, scale);
    pen.fillStyle = pen.strokeStyle = '#fff';
    pen.lineJoin = 'round';
    draw(pen, radius);
    pen.restore();
    texture.add(name, 0, x, y, size, size);
    x += size + GAP;
    rowHeight = Math.max(rowHeight, size);
  }
  texture.refresh();
  return { unit: 1 / scale, image: (picture) => scene.add.image(0, 0, KEY, picture).setScale(1 / scale) };
}

const HULL = 'M21 0 7 -6.5 -2 -17 -13 -15.5 -8.5 -6 -12 0 -8.5 6 -13 15.5 -2 17 7 6.5z';

function drawHull(pen: CanvasRenderingContext2D): void {
  const hull = new Path2D(HULL);
  const shade = pen.createLinearGradient(-14, 0, 20, 0);
  shade.addColorStop(0, 'rgb(46 48 54)');
  shade.addColorStop(1, 'rgb(140 144 152)');
  pen.fillStyle = shade;
  pen.fillRect(15, -2.6, 11, 5.2);
  pen.fill(hull);
  pen.lineWidth = 1;
  pen.globalAlpha = 0.45;
  pen.stroke(new Path2D('M7 -6.5 -3 -4 -8.5 -6M7 6.5 -3 4 -8.5 6M-3 -4v8'));
  pen.globalAlpha = 1;
  pen.lineWidth = 2.2;
  pen.stroke(hull);
  pen.lineWidth = 1.5;
  pen.strokeRect(18, -2, 7.5, 4);
}

/** The parts that stay white under any tint. */
function drawHullLight(pen: CanvasRenderingContext2D): void {
  pen.fill(new Path2D('M10 0 3 -3 0 0 3 3z'));
  pen.globalAlpha = 0.9;
  pen.fillRect(23, -1, 3, 2);
}

function drawBubble(pen: CanvasRenderingContext2D, r: number): void {
  const shade = pen.createRadialGradient(0, 0, r * 0.55, 0, 0, r - 2);
  shade.addColorStop(0, 'rgb(255 255 255 / 0)');
  shade.addColorStop(0.85, 'rgb(255 255 255 / 0.16)');
  shade.addColorStop(1, 'rgb(255 255 255 / 0.5)');
  pen.fillStyle = shade;
  pen.beginPath();
  pen.arc(0, 0, r - 2, 0, Math.PI * 2);
  pen.fill();
  pen.lineWidth = 1.2;
  pen.stroke();
}

function drawShot(pen: CanvasRenderingContext2D): void {
  const streak = (length: number, width: number, alpha: number) => {
    pen.globalAlpha = alpha;
    pen.lineWidth = width;
    pen.lineCap = 'round';
    pen.beginPath();
    pen.moveTo(-length, 0);
    pen.lineTo(5, 0);
    pen.stroke();
  };
  for (let layer = 6; layer > 0; layer--) streak(6, 3 + layer * 2.2, 0.075);
  streak(7, 4.4, 0.75);
}

/** A piece of a beam, to be drawn out: bright in the middle of its height, nothing at the sides. */
function drawBeam(pen: CanvasRenderingContext2D, r: number): void {
  const shade = pen.createLinearGradient(0, -r, 0, r);
  for (const [at, alpha] of [
    [0, 0],
    [0.3, 0.16],
    [0.43, 0.7],
    [0.5, 1],
    [0.57, 0.7],
    [0.7, 0.16],
    [1, 0],
  ] as const)
    shade.addColorStop(at, `rgb(255 255 255 / ${alpha})`);
  pen.fillStyle = shade;
  pen.fillRect(-r, -r, 2 * r, 2 * r);
}

function drawSpark(pen: CanvasRenderingContext2D): void {
  const shade = pen.createLinearGradient(-9, 0, 8, 0);
  shade.addColorStop(0, 'rgb(255 255 255 / 0)');
  shade.addColorStop(1, '#fff');
  pen.strokeStyle = shade;
  pen.lineCap = 'round';
  pen.lineWidth = 2;
  pen.beginPath();
  pen.moveTo(-9, 0);
  pen.lineTo(8, 0);
  pen.stroke();
}

function drawShard(pen: CanvasRenderingContext2D): void {
  pen.lineWidth = 1.4;
  const path = new Path2D('M4.5 0 -3 -3.5 -1.5 3z');
  pen.globalAlpha = 0.35;
  pen.fill(path);
  pen.globalAlpha = 1;
  pen.stroke(path);
}

function drawFlame(pen: CanvasRenderingContext2D): void {
  const shade = pen.createLinearGradient(-13, 0, 6, 0);
  shade.addColorStop(0, 'rgb(255 255 255 / 0)');
  shade.addColorStop(1, 'rgb(255 255 255 / 0.9)');
  pen.fillStyle = shade;
  pen.fill(new Path2D('M-13 0C-4 -1.5 0 -4 5 -4.5c1.5 3 1.5 6 0 9C0 4 -4 1.5 -13 0z'));
}

/** Protection after arriving: a broken double ring. */
function drawHalo(pen: CanvasRenderingContext2D, r: number): void {
  pen.lineWidth = 2;
  for (let i = 0; i < 3; i++) {
    pen.beginPath();
    pen.arc(0, 0, r - 2, (i * Math.PI * 2) / 3 + 0.2, ((i + 1) * Math.PI * 2) / 3 - 0.2);
    pen.stroke();
  }
  pen.globalAlpha = 0.5;
  pen.lineWidth = 1;
  circle(pen, r - 6, 1);
}

/** Around one's own ship: four short arcs. */
function drawMark(pen: CanvasRenderingContext2D, r: number): void {
  pen.lineWidth = 1.5;
  pen.lineCap = 'round';
  for (let i = 0; i < 4; i++) {
    pen.beginPath();
    pen.arc(0, 0, r - 2, (i * Math.PI) / 2 + 0.55, ((i + 1) * Math.PI) / 2 - 0.55);
    pen.stroke();
  }
}

function drawPickup(pen: CanvasRenderingContext2D, icon: (pen: CanvasRenderingContext2D) => void): void {
  pen.beginPath();
  for (let i = 0; i < 6; i++) pen.lineTo(15 * Math.cos((i * Math.PI) / 3), 15 * Math.sin((i * Math.PI) / 3));
  pen.closePath();
  pen.globalAlpha = 0.16;
  pen.fill();
  pen.globalAlpha = 1;
  pen.lineWidth = 1.8;
  pen.stroke();
  icon(pen);
}

function radial(
  pen: CanvasRenderingContext2D,
  r: number,
  ...stops: readonly (readonly [number, number])[]
): void {
  const shade = pen.createRadialGradient(0, 0, 0, 0, 0, r);
  for (const [at, alpha] of stops) shade.addColorStop(at, `rgb(255 255 255 / ${alpha})`);
  pen.fillStyle = shade;
  pen.fillRect(-r, -r, r * 2, r * 2);
}

function circle(pen: CanvasRenderingContext2D, r: number, width: number): void {
  pen.lineWidth = width;
  pen.beginPath();
  pen.arc(0, 0, r, 0, Math.PI * 2);
  pen.stroke();
}
