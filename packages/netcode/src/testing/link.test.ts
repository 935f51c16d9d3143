import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LinkOptions, SimLink } from './link.ts';
import { PROFILES, type ProfileName } from './profiles.ts';

describe('SimLink', () => {
  it('delivers at the latency, in order, copies of what it was given', () => {
    const link = new SimLink({ latencyMs: 30 }, 1);
    const bytes = Uint8Array.of(7);
    link.send(100, bytes);
    bytes[0] = 9;
    link.send(101, bytes);
    expect(link.nextArrival()).toBe(130);
    expect(link.receive(129.9)).toBeUndefined();
    expect(link.receive(131)).toEqual(Uint8Array.of(7));
    expect(link.receive(131)).toEqual(Uint8Array.of(9));
    expect(link.nextArrival()).toBe(Number.POSITIVE_INFINITY);
  });

  it('gives the same run for the same seed and stream, and another for another', () => {
    const trace = (seed: number, stream: number) =>
      JSON.stringify(run(PROFILES.terrible, 2_000, seed, stream).arrivals);
    expect(trace(1, 0)).toBe(trace(1, 0));
    expect(trace(1, 0)).not.toBe(trace(2, 0));
    expect(trace(1, 0)).not.toBe(trace(1, 1));
  });

  it('draws alike whatever the options: adding loss removes arrivals and moves none', () => {
    const clean = run({ latencyMs: 50 }, 1_000, 3);
    const lossy = run({ latencyMs: 50, loss: 0.3 }, 1_000, 3);
    const times = new Map(clean.arrivals);
    for (const [id, at] of lossy.arrivals) expect(times.get(id)).toBe(at);
    expect(lossy.arrivals.length).toBeLessThan(800);
  });

  it('accounts for every datagram, whatever the options', () => {
    const p = fc.double({ min: 0, max: 1, noNaN: true });
    const options = fc.record<LinkOptions>(
      {
        latencyMs: fc.nat(200),
        jitterMs: fc.nat(100),
        loss: p,
        bursts: fc.record({ pGoodToBad: p, pBadToGood: p, lossGood: p, lossBad: p }),
        reorder: p,
        duplicate: p,
        corrupt: p,
        rateBytesPerSecond: fc.integer({ min: 1_000, max: 100_000 }),
        queueMs: fc.nat(500),
        mtu: fc.nat(200),
        blackouts: fc.array(fc.tuple(fc.nat(3_000), fc.nat(6_000)), { maxLength: 2 }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(options, fc.nat(), (chosen, seed) => {
        const link = new SimLink(chosen, seed);
        for (let i = 0; i < 300; i++) {
          link.send(i * 16, new Uint8Array((i * 7) % 150));
          if (i % 3 === 0) while (link.receive(i * 16) !== undefined);
        }
        const s = link.stats;
        expect(s.sent).toBe(300);
        const gone = s.lost + s.lostInBurst + s.lostInBlackout + s.queueFull + s.overMtu;
        expect(s.sent + s.duplicated).toBe(s.delivered + gone + link.inFlight);
      }),
    );
  });

  it('keeps the order under jitter alone, within the bounds that jitter sets', () => {
    const { arrivals } = run({ latencyMs: 100, jitterMs: 40 }, 5_000, 4);
    for (let i = 1; i < arrivals.length; i++) expect(arrivals[i]![0]).toBe(arrivals[i - 1]![0] + 1);
    for (const [id, at] of arrivals) {
      expect(at - id * STEP_MS).toBeGreaterThanOrEqual(20);
      expect(at - id * STEP_MS).toBeLessThanOrEqual(180);
    }
  });

  it('jitters by its deviation around the mean, when datagrams are too far apart to hold each other back', () => {
    const link = new SimLink({ latencyMs: 100, jitterMs: 20 }, 5);
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < 5_000; i++) {
      link.send(i * 1_000, Uint8Array.of(0));
      const delay = link.nextArrival() - i * 1_000;
      link.receive(link.nextArrival());
      sum += delay;
      squares += (delay - 100) ** 2;
    }
    expect(sum / 5_000).toBeCloseTo(100, -0.5);
    expect(Math.sqrt(squares / 5_000)).toBeGreaterThan(18);
    expect(Math.sqrt(squares / 5_000)).toBeLessThan(21);
  });

  it('lets later datagrams pass one that is reordered', () => {
    const { arrivals, link } = run({ latencyMs: 50, reorder: 0.1 }, 2_000, 6);
    let overtaken = 0;
    let newest = -1;
    for (const [id] of arrivals) {
      if (id < newest) overtaken++;
      newest = Math.max(newest, id);
    }
    expect(link.stats.reordered).toBeGreaterThan(150);
    expect(overtaken).toBeGreaterThan(100);
    expect(overtaken).toBeLessThanOrEqual(link.stats.reordered);
  });

  it('duplicates as often as told', () => {
    const { link, arrivals } = run({ duplicate: 0.25 }, 4_000, 7);
    expect(link.stats.duplicated / 4_000).toBeCloseTo(0.25, 1);
    expect(arrivals.length).toBe(4_000 + link.stats.duplicated);
  });

  it('loses in bursts: the share of the stationary state, in runs of the mean length', () => {
    const bursts = { pGoodToBad: 0.02, pBadToGood: 0.2, lossGood: 0, lossBad: 1 };
    const { arrivals, link } = run({ bursts }, 100_000, 8);
    expect(link.stats.lostInBurst / 100_000).toBeCloseTo(0.02 / 0.22, 2);
    let runs = 0;
    for (let i = 1; i < arrivals.length; i++) if (arrivals[i]![0] > arrivals[i - 1]![0] + 1) runs++;
    expect(link.stats.lostInBurst / runs).toBeGreaterThan(4.7);
    expect(link.stats.lostInBurst / runs).toBeLessThan(5.3);
  });

  it('counts as overhead what it is told to, and sums up how long datagrams were under way', () => {
    const link = new SimLink({ latencyMs: 10, rateBytesPerSecond: 1_000, overheadBytes: 28 }, 9);
    link.send(0, new Uint8Array(72));
    expect(link.nextArrival()).toBe(110);
    link.send(20, new Uint8Array(22)); // waits for 80 ms, is sent in 50
    expect(link.stats.delayMs).toBe(0);
    while (link.receive(1_000) !== undefined);
    expect(link.stats).toMatchObject({ delivered: 2, delayMs: 110 + 140 });
  });

  it('queues at the bottleneck, counting 93 bytes around each datagram, and drops what would wait too long', () => {
    const link = new SimLink({ latencyMs: 10, rateBytesPerSecond: 10_000, queueMs: 45 }, 9);
    for (let i = 0; i < 5; i++) link.send(0, new Uint8Array(107)); // 200 bytes: 20 ms each
    expect(link.stats.queueFull).toBe(2); // the fourth would wait 60 ms
    for (const at of [30, 50, 70]) {
      expect(link.nextArrival()).toBe(at);
      link.receive(at);
    }
    link.send(100, new Uint8Array(107));
    expect(link.nextArrival()).toBe(130);
  });

  it('goes dark when told, one direction at a time', () => {
    const link = new SimLink({ blackouts: [[100, 200]] }, 10);
    link.darken(500, 250);
    const seen: number[] = [];
    for (let now = 0; now < 1_000; now += 50) {
      link.send(now, new Uint8Array(1));
      if (link.receive(now) !== undefined) seen.push(now);
    }
    expect(seen).not.toContain(100);
    expect(seen).not.toContain(150);
    expect(seen).toContain(200);
    expect(seen).not.toContain(700);
    expect(seen).toContain(750);
    expect(link.stats.lostInBlackout).toBe(2 + 5);
  });

  it('flips bits when told, and drops what is over the mtu', () => {
    const link = new SimLink({ corrupt: 1, mtu: 100 }, 11);
    for (let i = 0; i < 500; i++) {
      link.send(i, new Uint8Array(1 + (i % 100)));
      const flipped = link
        .receive(i)!
        .reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
      expect(flipped).toBeGreaterThanOrEqual(1);
      expect(flipped).toBeLessThanOrEqual(3);
    }
    link.send(1_000, new Uint8Array(101));
    expect(link.stats).toMatchObject({ corrupted: 500, overMtu: 1 });
  });

  it('changes network in mid-run without losing what is in flight', () => {
    const link = new SimLink({ latencyMs: 100 }, 12);
    link.send(0, Uint8Array.of(1));
    link.change({ loss: 1 });
    link.send(1, Uint8Array.of(2));
    expect(link.receive(100)).toEqual(Uint8Array.of(1));
    expect(link.inFlight).toBe(0);
  });
});

describe('profiles', () => {
  const expected: Record<ProfileName, { loss: number; slack: number }> = {
    perfect: { loss: 0, slack: 0 },
    wifi: { loss: 0.005, slack: 0.001 },
    mobile: { loss: 0.05, slack: 0.005 },
    terrible: { loss: 0.2, slack: 0.015 },
  };

  it.each(Object.keys(expected) as ProfileName[])('%s loses what its name says', (name) => {
    const { link } = run(PROFILES[name], 100_000, 13);
    const { lost, lostInBurst, reordered, duplicated } = link.stats;
    expect(Math.abs((lost + lostInBurst) / 100_000 - expected[name].loss)).toBeLessThanOrEqual(
      expected[name].slack,
    );
    expect(reordered > 0 && duplicated > 0).toBe(name === 'terrible');
  });
});

const STEP_MS = 16;

/** `count` datagrams, one every 16 ms, each holding its number; gives [number, arrival] in the order of arrival. */
function run(options: LinkOptions, count: number, seed: number, stream = 0) {
  const link = new SimLink(options, seed, stream);
  const arrivals: [id: number, at: number][] = [];
  const take = (until: number): void => {
    for (let at = link.nextArrival(); at <= until; at = link.nextArrival()) {
      arrivals.push([new DataView(link.receive(at)!.buffer).getUint32(0), at]);
    }
  };
  for (let id = 0; id < count; id++) {
    take(id * STEP_MS);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, id);
    link.send(id * STEP_MS, bytes);
  }
  take(Number.MAX_SAFE_INTEGER);
  return { link, arrivals };
}
