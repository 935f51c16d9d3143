/** Counts bytes per second, as they are now. */

import type { Millis } from '../base/units.ts';

/** Bytes over about the last second, in steps of an eighth. */
export class ByteMeter {
  readonly #bytes = new Float64Array(METER_SLOTS);
  #slot = -METER_SLOTS;
  #first: Millis = Infinity;

  add(now: Millis, bytes: number): void {
    this.#turn(now);
    this.#first = Math.min(this.#first, now);
    const at = this.#slot % METER_SLOTS;
    this.#bytes[at] = this.#bytes[at]! + bytes;
  }

  perSecond(now: Millis): number {
    this.#turn(now);
    let sum = 0;
    for (const bytes of this.#bytes) sum += bytes;
    // The newest slot is not over yet, and at first there are fewer.
    const covered = Math.min(now - this.#first, now - (this.#slot - METER_SLOTS + 1) * METER_SLOT_MS);
    return (sum * 1_000) / Math.max(LEAST_METERED_MS, covered);
  }

  #turn(now: Millis): void {
    const slot = Math.floor(now / METER_SLOT_MS);
    if (slot <= this.#slot) return;
    if (slot - this.#slot >= METER_SLOTS) this.#bytes.fill(0);
    else for (let s = this.#slot + 1; s <= slot; s++) this.#bytes[s % METER_SLOTS] = 0;
    this.#slot = slot;
  }
}

const METER_SLOTS = 8;
const METER_SLOT_MS = 125;
const LEAST_METERED_MS = 250;
