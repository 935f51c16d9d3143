/** Samples of one quantity, and what is told of them. */

export class Figures {
  readonly #values: number[] = [];

  add(value: number): void {
    this.#values.push(value);
  }

  addAll(others: Figures): void {
    for (const value of others.#values) this.#values.push(value);
  }

  get count(): number {
    return this.#values.length;
  }

  /** NaN when nothing was seen: a figure that was not measured is none. */
  get mean(): number {
    return this.#values.reduce((sum, value) => sum + value, 0) / this.count;
  }

  /** Root mean square: rare large values count as people see them. */
  get rms(): number {
    return Math.sqrt(this.#values.reduce((sum, value) => sum + value * value, 0) / this.count);
  }

  get max(): number {
    return this.count === 0 ? Number.NaN : this.#values.reduce((most, value) => Math.max(most, value));
  }

  /** The value that a share (0..1) of all stay at or below. */
  quantile(share: number): number {
    const sorted = Float64Array.from(this.#values).sort();
    return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  }
}
