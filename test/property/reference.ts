// A second, slower writer of snapshots, made from docs/wire-format.md alone: what the decoder accepted must come out of it again.

import type { BitWriter, GameSchema, Replica, RowSet } from '@tickwire/netcode/internal';
import { HELD_WINDOW_TICKS } from '../../packages/netcode/src/base/units.ts';
import { RowCodec } from '../../packages/netcode/src/replication/rowcodec.ts';
import { MARK, type RowSchema } from '../../packages/netcode/src/wire/schema.ts';

/** Writes the one snapshot that leads from `before` to `after`: rows marked with the tick are sent, older ones are held. */
export function writeSnapshot(
  w: BitWriter,
  schema: GameSchema,
  before: Replica | undefined,
  after: Replica,
): void {
  schema.rows.forEach((row, t) => {
    const codec = codecOf(row);
    const rows = after.tables[t] as RowSet;
    const old = before?.tables[t];
    if (old !== undefined) writeHeldRows(w, codec, old, rows, after.tick);
    writeNewRows(w, codec, old, rows, after.tick);
  });
}

const codecs = new WeakMap<RowSchema, RowCodec>();

function codecOf(row: RowSchema): RowCodec {
  const codec = codecs.get(row) ?? new RowCodec(row);
  codecs.set(row, codec);
  return codec;
}

function writeHeldRows(w: BitWriter, codec: RowCodec, old: RowSet, rows: RowSet, tick: number): void {
  const { stride, empty } = old.schema;
  let gap = 0;
  for (let i = 0; i < old.count; i++) {
    const index = rows.find(old.id(i));
    if (index < 0) {
      w.writeGolomb(gap, 0);
      w.write(0b01, 2); // 10 in the order of writing
      gap = 0;
      continue;
    }
    if ((rows.data[index * stride + MARK] ?? 0) !== tick) {
      let run = 1;
      while (i + run < old.count && isHeld(old, rows, i + run, tick)) run++;
      w.writeGolomb(gap, 0);
      w.write(0b11, 2);
      w.writeGolomb(run - 1, 0);
      gap = 0;
      i += run - 1;
      continue;
    }
    const age = tick - (old.data[i * stride + MARK] ?? 0);
    if (age > HELD_WINDOW_TICKS) codec.expect(empty, 0, 0);
    else codec.expect(old.data, i * stride, age);
    if (codec.matches(rows.data, index * stride)) {
      gap++;
      continue;
    }
    w.writeGolomb(gap, 0);
    w.write(0, 1);
    gap = 0;
    codec.write(w, rows.data, index * stride, tick);
  }
  if (gap > 0) w.writeGolomb(gap, 0);
}

function isHeld(old: RowSet, rows: RowSet, i: number, tick: number): boolean {
  const index = rows.find(old.id(i));
  return index >= 0 && (rows.data[index * rows.schema.stride + MARK] ?? 0) !== tick;
}

function writeNewRows(
  w: BitWriter,
  codec: RowCodec,
  old: RowSet | undefined,
  rows: RowSet,
  tick: number,
): void {
  const { stride, empty } = rows.schema;
  const fresh: number[] = [];
  for (let i = 0; i < rows.count; i++) if ((old?.find(rows.id(i)) ?? -1) < 0) fresh.push(i);
  w.writeGolomb(fresh.length, 0);
  let last = 0;
  for (const i of fresh) {
    const id = rows.id(i);
    if (last !== 0 && id >> 16 === last >> 16) {
      w.write(1, 1);
      w.writeGolomb(id - last - 1, 4);
    } else {
      w.write(0, 1);
      w.write(id >> 16, 8);
      w.write(id & 0xffff, 16);
    }
    last = id;
    codec.expect(empty, 0, 0);
    codec.write(w, rows.data, i * stride, tick);
  }
}
