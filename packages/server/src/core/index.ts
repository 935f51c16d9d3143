/** The server without sockets, clocks or files: for tests, instruments and single-player pages. */

export type { CommandStats } from './commands.ts';
export type { DatagramRefusal, ServerCounters } from './counters.ts';
export type { ServerAnswers } from './requests.ts';
export { Room, type RoomOptions, replay } from './room.ts';
export {
  type Bot,
  ServerCore,
  type ServerCoreOptions,
  type ServerEvent,
  type ServerStats,
  type Think,
} from './server.ts';
export { Session } from './session.ts';
