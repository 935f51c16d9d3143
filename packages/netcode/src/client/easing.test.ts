import { describe, expect, it } from 'vitest';
import { RowSet } from '../simulation/rows.ts';
import { grid } from '../wire/fields.ts';
import { compileRow, ID, MARK } from '../wire/schema.ts';
import { Interpolation } from './interpolation.ts';
import { ViewRows } from './viewrows.ts';

const TICK_RATE = 60;
const TICK_MS = 1000 / TICK_RATE;
const STEP = 1 / 256;

const schema = compileRow(
  'ship',
  2,
  { x: grid(0, 4096, STEP, { follows: 'vx' }), vx: grid(-960, 960, TICK_RATE * STEP) },
  TICK_RATE,
);
const [X, VX] = [schema.byName.get('x')?.at ?? 0, schema.byName.get('vx')?.at ?? 0];

/** A snapshot of one ship, whose row is of tick `held`: place in units, speed in units per tick. */
function snapshot(held: number, x: number, speed: number, cut = 0, id = 1): RowSet {
  const rows = new RowSet(schema);
  const at = rows.push(schema.empty, 0);
  rows.data[at + ID] = id;
  rows.data[at + MARK] = held;
  rows.data[at + X] = x / STEP;
  rows.data[at + VX] = speed / STEP;
  rows.data[at + schema.cutAt] = cut;
  return rows;
}

/** Draws frame by frame, a tick each, and pairs when it is told to. */
class Screen {
  readonly rows = new ViewRows(schema, { seat: 0, rowOf: () => undefined });
  readonly #others = new Interpolation(this.rows, TICK_RATE);
  #next: RowSet | undefined;
  #tick = 0;

  draw(tick: number, pair?: { past: RowSet; pastTick: number; next?: RowSet; nextTick?: number }): number {
    if (this.#others.eases) this.#others.fade((tick - this.#tick) * TICK_MS);
    if (pair !== undefined) {
      this.#next = pair.next;
      this.#others.pair(tick, this.#tick, pair.past, pair.pastTick, pair.next, pair.nextTick ?? -1);
    }
    this.#tick = tick;
    this.#others.draw(tick, this.#next);
    return this.rows.drawn[0]?.[0] ?? Number.NaN;
  }
}

/** Flies at 4 units per tick beyond the newest snapshot, of tick 100, up to tick 104. */
function guessing(): Screen {
  const screen = new Screen();
  screen.draw(97, { past: snapshot(97, 988, 4), pastTick: 97, next: snapshot(100, 1_000, 4), nextTick: 100 });
  screen.draw(100, { past: snapshot(100, 1_000, 4), pastTick: 100 });
  for (let tick = 101; tick <= 104; tick++)
    expect(screen.draw(tick)).toBeCloseTo(1_000 + 4 * (tick - 100), 6);
  return screen;
}

describe('Easing', () => {
  it('[V5] fades what was guessed wrong: no jump, nothing left after a fifth of a second', () => {
    const screen = guessing();
    // It had stopped at once.
    const stopped = {
      past: snapshot(103, 1_000, 0),
      pastTick: 103,
      next: snapshot(109, 1_000, 0),
      nextTick: 109,
    };
    const drawn = [1_012, 1_016, screen.draw(105, stopped)];
    for (let tick = 105.25; tick < 119; tick += 0.25) drawn.push(screen.draw(tick));
    // At the pace that it had, not at once where it is.
    expect(drawn[2]).toBeCloseTo(1_020, 6);
    for (let i = 4; i < drawn.length; i++)
      expect(Math.abs((drawn[i] ?? 0) - (drawn[i - 1] ?? 0))).toBeLessThan(3.5);
    expect(drawn.at(-1)).toBeCloseTo(1_000, 1);
    expect(screen.draw(140)).toBe(1_000);
  });

  it('leaves alone what was guessed right, and what follows what was known', () => {
    const screen = guessing();
    const right = {
      past: snapshot(103, 1_012, 4),
      pastTick: 103,
      next: snapshot(109, 1_036, 4),
      nextTick: 109,
    };
    expect(screen.draw(105, right)).toBeCloseTo(1_020, 9);
    const turned = { past: right.next, pastTick: 109, next: snapshot(112, 1_030, -2), nextTick: 112 };
    expect(screen.draw(112, turned)).toBeCloseTo(1_030, 9);
  });

  it('snaps across a cut, to another row, and after a pause', () => {
    const cut = { past: snapshot(103, 3_000, 0, 1), pastTick: 103 };
    expect(guessing().draw(105, cut)).toBe(3_000);
    const other = { past: snapshot(103, 3_000, 0, 0, 2), pastTick: 103 };
    expect(guessing().draw(105, other)).toBe(3_000);
    const later = { past: snapshot(144, 3_000, 0), pastTick: 144 };
    expect(guessing().draw(146, later)).toBe(3_000);
  });

  it('goes from a snapshot that was skipped to one that comes late in between without a jump', () => {
    const screen = new Screen();
    const [a, late, b] = [snapshot(100, 1_000, 0), snapshot(103, 1_000, 0), snapshot(106, 1_060, 10)];
    const before = screen.draw(103, { past: a, pastTick: 100, next: b, nextTick: 106 });
    expect(before).toBeGreaterThan(1_005);
    const after = screen.draw(103.5, { past: late, pastTick: 103, next: b, nextTick: 106 });
    expect(after).toBeGreaterThan(before);
    expect(after).toBeLessThan(before + 8);
    screen.draw(106, { past: b, pastTick: 106 });
    expect(screen.draw(118, { past: snapshot(117, 1_100, 0), pastTick: 117 })).not.toBeNaN();
  });

  it('carries on while rows come and go', () => {
    const screen = guessing();
    const two = snapshot(103, 1_000, 0);
    two.push(snapshot(103, 5, 0, 0, 9).data, 0);
    const zero = snapshot(109, 7, 0, 0, 0);
    zero.push(snapshot(109, 1_000, 0).data, 0);
    zero.push(snapshot(109, 5, 0, 0, 9).data, 0);
    const first = screen.draw(105, { past: two, pastTick: 103, next: zero, nextTick: 109 });
    expect(first).toBeCloseTo(1_020, 6);
    screen.draw(109, { past: zero, pastTick: 109 });
    const drawn = [...(screen.rows.drawn[0] ?? [])].slice(0, 3);
    expect(drawn[0]).toBe(7);
    expect(drawn[1]).toBeGreaterThan(1_005);
    expect(drawn[2]).toBe(5);
  });
});
