// A running client: drives a `ClientCore` over transports that come and go, on the page's clock and frames.
//
// One session outlives its connections: when a transport closes, or the server is silent for 5 s, the next one is opened and the
// core resumes its seat. A silent transport is kept until another one works, because most outages heal by themselves.

import { ClientCore } from '../client/core.ts';
import type { EventVerdict } from '../client/events.ts';
import type { ClientView, EventFields } from '../client/facade.ts';
import type { EntityHealth } from '../client/health.ts';
import type { ClientEvent, ClientStats } from '../client/types.ts';
import type { CloseReason, RefusalCode } from '../connection/handshake.ts';
import type { Transfer, TransferOptions } from '../connection/transfer.ts';
import type { Game } from '../simulation/game.ts';
import type { Outcome } from '../simulation/requests.ts';
import type { AnswerOf, InputOf, PayloadOf, QuestionOf, Shape } from '../simulation/types.ts';
import type { TraceLimits } from '../trace/index.ts';
import { ConnectError, type LinkFailure, linkError, RequestError } from './errors.ts';
import type { SeatStore } from './seatstore.ts';
import type { Transport, TransportStats } from './transport.ts';
import { Waker } from './waker.ts';

export type ClientState = 'connecting' | 'playing' | 'reconnecting' | 'closed';
export type ConnectFailure = LinkFailure | RefusalCode | CloseReason;

/** Why the state is what it is, with a sentence for the player where there is one. */
export interface StateDetail {
  readonly code?: ConnectFailure | 'silent';
  readonly message?: string;
}

/** Name and payload of a message, as one union: checking the name narrows the payload. */
export type MessageArguments<S extends Shape> = {
  [N in keyof S['messages'] & string]: [name: N, payload: PayloadOf<S, N>];
}[keyof S['messages'] & string];

/** When and whose a one-shot event is. */
export interface EventAbout {
  readonly tick: number;
  /** Seat that it belongs to, 0 for the server. */
  readonly owner: number;
  /** It belongs to this player. */
  readonly mine: boolean;
  /** Shown before the server has said that it happened. */
  readonly predicted: boolean;
}

/**
 * Shows an event. What it returns is called once the server has spoken about one that was predicted: take back what should not
 * stay when it was rejected.
 */
export type EventListener<S extends Shape, N extends keyof S['events']> = (
  fields: EventFields<S, N>,
  about: EventAbout,
  // biome-ignore lint/suspicious/noConfusingVoidType: a listener without a verdict returns nothing
) => ((verdict: EventVerdict) => void) | void;

export interface ClientListeners<S extends Shape> {
  state: (state: ClientState, detail: StateDetail) => void;
  message: (...message: MessageArguments<S>) => void;
  /** An entity came into this client's sight: it was spawned, or it came near, or out of the fog. The view shows it a moment later. */
  enter: (entity: keyof S['entities'] & string, id: number) => void;
  /** An entity is no longer there. `gone`: it was despawned; otherwise it left this client's sight and may come back. */
  leave: (entity: keyof S['entities'] & string, id: number, gone: boolean) => void;
  /** The server sends something large. Draw `moved / length`; `await transfer.finished` gives it whole. */
  transfer: (transfer: Transfer) => void;
  /** For the game's author: something in the game's rules looks wrong. */
  warning: (message: string) => void;
}

export interface ClientSettings<S extends Shape> {
  readonly game: Game<S>;
  readonly open: (timeoutMs: number, signal: AbortSignal) => Promise<Transport>;
  readonly store: SeatStore;
  readonly name: string;
  readonly room: string;
  readonly timeoutMs: number;
  readonly development: boolean;
  readonly trace?: boolean | TraceLimits | undefined;
  readonly transferBytes?: number | undefined;
  readonly maxReplay?: number | undefined;
  readonly inputDelay?: number | undefined;
  readonly maxPrediction?: number | undefined;
}

/** The server has said nothing for 3 s when the core reports silence; after this much more another connection is tried. */
const SILENT_MORE_MS = 2_000;

/** Waits between attempts: at once, then 0.5 s, doubling up to 4 s, each ±20 % so that clients do not return in step. */
const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 4_000;

/** While joining for the first time, a refusal that passes is asked again this soon. */
const JOIN_RETRY_MS = 300;

/** The transport gives up this much before the whole join does, because its reason is the better one. */
const REASON_MS = 100;

/** How long `request` waits for its answer, unless it is told otherwise. */
const REQUEST_MS = 5_000;

/** A goodbye needs this long to leave the browser's buffers. */
const LINGER_MS = 150;

/** Failures that may be gone in a moment. */
const PASSING: ReadonlySet<string> = new Set([
  'rate-limited',
  'server-busy',
  'webrtc-failed',
  'closed',
  'busy',
  'draining',
  'full',
]);

/** Ends of a session after which a new one may be started without being asked. */
const REJOIN: ReadonlySet<CloseReason> = new Set(['shutdown', 'timed-out', 'protocol-error']);

export class Client<S extends Shape = Shape> {
  readonly #settings: ClientSettings<S>;
  readonly #waker = new Waker(() => this.#run());
  readonly #listeners: { [E in keyof ClientListeners<S>]: Set<ClientListeners<S>[E]> } = {
    state: new Set(),
    message: new Set(),
    enter: new Set(),
    leave: new Set(),
    transfer: new Set(),
    warning: new Set(),
  };
  readonly #onEvent = new Map<string, Set<EventListener<S, never>>>();
  readonly #verdicts = new Map<number, ((verdict: EventVerdict) => void)[]>();
  readonly #asked = new Map<number, (outcome: Outcome) => void>();
  #core: ClientCore<S>;
  #state: ClientState = 'connecting';
  #link: Transport | undefined;
  #attempt: AbortController | undefined;
  #attempts = 0;
  #later: ReturnType<typeof setTimeout> | undefined;
  #admission: ReturnType<typeof setTimeout> | undefined;
  #first: { resolve(): void; reject(error: Error): void; readonly until: number } | undefined;
  #suspended = false;
  #unlisten: () => void = () => undefined;

  constructor(settings: ClientSettings<S>) {
    this.#settings = settings;
    this.#core = this.#newCore(settings.store.take());
    this.#unlisten = this.#listenToPage();
  }

  get state(): ClientState {
    return this.#state;
  }
  /** Everything to draw, as of the last `frame`. */
  get view(): ClientView<S> {
    return this.#core.view;
  }
  get seat(): number {
    return this.#core.seat;
  }
  /** The room's options. */
  get options(): Readonly<S['options']> {
    return this.#core.options;
  }
  /** Newest predicted tick. */
  get tick(): number {
    return this.#core.tick;
  }
  /** The core, for instruments. It is another one after the server has restarted. */
  get core(): ClientCore<S> {
    return this.#core;
  }

  /** Call once per drawn frame: takes the input, simulates what is due, fills `view`. */
  frame(input: () => InputOf<S>): void {
    if (this.#state !== 'closed') {
      this.#core.sample(input());
      this.#run();
    }
    this.#core.draw(performance.now());
    this.#drain();
  }

  /** Queues a message to the server. False when the queue is full. */
  send<N extends keyof S['messages'] & string>(name: N, payload: PayloadOf<S, N>): boolean {
    return this.#state !== 'closed' && this.#core.send(name, payload);
  }

  /**
   * Asks the server. Rejects with a `RequestError` whose `code` says why there is no answer: the handler refused, nothing came
   * within `timeoutMs` (default 5 s), the session ended, ...
   */
  async request<N extends keyof S['requests'] & string>(
    name: N,
    question: QuestionOf<S, N>,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<AnswerOf<S, N>> {
    if (this.#state === 'closed') throw new RequestError('ended');
    const { timeoutMs = REQUEST_MS } = options;
    const id = this.#core.request(performance.now(), name, question, timeoutMs);
    if (id === undefined) throw new RequestError('busy');
    // Without frames and without a connection nothing else would notice that the time is up.
    const overdue = setTimeout(() => this.#run(), timeoutMs + 1);
    const outcome = await new Promise<Outcome>((resolve) => this.#asked.set(id, resolve));
    clearTimeout(overdue);
    if (!outcome.ok) throw new RequestError(outcome.code, outcome.reason);
    return outcome.answer as AnswerOf<S, N>;
  }

  /** Sends something large to the server, which takes 64 KiB unless it says otherwise. `bytes` must not change until it is over. */
  transfer(name: string, bytes: Uint8Array, options: TransferOptions = {}): Transfer {
    return this.#core.transfer(name, bytes, options);
  }

  /** Listens until the returned function is called. */
  on<E extends keyof ClientListeners<S>>(event: E, listener: ClientListeners<S>[E]): () => void {
    this.#listeners[event].add(listener);
    return () => this.#listeners[event].delete(listener);
  }

  /**
   * Listens to one-shot events of one name until the returned function is called: one's own come in the frame that predicts them,
   * others' in the frame whose view has reached their tick.
   */
  onEvent<N extends keyof S['events'] & string>(name: N, listener: EventListener<S, N>): () => void {
    const listeners = this.#onEvent.get(name) ?? new Set();
    this.#onEvent.set(name, listeners);
    listeners.add(listener as EventListener<S, never>);
    return () => listeners.delete(listener as EventListener<S, never>);
  }

  stats(): ClientStats & {
    readonly state: ClientState;
    readonly transport: Readonly<TransportStats> | undefined;
  } {
    return { ...this.#core.stats(), state: this.#state, transport: this.#link?.stats };
  }

  /** How well an entity's prediction agrees with the server: `matched`, `jitter` or `diverging`, and in which field. */
  health(id: number): EntityHealth {
    return this.#core.health(id);
  }

  /** The recording of the last seconds, for `tickwire trace`; undefined when nothing is recorded. */
  trace(): Uint8Array | undefined {
    return this.#core.trace();
  }

  /** Gives the seat back and ends the connection. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#core.leave(performance.now());
    this.#pump();
    this.#end({ code: 'left' });
  }

  /** Connects for the first time. Rejects with a `ConnectError` within `timeoutMs`. */
  join(): Promise<void> {
    return new Promise((resolve, reject) => {
      const { timeoutMs } = this.#settings;
      const deadline = setTimeout(() => this.#fail(linkError('timeout')), timeoutMs);
      const settle = (): void => {
        clearTimeout(deadline);
        this.#first = undefined;
      };
      this.#first = {
        until: performance.now() + timeoutMs,
        resolve: () => {
          settle();
          resolve();
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      void this.#connect();
    });
  }

  #newCore(token: string | undefined): ClientCore<S> {
    const { game, name, room, development, trace } = this.#settings;
    const { transferBytes, maxReplay, inputDelay, maxPrediction } = this.#settings;
    const random = new Uint32Array(1);
    const core = new ClientCore<S>(game, {
      now: performance.now(),
      entropy: () => crypto.getRandomValues(random)[0] ?? 0,
      name,
      room,
      development,
      ...(trace === undefined ? {} : { trace }),
      ...(token === undefined ? {} : { token }),
      ...(transferBytes === undefined ? {} : { transferBytes }),
      ...(maxReplay === undefined ? {} : { maxReplay }),
      ...(inputDelay === undefined ? {} : { inputDelay }),
      ...(maxPrediction === undefined ? {} : { maxPrediction }),
    });
    core.setHidden(performance.now(), isHidden());
    return core;
  }

  // Running

  #run(): void {
    if (this.#state === 'closed') return;
    this.#core.setBuffered(this.#link?.bufferedAmount() ?? 0);
    this.#core.advance(performance.now());
    this.#pump();
  }

  #pump(): void {
    const core = this.#core;
    for (let bytes = core.pollDatagram(); bytes !== undefined; bytes = core.pollDatagram())
      this.#link?.send(bytes);
    this.#drain();
    if (this.#state !== 'closed' && this.#link !== undefined) this.#waker.at(this.#core.nextWakeup());
  }

  #drain(): void {
    // A handled event may replace the core, which has no events yet.
    for (let event = this.#core.pollEvent(); event !== undefined; event = this.#core.pollEvent())
      this.#obey(event);
  }

  #obey(event: ClientEvent): void {
    switch (event.type) {
      case 'joined':
        clearTimeout(this.#admission);
        this.#attempts = 0;
        this.#first?.resolve();
        this.#setState('playing', {});
        break;
      case 'refused':
        this.#refused(event.code, event.message);
        break;
      case 'closed':
        if (REJOIN.has(event.reason)) this.#startOver({ code: event.reason });
        else this.#end({ code: event.reason });
        break;
      case 'silent':
        this.#setState('reconnecting', { code: 'silent', message: 'The server is silent.' });
        this.#connectIn(SILENT_MORE_MS);
        break;
      case 'heard':
        this.#stopConnecting();
        if (this.#state === 'reconnecting') this.#setState('playing', {});
        break;
      case 'message':
        this.#emit('message', ...([event.name, event.payload] as unknown as MessageArguments<S>));
        break;
      case 'event':
        this.#show(event);
        break;
      case 'event-settled':
        this.#settled(event.id, event.verdict);
        break;
      case 'enter':
        this.#emit('enter', event.entity as never, event.id);
        break;
      case 'leave':
        this.#emit('leave', event.entity as never, event.id, event.gone);
        break;
      case 'answer':
        this.#answered(event.id, event.outcome);
        break;
      case 'transfer':
        this.#emit('transfer', event.transfer);
        break;
      case 'transfer-ended':
        break; // who waits for it has its promise
      case 'warning':
        this.#emit('warning', event.message);
        break;
    }
  }

  #show({ name, fields, tick, owner, predicted, id }: Extract<ClientEvent, { type: 'event' }>): void {
    const about: EventAbout = { tick, owner, mine: owner === this.seat, predicted };
    const told: ((verdict: EventVerdict) => void)[] = [];
    for (const listener of [...(this.#onEvent.get(name) ?? [])]) {
      this.#guard(() => {
        const verdict = listener(fields as never, about);
        if (id > 0 && typeof verdict === 'function') told.push(verdict);
      });
    }
    if (told.length > 0) this.#verdicts.set(id, told);
  }

  #settled(id: number, verdict: EventVerdict): void {
    const told = this.#verdicts.get(id);
    this.#verdicts.delete(id);
    for (const tell of told ?? []) this.#guard(() => tell(verdict));
  }

  #answered(id: number, outcome: Outcome): void {
    const resolve = this.#asked.get(id);
    this.#asked.delete(id);
    resolve?.(outcome);
  }

  #refused(code: RefusalCode, message: string): void {
    if (this.#first !== undefined) this.#fail(new ConnectError<ConnectFailure>(code, message));
    else if (PASSING.has(code)) this.#startOver({ code, message });
    else this.#end({ code, message });
  }

  /** The session is over but the game is not: a new core joins again. */
  #startOver(detail: StateDetail): void {
    this.#dropLink();
    for (const id of [...this.#verdicts.keys()]) this.#settled(id, 'unknown');
    this.#core = this.#newCore(undefined);
    this.#setState('reconnecting', detail);
    this.#connectIn(Math.max(RETRY_FIRST_MS / 2, this.#backoff()));
  }

  // Connecting

  #connectIn(ms: number): void {
    clearTimeout(this.#later);
    this.#later = setTimeout(() => void this.#connect(), ms);
  }

  #stopConnecting(): void {
    clearTimeout(this.#later);
    this.#attempt?.abort();
    this.#attempt = undefined;
  }

  async #connect(): Promise<void> {
    if (this.#state === 'closed' || this.#suspended || this.#attempt !== undefined) return;
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#attempts++;
    const timeoutMs = Math.min(
      this.#settings.timeoutMs,
      (this.#first?.until ?? Number.POSITIVE_INFINITY) - performance.now() - REASON_MS,
    );
    try {
      const link = await this.#settings.open(Math.max(1, timeoutMs), attempt.signal);
      if (attempt.signal.aborted) link.close();
      else this.#adopt(link);
    } catch (error) {
      if (!attempt.signal.aborted) this.#unreachable(error);
    } finally {
      if (this.#attempt === attempt) this.#attempt = undefined;
    }
  }

  #adopt(link: Transport): void {
    this.#attempt = undefined;
    this.#dropLink();
    this.#link = link;
    link.onDatagram = (bytes) => {
      if (this.#link !== link) return;
      this.#core.receive(performance.now(), bytes);
      this.#pump();
    };
    link.onClose = () => this.#lost(link);
    clearTimeout(this.#admission);
    if (this.#first === undefined) this.#admission = setTimeout(() => link.close(), this.#settings.timeoutMs);
    this.#core.opened(performance.now());
    this.#run();
  }

  #dropLink(): void {
    const link = this.#link;
    if (link === undefined) return;
    this.#link = undefined;
    this.#core.lost(performance.now());
    link.close();
  }

  /** The active transport closed by itself. */
  #lost(link: Transport): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    this.#core.lost(performance.now());
    if (this.#state === 'closed' || this.#suspended) return;
    if (this.#first === undefined)
      this.#setState('reconnecting', { code: 'closed', message: 'The connection was lost.' });
    this.#connectIn(this.#backoff());
  }

  #unreachable(error: unknown): void {
    const failure = error instanceof ConnectError ? error : linkError('webrtc-failed', String(error));
    if (this.#first === undefined) {
      this.#setState('reconnecting', { code: failure.code as ConnectFailure, message: failure.message });
      this.#connectIn(this.#backoff());
    } else if (PASSING.has(failure.code) && this.#first.until - performance.now() > 2 * JOIN_RETRY_MS) {
      this.#connectIn(JOIN_RETRY_MS);
    } else {
      this.#fail(failure);
    }
  }

  #backoff(): number {
    if (this.#first !== undefined) return JOIN_RETRY_MS;
    if (this.#attempts === 0) return 0;
    const wait = Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** (this.#attempts - 1));
    return wait * (0.8 + Math.random() * 0.4);
  }

  // Ending

  #fail(error: Error): void {
    const first = this.#first;
    this.#first = undefined;
    const { code } = error as ConnectError<ConnectFailure>;
    this.#end({ code, message: error.message });
    first?.reject(error);
  }

  #end(detail: StateDetail): void {
    if (this.#state === 'closed') return;
    this.#unlisten();
    this.#stopConnecting();
    clearTimeout(this.#admission);
    this.#waker.stop();
    const link = this.#link;
    this.#link = undefined;
    if (link !== undefined) setTimeout(() => link.close(), LINGER_MS);
    for (const id of [...this.#asked.keys()]) this.#answered(id, { ok: false, code: 'ended', reason: '' });
    this.#setState('closed', detail);
    this.#first?.reject(linkError('closed'));
  }

  #setState(state: ClientState, detail: StateDetail): void {
    if (this.#state === 'closed') return;
    if (state === 'reconnecting' && this.#first !== undefined) return; // still the first 'connecting'
    this.#state = state;
    this.#emit('state', state, detail);
  }

  #emit<E extends keyof ClientListeners<S>>(event: E, ...args: Parameters<ClientListeners<S>[E]>): void {
    for (const listener of [...this.#listeners[event]])
      this.#guard(() => (listener as (...values: unknown[]) => void)(...args));
  }

  /** The page's mistake must show, but not stop the session in the middle of a datagram. */
  #guard(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  // The page

  /** A page that goes away closes its transport and keeps its seat, for a reload comes back to it. */
  #listenToPage(): () => void {
    if (typeof document === 'undefined' || typeof addEventListener !== 'function') return () => undefined;
    const hide = (): void => {
      this.#keepSeat();
      this.#suspended = true;
      this.#stopConnecting();
      this.#dropLink();
    };
    const show = (event: PageTransitionEvent): void => {
      this.#suspended = false;
      if (!event.persisted || this.#state === 'closed') return; // from the back-forward cache: all as it was, but the link
      this.#settings.store.take();
      this.#attempts = 0;
      void this.#connect();
    };
    const visibility = (): void => {
      if (isHidden()) this.#keepSeat();
      else this.#settings.store.take();
      this.#core.setHidden(performance.now(), isHidden());
      this.#run();
    };
    addEventListener('pagehide', hide);
    addEventListener('pageshow', show);
    document.addEventListener('visibilitychange', visibility);
    return () => {
      removeEventListener('pagehide', hide);
      removeEventListener('pageshow', show);
      document.removeEventListener('visibilitychange', visibility);
    };
  }

  #keepSeat(): void {
    const { token } = this.#core;
    if (token !== undefined) this.#settings.store.put(token);
  }
}

const isHidden = (): boolean => typeof document !== 'undefined' && document.visibilityState === 'hidden';
