// Requests and large transfers beside play: answered once, moved whole, and no snapshot the later or the smaller for it.
import { defineGame, refuse } from '@tickwire/netcode';
import type { ClientEvent, Outcome, Transfer } from '@tickwire/netcode/client';
import { type ProfileName, Rig, type RigOptions } from '@tickwire/netcode/testing';
import { replay } from '@tickwire/server/core';
import { describe, expect, test } from 'vitest';
import { boxes } from '../games/boxes.ts';
import { crowd } from '../games/crowd.ts';
import { accountedFor, type BoxesRig, type BoxesShape, FULL, Hands, settle } from './play.ts';

const MIB = 1024 * 1024;
const PLAYERS = 4;

type RigClient = BoxesRig['clients'][number];

function start(options: Partial<RigOptions<BoxesShape>> = {}): { rig: BoxesRig; hands: Hands } {
  const hands = new Hands();
  const rig = new Rig({
    game: boxes,
    seed: 1,
    clients: PLAYERS,
    link: 'wifi',
    script: hands.script,
    ...options,
  });
  return { rig, hands };
}

/** Bytes that no codec would shrink, the same for the same seed. */
function mapData(length: number, seed = 7): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Bit for bit, without the seconds that a matcher takes for a million numbers. */
const same = (a: Uint8Array | undefined, b: Uint8Array): boolean =>
  a !== undefined && Buffer.compare(a, b) === 0;

const incoming = (client: RigClient): Transfer[] =>
  client.events.flatMap((event) => (event.type === 'transfer' ? [event.transfer] : []));

/** What snapshots did for a while: how many left and arrived, how large they were, and what else left beside them. */
interface Measured {
  readonly ms: number;
  readonly sent: number;
  readonly skipped: number;
  readonly applied: number;
  /** Mean length in bytes of a packet with a snapshot, up to where its messages begin. */
  readonly bytes: number;
  /** Rows that had to wait for room. */
  readonly deferred: number;
  /** Mean and worst age in ms of the newest snapshot at a client, as its page would see it 20 times a second. */
  readonly age: number;
  readonly oldest: number;
  /** Datagrams that carried no snapshot. */
  readonly lane: number;
}

function measure(rig: BoxesRig, ms: number, until: () => boolean = () => false): Measured {
  const now = { at: rig.now, ...totals(rig) };
  const sizes = { bytes: 0, packets: 0, lane: 0 };
  for (const session of rig.clients.map(({ core }) => rig.server.session(core.seat))) {
    if (session === undefined) continue;
    const { channels } = session;
    const fill = channels.fill.bind(channels);
    let before = session.snapshotsSent;
    channels.fill = (at, seq, most, out, offset, path) => {
      if (session.snapshotsSent > before) {
        sizes.bytes += offset;
        sizes.packets++;
      } else sizes.lane++;
      before = session.snapshotsSent;
      return fill(at, seq, most, out, offset, path);
    };
  }
  const ages: number[] = [];
  while (rig.now < now.at + ms && !until()) {
    rig.run(50);
    for (const { core } of rig.clients) ages.push(core.stats().snapshotAge);
  }
  const after = totals(rig);
  return {
    ms: rig.now - now.at,
    sent: after.sent - now.sent,
    skipped: after.skipped - now.skipped,
    applied: after.applied - now.applied,
    deferred: after.deferred - now.deferred,
    bytes: sizes.bytes / sizes.packets,
    age: ages.reduce((sum, age) => sum + age, 0) / ages.length,
    oldest: Math.max(...ages),
    lane: sizes.lane,
  };
}

function totals(rig: BoxesRig): { sent: number; skipped: number; applied: number; deferred: number } {
  const sums = { sent: 0, skipped: 0, applied: 0, deferred: rig.server.stats().deferredRows };
  for (const { core } of rig.clients) {
    const session = rig.server.session(core.seat);
    sums.sent += session?.snapshotsSent ?? 0;
    sums.skipped += session?.snapshotsSkipped ?? 0;
    sums.applied += core.stats().snapshots;
  }
  return sums;
}

const answersTo = (client: RigClient): Extract<ClientEvent, { type: 'answer' }>[] =>
  client.events.filter((event) => event.type === 'answer');

/** Starts the same bytes to every player. */
function sendToAll(rig: BoxesRig, bytes: Uint8Array): Transfer[] {
  return rig.clients.map(({ core }) => rig.server.transfer(core.seat, 'map', bytes));
}

async function expectWhole(rig: BoxesRig, bytes: Uint8Array): Promise<void> {
  for (const client of rig.clients) {
    const [transfer, ...more] = incoming(client);
    expect([transfer?.name, transfer?.moved, transfer?.state]).toEqual(['map', bytes.length, 'done']);
    expect(same(await transfer?.finished, bytes)).toBe(true);
    expect(more).toEqual([]);
  }
}

/**
 * Seconds for 1 MiB at the most; and what two draws of the same network's dice differ by: the share of snapshots that arrive, and the
 * mean age in ms of the newest one.
 */
const NETWORKS = [
  ['wifi', 15, 0.98, 5],
  ['mobile', 35, 0.93, 15],
  ['terrible', 60, 0.88, 30],
] as const satisfies readonly (readonly [ProfileName, number, number, number])[];

describe.each(NETWORKS)('a map to each of 4 players on %s', (link, seconds, share, older) => {
  test('[M3] arrives whole, and snapshots keep their rate, their size and their age', async () => {
    const { rig, hands } = start({ link, drawRate: 20 });
    rig.run(4_000);
    const bytes = mapData(FULL ? MIB : link === 'wifi' ? MIB / 2 : MIB / 4);
    const sent = sendToAll(rig, bytes);
    const busy = measure(rig, seconds * 1_000, () => sent.every(({ over }) => over));
    await expectWhole(rig, bytes);
    // The same players on the same network for as long, with nothing to transfer.
    const quiet = start({ link, drawRate: 20 }).rig;
    quiet.run(4_000);
    const alone = measure(quiet, busy.ms);
    console.log(
      `${bytes.length} bytes to each of ${PLAYERS} on ${link}: ${(busy.ms / 1_000).toFixed(1)} s, ${(bytes.length / busy.ms).toFixed(0)} kB/s each;`,
      `with and without: ${busy.applied} and ${alone.applied} snapshots of ${busy.bytes.toFixed(0)} and ${alone.bytes.toFixed(0)} bytes,`,
      `${busy.age.toFixed(0)} and ${alone.age.toFixed(0)} ms old;`,
      `${((busy.lane * 1_000) / busy.ms / PLAYERS).toFixed(0)} datagrams more per second and player`,
    );
    // What leaves is the same to the datagram, but for those that the gate held back in a burst of loss.
    const held = busy.sent + busy.skipped - alone.sent - alone.skipped;
    expect(Math.abs(held)).toBeLessThanOrEqual(link === 'wifi' ? 0 : busy.sent * 0.01);
    expect(Math.abs(busy.skipped - alone.skipped)).toBeLessThanOrEqual(busy.sent * 0.01);
    expect(busy.deferred).toBe(0);
    expect(busy.bytes).toBeLessThan(alone.bytes * 1.05);
    expect(busy.applied).toBeGreaterThan(alone.applied * share);
    expect(busy.age).toBeLessThan(alone.age + older);
    settle(rig, hands);
    rig.expectClean();
    accountedFor(rig);
    expect(hands.ran(rig)).toEqual(hands.pulls);
  }, 300_000);
});

describe('a link that a transfer could fill', () => {
  // 40 kB/s, of which play takes 5; a queue of 200 ms in which snapshots would wait, or of 20 ms that would drop them.
  test.each([200, 20])(
    '[M3] is shared: every snapshot arrives (queue of %i ms)',
    async (queueMs) => {
      const down = { latencyMs: 25, jitterMs: 4, rateBytesPerSecond: 40_000, queueMs };
      const link = { up: { latencyMs: 25, jitterMs: 4 }, down };
      const { rig } = start({ link, drawRate: 20 });
      rig.run(4_000);
      const bytes = mapData(MIB / 4);
      const sent = sendToAll(rig, bytes);
      const busy = measure(rig, 20_000, () => sent.every(({ over }) => over));
      await expectWhole(rig, bytes);
      const quiet = start({ link, drawRate: 20 }).rig;
      quiet.run(4_000);
      const alone = measure(quiet, busy.ms);
      expect(Math.abs(busy.applied - alone.applied)).toBeLessThanOrEqual(PLAYERS);
      // A full datagram alone takes 31 ms here.
      expect(busy.age).toBeLessThan(alone.age + 31);
      expect(busy.oldest).toBeLessThan(alone.oldest + 100);
      const { cuts } = rig.server.session(1)?.channels.transfers.stats ?? {};
      expect((cuts?.delay ?? 0) + (cuts?.loss ?? 0)).toBeGreaterThan(0);
      rig.expectClean();
    },
    120_000,
  );
});

test('[M3] datagrams that snapshots fill are left to them: nothing is deferred for a transfer', () => {
  const run = (transfer: boolean): { deferred: number; moved: number } => {
    const rig = new Rig({
      game: crowd,
      seed: 11,
      clients: 2,
      link: 'perfect',
      drawRate: 5,
      script: () => ({ fire: 1 }),
    });
    rig.run(2_000);
    const before = rig.server.stats().deferredRows;
    const sent = transfer ? rig.server.transfer(1, 'map', mapData(MIB)) : undefined;
    rig.run(5_000).expectClean();
    return { deferred: rig.server.stats().deferredRows - before, moved: sent?.moved ?? 0 };
  };
  const [busy, alone] = [run(true), run(false)];
  expect(alone.deferred).toBeGreaterThan(1_000);
  // An offer, an end and a few grants are messages, which may claim some bytes.
  expect(busy.deferred).toBeLessThan(alone.deferred * 1.01);
  expect(busy.moved).toBeGreaterThan(256 * 1024);
});

test('[M3] 24 players at once get 32 datagrams per tick together, and share them alike', () => {
  const game = defineGame({ ...boxes.definition, maxPlayers: 24 });
  const rig = new Rig({ game, seed: 3, clients: 24, link: 'perfect', drawRate: 0, script: () => ({}) });
  rig.run(1_000);
  const map = mapData(MIB);
  const sent = rig.clients.map(({ core }) => rig.server.transfer(core.seat, 'map', map));
  let [inTick, most] = [0, 0];
  rig.onTick = () => {
    inTick = 0;
  };
  rig.onDatagram = (from) => {
    if (from === 'server') inTick++;
    most = Math.max(most, inTick);
  };
  rig.run(4_000).expectClean();
  expect(most).toBe(24 + 32); // a snapshot for each, and no more
  const moved = sent.map((transfer) => transfer.moved);
  expect(Math.min(...moved)).toBeGreaterThan(100_000);
  expect(Math.max(...moved) / Math.min(...moved)).toBeLessThan(1.1);
});

describe('a transfer under way', () => {
  test.each(['wifi', 'terrible'] as const)(
    '[M3] [X5] goes on over blackouts, hand-overs and new connections on %s',
    async (link) => {
      const { rig, hands } = start({ link, clients: 2 });
      rig.run(4_000);
      const bytes = mapData(MIB / 2);
      const sent = sendToAll(rig, bytes);
      const [client] = rig.clients as [RigClient];
      for (let round = 0; round < 12 && !sent.every(({ over }) => over); round++) {
        rig.run(700);
        if (round % 4 === 0) rig.darken(0, 1_200);
        if (round % 4 === 1) rig.handOver(client);
        if (round % 4 === 2) rig.darken(0, 600, 'down');
        if (round % 4 === 3) rig.connect(client);
        rig.run(2_000);
      }
      rig.run(20_000);
      await expectWhole(rig, bytes);
      for (const transfer of sent) expect(transfer.state).toBe('done');
      settle(rig, hands);
      rig.expectClean();
      accountedFor(rig);
      expect(hands.ran(rig)).toEqual(hands.pulls);
    },
    120_000,
  );

  test('[M3] ends when the page is loaded again, and when its player leaves', async () => {
    const { rig } = start({ clients: 2 });
    rig.run(2_000);
    const sent = sendToAll(rig, mapData(MIB));
    rig.run(2_000);
    const [reloading, leaving] = rig.clients as [RigClient, RigClient];
    const halves = rig.clients.map((client) => incoming(client)[0]);
    rig.reload(reloading);
    rig.leave(leaving);
    rig.run(2_000);
    for (const transfer of sent) {
      expect([transfer.state, transfer.error?.code]).toEqual(['failed', 'ended']);
      await expect(transfer.finished).rejects.toThrow('session ended');
    }
    expect(halves[1]?.error?.code).toBe('ended');
    const ended = rig.serverEvents.flatMap(({ event }) =>
      event.type === 'transfer-ended' ? [event.seat] : [],
    );
    expect(ended.sort()).toEqual([1, 2]);
    // The new page is sent to as any.
    const again = rig.server.transfer(reloading.core.seat, 'map', mapData(10_000));
    rig.run(2_000).expectClean();
    expect(again.state).toBe('done');
  });

  test('[M3] is cancelled by either side, who tells the other why', async () => {
    const { rig } = start({ clients: 2 });
    rig.run(2_000);
    const sent = sendToAll(rig, mapData(MIB));
    rig.run(2_000);
    const [one, two] = rig.clients.map((client) => incoming(client)[0]) as [Transfer, Transfer];
    expect(one.moved).toBeGreaterThan(50_000);
    sent[0]?.cancel('the match is over');
    two.cancel('not needed');
    rig.run(1_000);
    for (const transfer of [...sent, one, two]) expect(transfer.error?.code).toBe('cancelled');
    expect([one.error?.message, sent[1]?.error?.message]).toEqual(['the match is over', 'not needed']);
    const { blockBytesSent } = rig.server.session(1)?.channels.transfers.stats ?? {};
    rig.run(1_000).expectClean();
    expect(rig.server.session(1)?.channels.transfers.stats.blockBytesSent).toBe(blockBytesSent);
  });

  test('[M3] [X6] [X2] sends nothing of its own to a page that is hidden, silent, or slow to take what it got', () => {
    const { rig } = start({ clients: 1, link: 'perfect' });
    rig.run(2_000);
    const client = rig.clients[0] as RigClient;
    const sent = rig.server.transfer(client.core.seat, 'map', mapData(4 * MIB));
    const during = (ms: number): { up: number; down: number; most: number } => {
      const seen = { up: 0, down: 0, most: 0 };
      rig.onDatagram = (from, _, bytes) => {
        seen[from === 'client' ? 'up' : 'down']++;
        if (from === 'server') seen.most = Math.max(seen.most, bytes.length);
      };
      rig.run(ms);
      return seen;
    };
    rig.run(1_500);
    expect(during(2_000).down).toBeGreaterThan(2 * 60);
    rig.server.setBuffered(client.connection, 5_000);
    // A word each 100 ms of what arrived [B6], and no blocks in it.
    const stuck = during(2_000);
    expect(stuck.down).toBeLessThanOrEqual(20);
    expect(stuck.most).toBeLessThan(20);
    expect(rig.server.session(1)?.channels.transfers.stats.cuts.buffered).toBeGreaterThan(3);
    rig.server.setBuffered(client.connection, 0);
    rig.darken(0, 2_000, 'up');
    rig.run(300);
    expect(during(1_000)).toMatchObject({ down: 10, most: 11 });
    rig.run(2_000);
    client.core.setHidden(rig.now, true);
    rig.run(500);
    const { up, down } = during(3_000);
    expect(down).toBeLessThanOrEqual(up);
    expect(down).toBeLessThanOrEqual(3 * 20);
    client.core.setHidden(rig.now, false);
    const before = sent.moved;
    rig.run(5_000).expectClean();
    expect(sent.moved - before).toBeGreaterThan(200_000);
  });

  test('[M3] to the server moves in what commands leave, up to what the server takes', async () => {
    const { rig, hands } = start({ clients: 2, link: 'mobile' });
    rig.run(2_000);
    const avatar = mapData(60_000);
    const [one, two] = rig.clients as [RigClient, RigClient];
    const fits = one.core.transfer('avatar', avatar);
    const tooLarge = two.core.transfer('avatar', mapData(64 * 1024 + 1));
    rig.run(8_000);
    expect(fits.state).toBe('done');
    expect([tooLarge.error?.code, tooLarge.moved]).toEqual(['too-large', 0]);
    const arrived = rig.serverEvents.flatMap(({ event }) => (event.type === 'transfer-ended' ? [event] : []));
    expect(arrived.map(({ seat, transfer }) => [seat, transfer.name])).toEqual([[one.core.seat, 'avatar']]);
    expect(same(await arrived[0]?.transfer.finished, avatar)).toBe(true);
    expect(rig.server.session(two.core.seat)?.channels.transfers.stats.refusedBytes).toBe(64 * 1024 + 1);
    settle(rig, hands);
    rig.expectClean();
    expect(hands.ran(rig)).toEqual(hands.pulls);
  });
});

describe('requests', () => {
  test.each(['perfect', 'mobile', 'terrible'] as const)(
    '[M2] [R1] are answered once each on %s, by the rules, and replay from the log',
    (link) => {
      const { rig } = start({ link, clients: 2, record: true });
      rig.run(3_000);
      const asked = new Map<number, number[]>();
      for (let i = 0; i < 60; i++) {
        for (const { core } of rig.clients) {
          const id = core.request(rig.now, 'buy', { cost: i % 3 }, 30_000);
          asked.set(core.seat, [...(asked.get(core.seat) ?? []), id ?? -1]);
        }
        const client = rig.clients[0] as RigClient;
        if (i === 20) rig.handOver(client);
        if (i === 30) rig.darken(0, 1_000);
        if (i === 40) rig.connect(client);
        rig.run(200);
      }
      rig.run(10_000);
      let bought = 0;
      for (const client of rig.clients) {
        const answers = answersTo(client);
        expect(answers.map(({ id }) => id)).toEqual(asked.get(client.core.seat));
        for (const { name, outcome } of answers) {
          expect(name).toBe('buy');
          if (outcome.ok) bought++;
          else expect([outcome.code, outcome.reason]).toEqual(['refused', 'not enough score']);
        }
        expect(client.core.stats().messagesRefused).toEqual({});
      }
      expect(bought).toBeGreaterThan(40);
      expect(rig.server.counters.answered).toEqual({ answered: bought, refused: 120 - bought });
      expect(rig.server.counters.answersLost).toBe(0);
      const { room } = rig.server;
      expect(replay(boxes, room.log as NonNullable<typeof room.log>).simulation.core.hash()).toBe(
        room.simulation.core.hash(),
      );
      rig.expectClean();
    },
  );

  test('[M2] outside the room may take their time; every way to fail has its name', async () => {
    const open: ((answer: string) => void)[] = [];
    const { rig } = start({
      clients: 1,
      answers: {
        lookup: (from, key) => {
          if (key === 'now') return `${from.name}: ${key}`;
          if (key === 'no') return refuse('unknown key');
          if (key === 'throw') throw new Error('database down');
          if (key === 'date') return new Date(0) as unknown as string;
          if (key === 'number') return 5 as unknown as string;
          if (key === 'reject') return Promise.reject(new Error('database down'));
          return new Promise<string>((resolve) => open.push(resolve));
        },
      },
    });
    rig.run(1_000);
    const client = rig.clients[0] as RigClient;
    const outcome = async (key: string, ms = 500): Promise<Outcome | undefined> => {
      const id = client.core.request(rig.now, 'lookup', key, 5_000);
      rig.run(200);
      await Promise.resolve();
      for (const resolve of open.splice(0)) resolve('late');
      await Promise.resolve();
      await Promise.resolve();
      rig.run(ms);
      return answersTo(client).find((answer) => answer.id === id)?.outcome;
    };
    expect(await outcome('now')).toEqual({ ok: true, answer: 'P1: now' });
    expect(await outcome('later')).toEqual({ ok: true, answer: 'late' });
    expect(await outcome('no')).toEqual({ ok: false, code: 'refused', reason: 'unknown key' });
    rig.problems.length = 0;
    for (const key of ['throw', 'date', 'reject'])
      expect(await outcome(key)).toMatchObject({ code: 'failed' });
    expect(await outcome('number')).toMatchObject({ code: 'malformed' });
    // One warning for the builder, whatever is wrong how often.
    expect(rig.problems.map(({ what }) => what)).toEqual([expect.stringContaining('database down')]);
    client.core.request(rig.now, 'buy', { cost: 'all' } as never);
    rig.run(500);
    expect(answersTo(client).at(-1)?.outcome).toMatchObject({ code: 'malformed' });
    expect(rig.server.counters.messagesRefused).toEqual({ 'invalid-payload': 1 });
  });

  test('[M2] end with the time they are given, with the session, and at 32 unanswered ones', () => {
    const { rig } = start({ clients: 2, answers: { lookup: () => new Promise<string>(() => undefined) } });
    rig.run(1_000);
    const [one, two] = rig.clients as [RigClient, RigClient];
    one.core.request(rig.now, 'lookup', 'a', 300);
    rig.run(290);
    expect(answersTo(one)).toEqual([]);
    rig.run(30);
    expect(answersTo(one)[0]?.outcome).toMatchObject({ code: 'timed-out' });
    // The server still owes that one, so it takes 31 more.
    const ids = Array.from({ length: 40 }, () => one.core.request(rig.now, 'lookup', 'b', 1_000));
    expect(ids.filter((id) => id === undefined)).toHaveLength(8);
    rig.run(500);
    expect(answersTo(one).slice(1)).toMatchObject([{ outcome: { code: 'busy' } }]);
    rig.run(1_000);
    expect(answersTo(one)).toHaveLength(33);
    two.core.request(rig.now, 'lookup', 'c', 60_000);
    rig.run(200);
    rig.server.kick(two.core.seat);
    rig.run(500);
    expect(answersTo(two)).toMatchObject([{ outcome: { code: 'ended' } }]);
    expect(two.core.request(rig.now, 'lookup', 'd')).toBeUndefined();
    // Nobody asks what no handler answers.
    const silent = start({ clients: 1 }).rig.run(1_000);
    silent.clients[0]?.core.request(silent.now, 'lookup', 'e');
    silent.run(500);
    expect(answersTo(silent.clients[0] as RigClient)).toMatchObject([{ outcome: { code: 'unhandled' } }]);
  });

  test('[M2] of a page that was loaded again are not answered to the new one', async () => {
    let answer: (text: string) => void = () => undefined;
    const { rig } = start({
      clients: 1,
      answers: { lookup: () => new Promise<string>((resolve) => (answer = resolve)) },
    });
    rig.run(1_000);
    const client = rig.clients[0] as RigClient;
    client.core.request(rig.now, 'lookup', 'mine', 10_000);
    rig.run(300);
    const first = answer;
    rig.reload(client);
    rig.run(1_000);
    client.core.request(rig.now, 'lookup', 'mine', 10_000);
    rig.run(300);
    first('for the former page');
    await Promise.resolve();
    rig.run(500);
    expect(answersTo(client)).toEqual([]);
    expect(rig.server.counters.answersLost).toBe(1);
    answer('for this one');
    await Promise.resolve();
    rig.run(500);
    expect(answersTo(client)).toMatchObject([{ outcome: { ok: true, answer: 'for this one' } }]);
  });
});
