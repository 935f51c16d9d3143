/** The typed face of the view: `view.ship`, `view.players`, `view.room`. */

import type { Shape, ValueOf } from '../simulation/types.ts';
import type { ListField, RefField } from '../wire/fields.ts';
import type { View } from './view.ts';
import type { ViewHandle, ViewRow } from './viewrows.ts';

/** A drawn entity: read-only, smoothed, valid until the next frame. */
export type Viewed<S extends Shape, N extends keyof S['entities']> = ViewHandle & {
  readonly [K in keyof S['entities'][N]]: ValueOf<S, S['entities'][N][K]>;
};

/** The fields of a one-shot event. A reference gives the drawn entity, undefined while none is drawn. */
export type EventFields<S extends Shape, N extends keyof S['events']> = {
  readonly [K in keyof S['events'][N]['fields']]: EventValue<S, S['events'][N]['fields'][K]>;
};

type EventValue<S extends Shape, F> =
  F extends RefField<infer N>
    ? (N extends keyof S['entities'] ? Viewed<S, N> : ViewHandle) | undefined
    : F extends ListField<infer E>
      ? readonly ValueOf<S, E>[]
      : ValueOf<S, F>;

export type ViewedPlayer<S extends Shape> = {
  readonly [K in keyof S['player']]: ValueOf<S, S['player'][K]>;
} & {
  readonly seat: number;
  readonly name: string;
  readonly status: 'present' | 'hidden' | 'away';
  readonly mine: boolean;
};

export interface ViewTable<T> extends Iterable<T> {
  readonly count: number;
  get(id: number): T | undefined;
}

/** Everything a renderer needs, for one frame. */
export type ClientView<S extends Shape> = { readonly [N in keyof S['entities']]: ViewTable<Viewed<S, N>> } & {
  /** The fractional tick that other players are drawn at. */
  readonly tick: number;
  /** The fractional tick that own rows are drawn at. */
  readonly ownTick: number;
  readonly players: ViewTable<ViewedPlayer<S>>;
  /** Undefined until the first snapshot that carries it. */
  readonly room: { readonly [K in keyof S['room']]: ValueOf<S, S['room'][K]> } | undefined;
};

export function clientView<S extends Shape>(view: View): ClientView<S> {
  const facade: Record<string, unknown> = {};
  for (const table of view.tables) facade[table.schema.name] = table;
  const players = view.tables[0];
  facade['players'] = {
    get count() {
      return players?.count ?? 0;
    },
    get: (seat: number): ViewRow | undefined => players?.get(seat * 65536),
    [Symbol.iterator]: () => players?.[Symbol.iterator](),
  };
  Object.defineProperty(facade, 'room', {
    enumerable: true,
    get: () => (view.tables[1]?.count === 0 ? undefined : view.tables[1]?.at(0)),
  });
  Object.defineProperty(facade, 'tick', { enumerable: true, get: () => view.tick });
  Object.defineProperty(facade, 'ownTick', { enumerable: true, get: () => view.ownTick });
  return Object.freeze(facade) as ClientView<S>;
}
