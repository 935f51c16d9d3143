// Four players on one named network for TICKWIRE_SIM_SECONDS: what the server sent is what the clients hold, and nothing is lost.
import { type ProfileName, Rig } from '@tickwire/netcode/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { boxes } from '../games/boxes.ts';
import { accountedFor, type BoxesRig, FULL, Hands, SECONDS, settle } from './play.ts';

const SEED = 1;
const PLAYERS = 4;

/** Share of the server's snapshots that get through each network. */
const ARRIVING = { perfect: 1, wifi: 0.99, mobile: 0.9, terrible: 0.7 };

interface Played {
  readonly rig: BoxesRig;
  readonly hands: Hands;
}

function start(link: ProfileName, seed: number, scramble: boolean): Played {
  const hands = new Hands();
  const rig = new Rig({ game: boxes, seed, clients: PLAYERS, link, scramble, script: hands.script });
  return { rig, hands };
}

/** Up to here a second run is compared with the first. */
const TWICE = Math.min(SECONDS, FULL ? 120 : 15);

const trace = (rig: BoxesRig): unknown => [rig.traceHash(), mispredictions(rig)];

export const mispredictions = (rig: BoxesRig): number[] =>
  rig.clients.map(({ core }) => core.predictor?.stats.mispredicted ?? -1);

export const commandsRun = (rig: BoxesRig): number =>
  rig.clients.reduce(
    (sum, { core }) => sum + (rig.server.session(core.seat)?.commands.stats.accepted ?? 0),
    0,
  );

/** The suite that every network must pass. `more` adds what is true of this one only. */
export function profileSuite(
  link: ProfileName,
  more: (played: () => Played) => void = () => undefined,
): void {
  describe(link, () => {
    const played = start(link, SEED, true);
    let traced: unknown;
    beforeAll(() => {
      played.rig.run(TWICE * 1_000);
      traced = trace(played.rig);
      played.rig.runUntil(SECONDS * 1_000);
      settle(played.rig, played.hands);
    }, 300_000);

    test('every snapshot leaves each client with what the server remembers as sent, bit for bit', () => {
      const { checks } = played.rig.expectClean();
      // How much that was: every row of every snapshot, none of them too old to compare.
      expect(checks.snapshots).toBeGreaterThan(SECONDS * 20 * PLAYERS * ARRIVING[link]);
      expect(checks.rows).toBeGreaterThan(checks.snapshots * 16);
      expect(checks.beyondHistory).toBe(0);
      // Own rows are always of the snapshot's own tick; this world fits a datagram, so all rows are.
      expect(checks.ownRows).toBeGreaterThan(checks.snapshots * 2);
      expect(checks.complete).toBe(checks.snapshots);
      expect(checks.stalest).toBe(0);
      expect(checks.draws).toBeGreaterThan(SECONDS * 59 * PLAYERS);
    });

    test('every pull runs exactly once', () => {
      const { hands, rig } = played;
      expect(hands.pulls.size).toBe(PLAYERS);
      for (const count of hands.pulls.values()) expect(count).toBeGreaterThan(SECONDS * 3);
      expect(hands.ran(rig)).toEqual(hands.pulls);
    });

    test('once the hands rest, every client predicts what the server has', () => {
      const { rig } = played;
      for (const { core } of rig.clients) {
        const predicted = core.predictor?.world.tableNamed('box');
        for (const box of rig.server.room.world.box) {
          const row = predicted?.get(box.id) as unknown as typeof box;
          expect([row.x, row.y, row.vx, row.vy, row.jumps]).toEqual([
            box.x,
            box.y,
            box.vx,
            box.vy,
            box.jumps,
          ]);
        }
      }
    });

    test('every datagram is accounted for', () => accountedFor(played.rig));

    test('the same seed gives the same run, whatever is in `local` fields; another seed another', () => {
      const again = start(link, SEED, false).rig.run(TWICE * 1_000);
      expect(trace(again)).toEqual(traced);
      const short = (seed: number): number => start(link, seed, true).rig.run(2_000).traceHash();
      expect(short(SEED)).not.toBe(short(SEED + 1));
    }, 300_000);

    more(() => played);
  });
}
