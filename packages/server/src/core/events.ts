/** One-shot events on their way out: who is told of them, and what each client has not yet acknowledged. */

import {
  BitWriter,
  EventCodec,
  type EventSchema,
  type EventSink,
  type Frame,
  type Game,
  type GameSchema,
  type RaisedEvent,
  type Relevance,
  type Seq,
  subjectOf,
  type Viewer,
} from '@tickwire/netcode/internal';

/** What became of events. */
export interface EventCounters {
  raised: number;
  /** Told to a client: queued for it once, whatever it takes to get there. */
  told: number;
  /** Copies sent, repeats included. */
  sent: number;
  acknowledged: number;
  /** Given up: their life ended without an acknowledgement. */
  expired: number;
  /** Raised, or queued for a client, beyond what is kept. */
  dropped: number;
}

export const newEventCounters = (): EventCounters => ({
  raised: 0,
  told: 0,
  sent: 0,
  acknowledged: 0,
  expired: 0,
  dropped: 0,
});

/** Events between two snapshots. More are a mistake in the rules. */
const MAX_RAISED = 1_024;

/** Events that wait for one client. The oldest gives way, of the owner with the most: nobody drowns the others. */
const MAX_WAITING = 128;

/** Of one player between two snapshots: a client may claim hundreds of pulls in a tick. */
const MAX_RAISED_BY_ONE = MAX_WAITING;

/** Packets whose events are remembered until they are acknowledged: 3.2 s at 20 Hz. */
const FLIGHTS = 64;

/** Bytes of a snapshot's datagram that events may claim. */
const SHARE_BYTES = 256;

/** Of these, what a snapshot waits for room for on a thin line. */
const LEAST_BYTES = 64;

/** Bits that an event takes at most beside what it takes by itself: how long ago it was. */
const TICK_BITS = 20;

/** Collects what the rules raise between two snapshots, and says who is told. */
export class RoomEvents implements EventSink {
  readonly counters: EventCounters;
  readonly #schema: GameSchema;
  readonly #relevance: Relevance;
  readonly #frameAt: (tick: number) => Frame | undefined;
  readonly #raised: RaisedEvent[] = [];
  readonly #byOwner: Int32Array;
  readonly #missed: RaisedEvent[] = [];

  constructor(
    { schema }: Game,
    relevance: Relevance,
    frameAt: (tick: number) => Frame | undefined,
    counters: EventCounters,
  ) {
    this.#schema = schema;
    this.#byOwner = new Int32Array(schema.maxPlayers + 1);
    this.#relevance = relevance;
    this.#frameAt = frameAt;
    this.counters = counters;
  }

  begin(): void {}

  raise(event: RaisedEvent): void {
    this.counters.raised++;
    const ofOwner = (this.#byOwner[event.owner] as number) + 1;
    if (this.#raised.length < MAX_RAISED && (event.owner === 0 || ofOwner <= MAX_RAISED_BY_ONE)) {
      this.#byOwner[event.owner] = ofOwner;
      this.#raised.push(event);
      return;
    }
    this.counters.dropped++;
    // One of an owner and type says it for all.
    if (!this.#missed.some(({ owner, type }) => owner === event.owner && type === event.type))
      this.#missed.push(event);
  }

  /** Queues for a client what was raised since the last snapshot, as far as it may know of it [E4]. `tick`: of the snapshot. */
  tell(tick: number, viewer: Viewer, to: OutgoingEvents): void {
    const unnamed = new Map<number, number>();
    for (const event of this.#raised) {
      const schema = this.#schema.events[event.type] as EventSchema;
      if (this.#tells(schema, event, tick, viewer))
        to.queue(this.#masked(schema, event, tick, viewer, unnamed));
    }
    for (const event of this.#missed) to.miss(event, tick);
  }

  /** Everybody was told. */
  clear(): void {
    this.#raised.length = 0;
    this.#missed.length = 0;
    this.#byOwner.fill(0);
  }

  #tells(schema: EventSchema, { owner, words }: RaisedEvent, tick: number, viewer: Viewer): boolean {
    if (owner === viewer.seat) return true;
    const { place } = schema;
    const { grid } = this.#schema;
    if (place !== undefined && grid !== undefined) {
      const x = (words[place.xAt] ?? 0) * place.xStep;
      const y = (words[place.yAt] ?? 0) * place.yStep;
      if (viewer.shown[grid.keyAt(x, y)] !== 1) return false;
    }
    const subject = subjectOf(schema, words);
    return subject === 0 || this.#sees(viewer, schema.ofTable, subject, tick);
  }

  /** One that is gone was seen where it was last; whether a game's hook would have shown it, nobody can say any more. */
  #sees(viewer: Viewer, t: number, id: number, tick: number): boolean {
    if (id >> 16 === viewer.seat) return true;
    const hook = this.#relevance.visible[t];
    const now = this.#frameAt(tick)?.tables[t];
    const alive = now?.rows.find(id) ?? -1;
    if (alive < 0 && hook !== undefined) return false;
    if (this.#schema.positions[t] !== undefined) {
      const table = alive >= 0 ? now : this.#frameAt(tick - this.#schema.ticksPerSnapshot)?.tables[t];
      const row = table?.rows.find(id) ?? -1;
      if (row < 0 || viewer.shown[table?.keys[row] ?? 0] !== 1) return false;
    }
    return hook === undefined || hook(viewer, id);
  }

  /** References to what this client may not see lead nowhere [S4]. */
  #masked(
    schema: EventSchema,
    event: RaisedEvent,
    tick: number,
    viewer: Viewer,
    unnamed: Map<number, number>,
  ): RaisedEvent {
    let { words, index } = event;
    for (const { at, table } of schema.refs) {
      const id = words[at] ?? 0;
      if (id === 0 || this.#sees(viewer, table, id, tick)) continue;
      if (words === event.words) words = words.slice();
      words[at] = 0;
      if (at === schema.ofAt) index = this.#countUnnamed(event, unnamed);
    }
    return words === event.words ? event : { ...event, words, index };
  }

  /** Events whose entities may not be named must not have equal keys: they count on from those that are of none. */
  #countUnnamed({ tick, type, owner }: RaisedEvent, unnamed: Map<number, number>): number {
    const schema = this.#schema.events[type] as EventSchema;
    const key = tick * 256 + type;
    let count = unnamed.get(key) ?? 0;
    if (!unnamed.has(key))
      for (const other of this.#raised)
        if (other.tick === tick && other.type === type && other.owner === owner)
          if (subjectOf(schema, other.words) === 0) count++;
    unnamed.set(key, count + 1);
    return count;
  }
}

interface Waiting {
  readonly event: RaisedEvent;
  readonly bits: number;
  acknowledged: boolean;
  /** Number of the packet that it was in last, -1 before the first. */
  sentIn: number;
}

interface Flight {
  seq: Seq;
  readonly events: Waiting[];
}

/** What one client is to be told, repeated in each packet with a snapshot until it is acknowledged or its life ends [E3]. */
export class OutgoingEvents {
  readonly #schema: GameSchema;
  readonly #seat: number;
  readonly #codec: EventCodec;
  readonly #counters: EventCounters;
  readonly #maxLife: number;
  #waiting: Waiting[] = [];
  readonly #flights: Flight[] = [];
  readonly #section = new BitWriter(new Uint8Array(SHARE_BYTES + 64));
  #chosen: Waiting[] = [];
  #packets = 0;
  /** Until this tick the client cannot conclude that what it is not told did not happen. */
  #gapUntil = -1;

  constructor(schema: GameSchema, seat: number, counters: EventCounters) {
    this.#schema = schema;
    this.#seat = seat;
    this.#codec = new EventCodec(schema);
    this.#counters = counters;
    this.#maxLife = schema.events.reduce((most, { life }) => Math.max(most, life), 0);
  }

  queue(event: RaisedEvent): void {
    this.#counters.told++;
    if (this.#waiting.length >= MAX_WAITING) this.#giveWay(event.tick);
    const w = this.#section;
    w.reset();
    this.#codec.writeOne(w, this.#seat, event);
    this.#waiting.push({ event, bits: w.bitLength + TICK_BITS, acknowledged: false, sentIn: -1 });
  }

  /** An event is not told to anybody. If this client may have predicted it, it must not conclude that it did not happen. */
  miss({ owner, type }: RaisedEvent, tick: number): void {
    const { ofAt } = this.#schema.events[type] as EventSchema;
    if (owner === this.#seat || ofAt >= 0) this.#gapUntil = tick + this.#maxLife;
  }

  /** Bytes that the next packet must have for events. */
  get wanted(): number {
    let bits = 0;
    for (const { bits: more } of this.#waiting) bits += more;
    return Math.min(LEAST_BYTES, (bits + 7) >> 3);
  }

  /** Prepares the section of the packet of `tick`, in about `bytes` bytes. Gives its size in bits. */
  prepare(tick: number, bytes: number): number {
    this.#chosen.length = 0;
    const w = this.#section;
    w.reset();
    if (this.#schema.events.length === 0) return 0;
    this.#expire(tick);
    this.#choose(Math.min(SHARE_BYTES, bytes) * 8);
    const complete = this.#chosen.length === this.#waiting.length && tick > this.#gapUntil;
    this.#codec.write(w, tick, this.#seat, { complete, events: this.#chosen.map(({ event }) => event) });
    return w.bitLength;
  }

  /** Writes what was prepared into packet `seq`. */
  write(w: BitWriter, seq: Seq): void {
    w.append(this.#section, 0, this.#section.bitLength);
    if (this.#chosen.length === 0) return;
    this.#packets++;
    this.#counters.sent += this.#chosen.length;
    for (const waiting of this.#chosen) waiting.sentIn = this.#packets;
    if (this.#flights.length >= FLIGHTS) this.#flights.shift();
    this.#flights.push({ seq, events: [...this.#chosen] });
  }

  /** The client has packet `seq`. */
  acked(seq: Seq): void {
    const index = this.#flights.findIndex((flight) => flight.seq === seq);
    if (index < 0) return;
    const [flight] = this.#flights.splice(index, 1);
    for (const waiting of flight?.events ?? []) {
      if (waiting.acknowledged) continue;
      waiting.acknowledged = true;
      this.#counters.acknowledged++;
    }
    this.#waiting = this.#waiting.filter(({ acknowledged }) => !acknowledged);
  }

  /** A new connection numbers its packets anew. */
  resetFlight(): void {
    this.#flights.length = 0;
  }

  /** Another page: what happened before it is not its business. */
  clear(): void {
    this.resetFlight();
    this.#waiting.length = 0;
  }

  #giveWay(tick: number): void {
    const counts = new Int32Array(this.#schema.maxPlayers + 1);
    let most = 0;
    for (const { event } of this.#waiting) {
      const count = (counts[event.owner] as number) + 1;
      counts[event.owner] = count;
      if (count > (counts[most] as number)) most = event.owner;
    }
    const oldest = this.#waiting.findIndex(({ event }) => event.owner === most);
    const [gone] = this.#waiting.splice(oldest, 1);
    this.#counters.dropped++;
    this.miss((gone as Waiting).event, tick);
  }

  #expire(tick: number): void {
    const before = this.#waiting.length;
    this.#waiting = this.#waiting.filter(
      ({ event }) => tick - event.tick <= (this.#schema.events[event.type] as EventSchema).life,
    );
    this.#counters.expired += before - this.#waiting.length;
    // Packet numbers wrap: one that nobody waits for any more must not answer for another with its number.
    if (this.#waiting.length === 0) this.#flights.length = 0;
  }

  /** What comes first in turn is sent; on the wire all stand in the order in which they were raised. */
  #choose(room: number): void {
    const chosen = this.#chosen;
    let bits = 0;
    for (const waiting of this.#waiting) bits += waiting.bits;
    if (bits <= room) {
      chosen.push(...this.#waiting);
      return;
    }
    const taken = new Set<Waiting>();
    bits = 0;
    for (const waiting of this.#inTurn()) {
      if (bits + waiting.bits > room) continue;
      bits += waiting.bits;
      taken.add(waiting);
    }
    for (const waiting of this.#waiting) if (taken.has(waiting)) chosen.push(waiting);
  }

  /** One of each owner in turn, so that nobody's many hold back the others' few: first what was never sent, then what was longest ago. */
  #inTurn(): readonly Waiting[] {
    const counts = new Int32Array(this.#schema.maxPlayers + 1);
    const turns = [...this.#waiting]
      .sort((a, b) => a.sentIn - b.sentIn)
      .map((waiting) => {
        const turn = counts[waiting.event.owner] as number;
        counts[waiting.event.owner] = turn + 1;
        return { waiting, turn };
      });
    return turns.sort((a, b) => a.turn - b.turn).map(({ waiting }) => waiting);
  }
}
