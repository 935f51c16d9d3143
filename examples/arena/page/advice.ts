/** What to tell a player when the match cannot be reached: what happened, and what helps. */

import type { ConnectFailure } from '@tickwire/netcode/client';

export interface Advice {
  readonly title: string;
  readonly text: string;
}

/** Codes with advice of the arena's own. Every other one shows the message it came with. */
const ADVICE: Readonly<Partial<Record<ConnectFailure, Advice>>> = {
  'signalling-unreachable': {
    title: 'No server here',
    text: 'The game server does not answer. If it is yours, start it with "npm start"; then try again.',
  },
  'udp-blocked': {
    title: 'The network is in the way',
    text: 'The server answers, but no UDP packet comes through. A firewall or VPN is the usual reason: try another network.',
  },
  'webrtc-unsupported': {
    title: 'No WebRTC',
    text: 'This browser cannot open the connection the arena needs. A current Chrome, Firefox, Edge or Safari can.',
  },
  timeout: { title: 'No answer', text: 'The server did not answer in time. Try again in a moment.' },
  full: { title: 'The arena is full', text: 'All seats are taken. Try again when somebody has left.' },
  schema: {
    title: 'There is a new version',
    text: 'This page is not of the same version as the server. Reload the page to play.',
  },
  version: {
    title: 'There is a new version',
    text: 'This page is not of the same version as the server. Reload the page to play.',
  },
  shutdown: {
    title: 'The server has closed',
    text: 'The match is over for now. Try again when the server is back.',
  },
  'timed-out': {
    title: 'Connection lost',
    text: 'The server was not heard from for too long. Check the network, then try again.',
  },
  replaced: { title: 'Playing elsewhere', text: 'Another window has taken over this seat.' },
  kicked: { title: 'Removed', text: 'The server has removed you from the match.' },
};

/** The words for an error of `connect`, or for the detail of a closed connection. */
export function adviceFor(failure: unknown, title = 'Could not connect'): Advice {
  const { code, message } = (typeof failure === 'object' && failure !== null ? failure : {}) as {
    code?: ConnectFailure;
    message?: unknown;
  };
  const known = code === undefined ? undefined : ADVICE[code];
  if (known !== undefined) return known;
  const text =
    typeof message === 'string' && message !== ''
      ? message
      : 'Check that the server is running, then try again.';
  return { title, text };
}
