/** First in, first out, without moving what waits. */

export class Queue<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** The item at `index`, 0 being the oldest. */
  at(index: number): T | undefined {
    return this.#items[this.#head + index];
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head++;
    if (this.#head === this.#items.length) this.clear();
    else if (this.#head >= 32 && this.#head * 2 >= this.#items.length) this.#giveBack();
    return item;
  }

  /** Takes one item out of the middle. */
  remove(index: number): void {
    this.#items.splice(this.#head + index, 1);
  }

  clear(): void {
    this.#items.length = 0;
    this.#head = 0;
  }

  /** Drops the used half; done only when it is half, so the cost per item stays constant. */
  #giveBack(): void {
    this.#items.splice(0, this.#head);
    this.#head = 0;
  }
}
