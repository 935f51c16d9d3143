// The HTTP routes that `@geckos.io/client` calls to join, as a fetch app: the first thing a stranger on the internet can reach.
//
//   POST /.wrtc/v2/connections                          -> { userData: {}, id, localDescription: { type: 'offer', sdp } }
//   POST /.wrtc/v2/connections/ID/remote-description    <- { type: 'answer', sdp }        -> {}
//   GET  /.wrtc/v2/connections/ID/additional-candidates -> [{ candidate, sdpMid }]
//   POST /.wrtc/v2/connections/ID/close                 -> {}
//
// A refusal is { code, message } with a status. Checks run from cheap to dear: origin, rate, size, then the native layer.

import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import type { AnswerOutcome, JoinRefusal } from './geckos.ts';
import { AddressBuckets, isLoopback, type Rate } from './limits.ts';
import type { Candidate } from './peer.ts';

/** A browser's answer is under 1 KiB. */
export const MAX_BODY_BYTES = 16_384;

/** A body that dribbles in slower than this is refused. */
const BODY_MS = 5_000;

/** Joins from one address: a classroom behind one address gets in, a loop does not. */
const JOINS: Rate = { burst: 64, perSecond: 16 };

/** All other calls from one address; a join makes up to twelve. */
const CALLS: Rate = { burst: 768, perSecond: 192 };

/** What the routes need of a listener. */
export interface JoinDesk {
  offer(address: string): Promise<{ readonly id: string; readonly sdp: string } | JoinRefusal>;
  answer(id: string, sdp: unknown): AnswerOutcome;
  /** Resolves once the answer is in, or at once when somebody waits already. */
  candidates(id: string): Promise<readonly Candidate[]>;
  hangUp(id: string): void;
}

export interface SignallingOptions {
  /** Pages of which origins may join, besides the server's own: `['https://game.example']`, or `'*'` for all. */
  readonly origins?: readonly string[] | '*';
  /** Pages on localhost may join whatever their port. On unless NODE_ENV is `production`. */
  readonly development?: boolean;
  /** A proxy in front sets X-Forwarded-For and X-Forwarded-Host; without one these are the caller's own words. */
  readonly trustProxy?: boolean;
  readonly joins?: Rate;
  readonly calls?: Rate;
}

type Env = { Bindings: Partial<HttpBindings> };
type Refusal = {
  readonly status: 400 | 403 | 404 | 409 | 413 | 429 | 503;
  readonly code: string;
  readonly message: string;
};

const REFUSALS = {
  origin: {
    status: 403,
    code: 'origin-refused',
    message: 'Pages of this origin may not join: add it to the option `origins`.',
  },
  rate: {
    status: 429,
    code: 'rate-limited',
    message: 'Too many joins from this address. Try again in a few seconds.',
  },
  busy: {
    status: 503,
    code: 'too-many-joins',
    message: 'Too many joins are waiting. Try again in a few seconds.',
  },
  offer: {
    status: 503,
    code: 'no-offer',
    message: 'The server could not open a connection. Try again in a few seconds.',
  },
  closed: { status: 503, code: 'closed', message: 'The server is shutting down.' },
  large: { status: 413, code: 'too-large', message: `A body may have ${MAX_BODY_BYTES} bytes.` },
  body: {
    status: 400,
    code: 'bad-body',
    message: 'The body must be JSON: { "type": "answer", "sdp": "…" }.',
  },
  answer: {
    status: 400,
    code: 'bad-answer',
    message: 'The answer does not describe one WebRTC data channel.',
  },
  unknown: {
    status: 404,
    code: 'unknown-connection',
    message: 'No connection has this id, or it has ended.',
  },
  answered: { status: 409, code: 'already-answered', message: 'This connection already has its answer.' },
  route: { status: 404, code: 'not-found', message: 'There is nothing here.' },
} as const satisfies Record<string, Refusal>;

/** The routes, to be mounted at the root of an HTTP server. */
export function signalling(desk: JoinDesk, options: SignallingOptions = {}): Hono<Env> {
  const joins = new AddressBuckets(options.joins ?? JOINS);
  const calls = new AddressBuckets(options.calls ?? CALLS);
  const app = new Hono<Env>();

  app.use('/.wrtc/*', async (c, next) => {
    const origin = c.req.header('origin');
    if (origin !== undefined && !isAllowed(c, origin, options)) return refuse(c, REFUSALS.origin);
    if (origin !== undefined) allow(c, origin);
    if (c.req.method === 'OPTIONS') return c.body(null, 204);
    const address = addressOf(c, options);
    const joining = c.req.method === 'POST' && c.req.path === '/.wrtc/v2/connections';
    if (!(joining ? joins : calls).take(performance.now(), address)) return refuse(c, REFUSALS.rate);
    c.header('Cache-Control', 'no-store');
    return next();
  });

  app.post('/.wrtc/v2/connections', async (c) => {
    const offer = await desk.offer(addressOf(c, options));
    if (offer === 'too-many-joins') return refuse(c, REFUSALS.busy);
    if (offer === 'closed') return refuse(c, REFUSALS.closed);
    if (offer === 'no-offer') return refuse(c, REFUSALS.offer);
    return c.json({ userData: {}, id: offer.id, localDescription: { type: 'offer', sdp: offer.sdp } });
  });

  app.post('/.wrtc/v2/connections/:id/remote-description', async (c) => {
    const text = await readText(c.req.raw);
    if (text === undefined) return refuse(c, REFUSALS.large);
    const body = parseObject(text);
    if (body === undefined || body['type'] !== 'answer' || typeof body['sdp'] !== 'string')
      return refuse(c, REFUSALS.body);
    switch (desk.answer(c.req.param('id'), body['sdp'])) {
      case 'accepted':
        return c.json({});
      case 'unknown':
        return refuse(c, REFUSALS.unknown);
      case 'already-answered':
        return refuse(c, REFUSALS.answered);
      case 'invalid':
        return refuse(c, REFUSALS.answer);
    }
  });

  app.get('/.wrtc/v2/connections/:id/additional-candidates', async (c) =>
    c.json(await desk.candidates(c.req.param('id'))),
  );

  app.post('/.wrtc/v2/connections/:id/close', (c) => {
    desk.hangUp(c.req.param('id'));
    return c.json({});
  });

  app.all('/.wrtc/*', (c) => refuse(c, REFUSALS.route));
  return app;
}

function refuse(c: Context<Env>, { status, code, message }: Refusal): Response {
  if (status === 429 || status === 503) c.header('Retry-After', '2');
  // A refused body is not worth reading to its end just to keep the connection.
  if (status === 413) c.header('Connection', 'close');
  return c.json({ code, message }, status);
}

/** Same origin, an origin on the list, or in development any page of this machine. */
function isAllowed(c: Context<Env>, origin: string, options: SignallingOptions): boolean {
  if (options.origins === '*' || options.origins?.includes(origin)) return true;
  if (!URL.canParse(origin)) return false; // 'null': a sandboxed frame or a file
  const { host, hostname } = new URL(origin);
  const own = (options.trustProxy ? c.req.header('x-forwarded-host') : undefined) ?? c.req.header('host');
  if (own !== undefined && host === own) return true;
  const development = options.development ?? process.env['NODE_ENV'] !== 'production';
  return development && (hostname === 'localhost' || hostname === '[::1]' || isLoopback(hostname));
}

function allow(c: Context<Env>, origin: string): void {
  c.header('Access-Control-Allow-Origin', origin);
  c.header('Vary', 'Origin');
  if (c.req.method !== 'OPTIONS') return;
  c.header('Access-Control-Allow-Methods', 'GET, POST');
  c.header('Access-Control-Allow-Headers', 'authorization, content-type');
  c.header('Access-Control-Max-Age', '600');
}

/** The last hop a trusted proxy saw, or the socket's other end. */
function addressOf(c: Context<Env>, options: SignallingOptions): string {
  const forwarded = options.trustProxy
    ? c.req.header('x-forwarded-for')?.split(',').at(-1)?.trim()
    : undefined;
  return forwarded || (c.env?.incoming?.socket.remoteAddress ?? 'unknown');
}

/** The body as text, or undefined as soon as it is too long or too slow. */
async function readText(request: Request): Promise<string | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES) return undefined;
  const reader = request.body?.getReader();
  if (reader === undefined) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  const late = setTimeout(() => void reader.cancel().catch(() => undefined), BODY_MS);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return Buffer.concat(chunks).toString('utf8');
      size += value.byteLength;
      if (size > MAX_BODY_BYTES) {
        await reader.cancel();
        return undefined;
      }
      chunks.push(value);
    }
  } catch {
    return ''; // the caller went away
  } finally {
    clearTimeout(late);
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
