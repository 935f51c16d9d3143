// The event section of a server's packet: what is written is read, any bits are a section or a refusal, and one section has one encoding.

import { readFileSync } from 'node:fs';
import {
  angle,
  bool,
  defineGame,
  event,
  f32,
  grid,
  int,
  list,
  oneOf,
  ref,
  text,
  tick,
} from '@tickwire/netcode';
import {
  BitReader,
  BitWriter,
  EventCodec,
  type EventSection,
  type RaisedEvent,
  Rng,
} from '@tickwire/netcode/internal';
import { describe, expect, test } from 'vitest';
import { EFFORT } from './arbitrary.ts';

const game = defineGame({
  name: 'every field',
  maxPlayers: 5,
  entities: { thing: { x: int(0, 1) } },
  command: { go: bool() },
  events: {
    all: event(
      {
        x: grid(-100, 100, 1 / 4),
        n: int(-7, 900),
        on: bool(),
        turn: angle(9),
        real: f32(),
        word: text(9),
        some: list(int(-3, 12), 5),
        reals: list(f32(), 3),
        when: tick(),
        who: ref('thing'),
        mood: oneOf('calm', 'angry', 'gone'),
      },
      { of: 'who' },
    ),
    bare: event({}),
    short: event({ n: int(0, 2) }, { lifeMs: 200 }),
  },
  step() {},
});

const codec = new EventCodec(game.schema);
const SEAT = 2;
const TICK = 90_000;

/** Events as the rules would raise them, through the accessors of a row. */
function arbitrary(rng: Rng, count: number): RaisedEvent[] {
  let at = TICK - rng.int(0, 200);
  return Array.from({ length: count }, () => {
    at = Math.min(TICK, at + (rng.chance(0.6) ? 0 : rng.int(0, 9)));
    const type = rng.int(0, game.schema.events.length - 1);
    const schema = game.schema.events[type];
    const words = (schema?.row.empty ?? new Int32Array(0)).slice();
    for (const { field, at: word } of schema?.row.fields.filter(({ name }) => name[0] !== '$') ?? []) {
      if (field.kind === 'text') {
        const length = rng.int(0, field.hi);
        words[word] = length;
        for (let i = 0; i < length; i++)
          words[word + 1 + (i >> 2)] =
            (words[word + 1 + (i >> 2)] ?? 0) | (rng.int(32, 126) << ((i & 3) * 8));
      } else if (field.kind === 'list') {
        const length = rng.int(0, field.hi);
        words[word] = length;
        for (let i = 1; i <= length; i++) words[word + i] = scalar(rng, field.element ?? field);
      } else words[word] = scalar(rng, field);
    }
    return { tick: at, type, owner: rng.int(0, 5), index: rng.chance(0.7) ? 0 : rng.int(0, 40), words };
  });
}

function scalar(
  rng: Rng,
  field: { readonly kind: string; readonly lo: number; readonly hi: number },
): number {
  if (field.kind === 'ref') return rng.chance(0.3) ? 0 : rng.int(0, 5) * 65_536 + rng.int(1, 65_535);
  if (field.kind === 'f32') return new Int32Array(Float32Array.of(rng.range(-1e9, 1e9)).buffer)[0] ?? 0;
  return rng.chance(0.1) ? field.lo : rng.chance(0.1) ? field.hi : rng.int(field.lo, field.hi);
}

function written(section: EventSection): { bytes: Uint8Array; bits: number } {
  const w = new BitWriter(new Uint8Array(8_192));
  codec.write(w, TICK, SEAT, section);
  const bits = w.bitLength;
  return { bytes: w.bytes.slice(0, w.finish()), bits };
}

const plain = ({ complete, events }: EventSection): unknown => ({
  complete,
  events: events.map((one) => ({ ...one, words: [...one.words] })),
});

describe('the event section', () => {
  test('[W1] what is written is read', () => {
    const rng = new Rng(31);
    for (let i = 0; i < 1_000 * Math.max(1, 10 * EFFORT); i++) {
      const section = {
        complete: rng.chance(0.8),
        events: arbitrary(rng, rng.chance(0.1) ? 0 : rng.int(1, 12)),
      };
      const { bytes, bits } = written(section);
      const r = new BitReader(bytes);
      expect(plain(codec.read(r, TICK, SEAT))).toEqual(plain(section));
      expect(r.failed).toBe(false);
      expect(bytes.length * 8 - r.remaining).toBe(bits);
    }
  });

  test('nothing to say is one bit, and none at all in a game without events', () => {
    expect(written({ complete: true, events: [] }).bits).toBe(1);
    const quiet = defineGame({ name: 'quiet', entities: {}, command: { go: bool() }, step() {} });
    const w = new BitWriter(new Uint8Array(8));
    new EventCodec(quiet.schema).write(w, TICK, SEAT, { complete: true, events: [] });
    expect(w.bitLength).toBe(0);
    expect(new EventCodec(quiet.schema).read(new BitReader(new Uint8Array(0)), TICK, SEAT).events).toEqual(
      [],
    );
  });

  test('[W2] any bits are refused, or are the one encoding of what they say', () => {
    const rng = new Rng(32);
    const found = { read: 0, refused: 0, events: 0 };
    for (let i = 0; i < 10_000 * Math.max(1, 10 * EFFORT); i++) {
      const { bytes } = written({ complete: rng.chance(0.8), events: arbitrary(rng, rng.int(1, 4)) });
      // Random bytes rarely get far; a section with a few bits flipped, or cut off, does.
      const mutant = rng.chance(0.3) ? Uint8Array.from(bytes, () => rng.int(0, 255)) : bytes;
      for (let flips = rng.int(0, 4); flips > 0; flips--) {
        const bit = rng.int(0, mutant.length * 8 - 1);
        mutant[bit >> 3] = (mutant[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      }
      const cut = rng.chance(0.2) ? mutant.slice(0, rng.int(0, mutant.length)) : mutant;
      const r = new BitReader(cut);
      const section = codec.read(r, TICK, SEAT);
      if (r.failed) {
        found.refused++;
        continue;
      }
      found.read++;
      found.events += section.events.length;
      for (const one of section.events) {
        if (one.tick > TICK || one.tick < 0 || one.owner > 5 || one.type > 2) throw new Error('out of range');
      }
      const read = cut.length * 8 - r.remaining;
      const again = written(section);
      if (again.bits !== read || firstBits(again.bytes, read) !== firstBits(cut, read))
        throw new Error(`two encodings of one section: ${[...cut]} and ${[...again.bytes]}`);
    }
    expect(found.read).toBeGreaterThan(1_000);
    expect(found.refused).toBeGreaterThan(1_000);
    expect(found.events).toBeGreaterThan(1_000);
  });
});

const firstBits = (bytes: Uint8Array, bits: number): string =>
  [...bytes]
    .map((byte) => [...byte.toString(2).padStart(8, '0')].reverse().join(''))
    .join('')
    .slice(0, bits);

test('[W2] the worked example of docs/wire-format.md is what is written, bit by bit', () => {
  const page = readFileSync(new URL('../../docs/wire-format.md', import.meta.url), 'utf8');
  const source = /^```ts sparks\n([\s\S]*?)^```$/m.exec(page)?.[1] ?? '';
  const vocabulary = { angle, bool, defineGame, event, int, ref };
  const sparks = new Function(...Object.keys(vocabulary), `${source}\nreturn sparks;`)(
    ...Object.values(vocabulary),
  ) as typeof game;
  const lines = /^```section sparks\n([\s\S]*?)^```$/m.exec(page)?.[1]?.trim().split('\n') ?? [];
  const bits = lines.map((line) => /^[01 ]+/.exec(line)?.[0].replace(/ /g, '') ?? '').join('');
  const [fired, hit] = sparks.schema.events;
  const words = hit?.row.empty.slice() ?? new Int32Array(0);
  const put = (name: string, word: number): void => {
    words[hit?.row.byName.get(name)?.at ?? 0] = word;
  };
  put('x', 200);
  put('angle', -3);
  put('ship', 3 * 65_536 + 5);
  const w = new BitWriter(new Uint8Array(64));
  const events = [
    { tick: 601, type: 0, owner: 2, index: 0, words: fired?.row.empty ?? new Int32Array(0) },
    { tick: 602, type: 1, owner: 4, index: 1, words },
  ];
  new EventCodec(sparks.schema).write(w, 603, 2, { complete: true, events });
  expect(bits.length).toBe(w.bitLength);
  expect(firstBits(w.bytes.slice(0, w.finish()), bits.length)).toBe(bits);
});

describe('declarations', () => {
  const declare = (events: Parameters<typeof defineGame>[0]['events']) => () =>
    defineGame({
      name: 'wrong',
      entities: { thing: { x: int(0, 1) } },
      command: { go: bool() },
      events: events ?? {},
      step() {},
    });

  test('a mistake says what to change', () => {
    expect(declare({ hit: { fields: undefined } as never })).toThrow('write event(');
    expect(declare({ hit: event({ who: ref('nobody') }) })).toThrow('which is not an entity type');
    expect(declare({ hit: event({ x: int(0, 9) }, { of: 'x' }) })).toThrow('must be a ref field');
    expect(declare({ hit: event({ x: bool(), y: int(0, 1) }, { at: ['x', 'y'] }) })).toThrow('grid or int');
    expect(declare({ hit: event({ x: int(0, 9) }, { lifeMs: 9_000 }) })).toThrow('lifeMs');
    expect(declare({ hit: event({ words: text(255) }) })).toThrow('use shorter texts');
  });

  test('declarations are part of the schema hash; a game without any has the hash it had before', () => {
    const hash = (events: Parameters<typeof defineGame>[0]['events']): string =>
      String(declare(events)().schema.hash);
    const hashes = [
      hash(undefined),
      hash({ a: event({}) }),
      hash({ b: event({}) }),
      hash({ a: event({ n: int(0, 1) }) }),
      hash({ a: event({}, { lifeMs: 500 }) }),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});
