/** What a server tick costs: the arena's rules with 16 players and 200 projectiles, real cores on simulated links. `--json` for machines. */

import { defineGame } from '@tickwire/netcode';
import { Rig } from '@tickwire/netcode/testing';
import { Room, Session } from '@tickwire/server/core';
import { game as arena } from '../examples/arena/game.ts';

const PLAYERS = 16;
const PROJECTILES = 200;
const WARM_SECONDS = 10;
const SECONDS = 30;

const json = process.argv.includes('--json');
const seed = Number(process.argv.find((arg) => arg.startsWith('--seed='))?.slice(7) ?? 1);

if (process.argv.includes('--help')) {
  console.log(
    'npm run bench [-- --json] [-- --seed=N]\n\nTimes the arena server tick with 16 players and 200 projectiles.',
  );
  process.exit(0);
}

/** The arena with its projectiles kept at 200, whoever shoots. */
const crowded = defineGame({
  ...arena.definition,
  step(world, ctx) {
    arena.definition.step(world, ctx);
    ctx.authority(() => {
      const rng = ctx.random();
      for (let i = world.shot.count; i < PROJECTILES; i++) {
        world.shot.spawn({
          owner: rng.int(1, PLAYERS),
          x: rng.range(200, 2200),
          y: rng.range(200, 2200),
          vx: rng.range(-500, 500),
          vy: rng.range(-500, 500),
          endsAt: ctx.tick + rng.int(20, 80),
        });
      }
    });
  },
});

/** Adds up the time spent in a method, for the server's part of the run alone. */
class Meter {
  total = 0;
  calls = 0;

  wrap<K extends string>(prototype: Record<K, (...args: never[]) => unknown>, method: K): void {
    const original = prototype[method];
    const meter = this;
    prototype[method] = function (this: unknown, ...args: never[]) {
      const start = performance.now();
      const result = original.apply(this, args);
      meter.total += performance.now() - start;
      meter.calls++;
      return result;
    };
  }

  reset(): void {
    this.total = 0;
    this.calls = 0;
  }
}

const step = new Meter();
const save = new Meter();
const encode = new Meter();
const receive = new Meter();
step.wrap(Room.prototype as never, 'run');
save.wrap(Room.prototype as never, 'keep');
encode.wrap(Session.prototype as never, 'packet');
receive.wrap(Session.prototype as never, 'receive');

const rig = new Rig({
  game: crowded,
  seed,
  clients: PLAYERS,
  link: { latencyMs: 40, jitterMs: 5, loss: 0.01 },
  scramble: false,
  script: (_client, now, rng) => ({
    mx: Math.round(7 * Math.cos(now / 700 + rng.next() / 10)),
    my: Math.round(7 * Math.sin(now / 900)),
    aim: now / 500,
    fire: rng.chance(0.8),
    dash: rng.chance(0.01),
  }),
});

progress(`warming up: ${WARM_SECONDS} simulated seconds`);
rig.run(WARM_SECONDS * 1000);
for (const meter of [step, save, encode, receive]) meter.reset();
const before = { ...rig.server.counters };
progress(`measuring: ${SECONDS} simulated seconds`);
rig.run(SECONDS * 1000);
rig.expectClean();

const ticks = SECONDS * arena.schema.tickRate;
const sent = rig.server.counters.bytesOut - before.bytesOut;
const stats = rig.server.stats();
const heap = heapPerTick();
const perTick = (meter: Meter): number => (meter.total * 1000) / ticks;
const total = perTick(step) + perTick(save) + perTick(encode) + perTick(receive);
const result = {
  players: PLAYERS,
  projectiles: PROJECTILES,
  entities: stats.entities,
  ticks,
  seed,
  stepUsPerTick: round(perTick(step)),
  snapshotUsPerTick: round(perTick(save)),
  encodeUsPerTick: round(perTick(encode)),
  receiveUsPerTick: round(perTick(receive)),
  totalUsPerTick: round(total),
  coreShareAt60Hz: round((total * arena.schema.tickRate) / 1e6, 4),
  bytesPerClientPerSecond: Math.round(sent / PLAYERS / SECONDS),
  bytesPerSnapshot: Math.round(sent / (rig.server.counters.datagramsOut - before.datagramsOut)),
  deferredRows: stats.deferredRows,
  heapBytesPerTick: heap,
  checkedSnapshots: rig.checks.snapshots,
};
if (json) console.log(JSON.stringify(result));
else print();

/** Bytes that stay on the heap per server tick, players and all, after a full collection. */
function heapPerTick(): number {
  const gc = (globalThis as { gc?: () => void }).gc;
  const used = (): number => {
    gc?.();
    gc?.();
    return process.memoryUsage().heapUsed;
  };
  rig.run(2_000);
  const start = used();
  rig.run(10_000);
  return Math.round((used() - start) / (10 * arena.schema.tickRate));
}

function print(): void {
  const rows: [string, string][] = [
    ['step', `${result.stepUsPerTick} µs per tick`],
    ['snapshot (save the world)', `${result.snapshotUsPerTick} µs per tick`],
    [`encode (${PLAYERS} clients)`, `${result.encodeUsPerTick} µs per tick`],
    [`receive (${PLAYERS} clients)`, `${result.receiveUsPerTick} µs per tick`],
    [
      'all of it',
      `${result.totalUsPerTick} µs per tick, ${round(result.coreShareAt60Hz * 100, 2)} % of one core at 60 Hz`,
    ],
    [
      'sent',
      `${result.bytesPerClientPerSecond} bytes per client and second, ${result.bytesPerSnapshot} per datagram`,
    ],
    ['heap growth', `${result.heapBytesPerTick} bytes per tick`],
  ];
  console.log(
    `Arena server, ${PLAYERS} players and ${PROJECTILES} projectiles, ${SECONDS} simulated seconds, seed ${seed}`,
  );
  console.log(`${result.checkedSnapshots} snapshots compared with what was sent: all equal\n`);
  for (const [name, value] of rows) console.log(`  ${name.padEnd(28)}${value}`);
}

function progress(what: string): void {
  if (!json) console.error(what);
}

function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}
