// Which answers reach the native parser.

import { describe, expect, test } from 'vitest';
import { hostCandidate, MAX_CANDIDATES, sanitizeAnswer, withoutCandidates } from './sdp.ts';

const FINGERPRINT = `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`;
const CHROMIUM = [
  'v=0',
  'o=- 4611731400430051336 2 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'a=msid-semantic: WMS',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 0.0.0.0',
  'a=ice-ufrag:8hhY',
  'a=ice-pwd:asd88fgpdd777uzjYhagZg/+',
  'a=ice-options:trickle',
  FINGERPRINT,
  'a=setup:active',
  'a=mid:0',
  'a=sctp-port:5000',
  'a=max-message-size:262144',
];
const FIREFOX = [
  'v=0',
  'o=mozilla...THIS_IS_SDPARTA-128.0 1234567890123456789 0 IN IP4 0.0.0.0',
  's=-',
  't=0 0',
  FINGERPRINT,
  'a=group:BUNDLE 0',
  'a=ice-options:trickle',
  'a=msid-semantic:WMS *',
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'c=IN IP4 0.0.0.0',
  'a=sendrecv',
  'a=ice-pwd:0123456789abcdef0123456789abcdef',
  'a=ice-ufrag:0a1b2c3d',
  'a=mid:0',
  'a=setup:active',
  'a=sctp-port:5000',
  'a=max-message-size:1073741823',
];
const sdp = (lines: readonly string[]): string => `${lines.join('\r\n')}\r\n`;
const clean = (lines: readonly string[]): string => {
  const result = sanitizeAnswer(sdp(lines));
  if (typeof result === 'string') throw new Error(result);
  return result.sdp;
};
const candidates = (text: string): string[] =>
  text.split('\r\n').filter((line) => line.startsWith('a=candidate'));

test.each([
  ['Chromium', CHROMIUM],
  ['Firefox', FIREFOX],
] as const)('keeps every line of an answer by %s', (_name, lines) => {
  expect(clean(lines)).toBe(sdp(lines));
});

test('keeps addresses, rebuilt from their parts, and drops names', () => {
  const text = clean([
    ...CHROMIUM,
    'a=candidate:1 1 udp 2113937151 192.168.1.5 54321 typ host generation 0 ufrag 8hhY network-cost 999',
    'a=candidate:2 1 UDP 1677729535 203.0.113.5 40000 typ srflx raddr 192.168.1.5 rport 54321',
    'a=candidate:3 1 udp 2113937151 2001:db8::5 54321 typ host',
    'a=candidate:4 1 udp 2113937151 0b2c6d1e-1111-2222-3333-444455556666.local 54321 typ host',
    'a=candidate:5 1 udp 2113937151 evil.example 54321 typ host',
    'a=candidate:6 1 tcp 1518280447 192.168.1.5 9 typ host tcptype active',
    'a=candidate:7 2 udp 1 192.168.1.5 9 typ host',
    'a=candidate:8 1 udp 1 224.0.0.1 9 typ host',
    'a=candidate:9 1 udp 1 255.255.255.255 9 typ host',
    'a=candidate:10 1 udp 1 0.0.0.0 9 typ host',
    'a=candidate:11 1 udp 1 ff02::1 9 typ host',
    'a=candidate:12 1 udp 1 192.168.1.5 0 typ host',
    'a=candidate:13 1 udp 1 192.168.1.5 70000 typ host',
    'a=candidate:14 1 udp 1 fe80::1%eth0 9 typ host',
    'a=end-of-candidates',
  ]);
  expect(candidates(text)).toEqual([
    'a=candidate:1 1 UDP 2113937151 192.168.1.5 54321 typ host',
    'a=candidate:2 1 UDP 1677729535 203.0.113.5 40000 typ srflx',
    'a=candidate:3 1 UDP 2113937151 2001:db8::5 54321 typ host',
  ]);
  expect(text).not.toContain('end-of-candidates');
});

test('keeps at most eight addresses', () => {
  const many = Array.from({ length: 60 }, (_, n) => `a=candidate:${n} 1 udp 1 10.0.0.${n + 1} 9 typ host`);
  expect(candidates(clean([...CHROMIUM, ...many]))).toHaveLength(MAX_CANDIDATES);
});

test('leaves out lines it does not know', () => {
  const text = clean([
    ...CHROMIUM,
    'a=rtpmap:96 VP8/90000',
    'b=AS:30',
    'x',
    'a=ice-lite',
    'a=setup:holdconn',
    'a=identity:x',
  ]);
  expect(text).toBe(sdp(CHROMIUM));
});

describe('refuses', () => {
  const without = (start: string): string[] => CHROMIUM.filter((line) => !line.startsWith(start));
  test.each([
    ['no text', 5, 'not-text'],
    ['nothing', '', 'not-a-data-channel'],
    ['9 KiB', 'a'.repeat(9000), 'too-long'],
    ['a line of 600 bytes', sdp([...CHROMIUM, `a=${'x'.repeat(600)}`]), 'too-long'],
    ['video', sdp([...CHROMIUM, 'm=video 9 UDP/TLS/RTP/SAVPF 96']), 'not-a-data-channel'],
    [
      'two data channels',
      sdp([...CHROMIUM, 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel']),
      'not-a-data-channel',
    ],
    ['no fingerprint', sdp(without('a=fingerprint')), 'incomplete'],
    ['no password', sdp(without('a=ice-pwd')), 'incomplete'],
    ['no name', sdp(without('a=ice-ufrag')), 'incomplete'],
    [
      'a weak fingerprint',
      sdp([...without('a=fingerprint'), `a=fingerprint:md5 ${'AB:'.repeat(15)}AB`]),
      'incomplete',
    ],
    ['no role', sdp(without('a=setup')), 'incomplete'],
    ['no media id', sdp(without('a=mid')), 'incomplete'],
  ])('%s', (_name, text, reason) => {
    expect(sanitizeAnswer(text)).toBe(reason);
  });
});

test('hides our own addresses until they are asked for', () => {
  const offer = sdp([...CHROMIUM, 'a=candidate:1 1 UDP 1 10.0.0.1 9 typ host', 'a=end-of-candidates']);
  expect(withoutCandidates(offer)).toBe(sdp(CHROMIUM));
  expect(hostCandidate('203.0.113.7', 4000).candidate).toBe(
    'candidate:9 1 UDP 2130706431 203.0.113.7 4000 typ host',
  );
});
