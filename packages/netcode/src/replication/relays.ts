/**
 * Other players' commands in a server packet, behind the snapshot, in games that relay them:
 *
 *     seats (golomb 0), then per seat, rising
 *       gap - 1 (golomb 0)    to the seat before, of the first one to 0
 *       count - 1 (4 bits)
 *       count commands        for the snapshot's tick and the ones after it; each against the one before, the first against neutral
 *
 * Pulls are counted from the snapshot's tick on: the first command of a seat has none.
 */

import type { Tick } from '../base/units.ts';
import { type CommandSchema, readCommand, writeCommand } from '../simulation/commands.ts';
import type { BitReader, BitWriter } from '../wire/bits.ts';

/** Commands of one seat in one packet: that of the snapshot's tick and up to 250 ms of later ones at 60 Hz. */
export const MAX_RELAYED = 16;
const COUNT_BITS = 4;

/** The commands that one packet relays. Filled by a reader, or seat by seat by a writer. */
export class Relays {
  /** Tick of the snapshot that they came with: the first command of every seat is for it. */
  tick: Tick = -1;
  /** Seats, rising; the first `count` count. */
  count = 0;
  readonly seats: Int32Array;
  /** Commands of each seat, by place. */
  readonly counts: Int32Array;
  /** Command words: `MAX_RELAYED` commands per place. */
  readonly words: Int32Array;
  readonly #schema: CommandSchema;
  readonly #maxPlayers: number;

  constructor(schema: CommandSchema, maxPlayers: number) {
    this.#schema = schema;
    this.#maxPlayers = maxPlayers;
    this.seats = new Int32Array(maxPlayers);
    this.counts = new Int32Array(maxPlayers);
    this.words = new Int32Array(maxPlayers * MAX_RELAYED * schema.words);
  }

  /** Offset of the first command word at a place. */
  offset(place: number): number {
    return place * MAX_RELAYED * this.#schema.words;
  }

  /** Reads the section of a packet for seat `me`. What breaks the drawing above fails the reader. */
  read(r: BitReader, tick: Tick, me: number): void {
    this.tick = tick;
    this.count = 0;
    const count = r.readGolomb(0);
    let seat = 0;
    for (let place = 0; place < count && !r.failed; place++) {
      seat += r.readGolomb(0) + 1;
      if (seat > this.#maxPlayers || seat === me) {
        r.fail();
        return;
      }
      this.seats[place] = seat;
      this.counts[place] = readRelayed(r, this.#schema, this.words, this.offset(place));
      this.count++;
    }
  }
}

/** Writes one seat's commands, without its number. */
export function writeRelayed(
  w: BitWriter,
  schema: CommandSchema,
  words: Int32Array,
  at: number,
  count: number,
): void {
  w.write(count - 1, COUNT_BITS);
  for (let i = 0; i < count; i++) {
    const from = at + i * schema.words;
    if (i === 0) writeCommand(w, schema, words, from, schema.neutral, 0);
    else writeCommand(w, schema, words, from, words, from - schema.words);
  }
}

function readRelayed(r: BitReader, schema: CommandSchema, words: Int32Array, at: number): number {
  const count = r.read(COUNT_BITS) + 1;
  for (let i = 0; i < count && !r.failed; i++) {
    const to = at + i * schema.words;
    if (i === 0) readCommand(r, schema, words, to, schema.neutral, 0);
    else readCommand(r, schema, words, to, words, to - schema.words);
  }
  for (const press of schema.presses) if (words[at + press] !== 0) r.fail();
  return count;
}

/** Bits of a seat's number behind the seat before it. */
export function gapBits(gap: number): number {
  return 2 * (31 - Math.clz32(gap)) + 1;
}
