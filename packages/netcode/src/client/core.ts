/** A client as a sans-IO core: bytes, time and input come in; datagrams, events and the view go out. */

import { assert } from '../base/assert.ts';
import { hex, unhex } from '../base/hex.ts';
import { Rate } from '../base/stats.ts';
import {
  AWAY_AFTER_MS,
  GATE_AFTER_MS,
  MAX_DATAGRAM_BYTES,
  type Millis,
  PROBE_EVERY_MS,
} from '../base/units.ts';
import { PacketAcks } from '../connection/acks.ts';
import {
  type CloseReason,
  cleanName,
  decodeBye,
  decodeProbe,
  decodeRefused,
  decodeWelcome,
  encodeBye,
  encodeHello,
  encodeProbe,
  type Nonce,
  TOKEN_BYTES,
  type Welcome,
} from '../connection/handshake.ts';
import { Outbox } from '../connection/outbox.ts';
import { unpackPayload } from '../connection/payload.ts';
import { DEFAULT_TRANSFER_BYTES, type Transfer, type TransferOptions } from '../connection/transfer.ts';
import type { TransferStats } from '../connection/transfers.ts';
import type { Replica } from '../replication/decode.ts';
import { EventCodec } from '../replication/events.ts';
import {
  CLIENT_PACKET,
  readHeader,
  readSlackReport,
  SERVER_PACKET,
  type SlackReport,
  writeHeader,
} from '../replication/packets.ts';
import { Relays } from '../replication/relays.ts';
import type { Game } from '../simulation/game.ts';
import type { InputOf, PayloadOf, QuestionOf, Shape } from '../simulation/types.ts';
import { ClientRecorder } from '../trace/index.ts';
import { BitReader, BitWriter } from '../wire/bits.ts';
import { OwnCommands, type Trip } from './commands.ts';
import { ClientEvents } from './events.ts';
import { type ClientView, clientView } from './facade.ts';
import { type EntityHealth, Health } from './health.ts';
import { ClientMessages } from './messages.ts';
import { Playback } from './playback.ts';
import { type CorrectionListener, DEFAULT_MAX_REPLAY, LEAST_MAX_REPLAY, Predictor } from './prediction.ts';
import { Presence, type PresenceListener } from './presence.ts';
import { Replicas } from './replicas.ts';
import { CommandViews } from './seen.ts';
import type { ClientCoreOptions, ClientEvent, ClientRefusal, ClientStats } from './types.ts';
import { View } from './view.ts';

const NOTHING_JUDGED = new Health();

/** A hello is repeated this often until it is answered. */
const HELLO_EVERY_MS = 200;

/** A page that did not run for this long was frozen: nothing that arrived meanwhile could be read. Then it reads for a moment. */
const HANG_MS = 250;
const WAKE_REST_MS = 20;

/** Fresh snapshots are waited for this long at most. */
const WAKE_MS = 400;

/** How long an answer is waited for, unless the caller says otherwise. */
const REQUEST_MS = 5_000;

type State = 'idle' | 'greeting' | 'playing' | 'ended';

export class ClientCore<S extends Shape = Shape> {
  readonly game: Game<S>;
  readonly view: ClientView<S>;
  /** For instruments: called with every snapshot applied. */
  onSnapshot: ((replica: Replica) => void) | undefined;
  /** For instruments: fills `local` fields on every restore. */
  scramble: ((count: number) => number) | undefined;
  readonly #entropy: () => number;
  readonly #recorder: ClientRecorder | undefined;
  readonly #development: boolean;
  readonly #nonce: Nonce;
  readonly #name: string;
  readonly #room: string;
  #token: string | undefined;
  #state: State = 'idle';
  #seat = 0;
  #options: S['options'];
  #acks = new PacketAcks();
  readonly #messages: ClientMessages;
  readonly #outbox = new Outbox();
  readonly #events: ClientEvent[] = [];
  readonly #presence = new Presence();
  readonly #presenceListener: PresenceListener = {
    entered: (table, id) => this.#events.push({ type: 'enter', entity: this.#nameOf(table), id }),
    left: (table, id, gone) =>
      this.#events.push({
        type: 'leave',
        entity: this.#nameOf(table),
        id,
        gone: gone || !this.#mayHide(table),
      }),
  };
  readonly #view: View;
  readonly #oneShots: ClientEvents;
  readonly #eventCodec: EventCodec;
  readonly #replicas: Replicas;
  #newestAt: Millis = 0;
  #snapshots = 0;
  #predictor: Predictor<S> | undefined;
  readonly #maxReplay: number;
  readonly #correction: CorrectionListener = {
    before: () => this.#view.beforeCorrection(this.#predictor as unknown as Predictor<never>),
    after: () => this.#view.afterCorrection(this.#predictor as unknown as Predictor<never>),
  };
  /** What a packet relays, read before all of it is accepted. */
  readonly #relays: Relays;
  readonly #commands: OwnCommands;
  readonly #playback: Playback;
  readonly #packet = new Uint8Array(MAX_DATAGRAM_BYTES);
  readonly #writer = new BitWriter(this.#packet);
  readonly #reader = new BitReader();
  #linked = false;
  #hidden = false;
  #silent = false;
  #buffered = 0;
  #lastHeard: Millis;
  #helloAt: Millis = -Infinity;
  #lastPacket: Millis = -Infinity;
  #lastProbe: Millis = -Infinity;
  #probes = 0;
  #echo = 0;
  readonly #bytesIn = new Rate();
  readonly #bytesOut = new Rate();
  #now: Millis;
  /** When the page last came back from not running at all. */
  #wokeAt: Millis = -Infinity;
  #datagramsIn = 0;
  #datagramsAccepted = 0;
  readonly #refused: Partial<Record<ClientRefusal, number>> = {};

  constructor(game: Game<S>, options: ClientCoreOptions) {
    this.game = game;
    this.#entropy = options.entropy;
    this.#development = options.development ?? false;
    const { trace = this.#development } = options;
    if (trace !== false) this.#recorder = new ClientRecorder(game as never, trace === true ? {} : trace);
    this.#nonce = [this.#entropy() >>> 0, this.#entropy() >>> 0];
    this.#name = cleanName(options.name ?? '');
    this.#room = options.room ?? '';
    this.#token = options.token;
    this.#messages = new ClientMessages(
      game as unknown as Game,
      options.transferBytes ?? DEFAULT_TRANSFER_BYTES,
      (event) => this.#events.push(event),
    );
    this.#options = { ...(game.definition.options ?? {}) } as S['options'];
    this.#now = options.now;
    this.#lastHeard = options.now;
    const { schema } = game;
    const rules = game.definition.predict ?? {};
    this.#view = new View(
      schema,
      schema.rows.map((row) => row.name in rules),
    );
    this.view = clientView<S>(this.#view);
    this.#eventCodec = new EventCodec(schema);
    this.#oneShots = new ClientEvents(
      schema,
      (event) => this.#events.push(event),
      (type, id) => this.#view.rowOf(type, id),
    );
    this.#replicas = new Replicas(schema);
    this.#relays = new Relays(schema.command, schema.relays ? schema.maxPlayers : 0);
    this.#maxReplay = options.maxReplay ?? DEFAULT_MAX_REPLAY;
    assert(
      this.#maxReplay >= LEAST_MAX_REPLAY,
      `maxReplay must be ${LEAST_MAX_REPLAY} or more, got ${this.#maxReplay}`,
    );
    this.#commands = new OwnCommands(schema, this.#development, options);
    this.#playback = new Playback(schema.tickMs, schema.ticksPerSnapshot);
  }

  get seat(): number {
    return this.#seat;
  }

  /** Resume token in hex, once joined. */
  get token(): string | undefined {
    return this.#token;
  }

  get options(): Readonly<S['options']> {
    return this.#options;
  }

  /** Newest predicted tick. */
  get tick(): number {
    return this.#predictor?.tick ?? 0;
  }

  get joined(): boolean {
    return this.#state === 'playing';
  }

  /** The newest snapshot, for instruments. */
  get replica(): Replica | undefined {
    return this.#replicas.newest;
  }

  /** The prediction, for instruments. */
  get predictor(): Predictor<S> | undefined {
    return this.#predictor;
  }

  /** The transport can carry datagrams now. Packet numbers start over; the session does not. */
  opened(now: Millis): void {
    this.#now = now;
    this.#linked = true;
    this.#lastHeard = now;
    this.#acks = new PacketAcks();
    this.#messages.channels.resetFlight();
    if (this.#state === 'ended') return;
    this.#state = 'greeting';
    this.#greet(now);
  }

  /** The transport is gone. Another may be opened: the same seat is resumed. */
  lost(now: Millis): void {
    this.#now = now;
    this.#linked = false;
  }

  receive(now: Millis, bytes: Uint8Array): void {
    this.#passed(now);
    this.#datagramsIn++;
    this.#bytesIn.add(now, bytes.length);
    const verdict = this.#receive(now, bytes);
    if (verdict !== 'ok') this.#refused[verdict] = (this.#refused[verdict] ?? 0) + 1;
    else this.#datagramsAccepted++;
  }

  /** Takes the player's hands as they are now: levels replace, presses add. */
  sample(input: InputOf<S>): void {
    this.#commands.sample(input as Readonly<Record<string, unknown>>);
  }

  /** Runs every step that is due and queues what is to be sent. */
  advance(now: Millis): void {
    this.#passed(now);
    this.#messages.expire(now);
    if (this.#state === 'greeting') {
      if (this.#linked && now - this.#helloAt >= HELLO_EVERY_MS) this.#greet(now);
      return;
    }
    if (this.#state !== 'playing') return;
    this.#judgeSilence(now);
    this.#commands.advance(now);
    this.#predictor?.frame(this.#correction);
    const stepped = this.#steps();
    // Now and then also without commands: there are none while snapshots are missing, and a server that hears nothing sends none [X2].
    if (this.#linked && (stepped || now - this.#lastPacket >= PROBE_EVERY_MS)) this.#sendPacket(now);
    this.#sendProbe(now);
  }

  pollDatagram(): Uint8Array | undefined {
    const bytes = this.#outbox.poll();
    if (bytes !== undefined) this.#bytesOut.add(this.#now, bytes.length);
    return bytes;
  }

  pollEvent(): ClientEvent | undefined {
    return this.#events.shift() ?? this.#messages.channels.transfers.pollEvent();
  }

  nextWakeup(): Millis {
    if (this.#state === 'greeting') return Math.max(this.#now, this.#helloAt + HELLO_EVERY_MS);
    const { nextDue } = this.#commands;
    if (this.#state !== 'playing' || nextDue === undefined) return this.#now + HELLO_EVERY_MS;
    return Math.min(nextDue, this.#now + PROBE_EVERY_MS);
  }

  /** Fills `view` for a frame at `now`. */
  draw(now: Millis): void {
    const { newest } = this.#replicas;
    if (newest === undefined || this.#isWaking(now, newest.tick)) return;
    const tick = this.#playback.advance(now, newest.tick);
    const { older, newer } = this.#replicas.around(tick);
    this.#view.draw(
      now,
      tick,
      // The view may start before the first snapshot's tick: show that one until then.
      older ?? newer,
      older === undefined ? undefined : newer,
      this.#predictor as unknown as Predictor<never> | undefined,
      this.#ownTick(now),
    );
    this.#oneShots.release(tick);
    this.#commands.views?.drawn(tick);
  }

  /** The page slept, and what it holds is from before: it keeps showing that for a moment, so that the world moves once and not twice. */
  #isWaking(now: Millis, newest: number): boolean {
    if (now - this.#wokeAt > WAKE_MS) return false;
    return this.#commands.aheadAt(now, newest) * this.game.schema.tickMs > HANG_MS;
  }

  /** The page is shown or hidden; the server is told at once, in three copies. */
  setHidden(now: Millis, hidden: boolean): void {
    this.#now = now;
    if (this.#hidden === hidden) return;
    this.#hidden = hidden;
    if (this.#state === 'playing' && this.#linked) for (let i = 0; i < 3; i++) this.#sendPacket(now);
  }

  /** Bytes that the transport has not sent yet. While it holds any, nothing is added. */
  setBuffered(bytes: number): void {
    this.#buffered = bytes;
    if (bytes > 0) this.#messages.channels.transfers.buffered(this.#now);
  }

  /** Queues a message. False when the queue is full. */
  send<N extends keyof S['messages'] & string>(name: N, payload: PayloadOf<S, N>): boolean {
    return this.#messages.send(name, payload);
  }

  /**
   * Asks the server something. Gives the request's id, under which an `answer` event follows, at the latest after `timeoutMs`
   * (default 5 s); undefined when 32 are unanswered already or nobody is there to ask.
   */
  request<N extends keyof S['requests'] & string>(
    now: Millis,
    name: N,
    payload: QuestionOf<S, N>,
    timeoutMs: Millis = REQUEST_MS,
  ): number | undefined {
    return this.#messages.request(name, payload, now + timeoutMs, this.#state !== 'ended');
  }

  /** Sends something large to the server, which takes 64 KiB unless it says otherwise. `bytes` must not change until it is over. */
  transfer(name: string, bytes: Uint8Array, options: TransferOptions = {}): Transfer {
    const { transfers } = this.#messages.channels;
    const transfer = transfers.send(name, bytes, options.priority);
    if (this.#state === 'ended') transfers.abandon();
    return transfer;
  }

  /** What transfers have moved, and how fast they may. */
  get transferStats(): TransferStats {
    return this.#messages.channels.transfers.stats;
  }

  /** Gives the seat back. */
  leave(now: Millis): void {
    this.#now = now;
    if (this.#state === 'playing' && this.#linked) for (let i = 0; i < 3; i++) this.#queue(encodeBye('left'));
    this.#end('left');
  }

  /** The recording so far, for `tickwire trace`; undefined when nothing is recorded. */
  trace(): Uint8Array | undefined {
    return this.#recorder?.bytes();
  }

  /** How well an entity's prediction agrees with the snapshots. `matched` also for those that are not predicted. */
  health(id: number): EntityHealth {
    return (this.#predictor?.health ?? NOTHING_JUDGED).of(id);
  }

  stats(): ClientStats {
    const { tickMs } = this.game.schema;
    const { newest } = this.#replicas;
    return {
      rtt: this.#acks.rtt,
      jitter: this.#playback.jitter,
      loss: this.#acks.inboundLoss,
      tick: this.tick,
      lead: newest === undefined ? 0 : this.tick - newest.tick,
      ...this.#commands.stats(),
      snapshotAge: newest === undefined ? 0 : this.#now - this.#newestAt,
      viewDelay: newest === undefined ? 0 : (newest.tick - this.#playback.tick) * tickMs,
      mispredictions: this.#predictor?.stats.mispredicted ?? 0,
      replayedSteps: this.#predictor?.stats.replayed ?? 0,
      deferredReplays: this.#predictor?.stats.deferred ?? 0,
      anticipations: this.#predictor?.stats.anticipated ?? 0,
      discardedWrites: this.#predictor?.world.counters.discardedWrites ?? 0,
      discardedSpawns: this.#predictor?.world.counters.discardedSpawns ?? 0,
      discardedDespawns: this.#predictor?.world.counters.discardedDespawns ?? 0,
      entities: this.#view.tables.reduce(
        (sum, table) => (table.schema.index > 1 ? sum + table.count : sum),
        0,
      ),
      bytesInPerSecond: this.#bytesIn.perSecond(this.#now),
      bytesOutPerSecond: this.#bytesOut.perSecond(this.#now),
      health: (this.#predictor?.health ?? NOTHING_JUDGED).counts(this.#predictor?.predictedCount ?? 0),
      snapshots: this.#snapshots,
      underruns: this.#playback.underruns,
      viewsClamped: this.#commands.views?.clamped ?? 0,
      oneShots: this.#oneShots.stats,
      refused: this.#refused,
      messagesRefused: this.#messages.refused,
      datagramsIn: this.#datagramsIn,
      datagramsAccepted: this.#datagramsAccepted,
    };
  }

  /** Time has passed; a page that did not run for long has slept, and what it reads now waited for it. */
  #passed(now: Millis): void {
    if (now - this.#now > HANG_MS) this.#wokeAt = now;
    this.#now = now;
  }

  #ownTick(now: Millis): number {
    // One tick behind what is due: between the last two predicted ticks.
    return (this.#commands.dueAt(now) ?? this.tick + 1) - 1;
  }

  #receive(now: Millis, bytes: Uint8Array): 'ok' | ClientRefusal {
    if (bytes.length === 0) return 'empty';
    switch (bytes[0]) {
      case SERVER_PACKET:
        return this.#receivePacket(now, bytes);
      case WELCOME:
        return this.#receiveWelcome(now, bytes);
      case REFUSED:
        return this.#receiveRefused(bytes);
      case BYE:
        return this.#receiveBye(bytes);
      case PROBE:
        return this.#receiveProbe(now, bytes);
      default:
        return 'unknown-kind';
    }
  }

  #receiveWelcome(now: Millis, bytes: Uint8Array): 'ok' | ClientRefusal {
    const welcome = decodeWelcome(bytes);
    if (typeof welcome === 'string') return welcome;
    if (this.#state !== 'greeting' || !this.#isMine(welcome.nonce)) return 'unexpected';
    const { schema } = this.game;
    if (
      welcome.tickRate !== schema.tickRate ||
      welcome.snapshotRate !== schema.snapshotRate ||
      welcome.seat > schema.maxPlayers
    )
      return 'bad-value';
    const options = unpackPayload(welcome.options);
    if (!options.ok) return 'bad-value';
    const { seed, options: roomOptions } = (options.value ?? {}) as { seed?: unknown; options?: unknown };
    if (typeof seed !== 'number' || typeof roomOptions !== 'object' || roomOptions === null)
      return 'bad-value';
    this.#join(now, welcome, seed, roomOptions as S['options']);
    return 'ok';
  }

  #join(now: Millis, welcome: Welcome, seed: number, options: S['options']): void {
    this.#heard(now);
    this.#state = 'playing';
    this.#token = hex(welcome.token);
    const sameWorld = welcome.continues && this.#predictor !== undefined && this.#seat === welcome.seat;
    this.#seat = welcome.seat;
    this.#options = options;
    if (!sameWorld) this.#startOver(seed, options);
    this.#events.push({ type: 'joined', seat: welcome.seat, token: this.#token, resumed: welcome.resumed });
  }

  /** Nothing held, nothing predicted: the next snapshot comes against the empty baseline. */
  #startOver(seed: number, options: S['options']): void {
    // What the page sent before the first welcome still waits; what it sent to a former session is of no use to this one.
    if (this.#predictor !== undefined) this.#messages.forget();
    this.#replicas.clear();
    this.#presence.clear();
    this.#commands.stop();
    this.#playback.reset();
    this.#view.clear();
    this.#view.seat = this.#seat;
    this.#predictor = new Predictor(this.game, this.#seat, seed, options, this.#development, this.#maxReplay);
    this.#predictor.scramble = this.scramble;
    this.#oneShots.clear();
    this.#oneShots.seat = this.#seat;
    this.#predictor.events = this.#oneShots;
    this.#watchViews(this.#predictor);
    this.#predictor.recorder = this.#recorder;
    this.#recorder?.attach(this.#seat);
  }

  /** From now on each command carries what was on the screen with it. */
  #watchViews({ simulation }: Predictor<S>): void {
    const { schema } = this.game;
    if (schema.shapes === undefined) return;
    const views = new CommandViews(schema, this.#replicas, this.#seat, () => simulation.core.tick);
    this.#commands.views = views;
    simulation.past = views;
  }

  #receiveRefused(bytes: Uint8Array): 'ok' | ClientRefusal {
    const refused = decodeRefused(bytes);
    if (typeof refused === 'string') return refused;
    if (this.#state !== 'greeting' || !this.#isMine(refused.nonce)) return 'unexpected';
    if (refused.code === 'token-invalid' && this.#token !== undefined) {
      // The seat is gone (a new server, or too late): join as somebody new.
      this.#token = undefined;
      this.#helloAt = -Infinity;
      return 'ok';
    }
    this.#state = 'ended';
    this.#messages.abandon();
    this.#events.push({ type: 'refused', code: refused.code, message: refused.message });
    return 'ok';
  }

  #receiveBye(bytes: Uint8Array): 'ok' | ClientRefusal {
    const bye = decodeBye(bytes);
    if (typeof bye === 'string') return bye;
    if (this.#state !== 'playing') return 'unexpected';
    this.#end(bye.reason);
    return 'ok';
  }

  #receiveProbe(now: Millis, bytes: Uint8Array): 'ok' | ClientRefusal {
    const probe = decodeProbe(bytes);
    if (typeof probe === 'string') return probe;
    this.#echo = probe.time;
    this.#heard(now);
    return 'ok';
  }

  /** Checks and applies a server's packet. Nothing changes unless all of it is well formed. */
  #receivePacket(now: Millis, bytes: Uint8Array): 'ok' | ClientRefusal {
    if (this.#state !== 'playing') return 'unexpected';
    const r = this.#reader.open(bytes, 1, bytes.length);
    const header = readHeader(r);
    const tick = r.read(32);
    const report = readSlackReport(r, tick);
    const hasSnapshot = r.readBool();
    if (r.failed) return 'truncated';
    if (!this.#acks.validHeader(header.ack, header.ackBits, header.ackDelayMs)) return 'bad-ack';
    if (!this.#acks.isNew(header.seq)) {
      this.#acks.receivedPacket(now, header.seq);
      return 'duplicate-packet';
    }
    const replica = hasSnapshot ? this.#replicas.read(r, tick) : undefined;
    if (typeof replica === 'string') return replica;
    const relays = replica !== undefined && this.game.schema.relays ? this.#relays : undefined;
    relays?.read(r, tick, this.#seat);
    if (r.failed) return 'bad-value';
    const oneShots = hasSnapshot ? this.#eventCodec.read(r, tick, this.#seat) : undefined;
    if (!r.align()) return r.failed ? 'truncated' : 'bad-padding';
    if (this.#messages.channels.read(bytes, r.byteOffset, bytes.length) !== 'ok') return 'bad-messages';
    this.#acks.receivedPacket(now, header.seq);
    this.#acks.acknowledged(now, header.ack, header.ackBits, header.ackDelayMs, (seq) =>
      this.#messages.channels.acked(seq),
    );
    this.#heard(now);
    if (oneShots !== undefined) this.#oneShots.take(oneShots.events);
    if (replica !== undefined) this.#applySnapshot(now, replica, report, relays);
    if (oneShots?.complete === true) this.#oneShots.settle(tick);
    this.#messages.take();
    if (this.#messages.channels.broken) this.#giveUp();
    return 'ok';
  }

  /** The server broke the rules of its streams, and nothing more can be read from them: a new session is needed. */
  #giveUp(): void {
    for (let i = 0; i < 3; i++) this.#queue(encodeBye('protocol-error'));
    this.#end('protocol-error');
  }

  #applySnapshot(
    now: Millis,
    replica: Replica,
    report: SlackReport | undefined,
    relays: Relays | undefined,
  ): void {
    const first = this.#replicas.newest === undefined;
    const isNewest = this.#replicas.keep(replica);
    this.#snapshots++;
    this.#playback.arrived(now, replica.tick);
    this.onSnapshot?.(replica);
    if (!isNewest) return;
    this.#presence.update(replica, this.#presenceListener);
    const predictor = this.#predictor as Predictor<S>;
    this.#newestAt = now;
    if (first) this.#commands.start(now, replica, this.#trip(), predictor);
    else this.#commands.steer(now, replica.tick, report, this.#trip(), predictor);
    predictor.reconcile(replica, relays);
  }

  /** The round trip and the loss as far as they are known: until there is an answer, the time that the handshake took. */
  #trip(): Trip {
    const rtt = this.#acks.hasRtt
      ? this.#acks.rtt
      : Math.max(0, Math.min(1_000, this.#lastHeard - this.#helloAt));
    return { rtt, lossRuns: this.#acks.lossRuns, justWoke: this.#now - this.#wokeAt < WAKE_REST_MS };
  }

  /** Simulates up to the clock. True when there is a new command to send. */
  #steps(): boolean {
    const predictor = this.#predictor;
    const { newest } = this.#replicas;
    if (predictor === undefined || newest === undefined) return false;
    const made = this.#commands.run(newest.tick, predictor);
    for (const message of predictor.simulation.warnings.splice(0))
      this.#events.push({ type: 'warning', message });
    return made;
  }

  #sendPacket(now: Millis): void {
    if (now - this.#lastHeard > GATE_AFTER_MS || this.#buffered > 0) return;
    this.#lastPacket = now;
    const w = this.#writer;
    w.reset();
    const seq = this.#acks.next(now);
    writeHeader(w, CLIENT_PACKET, seq, this.#acks.header(now));
    w.write(this.#hidden ? 1 : 0, 1);
    const { acknowledged } = this.#replicas;
    w.write(acknowledged === undefined ? 0 : 1, 1);
    if (acknowledged !== undefined) w.write(acknowledged, 32);
    this.#commands.write(w, this.#predictor as Predictor<S>);
    const length = w.finish();
    const messages = this.#messages.channels.fill(
      now,
      seq,
      MAX_DATAGRAM_BYTES - length,
      this.#packet,
      length,
      this.#acks,
    );
    this.#outbox.push(0, this.#packet, length + messages);
  }

  #sendProbe(now: Millis): void {
    if (!this.#linked || now - this.#lastHeard <= GATE_AFTER_MS || now - this.#lastProbe < PROBE_EVERY_MS)
      return;
    this.#lastProbe = now;
    this.#queue(
      encodeProbe({ counter: this.#probes++ & 0xffff, time: Math.floor(now) >>> 0, echo: this.#echo }),
    );
  }

  #greet(now: Millis): void {
    this.#helloAt = now;
    const { hash } = this.game.schema;
    this.#queue(
      encodeHello({
        nonce: this.#nonce,
        schemaHash: hash,
        token: this.#token === undefined ? undefined : unhex(this.#token, TOKEN_BYTES),
        room: this.#room,
        name: this.#name,
        profile: new Uint8Array(0),
      }),
    );
  }

  #judgeSilence(now: Millis): void {
    // A page that slept has not listened: that says nothing about the server.
    if (this.#silent || now - Math.max(this.#lastHeard, this.#wokeAt) < AWAY_AFTER_MS) return;
    this.#silent = true;
    this.#events.push({ type: 'silent' });
  }

  #heard(now: Millis): void {
    this.#lastHeard = now;
    if (!this.#silent) return;
    this.#silent = false;
    this.#events.push({ type: 'heard' });
  }

  #end(reason: CloseReason): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#messages.abandon();
    this.#events.push({ type: 'closed', reason });
  }

  /** Whether entities of a type may be kept from this client while they exist. */
  #mayHide(table: number): boolean {
    return (
      this.game.schema.positions[table] !== undefined ||
      this.#nameOf(table) in (this.game.definition.visible ?? {})
    );
  }

  #nameOf(table: number): string {
    return this.game.schema.rows[table]?.name ?? '';
  }

  #isMine(nonce: Nonce): boolean {
    return nonce[0] === this.#nonce[0] && nonce[1] === this.#nonce[1];
  }

  #queue(bytes: Uint8Array): void {
    this.#outbox.push(0, bytes, bytes.length);
  }
}

const WELCOME = 2;
const REFUSED = 3;
const BYE = 6;
const PROBE = 7;
