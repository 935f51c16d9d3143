/**
 * What other players do, as far as this client knows: their relayed commands for the ticks that it predicts.
 *
 * A tick without a command runs the last levels for 250 ms, then neutral ones, and no pulls: what the server itself would run if
 * nothing more came. Every assumption is kept, so that a command that comes later starts a replay only where it changes one that a
 * rule has read.
 */

import { HOLD_LEVELS_MS, type Seat, type Tick } from '../base/units.ts';
import { MAX_RELAYED, type Relays } from '../replication/relays.ts';
import type { CommandSchema, CommandTable } from '../simulation/commands.ts';
import { PRESS_MODULUS } from '../wire/fields.ts';

/** What is known of one seat, and what was assumed of it. */
interface Player {
  /** Tick of the first command. */
  tick: Tick;
  count: number;
  readonly words: Int32Array;
  /** By tick: levels and pulls that were assumed. */
  readonly assumed: Int32Array;
}

export class RelayedCommands {
  readonly #schema: CommandSchema;
  readonly #ticks: number;
  readonly #holdTicks: number;
  readonly #players: (Player | undefined)[];
  readonly #seats: number;
  /** By tick and seat: 1 when a rule has read the seat's command. */
  readonly #read: Uint8Array;
  readonly #now: Int32Array;

  /** `ticks` is how many of the newest ticks are remembered. */
  constructor(schema: CommandSchema, tickRate: number, maxPlayers: number, ticks: number) {
    this.#schema = schema;
    this.#ticks = ticks;
    this.#holdTicks = Math.floor((HOLD_LEVELS_MS * tickRate) / 1000);
    this.#seats = maxPlayers + 1;
    this.#players = new Array<Player | undefined>(this.#seats).fill(undefined);
    this.#read = new Uint8Array(ticks * this.#seats);
    this.#now = new Int32Array(schema.words);
  }

  /** Takes what came with the newest snapshot. A seat that is not in it goes on from what was known. */
  take(relays: Relays): void {
    for (let place = 0; place < relays.count; place++) {
      const player = this.#player(relays.seats[place] as number);
      const count = relays.counts[place] as number;
      const from = relays.offset(place);
      player.tick = relays.tick;
      player.count = count;
      player.words.set(relays.words.subarray(from, from + count * this.#schema.words));
    }
  }

  /** Gives a tick's step the commands of the others. */
  enter(tick: Tick, commands: CommandTable): void {
    commands.asked.fill(0);
    const { words } = this.#schema;
    for (let seat = 1; seat < this.#seats; seat++) {
      const player = this.#players[seat];
      if (player === undefined) continue;
      const at = (tick % this.#ticks) * words;
      this.#assume(player, tick, player.assumed, at);
      commands.assume(seat, player.assumed, at);
    }
  }

  /** Shows the commands of others that the step of a tick has read: levels, and pulls in that tick. */
  each(tick: Tick, visit: (seat: Seat, words: Int32Array, at: number) => void): void {
    const slot = tick % this.#ticks;
    for (let seat = 1; seat < this.#seats; seat++) {
      const player = this.#players[seat];
      if (player !== undefined && this.#read[slot * this.#seats + seat] === 1)
        visit(seat as Seat, player.assumed, slot * this.#schema.words);
    }
  }

  /** Notes which commands the step of a tick has read. */
  note(tick: Tick, { asked }: CommandTable): void {
    this.#read.set(asked, (tick % this.#ticks) * this.#seats);
  }

  /** Whether a command that was read in the ticks after `settled`, up to `newest`, is known to be another now. */
  changed(settled: Tick, newest: Tick): boolean {
    const { words } = this.#schema;
    for (let seat = 1; seat < this.#seats; seat++) {
      const player = this.#players[seat];
      if (player === undefined) continue;
      for (let tick = Math.max(settled + 1, newest - this.#ticks + 1); tick <= newest; tick++) {
        if (this.#read[(tick % this.#ticks) * this.#seats + seat] !== 1) continue;
        this.#assume(player, tick, this.#now, 0);
        const at = (tick % this.#ticks) * words;
        for (let i = 0; i < words; i++) if (player.assumed[at + i] !== this.#now[i]) return true;
      }
    }
    return false;
  }

  /** The last tick for which a seat's command is known, -1 for none. */
  knownUntil(seat: Seat): Tick {
    const player = this.#players[seat];
    return player === undefined ? -1 : player.tick + player.count - 1;
  }

  /** Levels and pulls of a player in a tick. */
  #assume({ tick: first, count, words: known }: Player, tick: Tick, into: Int32Array, at: number): void {
    const { words, presses, neutral } = this.#schema;
    const place = Math.min(tick - first, count - 1);
    const late = tick - first - place;
    if (place < 0 || late > this.#holdTicks) {
      into.set(neutral, at);
      return;
    }
    for (let i = 0; i < words; i++) into[at + i] = known[place * words + i] as number;
    for (const press of presses) {
      const pulls =
        late > 0 || place === 0
          ? 0
          : (known[place * words + press] as number) - (known[(place - 1) * words + press] as number);
      into[at + press] = (pulls + PRESS_MODULUS) % PRESS_MODULUS;
    }
  }

  #player(seat: Seat): Player {
    const known = this.#players[seat];
    if (known !== undefined) return known;
    const { words, neutral } = this.#schema;
    const player = {
      tick: -1,
      count: 0,
      words: new Int32Array(MAX_RELAYED * words),
      assumed: new Int32Array(this.#ticks * words),
    };
    // Until now every rule was told that this seat does nothing.
    for (let slot = 0; slot < this.#ticks; slot++) player.assumed.set(neutral, slot * words);
    this.#players[seat] = player;
    return player;
  }
}
