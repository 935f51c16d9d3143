/**
 * When what is next due: one timer for many lines of datagrams.
 *
 * A timer of Node comes up to a millisecond late, and waiting for it in a loop would take a whole core. So what is due within
 * half a millisecond is taken along: errors go both ways and stay small beside the delays that networks have. `Relay.stats` shows them.
 */

/** Something that waits for its time. */
export interface Due {
  /** When it is next due, on the clock of `performance.now()`; Infinity for never. The agenda's to write. */
  due: number;
  /** Does what is due by `until`. */
  run(until: number): void;
}

const EARLY_MS = 0.5;

interface Entry {
  readonly at: number;
  readonly what: Due;
}

export class Agenda {
  /** A binary heap by time. An entry whose time is no longer that of its line is skipped. */
  readonly #heap: Entry[] = [];
  #timer: NodeJS.Timeout | undefined;
  #armed = Number.POSITIVE_INFINITY;

  /** Runs `what` at `at`, or earlier if that was asked for before. */
  add(what: Due, at: number): void {
    if (at >= what.due) return;
    what.due = at;
    this.#push({ at, what });
    if (at < this.#armed) this.#arm(at);
  }

  /** Nothing runs any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#heap.length = 0;
    this.#armed = Number.NEGATIVE_INFINITY;
  }

  #arm(at: number): void {
    clearTimeout(this.#timer);
    this.#armed = at;
    this.#timer = setTimeout(() => this.#ring(), Math.floor(at - performance.now()));
  }

  #ring(): void {
    this.#armed = Number.POSITIVE_INFINITY;
    const until = performance.now() + EARLY_MS;
    for (let next = this.#heap[0]; next !== undefined && next.at <= until; next = this.#heap[0]) {
      this.#pop();
      if (next.what.due !== next.at) continue;
      next.what.due = Number.POSITIVE_INFINITY;
      next.what.run(until);
    }
    const [next] = this.#heap;
    if (next !== undefined && next.at < this.#armed) this.#arm(next.at);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    for (; at > 0; ) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Entry;
      if (above.at <= entry.at) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Entry;
    const size = heap.length;
    if (size === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && (heap[child + 1] as Entry).at < (heap[child] as Entry).at) child++;
      if ((heap[child] as Entry).at >= last.at) break;
      heap[at] = heap[child] as Entry;
      at = child;
    }
    heap[at] = last;
  }
}
