// Makes hostile datagrams: noise, broken copies of real traffic, and well-formed packets whose fields lie.

import type { Rng } from '@tickwire/netcode';
import {
  CLOSE_REASONS,
  type CommandSchema,
  encodeBye,
  encodeHello,
  encodeProbe,
  encodeRefused,
  packPayload,
  REFUSAL_CODES,
} from '@tickwire/netcode/internal';
import {
  encodeTransferControl,
  type TransferControl,
} from '../../packages/netcode/src/connection/transfer.ts';
import { blocks, clientPacket, fragment, join, type PacketFields } from './harness.ts';

/** Real datagrams, newest last; what mutants are made from. */
export class Corpus {
  readonly #kept: Uint8Array[] = [];
  readonly #limit: number;

  constructor(limit = 400) {
    this.#limit = limit;
  }

  add(bytes: Uint8Array): void {
    this.#kept.push(bytes);
    if (this.#kept.length > this.#limit) this.#kept.splice(0, this.#limit / 4);
  }

  /** Mostly something recent: old sequence numbers are refused early and test little. */
  pick(rng: Rng): Uint8Array {
    const { length } = this.#kept;
    if (length === 0) return new Uint8Array(1);
    const index = rng.chance(0.7) ? length - 1 - rng.int(0, Math.min(7, length - 1)) : rng.int(0, length - 1);
    return this.#kept[index] ?? new Uint8Array(1);
  }
}

export function mutate(corpus: Corpus, rng: Rng): Uint8Array {
  const bytes = corpus.pick(rng).slice();
  switch (rng.int(0, 9)) {
    case 0:
      return noise(rng, rng.int(0, 1300));
    case 1: {
      const made = noise(rng, rng.int(1, 200));
      made[0] = rng.int(0, 9);
      return made;
    }
    case 2:
      return bytes.slice(0, rng.int(0, bytes.length));
    case 3:
      return join(bytes, noise(rng, rng.int(1, 40)));
    case 4: {
      const other = corpus.pick(rng);
      return join(bytes.slice(0, rng.int(0, bytes.length)), other.slice(rng.int(0, other.length)));
    }
    case 5:
      return bytes; // a replay
    case 6: {
      // New sequence number, so that what follows is looked at.
      if (bytes.length > 3) setU16(bytes, 1, getU16(bytes, 1) + rng.int(1, 40));
      flip(bytes, rng, 3, rng.int(0, 3));
      return bytes;
    }
    case 7:
      if (bytes.length > 1) bytes[rng.int(0, bytes.length - 1)] = rng.int(0, 255);
      return bytes;
    case 8: {
      const from = rng.int(0, bytes.length);
      bytes.fill(rng.chance(0.5) ? 0xff : 0, from, from + rng.int(1, 16));
      return bytes;
    }
    default:
      flip(bytes, rng, 0, rng.int(1, 8));
      return bytes;
  }
}

/** A copy broken behind its sequence number. */
export function damage(bytes: Uint8Array, rng: Rng): Uint8Array {
  const dice = rng.int(0, 9);
  if (dice === 0) return bytes.slice(0, rng.int(0, bytes.length));
  if (dice === 1) return join(bytes, noise(rng, rng.int(1, 20)));
  // Where packets carry their ticks and rows.
  flip(bytes, rng, Math.min(bytes.length - 1, rng.chance(0.8) ? 10 : 3), dice < 8 ? 1 : rng.int(2, 5));
  return bytes;
}

/** A client packet that is well formed and says something hostile. */
export function lie(schema: CommandSchema, rng: Rng, seq: number, tick: number): Uint8Array {
  const fields: { -readonly [K in keyof PacketFields]: PacketFields[K] } = { seq };
  if (rng.chance(0.3)) {
    fields.ack = rng.int(0, 65_535);
    fields.ackBits = rng.u32() | 1;
    fields.ackDelayMs = rng.int(0, 255);
  }
  fields.hidden = rng.chance(0.1);
  if (rng.chance(0.7))
    fields.snapshot =
      pick(rng, [tick - (tick % 3), tick, tick + 3, 0, 1, 2 ** 31, 2 ** 32 - 1, rng.u32()]) >>> 0;
  if (rng.chance(0.7)) {
    const words = Int32Array.from(schema.fields, ({ field }) => rng.int(field.lo, field.hi));
    fields.commands = Array.from({ length: rng.int(1, 24) }, () =>
      rng.chance(0.5) ? words : Int32Array.from(schema.fields, ({ field }) => rng.int(field.lo, field.hi)),
    );
    fields.newest =
      pick(rng, [tick + 3, tick + 30, tick + 127, tick + 200, 2 ** 31, 2 ** 32 - 1, rng.u32(), 24]) >>> 0;
  }
  if (rng.chance(0.5)) fields.section = section(rng);
  return clientPacket(schema, fields);
}

/** Messages: declared and undeclared, on the right and the wrong channel, with payloads that bite. */
export function section(rng: Rng): Uint8Array {
  const parts: Uint8Array[] = [];
  let single = rng.int(0, 65_535);
  let stream = rng.int(0, 80);
  for (let n = rng.int(1, 6); n > 0; n--) {
    if (rng.chance(0.2)) {
      parts.push(blocks(rng.int(0, 3), rng.int(0, 20), noise(rng, rng.int(0, 300))));
      continue;
    }
    const reliable = rng.chance(0.5);
    const body = rng.chance(0.3)
      ? aboutTransfers(rng)
      : join(Uint8Array.of(rng.int(0, 5)), rng.chance(0.3) ? noise(rng, 3) : new Uint8Array(0), payload(rng));
    parts.push(
      fragment(
        reliable,
        rng.chance(0.9),
        reliable ? stream++ : single++,
        body.subarray(0, rng.chance(0.9) ? 256 : 1000),
      ),
    );
  }
  return join(...parts);
}

/** What both sides tell each other about transfers, true or not. */
function aboutTransfers(rng: Rng): Uint8Array {
  if (rng.chance(0.2)) return join(Uint8Array.of(255), noise(rng, rng.int(0, 20)));
  const transfer = rng.int(0, 3);
  const code = pick(rng, ['cancelled', 'too-large', 'corrupt'] as const);
  return encodeTransferControl(
    pick<TransferControl>(rng, [
      { what: 'offer', transfer, length: pick(rng, [0, 1, 5_000, 64 * 1024, 2 ** 32 - 1]), name: 'x' },
      { what: 'grant', transfer, blocks: pick(rng, [0, 1, 80, 2 ** 32 - 1]) },
      { what: 'end', transfer, hash: [rng.u32(), rng.u32()] },
      { what: 'done', transfer },
      { what: 'withdrawn', transfer, code, reason: 'no' },
      { what: 'refused', transfer, code, reason: 'no' },
    ]),
  );
}

/** msgpack that a decoder may choke on, and values that a careless handler does. */
export function payload(rng: Rng): Uint8Array {
  switch (rng.int(0, 9)) {
    case 0:
      return noise(rng, rng.int(0, 60));
    case 1: // a list that promises four billion values
      return Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff, 1, 2, 3);
    case 2: // 200 lists inside each other
      return new Uint8Array(200).fill(0x91);
    case 3: // a map with the key __proto__
      return Uint8Array.of(0x81, 0xa9, ...ascii('__proto__'), 0x81, 0xa8, ...ascii('polluted'), 0xc3);
    case 4:
      return Uint8Array.of(0xc1);
    case 5: // an extension
      return Uint8Array.of(0xc7, 4, 0x74, 1, 2, 3, 4);
    case 6:
      return packPayload(null);
    case 7:
      return packPayload({ text: { toString: 5, valueOf: null } });
    case 8:
      return packPayload([Number.NaN, Infinity, -0, 'x'.repeat(50)]);
    default:
      return packPayload({ text: 'hello' });
  }
}

export function strayDatagram(rng: Rng, schemaHash: readonly [number, number]): Uint8Array {
  switch (rng.int(0, 3)) {
    case 0:
      return encodeBye(pick(rng, CLOSE_REASONS));
    case 1:
      return encodeProbe({ counter: rng.int(0, 65_535), time: rng.u32(), echo: rng.u32() });
    case 2:
      return encodeRefused({ nonce: [rng.u32(), rng.u32()], code: pick(rng, REFUSAL_CODES), message: 'no' });
    default:
      return encodeHello({
        nonce: [rng.u32(), rng.u32()],
        schemaHash: rng.chance(0.9) ? schemaHash : [rng.u32(), rng.u32()],
        token: rng.chance(0.3) ? noise(rng, 16) : undefined,
        room: rng.chance(0.9) ? '' : 'elsewhere',
        name: pick(rng, ['', 'Eve', '   ', 'x'.repeat(60)]),
        profile: noise(rng, rng.chance(0.2) ? rng.int(0, 256) : 0),
      });
  }
}

export const pick = <T>(rng: Rng, from: readonly T[]): T => from[rng.int(0, from.length - 1)] as T;

export function noise(rng: Rng, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i += 4) {
    const word = rng.u32();
    for (let k = 0; k < 4 && i + k < length; k++) bytes[i + k] = word >>> (8 * k);
  }
  return bytes;
}

function flip(bytes: Uint8Array, rng: Rng, from: number, count: number): void {
  for (let n = 0; n < count && bytes.length > from; n++) {
    const bit = rng.int(from * 8, bytes.length * 8 - 1);
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  }
}

export const getU16 = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);

function setU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 0xff;
  bytes[at + 1] = (value >> 8) & 0xff;
}

const ascii = (text: string): number[] => [...text].map((character) => character.charCodeAt(0));
