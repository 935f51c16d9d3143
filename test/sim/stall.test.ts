// A server whose process stands still, as under load or in a long garbage collection: it drops ticks, and its players must find it again.
import { Rig } from '@tickwire/netcode/testing';
import { describe, expect, test } from 'vitest';
import { boxes } from '../games/boxes.ts';
import { type BoxesRig, FULL, Hands, settle } from './play.ts';

const STALLS_MS = FULL ? [300, 1_000, 2_600, 5_000, 20_000] : [300, 2_600];

describe.each(['perfect', 'wifi', 'mobile'] as const)('on %s', (link) => {
  // Seed 41 with 2,600 ms once left every client predicting beyond its limit and silent for ever.
  test.each(STALLS_MS)(
    '[C3] after the server stood still for %i ms everybody is in step within 3 s',
    (ms) => {
      const hands = new Hands();
      const rig: BoxesRig = new Rig({ game: boxes, seed: 41, clients: 4, link, script: hands.script });
      rig.run(5_000);
      const normal = rig.clients.map(({ core }) => core.stats().lead);
      for (let again = 0; again < 2; again++) {
        rig.stall(ms);
        rig.run(ms + 3_000);
        rig.clients.forEach(({ core }, index) => {
          const stats = core.stats();
          expect(stats.lead).toBeLessThan((normal[index] ?? 0) + 12);
          expect(stats.lead).toBeGreaterThan(0);
          expect(stats.snapshotAge).toBeLessThan(1_000);
        });
        const before = accepted(rig);
        rig.run(2_000);
        for (const [index, count] of accepted(rig).entries())
          expect(count - (before[index] ?? 0)).toBeGreaterThan(80);
      }
      settle(rig, hands);
      expect(hands.ran(rig)).toEqual(hands.pulls);
      rig.expectClean();
    },
  );
});

/** Commands that arrived in time, by client. */
function accepted(rig: BoxesRig): number[] {
  return rig.clients.map(({ core }) => rig.server.session(core.seat)?.commands.stats.accepted ?? 0);
}
