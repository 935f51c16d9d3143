/** Pickups as pictures: they float while they are there, and leave a faint outline while they are not. */

import * as Phaser from 'phaser';
import type { ArenaClient, PickupView } from '../page/client.ts';
import type { Atlas } from './atlas.ts';
import type { Effects } from './effects.ts';
import { PICKUP_COLOURS } from './palette.ts';

interface Known {
  readonly image: Phaser.GameObjects.Image;
  readonly light: Phaser.GameObjects.Image;
  readonly phase: number;
  present: boolean;
}

export class Pickups {
  readonly #atlas: Atlas;
  readonly #effects: Effects;
  readonly #known = new Map<number, Known>();
  #time = 0;

  constructor(atlas: Atlas, effects: Effects) {
    this.#atlas = atlas;
    this.#effects = effects;
  }

  update(client: ArenaClient, seconds: number): void {
    this.#time += seconds;
    for (const pickup of client.view.pickup) {
      const known = this.#known.get(pickup.id) ?? this.#appear(pickup);
      const present = client.view.tick >= pickup.backAt;
      const colour = PICKUP_COLOURS[pickup.kind];
      if (known.present && !present)
        this.#effects.taken(pickup.x, pickup.y, colour, this.#taker(client, pickup));
      if (!known.present && present) this.#effects.returned(pickup.x, pickup.y, colour);
      known.present = present;
      const wave = Math.sin(this.#time * 2.4 + known.phase);
      known.image
        .setAlpha(present ? 1 : 0.13)
        .setScale(this.#atlas.unit * (present ? 1.05 + wave * 0.06 : 0.9));
      known.light.setVisible(present).setAlpha(0.3 + wave * 0.08);
    }
  }

  #appear(pickup: PickupView): Known {
    const colour = PICKUP_COLOURS[pickup.kind];
    const image = this.#atlas.image(pickup.kind).setDepth(6).setPosition(pickup.x, pickup.y).setTint(colour);
    const light = this.#atlas.image('glow').setDepth(4).setPosition(pickup.x, pickup.y).setTint(colour);
    light.setBlendMode(Phaser.BlendModes.ADD).setScale(this.#atlas.unit * 2.6);
    const known = { image, light, phase: pickup.x + pickup.y, present: true };
    this.#known.set(pickup.id, known);
    return known;
  }

  /** Whether one's own ship is the one on the spot. */
  #taker(client: ArenaClient, pickup: PickupView): boolean {
    for (const ship of client.view.ship) {
      if (ship.owner === client.seat && Math.hypot(ship.x - pickup.x, ship.y - pickup.y) < 90) return true;
    }
    return false;
  }
}
