// Why a page could not connect: a closed list of names, each with a sentence for the player.

import type { RequestFailure } from '../simulation/requests.ts';

export type LinkFailure =
  | 'webrtc-unsupported' // no RTCPeerConnection in this browser or process
  | 'signalling-unreachable' // the HTTP server did not answer
  | 'origin-refused' // the server does not serve pages of this origin
  | 'rate-limited' // too many joins from this address
  | 'server-busy' // too many joins are waiting
  | 'signalling-refused' // any other HTTP answer
  | 'udp-blocked' // HTTP works, but no UDP packet came through
  | 'webrtc-failed' // the browser refused the offer
  | 'timeout' // connected, then the handshake did not finish
  | 'closed'; // the caller gave up, or the server went away while joining

/** Thrown by `connect`. `code` is stable; `message` is one sentence that can be shown to a player. */
export class ConnectError<Code extends string = LinkFailure> extends Error {
  override readonly name = 'ConnectError';
  readonly code: Code;

  constructor(code: Code, message: string) {
    super(message);
    this.code = code;
  }
}

/** What `client.request` rejects with. `code` is stable; `message` holds the handler's reason when it refused. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code: RequestFailure;

  constructor(code: RequestFailure, reason = '') {
    super(reason === '' ? REQUEST_MESSAGES[code] : reason);
    this.code = code;
  }
}

const REQUEST_MESSAGES: Readonly<Record<RequestFailure, string>> = {
  refused: 'The server refused.',
  malformed: 'The server did not take the question, or its answer is not what was declared.',
  failed: 'The server could not answer.',
  busy: 'Too many requests are unanswered.',
  unhandled: 'Nobody on the server answers this request.',
  'timed-out': 'The server did not answer in time.',
  ended: 'The session ended before the answer came.',
};

const MESSAGES: Readonly<Record<LinkFailure, string>> = {
  'webrtc-unsupported': 'This browser has no WebRTC.',
  'signalling-unreachable': 'The game server does not answer. Is it running, and is the address right?',
  'origin-refused': 'The game server does not accept pages from this address (option `origins`).',
  'rate-limited': 'Too many joins from this network. Wait a few seconds and try again.',
  'server-busy': 'The game server is busy with other joins. Try again in a few seconds.',
  'signalling-refused': 'The game server refused the connection.',
  'udp-blocked':
    'The game server was found, but its UDP port cannot be reached: a firewall or network blocks it.',
  'webrtc-failed': 'The browser could not open a WebRTC connection.',
  timeout: 'The game server did not finish the handshake in time.',
  closed: 'The connection was closed while joining.',
};

export const linkError = (code: LinkFailure, detail?: string): ConnectError =>
  new ConnectError(code, detail === undefined ? MESSAGES[code] : `${MESSAGES[code]} (${detail})`);

/** The failure that an HTTP status of our signalling routes stands for: geckos' client shows the status and hides the body. */
export function failureOfStatus(status: number): LinkFailure {
  if (status === 403) return 'origin-refused';
  if (status === 429) return 'rate-limited';
  if (status === 503) return 'server-busy';
  return status >= 502 ? 'signalling-unreachable' : 'signalling-refused';
}
