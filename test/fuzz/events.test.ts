// Packets with events in them, damaged on the way: a page takes them or refuses them for a counted reason, and nothing grows.

import { Rng } from '@tickwire/netcode';
import { ServerCore } from '@tickwire/server/core';
import { expect, test } from 'vitest';
import { ClientCore } from '../../packages/netcode/src/client/core.ts';
import { duel } from '../games/duel.ts';
import { drain, drainServer, EFFORT, SEED, sum, TICK_MS } from './harness.ts';

test('[W1] [A1] damaged events make no page throw, forget to count, or grow', () => {
  const rng = new Rng(SEED, 77);
  let server = new ServerCore(duel, { now: 0, entropy: () => rng.u32(), seed: 7 });
  let connections = 0;
  const join = (now: number) => {
    server.open(now, ++connections);
    const core = new ClientCore(duel, { now, entropy: () => rng.u32() });
    core.opened(now);
    return { connection: connections, core, over: false };
  };
  const check = ({ core }: ReturnType<typeof join>): void => {
    const { datagramsIn, datagramsAccepted, refused: why, oneShots } = core.stats();
    expect(datagramsAccepted + sum(why)).toBe(datagramsIn);
    const { predicted, confirmed, rejected, unknown } = oneShots;
    expect(predicted - confirmed - rejected - unknown).toBeLessThanOrEqual(256);
    refused += sum(why);
    accepted += datagramsAccepted;
  };
  let damaged = 0;
  let shown = 0;
  let refused = 0;
  let accepted = 0;
  const clients = [join(0), join(0)];
  for (let step = 1; step <= 800 * Math.max(1, 4 * EFFORT); step++) {
    const now = step * TICK_MS;
    // Seats rest for long: every few seconds another server has all of them free.
    if (step % 200 === 0) {
      clients.forEach(check);
      server = new ServerCore(duel, { now, entropy: () => rng.u32(), seed: 7 });
      clients.splice(0, 2, join(now), join(now));
    }
    server.advance(now);
    for (const { connection, bytes } of drainServer(server)) {
      const client = clients.find((one) => one.connection === connection);
      // Now and then one damaged near its end, where the events are, in place of the true one.
      if (client?.core.joined && bytes.length > 20 && rng.chance(0.2)) {
        for (let flips = rng.int(1, 3); flips > 0; flips--) {
          const at = rng.int(Math.max(14, bytes.length - 30), bytes.length - 1);
          bytes[at] = (bytes[at] ?? 0) ^ (1 << rng.int(0, 7));
        }
        damaged++;
      }
      client?.core.receive(now, bytes);
    }
    clients.forEach((client, index) => {
      const { connection, core } = client;
      core.sample({ dx: rng.int(-1, 1), aim: step / 40, shoot: rng.chance(0.2) ? 1 : 0, spray: index === 1 });
      core.advance(now);
      core.draw(now);
      for (let event = core.pollEvent(); event !== undefined; event = core.pollEvent()) {
        if (event.type === 'event') shown++;
        // Damage may have broken its streams: it says goodbye, and another page comes.
        if (event.type === 'closed') client.over = true;
      }
      for (const bytes of drain(core)) server.receive(now, connection, bytes);
      if (!client.over) return;
      check(client);
      server.closed(now, connection);
      clients[index] = join(now);
    });
  }
  for (const client of clients) check(client);
  expect(damaged).toBeGreaterThan(50);
  expect(shown).toBeGreaterThan(500);
  expect(refused).toBeGreaterThan(20);
  expect(accepted).toBeGreaterThan(300);
});
