// The arithmetic coder: what goes in comes out, at about the entropy's price, and nothing else is accepted.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RangeDecoder, RangeEncoder } from './range.ts';

type Step =
  | { readonly type: 'bit'; readonly value: number; readonly one: number }
  | { readonly type: 'bits'; readonly value: number; readonly count: number }
  | { readonly type: 'uniform'; readonly value: number; readonly count: number }
  | { readonly type: 'golomb'; readonly value: number; readonly k: number };

const OPTIONS = { seed: 20_261, numRuns: 400 };

const chance = fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.constantFrom(1, 2, 32_768, 65_534, 65_535));

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant('bit' as const), value: fc.integer({ min: 0, max: 1 }), one: chance }),
  fc
    .tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 32 }))
    .map(([value, count]) => ({ type: 'bits' as const, value: value % 2 ** count, count })),
  fc
    .tuple(fc.nat(63), fc.integer({ min: 1, max: 64 }))
    .map(([value, count]) => ({ type: 'uniform' as const, value: value % count, count })),
  fc.record({
    type: fc.constant('golomb' as const),
    value: fc.oneof(fc.nat(40), fc.nat(2 ** 31 - 20)),
    k: fc.constantFrom(0, 1, 4),
  }),
);

const steps = fc.array(step, { maxLength: 80 });

function write(e: RangeEncoder, list: readonly Step[]): void {
  for (const one of list) {
    if (one.type === 'bit') e.bit(one.value, one.one);
    else if (one.type === 'bits') e.bits(one.value, one.count);
    else if (one.type === 'uniform') e.uniform(one.value, one.count);
    else e.golomb(one.value, one.k);
  }
}

function read(d: RangeDecoder, list: readonly Step[]): Step[] {
  return list.map((one) => {
    if (one.type === 'bit') return { ...one, value: d.bit(0, one.one) };
    if (one.type === 'bits') return { ...one, value: d.bits(0, one.count) };
    if (one.type === 'uniform') return { ...one, value: d.uniform(0, one.count) };
    return { ...one, value: d.golomb(one.k) };
  });
}

function encode(list: readonly Step[]): Uint8Array {
  const bytes = new Uint8Array(2_000);
  const e = new RangeEncoder().open(bytes, 0, bytes.length);
  write(e, list);
  return bytes.slice(0, e.finish());
}

describe('the arithmetic coder', () => {
  test('[W1] what is written comes back, and all bytes are accounted for', () => {
    fc.assert(
      fc.property(steps, fc.nat(9), (list, start) => {
        const bytes = new Uint8Array(2_000).fill(0xa5);
        const e = new RangeEncoder().open(bytes, start, bytes.length);
        write(e, list);
        const expected = e.byteLength;
        const length = e.finish();
        expect(length).toBe(expected);
        expect(e.overflowed).toBe(false);
        const d = new RangeDecoder().open(bytes, start, start + length);
        expect(read(d, list)).toEqual(list);
        expect(d.finish()).toBe(true);
      }),
      OPTIONS,
    );
  });

  test('[W2] changed, shortened and lengthened bytes are refused or are what an encoder writes for them', () => {
    let accepted = 0;
    fc.assert(
      fc.property(
        steps,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
        fc.integer({ min: -2, max: 2 }),
        (list, edits, more) => {
          const good = encode(list);
          const bytes = new Uint8Array(Math.max(0, good.length + more));
          bytes.set(good.subarray(0, bytes.length));
          for (const [at, value] of edits) if (bytes.length > 0) bytes[at % bytes.length] = value;
          const d = new RangeDecoder().open(bytes, 0, bytes.length);
          const back = read(d, list);
          if (!d.finish()) return;
          accepted++;
          expect(encode(back)).toEqual(bytes);
        },
      ),
      OPTIONS,
    );
    expect(accepted).toBeGreaterThan(50);
  });

  test('[W1] any bytes read as any symbols, and a failure stays', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), steps, (bytes, list) => {
        const d = new RangeDecoder().open(bytes, 0, bytes.length);
        for (const one of list) {
          const had = d.failed;
          const [back] = read(d, [one]);
          if (!had) continue;
          expect(d.failed).toBe(true);
          expect(back?.value).toBe(0);
        }
        d.fail();
        expect(d.finish()).toBe(false);
      }),
      OPTIONS,
    );
  });

  test('a rewound encoder goes on as if nothing had been written since the mark', () => {
    fc.assert(
      fc.property(steps, steps, steps, (first, dropped, then) => {
        const bytes = new Uint8Array(2_000);
        const e = new RangeEncoder().open(bytes, 0, bytes.length);
        const mark = new Int32Array(4);
        write(e, first);
        e.mark(mark);
        write(e, dropped);
        e.rewind(mark);
        write(e, then);
        expect(bytes.slice(0, e.finish())).toEqual(encode([...first, ...then]));
      }),
      OPTIONS,
    );
  });

  test('a full encoder says so, and rewinding makes room again', () => {
    const bytes = new Uint8Array(8).fill(7);
    const e = new RangeEncoder().open(bytes, 0, 3);
    const mark = new Int32Array(4);
    e.bits(5, 12);
    e.mark(mark);
    e.bits(0x12345678, 32);
    expect(e.overflowed).toBe(true);
    expect(bytes.slice(3)).toEqual(new Uint8Array(5).fill(7));
    e.rewind(mark);
    expect(e.overflowed).toBe(false);
    e.bits(3, 4);
    expect(e.finish()).toBeLessThanOrEqual(3);
    expect(e.overflowed).toBe(false);
  });

  test('a thousand likely bits cost what they should', () => {
    const list: Step[] = Array.from({ length: 1_000 }, (_, i) => ({
      type: 'bit',
      value: i % 50 === 0 ? 1 : 0,
      one: 1_311,
    }));
    // 20 of 1 in 50, 980 of 49 in 50.
    const bits = 20 * Math.log2(50) + 980 * Math.log2(50 / 49);
    expect(encode(list).length).toBeLessThanOrEqual(Math.ceil(bits / 8) + 1);
  });
});
