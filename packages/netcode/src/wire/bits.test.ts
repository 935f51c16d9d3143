// Bits against a string of zeros and ones, which cannot be wrong.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BitReader, BitWriter } from './bits.ts';

type Step =
  | { readonly type: 'write'; readonly value: number; readonly count: number }
  | { readonly type: 'golomb'; readonly value: number; readonly k: number }
  | { readonly type: 'mark' }
  | { readonly type: 'rewind' }
  | { readonly type: 'append'; readonly from: number; readonly to: number };

const OPTIONS = { seed: 20_261, numRuns: 400 };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      type: fc.constant('write' as const),
      value: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      count: fc.integer({ min: 0, max: 32 }),
    }),
    fc.record({
      type: fc.constant('golomb' as const),
      value: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 2 ** 31 - 20 })),
      k: fc.constantFrom(0, 0, 1, 4),
    }),
    fc.constant({ type: 'mark' as const }),
    fc.constant({ type: 'rewind' as const }),
    fc.record({
      type: fc.constant('append' as const),
      from: fc.integer({ min: 0, max: 100 }),
      to: fc.integer({ min: 0, max: 100 }),
    }),
  ),
  { maxLength: 60 },
);

/** `count` bits of a number, the first one written first. */
const bitsOf = (value: number, count: number): string =>
  Array.from({ length: count }, (_, i) => Math.floor(value / 2 ** i) % 2).join('');

function golombOf(value: number, k: number): string {
  const shifted = value + 2 ** k;
  const size = Math.floor(Math.log2(shifted));
  return `${'0'.repeat(size - k)}1${bitsOf(shifted - 2 ** size, size)}`;
}

describe('bits', () => {
  test('[W1] what is written, rewound and appended is what a string of bits says', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const w = new BitWriter(new Uint8Array(600));
        const other = new BitWriter(new Uint8Array(16));
        for (let i = 0; i < 4; i++) other.write(0x9e3779b9 * (i + 1), 25);
        const source = Array.from({ length: 4 }, (_, i) => bitsOf((0x9e3779b9 * (i + 1)) >>> 0, 25)).join('');
        let model = '';
        let mark = 0;
        for (const step of list) {
          if (step.type === 'write') {
            w.write(step.value, step.count);
            model += bitsOf(step.value, step.count);
          } else if (step.type === 'golomb') {
            w.writeGolomb(step.value, step.k);
            model += golombOf(step.value, step.k);
          } else if (step.type === 'append') {
            const [from, to] = [Math.min(step.from, step.to), Math.max(step.from, step.to)];
            w.append(other, from, to);
            model += source.slice(from, to);
          } else if (step.type === 'mark') {
            mark = model.length;
          } else if (mark <= model.length) {
            w.seek(mark);
            model = model.slice(0, mark);
          }
          expect(w.bitLength).toBe(model.length);
        }
        const bytes = w.bytes.slice(0, w.finish());
        const r = new BitReader(bytes);
        expect(Array.from(model, () => r.read(1)).join('')).toBe(model);
        expect(r.align()).toBe(true);
        expect(r.remaining).toBe(0);
      }),
      OPTIONS,
    );
  });

  test('numbers of every width come back, at every offset', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            value: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
            count: fc.integer({ min: 0, max: 32 }),
            golomb: fc.boolean(),
          }),
          { maxLength: 40 },
        ),
        (list) => {
          const w = new BitWriter(new Uint8Array(600));
          const small = (value: number) => value % (2 ** 31 - 1);
          for (const { value, count, golomb } of list)
            golomb ? w.writeGolomb(small(value), 0) : w.write(value, count);
          const r = new BitReader(w.bytes.slice(0, w.finish()));
          for (const { value, count, golomb } of list)
            expect(golomb ? r.readGolomb(0) : r.read(count)).toBe(golomb ? small(value) : value % 2 ** count);
          expect(r.failed).toBe(false);
        },
      ),
      OPTIONS,
    );
  });

  test('[W1] any bytes read as any sequence of numbers or as a failure that stays and yields zeros', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 24 }),
        fc.array(fc.integer({ min: -1, max: 32 }), { maxLength: 60 }),
        (bytes, reads) => {
          const r = new BitReader(bytes);
          for (const count of reads) {
            const had = r.failed;
            const value = count < 0 ? r.readGolomb(-count % 5) : r.read(count);
            expect(value).toBeGreaterThanOrEqual(0);
            if (r.failed) expect(value).toBe(0);
            if (had) expect(r.failed).toBe(true);
            expect(r.remaining).toBeGreaterThanOrEqual(0);
          }
        },
      ),
      OPTIONS,
    );
  });

  test('[W2] a Golomb number that is accepted is the only code of its value', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.constantFrom(0, 1, 4), (bytes, k) => {
        const r = new BitReader(bytes);
        const value = r.readGolomb(k);
        if (r.failed) return;
        const length = bytes.length * 8 - r.remaining;
        const w = new BitWriter(new Uint8Array(16));
        w.writeGolomb(value, k);
        expect(w.bitLength).toBe(length);
        w.finish();
        const again = new BitReader(w.bytes);
        const first = new BitReader(bytes);
        for (let i = 0; i < length; i++) expect(again.read(1)).toBe(first.read(1));
      }),
      OPTIONS,
    );
  });

  test('a full writer says so, and rewinding makes room again', () => {
    const w = new BitWriter(new Uint8Array(4));
    w.write(0xabcde, 20);
    w.write(0xffff, 24);
    expect(w.overflowed).toBe(true);
    w.seek(20);
    expect(w.overflowed).toBe(false);
    w.write(0x123, 12);
    expect(w.overflowed).toBe(false);
    expect(w.finish()).toBe(4);
    const r = new BitReader(w.bytes);
    expect([r.read(20), r.read(12)]).toEqual([0xabcde, 0x123]);
  });
});
