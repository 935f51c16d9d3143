// Random schemas and random rows for the property tests. Rows are filled word by word, so every value a row can hold occurs.

import {
  angle,
  bool,
  defineGame,
  type Field,
  f32,
  grid,
  int,
  list,
  local,
  oneOf,
  ownerOnly,
  press,
  type Rng,
  ref,
  teamOnly,
  text,
  tick,
} from '@tickwire/netcode';
import type { Game } from '@tickwire/netcode/internal';
import fc from 'fast-check';
import type { RowSchema } from '../../packages/netcode/src/wire/schema.ts';
import { encodeUtf8 } from '../../packages/netcode/src/wire/utf8.ts';

/** The seed of every random test: fixed, so that a run can be repeated; TICKWIRE_FUZZ_SEED draws another. */
export const SEED = Number(process.env['TICKWIRE_FUZZ_SEED'] ?? 20_261);

/** How much is tried: 1 in a full run, less in `npm run check`. */
export const EFFORT = Number(process.env['TICKWIRE_SIM_SECONDS'] ?? 60) >= 600 ? 1 : 0.1;

/** A failing world is not shrunk: its seed and path repeat it, and shrinking whole worlds takes minutes. */
export const runs = (full: number): { seed: number; numRuns: number; endOnFailure: true } => ({
  seed: SEED,
  numRuns: Math.max(5, Math.round(full * EFFORT)),
  endOnFailure: true,
});

const STEPS = [1, 0.5, 1 / 16, 1 / 1024, 0.1, 0.25];

const gridField = fc
  .record({
    step: fc.constantFrom(...STEPS),
    lo: fc.integer({ min: -40_000, max: 40_000 }),
    span: fc.integer({ min: 1, max: 80_000 }),
  })
  .map(({ step, lo, span }) => grid(lo * step, (lo + span) * step, step));

const intField = fc
  .oneof(
    fc.tuple(fc.integer({ min: -100, max: 100 }), fc.integer({ min: 1, max: 300 })),
    fc.tuple(fc.integer({ min: -(2 ** 31), max: -1 }), fc.integer({ min: 1, max: 2 ** 31 - 1 })),
    fc.constant([0, 2 ** 31 - 1] as [number, number]),
    fc.constant([-(2 ** 30), 2 ** 31 - 1] as [number, number]),
  )
  .map(([lo, span]) => int(lo, Math.min(lo + span, 2 ** 31 - 1)));

const boolField = fc.constant(0).map(() => bool());
const angleField = fc.integer({ min: 2, max: 24 }).map((bits) => angle(bits));
const floatField = fc.constant(0).map(() => f32());
const tickField = fc.constant(0).map(() => tick());
const refField = fc.constantFrom('alpha', 'beta').map((name) => ref(name));
const oneOfField = fc
  .integer({ min: 2, max: 100 })
  .map((count) => oneOf(...Array.from({ length: count }, (_, i) => `word${i}`)));
const textField = fc.integer({ min: 1, max: 40 }).map((bytes) => text(bytes));

const element = fc.oneof(
  gridField,
  intField,
  boolField,
  angleField,
  floatField,
  tickField,
  oneOfField,
) as fc.Arbitrary<Field>;
const listField = fc
  .tuple(element, fc.integer({ min: 1, max: 8 }))
  .map(([inner, max]) => list(inner, max) as Field);

const single = fc.oneof(
  gridField,
  intField,
  boolField,
  angleField,
  floatField,
  tickField,
  refField,
  oneOfField,
  textField,
  listField,
) as fc.Arbitrary<Field>;

/** One of ten is never sent, two each are the owner's and the team's only. */
const stateField = fc
  .tuple(single, fc.integer({ min: 0, max: 9 }))
  .map(([field, dice]) => told(field as Field<unknown>, dice) as Field);

function told(field: Field<unknown>, dice: number): Field<unknown> {
  if (dice === 0) return local(field);
  if (dice <= 2) return ownerOnly(field);
  return dice <= 4 ? teamOnly(field) : field;
}

/** A position and its rate, as games have them: the position follows the rate, which may follow a third. */
const motion = fc
  .record({
    span: fc.integer({ min: 10, max: 4_000 }),
    fine: fc.constantFrom(1 / 1024, 1 / 16, 1),
    pushed: fc.boolean(),
  })
  .map(({ span, fine, pushed }) => ({
    moved: grid(0, span, fine, { follows: 'rate' }),
    rate: grid(-span, span, 1 / 16, pushed ? { follows: 'push' } : {}),
    ...(pushed ? { push: grid(-span, span, 1 / 16) } : {}),
  }));

const fields = fc
  .record({ list: fc.array(stateField, { maxLength: 6 }), motion: fc.option(motion, { nil: undefined }) })
  .map(({ list: entries, motion: moving }) => ({
    ...Object.fromEntries(entries.map((field, index) => [`f${index}`, field])),
    ...(moving ?? {}),
  }));

/** A place, in any units. */
const place = fc
  .record({ span: fc.integer({ min: 8, max: 4_000 }), fine: fc.constantFrom(1 / 1024, 1 / 16, 1) })
  .map(({ span, fine }) => ({
    px: grid(-span, span, fine, { follows: 'going' }),
    going: grid(-60, 60, 1 / 16),
    py: int(0, 2 * span),
  }));

/** Where types have their place, if anywhere; cells from a twelfth of the world to the whole of it; all margins that are allowed. */
const interest = fc.record({
  alpha: place,
  beta: fc.option(place, { nil: undefined }),
  parts: fc.integer({ min: 1, max: 12 }),
  margin: fc.constantFrom(0, 1 / 8, 1 / 2, 1),
});

type Placed = typeof interest extends fc.Arbitrary<infer T> ? T : never;

function interestOf({ alpha, beta, parts, margin }: Placed): object {
  const cell = Math.max(...[alpha, beta ?? alpha].map(({ py }) => py.hi)) / parts;
  const position = { alpha: ['px', 'py'], ...(beta === undefined ? {} : { beta: ['px', 'py'] }) };
  return { interest: { position, radius: cell * 2, cell, margin: margin * cell } };
}

const commandField = fc.oneof(
  gridField,
  intField,
  boolField,
  angleField,
  floatField,
  oneOfField,
  fc.constant(0).map(() => press()),
) as fc.Arbitrary<Field>;

/**
 * Games of two entity types with any fields: local ones, secret ones, some that follow others. Half of the games show a client only
 * what is near, half of them hide rows one by one; the chain says what is seen.
 */
export const games: fc.Arbitrary<Game> = fc
  .record({
    alpha: fields,
    beta: fields,
    player: fc.array(stateField, { maxLength: 2 }),
    command: fc.array(commandField, { minLength: 1, maxLength: 8 }),
    rates: fc.constantFrom([60, 20], [60, 60], [30, 10], [128, 32], [60, 5]),
    placed: fc.option(interest, { nil: undefined, freq: 2 }),
    hidden: fc.constantFrom([], [], ['alpha'], ['beta'], ['alpha', 'beta']),
  })
  .map(
    ({ alpha, beta, player, command, rates: [tickRate, snapshotRate], placed, hidden }) =>
      defineGame({
        name: 'random',
        tickRate: tickRate ?? 60,
        snapshotRate: snapshotRate ?? 20,
        maxPlayers: 255,
        entities: { alpha: { ...alpha, ...placed?.alpha }, beta: { ...beta, ...placed?.beta } },
        ...(placed === undefined ? {} : interestOf(placed)),
        visible: Object.fromEntries(hidden.map((name) => [name, () => false])),
        player: Object.fromEntries(player.map((field, index) => [`p${index}`, field])),
        command: Object.fromEntries(command.map((field, index) => [`c${index}`, field])) as never,
        step() {},
      }) as unknown as Game,
  )
  .map((game) =>
    Object.assign(game, { [fc.toStringMethod]: () => game.schema.rows.map(describeRow).join('; ') }),
  );

/** A counterexample shows the declaration, not the compiled layouts. */
const describeRow = ({ name, fields: layouts }: RowSchema): string =>
  `${name} ${layouts.map(({ field }) => `${field.local ? 'local ' : ''}${field.kind}(${field.lo}..${field.hi})`).join(' ')}`;

/** A stored word that a field of one word may hold. */
export function randomWord(field: Field, rng: Rng, now: number): number {
  if (field.kind === 'f32') return randomFloat(rng);
  if (field.kind === 'tick' && rng.chance(0.7))
    return rng.chance(0.3) ? 0 : Math.max(1, now + rng.int(-400, 400));
  if (field.kind === 'ref' && rng.chance(0.3)) return 0;
  if (rng.chance(0.1)) return field.lo;
  if (rng.chance(0.1)) return field.hi;
  return rng.int(field.lo, field.hi);
}

function randomFloat(rng: Rng): number {
  for (;;) {
    const word = rng.u32() | 0;
    if ((word & 0x7f800000) !== 0x7f800000 && word !== -2147483648) return word;
  }
}

/** Gives one field of a row another value: near the old one or anywhere. */
export function scatter(
  schema: RowSchema,
  data: Int32Array,
  at: number,
  which: number,
  rng: Rng,
  now: number,
): void {
  const layout = schema.fields[which];
  if (layout === undefined) return;
  const { field } = layout;
  const word = at + layout.at;
  if (field.kind === 'text') {
    const bytes = encodeUtf8(randomText(rng), field.hi);
    data.fill(0, word, word + field.words);
    data[word] = bytes.length;
    bytes.forEach((byte, i) => {
      const slot = word + 1 + (i >> 2);
      data[slot] = (data[slot] ?? 0) | (byte << ((i & 3) * 8));
    });
    return;
  }
  if (field.kind === 'list') {
    data.fill(0, word, word + field.words);
    const count = rng.int(0, field.hi);
    data[word] = count;
    for (let i = 1; i <= count; i++) data[word + i] = randomWord(field.element as Field, rng, now);
    return;
  }
  const near = (data[word] ?? 0) + rng.int(-6, 6);
  const takesNear = field.kind !== 'f32' && near >= field.lo && near <= field.hi && rng.chance(0.5);
  data[word] = takesNear ? near : randomWord(field, rng, now);
}

function randomText(rng: Rng): string {
  const pieces = ['a', 'Z', '0', ' ', 'é', 'ß', '漢', '🚀', '\u0000', 'e\u0301'];
  let made = '';
  for (let i = rng.int(0, 12); i > 0; i--) made += pieces[rng.int(0, pieces.length - 1)];
  return made;
}
