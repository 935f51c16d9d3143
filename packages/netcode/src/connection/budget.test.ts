import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkBudget, MIN_SNAPSHOT_BYTES, SendBudget } from './budget.ts';

const OVERHEAD = 93;

const budget = (maxBytesPerSecond: number, intervalMs = 50, overheadBytes = OVERHEAD): SendBudget =>
  new SendBudget({ now: 0, maxBytesPerSecond, overheadBytes, intervalMs });

/** Sends all that is allowed each `every` ms; gives the charges by time. */
function sendAll(
  of: SendBudget,
  from: number,
  to: number,
  every: number,
  rate = Infinity,
): [number, number][] {
  const sent: [number, number][] = [];
  for (let now = from; now < to; now += every) {
    const bytes = of.allowance(now, rate);
    if (bytes === 0) continue;
    of.spend(now, bytes);
    sent.push([now, bytes + of.overheadBytes]);
  }
  return sent;
}

function busiestSecond(sent: readonly (readonly [number, number])[]): number {
  return Math.max(
    0,
    ...sent.map(([from]) =>
      sent.reduce((sum, [at, bytes]) => (at >= from && at - from < 1_000 ? sum + bytes : sum), 0),
    ),
  );
}

const total = (sent: readonly (readonly [number, number])[]): number =>
  sent.reduce((sum, [, bytes]) => sum + bytes, 0);

describe('SendBudget', () => {
  it('[B1] never lets a second carry more than the cap, whatever is sent when', () => {
    const step = fc.record({
      wait: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 120, noNaN: true }), fc.constant(1_500)),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      paced: fc.boolean(),
      rate: fc.integer({ min: 1_000, max: 100_000 }),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 2_000, max: 40_000 }),
        fc.constantFrom(0, 28, OVERHEAD),
        fc.array(step, { minLength: 20, maxLength: 400 }),
        (cap, overhead, steps) => {
          const one = budget(cap, 50, overhead);
          const sent: [number, number][] = [];
          let now = 0;
          for (const { wait, share, paced, rate } of steps) {
            now += wait;
            let bytes = Math.floor(share * 1_164);
            if (paced) bytes = Math.min(bytes, one.allowance(now, rate));
            if (bytes === 0 || (!paced && !one.fits(now, bytes))) continue;
            one.spend(now, bytes);
            sent.push([now, bytes + overhead]);
          }
          expect(busiestSecond(sent)).toBeLessThanOrEqual(cap);
        },
      ),
    );
  });

  it('[B1] holds when there are more datagrams than its log: none is allowed until the oldest is a second old', () => {
    const one = budget(1_000_000);
    for (let i = 0; i < 256; i++) {
      expect(one.fits(i, 1)).toBe(true);
      one.spend(i, 1);
    }
    expect(one.fits(256, 1)).toBe(false);
    expect(one.allowance(256, Infinity)).toBe(0);
    expect(one.fits(1_000, 1)).toBe(true);
    expect(one.sentLastSecond(1_000)).toBe(255 * 94);
  });

  it.each([
    [60, 1000 / 60],
    [20, 50],
  ])('gives %i datagrams a second even shares, and 90 %% of the cap', (_, every) => {
    const one = budget(24_000, every);
    const sent = sendAll(one, 2_000, 12_000, every);
    expect(total(sent) / 10).toBeGreaterThan(24_000 * 0.9);
    const sizes = sent.slice(5).map(([, bytes]) => bytes);
    expect(Math.max(...sizes)).toBeLessThan(Math.min(...sizes) * 1.35);
  });

  it('keeps most of the cap when ticks come early and late', () => {
    const one = budget(20_000);
    const sent: [number, number][] = [];
    for (let tick = 0; tick < 200; tick++) {
      const now = tick * 50 + (tick % 3) * 6;
      const bytes = one.allowance(now, Infinity);
      if (bytes > 0) one.spend(now, bytes);
      if (bytes > 0) sent.push([now, bytes + OVERHEAD]);
    }
    expect(busiestSecond(sent)).toBeLessThanOrEqual(20_000);
    expect(total(sent) / 10).toBeGreaterThan(20_000 * 0.85);
  });

  it('paces below the cap at the rate of the path', () => {
    const one = budget(64_000);
    expect(total(sendAll(one, 1_000, 11_000, 50, 9_000)) / 10).toBeCloseTo(9_000, -3);
  });

  it.each([
    [8_000, 450],
    [16_000, 1_050],
    [24_000, 1_164],
    [200_000, 1_164],
  ])(
    '[M3] what is spared at %i B/s uses the rest, and leaves the next snapshot at least %i bytes',
    (rate, atLeast) => {
      const one = budget(128_000);
      const [play, spared]: [number, number][][] = [[], []];
      let smallest = Infinity;
      const add = (to: [number, number][], now: number, bytes: number): void => {
        one.spend(now, bytes);
        to.push([now, bytes + OVERHEAD]);
      };
      for (let now = 0; now < 10_000; now += 10) {
        if (now % 50 === 0) {
          smallest = Math.min(smallest, one.allowance(now, rate));
          add(play!, now, 200);
        }
        const bytes = one.spare(now, rate, 2 * (200 + OVERHEAD));
        if (bytes > 0) add(spared!, now, bytes);
      }
      expect(smallest).toBeGreaterThanOrEqual(atLeast);
      const all = [...play!, ...spared!];
      expect(busiestSecond(all)).toBeLessThanOrEqual(128_000);
      expect(total(all) / 10).toBeGreaterThan(Math.min(rate, 128_000) * 0.9);
    },
  );

  it('[M3] spares nothing when three quarters of the log are in use', () => {
    const one = budget(1_000_000);
    for (let i = 1_000; i < 1_192; i++) {
      expect(one.spare(i, Infinity, 500)).toBe(1_164);
      one.spend(i, 10);
    }
    expect(one.spare(1_192, Infinity, 500)).toBe(0);
    expect(one.allowance(1_192, Infinity)).toBe(1_164);
    expect(one.spare(2_000, Infinity, 500)).toBe(1_164);
  });

  it('saves an idle time for a tenth of a second only', () => {
    const one = budget(64_000);
    sendAll(one, 0, 1_000, 50, 6_000);
    const after = sendAll(one, 60_000, 60_001, 0.1, 6_000);
    expect(total(after)).toBeLessThanOrEqual(MIN_SNAPSHOT_BYTES + OVERHEAD + 600);
  });

  it('saves the allowance of ticks that are too small for a snapshot of any use', () => {
    const one = budget(4_000);
    const sent = sendAll(one, 1_000, 11_000, 50);
    for (const [, bytes] of sent) expect(bytes).toBeGreaterThanOrEqual(MIN_SNAPSHOT_BYTES + OVERHEAD);
    expect(sent.length).toBeLessThan(100);
    expect(total(sent) / 10).toBeGreaterThan(4_000 * 0.8);
    // Beside messages that want 300 bytes, a tick is worth sending only with room for both.
    expect(one.allowance(11_400, 4_000, 620)).toBeGreaterThanOrEqual(620);
  });

  it('a lower cap holds for the windows that begin once it is set', () => {
    const one = budget(24_000);
    sendAll(one, 0, 3_000, 50);
    one.cap = 5_000;
    expect(one.fits(3_000, 1)).toBe(false);
    const sent = sendAll(one, 3_000, 8_000, 50);
    expect(busiestSecond(sent)).toBeLessThanOrEqual(5_000);
    expect(sent[0]?.[0]).toBeLessThan(3_900);
    expect(one.cap).toBe(5_000);
  });

  it('says what a cap may be', () => {
    expect(() => budget(1_999)).toThrow('maxBytesPerSecond must be 2000..100000000');
    expect(() => checkBudget(Number.NaN, 93)).toThrow('maxBytesPerSecond');
    expect(() => checkBudget(24_000, 201)).toThrow('overheadBytes must be 0..200');
    expect(() => {
      budget(24_000).cap = 100;
    }).toThrow('maxBytesPerSecond');
  });
});
