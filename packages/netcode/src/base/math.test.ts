import { describe, expect, it } from 'vitest';
import { angleDelta, approach, atan2, clamp, cos, damp, hypot, lerp, sin } from './math.ts';
import { Rng } from './rng.ts';

const words = new Uint32Array(2);
const double = new Float64Array(words.buffer);

/** The bits of a double, as every engine must give them. */
function bits(value: number): string {
  double[0] = value;
  return [words[1], words[0]].map((word) => (word ?? 0).toString(16).padStart(8, '0')).join('');
}

describe('sin, cos, atan2', () => {
  it('are within 1e-14 of the true values for |x| up to 1e5', () => {
    const rng = new Rng(1);
    let worst = 0;
    for (let i = 0; i < 50_000; i++) {
      const x = rng.range(-1, 1) * 10 ** rng.range(-6, 5);
      const y = rng.range(-1, 1) * 10 ** rng.range(-6, 5);
      worst = Math.max(
        worst,
        Math.abs(sin(x) - Math.sin(x)),
        Math.abs(cos(x) - Math.cos(x)),
        Math.abs(atan2(y, x) - Math.atan2(y, x)),
      );
    }
    expect(worst).toBeLessThan(1e-14);
  });

  it('give the same bits for ever: client and server may run different engines', () => {
    const rng = new Rng(7);
    const values = Array.from({ length: 6 }, () => {
      const x = rng.range(-50, 50);
      const y = rng.range(-50, 50);
      return [sin(x), cos(x), atan2(y, x), hypot(x, y)].map(bits).join(' ');
    });
    expect(values).toEqual(GOLDEN);
  });

  it('know the corners', () => {
    expect([sin(0), cos(0), atan2(0, 0), atan2(0, 1), atan2(1, 0), atan2(-1, 0)]).toEqual([
      0,
      1,
      0,
      0,
      Math.PI / 2,
      -Math.PI / 2,
    ]);
    expect(atan2(0, -1)).toBe(Math.PI);
    expect([sin(Number.NaN), cos(Infinity), sin(-Infinity)]).toEqual([NaN, NaN, NaN]);
    expect(Math.abs(sin(1e300))).toBeLessThanOrEqual(1);
  });
});

describe('hypot, clamp, lerp, angleDelta', () => {
  it('are what they say', () => {
    expect(hypot(3, -4)).toBe(5);
    expect([clamp(-1, 0, 2), clamp(1, 0, 2), clamp(3, 0, 2)]).toEqual([0, 1, 2]);
    expect([lerp(2, 4, 0), lerp(2, 4, 0.5), lerp(2, 4, 1)]).toEqual([2, 3, 4]);
    expect(angleDelta(3, -3)).toBeCloseTo(2 * Math.PI - 6, 12);
    expect(angleDelta(-3, 3)).toBeCloseTo(6 - 2 * Math.PI, 12);
    expect(angleDelta(0, Math.PI)).toBe(-Math.PI);
  });

  it('turns the short way, whatever the turns before', () => {
    const rng = new Rng(3);
    for (let i = 0; i < 1_000; i++) {
      const [from, to] = [rng.range(-50, 50), rng.range(-50, 50)];
      const delta = angleDelta(from, to);
      expect(delta >= -Math.PI && delta < Math.PI).toBe(true);
      expect(Math.cos(from + delta - to)).toBeCloseTo(1, 9);
    }
  });
});

describe('approach and damp', () => {
  it('approach arrives exactly, from both sides', () => {
    let value = 0;
    for (let i = 0; i < 100; i++) value = approach(value, 0.7, 0.03);
    expect(value).toBe(0.7);
    for (let i = 0; i < 100; i++) value = approach(value, -0.7, 0.03);
    expect(value).toBe(-0.7);
  });

  it('damp comes to rest on a grid where plain friction sticks', () => {
    const step = 1 / 8;
    const onGrid = (value: number): number => Math.floor(value / step + 0.5) * step;
    let plain = 10;
    let damped = 10;
    let backwards = -10;
    for (let i = 0; i < 600; i++) {
      plain = onGrid(plain * 0.98);
      damped = onGrid(damp(damped, 0.98, step));
      backwards = onGrid(damp(backwards, 0.98, step));
    }
    expect(plain).toBeGreaterThan(3);
    expect(damped).toBe(0);
    expect(backwards).toBe(0);
  });
});

/** sin, cos, atan2, hypot of six points. A change here is a change of every recorded match. */
const GOLDEN = [
  'bfe81640cf5f6533 3fe51129396055b8 bfdf2d6e97f31d56 4044d9492b79b044',
  '3fc8b1f4eb4c995a bfef661778bef7d8 bfe2980af0a64aea 404c126f63e376b5',
  '3fb1feca67fbcec9 bfefebbc4de7b8eb bfca1d8ab6c81dbc 402ff009eacfee5f',
  'bfee2cd9c6251524 bfd54da3b6edd8eb 3fee8ffe70df620f 4032736e2099c583',
  '3f9e5433b4339bb3 3feffc67f4858131 bff6b7b6b619f0eb 4044fd9c0fb50992',
  '3fdd701027797916 3fec69fb2eb6a63d 3ffec703979ab598 404a95e796e929ad',
];
