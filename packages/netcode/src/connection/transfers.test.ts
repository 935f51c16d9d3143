// Transfers between two sessions' channels, over links that lose, reorder, copy, fall silent and are replaced.
import { describe, expect, it } from 'vitest';
import { Rng } from '../base/rng.ts';
import { type LinkOptions, SimLink } from '../testing/link.ts';
import { PROFILES } from '../testing/profiles.ts';
import { PacketAcks } from './acks.ts';
import { MessageChannels } from './channels.ts';
import { BLOCKS_HEADER_BYTES } from './fragments.ts';
import { encodeTransferControl, type Transfer, type TransferControl } from './transfer.ts';
import type { TransferEvent } from './transfers.ts';

const MIB = 1024 * 1024;

function bytesOf(length: number, seed: number): Uint8Array {
  const rng = new Rng(seed, 5);
  return Uint8Array.from({ length }, () => rng.int(0, 255));
}

/** Two sessions, 0 and 1, that send 60 packets a second each. */
class Pair {
  readonly channels: readonly [MessageChannels, MessageChannels];
  readonly events: [TransferEvent[], TransferEvent[]] = [[], []];
  now = 0;
  packets = 0;
  blockBytes = 0;
  #acks = [new PacketAcks(), new PacketAcks()];
  #links: SimLink[] = [];
  readonly #options: LinkOptions;
  readonly #seed: number;
  #connections = 0;

  constructor(options: LinkOptions, seed: number, limit = 4 * MIB) {
    this.#options = options;
    this.#seed = seed;
    this.channels = [new MessageChannels(limit), new MessageChannels(limit)];
    this.reconnect();
  }

  reconnect(): void {
    const stream = this.#connections++ * 2;
    this.#links = [new SimLink(this.#options, this.#seed, stream), new SimLink(this.#options, this.#seed, stream + 1)];
    this.#acks = [new PacketAcks(), new PacketAcks()];
    for (const side of this.channels) side.resetFlight();
  }

  darken(ms: number): void {
    for (const link of this.#links) link.darken(this.now, ms);
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

  transfersAt(side: 0 | 1): Transfer[] {
    return this.events[side].filter(({ type }) => type === 'transfer').map(({ transfer }) => transfer);
  }

  #send(side: 0 | 1): void {
    const acks = this.#acks[side] as PacketAcks;
    const channels = this.channels[side];
    const out = new Uint8Array(1_164);
    const { ack, ackBits, ackDelayMs } = acks.header(this.now);
    const seq = acks.next(this.now);
    const view = new DataView(out.buffer);
    view.setUint16(0, seq);
    view.setUint16(2, ack);
    view.setUint32(4, ackBits);
    view.setUint8(8, ackDelayMs);
    const length = channels.fill(this.now, seq, 1_155, out, 9, acks);
    this.packets++;
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
      expect(channels.read(bytes, 9, bytes.length)).toBe('ok');
      acks.receivedPacket(this.now, seq);
      acks.acknowledged(this.now, view.getUint16(2), view.getUint32(4), view.getUint8(8), (acked) =>
        channels.acked(acked),
      );
      for (let m = channels.receive(); m !== undefined; m = channels.receive())
        expect(channels.transfers.take(m.bytes)).toBe(true);
    }
  }
}

const LINKS: readonly (readonly [string, LinkOptions, number])[] = [
  ['perfect', PROFILES.perfect, 12],
  ['wifi', PROFILES.wifi, 14],
  ['mobile', PROFILES.mobile, 40],
  ['terrible', PROFILES.terrible, 100],
  ['30 % lost', { latencyMs: 50, jitterMs: 10, loss: 0.3, reorder: 0.1, duplicate: 0.1 }, 60],
];

describe('a transfer', () => {
  it.each(LINKS)('[M3] of 1 MiB arrives whole on %s', async (_, link, seconds) => {
    const pair = new Pair(link, 3);
    const bytes = bytesOf(MIB, 1);
    const sent = pair.channels[0].transfers.send('map', bytes);
    pair.run(seconds * 1_000, () => sent.over);
    console.log(_, Math.round(pair.now), JSON.stringify(pair.channels[0].transfers.stats), JSON.stringify(pair.channels[1].transfers.stats));
    expect(sent.state).toBe('done');
    const received = pair.transfersAt(1)[0] as Transfer;
    expect([received.name, received.length, received.moved, received.state]).toEqual(['map', MIB, MIB, 'done']);
    expect(await received.finished).toEqual(bytes);
    expect(await sent.finished).toBe(bytes);
  });
});
