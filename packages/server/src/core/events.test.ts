import { event, int } from '@tickwire/netcode';
import { BitReader, BitWriter, defineGame, EventCodec, type RaisedEvent } from '@tickwire/netcode/internal';
import { describe, expect, it } from 'vitest';
import { newEventCounters, OutgoingEvents } from './events.ts';

const { schema } = defineGame({
  name: 'counted',
  maxPlayers: 4,
  entities: {},
  command: { go: int(0, 1) },
  events: {
    beep: event({ n: int(0, 65_535) }),
    spark: event({ n: int(0, 65_535) }, { lifeMs: 200 }),
  },
  step() {},
});
const SEAT = 1;
const codec = new EventCodec(schema);

const raise = (tick: number, n: number, type = 0, owner = 2): RaisedEvent => {
  const row = schema.events[type]?.row;
  const words = row?.empty.slice() ?? new Int32Array(0);
  words[row?.byName.get('n')?.at ?? 0] = n;
  return { tick, type, owner, index: 0, words };
};

class Line {
  readonly counters = newEventCounters();
  readonly out = new OutgoingEvents(schema, SEAT, this.counters);
  #seq = 0;

  /** What the packet of a tick says. */
  send(tick: number, bytes = 256): { seq: number; complete: boolean; numbers: number[]; bits: number } {
    const w = new BitWriter(new Uint8Array(1_164));
    const bits = this.out.prepare(tick, bytes);
    this.out.write(w, this.#seq);
    expect(w.bitLength).toBe(bits);
    const { complete, events } = codec.read(new BitReader(w.bytes.slice(0, w.finish())), tick, SEAT);
    const numbers = events.map(
      ({ type, words }) => words[schema.events[type]?.row.byName.get('n')?.at ?? 0] ?? -1,
    );
    return { seq: this.#seq++, complete, numbers, bits };
  }
}

describe('outgoing events', () => {
  it('[E3] repeats until a packet that carries it is acknowledged, whichever it was', () => {
    const line = new Line();
    line.out.queue(raise(10, 1));
    const first = line.send(12);
    line.out.queue(raise(13, 2));
    const second = line.send(15);
    expect([first.numbers, second.numbers, second.complete]).toEqual([[1], [1, 2], true]);
    line.out.acked(first.seq);
    expect(line.send(18).numbers).toEqual([2]);
    line.out.acked(second.seq);
    line.out.acked(second.seq);
    expect(line.send(21)).toMatchObject({ numbers: [], complete: true, bits: 1 });
    expect(line.counters).toMatchObject({ told: 2, sent: 4, acknowledged: 2, expired: 0, dropped: 0 });
  });

  it('[E3] gives up when its life ends, each type after its own', () => {
    const line = new Line();
    line.out.queue(raise(10, 1));
    line.out.queue(raise(10, 2, 1));
    expect(line.send(22).numbers).toEqual([1, 2]);
    expect(line.send(24).numbers).toEqual([1]);
    expect(line.send(70).numbers).toEqual([1]);
    expect(line.send(72).numbers).toEqual([]);
    expect(line.counters.expired).toBe(2);
  });

  it('[E3] keeps to its share of a datagram, says that it is not all, and leaves nobody behind', () => {
    const line = new Line();
    for (let n = 0; n < 100; n++) line.out.queue(raise(10 + Math.floor(n / 20), n));
    const seen = new Set<number>();
    for (let tick = 15, packets = 0; seen.size < 100; tick += 3, packets++) {
      const { numbers, complete, bits } = line.send(tick, 100);
      expect(bits).toBeLessThanOrEqual(100 * 8 + 16);
      expect(complete).toBe(false);
      // Rising ticks: the order in which they were raised.
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      for (const n of numbers) seen.add(n);
      expect(packets).toBeLessThan(8);
    }
    expect(line.send(40, 10_000).bits).toBeLessThanOrEqual(256 * 8 + 16);
  });

  it('[E3] holds a bounded number; the oldest gives way, counted, and nobody concludes that it did not happen', () => {
    const line = new Line();
    for (let n = 0; n < 200; n++) line.out.queue(raise(10, n, 0, SEAT));
    expect(line.counters.dropped).toBe(72);
    for (let tick = 12; tick < 60; tick += 3) line.out.acked(line.send(tick).seq);
    expect(line.send(60)).toMatchObject({ numbers: [], complete: false });
    // Until a page would call it unknown anyway.
    expect(line.send(72)).toMatchObject({ numbers: [], complete: true });
  });

  it('[E3] lets nobody drown the others: of those with the most the oldest gives way', () => {
    const line = new Line();
    line.out.queue(raise(10, 1, 0, SEAT));
    line.out.queue(raise(10, 2, 0, 3));
    for (let n = 0; n < 500; n++) line.out.queue(raise(10, 1_000 + n));
    line.out.queue(raise(11, 3, 0, SEAT));
    // Also when a packet is lost: what is new of the one with many does not hold back what must be sent again.
    line.send(12, 256);
    for (let n = 0; n < 500; n++) line.out.queue(raise(11, 2_000 + n));
    const { numbers } = line.send(12, 256);
    expect(numbers.slice(0, 3)).toEqual([1, 2, 3]);
    const seen = new Set(numbers);
    for (let tick = 15; tick < 40; tick += 3) for (const n of line.send(tick).numbers) seen.add(n);
    expect([...seen].filter((n) => n < 1_000).sort()).toEqual([1, 2, 3]);
    // None that this client may have predicted is missing.
    for (let tick = 40; tick < 70; tick += 3) line.out.acked(line.send(tick).seq);
    expect(line.send(70).complete).toBe(true);
  });

  it('[E3] a packet that was never acknowledged does not answer for a later one of the same number', () => {
    const line = new Line();
    const w = new BitWriter(new Uint8Array(1_164));
    line.out.queue(raise(10, 1));
    line.out.prepare(12, 256);
    line.out.write(w, 7);
    line.out.prepare(100, 256);
    line.out.write(w, 8);
    line.out.queue(raise(70_000, 2));
    line.out.prepare(70_002, 256);
    line.out.write(w, 7);
    line.out.acked(7);
    expect(line.send(70_005).numbers).toEqual([]);
    expect(line.counters).toMatchObject({ told: 2, acknowledged: 1, expired: 1 });
  });

  it('another connection may acknowledge under the same numbers; another page is told nothing old', () => {
    const line = new Line();
    line.out.queue(raise(10, 1));
    const { seq } = line.send(12);
    line.out.resetFlight();
    line.out.acked(seq);
    expect(line.send(15).numbers).toEqual([1]);
    line.out.clear();
    expect(line.send(18).numbers).toEqual([]);
  });
});
