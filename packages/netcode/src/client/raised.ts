/** What a replay raises, kept until it has caught up: only then is it what this client predicts. */

import type { EventSink, RaisedEvent } from '../simulation/events.ts';

export class RaisedAgain implements EventSink {
  /** Ticks that began, and what was raised in each of them, in order. */
  readonly #kept: (number | RaisedEvent)[] = [];

  begin(tick: number): void {
    this.#kept.push(tick);
  }

  raise(event: RaisedEvent): void {
    this.#kept.push(event);
  }

  /** Tells `sink` of all ticks as if they were run now. */
  tell(sink: EventSink): void {
    for (const kept of this.#kept) {
      if (typeof kept === 'number') sink.begin(kept);
      else sink.raise(kept);
    }
    this.forget();
  }

  forget(): void {
    this.#kept.length = 0;
  }
}
