/**
 * The datagrams that begin, keep and end a connection. The first byte of every datagram is its kind.
 *
 *     hello 1      u8 kind | 'TWIR' | u16 protocol | u32 u32 nonce | u32 u32 schema hash | u8 flags (bit 0: token follows)
 *                  [16 token] | u8 n, n room | u8 n, n name | u16 n, n profile (msgpack; 0 bytes: none)
 *     welcome 2    u8 kind | u32 u32 nonce | u16 seat | 16 token | u8 flags (bit 0: resumed, bit 1: streams continue)
 *                  u32 tick | u8 tick rate | u8 snapshot rate | u16 n, n options (msgpack)
 *     refused 3    u8 kind | u32 u32 nonce | u8 code | u8 n, n message
 *     bye 6        u8 kind | u8 reason
 *     probe 7      u8 kind | u16 counter | u32 time | u32 echo
 *
 * Least significant byte first; text is UTF-8; bits not named are zero; nothing may follow. Kinds 4 and 5 are the
 * packets of client and server. A hello up to and including its nonce, and the whole of a refused, look the same in
 * every protocol version, so that two versions can tell each other that they differ.
 */

import { assert } from '../base/assert.ts';
import { PROTOCOL_VERSION, type Seat, type Tick } from '../base/units.ts';
import { decodeUtf8, encodeUtf8 } from '../wire/utf8.ts';
import { ByteReader, ByteWriter, type ReadRefusal } from './bytes.ts';

/** First byte of a datagram. */
export const DATAGRAM_KIND = {
  hello: 1,
  welcome: 2,
  refused: 3,
  clientPacket: 4,
  serverPacket: 5,
  bye: 6,
  probe: 7,
} as const;

export const TOKEN_BYTES = 16;
export const MAX_ROOM_BYTES = 32;
export const MAX_NAME_BYTES = 24;
export const MAX_PROFILE_BYTES = 256;
export const MAX_OPTIONS_BYTES = 1_000;
export const MAX_REFUSAL_MESSAGE_BYTES = 200;

/** Two u32. A client core draws them once, which tells a hello that is repeated from a page that was loaded again. */
export type Nonce = readonly [number, number];

export interface Hello {
  readonly nonce: Nonce;
  /** Two u32. */
  readonly schemaHash: readonly [number, number];
  /** 16 bytes that name a seat to come back to. */
  readonly token: Uint8Array | undefined;
  /** Empty for the server's default room. */
  readonly room: string;
  /** May be empty: the server gives one. */
  readonly name: string;
  /** msgpack, not yet looked at. Empty when there is none. */
  readonly profile: Uint8Array;
}

export interface Welcome {
  readonly nonce: Nonce;
  /** 1..65535. */
  readonly seat: Seat;
  readonly token: Uint8Array;
  /** The seat was this player's before this connection. */
  readonly resumed: boolean;
  /** The same client core as before: message streams and baselines go on where they were. */
  readonly continues: boolean;
  readonly tick: Tick;
  /** Per second, 1..255. */
  readonly tickRate: number;
  readonly snapshotRate: number;
  /** msgpack, not yet looked at. */
  readonly options: Uint8Array;
}

export interface Refused {
  readonly nonce: Nonce;
  readonly code: RefusalCode;
  /** One sentence for people; what goes beyond 200 bytes is cut off. */
  readonly message: string;
}

export interface Probe {
  /** u16, counts up. */
  readonly counter: number;
  /** The sender's clock in ms modulo 2^32. */
  readonly time: number;
  /** `time` of the newest probe heard from the peer; 0 when none was. */
  readonly echo: number;
}

/** Why a server does not let a client in. The place in this list plus one is the number on the wire: append only. */
export const REFUSAL_CODES = [
  'version',
  'schema',
  'full',
  'room-unknown',
  'token-invalid',
  'bad-name',
  'draining',
  'kicked',
  'banned',
  'malformed',
  'busy',
] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** Why a session ended. The place in this list plus one is the number on the wire: append only. */
export const CLOSE_REASONS = [
  'left',
  'kicked',
  'shutdown',
  'replaced',
  'timed-out',
  'protocol-error',
] as const;
export type CloseReason = (typeof CLOSE_REASONS)[number];

/** Why a peer's bytes are not the handshake datagram they claim to be. */
export type HandshakeRefusal =
  | ReadRefusal
  /** Not this kind of datagram, or not Tickwire at all. */
  | 'wrong-kind'
  /** A hello of another protocol version: answer it, with `helloNonce` of the same bytes. */
  | 'version'
  | 'reserved-bits'
  /** A name or room with control characters. */
  | 'bad-name'
  /** A code, seat or rate that does not exist. */
  | 'out-of-range';

/**
 * A hello of this protocol version. The name is cleaned and cut to fit.
 * @throws UsageError when token, room or profile do not have the sizes drawn above.
 */
export function encodeHello(hello: Hello): Uint8Array {
  const { token, profile } = hello;
  const room = encodeUtf8(hello.room);
  assert(token === undefined || token.length === TOKEN_BYTES, `a token has ${TOKEN_BYTES} bytes`);
  assert(
    room.length <= MAX_ROOM_BYTES,
    `a room name has at most ${MAX_ROOM_BYTES} UTF-8 bytes: "${hello.room}"`,
  );
  assert(!UNPRINTABLE.test(hello.room), 'a room name holds no control characters');
  assert(profile.length <= MAX_PROFILE_BYTES, `a profile has at most ${MAX_PROFILE_BYTES} bytes when packed`);
  const w = new ByteWriter().uint(DATAGRAM_KIND.hello, 1).raw(MAGIC).uint(PROTOCOL_VERSION, 2);
  writePair(w, hello.nonce);
  writePair(w, hello.schemaHash);
  w.uint(token === undefined ? 0 : 1, 1);
  if (token !== undefined) w.raw(token);
  w.sized(room, 1)
    .sized(encodeUtf8(cleanName(hello.name)), 1)
    .sized(profile, 2);
  return w.finish();
}

/** The hello in a peer's bytes, or why there is none. */
export function decodeHello(bytes: Uint8Array): Hello | HandshakeRefusal {
  const nonce = helloNonce(bytes);
  if (nonce === undefined) return 'wrong-kind';
  const r = new ByteReader(bytes, 1 + MAGIC.length);
  if (r.uint(2) !== PROTOCOL_VERSION) return 'version';
  r.raw(8); // the nonce
  const schemaHash = readPair(r);
  const flags = r.uint(1);
  if (flags > 1) return 'reserved-bits';
  const token = flags === 1 ? r.raw(TOKEN_BYTES) : undefined;
  const room = r.text(MAX_ROOM_BYTES);
  const name = r.text(MAX_NAME_BYTES);
  const profile = r.sized(2, MAX_PROFILE_BYTES);
  const refusal = r.end();
  if (refusal !== undefined) return refusal;
  if (UNPRINTABLE.test(room) || UNPRINTABLE.test(name)) return 'bad-name';
  return { nonce, schemaHash, token, room, name, profile };
}

/** The nonce of a hello of any protocol version; undefined when the bytes are no hello. */
export function helloNonce(bytes: Uint8Array): Nonce | undefined {
  if (bytes.length < HELLO_START_BYTES || bytes[0] !== DATAGRAM_KIND.hello) return undefined;
  for (let i = 0; i < MAGIC.length; i++) if (bytes[1 + i] !== MAGIC[i]) return undefined;
  return readPair(new ByteReader(bytes, HELLO_START_BYTES - 8));
}

/** @throws UsageError when token or options do not have the sizes drawn above, or a number does not fit. */
export function encodeWelcome(welcome: Welcome): Uint8Array {
  const { token, options, seat, tickRate, snapshotRate } = welcome;
  assert(token.length === TOKEN_BYTES, `a token has ${TOKEN_BYTES} bytes`);
  assert(
    options.length <= MAX_OPTIONS_BYTES,
    `room options have at most ${MAX_OPTIONS_BYTES} bytes when packed`,
  );
  assert(seat > 0 && tickRate > 0 && snapshotRate > 0, 'seat and rates are greater than zero');
  const w = new ByteWriter().uint(DATAGRAM_KIND.welcome, 1);
  writePair(w, welcome.nonce);
  w.uint(seat, 2).raw(token);
  w.uint((welcome.resumed ? RESUMED : 0) | (welcome.continues ? CONTINUES : 0), 1);
  w.uint(welcome.tick, 4).uint(tickRate, 1).uint(snapshotRate, 1).sized(options, 2);
  return w.finish();
}

export function decodeWelcome(bytes: Uint8Array): Welcome | HandshakeRefusal {
  const r = new ByteReader(bytes);
  if (r.uint(1) !== DATAGRAM_KIND.welcome) return 'wrong-kind';
  const nonce = readPair(r);
  const seat = r.uint(2);
  const token = r.raw(TOKEN_BYTES);
  const flags = r.uint(1);
  const tick = r.uint(4);
  const tickRate = r.uint(1);
  const snapshotRate = r.uint(1);
  const options = r.sized(2, MAX_OPTIONS_BYTES);
  const refusal = r.end();
  if (refusal !== undefined) return refusal;
  if (flags > (RESUMED | CONTINUES)) return 'reserved-bits';
  if (seat === 0 || tickRate === 0 || snapshotRate === 0) return 'out-of-range';
  const resumed = (flags & RESUMED) !== 0;
  const continues = (flags & CONTINUES) !== 0;
  return { nonce, seat, token, resumed, continues, tick, tickRate, snapshotRate, options };
}

export function encodeRefused(refused: Refused): Uint8Array {
  const w = new ByteWriter().uint(DATAGRAM_KIND.refused, 1);
  writePair(w, refused.nonce);
  w.uint(REFUSAL_CODES.indexOf(refused.code) + 1, 1);
  return w.sized(encodeUtf8(refused.message, MAX_REFUSAL_MESSAGE_BYTES), 1).finish();
}

export function decodeRefused(bytes: Uint8Array): Refused | HandshakeRefusal {
  const r = new ByteReader(bytes);
  if (r.uint(1) !== DATAGRAM_KIND.refused) return 'wrong-kind';
  const nonce = readPair(r);
  const code = REFUSAL_CODES[r.uint(1) - 1];
  const message = r.text(MAX_REFUSAL_MESSAGE_BYTES);
  const refusal = r.end();
  if (refusal !== undefined) return refusal;
  return code === undefined ? 'out-of-range' : { nonce, code, message };
}

export function encodeBye(reason: CloseReason): Uint8Array {
  return new ByteWriter()
    .uint(DATAGRAM_KIND.bye, 1)
    .uint(CLOSE_REASONS.indexOf(reason) + 1, 1)
    .finish();
}

/** The reason, wrapped because a reason and a refusal are both strings. */
export function decodeBye(bytes: Uint8Array): { readonly reason: CloseReason } | HandshakeRefusal {
  const r = new ByteReader(bytes);
  if (r.uint(1) !== DATAGRAM_KIND.bye) return 'wrong-kind';
  const reason = CLOSE_REASONS[r.uint(1) - 1];
  const refusal = r.end();
  if (refusal !== undefined) return refusal;
  return reason === undefined ? 'out-of-range' : { reason };
}

/** 11 bytes. */
export function encodeProbe(probe: Probe): Uint8Array {
  const w = new ByteWriter().uint(DATAGRAM_KIND.probe, 1).uint(probe.counter, 2);
  return w.uint(probe.time, 4).uint(probe.echo, 4).finish();
}

export function decodeProbe(bytes: Uint8Array): Probe | HandshakeRefusal {
  const r = new ByteReader(bytes);
  if (r.uint(1) !== DATAGRAM_KIND.probe) return 'wrong-kind';
  const counter = r.uint(2);
  const time = r.uint(4);
  const echo = r.uint(4);
  return r.end() ?? { counter, time, echo };
}

/** A name as it may travel: no control or direction-changing characters, no space at the ends, at most 24 bytes. */
export function cleanName(name: string): string {
  const printable = name.replace(new RegExp(UNPRINTABLE, 'gu'), '').trim();
  return (decodeUtf8(encodeUtf8(printable, MAX_NAME_BYTES)) ?? '').trim();
}

function writePair(w: ByteWriter, pair: readonly [number, number]): void {
  w.uint(pair[0], 4).uint(pair[1], 4);
}

function readPair(r: ByteReader): readonly [number, number] {
  return [r.uint(4), r.uint(4)];
}

/** 'TWIR' */
const MAGIC = Uint8Array.of(0x54, 0x57, 0x49, 0x52);

/** Kind, magic, version and nonce. */
const HELLO_START_BYTES = 15;

const RESUMED = 1;
const CONTINUES = 2;

/** Control characters, line separators, and marks that reverse the text around a name. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
