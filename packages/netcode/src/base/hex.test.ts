import { expect, test } from 'vitest';
import { hex, unhex } from './hex.ts';

test('bytes come back from their hex', () => {
  const bytes = Uint8Array.of(0, 1, 15, 16, 255);
  expect(hex(bytes)).toBe('00010f10ff');
  expect(unhex('00010f10ff', 5)).toEqual(bytes);
});

test('what is not so many bytes in hex is none', () => {
  for (const text of ['', '00', '00010f10f', '00010f10fg', '00010F10FF', '00010f10ff00'])
    expect(unhex(text, 5)).toBeUndefined();
});
