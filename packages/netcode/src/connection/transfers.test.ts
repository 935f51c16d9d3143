// Transfers between two sessions' channels: what they share, what they refuse, and what a hostile peer can make the other hold.
import { describe, expect, it } from 'vitest';
import { Rng } from '../base/rng.ts';
import { type LinkOptions, SimLink } from '../testing/link.ts';
import { PacketAcks } from './acks.ts';
import { MessageChannels } from './channels.ts';
import { writeBlocks } from './fragments.ts';
import {
  decodeTransferControl,
  encodeTransferControl,
  type Transfer,
  type TransferControl,
  type TransferOptions,
} from './transfer.ts';
import { TransferPace } from './transfer-pace.ts';
import type { TransferEvent } from './transfers.ts';

const MIB = 1024 * 1024;

function bytesOf(length: number, seed = 1): Uint8Array {
  const rng = new Rng(seed, 5);
  return Uint8Array.from({ length }, () => rng.int(0, 255));
}

const same = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

/** Two sessions, 0 and 1, that send each other 60 packets a second. */
class Pair {
  readonly channels: readonly [MessageChannels, MessageChannels];
  readonly events: readonly [TransferEvent[], TransferEvent[]] = [[], []];
  now = 0;
  #acks = [new PacketAcks(), new PacketAcks()];
  #links: SimLink[] = [];
  readonly #options: LinkOptions;
  #connections = 0;

  constructor(options: LinkOptions = { latencyMs: 10 }, limit = 4 * MIB) {
    this.#options = options;
    this.channels = [new MessageChannels(limit), new MessageChannels(limit)];
    this.reconnect();
  }

  send(name: string, bytes: Uint8Array, options: TransferOptions = {}): Transfer {
    return this.channels[0].transfers.send(name, bytes, options.priority);
  }

  /** The transfers that side 1 was told about, in order. */
  get arrived(): Transfer[] {
    return this.events[1].filter(({ type }) => type === 'transfer').map(({ transfer }) => transfer);
  }

  reconnect(): void {
    const stream = this.#connections++ * 2;
    this.#links = [new SimLink(this.#options, 3, stream), new SimLink(this.#options, 3, stream + 1)];
    this.#acks = [new PacketAcks(), new PacketAcks()];
    for (const side of this.channels) side.resetFlight();
  }

  run(ms: number, until: () => boolean = () => false): this {
    for (const end = this.now + ms; this.now < end && !until(); this.now += 1000 / 60) {
      for (const side of [0, 1] as const) {
        this.#receive(side);
        this.#send(side);
        const { transfers } = this.channels[side];
        for (let event = transfers.pollEvent(); event !== undefined; event = transfers.pollEvent())
          this.events[side].push(event);
      }
    }
    return this;
  }

  #send(side: 0 | 1): void {
    const acks = this.#acks[side] as PacketAcks;
    const out = new Uint8Array(1_164);
    const { ack, ackBits, ackDelayMs } = acks.header(this.now);
    const seq = acks.next(this.now);
    const view = new DataView(out.buffer);
    view.setUint16(0, seq);
    view.setUint16(2, ack);
    view.setUint32(4, ackBits);
    view.setUint8(8, ackDelayMs);
    const length = this.channels[side].fill(this.now, seq, 1_155, out, 9, acks);
    (this.#links[side] as SimLink).send(this.now, out.subarray(0, 9 + length));
  }

  #receive(side: 0 | 1): void {
    const acks = this.#acks[side] as PacketAcks;
    const channels = this.channels[side];
    const link = this.#links[1 - side] as SimLink;
    for (let bytes = link.receive(this.now); bytes !== undefined; bytes = link.receive(this.now)) {
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const seq = view.getUint16(0);
      if (!acks.isNew(seq)) continue;
      if (channels.read(bytes, 9, bytes.length) !== 'ok') throw new Error('an honest section was refused');
      acks.receivedPacket(this.now, seq);
      acks.acknowledged(this.now, view.getUint16(2), view.getUint32(4), view.getUint8(8), (acked) =>
        channels.acked(acked),
      );
      for (let m = channels.receive(); m !== undefined; m = channels.receive())
        expect(channels.transfers.take(m.bytes)).toBe(true);
    }
  }
}

describe('a transfer', () => {
  it('[M3] of 1 MiB arrives whole where 30 % is lost, much is reordered and copied', async () => {
    const pair = new Pair({ latencyMs: 50, jitterMs: 10, loss: 0.3, reorder: 0.1, duplicate: 0.1 });
    const bytes = bytesOf(MIB);
    const sent = pair.send('map', bytes);
    pair.run(60_000, () => sent.over);
    expect(sent.state).toBe('done');
    const received = (await pair.arrived[0]?.finished) as Uint8Array;
    expect(same(received, bytes)).toBe(true);
    expect(received.buffer.byteLength).toBe(MIB); // nothing beside it is kept
    expect(await sent.finished).toBe(bytes);
    // Loss that is there anyway does not hold the rate down: what 60 packets a second can carry less what is lost is 45 kB/s.
    expect(pair.now).toBeLessThan(35_000);
    const { blockBytesSent, blockBytesResent, duplicateBytes } = pair.channels[0].transfers.stats;
    expect(blockBytesSent - blockBytesResent).toBe(MIB);
    expect(pair.channels[1].transfers.stats.duplicateBytes).toBeLessThan(0.02 * MIB);
    expect(duplicateBytes).toBe(0);
  }, 30_000);

  it.each([0, 1, 63, 64, 65, 1_087, 1_088, 1_089, 70_001])(
    '[M3] of %i bytes arrives whole',
    async (length) => {
      const pair = new Pair({ latencyMs: 20, loss: 0.1 });
      const bytes = bytesOf(length, length + 1);
      const sent = pair.send('x', bytes);
      pair.run(8_000, () => sent.over);
      expect(sent.moved).toBe(length);
      expect(same((await pair.arrived[0]?.finished) as Uint8Array, bytes)).toBe(true);
      expect(pair.events[0].map(({ type }) => type)).toEqual(['transfer-ended']);
      expect(pair.events[1].map(({ type }) => type)).toEqual(['transfer', 'transfer-ended']);
    },
  );

  it('[M3] goes on after every change of the connection, and sends again only what was under way', () => {
    const pair = new Pair({ latencyMs: 60 });
    const sent = pair.send('map', bytesOf(MIB / 4));
    for (let i = 0; i < 8; i++) {
      pair.run(700);
      pair.reconnect();
    }
    pair.run(20_000, () => sent.over);
    expect(sent.state).toBe('done');
    expect(pair.channels[0].transfers.stats.blockBytesResent).toBeLessThan(8 * 30_000);
  });

  it('[M3] whose bytes are changed on the way is not delivered', async () => {
    const pair = new Pair({ latencyMs: 20, loss: 0.2 });
    const bytes = bytesOf(100_000);
    const sent = pair.send('map', bytes);
    pair.run(1_000);
    bytes.fill(0);
    pair.run(10_000, () => sent.over);
    expect([sent.error?.code, pair.arrived[0]?.error?.code]).toEqual(['corrupt', 'corrupt']);
    await expect(pair.arrived[0]?.finished).rejects.toThrow('not what was sent');
  });

  it('tells the sender mistakes that it can avoid', () => {
    const pair = new Pair();
    expect(() => pair.send('x'.repeat(33), new Uint8Array(1))).toThrow('at most 32 bytes');
    const all = Array.from({ length: 80 }, (_, i) => pair.send(`n${i}`, new Uint8Array(1_000)));
    expect(all.filter(({ error }) => error?.code === 'busy')).toHaveLength(8); // 8 on offer, 64 wait
    pair.run(10_000);
    expect(all.filter(({ state }) => state === 'done')).toHaveLength(72);
  });
});

it('[M3] takes no more of a packet than it is given, and its pace saves the rest', () => {
  const channels = new MessageChannels();
  channels.transfers.send('map', bytesOf(10_000));
  channels.transfers.take(encodeTransferControl({ what: 'grant', transfer: 0, blocks: 157 }));
  const out = new Uint8Array(1_164);
  const path = { rtt: 20, rttDeviation: 0, loss: 0 };
  const offer = channels.fill(0, 0, 1_164, out, 0, path, 0);
  expect(offer).toBe(4 + 12);
  expect(channels.fill(10, 1, 1_164, out, 0, path, 300)).toBe(7 + 4 * 64);
  expect(channels.fill(20, 2, 100, out, 0, path)).toBe(7 + 64);
  expect(channels.fill(50, 3, 1_164, out, 0, path)).toBe(7 + 18 * 64);
});

it('lets a program change its mind as often as it likes', () => {
  const pair = new Pair();
  for (let i = 0; i < 500; i++) pair.send('map', bytesOf(100)).cancel();
  const last = pair.send('map', bytesOf(100));
  pair.run(3_000);
  expect(last.state).toBe('done');
  expect(pair.channels.map(({ broken }) => broken)).toEqual([false, false]);
});

describe('several transfers', () => {
  it('[M3] of one priority share alike, whenever each began', () => {
    const pair = new Pair();
    const [a, b] = [pair.send('a', bytesOf(MIB)), pair.send('b', bytesOf(MIB))];
    pair.run(3_000);
    const c = pair.send('c', bytesOf(MIB));
    const before = [a.moved, b.moved];
    expect(Math.abs(a.moved - b.moved)).toBeLessThan(5_000);
    pair.run(3_000);
    const shares = [a.moved - (before[0] ?? 0), b.moved - (before[1] ?? 0), c.moved];
    for (const share of shares) expect(share).toBeGreaterThan(50_000);
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThan(12_000);
  });

  it('[M3] of a higher priority go first', () => {
    const pair = new Pair();
    const low = pair.send('low', bytesOf(MIB));
    pair.run(2_000);
    const [before, high] = [low.moved, pair.send('high', bytesOf(100_000), { priority: 1 })];
    pair.run(10_000, () => high.over);
    expect(high.state).toBe('done');
    expect(low.moved - before).toBeLessThan(30_000); // what was under way, and while the offer was answered
  });

  it('[M3] that are too much together wait for each other at the receiver; too long a one is refused', () => {
    const pair = new Pair({ latencyMs: 10 }, 100_000);
    const both = [pair.send('a', bytesOf(80_000)), pair.send('b', bytesOf(80_000))];
    const never = pair.send('c', bytesOf(100_001));
    pair.run(1_000);
    expect(both.map(({ state }) => state)).toEqual(['moving', 'waiting']);
    expect([never.error?.code, never.error?.message]).toEqual([
      'too-large',
      'The transfer is longer than the other side takes.',
    ]);
    pair.run(10_000);
    expect(both.map(({ state }) => state)).toEqual(['done', 'done']);
    expect(pair.channels[1].transfers.stats.refusedBytes).toBe(100_001);
  });
});

/** The receiving end alone, in the hands of a peer that says what it likes. */
class Hostile {
  readonly channels: MessageChannels;
  readonly events: TransferEvent[] = [];

  constructor(limit = 64 * 1024) {
    this.channels = new MessageChannels(limit);
  }

  say(control: TransferControl): this {
    this.channels.transfers.take(encodeTransferControl(control));
    return this;
  }

  offer(transfer: number, length = 50_000): this {
    return this.say({ what: 'offer', transfer, length, name: 'x' });
  }

  blocks(transfer: number, block: number, length: number): string {
    const out = new Uint8Array(7 + length);
    writeBlocks(out, 0, transfer, block, new Uint8Array(length), 0, length);
    return this.channels.read(out, 0, out.length);
  }
}

describe('a hostile sender', () => {
  it('[M3] cannot send what was not granted, nor blocks that no transfer has', () => {
    const peer = new Hostile(2 * MIB).offer(0, MIB).offer(1, 100);
    expect(peer.blocks(0, 0, 640)).toBe('ok');
    expect(peer.blocks(0, 4_096, 64)).toBe('window'); // 256 KiB are granted
    expect(peer.blocks(0, 2 ** 24 - 1, 64)).toBe('window');
    expect(peer.blocks(0, 0, 65)).toBe('length');
    expect(peer.blocks(1, 1, 36)).toBe('ok');
    expect(peer.blocks(1, 0, 101)).toBe('length');
    expect(peer.blocks(1, 1, 64)).toBe('length');
    expect(peer.blocks(7, 0, 64)).toBe('ok'); // it may be over: nothing is stored
    const { unaskedBytes, staleBytes, blockBytesReceived } = peer.channels.transfers.stats;
    expect([unaskedBytes, staleBytes, blockBytesReceived]).toEqual([64 + 64 + 65 + 101 + 64, 64, 676]);
    expect(peer.channels.stats.refused).toMatchObject({ window: 2, length: 3 });
  });

  it.each([
    ['offers with a number that is not next', (peer: Hostile) => peer.offer(1)],
    ['offers nine at a time', (peer: Hostile) => Array.from({ length: 9 }, (_, i) => peer.offer(i, 10))],
    ['ends what it never offered', (peer: Hostile) => peer.say({ what: 'end', transfer: 3, hash: [0, 0] })],
    [
      'ends one twice',
      (peer: Hostile) =>
        peer
          .offer(0)
          .say({ what: 'end', transfer: 0, hash: [0, 0] })
          .say({ what: 'end', transfer: 0, hash: [0, 0] }),
    ],
    ['is done with what nobody sends', (peer: Hostile) => peer.say({ what: 'done', transfer: 0 })],
    [
      'grants more than there is',
      (peer: Hostile) => {
        peer.channels.transfers.send('x', new Uint8Array(100));
        peer.say({ what: 'grant', transfer: 0, blocks: 3 });
      },
    ],
    [
      'is done with what was not sent',
      (peer: Hostile) => {
        peer.channels.transfers.send('x', new Uint8Array(100));
        peer.say({ what: 'done', transfer: 0 });
      },
    ],
    ['speaks nonsense', (peer: Hostile) => peer.channels.transfers.take(Uint8Array.of(255, 9, 0, 0))],
    [
      'has 200 offers refused and acknowledges nothing',
      (peer: Hostile) => Array.from({ length: 200 }, (_, i) => peer.offer(i, 2 ** 31)),
    ],
  ])('[M3] that %s breaks the session', (_, act) => {
    const peer = new Hostile();
    act(peer);
    expect(peer.channels.broken).toBe(true);
    expect(peer.blocks(0, 0, 64)).toBe('stream-broken');
  });

  it('[M3] [W1] never makes the receiver hold more than its limit: 50,000 random words and blocks', () => {
    const limit = 64 * 1024;
    const rng = new Rng(12);
    const totals = { sessions: 0, whole: 0, most: 0, refused: 0, stored: 0 };
    for (let i = 0; i < 50_000; totals.sessions++) {
      const peer = new Hostile(limit);
      const { transfers } = peer.channels;
      let offered = 0;
      for (; i < 50_000 && !peer.channels.broken; i++) {
        const transfer = Math.max(0, offered - rng.int(0, 4));
        const dice = rng.int(0, 40);
        if (dice === 0)
          peer.offer(
            rng.chance(0.99) ? offered++ : transfer,
            rng.int(0, rng.chance(0.9) ? 20_000 : limit + 9),
          );
        else if (dice === 1) peer.say({ what: 'withdrawn', transfer, code: 'cancelled', reason: '' });
        else if (dice === 2 && rng.chance(0.05))
          peer.say({ what: 'end', transfer, hash: [rng.u32(), rng.u32()] });
        else {
          const verdict = peer.blocks(
            transfer,
            rng.int(0, rng.chance(0.9) ? 300 : 2_000),
            64 * rng.int(1, 17) - (dice === 3 ? 9 : 0),
          );
          if (verdict !== 'ok') totals.refused++;
        }
        const { heldBytes } = transfers.stats;
        totals.most = Math.max(totals.most, heldBytes);
        if (heldBytes > limit) expect.fail(`${heldBytes} bytes are held`);
        // Refusals and grants are acknowledged, so that they do not pile up.
        peer.channels.fill(i, i & 0xffff, 1_000, new Uint8Array(1_000), 0, {
          rtt: 1,
          rttDeviation: 0,
          loss: 0,
        });
        peer.channels.acked(i & 0xffff);
        for (let event = transfers.pollEvent(); event !== undefined; event = transfers.pollEvent())
          if (event.type === 'transfer-ended' && event.transfer.moved === event.transfer.length)
            totals.whole++;
      }
      totals.stored += transfers.stats.blockBytesReceived;
    }
    expect(totals.most).toBeGreaterThan(limit * 0.6);
    expect(totals.stored).toBeGreaterThan(2 * MIB);
    expect(totals.refused).toBeGreaterThan(5_000);
    expect(totals.sessions).toBeGreaterThan(30);
  }, 30_000);

  it('[W1] [W2] says one thing in one way: 100,000 control messages are read as what they are written from, or refused', () => {
    const rng = new Rng(9);
    let read = 0;
    for (let i = 0; i < 100_000; i++) {
      const bytes = Uint8Array.from({ length: rng.int(1, 24) }, () => rng.int(0, 255));
      bytes[0] = 255;
      bytes[1] = rng.int(0, 8);
      if (bytes.length > 8 && rng.chance(0.5)) bytes[8] = bytes.length - 9;
      if (bytes.length > 5 && rng.chance(0.5)) bytes[5] = bytes.length - 6;
      const control = decodeTransferControl(bytes);
      if (typeof control === 'string') continue;
      read++;
      expect(encodeTransferControl(control)).toEqual(bytes);
    }
    expect(read).toBeGreaterThan(1_000);
  });
});

describe('the pace', () => {
  const path = { rtt: 50, rttDeviation: 0, loss: 0 };
  const after = (ms: number, change: Partial<typeof path> = {}, lost = 0): TransferPace => {
    const pace = new TransferPace();
    for (let now = 0; now < 3_000; now += 10) pace.advance(now, path);
    for (let now = 3_000; now < 3_000 + ms; now += 10) {
      pace.advance(now, { ...path, ...change });
      if ((now / 10) % 10 < lost * 10) pace.lost();
      else pace.acked();
    }
    return pace;
  };

  it('rises while the path takes it, and falls as the round trip grows', () => {
    expect(after(1_000).rate).toBe(128_000);
    expect(after(1_000, { rtt: 75 }).rate).toBeLessThan(128_000 * 0.7 ** 3);
    // As much longer, but the path has always varied as much.
    expect(after(1_000, { rtt: 75, rttDeviation: 30 }).rate).toBe(128_000);
  });

  it('falls with loss until it is low, where loss turns out to be the path’s own', () => {
    expect(after(3_000, {}, 0.3).rate).toBeLessThan(50_000);
    expect(after(40_000, {}, 0.3).rate).toBeGreaterThan(100_000);
  });

  it('halves when the transport holds bytes, and keeps a little going whatever happens', () => {
    const pace = after(0);
    for (let now = 3_000; now < 20_000; now += 10) {
      pace.advance(now, path);
      pace.buffered(now);
    }
    expect(pace.rate).toBe(12_000);
    expect(pace.cuts.buffered).toBeGreaterThan(5);
  });
});
