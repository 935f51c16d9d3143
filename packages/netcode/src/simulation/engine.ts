/** State that rules keep beside the rows, such as a physics engine's: made once per world, saved and restored with the tick. */

/**
 * Hooks for an engine whose state is more than the rows. What is saved never travels: like a `local` field it comes back when the
 * client replays, as this client had computed it. So the engine may keep there what makes it faster or smoother, but what a step
 * makes of the rows must follow from the rows; otherwise client and server drift apart after the first correction.
 */
export interface EngineHooks<N> {
  /** Makes the engine of one world: the server's, or a client's prediction. */
  create(): N;
  /** What has to come back with the tick just run. It must not change later. */
  save(engine: N): unknown;
  /** Goes back to a saved tick. Undefined: nothing of that tick is remembered, start from the rows alone. */
  restore(engine: N, saved: unknown): void;
}

/** One world's engine, if its game has one. */
export class Engine {
  readonly state: unknown;
  readonly #hooks: EngineHooks<unknown> | undefined;

  constructor(hooks: EngineHooks<unknown> | undefined) {
    this.#hooks = hooks;
    this.state = hooks?.create();
  }

  save(): unknown {
    return this.#hooks?.save(this.state);
  }

  restore(saved: unknown): void {
    this.#hooks?.restore(this.state, saved);
  }
}
