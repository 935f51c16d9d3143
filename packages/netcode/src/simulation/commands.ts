/**
 * Commands: one tick of a player's intent, as integer words.
 *
 * Each field is one word. A level's word is its stored value; a press's word is a wrapping count of all pulls so far, so that a
 * command that never arrives takes no pull with it: the next one that runs shows the difference.
 */

import { assert } from '../base/assert.ts';
import type { BitReader, BitWriter } from '../wire/bits.ts';
import { type Field, PRESS_MODULUS } from '../wire/fields.ts';
import { defaultOf } from '../wire/schema.ts';
import { type Scalar, scalar } from './entity.ts';
import type { WriteSink } from './table.ts';
import type { FieldMap } from './types.ts';

export interface CommandField {
  readonly name: string;
  readonly field: Field;
  readonly scalar: Scalar;
}

export interface CommandSchema {
  readonly fields: readonly CommandField[];
  /** Words per command: one per field. */
  readonly words: number;
  /** Indices of the press fields. Their order is the order of the control words. */
  readonly presses: readonly number[];
  readonly neutral: Int32Array;
}

/** Words that a seat's control state has: its spawn counter, then one pull counter per press. */
export const controlWords = (schema: CommandSchema): number => 1 + schema.presses.length;

export function compileCommand(fields: FieldMap): CommandSchema {
  const entries = Object.entries(fields);
  assert(entries.length >= 1 && entries.length <= 32, `a command has 1..32 fields, got ${entries.length}`);
  const compiled = entries.map(([name, field]) => {
    assert(
      field?.words === 1 && field.kind !== 'ref' && field.kind !== 'tick' && !field.local,
      `command.${name}: use grid, int, bool, angle, f32, oneOf or press; text, lists and references travel in messages`,
    );
    return { name, field, scalar: scalar(field, `command.${name}`) };
  });
  return {
    fields: compiled,
    words: compiled.length,
    presses: compiled.flatMap(({ field }, index) => (field.kind === 'press' ? [index] : [])),
    neutral: Int32Array.from(compiled, ({ field }) => defaultOf(field)),
  };
}

/** Turns sampled input into command words: levels take the newest value, pulls add up. */
export class CommandSampler {
  readonly #schema: CommandSchema;
  readonly #sink: WriteSink;
  readonly #words: Int32Array;
  readonly #names: ReadonlySet<string>;

  constructor(schema: CommandSchema, sink: WriteSink) {
    this.#schema = schema;
    this.#sink = sink;
    this.#words = schema.neutral.slice();
    this.#names = new Set(schema.fields.map((field) => field.name));
  }

  /** Takes one reading of the player's hands. A field left out is neutral. */
  sample(input: Readonly<Record<string, unknown>>): void {
    if (this.#sink.development) {
      for (const name in input)
        assert(
          this.#names.has(name),
          `the command has no field "${name}"; it has ${[...this.#names].join(', ')}`,
        );
    }
    const { fields, neutral } = this.#schema;
    for (let i = 0; i < fields.length; i++) {
      const { name, field, scalar: codec } = fields[i] as CommandField;
      const value = input[name];
      if (field.kind === 'press') {
        const pulls = Math.max(0, Math.floor(Number(value ?? 0))) || 0;
        this.#words[i] = ((this.#words[i] ?? 0) + pulls) % PRESS_MODULUS;
      } else {
        this.#words[i] =
          value === undefined
            ? (neutral[i] ?? 0)
            : codec.write(value as never, this.#words[i] ?? 0, this.#sink);
      }
    }
  }

  /** Forgets the pulls so far: they were meant for another session. */
  dropPulls(): void {
    for (const index of this.#schema.presses) this.#words[index] = 0;
  }

  /** Continues the server's pull counts, as after a page reload. Pulls made since joining come on top [P1]. */
  adoptPulls(controls: Int32Array, at: number): void {
    this.#schema.presses.forEach((index, press) => {
      this.#words[index] = ((this.#words[index] ?? 0) + (controls[at + 1 + press] ?? 0)) % PRESS_MODULUS;
    });
  }

  copyTo(words: Int32Array, at: number): void {
    words.set(this.#words, at);
  }
}

/**
 * One command against the one before it: a zero bit when equal; else a one bit, then per field a changed bit and, if set, the value.
 * A changed bool needs no value.
 */
export function writeCommand(
  w: BitWriter,
  schema: CommandSchema,
  words: Int32Array,
  at: number,
  before: Int32Array,
  beforeAt: number,
): void {
  let changed = false;
  for (let i = 0; i < schema.words; i++) if (words[at + i] !== before[beforeAt + i]) changed = true;
  w.write(changed ? 1 : 0, 1);
  if (!changed) return;
  for (let i = 0; i < schema.words; i++) {
    const { field } = schema.fields[i] as CommandField;
    const value = words[at + i] ?? 0;
    const differs = value !== (before[beforeAt + i] ?? 0);
    w.write(differs ? 1 : 0, 1);
    if (!differs || field.kind === 'bool') continue;
    w.write(field.bits === 32 ? value : value - field.lo, field.bits);
  }
}

/** Reads what `writeCommand` wrote. A value out of range, or a change that changes nothing, fails the reader. */
export function readCommand(
  r: BitReader,
  schema: CommandSchema,
  words: Int32Array,
  at: number,
  before: Int32Array,
  beforeAt: number,
): void {
  for (let i = 0; i < schema.words; i++) words[at + i] = before[beforeAt + i] ?? 0;
  if (!r.readBool()) return;
  let changed = false;
  for (let i = 0; i < schema.words; i++) {
    const { field } = schema.fields[i] as CommandField;
    if (!r.readBool()) continue;
    changed = true;
    const old = words[at + i] ?? 0;
    if (field.kind === 'bool') {
      words[at + i] = 1 - old;
      continue;
    }
    const value = field.bits === 32 ? r.read(32) | 0 : r.read(field.bits) + field.lo;
    if (value === old || value > field.hi || isNotFinite(field, value)) r.fail();
    else words[at + i] = value;
  }
  if (!changed) r.fail();
}

/** Float words of a peer may spell NaN, infinity or minus zero: none of them is a value here. */
function isNotFinite(field: Field, word: number): boolean {
  return field.kind === 'f32' && ((word & 0x7f800000) === 0x7f800000 || word === -2147483648);
}

/** The commands of all seats for one tick, as `step` reads them: one plain object per seat, reused. */
export class CommandTable {
  readonly #schema: CommandSchema;
  readonly #views: Record<string, unknown>[];
  readonly #neutral: Record<string, unknown>;
  /** By seat: 1 once a rule has read the seat's command. Cleared by whoever wants to know. */
  readonly asked: Uint8Array;

  constructor(schema: CommandSchema, seats: number) {
    this.#schema = schema;
    this.#neutral = this.#blank();
    this.asked = new Uint8Array(seats + 1);
    this.#views = Array.from({ length: seats + 1 }, () => this.#blank());
  }

  get(seat: number): Record<string, unknown> {
    this.asked[seat] = 1;
    return this.#views[seat] ?? this.#neutral;
  }

  /** No command this tick: neutral levels, no pulls. */
  clear(seat: number): void {
    Object.assign(this.#views[seat] ?? {}, this.#neutral);
  }

  /** Takes a seat's words for this tick and moves its pull counters up to them. */
  run(seat: number, words: Int32Array, at: number, controls: Int32Array, controlsAt: number): void {
    const view = this.#views[seat];
    if (view === undefined) return;
    const { fields, presses } = this.#schema;
    for (let i = 0; i < fields.length; i++) {
      const { name, field, scalar: codec } = fields[i] as CommandField;
      if (field.kind !== 'press') view[name] = codec.read(words[at + i] ?? 0);
    }
    for (let p = 0; p < presses.length; p++) {
      const index = presses[p] ?? 0;
      const count = words[at + index] ?? 0;
      const before = controls[controlsAt + 1 + p] ?? 0;
      view[(fields[index] as CommandField).name] = (count - before + PRESS_MODULUS) % PRESS_MODULUS;
      controls[controlsAt + 1 + p] = count;
    }
  }

  /** Takes for this tick what another player is assumed to do: words in which a press is the number of its pulls. */
  assume(seat: number, words: Int32Array, at: number): void {
    const view = this.#views[seat];
    if (view === undefined) return;
    const { fields } = this.#schema;
    for (let i = 0; i < fields.length; i++) {
      const { name, field, scalar: codec } = fields[i] as CommandField;
      const word = words[at + i] ?? 0;
      view[name] = field.kind === 'press' ? word : codec.read(word);
    }
  }

  #blank(): Record<string, unknown> {
    const view: Record<string, unknown> = {};
    for (const { name, field, scalar: codec } of this.#schema.fields)
      view[name] = field.kind === 'press' ? 0 : codec.read(defaultOf(field));
    return view;
  }
}
