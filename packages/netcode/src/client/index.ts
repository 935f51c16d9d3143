// Entry point `@tickwire/netcode/client`: what a page imports.

export type { CloseReason, RefusalCode } from '../connection/handshake.ts';
export {
  type Transfer,
  TransferError,
  type TransferFailure,
  type TransferOptions,
  type TransferState,
} from '../connection/transfer.ts';
export type { TransferStats } from '../connection/transfers.ts';
export type { Outcome } from '../simulation/requests.ts';
export type { TraceLimits } from '../trace/index.ts';
export {
  Client,
  type ClientListeners,
  type ClientState,
  type ConnectFailure,
  type EventAbout,
  type EventListener,
  type MessageArguments,
  type StateDetail,
} from '../transport/client.ts';
export { type ConnectOptions, connect } from '../transport/connect.ts';
export { ConnectError, type LinkFailure, RequestError } from '../transport/errors.ts';
export { type GeckosOptions, openGeckos } from '../transport/geckos.ts';
export { type MemoryLink, type MemoryLinkOptions, memoryLink } from '../transport/memory.ts';
export type { Transport, TransportStats, TransportTraits } from '../transport/transport.ts';
export { ClientCore } from './core.ts';
export type { EventStats, EventVerdict } from './events.ts';
export type { ClientView, EventFields, Viewed, ViewedPlayer, ViewTable } from './facade.ts';
export type { EntityHealth, HealthCounts, HealthWord } from './health.ts';
export type { ClientCoreOptions, ClientEvent, ClientRefusal, ClientStats } from './types.ts';
