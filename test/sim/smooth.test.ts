// How near to the truth and how smoothly others are drawn on bad networks, beside what else there is.
import { type LinkOptions, PROFILES, Rig } from '@tickwire/netcode/testing';
import { describe, expect, test } from 'vitest';
import { createBot } from '../../examples/arena/bots/think.ts';
import { game } from '../../examples/arena/game.ts';
import { FULL } from './play.ts';
import { type Measured, Watch } from './truth.ts';

const mind = createBot(game.definition.options?.map ?? '');

/** A bot that thinks at every sixth tick, and dashes now and then: an impulse that nobody foresees. */
function slowBot(): typeof mind {
  const held = new Map<number, ReturnType<typeof mind>>();
  return (world, me, tick) => {
    if ((tick + me) % 6 === 0 || !held.has(me)) held.set(me, mind(world, me, tick));
    return { ...(held.get(me) as ReturnType<typeof mind>), dash: (tick + me) % 197 === 0 ? 1 : 0 };
  };
}

interface Watched {
  readonly view: Measured;
  readonly lerp: Measured;
  readonly peer: Measured;
}

/** One player looks at eight bots, whose ships are measured from the fifth second on. */
function watched(down: LinkOptions, seed: number, ms: number): Watched {
  const bot = slowBot();
  const rig = new Rig({
    game,
    seed,
    clients: 1,
    link: { up: { ...down, rateBytesPerSecond: Number.POSITIVE_INFINITY }, down },
    bots: Array.from({ length: 8 }, () => bot as never),
    script: (_, now) => ({
      mx: 7 * Math.sin(now / 800),
      my: 7 * Math.cos(now / 1_100),
      aim: 0,
      fire: true,
      dash: 0,
    }),
  });
  const client = rig.clients[0] as NonNullable<(typeof rig.clients)[0]>;
  const watch = new Watch(rig, client, 'ship', game.schema.tickMs);
  watch.from = 5_000;
  rig.run(ms);
  rig.expectClean();
  const [view, lerp, peer] = [watch.view.measured, watch.lerp.measured, watch.peer.measured];
  return { view, lerp, peer };
}

const bursts = (loss: number): LinkOptions => ({
  bursts: { pGoodToBad: loss / 4 / (1 - loss / 0.8), pBadToGood: 1 / 5, lossGood: 0, lossBad: 0.8 },
});

/** Round trip 0-300 ms, jitter 0-80 ms, loss 0-20 %, bursts, overtaking, thin lines. */
const GRID: readonly (readonly [name: string, link: LinkOptions, always: boolean])[] = [
  ['perfect', PROFILES.perfect, false],
  ['wifi', PROFILES.wifi, true],
  ['mobile', PROFILES.mobile, true],
  ['terrible', PROFILES.terrible, false],
  ['no way, 20 % lost', { loss: 0.2 }, true],
  ['100 ms, 20 ms jitter, 5 % lost', { latencyMs: 50, jitterMs: 20, loss: 0.05 }, false],
  ['100 ms, 80 ms jitter', { latencyMs: 50, jitterMs: 80 }, false],
  ['200 ms, 30 ms jitter, 5 % lost', { latencyMs: 100, jitterMs: 30, loss: 0.05 }, false],
  ['200 ms, 10 ms jitter, 5 % in bursts', { latencyMs: 100, jitterMs: 10, ...bursts(0.05) }, false],
  ['200 ms, 30 ms jitter, 20 % in bursts', { latencyMs: 100, jitterMs: 30, ...bursts(0.2) }, false],
  ['300 ms, 50 ms jitter, 10 % overtaken', { latencyMs: 150, jitterMs: 50, reorder: 0.1, loss: 0.02 }, true],
  ['80 ms, 4 kB/s', { latencyMs: 40, jitterMs: 5, rateBytesPerSecond: 4_000 }, false],
];

describe('others are drawn nearer to the truth and more smoothly than by a fixed lerp and by the peer', () => {
  const cells: { readonly name: string; readonly better: boolean; readonly worse: boolean }[] = [];

  test.each(GRID.filter(([, , always]) => FULL || always))('[V4] %s', (name, link) => {
    const { view, lerp, peer } = watched(link, 11, FULL ? 25_000 : 15_000);
    console.log(
      name,
      JSON.stringify({ view, lerp, peer }, (_, value) =>
        typeof value === 'number' ? Number(value.toFixed(3)) : value,
      ),
    );
    expect(view.places).toBeGreaterThan(1_000);
    cells.push({
      name,
      better: view.error < Math.min(lerp.error, peer.error) && view.jerk < Math.min(lerp.jerk, peer.jerk),
      worse: view.error > Math.max(lerp.error, peer.error) || view.jerk > Math.max(lerp.jerk, peer.jerk),
    });
    expect(view.delay).toBeLessThan(252);
    if (name === 'wifi') {
      expect(view.underruns).toBeLessThan(0.01);
      expect(view.delay).toBeLessThan(100);
    }
  });

  test('[V4] better in both on most networks, on none worse than both', () => {
    expect(cells.filter(({ worse }) => worse)).toEqual([]);
    expect(cells.filter(({ better }) => better).length).toBeGreaterThanOrEqual(0.8 * cells.length);
  });
});
