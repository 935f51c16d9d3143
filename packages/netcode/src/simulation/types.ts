/** The types that a game's declarations give to its worlds, commands and messages: a wrong field name does not compile. */

import type { Rng } from '../base/rng.ts';
import type { Field, ListField, PressField, RefField } from '../wire/fields.ts';
import type { EntityHandle, ListHandle } from './entity.ts';
import type { Seen } from './seen.ts';

export type FieldMap = Readonly<Record<string, Field>>;
export type EntityMap = Readonly<Record<string, FieldMap>>;

/** All that a game declares. One type parameter carries it everywhere. */
export interface Shape {
  readonly entities: EntityMap;
  readonly player: FieldMap;
  readonly room: FieldMap;
  readonly options: object;
  readonly command: FieldMap;
  readonly messages: Readonly<Record<string, MessageType<unknown>>>;
  readonly requests: Readonly<Record<string, RequestType<unknown, unknown>>>;
  /** What `engine.create` makes. */
  readonly engine?: unknown;
  readonly events: Readonly<Record<string, EventType<FieldMap>>>;
}

/** The value that game code reads from a field. */
export type ValueOf<S extends Shape, F> =
  F extends RefField<infer N>
    ? (N extends keyof S['entities'] ? Entity<S, N> : EntityHandle) | undefined
    : F extends ListField<infer E>
      ? ListHandle<ValueOf<S, E>>
      : F extends Field<infer T>
        ? T
        : never;

type Settable<S extends Shape, F> =
  F extends RefField<string>
    ? EntityHandle | undefined
    : F extends ListField<infer E>
      ? Iterable<ValueOf<S, E>>
      : ValueOf<S, F>;

/** Fields as game code sees them. A list is changed through its methods. */
export type Values<S extends Shape, M extends FieldMap> = {
  -readonly [K in keyof M]: ValueOf<S, M[K]>;
};

/** One entity: its declared fields, id, owner and lifetime. */
export type Entity<S extends Shape, N extends keyof S['entities']> = EntityHandle &
  Values<S, S['entities'][N]>;

/** What `spawn` takes: any of the fields, and the seat that owns the new entity. */
export type SpawnInit<S extends Shape, N extends keyof S['entities']> = {
  readonly owner: number | { readonly seat: number };
} & { readonly [K in keyof S['entities'][N]]?: Settable<S, S['entities'][N][K]> | undefined };

/** All entities of one type, in id order. */
export interface EntityTable<S extends Shape, N extends keyof S['entities']> extends Iterable<Entity<S, N>> {
  readonly count: number;
  spawn(init: SpawnInit<S, N>): Entity<S, N>;
  get(id: number): Entity<S, N> | undefined;
  ownedBy(owner: number | { readonly seat: number }): Entity<S, N>[];
}

export type PresenceStatus = 'present' | 'hidden' | 'away';

/** One player: present, hidden (page in the background) or away (not heard from), and the game's own fields. */
export type Player<S extends Shape> = Values<S, S['player']> & {
  readonly id: number;
  readonly seat: number;
  readonly owner: number;
  readonly name: string;
  readonly status: PresenceStatus;
};

export interface PlayerTable<S extends Shape> extends Iterable<Player<S>> {
  readonly count: number;
  get(seat: number): Player<S> | undefined;
}

/** All state of a room at one tick. */
export type World<S extends Shape> = { readonly [N in keyof S['entities']]: EntityTable<S, N> } & {
  readonly tick: number;
  readonly players: PlayerTable<S>;
  readonly room: Values<S, S['room']>;
};

/** A command as `step` reads it: levels as they are held, presses as the number of pulls in this tick. */
export type CommandOf<S extends Shape> = { readonly [K in keyof S['command']]: ValueOf<S, S['command'][K]> };

/** What a player's hand does: levels as they are now, presses as pulls since the last sample. Missing fields are neutral. */
export type InputOf<S extends Shape> = {
  readonly [K in keyof S['command']]?: S['command'][K] extends PressField
    ? number | boolean
    : ValueOf<S, S['command'][K]>;
};

/** Who joins or leaves. */
export interface Who {
  readonly seat: number;
  readonly name: string;
}

/** What `setup`, `join`, `leave`, `message`, `answers` and `step` get beside the world. */
export interface Context<S extends Shape> {
  readonly tick: number;
  /** Seconds per tick. */
  readonly dt: number;
  readonly isServer: boolean;
  readonly options: Readonly<S['options']>;
  /** What the game's `engine.create` made for this world. */
  readonly engine: S['engine'];
  /** The rows that are simulated here: all of them on the server, the predicted ones on a client. */
  simulated<N extends keyof S['entities']>(table: EntityTable<S, N>): Iterable<Entity<S, N>>;
  /** The command that `seat` gives in this tick. Neutral when there is none. */
  command(seat: number): CommandOf<S>;
  /** The world as `seat` saw it when it gave the command of this tick: what shots are to be tested against. Needs `shapes`. */
  seen(seat: number): Seen<S>;
  /** A generator seeded by room, tick, entity and salt: server and client draw the same numbers. */
  random(entity?: { readonly id: number }, salt?: number): Rng;
  /** Rules that only the server runs. */
  authority(rules: () => void): void;
  /** Queues a message to one player. On a client it does nothing. */
  send<N extends keyof S['messages'] & string>(seat: number, name: N, payload: PayloadOf<S, N>): void;
  /** Queues a message to every player. */
  broadcast<N extends keyof S['messages'] & string>(name: N, payload: PayloadOf<S, N>): void;
  /**
   * Raises a one-shot event. The client that predicts it gets it in the same frame, replays do not raise it again, and the server's
   * word confirms or rejects it; the others get it when their view has reached its tick [E1..E4].
   */
  emit<N extends keyof S['events'] & string>(name: N, init: EventInit<S, N>): void;
}

export type PayloadOf<S extends Shape, N extends keyof S['messages']> =
  S['messages'][N] extends MessageType<infer T> ? T : never;

/** What a client asks with a request, and what it gets. */
export type QuestionOf<S extends Shape, N extends keyof S['requests']> =
  S['requests'][N] extends RequestType<infer Q, unknown> ? Q : never;
export type AnswerOf<S extends Shape, N extends keyof S['requests']> =
  S['requests'][N] extends RequestType<unknown, infer A> ? A : never;

/** Says whether a peer's value is taken. It must answer at once. */
export type Validator = ((value: unknown) => boolean) | StandardSchema;

/** The part of a Standard Schema validator (standardschema.dev, v1) that is used. */
export interface StandardSchema {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    validate(
      value: unknown,
    ):
      | { readonly value: unknown; readonly issues?: undefined }
      | { readonly issues: readonly unknown[] }
      | Promise<unknown>;
  };
}

export interface MessageType<T> {
  /** Which side may send it. The other side's copies are refused and counted. */
  readonly from: 'client' | 'server' | 'both';
  /** Reliable messages arrive once and in order; the others arrive at most once, when they arrive. */
  readonly reliable: boolean;
  readonly validate: Validator | undefined;
  readonly payload?: T;
}

/** What `emit` takes: any of the fields, and the seat that the event belongs to: that player sees it at once. 0 is the server. */
export type EventInit<S extends Shape, N extends keyof S['events']> = {
  readonly owner: number | { readonly seat: number };
} & {
  readonly [K in keyof S['events'][N]['fields']]?: Settable<S, S['events'][N]['fields'][K]> | undefined;
};

/** A declared one-shot event. */
export interface EventType<F extends FieldMap> {
  readonly fields: F;
  /** The two fields that hold its place. */
  readonly at: readonly [string, string] | undefined;
  /** The `ref` field that names the entity it happens to. */
  readonly of: string | undefined;
  /** After this long it is of no use to anybody. */
  readonly lifeMs: number;
}

export interface RequestType<Q, A> {
  readonly validate: Validator | undefined;
  readonly validateAnswer: Validator | undefined;
  readonly question?: Q;
  readonly answer?: A;
}
