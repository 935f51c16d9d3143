/** What `@tickwire/server` and the instruments use of the core. Not for games: these names may change in any release. */

export { assert, UsageError, unreachable } from './base/assert.ts';
export { hex } from './base/hex.ts';
export { History } from './base/history.ts';
export { Rng } from './base/rng.ts';
export { type Seq, seqDelta } from './base/seq.ts';
export * from './base/units.ts';
export { PacketAcks } from './connection/acks.ts';
export { checkBudget, MIN_SNAPSHOT_BYTES, SendBudget } from './connection/budget.ts';
export { MessageChannels } from './connection/channels.ts';
export { CongestionControl } from './connection/congestion.ts';
export * from './connection/handshake.ts';
export { Outbox } from './connection/outbox.ts';
export { packPayload, unpackPayload } from './connection/payload.ts';
export { MAX_OUTSTANDING } from './connection/requests.ts';
export {
  DEFAULT_UPLOAD_BYTES,
  type Transfer,
  type TransferOptions,
} from './connection/transfer.ts';
export { HistoryCodec } from './history/history.ts';
export { type Continuous, RowBlend } from './replication/blend.ts';
export { newReplica, type Replica, SnapshotDecoder } from './replication/decode.ts';
export { type SnapshotCodec, SnapshotEncoder } from './replication/encode.ts';
export { EventCodec, type EventSection } from './replication/events.ts';
export type { Frame } from './replication/frame.ts';
export { type HeldRow, HeldSet, heldRows } from './replication/held.ts';
export * from './replication/packets.ts';
export * from './replication/relays.ts';
export { plainRelevance, type Relevance } from './replication/relevance.ts';
export { type Copies, Rewinder } from './replication/rewind.ts';
export { SmallRowCodec } from './replication/rows/smallrow.ts';
export { type RowModel, rowModel } from './replication/rows/tables.ts';
export { type Observation, Trainer } from './replication/rows/train.ts';
export { Viewer } from './replication/viewer.ts';
export { CommandSampler, type CommandSchema, readCommand, writeCommand } from './simulation/commands.ts';
export {
  type CommandView,
  copyView,
  expect,
  lastSnapshot,
  NO_NEWER,
  newView,
  readView,
  VIEW_UNITS,
  writeView,
} from './simulation/commandview.ts';
export { type EventSchema, type EventSink, type RaisedEvent, subjectOf } from './simulation/events.ts';
export { defineGame, type Game, type GameSchema, PLAYERS, ROOM } from './simulation/game.ts';
export type { Area, InterestGrid, PositionWords } from './simulation/grid.ts';
export type { InputLog, RoomInput } from './simulation/log.ts';
export { decodeMessage, encodeMessage, type MessageRefusal } from './simulation/messages.ts';
export {
  decodeRequest,
  encodeAnswer,
  failure,
  isAbout,
  type Outcome,
  outcomeOf,
  type Refused,
  type RequestFailure,
} from './simulation/requests.ts';
export { RowSet } from './simulation/rows.ts';
export type { PastSource } from './simulation/sights.ts';
export { type OutgoingMessage, Simulation } from './simulation/simulation.ts';
export type { Table } from './simulation/table.ts';
export type { Targets } from './simulation/targets.ts';
export type { AnswerOf, InputOf, QuestionOf, Shape, Who, World } from './simulation/types.ts';
export { firstWorldDifference, playerId, type SavedWorld, WorldCore } from './simulation/world.ts';
export {
  type Cell,
  type CommandLine,
  joinRecordings,
  nameOf,
  type Parting,
  Recording,
  ServerRecorder,
  shortNumber,
  type TraceLimits,
  type TraceReport,
} from './trace/index.ts';
export { BitReader, BitWriter } from './wire/bits.ts';
export { PRESS_MODULUS } from './wire/fields.ts';
export { type BitCoder, BitCounter, RangeDecoder, RangeEncoder } from './wire/range.ts';
export { compileRow, MARK, OWNER, type RowSchema } from './wire/schema.ts';
export type { CodecTables, RowTables } from './wire/trained.ts';
