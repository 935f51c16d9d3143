import { describe, expect, it } from 'vitest';
import { blocked, clearLine, clearShare, slide } from './collision.ts';
import { layOut, mapOf } from './map.ts';

const box = layOut({
  name: 'box',
  width: 1000,
  height: 1000,
  walls: [{ x: 400, y: 400, w: 200, h: 200 }],
  spawns: [],
  pickups: [],
});

describe('slide', () => {
  it('moves freely where nothing stands', () => {
    expect(slide(box, 10, 100, 100, 60, -120, 0.5)).toMatchObject({
      x: 130,
      y: 40,
      vx: 60,
      vy: -120,
      touched: false,
    });
  });

  it('stops at a wall and keeps the speed along it', () => {
    const motion = slide(box, 10, 385, 500, 600, 90, 1 / 60);
    expect(motion.x).toBe(390);
    expect(motion.y).toBe(501.5);
    expect(motion.vx).toBe(0);
    expect(motion.vy).toBe(90);
    expect(motion.touched).toBe(true);
  });

  it('goes around a corner instead of sticking to it', () => {
    const motion = slide(box, 10, 393, 393, 0, 60, 1 / 60);
    expect(Math.hypot(400 - motion.x, 400 - motion.y)).toBeCloseTo(10, 9);
    expect(motion.vx).toBeLessThan(0);
    expect(motion.vy).toBeGreaterThan(0);
  });

  it('comes out through the nearest side when it ended inside', () => {
    expect(slide(box, 10, 410, 500, 0, 0, 1 / 60)).toMatchObject({ x: 390, y: 500 });
    expect(slide(box, 10, 500, 590, 0, 0, 1 / 60)).toMatchObject({ x: 500, y: 610 });
  });

  it('never leaves the map', () => {
    expect(slide(box, 10, 12, 988, -900, 900, 1 / 10)).toMatchObject({ x: 10, y: 990, vx: 0, vy: 0 });
  });
});

describe('lines', () => {
  it('are clear unless a wall, thickened by the radius, is in between', () => {
    expect(clearLine(box, 100, 500, 900, 500, 0)).toBe(false);
    expect(clearLine(box, 100, 390, 900, 390, 0)).toBe(true);
    expect(clearLine(box, 100, 390, 900, 390, 20)).toBe(false);
    expect(clearLine(box, 500, 100, 500, 390, 0)).toBe(true);
  });

  it('end at the first wall, or at the edge of the map', () => {
    expect(clearShare(box, 100, 500, 900, 500)).toBeCloseTo(300 / 800);
    expect(clearShare(box, 500, 100, 500, 300)).toBe(1);
    expect(clearShare(box, 500, 800, 500, 200)).toBeCloseTo(200 / 600);
    expect(clearShare(box, 100, 100, -100, 100)).toBeCloseTo(0.5);
    expect(clearShare(box, 900, 900, 900, 1_800)).toBeCloseTo(100 / 900);
    expect(clearShare(box, 300, 399, 700, 399)).toBe(1);
  });
});

describe.each(['cross', 'pillars'])('the map %s', (name) => {
  const map = mapOf(name);

  it('has room for a ship at every arrival place and every pickup', () => {
    for (const { x, y } of [...map.spawns, ...map.pickups])
      expect(blocked(map, x, y, 30), `${x}, ${y}`).toBe(false);
  });

  it('looks the same from both ends', () => {
    const turned = map.walls.map(({ x, y, w, h }) => `${map.width - x - w} ${map.height - y - h} ${w} ${h}`);
    expect(map.walls.map(({ x, y, w, h }) => `${x} ${y} ${w} ${h}`).sort()).toEqual(turned.sort());
  });
});
