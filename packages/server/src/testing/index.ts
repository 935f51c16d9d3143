// Entry point `@tickwire/server/testing`: WebRTC for Node, so that bots and tests connect as pages do.

import { RTCPeerConnection, RTCSessionDescription } from 'node-datachannel/polyfill';

/** Gives this process a browser's WebRTC, which `connect()` then uses: real connections, without a page. */
export function installWebRtc(): void {
  Object.assign(globalThis, { RTCPeerConnection, RTCSessionDescription });
}
