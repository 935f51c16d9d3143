/** Rail beams as pictures: a white line in a glow, a string of sparks along it, a flash at both ends. They fade on their own. */

import * as Phaser from 'phaser';
import type { ArenaClient, BeamView } from '../page/client.ts';
import type { Atlas } from './atlas.ts';
import type { Effects } from './effects.ts';
import { playerColour } from './palette.ts';

/** Seconds from bright to gone. */
const FADE = 0.5;
/** Width of the glow and of the line in it, in units. */
const GLOW_WIDTH = 34;
const LINE_WIDTH = 7;
/** Pictures in the atlas are this many units wide. */
const PICTURE = 16;

interface Known {
  readonly glow: Phaser.GameObjects.Image;
  readonly line: Phaser.GameObjects.Image;
  /** Seconds since it was fired; counts on when its row is gone. */
  age: number;
  frame: number;
}

export class Beams {
  readonly #atlas: Atlas;
  readonly #effects: Effects;
  readonly #known = new Map<number, Known>();
  readonly #idle: Known[] = [];
  #frame = 0;

  constructor(atlas: Atlas, effects: Effects) {
    this.#atlas = atlas;
    this.#effects = effects;
  }

  update(client: ArenaClient, seconds: number): void {
    this.#frame++;
    for (const beam of client.view.beam) {
      const known = this.#known.get(beam.id) ?? this.#appear(client, beam);
      known.frame = this.#frame;
    }
    for (const [id, known] of this.#known) {
      known.age += seconds;
      this.#fade(known);
      // While its row is there it stays known, or it would appear a second time.
      if (known.age < FADE || known.frame === this.#frame) continue;
      this.#known.delete(id);
      this.#idle.push(known);
    }
  }

  #appear(client: ArenaClient, beam: BeamView): Known {
    const known = this.#idle.pop() ?? this.#make();
    const { x, y, toX, toY } = beam;
    const own = beam.owner === client.seat;
    const colour = playerColour(client.view.players.get(beam.owner)?.hue ?? 0);
    const angle = Math.atan2(toY - y, toX - x);
    const length = Math.hypot(toX - x, toY - y);
    known.age = 0;
    for (const image of [known.glow, known.line]) {
      image
        .setVisible(true)
        .setPosition((x + toX) / 2, (y + toY) / 2)
        .setRotation(angle);
      image.scaleX = (this.#atlas.unit * length) / PICTURE;
    }
    known.glow.setTint(colour);
    this.#known.set(beam.id, known);
    this.#effects.rail(x, y, toX, toY, colour, beam.struck, own);
    return known;
  }

  /** At first wide and bright, then a thread. */
  #fade({ glow, line, age }: Known): void {
    const rest = Math.max(0, 1 - age / FADE);
    const { unit } = this.#atlas;
    glow.setVisible(rest > 0).setAlpha(0.8 * rest);
    line.setVisible(rest > 0).setAlpha(rest * rest);
    glow.scaleY = (unit * GLOW_WIDTH * (0.35 + 0.65 * rest)) / PICTURE;
    line.scaleY = (unit * LINE_WIDTH * rest) / PICTURE;
  }

  #make(): Known {
    const image = () => this.#atlas.image('beam').setBlendMode(Phaser.BlendModes.ADD);
    return { glow: image().setDepth(24), line: image().setDepth(26), age: 0, frame: 0 };
  }
}
