/**
 * Learns how to weigh several forecasts of one number: ridge regression towards given weights, forgetting slowly, with large misses
 * counting less.
 */

/** Forecasts per regression. */
export const RIDGE_INPUTS = 10;

const N = RIDGE_INPUTS;
/** What the given weights count for, against forecasts in steps. */
const PULL = 3;
const KEEP = 0.98;

export class Ridge {
  readonly #weights: Float64Array;
  readonly #first: Float64Array;
  readonly #moments = new Float64Array(N * N);
  readonly #products = new Float64Array(N);
  #fresh = false;

  constructor(first: ArrayLike<number>) {
    this.#first = Float64Array.from({ length: N }, (_, i) => first[i] ?? 0);
    this.#weights = Float64Array.from(this.#first);
  }

  /** The weighted sum of the inputs at `at`. */
  of(inputs: Float64Array, at: number): number {
    let sum = 0;
    for (let i = 0; i < N; i++) sum += (this.#weights[i] as number) * (inputs[at + i] as number);
    return sum;
  }

  /** Takes in what became of the inputs. Distances beyond `usual` count less and less. */
  add(inputs: Float64Array, at: number, outcome: number, usual: number): void {
    const miss = outcome - this.of(inputs, at);
    const weight = 1 / (usual + (miss < 0 ? -miss : miss));
    const moments = this.#moments;
    for (let i = 0; i < N; i++) {
      const x = weight * (inputs[at + i] as number);
      this.#products[i] = (this.#products[i] as number) + x * outcome;
      for (let j = 0; j <= i; j++)
        moments[i * N + j] = (moments[i * N + j] as number) + x * (inputs[at + j] as number);
    }
    this.#fresh = true;
  }

  /** Finds the weights anew from all that was taken in. */
  solve(): void {
    if (!this.#fresh) return;
    this.#fresh = false;
    const moments = this.#moments;
    for (let i = 0; i < N; i++) {
      const pull = PULL * (1 + (moments[i * N + i] as number) * 0.001);
      for (let j = 0; j <= i; j++) {
        let sum = (moments[i * N + j] as number) + (i === j ? pull : 0);
        for (let k = 0; k < j; k++) sum -= (LOWER[i * N + k] as number) * (LOWER[j * N + k] as number);
        LOWER[i * N + j] = i === j ? Math.sqrt(sum > 1e-9 ? sum : 1e-9) : sum / (LOWER[j * N + j] as number);
      }
      let sum = (this.#products[i] as number) + pull * (this.#first[i] as number);
      for (let k = 0; k < i; k++) sum -= (LOWER[i * N + k] as number) * (SOLVED[k] as number);
      SOLVED[i] = sum / (LOWER[i * N + i] as number);
    }
    for (let i = N - 1; i >= 0; i--) {
      let sum = SOLVED[i] as number;
      for (let k = i + 1; k < N; k++) sum -= (LOWER[k * N + i] as number) * (this.#weights[k] as number);
      this.#weights[i] = sum / (LOWER[i * N + i] as number);
    }
    for (let i = 0; i < N * N; i++) moments[i] = (moments[i] as number) * KEEP;
    for (let i = 0; i < N; i++) this.#products[i] = (this.#products[i] as number) * KEEP;
  }
}

const LOWER = new Float64Array(N * N);
const SOLVED = new Float64Array(N);
