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

/** Events that wait for one client. The oldest gives way. */
const MAX_WAITING = 128;

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

  constructor(
    { schema }: Game,
    relevance: Relevance,
    frameAt: (tick: number) => Frame | undefined,
    counters: EventCounters,
  ) {
    this.#schema = schema;
    this.#relevance = relevance;
    this.#frameAt = frameAt;
    this.counters = counters;
  }

  begin(): void {}

  raise(event: RaisedEvent): void {
    this.counters.raised++;
    if (this.#raised.length < MAX_RAISED) this.#raised.push(event);
    else this.counters.dropped++;
  }

  /** Queues for a client what was raised since the last snapshot, as far as it may know of it [E4]. `tick`: of the snapshot. */
  tell(tick: number, viewer: Viewer, to: OutgoingEvents): void {
    for (const event of this.#raised) {
      const schema = this.#schema.events[event.type] as EventSchema;
      if (this.#tells(schema, event, tick, viewer)) to.queue(this.#masked(schema, event, tick, viewer));
    }
  }

  /** Everybody was told. */
  clear(): void {
    this.#raised.length = 0;
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
  #masked(schema: EventSchema, event: RaisedEvent, tick: number, viewer: Viewer): RaisedEvent {
    let { words } = event;
    for (const { at, table } of schema.refs) {
      const id = words[at] ?? 0;
      if (id === 0 || this.#sees(viewer, table, id, tick)) continue;
      if (words === event.words) words = words.slice();
      words[at] = 0;
    }
    return words === event.words ? event : { ...event, words };
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
    if (this.#waiting.length >= MAX_WAITING) {
      this.#waiting.shift();
      this.#counters.dropped++;
      this.#gapUntil = event.tick + this.#maxLife;
    }
    const w = this.#section;
    w.reset();
    this.#codec.writeOne(w, this.#seat, event);
    this.#waiting.push({ event, bits: w.bitLength + TICK_BITS, acknowledged: false, sentIn: -1 });
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

  #expire(tick: number): void {
    const before = this.#waiting.length;
    this.#waiting = this.#waiting.filter(
      ({ event }) => tick - event.tick <= (this.#schema.events[event.type] as EventSchema).life,
    );
    this.#counters.expired += before - this.#waiting.length;
  }

  /** What was never sent comes first, then what was sent longest ago; on the wire all stand in the order in which they were raised. */
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
    for (const waiting of [...this.#waiting].sort((a, b) => a.sentIn - b.sentIn)) {
      if (bits + waiting.bits > room) continue;
      bits += waiting.bits;
      taken.add(waiting);
    }
    for (const waiting of this.#waiting) if (taken.has(waiting)) chosen.push(waiting);
  }
}
