/**
 * The view of a command: what was on the player's screen when it was given. It travels with the command where a game has shapes.
 *
 *     time     the fractional tick at which others were drawn, in 1/32 ticks
 *     older    tick of the snapshot that they were drawn from
 *     newer    tick of the one that they were on their way to, or none past the newest
 *
 *     first of a packet   ticks·32 back from the command: golomb 9 | pair
 *     after another one   time beyond one tick after the last, zigzag: golomb 2 | pair as expected 1 [, if 0: pair]
 *     pair                snapshots from the last one before `time` back to older: golomb 0 | on to newer, 0 none: golomb 0
 *
 * Expected is the last pair while `time` is within it, then the snapshots on both sides of `time`.
 */

import { MAX_TICK, type Tick } from '../base/units.ts';
import type { BitReader, BitWriter } from '../wire/bits.ts';

/** Steps per tick in which a view's time is counted: half a millisecond at 60 Hz. */
export const VIEW_UNITS = 32;

export const NO_NEWER = -1;

export interface CommandView {
  /** In VIEW_UNITS per tick. */
  time: number;
  older: Tick;
  /** NO_NEWER past the newest. */
  newer: Tick;
}

export const newView = (): CommandView => ({ time: 0, older: 0, newer: NO_NEWER });

export function copyView(into: CommandView, from: Readonly<CommandView>): void {
  into.time = from.time;
  into.older = from.older;
  into.newer = from.newer;
}

const BACK_ORDER = 9;
const DRIFT_ORDER = 2;
const MOST = 2 ** 30;

/** Writes the view of the command for `tick`. `before` is that of the command before it, undefined for the first of a packet. */
export function writeView(
  w: BitWriter,
  view: Readonly<CommandView>,
  tick: Tick,
  before: Readonly<CommandView> | undefined,
  interval: number,
): void {
  if (before === undefined) {
    w.writeGolomb(tick * VIEW_UNITS - view.time, BACK_ORDER);
    writePair(w, view, interval);
    return;
  }
  const drift = view.time - before.time - VIEW_UNITS;
  w.writeGolomb(drift < 0 ? -2 * drift - 1 : 2 * drift, DRIFT_ORDER);
  const expected = isExpected(view, before, interval);
  w.write(expected ? 1 : 0, 1);
  if (!expected) writePair(w, view, interval);
}

/** Reads what `writeView` wrote. A view after its own tick or before tick 0, or a pair written out that was expected, fails the reader. */
export function readView(
  r: BitReader,
  into: CommandView,
  tick: Tick,
  before: Readonly<CommandView> | undefined,
  interval: number,
): void {
  if (before === undefined) {
    into.time = tick * VIEW_UNITS - r.readGolomb(BACK_ORDER);
    readPair(r, into, interval);
  } else {
    const coded = r.readGolomb(DRIFT_ORDER);
    into.time = before.time + VIEW_UNITS + ((coded & 1) === 1 ? -(coded + 1) / 2 : coded / 2);
    if (r.readBool()) expect(into, before, interval);
    else {
      readPair(r, into, interval);
      if (isExpected(into, before, interval)) r.fail();
    }
  }
  if (into.time < 0 || into.time > tick * VIEW_UNITS || into.older < 0 || into.newer > MAX_TICK) r.fail();
}

function writePair(w: BitWriter, { time, older, newer }: Readonly<CommandView>, interval: number): void {
  const last = lastSnapshot(time, interval);
  w.writeGolomb((last - older) / interval, 0);
  w.writeGolomb(newer === NO_NEWER ? 0 : (newer - last) / interval, 0);
}

function readPair(r: BitReader, into: CommandView, interval: number): void {
  const last = lastSnapshot(into.time, interval);
  const back = r.readGolomb(0);
  const on = r.readGolomb(0);
  if (back > MOST || on > MOST) r.fail();
  into.older = last - back * interval;
  into.newer = on === 0 ? NO_NEWER : last + on * interval;
}

/** Tick of the last snapshot at or before a time, if none is lost. */
export function lastSnapshot(time: number, interval: number): Tick {
  const tick = Math.floor(time / VIEW_UNITS);
  return tick - (tick % interval);
}

const expectation = newView();

function isExpected(view: Readonly<CommandView>, before: Readonly<CommandView>, interval: number): boolean {
  expectation.time = view.time;
  expect(expectation, before, interval);
  return expectation.older === view.older && expectation.newer === view.newer;
}

/** Gives a view the pair that is expected after the one before, which may be itself at an earlier time. */
export function expect(view: CommandView, before: Readonly<CommandView>, interval: number): void {
  const within =
    before.older * VIEW_UNITS <= view.time &&
    (before.newer === NO_NEWER || view.time < before.newer * VIEW_UNITS);
  const last = lastSnapshot(view.time, interval);
  view.older = within ? before.older : last;
  view.newer = within ? before.newer : last + interval;
}
