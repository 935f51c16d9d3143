/**
 * The shapes that entities have for rays, overlaps and searches. Every shape is a rectangle with round corners:
 *
 *     circle    half width 0, half height 0, radius
 *     capsule   half width, half height 0, radius      along the row's angle
 *     box       half width, half height, radius 0
 */

import { assert } from '../base/assert.ts';
import type { Field } from '../wire/fields.ts';
import type { RowSchema } from '../wire/schema.ts';
import type { Row } from './entity.ts';
import { floatOf } from './float.ts';
import type { Entity, Shape } from './types.ts';

/** What `circle`, `box` and `capsule` make. World units. */
export interface HitShape {
  readonly halfWidth: number;
  readonly halfHeight: number;
  readonly radius: number;
}

/** Where a type's rows are, which way they are turned, and what shape they have there. */
export interface ShapeRule<S extends Shape, N extends keyof S['entities']> {
  /** The shape, or a pure function of the row: one who crouches is smaller. */
  readonly shape: HitShape | ((row: Readonly<Entity<S, N>>) => HitShape);
  /** The two fields that hold the place. Default: those of `interest.position`, else `x` and `y`. */
  readonly position?: readonly [string, string];
  /** The field that the shape is turned by, in radians. Default: it is not turned. */
  readonly angle?: string;
}

/** A shape per entity type, what it follows from, or a rule where more is to be said. */
export type Shapes<S extends Shape> = {
  readonly [N in keyof S['entities']]?: ShapeRule<S, N>['shape'] | ShapeRule<S, N>;
};

/** A disc. */
export function circle(radius: number): HitShape {
  return checked({ halfWidth: 0, halfHeight: 0, radius: positive('circle: radius', radius) });
}

/** A rectangle around the row's place; its width lies along the row's angle. */
export function box(width: number, height: number): HitShape {
  return checked({
    halfWidth: positive('box: width', width) / 2,
    halfHeight: positive('box: height', height) / 2,
    radius: 0,
  });
}

/** A rod with round ends, along the row's angle; `length` is from the middle of one end to that of the other. */
export function capsule(length: number, radius: number): HitShape {
  return checked({
    halfWidth: positive('capsule: length', length) / 2,
    halfHeight: 0,
    radius: positive('capsule: radius', radius),
  });
}

/** Distance from the middle to the farthest point. */
export function reachOf({ halfWidth, halfHeight, radius }: HitShape): number {
  return Math.sqrt(halfWidth * halfWidth + halfHeight * halfHeight) + radius;
}

/** A number in a row: the offset of its word and the field that says what it means. */
export interface RowNumber {
  readonly at: number;
  readonly field: Field;
}

/** The value of a number in the row at `at`, in its field's unit. */
export function numberIn(data: Int32Array, at: number, { at: word, field }: RowNumber): number {
  const stored = data[at + word] as number;
  return field.kind === 'f32' ? floatOf(stored) : stored * field.step;
}

/** A row type's shape, ready for use. */
export interface TypeShape {
  readonly x: RowNumber;
  readonly y: RowNumber;
  /** Undefined for shapes that are not turned. */
  readonly angle: RowNumber | undefined;
  readonly fixed: HitShape | undefined;
  readonly choose: ((row: Row) => HitShape) | undefined;
}

type AnyShape = HitShape | ((row: never) => HitShape);

interface AnyRule {
  readonly shape: AnyShape;
  readonly position?: readonly [string, string];
  readonly angle?: string;
}

/** Shapes per row schema; undefined when the game declares none. `positions` are the names that interest knows. */
export function compileShapes(
  shapes: Readonly<Record<string, AnyShape | AnyRule | undefined>> | undefined,
  rows: readonly RowSchema[],
  positions: Readonly<Record<string, readonly [string, string] | undefined>>,
): readonly (TypeShape | undefined)[] | undefined {
  const named = Object.entries(shapes ?? {}).filter(([, rule]) => rule !== undefined);
  if (named.length === 0) return undefined;
  for (const [type] of named)
    assert(
      rows.some((row) => row.index > 1 && row.name === type),
      `shapes names "${type}", which is not an entity type`,
    );
  return rows.map((row) => {
    const given = row.index > 1 ? shapes?.[row.name] : undefined;
    if (given === undefined) return undefined;
    const rule: AnyRule = 'shape' in given ? given : { shape: given };
    const [x, y] = rule.position ?? positions[row.name] ?? ['x', 'y'];
    const { shape } = rule;
    const isRule = typeof shape === 'function';
    return {
      x: wordOf(row, x),
      y: wordOf(row, y),
      angle: rule.angle === undefined ? undefined : wordOf(row, rule.angle),
      fixed: isRule ? undefined : checked(shape),
      choose: isRule ? (shape as (row: Row) => HitShape) : undefined,
    };
  });
}

const PLACES: readonly string[] = ['grid', 'int', 'angle', 'f32'];

function wordOf(row: RowSchema, name: string): RowNumber {
  const layout = row.byName.get(name);
  assert(
    layout !== undefined && PLACES.includes(layout.field.kind),
    `shapes.${row.name}: "${name}" must be a grid, int, angle or f32 field of ${row.name}`,
  );
  assert(
    !layout.field.local && layout.field.audience === 'all',
    `shapes.${row.name}: "${name}" is not sent to everybody; what shots are tested against must be`,
  );
  return layout;
}

function checked(shape: HitShape): HitShape {
  assert(
    shape.halfWidth >= 0 && shape.halfHeight >= 0 && shape.radius >= 0 && Number.isFinite(reachOf(shape)),
    'a shape comes from circle(), box() or capsule()',
  );
  return shape;
}

function positive(name: string, value: number): number {
  assert(value > 0 && Number.isFinite(value), `${name} must be a positive number, got ${value}`);
  return value;
}
