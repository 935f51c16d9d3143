import { describe, expect, it } from 'vitest';
import { Rng } from '../base/rng.ts';
import { angle, grid, int } from '../wire/fields.ts';
import { compileRow } from '../wire/schema.ts';
import { BlendTimes, RowBlend } from './blend.ts';

const TICK_RATE = 60;
const STEP = 1 / 1024;

const schema = compileRow(
  'ship',
  2,
  {
    x: grid(0, 4096, STEP, { follows: 'vx' }),
    vx: grid(-960, 960, TICK_RATE * STEP),
    plain: grid(0, 4096, STEP),
    aim: angle(12),
    hits: int(0, 9),
  },
  TICK_RATE,
);
const [X, VX, PLAIN, AIM] = ['x', 'vx', 'plain', 'aim'].map((name) => schema.byName.get(name)?.at ?? -1) as [
  number,
  number,
  number,
  number,
];
const blend = new RowBlend(schema, TICK_RATE);

/** A row; speed in steps per tick, the rest in steps. */
function row(x: number, speed = 0, plain = x, aim = 0, cut = 0): Int32Array {
  const words = new Int32Array(schema.stride);
  words[X] = x;
  words[VX] = speed;
  words[PLAIN] = plain;
  words[AIM] = aim;
  words[schema.cutAt] = cut;
  return words;
}

/** What is drawn at `tick`, x and plain in steps. */
function drawn(tick: number, older: Int32Array, held: number, newer?: Int32Array, nextHeld = held) {
  const into = new Float64Array(blend.fields.length);
  blend.draw(into, tick, older, 0, held, newer, 0, nextHeld);
  const value = (at: number): number =>
    into[blend.fields.findIndex((field) => field.at === at)] ?? Number.NaN;
  return { x: value(X) / STEP, plain: value(PLAIN) / STEP, aim: value(AIM) };
}

describe('RowBlend', () => {
  it('[V6] gives both copies at their own ticks, and the last one beyond', () => {
    const rng = new Rng(1);
    for (let i = 0; i < 200; i++) {
      const [a, b] = [0, 1].map(() =>
        row(rng.int(0, 4_000_000), rng.int(-9_000, 9_000), rng.int(0, 9_999), rng.int(-2048, 2047)),
      ) as [Int32Array, Int32Array];
      const span = rng.int(1, 30);
      const [from, to] = [drawn(100, a, 100, b, 100 + span), drawn(100 + span, a, 100, b, 100 + span)];
      expect(from.x).toBeCloseTo(a[X] ?? 0, 4);
      expect(to.x).toBeCloseTo(b[X] ?? 0, 4);
      expect(from.plain).toBeCloseTo(a[PLAIN] ?? 0, 4);
      expect(to.plain).toBeCloseTo(b[PLAIN] ?? 0, 4);
      expect(drawn(100 + span + 2, a, 100, b, 100 + span).x).toBe(to.x);
    }
  });

  it.each(['the new', 'the old'])(
    'draws steady acceleration exactly when a game moves by %s rate',
    (which) => {
      for (const change of [3, -40, 200]) {
        const copies: Int32Array[] = [];
        for (let tick = 0, x = 2_000_000, speed = 100; tick <= 15; tick++) {
          copies.push(row(x, speed));
          x += which === 'the new' ? speed + change : speed;
          speed += change;
        }
        const [first, last] = [copies[0], copies[15]] as [Int32Array, Int32Array];
        copies.forEach((copy, tick) => {
          expect(drawn(tick, first, 0, last, 15).x).toBeCloseTo(copy[X] ?? 0, 4);
        });
      }
    },
  );

  it('never leaves the range between two copies that go one way, whatever their speeds', () => {
    const rng = new Rng(2);
    for (let i = 0; i < 500; i++) {
      const way = rng.int(-60_000, 60_000);
      const sign = rng.chance(0.5) ? 1 : -1;
      const a = row(2_000_000, sign * rng.int(0, 16_000));
      const b = row(2_000_000 + way, sign * rng.int(0, 16_000));
      const span = rng.int(1, 24);
      let last = a[X] ?? 0;
      let back = 0;
      for (let t = 0; t <= span; t += 0.25) {
        const { x } = drawn(t, a, 0, b, span);
        back = Math.min(back, (x - last) * Math.sign(way));
        last = x;
      }
      expect(back).toBeGreaterThan(-1e-4);
    }
  });

  it('turns round no further out than what bounced', () => {
    const span = 6;
    for (let bounce = 0; bounce <= span; bounce += 0.5) {
      for (const back of [-1_000, -300, -10]) {
        const wall = 1_000 * bounce;
        const b = row(2_000_000 + Math.round(wall + back * (span - bounce)), back);
        for (let t = 0; t <= span; t += 0.25)
          expect(drawn(t, row(2_000_000, 1_000), 0, b, span).x).toBeLessThan(2_000_000 + wall + 1);
      }
    }
  });

  it('turns angles the short way round', () => {
    const { aim } = drawn(5, row(0, 0, 0, 2000), 0, row(0, 0, 0, -2000), 10);
    expect(Math.abs(aim)).toBeCloseTo(Math.PI, 2);
  });

  it('stays before a cut, and takes nothing from beyond it', () => {
    const [a, b] = [row(1_000, 50), row(900_000, 50, 900_000, 0, 1)];
    for (const t of [0, 1, 2.9]) expect(drawn(t, a, 0, b, 3)).toEqual(drawn(0, a, 0));
  });

  it('lets a row without a newer copy move on, slow down within its range and stand', () => {
    const a = row(100_000, 400);
    let last = 100_000;
    let speed = 400 * 0.25;
    for (let t = 0.25; t < 40; t += 0.25) {
      const { x, plain } = drawn(t, a, 0);
      expect(plain).toBe(100_000);
      expect(x - last).toBeGreaterThan(-1e-6);
      expect(x - last).toBeLessThan(speed + 1e-6);
      speed = x - last;
      last = x;
    }
    expect(speed).toBeCloseTo(0, 6);
    // A quarter of a second of its way.
    expect(last).toBeCloseTo(100_000 + 15 * 400, 6);
    expect(drawn(30, row(4_194_000, 9_000), 0).x).toBe(4_194_304);
  });

  it('spreads a way over half a second at most: what stood for long does not crawl', () => {
    const [a, b] = [row(1_000), row(61_000)];
    expect(drawn(270, a, 0, b, 300).x).toBe(1_000);
    expect(drawn(290, a, 0, b, 300).x).toBeGreaterThan(20_000);
    // What moved on meanwhile starts from where it went, without a jump.
    const moving = row(1_000, 100);
    const before = drawn(270 - 1e-9, moving, 0, b, 300).x;
    expect(drawn(270, moving, 0, b, 300).x).toBeCloseTo(before, 3);
    expect(before).toBeCloseTo(2_500, 3);
  });
});

describe('BlendTimes', () => {
  it('counts the same time whatever the tick rate', () => {
    for (const rate of [20, 60, 128]) {
      const times = new BlendTimes(rate);
      expect(times.moved(rate * 0.08)).toBeCloseTo(rate * 0.08);
      expect(times.moved(rate * 10)).toBeCloseTo(rate * 0.25);
      expect(times.start(0, rate * 2)).toBeCloseTo(rate * 1.5);
    }
  });
});
