/** A ring of values by rising number, in which a slot answers only for its own key. */

/** The last `capacity` values by key. Asking for a key that was overwritten gives undefined. */
export class History<T> {
  readonly #keys: Float64Array;
  readonly #values: (T | undefined)[];

  constructor(capacity: number) {
    this.#keys = new Float64Array(capacity).fill(-1);
    this.#values = new Array<T | undefined>(capacity).fill(undefined);
  }

  get capacity(): number {
    return this.#keys.length;
  }

  set(key: number, value: T): void {
    const slot = key % this.#keys.length;
    this.#keys[slot] = key;
    this.#values[slot] = value;
  }

  get(key: number): T | undefined {
    const slot = key % this.#keys.length;
    return this.#keys[slot] === key ? this.#values[slot] : undefined;
  }

  /** The value whose slot `key` would take, whatever its key: lets a caller reuse its memory. */
  recycle(key: number): T | undefined {
    return this.#values[key % this.#keys.length];
  }

  clear(): void {
    this.#keys.fill(-1);
  }
}
