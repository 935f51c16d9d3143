// Games at the edge of what may be declared: the largest commands, rows and tables still travel.

import { defineGame, f32, grid, int, message, Rng, text } from '@tickwire/netcode';
import { ServerCore } from '@tickwire/server/core';
import { describe, expect, test } from 'vitest';
import { ClientCore } from '../../packages/netcode/src/client/core.ts';
import { drain, drainServer, TICK_MS } from '../fuzz/harness.ts';

/** Plays a server and a client on a link with 50 ms each way. */
function play<S extends ConstructorParameters<typeof ClientCore>[0]>(
  game: S,
  seconds: number,
  each: (client: ClientCore, tick: number) => void,
): { client: ClientCore; server: ServerCore; largest: { up: number; down: number } } {
  const rng = new Rng(1);
  const server = new ServerCore(game, { now: 0, entropy: () => rng.u32(), seed: 1 });
  const client = new ClientCore(game, { now: 0, entropy: () => rng.u32(), name: 'Max' });
  const largest = { up: 0, down: 0 };
  const up: { at: number; bytes: Uint8Array }[] = [];
  const down: { at: number; bytes: Uint8Array }[] = [];
  server.open(0, 1);
  client.opened(0);
  each(client, -1);
  for (let tick = 0; tick < seconds * 60; tick++) {
    const now = (tick + 1) * TICK_MS;
    if (client.joined) each(client, tick);
    client.advance(now);
    client.draw(now);
    for (const bytes of drain(client)) up.push({ at: now + 50, bytes });
    while ((up[0]?.at ?? Infinity) <= now) {
      const { bytes } = up.shift() as { bytes: Uint8Array };
      largest.up = Math.max(largest.up, bytes.length);
      server.receive(now, 1, bytes);
    }
    server.advance(now);
    for (const { bytes } of drainServer(server)) down.push({ at: now + 50, bytes });
    while ((down[0]?.at ?? Infinity) <= now) {
      const { bytes } = down.shift() as { bytes: Uint8Array };
      largest.down = Math.max(largest.down, bytes.length);
      client.receive(now, bytes);
    }
  }
  return { client, server, largest };
}

describe('limits', () => {
  test('32 floats that all change in every tick: commands arrive, and messages beside them', () => {
    const names = Array.from({ length: 32 }, (_, i) => `c${i}`);
    const game = defineGame({
      name: 'hands',
      entities: {},
      command: Object.fromEntries(names.map((name) => [name, f32()])),
      messages: { word: message<string>({ from: 'client' }) },
      step() {},
    });
    const rng = new Rng(2);
    const { client, server, largest } = play(game as never, 5, (core, tick) => {
      if (tick < 0) return;
      core.sample(Object.fromEntries(names.map((name) => [name, rng.range(-1e6, 1e6)])) as never);
      if (tick === 60) core.send('word' as never, 'x'.repeat(5_000) as never);
    });
    const stats = server.session(client.seat)?.commands.stats;
    expect(Object.keys(server.counters.refused)).toEqual([]);
    expect(stats?.accepted).toBeGreaterThan(200);
    expect(stats?.substituted).toBeLessThan(20);
    expect(largest.up).toBeLessThanOrEqual(1164);
    expect(server.session(client.seat)?.channels.stats.reliableReceived).toBe(1);
  });

  test('64 entity types, each row as large as may be: snapshots stay datagrams and everything arrives', () => {
    const types = Array.from({ length: 62 }, (_, i) => `t${i}`);
    const fields = { a: text(255), b: text(255), c: text(255), n: int(0, 1000) };
    const game = defineGame({
      name: 'wide',
      entities: Object.fromEntries(types.map((name) => [name, fields])),
      command: { go: int(0, 1) },
      setup(world) {
        for (const name of types) {
          const table = (world as unknown as Record<string, { spawn(init: object): void }>)[name];
          table?.spawn({ owner: 0, a: 'é'.repeat(200), b: 'b'.repeat(255), c: name });
        }
      },
      step(world, ctx) {
        if (!ctx.isServer) return;
        for (const row of (world as unknown as Record<string, Iterable<{ n: number }>>)['t5'] ?? [])
          row.n = ctx.tick % 1000;
      },
    });
    const { client, server, largest } = play(game as never, 13, () => {});
    expect(largest.down).toBeLessThanOrEqual(1164);
    expect(client.stats().entities).toBe(62);
    expect(server.session(client.seat)?.deferredRows).toBeGreaterThan(0);
    expect(Object.keys(client.stats().refused)).toEqual([]);
  }, 60_000);

  test('more entity types than that are refused when the game is defined', () => {
    const entities = Object.fromEntries(Array.from({ length: 63 }, (_, i) => [`t${i}`, { n: int(0, 1) }]));
    expect(() => defineGame({ name: 'wider', entities, command: { go: int(0, 1) }, step() {} })).toThrow(
      'at most 62 entity types',
    );
  });

  test('a row with more than 64 continuous fields is corrected without losing any', () => {
    const names = Array.from({ length: 90 }, (_, i) => `f${i}`);
    const game = defineGame({
      name: 'many',
      entities: { thing: Object.fromEntries(names.map((name) => [name, grid(0, 100, 0.5)])) },
      command: { go: int(0, 1) },
      join(world, who) {
        world.thing.spawn({ owner: who.seat });
      },
      step(world, ctx) {
        for (const thing of world.thing) {
          const row = thing as unknown as Record<string, number>;
          // The server knows better, which is a correction.
          ctx.authority(() => {
            if (ctx.tick % 60 === 0) for (const name of names) row[name] = ((row[name] ?? 0) + 7) % 100;
          });
        }
      },
    });
    const { client } = play(game as never, 5, () => {});
    expect(client.stats().mispredictions).toBeGreaterThan(0);
    const [drawn] = [
      ...((client.view as unknown as Record<string, Iterable<Record<string, number>>>)['thing'] ?? []),
    ];
    for (const name of names) expect(Number.isFinite(drawn?.[name]), name).toBe(true);
  });

  test('what a page sends before its first welcome is not lost', () => {
    const heard: unknown[] = [];
    const game = defineGame({
      name: 'early',
      entities: {},
      command: { go: int(0, 1) },
      messages: { word: message<string>({ from: 'client' }) },
      message(_world, _from, _name, payload) {
        heard.push(payload);
      },
      step() {},
    });
    play(game as never, 1, (core, tick) => {
      if (tick < 0) core.send('word' as never, 'early' as never);
    });
    expect(heard).toEqual(['early']);
  });
});
