/** Packet and fragment numbers that wrap at 16 bits, and the only correct way to compare them. */

/** A number that wraps at 65,536: 18 minutes of packets at 60 Hz. Compare with `seqDelta` only. */
export type Seq = number;

/** Signed distance from `b` to `a`. Positive when `a` is newer, across the wrap. */
export const seqDelta = (a: Seq, b: Seq): number => ((a - b) << 16) >> 16;

/** The number `steps` after `seq` (before it when negative). */
export const seqAdd = (seq: Seq, steps: number): Seq => (seq + steps) & 0xffff;

/** The number after `seq`. */
export const seqNext = (seq: Seq): Seq => (seq + 1) & 0xffff;
