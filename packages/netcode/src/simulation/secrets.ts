/**
 * What of a row is not told to everybody: `ownerOnly` and `teamOnly` fields, and references to types that may be hidden.
 * Which of it one client is told is a mask: bit 0 the owner's fields, bit 1 the team's, bit 2 and up one reference field each.
 */

import { assert } from '../base/assert.ts';
import type { RowSchema } from '../wire/schema.ts';
import type { RowSet } from './rows.ts';

export const OWNER_BIT = 1;
export const TEAM_BIT = 2;
const FIRST_REF_BIT = 2;
const MOST_REFS = 28;

/** The words of one mask bit. */
export interface Secret {
  readonly bit: number;
  readonly words: Int32Array;
  /** Row index of the type that a reference leads to; -1 for owner's and team's fields. */
  readonly target: number;
}

export interface Secrets {
  readonly all: readonly Secret[];
  /** Every word that some client is not told. */
  readonly words: Int32Array;
}

/** `hidden` says per row index whether rows of that type are kept from some clients. */
export function compileSecrets(
  row: RowSchema,
  rows: readonly RowSchema[],
  hidden: readonly boolean[],
): Secrets {
  const of = (audience: string): number[] =>
    row.fields
      .filter(({ field }) => field.audience === audience)
      .flatMap(({ at, field }) => Array.from({ length: field.words }, (_, i) => at + i));
  const all: Secret[] = [
    { bit: OWNER_BIT, words: Int32Array.from(of('owner')), target: -1 },
    { bit: TEAM_BIT, words: Int32Array.from(of('team')), target: -1 },
  ];
  let next = FIRST_REF_BIT;
  for (const { field, at } of row.fields) {
    const target = rows.findIndex(({ name, index }) => index > 1 && name === field.target);
    if (field.target === undefined || field.local || field.audience !== 'all' || hidden[target] !== true)
      continue;
    assert(
      next < FIRST_REF_BIT + MOST_REFS,
      `${row.name} has more than ${MOST_REFS} references to types that may be hidden`,
    );
    all.push({ bit: 1 << next++, words: Int32Array.of(at), target });
  }
  const present = all.filter(({ words }) => words.length > 0);
  return { all: present, words: Int32Array.from(present.flatMap(({ words }) => [...words])) };
}

/** A copy of the row at `at` in which only the secrets of `mask` are told; the others have their defaults. For instruments: it allocates. */
export function maskedRow(secrets: Secrets, rows: RowSet, at: number, mask: number): Int32Array {
  const { stride, empty } = rows.schema;
  const row = rows.data.slice(at, at + stride);
  for (const { bit, words } of secrets.all) {
    if ((mask & bit) !== 0) continue;
    for (const word of words) row[word] = empty[word] ?? 0;
  }
  return row;
}
