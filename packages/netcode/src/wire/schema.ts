/**
 * Compiles field declarations to row layouts: where each field lives in a row of Int32 words, and how it travels.
 *
 *     word 0      word 1       word 2                 word 3 ...
 *     entity id   owner seat   local mark (not sent)  fields in declaration order, then $cut
 *
 * `$cut` is a small counter that every entity row has: when it changes, nothing may be interpolated across the change.
 */

import { assert } from '../base/assert.ts';
import { type Field, int } from './fields.ts';
import { hash32 } from './hash.ts';

export type Fields = Readonly<Record<string, Field>>;

/** Words before the first field. */
export const HEADER_WORDS = 3;
export const ID = 0;
export const OWNER = 1;
/** On the simulated side: 1 when this client predicts the row. In a snapshot: the held tick. */
export const MARK = 2;

/** Discontinuity counter, see the drawing above. */
const CUT_FIELD = '$cut';

export interface FieldLayout {
  readonly name: string;
  readonly field: Field;
  /** First word of the field in the row. */
  readonly at: number;
  /** Row offset of the rate field, or -1. */
  readonly followsAt: number;
  /** Own grid steps per tick for one unit of the rate field. */
  readonly followsFactor: number;
}

/** One entity type's row. Field offsets never change after this. */
export interface RowSchema {
  readonly name: string;
  readonly index: number;
  readonly fields: readonly FieldLayout[];
  /** Words per row. */
  readonly stride: number;
  /** A row of default values: 0, or the nearest value to it in range. Spawns are coded from it. */
  readonly empty: Int32Array;
  readonly byName: ReadonlyMap<string, FieldLayout>;
  /** Offset of the discontinuity counter. */
  readonly cutAt: number;
}

/** Names that entity types and fields may not take, since tables and entities have members of these names. */
const RESERVED_FIELDS = new Set([
  'id',
  'owner',
  'alive',
  'despawn',
  'cut',
  'seat',
  'mine',
  'predicted',
  'at',
  'table',
  'constructor',
  '__proto__',
]);

export function compileRow(name: string, index: number, fields: Fields, tickRate: number): RowSchema {
  const layouts: FieldLayout[] = [];
  let at = HEADER_WORDS;
  const offsets = new Map<string, number>();
  for (const [key, field] of Object.entries(fields)) {
    assert(/^[A-Za-z_][A-Za-z0-9_]*$/.test(key), `${name}.${key}: field names are letters, digits and _`);
    assert(
      !RESERVED_FIELDS.has(key),
      `${name}.${key}: "${key}" is a built-in member of every entity; choose another name`,
    );
    assert(field?.kind !== undefined, `${name}.${key} is not a field; use grid(), int(), bool() and so on`);
    assert(
      field.kind !== 'press',
      `${name}.${key}: press() belongs to commands; use int() or tick() in state`,
    );
    offsets.set(key, at);
    at += field.words;
  }
  offsets.set(CUT_FIELD, at);
  for (const [key, field] of [...Object.entries(fields), [CUT_FIELD, int(0, 7)] as const]) {
    const followsAt = field.follows === undefined ? -1 : (offsets.get(field.follows) ?? -2);
    assert(followsAt !== -2, `${name}.${key} follows "${field.follows}", which is not a field of ${name}`);
    const rate = field.follows === undefined ? undefined : fields[field.follows];
    assert(
      rate === undefined || rate.kind === 'grid' || rate.kind === 'int',
      `${name}.${key} follows "${field.follows}", which must be a grid or int field`,
    );
    assert(
      rate === undefined || rate.local === field.local,
      `${name}.${key} and the field it follows must both be sent or both be local`,
    );
    assert(
      rate === undefined || rate.audience === field.audience,
      `${name}.${key} and the field it follows must be told to the same players`,
    );
    layouts.push({
      name: key,
      field,
      at: offsets.get(key) ?? 0,
      followsAt,
      followsFactor: rate === undefined ? 0 : rate.step / (tickRate * field.step),
    });
  }
  const stride = at + 1;
  const worst = layouts.reduce((bits, { field }) => bits + worstBits(field), 64);
  assert(
    worst <= MAX_ROW_BITS,
    `one ${name} may need ${Math.ceil(worst / 8)} bytes, but a datagram has room for ${MAX_ROW_BITS / 8}: use shorter texts and lists`,
  );
  const empty = new Int32Array(stride);
  for (const layout of layouts) empty[layout.at] = defaultOf(layout.field);
  return {
    name,
    index,
    fields: layouts,
    stride,
    empty,
    byName: new Map(layouts.map((layout) => [layout.name, layout])),
    cutAt: at,
  };
}

/** Every row must fit a datagram on its own, beside headers and messages. */
const MAX_ROW_BITS = 900 * 8;

function worstBits(field: Field): number {
  if (field.local) return 0;
  if (field.kind === 'text') return 9 + field.hi * 8;
  if (field.kind === 'list') return 9 + field.hi * (field.element?.bits ?? 32);
  return field.bits + 4;
}

/** The stored default: zero, or the end of the range that is nearest to it. */
export function defaultOf(field: Field): number {
  if (field.kind === 'f32') return 0;
  return Math.min(Math.max(0, field.lo), field.hi);
}

/** A number that two builds share exactly when their rows and commands have the same meaning. Two u32 words. */
export function schemaHash(description: unknown): readonly [number, number] {
  const canonical = JSON.stringify(description);
  return [hash32(canonical, 0x9e3779b9), hash32(canonical, 0x85ebca6b)];
}

/** What of a field goes into the schema hash: all that changes its bits or its meaning. */
export function describeField(field: Field): unknown {
  const { kind, lo, hi, step, bits, words, local, audience, follows, target, choices } = field;
  return [
    kind,
    lo,
    hi,
    step,
    bits,
    words,
    local,
    audience,
    follows ?? null,
    target ?? null,
    choices ?? null,
    field.element === undefined ? null : describeField(field.element),
  ];
}

export function describeFields(fields: Fields): unknown {
  return Object.entries(fields).map(([name, field]) => [name, describeField(field)]);
}
