import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../base/rng.ts';
import { MAX_DATAGRAM_BYTES } from '../base/units.ts';
import {
  CLOSE_REASONS,
  cleanName,
  decodeBye,
  decodeHello,
  decodeProbe,
  decodeRefused,
  decodeWelcome,
  encodeBye,
  encodeHello,
  encodeProbe,
  encodeRefused,
  encodeWelcome,
  type Hello,
  helloNonce,
  REFUSAL_CODES,
  type Welcome,
} from './handshake.ts';

const u32 = fc.nat(0xffffffff);
const pair = fc.tuple(u32, u32);
const token = fc.uint8Array({ minLength: 16, maxLength: 16 });
const helloOf = fc.record<Hello>({
  nonce: pair,
  schemaHash: pair,
  token: fc.option(token, { nil: undefined }),
  room: fc.string({ maxLength: 32 }),
  name: fc.string({ unit: 'grapheme', maxLength: 30 }),
  profile: fc.uint8Array({ maxLength: 256 }),
});
const welcomeOf = fc.record<Welcome>({
  nonce: pair,
  seat: fc.integer({ min: 1, max: 65_535 }),
  token,
  resumed: fc.boolean(),
  continues: fc.boolean(),
  tick: u32,
  tickRate: fc.integer({ min: 1, max: 255 }),
  snapshotRate: fc.integer({ min: 1, max: 255 }),
  options: fc.uint8Array({ maxLength: 1_000 }),
});

const HELLO: Hello = {
  nonce: [0x04030201, 0x08070605],
  schemaHash: [0xdeadbeef, 1],
  token: undefined,
  room: 'hall',
  name: 'Ada',
  profile: new Uint8Array(0),
};

describe('every handshake datagram', () => {
  it('hello comes back as it was sent', () => {
    fc.assert(
      fc.property(helloOf, (hello) => {
        expect(decodeHello(encodeHello(hello))).toEqual({ ...hello, name: cleanName(hello.name) });
      }),
    );
  });

  it('welcome comes back as it was sent and fits one datagram', () => {
    fc.assert(
      fc.property(welcomeOf, (welcome) => {
        const bytes = encodeWelcome(welcome);
        expect(bytes.length).toBeLessThanOrEqual(MAX_DATAGRAM_BYTES);
        expect(decodeWelcome(bytes)).toEqual(welcome);
      }),
    );
  });

  it.each(REFUSAL_CODES)('refused comes back as it was sent: %s', (code) => {
    const refused = { nonce: [1, 2] as const, code, message: 'The room is full (16 players). Ünïcode €.' };
    expect(decodeRefused(encodeRefused(refused))).toEqual(refused);
  });

  it.each(CLOSE_REASONS)('bye comes back as it was sent: %s', (reason) => {
    expect(decodeBye(encodeBye(reason))).toEqual({ reason });
  });

  it('probe comes back as it was sent, in 11 bytes', () => {
    fc.assert(
      fc.property(fc.nat(65_535), u32, u32, (counter, time, echo) => {
        const bytes = encodeProbe({ counter, time, echo });
        expect(bytes.length).toBe(11);
        expect(decodeProbe(bytes)).toEqual({ counter, time, echo });
      }),
    );
  });

  it('is drawn at the top of handshake.ts', () => {
    const hex = Buffer.from(encodeHello(HELLO)).toString('hex');
    expect(hex).toBe(
      '01' +
        '54574952' +
        '0300' +
        '0102030405060708' +
        'efbeadde01000000' +
        '00' +
        '0468616c6c' +
        '03416461' +
        '0000',
    );
    expect(Buffer.from(encodeBye('shutdown')).toString('hex')).toBe('0603');
  });

  it('[W1] [W2] any bytes are refused or are the one encoding of what they decode to', () => {
    const rng = new Rng(3);
    const seeds = [
      ...fc.sample(helloOf, { seed: 1, numRuns: 40 }).map(encodeHello),
      ...fc.sample(welcomeOf, { seed: 1, numRuns: 40 }).map(encodeWelcome),
      ...REFUSAL_CODES.map((code) => encodeRefused({ nonce: [1, 2], code, message: code })),
      ...CLOSE_REASONS.map(encodeBye),
      encodeProbe({ counter: 1, time: 2, echo: 3 }),
    ];
    let accepted = 0;
    for (let i = 0; i < 100_000; i++) {
      const bytes = edited(rng, seeds[rng.int(0, seeds.length - 1)]!);
      const again = reencoded(bytes);
      if (again === undefined) continue;
      accepted++;
      if (Buffer.compare(again, bytes) !== 0) expect.fail(Buffer.from(bytes).toString('hex'));
    }
    expect(accepted).toBeGreaterThan(10_000);
  });
});

describe('a hello is refused', () => {
  it('when it is of another version, with its nonce still readable', () => {
    const bytes = encodeHello(HELLO);
    bytes[5] = 9;
    expect(decodeHello(bytes)).toBe('version');
    expect(helloNonce(bytes.subarray(0, 15))).toEqual(HELLO.nonce);
  });

  it('when it is not for Tickwire', () => {
    expect(decodeHello(Uint8Array.of(1, 2, 3))).toBe('wrong-kind');
    const bytes = encodeHello(HELLO);
    bytes[1] = 0;
    expect(decodeHello(bytes)).toBe('wrong-kind');
  });

  it.each(['a\u0000b', 'line\nbreak', '\u009b31m', 'abc\u202edef', 'a\u2028b'])(
    'for a control character in its name: %j',
    (name) => {
      const bytes = rawHello(Buffer.from('hall'), Buffer.from(name));
      expect(decodeHello(bytes)).toBe('bad-name');
      expect(decodeHello(rawHello(Buffer.from(name), Buffer.from('Ada')))).toBe('bad-name');
    },
  );

  it('for text that is too long, not UTF-8, or cut off', () => {
    expect(decodeHello(rawHello(Buffer.alloc(33, 97), Buffer.alloc(0)))).toBe('too-long');
    expect(decodeHello(rawHello(Buffer.alloc(0), Buffer.alloc(25, 97)))).toBe('too-long');
    expect(decodeHello(rawHello(Buffer.alloc(0), Buffer.of(0xc0, 0xaf)))).toBe('bad-text');
    expect(decodeHello(encodeHello(HELLO).subarray(0, 30))).toBe('truncated');
    expect(decodeHello(Uint8Array.of(...encodeHello(HELLO), 0))).toBe('trailing-bytes');
  });
});

describe('the caller', () => {
  it('hears at once about a token, room, profile or options of the wrong size', () => {
    expect(() => encodeHello({ ...HELLO, token: new Uint8Array(3) })).toThrow('16 bytes');
    expect(() => encodeHello({ ...HELLO, room: 'x'.repeat(33) })).toThrow('at most 32');
    expect(() => encodeHello({ ...HELLO, room: 'a\tb' })).toThrow('control characters');
    expect(() => encodeHello({ ...HELLO, profile: new Uint8Array(257) })).toThrow('at most 256');
    expect(() => encodeHello({ ...HELLO, nonce: [-1, 0] })).toThrow('-1 is not');
    const welcome = fc.sample(welcomeOf, { seed: 2, numRuns: 1 })[0]!;
    expect(() => encodeWelcome({ ...welcome, options: new Uint8Array(1_001) })).toThrow('at most 1000');
    expect(() => encodeWelcome({ ...welcome, seat: 70_000 })).toThrow('70000 is not');
  });

  it('may give any name: it is cleaned and cut at a whole character', () => {
    expect(cleanName('  Ada\u202e\n Lovelace  ')).toBe('Ada Lovelace');
    expect(cleanName('😀'.repeat(7))).toBe('😀'.repeat(6));
    expect(cleanName(`${'x'.repeat(23)} y`)).toBe('x'.repeat(23));
    expect(cleanName('\ud800')).toBe('\ufffd');
  });

  it('may give a refusal any message', () => {
    const refused = decodeRefused(encodeRefused({ nonce: [1, 2], code: 'full', message: '€'.repeat(100) }));
    expect(refused).toMatchObject({ message: '€'.repeat(66) });
  });
});

function rawHello(room: Uint8Array, name: Uint8Array): Uint8Array {
  const start = encodeHello(HELLO).subarray(0, 24);
  return Uint8Array.of(...start, room.length, ...room, name.length, ...name, 0, 0);
}

function edited(rng: Rng, seed: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(seed);
  const edits = rng.int(0, 3);
  for (let i = 0; i < edits; i++) bytes[rng.int(0, bytes.length - 1)] = rng.u32() & 0xff;
  return rng.chance(0.1) ? bytes.subarray(0, rng.int(0, bytes.length)) : bytes;
}

/** What the decoder of its kind reads, written again; undefined when refused. */
function reencoded(bytes: Uint8Array): Uint8Array | undefined {
  const hello = decodeHello(bytes);
  if (typeof hello !== 'string') {
    // The encoder trims names, which is its courtesy and not the format's.
    return hello.name === cleanName(hello.name) ? encodeHello(hello) : bytes;
  }
  const welcome = decodeWelcome(bytes);
  if (typeof welcome !== 'string') return encodeWelcome(welcome);
  const refused = decodeRefused(bytes);
  if (typeof refused !== 'string') return encodeRefused(refused);
  const bye = decodeBye(bytes);
  if (typeof bye !== 'string') return encodeBye(bye.reason);
  const probe = decodeProbe(bytes);
  return typeof probe === 'string' ? undefined : encodeProbe(probe);
}
