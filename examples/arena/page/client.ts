/** The page's connection to the match, and the types of what it shows. */

import { connect } from '@tickwire/netcode/client';
import { game } from '../game.ts';

export function join(name: string) {
  return connect(game, { name });
}

export type ArenaClient = Awaited<ReturnType<typeof join>>;
export type View = ArenaClient['view'];
type Element<T> = T extends Iterable<infer E> ? E : never;
export type ShipView = Element<View['ship']>;
export type ShotView = Element<View['shot']>;
export type BeamView = Element<View['beam']>;
export type PickupView = Element<View['pickup']>;
export type PlayerView = Element<View['players']>;
