// Session descriptions: what we accept in a page's answer, and what a page sees of ours.
//
// An answer is hostile text for a native parser whose candidate list is quadratic and whose host names start a thread each.
// So only known lines of a data-channel description pass, each bounded, with at most eight candidates that are IP addresses.

import { isIP } from 'node:net';

export type SdpRefusal = 'not-text' | 'too-long' | 'not-a-data-channel' | 'incomplete';

/** A browser's answer is about 600 bytes and 20 lines. */
const MAX_SDP_BYTES = 8192;
const MAX_LINE_BYTES = 512;
export const MAX_CANDIDATES = 8;

/**
 * Every line kind that describes one data channel over DTLS. Anything else is left out; also `a=end-of-candidates`, since the
 * page's checks tell us an address that it could not know.
 */
const KNOWN_LINES: readonly RegExp[] = [
  /^v=0$/,
  /^o=[\x21-\x7e]{1,64} \d{1,20} \d{1,20} IN IP[46] [0-9a-fA-F.:]{2,45}$/,
  /^s=[\x20-\x7e]{1,64}$/,
  /^t=0 0$/,
  /^m=application \d{1,5} (?:UDP|TCP)\/DTLS\/SCTP webrtc-datachannel$/,
  /^c=IN IP[46] [0-9a-fA-F.:]{2,45}$/,
  /^a=group:BUNDLE [\w-]{1,32}$/,
  /^a=msid-semantic: ?WMS(?: \*)?$/,
  /^a=ice-ufrag:[A-Za-z0-9+/]{4,256}$/,
  /^a=ice-pwd:[A-Za-z0-9+/]{22,256}$/,
  /^a=ice-options:(?:ice2|trickle|renomination)(?:[, ](?:ice2|trickle|renomination))*$/,
  /^a=fingerprint:sha-(?:256|384|512) [0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){31,63}$/,
  /^a=setup:(?:active|passive)$/,
  /^a=mid:[\w-]{1,32}$/,
  /^a=sctp-port:\d{1,5}$/,
  /^a=max-message-size:\d{1,10}$/,
  /^a=sendrecv$/,
];

const REQUIRED = [
  'v=0',
  'm=application ',
  'a=ice-ufrag:',
  'a=ice-pwd:',
  'a=fingerprint:',
  'a=setup:',
  'a=mid:',
];

const CANDIDATE =
  /^a=candidate:([A-Za-z0-9+/]{1,32}) 1 (?:udp|UDP) (\d{1,10}) (\S{2,45}) (\d{1,5}) typ (host|srflx|prflx|relay)\b/;

/** A page's answer, reduced to lines the native parser may see; or why it is not one. */
export function sanitizeAnswer(text: unknown): { readonly sdp: string } | SdpRefusal {
  if (typeof text !== 'string') return 'not-text';
  if (text.length > MAX_SDP_BYTES) return 'too-long';
  const kept: string[] = [];
  let candidates = 0;
  for (const line of text.split(/\r?\n/)) {
    if (line.length > MAX_LINE_BYTES) return 'too-long';
    if (line.startsWith('m=') && !line.startsWith('m=application ')) return 'not-a-data-channel';
    const candidate = usableCandidate(line);
    if (candidate !== undefined) {
      if (++candidates <= MAX_CANDIDATES) kept.push(candidate);
    } else if (KNOWN_LINES.some((known) => known.test(line))) {
      kept.push(line);
    }
  }
  if (kept.filter((line) => line.startsWith('m=')).length !== 1) return 'not-a-data-channel';
  if (!REQUIRED.every((start) => kept.some((line) => line.startsWith(start)))) return 'incomplete';
  return { sdp: `${kept.join('\r\n')}\r\n` };
}

/** The candidate rebuilt from its parts when it is a unicast UDP address, else undefined. */
function usableCandidate(line: string): string | undefined {
  const match = CANDIDATE.exec(line);
  if (match === null) return undefined;
  const [, foundation, priority, address = '', port, type] = match;
  if (!isUnicast(address) || Number(port) < 1 || Number(port) > 65535) return undefined;
  return `a=candidate:${foundation} 1 UDP ${priority} ${address} ${port} typ ${type}`;
}

/** Whether a STUN probe to this address reaches at most one host, and is an address at all rather than a name. */
function isUnicast(address: string): boolean {
  const version = isIP(address);
  if (version === 4) {
    const first = Number(address.slice(0, address.indexOf('.')));
    return first > 0 && first < 224;
  }
  return version === 6 && address !== '::' && !/^ff|%/i.test(address);
}

/** Our offer without addresses: the page learns them after its answer is in. */
export const withoutCandidates = (sdp: string): string =>
  `${sdp
    .split(/\r?\n/)
    .filter((line) => line !== '' && !line.startsWith('a=candidate:') && line !== 'a=end-of-candidates')
    .join('\r\n')}\r\n`;

/** A candidate line for an address of ours that the native layer does not know of. */
export const hostCandidate = (
  address: string,
  port: number,
  sdpMid = '0',
): { candidate: string; sdpMid: string } => ({
  candidate: `candidate:9 1 UDP 2130706431 ${address} ${port} typ host`,
  sdpMid,
});
