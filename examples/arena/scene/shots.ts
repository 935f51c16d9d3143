/** Shots as pictures: sparks where one ends at a wall. */

import * as Phaser from 'phaser';
import type { ArenaClient, ShotView } from '../page/client.ts';
import { blocked } from '../rules/collision.ts';
import type { ArenaMap } from '../rules/map.ts';
import type { Atlas } from './atlas.ts';
import type { Effects } from './effects.ts';
import { playerColour } from './palette.ts';

interface Known {
  readonly image: Phaser.GameObjects.Image;
  readonly light: Phaser.GameObjects.Image;
  colour: number;
  own: boolean;
  x: number;
  y: number;
  vx: number;
  vy: number;
  endsAt: number;
  frame: number;
}

export class Shots {
  readonly #atlas: Atlas;
  readonly #effects: Effects;
  readonly #map: ArenaMap;
  readonly #known = new Map<number, Known>();
  readonly #idle: Known[] = [];
  #frame = 0;

  constructor(atlas: Atlas, effects: Effects, map: ArenaMap) {
    this.#atlas = atlas;
    this.#effects = effects;
    this.#map = map;
  }

  update(client: ArenaClient): void {
    this.#frame++;
    for (const shot of client.view.shot) {
      const known = this.#known.get(shot.id) ?? this.#appear(client, shot);
      known.frame = this.#frame;
      known.x = shot.x;
      known.y = shot.y;
      known.image.setPosition(shot.x, shot.y);
      known.light.setPosition(shot.x, shot.y);
    }
    for (const [id, known] of this.#known) if (known.frame !== this.#frame) this.#end(client, id, known);
  }

  #appear(client: ArenaClient, shot: ShotView): Known {
    const own = shot.owner === client.seat;
    const colour = playerColour(client.view.players.get(shot.owner)?.hue ?? 0);
    const known = this.#idle.pop() ?? this.#make();
    const angle = Math.atan2(shot.vy, shot.vx);
    known.colour = colour;
    known.own = own;
    known.vx = shot.vx;
    known.vy = shot.vy;
    known.endsAt = shot.endsAt;
    known.image.setVisible(true).setRotation(angle).setTint(colour);
    known.light.setVisible(true).setTint(colour);
    this.#known.set(shot.id, known);
    return known;
  }

  #end(client: ArenaClient, id: number, known: Known): void {
    this.#known.delete(id);
    this.#idle.push(known);
    known.image.setVisible(false);
    known.light.setVisible(false);
    const tick = known.own ? client.view.ownTick : client.view.tick;
    if (tick >= known.endsAt - 1) return;
    const angle = Math.atan2(known.vy, known.vx);
    // What strikes a ship is an event.
    if (blocked(this.#map, known.x + known.vx / 50, known.y + known.vy / 50, 8))
      this.#effects.impact(known.x, known.y, angle, known.colour, true, known.own);
  }

  #make(): Known {
    const image = this.#atlas.image('shot').setDepth(25).setBlendMode(Phaser.BlendModes.ADD);
    const light = this.#atlas.image('glow').setDepth(4).setBlendMode(Phaser.BlendModes.ADD).setAlpha(0.22);
    light.setScale(this.#atlas.unit * 1.5);
    return { image, light, colour: 0, own: false, x: 0, y: 0, vx: 0, vy: 0, endsAt: 0, frame: 0 };
  }
}
