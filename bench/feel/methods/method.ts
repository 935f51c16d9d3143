/** What draws ships between snapshots: Tickwire's client, or a library or a formula that is fed the same snapshots. */

import type { Replica } from '@tickwire/netcode/internal';

/** Takes one drawn ship. */
export type Visit = (id: number, x: number, y: number) => void;

export interface Method {
  readonly name: string;
  /** A snapshot arrived. Its rows are valid during the call. */
  arrived(now: number, snapshot: Replica): void;
  /** Makes the frame at `now`. Gives the fractional tick that it shows; undefined before there is anything to show. */
  frame(now: number): number | undefined;
  /** Every ship of the last frame. */
  ships(visit: Visit): void;
}
