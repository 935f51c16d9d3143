/** What game code asks about the world as a player saw it: `ctx.seen(seat)`. */

import type { HitShape } from './shapes.ts';
import type { Entity, Shape } from './types.ts';

/** One entity that a query found. */
export type Hit<S extends Shape, N extends keyof S['entities'] = keyof S['entities']> = {
  readonly [T in N]: {
    readonly type: T;
    readonly id: number;
    /** The whole row as it was seen: read it before the tick ends. The living one is `world[type].get(id)`, if it still lives. */
    readonly row: Readonly<Entity<S, T>>;
    /** From where the query starts to the shape, world units; 0 inside of it. */
    readonly distance: number;
    /** The point of the shape that a ray meets first, or that is nearest. */
    readonly x: number;
    readonly y: number;
  };
}[N];

export interface SeenOptions<S extends Shape, N extends keyof S['entities']> {
  /** Entities of this type only. */
  readonly type?: N | undefined;
  /** Rows for which this is false are not there: whole rows are given, so what else they say counts as well as their place. */
  readonly where?: ((row: Readonly<Entity<S, N>>) => boolean) | undefined;
  /** The player's own rows too. */
  readonly own?: boolean | undefined;
}

/**
 * The world as one player saw it when the command of this tick was given: others where they were drawn, what the player predicts
 * where it is now. Server and client find the same. Only entities with a shape are found, the player's own ones only if asked for;
 * results come nearest first, of two equally near the lower id. Valid until the tick ends.
 */
export interface Seen<S extends Shape> {
  /** The fractional tick at which others were drawn. The present tick for one who has no view: a bot. */
  readonly tick: number;
  /** Ticks by which that lies back, a multiple of 1/32. Equal on both sides. */
  readonly lag: number;
  /** What the way from (x, y) to (toX, toY) meets. `radius` is that of a round thing that flies there, 0 for a ray. */
  ray<N extends keyof S['entities']>(
    x: number,
    y: number,
    toX: number,
    toY: number,
    options?: SeenOptions<S, N> & { readonly radius?: number | undefined },
  ): readonly Hit<S, N>[];
  /** What overlaps a shape around (x, y). `angle` turns it, in radians. */
  overlap<N extends keyof S['entities']>(
    shape: HitShape,
    x: number,
    y: number,
    options?: SeenOptions<S, N> & { readonly angle?: number | undefined },
  ): readonly Hit<S, N>[];
  /** What is nearest to (x, y), at most `radius` from it. */
  nearest<N extends keyof S['entities']>(
    x: number,
    y: number,
    radius: number,
    options?: SeenOptions<S, N>,
  ): Hit<S, N> | undefined;
  /**
   * The world at another fractional tick of the last second: on the server as it was, on a client as it is drawn when the view gets
   * there. One object is reused.
   */
  at(tick: number): Seen<S>;
  /**
   * Catches up with the present what a command fires and what then flies on its own: calls `visit` for each tick from what the player
   * saw up to now, oldest first, with the world as it was then. `ticks` is 1, less in the last call; their sum is `lag`. It ends early
   * when `visit` gives false. A client is called as often, and knows as much as it has been sent.
   */
  advance(visit: (then: Seen<S>, ticks: number) => unknown): void;
}
