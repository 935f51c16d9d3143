// A world that no datagram holds: what has to wait, how long, and that nothing is forgotten.
import { type ProfileName, Rig } from '@tickwire/netcode/testing';
import { describe, expect, test } from 'vitest';
import { crowd } from '../games/crowd.ts';
import { FULL } from './play.ts';

const PLAYERS = 16;
const BUSY_MS = 2_000;

const LINKS: readonly ProfileName[] = FULL ? ['perfect', 'mobile', 'terrible'] : ['mobile'];

describe.each(LINKS)('16 players, 200 shots and 400 movers on %s', (link) => {
  test('[S3] [S5] [S6] rows wait, none starves, own ones never wait, and every client ends with what the server has (seed 11)', () => {
    const rig = play(link);
    const { server } = rig;
    rig.run(FULL ? 3_000 : 1_500);
    let mostShots = 0;
    rig.onTick = () => {
      mostShots = Math.max(mostShots, server.room.world.shot.count);
    };
    rig.run(BUSY_MS);
    expect(mostShots).toBeGreaterThanOrEqual(200);
    expect(server.room.world.mover.count).toBe(400);
    const deferred = server.stats().deferredRows;
    expect(deferred).toBeGreaterThan(10_000);
    expect(rig.checks.largestDatagram).toBeGreaterThan(1_050);
    expect(rig.checks.largestDatagram).toBeLessThanOrEqual(1_164);
    // No row of any client ever stood still for longer than this, in ticks of 16.7 ms.
    expect(rig.checks.stalest).toBeLessThanOrEqual(STALEST[link] ?? 0);

    // Nothing moves any more: everything is delivered.
    rig.clients[0]?.core.send('quiet', null);
    rig.run(FULL ? 6_000 : 1_500);
    const before = server.stats().deferredRows;
    rig.run(1_000);
    expect(server.stats().deferredRows).toBe(before);
    expect(server.room.world.shot.count).toBe(0);
    for (const { core } of rig.clients) {
      const replica = core.replica;
      expect(replica?.tables.map((table) => table.count)).toEqual([16, 1, 16, 0, 400]);
      for (const table of replica?.tables ?? []) {
        for (let i = 0; i < table.count; i++)
          expect(table.data[i * table.schema.stride + 2]).toBe(replica?.tick);
      }
    }
    const { checks } = rig.expectClean();
    expect(checks.complete).toBeGreaterThan(PLAYERS * 15);
    expect(checks.beyondHistory).toBe(0);
  });
});

/**
 * Ticks for which a row may stand still at most. A round over all rows takes two snapshots, six ticks, and a row that the last
 * snapshot brought is kept in the next ones until they are acknowledged, so that it does not blink. And a snapshot builds on the
 * newest one acknowledged, a round trip ago: the snapshots under way are as many independent rounds, and a row that one of them
 * carries is still old in the next. Urgency that counted from the last sending, not from the baseline, once starved rows for 975 ticks.
 */
const STALEST: Readonly<Record<string, number>> = { perfect: 18, wifi: 36, mobile: 90, terrible: 180 };

function play(link: ProfileName) {
  let resting = false;
  const rig = new Rig({
    game: crowd,
    seed: 11,
    clients: PLAYERS,
    link,
    drawRate: 5,
    script: (client, now) => {
      if (client.view.room?.quiet === 1) resting = true;
      return resting
        ? {}
        : { dx: (Math.floor(now / 500 + client.seat) % 3) - 1, dy: (Math.floor(now / 700) % 3) - 1, fire: 1 };
    },
  });
  return rig;
}
