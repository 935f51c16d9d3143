/**
 * The static probabilities of the small row codec: where each decision of a row stands in one flat array, what it is taken for
 * untrained, and what training saves.
 */

import { assert } from '../../base/assert.ts';
import type { Field } from '../../wire/fields.ts';
import type { RowSchema } from '../../wire/schema.ts';
import type { RowTables } from '../../wire/trained.ts';
import { type AxisGroup, groupAxes } from './axes.ts';
import { MOTIONS, type MotionHabits } from './motion.ts';

/** Ages of a base in ticks, in classes: 1, 2, 3, 4, 5, 6, 7-8, 9-11, 12-16, more. */
export const AGES = 10;

/** Coarser: 1-2, 3-4, 5-8, more. */
export const ROUGH_AGES = 4;

/** Motion kinds, and rows that are new to the client. */
export const KINDS = MOTIONS + 1;
export const NEW_KIND = MOTIONS;

/** How the rates of a row came out. */
export const EXACT = 0;
export const SMOOTH = 1;
export const STOPPED = 2;
export const SUDDEN = 3;
export const STARTED = 4;
export const CUT = 5;
export const NEW = 6;
export const MODES = 7;

/** What a field did between the earlier row and the base. */
export const QUIET = 0;
export const ACTIVE = 1;
export const UNKNOWN = 2;
/** For an angle that points where its row goes: while going, from rest, to rest. */
export const POINTING = 3;
export const SET_OFF = 4;
export const CAME_TO_REST = 5;
export const STATES = 6;

/** A row's list code: two decisions of its motion kind and the age of its base, two of its kind. */
export const CODE_BINS = 4;

/** Context of a second axis: its first one, or after a zero, or after another surprise. */
export const AXES = 3;

/** Bits of the widest bucketed surprise. */
const MAX_BUCKETS = 33;

/** What training finds out about a row beside probabilities; a few letters per field in its tables. */
export interface FieldHabits {
  /** The next difference is expected to be like the last. */
  readonly drifts: boolean;
  /** New values are coded as themselves, not as differences. */
  readonly whole: boolean;
  /** The angle points where the row's first vector goes. */
  readonly points: boolean;
}

/** A run of contexts with the same decisions. */
export interface Section {
  readonly role: string;
  readonly at: number;
  readonly contexts: number;
  readonly bins: number;
  /** Contexts that are alike come in runs of this many. */
  readonly inner: number;
}

export interface GroupPlan {
  readonly group: AxisGroup;
  readonly habits: MotionHabits;
  /** False where another group has coded them before. */
  readonly codesRates: boolean;
  readonly codesPositions: boolean;
  /** Whether all rates may be zero. */
  readonly stops: boolean;
  readonly mode: Section;
  readonly rate: Section;
  readonly suddenRate: Section;
  readonly position: Section;
  readonly suddenPosition: Section;
}

export interface FieldPlan {
  readonly field: Field;
  readonly at: number;
  readonly habits: FieldHabits;
  /** Number of `states` that its flags tell apart. */
  readonly flag: Section;
  readonly value: Section;
  /** Index of the vector that the angle may point along, or -1. */
  readonly vector: number;
}

/** Everything that is fixed for a row type. */
export class RowPlan {
  readonly schema: RowSchema;
  readonly groups: readonly GroupPlan[];
  /** `$cut` first, then the fields that are in no group, in declaration order. */
  readonly fields: readonly FieldPlan[];
  readonly code: Section;
  readonly sections: readonly Section[];
  /** Number of probabilities. */
  readonly size: number;

  constructor(schema: RowSchema, tables?: RowTables) {
    this.schema = schema;
    const sections: Section[] = [];
    let size = 0;
    const section = (role: string, contexts: number, bins: number, inner = contexts): Section => {
      const made = { role, at: size, contexts, bins, inner };
      sections.push(made);
      size += contexts * bins;
      return made;
    };
    this.code = section('code', KINDS * AGES, CODE_BINS, AGES);
    const coded = new Set<number>();
    this.groups = groupAxes(schema).map((group, i) => {
      const [phase = 1, perTick = 1] = tables?.groups[i] ?? [];
      const rates = group.axes.map(({ rateAt }) => rateAt);
      const codesRates = !rates.every((at) => coded.has(at));
      for (const at of rates) coded.add(at);
      const codesPositions = !group.axes.every(({ at }) => coded.has(at));
      for (const { at } of group.axes) coded.add(at);
      const rateBins = 2 + Math.max(...group.axes.map(({ rate }) => buckets(rate)));
      const positionBins = 2 + Math.max(...group.axes.map(({ position }) => buckets(position)));
      return {
        group,
        habits: { phase: phase / 2, perTick: perTick === 1 },
        codesRates,
        codesPositions,
        stops: group.axes.every(({ rate }) => rate.lo <= 0 && rate.hi >= 0),
        mode: section('mode', KINDS * AGES, 3, AGES),
        rate: section('rate', KINDS * ROUGH_AGES * AXES, rateBins, ROUGH_AGES * AXES),
        suddenRate: section('sudden rate', 2 * AXES, rateBins, AXES),
        position: section('position', 2 * KINDS * ROUGH_AGES * AXES, positionBins, ROUGH_AGES * AXES),
        suddenPosition: section('sudden position', 4 * AXES, positionBins, AXES),
      };
    });
    const vector = this.groups.findIndex(({ group }) => group.axes.length > 1);
    const rest = schema.fields.filter(({ field, at }) => !field.local && !coded.has(at));
    rest.sort((a, b) => Number(b.at === schema.cutAt) - Number(a.at === schema.cutAt));
    this.fields = rest.map(({ field, at }, i) => {
      const habits = habitsOf(field, tables?.fields[i]);
      const states = field.kind === 'angle' ? STATES : 3;
      return {
        field,
        at,
        habits,
        flag: section(`${field.kind} flag`, MODES * states * ROUGH_AGES, 1, ROUGH_AGES),
        value: habits.whole
          ? section('whole', MODES, 2 ** field.bits)
          : section(`${field.kind} value`, 4 * ROUGH_AGES, 2 + buckets(field), ROUGH_AGES),
        vector: field.kind === 'angle' ? vector : -1,
      };
    });
    this.sections = sections;
    this.size = size;
  }
}

/** A row type with its probabilities: made once, shared by every codec of the type. */
export interface RowModel {
  readonly plan: RowPlan;
  /** Chance of a 1 in 1/65536, per decision of the plan. */
  readonly odds: Uint16Array;
}

/** The model of a row type, from its tables or untrained. */
export function rowModel(schema: RowSchema, tables?: RowTables): RowModel {
  const plan = new RowPlan(schema, tables);
  const odds = untrained(plan);
  if (tables !== undefined) unpackOdds(tables.odds, odds, schema.name);
  return { plan, odds };
}

/**
 * What decisions are taken for before anything is known about a game, as log-odds in bits: rounded from what training found in games
 * with little in common (units on a map, ships with thrust, bouncing balls), and drawn towards even.
 */
export function untrained(plan: RowPlan): Uint16Array {
  const odds = new Uint16Array(plan.size);
  for (const { role, at, contexts, bins, inner } of plan.sections) {
    for (let i = 0; i < contexts * bins; i++) {
      const group = Math.floor(i / (bins * inner));
      odds[at + i] = chanceOf(guess(role, group, i % bins, bins));
    }
  }
  return odds;
}

/** Log-odds of a 1, in bits, by role and run of like contexts. */
function guess(role: string, group: number, bin: number, bins: number): number {
  switch (role) {
    case 'code':
      return bin === 0 ? (CODE[group] ?? 0) : ([0, -5, 0, -1][bin] ?? 0);
    case 'mode':
      return bin === 0 ? (NOT_EXACT[group] ?? 0) : bin === 1 ? -3 : (SUDDENLY[group] ?? 0);
    case 'rate':
      return number(bin, bins, RATE[group] ?? 1, 4.5);
    case 'sudden rate':
      return number(bin, bins, 3, 9);
    case 'position':
      return number(bin, bins, group < KINDS ? -1.5 : -0.5, 3);
    case 'sudden position':
      return number(bin, bins, 0.5, 4);
    case 'whole':
      return 0;
    case 'tick value':
      // Deadlines lie in the future, seconds away.
      return bin === 0 ? 5 : bin === 1 ? -5 : bin === bins - 1 ? 0 : 6 - bin;
    default: {
      const [kind, what] = role.split(' ');
      if (what === 'value') return number(bin, bins, 0, 4);
      const mode = Math.floor(group / (kind === 'angle' ? STATES : 3));
      const state = group % (kind === 'angle' ? STATES : 3);
      const active = state === ACTIVE ? 2 : 0;
      const upset = mode === NEW ? 3 : mode >= SUDDEN ? 1.5 : 0;
      return (FLAG[kind ?? ''] ?? -4) + active + upset;
    }
  }
}

/** A surprise: zero or not, sign, then sizes that end the sooner the larger they are. */
function number(bin: number, bins: number, zero: number, first: number): number {
  if (bin < 2) return bin === 0 ? zero : 0;
  return first - ((first + 2) * (bin - 2)) / Math.max(2, bins - 4);
}

/** By kind of motion, and for new rows. */
const CODE = [-3.5, 1.5, 4, 4, 2, 1];
const NOT_EXACT = [2.5, -2, 3, 3, 3, 0];
const SUDDENLY = [3, 2, -0.5, 0.5, 0, 0];
const RATE = [3, 2, 1.5, 1.5, 1.5, 1];

/** By field kind, while nothing else happens to the row. */
const FLAG: { readonly [kind: string]: number } = { angle: -2, grid: -2.5, f32: -2.5, tick: -3, list: -3.5 };

/** 2 ** (1/4). */
const QUARTER_BIT = 1.189207115002721;

/** By repeated products, which are the same on every engine; powers are not. */
function chanceOf(bits: number): number {
  let ratio = 1;
  for (let i = Math.floor(Math.abs(bits) * 4 + 0.5); i > 0; i--) ratio *= QUARTER_BIT;
  const one = Math.floor((65_536 * (bits < 0 ? 1 : ratio)) / (1 + ratio) + 0.5);
  return one < 1 ? 1 : one > 65_535 ? 65_535 : one;
}

function buckets(field: Field): number {
  if (field.kind === 'f32' || field.kind === 'tick') return MAX_BUCKETS - 1;
  const numbers = field.element ?? field;
  return numbers.kind === 'f32' || numbers.kind === 'tick' ? MAX_BUCKETS - 1 : numbers.bits + 1;
}

function habitsOf(field: Field, letters: string | undefined): FieldHabits {
  const trained = letters ?? '';
  const wide = field.kind === 'grid' || field.kind === 'angle';
  return {
    drifts: letters === undefined ? wide : trained === 'd',
    whole:
      letters === undefined
        ? (field.kind === 'int' || field.kind === 'oneOf') && field.bits <= 4
        : trained === 'w' && field.bits <= 8,
    points: trained === 'p',
  };
}

/** Probabilities in steps of a quarter of a bit of log-odds, most unlikely first; a run of untrained ones is ! and two digits. */
const DIGITS = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i))
  .filter((letter) => !'!"\\'.includes(letter))
  .join('');
const RUN = '!';
const LEVELS = DIGITS.length;
const LONGEST_RUN = LEVELS * LEVELS - 1;

/** 2 ** 0.33, so that the levels reach from 2^-15 to 1 - 2^-15. */
const LEVEL_RATIO = 1.2570133745218284;

const LEVEL_ODDS = Uint16Array.from({ length: LEVELS }, (_, level) => {
  // By repeated products, which are the same on every engine; powers are not.
  const middle = (LEVELS - 1) / 2;
  let ratio = 1;
  for (let i = middle; i < level; i++) ratio *= LEVEL_RATIO;
  for (let i = level; i < middle; i++) ratio /= LEVEL_RATIO;
  const one = Math.floor((65_536 * ratio) / (1 + ratio) + 0.5);
  return one < 1 ? 1 : one > 65_535 ? 65_535 : one;
});

/** Packs probabilities (of a 1, 0..1); NaN stands for untrained. */
export function packOdds(chances: Float64Array): string {
  let packed = '';
  for (let i = 0; i < chances.length; i++) {
    let run = 0;
    while (i + run < chances.length && Number.isNaN(chances[i + run]) && run < LONGEST_RUN) run++;
    if (run > 0) {
      packed += RUN + DIGITS[Math.floor(run / LEVELS)] + DIGITS[run % LEVELS];
      i += run - 1;
    } else packed += DIGITS[levelOf(chances[i] ?? 0.5)];
  }
  return packed;
}

/** The level whose probability is nearest in bits lost. */
function levelOf(chance: number): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let level = 0; level < LEVELS; level++) {
    const one = (LEVEL_ODDS[level] ?? 1) / 65_536;
    const loss = -chance * Math.log2(one) - (1 - chance) * Math.log2(1 - one);
    if (loss >= least) continue;
    least = loss;
    best = level;
  }
  return best;
}

function unpackOdds(packed: string, into: Uint16Array, name: string): void {
  let at = 0;
  for (let i = 0; i < packed.length; i++) {
    const level = DIGITS.indexOf(packed.charAt(i));
    if (packed.charAt(i) === RUN) {
      at += DIGITS.indexOf(packed.charAt(i + 1)) * LEVELS + DIGITS.indexOf(packed.charAt(i + 2));
      i += 2;
    } else into[at++] = LEVEL_ODDS[level] ?? 1;
  }
  assert(at === into.length, `the tables of ${name} are damaged: train them again`);
}
