/** What a game is made of: its definition, its fields, and mathematics that is the same on every machine. */

export { UsageError } from './base/assert.ts';
export { angleDelta, approach, atan2, clamp, cos, damp, hypot, lerp, sin } from './base/math.ts';
export { Rng } from './base/rng.ts';
export type { EngineHooks } from './simulation/engine.ts';
export type { EntityHandle, ListHandle } from './simulation/entity.ts';
export { event } from './simulation/events.ts';
export {
  type Definition,
  defineGame,
  type Game,
  type Interest,
  message,
  request,
  type Seer,
} from './simulation/game.ts';
export type { Area } from './simulation/grid.ts';
export { decodeLog, encodeLog, type InputLog, type RoomInput } from './simulation/log.ts';
export { Refused, type RequestFailure, refuse } from './simulation/requests.ts';
export type { Hit, Seen, SeenOptions } from './simulation/seen.ts';
export { box, capsule, circle, type HitShape, type ShapeRule, type Shapes } from './simulation/shapes.ts';
export type {
  AnswerOf,
  CommandOf,
  Context,
  Entity,
  EntityTable,
  EventInit,
  EventType,
  InputOf,
  MessageType,
  PayloadOf,
  Player,
  PlayerTable,
  PresenceStatus,
  QuestionOf,
  RequestType,
  Shape,
  SpawnInit,
  StandardSchema,
  Validator,
  Values,
  Who,
  World,
} from './simulation/types.ts';
export {
  angle,
  bool,
  type Field,
  f32,
  grid,
  int,
  list,
  local,
  oneOf,
  ownerOnly,
  press,
  ref,
  teamOnly,
  text,
  tick,
} from './wire/fields.ts';
export type { CodecTables } from './wire/trained.ts';
