/**
 * Decides whether a peer's bytes may be unpacked: one walk over the msgpack structure, without recursion or allocation.
 *
 *     first byte    what follows                             first byte     what follows
 *     00-7f e0-ff   nothing: a small integer                 d9 da db       1/2/4-byte length, UTF-8
 *     80-8f         that many keys and values                dc dd          2/4-byte count, values
 *     90-9f         that many values                         de df          2/4-byte count, keys and values
 *     a0-bf         that many bytes of UTF-8                 c0 c2 c3       nothing: nil, false, true
 *     c4 c5 c6      1/2/4-byte length, binary                cc-cf d0-d3    an integer of 1/2/4/8 bytes
 *     ca cb         a float of 4/8 bytes                     c1 c7-c9 d4-d8 refused: unused, extension types
 *
 * Refused as well: counts that promise more than the bytes hold, deep nesting, many elements, keys that are not
 * strings or reach into prototypes, text that is not well-formed, integers beyond 2^53, and anything after the value.
 */

import { isUtf8 } from '../wire/utf8.ts';

/** Containers inside containers. The outermost one is at depth 1. */
export const MAX_PAYLOAD_DEPTH = 16;

/** Values in one payload, counting containers and map keys. Bounds the time and memory that unpacking can cost. */
export const MAX_PAYLOAD_ELEMENTS = 4_096;

/** Why a payload was not accepted. */
export type PayloadRefusal =
  | 'truncated'
  | 'trailing-bytes'
  | 'too-deep'
  | 'too-many-elements'
  | 'extension'
  | 'bad-key'
  | 'bad-text'
  | 'unsafe-integer';

/** Whether `unpackPayload` would take these bytes; costs a walk over them and builds nothing. */
export function checkPayload(bytes: Uint8Array): 'ok' | PayloadRefusal {
  let at = 0;
  let depth = 0;
  let elements = 0;
  // Values still to come at each depth; a map counts its keys, and the next one is a key when that count is even.
  remaining[0] = 1;
  isMap[0] = 0;
  for (;;) {
    while (remaining[depth] === 0) {
      if (depth === 0) return at === bytes.length ? 'ok' : 'trailing-bytes';
      depth--;
    }
    const expectsKey = isMap[depth] === 1 && (remaining[depth]! & 1) === 0;
    remaining[depth]!--;
    if (++elements > MAX_PAYLOAD_ELEMENTS) return 'too-many-elements';
    if (at >= bytes.length) return 'truncated';
    const head = bytes[at++]!;
    const kind = KIND[head]!;
    if (kind === REFUSED) return 'extension';
    if (expectsKey && kind !== STRING) return 'bad-key';
    const lengthBytes = LENGTH_BYTES[head]!;
    if (lengthBytes > bytes.length - at) return 'truncated';
    const length = lengthBytes === 0 ? FIXED_LENGTH[head]! : readUint(bytes, at, lengthBytes);
    at += lengthBytes;
    if (kind === ARRAY || kind === MAP) {
      const count = kind === MAP ? 2 * length : length;
      if (count > bytes.length - at) return 'truncated'; // every value takes at least one byte
      if (++depth > MAX_PAYLOAD_DEPTH) return 'too-deep';
      remaining[depth] = count;
      isMap[depth] = kind === MAP ? 1 : 0;
      continue;
    }
    if (length > bytes.length - at) return 'truncated';
    if (kind === STRING && !isUtf8(bytes, at, at + length)) return 'bad-text';
    if (expectsKey && isForbiddenKey(bytes, at, length)) return 'bad-key';
    if (kind === INT64 && !isSafe(bytes, at, head === 0xd3)) return 'unsafe-integer';
    at += length;
  }
}

/** Most significant byte first, as msgpack writes everything. */
function readUint(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = 0; i < count; i++) value = value * 256 + bytes[at + i]!;
  return value;
}

function isForbiddenKey(bytes: Uint8Array, at: number, size: number): boolean {
  for (const key of FORBIDDEN_KEYS) {
    if (key.length !== size) continue;
    let same = true;
    for (let i = 0; i < size && same; i++) same = bytes[at + i] === key.charCodeAt(i);
    if (same) return true;
  }
  return false;
}

function isSafe(bytes: Uint8Array, at: number, signed: boolean): boolean {
  let high = readUint(bytes, at, 4);
  if (signed) high |= 0;
  const value = high * 2 ** 32 + readUint(bytes, at + 4, 4);
  return Number.isSafeInteger(value);
}

const FORBIDDEN_KEYS = ['__proto__', 'constructor', 'prototype'];

const SCALAR = 0;
const STRING = 1;
const ARRAY = 2;
const MAP = 3;
const INT64 = 4;
const REFUSED = 5;

/** Every first byte: from, to, what it starts, how many bytes of length follow, and the length when none do. */
const FORMATS: readonly (readonly [number, number, number, number, (head: number) => number])[] = [
  [0x80, 0x8f, MAP, 0, (head) => head & 15],
  [0x90, 0x9f, ARRAY, 0, (head) => head & 15],
  [0xa0, 0xbf, STRING, 0, (head) => head & 31],
  [0xc1, 0xc1, REFUSED, 0, () => 0],
  [0xc4, 0xc4, SCALAR, 1, () => 0],
  [0xc5, 0xc5, SCALAR, 2, () => 0],
  [0xc6, 0xc6, SCALAR, 4, () => 0],
  [0xc7, 0xc9, REFUSED, 0, () => 0],
  [0xca, 0xcb, SCALAR, 0, (head) => (head === 0xca ? 4 : 8)],
  [0xcc, 0xce, SCALAR, 0, (head) => 1 << (head - 0xcc)],
  [0xcf, 0xcf, INT64, 0, () => 8],
  [0xd0, 0xd2, SCALAR, 0, (head) => 1 << (head - 0xd0)],
  [0xd3, 0xd3, INT64, 0, () => 8],
  [0xd4, 0xd8, REFUSED, 0, () => 0],
  [0xd9, 0xd9, STRING, 1, () => 0],
  [0xda, 0xda, STRING, 2, () => 0],
  [0xdb, 0xdb, STRING, 4, () => 0],
  [0xdc, 0xdc, ARRAY, 2, () => 0],
  [0xdd, 0xdd, ARRAY, 4, () => 0],
  [0xde, 0xde, MAP, 2, () => 0],
  [0xdf, 0xdf, MAP, 4, () => 0],
];
const KIND = new Uint8Array(256).fill(SCALAR);
const LENGTH_BYTES = new Uint8Array(256);
const FIXED_LENGTH = new Uint8Array(256);
for (const [from, to, kind, lengthBytes, fixedLength] of FORMATS) {
  for (let head = from; head <= to; head++) {
    KIND[head] = kind;
    LENGTH_BYTES[head] = lengthBytes;
    FIXED_LENGTH[head] = fixedLength(head);
  }
}

/** One walk at a time needs these, and a walk never calls out. */
const remaining = new Float64Array(MAX_PAYLOAD_DEPTH + 1);
const isMap = new Uint8Array(MAX_PAYLOAD_DEPTH + 1);
