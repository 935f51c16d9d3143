// A session long enough for every wrapping number to wrap: packets both ways, message streams, spawn counters, pulls.

import { defineGame, grid, message, press, Rng } from '@tickwire/netcode';
import type { RowSet } from '@tickwire/netcode/internal';
import { ServerCore } from '@tickwire/server/core';
import { describe, expect, test } from 'vitest';
import { ClientCore } from '../../packages/netcode/src/client/core.ts';
import { firstDifference } from '../../packages/netcode/src/simulation/rows.ts';
import { drain, drainServer, EFFORT, SEED, sum, TICK_MS } from './harness.ts';

/** Minutes at 60 packets a second each way. The u16 numbers wrap after 18 minutes and 12 seconds; the quick check stops before. */
const MINUTES = Number(process.env['TICKWIRE_LONG_MINUTES'] ?? (EFFORT < 1 ? 1 : 20));

const pulls = { made: 0, ran: 0 };
const game = defineGame({
  name: 'wraps',
  tickRate: 60,
  snapshotRate: 60,
  maxPlayers: 2,
  entities: { spark: { x: grid(0, 60) } },
  command: { pull: press() },
  messages: {
    up: message<number>({ from: 'client' }),
    down: message<number>({ from: 'server' }),
    note: message<number>({ from: 'both', reliable: false }),
  },
  message(_world, from, name, payload, ctx) {
    if (name === 'up') ctx.send(from.seat, 'down', payload);
    else ctx.send(from.seat, 'note', payload);
  },
  step(world, ctx) {
    // One is born and one dies in every tick, on both sides.
    for (const player of world.players) {
      for (const spark of world.spark.ownedBy(player.seat)) if (spark.x >= 4) spark.despawn();
      for (const spark of world.spark.ownedBy(player.seat)) spark.x += 1;
      world.spark.spawn({ owner: player.seat, x: 0 });
      if (ctx.isServer) pulls.ran += ctx.command(player.seat).pull;
    }
  },
});

describe('a long session', () => {
  test(`[S3] [P1] ${MINUTES} minutes at 60 Hz, where every number wraps after 18: streams stay whole, state stays equal`, () => {
    const rng = new Rng(SEED, 41);
    const server = new ServerCore(game, { now: 0, entropy: () => rng.u32(), seed: 3 });
    const client = new ClientCore(game, { now: 0, entropy: () => rng.u32(), name: 'Long' });
    let compared = 0;
    let wrong: string | undefined;
    client.onSnapshot = (replica) => {
      const world = server.room.history.get(replica.tick);
      const held = server.session(client.seat)?.heldAt(replica.tick);
      if (world === undefined || held === undefined || held.deferred > 0) return;
      compared++;
      replica.tables.forEach((rows, t) => {
        const all = world.tables[t] as RowSet;
        if (rows.count !== all.count) wrong ??= `${rows.count} of ${all.count} rows at ${replica.tick}`;
        for (let i = 0; i < rows.count; i++) {
          const at = i * rows.schema.stride;
          if (
            rows.id(i) !== all.id(i) ||
            firstDifference(rows.schema, rows.data, at, all.data, at) !== undefined
          )
            wrong ??= `row ${rows.id(i)} at ${replica.tick}`;
        }
      });
    };
    let now = 0;
    server.open(now, 1);
    client.opened(now);
    let up = 0;
    let down = 0;
    let disorder = 0;
    let notes = 0;
    for (let tick = 0; tick < MINUTES * 3600; tick++) {
      now += TICK_MS;
      if (client.joined) {
        const pull = rng.chance(0.2) ? rng.int(1, 3) : 0;
        pulls.made += pull;
        client.sample({ pull });
        if (client.send('up', up)) up++;
        client.send('note', 1);
      }
      client.advance(now);
      // One datagram in fifty is lost, one in fifty comes twice.
      for (const bytes of drain(client)) for (let n = copies(rng); n > 0; n--) server.receive(now, 1, bytes);
      server.advance(now);
      for (const { bytes } of drainServer(server))
        for (let n = copies(rng); n > 0; n--) client.receive(now, bytes);
      for (let event = client.pollEvent(); event !== undefined; event = client.pollEvent()) {
        if (event.type !== 'message') continue;
        if (event.name === 'note') notes++;
        else if (event.payload !== down++) disorder++;
      }
      while (server.pollEvent() !== undefined);
    }
    const stats = client.stats();
    console.log(
      `long session, seed ${SEED}:`,
      JSON.stringify({
        tick: server.tick,
        compared,
        up,
        down,
        notes,
        ...pulls,
        mispredictions: stats.mispredictions,
      }),
    );
    expect(wrong).toBeUndefined();
    expect(compared).toBeGreaterThan(MINUTES * 3600 * 0.9);
    expect(disorder).toBe(0);
    expect(up).toBeGreaterThan(MINUTES * 3600 - 100);
    expect(up - down).toBeLessThan(200);
    expect(notes).toBeGreaterThan(MINUTES * 3600 * 0.9);
    expect(pulls.made - pulls.ran).toBeLessThan(20);
    expect(stats.datagramsAccepted + sum(stats.refused)).toBe(stats.datagramsIn);
    expect(Object.keys(stats.refused)).toEqual(['duplicate-packet']);
    expect(Object.keys(server.counters.refused)).toEqual(['duplicate-packet']);
  });
});

function copies(rng: Rng): number {
  const dice = rng.next();
  return dice < 0.02 ? 0 : dice < 0.04 ? 2 : 1;
}
