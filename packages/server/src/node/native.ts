// The only file that touches the native WebRTC stack, and what is process-wide about it.
//
// Taken from @geckos.io/server 3.1.0: `WebRTCConnection`, which opens a peer connection with the configuration as given. Not taken:
// its HTTP routes, event bridge, parser, sends and close (docs/decisions/0001-geckos-contained.md).
// An exception inside a callback of the native module aborts the process, past every handler: see `Peer`.

import WebRTCConnection from '@geckos.io/server/lib/wrtc/webrtcConnection.js';
import { type DataChannel, type PeerConnection, type RtcConfig, setSctpSettings } from 'node-datachannel';

export type { DataChannel, PeerConnection };

/** The largest message the SCTP layer accepts: far above a datagram, far below the 256 KiB default a hostile peer could fill. */
const MAX_MESSAGE_BYTES = 16_384;

/** Bytes the SCTP layer may hold before `bufferedAmount` shows them. The default of 1 MiB hides seconds of stale snapshots. */
const SEND_BUFFER_BYTES = 16_384;

/** A datagram not delivered within this time is worthless: the next snapshot replaces it. */
const PACKET_LIFE_MS = 100;

export interface NativeOptions {
  /** Every player shares this UDP port. */
  readonly port: number;
  readonly bindAddress?: string;
  readonly iceServers?: readonly string[];
}

let settled = false;

/** Opens a peer connection. Rejects when the native layer cannot, for example because the UDP port is taken. */
export async function openPeerConnection(id: string, options: NativeOptions): Promise<PeerConnection> {
  if (!settled) {
    setSctpSettings({ sendBufferSize: SEND_BUFFER_BYTES }); // process-wide, before the first connection
    settled = true;
  }
  const configuration: RtcConfig = {
    iceServers: [...(options.iceServers ?? [])],
    iceTransportPolicy: 'all',
    enableIceUdpMux: true,
    portRangeBegin: options.port,
    portRangeEnd: options.port,
    maxMessageSize: MAX_MESSAGE_BYTES,
    ...(options.bindAddress === undefined ? {} : { bindAddress: options.bindAddress }),
  };
  return await new WebRTCConnection(id, configuration, new Map(), undefined).init();
}

/**
 * Holds the UDP port without being a connection. The native module keeps the process alive after `close` unless somebody listens for the
 * end of connection and channel, and the channel is closed first.
 */
export async function openAnchor(options: NativeOptions): Promise<{ close(): void }> {
  const peer = await openPeerConnection('anchor', options);
  peer.onStateChange(ignore);
  const channel = peer.createDataChannel('anchor'); // makes it gather, which binds the port
  channel.onClosed(ignore);
  return {
    close() {
      channel.close();
      peer.close();
    },
  };
}

/** Closes a connection that nobody has listened to yet. */
export function discard(peer: PeerConnection): void {
  peer.onStateChange(ignore);
  peer.close();
}

const ignore = (): void => undefined;

/** Creates the one channel, which makes the connection write its offer. Both directions use these settings. */
export const openDataChannel = (peer: PeerConnection, label: string): DataChannel =>
  peer.createDataChannel(label, { unordered: true, maxPacketLifeTime: PACKET_LIFE_MS });
