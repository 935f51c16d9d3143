/**
 * Target slack: how many ticks early commands should arrive, from how early they did.
 *
 * The clock's estimate follows the lower edge of what the server reports. Here is counted how far single reports fall below that
 * edge: by jitter beyond it, or because packets were lost and a later one brought the command. The target leaves room for all but the
 * rarest of them, beside one lost packet. It rises with two bad reports, for one may be a hiccup, and falls slowly.
 *
 * Packets lost in a row are rarer than reports can tell, so their share is asked for, too: a command that is in `n` packets is missed
 * with the probability that all of them are lost.
 */

import type { Millis } from '../base/units.ts';

/** Shortfalls are counted by half ticks, up to 32 ticks. */
const BINS_PER_TICK = 2;
const BINS = 64;

/** Weight that a report's count keeps with each further one: about 400 are remembered, 20 s at 20 snapshots a second. */
const MEMORY = 1 - 1 / 400;

/** Reports that may fall further below than the target allows for: one in 250, and always one. */
const RARE_SHARE = 1 / 250;
const RARE_COUNT = 1.6;

/** Commands are never asked for earlier than this beyond the first lost packet: it is time that others see the player late. */
const MAX_RESERVE_MS = 250;

/** How likely a command may be to be lost with every packet that could bring it in time: three in ten minutes for a hundred players. */
const ALL_LOST = 1e-7;

/** The most that is kept for lost packets alone. */
const MAX_LOSS_MS = 100;

/** The target falls by at most this many ticks per tick: half a tick per second at 60 Hz. */
const FALL_PER_TICK = 0.5 / 60;

/** How fast the usual number of ticks per packet is learned. */
const PACKET_GAIN = 1 / 64;

/** A page that hung sends more ticks in one packet than it usually does. */
const MAX_TICKS_PER_PACKET = 8;

export class TargetSlack {
  readonly #counts = new Float64Array(BINS);
  readonly #maxReserve: number;
  readonly #maxForLoss: number;
  #total = 0;
  #reserve = 0;
  #wanted = 0;
  #perPacket = 1;

  constructor(tickMs: Millis) {
    this.#maxReserve = MAX_RESERVE_MS / tickMs;
    this.#maxForLoss = MAX_LOSS_MS / tickMs;
  }

  /** Ticks to aim for: at least those of a packet and one more, so that one packet may be lost. */
  get ticks(): number {
    return this.#perPacket + 1 + this.#reserve;
  }

  /** How many ticks a packet usually has that none before it had. */
  get perPacket(): number {
    return this.#perPacket;
  }

  /** A packet left with so many ticks that none before it had. */
  sent(ticks: number): void {
    const taken = Math.min(MAX_TICKS_PER_PACKET, ticks);
    this.#perPacket = Math.max(1, this.#perPacket + (taken - this.#perPacket) * PACKET_GAIN);
  }

  /** A report said `shortfall` ticks less than the estimate, a negative one more; `loss` is the share of packets that are lost one by one, 0..1. */
  learn(shortfall: number, loss: number): void {
    for (let bin = 0; bin < BINS; bin++) this.#counts[bin] = (this.#counts[bin] ?? 0) * MEMORY;
    this.#total = this.#total * MEMORY + 1;
    const bin = Math.max(0, Math.min(BINS - 1, Math.floor(shortfall * BINS_PER_TICK)));
    this.#counts[bin] = (this.#counts[bin] ?? 0) + 1;
    this.#wanted = Math.max(Math.min(this.#maxReserve, this.#worst()), this.#forLoss(loss));
    this.#reserve = Math.max(this.#reserve, this.#wanted);
  }

  /** Lets `ticks` of time pass. */
  advance(ticks: number): void {
    this.#reserve = Math.max(this.#wanted, this.#reserve - ticks * FALL_PER_TICK);
  }

  /** Ticks beyond the usual so that a command is in enough packets. */
  #forLoss(loss: number): number {
    if (loss <= ALL_LOST) return 0;
    const packets = Math.log(ALL_LOST) / Math.log(Math.min(0.5, loss));
    return Math.min(this.#maxForLoss, (packets - 1) * this.#perPacket) - this.#perPacket - 1;
  }

  /** The shortfall that all but the rarest reports stay below. */
  #worst(): number {
    const rare = Math.max(RARE_COUNT, this.#total * RARE_SHARE);
    let above = 0;
    for (let bin = BINS - 1; bin > 0; bin--) {
      above += this.#counts[bin] ?? 0;
      if (above >= rare) return bin / BINS_PER_TICK;
    }
    return 0;
  }
}
