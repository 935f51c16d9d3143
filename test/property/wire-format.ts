// Turns the worked examples of docs/wire-format.md into bytes and bytes into examples, by the code that plays.

import {
  angle,
  bool,
  defineGame,
  f32,
  grid,
  int,
  list,
  message,
  oneOf,
  press,
  ref,
  request,
  text,
  tick,
} from '@tickwire/netcode';
import {
  BASELINE_BITS,
  BitReader,
  BitWriter,
  CLIENT_PACKET,
  COMMAND_COUNT_BITS,
  decodeBye,
  decodeHello,
  decodeProbe,
  decodeRefused,
  decodeWelcome,
  encodeBye,
  encodeHello,
  encodeProbe,
  encodeRefused,
  encodeWelcome,
  type Game,
  newReplica,
  packPayload,
  type Replica,
  type RowSet,
  readCommand,
  readControls,
  readHeader,
  readSlackReport,
  SERVER_PACKET,
  SnapshotDecoder,
  unpackPayload,
  writeCommand,
  writeControls,
  writeHeader,
  writeSlackReport,
} from '@tickwire/netcode/internal';
import {
  FragmentCursor,
  writeBlocks,
  writeFragment,
} from '../../packages/netcode/src/connection/fragments.ts';
import {
  decodeTransferControl,
  encodeTransferControl,
  TRANSFER_CONTROL,
  type TransferControl,
} from '../../packages/netcode/src/connection/transfer.ts';
import { readText, writeText } from '../../packages/netcode/src/simulation/entity.ts';
import {
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  isAbout,
  type Outcome,
} from '../../packages/netcode/src/simulation/requests.ts';
import { RangeEncoder } from '../../packages/netcode/src/wire/range.ts';
import { HEADER_WORDS, MARK, OWNER, type RowSchema } from '../../packages/netcode/src/wire/schema.ts';
import { writeSnapshot } from './reference.ts';

/** What the declaration on the page may use. */
const VOCABULARY = {
  angle,
  bool,
  defineGame,
  f32,
  grid,
  int,
  list,
  message,
  oneOf,
  press,
  ref,
  request,
  text,
  tick,
};

/** What stands in the JSON block of an example. Keys depend on its kind. */
export type Told = Record<string, unknown>;

/** One example: two fenced blocks with the same kind and name, the bytes in hex and what they say. */
export interface Example {
  readonly kind: string;
  readonly name: string;
  readonly hex: string;
  readonly told: Told;
}

export interface Document {
  readonly game: Game;
  readonly examples: readonly Example[];
  /** Bit by bit listings: the bits in the order of writing, by the name of their example. */
  readonly listings: readonly { readonly name: string; readonly from: number; readonly bits: string }[];
  /** Listings of decisions: the tokens of the arithmetic coder, `bit@chance` or `value/bits`. */
  readonly decisions: readonly {
    readonly name: string;
    readonly from: number;
    readonly tokens: readonly string[];
  }[];
}

/** Reads the fenced blocks of the page. */
export function readDocument(markdown: string): Document {
  const blocks = [...markdown.matchAll(/^```(\w+) ([^\n]*)\n([\s\S]*?)^```$/gm)].map(
    ([, language, title, body]) => ({
      language: language ?? '',
      title: title ?? '',
      body: body ?? '',
    }),
  );
  const source = blocks.find(({ language, title }) => language === 'ts' && title === 'game')?.body ?? '';
  const make = new Function(...Object.keys(VOCABULARY), `${source}\nreturn game;`);
  const game = make(...Object.values(VOCABULARY)) as Game;
  const examples = blocks
    .filter(({ language }) => language === 'hex')
    .map(({ title, body }) => {
      const json = blocks.find((block) => block.language === 'json' && block.title === title)?.body;
      if (json === undefined) throw new Error(`the example "${title}" has no json block`);
      const [kind = '', ...name] = title.split(' ');
      return {
        kind,
        name: name.join(' '),
        hex: body.replace(/\s+/g, ' ').trim(),
        told: JSON.parse(json) as Told,
      };
    });
  const listings = blocks
    .filter(({ language }) => language === 'bits')
    .map(({ title, body }) => {
      const [name = '', from = '0'] = title.split(' from bit ');
      const bits = body.split('\n').map((line) => /^[01 ]+/.exec(line)?.[0].replace(/ /g, '') ?? '');
      return { name, from: Number(from), bits: bits.join('') };
    });
  const decisions = blocks
    .filter(({ language }) => language === 'chances')
    .map(({ title, body }) => {
      const [name = '', from = '0'] = title.split(' from bit ');
      return { name, from: Number(from), tokens: body.match(/\b\d+[@/]\d+/g) ?? [] };
    });
  return { game, examples, listings, decisions };
}

export const toHex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');

export const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from(
    hex.split(' ').filter((byte) => byte !== ''),
    (byte) => Number.parseInt(byte, 16),
  );

/** The bytes of an arithmetic coder's decisions, `bit@chance` or `value/bits`. */
export function codedBytes(tokens: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(1164);
  const coder = new RangeEncoder().open(bytes, 0, bytes.length);
  for (const token of tokens) {
    const [value = 0, of = 0] = token.split(/[@/]/).map(Number);
    if (token.includes('@')) coder.bit(value, of);
    else coder.bits(value, of);
  }
  return bytes.slice(0, coder.finish());
}

/** Bits `from` on of some bytes, in the order of writing. */
export const bitsOf = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => [...byte.toString(2).padStart(8, '0')].reverse().join('')).join('');

/** Knows the snapshots of the page, because later ones name earlier ones. */
export class Translator {
  readonly #game: Game;
  readonly #snapshots = new Map<number, Replica>();

  constructor(game: Game) {
    this.#game = game;
  }

  encode(kind: string, told: Told): Uint8Array {
    switch (kind) {
      case 'hello':
        return encodeHello({ ...told, ...this.#hello(told) } as never);
      case 'welcome':
        return encodeWelcome({
          ...told,
          token: fromHex(told['token'] as string),
          options: packPayload(told['options']),
        } as never);
      case 'refused':
        return encodeRefused(told as never);
      case 'bye':
        return encodeBye(told['reason'] as never);
      case 'probe':
        return encodeProbe(told as never);
      case 'client':
        return this.#encodeClient(told);
      case 'server':
        return this.#encodeServer(told);
      default:
        throw new Error(`unknown kind of example: ${kind}`);
    }
  }

  decode(kind: string, bytes: Uint8Array): Told {
    switch (kind) {
      case 'hello': {
        const hello = accepted(decodeHello(bytes));
        return {
          nonce: [...hello.nonce],
          schemaHash: [...hello.schemaHash],
          token: hello.token === undefined ? null : toHex(hello.token),
          room: hello.room,
          name: hello.name,
          profile: toHex(hello.profile),
        };
      }
      case 'welcome': {
        const { nonce, token, options, ...rest } = accepted(decodeWelcome(bytes));
        return { nonce: [...nonce], token: toHex(token), options: unpack(options), ...rest };
      }
      case 'refused': {
        const { nonce, ...rest } = accepted(decodeRefused(bytes));
        return { nonce: [...nonce], ...rest };
      }
      case 'bye':
        return { ...accepted(decodeBye(bytes)) };
      case 'probe':
        return { ...accepted(decodeProbe(bytes)) };
      case 'client':
        return this.#decodeClient(bytes);
      default:
        return this.#decodeServer(bytes);
    }
  }

  #hello(told: Told): object {
    const token = told['token'] as string | null;
    return {
      schemaHash: told['schemaHash'] ?? this.#game.schema.hash,
      token: token === null ? undefined : fromHex(token),
      profile: fromHex(told['profile'] as string),
    };
  }

  #encodeClient(told: Told): Uint8Array {
    const bytes = new Uint8Array(1164);
    const w = new BitWriter(bytes);
    const schema = this.#game.schema.command;
    const commands = told['commands'] as { newest: number; words: number[][] } | null;
    const snapshot = told['snapshot'] as number | null;
    writeHeader(w, CLIENT_PACKET, told['seq'] as number, told as never);
    w.write(told['hidden'] === true ? 1 : 0, 1);
    w.write(snapshot === null ? 0 : 1, 1);
    if (snapshot !== null) w.write(snapshot, 32);
    w.write(commands?.words.length ?? 0, COMMAND_COUNT_BITS);
    if (commands !== null) w.write(commands.newest, 32);
    let before = schema.neutral;
    for (const words of commands?.words ?? []) {
      const now = Int32Array.from(words);
      writeCommand(w, schema, now, 0, before, 0);
      before = now;
    }
    return bytes.slice(0, this.#writeMessages(bytes, w.finish(), told));
  }

  #decodeClient(bytes: Uint8Array): Told {
    const r = new BitReader(bytes);
    r.read(8);
    const header = readHeader(r);
    const hidden = r.readBool();
    const snapshot = r.readBool() ? r.read(32) : null;
    const count = r.read(COMMAND_COUNT_BITS);
    const newest = count > 0 ? r.read(32) : 0;
    const schema = this.#game.schema.command;
    const words: number[][] = [];
    let before = schema.neutral;
    for (let i = 0; i < count; i++) {
      const now = new Int32Array(schema.words);
      readCommand(r, schema, now, 0, before, 0);
      words.push([...now]);
      before = now;
    }
    if (!r.align() || r.failed) throw new Error('this client packet is refused');
    const commands = count === 0 ? null : { newest, words };
    return {
      ...header,
      hidden,
      snapshot,
      commands,
      messages: this.#readMessages('client', bytes, r.byteOffset),
    };
  }

  #encodeServer(told: Told): Uint8Array {
    const bytes = new Uint8Array(1164);
    const w = new BitWriter(bytes);
    const { schema } = this.#game;
    const tick = told['tick'] as number;
    writeHeader(w, SERVER_PACKET, told['seq'] as number, told as never);
    w.write(tick, 32);
    writeSlackReport(w, tick, (told['report'] ?? undefined) as never);
    const snapshot = told['snapshot'] as SnapshotTold | null;
    w.write(snapshot === null ? 0 : 1, 1);
    if (snapshot !== null) {
      const before = snapshot.baseline === null ? undefined : this.#snapshots.get(snapshot.baseline);
      w.write(
        snapshot.baseline === null ? 0 : (tick - snapshot.baseline) / schema.ticksPerSnapshot,
        BASELINE_BITS,
      );
      const after = this.#replica(tick, snapshot);
      after.baseline = snapshot.baseline ?? -1;
      writeControls(w, after.controls, 0, after.controls.length, before?.controls, 0);
      writeSnapshot(w, schema, before, after, snapshot.codec, this.#snapshots);
      this.#snapshots.set(tick, after);
    }
    return bytes.slice(0, this.#writeMessages(bytes, w.finish(), told));
  }

  #decodeServer(bytes: Uint8Array): Told {
    const r = new BitReader(bytes);
    const { schema } = this.#game;
    r.read(8);
    const header = readHeader(r);
    const tick = r.read(32);
    const report = readSlackReport(r, tick) ?? null;
    let snapshot: SnapshotTold | null = null;
    if (r.readBool()) {
      const age = r.read(BASELINE_BITS);
      const baseline = age === 0 ? null : tick - age * schema.ticksPerSnapshot;
      const before = baseline === null ? undefined : this.#snapshots.get(baseline);
      const replica = newReplica(schema, 1 + schema.command.presses.length);
      readControls(r, replica.controls, before?.controls);
      const codec = bitsOf(bytes)[bytes.length * 8 - r.remaining] === '1' ? 'small' : 'fast';
      new SnapshotDecoder(schema).decode(r, before, tick, replica, this.#snapshots);
      this.#snapshots.set(tick, replica);
      snapshot = this.#told(baseline, codec, replica);
    }
    if (!r.align() || r.failed) throw new Error('this server packet is refused');
    return { ...header, tick, report, snapshot, messages: this.#readMessages('server', bytes, r.byteOffset) };
  }

  #told(baseline: number | null, codec: 'fast' | 'small', replica: Replica): SnapshotTold {
    const controls = [...replica.controls];
    const told: SnapshotTold = { baseline, codec, controls, rows: {}, gone: {}, cells: {} };
    replica.tables.forEach((rows, t) => {
      const { name } = rows.schema;
      told.rows[name] = Array.from({ length: rows.count }, (_, i) => rowTold(rows, i));
      const gone = [...(replica.gone[t] ?? [])].slice(0, replica.goneCounts[t]);
      if (gone.length > 0) told.gone[name] = gone;
      if (this.#game.schema.positions[t] !== undefined) told.cells[name] = cellsTold(replica, t);
    });
    return told;
  }

  #replica(tick: number, told: SnapshotTold): Replica {
    const replica = newReplica(this.#game.schema, told.controls.length);
    replica.tick = tick;
    replica.controls.set(told.controls);
    replica.tables.forEach((rows, t) => {
      const { name } = rows.schema;
      for (const row of told.rows[name] ?? []) pushRow(rows, row);
      const gone = told.gone[name] ?? [];
      replica.gone[t] = Int32Array.from(gone);
      replica.goneCounts[t] = gone.length;
      const lists = replica.lists[t];
      let read = 0;
      if (told.cells[name] === undefined) lists?.add(0, 0, rows.count);
      for (const [key, ids] of Object.entries(told.cells[name] ?? {})) {
        lists?.add(Number(key), read, read + ids.length);
        for (const id of ids) if (lists !== undefined) lists.members[read++] = rows.find(id);
      }
    });
    return replica;
  }

  #writeMessages(bytes: Uint8Array, at: number, told: Told): number {
    let end = at;
    for (const said of told['messages'] as (FragmentTold | BlocksTold)[]) {
      if ('block' in said) {
        const data = fromHex(said.data);
        end = writeBlocks(bytes, end, said.transfer, said.block, data, 0, data.length);
      } else {
        const data = this.#writeMessage(said);
        end = writeFragment(bytes, end, said.reliable, said.end, said.number, data, 0, data.length);
      }
    }
    return end;
  }

  #writeMessage(said: FragmentTold): Uint8Array {
    if ('control' in said) return encodeTransferControl(said.control);
    if ('request' in said) return encodeRequest(this.#game, said.request, said.id, said.payload);
    if ('answer' in said) return encodeAnswer(this.#game, said.answer, said.id, said.outcome);
    return Uint8Array.of(this.#game.schema.messageNames.indexOf(said.type), ...packPayload(said.payload));
  }

  #readMessages(from: 'client' | 'server', bytes: Uint8Array, start: number): (FragmentTold | BlocksTold)[] {
    const cursor = new FragmentCursor();
    cursor.open(start);
    const messages: (FragmentTold | BlocksTold)[] = [];
    while (cursor.to < bytes.length) {
      if (cursor.next(bytes, bytes.length) !== 'ok') throw new Error('this section is refused');
      const { reliable, end, number, block } = cursor;
      const data = bytes.slice(cursor.from, cursor.to);
      messages.push(
        cursor.blocks
          ? { transfer: number, block, data: toHex(data) }
          : { reliable, end, number, ...this.#readMessage(from, data) },
      );
    }
    return messages;
  }

  #readMessage(from: 'client' | 'server', data: Uint8Array): Said {
    if (data[0] === TRANSFER_CONTROL) return { control: accepted(decodeTransferControl(data)) };
    if (!isAbout(this.#game, data)) {
      const type = this.#game.schema.messageNames[data[0] ?? 255] ?? '';
      return { type, payload: unpack(data.slice(1)) };
    }
    if (from === 'client') {
      const { name, id, payload } = accepted(decodeRequest(this.#game, data) ?? 'no request');
      return { request: name, id, payload: payload?.value };
    }
    const { name, id, outcome } = accepted(decodeAnswer(this.#game, data) ?? 'no answer');
    return { answer: name, id, outcome };
  }
}

interface SnapshotTold {
  baseline: number | null;
  codec: 'fast' | 'small';
  controls: number[];
  rows: Record<string, Record<string, unknown>[]>;
  /** Ids that do not exist any more, by type; types without any are left out. */
  gone: Record<string, number[]>;
  /** For each type with a position, which ids stand in which list. */
  cells: Record<string, Record<string, number[]>>;
}

type Said =
  | { type: string; payload: unknown }
  | { request: string; id: number; payload: unknown }
  | { answer: string; id: number; outcome: Outcome }
  | { control: TransferControl };

type FragmentTold = Said & { reliable: boolean; end: boolean; number: number };

interface BlocksTold {
  transfer: number;
  block: number;
  data: string;
}

function cellsTold(replica: Replica, t: number): Record<string, number[]> {
  const lists = replica.lists[t];
  const told: Record<string, number[]> = {};
  for (let i = 0; i < (lists?.count ?? 0); i++) {
    const members = [...(lists?.members.subarray(lists.starts[i], lists.starts[i + 1]) ?? [])];
    told[`${lists?.keys[i]}`] = members.map((row) => replica.tables[t]?.id(row) ?? 0);
  }
  return told;
}

/** A row as stored integers, texts and lists as themselves. */
function rowTold(rows: RowSet, index: number): Record<string, unknown> {
  const { schema, data } = rows;
  const at = index * schema.stride;
  const told: Record<string, unknown> = { id: rows.id(index), held: data[at + MARK] };
  for (const { name, field, at: word } of schema.fields) {
    if (field.kind === 'text') told[name] = readText(data, at + word);
    else if (field.kind === 'list')
      told[name] = [...data.subarray(at + word + 1, at + word + 1 + (data[at + word] ?? 0))];
    else told[name] = data[at + word];
  }
  return told;
}

function pushRow(rows: RowSet, told: Record<string, unknown>): void {
  const { schema } = rows;
  const row = new Int32Array(schema.stride);
  const id = told['id'] as number;
  row[0] = id;
  row[OWNER] = id >> 16;
  row[MARK] = told['held'] as number;
  for (const { name, field, at } of (schema as RowSchema).fields) {
    const value = told[name];
    if (field.kind === 'text') writeText(row, at, field, value as string);
    else if (field.kind === 'list') row.set([(value as number[]).length, ...(value as number[])], at);
    else row[at] = value as number;
  }
  rows.push(row, 0);
  if (HEADER_WORDS !== 3) throw new Error('rows start after three words');
}

function accepted<T extends object>(read: T | string): T {
  if (typeof read === 'string') throw new Error(`refused: ${read}`);
  return read;
}

function unpack(bytes: Uint8Array): unknown {
  const read = unpackPayload(bytes);
  if (!read.ok) throw new Error(`refused: ${read.refusal}`);
  return read.value;
}
