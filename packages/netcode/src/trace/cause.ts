/** Why two sides part in a tick, as far as their inputs tell. */

import { MARK, OWNER } from '../wire/schema.ts';
import { type Cell, FIRST_ENTITY_TYPE } from './cells.ts';
import { isAssumed, sameCommand } from './commandlines.ts';
import type { TraceType } from './description.ts';
import type { Recording, TraceTick } from './recording.ts';
import { findRow, type Rows } from './rows.ts';

/**
 * `command`: the two ran different commands. `authority`: the server wrote all of it where only the server runs. `maybe`: what the
 * client does not predict had changed, and the rules may have read that. `desync`: none of these.
 */
export type Cause = 'command' | 'authority' | 'maybe' | 'desync';

/** Judges partings of a client, or of a first server, and the server whose recording this is. */
export class Causes {
  readonly #right: Recording;
  /** The client's; 0 for two servers. */
  readonly #seat: number;

  constructor(right: Recording, seat: number) {
    this.#right = right;
    this.#seat = seat;
  }

  of(left: TraceTick, right: TraceTick, cells: readonly Cell[]): Cause {
    if (!this.sameCommands(left, right) || this.unknownSeat(left, right) !== undefined) return 'command';
    const owners = new Set(cells.filter((cell) => cell.alone).map((cell) => cell.owner));
    // A spawn of the server's alone moves the spawn counter of its owner.
    if (cells.every((cell) => cell.alone || (cell.what === 'control' && owners.has(cell.id))))
      return 'authority';
    return left.run === undefined || this.moved(left, right)?.length === 0 ? 'desync' : 'maybe';
  }

  sameCommands(left: TraceTick, right: TraceTick): boolean {
    const { header } = this.#right;
    const seats =
      this.#seat > 0 ? [this.#seat] : new Set([...left.commands.keys(), ...right.commands.keys()]);
    for (const seat of seats) {
      const earlier = this.#right.at(right.tick - 1)?.commands.get(seat);
      if (!sameCommand(header.command, left.commands.get(seat), right.commands.get(seat), earlier))
        return false;
    }
    return true;
  }

  /** A player whose command the rules read, or whose rows they predicted, while the client did not know what it was. */
  unknownSeat({ run, tables }: TraceTick, right: TraceTick): number | undefined {
    if (run === undefined) return undefined;
    const { command } = this.#right.header;
    const before = this.#right.at(right.tick - 1)?.commands;
    // What was not told was assumed to be neutral.
    for (const seat of new Set([...run.others.keys(), ...this.#ownersOf(tables)])) {
      const ran = right.commands.get(seat);
      if (!isAssumed(command, run.others.get(seat), ran, before?.get(seat))) return seat;
    }
    return undefined;
  }

  /** Other players with rows among the predicted ones. */
  #ownersOf(tables: readonly Rows[]): Set<number> {
    const seats = new Set<number>();
    this.#right.header.types.forEach(({ stride }, t) => {
      const { data, count } = tables[t] as Rows;
      if (t >= FIRST_ENTITY_TYPE)
        for (let at = 0; at < count * stride; at += stride) seats.add(data[at + OWNER] ?? 0);
    });
    seats.delete(0);
    seats.delete(this.#seat);
    return seats;
  }

  /** Types of which rows that the client does not predict are elsewhere on the server than the client knew; undefined when unknown. */
  moved(left: TraceTick, right: TraceTick): string[] | undefined {
    const seen = this.#right.at(left.run?.seen ?? -1);
    const before = this.#right.at(right.tick - 1);
    if (seen === undefined || before === undefined) return undefined;
    return this.#right.header.types
      .filter(
        (type, t) =>
          !othersStand(type, seen.tables[t], right.tables[t], left.tables[t]) ||
          !othersStand(type, before.tables[t], right.tables[t], left.tables[t]),
      )
      .map(({ name }) => name);
  }
}

/** Whether all rows but the predicted ones are the same in two ticks, and at rest: moving ones the client moves on by itself. */
function othersStand(
  { stride, fields }: TraceType,
  a: Rows | undefined,
  b: Rows | undefined,
  predicted: Rows | undefined,
): boolean {
  if (a === undefined || b === undefined) return false;
  const rates = fields.flatMap(({ follows }) => fields.find(({ name }) => name === follows)?.at ?? []);
  const isOther = (rows: Rows, at: number): boolean =>
    predicted === undefined || findRow(stride, predicted, rows.data[at] ?? 0) < 0;
  let i = 0;
  let j = 0;
  for (;;) {
    while (i < a.count && !isOther(a, i * stride)) i++;
    while (j < b.count && !isOther(b, j * stride)) j++;
    if (i >= a.count || j >= b.count) return i >= a.count && j >= b.count;
    for (let word = 0; word < stride; word++)
      if (word !== MARK && a.data[i * stride + word] !== b.data[j * stride + word]) return false;
    for (const rate of rates) if (a.data[i * stride + rate] !== 0) return false;
    i++;
    j++;
  }
}
