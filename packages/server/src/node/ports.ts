// Finding a UDP port, and turning a port that cannot be had into one sentence with the fix.

import { createSocket } from 'node:dgram';
import { setTimeout as pause } from 'node:timers/promises';

/** How often a port that is taken is tried again, and after how long. */
const RELEASE_TRIES = 8;
const RELEASE_MS = 125;

/** Why a server did not start. `code` is Node's own where there is one; `message` is one sentence with the fix. */
export class ServeError extends Error {
  override readonly name = 'ServeError';
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** The UDP port to use: the one asked for or none; else the preferred one when it is free, or any. */
export async function chooseUdpPort(
  asked: number | undefined,
  preferred: number,
  address: string | undefined,
): Promise<number> {
  if (asked !== undefined && asked !== 0) {
    // A server that has just stopped may still be letting go of it.
    for (let tries = 0; tries < RELEASE_TRIES; tries++) {
      if ((await tryUdpPort(asked, address)) !== undefined) return asked;
      await pause(RELEASE_MS);
    }
    throw new ServeError(
      'EADDRINUSE',
      `UDP port ${asked} is in use. Stop the other program or choose another: UDP_PORT=${asked + 1} npm start`,
    );
  }
  const port = (await tryUdpPort(preferred, address)) ?? (await tryUdpPort(0, address));
  if (port === undefined) throw new ServeError('EADDRINUSE', 'No UDP port is free on this machine.');
  return port;
}

/** What went wrong with listening, for people. */
export function explainListen(error: unknown, port: number, host: string): ServeError {
  const { code = 'EUNKNOWN', message = String(error) } = error as { code?: string; message?: string };
  const sentence: Readonly<Record<string, string>> = {
    EADDRINUSE: `Port ${port} is in use. Stop the other program or choose another: PORT=${port + 1} npm start`,
    EACCES: `Port ${port} needs more rights. Choose one above 1023: PORT=3000 npm start`,
    EADDRNOTAVAIL: `${host} is not an address of this machine. Leave HOST out, or use 127.0.0.1 or 0.0.0.0.`,
    ENOTFOUND: `${host} is not an address of this machine. Leave HOST out, or use 127.0.0.1 or 0.0.0.0.`,
  };
  return new ServeError(code, sentence[code] ?? message, error);
}

/** The port when it could be bound just now, else undefined. Port 0 is any. */
function tryUdpPort(port: number, address: string | undefined): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(address?.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', () => {
      socket.close();
      resolve(undefined);
    });
    socket.bind({ port, exclusive: true, ...(address === undefined ? {} : { address }) }, () => {
      const bound = socket.address().port;
      socket.close(() => resolve(bound));
    });
  });
}
