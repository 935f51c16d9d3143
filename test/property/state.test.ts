// State: whatever game code writes is on the wire grid; tables, saves and hashes against a plain map.

import { defineGame, type Field, int, Rng } from '@tickwire/netcode';
import { BitReader, BitWriter, type Game, RowSet, WorldCore } from '@tickwire/netcode/internal';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readControls, writeControls } from '../../packages/netcode/src/replication/packets.ts';
import { RowCodec } from '../../packages/netcode/src/replication/rows/rowcodec.ts';
import { games, runs, scatter } from './arbitrary.ts';

const numbers = fc.oneof(
  fc.double(),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }),
  fc.constantFrom(
    0,
    -0,
    1e-50,
    -1e-50,
    1e39,
    -1e39,
    1e308,
    Infinity,
    -Infinity,
    NaN,
    2 ** 31,
    -(2 ** 31),
    2 ** 53,
    3.4028235e38,
  ),
);

describe('state', () => {
  test('[W1] [W2] any number written to any field leaves a row that travels and comes back the same', () => {
    fc.assert(
      fc.property(games, fc.array(numbers, { minLength: 1, maxLength: 30 }), (game, values) => {
        for (const schema of game.schema.rows.slice(2)) {
          const world = new WorldCore(game.schema, false);
          world.open(-1);
          const row = world.table(schema.index).insert(65537, 1);
          const handle = row as unknown as Record<string, unknown>;
          values.forEach((value, i) => {
            for (const { name, field } of schema.fields) {
              if (name.startsWith('$') || field.kind === 'ref' || field.kind === 'oneOf') continue;
              if (field.kind === 'text') handle[name] = String(value).repeat(i % 4);
              else if (field.kind === 'list')
                pushTo(handle[name] as { push(value: unknown): boolean; clear(): void }, field, value, i);
              else handle[name] = value;
            }
            roundTrip(schema, world.table(schema.index).data, row.at, schema.empty, i * 50);
          });
        }
      }),
      runs(300),
    );
  });

  test('[W1] [W2] a row comes back from its code against any base, and every code that is accepted is the only one', () => {
    let accepted = 0;
    let flips = 0;
    fc.assert(
      fc.property(games, fc.integer(), (game, seed) => {
        const rng = new Rng(seed);
        for (const schema of game.schema.rows) {
          const base = new Int32Array(schema.empty);
          const row = new Int32Array(schema.empty);
          const tick = rng.int(1, 2 ** 31 - 1000);
          for (let i = 0; i < 30; i++) {
            for (let f = 0; f < schema.fields.length; f++) {
              if (rng.chance(0.3)) scatter(schema, base, 0, f, rng, tick);
              if (rng.chance(0.3)) scatter(schema, row, 0, f, rng, tick);
            }
            const bytes = roundTrip(schema, row, 0, base, tick, rng.int(0, 256));
            const codec = new RowCodec(schema);
            codec.expect(base, 0, 7);
            for (let n = 0; n < 4; n++) {
              const mutant = bytes.length === 0 ? new Uint8Array(2) : bytes.slice();
              for (let k = rng.int(1, 3); k > 0; k--) {
                const bit = rng.int(0, mutant.length * 8 - 1);
                mutant[bit >> 3] = (mutant[bit >> 3] ?? 0) ^ (1 << (bit & 7));
              }
              const read = new Int32Array(schema.stride);
              const r = new BitReader(mutant);
              codec.read(r, read, 0, tick);
              flips++;
              if (r.failed) continue;
              accepted++;
              const used = mutant.length * 8 - r.remaining;
              const w = new BitWriter(new Uint8Array(1164));
              codec.write(w, read, 0, tick);
              check(
                w.bitLength === used && sameBits(w, mutant, used),
                `${schema.name}: two codes of one row`,
              );
            }
          }
        }
      }),
      runs(200),
    );
    console.log('row codes', JSON.stringify({ flips, accepted }));
    expect(accepted).toBeGreaterThan(0);
  });

  test('[W2] control words come back, and saying that nothing changed has one form', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 33 }).chain((size) =>
          fc.tuple(
            fc.array(fc.integer({ min: 0, max: 255 }), { minLength: size, maxLength: size }),
            fc.option(fc.array(fc.integer({ min: 0, max: 255 }), { minLength: size, maxLength: size }), {
              nil: undefined,
            }),
            fc.boolean(),
          ),
        ),
        ([now, old, same]) => {
          const words = Int32Array.from(now);
          const before = old === undefined ? undefined : Int32Array.from(same ? now : old);
          const w = new BitWriter(new Uint8Array(64));
          writeControls(w, words, 0, words.length, before, 0);
          const into = new Int32Array(words.length);
          const r = new BitReader(w.bytes.slice(0, w.finish()));
          readControls(r, into, before);
          expect(r.failed).toBe(false);
          expect(into).toEqual(words);
          if (before === undefined) return;
          // The changed form of what did not change is refused.
          w.reset();
          w.write(1, 1);
          for (const [i, word] of before.entries()) w.write(word, i === 0 ? 16 : 8);
          const again = new BitReader(w.bytes.slice(0, w.finish()));
          readControls(again, into, before);
          expect(again.failed).toBe(true);
        },
      ),
      runs(300),
    );
  });
});

describe('tables', () => {
  const game = defineGame({
    name: 'tables',
    maxPlayers: 4,
    entities: { thing: { value: int(0, 1000), other: int(0, 1) }, rest: { value: int(0, 1) } },
    command: { go: int(0, 1) },
    step() {},
  }) as unknown as Game;

  const step = fc.oneof(
    fc.record({
      do: fc.constant('spawn' as const),
      seat: fc.integer({ min: 0, max: 4 }),
      value: fc.nat(1000),
    }),
    fc.record({ do: fc.constant('despawn' as const), nth: fc.nat(40) }),
    fc.record({ do: fc.constant('write' as const), nth: fc.nat(40), value: fc.nat(1000) }),
    fc.record({ do: fc.constant('loop' as const), seat: fc.integer({ min: 0, max: 4 }) }),
    fc.constant({ do: 'tick' as const }),
    fc.constant({ do: 'save' as const }),
    fc.constant({ do: 'restore' as const }),
  );

  type Handle = { id: number; owner: number; value: number; alive: boolean; despawn(): void };

  test('spawn, despawn, write, loop, save and restore do what they do to a map', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const world = new WorldCore(game.schema, false);
        const table = world.table(2);
        let model = new Map<number, { owner: number; value: number }>();
        const saved = world.newSave();
        world.save(saved);
        let savedModel = new Map(model);
        let savedHash = world.hash();
        world.open(-1);
        const sorted = () => [...model.keys()].sort((a, b) => a - b);
        const nth = (n: number) => sorted()[n % Math.max(1, model.size)];
        for (const action of steps) {
          if (action.do === 'spawn') {
            const row = table.spawn({ owner: action.seat, value: action.value }) as unknown as Handle;
            check(!model.has(row.id), `id ${row.id} given twice`);
            model.set(row.id, { owner: action.seat, value: action.value });
          } else if (action.do === 'despawn') {
            const id = nth(action.nth);
            if (id === undefined) continue;
            const row = table.get(id) as unknown as Handle;
            row.despawn();
            check(!row.alive && row.id === 0, 'despawned rows are dead');
            row.despawn();
            model.delete(id);
          } else if (action.do === 'write') {
            const id = nth(action.nth);
            if (id === undefined) continue;
            (table.get(id) as unknown as Handle).value = action.value;
            model.set(id, { owner: model.get(id)?.owner ?? 0, value: action.value });
          } else if (action.do === 'loop') {
            loop(table as unknown as Iterable<Handle> & { spawn(init: object): Handle }, action.seat, model);
          } else if (action.do === 'tick') {
            world.close();
            world.open(-1);
          } else if (action.do === 'save') {
            world.close();
            world.save(saved);
            savedHash = world.hash();
            savedModel = new Map(model);
            world.open(-1);
          } else {
            world.close();
            world.restore(saved);
            model = new Map(savedModel);
            check(world.hash() === savedHash, 'a restored world has the hash it was saved with');
            world.open(-1);
          }
          const rows = [...(table as unknown as Iterable<Handle>)].map(({ id, owner, value }) => ({
            id,
            owner,
            value,
          }));
          expect(rows).toEqual(sorted().map((id) => ({ id, ...model.get(id) })));
        }
        const copy = new RowSet(table.schema);
        table.save(copy);
        expect(Array.from({ length: copy.count }, (_, i) => copy.id(i))).toEqual(sorted());
      }),
      runs(400),
    );
  });

  /** Rows spawned during a loop are not visited, despawned ones are skipped. */
  function loop(
    table: Iterable<Handle> & { spawn(init: object): Handle },
    seat: number,
    model: Map<number, { owner: number; value: number }>,
  ): void {
    const before = [...model.keys()].sort((a, b) => a - b);
    const visited: number[] = [];
    const gone = new Set<number>();
    for (const row of table) {
      visited.push(row.id);
      if (row.id % 3 === 0) {
        const made = table.spawn({ owner: seat, value: 1 });
        model.set(made.id, { owner: seat, value: 1 });
      }
      const victim = before[before.indexOf(row.id) + 1];
      if (victim === undefined || victim % 2 === 0) continue;
      for (const other of table) if (other.id === victim) other.despawn();
      model.delete(victim);
      gone.add(victim);
    }
    expect(visited).toEqual(before.filter((id) => !gone.has(id)));
  }
});

function pushTo(
  into: { push(value: unknown): boolean; clear(): void },
  field: Field,
  value: unknown,
  i: number,
): void {
  if (field.element?.kind === 'oneOf') return;
  if (i % 5 === 4) into.clear();
  into.push(value);
}

/** Writes a row against a base moved by `ticks`, reads it back, and gives its bytes. */
function roundTrip(
  schema: Game['schema']['rows'][number],
  data: Int32Array,
  at: number,
  base: Int32Array,
  tick: number,
  ticks = 0,
): Uint8Array {
  const codec = new RowCodec(schema);
  codec.expect(base, 0, ticks);
  const w = new BitWriter(new Uint8Array(1164));
  codec.write(w, data, at, tick);
  check(!w.overflowed && w.bitLength <= 900 * 8, `${schema.name} takes ${w.bitLength} bits`);
  const bits = w.bitLength;
  const bytes = w.bytes.slice(0, w.finish());
  const read = new Int32Array(schema.stride);
  const r = new BitReader(bytes);
  new RowCodec(schema).expect(base, 0, ticks);
  codec.read(r, read, 0, tick);
  check(!r.failed, `${schema.name} is refused`);
  check(bytes.length * 8 - r.remaining === bits, `${schema.name}: not all bits were read`);
  for (const { name, field, at: word } of schema.fields) {
    if (field.local) continue;
    for (let i = word; i < word + field.words; i++)
      check(read[i] === data[at + i], `${schema.name}.${name} came back as ${read[i]}, not ${data[at + i]}`);
  }
  return bytes;
}

function sameBits(w: BitWriter, bytes: Uint8Array, bits: number): boolean {
  w.finish();
  const a = new BitReader(w.bytes);
  const b = new BitReader(bytes);
  for (let i = 0; i < bits; i++) if (a.read(1) !== b.read(1)) return false;
  return true;
}

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}
