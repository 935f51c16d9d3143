/**
 * One-shot events in a server's packet, behind the snapshot and the relayed commands. Games that declare none have no such section.
 *
 *     any 1                             0: nothing waits for this client
 *       complete 1                      0: some that it should know of are not in here
 *       count - 1 (golomb 1)            then each, in the order in which they were raised:
 *         ticks (golomb 2)              the first: from its tick to the packet's; others: from the one before
 *         type                          in as many bits as the number of types needs
 *         own 1 [owner]                 1: of the client's own seat; else the seat in as many bits as maxPlayers needs
 *         index (golomb 0)              how many with the same tick, type, owner and entity came before
 *         fields                        each whole, see docs/wire-format.md
 */

import type { EventSchema, RaisedEvent } from '../simulation/events.ts';
import type { GameSchema } from '../simulation/game.ts';
import type { BitReader, BitWriter } from '../wire/bits.ts';
import { bitsFor, type Field } from '../wire/fields.ts';
import { isFiniteWord, readList, readText, writeList } from './rows/fieldbits.ts';

/** The events of one packet. */
export interface EventSection {
  /** All that the server has to tell, up to the packet's tick, is in here or was acknowledged. */
  readonly complete: boolean;
  readonly events: readonly RaisedEvent[];
}

const TICKS_ORDER = 2;
const COUNT_ORDER = 1;
const COUNTER_BITS = 16;

/** More than fit a datagram: a peer's count stops here. */
const MAX_EVENTS = 1_024;

const NOTHING: EventSection = { complete: true, events: [] };

export class EventCodec {
  readonly #events: readonly EventSchema[];
  readonly #typeBits: number;
  readonly #seatBits: number;
  readonly #maxSeat: number;

  constructor({ events, maxPlayers }: GameSchema) {
    this.#events = events;
    this.#typeBits = bitsFor(events.length - 1);
    this.#seatBits = bitsFor(maxPlayers);
    this.#maxSeat = maxPlayers;
  }

  /** Writes a section for the client of `seat`. `events` are in the order in which they were raised, none after `tick`. */
  write(w: BitWriter, tick: number, seat: number, { complete, events }: EventSection): void {
    if (this.#events.length === 0) return;
    const any = events.length > 0 || !complete;
    w.write(any ? 1 : 0, 1);
    if (!any) return;
    w.write(complete ? 1 : 0, 1);
    w.writeGolomb(complete ? events.length - 1 : events.length, COUNT_ORDER);
    let before = tick;
    for (let i = 0; i < events.length; i++) {
      const event = events[i] as RaisedEvent;
      w.writeGolomb(i === 0 ? tick - event.tick : event.tick - before, TICKS_ORDER);
      before = event.tick;
      this.writeOne(w, seat, event);
    }
  }

  /** Writes an event without its tick. */
  writeOne(w: BitWriter, seat: number, { type, owner, index, words }: RaisedEvent): void {
    w.write(type, this.#typeBits);
    w.write(owner === seat ? 1 : 0, 1);
    if (owner !== seat) w.write(owner, this.#seatBits);
    w.writeGolomb(index, 0);
    const { row } = this.#events[type] as EventSchema;
    for (const { field, at, name } of row.fields) if (name[0] !== '$') this.#writeField(w, field, words, at);
  }

  /** Reads a section. Anything that `write` would not have written fails the reader. */
  read(r: BitReader, tick: number, seat: number): EventSection {
    if (this.#events.length === 0 || !r.readBool()) return NOTHING;
    const complete = r.readBool();
    const count = r.readGolomb(COUNT_ORDER) + (complete ? 1 : 0);
    if (count > MAX_EVENTS) r.fail();
    const events: RaisedEvent[] = [];
    let before = tick;
    for (let i = 0; i < count && !r.failed; i++) {
      const ticks = r.readGolomb(TICKS_ORDER);
      before = i === 0 ? tick - ticks : before + ticks;
      if (before < 0 || before > tick) r.fail();
      events.push(this.#readOne(r, before, seat));
    }
    return r.failed ? NOTHING : { complete, events };
  }

  #readOne(r: BitReader, tick: number, seat: number): RaisedEvent {
    const type = r.read(this.#typeBits);
    const own = r.readBool();
    const owner = own ? seat : r.read(this.#seatBits);
    if (owner > this.#maxSeat || (!own && owner === seat)) r.fail();
    const index = r.readGolomb(0);
    return { tick, type, owner, index, words: this.#readFields(r, type) };
  }

  #readFields(r: BitReader, type: number): Int32Array {
    const schema = this.#events[type];
    if (schema === undefined) {
      r.fail();
      return new Int32Array(0);
    }
    const words = schema.row.empty.slice();
    for (const { field, at, name } of schema.row.fields)
      if (name[0] !== '$') this.#readField(r, field, words, at);
    return words;
  }

  #writeField(w: BitWriter, field: Field, words: Int32Array, at: number): void {
    const value = words[at] ?? 0;
    switch (field.kind) {
      case 'text':
        w.write(value, bitsFor(field.hi));
        for (let i = 0; i < value; i++) w.write((words[at + 1 + (i >> 2)] ?? 0) >>> ((i & 3) * 8), 8);
        return;
      case 'list':
        writeList(w, field, words, at);
        return;
      case 'ref':
        w.write(value === 0 ? 0 : 1, 1);
        if (value === 0) return;
        w.write(value >>> COUNTER_BITS, this.#seatBits);
        w.write(value, COUNTER_BITS);
        return;
      default:
        w.write(field.bits === 32 ? value : value - field.lo, field.bits);
    }
  }

  #readField(r: BitReader, field: Field, words: Int32Array, at: number): void {
    switch (field.kind) {
      case 'text':
        readText(r, field, words, at);
        return;
      case 'list':
        readList(r, field, words, at);
        return;
      case 'ref': {
        if (!r.readBool()) {
          words[at] = 0;
          return;
        }
        const seat = r.read(this.#seatBits);
        words[at] = (seat << COUNTER_BITS) | r.read(COUNTER_BITS);
        // None has its own code.
        if (words[at] === 0 || seat > this.#maxSeat) r.fail();
        return;
      }
      default: {
        const value = field.bits === 32 ? r.read(32) | 0 : r.read(field.bits) + field.lo;
        if (value > field.hi || (field.kind === 'f32' && !isFiniteWord(value))) r.fail();
        else words[at] = value;
      }
    }
  }
}
