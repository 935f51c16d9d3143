/** `defineGame`: checks a game's declarations and compiles them to layouts that the server, the clients and the tests share. */

import { assert } from '../base/assert.ts';
import { PROTOCOL_VERSION } from '../base/units.ts';
import { oneOf, text } from '../wire/fields.ts';
import { compileRow, describeFields, type RowSchema, schemaHash } from '../wire/schema.ts';
import { type CodecTables, checkTables } from '../wire/trained.ts';
import { type CommandSchema, compileCommand } from './commands.ts';
import type { EngineHooks } from './engine.ts';
import { type RowClass, rowClass } from './entity.ts';
import { compileEvents, describeEvent, type EventSchema } from './events.ts';
import { type Area, compileInterest, type InterestGrid, type PositionWords } from './grid.ts';
import type { Refused } from './requests.ts';
import { compileSecrets, type Secrets } from './secrets.ts';
import { compileShapes, type Shapes, type TypeShape } from './shapes.ts';
import type {
  AnswerOf,
  Context,
  Entity,
  EntityMap,
  EventType,
  FieldMap,
  MessageType,
  PayloadOf,
  Player,
  QuestionOf,
  RequestType,
  Shape,
  Validator,
  Who,
  World,
} from './types.ts';

/** What a game author writes. See docs/architecture.md for the shape of a whole game. */
export interface Definition<S extends Shape> {
  readonly name: string;
  /** Steps per second, 10..128. Default 60. */
  readonly tickRate?: number;
  /** Snapshots per second and client; must divide the tick rate. Default 20. */
  readonly snapshotRate?: number;
  /** Most players in a room, 1..255. Default 16. */
  readonly maxPlayers?: number;
  readonly entities: S['entities'];
  readonly player?: S['player'];
  readonly room?: S['room'];
  /** Defaults of the room's options; a room's creator overrides them, clients know them before their first tick. */
  readonly options?: S['options'];
  readonly command: S['command'];
  readonly messages?: S['messages'];
  /** What a client may ask. */
  readonly requests?: S['requests'];
  /** One-shot events that `ctx.emit` raises: flashes, sounds, hits. */
  readonly events?: S['events'];
  /** Which rows a client predicts: a pure function over sent fields. Default: the rows it owns. */
  readonly predict?: { readonly [N in keyof S['entities']]?: (row: Entity<S, N>, me: number) => boolean };
  /**
   * Passes players' commands on to each other, so that clients can predict what several push: `ctx.command(seat)` then gives others'
   * commands on a client, as far as they are known. `true`: those of every player of whom the viewer may see an entity; a rule picks
   * among them. Others' commands are known up to 250 ms before they run: leave it out where that tells too much. Default false.
   */
  readonly relay?: boolean | ((viewer: Seer<S>, seat: number) => boolean);
  /** More is sent sooner when not all fits a datagram: a weight per type, or per viewer and row. Default 1. */
  readonly priority?: {
    readonly [N in keyof S['entities']]?: number | ((viewer: Seer<S>, row: Entity<S, N>) => number);
  };
  /** Types that a client is sent only near what it looks at. Without it everybody is sent everything. */
  readonly interest?: Interest<S>;
  /**
   * Fog, stealth, secrets: rows for which this is false are not sent to that viewer, whatever its area. A pure function over the world.
   * A player's own rows are always sent.
   */
  readonly visible?: {
    readonly [N in keyof S['entities']]?: (viewer: Seer<S>, row: Entity<S, N>, world: World<S>) => boolean;
  };
  /** Shapes of entities, for `ctx.seen`: rays, overlaps and searches in what a player saw. */
  readonly shapes?: Shapes<S>;
  /** How far back a player's view may lie when its shots are tested, 0..1000 ms. Default 500. */
  readonly maxRewindMs?: number;
  /** Team of a seat, for `teamOnly` fields and the rules above. Default: nobody has one. */
  team?(world: World<S>, seat: number): number;
  /** What training found out about the rows: snapshots get smaller. Part of the schema hash. */
  readonly tables?: CodecTables;
  /** For a physics engine that keeps state beside the rows. The rules find it as `ctx.engine`. */
  readonly engine?: EngineHooks<S['engine']>;
  setup?(world: World<S>, ctx: Context<S>): void;
  join?(world: World<S>, who: Who, ctx: Context<S>): void;
  leave?(world: World<S>, who: Who, ctx: Context<S>): void;
  message?(
    world: World<S>,
    from: Who,
    name: keyof S['messages'] & string,
    payload: PayloadOf<S, keyof S['messages']>,
    ctx: Context<S>,
  ): void;
  /**
   * Handlers of requests that are part of the rules: they run at the start of a tick, may change the world, and enter the input
   * log. Each gives the answer or `refuse(reason)`. A request without one here is for the server's own `answers`.
   */
  readonly answers?: {
    readonly [N in keyof S['requests']]?: (
      world: World<S>,
      from: Who,
      question: QuestionOf<S, N>,
      ctx: Context<S>,
    ) => AnswerOf<S, N> | Refused;
  };
  step(world: World<S>, ctx: Context<S>): void;
}

/** Who looks: one client. */
export interface Seer<S extends Shape> {
  readonly seat: number;
  readonly team: number;
  readonly player: Player<S> | undefined;
}

/** Interest by place. World units are those of the position fields. */
export interface Interest<S extends Shape> {
  /** The two fields that hold a type's place. Types that are not named are relevant everywhere. */
  readonly position: { readonly [N in keyof S['entities']]?: readonly [string, string] };
  /** What a client looks at; undefined: nothing but its own rows. Default: a circle of `radius` around the rows that it owns. */
  readonly area?: ((viewer: Seer<S>, world: World<S>) => Area | undefined) | undefined;
  /** Radius of the default area. */
  readonly radius?: number;
  /** Edge of the square cells that are shown or not as a whole. Default: a third of `radius`. */
  readonly cell?: number;
  /** How far outside an entity must be to change cells, and a cell to be let go. Default: an eighth of `cell`. */
  readonly margin?: number;
}

/** Layouts and constants compiled from a definition. */
export interface GameSchema {
  readonly name: string;
  readonly tickRate: number;
  readonly snapshotRate: number;
  readonly ticksPerSnapshot: number;
  readonly tickMs: number;
  readonly maxPlayers: number;
  /** `players`, `room`, then the game's entity types in declaration order. */
  readonly rows: readonly RowSchema[];
  readonly rowClasses: readonly RowClass[];
  readonly command: CommandSchema;
  readonly messageNames: readonly string[];
  /** Cells of the interest grid, and per row schema where its position is; undefined when a type, or every type, is relevant everywhere. */
  readonly grid: InterestGrid | undefined;
  readonly positions: readonly (PositionWords | undefined)[];
  /** Per row schema: what of a row is not told to everybody. */
  readonly secrets: readonly Secrets[];
  /** Trained tables, if the definition has some. */
  readonly tables: CodecTables | undefined;
  readonly requestNames: readonly string[];
  readonly events: readonly EventSchema[];
  /** Whether packets carry other players' commands. */
  readonly relays: boolean;
  /** Per row schema; undefined for a game without shapes, whose commands carry no view. */
  readonly shapes: readonly (TypeShape | undefined)[] | undefined;
  /** Ticks that a command's view may lie back. */
  readonly maxRewind: number;
  readonly hash: readonly [number, number];
}

/** A compiled game. Its type parameter carries every declared name. */
export interface Game<S extends Shape = Shape> {
  readonly definition: Definition<S>;
  readonly schema: GameSchema;
}

export const PLAYERS = 0;
export const ROOM = 1;

/** Id of the single row of the `room` table: the one counter value of seat 0 that no spawn takes. */
export const ROOM_ID = 0xffff;

const MAX_TABLES = 64;

/** RTT, slack and view delay are about 375 ms at a round trip of 250 ms. */
const MAX_REWIND_MS = 500;

const RESERVED_TYPES = new Set(['players', 'room', 'tick', 'constructor', '__proto__']);

type Empty = Record<never, never>;

/** Checks and compiles a game. Throws a `UsageError` that names what to change. */
export function defineGame<
  const E extends EntityMap,
  const C extends FieldMap,
  const P extends FieldMap = Empty,
  const R extends FieldMap = Empty,
  O extends object = Empty,
  M extends Readonly<Record<string, MessageType<unknown>>> = Empty,
  Q extends Readonly<Record<string, RequestType<unknown, unknown>>> = Empty,
  V extends Readonly<Record<string, EventType<FieldMap>>> = Empty,
  N = undefined,
>(
  definition: Definition<{
    entities: E;
    command: C;
    player: P;
    room: R;
    options: O;
    messages: M;
    requests: Q;
    events: V;
    engine: N;
  }>,
): Game<{
  entities: E;
  command: C;
  player: P;
  room: R;
  options: O;
  messages: M;
  requests: Q;
  events: V;
  engine: N;
}> {
  return { definition, schema: compileGame(definition as unknown as Definition<Shape>) };
}

/** Declares a message's payload type, direction and delivery. */
export function message<T>(
  options: { from?: 'client' | 'server' | 'both'; reliable?: boolean; validate?: Validator } = {},
): MessageType<T> {
  return { from: options.from ?? 'both', reliable: options.reliable ?? true, validate: options.validate };
}

/** Declares what a client may ask with a request and what it is answered, and how each side checks what the other sent. */
export function request<Question, Answer>(
  options: { validate?: Validator; validateAnswer?: Validator } = {},
): RequestType<Question, Answer> {
  return { validate: options.validate, validateAnswer: options.validateAnswer };
}

function compileGame(definition: Definition<Shape>): GameSchema {
  const {
    name,
    tickRate = 60,
    snapshotRate = 20,
    maxPlayers = 16,
    entities,
    player = {},
    room = {},
    messages = {},
    tables,
    requests = {},
    events = {},
    maxRewindMs = MAX_REWIND_MS,
  } = definition;
  assert(
    typeof name === 'string' && /^[\w .-]{1,32}$/.test(name),
    'a game needs a name of 1..32 letters, digits, spaces, dots or dashes',
  );
  assert(
    Number.isInteger(tickRate) && tickRate >= 10 && tickRate <= 128,
    `tickRate must be a whole number 10..128, got ${tickRate}`,
  );
  assert(
    Number.isInteger(snapshotRate) && snapshotRate >= 1 && tickRate % snapshotRate === 0,
    `snapshotRate must divide tickRate ${tickRate}, got ${snapshotRate}`,
  );
  assert(
    Number.isInteger(maxPlayers) && maxPlayers >= 1 && maxPlayers <= 255,
    `maxPlayers must be 1..255, got ${maxPlayers}`,
  );
  assert(typeof definition.step === 'function', 'a game needs step(world, ctx)');
  const builtIn = { name: text(24), status: oneOf('present', 'hidden', 'away') };
  for (const key of Object.keys(builtIn))
    assert(!(key in player), `player.${key} is built in; choose another name`);
  const rows = [
    compileRow('players', PLAYERS, { ...builtIn, ...player }, tickRate),
    compileRow('room', ROOM, room, tickRate),
  ];
  for (const [type, fields] of Object.entries(entities)) {
    assert(!RESERVED_TYPES.has(type), `entity type "${type}" is a built-in name; choose another`);
    rows.push(compileRow(type, rows.length, fields, tickRate));
  }
  // Each table costs bits in every snapshot even when nothing is said about it; this many always fit.
  assert(
    rows.length <= MAX_TABLES,
    `a game has at most ${MAX_TABLES - 2} entity types, got ${rows.length - 2}`,
  );
  checkRefs(rows);
  const eventTypes = compileEvents(events, rows, tickRate);
  const { grid, positions } = compileInterest(definition.interest, rows);
  const hidden = rows.map(
    ({ name: type, index }) => positions[index] !== undefined || definition.visible?.[type] !== undefined,
  );
  if (tables !== undefined) checkTables(tables, rows);
  assert(maxRewindMs >= 0 && maxRewindMs <= 1000, `maxRewindMs must be 0..1000, got ${maxRewindMs}`);
  const shapes = compileShapes(definition.shapes as never, rows, definition.interest?.position ?? {});
  const maxRewind = Math.round((maxRewindMs * tickRate) / 1000);
  const command = compileCommand(definition.command);
  const relays = definition.relay !== undefined && definition.relay !== false;
  const messageNames = Object.keys(messages);
  const requestNames = Object.keys(requests);
  assert(messageNames.length + requestNames.length <= 255, 'at most 255 types of messages and requests');
  for (const key of Object.keys(definition.answers ?? {}))
    assert(key in requests, `answers.${key} answers a request that is not declared; add it to requests`);
  const described = rows.map((row) => [
    row.name,
    describeFields(Object.fromEntries(row.fields.map((layout) => [layout.name, layout.field]))),
  ]);
  const sides = messageNames.map((key) => [key, messages[key]?.from, messages[key]?.reliable]);
  return {
    name,
    tickRate,
    snapshotRate,
    ticksPerSnapshot: tickRate / snapshotRate,
    tickMs: 1000 / tickRate,
    maxPlayers,
    rows,
    rowClasses: rows.map((row) => (row.index === PLAYERS ? playerClass(row) : rowClass(row))),
    command,
    messageNames,
    grid,
    positions,
    secrets: rows.map((row) => compileSecrets(row, rows, hidden)),
    tables,
    requestNames,
    events: eventTypes,
    relays,
    shapes,
    maxRewind,
    hash: schemaHash([
      PROTOCOL_VERSION,
      name,
      tickRate,
      snapshotRate,
      maxPlayers,
      described,
      describeFields(definition.command),
      sides,
      grid === undefined ? null : [grid.columns, grid.lines, positions.map((words) => words !== undefined)],
      hidden,
      tables ?? null,
      requestNames,
      // Games without events have the hash that they had before there were any, and so have those that relay nothing.
      ...(eventTypes.length === 0 ? [] : [eventTypes.map(describeEvent)]),
      ...(relays ? ['relays'] : []),
      ...(shapes === undefined ? [] : [maxRewind]),
    ]),
  };
}

function checkRefs(rows: readonly RowSchema[]): void {
  for (const row of rows) {
    for (const { field, name } of row.fields) {
      if (field.target === undefined) continue;
      assert(
        rows.some((other) => other.index > ROOM && other.name === field.target),
        `${row.name}.${name} refers to "${field.target}", which is not an entity type`,
      );
    }
  }
}

/** Player rows are also read by their seat. */
function playerClass(schema: RowSchema): RowClass {
  const Base = rowClass(schema);
  class PlayerRow extends Base {
    get seat(): number {
      return this.owner;
    }
  }
  return PlayerRow;
}
