// Single cases of snapshots that once went wrong, or that random worlds seldom reach.

import { describe, expect, test } from 'vitest';
import { HELD_WINDOW_TICKS, MAX_DATAGRAM_BYTES } from '../base/units.ts';
import { defineGame, type Game } from '../simulation/game.ts';
import { type SavedWorld, WorldCore } from '../simulation/world.ts';
import { BitReader, BitWriter } from '../wire/bits.ts';
import { grid, int } from '../wire/fields.ts';
import { MARK } from '../wire/schema.ts';
import { newReplica, type Replica, SnapshotDecoder } from './decode.ts';
import { type SnapshotCodec, SnapshotEncoder } from './encode.ts';
import { HeldSet } from './held.ts';
import { plainRelevance } from './relevance.ts';
import { Viewer } from './viewer.ts';

const ALL = (MAX_DATAGRAM_BYTES - 40) * 8;

interface Snapshot {
  readonly held: HeldSet;
  readonly replica: Replica;
  readonly bits: number;
}

/** A world of `thing` rows written word by word, and one client of it. */
class Scene {
  readonly world: WorldCore;
  readonly viewer: Viewer;
  readonly encoder: SnapshotEncoder;
  codec: SnapshotCodec = 'fast';
  readonly #game: Game;
  readonly #worlds = new Map<number, SavedWorld>();
  readonly #sent = new Map<number, HeldSet>();
  readonly #replicas = new Map<number, Replica>();

  constructor(game: Game, seat = 1, weigh?: (id: number) => number) {
    this.#game = game;
    this.world = new WorldCore(game.schema, false);
    this.viewer = new Viewer(seat);
    const plain = plainRelevance(game.schema.rows.map(() => 1));
    const priority = game.schema.rows.map(() => weigh && ((_: Viewer, id: number) => weigh(id)));
    this.encoder = new SnapshotEncoder(game.schema, this.#worlds, { ...plain, priority });
  }

  put(id: number, values: Record<string, number>): void {
    const table = this.world.table(2);
    this.world.open(-1);
    const at = (table.get(id) ?? table.insert(id, id >> 16)).at;
    for (const [name, value] of Object.entries(values))
      table.data[at + (table.schema.byName.get(name)?.at ?? 0)] = value;
    this.world.close();
  }

  remove(id: number): void {
    const table = this.world.table(2);
    this.world.open(-1);
    table.removeAt(Array.from({ length: table.count }, (_, i) => table.data[table.offset(i)]).indexOf(id));
    this.world.close();
  }

  save(tick: number): SavedWorld {
    const saved = this.world.newSave();
    this.world.tick = tick;
    this.world.save(saved);
    this.#worlds.set(tick, saved);
    return saved;
  }

  snapshot(tick: number, base?: Snapshot, budgetBits = ALL, previous = base): Snapshot {
    const world = this.save(tick);
    const { schema } = this.#game;
    const held = new HeldSet(schema.rows);
    const w = new BitWriter(new Uint8Array(Math.ceil(budgetBits / 8)));
    const { viewer } = this;
    const request = {
      world,
      baseline: base?.held,
      previous: previous?.held,
      viewer,
      budgetBits,
      codec: this.codec,
      sent: { get: (tick: number) => this.#sent.get(tick) },
      into: held,
    };
    this.encoder.encode(w, request);
    this.#sent.set(tick, held);
    const bits = w.bitLength;
    expect(bits).toBeLessThanOrEqual(budgetBits);
    const r = new BitReader(w.bytes.slice(0, w.finish()));
    const replica = newReplica(schema, 1);
    new SnapshotDecoder(schema).decode(r, base?.replica, tick, replica, this.#replicas);
    expect(r.failed).toBe(false);
    this.#replicas.set(tick, replica);
    return { held, replica, bits };
  }
}

const words = ({ replica }: Snapshot, id: number): number[] => {
  const rows = replica.tables[2];
  const at = rows?.offsetOf(id) ?? -1;
  return at < 0 ? [] : [...(rows?.data.slice(at + MARK, at + (rows?.schema.stride ?? 0)) ?? [])];
};

/** A square world of things that stand in cells of 10 units; a hue costs two bytes when it changes. */
const square = (size: number): Game =>
  defineGame({
    name: 'square',
    entities: { thing: { x: int(0, size), y: int(0, size), hue: int(0, 65535) } },
    interest: { position: { thing: ['x', 'y'] }, area: () => undefined, cell: 10, margin: 0 },
    command: { go: int(0, 1) },
    step() {},
  }) as unknown as Game;

describe('the snapshot encoder', () => {
  test('[S3] a rate that follows another rate: as expected from tick to tick is not as expected over all of them', () => {
    const game = defineGame({
      name: 'pushed',
      entities: {
        thing: {
          x: grid(0, 4096, 1 / 16, { follows: 'vx' }),
          vx: grid(-960, 960, 1 / 16, { follows: 'ax' }),
          ax: grid(-960, 960, 1 / 16),
        },
      },
      command: { go: int(0, 1) },
      step() {},
    }) as unknown as Game;
    const scene = new Scene(game);
    scene.put(7, { x: 0, vx: 600, ax: 600 });
    const first = scene.snapshot(3);
    let [x, vx] = [0, 600];
    for (const tick of [6, 9, 12]) {
      // What both sides expect three ticks later: the rates as they were, times three.
      [x, vx] = [x + Math.floor(vx / 60 + 0.5) * 3, vx + 10 * 3];
      scene.put(7, { x, vx });
      expect(words(scene.snapshot(tick, first), 7)).toEqual([tick, x, vx, 600, 0]);
    }
  });

  test('[S1] a baseline is not usable when it is older than the world is remembered, though nothing was sent since', () => {
    const scene = new Scene(square(100));
    scene.put(7, { x: 5, y: 5 });
    const first = scene.snapshot(3);
    for (const [tick, usable] of [
      [3 + 252, true],
      [3 + HELD_WINDOW_TICKS + 2, false],
    ] as const) {
      scene.encoder.begin(scene.save(tick));
      expect(scene.encoder.canUse(first.held)).toBe(usable);
    }
  });

  test('[S3] more cells at once than there was room for', () => {
    const game = square(300);
    const scene = new Scene(game);
    for (let i = 0; i < 30; i++) scene.put(1 + i, { x: i * 10, y: 299 - i * 10 });
    const before = scene.snapshot(3);
    scene.viewer.look(game.schema.grid as never, { x: 150, y: 150, width: 400, height: 400 });
    expect(scene.viewer.count).toBe(900);
    expect(scene.snapshot(6, before).replica.tables[2]?.count).toBe(30);
  });

  test('[S6] 900 cells that all changed fit a datagram that has room for next to nothing, in either codec', () => {
    const game = square(300);
    for (const codec of ['fast', 'small'] as const) {
      const scene = new Scene(game);
      scene.codec = codec;
      scene.viewer.look(game.schema.grid as never, { x: 150, y: 150, width: 400, height: 400 });
      for (let i = 0; i < 900; i++)
        scene.put(1 + i, { x: (i % 30) * 10 + 5, y: Math.floor(i / 30) * 10 + 5 });
      const full = scene.snapshot(3, undefined, 1_000_000);
      expect(full.replica.tables[2]?.count).toBe(900);
      for (let i = 0; i < 900; i++) scene.put(1 + i, { hue: (i * 7919) % 65_536 });
      // Two bits per cell, and a little.
      const none = scene.snapshot(6, full, 2 * 900 + 200);
      expect(none.replica.tables[2]?.count, codec).toBe(900);
      expect(none.held.deferred, codec).toBeGreaterThan(800);
    }
  });

  test('[S6] an own row that changes cells is never left out, however full the datagrams are', () => {
    const game = square(200);
    const scene = new Scene(game, 3);
    const own = 3 * 65536 + 1;
    const look = (): void =>
      scene.viewer.look(game.schema.grid as never, { x: 100, y: 100, width: 200, height: 200 });
    look();
    for (let i = 0; i < 400; i++) scene.put(1 + i, { x: (i % 20) * 10 + 5, y: Math.floor(i / 20) * 10 + 5 });
    scene.put(own, { x: 5, y: 195 });
    let last = scene.snapshot(3, undefined, 1_000_000);
    let seen = 0;
    for (let step = 1; step < 40; step++) {
      for (let i = 0; i < 400; i++) scene.put(1 + i, { hue: (i * 7919 + step * 104_729) % 65_536 });
      // Every other step in another cell, and at last gone.
      scene.put(own, { x: 5 + 10 * (step >> 1), y: 195 });
      if (step === 38) scene.remove(own);
      const tick = 3 + step * 3;
      look();
      last = scene.snapshot(tick, last, 2_500);
      expect(last.held.deferred).toBeGreaterThan(0);
      expect(words(last, own)[0], `step ${step}`).toBe(step === 38 ? undefined : tick);
      if (step === 38) break;
      seen++;
    }
    expect(seen).toBe(37);
  });

  test('[S3] a row that waited for longer than the world is remembered changes cells', () => {
    const game = square(200);
    const stale = 401;
    const scene = new Scene(game, 3, (id) => (id === stale ? 0 : 1));
    scene.viewer.look(game.schema.grid as never, { x: 100, y: 100, width: 200, height: 200 });
    const put = (count: number): void => {
      for (let i = 0; i < count; i++)
        scene.put(1 + i, { x: (i % 20) * 10 + 5, y: Math.floor(i / 20) * 10 + 5 });
    };
    put(40);
    scene.put(stale, { x: 5, y: 195 });
    let last = scene.snapshot(3);
    expect(words(last, stale)[0]).toBe(3);
    put(400);
    const steps = Math.ceil(HELD_WINDOW_TICKS / 3) + 20;
    for (let step = 1; step <= steps; step++) {
      for (let i = 0; i < 400; i++) scene.put(1 + i, { hue: (i * 7919 + step * 104_729) % 65_536 });
      scene.put(stale, { hue: step });
      last = scene.snapshot(3 + step * 3, last, 2_500);
      expect(words(last, stale)[0], `step ${step}`).toBe(3);
    }
    // The cell that it leaves is dropped: the row is free to come, or goes.
    scene.viewer.look(game.schema.grid as never, { x: 120, y: 100, width: 180, height: 200 });
    scene.put(stale, { x: 35 });
    for (let i = 0; i < 400; i++) scene.put(1 + i, { hue: i });
    const tick = 3 + (steps + 1) * 3;
    expect([undefined, tick]).toContain(words(scene.snapshot(tick, last, 2_500), stale)[0]);
  });
});
