/** What `@tickwire/server` and the instruments use of the core. Not for games: these names may change in any release. */

export { assert, UsageError, unreachable } from './base/assert.ts';
export { hex } from './base/hex.ts';
export { History } from './base/history.ts';
export { Rng } from './base/rng.ts';
export { type Seq, seqDelta } from './base/seq.ts';
export * from './base/units.ts';
export { PacketAcks } from './connection/acks.ts';
export { MessageChannels } from './connection/channels.ts';
export * from './connection/handshake.ts';
export { Outbox } from './connection/outbox.ts';
export { packPayload, unpackPayload } from './connection/payload.ts';
export { MAX_OUTSTANDING } from './connection/requests.ts';
export {
  DEFAULT_UPLOAD_BYTES,
  type Transfer,
  type TransferOptions,
} from './connection/transfer.ts';
export { newReplica, type Replica, SnapshotDecoder } from './replication/decode.ts';
export { SnapshotEncoder } from './replication/encode.ts';
export { HeldSet, type HeldTable, NOT_HELD } from './replication/held.ts';
export * from './replication/packets.ts';
export { CommandSampler, type CommandSchema, readCommand, writeCommand } from './simulation/commands.ts';
export { defineGame, type Game, type GameSchema, PLAYERS, ROOM } from './simulation/game.ts';
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
export { type OutgoingMessage, Simulation } from './simulation/simulation.ts';
export type { AnswerOf, InputOf, QuestionOf, Shape, Who, World } from './simulation/types.ts';
export { firstWorldDifference, playerId, type SavedWorld, WorldCore } from './simulation/world.ts';
export { BitReader, BitWriter } from './wire/bits.ts';
