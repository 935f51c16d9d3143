/** Reads recordings: any tick of one, by random access over its blocks. */

import { unpack } from 'msgpackr';
import { assert, UsageError } from '../base/assert.ts';
import { MAGIC, type TraceFile } from './blocks.ts';
import { ByteReader } from './bytes.ts';
import type { TraceHeader, TraceType } from './description.ts';
import { copyRows, newRows, type Rows, readChanges, readRows } from './rows.ts';

/** One recorded tick. */
export interface TraceTick {
  readonly tick: number;
  /** Rows by type: all of them on a server, the predicted ones on a client. */
  readonly tables: readonly Rows[];
  /** Control words: of all seats on a server, the own ones on a client. */
  readonly controls: Int32Array;
  /** Command words by seat. */
  readonly commands: ReadonlyMap<number, Int32Array>;
  /** What the server wrote alone, as `type id` to field indices; none: all of the row. Empty on clients. */
  readonly alone: ReadonlyMap<string, readonly number[]>;
  /** On clients only. */
  readonly run: TraceRun | undefined;
}

/** How a client came to what it predicted. */
export interface TraceRun {
  /** The restored tick that this run came from; -1 when unknown. */
  readonly base: number;
  /** The newest snapshot it knew. */
  readonly seen: number;
  readonly runs: number;
  readonly discarded: { readonly writes: number; readonly spawns: number; readonly despawns: number };
  /** Commands of others that rules read, by seat: levels, and pulls in that tick. */
  readonly others: ReadonlyMap<number, Int32Array>;
  /** The command was made for an earlier tick and ran again. */
  readonly repeated: boolean;
  /** What the first run gave, where the last one gave something else. */
  readonly first: { readonly tables: readonly Rows[]; readonly controls: Int32Array } | undefined;
}

/** Blocks kept decoded: a join looks back by at most two seconds. */
const DECODED_BLOCKS = 6;

export class Recording {
  readonly header: TraceHeader;
  readonly #blocks: TraceFile['blocks'];
  readonly #decoded = new Map<number, Map<number, TraceTick>>();

  /** Throws a `UsageError` when the bytes are not a recording. */
  constructor(bytes: Uint8Array) {
    let file: Partial<TraceFile> | undefined;
    try {
      file = unpack(bytes) as Partial<TraceFile> | undefined;
    } catch {
      file = undefined;
    }
    assert(file?.magic === MAGIC && Array.isArray(file.blocks), 'these bytes are not a recording');
    assert(
      file.header?.format === 1,
      `this recording is in format ${String(file.header?.format)}, this tool reads 1; use the version of tickwire that recorded it`,
    );
    this.header = file.header;
    this.#blocks = file.blocks;
  }

  /** Recorded ticks, oldest first. */
  *ticks(): Generator<TraceTick> {
    for (let b = 0; b < this.#blocks.length; b++) yield* this.#block(b).values();
  }

  at(tick: number): TraceTick | undefined {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#blocks[middle]?.tick ?? 0) <= tick) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : this.#block(low - 1).get(tick);
  }

  /** First and last recorded tick; undefined when there is none. */
  get range(): { readonly from: number; readonly to: number } | undefined {
    const from = this.#blocks[0]?.tick;
    if (from === undefined) return undefined;
    return { from, to: Math.max(...this.#block(this.#blocks.length - 1).keys()) };
  }

  #block(index: number): Map<number, TraceTick> {
    const known = this.#decoded.get(index);
    if (known !== undefined) return known;
    const block = this.#blocks[index];
    if (block === undefined) throw new UsageError('this recording is damaged: a block is missing');
    const ticks = new BlockReader(this.header, block.bytes).read();
    this.#decoded.set(index, ticks);
    const [oldest] = this.#decoded.keys();
    if (this.#decoded.size > DECODED_BLOCKS && oldest !== undefined) this.#decoded.delete(oldest);
    return ticks;
  }
}

class BlockReader {
  readonly #header: TraceHeader;
  readonly #r: ByteReader;
  readonly #commands = new Map<number, Int32Array>();

  constructor(header: TraceHeader, bytes: Uint8Array) {
    this.#header = header;
    this.#r = new ByteReader(bytes);
  }

  read(): Map<number, TraceTick> {
    const ticks = new Map<number, TraceTick>();
    let last: TraceTick | undefined;
    while (!this.#r.done) {
      last = this.#header.side === 'server' ? this.#serverTick(last) : this.#clientTick(last);
      ticks.set(last.tick, last);
    }
    return ticks;
  }

  #serverTick(last: TraceTick | undefined): TraceTick {
    const r = this.#r;
    const tick = (last?.tick ?? 0) + r.unsigned();
    const tables = this.#tables(last?.tables);
    const controls = this.#controls(last?.controls);
    const commands = new Map<number, Int32Array>();
    let seat = 0;
    for (let n = r.unsigned(); n > 0; n--) {
      seat += r.unsigned();
      commands.set(seat, this.#words(seat));
    }
    const alone = new Map<string, readonly number[]>();
    for (let n = r.unsigned(); n > 0; n--) {
      const key = `${r.unsigned()} ${r.unsigned()}`;
      const fields: number[] = [];
      for (let f = r.unsigned(); f > 0; f--) fields.push(r.unsigned());
      alone.set(key, fields);
    }
    return { tick, tables, controls, commands, alone, run: undefined };
  }

  #clientTick(last: TraceTick | undefined): TraceTick {
    const r = this.#r;
    const { seat } = this.#header;
    const tick = (last?.tick ?? 0) + r.unsigned();
    const since = r.unsigned();
    const seen = tick - r.unsigned();
    const runs = r.unsigned();
    const discarded = { writes: r.unsigned(), spawns: r.unsigned(), despawns: r.unsigned() };
    const kind = r.unsigned();
    const words = this.#words(seat);
    const others = new Map<number, Int32Array>();
    let other = 0;
    for (let n = r.unsigned(); n > 0; n--) {
      other += r.unsigned();
      others.set(other, this.#words(other));
    }
    const tables = this.#tables(last?.tables);
    const controls = this.#controls(last?.controls);
    const first =
      r.unsigned() === 0 ? undefined : { tables: this.#tables(tables), controls: this.#controls(controls) };
    const run = {
      base: since === 0 ? -1 : tick - since + 1,
      seen,
      runs,
      discarded,
      others,
      repeated: kind === 2,
      first,
    };
    const commands = kind === 0 ? new Map<number, Int32Array>() : new Map([[seat, words]]);
    return { tick, tables, controls, commands, alone: new Map(), run };
  }

  #words(seat: number): Int32Array {
    const { command } = this.#header;
    const words = this.#commands.get(seat) ?? Int32Array.from(command, neutralOf);
    this.#commands.set(seat, words);
    readChanges(this.#r, words);
    return words.slice();
  }

  #tables(before: readonly Rows[] | undefined): Rows[] {
    return this.#header.types.map((type, t) => this.#rows(type, before?.[t]));
  }

  #rows({ stride }: TraceType, before: Rows | undefined): Rows {
    const rows = newRows();
    readRows(this.#r, stride, before ?? newRows(), rows);
    if (before !== undefined && rows.data.length > 2 * (rows.count + 1) * stride) {
      const fitting = newRows();
      copyRows(stride, rows, fitting);
      return fitting;
    }
    return rows;
  }

  #controls(before: Int32Array | undefined): Int32Array {
    const seats = this.#header.side === 'client' ? 0 : this.#header.seats;
    const controls = before?.slice() ?? new Int32Array(this.#header.controls.length * (seats + 1));
    readChanges(this.#r, controls);
    return controls;
  }
}

/** As a command's fields are before anything was pressed. */
const neutralOf = ({ lo, hi, kind }: TraceHeader['command'][number]): number =>
  kind === 'f32' ? 0 : Math.min(Math.max(0, lo), hi);
