/** What training knows of a game's rows, as plain data. `replication/rows/tables.ts` says what it means. */

import { assert } from '../base/assert.ts';
import { describeField, type RowSchema, schemaHash } from './schema.ts';

/** Trained tables of one row type. Types are as wide as TypeScript sees an imported JSON file. */
export interface RowTables {
  /** Identity of the fields that they were trained for: two words. */
  readonly hash: readonly number[];
  /** Per field outside of vectors, `$cut` first: d drifts, w whole, p points, or -. */
  readonly fields: string;
  /** Per vector: its phase in halves (-1, 0, 1), and whether positions are rounded in every tick (1) or kept finer (0). */
  readonly groups: readonly (readonly number[])[];
  /** Probabilities, one character each; ! and two more stand for a run of those that stay untrained. */
  readonly odds: string;
}

/** Trained tables of a game, by row type: JSON. Give them to `defineGame({ tables })`. */
export interface CodecTables {
  /** 1. */
  readonly version: number;
  readonly rows: { readonly [name: string]: RowTables };
}

/** The hash that ties tables to the fields they were trained for. */
export function rowHash(schema: RowSchema): readonly [number, number] {
  return schemaHash(
    schema.fields.map(({ name, field, followsFactor }) => [name, describeField(field), followsFactor]),
  );
}

/** Throws a `UsageError` unless the tables are of these rows. */
export function checkTables(tables: CodecTables, rows: readonly RowSchema[]): void {
  assert(tables.version === 1, 'these tables are of another version of Tickwire: train them again');
  for (const [name, { hash }] of Object.entries(tables.rows)) {
    const row = rows.find((schema) => schema.name === name);
    const expected = row === undefined ? undefined : rowHash(row);
    assert(
      expected !== undefined && expected[0] === hash[0] && expected[1] === hash[1],
      `the tables of "${name}" were trained for other fields: train them again`,
    );
  }
}
