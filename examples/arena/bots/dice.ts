/** Dice without memory: the same question gives the same answer, so a bot needs no state and a match can be replayed. */

/** A number in [0, 1) that depends on nothing but its arguments. */
export function dice(a: number, b: number, c = 0): number {
  let h =
    Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^
    Math.imul(b + 0x165667b1, 0xc2b2ae35) ^
    Math.imul(c + 0x27d4eb2f, 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return ((h ^ (h >>> 16)) >>> 0) / 4_294_967_296;
}

/** A value in [-1, 1] that wanders smoothly: a new aim every `period` ticks, and a line between them. */
export function drift(who: number, tick: number, period: number, salt: number): number {
  const step = Math.floor(tick / period);
  const t = tick / period - step;
  const from = dice(who, step, salt);
  const to = dice(who, step + 1, salt);
  return (from + (to - from) * t) * 2 - 1;
}
