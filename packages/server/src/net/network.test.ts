import { type LinkOptions, PROFILES } from '@tickwire/netcode/testing';
import { describe, expect, it } from 'vitest';
import { describeLink, readNetwork } from './network.ts';

const read = (value: unknown, base?: LinkOptions): LinkOptions => readNetwork(value, '--up', base);

describe('readNetwork', () => {
  it('takes a preset to be the network that the rig calls by that name', () => {
    for (const name of ['perfect', 'wifi', 'mobile', 'terrible'] as const) {
      expect(read(name)).toBe(PROFILES[name]);
      expect(read({ preset: name })).toBe(PROFILES[name]);
    }
  });

  it('reads times in ms, shares in percent, rates in kB/s', () => {
    const options = read(
      'latency=75, jitter=20, loss=5, reorder=1, reorder-by=90, duplicate=2, corrupt=0.5, queue=300, mtu=1200',
    );
    expect(options).toEqual({
      latencyMs: 75,
      jitterMs: 20,
      loss: 0.05,
      reorder: 0.01,
      reorderMs: 90,
      duplicate: 0.02,
      corrupt: 0.005,
      queueMs: 300,
      mtu: 1200,
    });
    // What crosses the relay has DTLS and SCTP inside already.
    expect(read({ rate: 64 })).toEqual({ rateBytesPerSecond: 64_000, overheadBytes: 28 });
  });

  it('says the same in text and as an object', () => {
    expect(read({ latency: 10, bursts: { share: 20, length: 4, loss: 50 } })).toEqual(
      read('latency=10,bursts=20/4/50'),
    );
  });

  it('puts settings over a preset, wherever it stands, and over what goes for both ways', () => {
    expect(read('jitter=1,mobile')).toEqual({ ...PROFILES.mobile, jitterMs: 1 });
    expect(read('loss=7', PROFILES.wifi)).toEqual({ ...PROFILES.wifi, loss: 0.07 });
    expect(read('terrible', PROFILES.wifi)).toBe(PROFILES.terrible);
  });

  it('makes of bursts the model that has this share and this length', () => {
    expect(read('bursts=6.25/5/80').bursts).toEqual({
      pGoodToBad: expect.closeTo(1 / 75, 9),
      pBadToGood: 1 / 5,
      lossGood: 0,
      lossBad: 0.8,
    });
    expect(read('bursts=10/3').bursts?.lossBad).toBe(1);
  });

  it.each([
    ['bad', '--up: there is no preset "bad"; there is perfect, wifi, mobile, terrible'],
    ['', '--up: there is no preset ""'],
    ['toString', '--up: there is no preset "toString"'],
    ['latency=fast', '--up.latency must be 0..10000 ms'],
    ['latency=', '--up.latency must be 0..10000 ms, got ""'],
    ['loss=101', '--up.loss must be 0..100 %, got 101'],
    ['loss=-1', '--up.loss must be 0..100 %, got -1'],
    ['speed=3', '--up.speed is not a setting; there is preset, latency, jitter, loss'],
    ['rate=0', '--up.rate must be 0.1..1000000 kB/s, got 0'],
    ['mtu=10', '--up.mtu must be 64..65535 bytes'],
    ['bursts=99/5/80', '--up.bursts must be share/length/loss such as 6/5/80'],
    ['bursts=6', '--up.bursts must be'],
    ['bursts=6/5/80/1', '--up.bursts must be'],
    [{ bursts: { share: 5 } }, '--up.bursts must be'],
    [{ bursts: { share: 5, length: 5, depth: 3 } }, '--up.bursts must be'],
    [{ latency: '75' }, '--up.latency must be 0..10000 ms, got "75"'],
    [{ constructor: 1 }, '--up.constructor is not a setting'],
    [
      7,
      '--up must be a preset (perfect, wifi, mobile, terrible) or settings such as latency and loss, got 7',
    ],
    [null, '--up must be a preset'],
    [[], '--up must be a preset'],
  ])('refuses %j and says what it takes', (value, message) => {
    expect(() => read(value)).toThrow(message);
  });

  it('tells people what it is', () => {
    expect(describeLink(read('latency=75,jitter=20,loss=5,rate=64'))).toBe(
      '75 ± 20 ms, 5 % lost, 64 kB/s with a queue of 200 ms',
    );
    expect(describeLink(PROFILES.terrible)).toBe(
      '150 ± 80 ms, 25 % in bursts of 8 that take 80 %, 5 % overtaken, 2 % twice',
    );
    expect(describeLink({})).toBe('0 ms');
  });
});
