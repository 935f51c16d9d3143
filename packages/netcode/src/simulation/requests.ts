/**
 * Typed requests and their answers as reliable messages.
 *
 *     request   u8 number | u16 id | payload (msgpack)
 *     answer    u8 number | u16 id | u8 outcome | answered: the answer, refused: the reason (msgpack) | else nothing
 *
 * Numbers go on where those of the game's messages end. Ids are the client's.
 */

import { assert } from '../base/assert.ts';
import { packPayload, unpackPayload } from '../connection/payload.ts';
import type { Game } from './game.ts';
import { accepted } from './messages.ts';

/** Why a request has no answer. */
export type RequestFailure =
  /** The game's handler said no. */
  | 'refused'
  /** The payload was not taken: it is not what `validate` wants, or the answer is not what `validateAnswer` wants. */
  | 'malformed'
  /** The handler threw, or its answer cannot be sent. */
  | 'failed'
  /** Too many requests are unanswered. */
  | 'busy'
  /** Neither the game nor the server has a handler for it. */
  | 'unhandled'
  /** No answer came in time. The handler may have run all the same. */
  | 'timed-out'
  /** The session ended first. */
  | 'ended';

/** What became of a request. */
export type Outcome =
  | { readonly ok: true; readonly answer: unknown }
  | { readonly ok: false; readonly code: RequestFailure; readonly reason: string };

/** What a handler returns in place of an answer to say no. */
export class Refused {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

/** `return refuse('not enough gold')` in a handler: the client's promise rejects with this reason. */
export function refuse(reason: string): Refused {
  return new Refused(reason);
}

/** What a handler returned, as an outcome. */
export function outcomeOf(returned: unknown): Outcome {
  return returned instanceof Refused
    ? { ok: false, code: 'refused', reason: returned.reason }
    : { ok: true, answer: returned };
}

export const failure = (code: RequestFailure): Outcome => ({ ok: false, code, reason: '' });

/** Whether these bytes of the reliable stream are a request or an answer. */
export function isAbout(game: Game, bytes: Uint8Array): boolean {
  const index = (bytes[0] ?? 0) - game.schema.messageNames.length;
  return index >= 0 && index < game.schema.requestNames.length;
}

/** Throws a `UsageError` for an undeclared name or a payload that cannot travel. */
export function encodeRequest(game: Game, name: string, id: number, payload: unknown): Uint8Array {
  return withHead(numberOf(game, name), id, packPayload(payload), 0);
}

/** Bytes of an answer. Throws a `UsageError` when it cannot travel. */
export function encodeAnswer(game: Game, name: string, id: number, outcome: Outcome): Uint8Array {
  const number = numberOf(game, name);
  let body: Uint8Array = NOTHING;
  if (outcome.ok) body = packPayload(outcome.answer);
  else if (outcome.code === 'refused') body = packPayload(outcome.reason);
  const code = outcome.ok ? 0 : OUTCOMES.indexOf(outcome.code);
  assert(code >= 0, 'an answer that did not come cannot be sent');
  const bytes = withHead(number, id, body, 1);
  bytes[HEAD_BYTES] = code;
  return bytes;
}

export interface DecodedRequest {
  readonly id: number;
  readonly name: string;
  /** Undefined when it was not taken. */
  readonly payload: { readonly value: unknown } | undefined;
}

/** Reads a client's request; undefined when not even its head is there. */
export function decodeRequest(game: Game, bytes: Uint8Array): DecodedRequest | undefined {
  const head = readHead(game, bytes);
  if (head === undefined) return undefined;
  const read = unpackPayload(bytes.subarray(HEAD_BYTES));
  const payload = read.ok ? accepted(head.type.validate, `request "${head.name}"`, read.value) : undefined;
  return { id: head.id, name: head.name, payload };
}

/** Reads a server's answer; undefined when it is none. */
export function decodeAnswer(
  game: Game,
  bytes: Uint8Array,
): { id: number; name: string; outcome: Outcome } | undefined {
  const head = readHead(game, bytes);
  const outcome = head === undefined ? undefined : readOutcome(bytes, head);
  if (head === undefined || outcome === undefined) return undefined;
  return { id: head.id, name: head.name, outcome };
}

function readOutcome(bytes: Uint8Array, { name, type }: Head): Outcome | undefined {
  const code = bytes[HEAD_BYTES] === 0 ? 'answered' : OUTCOMES[bytes[HEAD_BYTES] ?? 255];
  const body = bytes.subarray(HEAD_BYTES + 1);
  if (code === undefined || code === '') return undefined;
  if (code !== 'answered' && code !== 'refused') return body.length === 0 ? failure(code) : undefined;
  const read = unpackPayload(body);
  if (code === 'refused')
    return read.ok && typeof read.value === 'string' ? { ok: false, code, reason: read.value } : undefined;
  const answer = read.ok ? accepted(type.validateAnswer, `answer to "${name}"`, read.value) : undefined;
  return answer === undefined ? failure('malformed') : { ok: true, answer: answer.value };
}

interface Head {
  readonly id: number;
  readonly name: string;
  readonly type: NonNullable<NonNullable<Game['definition']['requests']>[string]>;
}

function readHead(game: Game, bytes: Uint8Array): Head | undefined {
  const name = game.schema.requestNames[(bytes[0] ?? 0) - game.schema.messageNames.length];
  const type = name === undefined ? undefined : game.definition.requests?.[name];
  if (name === undefined || type === undefined || bytes.length <= HEAD_BYTES) return undefined;
  return { id: bytes[1]! | (bytes[2]! << 8), name, type };
}

function numberOf(game: Game, name: string): number {
  const index = game.schema.requestNames.indexOf(name);
  assert(index >= 0, `the game declares no request "${name}"; add it to requests`);
  return game.schema.messageNames.length + index;
}

function withHead(number: number, id: number, body: Uint8Array, gap: number): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + gap + body.length);
  bytes[0] = number;
  bytes[1] = id & 0xff;
  bytes[2] = id >>> 8;
  bytes.set(body, HEAD_BYTES + gap);
  return bytes;
}

const HEAD_BYTES = 3;
const NOTHING = new Uint8Array(0);

/** Failures by the number they travel as; 0 is an answer, those that are not here do not travel. */
const OUTCOMES: readonly (RequestFailure | '')[] = [
  '',
  'refused',
  'malformed',
  'failed',
  'busy',
  'unhandled',
];
