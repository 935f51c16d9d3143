// Lag compensation: what a shooter saw is what the server rules on.
import type { Game, InputOf } from '@tickwire/netcode';
import { atan2, hypot } from '@tickwire/netcode';
import { Rig, type Script } from '@tickwire/netcode/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { MISSILES, range, shootingRange, type Verdict } from '../games/range.ts';
import { FULL } from './play.ts';

type RangeShape = ReturnType<typeof shootingRange> extends Game<infer S> ? S : never;

afterEach(() => {
  range.onVerdict = undefined;
});

/** Shoots at the ship nearest to it on its own screen, now with one thing, now with another, and misses by a little now and then. */
const hunter: Script<RangeShape> = (client, now, rng): InputOf<RangeShape> => {
  const turn = rng.range(-1, 1);
  const trigger = rng.chance(0.06);
  const weapon = rng.int(0, 2);
  const phase = client.seat * 370;
  const steer = {
    dx: (Math.floor((now + phase) / 530) % 3) - 1,
    dy: (Math.floor((now + phase) / 710) % 3) - 1,
  };
  const own = [...client.view.ship].find((ship) => ship.mine);
  if (own === undefined) return steer;
  let target: { x: number; y: number; vx: number; vy: number } | undefined;
  let best = 700;
  for (const ship of client.view.ship) {
    const distance = hypot(ship.x - own.x, ship.y - own.y);
    if (ship.mine || distance >= best) continue;
    best = distance;
    target = ship;
  }
  if (target === undefined) return steer;
  const ahead = weapon === 0 ? 0 : best / MISSILES.speed;
  const dx = target.x + target.vx * ahead - own.x;
  const dy = target.y + target.vy * ahead - own.y;
  const aim = atan2(dy, dx) + (turn * 30) / best;
  const pull = trigger ? 1 : 0;
  return {
    ...steer,
    aim,
    rail: weapon === 0 ? pull : 0,
    dart: weapon === 1 ? pull : 0,
    rocket: weapon === 2 ? pull : 0,
  };
};

interface Tally {
  shots: number;
  hits: number;
  agreed: number;
  clamped: number;
  clampedAgreed: number;
  unmatched: number;
}

/** Plays and compares both sides' verdicts of every shot, by weapon. */
function shootOut(options: { rttMs: number; maxRewindMs?: number; seconds: number; seed: number; warps?: boolean }) {
  const game = shootingRange(options);
  const verdicts = new Map<string, { client?: Verdict; server?: Verdict }>();
  range.onVerdict = (verdict) => {
    const key = `${verdict.shot} ${verdict.shooter} ${verdict.key}`;
    const both = verdicts.get(key) ?? {};
    verdicts.set(key, both);
    // A client runs a tick again after a correction: what was on the screen is what it said first.
    both[verdict.side] ??= verdict;
  };
  const link = { latencyMs: options.rttMs / 2, jitterMs: 4, loss: 0.05 };
  const rig = new Rig({ game, seed: options.seed, clients: 6, link, script: hunter, record: true });
  rig.run(options.seconds * 1000);
  rig.expectClean();
  const newest = rig.server.tick - 200;
  const tallies = new Map<string, Tally>();
  for (const { client, server } of verdicts.values()) {
    const one = (client ?? server) as Verdict;
    if (one.tick > newest || one.tick < 120) continue;
    const tally = tallies.get(one.shot) ?? { shots: 0, hits: 0, agreed: 0, clamped: 0, clampedAgreed: 0, unmatched: 0 };
    tallies.set(one.shot, tally);
    if (client === undefined || server === undefined) {
      tally.unmatched++;
      continue;
    }
    const agrees = client.hit === server.hit;
    const clamped = one.lag >= game.schema.maxRewind;
    if (clamped) {
      tally.clamped++;
      if (agrees) tally.clampedAgreed++;
      continue;
    }
    tally.shots++;
    if (server.hit !== 0) tally.hits++;
    if (agrees) tally.agreed++;
  }
  return { rig, tallies, game };
}

const SECONDS = FULL ? 60 : 20;

describe.each([50, 150, 250])('[L2] at a round trip of %i ms and 5 in 100 lost', (rttMs) => {
  test('what a shooter saw is what the server rules', () => {
    const { rig, tallies } = shootOut({ rttMs, seconds: SECONDS, seed: 11 });
    const { viewsClamped, viewsForged } = rig.server.counters;
    console.log(rttMs, JSON.stringify([...tallies]), { viewsClamped, viewsForged }, rig.clients.map((c) => c.core.stats().viewsClamped));
    for (const [, tally] of tallies) expect(tally.agreed / tally.shots).toBeGreaterThanOrEqual(0.99);
    expect({ viewsClamped, viewsForged }).toEqual({ viewsClamped: 0, viewsForged: 0 });
  });
});
