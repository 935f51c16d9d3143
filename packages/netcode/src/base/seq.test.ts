import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seqAdd, seqDelta, seqNext } from './seq.ts';

describe('seq', () => {
  it('compares across the wrap', () => {
    expect(seqDelta(2, 65_534)).toBe(4);
    expect(seqDelta(65_534, 2)).toBe(-4);
    expect(seqNext(65_535)).toBe(0);
    expect(seqAdd(3, -5)).toBe(65_534);
  });

  it('gives back any step that is shorter than half the circle', () => {
    fc.assert(
      fc.property(fc.nat(65_535), fc.integer({ min: -32_768, max: 32_767 }), (seq, step) => {
        expect(seqDelta(seqAdd(seq, step), seq)).toBe(step);
      }),
    );
  });
});
