/** What coding one frame leaves behind, to be learned from once the frame is known to be held. */

import { Journal } from './mixer.ts';
import { RIDGE_INPUTS } from './ridge.ts';

/** Misses remembered per row: eight forecasts on three axes, and eight of the rotation. */
export const MISSES = 32;

/** Words of a sample: ridge, usual miss, outcome, inputs. */
export const SAMPLE = RIDGE_INPUTS + 3;

/** A frame that was coded, to be learned when it is known to be held. */
export class Coded {
  readonly journal = new Journal();
  readonly rows: Int32Array;
  readonly misses: Float32Array;
  readonly surprises: Int32Array;
  /** Per learned forecast: which ridge, its usual miss, its inputs and the outcome. */
  samples = new Float64Array(4096);
  sampleCount = 0;

  constructor(rows: number, stride: number) {
    this.rows = new Int32Array(rows * stride);
    this.misses = new Float32Array(rows * MISSES);
    this.surprises = new Int32Array(rows * 6);
  }

  sample(ridge: number, usual: number, inputs: Float64Array, outcome: number): void {
    let at = this.sampleCount;
    if (at + SAMPLE > this.samples.length) {
      const more = new Float64Array(this.samples.length * 2);
      more.set(this.samples);
      this.samples = more;
    }
    this.samples[at++] = ridge;
    this.samples[at++] = usual;
    this.samples[at++] = outcome;
    for (let i = 0; i < RIDGE_INPUTS; i++) this.samples[at++] = inputs[i] as number;
    this.sampleCount = at;
  }
}
