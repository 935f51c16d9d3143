/** How far predictions were off: the own ship at the newest predicted tick, before a snapshot is taken and after. */

import { Figures } from './figures.ts';
import { type ArenaCore, predictedShip } from './ships.ts';

export class Corrections {
  /** Units by which the own ship was moved, for each correction of its place. */
  readonly size = new Figures();
  readonly #core: ArenaCore;
  /** The tick that is looked at, and where the ship was in it; -1 for none. */
  #tick = -1;
  #id = 0;
  #x = 0;
  #y = 0;

  constructor(core: ArenaCore) {
    this.#core = core;
  }

  /** A snapshot is about to be taken. */
  before(counts: boolean): void {
    this.after(counts);
    const { tick } = this.#core;
    this.#tick = -1;
    predictedShip(this.#core, tick, (id, x, y) => {
      this.#tick = tick;
      this.#id = id;
      this.#x = x;
      this.#y = y;
    });
  }

  /** What was looked at is settled: at the next snapshot, and at the end of a frame. */
  after(counts: boolean): void {
    if (this.#tick < 0) return;
    predictedShip(this.#core, this.#tick, (id, x, y) => {
      if (!counts || id !== this.#id || (x === this.#x && y === this.#y)) return;
      this.size.add(Math.sqrt((x - this.#x) ** 2 + (y - this.#y) ** 2));
    });
    this.#tick = -1;
  }
}
