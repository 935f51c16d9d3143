// Keeps a server's recording in a file. The newest is always whole: it is written beside the file and then takes its name.

import { rename, writeFile } from 'node:fs/promises';

/** A process that is killed loses no more than this. */
const EVERY_MS = 5_000;

export class TraceFile {
  readonly #path: string;
  readonly #source: { trace(): Uint8Array | undefined };
  readonly #failed: (error: unknown) => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #writing: Promise<void> | undefined;

  constructor(path: string, source: { trace(): Uint8Array | undefined }, failed: (error: unknown) => void) {
    this.#path = path;
    this.#source = source;
    this.#failed = failed;
    this.#timer = setInterval(() => void this.#write(), EVERY_MS);
    this.#timer.unref();
  }

  /** Writes what was recorded to the end. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
    await this.#write();
  }

  #write(): Promise<void> {
    // A slow disk skips a turn.
    this.#writing ??= this.#save().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #save(): Promise<void> {
    const bytes = this.#source.trace();
    if (bytes === undefined) return;
    try {
      await writeFile(`${this.#path}.new`, bytes);
      await rename(`${this.#path}.new`, this.#path);
    } catch (error) {
      this.#failed(error);
    }
  }
}
