// Pages that freeze, tabs that are hidden, laptops that sleep, a server that stands still: nobody is kicked, and all are in step again soon.
import { hideTab, type ProfileName, Rig, type RigClient, sleepLaptop } from '@tickwire/netcode/testing';
import type { CommandQueue } from '@tickwire/server/core';
import { describe, expect, test } from 'vitest';
import { type RunnersShape, runners, steps, TOP_SPEED } from '../games/runners.ts';
import { FULL } from './play.ts';

/** Two players: what the first one sees of the second, and how early its commands come. */
class Watch {
  readonly rig: Rig<RunnersShape>;
  readonly me: RigClient<RunnersShape>;
  /** When the other runner was drawn further from where it was than a runner moves in 200 ms. */
  teleports: number[] = [];
  slacks: { readonly at: number; readonly slack: number }[] = [];
  mostSteps = 0;
  mostTicks = 0;
  #x = Number.NaN;

  constructor(link: ProfileName, seed: number) {
    this.rig = new Rig({
      game: runners,
      seed,
      clients: 2,
      link,
      script: (client, now) => ({ dx: (Math.floor((now + client.seat * 700) / 900) % 3) - 1 }),
    });
    this.me = this.rig.clients[0] as RigClient<RunnersShape>;
    this.rig.run(500);
    this.#listen();
    this.rig.run(5_500);
  }

  get commands(): CommandQueue {
    const session = this.rig.server.session(this.me.core.seat);
    if (session === undefined) throw new Error('the player is gone');
    return session.commands;
  }

  /** Ticks so far that had no command. */
  get missing(): number {
    return this.commands.stats.substituted + this.commands.stats.neutral;
  }

  /** How early commands came from one moment to another, in ticks: the middle of it. */
  slack(from: number, to: number): number {
    const sorted = this.slacks.flatMap(({ at, slack }) => (at >= from && at < to ? [slack] : []));
    sorted.sort((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? Number.NaN;
  }

  #listen(): void {
    const { rig, me, commands } = this;
    rig.onFrame = (client) => {
      if (client === me) this.#look();
    };
    let before = rig.server.tick;
    rig.onTick = (tick) => {
      this.mostTicks = Math.max(this.mostTicks, tick - before);
      before = tick;
    };
    const advance = me.core.advance.bind(me.core);
    // Steps that a correction runs again have a bound of their own.
    const fresh = (): number => steps.onPages - (me.core.predictor?.stats.replayed ?? 0);
    me.core.advance = (now) => {
      const before = fresh();
      advance(now);
      this.mostSteps = Math.max(this.mostSteps, fresh() - before);
    };
    const note = commands.noteSlack.bind(commands);
    commands.noteSlack = (tick, slack) => {
      this.slacks.push({ at: rig.now, slack });
      note(tick, slack);
    };
  }

  #look(): void {
    const { view, seat } = this.me.core;
    for (const runner of view.runner) {
      if (runner.owner === seat) continue;
      if (Math.abs(runner.x - this.#x) > TOP_SPEED * 12) this.teleports.push(this.rig.now);
      this.#x = runner.x;
    }
  }
}

/** In the quick check a third of the time must do: it is longer than all that is remembered. */
const LONG_MS = FULL ? 60_000 : 20_000;

const HITCHES: Record<string, (watch: Watch) => void> = {
  'a page frozen for 30 s': ({ rig }) => {
    rig.sleep(0, 30_000);
    rig.run(30_000);
  },
  'a hidden tab whose timers run once per second': ({ rig, me }) => hideTab(rig, me, LONG_MS),
  'a hidden tab whose worker keeps time': ({ rig, me }) => hideTab(rig, me, LONG_MS, 16),
  'a pause of 400 ms': ({ rig }) => {
    rig.sleep(0, 400);
    rig.run(400);
  },
  'a server that stands still for 1 s': ({ rig }) => {
    rig.stall(1_000);
    rig.run(1_000);
  },
  'a laptop that sleeps within its grace': ({ rig, me }) => sleepLaptop(rig, me, LONG_MS - 5_000, false),
  'a laptop that sleeps, its clock too': ({ rig, me }) => sleepLaptop(rig, me, LONG_MS - 5_000, true),
};

describe.each(FULL ? (['perfect', 'wifi', 'mobile'] as const) : (['wifi'] as const))('on %s', (link) => {
  test.each(Object.keys(HITCHES))('[C6] in step within 500 ms after %s', (name) => {
    const watch = new Watch(link, 61);
    const { rig, me } = watch;
    const usual = watch.slack(rig.now - 2_000, rig.now) - me.core.stats().targetSlack;
    // On `mobile` bursts of lost packets come and go as they would without.
    const noise = link === 'mobile' ? 3 : 1;
    watch.mostTicks = 0;
    watch.mostSteps = 0;
    HITCHES[name]?.(watch);
    const woke = rig.now;
    watch.teleports = [];
    rig.run(500);
    // What is seen again is seen where it is by now, once.
    const times = watch.teleports.filter((at, i, all) => i === 0 || at - (all[i - 1] ?? 0) > 100);
    expect(times.length).toBeLessThanOrEqual(1);
    const { slack, targetSlack } = me.core.stats();
    expect(Math.abs(slack - targetSlack)).toBeLessThan(noise);
    const missing = watch.missing;
    rig.run(1_000);
    expect(Math.abs(watch.slack(woke + 500, rig.now) - targetSlack - usual)).toBeLessThan(2 * noise);
    expect(watch.missing - missing).toBeLessThanOrEqual(link === 'mobile' ? 15 : 0);
    // No burst: eight steps at most, on either side.
    expect(watch.mostSteps).toBeLessThanOrEqual(8);
    expect(watch.mostTicks).toBeLessThanOrEqual(8);
    expect(me.events.map(({ type }) => type)).toEqual(['joined']);
    for (const { event } of rig.serverEvents)
      expect(['joined', 'away', 'back', 'overrun']).toContain(event.type);
    rig.expectClean();
  });

  test.runIf(FULL && link === 'wifi').each([false, true])(
    '[C6] a laptop that sleeps for 10 minutes joins anew and is in step (its clock stops: %s)',
    (stops) => {
      const watch = new Watch(link, 62);
      const { rig, me } = watch;
      sleepLaptop(rig, me, 600_000, stops);
      expect(rig.server.session(1)).toBeUndefined();
      // The shell finds its connection closed and opens another one.
      rig.run(200);
      rig.connect(me);
      rig.run(1_500);
      const { slack, targetSlack } = me.core.stats();
      expect(me.events.filter(({ type }) => type === 'joined').length).toBe(2);
      expect(Math.abs(slack - targetSlack)).toBeLessThan(1.5);
      const { stats } = watch.commands;
      const missing = stats.substituted + stats.neutral;
      rig.run(1_000);
      expect(stats.substituted + stats.neutral - missing).toBeLessThanOrEqual(link === 'mobile' ? 15 : 0);
      expect(me.core.view.runner.count).toBe(2);
      rig.expectClean();
    },
  );
});

test('[C6] a server whose machine slept for 10 minutes goes on with everybody', () => {
  const watch = new Watch('wifi', 63);
  const { rig } = watch;
  rig.stall(600_000);
  rig.run(601_500);
  expect(watch.mostTicks).toBeLessThanOrEqual(8);
  for (const { core } of rig.clients) {
    const { slack, targetSlack, snapshotAge } = core.stats();
    expect(Math.abs(slack - targetSlack)).toBeLessThan(1.5);
    expect(snapshotAge).toBeLessThan(200);
  }
  rig.expectClean();
});
