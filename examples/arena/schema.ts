/** What a match is made of: every field that travels, with its range. The rules beside it say how the fields change. */

import type { CommandOf, Context as ContextOf, Entity, World as WorldOf } from '@tickwire/netcode';
import { angle, bool, event, grid, int, message, oneOf, press, tick } from '@tickwire/netcode';

export const TICK_RATE = 60;

/** No map is larger than this. Positions are clamped to it. */
export const WORLD_SIZE = 2400;

/**
 * One position step (1/1024 unit) per tick at 60 Hz. With this grid a straight flight adds a whole number of position
 * steps every tick, so its course is predicted without rounding and costs one bit in a snapshot.
 */
const SPEED_STEP = TICK_RATE / 1024;
const MAX_SPEED = 16_384 * SPEED_STEP;

/** Full deflection of a stick; the keyboard always sends it, a thumb stick sends what the thumb does. */
export const STICK = 7;

export const MAX_HEALTH = 100;
export const MAX_SHIELD = 50;

const position = (velocity: string) => grid(0, WORLD_SIZE, 1 / 1024, { follows: velocity });
const velocity = () => grid(-MAX_SPEED, MAX_SPEED, SPEED_STEP);

const ship = {
  x: position('vx'),
  y: position('vy'),
  vx: velocity(),
  vy: velocity(),
  aim: angle(12),
  health: int(0, MAX_HEALTH),
  /** The shield when it was last hit; rules/ship.ts derives what has grown back since `mendsAt`. */
  shield: int(0, MAX_SHIELD),
  mendsAt: tick(),
  fireAt: tick(),
  /** When the dash is ready again. The dash itself is the first part of that wait. */
  dashAt: tick(),
  rapidUntil: tick(),
  guardUntil: tick(),
  railAt: tick(),
};

const shot = {
  x: position('vx'),
  y: position('vy'),
  vx: velocity(),
  vy: velocity(),
  endsAt: tick(),
};

/** The trace of a rail shot, from muzzle to end. */
const beam = {
  x: grid(0, WORLD_SIZE, 1 / 4),
  y: grid(0, WORLD_SIZE, 1 / 4),
  toX: grid(0, WORLD_SIZE, 1 / 4),
  toY: grid(0, WORLD_SIZE, 1 / 4),
  /** It ends at a ship, not at a wall. */
  struck: bool(),
  endsAt: tick(),
};

const pickup = {
  x: grid(0, WORLD_SIZE, 1),
  y: grid(0, WORLD_SIZE, 1),
  kind: oneOf('health', 'shield', 'rapid'),
  /** Taken until this tick. */
  backAt: tick(),
};

const player = {
  hue: int(0, 359),
  kills: int(0, 999),
  deaths: int(0, 999),
  /** Kills since the last death. */
  streak: int(0, 99),
  /** When the next ship arrives; 0 while one flies. */
  respawnAt: tick(),
};

const room = {
  /** The round ends here; a pause without harm follows. */
  endsAt: tick(),
  /** Seat with the most kills, 0 while nobody has one. */
  leader: int(0, 255),
};

const command = {
  mx: int(-STICK, STICK),
  my: int(-STICK, STICK),
  aim: angle(12),
  fire: bool(),
  dash: press(),
  rail: press(),
};

const options = { map: 'cross', roundSeconds: 300 };

/** What a player can call out. A message carries the index. */
export const EMOTES = ['GG', 'Nice!', 'Oops', 'Ha!'] as const;

const messages = {
  kill: message<{ killer: number; victim: number; streak: number }>({ from: 'server' }),
  emote: message<{ seat: number; kind: number }>({
    validate: (value) => EMOTES[(value as { kind?: number } | null)?.kind ?? -1] !== undefined,
  }),
};

/** To the unit: nobody sees a spark more exactly. */
const place = () => int(0, WORLD_SIZE);

const events = {
  /** A gun fired: the flash is at whoever's ship it belongs to. */
  fired: event({}, { lifeMs: 300 }),
  /** A shot struck a ship; the shooter's client guesses it. `angle`: where the shot flew. */
  struck: event({ x: place(), y: place(), angle: angle(6) }, { lifeMs: 500 }),
  /** A ship is gone. Only the server says so. */
  destroyed: event({ x: place(), y: place() }),
};

/** Everything that is declared: `game.ts` adds the rules. */
export const arena = {
  entities: { ship, shot, beam, pickup },
  player,
  room,
  options,
  command,
  messages,
  requests: {},
  events,
};

type Arena = typeof arena;
export type World = WorldOf<Arena>;
export type Context = ContextOf<Arena>;
export type Ship = Entity<Arena, 'ship'>;
export type Shot = Entity<Arena, 'shot'>;
export type Pickup = Entity<Arena, 'pickup'>;
/** A command as the rules read it. */
export type Command = CommandOf<Arena>;
/** A command as a hand, a thumb or a bot gives it. */
export interface Input {
  mx: number;
  my: number;
  aim: number;
  fire: boolean;
  dash: number;
  rail?: number;
}
