// Entry point `@tickwire/server/testing`: WebRTC for Node, so that bots and tests connect as pages do, and bad networks for both.

import { RTCPeerConnection, RTCSessionDescription } from 'node-datachannel/polyfill';

export { type Net, NetError, type NetFailure, type NetOptions, openNet } from '../net/index.ts';
export type { WayStats } from '../net/line.ts';
export type { Network, Way } from '../net/network.ts';
export type { Relay, RelayStats } from '../net/relay.ts';
export type { Blackout, Scenario, Step } from '../net/scenario.ts';

/** Gives this process a browser's WebRTC, which `connect()` then uses: real connections, without a page. */
export function installWebRtc(): void {
  Object.assign(globalThis, { RTCPeerConnection, RTCSessionDescription });
}
