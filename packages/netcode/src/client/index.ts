// Entry point `@tickwire/netcode/client`: what a page imports.

export type { CloseReason, RefusalCode } from '../connection/handshake.ts';
export {
  Client,
  type ClientListeners,
  type ClientState,
  type ConnectFailure,
  type MessageArguments,
  type StateDetail,
} from '../transport/client.ts';
export { type ConnectOptions, connect } from '../transport/connect.ts';
export { ConnectError, type LinkFailure } from '../transport/errors.ts';
export { type GeckosOptions, openGeckos } from '../transport/geckos.ts';
export { type MemoryLink, type MemoryLinkOptions, memoryLink } from '../transport/memory.ts';
export type { Transport, TransportStats, TransportTraits } from '../transport/transport.ts';
export {
  ClientCore,
  type ClientCoreOptions,
  type ClientEvent,
  type ClientRefusal,
  type ClientStats,
} from './core.ts';
export type { ClientView, Viewed, ViewedPlayer, ViewTable } from './facade.ts';
