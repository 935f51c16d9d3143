/** Typed messages as bytes: the message's number in the game's declaration, then its msgpack payload. */

import { assert } from '../base/assert.ts';
import { packPayload, unpackPayload } from '../connection/payload.ts';
import type { Game } from './game.ts';
import type { Validator } from './types.ts';

/** Why a peer's message was not delivered. */
export type MessageRefusal =
  | 'unknown-message'
  | 'wrong-direction'
  | 'wrong-channel'
  | 'bad-payload'
  | 'invalid-payload'
  /** An answer to no request that waits for one: late, twice, or never asked for. */
  | 'unknown-answer'
  /** A request with the id of one that is not answered yet. */
  | 'duplicate-request'
  /** A client that asks more than it may at a time. It is told so. */
  | 'busy';

export interface DecodedMessage {
  readonly name: string;
  readonly payload: unknown;
}

/** Bytes of a message that this side may send. Throws a `UsageError` for an undeclared name or the wrong direction. */
export function encodeMessage(
  game: Game,
  side: 'client' | 'server',
  name: string,
  payload: unknown,
): { bytes: Uint8Array; reliable: boolean } {
  const index = game.schema.messageNames.indexOf(name);
  const type = game.definition.messages?.[name];
  assert(index >= 0 && type !== undefined, `the game declares no message "${name}"; add it to messages`);
  assert(
    type.from === side || type.from === 'both',
    `message "${name}" is declared from: '${type.from}', so the ${side} cannot send it`,
  );
  const body = packPayload(payload);
  const bytes = new Uint8Array(body.length + 1);
  bytes[0] = index;
  bytes.set(body, 1);
  return { bytes, reliable: type.reliable };
}

/** Reads and checks a peer's message. `from` is the side that sent it. */
export function decodeMessage(
  game: Game,
  from: 'client' | 'server',
  bytes: Uint8Array,
  reliable: boolean,
): DecodedMessage | MessageRefusal {
  const name = game.schema.messageNames[bytes[0] ?? 255];
  const type = name === undefined ? undefined : game.definition.messages?.[name];
  if (name === undefined || type === undefined) return 'unknown-message';
  if (type.from !== from && type.from !== 'both') return 'wrong-direction';
  if (type.reliable !== reliable) return 'wrong-channel';
  const read = unpackPayload(bytes.subarray(1));
  if (!read.ok) return 'bad-payload';
  const value = accepted(type.validate, `message "${name}"`, read.value);
  return value === undefined ? 'invalid-payload' : { name, payload: value.value };
}

/** What a declaration's validator makes of a peer's value; undefined when it does not take it. */
export function accepted(
  validate: Validator | undefined,
  what: string,
  value: unknown,
): { readonly value: unknown } | undefined {
  if (validate === undefined) return { value };
  try {
    if (typeof validate === 'function') return validate(value) ? { value } : undefined;
    const result = validate['~standard'].validate(value);
    assert(
      !(result instanceof Promise),
      `${what}: the validator answered with a promise; use one that answers at once`,
    );
    const settled = result as { readonly value?: unknown; readonly issues?: readonly unknown[] };
    return settled.issues === undefined ? { value: settled.value } : undefined;
  } catch {
    // A validator that throws on a peer's bytes must not end the room.
    return undefined;
  }
}
