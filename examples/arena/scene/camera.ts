/** Where the camera looks: at the ship, a little ahead of it towards the pointer, shaken by what happens. */

import type * as Phaser from 'phaser';
import type { ArenaMap } from '../rules/map.ts';

/** World units that fit the screen, as an area: a phone and a desktop see the same amount, in their own shapes. */
const SEEN_WIDTH = 1100;
const SEEN_HEIGHT = 690;

/** How far the camera looks ahead, as a part of the pointer's distance from the middle. */
const LOOK_AHEAD = 0.16;

const SHAKE_UNITS = 16;

/** How much of what lies beyond the border the screen may show, as a part of half the screen. */
const BEYOND = 0.2;

export class Eye {
  x: number;
  y: number;
  /** Device pixels per world unit. */
  zoom = 1;
  reducedMotion = false;
  readonly #camera: Phaser.Cameras.Scene2D.Camera;
  readonly #map: ArenaMap;
  #shake = 0;
  #time = 0;

  constructor(camera: Phaser.Cameras.Scene2D.Camera, map: ArenaMap) {
    this.#camera = camera;
    this.#map = map;
    this.x = map.width / 2;
    this.y = map.height / 2;
  }

  resize(width: number, height: number): void {
    this.zoom = Math.sqrt((width * height) / (SEEN_WIDTH * SEEN_HEIGHT));
    this.#camera.setZoom(this.zoom);
  }

  /** `strength` 0..1. Shakes add up to 1. */
  shake(strength: number): void {
    if (!this.reducedMotion) this.#shake = Math.min(1, this.#shake + strength);
  }

  jump(x: number, y: number): void {
    this.x = x;
    this.y = y;
  }

  /** `aheadX`, `aheadY`: where the pointer is, in units from the middle of the screen. */
  follow(x: number, y: number, aheadX: number, aheadY: number, seconds: number): void {
    const ease = 1 - Math.exp(-seconds * 9);
    const toX = within(x + aheadX * LOOK_AHEAD, this.halfWidth, this.#map.width);
    const toY = within(y + aheadY * LOOK_AHEAD, this.halfHeight, this.#map.height);
    this.x += (toX - this.x) * ease;
    this.y += (toY - this.y) * ease;
  }

  apply(seconds: number): void {
    this.#time += seconds;
    this.#shake = Math.max(0, this.#shake - seconds * 1.8);
    const reach = this.#shake * this.#shake * SHAKE_UNITS;
    const t = this.#time * 34;
    const dx = reach * Math.sin(t * 1.3) * Math.cos(t * 0.7);
    const dy = reach * Math.sin(t * 1.1 + 2) * Math.cos(t * 0.9);
    this.#camera.centerOn(this.x + dx, this.y + dy);
  }

  /** Half of what the screen shows, in world units. */
  get halfWidth(): number {
    return this.#camera.width / this.zoom / 2;
  }

  get halfHeight(): number {
    return this.#camera.height / this.zoom / 2;
  }

  /** A point of the page (CSS pixels, from the middle of the screen) in world units from the middle. */
  toUnits(cssPixels: number): number {
    return (cssPixels * this.#camera.width) / this.zoom / Math.max(1, window.innerWidth);
  }

  sees(x: number, y: number, margin: number): boolean {
    return Math.abs(x - this.x) < this.halfWidth + margin && Math.abs(y - this.y) < this.halfHeight + margin;
  }
}

/** Keeps the middle of the screen where not much of the outside shows; in the middle of maps smaller than the screen. */
function within(place: number, half: number, size: number): number {
  const least = half * (1 - BEYOND);
  return least > size - least ? size / 2 : Math.min(Math.max(place, least), size - least);
}
