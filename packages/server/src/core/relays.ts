/**
 * Players' commands, passed on to the other players who may see them: those that ran in a snapshot's tick, and those that wait for later
 * ones. They come early by their slack, and by so much others predict better.
 */

import {
  BitWriter,
  type CommandSchema,
  type Game,
  gapBits,
  MAX_RELAYED,
  PRESS_MODULUS,
  type Shape,
  type Viewer,
  writeRelayed,
} from '@tickwire/netcode/internal';
import type { CommandQueue } from './commands.ts';
import type { RoomInterest } from './interest.ts';

/** At most this share of a datagram is for relayed commands. */
const SHARE = 1 / 5;

/** At most so many bits for the later commands of one seat: with more, fewer are sent. */
const SEAT_BITS = 320;

/** The most bits of one command: a bit per field, and its value. */
const worstBits = ({ fields }: CommandSchema): number =>
  fields.reduce((bits, { field }) => bits + 1 + field.bits, 1);

export interface RelayStats {
  /** Commands that were relayed, to all clients together. */
  relayed: number;
  /** Seats whose later commands, or all commands, were left out of a packet for want of room. */
  shortened: number;
}

export class RelayDesk<S extends Shape = Shape> {
  readonly stats: RelayStats = { relayed: 0, shortened: 0 };
  readonly #schema: CommandSchema;
  readonly #maxPlayers: number;
  readonly #interest: RoomInterest<S>;
  /** By seat: the words that ran last, pulls as they are counted by the player, and when. */
  readonly #ran: Int32Array;
  readonly #ranTicks: Int32Array;
  /** One seat's commands while they are written. */
  readonly #words: Int32Array;
  /** Every seat's commands, written once for all clients: bits from..middle the first one alone, middle..to with the later ones. */
  readonly #written: BitWriter;
  readonly #places: Int32Array;
  readonly #counts: Int32Array;
  #tick = -1;
  #start = 0;
  /** Seats chosen for one client: 0 not, 1 the first command, 2 all. */
  readonly #chosen: Uint8Array;

  constructor(game: Game<S>, interest: RoomInterest<S>) {
    const { command, maxPlayers } = game.schema;
    this.#schema = command;
    this.#maxPlayers = maxPlayers;
    this.#interest = interest;
    this.#ran = new Int32Array((maxPlayers + 1) * command.words);
    this.#ranTicks = new Int32Array(maxPlayers + 1).fill(-1);
    this.#words = new Int32Array(MAX_RELAYED * command.words);
    // Too long a run is written once and then shortened.
    const bits = maxPlayers * (SEAT_BITS + 2 * worstBits(command)) + MAX_RELAYED * worstBits(command);
    this.#written = new BitWriter(new Uint8Array((bits >> 3) + 64));
    this.#places = new Int32Array(3 * (maxPlayers + 1));
    this.#counts = new Int32Array(maxPlayers + 1);
    this.#chosen = new Uint8Array(maxPlayers + 1);
  }

  /** Notes the words that a seat runs in a tick. */
  ran(tick: number, seat: number, words: Int32Array): void {
    this.#ran.set(words, seat * this.#schema.words);
    this.#ranTicks[seat] = tick;
  }

  /** Writes every seat's commands for the snapshots of a tick. `queueOf` gives what waits; bots have nothing waiting. */
  prepare(tick: number, queueOf: (seat: number) => CommandQueue | undefined): void {
    this.#tick = tick;
    // Steps of the golden ratio: starts that follow each other are far apart, and soon everywhere.
    this.#start = (this.#start + Math.round(this.#maxPlayers * 0.618)) % this.#maxPlayers;
    const w = this.#written;
    w.reset();
    for (let seat = 1; seat <= this.#maxPlayers; seat++) {
      if (this.#ranTicks[seat] !== tick) continue;
      let count = this.#collect(tick, seat, queueOf(seat));
      const places = 3 * seat;
      this.#places[places] = w.bitLength;
      writeRelayed(w, this.#schema, this.#words, 0, 1);
      const middle = w.bitLength;
      this.#places[places + 1] = middle;
      if (count > 1) writeRelayed(w, this.#schema, this.#words, 0, count);
      for (; count > 1 && w.bitLength - middle > SEAT_BITS; ) {
        count = Math.ceil(count / 2);
        w.seek(middle);
        if (count > 1) writeRelayed(w, this.#schema, this.#words, 0, count);
      }
      this.#places[places + 2] = w.bitLength;
      this.#counts[seat] = count;
    }
  }

  /**
   * Writes the section of a client's packet. `sees` says of whom it may see an entity. What has no room in its share of `packetBits` is
   * left out: first later commands, then seats, each time others.
   */
  write(w: BitWriter, viewer: Viewer, packetBits: number, sees: (seat: number) => boolean): void {
    const count = this.#choose(viewer, packetBits * SHARE, sees);
    w.writeGolomb(count, 0);
    let last = 0;
    for (let seat = 1; seat <= this.#maxPlayers; seat++) {
      const chosen = this.#chosen[seat] as number;
      if (chosen === 0) continue;
      w.writeGolomb(seat - last - 1, 0);
      last = seat;
      const places = 3 * seat;
      const from = this.#places[places + chosen - 1] as number;
      w.append(this.#written, from, this.#places[places + chosen] as number);
      this.stats.relayed += chosen === 2 ? (this.#counts[seat] as number) : 1;
    }
  }

  /** First commands come first, then as many runs of later ones as there is room for. Each time the choice begins somewhere else. */
  #choose(viewer: Viewer, bits: number, sees: (seat: number) => boolean): number {
    const chosen = this.#chosen;
    chosen.fill(0);
    let left = bits;
    let count = 0;
    const seats = this.#maxPlayers;
    for (let i = 0; i < seats; i++) {
      const seat = 1 + ((this.#start + i) % seats);
      if (seat === viewer.seat || this.#ranTicks[seat] !== this.#tick) continue;
      if (!sees(seat) || !this.#interest.relays(viewer, seat)) continue;
      // A gap in the numbers costs at most what the whole way from 0 does.
      const cost = this.#bits(seat, 1) + gapBits(seat);
      if (cost > left) {
        this.stats.shortened++;
        continue;
      }
      left -= cost;
      chosen[seat] = 1;
      count++;
    }
    for (let i = 0; i < seats; i++) {
      const seat = 1 + ((this.#start + i) % seats);
      if (chosen[seat] !== 1 || (this.#counts[seat] as number) === 1) continue;
      const more = this.#bits(seat, 2) - this.#bits(seat, 1);
      if (more > left) {
        this.stats.shortened++;
        continue;
      }
      left -= more;
      chosen[seat] = 2;
    }
    return count;
  }

  #bits(seat: number, part: number): number {
    const places = 3 * seat;
    return (this.#places[places + part] as number) - (this.#places[places + part - 1] as number);
  }

  /** The command that ran and those that wait, as far as they go; one that is missing in between is as the one before. */
  #collect(tick: number, seat: number, queue: CommandQueue | undefined): number {
    const { words, presses } = this.#schema;
    const ran = seat * words;
    this.#words.set(this.#ran.subarray(ran, ran + words));
    let count = 1;
    for (let i = 1; i < MAX_RELAYED && queue !== undefined; i++) {
      const at = i * words;
      if (queue.peek(tick + i, this.#words, at)) count = i + 1;
      else this.#words.copyWithin(at, at - words, at);
    }
    for (let i = count - 1; i >= 0; i--)
      for (const press of presses) {
        const at = i * words + press;
        const pulls = (this.#words[at] as number) - (this.#ran[ran + press] as number);
        this.#words[at] = (pulls + PRESS_MODULUS) % PRESS_MODULUS;
      }
    return count;
  }
}
