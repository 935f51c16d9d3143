/**
 * Message payloads: msgpack by msgpackr, behind a guard that decides about a peer's bytes before msgpackr sees them.
 *
 * A payload is one value: nil, booleans, numbers (NaN and infinities too), strings, binary, arrays, and maps with
 * string keys. What else does not pass is listed in payload-guard.ts.
 */

import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import { UsageError } from '../base/assert.ts';
import {
  checkPayload,
  MAX_PAYLOAD_DEPTH,
  MAX_PAYLOAD_ELEMENTS,
  type PayloadRefusal,
} from './payload-guard.ts';

/** A refusal of `malformed` passed the guard and failed in the decoder all the same. Never seen, and never thrown. */
export type Unpacked =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly refusal: PayloadRefusal | 'malformed' };

/**
 * The bytes of one value, in memory of its own. As with JSON some things travel as others: undefined and functions as
 * null, -0 as 0, a Set as an array, a Map with string keys as an object, an instance as what its `toJSON` gives.
 * @throws UsageError when the value cannot travel (a Date, a large bigint, a symbol, a cycle, too much of anything): the caller's mistake.
 */
export function packPayload(value: unknown): Uint8Array {
  let packed: Uint8Array;
  try {
    packed = packr.pack(value) as Uint8Array;
  } catch (cause) {
    throw new UsageError(`this message payload cannot be sent: ${reasonOf(cause)}`);
  }
  const bytes = new Uint8Array(packed.length);
  bytes.set(packed);
  const verdict = checkPayload(bytes);
  if (verdict !== 'ok') throw new UsageError(`this message payload cannot be sent: ${HINTS[verdict]}`);
  return bytes;
}

/** The value that a peer's bytes stand for, or why they were refused. Never throws; keeps no reference to `bytes`. */
export function unpackPayload(bytes: Uint8Array): Unpacked {
  const verdict = checkPayload(bytes);
  if (verdict !== 'ok') return { ok: false, refusal: verdict };
  try {
    return { ok: true, value: unpackr.unpack(bytes) };
  } catch {
    return { ok: false, refusal: 'malformed' };
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

const OPTIONS = {
  useRecords: false,
  mapsAsObjects: true,
  int64AsType: 'number',
  copyBuffers: true,
  encodeUndefinedAsNil: true,
} as const;
const packr = new Packr(OPTIONS);
const unpackr = new Unpackr(OPTIONS);

const HINTS: Readonly<Record<PayloadRefusal, string>> = {
  truncated: 'its encoding is incomplete',
  'trailing-bytes': 'its encoding has bytes to spare',
  'too-deep': `it nests deeper than ${MAX_PAYLOAD_DEPTH} containers; flatten it`,
  'too-many-elements': `it holds more than ${MAX_PAYLOAD_ELEMENTS} values; split it into several messages`,
  extension: 'it holds a Date or another special object; send plain objects, arrays, strings and numbers',
  'bad-key': 'an object key is not a string, or is __proto__, constructor or prototype; rename it',
  'bad-text': 'a string holds half of a surrogate pair; use toWellFormed()',
  'unsafe-integer': 'it holds a bigint beyond 2^53; send it as a string',
};
