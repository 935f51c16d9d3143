/**
 * The two packets that travel while a session plays. Fields are bits, least significant first; messages follow on a whole byte.
 *
 *     both     kind 8 | seq 16 | ack 16 | ack bits 32 | ack delay ms 8
 *     client   hidden 1 | has snapshot 1 [tick 32] | command count 6 [newest tick 32, commands oldest first] | pad | messages
 *     server   tick 32 | has report 1 [command tick - tick, 8 signed | slack in 1/8 tick, 10 signed]
 *              has snapshot 1 [snapshots since baseline 6, 0 none | controls changed 1 [spawn counter 16, pull counters 8 each] | entities] | pad | messages
 */

import type { Seq } from '../base/seq.ts';
import type { AckHeader } from '../connection/acks.ts';
import type { BitReader, BitWriter } from '../wire/bits.ts';

export const CLIENT_PACKET = 4;
export const SERVER_PACKET = 5;

/** Snapshots that may be named as baselines. At 20 Hz, 63 covers an acknowledgement up to 3.1 s late. */
export const BASELINE_WINDOW = 63;
export const BASELINE_BITS = 6;

/** Commands in one packet. 24 at 60 Hz reach back 400 ms, which covers every command that can still arrive in time at 500 ms RTT. */
export const MAX_COMMANDS = 24;
export const COMMAND_COUNT_BITS = 6;

/** Slack travels in eighths of a tick, within ±64 ticks. */
export const SLACK_UNITS = 8;
const SLACK_BITS = 10;
const REPORT_TICK_BITS = 8;

/** What every packet starts with, after its kind. */
export interface PacketHeader extends AckHeader {
  seq: Seq;
}

export function writeHeader(w: BitWriter, kind: number, seq: Seq, header: AckHeader): void {
  w.write(kind, 8);
  w.write(seq, 16);
  w.write(header.ack, 16);
  w.write(header.ackBits, 32);
  w.write(header.ackDelayMs, 8);
}

/** Reads what follows the kind. */
export function readHeader(r: BitReader): PacketHeader {
  return { seq: r.read(16), ack: r.read(16), ackBits: r.read(32), ackDelayMs: r.read(8) };
}

/** How early commands arrived: the least slack since the last report, and the command it was measured on. */
export interface SlackReport {
  readonly commandTick: number;
  /** Ticks between arrival and use; negative when late. */
  readonly slack: number;
}

export function writeSlackReport(w: BitWriter, tick: number, report: SlackReport | undefined): void {
  w.write(report === undefined ? 0 : 1, 1);
  if (report === undefined) return;
  w.write(bounded(report.commandTick - tick, REPORT_TICK_BITS), REPORT_TICK_BITS);
  w.write(bounded(Math.floor(report.slack * SLACK_UNITS), SLACK_BITS), SLACK_BITS);
}

export function readSlackReport(r: BitReader, tick: number): SlackReport | undefined {
  if (!r.readBool()) return undefined;
  const commandTick = tick + signed(r.read(REPORT_TICK_BITS), REPORT_TICK_BITS);
  return { commandTick, slack: signed(r.read(SLACK_BITS), SLACK_BITS) / SLACK_UNITS };
}

/** Control words against those of the baseline. */
export function writeControls(
  w: BitWriter,
  words: Int32Array,
  at: number,
  count: number,
  before: Int32Array | undefined,
  beforeAt: number,
): void {
  let changed = before === undefined;
  for (let i = 0; i < count; i++) if (words[at + i] !== before?.[beforeAt + i]) changed = true;
  w.write(changed ? 1 : 0, 1);
  if (!changed) return;
  for (let i = 0; i < count; i++) w.write(words[at + i] ?? 0, i === 0 ? 16 : 8);
}

export function readControls(r: BitReader, into: Int32Array, before: Int32Array | undefined): void {
  if (!r.readBool()) {
    if (before === undefined) r.fail();
    else into.set(before);
    return;
  }
  let differs = before === undefined;
  for (let i = 0; i < into.length; i++) {
    into[i] = r.read(i === 0 ? 16 : 8);
    if (into[i] !== before?.[i]) differs = true;
  }
  if (!differs) r.fail();
}

function bounded(value: number, bits: number): number {
  const limit = 2 ** (bits - 1);
  return Math.max(-limit, Math.min(limit - 1, value));
}

function signed(value: number, bits: number): number {
  return (value << (32 - bits)) >> (32 - bits);
}
