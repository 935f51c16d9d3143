// How a server started inside the dev server finds it: through one well-known global, since the two are loaded by different loaders.

import type { IncomingMessage, ServerResponse } from 'node:http';

/** What the Vite plugin offers to `serve`, in place of an HTTP port of its own. */
export interface DevelopmentHost {
  /** Where pages are served, for `GameServer.url`. */
  readonly url: string;
  readonly httpPort: number;
  /** The UDP port of the previous server, so that a firewall needs one rule. */
  readonly udpPort: number | undefined;
  /** Takes over the joining routes. Resolves once the previous server of this host has closed. */
  attach(server: AttachedServer, udpPort: number): Promise<void>;
  /** The game's code threw in a tick. */
  failed(error: unknown): void;
}

export interface AttachedServer {
  handle(request: IncomingMessage, response: ServerResponse): void;
  close(): Promise<void>;
}

export const DEVELOPMENT = Symbol.for('tickwire.development');

export const developmentHost = (): DevelopmentHost | undefined =>
  (globalThis as Record<symbol, unknown>)[DEVELOPMENT] as DevelopmentHost | undefined;
