import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUtf8, encodeUtf8, isUtf8 } from './utf8.ts';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

describe('utf8', () => {
  it('writes what the platform writes, lone surrogates included', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), anyUtf16()), (text) => {
        expect(encodeUtf8(text)).toEqual(new TextEncoder().encode(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads back any well-formed text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(decodeUtf8(encodeUtf8(text))).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });

  it('accepts exactly the bytes that a strict platform decoder accepts', () => {
    fc.assert(
      fc.property(almostUtf8(), (bytes) => {
        let expected: string | undefined;
        try {
          expected = strict.decode(bytes);
        } catch {
          expected = undefined;
        }
        expect(decodeUtf8(bytes)).toBe(expected);
        expect(isUtf8(bytes, 0, bytes.length)).toBe(expected !== undefined);
      }),
      { numRuns: 20_000 },
    );
  });

  it.each([
    ['overlong slash', [0xc0, 0xaf]],
    ['overlong underscore', [0xc1, 0x9f]],
    ['overlong three bytes', [0xe0, 0x9f, 0xbf]],
    ['overlong four bytes', [0xf0, 0x8f, 0xbf, 0xbf]],
    ['surrogate', [0xed, 0xa0, 0x80]],
    ['above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['five-byte lead', [0xf8, 0x88, 0x80, 0x80, 0x80]],
    ['continuation alone', [0x80]],
    ['cut off', [0xe2, 0x82]],
  ])('refuses: %s', (_, bytes) => {
    expect(decodeUtf8(Uint8Array.from(bytes))).toBeUndefined();
  });

  it('cuts long text at a whole code point', () => {
    expect(decodeUtf8(encodeUtf8('añ€😀', 9))).toBe('añ€');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(20), (text, max) => {
        const bytes = encodeUtf8(text, max);
        expect(bytes.length).toBeLessThanOrEqual(max);
        expect(text.startsWith(decodeUtf8(bytes)!)).toBe(true);
      }),
    );
  });
});

function anyUtf16(): fc.Arbitrary<string> {
  return fc
    .array(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd700, max: 0xe0ff })), { maxLength: 12 })
    .map((units) => String.fromCharCode(...units));
}

/** Well-formed text with a few bytes overwritten: random bytes alone are refused at the first one. */
function almostUtf8(): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  const edits = fc.array(fc.tuple(fc.nat(40), fc.nat(255)), { maxLength: 3 });
  return fc.tuple(fc.string({ unit: 'binary', maxLength: 8 }), edits).map(([text, changes]) => {
    const bytes = new Uint8Array(encodeUtf8(text));
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
    return bytes;
  });
}
