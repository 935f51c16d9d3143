/** What a game's rules say about who is told what, as the encoder asks it. Bound to the live world by the server's room. */

import type { Viewer } from './viewer.ts';

export interface Relevance {
  /** Priority per row schema. */
  readonly weights: readonly number[];
  /** Per row schema: the game's `visible` hook. */
  readonly visible: readonly (((viewer: Viewer, id: number) => boolean) | undefined)[];
  /** Per row schema: the game's `predict` rule. Rows for which it holds go before all that wait. */
  readonly predicted: readonly (((viewer: Viewer, id: number) => boolean) | undefined)[];
  /** Per row schema: the game's `priority` hook; its weight multiplies the schema's. */
  readonly priority: readonly (((viewer: Viewer, id: number) => number) | undefined)[];
  /** Team of a seat, -1 for none. */
  teamOf(seat: number): number;
}

/** Everybody is told everything, all types alike. */
export function plainRelevance(weights: readonly number[]): Relevance {
  return {
    weights,
    visible: weights.map(() => undefined),
    predicted: weights.map(() => undefined),
    priority: weights.map(() => undefined),
    teamOf: () => -1,
  };
}
