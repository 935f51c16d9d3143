/**
 * The views that one session's commands came with. A client says what it saw, and may say anything: what is used lies in the past, not
 * too far, never before the one used last, and between snapshots that were sent to it.
 */

import {
  type CommandView,
  copyView,
  expect,
  type GameSchema,
  lastSnapshot,
  NO_NEWER,
  newView,
  VIEW_UNITS,
} from '@tickwire/netcode/internal';
import { MAX_AHEAD_TICKS } from './commands.ts';

/** What was wrong with views. An honest client's never are. */
export interface ViewCounters {
  /** Further back than a rewind may go, or before an earlier command's. */
  viewsClamped: number;
  /** Between snapshots that were not sent, or that it does not lie between. */
  viewsForged: number;
}

/** Snapshots looked through for one that was sent. */
const MOST_BACK = 63;

/** Snapshots lost in a row for which an older one may stand in. Beyond them a client could name one of seconds ago and shoot at that. */
const MOST_LOST = 4;

export class ViewQueue {
  readonly #schema: GameSchema;
  readonly #ticks = new Float64Array(MAX_AHEAD_TICKS).fill(-1);
  readonly #views = Array.from({ length: MAX_AHEAD_TICKS }, newView);
  readonly #last = newView();
  /** The latest time that came with a command. */
  #latest = -1;

  constructor(schema: GameSchema) {
    this.#schema = schema;
  }

  /** The command for `tick` was accepted with this view. */
  add(tick: number, view: Readonly<CommandView>): void {
    const slot = tick % MAX_AHEAD_TICKS;
    this.#ticks[slot] = tick;
    copyView(this.#views[slot] as CommandView, view);
  }

  /**
   * The view of the command that runs in `tick`. A substituted command's goes on by a tick; before the first of a page it is that of
   * the present, of what the page was sent: the whole world is nobody's view [L4]. `sent` says whether the client was sent the
   * snapshot of a tick. One object is reused.
   */
  take(tick: number, sent: (tick: number) => boolean, counters: ViewCounters): CommandView {
    const slot = tick % MAX_AHEAD_TICKS;
    const last = this.#last;
    if (this.#ticks[slot] === tick) {
      this.#ticks[slot] = -1;
      copyView(last, this.#views[slot] as CommandView);
      if (last.time < this.#latest) {
        counters.viewsClamped++;
        last.time = this.#latest;
      }
      this.#latest = last.time;
      if (this.#clamp(tick)) counters.viewsClamped++;
      if (!this.#holds(tick, sent)) {
        counters.viewsForged++;
        this.#choose(sent);
      } else if (this.#isStale(tick)) {
        // After a blackout that is honest, so nobody is accused.
        this.#choose(sent);
      }
      return last;
    }
    if (this.#latest < 0) {
      last.time = tick * VIEW_UNITS;
      this.#choose(sent);
      return last;
    }
    last.time += VIEW_UNITS;
    this.#clamp(tick);
    expect(last, last, this.#schema.ticksPerSnapshot);
    if (!this.#holds(tick, sent) || this.#isStale(tick)) this.#choose(sent);
    return last;
  }

  /** The client has jumped back: the commands from `tick` on are made anew, with views of their own. */
  takeBack(tick: number): void {
    for (let slot = 0; slot < MAX_AHEAD_TICKS; slot++)
      if ((this.#ticks[slot] ?? -1) >= tick) this.#ticks[slot] = -1;
  }

  /** Another page speaks for this seat now. */
  forget(): void {
    this.#ticks.fill(-1);
    this.#latest = -1;
  }

  #clamp(tick: number): boolean {
    const { time } = this.#last;
    const earliest = Math.max(0, tick - this.#schema.maxRewind) * VIEW_UNITS;
    this.#last.time = Math.min(tick * VIEW_UNITS, Math.max(earliest, time));
    return this.#last.time !== time;
  }

  #holds(tick: number, sent: (tick: number) => boolean): boolean {
    const { time, older, newer } = this.#last;
    if (older * VIEW_UNITS > time || !sent(older)) return false;
    return newer === NO_NEWER || (newer * VIEW_UNITS > time && newer < tick && sent(newer));
  }

  /** Others were drawn from a copy that is older than a rewind may go. */
  #isStale(tick: number): boolean {
    const { maxRewind, ticksPerSnapshot } = this.#schema;
    return this.#last.older < tick - maxRewind - MOST_LOST * ticksPerSnapshot;
  }

  /** The snapshots sent last before the time and first after it. */
  #choose(sent: (tick: number) => boolean): void {
    const view = this.#last;
    const { ticksPerSnapshot } = this.#schema;
    const before = lastSnapshot(view.time, ticksPerSnapshot);
    view.older = before;
    for (let back = 0; back < MOST_BACK && view.older > 0 && !sent(view.older); back++)
      view.older -= ticksPerSnapshot;
    view.newer = sent(before + ticksPerSnapshot) ? before + ticksPerSnapshot : NO_NEWER;
  }
}
