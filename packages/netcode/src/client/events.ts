/**
 * One-shot events on a client. What its own prediction raises is shown at once, run once across replays, and confirmed or rejected
 * by the server's word; what the server tells of others waits for the view to reach its tick.
 *
 *     begin, raise      the prediction simulates a tick, for the first time or again
 *     take, settle      the server's word: events, and that nothing else happened up to a tick
 *     release           a frame is drawn: what is due comes out
 *
 * A press that missed its tick runs in a later command [P1]; so does what it raises. A prediction whose tick is replayed without
 * it therefore is not gone: the next event of the same kind that is raised without having been predicted is taken for it.
 */

import {
  type EventSchema,
  type EventSink,
  eventReader,
  type RaisedEvent,
  subjectOf,
} from '../simulation/events.ts';
import type { GameSchema } from '../simulation/game.ts';
import type { ClientEvent } from './types.ts';

/** What became of an event that was shown before the server had said anything. `unknown`: its word was lost for too long. */
export type EventVerdict = 'confirmed' | 'rejected' | 'unknown';

/** Counts, one per outcome. */
export interface EventStats {
  /** Raised by the prediction: shown at once. */
  predicted: number;
  /** Of these: confirmed, of which those that the server raised at a later tick; rejected; never heard of again. */
  confirmed: number;
  confirmedLate: number;
  rejected: number;
  unknown: number;
  /** Told by the server and not predicted: shown when the view reached their tick, or at once when they are one's own. */
  told: number;
  /** Copies of what was known: the server repeats until it hears that an event arrived. */
  repeated: number;
  /** Too old to be shown when they were due. */
  expired: number;
  /** More than are kept. */
  dropped: number;
}

interface Predicted {
  readonly id: number;
  readonly event: RaisedEvent;
  readonly subject: number;
  /** Tick of the first prediction: that is the one that was shown. */
  readonly first: number;
  /** The key's tick and index as of the last replay, or as the server has them. */
  tick: number;
  index: number;
  /** The last simulation of its tick raised it. */
  raised: boolean;
  /** It came out of `release`: the page has seen it. */
  shown: boolean;
}

/** A predicted event and the one that the server, or a replay, has in its place are at most so far apart. */
const REACH_MS = 1_000;
/** The other way round: what was predicted too late. */
const EARLY_MS = 250;

/** What the server has not confirmed by then is waited for this much longer: its own may come a little later than predicted. */
const GRACE_MS = 100;

/** Predictions not settled yet, others' events that wait for the view, and keys of those that were told. */
const MAX_PREDICTED = 256;
const MAX_WAITING = 256;
const MAX_KNOWN = 1_024;

/** Datagrams later than this are refused: 32 snapshots. */
const MOST_LATE_SNAPSHOTS = 32;

export class ClientEvents implements EventSink {
  readonly stats: EventStats = {
    predicted: 0,
    confirmed: 0,
    confirmedLate: 0,
    rejected: 0,
    unknown: 0,
    told: 0,
    repeated: 0,
    expired: 0,
    dropped: 0,
  };
  seat = 0;
  /** A replay has not caught up: what its ticks raise comes later, so nothing is rejected, or taken for another, for want of it. */
  replaying = false;
  readonly #schema: GameSchema;
  readonly #read: readonly ReturnType<typeof eventReader>[];
  readonly #out: (event: ClientEvent) => void;
  readonly #entity: (type: string, id: number) => unknown;
  readonly #reach: number;
  readonly #early: number;
  readonly #grace: number;
  readonly #maxLife: number;
  #predicted: Predicted[] = [];
  /** Told by the server and not shown yet, in the order of arrival. */
  #waiting: RaisedEvent[] = [];
  #known: RaisedEvent[] = [];
  #ids = 0;
  /** Tick that was simulated last, and the newest ever. Less: a replay is under way. */
  #simulated = -1;
  #newest = -1;
  #settled = -1;

  /** `entity` finds drawn rows for references. */
  constructor(
    schema: GameSchema,
    out: (event: ClientEvent) => void,
    entity: (type: string, id: number) => unknown,
  ) {
    this.#schema = schema;
    this.#read = schema.events.map(eventReader);
    this.#out = out;
    this.#entity = entity;
    this.#reach = Math.ceil((REACH_MS * schema.tickRate) / 1000);
    this.#early = Math.ceil((EARLY_MS * schema.tickRate) / 1000);
    this.#grace = Math.ceil((GRACE_MS * schema.tickRate) / 1000);
    this.#maxLife = schema.events.reduce((most, { life }) => Math.max(most, life), 0);
  }

  /** Another session: nothing is known of it. */
  clear(): void {
    for (const predicted of this.#predicted.splice(0)) this.#decide(predicted, 'unknown');
    this.#waiting.length = 0;
    this.#known.length = 0;
    this.#simulated = -1;
    this.#newest = -1;
    this.#settled = -1;
    this.replaying = false;
  }

  begin(tick: number): void {
    // A replay starts behind what the server has settled: what it did not confirm by then did not happen in its tick.
    const again = tick <= this.#simulated;
    for (const predicted of this.#predicted)
      if (predicted.tick === tick || (again && predicted.tick < tick)) predicted.raised = false;
    this.#simulated = tick;
    if (tick > this.#newest) this.#newest = tick;
  }

  /** The prediction raised an event. Only one that it has not raised before is shown [E1]. */
  raise(event: RaisedEvent): void {
    const { tick, index } = event;
    const subject = subjectOf(this.#type(event), event.words);
    const same = this.#predicted.find(
      (one) => one.tick === tick && one.index === index && !one.raised && alike(one, event, subject),
    );
    const found = same ?? this.#stray(event, subject);
    if (found !== undefined) {
      found.raised = true;
      found.tick = tick;
      found.index = index;
      return;
    }
    // The server was quicker: it is known.
    if (this.#isKnown(event, subject)) return;
    this.stats.predicted++;
    if (this.#predicted.length >= MAX_PREDICTED) {
      this.stats.dropped++;
      this.#decide(this.#predicted.shift() as Predicted, 'unknown');
    }
    this.#predicted.push({
      id: ++this.#ids,
      event,
      subject,
      first: tick,
      tick,
      index,
      raised: true,
      shown: false,
    });
  }

  /** Takes the server's events. To be called before the prediction takes the snapshot that they came with. */
  take(events: readonly RaisedEvent[]): void {
    const others: RaisedEvent[] = [];
    for (const event of events) {
      const subject = subjectOf(this.#type(event), event.words);
      if (this.#isKnown(event, subject)) {
        this.stats.repeated++;
        continue;
      }
      this.#know(event);
      const exact = this.#predicted.find(
        (one) => one.tick === event.tick && one.index === event.index && alike(one, event, subject),
      );
      if (exact !== undefined) this.#confirm(exact, event);
      else others.push(event);
    }
    for (const event of others) {
      const near = this.#near(event, subjectOf(this.#type(event), event.words));
      if (near !== undefined) this.#confirm(near, event);
      else this.#wait(event);
    }
  }

  /** All that happened up to `tick` was told, and the prediction has taken the snapshot of it. */
  settle(tick: number): void {
    if (tick > this.#settled) this.#settled = tick;
    this.#judge();
  }

  /** Gives out what a frame at this view tick shows: own events at once, others' up to the tick. */
  release(viewTick: number): void {
    this.#judge();
    for (const predicted of [...this.#predicted]) {
      if (predicted.shown) continue;
      // A page that was hidden has drawn nothing for long.
      if (viewTick - predicted.first > this.#type(predicted.event).life) {
        this.stats.expired++;
        this.#remove(predicted);
        this.#decide(predicted, 'unknown');
        continue;
      }
      predicted.shown = true;
      this.#show(predicted.event, predicted.id);
    }
    if (this.#waiting.length === 0) return;
    const due = this.#waiting.filter((event) => this.#isDue(event, viewTick));
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter((event) => !this.#isDue(event, viewTick));
    due.sort((a, b) => a.tick - b.tick);
    for (const event of due) {
      if (viewTick - event.tick > this.#type(event).life) this.stats.expired++;
      else {
        this.stats.told++;
        this.#show(event, 0);
      }
    }
  }

  #isDue({ tick, owner }: RaisedEvent, viewTick: number): boolean {
    return owner === this.seat || tick <= viewTick;
  }

  #type({ type }: RaisedEvent): EventSchema {
    return this.#schema.events[type] as EventSchema;
  }

  /**
   * The oldest prediction that may have become this event: one that the replay of its tick did not raise again, or one
   * of a tick that this replay has not reached.
   */
  #stray(event: RaisedEvent, subject: number): Predicted | undefined {
    const { tick } = event;
    return this.#predicted.find(
      (one) =>
        alike(one, event, subject) &&
        (one.tick > tick
          ? one.tick - tick <= this.#early
          : (!one.raised || (one.tick <= this.#settled && !this.replaying)) &&
            tick - one.tick <= this.#reach),
    );
  }

  /** The oldest prediction that the server may have raised as this event, at another tick. */
  #near(event: RaisedEvent, subject: number): Predicted | undefined {
    const { tick } = event;
    return this.#predicted.find(
      (one) => alike(one, event, subject) && tick - one.tick <= this.#reach && one.tick - tick <= this.#early,
    );
  }

  #confirm(predicted: Predicted, { tick }: RaisedEvent): void {
    this.#remove(predicted);
    if (tick > predicted.first) this.stats.confirmedLate++;
    this.#decide(predicted, 'confirmed');
  }

  /** What the server has settled without raising it did not happen. Not before the replay is over: it may turn up in a later tick. */
  #judge(): void {
    if (this.#predicted.length === 0 || this.#simulated < this.#newest || this.#newest <= this.#settled)
      return;
    if (this.replaying) return;
    for (const predicted of [...this.#predicted]) {
      if (predicted.tick + this.#grace > this.#settled) continue;
      this.#remove(predicted);
      const heard = this.#settled - predicted.tick <= this.#type(predicted.event).life;
      this.#decide(predicted, heard ? 'rejected' : 'unknown');
    }
  }

  #decide(predicted: Predicted, verdict: EventVerdict): void {
    this.stats[verdict]++;
    if (predicted.shown) this.#out({ type: 'event-settled', id: predicted.id, verdict });
    // Confirmed before a frame could show it: the next one shows it as what it is.
    else if (verdict === 'confirmed') this.#wait(predicted.event);
  }

  #show(event: RaisedEvent, id: number): void {
    const read = this.#read[event.type] as ReturnType<typeof eventReader>;
    this.#out({
      type: 'event',
      name: this.#type(event).name,
      fields: read(event.words, this.#entity),
      tick: event.tick,
      owner: event.owner,
      predicted: id > 0,
      id,
    });
  }

  #wait(event: RaisedEvent): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#waiting.shift();
      this.stats.dropped++;
    }
    this.#waiting.push(event);
  }

  #isKnown(event: RaisedEvent, subject: number): boolean {
    return this.#known.some(
      (one) =>
        one.tick === event.tick &&
        one.index === event.index &&
        one.type === event.type &&
        one.owner === event.owner &&
        subjectOf(this.#type(one), one.words) === subject,
    );
  }

  /** Remembers a key for as long as a copy of it may still come. */
  #know(event: RaisedEvent): void {
    this.#known.push(event);
    if (this.#known.length <= MAX_KNOWN / 2) return;
    const oldest = this.#settled - this.#maxLife - MOST_LATE_SNAPSHOTS * this.#schema.ticksPerSnapshot;
    this.#known = this.#known.filter(({ tick }) => tick >= oldest);
    if (this.#known.length > MAX_KNOWN) this.#known.shift();
  }

  #remove(predicted: Predicted): void {
    this.#predicted.splice(this.#predicted.indexOf(predicted), 1);
  }
}

const alike = (one: Predicted, event: RaisedEvent, subject: number): boolean =>
  one.event.type === event.type && one.event.owner === event.owner && one.subject === subject;
