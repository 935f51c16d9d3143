// Entry point `@tickwire/server`: the authoritative server for Node.

export type {
  Bot,
  BudgetStats,
  SeatBudget,
  ServerAnswers,
  ServerEvent,
  ServerStats,
  Think,
} from './core/index.ts';
export { GeckosListener, type GeckosListenerOptions, type GeckosListenerStats } from './node/geckos.ts';
export { Host, type HostedCore, type HostHooks, type HostStats } from './node/host.ts';
export type { Rate } from './node/limits.ts';
export { ServeError } from './node/ports.ts';
export { type GameServer, type GameServerStats, type ServeOptions, serve } from './node/serve.ts';
export { type JoinDesk, type SignallingOptions, signalling } from './node/signalling.ts';
export { staticFiles } from './node/static.ts';
