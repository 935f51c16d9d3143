/** The page's connection to the match, and the types of what it shows. */

import { connect } from '@tickwire/netcode/client';
import { game } from '../game.ts';

/** With `?trace` in the address the last 30 s are recorded for `tickwire trace`. */
export const tracing = new URLSearchParams(globalThis.location?.search).has('trace');

export function join(name: string) {
  return connect(game, { name, trace: tracing });
}

export type ArenaClient = Awaited<ReturnType<typeof join>>;
export type View = ArenaClient['view'];
type Element<T> = T extends Iterable<infer E> ? E : never;
export type ShipView = Element<View['ship']>;
export type ShotView = Element<View['shot']>;
export type BeamView = Element<View['beam']>;
export type PickupView = Element<View['pickup']>;
export type PlayerView = Element<View['players']>;
