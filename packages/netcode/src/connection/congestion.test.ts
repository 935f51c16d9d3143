// A bottleneck of two lines of code, so that each rule of the controller is seen alone; whole networks are in test/sim/budget.test.ts.
import { describe, expect, it } from 'vitest';
import { seqAdd } from '../base/seq.ts';
import { PacketAcks } from './acks.ts';
import { CongestionControl } from './congestion.ts';

const TICK_MS = 50;
const FRAME_MS = 10;

interface Path {
  /** Bytes per second; Infinity for no bottleneck. */
  readonly rate?: number;
  readonly tripMs?: number;
  /** Whether packet number n is lost. */
  readonly lost?: (n: number) => boolean;
  /** Share of the rate that is used. */
  readonly use?: number;
  readonly probing?: boolean;
}

/** One sender whose packets wait before a bottleneck, come to a peer and are acknowledged. */
class Sender {
  readonly control = new CongestionControl();
  readonly #acks = new PacketAcks();
  readonly #peer = new PacketAcks();
  #arriving: { at: number; seq: number }[] = [];
  #returning: { at: number; ack: number; bits: number }[] = [];
  #free = 0;
  #sent = 0;
  now = 0;
  /** Longest wait before the bottleneck since it was last set to 0. */
  wait = 0;

  run(
    ms: number,
    { rate = Infinity, tripMs = 40, lost = () => false, use = 1, probing = false }: Path = {},
  ): this {
    for (const end = this.now + ms; this.now < end; this.now += FRAME_MS) {
      if (this.now % TICK_MS === 0) this.#send(rate, tripMs, lost, use);
      this.#arriving = this.#arriving.filter(({ at, seq }) => {
        if (at > this.now) return true;
        this.#peer.receivedPacket(this.now, seq);
        const { ack, ackBits } = this.#peer.header(this.now);
        this.#returning.push({ at: this.now + tripMs / 2, ack, bits: ackBits });
        return false;
      });
      this.#returning = this.#returning.filter(({ at, ack, bits }) => {
        if (at > this.now) return true;
        this.#acks.acknowledged(this.now, ack, bits, 0, (seq) => this.control.acked(this.now, seq));
        this.control.measure(this.now, this.#acks, 64_000, probing);
        return false;
      });
    }
    return this;
  }

  #send(rate: number, tripMs: number, lost: (n: number) => boolean, use: number): void {
    const bytes = Math.round((this.control.rate * use * TICK_MS) / 1_000);
    const seq = this.#acks.next(this.now);
    this.control.sent(this.now, seq, bytes);
    this.wait = Math.max(this.wait, this.#free - this.now);
    this.#free = Math.max(this.#free, this.now) + (bytes * 1_000) / rate;
    if (!lost(this.#sent++)) this.#arriving.push({ at: this.#free + tripMs / 2, seq: seqAdd(seq, 0) });
  }
}

describe('CongestionControl', () => {
  it('starts low and grows to the cap within 4 s while nothing speaks against it', () => {
    const sender = new Sender();
    expect(sender.control.rate).toBe(16_000);
    expect(sender.run(1_000).control.rate).toBeLessThan(25_000);
    expect(sender.run(3_500).control.rate).toBe(64_000);
    expect(sender.control.stats).toEqual({ delayCuts: 0, lossCuts: 0, bufferCuts: 0, takenBack: 0 });
  });

  it('grows three times as fast while a transfer probes, until it has met a limit', () => {
    expect(new Sender().run(1_600, { probing: true }).control.rate).toBe(64_000);
    expect(new Sender().run(1_600, { probing: true, use: 0.3 }).control.rate).toBe(16_000);
    const met = new Sender().run(10_000, { probing: true, rate: 20_000 });
    expect(met.control.rate).toBeLessThan(24_000);
    expect(met.run(2_000, { probing: true }).control.rate).toBeLessThan(30_000);
  });

  it('does not grow on what is not used', () => {
    expect(new Sender().run(10_000, { use: 0.3 }).control.rate).toBe(16_000);
  });

  it.each([6_000, 20_000, 45_000])('[B2] settles at a bottleneck of %i B/s with a short queue', (rate) => {
    const sender = new Sender().run(12_000, { rate });
    sender.wait = 0;
    let sum = 0;
    for (let i = 0; i < 40; i++) sum += sender.run(500, { rate }).control.rate;
    expect(sum / 40).toBeGreaterThan(rate * 0.8);
    expect(sum / 40).toBeLessThan(rate * 1.1);
    expect(sender.wait).toBeLessThan(200);
    expect(sender.control.stats.takenBack).toBe(0);
  });

  it('[B2] finds the way back when the bottleneck is gone', () => {
    const sender = new Sender().run(15_000, { rate: 8_000 });
    expect(sender.control.rate).toBeLessThan(10_000);
    expect(sender.run(15_000).control.rate).toBe(64_000);
  });

  it('[B2] takes back cuts that changed nothing: the way has become longer', () => {
    const sender = new Sender().run(6_000, { tripMs: 40 });
    sender.run(12_000, { tripMs: 300 });
    expect(sender.control.rate).toBe(64_000);
    expect(sender.control.queueMs).toBeLessThan(20);
  });

  it('[B3] stands one in five lost, not every second', () => {
    const sender = new Sender().run(20_000, { lost: (n) => n % 5 === 0 });
    expect(sender.control.rate).toBe(64_000);
    expect(sender.control.stats.lossCuts).toBe(0);
    sender.run(20_000, { lost: (n) => n % 2 === 0 });
    expect(sender.control.stats.lossCuts).toBeGreaterThanOrEqual(1);
    expect(sender.control.rate).toBeLessThan(40_000);
  });

  it('[B2] a transport that holds bytes for three snapshots cuts once; for one or two not', () => {
    const { control } = new Sender().run(5_000);
    for (const held of [4_000, 4_000, 0, 4_000, 0]) control.held(5_000, held);
    expect(control.rate).toBe(64_000);
    for (let i = 0; i < 3; i++) control.held(5_000, 4_000);
    expect(control.rate).toBeLessThan(56_000);
    expect(control.stats.bufferCuts).toBe(1);
  });

  it('never goes below 4 kB/s', () => {
    const sender = new Sender().run(5_000);
    for (let i = 0; i < 300; i++) sender.control.held(5_000 + i * 50, 9_000);
    expect(sender.control.rate).toBe(4_000);
  });
});
