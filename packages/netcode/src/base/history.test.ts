import { describe, expect, it } from 'vitest';
import { History } from './history.ts';

describe('History', () => {
  it('answers for the last values only, each for its own key', () => {
    const history = new History<string>(4);
    for (let key = 0; key < 10; key++) history.set(key, `v${key}`);
    expect([5, 6, 7, 8, 9, 10].map((key) => history.get(key))).toEqual([
      undefined,
      'v6',
      'v7',
      'v8',
      'v9',
      undefined,
    ]);
  });

  it('leaves holes empty when keys are skipped', () => {
    const history = new History<number>(6);
    for (const key of [0, 3, 6, 9, 12]) history.set(key, key);
    expect([3, 6, 7, 9, 12].map((key) => history.get(key))).toEqual([undefined, undefined, undefined, 9, 12]);
  });

  it('hands out the memory that a key would take over, and forgets all at once', () => {
    const history = new History<number[]>(3);
    const first = [1];
    history.set(1, first);
    expect(history.recycle(4)).toBe(first);
    expect(history.get(4)).toBeUndefined();
    expect(history.recycle(2)).toBeUndefined();
    history.clear();
    expect(history.get(1)).toBeUndefined();
    // The memory is still there to be used again.
    expect(history.recycle(1)).toBe(first);
  });
});
