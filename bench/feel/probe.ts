/**
 * Input to screen: hands that rest, push the stick, and rest again, and a count of the frames until the own ship's picture moves.
 *
 * A ship at rest stays where it is, so the run without the push is known: the same picture again. A probe counts when the picture has
 * been still for a while before the push, and a ship that is lost meanwhile makes it void.
 */

import type { Rng } from '@tickwire/netcode/internal';
import { clearLine } from '../../examples/arena/rules/collision.ts';
import type { ArenaMap } from '../../examples/arena/rules/map.ts';
import { SHIP_RADIUS } from '../../examples/arena/rules/ship.ts';
import { type Input, STICK } from '../../examples/arena/schema.ts';
import { Figures } from './figures.ts';

const MOVE_FRAMES = 24;
const REST_FRAMES = 66;
/** Rests differ, so that pushes fall anywhere between two ticks and two snapshots. */
const REST_MORE_FRAMES = 12;
const STILL_FRAMES = 6;
/** Room ahead that a push needs: into a wall nothing moves. */
const ROOM_UNITS = 140;
/** A picture that has not moved by then answers something else. */
const ANSWER_FRAMES = 120;

const WAYS = [0, 1, 2, 3, 4, 5, 6, 7].map((eighth) => ({
  mx: Math.round(Math.cos((eighth * Math.PI) / 4) * STICK),
  my: Math.round(Math.sin((eighth * Math.PI) / 4) * STICK),
}));

interface Spot {
  readonly x: number;
  readonly y: number;
}

/** Hands that stop and go. */
export class StopAndGo {
  readonly #map: ArenaMap;
  #left = REST_FRAMES;
  #moving = false;
  #way = { mx: 0, my: 0 };
  /** The frame that is being made samples the first push after a rest. */
  pushed = false;

  constructor(map: ArenaMap) {
    this.#map = map;
  }

  /** Called once per frame. `ship` is the own one as the game has it, undefined while there is none. */
  hands(ship: Spot | undefined, rng: Rng): Input {
    const turn = rng.int(0, WAYS.length - 1);
    const more = rng.int(0, REST_MORE_FRAMES);
    this.pushed = false;
    if (--this.#left <= 0) {
      this.#moving = !this.#moving;
      this.#left = this.#moving ? MOVE_FRAMES : REST_FRAMES + more;
      if (this.#moving) {
        this.#way = ship === undefined ? { mx: 0, my: 0 } : this.#freeWay(ship, turn);
        this.pushed = this.#way.mx !== 0 || this.#way.my !== 0;
      }
    }
    const { mx, my } = this.#moving ? this.#way : { mx: 0, my: 0 };
    return { mx, my, aim: 0, fire: this.#moving, dash: 0 };
  }

  #freeWay({ x, y }: Spot, first: number): { mx: number; my: number } {
    for (let i = 0; i < WAYS.length; i++) {
      const way = WAYS[(first + i) % WAYS.length] as { mx: number; my: number };
      const toX = x + (way.mx / STICK) * ROOM_UNITS;
      const toY = y + (way.my / STICK) * ROOM_UNITS;
      if (clearLine(this.#map, x, y, toX, toY, SHIP_RADIUS + 2)) return way;
    }
    return { mx: 0, my: 0 };
  }
}

/** One picture of the own ship, and how many frames it takes to answer a push. */
export class Answers {
  /** Frames after the one that sampled the push; 0 is that frame itself. */
  readonly frames = new Figures();
  void = 0;
  #id = 0;
  #x = 0;
  #y = 0;
  #still = 0;
  #waiting = -1;

  /** The own ship as it is drawn in this frame, or undefined. `pushed`: the frame sampled a push. */
  frame(id: number | undefined, x: number, y: number, pushed: boolean): void {
    const same = id === this.#id && x === this.#x && y === this.#y;
    if (pushed) {
      if (this.#waiting >= 0) this.void++;
      this.#waiting = this.#still >= STILL_FRAMES ? 0 : -1;
    } else if (this.#waiting >= 0) {
      this.#waiting++;
    }
    if (this.#waiting >= 0) this.#answer(id, same);
    this.#still = same ? this.#still + 1 : 0;
    this.#id = id ?? 0;
    this.#x = x;
    this.#y = y;
  }

  #answer(id: number | undefined, same: boolean): void {
    if (id === undefined || id !== this.#id || this.#waiting > ANSWER_FRAMES) {
      this.void++;
      this.#waiting = -1;
    } else if (!same) {
      this.frames.add(this.#waiting);
      this.#waiting = -1;
    }
  }
}
