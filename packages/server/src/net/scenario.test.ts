import { PROFILES } from '@tickwire/netcode/testing';
import { describe, expect, it } from 'vitest';
import { readScenario } from './scenario.ts';

describe('readScenario', () => {
  it('reads steps, in milliseconds', () => {
    const { name, steps } = readScenario({
      name: 'a train',
      steps: [
        { at: 0, both: 'mobile' },
        { at: 20, down: { preset: 'mobile', rate: 32 } },
        { at: 30, both: 'wifi', up: { latency: 5 } },
        { at: 30.5, blackout: 2 },
        { at: 31, blackout: { seconds: 5, way: 'up' }, 'nat-rebind': true },
      ],
    });
    expect(name).toBe('a train');
    expect(steps).toEqual([
      { at: 0, up: PROFILES.mobile, down: PROFILES.mobile, rebind: false },
      {
        at: 20_000,
        down: { ...PROFILES.mobile, rateBytesPerSecond: 32_000, overheadBytes: 28 },
        rebind: false,
      },
      { at: 30_000, up: { latencyMs: 5 }, down: PROFILES.wifi, rebind: false },
      { at: 30_500, blackout: { ms: 2_000, way: 'both' }, rebind: false },
      { at: 31_000, blackout: { ms: 5_000, way: 'up' }, rebind: true },
    ]);
    expect(readScenario([{ at: 1, 'nat-rebind': true }])).toEqual({
      name: '',
      steps: [{ at: 1_000, rebind: true }],
    });
  });

  const step = (fields: object): object => ({ steps: [{ at: 1, ...fields }] });

  it.each([
    [7, 'it must be an object in { }, got 7'],
    [{}, 'steps must be a list such as'],
    [[], 'steps must be a list such as'],
    [{ steps: [], speed: 1 }, 'speed is not a field of a scenario; there is name and steps'],
    [{ name: 3, steps: [{ at: 0, both: 'wifi' }] }, 'name must be text, got 3'],
    [{ steps: ['wifi'] }, 'steps[0] must be an object in { }, got "wifi"'],
    [{ steps: [{ both: 'wifi' }] }, 'steps[0].at must be 0..86400 seconds, got undefined'],
    [
      [
        { at: 5, both: 'wifi' },
        { at: 4, both: 'mobile' },
      ],
      'steps[1].at is 4, but the step before it comes at 5: put them in order',
    ],
    [step({}), 'steps[0] does nothing: give it both, up, down, blackout or nat-rebind'],
    [step({ 'nat-rebind': false }), 'steps[0] does nothing'],
    [step({ loss: 5 }), 'steps[0].loss is not a field of a step; there is at, both, up, down, blackout'],
    [step({ both: { loss: 500 } }), 'steps[0].both.loss must be 0..100 %, got 500'],
    [step({ both: 'wifi', down: 'far' }), 'steps[0].down: there is no preset "far"'],
    [step({ blackout: -1 }), 'steps[0].blackout must be 0..86400 seconds, got -1'],
    [step({ blackout: { seconds: '2' } }), 'steps[0].blackout.seconds must be 0..86400 seconds, got "2"'],
    [
      step({ blackout: { seconds: 2, way: 'left' } }),
      'steps[0].blackout.way must be "both", "up" or "down", got "left"',
    ],
    [
      step({ blackout: { ms: 2 } }),
      'steps[0].blackout.ms is not a field of a blackout; there is seconds and way',
    ],
    [step({ 'nat-rebind': 'yes' }), 'steps[0].nat-rebind must be true or false, got "yes"'],
  ])('refuses %j and names the field', (value, message) => {
    expect(() => readScenario(value)).toThrow(message);
  });
});
