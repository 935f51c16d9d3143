/** Text as UTF-8 and back, without TextEncoder: the core has none. Only well-formed bytes are read. */

/**
 * The UTF-8 bytes of `text`, at most `maxBytes`: longer text ends at the last code point that fits whole. Half of a
 * surrogate pair becomes U+FFFD, so any string has an encoding and equal strings have equal ones.
 */
export function encodeUtf8(text: string, maxBytes = Number.POSITIVE_INFINITY): Uint8Array {
  const bytes = new Uint8Array(Math.min(text.length * 3, maxBytes));
  return bytes.slice(0, writeUtf8(text, bytes, 0, bytes.length));
}

/** Writes what `encodeUtf8` would give into `out[at..at + maxBytes]` and returns the number of bytes written. */
export function writeUtf8(text: string, out: Uint8Array, at: number, maxBytes: number): number {
  const end = Math.min(at + maxBytes, out.length);
  let to = at;
  for (let i = 0; i < text.length; ) {
    const code = codePointAt(text, i);
    const size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (to + size > end) break;
    if (size === 1) {
      out[to] = code;
    } else {
      out[to] = LEAD[size]! | (code >>> (6 * (size - 1)));
      for (let k = 1; k < size; k++) out[to + k] = 0x80 | ((code >>> (6 * (size - 1 - k))) & 0x3f);
    }
    to += size;
    i += size === 4 ? 2 : 1;
  }
  return to - at;
}

/** The text of `bytes[start..end]`, or undefined when they are not well-formed UTF-8. */
export function decodeUtf8(bytes: Uint8Array, start = 0, end = bytes.length): string | undefined {
  let text = '';
  let at = start;
  while (at < end) {
    const size = sequenceLength(bytes, at, end);
    if (size === 0) return undefined;
    let code = bytes[at]!;
    if (size > 1) {
      code &= 0x7f >>> size;
      for (let k = 1; k < size; k++) code = (code << 6) | (bytes[at + k]! & 0x3f);
    }
    text += String.fromCodePoint(code);
    at += size;
  }
  return text;
}

/** Whether `bytes[start..end]` are well-formed: no overlong form, no surrogate, nothing above U+10FFFF, none cut off. */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const size = sequenceLength(bytes, at, end);
    if (size === 0) return false;
    at += size;
  }
  return true;
}

/** Length of the well-formed sequence at `at`, or 0. The bounds of the second byte are table 3-7 of the Unicode standard. */
function sequenceLength(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return 1;
  const size = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (size === 0 || at + size > end) return 0;
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  const second = bytes[at + 1]!;
  if (second < low || second > high) return 0;
  for (let k = 2; k < size; k++) if ((bytes[at + k]! & 0xc0) !== 0x80) return 0;
  return size;
}

function codePointAt(text: string, index: number): number {
  const code = text.codePointAt(index)!;
  return code >= 0xd800 && code <= 0xdfff ? REPLACEMENT : code;
}

const REPLACEMENT = 0xfffd;

/** The high bits of the first byte, by length of the sequence. */
const LEAD = [0, 0, 0xc0, 0xe0, 0xf0];
