/** A progress line on standard error: one line that moves on a terminal, a line per part of the run elsewhere. */

const WIDTH = 24;

export class Progress {
  readonly #out = process.stderr;
  readonly #moves = process.stderr.isTTY === true;
  readonly #colours = process.stderr.isTTY === true && !process.env['NO_COLOR'];
  readonly #unit: string;
  #what = '';
  #shown = 0;

  /** `unit` is what a part of the run is counted in. */
  constructor(unit = 'tick') {
    this.#unit = unit;
  }

  /** Begins a part of the run. */
  begin(what: string): void {
    this.#what = what;
    this.#shown = 0;
    if (!this.#moves) this.#out.write(`${what}\n`);
  }

  readonly tick = (done: number, of: number): void => {
    const now = performance.now();
    if (!this.#moves || (now - this.#shown < 100 && done < of)) return;
    this.#shown = now;
    const full = Math.round((WIDTH * done) / of);
    const bar = `${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}`;
    const drawn = this.#colours ? `\x1b[36m${bar}\x1b[0m` : bar;
    this.#out.write(`\r\x1b[2K${this.#what.padEnd(28)} ${drawn} ${this.#unit} ${done} of ${of}`);
  };

  /** A line that stays. */
  say(line: string): void {
    this.end();
    this.#out.write(`${line}\n`);
  }

  /** Takes the moving line away. */
  end(): void {
    if (this.#moves) this.#out.write('\r\x1b[2K');
  }
}
