// Sessions outlive connections: hiding, reloading, reconnecting, handing over, running out of grace, and being turned away.
import { defineGame, int } from '@tickwire/netcode';
import { Rig, type RigOptions } from '@tickwire/netcode/testing';
import { describe, expect, test } from 'vitest';
import { boxes } from '../games/boxes.ts';
import { accountedFor, type BoxesRig, type BoxesShape, Hands, LONG, settle } from './play.ts';

function start(options: Partial<RigOptions<BoxesShape>> = {}): { rig: BoxesRig; hands: Hands } {
  const hands = new Hands();
  const rig = new Rig({ game: boxes, seed: 1, clients: 2, link: 'wifi', script: hands.script, ...options });
  return { rig, hands };
}

const first = (rig: BoxesRig): BoxesRig['clients'][number] => rig.clients[0] as BoxesRig['clients'][number];
const seatOf = (rig: BoxesRig): number => first(rig).core.seat;
const boxOf = (rig: BoxesRig, seat: number): number | undefined =>
  [...rig.server.room.world.box].find((box) => box.owner === seat)?.id;
const events = (rig: BoxesRig, type: string): number[] =>
  rig.serverEvents.flatMap(({ at, event }) => (event.type === type ? [at] : []));

function finish(rig: BoxesRig, hands: Hands): void {
  settle(rig, hands);
  rig.expectClean();
  accountedFor(rig);
  expect(hands.ran(rig)).toEqual(hands.pulls);
}

describe('presence', () => {
  test('[X1] silence makes a session away within 3 s, and it keeps seat and ship', () => {
    const { rig, hands } = start();
    rig.run(5_000);
    const seat = seatOf(rig);
    const box = boxOf(rig, seat);
    const heard = rig.server.session(seat)?.lastHeard ?? 0;
    rig.darken(0, 20_000);
    rig.run(2_900);
    expect(events(rig, 'away')).toEqual([]);
    rig.run(200);
    expect(events(rig, 'away').length).toBe(1);
    // Within one tick of 3 s after the last datagram, which itself was under way.
    expect((events(rig, 'away')[0] ?? 0) - (rig.server.session(seat)?.lastHeard ?? 0)).toBeLessThan(3_017);
    expect(rig.server.session(seat)?.lastHeard).toBeGreaterThanOrEqual(heard);
    expect(rig.server.room.world.players.get(seat)?.status).toBe('away');
    rig.run(20_000);
    expect(events(rig, 'back').length).toBe(1);
    expect(rig.server.room.world.players.get(seat)?.status).toBe('present');
    expect(seatOf(rig)).toBe(seat);
    expect(boxOf(rig, seat)).toBe(box);
    finish(rig, hands);
  });

  test('[X1] a hidden page is given 15 s', () => {
    const { rig, hands } = start({ link: 'mobile' });
    rig.run(5_000);
    const seat = seatOf(rig);
    first(rig).core.setHidden(rig.now, true);
    rig.run(1_000);
    expect(rig.server.room.world.players.get(seat)?.status).toBe('hidden');
    rig.sleep(0, 14_000);
    rig.run(15_000);
    expect(events(rig, 'away')).toEqual([]);
    rig.sleep(0, 17_000);
    rig.run(14_500);
    expect(events(rig, 'away')).toEqual([]);
    rig.run(1_000);
    expect(events(rig, 'away').length).toBe(1);
    rig.run(3_000);
    first(rig).core.setHidden(rig.now, false);
    rig.run(1_000);
    expect(rig.server.room.world.players.get(seat)?.status).toBe('present');
    finish(rig, hands);
  });

  test('[X6] a hidden page gets at most one datagram for each it sends', () => {
    const { rig } = start();
    rig.run(5_000);
    const { core } = first(rig);
    core.setHidden(rig.now, true);
    rig.run(1_000);
    let up = 0;
    let down = 0;
    rig.onDatagram = (from, client) => {
      if (client.index === 0) from === 'client' ? up++ : down++;
    };
    // The page wakes five times a second and says something each time; the gate stays open, the credit does not.
    for (let i = 0; i < 50; i++) {
      rig.sleep(0, 190);
      rig.run(200);
    }
    expect(up).toBeGreaterThanOrEqual(50);
    expect(up).toBeLessThan(150);
    expect(down).toBeLessThanOrEqual(up);
    expect(down).toBeGreaterThan(30);
    rig.expectClean();
  });

  test.each([1, 2, 3])(
    '[X2] to a peer unheard for 250 ms go probes only, one per 100 ms (seed %i)',
    (seed) => {
      const { rig } = start({ seed });
      rig.run(3_000);
      const dark = rig.now;
      rig.darken(0, 5_000);
      const gated = { client: [] as number[], server: [] as number[] };
      // What was under way arrives within 60 ms; 250 ms later the gate is closed, at most one frame and one snapshot late.
      const closed = dark + 60 + 250 + 17;
      rig.onDatagram = (from, client, bytes) => {
        if (client.index !== 0 || rig.now < closed || rig.now > dark + 5_000) return;
        expect(bytes[0]).toBe(7);
        expect(bytes.length).toBeLessThanOrEqual(32);
        gated[from].push(rig.now);
      };
      rig.run(4_900);
      for (const times of [gated.client, gated.server]) {
        // Never complete silence, never more often than each 100 ms.
        expect(times.length).toBeGreaterThan(38);
        expect(times.length).toBeLessThanOrEqual(47);
        for (let i = 1; i < times.length; i++) {
          const gap = (times[i] ?? 0) - (times[i - 1] ?? 0);
          expect(gap).toBeGreaterThanOrEqual(99.9);
          expect(gap).toBeLessThan(134);
        }
      }
      rig.onDatagram = undefined;
      rig.run(1_000);
      expect(first(rig).core.stats().snapshotAge).toBeLessThan(150);
    },
  );
});

describe('the same page', () => {
  test.each(['wifi', 'mobile', 'terrible'] as const)(
    '[X5] [P1] reconnects on %s: seat, ship, baselines and pulls go on',
    (link) => {
      const { rig, hands } = start({ link });
      rig.run(5_000);
      const seat = seatOf(rig);
      const box = boxOf(rig, seat);
      for (let i = 0; i < 5; i++) {
        rig.disconnect(first(rig));
        rig.run(i * 300);
        const baseline = rig.server.session(seat)?.baselineTick ?? -1;
        rig.connect(first(rig));
        rig.run(100);
        // Nothing starts over: the server still codes against what this core has acknowledged.
        expect(rig.server.session(seat)?.baselineTick).toBeGreaterThanOrEqual(baseline);
        expect(baseline).toBeGreaterThan(0);
        rig.run(3_000);
        expect(seatOf(rig)).toBe(seat);
        expect(boxOf(rig, seat)).toBe(box);
      }
      expect(events(rig, 'left')).toEqual([]);
      expect(
        first(rig)
          .events.filter((event) => event.type === 'joined')
          .every((event, i) => event.resumed === i > 0),
      ).toBe(true);
      finish(rig, hands);
    },
  );

  test.each(['wifi', 'mobile'] as const)('[P1] changes its network, make before break, on %s', (link) => {
    const { rig, hands } = start({ link });
    rig.run(5_000);
    const seat = seatOf(rig);
    const box = boxOf(rig, seat);
    for (let i = 0; i < 8; i++) {
      const before = rig.server.session(seat)?.commands.stats.neutral ?? 0;
      rig.handOver(first(rig));
      rig.run(3_000);
      expect(boxOf(rig, seat)).toBe(box);
      // The last levels cover the change: it is shorter than 250 ms. Where its hello or welcome is lost, it is asked again after 200 ms.
      const neutral = (rig.server.session(seat)?.commands.stats.neutral ?? 0) - before;
      if (link === 'wifi') expect(neutral).toBeLessThanOrEqual(3);
    }
    expect(events(rig, 'away')).toEqual([]);
    finish(rig, hands);
  });
});

describe('a page loaded again', () => {
  test.each([1, 2, 3, 4])('[X5] [P1] takes up seat, ship and pull counts (seed %i)', (seed) => {
    const { rig, hands } = start({ seed, link: 'mobile' });
    rig.run(5_000);
    const seat = seatOf(rig);
    const box = boxOf(rig, seat);
    for (let i = 0; i < 6; i++) {
      // A pull that has not left the page dies with it; those of the new page count from its first frame.
      hands.pulling = false;
      rig.run(1_500);
      hands.pulling = true;
      rig.reload(first(rig));
      rig.run(2_500);
      expect(seatOf(rig)).toBe(seat);
      expect(boxOf(rig, seat)).toBe(box);
      expect(first(rig).events.at(-1)).toMatchObject({ type: 'joined', resumed: true });
    }
    expect(events(rig, 'left')).toEqual([]);
    finish(rig, hands);
  });

  test('during a blackout, and twice in a row', () => {
    const { rig, hands } = start();
    rig.run(5_000);
    hands.pulling = false;
    rig.run(500);
    const seat = seatOf(rig);
    rig.reload(first(rig));
    rig.darken(0, 2_000);
    rig.run(1_000);
    // No welcome came: this page knows no token but the one it was given.
    rig.reload(first(rig));
    rig.darken(0, 1_500);
    hands.pulling = true;
    rig.run(5_000);
    expect(seatOf(rig)).toBe(seat);
    finish(rig, hands);
  });
});

describe('the end of a session', () => {
  test('[X3] a seat waits for its grace, then its player leaves; the page joins as somebody new', () => {
    const { rig, hands } = start({ graceMs: 5_000 });
    rig.run(5_000);
    const seat = seatOf(rig);
    rig.disconnect(first(rig));
    const lost = rig.now;
    rig.run(7_900);
    expect(boxOf(rig, seat)).toBeDefined();
    rig.run(200);
    expect(boxOf(rig, seat)).toBeUndefined();
    expect(rig.server.room.world.players.get(seat)).toBeUndefined();
    const [left] = events(rig, 'left');
    expect(left).toBeGreaterThanOrEqual(lost + 7_900);
    hands.pulls.clear();
    hands.pulling = false;
    rig.connect(first(rig));
    rig.run(2_000);
    // The token is refused, so the core joins without it. The old seat rests until history has forgotten it.
    expect(seatOf(rig)).not.toBe(seat);
    expect(boxOf(rig, seatOf(rig))).toBeDefined();
    expect(rig.server.counters.turnedAway['token-invalid']).toBe(1);
    expect(first(rig).events.at(-1)).toMatchObject({ type: 'joined', resumed: false });
    rig.expectClean();
  });

  test('leaving frees the seat at once', () => {
    const { rig } = start();
    rig.run(2_000);
    const seat = seatOf(rig);
    rig.leave(first(rig));
    rig.run(500);
    expect(boxOf(rig, seat)).toBeUndefined();
    expect(rig.serverEvents.at(-2)?.event).toMatchObject({ type: 'close-connection', reason: 'left' });
    expect(rig.server.stats().connections).toBe(1);
    rig.expectClean();
  });

  test('a shutdown reaches every player', () => {
    const { rig } = start({ clients: 4, link: 'mobile' });
    rig.run(2_000);
    rig.server.shutdown(rig.now);
    rig.run(1_000);
    for (const { events } of rig.clients)
      expect(events.at(-1)).toEqual({ type: 'closed', reason: 'shutdown' });
    expect(rig.server.stats().players).toBe(0);
  });
});

describe('the door', () => {
  test('a full room says so', () => {
    const { rig } = start({ clients: 3, maxPlayers: 2, link: 'perfect' });
    rig.run(1_000);
    const refused = rig.clients.filter(({ core }) => !core.joined);
    expect(refused.length).toBe(1);
    expect(refused[0]?.events).toMatchObject([{ type: 'refused', code: 'full' }]);
    expect(rig.server.counters.turnedAway).toEqual({ full: 1 });
  });

  test('another build of the game is turned away', () => {
    const { rig } = start();
    const other = defineGame({ ...boxes.definition, name: 'other' });
    const client = rig.addClient({ game: other });
    rig.run(1_000);
    expect(client.events).toMatchObject([{ type: 'refused', code: 'schema' }]);
    expect(client.core.joined).toBe(false);
    // Any difference in what travels counts.
    const wider = defineGame({ ...boxes.definition, player: { score: int(0, 65_536) } });
    expect(wider.schema.hash).not.toEqual(boxes.schema.hash);
  });

  test('a token that was never given out joins as somebody new', () => {
    const { rig } = start();
    const client = rig.addClient({ token: '00112233445566778899aabbccddeeff' });
    rig.run(1_000);
    expect(client.events).toMatchObject([{ type: 'joined', resumed: false }]);
    expect(client.core.token).not.toBe('00112233445566778899aabbccddeeff');
    expect(rig.server.counters.turnedAway['token-invalid']).toBe(1);
  });
});

test('[X4] a seat is given again only after every history has forgotten its former player', () => {
  const { rig } = start({ clients: 1, maxPlayers: 3, link: 'perfect' });
  const freed = new Map<number, number>();
  const seen = new Set<number>();
  for (let second = 0; second < LONG; second++) {
    rig.run(1_000);
    for (const { at, event } of rig.serverEvents.splice(0)) {
      if (event.type === 'left') freed.set(event.seat, at);
      if (event.type !== 'joined') continue;
      seen.add(event.seat);
      // Twice the window in which rows may be held: 512 ticks.
      expect(at - (freed.get(event.seat) ?? -Infinity)).toBeGreaterThanOrEqual((512 * 1_000) / 60);
    }
    if (rig.clients.length > 1) rig.leave(rig.clients[1] as BoxesRig['clients'][number]);
    else if (second % 5 === 0) rig.addClient();
  }
  expect(seen.size).toBe(3);
  rig.expectClean();
});

test('[S3] [A1] joins, leaves and reloads all the time', () => {
  const { rig } = start({ seed: 5, clients: 2, link: 'mobile', graceMs: 2_000 });
  let joined = 0;
  for (let second = 1; second <= LONG; second++) {
    rig.run(1_000);
    const last = rig.clients.at(-1) as BoxesRig['clients'][number];
    if (second % 2 === 0 && rig.clients.length < 6) rig.addClient();
    if (second % 3 === 0 && rig.clients.length > 2) rig.leave(last);
    if (second % 5 === 0) rig.reload(first(rig));
    if (second % 7 === 0) rig.disconnect(rig.clients[1] as BoxesRig['clients'][number]);
    if (second % 7 === 6 || second % 14 === 2) rig.connect(rig.clients[1] as BoxesRig['clients'][number]);
  }
  joined = events(rig, 'joined').length;
  expect(joined).toBeGreaterThan(LONG * 0.5);
  const { checks } = rig.expectClean();
  expect(checks.complete).toBe(checks.snapshots);
  expect(checks.snapshots).toBeGreaterThan(LONG * 20);
  accountedFor(rig);
}, 300_000);
