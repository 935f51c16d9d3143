/** What a difference looks like, as far as the numbers tell: the first pattern that fits, with a word for programs and a sentence. */

import { type Cell, nameOf, seatName } from './cells.ts';
import { shortNumber } from './description.ts';

export type KindWord =
  | 'command'
  | 'authority'
  | 'one-side-only'
  | 'owner'
  | 'control'
  | 'not-run'
  | 'early-or-late'
  | 'overflow'
  | 'range'
  | 'sign'
  | 'factor'
  | 'one-step'
  | 'small'
  | 'unknown';

export interface Kind {
  readonly word: KindWord;
  readonly sentence: string;
}

export interface Scene {
  /** Words for both sides: client and server, or first and second server. */
  readonly names: readonly [string, string];
  readonly cells: readonly Cell[];
  /** The lead's value on the right a tick later. */
  readonly rightAfter: number | undefined;
  /** The leads of later partings in the same field. */
  readonly again: readonly Cell[];
}

/** A difference of so few steps can come from rounding, however it was computed. */
const FEW_STEPS = 3;

/** The ends of a narrow range are values like any other. */
const WIDE = 64;

/** A factor is told from chance by so many partings. */
const LEAST_SAMPLES = 4;

/** Share of a float within which roundings move it: some units of its 24 bits. */
const FLOAT_ROUNDINGS = 1e-5;

export function kindOf(scene: Scene): Kind {
  const lead = scene.cells[0] as Cell;
  const [left, right] = scene.names;
  if (lead.what === 'exists') return onOneSide(lead, scene);
  if (lead.what === 'owner')
    return {
      word: 'owner',
      sentence: `${nameOf(lead)} belongs to ${lead.left} on the ${left}, to ${lead.right} on the ${right}`,
    };
  if (lead.what === 'control')
    return {
      word: 'control',
      sentence: `the ${lead.field} of ${seatName(lead.id)} differs: a spawn or a pull was counted on one side only`,
    };
  return pattern(lead, scene) ?? UNKNOWN;
}

const UNKNOWN: Kind = {
  word: 'unknown',
  sentence:
    'no pattern in the numbers: look for state outside the schema, random numbers, clocks, or the order of a loop',
};

function onOneSide(lead: Cell, { cells, names: [left, right] }: Scene): Kind {
  const only = lead.left === 'exists' ? left : right;
  const other = only === left ? right : left;
  const counter = cells.find((cell) => cell.field === 'spawn counter');
  const why =
    lead.beforeText !== undefined
      ? `: the ${other} despawned it in this tick`
      : counter === undefined
        ? ''
        : `, and the spawn counters differ (${counter.left} and ${counter.right}): the ${other} did not spawn, or spawned in another order`;
  return { word: 'one-side-only', sentence: `only the ${only} has ${nameOf(lead)}${why}` };
}

function pattern(lead: Cell, scene: Scene): Kind | undefined {
  const { leftNumber, rightNumber, before, beforeText, layout } = lead;
  const [left, right] = scene.names;
  if (layout?.kind === 'tick' && leftNumber !== undefined && rightNumber !== undefined)
    if (leftNumber > 0 && rightNumber > 0) {
      const late = leftNumber - rightNumber;
      const ticks = `${Math.abs(late)} tick${Math.abs(late) === 1 ? '' : 's'}`;
      return {
        word: 'early-or-late',
        sentence: `a deadline that the ${left} has ${ticks} ${late > 0 ? 'later' : 'earlier'}`,
      };
    }
  if (beforeText !== undefined && (beforeText === lead.left || beforeText === lead.right)) {
    const [still, moved] = beforeText === lead.left ? [left, right] : [right, left];
    return {
      word: 'not-run',
      sentence: `the ${moved} changed it in this tick, the ${still} did not: a rule, or an input, that one side skips`,
    };
  }
  if (leftNumber === undefined || rightNumber === undefined) return undefined;
  const factor = commonFactor([lead, ...scene.again]);
  const leftMoved = leftNumber - (before ?? leftNumber);
  const rightMoved = rightNumber - (before ?? rightNumber);
  const amounts = `by ${shortNumber(leftMoved)} on the ${left}, by ${shortNumber(rightMoved)} on the ${right}`;
  if (factor !== undefined)
    return {
      word: 'factor',
      sentence: `it moved ${amounts}, and by a factor of ${shortNumber(Number(factor.toPrecision(3)))} later too: another dt or constant, or something counted twice`,
    };
  const rounded = atEdge(lead) ?? overflow(lead) ?? few(lead);
  if (rounded !== undefined || before === undefined) return rounded;
  if (leftMoved === -rightMoved) return { word: 'sign', sentence: `it moved the other way: ${amounts}` };
  if (scene.rightAfter === leftNumber)
    return {
      word: 'early-or-late',
      sentence: `the ${left} has the value that the ${right} has one tick later`,
    };
  return undefined;
}

/** What roundings may make of a number. Whole numbers are not rounded. */
function few({ steps, layout, leftNumber = 0, rightNumber = 0 }: Cell): Kind | undefined {
  const why = 'a rounding, the order of a sum, or a Math function that is not the same everywhere';
  if (layout?.kind === 'f32') {
    const share = Math.abs(leftNumber - rightNumber) / Math.max(Math.abs(leftNumber), Math.abs(rightNumber));
    if (share > FLOAT_ROUNDINGS) return undefined;
    return { word: 'small', sentence: `the last digits of a float: ${why}` };
  }
  const size = Math.abs(steps ?? FEW_STEPS + 1);
  if (layout?.kind === 'int' || size > FEW_STEPS) return undefined;
  return size === 1
    ? { word: 'one-step', sentence: `one grid step: ${why}` }
    : { word: 'small', sentence: `${size} grid steps: roundings, or the order of a sum, that add up` };
}

function atEdge({ layout, leftNumber, rightNumber }: Cell): Kind | undefined {
  if (layout === undefined || layout.kind === 'f32' || layout.hi - layout.lo < WIDE) return undefined;
  const ends = [layout.lo * layout.step, layout.hi * layout.step];
  const left = ends.includes(leftNumber ?? Number.NaN);
  if (left === ends.includes(rightNumber ?? Number.NaN)) return undefined;
  return {
    word: 'range',
    sentence: 'one side is at the end of the field’s range: a limit that the other side does not have',
  };
}

/** Differences of a power of two far from the field's usual ones: 16 or 32 bit arithmetic on one side. */
function overflow({ steps, layout }: Cell): Kind | undefined {
  const size = Math.abs(steps ?? 0);
  if (layout?.kind === 'angle' || ![2 ** 8, 2 ** 16, 2 ** 24, 2 ** 31, 2 ** 32].includes(size))
    return undefined;
  return {
    word: 'overflow',
    sentence: `the difference is ${size}, a power of two: an integer that overflowed on one side`,
  };
}

/** Left's change over right's, when it is the same in several partings, but for roundings. */
function commonFactor(cells: readonly Cell[]): number | undefined {
  let low = Number.NEGATIVE_INFINITY;
  let high = Number.POSITIVE_INFINITY;
  let samples = 0;
  for (const { leftNumber, rightNumber, before, layout } of cells) {
    if (leftNumber === undefined || rightNumber === undefined || before === undefined) continue;
    const moved = rightNumber - before;
    if (moved === 0 || leftNumber === before) continue;
    const factor = (leftNumber - before) / moved;
    const doubt = layout?.kind === 'int' ? 0 : Math.abs((layout?.step ?? 0) / moved);
    low = Math.max(low, factor - doubt);
    high = Math.min(high, factor + doubt);
    samples++;
  }
  if (samples < LEAST_SAMPLES || low > high || high - low > 0.2) return undefined;
  // Around 1 it is a rounding.
  return low < 1.001 && high > 0.999 ? undefined : (low + high) / 2;
}
