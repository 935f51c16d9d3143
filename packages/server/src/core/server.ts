/**
 * The authoritative server as a sans-IO core: bytes, time and randomness come in, datagrams and events go out.
 * One core serves one room; the shells bring sockets and the clock.
 */

import {
  AWAY_AFTER_MS,
  assert,
  CLIENT_PACKET,
  type CloseReason,
  CommandSampler,
  checkBudget,
  cleanName,
  DEFAULT_UPLOAD_BYTES,
  decodeBye,
  decodeHello,
  decodeMessage,
  decodeProbe,
  encodeBye,
  encodeMessage,
  encodeRefused,
  encodeWelcome,
  type Game,
  type HeldRow,
  type Hello,
  HIDDEN_AWAY_AFTER_MS,
  heldRows,
  helloNonce,
  hex,
  MAX_DATAGRAM_BYTES,
  MAX_OPTIONS_BYTES,
  type Millis,
  type Nonce,
  Outbox,
  packPayload,
  type RefusalCode,
  type RoomInput,
  type SavedWorld,
  type Shape,
  type SnapshotCodec,
  SnapshotEncoder,
  TOKEN_BYTES,
  type Transfer,
  type TransferOptions,
  WIRE_OVERHEAD_BYTES,
} from '@tickwire/netcode/internal';
import { CodecChoice } from './codec-choice.ts';
import { count, type DatagramRefusal, newCounters } from './counters.ts';
import { RoomEvents } from './events.ts';
import { RoomInterest } from './interest.ts';
import { Lane } from './lane.ts';
import { Link } from './link.ts';
import { RelayDesk } from './relays.ts';
import { RequestDesk } from './requests.ts';
import { Room } from './room.ts';
import { Seats } from './seats.ts';
import { type BudgetOptions, Session } from './session.ts';
import type { Bot, SeatBudget, ServerCoreOptions, ServerEvent, ServerStats } from './types.ts';

/** Steps in one `advance`. What is more is dropped, so that a stall is not followed by a burst. */
const MAX_STEPS = 8;

/** A tick run later than this says that the process stood still. What it reads then, and for a moment after, arrived earlier than that. */
const LATE_MS = 30;
const LATE_REST_MS = 20;

/** A connection without a session, and a session without a packet, are given up after this long: a hello is cheap to send. */
const JOIN_MS = 10_000;

/** Hellos turned away on one connection before it is closed. An honest page needs two: its old seat is gone, then it joins anew. */
const MAX_REFUSALS = 8;

/** Messages of one session that enter a tick. More wait, and then hold back the stream that sends them. */
const MESSAGES_PER_TICK = 32;

const GRACE_MS = 60_000;
const MAX_BYTES_PER_SECOND = 128_000;

const GOODBYES = 3;
const GOODBYE_BYTES = 2;
const ROOM_NAME = 'main';

interface BotSeat<S extends Shape> {
  readonly bot: Bot<S>;
  readonly sampler: CommandSampler;
}

export class ServerCore<S extends Shape = Shape> {
  readonly game: Game<S>;
  readonly room: Room<S>;
  readonly counters = newCounters();
  readonly #entropy: () => number;
  readonly #graceMs: number;
  readonly #budget: BudgetOptions;
  readonly #seats: Seats;
  readonly #links = new Map<number, Link>();
  readonly #sessions = new Map<number, Session>();
  readonly #bySession = new Map<string, Session>();
  readonly #byConnection = new Map<number, Session>();
  readonly #bots = new Map<number, BotSeat<S>>();
  readonly #encoder: SnapshotEncoder;
  readonly #choice: CodecChoice;
  /** Undefined when the game relays no commands. */
  readonly #relays: RelayDesk<S> | undefined;
  #codec: SnapshotCodec = 'small';
  readonly #interest: RoomInterest<S>;
  readonly #raised: RoomEvents;
  readonly #outbox = new Outbox();
  readonly #events: ServerEvent[] = [];
  readonly #desk: RequestDesk<S>;
  readonly #lane = new Lane();
  readonly #transferBytes: number;
  readonly #welcomeOptions: Uint8Array;
  #inputs: RoomInput[] = [];
  /** Time of tick 0. */
  #epoch: Millis;
  /** Until then, what arrives may have waited for this process: how early it came is not known. */
  #lateUntil: Millis = -Infinity;
  #draining = false;
  /** Messages that could not be packed are named once. */
  readonly #warned = new Set<string>();
  #substitutedBefore = 0;
  #deferredBefore = 0;

  constructor(game: Game<S>, options: ServerCoreOptions<S>) {
    this.game = game;
    const { maxPlayers = game.schema.maxPlayers } = options;
    assert(
      maxPlayers >= 1 && maxPlayers <= game.schema.maxPlayers,
      `maxPlayers must be 1..${game.schema.maxPlayers}, the game's own limit; got ${maxPlayers}`,
    );
    this.#entropy = options.entropy;
    this.#graceMs = options.graceMs ?? GRACE_MS;
    this.#budget = {
      maxBytesPerSecond: options.maxBytesPerSecond ?? MAX_BYTES_PER_SECOND,
      overheadBytes: options.overheadBytes ?? WIRE_OVERHEAD_BYTES,
    };
    checkBudget(this.#budget.maxBytesPerSecond, this.#budget.overheadBytes);
    this.#seats = new Seats(maxPlayers);
    this.#epoch = options.now;
    const roomOptions = { ...(game.definition.options ?? {}), ...(options.options ?? {}) } as S['options'];
    const seed = (options.seed ?? options.entropy()) >>> 0;
    this.#welcomeOptions = packPayload({ seed, options: roomOptions });
    assert(
      this.#welcomeOptions.length <= MAX_OPTIONS_BYTES,
      `the room's options take ${this.#welcomeOptions.length} bytes when packed, at most ${MAX_OPTIONS_BYTES} are sent; keep large data in the game`,
    );
    this.room = new Room(game, {
      seed,
      options: roomOptions,
      development: options.development ?? false,
      record: options.record ?? false,
      trace: options.trace ?? false,
    });
    this.#interest = new RoomInterest(game, this.room);
    this.#relays = game.schema.relays ? new RelayDesk(game, this.#interest) : undefined;
    const { tickRate, snapshotRate } = game.schema;
    this.#choice = new CodecChoice(options.codec ?? 'auto', tickRate, snapshotRate);
    this.#encoder = new SnapshotEncoder(game.schema, this.room.history, this.#interest);
    this.#raised = new RoomEvents(
      game as unknown as Game,
      this.#interest,
      (tick) => this.#encoder.frameAt(tick),
      this.counters.events,
    );
    this.room.simulation.events = this.#raised;
    if (this.room.rewind !== undefined)
      this.room.rewind.holdings = {
        held: (seat, of) => this.#sessions.get(seat)?.heldAt(of),
        frame: (of) => this.#encoder.frameAt(of),
      };
    this.#transferBytes = options.transferBytes ?? DEFAULT_UPLOAD_BYTES;
    this.#desk = new RequestDesk<S>(game, options.answers ?? {}, this.counters, (message) =>
      this.#events.push({ type: 'warning', message }),
    );
  }

  get tick(): number {
    return this.room.tick;
  }

  open(now: Millis, connection: number): void {
    this.#links.set(connection, new Link(connection, now));
  }

  closed(_now: Millis, connection: number): void {
    this.#links.delete(connection);
    const session = this.#byConnection.get(connection);
    if (session?.link?.connection === connection) session.link = undefined;
    this.#byConnection.delete(connection);
  }

  /** Bytes that the transport of a connection has not yet sent. Tell before `advance`. */
  setBuffered(connection: number, bytes: number): void {
    const link = this.#links.get(connection);
    if (link !== undefined) link.buffered = bytes;
  }

  receive(now: Millis, connection: number, bytes: Uint8Array): void {
    this.counters.datagramsIn++;
    this.counters.bytesIn += bytes.length;
    const verdict = this.#receive(now, connection, bytes);
    if (verdict === 'ok') this.counters.accepted++;
    else count(this.counters.refused, verdict);
  }

  /** Runs every tick that is due. After a stall at most 8; the rest is dropped and reported. */
  advance(now: Millis): void {
    if (this.#isLate(now)) this.#lateUntil = now + LATE_REST_MS;
    for (let steps = 0; this.#timeOf(this.tick + 1) <= now; steps++) {
      if (steps === MAX_STEPS) {
        const behind = Math.floor((now - this.#timeOf(this.tick)) / this.game.schema.tickMs);
        this.#epoch += behind * this.game.schema.tickMs;
        this.counters.ticksDropped += behind;
        this.#choice.overran(this.tick);
        this.#events.push({ type: 'overrun', ticks: behind });
        break;
      }
      this.#step(now);
    }
    this.#judgePresence(now);
    this.#sendProbes(now);
  }

  pollDatagram(): { connection: number; bytes: Uint8Array } | undefined {
    const bytes = this.#outbox.poll();
    if (bytes === undefined) return undefined;
    this.counters.datagramsOut++;
    this.counters.bytesOut += bytes.length;
    return { connection: this.#outbox.to, bytes };
  }

  pollEvent(): ServerEvent | undefined {
    return this.#events.shift();
  }

  nextWakeup(): Millis {
    return this.#timeOf(this.tick + 1);
  }

  /** Seats a bot; its commands enter through the same log as everybody's. Gives its seat. */
  addBot(bot: Bot<S>): number {
    const seat = this.#seats.take(this.tick);
    assert(
      seat !== undefined,
      `no seat is free for the bot "${bot.name}"; raise the game's maxPlayers or add fewer bots`,
    );
    const sampler = new CommandSampler(this.game.schema.command, this.room.simulation.core);
    this.#bots.set(seat, { bot, sampler });
    this.#inputs.push({ type: 'join', seat, name: bot.name });
    return seat;
  }

  removeBot(seat: number): void {
    if (!this.#bots.delete(seat)) return;
    this.#inputs.push({ type: 'leave', seat });
    this.#seats.free(seat, this.tick);
  }

  /**
   * Sends something large to one player: map data, a replay. It moves beside play, in what snapshots leave free and a few
   * datagrams of its own. `bytes` are not copied and must not change until it is over; the same ones may go to everybody.
   */
  transfer(seat: number, name: string, bytes: Uint8Array, options: TransferOptions = {}): Transfer {
    const session = this.#sessions.get(seat);
    assert(
      session !== undefined,
      `seat ${seat} has no page to send to; transfer after the event "joined", and not to bots`,
    );
    return session.channels.transfers.send(name, bytes, options.priority);
  }

  get botSeats(): readonly number[] {
    return [...this.#bots.keys()];
  }

  /** Ends a player's session now. */
  kick(seat: number, reason: CloseReason = 'kicked'): void {
    const session = this.#sessions.get(seat);
    if (session !== undefined) this.#end(session, reason);
  }

  /** Lets nobody in any more and says goodbye to everybody. */
  shutdown(_now: Millis): void {
    this.#draining = true;
    for (const session of [...this.#sessions.values()]) this.#end(session, 'shutdown');
  }

  /** The session of a seat, for instruments and admin tools. */
  session(seat: number): Session | undefined {
    return this.#sessions.get(seat);
  }

  /** The rows of a table that a client holds once it has applied the snapshot of `tick`; undefined when that is forgotten. For tests of [S3]. */
  heldRows(seat: number, tick: number, table: number): HeldRow[] | undefined {
    const held = this.#sessions.get(seat)?.heldAt(tick);
    return held === undefined ? undefined : heldRows(held, table, { get: (of) => this.#encoder.frameAt(of) });
  }

  /** The recording so far, for `tickwire trace`; undefined unless the option `trace` was given. */
  trace(): Uint8Array | undefined {
    return this.room.recorder?.bytes();
  }

  stats(): ServerStats {
    let substituted = this.#substitutedBefore;
    let deferredRows = this.#deferredBefore;
    const budgets: SeatBudget[] = [];
    for (const session of this.#sessions.values()) {
      substituted += session.commands.stats.substituted;
      deferredRows += session.deferredRows;
      budgets.push({ seat: session.seat, ...session.budget });
    }
    return {
      tick: this.tick,
      players: this.#sessions.size,
      bots: this.#bots.size,
      connections: this.#links.size,
      entities: this.room.simulation.core.entityCount,
      counters: this.counters,
      substituted,
      deferredRows,
      codec: this.#codec,
      relays: this.#relays?.stats,
      budgets,
    };
  }

  #timeOf(tick: number): Millis {
    return this.#epoch + tick * this.game.schema.tickMs;
  }

  #isLate(now: Millis): boolean {
    return now - this.#timeOf(this.tick + 1) > LATE_MS;
  }

  /** Ticks until `tick` runs, NaN when this process stood still and cannot tell [C4]. */
  #ticksUntil(now: Millis, tick: number): number {
    if (now < this.#lateUntil || this.#isLate(now)) return Number.NaN;
    return (this.#timeOf(tick) - now) / this.game.schema.tickMs;
  }

  #receive(now: Millis, connection: number, bytes: Uint8Array): 'ok' | DatagramRefusal {
    const link = this.#links.get(connection);
    if (link === undefined) return 'unknown-connection';
    if (link.closing) return 'closed-connection';
    if (bytes.length === 0) return 'empty';
    if (bytes.length > MAX_DATAGRAM_BYTES) return 'oversized';
    switch (bytes[0]) {
      case CLIENT_PACKET:
        return this.#receivePacket(now, link, bytes);
      case HELLO:
        return this.#receiveHello(now, link, bytes);
      case BYE:
        return this.#receiveBye(link, bytes);
      case PROBE:
        return this.#receiveProbe(now, link, bytes);
      default:
        return 'unknown-kind';
    }
  }

  #receivePacket(now: Millis, link: Link, bytes: Uint8Array): 'ok' | DatagramRefusal {
    const session = this.#byConnection.get(link.connection);
    if (session === undefined || session.link !== link) return 'no-session';
    const verdict = session.receive(now, link, bytes, this.tick + 1, (tick) => this.#ticksUntil(now, tick));
    if (verdict !== 'ok') {
      if (session.channels.broken) this.#end(session, 'protocol-error');
      return verdict;
    }
    this.#heard(now, link, session);
    if (session.channels.broken) this.#end(session, 'protocol-error');
    return 'ok';
  }

  #receiveHello(now: Millis, link: Link, bytes: Uint8Array): 'ok' | DatagramRefusal {
    const hello = decodeHello(bytes);
    if (typeof hello === 'string') {
      const nonce = helloNonce(bytes);
      if (nonce === undefined) return hello;
      if (hello === 'version')
        this.#refuse(
          link,
          nonce,
          'version',
          'This page speaks another version of the protocol than the server. Reload the page.',
        );
      if (hello === 'bad-name')
        this.#refuse(
          link,
          nonce,
          'bad-name',
          'That name has characters that cannot be shown. Choose another.',
        );
      return hello;
    }
    link.heard(now);
    const session = this.#admit(now, link, hello);
    if (session !== undefined) this.#welcome(now, link, session);
    return 'ok';
  }

  /** The session that this hello is for, taken up or new; undefined when it was refused. */
  #admit(now: Millis, link: Link, hello: Hello): Session | undefined {
    const { nonce } = hello;
    const current = this.#byConnection.get(link.connection);
    if (current !== undefined && current.link === link) {
      // One connection is one session: a hello repeated because its answer was lost is answered again, any other is ignored.
      return sameNonce(current.nonce, nonce) ? current : undefined;
    }
    const { hash } = this.game.schema;
    if (hello.schemaHash[0] !== hash[0] || hello.schemaHash[1] !== hash[1]) {
      return this.#refuse(
        link,
        nonce,
        'schema',
        'This page and the server are from different builds of the game. Reload the page.',
      );
    }
    if (hello.room !== '' && hello.room !== ROOM_NAME)
      return this.#refuse(link, nonce, 'room-unknown', `There is no room "${hello.room}" here.`);
    if (this.#draining)
      return this.#refuse(link, nonce, 'draining', 'The server is shutting down. Try again in a minute.');
    if (hello.token !== undefined) {
      const known = this.#bySession.get(hex(hello.token));
      if (known === undefined)
        return this.#refuse(link, nonce, 'token-invalid', 'That seat is no longer held. Join again.');
      this.#resume(now, link, known, nonce);
      return known;
    }
    return this.#seatNew(now, link, hello);
  }

  #resume(now: Millis, link: Link, session: Session, nonce: Nonce): void {
    session.resumed = true;
    session.continues = sameNonce(session.nonce, nonce);
    if (!session.continues) {
      this.#abandonTransfers(session);
      session.restart(nonce);
    }
    const former = session.link;
    if (former !== undefined) {
      this.#goodbye(former, 'replaced');
      for (let i = 0; i < GOODBYES; i++) session.charge(now, GOODBYE_BYTES);
    }
    session.attach(link);
    this.#byConnection.set(link.connection, session);
    this.#heard(now, link, session);
    this.#events.push({ type: 'joined', seat: session.seat, name: session.name, resumed: true });
  }

  #seatNew(now: Millis, link: Link, hello: Hello): Session | undefined {
    const seat = this.#seats.take(this.tick);
    if (seat === undefined)
      return this.#refuse(
        link,
        hello.nonce,
        'full',
        'Every seat of this room is taken. Try again in a minute.',
      );
    const session = new Session(
      this.game as unknown as Game,
      seat,
      cleanName(hello.name) || `Player ${seat}`,
      this.#newToken(),
      hello.nonce,
      now,
      this.#budget,
      this.#transferBytes,
      this.counters.events,
    );
    session.attach(link);
    this.#sessions.set(seat, session);
    this.#bySession.set(hex(session.token), session);
    this.#byConnection.set(link.connection, session);
    this.#inputs.push({ type: 'join', seat, name: session.name });
    this.#events.push({ type: 'joined', seat, name: session.name, resumed: false });
    return session;
  }

  #welcome(now: Millis, link: Link, session: Session): void {
    const { tickRate, snapshotRate } = this.game.schema;
    this.#answer(
      now,
      link,
      session,
      encodeWelcome({
        nonce: session.nonce,
        seat: session.seat,
        token: session.token,
        resumed: session.resumed,
        continues: session.continues,
        tick: this.tick,
        tickRate,
        snapshotRate,
        options: this.#welcomeOptions,
      }),
    );
  }

  #refuse(link: Link, nonce: Nonce, code: RefusalCode, message: string): undefined {
    count(this.counters.turnedAway, code);
    this.#send(link.connection, encodeRefused({ nonce, code, message }));
    if (++link.refusals >= MAX_REFUSALS) this.#close(link, code);
    return undefined;
  }

  #receiveBye(link: Link, bytes: Uint8Array): 'ok' | DatagramRefusal {
    const bye = decodeBye(bytes);
    if (typeof bye === 'string') return bye;
    const session = this.#byConnection.get(link.connection);
    if (session === undefined || session.link !== link) return 'no-session';
    this.#end(session, 'left');
    return 'ok';
  }

  #receiveProbe(now: Millis, link: Link, bytes: Uint8Array): 'ok' | DatagramRefusal {
    const probe = decodeProbe(bytes);
    if (typeof probe === 'string') return probe;
    link.probeHeard(probe.time);
    const session = this.#byConnection.get(link.connection);
    if (session?.link === link) this.#heard(now, link, session);
    else link.heard(now);
    return 'ok';
  }

  #heard(now: Millis, link: Link, session: Session): void {
    link.heard(now);
    session.lastHeard = now;
    if (!session.away) return;
    session.away = false;
    this.#events.push({ type: 'back', seat: session.seat });
  }

  /** What a session sent enters with the next tick, a bounded number at a time. */
  #takeMessages(session: Session): void {
    for (let taken = 0; taken < MESSAGES_PER_TICK; taken++) {
      const raw = session.channels.receive();
      if (raw === undefined) break;
      if (raw.reliable && session.channels.transfers.take(raw.bytes)) continue;
      if (raw.reliable && this.#desk.isFor(raw.bytes)) {
        const input = this.#desk.take(session, raw.bytes);
        if (input !== undefined) this.#inputs.push(input);
        continue;
      }
      const message = decodeMessage(this.game as unknown as Game, 'client', raw.bytes, raw.reliable);
      if (typeof message === 'string') count(this.counters.messagesRefused, message);
      else this.#inputs.push({ type: 'message', seat: session.seat, ...message });
    }
    this.#takeTransfers(session);
  }

  #takeTransfers({ seat, channels }: Session): void {
    const { transfers } = channels;
    for (let event = transfers.pollEvent(); event !== undefined; event = transfers.pollEvent())
      this.#events.push({ ...event, seat });
  }

  #abandonTransfers(session: Session): void {
    session.channels.transfers.abandon();
    this.#takeTransfers(session);
  }

  #step(now: Millis): void {
    const tick = this.tick + 1;
    this.#noteStatus();
    for (const session of this.#sessions.values()) {
      this.#takeMessages(session);
      if (session.channels.broken) this.#end(session, 'protocol-error');
    }
    const inputs = this.#inputs;
    this.#inputs = [];
    for (const [seat, { bot, sampler }] of this.#bots) {
      if (this.room.simulation.core.player(seat) === undefined) continue;
      sampler.sample(bot.think(this.room.world, seat, tick) as Readonly<Record<string, unknown>>);
      const words = new Int32Array(this.game.schema.command.words);
      sampler.copyTo(words, 0);
      inputs.push({ type: 'command', seat, words: [...words] });
      this.#relays?.ran(tick, seat, words);
    }
    for (const session of this.#sessions.values()) {
      const words = session.commands.take(tick);
      if (words === undefined) continue;
      inputs.push(this.#commandOf(session, tick, words));
      this.#relays?.ran(tick, session.seat, words);
    }
    for (const out of this.room.run(inputs)) this.#deliver(out.seat, out.name, out.payload);
    for (const { seat, id, name, outcome } of this.room.answers)
      this.#desk.answer(this.#sessions.get(seat), name, id, outcome);
    this.counters.messagesFailed = this.room.failedMessages;
    for (const message of this.room.simulation.warnings.splice(0))
      this.#events.push({ type: 'warning', message });
    if (tick % this.game.schema.ticksPerSnapshot === 0) this.#snapshots(now, this.room.keep());
    this.#lane.run(
      now,
      tick,
      this.game.schema.ticksPerSnapshot,
      this.#sessions.values(),
      (connection, bytes) => this.#send(connection, bytes),
    );
  }

  #commandOf(session: Session, tick: number, words: Int32Array): RoomInput {
    const command = { type: 'command', seat: session.seat, words: [...words] } as const;
    const view = session.takeView(tick, this.counters);
    return view === undefined ? command : { ...command, view: [view.time, view.older, view.newer] };
  }

  /** Who sees what comes first: it says how much there is to write, and so which codec there is time for. */
  #snapshots(now: Millis, world: SavedWorld): void {
    let rows = 0;
    for (const { viewer, events } of this.#sessions.values()) {
      this.#interest.look(viewer);
      rows += this.#encoder.rowsFor(viewer, world);
      this.#raised.tell(world.tick, viewer, events);
    }
    this.#raised.clear();
    this.#codec = this.#choice.choose(rows, world.tick);
    this.#relays?.prepare(world.tick, (seat) => this.#sessions.get(seat)?.commands);
    for (const session of this.#sessions.values()) this.#snapshot(now, session);
  }

  /** Presence enters the room through the log, so that rules may use it. */
  #noteStatus(): void {
    for (const session of this.#sessions.values()) {
      const row = this.room.simulation.core.player(session.seat) as unknown as { status: string } | undefined;
      const status = session.away ? 'away' : session.hidden ? 'hidden' : 'present';
      if (row !== undefined && row.status !== status)
        this.#inputs.push({ type: 'status', seat: session.seat, status });
    }
  }

  #deliver(seat: number, name: string, payload: unknown): void {
    const encoded = this.#encode(name, payload);
    if (encoded === undefined) return;
    const { bytes, reliable } = encoded;
    const to = seat === 0 ? [...this.#sessions.values()] : [this.#sessions.get(seat)];
    for (const session of to) {
      if (session === undefined) {
        if (!this.#bots.has(seat)) this.counters.messagesLost++;
        continue;
      }
      const queued = reliable ? session.channels.sendReliable(bytes) : session.channels.sendUnreliable(bytes);
      if (!queued) this.counters.messagesLost++;
    }
  }

  /** A rule may pass on what a player sent, and that may be more than a message can hold: it is lost, the room goes on. */
  #encode(name: string, payload: unknown): { bytes: Uint8Array; reliable: boolean } | undefined {
    try {
      return encodeMessage(this.game as unknown as Game, 'server', name, payload);
    } catch (error) {
      this.counters.messagesLost++;
      if (!this.#warned.has(name)) this.#events.push({ type: 'warning', message: String(error) });
      this.#warned.add(name);
      return undefined;
    }
  }

  #snapshot(now: Millis, session: Session): void {
    const { link } = session;
    if (link === undefined) return;
    link.congestion.held(now, link.buffered);
    if (link.buffered > 0) session.channels.transfers.buffered(now);
    if (link.gated(now) || (session.hidden && link.credit <= 0)) {
      this.#skipped(session);
      return;
    }
    const allowance = link.buffered > 0 ? 0 : session.allowance(now, link);
    if (allowance > 0) {
      link.credit = 0;
      const room = this.room as unknown as Room;
      const relays = this.#relays as RelayDesk | undefined;
      this.#send(
        link.connection,
        session.packet(now, link, room, this.#encoder, this.#codec, allowance, relays),
      );
      return;
    }
    if (link.buffered > 0) this.#skipped(session);
    else {
      session.snapshotsThrottled++;
      this.counters.snapshotsThrottled++;
    }
    if (!session.owesWord(now)) return;
    link.credit = 0;
    this.#send(link.connection, session.barePacket(now, link, this.tick));
  }

  #skipped(session: Session): void {
    session.snapshotsSkipped++;
    this.counters.snapshotsSkipped++;
  }

  #sendProbes(now: Millis): void {
    for (const session of this.#sessions.values()) {
      if (session.link === undefined || !session.link.gated(now)) continue;
      const probe = session.link.probe(now);
      if (probe === undefined || !session.charge(now, probe.length)) continue;
      this.counters.probesSent++;
      this.#send(session.link.connection, probe);
    }
  }

  /** Silence makes a session away; only its grace running out ends it [X1]. */
  #judgePresence(now: Millis): void {
    for (const session of [...this.#sessions.values()]) {
      const silence = now - session.lastHeard;
      if (!session.away && silence >= (session.hidden ? HIDDEN_AWAY_AFTER_MS : AWAY_AFTER_MS)) {
        session.away = true;
        session.awaySince = now;
        this.#events.push({ type: 'away', seat: session.seat });
      }
      const nobody = !session.confirmed && now - session.since >= JOIN_MS;
      if (nobody || (session.away && now - session.awaySince >= this.#graceMs))
        this.#end(session, 'timed-out');
    }
    for (const link of this.#links.values()) {
      if (!link.closing && !this.#byConnection.has(link.connection) && now - link.openedAt >= JOIN_MS)
        this.#close(link, 'timed-out');
    }
  }

  #end(session: Session, reason: CloseReason): void {
    const { link, seat } = session;
    if (link !== undefined) this.#goodbye(link, reason);
    // What it said last counts.
    this.#takeMessages(session);
    this.#abandonTransfers(session);
    this.#substitutedBefore += session.commands.stats.substituted;
    this.#deferredBefore += session.deferredRows;
    this.#sessions.delete(seat);
    this.#interest.forget(session.viewer);
    this.#bySession.delete(hex(session.token));
    this.#inputs.push({ type: 'leave', seat });
    this.#seats.free(seat, this.tick);
    this.#events.push({ type: 'left', seat, reason });
  }

  /** The connection carries no session any more. */
  #goodbye(link: Link, reason: CloseReason): void {
    // Three copies: the channel may lose one, and there is no later packet to repeat it in. The cap keeps room for them.
    if (reason !== 'left') for (let i = 0; i < GOODBYES; i++) this.#send(link.connection, encodeBye(reason));
    this.#byConnection.delete(link.connection);
    this.#close(link, reason);
  }

  #close(link: Link, reason: CloseReason | RefusalCode): void {
    link.closing = true;
    this.#events.push({ type: 'close-connection', connection: link.connection, reason });
  }

  /** A datagram that is no packet, as far as the client's cap has room. */
  #answer(now: Millis, link: Link, session: Session, bytes: Uint8Array): void {
    if (session.charge(now, bytes.length)) this.#send(link.connection, bytes);
    else this.counters.answersThrottled++;
  }

  #send(connection: number, bytes: Uint8Array): void {
    this.#outbox.push(connection, bytes, bytes.length);
  }

  #newToken(): Uint8Array {
    const token = new Uint8Array(TOKEN_BYTES);
    for (let i = 0; i < TOKEN_BYTES; i += 4) new DataView(token.buffer).setUint32(i, this.#entropy() >>> 0);
    return token;
  }
}

const HELLO = 1;
const BYE = 6;
const PROBE = 7;

const sameNonce = (a: Nonce, b: Nonce): boolean => a[0] === b[0] && a[1] === b[1];
