// What is drawn of a world that no datagram holds: on bad networks older copies of rows arrive after fresher ones.
import { defineGame, grid, int, tick } from '@tickwire/netcode';
import { type ProfileName, Rig } from '@tickwire/netcode/testing';
import { expect, test } from 'vitest';
import { FULL } from './play.ts';

/** More than two datagrams hold, whatever the codec. */
const RUNNERS = 700;

/** Runners that go right, nobody knows how fast, and say when they were last seen. */
const race = defineGame({
  name: 'race',
  maxPlayers: 2,
  entities: { runner: { x: grid(0, 65_536, 1 / 256), seen: tick() } },
  command: { go: int(0, 1) },
  setup(world) {
    for (let i = 0; i < RUNNERS; i++) world.runner.spawn({ owner: 0 });
  },
  step(world, ctx) {
    ctx.authority(() => {
      for (const runner of world.runner) {
        runner.x += ctx.random(runner).range(0, 8);
        runner.seen = ctx.tick;
      }
    });
  },
});

const LINKS: readonly ProfileName[] = FULL ? ['wifi', 'mobile', 'terrible'] : ['mobile'];

test.each(LINKS)('[V3] no drawn row goes back on %s, though snapshots do (seed 5)', (link) => {
  const rig = new Rig({ game: race, seed: 5, clients: 2, link, script: () => ({ go: 1 }) });
  rig.run(4_000);
  const drawn = new Map<string, { readonly x: number; readonly seen: number }>();
  const newest = new Map<string, number>();
  const went = { on: 0, stood: 0, newestBack: 0, seenBack: 0, xBack: 0, missing: 0 };
  rig.onFrame = (client) => {
    const { view, replica, seat } = client.core;
    went.missing += RUNNERS - view.runner.count;
    for (const { id, x, seen } of view.runner) {
      const last = drawn.get(`${seat} ${id}`) ?? { x, seen };
      if (seen < last.seen) went.seenBack++;
      if (x < last.x) went.xBack++;
      else if (x > last.x) went.on++;
      else went.stood++;
      drawn.set(`${seat} ${id}`, { x, seen });
    }
    const rows = replica?.tables.at(-1);
    for (let i = 0; rows !== undefined && i < rows.count; i++) {
      const key = `${seat} ${rows.id(i)}`;
      const held = rows.data[i * rows.schema.stride + 2] ?? 0;
      if (held < (newest.get(key) ?? 0)) went.newestBack++;
      newest.set(key, held);
    }
  };
  rig.run(FULL ? 20_000 : 5_000);
  rig.expectClean();
  console.log(link, JSON.stringify(went));
  expect(went.missing).toBe(0);
  expect(went.newestBack).toBeGreaterThan(100);
  expect(went.on).toBeGreaterThan(RUNNERS * 100);
  expect(went.seenBack).toBe(0);
  // Between two copies the way is a guess, and a snapshot that comes late from in between may prove it wrong.
  expect(went.xBack).toBeLessThan(went.on / 1_000);
});
