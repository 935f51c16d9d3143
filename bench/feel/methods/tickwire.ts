/** Tickwire's own client: what its view shows. It has taken the snapshots and drawn the frame before it is asked. */

import type { ArenaCore } from '../ships.ts';
import type { Method, Visit } from './method.ts';

export class Tickwire implements Method {
  readonly name = 'tickwire';
  readonly #core: ArenaCore;

  constructor(core: ArenaCore) {
    this.#core = core;
  }

  arrived(): void {}

  frame(): number | undefined {
    return this.#core.replica === undefined ? undefined : this.#core.view.tick;
  }

  ships(visit: Visit): void {
    for (const { id, x, y } of this.#core.view.ship) visit(id, x, y);
  }
}
