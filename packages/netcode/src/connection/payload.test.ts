import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { Rng } from '../base/rng.ts';
import { packPayload, unpackPayload } from './payload.ts';
import { checkPayload, MAX_PAYLOAD_DEPTH, MAX_PAYLOAD_ELEMENTS } from './payload-guard.ts';

const key = fc.string().filter((k) => !['__proto__', 'constructor', 'prototype'].includes(k));
const { value: anyValue } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, true, false, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double().map((x) => x + 0), // -0 travels as 0
    fc.string({ unit: 'grapheme' }),
    fc.uint8Array(),
    fc.array(tie('value'), { maxLength: 6 }),
    fc.dictionary(key, tie('value'), { maxKeys: 6, noNullPrototype: true }),
  ),
}));

describe('a payload', () => {
  it('comes back as it was sent', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const unpacked = unpackPayload(packPayload(value));
        expect(unpacked).toEqual({ ok: true, value });
      }),
      { numRuns: 1_000 },
    );
  });

  it('shares no memory with the bytes it came from', () => {
    const bytes = packPayload({ raw: Uint8Array.of(1, 2, 3) });
    const unpacked = unpackPayload(bytes);
    bytes.fill(0xff);
    expect(unpacked).toEqual({ ok: true, value: { raw: Uint8Array.of(1, 2, 3) } });
  });

  it('takes undefined as null', () => {
    expect(unpackPayload(packPayload({ a: undefined }))).toEqual({ ok: true, value: { a: null } });
  });

  it.each([
    ['a Date', { at: new Date(0) }, /plain objects/],
    ['a Map with other keys', new Map([[1, 2]]), /not a string/],
    ['a symbol', Symbol('x'), /cannot be sent/],
    ['a bigint beyond 2^53', 2n ** 60n, /string/],
    ['a bigint beyond 64 bits', 2n ** 70n, /cannot be sent/],
    ['the key constructor', { constructor: 1 }, /rename/],
    ['a nest of 17', nest(MAX_PAYLOAD_DEPTH + 1), /flatten/],
    ['4,096 values in an array', new Array(MAX_PAYLOAD_ELEMENTS).fill(0), /split/],
    ['a cycle', cycle(), /cannot be sent/],
  ])('is not made of %s: the caller hears at once what to do', (_, value, message) => {
    expect(() => packPayload(value)).toThrow(message);
    expect(unpackPayload(packPayload({ still: 'works' }))).toEqual({ ok: true, value: { still: 'works' } });
  });

  it('may nest 16 deep and hold 4,095 values in an array', () => {
    expect(unpackPayload(packPayload(nest(MAX_PAYLOAD_DEPTH))).ok).toBe(true);
    expect(unpackPayload(packPayload(new Array(MAX_PAYLOAD_ELEMENTS - 1).fill(0))).ok).toBe(true);
  });
});

describe('[W1] bytes from a peer', () => {
  it.each([
    ['truncated', 'nothing at all', []],
    ['truncated', 'an array of 4 billion', [0xdd, 0xff, 0xff, 0xff, 0xff]],
    ['truncated', 'a map of 4 billion', [0xdf, 0xff, 0xff, 0xff, 0xff]],
    ['truncated', 'a string of 4 GB', [0xdb, 0xff, 0xff, 0xff, 0xff]],
    ['truncated', 'a length cut off', [0xdc, 0x00]],
    ['truncated', 'half a double', [0xcb, 0, 0, 0]],
    ['trailing-bytes', 'two values', [0x01, 0x02]],
    ['extension', 'fixext', [0xd4, 0, 0]],
    ['extension', 'a record definition of msgpackr', [0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 0x01]],
    ['extension', 'ext 8', [0xc7, 0, 0]],
    ['extension', 'a byte that msgpack never uses', [0xc1]],
    ['bad-key', 'a number as key', [0x81, 0x01, 0x01]],
    ['bad-key', 'an array as key', [0x81, 0x90, 0x01]],
    ['bad-key', '__proto__', map('__proto__')],
    ['bad-key', 'constructor', map('constructor')],
    ['bad-key', 'prototype', map('prototype')],
    ['bad-key', 'prototype, with a long length', [0x81, 0xd9, 9, ...Buffer.from('prototype'), 0x80]],
    ['bad-text', 'an overlong prototype', [0x81, 0xaa, 0xc1, 0xb0, ...Buffer.from('rototype'), 0x80]],
    ['bad-text', 'a surrogate', [0xa3, 0xed, 0xa0, 0x80]],
    ['unsafe-integer', '2^53', [0xcf, 0, 0x20, 0, 0, 0, 0, 0, 0]],
    ['unsafe-integer', '-2^53', [0xd3, 0xff, 0xe0, 0, 0, 0, 0, 0, 0]],
    ['too-deep', 'seventeen arrays', [...new Array<number>(17).fill(0x91), 0x01]],
  ] as const)('are refused as %s: %s', (refusal, _, bytes) => {
    expect(unpackPayload(Uint8Array.from(bytes))).toEqual({ ok: false, refusal });
  });

  it('may be 64-bit integers up to 2^53 - 1', () => {
    const max = [0xcf, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    expect(unpackPayload(Uint8Array.from(max))).toEqual({ ok: true, value: Number.MAX_SAFE_INTEGER });
    const low = [0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe];
    expect(unpackPayload(Uint8Array.from(low))).toEqual({ ok: true, value: -2 });
  });

  it('are refused at once when they are bombs of 64 KiB', () => {
    const bombs = [
      new Uint8Array(65_536).fill(0x91), // arrays in arrays
      new Uint8Array(65_536).fill(0x81), // maps in maps
      Uint8Array.from({ length: 65_536 }, (_, i) => [0xdc, 0xff, 0xfc][i] ?? 0x90), // 65,532 empty arrays
      Uint8Array.from({ length: 65_536 }, (_, i) => [0xde, 0x7f, 0xff][i] ?? 0xa0), // 32,767 empty keys
      Uint8Array.from({ length: 65_536 }, (_, i) => [0xdc, 0xff, 0xff, 0xdc, 0xff, 0xf0][i % 6]!),
    ];
    for (const bomb of bombs) {
      const { bytes, reads } = counting(bomb);
      expect(checkPayload(bytes)).not.toBe('ok');
      // Work is bounded by the number of elements, whatever the bytes promise: a first byte and a length each, and the key's length.
      expect(reads()).toBeGreaterThan(0);
      expect(reads()).toBeLessThanOrEqual(6 * MAX_PAYLOAD_ELEMENTS);
      // The guard refuses them: nothing is built of them.
      expect(unpackPayload(bomb)).toEqual({ ok: false, refusal: checkPayload(bomb) });
    }
  });

  it('never throw, whatever they are: 100,000 random and mutated ones', () => {
    const rng = new Rng(11);
    const packr = new Packr({ useRecords: false });
    const seeds = fc
      .sample(anyValue, { seed: 4, numRuns: 500 })
      .map((value) => Uint8Array.from(packr.pack(value)));
    let accepted = 0;
    for (let i = 0; i < 100_000; i++) {
      const bytes = rng.chance(0.3) ? new Uint8Array(rng.int(0, 24)) : seeds[rng.int(0, 499)]!.slice();
      const edits = rng.chance(0.3) ? bytes.length : rng.int(1, 3);
      for (let k = 0; k < edits && bytes.length > 0; k++)
        bytes[rng.int(0, bytes.length - 1)] = rng.u32() & 0xff;
      const unpacked = unpackPayload(bytes);
      if (unpacked.ok) {
        accepted++;
        if (!isPlain(unpacked.value, 0)) expect.fail(`not plain: ${Buffer.from(bytes).toString('hex')}`);
      } else if (unpacked.refusal === 'malformed') {
        expect.fail(`passed the guard but not msgpackr: ${Buffer.from(bytes).toString('hex')}`);
      }
    }
    expect(accepted).toBeGreaterThan(10_000);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

/** The same bytes, and how often one of them was read. */
function counting(bytes: Uint8Array): { bytes: Uint8Array; reads: () => number } {
  let count = 0;
  const watched = new Proxy(bytes, {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key)) count++;
      return Reflect.get(target, key, target);
    },
  });
  return { bytes: watched, reads: () => count };
}

/** Only what JSON knows, and bytes. */
function isPlain(value: unknown, depth: number): boolean {
  if (depth > MAX_PAYLOAD_DEPTH) return false;
  if (value === null || value instanceof Uint8Array) return true;
  if (Array.isArray(value)) return value.every((item) => isPlain(item, depth + 1));
  if (typeof value !== 'object') return ['string', 'number', 'boolean'].includes(typeof value);
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  return Object.values(value).every((item) => isPlain(item, depth + 1));
}

function map(name: string): number[] {
  return [0x81, 0xa0 | name.length, ...Buffer.from(name), 0x80];
}

function nest(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

function cycle(): unknown {
  const self: { me?: unknown } = {};
  self.me = self;
  return self;
}
