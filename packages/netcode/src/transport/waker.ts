// A timer that also keeps time in a hidden tab, where a page's own timers run once per second: it lives in a Worker.

/** Sooner wake-ups than this are held back: a core that asks for the past must not spin the page. */
const MIN_SLEEP_MS = 2;

/** A wake-up this late does not come any more: the timer died while the page was frozen. */
const LOST_MS = 1_000;

const WORKER_SOURCE =
  'let timer; onmessage = (event) => { clearTimeout(timer); timer = setTimeout(postMessage, event.data, 0); };';

/** Calls `wake` once at the earliest time asked for since the last call. */
export class Waker {
  readonly #wake: () => void;
  #worker: Worker | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #due = Number.POSITIVE_INFINITY;

  constructor(wake: () => void) {
    this.#wake = wake;
    this.#worker = this.#start();
  }

  /** Wakes at `time` (performance.now() milliseconds) or earlier. */
  at(time: number): void {
    if (this.#due === Number.NEGATIVE_INFINITY) return;
    const now = performance.now();
    const due = Math.max(time, now + MIN_SLEEP_MS);
    if (due >= this.#due && now < this.#due + LOST_MS) return;
    this.#due = due;
    this.#arm();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#due = Number.NEGATIVE_INFINITY; // stopped
  }

  #arm(): void {
    const delay = Math.max(0, this.#due - performance.now());
    if (this.#worker !== undefined) {
      this.#worker.postMessage(delay);
    } else {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#ring(), delay);
    }
  }

  #ring(): void {
    if (this.#due === Number.NEGATIVE_INFINITY) return;
    this.#due = Number.POSITIVE_INFINITY;
    this.#wake();
  }

  /** The worker, or undefined where there is none or the page's content policy forbids it: then a plain timer must do. */
  #start(): Worker | undefined {
    if (typeof Worker === 'undefined' || typeof URL.createObjectURL !== 'function') return undefined;
    try {
      const url = URL.createObjectURL(new Blob([WORKER_SOURCE], { type: 'text/javascript' }));
      const worker = new Worker(url);
      worker.onmessage = () => this.#ring();
      worker.onerror = (event) => {
        event.preventDefault();
        this.#worker = undefined;
        if (Number.isFinite(this.#due)) this.#arm();
      };
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
      return worker;
    } catch {
      return undefined;
    }
  }
}
