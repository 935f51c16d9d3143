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
import { MessageChannels } from '../connection/channels.ts';
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
  type HandshakeRefusal,
  type Nonce,
  type RefusalCode,
  TOKEN_BYTES,
  type Welcome,
} from '../connection/handshake.ts';
import { Outbox } from '../connection/outbox.ts';
import { unpackPayload } from '../connection/payload.ts';
import { Requests } from '../connection/requests.ts';
import { DEFAULT_TRANSFER_BYTES, type Transfer, type TransferOptions } from '../connection/transfer.ts';
import type { TransferStats } from '../connection/transfers.ts';
import type { Replica } from '../replication/decode.ts';
import { EventCodec } from '../replication/events.ts';
import {
  CLIENT_PACKET,
  COMMAND_COUNT_BITS,
  MAX_COMMANDS,
  readHeader,
  readSlackReport,
  SERVER_PACKET,
  type SlackReport,
  writeHeader,
} from '../replication/packets.ts';
import { Relays } from '../replication/relays.ts';
import { CommandSampler, writeCommand } from '../simulation/commands.ts';
import type { Game } from '../simulation/game.ts';
import { decodeMessage, encodeMessage, type MessageRefusal } from '../simulation/messages.ts';
import { decodeAnswer, encodeRequest, isAbout, type Outcome } from '../simulation/requests.ts';
import type { InputOf, PayloadOf, QuestionOf, Shape } from '../simulation/types.ts';
import { ClientRecorder, type TraceLimits } from '../trace/index.ts';
import { BitReader, BitWriter } from '../wire/bits.ts';
import { CommandClock } from './clock.ts';
import { InputDelay } from './delay.ts';
import { ClientEvents, type EventStats, type EventVerdict } from './events.ts';
import { type ClientView, clientView } from './facade.ts';
import { type EntityHealth, Health, type HealthCounts } from './health.ts';
import { Playback } from './playback.ts';
import { type CorrectionListener, DEFAULT_MAX_REPLAY, LEAST_MAX_REPLAY, Predictor } from './prediction.ts';
import { Presence, type PresenceListener } from './presence.ts';
import { Replicas, type SnapshotRefusal } from './replicas.ts';
import { CommandViews } from './seen.ts';
import { View } from './view.ts';

export interface ClientCoreOptions {
  readonly now: Millis;
  /** A fresh u32 per call. */
  readonly entropy: () => number;
  /** The player's name; the server gives one when it is empty. */
  readonly name?: string;
  readonly room?: string;
  /** Resume token of an earlier session, in hex. */
  readonly token?: string;
  /** Bytes of the server's transfers that may be held here at a time. Default 4 MiB. */
  readonly transferBytes?: number;
  /**
   * Steps that a correction may run again in one `advance`, 8 or more; what is left waits for the next one, while the former
   * prediction goes on. Default 64.
   */
  readonly maxReplay?: number;
  /**
   * Ticks, 0..60, that own commands wait before this client sees them; the server gets them as early as ever. Each one brings the
   * prediction a tick closer to the newest snapshot: fewer and smaller corrections, for a later answer to the player's hands. Default 0.
   */
  readonly inputDelay?: number;
  /** Most that is predicted past a snapshot, 100..1,500 ms. A longer path forces an input delay. Default 1,000. */
  readonly maxPrediction?: Millis;
  readonly development?: boolean;
  /** Record what is predicted, the last 30 s or as the limits say, for `trace()`. Default: while `development` is on. */
  readonly trace?: boolean | TraceLimits;
}

/** Things the page may care about. Ignoring one never breaks the protocol. */
export type ClientEvent =
  | { readonly type: 'joined'; readonly seat: number; readonly token: string; readonly resumed: boolean }
  | { readonly type: 'refused'; readonly code: RefusalCode; readonly message: string }
  | { readonly type: 'closed'; readonly reason: CloseReason }
  /** The server was not heard for 3 s. */
  | { readonly type: 'silent' }
  | { readonly type: 'heard' }
  | { readonly type: 'message'; readonly name: string; readonly payload: unknown }
  /** A one-shot event, to be shown now. `id` is not 0 while it is predicted only: its verdict follows under that number. */
  | {
      readonly type: 'event';
      readonly name: string;
      readonly fields: Readonly<Record<string, unknown>>;
      readonly tick: number;
      readonly owner: number;
      readonly predicted: boolean;
      readonly id: number;
    }
  /** The server has spoken about an event that was shown before. */
  | { readonly type: 'event-settled'; readonly id: number; readonly verdict: EventVerdict }
  /** An entity came into this client's sight. It is drawn once the view has reached it. */
  | { readonly type: 'enter'; readonly entity: string; readonly id: number }
  /** An entity is no longer held. `gone`: it does not exist any more; otherwise it left this client's sight. */
  | { readonly type: 'leave'; readonly entity: string; readonly id: number; readonly gone: boolean }
  /** What became of a request. */
  | { readonly type: 'answer'; readonly id: number; readonly name: string; readonly outcome: Outcome }
  /** The server sends something large: how far it is can be read from `transfer` at any time. */
  | { readonly type: 'transfer'; readonly transfer: Transfer }
  /** It has arrived, or it has failed. Those that this side sends end here too. */
  | { readonly type: 'transfer-ended'; readonly transfer: Transfer }
  | { readonly type: 'warning'; readonly message: string };

/** Why bytes from the server were not accepted. */
export type ClientRefusal =
  | HandshakeRefusal
  | 'unknown-kind'
  | 'empty'
  | 'unexpected'
  | 'truncated'
  | 'bad-value'
  | 'bad-ack'
  | 'bad-padding'
  | 'bad-messages'
  | 'duplicate-packet'
  | SnapshotRefusal;

export interface ClientStats {
  /** Round trip in ms, without the time that either side waits before answering. */
  readonly rtt: number;
  /** Deviation of snapshot arrivals in ms. */
  readonly jitter: number;
  /** Share of the server's packets that did not arrive, 0..1. */
  readonly loss: number;
  /** Newest predicted tick. */
  readonly tick: number;
  /** Ticks that this client runs ahead of the newest snapshot. */
  readonly lead: number;
  /** Ticks by which commands arrive early at the server. */
  readonly slack: number;
  /** Ticks by which they should: adapted to the jitter and the loss on the way there. */
  readonly targetSlack: number;
  /** Times that the command clock jumped in place of being steered. */
  readonly clockJumps: number;
  /** Ticks that own commands wait here before they are seen, asked for or forced by `maxPrediction`. */
  readonly inputDelay: number;
  /** Times that `maxPrediction` has forced a longer input delay. */
  readonly predictionCapHits: number;
  /** Milliseconds since the newest snapshot arrived. */
  readonly snapshotAge: number;
  /** Milliseconds between the newest snapshot's tick and the tick that others are drawn at. */
  readonly viewDelay: number;
  readonly mispredictions: number;
  readonly replayedSteps: number;
  /** Frames at whose end a correction was not done, because `maxReplay` steps were. */
  readonly deferredReplays: number;
  /** Snapshots that were as predicted, but came with another player's command that was not as assumed. */
  readonly anticipations: number;
  /** What rules did here to rows that this client does not predict, in vain: writes, spawns, despawns. */
  readonly discardedWrites: number;
  readonly discardedSpawns: number;
  readonly discardedDespawns: number;
  readonly entities: number;
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  /** Predicted entities by how well they agree with the snapshots. */
  readonly health: HealthCounts;
  readonly snapshots: number;
  readonly underruns: number;
  /** Commands whose view lay further back than shots are tested: they are tested against what was drawn later. */
  readonly viewsClamped: number;
  readonly clockRate: number;
  /** What became of one-shot events. */
  readonly oneShots: Readonly<EventStats>;
  /** Why datagrams were not accepted. `datagramsIn` is `datagramsAccepted` plus the sum of these. */
  readonly refused: Readonly<Partial<Record<ClientRefusal, number>>>;
  /** Why messages in accepted datagrams were not delivered. */
  readonly messagesRefused: Readonly<Partial<Record<MessageRefusal, number>>>;
  /** Datagrams received, and those among them that were accepted. */
  readonly datagramsIn: number;
  readonly datagramsAccepted: number;
}

const NOTHING_JUDGED = new Health();

/** A hello is repeated this often until it is answered. */
const HELLO_EVERY_MS = 200;

/** Steps in one `advance`; what is more is skipped, as after a sleeping tab. */
const MAX_STEPS = 8;

/** Room for commands in a packet: what a full fragment of a message needs is left over. */
const MAX_COMMAND_BITS = 800 * 8;

/** A page that did not run for this long was frozen: nothing that arrived meanwhile could be read. Then it reads for a moment. */
const HANG_MS = 250;
const WAKE_REST_MS = 20;

/** Fresh snapshots are waited for this long at most. */
const WAKE_MS = 400;

/** Without snapshots commands are made for at most this far past the newest one. */
const MAX_LEAD_MS = 1_500;

/** Prediction past a snapshot that a path may ask for. Three times a bad path's round trip: the own ship answers at once nearly everywhere. */
const MAX_PREDICTION_MS = 1_000;
const LEAST_MAX_PREDICTION_MS = 100;
const MOST_INPUT_DELAY_TICKS = 60;

/** A clock that jumps back by no more than this is waited for; further back, commands are taken back and made anew. */
const WAIT_TICKS = 2;

/** How long an answer is waited for, unless the caller says otherwise. */
const REQUEST_MS = 5_000;

/** Commands repeated beyond the estimated slack: covers an estimate that is a little off. */
const REDUNDANCY_MARGIN = 4;

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
  #channels: MessageChannels;
  readonly #transferBytes: number;
  readonly #requests = new Requests();
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
  /** What was seen with each command; undefined for a game without shapes. */
  #views: CommandViews | undefined;
  readonly #clock: CommandClock;
  readonly #delay: InputDelay;
  /** Newest tick that a command was made for, and newest one that was sent. */
  #made = 0;
  #sent = 0;
  readonly #playback: Playback;
  readonly #sampler: CommandSampler;
  readonly #packet = new Uint8Array(MAX_DATAGRAM_BYTES);
  readonly #writer = new BitWriter(this.#packet);
  readonly #reader = new BitReader();
  readonly #words: Int32Array;
  readonly #maxLead: number;
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
  readonly #messagesRefused: Partial<Record<MessageRefusal, number>> = {};

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
    this.#transferBytes = options.transferBytes ?? DEFAULT_TRANSFER_BYTES;
    this.#channels = new MessageChannels(this.#transferBytes);
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
    this.#maxLead = Math.floor((MAX_LEAD_MS * schema.tickRate) / 1000);
    this.#clock = new CommandClock(schema.tickMs);
    const { inputDelay = 0, maxPrediction = MAX_PREDICTION_MS } = options;
    assert(
      inputDelay >= 0 && inputDelay <= MOST_INPUT_DELAY_TICKS,
      `inputDelay must be 0..${MOST_INPUT_DELAY_TICKS} ticks, got ${inputDelay}`,
    );
    assert(
      maxPrediction >= LEAST_MAX_PREDICTION_MS && maxPrediction <= MAX_LEAD_MS,
      `maxPrediction must be ${LEAST_MAX_PREDICTION_MS}..${MAX_LEAD_MS} ms, got ${maxPrediction}`,
    );
    this.#delay = new InputDelay(schema.tickMs, schema.ticksPerSnapshot, inputDelay, maxPrediction);
    this.#playback = new Playback(schema.tickMs, schema.ticksPerSnapshot);
    this.#sampler = this.#newSampler();
    this.#words = new Int32Array((MAX_COMMANDS + 1) * schema.command.words);
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
    this.#channels.resetFlight();
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
    this.#sampler.sample(input as Readonly<Record<string, unknown>>);
  }

  /** Runs every step that is due and queues what is to be sent. */
  advance(now: Millis): void {
    this.#passed(now);
    this.#expireRequests(now);
    if (this.#state === 'greeting') {
      if (this.#linked && now - this.#helloAt >= HELLO_EVERY_MS) this.#greet(now);
      return;
    }
    if (this.#state !== 'playing') return;
    this.#judgeSilence(now);
    this.#advanceClock(now);
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
    return this.#events.shift() ?? this.#channels.transfers.pollEvent();
  }

  nextWakeup(): Millis {
    if (this.#state === 'greeting') return Math.max(this.#now, this.#helloAt + HELLO_EVERY_MS);
    if (this.#state !== 'playing' || !this.#clock.running) return this.#now + HELLO_EVERY_MS;
    return Math.min(this.#clock.timeOf(this.#made + 1), this.#now + PROBE_EVERY_MS);
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
    this.#views?.drawn(tick);
  }

  /** The page slept, and what it holds is from before: it keeps showing that for a moment, so that the world moves once and not twice. */
  #isWaking(now: Millis, newest: number): boolean {
    if (now - this.#wokeAt > WAKE_MS) return false;
    return (this.#clock.positionAt(now) - newest - this.#delay.ahead) * this.game.schema.tickMs > HANG_MS;
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
    if (bytes > 0) this.#channels.transfers.buffered(this.#now);
  }

  /** Queues a message. False when the queue is full. */
  send<N extends keyof S['messages'] & string>(name: N, payload: PayloadOf<S, N>): boolean {
    const { bytes, reliable } = encodeMessage(this.game as unknown as Game, 'client', name, payload);
    return reliable ? this.#channels.sendReliable(bytes) : this.#channels.sendUnreliable(bytes);
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
    const { id } = this.#requests;
    const bytes = encodeRequest(this.game as unknown as Game, name, id, payload);
    if (this.#state === 'ended' || this.#requests.full || !this.#channels.sendReliable(bytes))
      return undefined;
    return this.#requests.add(name, now + timeoutMs);
  }

  /** Sends something large to the server, which takes 64 KiB unless it says otherwise. `bytes` must not change until it is over. */
  transfer(name: string, bytes: Uint8Array, options: TransferOptions = {}): Transfer {
    const transfer = this.#channels.transfers.send(name, bytes, options.priority);
    if (this.#state === 'ended') this.#channels.transfers.abandon();
    return transfer;
  }

  /** What transfers have moved, and how fast they may. */
  get transferStats(): TransferStats {
    return this.#channels.transfers.stats;
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
      slack: this.#clock.slack,
      targetSlack: this.#clock.target,
      clockJumps: this.#clock.jumps,
      inputDelay: this.#delay.ticks,
      predictionCapHits: this.#delay.capHits,
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
      viewsClamped: this.#views?.clamped ?? 0,
      clockRate: this.#clock.rate,
      oneShots: this.#oneShots.stats,
      refused: this.#refused,
      messagesRefused: this.#messagesRefused,
      datagramsIn: this.#datagramsIn,
      datagramsAccepted: this.#datagramsAccepted,
    };
  }

  /** Time has passed; a page that did not run for long has slept, and what it reads now waited for it. */
  #passed(now: Millis): void {
    if (now - this.#now > HANG_MS) this.#wokeAt = now;
    this.#now = now;
  }

  #advanceClock(now: Millis): void {
    const before = this.#clock.position;
    this.#clock.advance(now);
    this.#delay.advance(this.#clock.position - before);
  }

  #ownTick(now: Millis): number {
    if (!this.#clock.running) return this.tick;
    // One tick behind what is due: between the last two predicted ticks.
    return this.#clock.positionAt(now) - this.#delay.ticks - 1;
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
    if (this.#predictor !== undefined) this.#forgetStreams();
    this.#replicas.clear();
    this.#presence.clear();
    this.#clock.stop();
    this.#sampler.dropPulls();
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
    this.#views = new CommandViews(schema, this.#replicas, this.#seat, () => simulation.core.tick);
    simulation.past = this.#views;
  }

  /** Nothing of the former session's streams goes on. */
  #forgetStreams(): void {
    this.#abandon();
    this.#channels = new MessageChannels(this.#transferBytes);
  }

  /** What was asked stays unanswered, what was on its way does not arrive. */
  #abandon(): void {
    for (const asked of this.#requests.takeAll())
      this.#settle(asked, { ok: false, code: 'ended', reason: '' });
    const { transfers } = this.#channels;
    transfers.abandon();
    for (let event = transfers.pollEvent(); event !== undefined; event = transfers.pollEvent())
      this.#events.push(event);
  }

  #expireRequests(now: Millis): void {
    for (
      let asked = this.#requests.takeOverdue(now);
      asked !== undefined;
      asked = this.#requests.takeOverdue(now)
    )
      this.#settle(asked, { ok: false, code: 'timed-out', reason: '' });
  }

  #settle({ id, name }: { readonly id: number; readonly name: string }, outcome: Outcome): void {
    this.#events.push({ type: 'answer', id, name, outcome });
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
    this.#abandon();
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
    if (this.#channels.read(bytes, r.byteOffset, bytes.length) !== 'ok') return 'bad-messages';
    this.#acks.receivedPacket(now, header.seq);
    this.#acks.acknowledged(now, header.ack, header.ackBits, header.ackDelayMs, (seq) =>
      this.#channels.acked(seq),
    );
    this.#heard(now);
    if (oneShots !== undefined) this.#oneShots.take(oneShots.events);
    if (replica !== undefined) this.#applySnapshot(now, replica, report, relays);
    if (oneShots?.complete === true) this.#oneShots.settle(tick);
    this.#takeMessages();
    if (this.#channels.broken) this.#giveUp();
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
    if (first) this.#start(now, replica);
    else this.#steer(now, replica.tick, report);
    predictor.reconcile(replica, relays);
  }

  #steer(now: Millis, tick: number, report: SlackReport | undefined): void {
    this.#advanceClock(now);
    const ahead = this.#clock.position - tick;
    // What waited for a sleeping page is old; a fresh snapshot follows.
    if (ahead > this.#maxLead && now - this.#wokeAt < WAKE_REST_MS) return;
    // A server that stalled has dropped ticks, and this client runs beyond all it may predict: no report would ever tell.
    if (ahead < 0 || ahead > this.#maxLead) {
      const lead = this.#firstLead();
      this.#clock.start(now, tick + lead);
      this.#delay.start(lead);
    } else {
      if (report !== undefined) this.#clock.report(report, this.#acks.lossRuns);
      this.#delay.arrived(this.#clock.position - tick);
    }
    const due = Math.floor(this.#clock.position);
    if (this.#made - due > WAIT_TICKS) this.#goBack(due);
  }

  /** The clock has jumped back: what was made for later ticks has not run there yet and is made anew, so that the player's hands count at once. */
  #goBack(due: number): void {
    this.#made = due;
    this.#sent = Math.min(this.#sent, due);
    (this.#predictor as Predictor<S>).goBack(due);
  }

  /** The first snapshot: pull counters go on from the server's, the clock starts ahead of it. */
  #start(now: Millis, replica: Replica): void {
    this.#sampler.adoptPulls(replica.controls, 0);
    const lead = this.#firstLead();
    this.#clock.start(now, replica.tick + lead);
    this.#delay.start(lead);
    this.#made = Math.floor(replica.tick + lead);
    this.#sent = this.#made;
    (this.#predictor as Predictor<S>).skipTo(Math.floor(replica.tick + lead - this.#delay.ticks));
  }

  /** Ticks to run ahead until the server has reported: a round trip, the wanted slack, and one for the way. */
  #firstLead(): number {
    const trip = this.#acks.hasRtt
      ? this.#acks.rtt
      : Math.max(0, Math.min(1_000, this.#lastHeard - this.#helloAt));
    return trip / this.game.schema.tickMs + this.#clock.target + 1;
  }

  #takeMessages(): void {
    const game = this.game as unknown as Game;
    for (let raw = this.#channels.receive(); raw !== undefined; raw = this.#channels.receive()) {
      if (raw.reliable && this.#channels.transfers.take(raw.bytes)) continue;
      if (raw.reliable && isAbout(game, raw.bytes)) {
        this.#takeAnswer(raw.bytes);
        continue;
      }
      const message = decodeMessage(game, 'server', raw.bytes, raw.reliable);
      if (typeof message === 'string') this.#refuseMessage(message);
      else this.#events.push({ type: 'message', ...message });
    }
  }

  #takeAnswer(bytes: Uint8Array): void {
    const answer = decodeAnswer(this.game as unknown as Game, bytes);
    if (answer === undefined) {
      this.#refuseMessage('bad-payload');
      return;
    }
    const asked = this.#requests.take(answer.id, answer.name);
    // Late, twice, or never asked for.
    if (asked === undefined) this.#refuseMessage('unknown-answer');
    else this.#settle(asked, answer.outcome);
  }

  #refuseMessage(refusal: MessageRefusal): void {
    this.#messagesRefused[refusal] = (this.#messagesRefused[refusal] ?? 0) + 1;
  }

  /** Simulates up to the clock. True when there is a new command to send. */
  #steps(): boolean {
    const predictor = this.#predictor;
    const { newest } = this.#replicas;
    if (predictor === undefined || !this.#clock.running || newest === undefined) return false;
    const limit = newest.tick + this.#maxLead;
    const now = Math.floor(this.#clock.position);
    // A page that slept has snapshots to wait for: a command for a tick long gone would only be late.
    const made = now <= limit + MAX_STEPS && this.#makeCommands(predictor, Math.min(now, limit));
    const due = Math.max(newest.tick, Math.floor(this.#clock.position - this.#delay.ticks));
    const last = Math.min(due, this.#made);
    if (last - predictor.tick > MAX_STEPS) predictor.skipTo(last - 1);
    while (predictor.tick < last) predictor.step();
    for (const message of predictor.simulation.warnings.splice(0))
      this.#events.push({ type: 'warning', message });
    return made;
  }

  /** Makes the commands up to `due` of the player's hands as they are. True when there is a new one. */
  #makeCommands(predictor: Predictor<S>, due: number): boolean {
    if (due - this.#made > MAX_STEPS) {
      this.#made = due - 1;
      this.#sent = this.#made;
    }
    const before = this.#made;
    while (this.#made < due) {
      const tick = ++this.#made;
      this.#sampler.copyTo(this.#words, 0);
      predictor.setCommand(tick, this.#words.subarray(0, this.game.schema.command.words));
      this.#views?.note(tick);
      this.#clock.made(tick);
    }
    return this.#made > before;
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
    this.#writeCommands(w);
    const length = w.finish();
    const messages = this.#channels.fill(
      now,
      seq,
      MAX_DATAGRAM_BYTES - length,
      this.#packet,
      length,
      this.#acks,
    );
    this.#outbox.push(0, this.#packet, length + messages);
  }

  /** The commands that can still arrive in time, oldest first. */
  #writeCommands(w: BitWriter): void {
    const predictor = this.#predictor as Predictor<S>;
    if (this.#made > this.#sent) this.#clock.sent(this.#sent, this.#made);
    this.#sent = this.#made;
    const reach = Math.ceil(Math.max(0, this.#clock.slack)) + REDUNDANCY_MARGIN;
    const oldest = Math.max(this.#made - Math.min(reach, MAX_COMMANDS) + 1, predictor.settled + 1);
    let count = 0;
    while (count < MAX_COMMANDS && this.#made - count >= oldest && predictor.hasCommand(this.#made - count))
      count++;
    const start = w.bitLength;
    this.#writeNewest(w, count);
    // Large commands that change all the time: fewer of them, but the packet stays one datagram with room for messages.
    for (; w.bitLength - start > MAX_COMMAND_BITS; count >>= 1) {
      w.seek(start);
      this.#writeNewest(w, count >> 1);
    }
  }

  #writeNewest(w: BitWriter, count: number): void {
    const predictor = this.#predictor as Predictor<S>;
    const { command } = this.game.schema;
    w.write(count, COMMAND_COUNT_BITS);
    if (count === 0) return;
    w.write(this.#made, 32);
    this.#words.set(command.neutral, 0);
    for (let i = 1; i <= count; i++) {
      predictor.copyCommand(this.#made - count + i, this.#words, i * command.words);
      writeCommand(w, command, this.#words, i * command.words, this.#words, (i - 1) * command.words);
      this.#views?.write(w, this.#made - count + i, i === 1);
    }
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
    this.#abandon();
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

  #newSampler(): CommandSampler {
    const counters = {
      clamped: 0,
      notANumber: 0,
      discardedWrites: 0,
      discardedSpawns: 0,
      discardedDespawns: 0,
    };
    return new CommandSampler(this.game.schema.command, { counters, development: this.#development });
  }

  #queue(bytes: Uint8Array): void {
    this.#outbox.push(0, bytes, bytes.length);
  }
}

const WELCOME = 2;
const REFUSED = 3;
const BYE = 6;
const PROBE = 7;
