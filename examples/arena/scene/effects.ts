/** What happens, as it looks, sounds and feels. It comes from the game's events, and from rows that appear, change and vanish; nothing here rules. */

import type { SoundName, Sounds } from '../sound/sounds.ts';
import type { Atlas } from './atlas.ts';
import type { BurstName } from './bursts.ts';
import type { Eye } from './camera.ts';
import { Particles } from './particles.ts';

/** A shot that ended this close to one's own ship tells where a hit came from. */
const BLAME_UNITS = 60;
const MOST_ENDS = 24;
/** From one spark of a rail shot's trail to the next. */
const TRAIL_UNITS = 16;

/** From a ship's centre to its engines, in units. */
const ENGINE = 15;

export class Effects {
  readonly #particles: Particles;
  readonly #eye: Eye;
  readonly #sounds: Sounds;
  /** The last shots that ended: where, and where they flew. */
  readonly #ends: { x: number; y: number; angle: number }[] = [];
  /** One's own ship was hit from this direction (radians, or undefined), with this strength 0..1. */
  onHurt: ((from: number | undefined, strength: number) => void) | undefined;

  constructor(atlas: Atlas, eye: Eye, sounds: Sounds) {
    this.#particles = new Particles(atlas, 40);
    this.#eye = eye;
    this.#sounds = sounds;
  }

  update(seconds: number): void {
    this.#particles.update(seconds);
  }

  muzzle(x: number, y: number, angle: number, colour: number, own: boolean): void {
    this.#hear('shot', x, y, own ? 0.5 : 0.34);
    this.#show('muzzle', x, y, colour, angle);
    if (own) this.#eye.shake(0.045);
  }

  /** A rail shot: a flash, a string of sparks that drift off to both sides, and what it meets at its end. */
  rail(x: number, y: number, toX: number, toY: number, colour: number, struck: boolean, own: boolean): void {
    const angle = Math.atan2(toY - y, toX - x);
    const length = Math.hypot(toX - x, toY - y);
    this.#hear('rail', x, y, own ? 0.8 : 0.5);
    this.#show('railMuzzle', x, y, colour, angle);
    for (let way = TRAIL_UNITS; way < length; way += TRAIL_UNITS) {
      const side = (way / TRAIL_UNITS) % 2 === 0 ? Math.PI / 2 : -Math.PI / 2;
      this.#show('railTrail', x + Math.cos(angle) * way, y + Math.sin(angle) * way, colour, angle + side);
    }
    this.#ends.push({ x: toX, y: toY, angle });
    if (this.#ends.length > MOST_ENDS) this.#ends.shift();
    if (struck) this.#hear('hit', toX, toY, own ? 1 : 0.5);
    this.#show(struck ? 'railHit' : 'wallHit', toX, toY, colour, angle + Math.PI);
    if (own) this.#eye.shake(0.16);
  }

  impact(x: number, y: number, angle: number, colour: number, wall: boolean, own: boolean): void {
    this.#ends.push({ x, y, angle });
    if (this.#ends.length > MOST_ENDS) this.#ends.shift();
    this.#hear(wall ? 'tick' : 'hit', x, y, own && !wall ? 0.8 : 0.4);
    this.#show(wall ? 'wallHit' : 'shipHit', x, y, colour, angle + Math.PI);
  }

  /** `lost`: health, without what the shield took. */
  hurt(x: number, y: number, colour: number, own: boolean, lost: number): void {
    if (lost > 0) this.#show('hurt', x, y, colour);
    if (!own) return;
    this.#eye.shake(0.32);
    this.#hear('hurt', x, y, 0.9);
    let from: number | undefined;
    for (const end of this.#ends) {
      if (Math.hypot(end.x - x, end.y - y) < BLAME_UNITS) from = end.angle + Math.PI;
    }
    this.onHurt?.(from, lost > 0 ? 1 : 0.5);
  }

  explosion(x: number, y: number, colour: number, own: boolean): void {
    this.#hear('explosion', x, y, own ? 1 : 0.85);
    this.#eye.shake(own ? 0.9 : this.#eye.sees(x, y, 0) ? 0.3 : 0);
    this.#show('explosion', x, y, colour);
  }

  arrival(x: number, y: number, colour: number, own: boolean): void {
    this.#hear('arrive', x, y, own ? 0.7 : 0.3);
    this.#show('arrival', x, y, colour);
  }

  departure(x: number, y: number, colour: number): void {
    this.#show('departure', x, y, colour);
  }

  dash(x: number, y: number, angle: number, colour: number, own: boolean): void {
    this.#hear('dash', x, y, own ? 0.7 : 0.35);
    this.#show('dash', x, y, colour, angle + Math.PI);
  }

  thrust(x: number, y: number, angle: number, colour: number, dashing: boolean): void {
    const back = angle + Math.PI;
    const bx = x + Math.cos(back) * ENGINE;
    const by = y + Math.sin(back) * ENGINE;
    this.#show(dashing ? 'dashTrail' : 'thrust', bx, by, colour, back);
  }

  healed(x: number, y: number): void {
    this.#show('healed', x, y, 0);
  }

  taken(x: number, y: number, colour: number, own: boolean): void {
    this.#hear('pickup', x, y, own ? 0.9 : 0.25);
    this.#show('taken', x, y, colour);
  }

  returned(x: number, y: number, colour: number): void {
    this.#show('returned', x, y, colour);
  }

  #show(name: BurstName, x: number, y: number, colour: number, angle?: number): void {
    if (this.#eye.sees(x, y, 120)) this.#particles.burst(name, x, y, colour, angle);
  }

  /** Sounds come from where they happen: quieter with distance, left or right. */
  #hear(name: SoundName, x: number, y: number, volume: number): void {
    const dx = (x - this.#eye.x) / this.#eye.halfWidth;
    const dy = (y - this.#eye.y) / this.#eye.halfHeight;
    const distance = Math.hypot(dx, dy);
    this.#sounds.play(name, volume / (1 + distance * distance * 1.6), Math.min(Math.max(dx, -1), 1) * 0.7);
  }
}
