/** Finds the vectors of a row type: position fields that follow rate fields, taken together where they are alike. */

import type { Field } from '../../wire/fields.ts';
import type { FieldLayout, RowSchema } from '../../wire/schema.ts';

export interface Axis {
  readonly position: Field;
  readonly rate: Field;
  readonly at: number;
  readonly rateAt: number;
}

/** Position fields of one step that follow rate fields of one step. */
export interface AxisGroup {
  readonly axes: readonly Axis[];
  /** Position steps per tick for one step of the rate. */
  readonly factor: number;
  readonly wraps: boolean;
}

/** The groups of a row, in an order in which rates that follow rates themselves come first. */
export function groupAxes(schema: RowSchema): AxisGroup[] {
  const groups: AxisGroup[] = [];
  const rates = new Set<number>();
  let open: { axes: Axis[]; factor: number; wraps: boolean } | undefined;
  for (const { field, followsAt, followsFactor, at } of schema.fields) {
    if (field.local || followsAt < 0 || followsAt === at) continue;
    const rate = (schema.fields.find((other) => other.at === followsAt) as FieldLayout).field;
    const axis = { position: field, rate, at, rateAt: followsAt };
    if (open !== undefined && !rates.has(followsAt) && joins(open, axis)) open.axes.push(axis);
    else {
      open = { axes: [axis], factor: followsFactor, wraps: field.kind === 'angle' };
      groups.push(open);
    }
    rates.add(followsAt);
  }
  return splitGroups(sortGroups(groups));
}

/** Whether a field may be one more axis of a vector. */
function joins({ axes, wraps }: AxisGroup, { at, rateAt, position, rate }: Axis): boolean {
  const first = axes[0] as Axis;
  return (
    axes.length < 3 &&
    !wraps &&
    position.kind !== 'angle' &&
    first.position.step === position.step &&
    first.rate.step === rate.step &&
    axes.every((axis) => axis.rateAt !== at && axis.at !== rateAt)
  );
}

/** A group whose rates are positions of another comes after it. In a circle the first declared wins. */
function sortGroups(groups: AxisGroup[]): AxisGroup[] {
  const left = [...groups];
  const sorted: AxisGroup[] = [];
  while (left.length > 0) {
    const free = left.findIndex((group) =>
      group.axes.every(
        ({ rateAt }) => !left.some((other) => other !== group && other.axes.some(({ at }) => at === rateAt)),
      ),
    );
    sorted.push(...left.splice(Math.max(0, free), 1));
  }
  return sorted;
}

/** Takes vectors apart of which only some axes are known from groups before them. */
function splitGroups(groups: AxisGroup[]): AxisGroup[] {
  const known = new Set<number>();
  const mixed = (words: number[]): boolean =>
    words.some((word) => known.has(word)) && !words.every((word) => known.has(word));
  return groups.flatMap((group) => {
    const { axes } = group;
    const rates = axes.map(({ rateAt }) => rateAt);
    const positions = axes.map(({ at }) => at);
    const apart = mixed(rates) || mixed(positions);
    for (const word of [...rates, ...positions]) known.add(word);
    return apart ? axes.map((axis) => ({ ...group, axes: [axis] })) : [group];
  });
}
