/** The whole arena in a corner: walls, pickups, ships, and what the screen shows. */

import type { ArenaClient } from '../page/client.ts';
import { mapOf } from '../rules/map.ts';
import type { Eye } from '../scene/camera.ts';
import { cssColour, PICKUP_COLOURS, playerColour } from '../scene/palette.ts';
import { element } from './dom.ts';

const EVERY_MS = 50;
const WIDTH = 360;

export class Minimap {
  readonly #canvas = element<HTMLCanvasElement>('minimap');
  readonly #pen = this.#canvas.getContext('2d');
  readonly #ground = document.createElement('canvas');
  #drawnMap = '';
  #next = 0;

  update(client: ArenaClient, eye: Eye, now: number): void {
    const pen = this.#pen;
    if (now < this.#next || pen === null) return;
    this.#next = now + EVERY_MS;
    const map = mapOf(client.options.map);
    if (this.#drawnMap !== map.name) this.#drawGround(map.name);
    const scale = WIDTH / map.width;
    pen.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    pen.drawImage(this.#ground, 0, 0);
    for (const pickup of client.view.pickup) {
      if (client.view.tick < pickup.backAt) continue;
      pen.fillStyle = cssColour(PICKUP_COLOURS[pickup.kind]);
      pen.fillRect(pickup.x * scale - 3, pickup.y * scale - 3, 6, 6);
    }
    for (const ship of client.view.ship) {
      pen.fillStyle = cssColour(playerColour(client.view.players.get(ship.owner)?.hue ?? 0));
      pen.beginPath();
      pen.arc(ship.x * scale, ship.y * scale, ship.owner === client.seat ? 7 : 5, 0, 7);
      pen.fill();
      if (ship.owner !== client.seat) continue;
      pen.strokeStyle = '#fff';
      pen.lineWidth = 2.5;
      pen.stroke();
    }
    pen.strokeStyle = 'rgb(233 238 247 / 0.28)';
    pen.lineWidth = 2;
    pen.strokeRect(
      (eye.x - eye.halfWidth) * scale,
      (eye.y - eye.halfHeight) * scale,
      eye.halfWidth * 2 * scale,
      eye.halfHeight * 2 * scale,
    );
  }

  #drawGround(name: string): void {
    const map = mapOf(name);
    const scale = WIDTH / map.width;
    this.#drawnMap = map.name;
    for (const canvas of [this.#canvas, this.#ground]) {
      canvas.width = WIDTH;
      canvas.height = Math.round(map.height * scale);
    }
    const pen = this.#ground.getContext('2d');
    if (pen === null) return;
    pen.fillStyle = 'rgb(74 95 143 / 0.75)';
    for (const wall of map.walls)
      pen.fillRect(wall.x * scale, wall.y * scale, wall.w * scale, wall.h * scale);
  }
}
