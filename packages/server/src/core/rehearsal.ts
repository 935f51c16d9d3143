/** A match that nobody plays: its players are the game's own bots, or hands that fiddle with everything a command has. */

import {
  CommandSampler,
  type CommandSchema,
  PRESS_MODULUS,
  Rng,
  type RoomInput,
  type Shape,
} from '@tickwire/netcode/internal';
import type { Room } from './room.ts';
import type { Think } from './types.ts';

/** A player leaves this often, and comes back after a second: so that training sees that, too. */
const LEAVE_EVERY_SECONDS = 20;

/** Inputs of every tick of a match with `players` players. The same room, players and seed give the same inputs. */
export class Rehearsal {
  readonly #room: Room;
  readonly #players: number;
  readonly #think: Think<Shape> | undefined;
  readonly #rng: Rng;
  readonly #hands = new Map<number, Hands | CommandSampler>();
  readonly #returns = new Map<number, number>();

  constructor(room: Room, players: number, seed: number, think: Think<Shape> | undefined) {
    this.#room = room;
    this.#players = players;
    this.#think = think;
    this.#rng = new Rng(seed, 0x68616e64);
  }

  /** What enters the room at the start of its next tick. */
  next(): RoomInput[] {
    const { tick } = this.#room;
    const { tickRate } = this.#room.game.schema;
    const inputs: RoomInput[] = [];
    const spell = LEAVE_EVERY_SECONDS * tickRate;
    if (tick > 0 && tick % spell === 0) {
      const seat = 1 + ((tick / spell - 1) % this.#players);
      this.#hands.delete(seat);
      this.#returns.set(seat, tick + tickRate);
      inputs.push({ type: 'leave', seat });
    }
    for (let seat = 1; seat <= this.#players; seat++) {
      if (this.#hands.has(seat) || tick < (this.#returns.get(seat) ?? 0)) continue;
      this.#hands.set(seat, this.#newHands());
      inputs.push({ type: 'join', seat, name: `Player ${seat}` });
    }
    // A bot sees the world after the last tick, in which it must have joined.
    for (const [seat, hands] of this.#hands)
      if (!inputs.some((input) => input.type === 'join' && input.seat === seat))
        inputs.push({ type: 'command', seat, words: this.#words(seat, hands, tick + 1) });
    return inputs;
  }

  #newHands(): Hands | CommandSampler {
    const { game, simulation } = this.#room;
    return this.#think === undefined
      ? new Hands(game.schema.command, game.schema.tickRate, this.#rng)
      : new CommandSampler(game.schema.command, simulation.core);
  }

  #words(seat: number, hands: Hands | CommandSampler, tick: number): number[] {
    const { command } = this.#room.game.schema;
    if (hands instanceof Hands) return [...hands.next()];
    hands.sample(this.#think?.(this.#room.world, seat, tick) as Readonly<Record<string, unknown>>);
    const words = new Int32Array(command.words);
    hands.copyTo(words, 0);
    return [...words];
  }
}

/** Fiddling hands: each level is held for a while, and then for another while at something else; buttons are pushed now and then. */
class Hands {
  readonly #schema: CommandSchema;
  readonly #tickRate: number;
  readonly #rng: Rng;
  readonly #words: Int32Array;
  readonly #until: Int32Array;
  #tick = 0;

  constructor(schema: CommandSchema, tickRate: number, rng: Rng) {
    this.#schema = schema;
    this.#tickRate = tickRate;
    this.#rng = rng;
    this.#words = schema.neutral.slice();
    this.#until = new Int32Array(schema.words);
  }

  next(): Int32Array {
    this.#tick++;
    const { fields, neutral } = this.#schema;
    fields.forEach(({ field }, i) => {
      if (this.#tick < (this.#until[i] ?? 0)) return;
      const words = this.#words;
      this.#until[i] = this.#tick + Math.floor(this.#rng.range(0.1, 1.2) * this.#tickRate);
      if (field.kind === 'press') words[i] = ((words[i] ?? 0) + 1) % PRESS_MODULUS;
      else if (this.#rng.chance(0.3)) words[i] = neutral[i] ?? 0;
      else if (field.kind === 'f32') words[i] = floatWord(this.#rng.range(-1, 1));
      else words[i] = this.#rng.int(field.lo, field.hi);
    });
    return this.#words;
  }
}

const float = new Float32Array(1);
const floatBits = new Int32Array(float.buffer);

function floatWord(value: number): number {
  float[0] = value;
  return floatBits[0] ?? 0;
}
