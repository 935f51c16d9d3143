/** Addresses in the calls that join a page to its server: which are learned, which are taken out, which are put in. */

import { isIP } from 'node:net';
import type { Endpoint } from './relay.ts';

const CANDIDATE = /^(?:a=)?candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host\b/i;

/** The address that a candidate line names; undefined when it is not one that datagrams can be sent to. */
export function endpointOf(candidate: string): Endpoint | undefined {
  const [, address = '', port] = CANDIDATE.exec(candidate) ?? [];
  return isIP(address) > 0 ? { address, port: Number(port) } : undefined;
}

/** The lines of a description that name addresses. */
export const candidatesOf = (sdp: string): string[] =>
  sdp.split(/\r?\n/).filter((line) => line.startsWith('a=candidate:'));

/** Of a server's addresses the best from here: `host` itself, else the loopback for a server on this machine, else IPv4. */
export function nearest(endpoints: readonly Endpoint[], host: string): Endpoint | undefined {
  const worth = ({ address }: Endpoint): number =>
    (address === host ? 4 : 0) + (isLocal(address) === isLocal(host) ? 2 : 0) + (isIP(address) === 4 ? 1 : 0);
  return [...endpoints].sort((a, b) => worth(b) - worth(a))[0];
}

const isLocal = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.');
