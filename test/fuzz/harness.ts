// The stage of the fuzz tests: a live server and live clients in one process, with every datagram in hand.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Game, Rng } from '@tickwire/netcode';
import {
  BitWriter,
  CLIENT_PACKET,
  type CommandSchema,
  MAX_DATAGRAM_BYTES,
  writeCommand,
  writeHeader,
} from '@tickwire/netcode/internal';
import { ServerCore, type ServerCoreOptions } from '@tickwire/server/core';
import { ClientCore } from '../../packages/netcode/src/client/core.ts';
import { writeBlocks } from '../../packages/netcode/src/connection/fragments.ts';
import { boxes } from '../games/boxes.ts';

export { EFFORT, SEED } from '../property/arbitrary.ts';

export type BoxesShape = typeof boxes extends Game<infer S> ? S : never;
export type Server = ServerCore<BoxesShape>;
export type Client = ClientCore<BoxesShape>;

export const TICK_MS = 1000 / 60;

export function newServer(seed: number, options: Partial<ServerCoreOptions<BoxesShape>> = {}): Server {
  const entropy = new Rng(seed, 11);
  return new ServerCore(boxes, { now: 0, entropy: () => entropy.u32(), seed: 7, ...options });
}

export function newClient(seed: number, index: number, now = 0): Client {
  const entropy = new Rng(seed, 12, index);
  return new ClientCore(boxes, { now, entropy: () => entropy.u32(), name: `P${index}` });
}

/** Everything a core wants to send now, copied. */
export function drain(core: { pollDatagram(): Uint8Array | undefined }): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let bytes = core.pollDatagram(); bytes !== undefined; bytes = core.pollDatagram())
    out.push(bytes.slice());
  return out;
}

export interface Addressed {
  readonly connection: number;
  readonly bytes: Uint8Array;
}

export function drainServer(server: { pollDatagram(): Addressed | undefined }): Addressed[] {
  const out: Addressed[] = [];
  for (let sent = server.pollDatagram(); sent !== undefined; sent = server.pollDatagram())
    out.push({ connection: sent.connection, bytes: sent.bytes.slice() });
  return out;
}

export const sum = (counts: Readonly<Partial<Record<string, number>>>): number =>
  Object.values(counts).reduce((total: number, n) => total + (n ?? 0), 0);

/** A client packet with every field free. */
export interface PacketFields {
  readonly seq: number;
  readonly ack?: number;
  readonly ackBits?: number;
  readonly ackDelayMs?: number;
  readonly hidden?: boolean;
  /** Tick of the snapshot that is acknowledged; undefined for none. */
  readonly snapshot?: number | undefined;
  /** Tick of the newest command. */
  readonly newest?: number;
  /** Words of each command, oldest first. */
  readonly commands?: readonly Int32Array[];
  readonly section?: Uint8Array;
}

export function clientPacket(schema: CommandSchema, fields: PacketFields): Uint8Array {
  const bytes = new Uint8Array(MAX_DATAGRAM_BYTES);
  const w = new BitWriter(bytes);
  const { seq, ack = 0, ackBits = 0, ackDelayMs = 0, commands = [] } = fields;
  writeHeader(w, CLIENT_PACKET, seq & 0xffff, { ack, ackBits, ackDelayMs });
  w.write(fields.hidden ? 1 : 0, 1);
  w.write(fields.snapshot === undefined ? 0 : 1, 1);
  if (fields.snapshot !== undefined) w.write(fields.snapshot, 32);
  w.write(commands.length, 6);
  if (commands.length > 0) w.write(fields.newest ?? 0, 32);
  let before = schema.neutral;
  for (const words of commands) {
    writeCommand(w, schema, words, 0, before, 0);
    before = words;
  }
  const length = w.finish();
  const section = fields.section ?? new Uint8Array(0);
  bytes.set(section.subarray(0, MAX_DATAGRAM_BYTES - length), length);
  return bytes.slice(0, Math.min(MAX_DATAGRAM_BYTES, length + section.length));
}

/** One fragment of a section. */
export function fragment(reliable: boolean, end: boolean, number: number, data: Uint8Array): Uint8Array {
  const head = (data.length & 0x3ff) | (end ? 0x400 : 0) | (reliable ? 0x800 : 0);
  return Uint8Array.of(head & 0xff, head >> 8, number & 0xff, (number >> 8) & 0xff, ...data);
}

/** A run of blocks of a transfer. */
export function blocks(transfer: number, block: number, data: Uint8Array): Uint8Array {
  const out = new Uint8Array(7 + data.length);
  writeBlocks(out, 0, transfer, block, data, 0, data.length);
  return out;
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Heap in use after everything unreachable is gone, in MB. */
export function heapMb(): number {
  collect();
  return process.memoryUsage().heapUsed / 2 ** 20;
}
