/** Comparing what a client decoded with the units it should see. */

import type { VisibleSet } from '../workload/interest.ts';
import { UNIT_FIELDS, type UnitWorld, unitId, WORDS } from '../workload/world.ts';

/** A unit as plain objects have it, by stored integers. */
export interface UnitRecord {
  id: number;
  x: number;
  y: number;
  rot: number;
  vx: number;
  vy: number;
  hp: number;
  st: number;
}

/** First difference between visible units and decoded words; `read` gives a unit's word, or undefined when the client lacks it. */
export function differenceOf(
  world: UnitWorld,
  set: VisibleSet,
  held: number,
  read: (index: number, unit: number, word: number) => number | undefined,
): string | undefined {
  if (held !== set.count) return `${held} units, not ${set.count}`;
  for (let i = 0; i < set.count; i++) {
    const unit = set.units[i] ?? 0;
    for (let word = 0; word < WORDS; word++) {
      const got = read(i, unit, word);
      const want = world.rows[unit * WORDS + word];
      if (got !== want) return `unit ${unitId(unit)}: ${UNIT_FIELDS[word]} is ${got}, not ${want}`;
    }
  }
  return undefined;
}

/** The same for a list of records in the order of the visible set. */
export function recordsDiffer(
  world: UnitWorld,
  set: VisibleSet,
  records: readonly UnitRecord[],
): string | undefined {
  return differenceOf(world, set, records.length, (index, unit, word) => {
    const record = records[index];
    if (record?.id !== unitId(unit)) return undefined;
    return record[UNIT_FIELDS[word] as keyof UnitRecord];
  });
}
