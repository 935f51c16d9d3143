/** The commands around a tick on both sides, and what became of one that differs. */

import { PRESS_MODULUS } from '../wire/fields.ts';
import { formatValue, type TraceField } from './description.ts';
import type { Recording } from './recording.ts';

export interface CommandLine {
  readonly tick: number;
  /** One text per command field for each side; undefined where no command ran, or the tick is not recorded. */
  readonly left: readonly string[] | undefined;
  readonly right: readonly string[] | undefined;
  readonly same: boolean;
}

const BEFORE = 4;
const AFTER = 3;

/** The ticks from 4 before to 3 after. */
export function commandLines(left: Recording, right: Recording, seat: number, tick: number): CommandLine[] {
  const { command } = right.header;
  const lines: CommandLine[] = [];
  for (let t = tick - BEFORE; t <= tick + AFTER; t++) {
    const ours = left.at(t);
    const theirs = right.at(t);
    if (ours === undefined && theirs === undefined) continue;
    const [l, r] = [ours?.commands.get(seat), theirs?.commands.get(seat)];
    lines.push({
      tick: t,
      left: l && show(command, l, left.at(t - 1)?.commands.get(seat)),
      right: r && show(command, r, right.at(t - 1)?.commands.get(seat)),
      same:
        ours === undefined ||
        theirs === undefined ||
        sameCommand(command, l, r, right.at(t - 1)?.commands.get(seat)),
    });
  }
  return lines;
}

/** Whether two commands mean the same. None is the same as neutral levels without a pull. */
export function sameCommand(
  fields: readonly TraceField[],
  a: Int32Array | undefined,
  b: Int32Array | undefined,
  earlier: Int32Array | undefined,
): boolean {
  if (a === undefined && b === undefined) return true;
  if (a !== undefined && b !== undefined) return a.every((word, i) => word === b[i]);
  const some = a ?? b;
  return fields.every((field, i) =>
    field.kind === 'press' ? some?.[i] === (earlier?.[i] ?? 0) : some?.[i] === neutralOf(field),
  );
}

/** Whether a client's assumption about another player, levels and pulls, is what the server ran. None is neutral. */
export function isAssumed(
  fields: readonly TraceField[],
  assumed: Int32Array | undefined,
  ran: Int32Array | undefined,
  ranBefore: Int32Array | undefined,
): boolean {
  return fields.every((field, i) => {
    const neutral = neutralOf(field);
    if (field.kind !== 'press') return (assumed?.[i] ?? neutral) === (ran?.[i] ?? neutral);
    const pulls =
      ran === undefined ? 0 : ((ran[i] ?? 0) - (ranBefore?.[i] ?? 0) + PRESS_MODULUS) % PRESS_MODULUS;
    return (assumed?.[i] ?? 0) === pulls;
  });
}

/** What the server ran in place of the command that the client made. */
export function substitution(
  left: Recording,
  right: Recording,
  seat: number,
  tick: number,
  [ours, theirs]: readonly [string, string],
): string {
  const made = left.at(tick)?.commands.get(seat);
  const ran = right.at(tick)?.commands.get(seat);
  const last = right.at(tick - 1)?.commands.get(seat);
  if (left.header.side === 'server')
    return `the inputs differ: the commands of ${seat === 0 ? 'the seats' : `seat ${seat}`} are not the same on both sides`;
  if (made === undefined) return `the ${ours} had no command for this tick, the ${theirs} ran one`;
  if (ran === undefined)
    return `the ${theirs} ran no command for this tick: none had ever arrived, or the seat was away`;
  if (last !== undefined && ran.every((word, i) => word === last[i]))
    return `the ${theirs} did not have this command in time and ran the last levels again: the network, not the rules`;
  const { command } = right.header;
  if (command.every((field, i) => field.kind === 'press' || ran[i] === neutralOf(field)))
    return `the ${theirs} had no command for more than 250 ms and ran a neutral one: the network, not the rules`;
  return `the ${theirs} ran another command than the ${ours} made for this tick`;
}

/** Levels as values, presses as pulls since the command before. */
function show(fields: readonly TraceField[], words: Int32Array, before: Int32Array | undefined): string[] {
  return fields.map((field, i) => {
    if (field.kind !== 'press') return formatValue(field, words, i);
    if (before === undefined) return '?';
    return String(((words[i] ?? 0) - (before[i] ?? 0) + PRESS_MODULUS) % PRESS_MODULUS);
  });
}

const neutralOf = ({ lo, hi, kind }: TraceField): number =>
  kind === 'f32' ? 0 : Math.min(Math.max(0, lo), hi);
