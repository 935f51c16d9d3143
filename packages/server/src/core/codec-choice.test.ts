// Small snapshots while there is time for them.

import { describe, expect, test } from 'vitest';
import { CodecChoice } from './codec-choice.ts';

describe('the choice of a codec', () => {
  test('goes to fast under load, and back only when the load has clearly gone', () => {
    const choice = new CodecChoice('auto', 60, 20);
    expect(choice.choose(1_000, 3)).toBe('small');
    expect(choice.choose(20_001, 6)).toBe('fast');
    expect(choice.choose(19_000, 9)).toBe('fast');
    expect(choice.choose(13_000, 12)).toBe('small');
  });

  test('stays fast for ten seconds after the server fell behind', () => {
    const choice = new CodecChoice('auto', 60, 20);
    choice.overran(600);
    expect(choice.choose(10, 603)).toBe('fast');
    expect(choice.choose(10, 1_197)).toBe('fast');
    expect(choice.choose(10, 1_200)).toBe('small');
  });

  test('does what it is told', () => {
    expect(new CodecChoice('small', 60, 20).choose(1e6, 3)).toBe('small');
    expect(new CodecChoice('fast', 60, 20).choose(1, 3)).toBe('fast');
  });
});
