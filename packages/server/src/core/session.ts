/** The server's record of one player, across connections: seat, commands, baselines and message streams. */

import {
  BASELINE_BITS,
  BASELINE_WINDOW,
  BitReader,
  BitWriter,
  CLIENT_PACKET,
  COMMAND_COUNT_BITS,
  type Game,
  type GameSchema,
  HeldSet,
  History,
  MAX_COMMANDS,
  MAX_DATAGRAM_BYTES,
  MessageChannels,
  type Millis,
  type Nonce,
  readCommand,
  readHeader,
  SERVER_PACKET,
  type Seq,
  type SnapshotEncoder,
  seqDelta,
  writeControls,
  writeHeader,
  writeSlackReport,
} from '@tickwire/netcode/internal';
import { CommandQueue } from './commands.ts';
import type { Link } from './link.ts';
import type { Room } from './room.ts';

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
  /** Entity rows that had to wait for room, over all snapshots. */
  deferredRows = 0;
  readonly #schema: GameSchema;
  readonly #sent: History<HeldSet>;
  #previous: HeldSet | undefined;
  #baseline: HeldSet | undefined;
  #ackSeq: Seq | undefined;
  /** Newest command tick that ever arrived. */
  #newestSeen = -1;
  readonly #reader = new BitReader();
  readonly #words: Int32Array;
  readonly #packet = new Uint8Array(MAX_DATAGRAM_BYTES);
  readonly #writer = new BitWriter(this.#packet);

  /** `transferBytes`: what the client's transfers may hold here at a time. */
  constructor(
    game: Game,
    seat: number,
    name: string,
    token: Uint8Array,
    nonce: Nonce,
    now: Millis,
    transferBytes: number,
  ) {
    this.#schema = game.schema;
    this.#transferBytes = transferBytes;
    this.channels = new MessageChannels(transferBytes);
    this.seat = seat;
    this.name = name;
    this.token = token;
    this.nonce = nonce;
    this.lastHeard = now;
    this.since = now;
    this.commands = new CommandQueue(game.schema.command, game.schema.tickRate);
    // Keys are snapshot numbers (tick / ticksPerSnapshot), so the ring has no holes.
    this.#sent = new History(BASELINE_WINDOW + 1);
    this.#words = new Int32Array((MAX_COMMANDS + 1) * game.schema.command.words);
  }

  /** Another page, or a page loaded again, speaks for this seat: it holds nothing and has read nothing. */
  restart(nonce: Nonce): void {
    this.nonce = nonce;
    this.channels = new MessageChannels(this.#transferBytes);
    this.asked = new Map();
    this.commands.forget();
    this.#baseline = undefined;
    this.#previous = undefined;
    this.#newestSeen = -1;
  }

  attach(link: Link): void {
    this.link = link;
    this.#ackSeq = undefined;
    this.channels.resetFlight();
  }

  /** What the server remembers as held by the client after the snapshot of `tick`. For tests of [S3]. */
  heldAt(tick: number): HeldSet | undefined {
    const held = this.#sent.get(tick / this.#schema.ticksPerSnapshot);
    return held?.tick === tick ? held : undefined;
  }

  /** Tick of the baseline that the next snapshot names, -1 for the empty one. */
  get baselineTick(): number {
    return this.#baseline?.tick ?? -1;
  }

  /** Checks and applies a client's packet. Nothing changes unless all of it is well formed. */
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
    this.#readCommands(r, count);
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
    link.acks.acknowledged(now, header.ack, header.ackBits, header.ackDelayMs, (seq) =>
      this.channels.acked(seq),
    );
    this.#takeAck(header.seq, ackTick, hidden);
    this.#takeCommands(newest, count, nextTick, ticksUntil);
    return 'ok';
  }

  /** Writes the packet with the snapshot of the room's tick. The bytes are valid until the next call. */
  packet(now: Millis, link: Link, room: Room, encoder: SnapshotEncoder): Uint8Array {
    const w = this.#writer;
    w.reset();
    const { tick } = room;
    const seq = link.acks.next(now, tick);
    writeHeader(w, SERVER_PACKET, seq, link.acks.header(now));
    w.write(tick, 32);
    writeSlackReport(w, tick, this.commands.takeReport());
    const saved = room.history.get(tick);
    w.write(saved === undefined ? 0 : 1, 1);
    if (saved !== undefined) this.#writeSnapshot(w, now, link, room, encoder);
    const length = w.finish();
    const messages = this.channels.fill(
      now,
      seq,
      MAX_DATAGRAM_BYTES - length,
      this.#packet,
      length,
      link.acks,
    );
    return this.#packet.subarray(0, length + messages);
  }

  /** Writes a packet of at most `maxBytes` without a snapshot, for what transfers are owed beside play. Valid until the next call. */
  lanePacket(now: Millis, link: Link, tick: number, maxBytes = MAX_DATAGRAM_BYTES): Uint8Array {
    const w = this.#writer;
    w.reset();
    const seq = link.acks.next(now, tick);
    writeHeader(w, SERVER_PACKET, seq, link.acks.header(now));
    w.write(tick, 32);
    w.write(0, 1); // no report of slack
    w.write(0, 1); // no snapshot
    const length = w.finish();
    const room = maxBytes - length;
    return this.#packet.subarray(
      0,
      length + this.channels.fill(now, seq, room, this.#packet, length, link.acks),
    );
  }

  #writeSnapshot(w: BitWriter, now: Millis, link: Link, room: Room, encoder: SnapshotEncoder): void {
    const { ticksPerSnapshot } = this.#schema;
    const world = room.history.get(room.tick);
    if (world === undefined) return;
    const age = this.#baseline === undefined ? 0 : (world.tick - this.#baseline.tick) / ticksPerSnapshot;
    // A baseline that history forgot cannot be named: start again from the empty one.
    if (
      age > BASELINE_WINDOW ||
      (age > 0 && room.history.get(world.tick - age * ticksPerSnapshot) === undefined)
    )
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
    const reserved = Math.min(MESSAGE_SHARE_BYTES, this.channels.wanted(now, link.acks.rtt));
    const number = world.tick / ticksPerSnapshot;
    const into = this.#sent.recycle(number) ?? new HeldSet(this.#schema.rows);
    // A byte is kept back for the padding.
    const budgetBits = (MAX_DATAGRAM_BYTES - reserved - 1) * 8 - w.bitLength;
    encoder.encode(w, {
      world,
      history: room.history,
      baseline,
      previous: this.#previous,
      seat: this.seat,
      budgetBits,
      into,
    });
    this.#sent.set(number, into);
    this.#previous = into;
    this.deferredRows += into.deferred;
    this.snapshotsSent++;
  }

  #readCommands(r: BitReader, count: number): void {
    const { command } = this.#schema;
    const { words } = command;
    this.#words.set(command.neutral, 0);
    for (let i = 1; i <= count && !r.failed; i++)
      readCommand(r, command, this.#words, i * words, this.#words, (i - 1) * words);
  }

  /** Only the newest packet's word counts: an older one that comes late knows less. */
  #takeAck(seq: Seq, tick: number, hidden: boolean): void {
    if (this.#ackSeq !== undefined && seqDelta(seq, this.#ackSeq) <= 0) return;
    this.#ackSeq = seq;
    this.hidden = hidden;
    if (tick < 0) {
      this.#baseline = undefined;
      return;
    }
    const held = this.heldAt(tick);
    if (held !== undefined && tick > this.baselineTick) this.#baseline = held;
  }

  #takeCommands(newest: number, count: number, nextTick: number, ticksUntil: (tick: number) => number): void {
    const { words } = this.#schema.command;
    let oldestNew = -1;
    for (let i = 1; i <= count; i++) {
      const tick = newest - count + i;
      const late = tick < nextTick;
      if (this.commands.add(nextTick, tick, this.#words, i * words) && oldestNew < 0) oldestNew = tick;
      // A late command is news too: it says how late.
      else if (late && oldestNew < 0 && tick > this.#newestSeen) oldestNew = tick;
    }
    if (oldestNew >= 0) this.commands.noteSlack(oldestNew, ticksUntil(oldestNew));
    // A tick out of reach must not silence later news.
    if (count > 0 && newest > this.#newestSeen && newest < nextTick + NEWS_AHEAD_TICKS)
      this.#newestSeen = newest;
  }
}
