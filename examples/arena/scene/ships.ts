/** The ships as pictures: hull, shield, bars, name, and what changes on them from frame to frame. */

import type * as Phaser from 'phaser';
import type { ArenaClient, ShipView } from '../page/client.ts';
import { isDashing, isGuarded, shieldAt } from '../rules/ship.ts';
import { MUZZLE } from '../rules/weapons.ts';
import { MAX_HEALTH, MAX_SHIELD } from '../schema.ts';
import type { Atlas } from './atlas.ts';
import type { Effects } from './effects.ts';
import { playerColour } from './palette.ts';
import { ShipPicture } from './ship-picture.ts';

/** A puff of thrust this often, in seconds. */
const PUFF_EVERY = 0.028;

interface Known {
  readonly picture: ShipPicture;
  owner: number;
  colour: number;
  x: number;
  y: number;
  aim: number;
  health: number;
  shield: number;
  dashAt: number;
  rapid: boolean;
  puff: number;
  frame: number;
}

export class Ships {
  readonly #scene: Phaser.Scene;
  readonly #atlas: Atlas;
  readonly #effects: Effects;
  readonly #known = new Map<number, Known>();
  readonly #idle: ShipPicture[] = [];
  #frame = 0;
  /** Where one's own ship is drawn, while there is one. */
  readonly own = { alive: false, x: 0, y: 0 };

  constructor(scene: Phaser.Scene, atlas: Atlas, effects: Effects) {
    this.#scene = scene;
    this.#atlas = atlas;
    this.#effects = effects;
  }

  update(client: ArenaClient, seconds: number): void {
    this.#frame++;
    this.own.alive = false;
    for (const ship of client.view.ship) {
      const known = this.#known.get(ship.id) ?? this.#arrive(client, ship);
      known.frame = this.#frame;
      this.#show(client, ship, known, seconds);
    }
    for (const [id, known] of this.#known) if (known.frame !== this.#frame) this.#vanish(client, id, known);
  }

  positionOf(seat: number): { x: number; y: number } | undefined {
    for (const known of this.#known.values()) if (known.owner === seat) return known;
    return undefined;
  }

  /** Shows a word above a player's ship for a moment. */
  say(seat: number, words: string): void {
    for (const known of this.#known.values()) if (known.owner === seat) known.picture.say(words);
  }

  #arrive(client: ArenaClient, ship: ShipView): Known {
    const player = client.view.players.get(ship.owner);
    const colour = playerColour(player?.hue ?? 0);
    const picture = this.#idle.pop() ?? new ShipPicture(this.#scene, this.#atlas);
    picture.dress(colour, player?.name ?? '', ship.owner === client.seat);
    const known: Known = {
      picture,
      owner: ship.owner,
      colour,
      x: ship.x,
      y: ship.y,
      aim: ship.aim,
      health: ship.health,
      shield: ship.shield,
      dashAt: ship.dashAt,
      rapid: false,
      puff: 0,
      frame: this.#frame,
    };
    this.#known.set(ship.id, known);
    this.#effects.arrival(ship.x, ship.y, colour, ship.owner === client.seat);
    return known;
  }

  #show(client: ArenaClient, ship: ShipView, known: Known, seconds: number): void {
    const own = ship.owner === client.seat;
    const tick = own ? client.view.ownTick : client.view.tick;
    const { x, y, aim } = ship;
    const shield = shieldAt(ship, tick);
    const speed = Math.hypot(ship.vx, ship.vy);
    const dashing = isDashing(ship, tick);

    if (ship.health < known.health || ship.shield < known.shield) {
      known.picture.flash();
      this.#effects.hurt(x, y, known.colour, own, known.health - ship.health);
    }
    if (ship.health > known.health) this.#effects.healed(x, y);
    if (ship.dashAt !== known.dashAt && dashing)
      this.#effects.dash(x, y, Math.atan2(ship.vy, ship.vx), known.colour, own);
    known.puff += seconds;
    if (speed > 70 && known.puff > PUFF_EVERY) {
      known.puff = 0;
      this.#effects.thrust(x, y, Math.atan2(ship.vy, ship.vx), known.colour, dashing);
    }

    known.x = x;
    known.y = y;
    known.aim = aim;
    known.health = ship.health;
    known.shield = ship.shield;
    known.dashAt = ship.dashAt;
    known.rapid = tick < ship.rapidUntil;
    if (own) {
      this.own.alive = true;
      this.own.x = x;
      this.own.y = y;
    }
    known.picture.rename(client.view.players.get(ship.owner)?.name ?? '');
    known.picture.show({
      x,
      y,
      aim,
      health: ship.health / MAX_HEALTH,
      shield: shield / MAX_SHIELD,
      guarded: isGuarded(ship, tick),
      rapid: known.rapid,
      dashing,
      away: client.view.players.get(ship.owner)?.status === 'away',
      seconds,
    });
  }

  /** A player's gun fired. */
  fired(seat: number, own: boolean): void {
    for (const { owner, x, y, aim, colour } of this.#known.values())
      if (owner === seat)
        this.#effects.muzzle(x + Math.cos(aim) * MUZZLE, y + Math.sin(aim) * MUZZLE, aim, colour, own);
  }

  /** Gone with its player: it left. Gone while the player is here: it was destroyed, which is an event. */
  #vanish(client: ArenaClient, id: number, known: Known): void {
    this.#known.delete(id);
    known.picture.hide();
    this.#idle.push(known.picture);
    if (client.view.players.get(known.owner) === undefined)
      this.#effects.departure(known.x, known.y, known.colour);
  }
}
