// Second encodings and broken snapshots that the decoder must refuse.

import { describe, expect, test } from 'vitest';
import { defineGame } from '../simulation/game.ts';
import { BitReader, BitWriter } from '../wire/bits.ts';
import { int, ref } from '../wire/fields.ts';
import { newReplica, type Replica, SnapshotDecoder } from './decode.ts';

const game = defineGame({
  name: 'two',
  entities: { thing: { hue: int(0, 15), other: ref('thing') } },
  command: { go: int(0, 1) },
  step() {},
});
const { schema } = game;
const ID = 2 * 65536 + 7;

/** Decodes what `write` writes for the `thing` table; `players` and `room` are left as they are. */
function decode(
  baseline: Replica | undefined,
  tick: number,
  write: (w: BitWriter) => void,
): Replica | 'refused' {
  const w = new BitWriter(new Uint8Array(64));
  for (const t of [0, 1]) {
    const { count } = baseline?.tables[t] ?? { count: 0 };
    if (count > 0) w.writeGolomb(count, 0);
    w.writeGolomb(0, 0);
  }
  write(w);
  const replica = newReplica(schema, 1);
  const r = new BitReader(w.bytes.slice(0, w.finish()));
  new SnapshotDecoder(schema).decode(r, baseline, tick, replica);
  return r.failed || !r.align() || r.remaining > 0 ? 'refused' : replica;
}

function newThing(w: BitWriter, hue: number): void {
  w.writeGolomb(1, 0);
  w.write(0, 1);
  w.write(ID >> 16, 8);
  w.write(ID & 0xffff, 16);
  w.write(0, 1); // one field changed
  w.write(1, 2); // hue
  w.write(hue, 4);
}

const held = decode(undefined, 3, (w) => newThing(w, 5)) as Replica;

describe('the snapshot decoder', () => {
  test('takes the row that the refusals below are made from', () => {
    expect(held.tables[2]?.id(0)).toBe(ID);
    expect(held.tables[2]?.data[3]).toBe(5);
  });

  test('[W2] refuses a held row that is removed and sent anew: it can only be changed', () => {
    const anew = decode(held, 6, (w) => {
      w.writeGolomb(0, 0);
      w.write(0b01, 2);
      newThing(w, 9);
    });
    expect(anew).toBe('refused');
  });

  test('[W2] refuses a reference to entity 0: none has its own code', () => {
    const none = decode(held, 6, (w) => {
      w.writeGolomb(0, 0);
      w.write(0, 1); // changed
      w.write(0, 1); // in one field
      w.write(2, 2); // the reference
      w.write(0, 1); // to an entity
      w.write(0, 31);
      w.writeGolomb(0, 0);
    });
    expect(none).toBe('refused');
  });

  test('[W2] refuses a changed row in which nothing changed', () => {
    const same = decode(held, 6, (w) => {
      w.writeGolomb(0, 0);
      w.write(0, 1); // changed
      w.write(1, 4); // none of three fields
      w.writeGolomb(0, 0);
    });
    expect(same).toBe('refused');
  });

  test('[W2] refuses two held runs where one would do', () => {
    const two = decode(undefined, 3, (w) => {
      w.writeGolomb(2, 0);
      for (const [same, counter] of [
        [0, 7],
        [1, 8],
      ] as const) {
        w.write(same, 1);
        if (same === 0) w.write(2, 8);
        if (same === 0) w.write(counter, 16);
        else w.writeGolomb(0, 4);
        w.write(1, 4);
      }
    }) as Replica;
    expect(two.tables[2]?.count).toBe(2);
    const runs = (write: (w: BitWriter) => void) =>
      decode(two, 6, (w) => {
        write(w);
        w.writeGolomb(0, 0);
      });
    const one = runs((w) => {
      w.writeGolomb(0, 0);
      w.write(0b11, 2);
      w.writeGolomb(1, 0);
    });
    const split = runs((w) => {
      for (let i = 0; i < 2; i++) {
        w.writeGolomb(0, 0);
        w.write(0b11, 2);
        w.writeGolomb(0, 0);
      }
    });
    expect(one).not.toBe('refused');
    expect(split).toBe('refused');
  });

  test('[W1] refuses counts that promise more rows than the bytes hold', () => {
    expect(decode(held, 6, (w) => w.writeGolomb(1_000_000, 0))).toBe('refused');
    expect(decode(undefined, 3, (w) => w.writeGolomb(2 ** 30, 0))).toBe('refused');
  });
});
