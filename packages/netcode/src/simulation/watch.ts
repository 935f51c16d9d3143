/** Finds, in development, writes that round to no change for half a second: a speed too small for its grid, friction that sticks. */

import type { Table, WriteWatch } from './table.ts';

/** Ticks in a row before a warning: 0.5 s at 60 Hz. */
const STUCK_TICKS = 30;

interface Stuck {
  tick: number;
  ticks: number;
}

export class WriteWatcher implements WriteWatch {
  readonly #warn: (warning: string) => void;
  readonly #stuck = new Map<string, Stuck>();
  readonly #warned = new Set<string>();
  #tick = 0;

  constructor(warn: (warning: string) => void) {
    this.#warn = warn;
  }

  begin(tick: number): void {
    this.#tick = tick;
  }

  write(
    table: Table,
    row: number,
    at: number,
    field: string,
    value: number,
    stored: number,
    step: number,
  ): void {
    if (table.data[row + at] !== stored || value === stored * step) return;
    const name = `${table.schema.name}.${field}`;
    if (this.#warned.has(name)) return;
    const key = `${name}#${table.data[row]}`;
    const entry = this.#stuck.get(key);
    if (entry === undefined || (this.#tick !== entry.tick && this.#tick !== entry.tick + 1)) {
      this.#stuck.set(key, { tick: this.#tick, ticks: 1 });
      return;
    }
    if (entry.tick === this.#tick) return;
    entry.tick = this.#tick;
    if (++entry.ticks < STUCK_TICKS) return;
    this.#warned.add(name);
    this.#warn(
      `${name}: writes round to no change for ${STUCK_TICKS} ticks (wrote ${value}, the grid step is ${step}). Use a finer step, or damp() and approach() which always arrive`,
    );
  }
}
