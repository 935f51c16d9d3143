/** The layered picture of one ship. Made once, dressed for whoever flies next. */

import * as Phaser from 'phaser';
import type { Atlas } from './atlas.ts';
import { INK, PICKUP_COLOURS } from './palette.ts';

export interface ShipLook {
  readonly x: number;
  readonly y: number;
  readonly aim: number;
  /** 0..1 */
  readonly health: number;
  readonly shield: number;
  readonly guarded: boolean;
  readonly rapid: boolean;
  readonly dashing: boolean;
  readonly away: boolean;
  readonly seconds: number;
}

const BAR_WIDTH = 40;
const BAR_Y = 31;
const SAY_SECONDS = 2.2;

export class ShipPicture {
  readonly #unit: number;
  readonly #light: Phaser.GameObjects.Image;
  readonly #hull: Phaser.GameObjects.Image;
  readonly #core: Phaser.GameObjects.Image;
  readonly #bubble: Phaser.GameObjects.Image;
  readonly #halo: Phaser.GameObjects.Image;
  readonly #mark: Phaser.GameObjects.Image;
  readonly #barBack: Phaser.GameObjects.Image;
  readonly #barHealth: Phaser.GameObjects.Image;
  readonly #barShield: Phaser.GameObjects.Image;
  readonly #name: Phaser.GameObjects.Text;
  readonly #speech: Phaser.GameObjects.Text;
  #colour = 0xffffff;
  #own = false;
  #label = '';
  #flash = 0;
  #speaking = 0;
  #time = Math.random() * 10;

  constructor(scene: Phaser.Scene, atlas: Atlas) {
    this.#unit = atlas.unit;
    this.#light = atlas.image('glow').setDepth(4).setBlendMode(Phaser.BlendModes.ADD).setAlpha(0.28);
    this.#mark = atlas.image('mark').setDepth(29).setAlpha(0.5);
    this.#hull = atlas.image('hull').setDepth(30);
    this.#core = atlas.image('hull-light').setDepth(31);
    this.#bubble = atlas.image('bubble').setDepth(32).setBlendMode(Phaser.BlendModes.ADD);
    this.#halo = atlas.image('halo').setDepth(33).setBlendMode(Phaser.BlendModes.ADD).setTint(INK.paper);
    this.#barBack = atlas.image('bar').setDepth(60).setTint(INK.void).setAlpha(0.75);
    this.#barHealth = atlas.image('bar').setDepth(61).setOrigin(0, 0.5);
    this.#barShield = atlas.image('bar').setDepth(61).setOrigin(0, 0.5).setTint(PICKUP_COLOURS.shield);
    this.#name = label(scene, 12.5, this.#unit, '600').setOrigin(0.5, 0);
    this.#speech = label(scene, 16, this.#unit, '800').setOrigin(0.5, 1);
    this.hide();
  }

  dress(colour: number, name: string, own: boolean): void {
    this.#colour = colour;
    this.#own = own;
    this.#flash = 0;
    this.#speaking = 0;
    this.#hull.setTint(colour);
    this.#light.setTint(colour);
    this.#mark.setTint(colour);
    this.#bubble.setTint(PICKUP_COLOURS.shield);
    this.#barHealth.setTint(colour);
    this.#name.setColor(own ? '#ffffff' : '#c6d0e4');
    this.rename(name);
  }

  rename(name: string): void {
    if (name === this.#label) return;
    this.#label = name;
    this.#name.setText(name);
  }

  flash(): void {
    this.#flash = 1;
  }

  say(words: string): void {
    this.#speech.setText(words);
    this.#speaking = SAY_SECONDS;
  }

  show(look: ShipLook): void {
    const { x, y, seconds } = look;
    this.#time += seconds;
    this.#flash = Math.max(0, this.#flash - seconds * 7);
    this.#speaking = Math.max(0, this.#speaking - seconds);
    const faded = look.away ? 0.35 : 1;
    const stretch = look.dashing ? 1.18 : 1;

    this.#light
      .setVisible(true)
      .setPosition(x, y)
      .setScale(this.#unit * 3.4)
      .setAlpha((look.rapid ? 0.4 : 0.26) * faded);
    this.#hull.setVisible(true).setPosition(x, y).setRotation(look.aim).setAlpha(faded);
    this.#hull.setScale(this.#unit * stretch, this.#unit / stretch);
    this.#hull.setTint(this.#flash > 0.4 ? 0xffffff : this.#colour);
    this.#hull.setTintMode(this.#flash > 0.4 ? Phaser.TintModes.FILL : Phaser.TintModes.MULTIPLY);
    this.#core.setVisible(true).setPosition(x, y).setRotation(look.aim).setAlpha(faded);
    this.#core.setTint(look.rapid ? PICKUP_COLOURS.rapid : 0xffffff);
    this.#mark
      .setVisible(this.#own)
      .setPosition(x, y)
      .setRotation(this.#time * 0.5);
    this.#bubble.setVisible(look.shield > 0).setPosition(x, y);
    this.#bubble
      .setAlpha((0.1 + look.shield * 0.34 + this.#flash * 0.6) * faded)
      .setScale(this.#unit * (1 + this.#flash * 0.12));
    this.#halo
      .setVisible(look.guarded)
      .setPosition(x, y)
      .setRotation(this.#time * 3);
    this.#halo.setAlpha(0.55 + 0.35 * Math.sin(this.#time * 14)).setScale(this.#unit * 1.12);
    this.#bars(look);
    this.#name
      .setVisible(true)
      .setPosition(x, y + BAR_Y + 6)
      .setAlpha(0.92 * faded);
    this.#speech
      .setVisible(this.#speaking > 0)
      .setPosition(x, y - 30)
      .setAlpha(Math.min(1, this.#speaking * 2));
  }

  #bars({ x, y, health, shield }: ShipLook): void {
    const left = x - BAR_WIDTH / 2;
    this.#barBack
      .setVisible(true)
      .setPosition(x, y + BAR_Y - 1)
      .setScale(width(BAR_WIDTH + 3, this.#unit), width(8, this.#unit));
    this.#barHealth
      .setVisible(health > 0)
      .setPosition(left, y + BAR_Y - 2)
      .setScale(width(BAR_WIDTH * health, this.#unit), width(3.5, this.#unit));
    this.#barShield
      .setVisible(shield > 0)
      .setPosition(left, y + BAR_Y + 1.5)
      .setScale(width(BAR_WIDTH * shield, this.#unit), width(2, this.#unit));
  }

  hide(): void {
    for (const part of [
      this.#light,
      this.#hull,
      this.#core,
      this.#bubble,
      this.#halo,
      this.#mark,
      this.#barBack,
      this.#barHealth,
      this.#barShield,
      this.#name,
      this.#speech,
    ]) {
      part.setVisible(false);
    }
  }
}

/** Scale that makes the 4-unit bar picture `units` wide. */
function width(units: number, unit: number): number {
  return (units / 4) * unit;
}

function label(scene: Phaser.Scene, size: number, unit: number, weight: string): Phaser.GameObjects.Text {
  return scene.add
    .text(0, 0, '', {
      fontFamily: 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
      fontSize: `${Math.round(size / unit)}px`,
      fontStyle: weight,
      color: '#ffffff',
      stroke: '#05070c',
      strokeThickness: Math.round(3 / unit),
    })
    .setScale(unit)
    .setDepth(62);
}
