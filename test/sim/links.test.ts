// Networks that go dark, clocks that run fast or slow, tabs that sleep and lines that are too thin: the same claims hold throughout.
import { defineGame, int } from '@tickwire/netcode';
import { type LinkOptions, PROFILES, Rig, type RigOptions } from '@tickwire/netcode/testing';
import { describe, expect, test } from 'vitest';
import { boxes } from '../games/boxes.ts';
import { accountedFor, type BoxesRig, type BoxesShape, FULL, Hands, LONG, settle } from './play.ts';

const MINUTES = 300_000;

interface Scenario extends Omit<RigOptions<BoxesShape>, 'game' | 'script' | 'clients'> {
  /** Called every simulated second. */
  readonly each?: (rig: BoxesRig, second: number) => void;
  /** Share of the snapshots that arrive at least. */
  readonly arrive?: number;
}

/** Plays four clients through it and checks what holds on every network. */
function play({ each, arrive = 0.6, ...options }: Scenario): { rig: BoxesRig; hands: Hands } {
  const hands = new Hands();
  const rig = new Rig({ ...options, game: boxes, clients: 4, script: hands.script });
  for (let second = 1; second <= LONG; second++) {
    rig.run(1_000);
    each?.(rig, second);
  }
  settle(rig, hands);
  const { checks } = rig.expectClean();
  expect(checks.complete).toBe(checks.snapshots);
  expect(checks.snapshots).toBeGreaterThan(LONG * 20 * 4 * arrive);
  expect(checks.beyondHistory).toBe(0);
  // On time to the tick: a tick that is due this very moment may round either way.
  expect(Math.abs(rig.server.tick - (rig.now * 60) / 1_000)).toBeLessThanOrEqual(1);
  expect(hands.ran(rig)).toEqual(hands.pulls);
  accountedFor(rig);
  return { rig, hands };
}

/** A different client each time, in turn. */
const nth = (second: number, every: number): number => Math.floor(second / every) % 4;

describe('blackouts', () => {
  test.each(FULL ? [1, 2] : [1])(
    '[S3] 250 ms and 1 s, both ways, again and again (seed %i)',
    (seed) => {
      const { rig } = play({
        seed,
        link: 'wifi',
        each: (rig, second) => {
          if (second % 4 === 0) rig.darken(nth(second, 4), second % 8 === 0 ? 1_000 : 250);
        },
      });
      expect(rig.checks.snapshots).toBeGreaterThan(LONG * 20 * 4 * 0.9);
      expect(away(rig)).toEqual([]);
    },
    MINUTES,
  );

  test(
    'one way, up: the server goes on without commands',
    () => {
      const { rig } = play({
        seed: 3,
        link: 'wifi',
        each: (rig, second) => {
          if (second % 4 === 0) rig.darken(nth(second, 4), 1_000, 'up');
        },
      });
      // A second without commands: 15 ticks on the last levels, the rest neutral.
      expect(rig.server.stats().substituted).toBeGreaterThan((LONG / 4) * 10);
      expect(away(rig)).toEqual([]);
    },
    MINUTES,
  );

  test(
    'one way, down: commands still arrive, nothing is missed for long',
    () => {
      const { rig } = play({
        seed: 4,
        link: 'mobile',
        each: (rig, second) => {
          if (second % 4 === 0) rig.darken(nth(second, 4), 1_000, 'down');
        },
      });
      expect(away(rig)).toEqual([]);
    },
    MINUTES,
  );

  test(
    '[X2] of 10 s, longer than the baselines live: away, back, and never silent on both sides (seed 5)',
    () => {
      let times = 0;
      const { rig } = play({
        seed: 5,
        link: 'wifi',
        each: (rig, second) => {
          if (second % 25 !== 10 || second + 10 > LONG) return;
          rig.darken(nth(second, 25), 10_000);
          times++;
        },
      });
      expect(times).toBeGreaterThan(0);
      expect(away(rig).length).toBe(times);
      expect(rig.serverEvents.filter(({ event }) => event.type === 'back').length).toBe(times);
    },
    MINUTES,
  );
});

describe('clocks', () => {
  test(
    '1 % fast and 1 % slow: steered, never jumped, and prediction stays right',
    () => {
      const { rig } = play({ seed: 6, link: 'wifi', skew: (client) => (client % 2 === 0 ? 0.01 : -0.01) });
      for (const { core } of rig.clients) {
        const { slack, targetSlack } = core.stats();
        expect(Math.abs(slack - targetSlack)).toBeLessThan(1);
      }
      const { substituted } = rig.server.stats();
      expect(substituted).toBeLessThanOrEqual((LONG * 60 * 4) / 1_000);
      for (const { core } of rig.clients)
        expect(core.predictor?.stats.mispredicted).toBeLessThanOrEqual(substituted);
    },
    MINUTES,
  );
});

/** In the quick check ten seconds must do: that is longer than every history, too. */
const SLEEP = FULL ? 30 : 10;

describe(`a tab that sleeps for ${SLEEP} s`, () => {
  test(
    '[P1] is away, comes back, and its pulls ran once (seed 7)',
    () => {
      let times = 0;
      const { rig } = play({
        seed: 7,
        link: 'wifi',
        each: (rig, second) => {
          if (second % 45 !== 10 || second + SLEEP > LONG) return;
          rig.sleep(nth(second, 45), SLEEP * 1_000);
          times++;
        },
      });
      expect(times).toBeGreaterThan(0);
      expect(away(rig).length).toBe(times);
      // What waited for the page to wake: the quarter of a second before the gate closed.
      expect(rig.checks.tooLate).toBeLessThanOrEqual(times * 20);
      // No burst: at most one command per tick, and a wake-up skips what it missed.
      for (const { core } of rig.clients) expect(core.predictor?.stats.replayed).toBeLessThan(LONG * 60);
    },
    MINUTES,
  );
});

describe('a thin line', () => {
  /** Less than the least that the server sends, headers included, so the queue fills. */
  const thin: LinkOptions = { latencyMs: 30, jitterMs: 5, rateBytesPerSecond: 2_500, queueMs: 200 };

  test(
    '[S3] with a queue that overflows: fewer snapshots, all of them right',
    () => {
      const { rig } = play({ seed: 8, link: { up: PROFILES.wifi, down: thin }, arrive: 0.35 });
      const dropped = rig.clients.reduce((sum, { down }) => sum + down.stats.queueFull, 0);
      expect(dropped).toBeGreaterThan(LONG);
      // Predictions do not need the snapshots: commands arrive in time all the same.
      expect(rig.server.stats().substituted).toBeLessThan(LONG * 60 * 4 * 0.01);
    },
    MINUTES,
  );
});

test('a world without entities costs next to nothing', () => {
  const nothing = defineGame({
    name: 'nothing',
    entities: { ghost: { x: int(0, 9) } },
    command: { dx: int(-1, 1) },
    step: () => undefined,
  });
  const rig = new Rig({ game: nothing, seed: 9, clients: 2, link: 'mobile', script: () => ({ dx: 1 }) });
  rig.run(10_000).expectClean();
  expect(rig.checks.complete).toBe(rig.checks.snapshots);
  for (const { core } of rig.clients) {
    expect(core.stats().mispredictions).toBe(0);
    expect(core.stats().bytesInPerSecond / 20).toBeLessThan(30);
  }
});

function away(rig: BoxesRig): number[] {
  return rig.serverEvents.flatMap(({ at, event }) => (event.type === 'away' ? [at] : []));
}
