/** Where every ship really was: the server's own positions, tick by tick, asked for at any fraction of a tick. */

/** A place, written by whoever is asked. */
export interface Place {
  x: number;
  y: number;
}

/** The way of one ship, from the tick it appeared in. */
interface Way {
  readonly from: number;
  readonly xs: number[];
  readonly ys: number[];
}

export class Truth {
  readonly #ways = new Map<number, Way>();

  /** The server has run `tick`; `ships` are all that exist. */
  note(tick: number, ships: Iterable<{ readonly id: number; readonly x: number; readonly y: number }>): void {
    for (const { id, x, y } of ships) {
      let way = this.#ways.get(id);
      // A gap in its ticks: the id was given again, or the server dropped ticks.
      if (way === undefined || way.from + way.xs.length !== tick) {
        way = { from: tick, xs: [], ys: [] };
        this.#ways.set(id, way);
      }
      way.xs.push(x);
      way.ys.push(y);
    }
  }

  /** Writes where the ship was at a fractional tick, on the line between two ticks. False when it was not there. */
  at(id: number, tick: number, into: Place): boolean {
    const way = this.#ways.get(id);
    if (way === undefined) return false;
    const since = tick - way.from;
    const before = Math.floor(since);
    const after = Math.ceil(since);
    if (before < 0 || after >= way.xs.length) return false;
    const share = since - before;
    into.x = between(way.xs[before] as number, way.xs[after] as number, share);
    into.y = between(way.ys[before] as number, way.ys[after] as number, share);
    return true;
  }
}

function between(from: number, to: number, share: number): number {
  return from + (to - from) * share;
}
