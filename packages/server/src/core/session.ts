/** The server's record of one player, across connections: seat, commands, baselines and message streams. */

import {
  BASELINE_BITS,
  BASELINE_WINDOW,
  BitReader,
  BitWriter,
  CLIENT_PACKET,
  COMMAND_COUNT_BITS,
  type CommandView,
  type Game,
  type GameSchema,
  HeldSet,
  History,
  MAX_COMMANDS,
  MAX_DATAGRAM_BYTES,
  MessageChannels,
  MIN_SNAPSHOT_BYTES,
  type Millis,
  type Nonce,
  newView,
  readCommand,
  readHeader,
  readView,
  type SavedWorld,
  SERVER_PACKET,
  SendBudget,
  type Seq,
  type SnapshotCodec,
  type SnapshotEncoder,
  seqDelta,
  Viewer,
  writeControls,
  writeHeader,
  writeSlackReport,
} from '@tickwire/netcode/internal';
import { CommandQueue } from './commands.ts';
import { type EventCounters, OutgoingEvents } from './events.ts';
import type { Link } from './link.ts';
import type { RelayDesk } from './relays.ts';
import type { Room } from './room.ts';
import { type ViewCounters, ViewQueue } from './views.ts';

/** Why a client's packet was not accepted. */
export type PacketRefusal =
  | 'truncated'
  | 'bad-value'
  | 'bad-ack'
  | 'duplicate-packet'
  | 'bad-padding'
  | 'bad-messages';

/** Bytes of a snapshot's datagram that messages may claim when both have much to say. */
const MESSAGE_SHARE_BYTES = 300;

const NEWS_AHEAD_TICKS = 128;

/** A packet without a snapshot or messages. */
const BARE_PACKET_BYTES = 15;

/** A client that gets no snapshot gets at least its acknowledgements this often, before its own gate closes. */
const ACKNOWLEDGE_EVERY_MS = 100;

/** How much a client may get. */
export interface BudgetOptions {
  /** At most this many bytes in any second. */
  readonly maxBytesPerSecond: number;
  /** Counted beside each datagram's own bytes. */
  readonly overheadBytes: number;
}

/** How much a client gets, for operators. */
export interface BudgetStats {
  /** Most bytes in any second, and how many there were in the one up to the newest packet; both with the network's overhead. */
  readonly cap: number;
  readonly sent: number;
  /** Bytes per second that its path takes, as far as is known; the cap where that is lower. */
  readonly rate: number;
  /** Standing queue on the way to it, in ms. */
  readonly queueMs: Millis;
  /** Share of the datagrams to it that are lost, 0..1. */
  readonly loss: number;
  /** Snapshots not sent because cap or path had no room for them. */
  readonly throttled: number;
}

/** A datagram of transfer blocks alone is worth sending from this size on. */
const MIN_LANE_BYTES = 512;

/** Snapshots over which their usual size is taken. */
const TYPICAL_OVER = 16;

export class Session {
  readonly seat: number;
  readonly name: string;
  readonly token: Uint8Array;
  nonce: Nonce;
  link: Link | undefined;
  channels: MessageChannels;
  /** Requests that are not answered yet, by id. A page loaded again has none. */
  asked = new Map<number, string>();
  readonly #transferBytes: number;
  readonly commands: CommandQueue;
  readonly events: OutgoingEvents;
  /** What the player saw with each command; undefined for a game without shapes. */
  readonly #views: ViewQueue | undefined;
  readonly #readViews = Array.from({ length: MAX_COMMANDS + 1 }, newView);
  readonly #wasSent = (tick: number): boolean => this.heldAt(tick) !== undefined;
  /** The seat was this player's before the present connection. */
  resumed = false;
  /** The same client core as before: its streams and baselines go on. */
  continues = false;
  hidden = false;
  away = false;
  /** A packet arrived, so somebody is there: a hello alone is cheap to send. */
  confirmed = false;
  readonly since: Millis;
  /** When bytes came last, over any connection. */
  lastHeard: Millis;
  awaySince: Millis = 0;
  snapshotsSent = 0;
  snapshotsSkipped = 0;
  snapshotsThrottled = 0;
  readonly #budget: SendBudget;
  #lastPacket: Millis = -Infinity;
  /** Entity rows that had to wait for room, over all snapshots. */
  deferredRows = 0;
  /** What of the world this client is shown. */
  readonly viewer: Viewer;
  readonly #schema: GameSchema;
  readonly #sent: History<HeldSet>;
  readonly #sentByTick = { get: (tick: number): HeldSet | undefined => this.heldAt(tick) };
  #previous: HeldSet | undefined;
  /** Usual size of a packet with a snapshot, bytes. */
  #typical = 400;
  #baseline: HeldSet | undefined;
  #ackSeq: Seq | undefined;
  /** Newest command tick that arrived since the client last jumped back. */
  #newestSeen = -1;
  /** Newest command tick of the newest packet. */
  #newestMade = -1;
  readonly #reader = new BitReader();
  readonly #words: Int32Array;
  readonly #packet = new Uint8Array(MAX_DATAGRAM_BYTES);
  readonly #writer = new BitWriter(this.#packet);
  readonly #relays = new BitWriter(new Uint8Array(MAX_DATAGRAM_BYTES));

  /** `transferBytes`: what the client's transfers may hold here at a time. */
  constructor(
    game: Game,
    seat: number,
    name: string,
    token: Uint8Array,
    nonce: Nonce,
    now: Millis,
    budget: BudgetOptions,
    transferBytes: number,
    events: EventCounters,
  ) {
    this.#schema = game.schema;
    this.events = new OutgoingEvents(game.schema, seat, events);
    this.#transferBytes = transferBytes;
    this.channels = new MessageChannels(transferBytes);
    this.seat = seat;
    this.viewer = new Viewer(seat);
    this.name = name;
    this.token = token;
    this.nonce = nonce;
    this.lastHeard = now;
    this.since = now;
    this.commands = new CommandQueue(game.schema.command, game.schema.tickRate);
    if (game.schema.shapes !== undefined) this.#views = new ViewQueue(game.schema);
    // Keys are snapshot numbers (tick / ticksPerSnapshot), so the ring has no holes.
    this.#sent = new History(BASELINE_WINDOW + 1);
    const { tickMs, ticksPerSnapshot } = game.schema;
    this.#budget = new SendBudget({ ...budget, now, intervalMs: tickMs * ticksPerSnapshot });
    this.#words = new Int32Array((MAX_COMMANDS + 1) * game.schema.command.words);
  }

  /** Another page, or a page loaded again, speaks for this seat: it holds nothing and has read nothing. */
  restart(nonce: Nonce): void {
    this.nonce = nonce;
    this.channels = new MessageChannels(this.#transferBytes);
    this.asked = new Map();
    this.commands.forget();
    this.events.clear();
    this.#views?.forget();
    this.#baseline = undefined;
    this.#previous = undefined;
    this.#sent.clear();
    this.#newestSeen = -1;
    this.#newestMade = -1;
  }

  attach(link: Link): void {
    this.link = link;
    this.#ackSeq = undefined;
    this.channels.resetFlight();
    this.events.resetFlight();
  }

  /** What the server remembers as held by the client after the snapshot of `tick`. For tests of [S3]. */
  heldAt(tick: number): HeldSet | undefined {
    const held = this.#sent.get(tick / this.#schema.ticksPerSnapshot);
    return held?.tick === tick ? held : undefined;
  }

  /** What the player saw with the command that runs in `tick`, as far as it may count. Valid until the next call. */
  takeView(tick: number, counters: ViewCounters): CommandView | undefined {
    return this.#views?.take(tick, this.#wasSent, counters);
  }

  /** Tick of the baseline that the next snapshot names, -1 for the empty one. */
  get baselineTick(): number {
    return this.#baseline?.tick ?? -1;
  }

  /**
   * Checks and applies a client's packet. Nothing changes unless all of it is well formed. `ticksUntil` says how far off a tick is, or
   * NaN while that says nothing: after the server itself stood still.
   */
  receive(
    now: Millis,
    link: Link,
    bytes: Uint8Array,
    nextTick: number,
    ticksUntil: (tick: number) => number,
  ): 'ok' | PacketRefusal {
    const r = this.#reader.open(bytes, 0, bytes.length);
    if (r.read(8) !== CLIENT_PACKET) return 'bad-value';
    const header = readHeader(r);
    const hidden = r.readBool();
    const ackTick = r.readBool() ? r.read(32) : -1;
    const count = r.read(COMMAND_COUNT_BITS);
    if (count > MAX_COMMANDS) return 'bad-value';
    const newest = count > 0 ? r.read(32) : 0;
    if (count > newest && count > 0) return 'bad-value';
    this.#readCommands(r, newest, count);
    if (!r.align()) return r.failed ? 'truncated' : 'bad-padding';
    if (r.failed) return 'truncated';
    if (!link.acks.validHeader(header.ack, header.ackBits, header.ackDelayMs)) return 'bad-ack';
    if (!link.acks.isNew(header.seq)) {
      link.acks.receivedPacket(now, header.seq);
      return 'duplicate-packet';
    }
    if (this.channels.read(bytes, r.byteOffset, bytes.length) !== 'ok') return 'bad-messages';
    this.confirmed = true;
    link.acks.receivedPacket(now, header.seq);
    link.acks.acknowledged(now, header.ack, header.ackBits, header.ackDelayMs, (seq) => {
      this.channels.acked(seq);
      this.events.acked(seq);
      link.congestion.acked(now, seq);
    });
    link.congestion.measure(now, link.acks, this.#budget.cap, this.channels.transfers.probing);
    const isNewest = this.#ackSeq === undefined || seqDelta(header.seq, this.#ackSeq) > 0;
    if (isNewest) this.#takeAck(header.seq, ackTick, hidden);
    if (count > 0 && this.#followsJump(newest, isNewest))
      this.#takeCommands(newest, count, nextTick, ticksUntil);
    return 'ok';
  }

  /** From now on this client gets at most `bytesPerSecond` in any second, the network's overhead included. */
  setCap(bytesPerSecond: number): void {
    this.#budget.cap = bytesPerSecond;
  }

  get budget(): BudgetStats {
    const cap = this.#budget.cap;
    return {
      cap,
      sent: this.#budget.sentLastSecond(this.#lastPacket),
      rate: Math.min(cap, this.link?.congestion.rate ?? cap),
      queueMs: this.link?.congestion.queueMs ?? 0,
      loss: this.link?.acks.loss ?? 0,
      throttled: this.snapshotsThrottled,
    };
  }

  /**
   * Bytes that the next packet may have, messages included; 0 when there is no room for a snapshot of any use beside the messages
   * and events that wait. A packet without a snapshot asks for `least` bytes instead.
   */
  allowance(now: Millis, link: Link, least = this.#least(now, link)): number {
    return this.#budget.allowance(now, link.congestion.rate, least);
  }

  /** Charges a datagram that is not a packet. False: the cap has no room for it, so it must not be sent. */
  charge(now: Millis, bytes: number): boolean {
    if (!this.#budget.fits(now, bytes)) return false;
    this.#budget.spend(now, bytes);
    return true;
  }

  /** The client has heard nothing for so long that it must be told what arrived. */
  owesWord(now: Millis): boolean {
    return now - this.#lastPacket >= ACKNOWLEDGE_EVERY_MS && this.#budget.fits(now, BARE_PACKET_BYTES);
  }

  /** Writes the packet with the snapshot of the room's tick, in at most `allowance` bytes. The bytes are valid until the next call. */
  packet(
    now: Millis,
    link: Link,
    room: Room,
    encoder: SnapshotEncoder,
    codec: SnapshotCodec,
    allowance: number,
    relays?: RelayDesk,
  ): Uint8Array {
    const w = this.#writer;
    const seq = this.#begin(now, link, room.tick);
    writeSlackReport(w, room.tick, this.commands.takeReport());
    const world = room.history.get(room.tick);
    w.write(world === undefined ? 0 : 1, 1);
    if (world !== undefined) {
      const spare = allowance - MIN_SNAPSHOT_BYTES - this.#messageShare(now, link);
      const events = (this.events.prepare(room.tick, Math.max(0, spare)) + 7) >> 3;
      const section = this.#relays;
      section.reset();
      relays?.write(section, this.viewer, allowance * 8, (seat) => encoder.sees(this.viewer, seat));
      const bits = section.bitLength;
      this.#writeSnapshot(w, now, link, room, world, encoder, codec, (allowance - events) * 8 - bits);
      w.append(section, 0, bits);
      this.events.write(w, seq);
    }
    const bytes = this.#end(now, link, seq, allowance, this.#spare(now, link));
    this.#typical += (bytes.length - this.#typical) / TYPICAL_OVER;
    return bytes;
  }

  /**
   * Writes a packet without a snapshot, which only acknowledges. The slack report waits for the next snapshot: the
   * client reads it with that.
   */
  barePacket(now: Millis, link: Link, tick: number): Uint8Array {
    const w = this.#writer;
    const seq = this.#begin(now, link, tick);
    writeSlackReport(w, tick, undefined);
    w.write(0, 1);
    return this.#end(now, link, seq, 0, 0);
  }

  /**
   * Writes a packet for what transfers are owed beside play, with no snapshot, as large as the next snapshots can spare. Undefined
   * when that is too little. Valid until the next call.
   */
  lanePacket(now: Millis, link: Link, tick: number): Uint8Array | undefined {
    const spare = this.#spare(now, link);
    if (spare < MIN_LANE_BYTES) return undefined;
    const w = this.#writer;
    const seq = this.#begin(now, link, tick);
    writeSlackReport(w, tick, undefined);
    w.write(0, 1);
    return this.#end(now, link, seq, spare, spare);
  }

  /** Bytes that transfers may have now: what is left beyond two snapshots of the usual size, or a full one. */
  #spare(now: Millis, link: Link): number {
    const reserve = 2 * (this.#typical + this.#budget.overheadBytes);
    return this.#budget.spare(now, link.congestion.rate, reserve);
  }

  #begin(now: Millis, link: Link, tick: number): Seq {
    const w = this.#writer;
    w.reset();
    const seq = link.acks.next(now, tick);
    writeHeader(w, SERVER_PACKET, seq, link.acks.header(now));
    w.write(tick, 32);
    return seq;
  }

  /** Adds the messages that fit and charges the whole. */
  #end(now: Millis, link: Link, seq: Seq, allowance: number, spare: number): Uint8Array {
    const written = this.#writer.finish();
    const room = Math.max(0, allowance - written);
    const length =
      written +
      this.channels.fill(now, seq, room, this.#packet, written, link.acks, Math.max(0, spare - written));
    this.#lastPacket = now;
    this.#budget.spend(now, length);
    link.congestion.sent(now, seq, length + this.#budget.overheadBytes);
    return this.#packet.subarray(0, length);
  }

  #least(now: Millis, link: Link): number {
    return MIN_SNAPSHOT_BYTES + this.#messageShare(now, link) + this.events.wanted;
  }

  #messageShare(now: Millis, link: Link): number {
    return Math.min(MESSAGE_SHARE_BYTES, this.channels.wanted(now, link.acks.rtt));
  }

  #writeSnapshot(
    w: BitWriter,
    now: Millis,
    link: Link,
    room: Room,
    world: SavedWorld,
    encoder: SnapshotEncoder,
    codec: SnapshotCodec,
    allowanceBits: number,
  ): void {
    const { ticksPerSnapshot } = this.#schema;
    const age = this.#baseline === undefined ? 0 : (world.tick - this.#baseline.tick) / ticksPerSnapshot;
    // A baseline that history forgot cannot be named: start again from the empty one.
    encoder.begin(world);
    if (age > BASELINE_WINDOW || (this.#baseline !== undefined && !encoder.canUse(this.#baseline)))
      this.#baseline = undefined;
    const baseline = this.#baseline;
    w.write(baseline === undefined ? 0 : age, BASELINE_BITS);
    const { controlStride } = room.simulation.core;
    const before = baseline === undefined ? undefined : room.history.get(baseline.tick)?.controls;
    writeControls(
      w,
      world.controls,
      this.seat * controlStride,
      controlStride,
      before,
      this.seat * controlStride,
    );
    const number = world.tick / ticksPerSnapshot;
    const into = this.#sent.recycle(number) ?? new HeldSet(this.#schema.rows);
    // A byte is kept back for the padding.
    const budgetBits = allowanceBits - (this.#messageShare(now, link) + 1) * 8 - w.bitLength;
    encoder.encode(w, {
      world,
      baseline,
      previous: this.#previous,
      viewer: this.viewer,
      budgetBits,
      codec,
      sent: this.#sentByTick,
      into,
    });
    this.#sent.set(number, into);
    this.#previous = into;
    this.deferredRows += into.deferred;
    this.snapshotsSent++;
  }

  #readCommands(r: BitReader, newest: number, count: number): void {
    const { command, ticksPerSnapshot } = this.#schema;
    const views = this.#readViews;
    const { words } = command;
    this.#words.set(command.neutral, 0);
    for (let i = 1; i <= count && !r.failed; i++) {
      readCommand(r, command, this.#words, i * words, this.#words, (i - 1) * words);
      if (this.#views === undefined) continue;
      const before = i === 1 ? undefined : views[i - 1];
      readView(r, views[i] as CommandView, newest - count + i, before, ticksPerSnapshot);
    }
  }

  /** Only the newest packet's word counts: an older one that comes late knows less. */
  #takeAck(seq: Seq, tick: number, hidden: boolean): void {
    this.#ackSeq = seq;
    this.hidden = hidden;
    if (tick < 0) {
      this.#baseline = undefined;
      return;
    }
    const held = this.heldAt(tick);
    if (held !== undefined && tick > this.baselineTick) this.#baseline = held;
  }

  /**
   * Each packet has the newest command that was made, so a newer packet with an older one is from a client that has jumped back, and
   * an older packet with a newer one from before it did. False: these commands are taken back already.
   */
  #followsJump(newest: number, isNewest: boolean): boolean {
    if (!isNewest) return newest <= this.#newestMade;
    if (newest < this.#newestMade) {
      this.commands.takeBack(newest);
      this.#views?.takeBack(newest);
      this.#newestSeen = Math.min(this.#newestSeen, newest - 1);
    }
    this.#newestMade = newest;
    return true;
  }

  #takeCommands(newest: number, count: number, nextTick: number, ticksUntil: (tick: number) => number): void {
    const { words } = this.#schema.command;
    let oldestNew = -1;
    for (let i = 1; i <= count; i++) {
      const tick = newest - count + i;
      const late = tick < nextTick;
      const added = this.commands.add(nextTick, tick, this.#words, i * words);
      if (added) this.#views?.add(tick, this.#readViews[i] as CommandView);
      if (added && oldestNew < 0) oldestNew = tick;
      // A late command is news too: it says how late.
      else if (late && oldestNew < 0 && tick > this.#newestSeen) oldestNew = tick;
    }
    const slack = oldestNew < 0 ? Number.NaN : ticksUntil(oldestNew);
    if (!Number.isNaN(slack)) this.commands.noteSlack(oldestNew, slack);
    // A tick out of reach must not silence later news.
    if (newest > this.#newestSeen && newest < nextTick + NEWS_AHEAD_TICKS) this.#newestSeen = newest;
  }
}
