/** The field types of which a game declares its entities, commands, players and room. One description serves state, wire and types. */

import { assert } from '../base/assert.ts';

export type FieldKind =
  | 'grid'
  | 'int'
  | 'bool'
  | 'angle'
  | 'f32'
  | 'text'
  | 'list'
  | 'tick'
  | 'ref'
  | 'oneOf'
  | 'press';

export type Audience = 'all' | 'owner' | 'team';

/** What a field constructor returns. `T` is the type that game code reads and writes. */
export interface Field<T = unknown> {
  readonly kind: FieldKind;
  /** Smallest and largest stored integer. */
  readonly lo: number;
  readonly hi: number;
  /** Value of one stored unit; 1 for everything that is not on a finer grid. */
  readonly step: number;
  /** Int32 words in a row. */
  readonly words: number;
  /** Bits of the stored integer on the wire. */
  readonly bits: number;
  /** Never sent, but saved and restored with the tick. */
  readonly local: boolean;
  /** Who is told: everybody who sees the row, its owner, or the players of its owner's team. Others read the default. */
  readonly audience: Audience;
  /** Name of the field that holds this one's rate of change per second. */
  readonly follows: string | undefined;
  readonly element: Field | undefined;
  readonly target: string | undefined;
  readonly choices: readonly string[] | undefined;
  /** Never present at run time: carries the type. */
  readonly value?: T;
}

/** A reference to an entity of type `N`. */
export interface RefField<N extends string> extends Field<{ readonly refTo: N }> {
  readonly target: N;
}

/** A list of up to `max` values of one field type. */
export interface ListField<F extends Field> extends Field<{ readonly listOf: F }> {
  readonly element: F;
}

/** A counted pull. Written as "pulls since last time", read as "pulls in this tick". */
export interface PressField extends Field<number> {
  readonly kind: 'press';
}

/** Default step of a position: fine enough that slow speeds move and friction rests; deltas make the extra bits cheap. */
export const DEFAULT_STEP = 1 / 1024;

/**
 * A number on a grid: `min`, `min + step`, … `max`. Writes round to the grid; out of range clamps and is counted.
 * `follows` names the field that holds the rate per second, so that straight motion costs one bit.
 */
export function grid(
  min: number,
  max: number,
  step: number = DEFAULT_STEP,
  hints: { follows?: string } = {},
): Field<number> {
  assert(step > 0 && Number.isFinite(step), `grid step must be a positive number, got ${step}`);
  assert(min < max, `grid needs min < max, got ${min}..${max}`);
  const lo = Math.round(min / step);
  const hi = Math.round(max / step);
  assert(
    Math.abs(lo * step - min) < step / 1e3 && Math.abs(hi * step - max) < step / 1e3,
    `grid bounds must be multiples of the step: ${min} and ${max} are not of ${step}`,
  );
  assert(
    hi - lo < 2 ** 31 && Math.abs(lo) < 2 ** 31 && Math.abs(hi) < 2 ** 31,
    `grid ${min}..${max} has too many steps of ${step}: at most 2^31`,
  );
  return field('grid', lo, hi, { step, follows: hints.follows });
}

/** A whole number from `min` to `max`. */
export function int(min: number, max: number): Field<number> {
  assert(
    Number.isInteger(min) && Number.isInteger(max) && min < max,
    `int needs whole numbers min < max, got ${min}..${max}`,
  );
  assert(
    min >= -(2 ** 31) && max < 2 ** 31 && max - min < 2 ** 31,
    `int ${min}..${max} does not fit 32 bits`,
  );
  return field('int', min, max, {});
}

/** True or false. */
export function bool(): Field<boolean> {
  return field('bool', 0, 1, {});
}

/** An angle in radians, read as [-pi, pi), in `2^bits` steps. Any number may be written; it wraps. */
export function angle(bits: number): Field<number> {
  assert(Number.isInteger(bits) && bits >= 2 && bits <= 24, `angle takes 2..24 bits, got ${bits}`);
  return field('angle', -(2 ** (bits - 1)), 2 ** (bits - 1) - 1, { step: (2 * Math.PI) / 2 ** bits });
}

/** A 32-bit float: rounds to float precision, may not be NaN. Prefer `grid`: it costs fewer bits. */
export function f32(): Field<number> {
  return field('f32', -(2 ** 31), 2 ** 31 - 1, { bits: 32 });
}

/** A text of at most `maxBytes` bytes of UTF-8, kept in the row. Longer texts are cut at a character. */
export function text(maxBytes: number): Field<string> {
  assert(
    Number.isInteger(maxBytes) && maxBytes >= 1 && maxBytes <= 255,
    `text takes 1..255 bytes, got ${maxBytes}`,
  );
  return field('text', 0, maxBytes, { words: 1 + Math.ceil(maxBytes / 4) });
}

/** Up to `max` values of `element`, kept in the row. Elements may be grid, int, bool, angle, f32, tick or oneOf. */
export function list<F extends Field>(element: F, max: number): ListField<F> {
  assert(
    element.words === 1 && !['press', 'ref'].includes(element.kind),
    `list elements must be single numbers, not ${element.kind}`,
  );
  assert(Number.isInteger(max) && max >= 1 && max <= 255, `list takes at most 1..255 elements, got ${max}`);
  return field('list', 0, max, { words: 1 + max, element }) as ListField<F>;
}

/** An absolute tick, 0 for none. A deadline costs nothing while it stands; a countdown costs bits in every snapshot. */
export function tick(): Field<number> {
  return field('tick', 0, 2 ** 31 - 1, { bits: 31 });
}

/** A reference to an entity of the named type; undefined when it is gone or may not be seen. */
export function ref<N extends string>(target: N): RefField<N> {
  return field('ref', 0, 2 ** 31 - 1, { bits: 31, target }) as RefField<N>;
}

/** One of a fixed set of words. */
export function oneOf<const C extends readonly string[]>(...choices: C): Field<C[number]> {
  assert(
    choices.length >= 2 && new Set(choices).size === choices.length,
    'oneOf needs at least two different words',
  );
  return field('oneOf', 0, choices.length - 1, { choices });
}

/** Marks a field as never sent. It is rolled back with the tick, and must not influence any sent field. */
export function local<T>(inner: Field<T>): Field<T> {
  assert(inner.kind !== 'press', 'a press belongs to a command; it cannot be local');
  assert(inner.audience === 'all', 'a local field is never sent; leave out ownerOnly or teamOnly');
  return { ...inner, local: true };
}

/** Marks a field as the owner's secret: other clients are never sent it and read its default. */
export function ownerOnly<T>(inner: Field<T>): Field<T> {
  return secret(inner, 'owner');
}

/** Marks a field as a secret of the owner's team (see `team` in `defineGame`): other clients are never sent it and read its default. */
export function teamOnly<T>(inner: Field<T>): Field<T> {
  return secret(inner, 'team');
}

function secret<T>(inner: Field<T>, audience: Audience): Field<T> {
  assert(inner.kind !== 'press', 'a press belongs to a command; only its sender and the server know it');
  assert(!inner.local, 'a local field is never sent, so it is secret already');
  return { ...inner, audience };
}

/** A counted pull: a jump, a shot, a use. It runs exactly once, also when packets are lost. For commands only. */
export function press(): PressField {
  return field('press', 0, PRESS_MODULUS - 1, {}) as PressField;
}

/** Pull counters wrap here. A client silent for longer than 255 pulls is long away. */
export const PRESS_MODULUS = 256;

/** Bits that hold the integers 0..range. */
export function bitsFor(range: number): number {
  return range <= 0 ? 0 : range > 0x7fffffff ? 32 : 32 - Math.clz32(range);
}

interface Extra {
  step?: number;
  words?: number;
  bits?: number;
  follows?: string | undefined;
  element?: Field;
  target?: string;
  choices?: readonly string[];
}

function field<T>(kind: FieldKind, lo: number, hi: number, extra: Extra): Field<T> {
  return {
    kind,
    lo,
    hi,
    step: extra.step ?? 1,
    words: extra.words ?? 1,
    bits: extra.bits ?? bitsFor(hi - lo),
    local: false,
    audience: 'all',
    follows: extra.follows,
    element: extra.element,
    target: extra.target,
    choices: extra.choices,
  };
}
