/** What a recording says about itself: enough to read it, and to name every value in it, without the game. */

import { readText } from '../simulation/entity.ts';
import { floatOf } from '../simulation/float.ts';
import type { GameSchema } from '../simulation/game.ts';
import type { Audience, Field, FieldKind } from '../wire/fields.ts';

export interface TraceField {
  readonly name: string;
  readonly kind: FieldKind;
  /** First word of the field in its row, or in the command. */
  readonly at: number;
  readonly words: number;
  /** Value of one stored unit. */
  readonly step: number;
  readonly lo: number;
  readonly hi: number;
  readonly local: boolean;
  readonly audience: Audience;
  /** Name of the field that holds this one's rate of change. */
  readonly follows: string | null;
  /** Entity type of a reference. */
  readonly target: string | null;
  readonly choices: readonly string[] | null;
  /** Of a list: kind, step and choices of its elements are in here. */
  readonly element: TraceField | null;
}

export interface TraceType {
  readonly name: string;
  readonly stride: number;
  readonly fields: readonly TraceField[];
  /** A rule of the game's says which rows are predicted; otherwise a player's own are. */
  readonly ruled: boolean;
  /** Rows may be kept from a client. */
  readonly hidden: boolean;
}

export interface TraceHeader {
  readonly format: 1;
  readonly side: 'client' | 'server';
  readonly game: string;
  readonly schemaHash: readonly [number, number];
  readonly tickRate: number;
  readonly snapshotRate: number;
  /** Largest seat of the game. */
  readonly seats: number;
  /** The client's seat; 0 for a server. */
  readonly seat: number;
  readonly types: readonly TraceType[];
  readonly command: readonly TraceField[];
  /** Names of a seat's control words: `spawn counter`, then one per press. */
  readonly controls: readonly string[];
}

export function describeTrace(
  schema: GameSchema,
  ruled: readonly string[],
  visible: readonly string[],
  side: TraceHeader['side'],
  seat: number,
): TraceHeader {
  return {
    format: 1,
    side,
    game: schema.name,
    schemaHash: schema.hash,
    tickRate: schema.tickRate,
    snapshotRate: schema.snapshotRate,
    seats: schema.maxPlayers,
    seat,
    types: schema.rows.map((row, index) => ({
      name: row.name,
      stride: row.stride,
      fields: row.fields.map(({ name, at, field }) => describeOne(name, at, field)),
      ruled: ruled.includes(row.name),
      hidden: schema.positions[index] !== undefined || visible.includes(row.name),
    })),
    command: schema.command.fields.map(({ name, field }, at) => describeOne(name, at, field)),
    controls: [
      'spawn counter',
      ...schema.command.presses.map((index) => `pulls of ${schema.command.fields[index]?.name ?? ''}`),
    ],
  };
}

function describeOne(name: string, at: number, field: Field): TraceField {
  const { kind, words, step, lo, hi, local, audience, follows, target, choices, element } = field;
  return {
    name: name === '$cut' ? 'cut()' : name,
    kind,
    at,
    words,
    step,
    lo,
    hi,
    local,
    audience,
    follows: follows ?? null,
    target: target ?? null,
    choices: choices ?? null,
    element: element === undefined ? null : describeOne(name, 0, element),
  };
}

/** A field's value in game units, as a person reads it. */
export function formatValue(field: TraceField, data: Int32Array, at: number): string {
  const word = data[at] ?? 0;
  switch (field.kind) {
    case 'text':
      return JSON.stringify(readText(data, at));
    case 'list': {
      const { element } = field;
      const length = Math.max(0, Math.min(word, field.words - 1));
      const items = Array.from({ length }, (_, i) =>
        element === null ? '' : formatValue(element, data, at + 1 + i),
      );
      return `[${items.join(', ')}]`;
    }
    case 'bool':
      return word === 0 ? 'false' : 'true';
    case 'oneOf':
      return field.choices?.[word] ?? String(word);
    case 'ref':
      return word === 0 ? 'none' : `${field.target ?? ''} ${entityName(word)}`;
    case 'tick':
      return word === 0 ? 'none' : `tick ${word}`;
    default:
      return shortNumber(numberOf(field, word));
  }
}

/** A single-word field's value as a number. */
export function numberOf(field: TraceField, word: number): number {
  return field.kind === 'f32' ? floatOf(word) : word * field.step;
}

/** Whether differences of this field mean something. */
export const isNumeric = ({ kind }: TraceField): boolean =>
  kind === 'grid' ||
  kind === 'int' ||
  kind === 'angle' ||
  kind === 'f32' ||
  kind === 'tick' ||
  kind === 'press';

/** Entity ids as seat and spawn number: `2:17` is the 17th that seat 2 spawned, `0:5` the server's fifth. */
export const entityName = (id: number): string => `${Math.floor(id / 65536)}:${id % 65536}`;

/** At most seven digits that count. */
export function shortNumber(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(7)));
}
