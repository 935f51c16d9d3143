import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../base/rng.ts';
import { type LinkOptions, SimLink } from '../testing/link.ts';
import { PROFILES } from '../testing/profiles.ts';
import { PacketAcks } from './acks.ts';
import { MessageChannels, type ReceivedMessage } from './channels.ts';
import { FRAGMENT_WINDOW, MAX_UNRELIABLE_BYTES, RELIABLE_FRAGMENT_BYTES } from './fragments.ts';
import { MAX_MESSAGE_BYTES, MAX_QUEUED_BYTES, MAX_QUEUED_MESSAGES } from './reliable.ts';
import { MAX_WAITING_UNRELIABLE, UNRELIABLE_WINDOW } from './unreliable.ts';

describe('the bytes of a section', () => {
  it('is drawn in fragments.ts', () => {
    const channels = new MessageChannels();
    channels.sendReliable(Uint8Array.of(7, 8));
    channels.sendUnreliable(Uint8Array.of(9));
    expect([...section(channels)]).toEqual([0x02, 0x0c, 0, 0, 7, 8, 0x01, 0x04, 0, 0, 9]);
  });

  it('cuts a message every 256 bytes and marks its end', () => {
    const channels = new MessageChannels();
    channels.sendReliable(new Uint8Array(300));
    const bytes = section(channels);
    expect(bytes.length).toBe(4 + 256 + 4 + 44);
    expect([...bytes.subarray(0, 4)]).toEqual([0x00, 0x09, 0, 0]);
    expect([...bytes.subarray(260, 264)]).toEqual([44, 0x0c, 1, 0]);
  });

  it.each([
    ['truncated', 'header cut off', [0x02, 0x0c, 0]],
    ['truncated', 'data cut off', [0x02, 0x0c, 0, 0, 7]],
    ['reserved-bits', 'bit 13', [0x01, 0x2c, 0, 0, 7]],
    ['reserved-bits', 'blocks, bit 13', [0x40, 0x30, 0, 0, 0, 0, 0, 7]],
    ['length', 'blocks without data', [0x00, 0x10, 0, 0, 0, 0, 0]],
    ['truncated', 'blocks cut off', [0x40, 0x10, 0, 0, 0, 0, 0, 7]],
    ['length', 'reliable, over 256', [0x01, 0x0d, 0, 0, ...new Array<number>(257).fill(0)]],
    ['length', 'reliable, neither full nor last', [0x02, 0x08, 0, 0, 7, 8]],
    ['length', 'unreliable, not the end', [0x01, 0x00, 0, 0, 7]],
    ['length', 'unreliable, over 900', [0x85, 0x07, 0, 0, ...new Array<number>(901).fill(0)]],
    ['order', 'same number twice', [0x01, 0x0c, 0, 0, 7, 0x01, 0x0c, 0, 0, 7]],
    ['order', 'unreliable ids fall', [0x01, 0x04, 1, 0, 7, 0x01, 0x04, 0, 0, 7]],
    ['window', '64 fragments ahead', [0x01, 0x0c, 64, 0, 7]],
  ] as const)('[W1] [W2] refuses %s: %s, and applies nothing of it', (refusal, _, tail) => {
    const channels = new MessageChannels();
    const good = [0x01, 0x04, 0xff, 0xff, 5]; // unreliable 65535, before all of the above
    const bytes = Uint8Array.from([...good, ...tail]);
    expect(channels.read(bytes, 0, bytes.length)).toBe(refusal);
    expect(channels.receive()).toBeUndefined();
    expect(channels.stats.refused[refusal]).toBe(1);
    expect(channels.read(Uint8Array.from(good), 0, good.length)).toBe('ok');
    expect(channels.receive()?.bytes).toEqual(Uint8Array.of(5));
  });

  it('accepts an empty section', () => {
    expect(new MessageChannels().read(new Uint8Array(3), 3, 3)).toBe('ok');
  });

  it('[W2] refuses a second encoding of the same message: an empty last fragment', () => {
    const channels = new MessageChannels();
    const full = [0x00, 0x09, 0, 0, ...new Array<number>(256).fill(1)];
    const bytes = Uint8Array.from([...full, 0x00, 0x0c, 1, 0]);
    channels.read(bytes, 0, bytes.length);
    expect(channels.broken).toBe(true);
    expect(channels.receive()).toBeUndefined();
    expect(channels.read(bytes, 0, bytes.length)).toBe('stream-broken');
  });

  it('bounds a message that never ends at 64 KiB', () => {
    const channels = new MessageChannels();
    const fragment = new Uint8Array(4 + RELIABLE_FRAGMENT_BYTES);
    for (let number = 0; number <= MAX_MESSAGE_BYTES / RELIABLE_FRAGMENT_BYTES; number++) {
      expect(channels.broken).toBe(false);
      fragment.set([0x00, 0x09, number & 0xff, number >> 8]);
      expect(channels.read(fragment, 0, fragment.length)).toBe('ok');
    }
    expect(channels.broken).toBe(true);
  });

  it('refuses more while nobody takes what was received, and takes it when it was', () => {
    const [from, to] = [new MessageChannels(), new MessageChannels()];
    let seq = 0;
    const transfer = (): string => {
      const bytes = section(from, seq);
      const verdict = to.read(bytes, 0, bytes.length);
      if (verdict === 'ok') from.acked(seq);
      seq++;
      return verdict;
    };
    let verdict = 'ok';
    for (let i = 0; verdict === 'ok' && i < 100_000; i++) {
      from.sendReliable(Uint8Array.of(i & 0xff));
      verdict = transfer();
    }
    expect(verdict).toBe('backlog');
    expect(seq).toBeLessThan(1_200);
    expect(drain(to).length).toBe(seq - 1);
    from.resetFlight();
    expect(transfer()).toBe('ok');
    expect(drain(to).length).toBe(1);
  });

  it('[W1] 100,000 random or mutated sections never throw, and each is read or refused', () => {
    const rng = new Rng(2_026);
    let source = new MessageChannels();
    let victim = new MessageChannels();
    const count = { read: 0, refused: 0, messages: 0 };
    for (let i = 0; i < 100_000; i++) {
      // A mutation that passes puts the two ends out of step for good, so begin anew now and then.
      if (i % 100 === 0) {
        source = new MessageChannels();
        victim = new MessageChannels();
      }
      const bytes = rng.chance(0.3) ? noise(rng) : mutated(rng, source, i & 0xffff);
      const before = observable(victim);
      const verdict = victim.read(bytes, 0, bytes.length);
      if (verdict === 'ok') {
        count.read++;
        count.messages += drain(victim).length;
        source.acked(i & 0xffff);
      } else {
        count.refused++;
        if (observable(victim) !== before) expect.fail(`section ${i}: ${verdict} left a trace`);
      }
    }
    expect(count.read + count.refused).toBe(100_000);
    expect(count.read).toBeGreaterThan(10_000);
    expect(count.refused).toBeGreaterThan(10_000);
    expect(count.messages).toBeGreaterThan(10_000);
  });
});

describe('queues', () => {
  it('take copies', () => {
    const channels = new MessageChannels();
    const bytes = Uint8Array.of(1);
    channels.sendReliable(bytes);
    channels.sendUnreliable(bytes);
    bytes[0] = 2;
    expect(section(channels)[4]).toBe(1);
    expect(section(channels, 1)).toHaveLength(0);
  });

  it('refuse and count a reliable message when full, by bytes and by number, until something is acknowledged', () => {
    const channels = new MessageChannels();
    for (let i = 0; i < MAX_QUEUED_BYTES / MAX_MESSAGE_BYTES; i++) {
      expect(channels.sendReliable(new Uint8Array(MAX_MESSAGE_BYTES))).toBe(true);
    }
    expect(channels.sendReliable(Uint8Array.of(1))).toBe(false);
    expect(channels.stats.reliableQueueFull).toBe(1);
    section(channels, 3);
    channels.acked(3);
    expect(channels.sendReliable(Uint8Array.of(1))).toBe(true);
    const small = new MessageChannels();
    for (let i = 0; i < MAX_QUEUED_MESSAGES; i++) small.sendReliable(new Uint8Array(0));
    expect(small.sendReliable(new Uint8Array(0))).toBe(false);
  });

  it('refuse and count messages over the limit of their kind', () => {
    const channels = new MessageChannels();
    expect(channels.sendReliable(new Uint8Array(MAX_MESSAGE_BYTES + 1))).toBe(false);
    expect(channels.sendUnreliable(new Uint8Array(MAX_UNRELIABLE_BYTES + 1))).toBe(false);
    expect(channels.stats.tooLong).toBe(2);
    expect(section(channels)).toHaveLength(0);
  });

  it('drop the oldest unreliable message for the newest, and count it', () => {
    const channels = new MessageChannels();
    for (let i = 0; i < MAX_WAITING_UNRELIABLE + 5; i++) channels.sendUnreliable(Uint8Array.of(i));
    const target = new MessageChannels();
    const bytes = section(channels);
    target.read(bytes, 0, bytes.length);
    expect(drain(target).map((m) => m.bytes[0])).toEqual(Array.from({ length: 32 }, (_, i) => i + 5));
    expect(channels.stats).toMatchObject({ unreliableDropped: 5, unreliableSent: 32 });
  });

  it('let small unreliable messages pass one that does not fit', () => {
    const channels = new MessageChannels();
    channels.sendUnreliable(new Uint8Array(500));
    channels.sendUnreliable(Uint8Array.of(1));
    expect(section(channels, 0, 100)).toHaveLength(5);
    expect(section(channels, 1, 600)).toHaveLength(504);
  });

  it('give neither kind the whole packet for ever', () => {
    const channels = new MessageChannels();
    channels.sendReliable(new Uint8Array(MAX_MESSAGE_BYTES));
    let seq = 0;
    for (; seq < 40; seq++) {
      for (let i = 0; i < 3; i++) channels.sendUnreliable(new Uint8Array(250));
      section(channels, seq, 270);
      channels.acked(seq);
    }
    expect(channels.stats.unreliableSent).toBe(20);
    expect(channels.stats.fragmentsSent).toBe(20);
  });

  it('never write more than the room given, and say beforehand how much they want', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.nat(1_200)), { maxLength: 20 }),
        fc.array(fc.nat(1_200), { minLength: 1, maxLength: 30 }),
        (messages, rooms) => {
          const channels = new MessageChannels();
          for (const [reliable, length] of messages) {
            if (reliable) channels.sendReliable(new Uint8Array(length));
            else channels.sendUnreliable(new Uint8Array(Math.min(length, 900)));
          }
          rooms.forEach((room, seq) => {
            const wanted = channels.wanted(0, 50);
            const written = section(channels, seq, room).length;
            expect(written).toBeLessThanOrEqual(Math.min(room, wanted));
            if (room >= wanted) expect(written).toBe(wanted);
          });
        },
      ),
    );
  });
});

describe('delivery', () => {
  it('sends again what is not acknowledged in time, and not what is', () => {
    const channels = new MessageChannels();
    channels.sendReliable(Uint8Array.of(1));
    channels.sendReliable(Uint8Array.of(2));
    const first = fill(channels, 0, 0, 6);
    expect(first).toHaveLength(5);
    fill(channels, 10, 1);
    channels.acked(1);
    expect(fill(channels, 99, 2)).toHaveLength(0); // 100 ms at least
    expect(fill(channels, 100, 3)).toEqual(first);
    channels.acked(0); // the late acknowledgement of the first copy serves as well
    expect(fill(channels, 900, 4)).toHaveLength(0);
    expect(channels.unacknowledgedBytes).toBe(0);
    expect(channels.stats).toMatchObject({ fragmentsSent: 2, fragmentsResent: 1 });
  });

  it('waits longer on a slower path', () => {
    const channels = new MessageChannels();
    channels.sendReliable(Uint8Array.of(1));
    fill(channels, 0, 0, 1_000, 200);
    expect(fill(channels, 309, 1, 1_000, 200)).toHaveLength(0);
    expect(fill(channels, 310, 2, 1_000, 200)).toHaveLength(5);
  });

  it('keeps at most 64 fragments in flight', () => {
    const channels = new MessageChannels();
    channels.sendReliable(new Uint8Array(MAX_MESSAGE_BYTES));
    for (let seq = 0; seq < 100; seq++) section(channels, seq, 1_000);
    expect(channels.stats.fragmentsSent).toBe(FRAGMENT_WINDOW);
  });

  it('a packet number used again does not acknowledge what the first packet of that number carried', () => {
    const channels = new MessageChannels();
    channels.sendReliable(Uint8Array.of(1));
    expect(section(channels, 5)).toHaveLength(5);
    fill(channels, 1, 5, 0); // 65,536 packets later, without room
    channels.acked(5);
    expect(channels.unacknowledgedBytes).toBe(1);
  });

  it('a change of connection sends everything in flight again, and acknowledgements of the old one mean nothing', () => {
    const channels = new MessageChannels();
    channels.sendReliable(Uint8Array.of(1));
    section(channels, 0);
    channels.resetFlight();
    channels.acked(0);
    expect(channels.unacknowledgedBytes).toBe(1);
    expect(section(channels, 0)).toHaveLength(5);
  });

  it('tells unreliable duplicates and stale ones apart across the wrap of their ids', () => {
    const channels = new MessageChannels();
    const deliver = (id: number): number => {
      const bytes = Uint8Array.of(0x01, 0x04, id & 0xff, (id >> 8) & 0xff, 1);
      return channels.read(bytes, 0, 5) === 'ok' ? drain(channels).length : -1;
    };
    expect(deliver(65_530)).toBe(1);
    expect(deliver(65_530)).toBe(0);
    expect(deliver(2)).toBe(1);
    expect(deliver(65_535)).toBe(1);
    expect(deliver(65_530)).toBe(0);
    expect(deliver(2 - UNRELIABLE_WINDOW + 65_536)).toBe(0);
    expect(channels.stats).toMatchObject({ duplicateUnreliable: 2, staleUnreliable: 1 });
    for (let id = 3; id < 70_000; id++) if (deliver(id & 0xffff) !== 1) expect.fail(`id ${id}`);
  });

  it('is complete, ordered and exact over any bad network', () => {
    const probability = fc.double({ min: 0, max: 0.4, noNaN: true });
    const network = fc.record({
      latencyMs: fc.nat(120),
      jitterMs: fc.nat(60),
      loss: probability,
      reorder: probability,
      duplicate: probability,
    });
    const lengths = fc.array(fc.oneof(fc.nat(40), fc.nat(900), fc.nat(9_000)), {
      minLength: 1,
      maxLength: 25,
    });
    fc.assert(
      fc.property(network, lengths, fc.nat(), (options, sizes, seed) => {
        const sent = sizes.map((length, i) => pattern(length, i));
        const run = exchange(options, seed, sent, 60_000);
        expect(run.reliable.length).toBe(sent.length);
        run.reliable.forEach((bytes, i) => {
          expect(Buffer.compare(bytes, sent[i]!)).toBe(0);
        });
        expect(run.left).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it.each(['wifi', 'mobile', 'terrible'] as const)(
    'carries 200 KiB and 500 small messages over %s',
    (name) => {
      const sent = [...Array.from({ length: 4 }, (_, i) => pattern(50 * 1024, i))];
      for (let i = 0; i < 500; i++) sent.push(pattern(1 + (i % 90), i));
      const run = exchange(PROFILES[name], 7, sent, 120_000);
      expect(run.reliable.length).toBe(sent.length);
      expect(run.reliable.every((bytes, i) => Buffer.compare(bytes, sent[i]!) === 0)).toBe(true);
      expect(new Set(run.unreliable).size).toBe(run.unreliable.length);
    },
  );

  it('survives a blackout of two seconds each way, and a change of connection in it', () => {
    const sent = Array.from({ length: 40 }, (_, i) => pattern(700, i));
    const options: LinkOptions = { latencyMs: 40, blackouts: [[200, 2_200]] };
    const run = exchange(options, 3, sent, 10_000, 1_500);
    expect(run.reliable.length).toBe(sent.length);
    expect(run.reliable.every((bytes, i) => Buffer.compare(bytes, sent[i]!) === 0)).toBe(true);
    expect(run.left).toBe(0);
  });
});

/** One peer sends messages to the other at 60 packets a second; at `handOver` both start new packet numbers and links. */
function exchange(options: LinkOptions, seed: number, messages: Uint8Array[], forMs: number, handOver = -1) {
  const channels = [new MessageChannels(), new MessageChannels()] as const;
  let acks = [new PacketAcks(), new PacketAcks()] as const;
  let links = [new SimLink(options, seed, 0), new SimLink(options, seed, 1)] as const;
  const waiting = [...messages];
  const reliable: Uint8Array[] = [];
  const unreliable: number[] = [];
  const out = new Uint8Array(1_164);
  const view = new DataView(out.buffer);
  const finished = (): boolean =>
    reliable.length === messages.length && channels[0].unacknowledgedBytes === 0;
  for (let now = 0; now < forMs && !finished(); now += 4) {
    if (now === handOver) {
      acks = [new PacketAcks(), new PacketAcks()];
      links = [new SimLink(options, seed, 2), new SimLink(options, seed, 3)];
      for (const c of channels) c.resetFlight();
    }
    while (waiting[0] !== undefined && channels[0].sendReliable(waiting[0])) waiting.shift();
    for (const side of [0, 1] as const) {
      const inbox = links[1 - side]!;
      for (let d = inbox.receive(now); d !== undefined; d = inbox.receive(now)) {
        const head = new DataView(d.buffer);
        if (!acks[side].isNew(head.getUint16(0))) continue;
        expect(channels[side].read(d, 9, d.length)).toBe('ok');
        acks[side].receivedPacket(now, head.getUint16(0));
        acks[side].acknowledged(now, head.getUint16(2), head.getUint32(4), head.getUint8(8), (seq) =>
          channels[side].acked(seq),
        );
      }
      for (const message of drain(channels[side])) {
        if (message.reliable) reliable.push(message.bytes);
        else unreliable.push(new DataView(message.bytes.buffer).getUint32(0));
      }
      if (now % 16 !== 0) continue;
      const stamp = new Uint8Array(4);
      new DataView(stamp.buffer).setUint32(0, now * 2 + side);
      channels[side].sendUnreliable(stamp);
      const seq = acks[side].next(now);
      const header = acks[side].header(now);
      view.setUint16(0, seq);
      view.setUint16(2, header.ack);
      view.setUint32(4, header.ackBits);
      view.setUint8(8, header.ackDelayMs);
      const length = channels[side].fill(now, seq, 1_155, out, 9, acks[side]);
      links[side].send(now, out.subarray(0, 9 + length));
    }
  }
  return { reliable, unreliable, left: channels[0].unacknowledgedBytes };
}

function fill(channels: MessageChannels, now: number, seq: number, room = 1_164, rtt = 20): Uint8Array {
  const out = new Uint8Array(8_000);
  const length = channels.fill(now, seq, room, out, 3, { rtt, rttDeviation: 0, loss: 0 });
  return out.slice(3, 3 + length);
}

/** What a packet sent at time 0 carries, with room for much. */
function section(channels: MessageChannels, seq = 0, room = 8_000): Uint8Array {
  const out = new Uint8Array(room);
  return out.slice(0, channels.fill(0, seq, room, out, 0, { rtt: 50, rttDeviation: 0, loss: 0 }));
}

function drain(channels: MessageChannels): ReceivedMessage[] {
  const messages: ReceivedMessage[] = [];
  for (let m = channels.receive(); m !== undefined; m = channels.receive()) messages.push(m);
  return messages;
}

function pattern(length: number, salt: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + salt * 7) & 0xff);
}

function noise(rng: Rng): Uint8Array {
  const bytes = new Uint8Array(rng.int(0, 40));
  for (let i = 0; i < bytes.length; i++) bytes[i] = rng.int(0, 255);
  return bytes;
}

function mutated(rng: Rng, source: MessageChannels, seq: number): Uint8Array {
  source.sendUnreliable(noise(rng));
  source.sendReliable(noise(rng));
  if (rng.chance(0.02)) source.sendReliable(new Uint8Array(600));
  const bytes = section(source, seq, 700);
  const edits = rng.int(0, 2);
  for (let i = 0; i < edits && bytes.length > 0; i++) bytes[rng.int(0, bytes.length - 1)] = rng.int(0, 255);
  return rng.chance(0.1) ? bytes.subarray(0, rng.int(0, bytes.length)) : bytes;
}

/** Everything observable but the refusal counters. */
function observable(channels: MessageChannels): string {
  const { refused: _, ...rest } = channels.stats;
  return JSON.stringify([rest, channels.broken, channels.unacknowledgedBytes]);
}
