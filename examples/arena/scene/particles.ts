/** A fixed pool of particles: when all fly, the oldest is used again. No object is made after the start. */

import * as Phaser from 'phaser';
import type { Atlas } from './atlas.ts';
import { BURSTS, type Burst, type BurstName } from './bursts.ts';

const POOL = 640;

interface Particle {
  readonly image: Phaser.GameObjects.Image;
  vx: number;
  vy: number;
  age: number;
  life: number;
  from: number;
  to: number;
  drag: number;
  spin: number;
  alpha: number;
}

export class Particles {
  readonly #unit: number;
  readonly #pool: Particle[] = [];
  #next = 0;

  constructor(atlas: Atlas, depth: number) {
    this.#unit = atlas.unit;
    for (let i = 0; i < POOL; i++) {
      const image = atlas.image('dot').setDepth(depth).setBlendMode(Phaser.BlendModes.ADD).setVisible(false);
      this.#pool.push({ image, vx: 0, vy: 0, age: 0, life: 0, from: 1, to: 0, drag: 0, spin: 0, alpha: 1 });
    }
  }

  /** `angle`: where directed particles fly, in radians. */
  burst(name: BurstName, x: number, y: number, colour: number, angle = 0): void {
    for (const burst of BURSTS[name] as readonly Burst[]) {
      for (let i = 0; i < burst.count; i++) this.#throw(burst, x, y, colour, angle);
    }
  }

  #throw(burst: Burst, x: number, y: number, colour: number, towards: number): void {
    const p = this.#pool[this.#next] as Particle;
    this.#next = (this.#next + 1) % POOL;
    const angle = towards + (Math.random() * 2 - 1) * (burst.spread ?? Math.PI);
    const speed = burst.speed === undefined ? 0 : between(burst.speed);
    p.vx = Math.cos(angle) * speed;
    p.vy = Math.sin(angle) * speed;
    p.age = 0;
    p.life = between(burst.seconds);
    p.from = burst.scale[0] * this.#unit;
    p.to = burst.scale[1] * this.#unit;
    p.drag = burst.drag ?? 0;
    p.spin = (Math.random() * 2 - 1) * (burst.spin ?? 0);
    p.alpha = burst.alpha ?? 1;
    p.image
      .setFrame(burst.picture)
      .setPosition(x, y)
      .setRotation(burst.spin === undefined ? angle : Math.random() * 6)
      .setTint(burst.colour ?? colour)
      .setScale(p.from)
      .setAlpha(p.alpha)
      .setVisible(true);
  }

  update(seconds: number): void {
    for (const p of this.#pool) {
      if (p.life === 0) continue;
      p.age += seconds;
      if (p.age >= p.life) {
        p.life = 0;
        p.image.setVisible(false);
        continue;
      }
      const t = p.age / p.life;
      const keep = (1 - p.drag) ** seconds;
      p.vx *= keep;
      p.vy *= keep;
      const { image } = p;
      image.x += p.vx * seconds;
      image.y += p.vy * seconds;
      if (p.spin !== 0) image.rotation += p.spin * seconds;
      image.setScale(p.from + (p.to - p.from) * t);
      image.alpha = p.alpha * (1 - t * t);
    }
  }
}

function between([low, high]: readonly [number, number]): number {
  return low + Math.random() * (high - low);
}
