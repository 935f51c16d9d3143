// Second encodings and broken snapshots that the decoder must refuse.

import { describe, expect, test } from 'vitest';
import { defineGame } from '../simulation/game.ts';
import { BitReader, BitWriter } from '../wire/bits.ts';
import { int, ref } from '../wire/fields.ts';
import { newReplica, type Replica, SnapshotDecoder } from './decode.ts';

const game = defineGame({
  name: 'two',
  entities: {
    thing: { hue: int(0, 15), other: ref('thing') },
    // Four cells in a row: lists 1, 2, 3 and 4.
    place: { x: int(0, 39), y: int(0, 9) },
  },
  interest: { position: { place: ['x', 'y'] }, radius: 30, cell: 10 },
  command: { go: int(0, 1) },
  step() {},
});
const { schema } = game;
const THING = 2;
const PLACE = 3;
const ID = 2 * 65536 + 7;

type Write = (w: BitWriter) => void;

const nothing: Write = (w) => w.writeGolomb(0, 0);

/** Says of a table that all is as expected: every row of every list. */
function asHeld(w: BitWriter, baseline: Replica | undefined, t: number): void {
  const lists = baseline?.lists[t];
  const spatial = schema.positions[t] !== undefined;
  for (let i = 0; i < (lists?.count ?? 1); i++) {
    const count = (lists?.starts[i + 1] ?? 0) - (lists?.starts[i] ?? 0);
    if (i > 0) w.write(0, 1);
    if (count > 0) w.writeGolomb(count, 0);
    w.writeGolomb(0, 0);
    if (spatial && i === 0) w.writeGolomb(0, 0);
  }
}

/** Decodes what `write` writes for table `t`; the others are left as they are. */
function decode(baseline: Replica | undefined, tick: number, t: number, write: Write): Replica | 'refused' {
  const w = new BitWriter(new Uint8Array(64));
  w.write(0, 1); // the fast codec
  for (let other = 0; other < schema.rows.length; other++) {
    if (other === t) write(w);
    else asHeld(w, baseline, other);
  }
  const replica = newReplica(schema, 1);
  const r = new BitReader(w.bytes.slice(0, w.finish()));
  new SnapshotDecoder(schema).decode(r, baseline, tick, replica);
  return r.failed || !r.align() || r.remaining > 0 ? 'refused' : replica;
}

const asExpected =
  (count: number): Write =>
  (w) =>
    w.writeGolomb(count, 0);

/** The codes after `gap` rows that are as expected. */
const code =
  (bits: number, size: number, gap = 0): Write =>
  (w) => {
    w.writeGolomb(gap, 0);
    w.write(bits, size);
  };
const gone = code(0b01, 2);
const left = code(0b011, 3);
const kept =
  (run: number): Write =>
  (w) => {
    code(0b111, 3)(w);
    w.writeGolomb(run - 1, 0);
  };

const all =
  (...writes: Write[]): Write =>
  (w) => {
    for (const write of writes) write(w);
  };

const bits =
  (value: number, count: number): Write =>
  (w) =>
    w.write(value, count);

/** What becomes of a held list. */
const section = bits(0, 1);
const keptList = bits(0b01, 2);
const droppedList = bits(0b11, 2);

const fullId =
  (id: number): Write =>
  (w) => {
    w.write(0, 1);
    w.write(id >> 16 === 0 ? 0 : 1, 1);
    if (id >> 16 !== 0) w.write(id >> 16, 8);
    w.write(id & 0xffff, 16);
  };

/** Which field of a row changed: `$cut` is 0, the declared ones follow. */
const field = (index: number): Write => all(bits(0, 1), bits(index, 2));

/** A row in which no field changed: the mask says so. */
const plainRow = bits(1, 4);

const newThing = (hue: number): Write => all(asExpected(1), fullId(ID), field(1), bits(hue, 4));

/** The row of a place that is new: at x, whole. */
const at = (x: number): Write => all(field(1), bits(x, 6));

const entered =
  (...keys: number[]): Write =>
  (w) => {
    w.writeGolomb(keys.length, 0);
    let last = 0;
    for (const key of keys) {
      w.writeGolomb(key - last - 1, 3);
      last = key;
    }
  };

const held = decode(undefined, 3, THING, newThing(5)) as Replica;

/** Lists 0 (empty), 1 with rows 7 and 8, and 3 (empty). */
const placed = decode(
  undefined,
  3,
  PLACE,
  all(
    nothing,
    entered(1, 3),
    asExpected(2),
    fullId(ID),
    at(5),
    bits(1, 1),
    (w) => w.writeGolomb(0, 4),
    at(9),
    nothing,
  ),
) as Replica;

const places = (...writes: Write[]): Replica | 'refused' => decode(placed, 6, PLACE, all(...writes));

const idsOf = (replica: Replica | 'refused', t: number): string =>
  replica === 'refused'
    ? replica
    : Array.from({ length: replica.lists[t]?.count ?? 0 }, (_, i) => {
        const lists = replica.lists[t];
        const members = [...(lists?.members.subarray(lists.starts[i], lists.starts[i + 1]) ?? [])];
        return `${lists?.keys[i]}:${members.map((row) => (replica.tables[t]?.id(row) ?? 0) & 0xffff)}`;
      }).join(' ');

describe('the snapshot decoder', () => {
  test('takes the rows that the refusals below are made from', () => {
    expect(held.tables[THING]?.id(0)).toBe(ID);
    expect(held.tables[THING]?.data[3]).toBe(5);
    expect(idsOf(placed, PLACE)).toBe('0: 1:7,8 3:');
  });

  test('[W2] refuses a held row that is gone, or has left, and is sent anew: it can only be changed', () => {
    for (const removed of [gone, left]) {
      expect(decode(held, 6, THING, all(removed, newThing(9)))).toBe('refused');
      expect(decode(held, 6, THING, all(removed, nothing))).not.toBe('refused');
    }
    const moved = all(asExpected(1), fullId(ID), bits(0, 1));
    expect(decode(held, 6, THING, all(left, moved))).toBe('refused');
  });

  test('[W2] refuses a reference to entity 0: none has its own code', () => {
    const to = (id: number): Replica | 'refused' =>
      decode(held, 6, THING, all(code(0, 1), field(2), bits(0, 1), bits(id, 31), nothing));
    expect(to(ID)).not.toBe('refused');
    expect(to(0)).toBe('refused');
  });

  test('[W2] refuses a changed row in which nothing changed', () => {
    expect(decode(held, 6, THING, all(code(0, 1), plainRow, nothing))).toBe('refused');
  });

  test('[W2] refuses a mask in which one field changed: it has a shorter code', () => {
    const hue = bits(9, 4);
    expect(decode(held, 6, THING, all(code(0, 1), field(1), hue, nothing))).not.toBe('refused');
    expect(decode(held, 6, THING, all(code(0, 1), bits(1, 1), bits(0b010, 3), hue, nothing))).toBe('refused');
    expect(decode(held, 6, THING, all(code(0, 1), field(3), nothing)), 'no such field').toBe('refused');
  });

  test('[W2] refuses two kept runs where one would do, and a gap of none at the end', () => {
    const two = decode(
      undefined,
      3,
      THING,
      all(asExpected(2), fullId(ID), plainRow, bits(1, 1), (w) => w.writeGolomb(0, 4), plainRow),
    ) as Replica;
    expect(two.tables[THING]?.count).toBe(2);
    expect(decode(two, 6, THING, all(kept(2), nothing))).not.toBe('refused');
    expect(decode(two, 6, THING, all(kept(1), kept(1), nothing))).toBe('refused');
    expect(decode(two, 6, THING, all(kept(3), nothing))).toBe('refused');
    expect(decode(two, 6, THING, all(kept(1), asExpected(1), nothing))).not.toBe('refused');
    expect(decode(two, 6, THING, all(kept(2), asExpected(0), nothing))).toBe('refused');
    expect(decode(two, 6, THING, all(asExpected(3), nothing))).toBe('refused');
  });

  test('[W1] refuses counts that promise more rows than the bytes hold', () => {
    expect(decode(held, 6, THING, asExpected(1_000_000))).toBe('refused');
    expect(decode(undefined, 3, THING, asExpected(2 ** 30))).toBe('refused');
    expect(decode(undefined, 3, PLACE, all(nothing, asExpected(2 ** 30)))).toBe('refused');
  });

  test('[W2] refuses ids that are not in rising order, or spelled in another way than the one', () => {
    const ids = (...write: Write[]): unknown =>
      decode(undefined, 3, THING, all(asExpected(write.length), ...write.flatMap((id) => [id, plainRow])));
    const [one, two] = [fullId(5), fullId(2 * 65536 + 5)];
    expect(ids(one, two)).not.toBe('refused');
    expect(ids(two, one)).toBe('refused');
    expect(ids(two, two)).toBe('refused');
    expect(ids(two, fullId(2 * 65536 + 6)), 'the same seat named again').toBe('refused');
    expect(ids(one, fullId(6)), 'seat 0 again').toBe('refused');
    expect(ids(all(bits(2, 2), bits(0, 8), bits(5, 16))), 'seat 0 named').toBe('refused');
    expect(ids(all(bits(1, 1), (w) => w.writeGolomb(4, 4))), 'counted on from nothing').toBe('refused');
    expect(
      ids(
        one,
        all(bits(1, 1), (w) => w.writeGolomb(65_531, 4)),
      ),
      'counted on into the next seat',
    ).toBe('refused');
    expect(ids(fullId(0)), 'no entity has id 0').toBe('refused');
    expect(ids(fullId((schema.maxPlayers + 1) * 65536)), 'a seat that there is not').toBe('refused');
  });
});

describe('the snapshot decoder with cells', () => {
  test('takes lists that are kept, dropped, entered and walked through', () => {
    expect(idsOf(places(nothing, entered(), keptList, section, nothing), PLACE)).toBe('0: 1:7,8 3:');
    expect(idsOf(places(nothing, entered(), droppedList, droppedList), PLACE)).toBe('0:');
    const walked = places(
      nothing,
      entered(2, 4),
      ...[section, left, asExpected(1), nothing],
      ...[asExpected(1), fullId(ID), bits(0, 1)],
      ...[section, nothing],
      ...[asExpected(1), fullId(ID + 2), at(35)],
    );
    expect(idsOf(walked, PLACE)).toBe('0: 1:8 2:7 3: 4:9');
  });

  test('takes a row of a dropped list in another list as one that moved', () => {
    const moved = all(asExpected(1), fullId(ID), bits(0, 1));
    expect(idsOf(places(nothing, entered(2), droppedList, moved, section, nothing), PLACE)).toBe('0: 2:7 3:');
    const anew = all(asExpected(1), fullId(ID), at(5));
    expect(places(nothing, entered(2), droppedList, anew, section, nothing)).toBe('refused');
  });

  test('[W2] refuses a kept list that is spelled row by row, and a kept list without rows', () => {
    expect(places(nothing, entered(), section, kept(2), nothing, section, nothing)).toBe('refused');
    expect(places(nothing, entered(), keptList, keptList)).toBe('refused');
    // With something new in it there is no other way.
    const more = all(asExpected(1), fullId(ID + 2), at(5));
    expect(idsOf(places(nothing, entered(), section, kept(2), more, section, nothing), PLACE)).toBe(
      '0: 1:7,8,9 3:',
    );
  });

  test('[W2] refuses an id that stands in two lists', () => {
    const moved = all(asExpected(1), fullId(ID), bits(0, 1));
    const stays = [section, asExpected(2), nothing] as const;
    expect(places(nothing, entered(2), ...stays, moved, section, nothing), 'as expected').toBe('refused');
    expect(places(nothing, entered(2), keptList, moved, section, nothing), 'kept').toBe('refused');
    const twice = all(asExpected(1), fullId(ID + 2), at(5));
    expect(places(nothing, entered(2), keptList, twice, section, twice), 'new').toBe('refused');
    expect(places(twice, entered(), keptList, section, twice), 'own').toBe('refused');
  });

  test('[W2] refuses a row that left a list and is sent anew in it', () => {
    const moved = all(asExpected(1), fullId(ID), bits(0, 1));
    expect(places(nothing, entered(), section, left, asExpected(1), moved, section, nothing)).toBe('refused');
  });

  test('[W2] refuses a row that is gone and stands in another list', () => {
    const moved = all(asExpected(1), fullId(ID), bits(0, 1));
    expect(places(nothing, entered(2), section, gone, asExpected(1), nothing, moved, section, nothing)).toBe(
      'refused',
    );
    expect(
      idsOf(
        places(nothing, entered(2), section, left, asExpected(1), nothing, moved, section, nothing),
        PLACE,
      ),
    ).toBe('0: 1:8 2:7 3:');
  });

  test('[W2] refuses a moved row that says it changed and did not', () => {
    const same = all(asExpected(1), fullId(ID), bits(1, 1), plainRow);
    expect(places(nothing, entered(2), section, left, asExpected(1), nothing, same, section, nothing)).toBe(
      'refused',
    );
  });

  test('[W1] [W2] refuses entered keys that are held, or beyond the grid', () => {
    expect(places(nothing, entered(1), keptList, section, nothing), 'held').toBe('refused');
    expect(places(nothing, entered(3), keptList, nothing, section, nothing), 'held, further on').toBe(
      'refused',
    );
    expect(places(nothing, entered(5), keptList, section, nothing, nothing), 'beyond').toBe('refused');
    expect(places(nothing, entered(4), keptList, section, nothing, nothing)).not.toBe('refused');
    expect(
      decode(undefined, 3, PLACE, all(nothing, entered(1, 2, 3, 4), nothing, nothing, nothing, nothing)),
    ).not.toBe('refused');
  });
});
