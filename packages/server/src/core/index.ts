/** The server without sockets, clocks or files: for tests, instruments and single-player pages. */

export type { CodecSetting } from './codec-choice.ts';
export type { CommandQueue, CommandStats } from './commands.ts';
export type { DatagramRefusal, ServerCounters } from './counters.ts';
export type { ServerAnswers } from './requests.ts';
export { Room, type RoomOptions, replay, traceReplay } from './room.ts';
export { ServerCore } from './server.ts';
export { type BudgetStats, Session } from './session.ts';
export { type TrainedType, type Training, type TrainOptions, type TrainProgress, train } from './train.ts';
export type { Bot, SeatBudget, ServerCoreOptions, ServerEvent, ServerStats, Think } from './types.ts';
