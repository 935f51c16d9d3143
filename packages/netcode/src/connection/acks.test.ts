import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Seq, seqDelta } from '../base/seq.ts';
import { SimLink } from '../testing/link.ts';
import { PROFILES } from '../testing/profiles.ts';
import { ACK_BITS, PacketAcks } from './acks.ts';

describe('PacketAcks', () => {
  it('names the newest packet by bit 0 and packet ack - n by bit n', () => {
    const acks = new PacketAcks();
    for (const seq of [10, 12, 13]) acks.receivedPacket(100, seq);
    expect({ ...acks.header(107.9) }).toEqual({ ack: 13, ackBits: 0b1011, ackDelayMs: 7 });
  });

  it('says "nothing received yet" with no bits at all', () => {
    expect({ ...new PacketAcks().header(5_000) }).toEqual({ ack: 0, ackBits: 0, ackDelayMs: 0 });
  });

  it('counts what it refuses: duplicates, and packets older than the window', () => {
    const acks = new PacketAcks();
    expect(acks.receivedPacket(0, 100)).toBe(true);
    expect(acks.receivedPacket(0, 100)).toBe(false);
    expect(acks.receivedPacket(0, 100 - ACK_BITS + 1)).toBe(true);
    expect(acks.isNew(100 - ACK_BITS)).toBe(false);
    expect(acks.receivedPacket(0, 100 - ACK_BITS)).toBe(false);
    expect(acks.stats).toMatchObject({ received: 2, duplicate: 1, tooOld: 1 });
  });

  it('keeps the window across the wrap and across a jump of more than its length', () => {
    const acks = new PacketAcks();
    acks.receivedPacket(0, 65_535);
    acks.receivedPacket(0, 1);
    expect(acks.header(0)).toMatchObject({ ack: 1, ackBits: 0b101 });
    acks.receivedPacket(0, 1 + ACK_BITS);
    expect(acks.header(0)).toMatchObject({ ack: 33, ackBits: 1 });
    expect(acks.stats.missed).toBe(1); // number 0; those from 2 on may still come
  });

  it('saturates the ack delay, and takes no round-trip sample from a saturated one', () => {
    const a = new PacketAcks();
    const b = new PacketAcks();
    b.receivedPacket(0, a.next(0));
    expect(b.header(9_000).ackDelayMs).toBe(255);
    a.acknowledged(9_000, 0, 1, 255, () => undefined);
    expect(a.hasRtt).toBe(false);
    expect(a.stats.acked).toBe(1);
  });

  it('calls back once per packet, oldest first, with its tag', () => {
    const acks = new PacketAcks();
    for (let tick = 0; tick < 5; tick++) acks.next(tick, 1_000 + tick);
    const seen: [Seq, number][] = [];
    const onAcked = (seq: Seq, tag: number): void => {
      seen.push([seq, tag]);
    };
    acks.acknowledged(10, 3, 0b1011, 0, onAcked);
    acks.acknowledged(11, 4, 0b11111, 0, onAcked);
    expect(seen).toEqual([
      [0, 1_000],
      [2, 1_002],
      [3, 1_003],
      [1, 1_001],
      [4, 1_004],
    ]);
  });

  it('[W1] refuses headers that no honest peer sends, without any effect', () => {
    const acks = new PacketAcks();
    for (let i = 0; i < 3; i++) acks.next(0);
    const bad: [ack: number, bits: number, delay: number][] = [
      [3, 1, 0], // never sent
      [65_535, 1, 0], // before the first
      [2, 0b1001, 0], // names number -1
      [2, 0b10, 0], // bit 0 is the ack itself
      [2, 0, 0], // "nothing" has one encoding
      [0, 0, 9],
    ];
    for (const [ack, bits, delay] of bad) {
      expect(acks.acknowledged(5, ack, bits, delay, () => expect.unreachable())).toBe(false);
    }
    expect(acks.stats).toMatchObject({ badAcks: bad.length, acked: 0, lost: 0 });
  });

  it('counts a packet as lost once the ack has passed it by the window, and takes it back as revived', () => {
    const acks = new PacketAcks();
    for (let i = 0; i <= ACK_BITS; i++) acks.next(i);
    acks.acknowledged(50, ACK_BITS, 1, 0, () => undefined);
    expect(acks.stats).toMatchObject({ acked: 1, lost: 1 });
    const late: Seq[] = [];
    acks.acknowledged(51, 0, 1, 0, (seq) => late.push(seq));
    expect(late).toEqual([0]);
    expect(acks.stats).toMatchObject({ acked: 1, lost: 1, revived: 1 });
  });

  it('judges as lost what its own ring forgets, so that sent = acked + lost + open', () => {
    const acks = new PacketAcks();
    for (let i = 0; i < 1_000; i++) acks.next(i);
    expect(acks.stats).toMatchObject({ sent: 1_000, acked: 0, lost: 1_000 - 256 });
    expect(acks.loss).toBeGreaterThan(0.99);
  });

  it('leaves the ack delay out of the round trip', () => {
    const acks = new PacketAcks();
    for (let i = 0; i < 50; i++) acks.acknowledged(i * 50 + 90, acks.next(i * 50), 1, 40, () => undefined);
    expect(acks.rtt).toBeCloseTo(50);
    expect(acks.jitter).toBeCloseTo(0);
  });

  it('moves little for one outlier and follows a path that became slower', () => {
    const acks = new PacketAcks();
    let now = 0;
    const roundTrip = (ms: number): void => {
      const seq = acks.next(now);
      acks.acknowledged(now + ms, seq, 1, 0, () => undefined);
      now += 16;
    };
    for (let i = 0; i < 100; i++) roundTrip(50);
    roundTrip(30_000);
    expect(acks.rtt).toBeLessThan(60);
    for (let i = 0; i < 60; i++) roundTrip(200);
    expect(acks.rtt).toBeGreaterThan(195);
  });

  it('acknowledges exactly what arrived, for any pattern of loss, order and copies', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(40), fc.boolean()), { maxLength: 200 }), (pattern) => {
        const acks = new PacketAcks();
        const received = new Set<number>();
        let newest = 65_500;
        acks.receivedPacket(0, newest);
        received.add(newest);
        for (const [back, ahead] of pattern) {
          const at = ahead ? newest + (back % 5) : newest - back;
          const expected = !received.has(at) && at > newest - ACK_BITS;
          expect(acks.receivedPacket(0, at & 0xffff)).toBe(expected);
          if (expected) received.add(at);
          newest = Math.max(newest, at);
        }
        const header = acks.header(0);
        expect(header.ack).toBe(newest & 0xffff);
        for (let n = 0; n < ACK_BITS; n++) {
          expect((header.ackBits >>> n) & 1).toBe(received.has(newest - n) ? 1 : 0);
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each(['perfect', 'wifi', 'mobile', 'terrible'] as const)(
    'agrees with what really happened on %s',
    (name) => {
      const run = exchange(name, 80_000);
      expect(run.falselyAcked).toBe(0);
      expect(run.twiceAcked).toBe(0);
      const { sent, acked, lost } = run.a.stats;
      expect(sent).toBe(80_000 / STEP_MS);
      expect(sent - acked - lost).toBeLessThan(2 * ACK_BITS);
      expect(acked / sent).toBeGreaterThan(1 - run.lossTruth - 0.03);
      const { latencyMs = 0, jitterMs = 0 } = PROFILES[name];
      expect(run.a.rtt).toBeGreaterThan(2 * latencyMs - 2 * jitterMs - 1);
      expect(run.a.rtt).toBeLessThan(2 * latencyMs + 4 * jitterMs + STEP_MS);
    },
  );
});

const STEP_MS = 16;

/** Two peers send a packet every 16 ms to each other. */
function exchange(profile: keyof typeof PROFILES, forMs: number) {
  const ends = [new PacketAcks(), new PacketAcks()] as const;
  const links = [new SimLink(PROFILES[profile], 5, 0), new SimLink(PROFILES[profile], 5, 1)] as const;
  const arrived = new Set<number>(); // at b, unwrapped numbers
  const confirmed = new Set<number>();
  let falselyAcked = 0;
  let twiceAcked = 0;
  let sentByA = 0;
  const unwrap = (seq: Seq): number => sentByA + seqDelta(seq, sentByA & 0xffff);
  for (let now = 0; now < forMs; now++) {
    for (const side of [0, 1] as const) {
      const end = ends[side];
      for (let d = links[1 - side]!.receive(now); d !== undefined; d = links[1 - side]!.receive(now)) {
        const view = new DataView(d.buffer);
        const seq = view.getUint16(0);
        if (!end.receivedPacket(now, seq)) continue;
        if (side === 1) arrived.add(unwrap(seq));
        const ok = end.acknowledged(now, view.getUint16(2), view.getUint32(4), view.getUint8(8), (acked) => {
          if (side === 1) return;
          if (!arrived.has(unwrap(acked))) falselyAcked++;
          if (confirmed.has(unwrap(acked))) twiceAcked++;
          confirmed.add(unwrap(acked));
        });
        expect(ok).toBe(true);
      }
      if (now % STEP_MS !== 0) continue;
      const view = new DataView(new ArrayBuffer(9));
      view.setUint16(0, end.next(now));
      if (side === 0) sentByA++;
      const header = end.header(now);
      view.setUint16(2, header.ack);
      view.setUint32(4, header.ackBits);
      view.setUint8(8, header.ackDelayMs);
      links[side]!.send(now, new Uint8Array(view.buffer));
    }
  }
  const { sent, lost, lostInBurst } = links[0].stats;
  return { a: ends[0], falselyAcked, twiceAcked, lossTruth: (lost + lostInBurst) / sent };
}
