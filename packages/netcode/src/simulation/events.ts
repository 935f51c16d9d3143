/**
 * One-shot events: flashes, hits, sounds. Rules raise them with `ctx.emit`, on both sides and in every replay; they are no state.
 *
 * Both sides know an event by its **key**, which they derive alike: tick, type, owner, the entity that it is of, and how many with
 * the same of these were raised before it.
 */

import { assert } from '../base/assert.ts';
import type { Field } from '../wire/fields.ts';
import { compileRow, describeFields, MARK, type RowSchema } from '../wire/schema.ts';
import { type Row, readText, rowClass, type Scalar, scalar } from './entity.ts';
import type { GameSchema } from './game.ts';
import type { PositionWords } from './grid.ts';
import { CLOSED, OPEN, Table } from './table.ts';
import type { EventType, FieldMap } from './types.ts';
import type { WorldCore } from './world.ts';

/** One type of event, compiled. */
export interface EventSchema {
  readonly name: string;
  readonly index: number;
  /** Its fields as words, behind the same header as an entity's. */
  readonly row: RowSchema;
  /** Ticks after which it is of no use to anybody. */
  readonly life: number;
  readonly place: PositionWords | undefined;
  /** Row offset of the reference to the entity it happens to, -1 for none. */
  readonly ofAt: number;
  /** Index of that entity's row schema, -1 for none. */
  readonly ofTable: number;
  /** Row offsets of all references, and the row schemas they lead to. */
  readonly refs: readonly { readonly at: number; readonly table: number }[];
}

/** An event as it was raised: what the key is made of, and the fields as stored words. */
export interface RaisedEvent {
  readonly tick: number;
  readonly type: number;
  readonly owner: number;
  /** Events of the same tick, type, owner and entity before it. */
  readonly index: number;
  readonly words: Int32Array;
}

/** Takes what the rules raise. */
export interface EventSink {
  /** A client simulates a tick, for the first time or again. */
  begin(tick: number): void;
  raise(event: RaisedEvent): void;
}

/** An event lives so long unless its declaration says otherwise: a second covers a blackout that a player forgives. */
const LIFE_MS = 1_000;
const MAX_LIFE_MS = 4_000;

const MAX_TYPES = 255;

/** Several events must fit their share of a datagram. */
const MAX_EVENT_BITS = 100 * 8;

/**
 * Declares a one-shot event. `at` names the two fields that hold its place: who is not shown that place is not told. `of` names the
 * `ref` field of the entity it happens to: who does not see that entity is not told. With neither everybody is told. Positions
 * want a coarse grid here: an event is sent whole, each time. `lifeMs` (1,000 by default, at most 4,000): later it is not shown.
 */
export function event<const F extends FieldMap>(
  fields: F,
  options: {
    readonly at?: readonly [keyof F & string, keyof F & string];
    readonly of?: keyof F & string;
    readonly lifeMs?: number;
  } = {},
): EventType<F> {
  return { fields, at: options.at, of: options.of, lifeMs: options.lifeMs ?? LIFE_MS };
}

export function compileEvents(
  events: Readonly<Record<string, EventType<FieldMap>>>,
  rows: readonly RowSchema[],
  tickRate: number,
): EventSchema[] {
  const names = Object.keys(events);
  assert(names.length <= MAX_TYPES, `at most ${MAX_TYPES} types of events, got ${names.length}`);
  return names.map((name, index) =>
    compileEvent(name, index, events[name] as EventType<FieldMap>, rows, tickRate),
  );
}

function compileEvent(
  name: string,
  index: number,
  { fields, at, of, lifeMs }: EventType<FieldMap>,
  rows: readonly RowSchema[],
  tickRate: number,
): EventSchema {
  assert(fields !== undefined, `events.${name} is not an event; write event({ ...fields })`);
  for (const [key, field] of Object.entries(fields))
    assert(
      !field.local && field.audience === 'all' && field.follows === undefined,
      `${name}.${key}: an event's field is plain; leave out local, ownerOnly, teamOnly and follows`,
    );
  assert(
    lifeMs > 0 && lifeMs <= MAX_LIFE_MS,
    `events.${name}: lifeMs must be 1..${MAX_LIFE_MS}, got ${lifeMs}`,
  );
  const row = compileRow(name, index, fields, tickRate);
  const bits = row.fields.reduce((sum, { field }) => sum + worstBits(field), 0);
  assert(
    bits <= MAX_EVENT_BITS,
    `one ${name} may need ${Math.ceil(bits / 8)} bytes, an event has at most ${MAX_EVENT_BITS / 8}: use shorter texts and lists, or a message`,
  );
  const refs = row.fields.flatMap(({ field, at: word, name: key }) => {
    if (field.target === undefined) return [];
    const table = rows.findIndex((other) => other.index > 1 && other.name === field.target);
    assert(table > 1, `${name}.${key} refers to "${field.target}", which is not an entity type`);
    return [{ at: word, table }];
  });
  const subject = of === undefined ? undefined : row.byName.get(of);
  assert(
    of === undefined || subject?.field.kind === 'ref',
    `events.${name}: of names "${of}", which must be a ref field of ${name}`,
  );
  const ofAt = subject?.at ?? -1;
  return {
    name,
    index,
    row,
    life: Math.ceil((lifeMs * tickRate) / 1000),
    place: placeOf(row, at),
    ofAt,
    ofTable: refs.find((ref) => ref.at === ofAt)?.table ?? -1,
    refs,
  };
}

function placeOf(row: RowSchema, names: readonly [string, string] | undefined): PositionWords | undefined {
  if (names === undefined) return undefined;
  const [x, y] = names.map((name) => {
    const layout = row.byName.get(name);
    assert(
      layout?.field.kind === 'grid' || layout?.field.kind === 'int',
      `events.${row.name}: at names "${name}", which must be a grid or int field of ${row.name}`,
    );
    return layout;
  });
  return { xAt: x?.at ?? 0, yAt: y?.at ?? 0, xStep: x?.field.step ?? 1, yStep: y?.field.step ?? 1 };
}

function worstBits(field: Field): number {
  if (field.kind === 'text') return 8 + field.hi * 8;
  if (field.kind === 'list') return 8 + field.hi * (field.element?.bits ?? 32);
  return field.bits + 1;
}

/** What of an event's declaration goes into the schema hash. */
export const describeEvent = ({ name, row, life, ofAt }: EventSchema): unknown => [
  name,
  describeFields(Object.fromEntries(row.fields.map((layout) => [layout.name, layout.field]))),
  life,
  ofAt,
];

/** The entity that an event happens to, 0 for none. */
export const subjectOf = (schema: EventSchema, words: Int32Array): number =>
  schema.ofAt < 0 ? 0 : (words[schema.ofAt] ?? 0);

/** Turns what rules emit into events with keys. One per simulation. */
export class EventRaiser {
  sink: EventSink | undefined;
  readonly #events: ReadonlyMap<string, EventSchema>;
  /** A row of each type to write the fields into: the same accessors, clamping and counters as for entities. */
  readonly #forms: readonly Table[];
  readonly #core: WorldCore;
  readonly #seat: number;
  readonly #raised = new Map<number, number>();
  #tick = -1;

  /** `seat`: the predicting client's, -1 on the server. */
  constructor({ events }: GameSchema, core: WorldCore, seat: number) {
    this.#events = new Map(events.map((schema) => [schema.name, schema]));
    this.#forms = events.map(({ row }) => {
      const form = new Table(row, rowClass(row), core, 1);
      form.guard = OPEN;
      return form;
    });
    this.#core = core;
    this.#seat = seat;
  }

  /** The rules of a tick begin. On a client it may be one that was simulated before. */
  begin(tick: number): void {
    if (this.#seat < 0) return;
    this.#start(tick);
    this.sink?.begin(tick);
  }

  emit(name: string, init: Readonly<Record<string, unknown>>): void {
    const schema = this.#events.get(name);
    assert(schema !== undefined, `the game declares no event "${name}"; add it to events`);
    assert(
      this.#core.table(0).guard !== CLOSED,
      `event "${name}" was emitted outside a tick; emit it in step, join, leave, message or answers`,
    );
    if (this.sink === undefined) return;
    const { tick } = this.#core;
    // On the server a tick begins with what enters it, before its step.
    if (this.#seat < 0 && tick !== this.#tick) this.#start(tick);
    const owner = this.#ownerOf(name, init['owner']);
    const words = this.#fill(schema, owner, init);
    const subject = subjectOf(schema, words);
    if (this.#seat >= 0 && owner !== this.#seat && !this.#predicts(schema, subject)) return;
    const key = (schema.index * 256 + owner) * 2 ** 31 + subject;
    const index = this.#raised.get(key) ?? 0;
    this.#raised.set(key, index + 1);
    this.sink.raise({ tick, type: schema.index, owner, index, words });
  }

  #start(tick: number): void {
    this.#tick = tick;
    this.#raised.clear();
  }

  #ownerOf(name: string, owner: unknown): number {
    const seat = typeof owner === 'object' && owner !== null ? (owner as { seat: number }).seat : owner;
    assert(
      Number.isInteger(seat) && (seat as number) >= 0 && (seat as number) <= this.#core.schema.maxPlayers,
      `event "${name}" needs an owner: the seat of the player who sees it at once, or 0 for the server`,
    );
    return seat as number;
  }

  #fill(schema: EventSchema, owner: number, init: Readonly<Record<string, unknown>>): Int32Array {
    const form = this.#forms[schema.index] as Table;
    if (form.count > 0) form.removeAt(0);
    form.endTick();
    const row = form.insert(1, owner) as Row & Record<string, unknown>;
    for (const key in init) {
      if (key === 'owner') continue;
      assert(
        schema.row.byName.has(key) && !key.startsWith('$'),
        `event "${schema.name}" has no field "${key}"; declare it, or mend the name`,
      );
      if (init[key] !== undefined) row[key] = init[key];
    }
    return form.data.slice(row.at, row.at + schema.row.stride);
  }

  #predicts({ ofTable }: EventSchema, subject: number): boolean {
    if (subject === 0) return false;
    const table = this.#core.table(ofTable);
    const row = table.get(subject);
    return row !== undefined && table.data[row.at + MARK] === 1;
  }
}

type Reader = (words: Int32Array, entity: (type: string, id: number) => unknown) => unknown;

/** Makes a function that gives an event's fields as a plain object. `entity` finds what references lead to. */
export function eventReader({
  name,
  row,
}: EventSchema): (
  words: Int32Array,
  entity: (type: string, id: number) => unknown,
) => Record<string, unknown> {
  const readers = row.fields.flatMap(({ name: key, field, at }): [string, Reader][] =>
    key.startsWith('$') ? [] : [[key, reader(field, at, `${name}.${key}`)]],
  );
  return (words, entity) => {
    const fields: Record<string, unknown> = {};
    for (const [key, read] of readers) fields[key] = read(words, entity);
    return fields;
  };
}

function reader(field: Field, at: number, name: string): Reader {
  switch (field.kind) {
    case 'text':
      return (words) => readText(words, at);
    case 'ref':
      return (words, entity) => (words[at] === 0 ? undefined : entity(field.target ?? '', words[at] ?? 0));
    case 'list': {
      const element: Scalar = scalar(field.element as Field, name);
      return (words) =>
        Array.from({ length: words[at] ?? 0 }, (_, i) => element.read(words[at + 1 + i] ?? 0));
    }
    default: {
      const { read } = scalar(field, name);
      return (words) => read(words[at] ?? 0);
    }
  }
}
