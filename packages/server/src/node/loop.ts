// The tick loop: calls back when the core wants to run, without drift, and says so when it ran late.
//
// The core owns the schedule (`nextWakeup` is an absolute time), so a late wake-up never shifts the next one. Node's timers count
// whole milliseconds; asking for the next whole one makes a tick at most about 1 ms late and keeps an idle server idle.

/** A tick this late, or one that takes this long, is an overrun: at 60 Hz the next one is already due. */
const OVERRUN_MS = 16;

/** A step back or jump of the wake-up further than this is a core's mistake; sleeping longer would only hide it. */
const MAX_SLEEP_MS = 1000;

export interface LoopHooks {
  /** When `run` must next be called, in `performance.now()` milliseconds. */
  nextWakeup(): number;
  run(now: number): void;
  /** `lateMs` after it was due, taking `tookMs`. Called at most once per second. */
  overrun?(lateMs: number, tookMs: number): void;
  /** `run` threw. The loop has stopped. */
  failed(error: unknown): void;
}

export interface LoopStats {
  runs: number;
  overruns: number;
  /** The latest wake-up since the start, in ms. */
  worstLateMs: number;
  /** The longest `run` since the start, in ms. */
  worstTookMs: number;
  /** Time spent in `run` since the start, in ms. */
  busyMs: number;
}

export class TickLoop {
  readonly stats: LoopStats = { runs: 0, overruns: 0, worstLateMs: 0, worstTookMs: 0, busyMs: 0 };
  readonly #hooks: LoopHooks;
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;
  #running = false;
  #reportedAt = Number.NEGATIVE_INFINITY;

  constructor(hooks: LoopHooks) {
    this.#hooks = hooks;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#schedule();
  }

  stop(): void {
    this.#running = false;
    this.#due = Number.POSITIVE_INFINITY;
    clearTimeout(this.#timer);
  }

  /** The core may want to run earlier than it said before: after it received something. */
  reconsider(): void {
    if (this.#running && this.#hooks.nextWakeup() < this.#due) this.#schedule();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const now = performance.now();
    this.#due = Math.min(this.#hooks.nextWakeup(), now + MAX_SLEEP_MS);
    this.#timer = setTimeout(() => this.#wake(), Math.max(0, Math.ceil(this.#due - now)));
  }

  #wake(): void {
    const now = performance.now();
    if (now >= this.#due) this.#run(now);
    if (this.#running) this.#schedule();
  }

  #run(now: number): void {
    const late = now - this.#due;
    try {
      this.#hooks.run(now);
    } catch (error) {
      this.stop();
      this.#hooks.failed(error);
      return;
    }
    const took = performance.now() - now;
    this.stats.runs++;
    this.stats.busyMs += took;
    this.stats.worstLateMs = Math.max(this.stats.worstLateMs, late);
    this.stats.worstTookMs = Math.max(this.stats.worstTookMs, took);
    if (late < OVERRUN_MS && took < OVERRUN_MS) return;
    this.stats.overruns++;
    if (now - this.#reportedAt < 1000) return;
    this.#reportedAt = now;
    this.#hooks.overrun?.(late, took);
  }
}
