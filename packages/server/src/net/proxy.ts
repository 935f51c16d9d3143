/**
 * The HTTP side: the server's page and joining calls under another port, with the addresses in them changed so that
 * datagrams take the relay. Everything else passes as it is, WebSockets included.
 *
 *     POST …/connections                            the server's addresses are learned, ours stand in their place
 *     POST …/connections/ID/remote-description      the page's addresses are taken out
 *     GET  …/connections/ID/additional-candidates   as the first
 *
 * A joining call takes a round trip of the network and waits for the end of a blackout. HTTP is not impaired otherwise.
 */

import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
  type Server,
  type ServerResponse,
} from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { isLoopback } from '../node/limits.ts';
import { hostCandidate, withoutCandidates } from '../node/sdp.ts';
import type { Endpoint, Relay } from './relay.ts';
import { candidatesOf, endpointOf, nearest } from './sdp.ts';

const JOINING = /\/\.wrtc\/v2\/connections(?:\/[^/]+\/(remote-description|additional-candidates|close))?\/?$/;

/** Bodies of joining calls are a few kB. */
const MAX_BODY_BYTES = 65_536;

/** Said for one connection only, never passed on. */
const HOP_HEADERS = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

type Body = Record<string, unknown>;

export interface ProxyServer {
  /** Does not listen yet. */
  readonly http: Server;
  close(): Promise<void>;
}

/** A server that answers for `target`. */
export function proxyServer(target: URL, relay: Relay): ProxyServer {
  const front = new Front(target, relay);
  const http = createServer((request, response) => void front.answer(request, response));
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
    front.tunnel(request, socket, head),
  );
  // With WebSockets, which `closeAllConnections` knows nothing of.
  const sockets = new Set<Socket>();
  http.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      http.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return { http, close };
}

class Front {
  readonly #target: URL;
  readonly #relay: Relay;

  constructor(target: URL, relay: Relay) {
    this.#target = target;
    this.#relay = relay;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', 'http://any').pathname;
    const joining = JOINING.exec(path);
    try {
      if (joining === null) await this.#pass(request, response);
      else await this.#join(request, response, joining[1]);
    } catch {
      if (response.headersSent) response.destroy();
      else unreachable(response, this.#target);
    }
  }

  /** A WebSocket: the two ends are joined after the handshake. */
  tunnel(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { connection = 'Upgrade', upgrade = 'websocket' } = request.headers;
    const headers = { ...this.#headers(request), connection, upgrade };
    const onward = this.#request({ method: 'GET', path: request.url ?? '/', headers });
    onward.on('upgrade', (answer, other, otherHead) => {
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${String(value)}`);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`);
      if (otherHead.length > 0) socket.write(otherHead);
      if (head.length > 0) other.write(head);
      socket.pipe(other).pipe(socket);
      socket.on('close', () => other.destroy());
      socket.on('error', () => other.destroy());
      other.on('error', () => socket.destroy());
    });
    onward.on('response', () => socket.destroy());
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
    onward.end();
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const headers = this.#headers(request);
    const onward = this.#request({ method: request.method ?? 'GET', path: request.url ?? '/', headers });
    const gone = (): void => void onward.destroy();
    response.on('close', gone);
    request.pipe(onward);
    const answer = await answerOf(onward);
    response.writeHead(answer.statusCode ?? 502, this.#headersBack(request, answer.headers));
    answer.on('error', () => response.destroy());
    answer.pipe(response);
  }

  async #join(request: IncomingMessage, response: ServerResponse, call: string | undefined): Promise<void> {
    const { up, down } = this.#relay.network;
    await sleep(this.#relay.darkFor() + (up.latencyMs ?? 0) + (down.latencyMs ?? 0));
    const body = await read(request);
    if (body === undefined)
      return refuse(response, 413, 'too-large', 'The body of a joining call is too large.');
    const sent = call === 'remote-description' ? change(body, withoutPageAddresses) : body;
    const headers = this.#headers(request);
    delete headers['accept-encoding'];
    if (sent.length > 0) headers['content-length'] = String(sent.length);
    const onward = this.#request({ method: request.method ?? 'GET', path: request.url ?? '/', headers });
    response.on('close', () => void onward.destroy());
    onward.end(sent);
    const answer = await answerOf(onward);
    const told = await read(answer);
    if (told === undefined) throw new Error('the answer is too large');
    const local = isLoopback(request.socket.remoteAddress ?? '');
    const changed =
      call === undefined
        ? change(told, (offer) => this.#offer(offer, local))
        : call === 'additional-candidates'
          ? change(told, (list) => this.#candidates(list, local))
          : told;
    const back = this.#headersBack(request, answer.headers);
    back['content-length'] = String(changed.length);
    response.writeHead(answer.statusCode ?? 502, back).end(changed);
  }

  /** `{ id, localDescription: { type, sdp } }`. Ours has no addresses; those of other servers do. */
  #offer(offer: unknown, local: boolean): unknown {
    const { localDescription } = (offer ?? {}) as { localDescription?: { sdp?: unknown } };
    if (typeof localDescription?.sdp !== 'string') return offer;
    const named = candidatesOf(localDescription.sdp);
    this.#learn(named);
    const lines = named.length > 0 ? this.#own(local).map(({ candidate }) => `a=${candidate}\r\n`) : [];
    const sdp = withoutCandidates(localDescription.sdp) + lines.join('');
    return { ...(offer as Body), localDescription: { ...localDescription, sdp } };
  }

  /** `[{ candidate, sdpMid }]`. */
  #candidates(list: unknown, local: boolean): unknown {
    if (!Array.isArray(list) || list.length === 0) return list;
    this.#learn(list.map((entry: { candidate?: unknown } | null) => String(entry?.candidate)));
    return this.#own(local);
  }

  #learn(candidates: readonly string[]): void {
    const known = candidates.map(endpointOf).filter((one): one is Endpoint => one !== undefined);
    this.#relay.target = nearest(known, this.#target.hostname.replace(/^\[|\]$/g, '')) ?? this.#relay.target;
  }

  /** The loopback is of use to pages of this machine only. */
  #own(local: boolean): { candidate: string; sdpMid: string }[] {
    const { addresses, port } = this.#relay;
    return addresses
      .filter((address) => local || !isLoopback(address))
      .map((address) => hostCandidate(address, port));
  }

  #request(options: RequestOptions) {
    return (this.#target.protocol === 'https:' ? requestHttps : requestHttp)(this.#target, options);
  }

  /** What the page said, with its own origin in place of ours: to the server it is a page of the server's. */
  #headers(request: IncomingMessage): IncomingHttpHeaders {
    const headers = withoutHops(request.headers);
    if (headers.origin !== undefined && headers.origin === ownOrigin(request))
      headers.origin = this.#target.origin;
    headers.host = this.#target.host;
    return headers;
  }

  #headersBack(request: IncomingMessage, told: IncomingHttpHeaders): IncomingHttpHeaders {
    const headers = withoutHops(told);
    const allowed = headers['access-control-allow-origin'];
    if (allowed === this.#target.origin) headers['access-control-allow-origin'] = request.headers.origin;
    if (headers.location?.startsWith(this.#target.origin))
      headers.location = ownOrigin(request) + headers.location.slice(this.#target.origin.length);
    for (const name of Object.keys(headers)) if (headers[name] === undefined) delete headers[name];
    return headers;
  }
}

const ownOrigin = (request: IncomingMessage): string => `http://${request.headers.host ?? ''}`;

function withoutHops(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept = { ...headers };
  for (const name of HOP_HEADERS) delete kept[name];
  return kept;
}

function withoutPageAddresses(answer: unknown): unknown {
  const { sdp } = (answer ?? {}) as { sdp?: unknown };
  return typeof sdp === 'string' ? { ...(answer as Body), sdp: withoutCandidates(sdp) } : answer;
}

/** JSON bytes, changed; other bytes as they are. */
function change(bytes: Buffer, by: (value: unknown) => unknown): Buffer {
  try {
    return Buffer.from(JSON.stringify(by(JSON.parse(bytes.toString('utf8')))));
  } catch {
    return bytes;
  }
}

function answerOf(onward: ReturnType<typeof requestHttp>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    onward.on('response', resolve);
    onward.on('error', reject);
  });
}

/** The body, or undefined when it is too large. */
async function read(message: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function unreachable(response: ServerResponse, target: URL): void {
  refuse(response, 502, 'target-unreachable', `Nothing answers at ${target.origin}. Is the server running?`);
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ code, message }));
}
