/** The Phaser scene: once per frame it gives the client the hands, and draws the client's view. It knows no rules. */

import * as Phaser from 'phaser';
import type { Hud } from '../hud/hud.ts';
import type { Controls } from '../input/controls.ts';
import type { ArenaClient } from '../page/client.ts';
import { type ArenaMap, mapOf } from '../rules/map.ts';
import type { Sounds } from '../sound/sounds.ts';
import { type Atlas, createAtlas } from './atlas.ts';
import { Beams } from './beams.ts';
import { Eye } from './camera.ts';
import { Effects } from './effects.ts';
import { cssColour, INK, playerColour } from './palette.ts';
import { Pickups } from './pickups.ts';
import { Ships } from './ships.ts';
import { Shots } from './shots.ts';
import { Stage } from './stage.ts';

/** What the scene is given by the page. */
export interface Parts {
  readonly controls: Controls;
  readonly sounds: Sounds;
  readonly hud: Hud;
}

/** Beyond this a frame counts as this long: effects do not leap when the page comes back. */
const LONGEST_FRAME = 0.1;

export class ArenaScene extends Phaser.Scene {
  /** Resolves when everything is drawn for the first time: drawing keeps the page busy, so connect after it. */
  readonly ready: Promise<void>;
  readonly #parts: Parts;
  #isReady: () => void = () => undefined;
  #client: ArenaClient | undefined;
  #map: ArenaMap = mapOf('cross');
  #atlas!: Atlas;
  #eye!: Eye;
  #effects!: Effects;
  #stage!: Stage;
  #ships!: Ships;
  #shots!: Shots;
  #beams!: Beams;
  #pickups!: Pickups;
  #time = 0;
  #seenOwn = false;
  /** Whom to watch while one's own ship is gone: who destroyed it. */
  #watching = 0;
  #unlisten: (() => void)[] = [];

  constructor(parts: Parts) {
    super('arena');
    this.#parts = parts;
    this.ready = new Promise((resolve) => {
      this.#isReady = resolve;
    });
  }

  /** Shows this client's match from now on; without one, the empty arena. */
  attach(client: ArenaClient | undefined): void {
    const map = client === undefined ? this.#map : mapOf(client.options.map);
    const fresh = this.#client === undefined && map === this.#map;
    for (const stop of this.#unlisten.splice(0)) stop();
    if (client !== undefined) this.#listen(client);
    this.#client = client;
    this.#map = map;
    this.#seenOwn = false;
    if (!fresh) this.scene.restart();
  }

  create(): void {
    const { width, height } = this.scale;
    this.#eye = new Eye(this.cameras.main, this.#map);
    this.#eye.resize(width, height);
    this.#eye.reducedMotion = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.cameras.main.setBackgroundColor(cssColour(INK.floor));
    this.#atlas = createAtlas(this, this.#eye.zoom);
    this.#stage = new Stage(this, this.#map);
    this.#effects = new Effects(this.#atlas, this.#eye, this.#parts.sounds);
    this.#effects.onHurt = (from, strength) => this.#parts.hud.hurt(from, strength);
    this.#ships = new Ships(this, this.#atlas, this.#effects);
    this.#shots = new Shots(this.#atlas, this.#effects, this.#map);
    this.#beams = new Beams(this.#atlas, this.#effects);
    this.#pickups = new Pickups(this.#atlas, this.#effects);
    this.scale.on(Phaser.Scale.Events.RESIZE, this.#resize, this);
    this.events.once(Phaser.Scenes.Events.SHUTDOWN, () => {
      this.scale.off(Phaser.Scale.Events.RESIZE, this.#resize, this);
    });
    // One frame later the pictures have reached the graphics card.
    this.events.once(Phaser.Scenes.Events.POST_UPDATE, () => requestAnimationFrame(this.#isReady));
  }

  /** A player called something out. */
  say(seat: number, words: string): void {
    this.#ships.say(seat, words);
  }

  /** A kill was announced. */
  killed(killer: number, victim: number): void {
    if (victim === this.#client?.seat) this.#watching = killer;
    if (killer === this.#client?.seat && victim !== killer) this.#parts.sounds.play('kill', 0.9);
  }

  override update(_time: number, delta: number): void {
    const seconds = Math.min(delta / 1000, LONGEST_FRAME);
    this.#time += seconds;
    const client = this.#client;
    if (client === undefined) this.#idle();
    else this.#play(client, seconds);
    this.#effects.update(seconds);
    this.#eye.apply(seconds);
    this.#stage.update(this.#eye);
  }

  #play(client: ArenaClient, seconds: number): void {
    const { controls, hud } = this.#parts;
    const own = this.#ships.own;
    const perUnit = 1 / this.#eye.toUnits(1);
    client.frame(() => controls.read((own.x - this.#eye.x) * perUnit, (own.y - this.#eye.y) * perUnit));
    this.#pickups.update(client, seconds);
    this.#shots.update(client);
    this.#beams.update(client, seconds);
    this.#ships.update(client, seconds);
    this.#look(seconds);
    hud.update(client, own.alive, this.#eye);
  }

  #listen(client: ArenaClient): void {
    const colourOf = (seat: number) => playerColour(client.view.players.get(seat)?.hue ?? 0);
    this.#unlisten = [
      client.onEvent('fired', (_, { owner, mine }) => this.#ships.fired(owner, mine)),
      client.onEvent('struck', ({ x, y, angle }, { owner, mine }) =>
        this.#effects.impact(x, y, angle, colourOf(owner), false, mine),
      ),
      client.onEvent('destroyed', ({ x, y }, { owner, mine }) =>
        this.#effects.explosion(x, y, colourOf(owner), mine),
      ),
    ];
  }

  #look(seconds: number): void {
    const { controls } = this.#parts;
    const own = this.#ships.own;
    if (own.alive) {
      const far = !this.#seenOwn || Math.hypot(own.x - this.#eye.x, own.y - this.#eye.y) > 900;
      if (far) this.#eye.follow(own.x, own.y, 0, 0, 9);
      this.#seenOwn = true;
      this.#watching = 0;
      this.#eye.follow(
        own.x,
        own.y,
        this.#eye.toUnits(controls.lookX),
        this.#eye.toUnits(controls.lookY),
        seconds,
      );
      return;
    }
    const killer = this.#watching === 0 ? undefined : this.#ships.positionOf(this.#watching);
    if (killer !== undefined) this.#eye.follow(killer.x, killer.y, 0, 0, seconds * 0.35);
  }

  /** Behind the name card: a slow flight over the empty arena. */
  #idle(): void {
    const { width, height } = this.#map;
    this.#eye.jump(
      width / 2 + Math.cos(this.#time * 0.07) * width * 0.18,
      height / 2 + Math.sin(this.#time * 0.1) * height * 0.14,
    );
  }

  #resize(size: { width: number; height: number }): void {
    this.#eye.resize(size.width, size.height);
  }
}
