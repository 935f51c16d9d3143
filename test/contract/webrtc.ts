// A real WebRTC server on loopback and the page's own transport against it, in this process.

import { createSocket } from 'node:dgram';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { installWebRtc as install } from '@tickwire/server/testing';
import { openGeckos } from '../../packages/netcode/src/transport/geckos.ts';
import { GeckosListener, type GeckosListenerOptions } from '../../packages/server/src/node/geckos.ts';
import { httpServer } from '../../packages/server/src/node/http.ts';
import type { Peer } from '../../packages/server/src/node/peer.ts';
import {
  type JoinDesk,
  type SignallingOptions,
  signalling,
} from '../../packages/server/src/node/signalling.ts';
import { type TransportPair, until } from './pair.ts';

/** The suites join far faster than people do. */
const NO_LIMIT = { burst: 1e6, perSecond: 1e6 };

export class WebRtcServer {
  readonly listener: GeckosListener;
  readonly url: string;
  readonly udpPort: number;
  readonly accepted: Peer[] = [];
  readonly #http: Server;

  private constructor(listener: GeckosListener, http: Server, udpPort: number) {
    this.listener = listener;
    this.#http = http;
    this.udpPort = udpPort;
    this.url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    listener.onConnection = (transport) => this.accepted.push(transport as Peer);
  }

  static async start(
    options: Partial<GeckosListenerOptions> & { readonly answer?: 'ignored' } = {},
    routes: SignallingOptions = {},
  ): Promise<WebRtcServer> {
    const port = options.port ?? (await freeUdpPort());
    const listener = new GeckosListener({ bindAddress: '127.0.0.1', ...options, port });
    await listener.start();
    // An answer that never reaches the native layer is what a firewall in between looks like to the page.
    const desk: JoinDesk =
      options.answer !== 'ignored'
        ? listener
        : {
            offer: (address) => listener.offer(address),
            answer: () => 'accepted',
            candidates: async () => [
              { candidate: `candidate:1 1 UDP 1 192.0.2.1 ${port} typ host`, sdpMid: '0' },
            ],
            hangUp: (id) => listener.hangUp(id),
          };
    const app = signalling(desk, { joins: NO_LIMIT, calls: NO_LIMIT, ...routes });
    const http = httpServer(app.fetch);
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return new WebRtcServer(listener, http, port);
  }

  /** A page's transport and the server's end of it. */
  async open(): Promise<TransportPair & { readonly b: Peer }> {
    const before = this.accepted.length;
    const a = await openGeckos({ url: this.url });
    const page = channels.at(-1);
    await until('the server has the connection', () => this.accepted.length > before);
    const b = this.accepted[before];
    if (b === undefined) throw new Error('no connection');
    const text = (from: 'a' | 'b', message: string): void => {
      if (from === 'a') page?.send(message);
      else nativeChannelOf(b).sendMessage(message);
    };
    return { a, b, text };
  }

  post(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url}/.wrtc/v2/connections${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  }

  /** Whether a new player gets in and is heard. */
  async serves(): Promise<boolean> {
    const { a, b } = await this.open();
    let heard = 0;
    b.onDatagram = () => heard++;
    a.send(Uint8Array.of(1));
    await until('a datagram', () => heard === 1);
    a.close();
    return true;
  }

  async close(): Promise<void> {
    await this.listener.close();
    this.#http.closeAllConnections();
    await new Promise<void>((resolve) => this.#http.close(() => resolve()));
  }
}

/** Gives this process the WebRTC of a browser, and notes the data channels that its connections receive. */
export function installWebRtc(): void {
  install();
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      this.addEventListener('datachannel', ({ channel }) => channels.push(channel));
    }
  };
}

export async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

interface TextSender {
  send(message: string): void;
}

/** The data channels that peer connections of this process received, in order of arrival. */
const channels: TextSender[] = [];

/** The native channel under a peer, to do what our own code never does. */
function nativeChannelOf(peer: Peer): { sendMessage(text: string): boolean } {
  return peer.unsafeChannel as { sendMessage(text: string): boolean };
}
