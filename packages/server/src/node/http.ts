// The HTTP server under the joining routes and the page: bounded in time and number of sockets.

import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';

export type Handle = (request: Request, env: object) => Response | Promise<Response>;

/** Headers within 5 s, a request within 10: a slow caller cannot hold sockets. */
const LIMITS = { headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 5_000 };
const MAX_CONNECTIONS = 1024;

/** A server that answers with `handle`; it does not listen yet. */
export function httpServer(handle: Handle): Server {
  const server = createAdaptorServer({ fetch: handle, serverOptions: LIMITS }) as Server;
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}
