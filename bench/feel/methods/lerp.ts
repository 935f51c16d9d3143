/**
 * What most games write by hand: a straight line between the two snapshots around a moment that lies a fixed 100 ms back.
 *
 * The moment is taken from a clock that knows the server's time well: the mean of what the arrivals say, over some three seconds,
 * approached by at most 5 % of a frame, so that neither jitter nor loss shakes the picture. It never goes back. Past the newest
 * snapshot the ships stand.
 */

import type { Replica } from '@tickwire/netcode/internal';
import { eachShip, TICK_MS } from '../ships.ts';
import type { Method, Visit } from './method.ts';

const DELAY_MS = 100;
/** Arrivals that the mean looks back on. */
const MEAN_OVER = 64;
const SLEW = 0.05;
/** An error that no slewing makes good in a time that anyone would wait. */
const JUMP_MS = 250;
const KEPT = 64;

interface Copy {
  readonly x: number;
  readonly y: number;
  readonly held: number;
}

interface Kept {
  readonly tick: number;
  readonly ships: ReadonlyMap<number, Copy>;
}

export class Lerp100 implements Method {
  readonly name = 'lerp-100';
  /** By rising tick. */
  readonly #kept: Kept[] = [];
  #offset = 0;
  #arrivals = 0;
  #time = 0;
  #last = 0;
  #running = false;

  arrived(now: number, snapshot: Replica): void {
    const sample = snapshot.tick * TICK_MS - now;
    this.#arrivals = Math.min(MEAN_OVER, this.#arrivals + 1);
    this.#offset += (sample - this.#offset) / this.#arrivals;
    const ships = new Map<number, Copy>();
    eachShip(snapshot, (id, x, y, held) => ships.set(id, { x, y, held }));
    let at = this.#kept.length;
    while (at > 0 && (this.#kept[at - 1] as Kept).tick > snapshot.tick) at--;
    this.#kept.splice(at, 0, { tick: snapshot.tick, ships });
    if (this.#kept.length > KEPT) this.#kept.shift();
  }

  frame(now: number): number | undefined {
    if (this.#arrivals === 0) return undefined;
    const wanted = now + this.#offset - DELAY_MS;
    const elapsed = now - this.#last;
    this.#last = now;
    const error = wanted - (this.#time + elapsed);
    if (!this.#running || Math.abs(error) > JUMP_MS)
      this.#time = this.#running ? Math.max(this.#time, wanted) : wanted;
    else this.#time += elapsed + Math.max(-SLEW * elapsed, Math.min(SLEW * elapsed, error));
    this.#running = true;
    return this.#time / TICK_MS;
  }

  ships(visit: Visit): void {
    const tick = this.#time / TICK_MS;
    let at = this.#kept.length - 1;
    while (at > 0 && (this.#kept[at] as Kept).tick > tick) at--;
    const older = this.#kept[at];
    if (older === undefined) return;
    const newer = older.tick > tick ? undefined : this.#kept[at + 1];
    for (const [id, from] of older.ships) {
      const to = newer?.ships.get(id);
      // A copy that had no room in its datagram is the former one again: nothing to draw a line to.
      if (to === undefined || to.held <= from.held) visit(id, from.x, from.y);
      else {
        const share = Math.max(0, Math.min(1, (tick - from.held) / (to.held - from.held)));
        visit(id, from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share);
      }
    }
  }
}
