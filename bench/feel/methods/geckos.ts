/**
 * `@geckos.io/snapshot-interpolation` as its documentation says: it is told the server's snapshot rate, corrects its own time offset,
 * is given every snapshot on arrival and asked once per frame. What it draws stays on screen when it has nothing new to draw.
 */

import { SnapshotInterpolation, type Types } from '@geckos.io/snapshot-interpolation';
import type { Replica } from '@tickwire/netcode/internal';
import { eachShip, SNAPSHOT_RATE, TICK_MS } from '../ships.ts';
import type { Method, Visit } from './method.ts';

/** It takes percentages and times apart by their size, and -1 for "no offset yet": its clock stays clear of both. */
const CLOCK_START = 1_000_000;

export class Geckos implements Method {
  readonly name = 'snapshot-interpolation';
  readonly #interpolation = new SnapshotInterpolation(SNAPSHOT_RATE);
  #drawn: Types.State = [];
  #started = false;

  arrived(now: number, snapshot: Replica): void {
    setClock(now);
    const state: Types.Entity[] = [];
    eachShip(snapshot, (id, x, y) => state.push({ id: String(id), x, y }));
    const time = CLOCK_START + snapshot.tick * TICK_MS;
    this.#interpolation.snapshot.add({ id: `snapshot ${snapshot.tick}`, time, state });
    this.#started = true;
  }

  frame(now: number): number | undefined {
    if (!this.#started) return undefined;
    setClock(now);
    const drawn = this.#interpolation.calcInterpolation('x y');
    if (drawn !== undefined) this.#drawn = drawn.state;
    // The moment that it looks for, also when it holds no snapshots around it and the picture stands.
    const time =
      SnapshotInterpolation.Now() -
      this.#interpolation.timeOffset -
      this.#interpolation.interpolationBuffer.get();
    return (time - CLOCK_START) / TICK_MS;
  }

  ships(visit: Visit): void {
    for (const { id, x, y } of this.#drawn) visit(Number(id), Number(x), Number(y));
  }
}

/** It reads the time of day through this method. */
function setClock(now: number): void {
  SnapshotInterpolation.Now = () => CLOCK_START + now;
}
