// How much each client gets: its cap in every second, what its own path takes, and nothing at another client's cost.
import { defineGame, type Shape } from '@tickwire/netcode';
import { type LinkOptions, PROFILES, type ProfileName, Rig, type RigLink } from '@tickwire/netcode/testing';
import { describe, expect, test } from 'vitest';
import { crowd } from '../games/crowd.ts';
import { FULL } from './play.ts';

/** UDP, DTLS and SCTP around each datagram: the cap counts them. */
const OVERHEAD = 93;

/** What a client on a perfect network gets of a cap of 24,000. */
const PACED = 22_200;

type Play = ReturnType<typeof start>;

function start(
  link: RigLink,
  {
    clients = 1,
    movers = 300,
    cap = 24_000,
    seed = 5,
  }: { clients?: number; movers?: number; cap?: number; seed?: number } = {},
) {
  return new Rig({
    game: crowd,
    seed,
    clients,
    link,
    drawRate: 2,
    options: { movers },
    maxBytesPerSecond: cap,
  });
}

const sessionOf = (rig: Play, index = 0) => {
  const session = rig.server.session(rig.clients[index]?.core.seat ?? 0);
  if (session === undefined) throw new Error(`client ${index} has no session`);
  return session;
};

/** Only the way to the client is narrow, so that its own packets do not queue. */
const narrow = (down: LinkOptions, up: LinkOptions = PROFILES.wifi): RigLink => ({ up, down });

/** What the server sends to each client, on the wire: [time, bytes] by client index. */
function record<S extends Shape>(rig: Rig<S>): Map<number, [at: number, bytes: number][]> {
  const sent = new Map<number, [number, number][]>();
  rig.onDatagram = (from, client, bytes) => {
    if (from !== 'server') return;
    const list = sent.get(client.index) ?? [];
    sent.set(client.index, list);
    list.push([rig.now, bytes.length + OVERHEAD]);
  };
  return sent;
}

/** The most bytes in any window [t, t + 1,000). */
function busiestSecond(sent: readonly (readonly [at: number, bytes: number])[]): number {
  let most = 0;
  let sum = 0;
  let first = 0;
  for (const [at, bytes] of sent) {
    sum += bytes;
    for (; at - (sent[first]?.[0] ?? 0) >= 1_000; first++) sum -= sent[first]?.[1] ?? 0;
    most = Math.max(most, sum);
  }
  return most;
}

const bytesOf = (sent: readonly (readonly [number, number])[], from = 0, to = Infinity): number =>
  sent.reduce((sum, [at, bytes]) => (at >= from && at < to ? sum + bytes : sum), 0);

describe('the cap', () => {
  const links: readonly ProfileName[] = ['wifi', 'mobile', 'terrible'];
  test.each(links)(
    '[B1] no second carries more, whatever happens on %s: a full world, messages, transfers, blackouts, hand-overs, hellos',
    (link) => {
      const caps = [12_000, 5_000];
      const rig = start(link, { clients: 2, movers: 150 });
      const sent = record(rig);
      rig.run(1_500);
      for (const [index, cap] of caps.entries()) sessionOf(rig, index).setCap(cap);
      // What was sent before the cap fell is not to blame on it.
      sent.clear();
      rig.run(1_000);
      sent.clear();
      const from = rig.now;
      for (let second = 1; second <= 30; second++) {
        const client = rig.clients[second % 2];
        if (second % 10 === 3) sessionOf(rig, second % 2).channels.sendReliable(new Uint8Array(9_000));
        if (second % 10 === 4)
          rig.server.transfer(sessionOf(rig, second % 2).seat, 'map', new Uint8Array(20_000));
        if (second % 10 === 5) rig.darken(second % 2, 700);
        if (second % 10 === 7 && client !== undefined) rig.handOver(client);
        if (second % 20 === 9 && client !== undefined) rig.reload(client);
        rig.run(1_000);
      }
      rig.expectClean();
      for (const [index, cap] of caps.entries()) {
        const list = sent.get(index) ?? [];
        expect(busiestSecond(list)).toBeLessThanOrEqual(cap);
        // And it is used.
        expect(bytesOf(list) / ((rig.now - from) / 1_000)).toBeGreaterThan(cap * 0.65);
      }
      expect(rig.server.stats().deferredRows).toBeGreaterThan(5_000);
    },
    120_000,
  );

  test.runIf(FULL)(
    '[B1] 100 clients among 2,000 moving entities, 24 kB/s each',
    () => {
      const throng = defineGame({ ...crowd.definition, name: 'throng', maxPlayers: 100 });
      const options = { movers: 2_000 };
      const rig = new Rig({
        game: throng,
        seed: 3,
        clients: 100,
        link: 'wifi',
        drawRate: 1,
        options,
        maxBytesPerSecond: 24_000,
      });
      const sent = record(rig);
      rig.run(3_000).expectClean();
      for (const list of sent.values()) {
        expect(busiestSecond(list)).toBeLessThanOrEqual(24_000);
        expect(bytesOf(list, 2_000, 3_000)).toBeGreaterThan(PACED * 0.9);
      }
      expect(sent.size).toBe(100);
    },
    600_000,
  );

  test('[B1] [M3] a transfer beside play soon gets what it leaves, and no more', () => {
    const rig = start('wifi', { movers: 20, cap: 80_000 });
    const sent = record(rig);
    rig.run(4_000);
    rig.server.transfer(1, 'map', new Uint8Array(4_000_000));
    const from = rig.now;
    rig.run(7_000).expectClean();
    const list = sent.get(0) ?? [];
    expect(busiestSecond(list)).toBeLessThanOrEqual(80_000);
    expect(bytesOf(list, from, from + 3_000) / 3).toBeGreaterThan(40_000);
    expect(bytesOf(list, from + 3_000) / 4).toBeGreaterThan(70_000);
    expect(sessionOf(rig).budget.throttled).toBe(0);
  });

  test('[B1] it is spread evenly: every snapshot gets its share', () => {
    const rig = start('perfect', { movers: 400, cap: 12_000 });
    rig.run(5_000);
    const sent = record(rig);
    rig.run(5_000);
    const sizes = (sent.get(0) ?? []).map(([, bytes]) => bytes);
    expect(sizes.length).toBe(100);
    expect(Math.min(...sizes)).toBeGreaterThan(450);
    expect(Math.max(...sizes)).toBeLessThan(650);
  });

  test('a cap changed in play holds a second later; stats show caps at work', () => {
    const rig = start('wifi', { movers: 400 });
    rig.run(5_000);
    expect(rig.server.stats().budgets).toMatchObject([{ seat: 1, cap: 24_000, throttled: 0 }]);
    sessionOf(rig).setCap(4_000);
    rig.run(1_000);
    const sent = record(rig);
    rig.run(10_000);
    expect(busiestSecond(sent.get(0) ?? [])).toBeLessThanOrEqual(4_000);
    const [budget] = rig.server.stats().budgets;
    expect(budget?.cap).toBe(4_000);
    expect(budget?.rate).toBe(4_000);
    expect(budget?.sent).toBeLessThanOrEqual(4_000);
    expect(budget?.throttled).toBeGreaterThan(50);
    expect(rig.server.counters.snapshotsThrottled).toBe(budget?.throttled);
    expect(() => sessionOf(rig).setCap(1_000)).toThrow('maxBytesPerSecond must be 2000..100000000');
    expect(() => start('wifi', { cap: Number.NaN })).toThrow('maxBytesPerSecond');
  });
});

describe('the path', () => {
  /** Time that each datagram waits at a bottleneck of `rate`, worked out apart from the link. */
  const waits = (sent: readonly (readonly [at: number, bytes: number])[], rate: number): number[] => {
    let free = 0;
    return sent.map(([at, bytes]) => {
      const wait = Math.max(0, free - at);
      free = Math.max(free, at) + (bytes * 1_000) / rate;
      return wait;
    });
  };
  const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
  const quantile = (values: readonly number[], q: number): number =>
    sorted(values)[Math.floor(values.length * q)] ?? 0;

  test.each([
    ['wifi', 8_000, 3_000],
    ['wifi', 14_000, 200],
    ['mobile', 12_000, 1_000],
  ] as const)(
    '[B2] a client on %s whose line takes %i B/s with room for %i ms: a short queue, then all of it again',
    (name, rate, queueMs) => {
      const wide = PROFILES[name];
      const thin: LinkOptions = { ...wide, rateBytesPerSecond: rate, queueMs };
      const rig = start(narrow(wide, wide), { movers: 300 });
      const { down } = rig.clients[0] as Play['clients'][number];
      rig.run(5_000);
      const full = sessionOf(rig).budget.rate;
      expect(full).toBe(24_000);
      const sent = record(rig);
      down.change(thin);
      const narrowed = rig.now;
      rig.run(19_000);
      const list = sent.get(0) ?? [];
      const delays = waits(list, rate);
      const settled = delays.filter((_, i) => (list[i]?.[0] ?? 0) > narrowed + 7_000);
      expect(quantile(settled, 0.5)).toBeLessThan(100);
      // Where jitter is as large as the queue, it hides it.
      expect(quantile(settled, 0.95)).toBeLessThan(name === 'mobile' ? 300 : 200);
      expect(bytesOf(list, narrowed + 7_000, rig.now) / 12).toBeGreaterThan(rate * 0.75);
      const at = sent.get(0)?.length ?? 0;
      down.change(wide);
      rig.run(15_000);
      expect(sessionOf(rig).budget.rate).toBe(full);
      expect(bytesOf((sent.get(0) ?? []).slice(at), rig.now - 3_000) / 3).toBeGreaterThan(20_000);
      rig.expectClean();
    },
  );

  test('[B2] a client that joins over a thin line fills it for seconds only', () => {
    const rig = start(narrow({ ...PROFILES.wifi, rateBytesPerSecond: 8_000, queueMs: 2_000 }), {
      movers: 1_000,
    });
    const sent = record(rig);
    rig.run(16_000);
    const list = sent.get(0) ?? [];
    const late = waits(list, 8_000).filter((_, i) => (list[i]?.[0] ?? 0) > 7_000);
    expect(quantile(late, 0.95)).toBeLessThan(200);
    rig.expectClean();
  });

  test.each([10_000, 30_000])('[B2] [M3] a transfer over a line of %i B/s keeps its queue short', (rate) => {
    const rig = start(narrow({ ...PROFILES.wifi, rateBytesPerSecond: rate, queueMs: 2_000 }), {
      movers: 20,
      cap: 128_000,
    });
    const sent = record(rig);
    rig.run(4_000);
    const transfer = rig.server.transfer(1, 'map', new Uint8Array(4_000_000));
    const from = rig.now;
    rig.run(20_000).expectClean();
    const list = sent.get(0) ?? [];
    const all = waits(list, rate).filter((_, i) => (list[i]?.[0] ?? 0) > from);
    expect(quantile(all, 0.95)).toBeLessThan(200);
    expect(transfer.moved).toBeGreaterThan(rate * 4);
  });

  test('[B2] what the transport still holds lowers the rate, and it comes back', () => {
    const rig = start('wifi');
    rig.run(5_000);
    const { connection } = rig.clients[0] as Play['clients'][number];
    // A transport that takes a packet only each 200 ms.
    rig.onTick = (tick) => rig.server.setBuffered(connection, tick % 12 === 0 ? 0 : 4_000);
    rig.run(3_000);
    expect(sessionOf(rig).budget.rate).toBeLessThan(8_000);
    rig.onTick = undefined;
    rig.server.setBuffered(connection, 0);
    rig.run(15_000);
    expect(sessionOf(rig).budget.rate).toBe(24_000);
  });

  test('[B2] a longer way is not a full one', () => {
    const rig = start(narrow(PROFILES.wifi));
    rig.run(5_000);
    rig.clients[0]?.down.change({ ...PROFILES.wifi, latencyMs: 150 });
    rig.run(10_000);
    expect(sessionOf(rig).budget.rate).toBe(24_000);
    expect(sessionOf(rig).link?.congestion.stats.takenBack).toBeLessThanOrEqual(1);
  });

  test.each([
    ['5 %, one by one', { ...PROFILES.wifi, loss: 0.05 }],
    ['20 %, one by one', { ...PROFILES.wifi, loss: 0.2 }],
    ['5 %, in bursts', PROFILES.mobile],
    ['20 %, in bursts, with 80 ms of jitter', PROFILES.terrible],
  ] as const)('[B3] loss that is not ours costs little: %s', (_, link) => {
    for (const seed of FULL ? [1, 2] : [1]) {
      const rig = start(link, { seed });
      rig.run(5_000);
      const sent = record(rig);
      rig.run(20_000);
      expect(bytesOf(sent.get(0) ?? []) / 20).toBeGreaterThan(PACED * 0.7);
    }
  });
});

describe('others', () => {
  test('[B4] a slow client costs the others nothing: they get the same bytes at the same times', () => {
    const bytes = (slow: boolean): { others: string[]; rate: number } => {
      const thin: LinkOptions = { ...PROFILES.wifi, rateBytesPerSecond: 5_000, queueMs: 1_000 };
      const rig = start('wifi', { clients: 3, movers: 300 });
      if (slow) rig.clients[2]?.down.change(thin);
      const others: string[] = [];
      rig.onDatagram = (from, client, datagram) => {
        if (from === 'server' && client.index < 2)
          others.push(`${rig.now} ${client.index} ${Buffer.from(datagram).toString('base64')}`);
      };
      rig.run(12_000);
      return { others, rate: sessionOf(rig, 2).budget.rate };
    };
    const with_ = bytes(true);
    const without = bytes(false);
    expect(with_.rate).toBeLessThan(7_000);
    expect(without.rate).toBeGreaterThan(20_000);
    expect(with_.others.length).toBeGreaterThan(400);
    expect(with_.others).toEqual(without.others);
  });
});

describe('joining', () => {
  test('[B5] thousands of entities stream in: no burst, one datagram a snapshot, the urgent ones first', () => {
    const rig = start('wifi', { movers: 4_000, clients: 2 });
    const sent = record(rig);
    let shipsAt = 0;
    let allAt = 0;
    rig.clients[0]?.core.send('quiet', null);
    rig.onFrame = ({ core, index }) => {
      const [, , ships, , movers] = core.replica?.tables ?? [];
      if (index === 0 && shipsAt === 0 && ships?.count === 2) {
        shipsAt = rig.now;
        expect(movers?.count).toBeLessThan(400);
      }
      if (index === 0 && allAt === 0 && movers?.count === 4_000) allAt = rig.now;
    };
    rig.run(8_000);
    const list = sent.get(0) ?? [];
    // At first it is not known what the way takes.
    expect(bytesOf(list, 0, 1_000)).toBeLessThanOrEqual(18_000);
    expect(busiestSecond(list)).toBeLessThanOrEqual(24_000);
    // The welcome, then one datagram for each 50 ms at most.
    for (let i = 2; i < list.length; i++)
      expect((list[i]?.[0] ?? 0) - (list[i - 1]?.[0] ?? 0)).toBeGreaterThan(49);
    expect(shipsAt).toBeGreaterThan(0);
    expect(shipsAt).toBeLessThan(500);
    expect(allAt).toBeGreaterThan(shipsAt + 500);
  });
});

describe('a client that cannot have every snapshot', () => {
  test.each([2_000, 4_000])('[B6] hears at least each 150 ms what arrived, at %i B/s', (cap) => {
    const rig = start('wifi', { movers: 300, cap });
    rig.run(4_000);
    const before = rig.server.stats().substituted;
    const sent = record(rig);
    rig.run(20_000);
    const list = sent.get(0) ?? [];
    for (let i = 1; i < list.length; i++)
      expect((list[i]?.[0] ?? 0) - (list[i - 1]?.[0] ?? 0)).toBeLessThanOrEqual(151);
    expect(sessionOf(rig).budget.throttled).toBeGreaterThan(100);
    // Small packets between the snapshots, and commands that keep arriving in time.
    expect(list.filter(([, bytes]) => bytes < OVERHEAD + 20).length).toBeGreaterThan(cap < 4_000 ? 50 : 0);
    expect(rig.server.stats().substituted - before).toBeLessThan(15);
    rig.expectClean();
  });

  test('[B6] a transport that is stuck gets no snapshots, and a word each 100 ms', () => {
    const rig = start('wifi');
    rig.run(3_000);
    const { connection } = rig.clients[0] as Play['clients'][number];
    const sent = record(rig);
    rig.onTick = () => rig.server.setBuffered(connection, 9_000);
    rig.run(2_000);
    const list = sent.get(0) ?? [];
    expect(list.length).toBeGreaterThan(15);
    expect(list.length).toBeLessThanOrEqual(22);
    for (const [, bytes] of list.slice(1)) expect(bytes).toBeLessThan(OVERHEAD + 20);
  });
});
