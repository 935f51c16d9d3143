/**
 * The rig: one real server core, real client cores, simulated links and one clock that jumps. Minutes of play run in seconds, from
 * a seed, without an `await`. While it runs it holds every client's snapshots against what the server remembers as sent.
 */

import { type ServerAnswers, ServerCore, type ServerEvent } from '@tickwire/server/core';
import { UsageError } from '../base/assert.ts';
import { Rng } from '../base/rng.ts';
import { MAX_DATAGRAM_BYTES, type Millis } from '../base/units.ts';
import { ClientCore } from '../client/core.ts';
import type { ClientCoreOptions, ClientEvent } from '../client/types.ts';
import type { Replica } from '../replication/decode.ts';
import type { Game } from '../simulation/game.ts';
import { firstDifference, type RowSet } from '../simulation/rows.ts';
import { maskedRow, type Secrets } from '../simulation/secrets.ts';
import type { InputOf, Shape, World } from '../simulation/types.ts';
import type { SavedWorld } from '../simulation/world.ts';
import { joinRecordings, Recording, type TraceLimits, type TraceReport } from '../trace/index.ts';
import { finish32, mix32 } from '../wire/hash.ts';
import { MARK, OWNER } from '../wire/schema.ts';
import { type LinkOptions, SimLink } from './link.ts';
import { PROFILES, type ProfileName } from './profiles.ts';

/** A named network or link options, the same both ways; or one per direction. */
export type RigLink = ProfileName | LinkOptions | { readonly up: LinkOptions; readonly down: LinkOptions };

/** What a scripted player's hands do. Called once per frame with the player's own clock. */
export type Script<S extends Shape> = (client: ClientCore<S>, now: Millis, rng: Rng) => InputOf<S>;

export interface RigOptions<S extends Shape> {
  readonly game: Game<S>;
  readonly seed: number;
  readonly clients: number;
  readonly link?: RigLink;
  readonly script?: Script<S>;
  /** Room options. */
  readonly options?: Partial<S['options']>;
  /** Bots that play on the server. */
  readonly bots?: readonly ((world: World<S>, me: number, tick: number) => InputOf<S>)[];
  /** Frames per second of each client. Default 60. */
  readonly frameRate?: number;
  /** Draws per second of each client, apart from its frames; 0 for none. Default: one draw with each frame. */
  readonly drawRate?: number;
  /** How much faster each client's clock runs, as a share: 0.01 for 1 %. Called per client. */
  readonly skew?: (client: number) => number;
  /** Fills `local` fields with something else on every restore. Default true: nothing may depend on them. */
  readonly scramble?: boolean;
  readonly development?: boolean;
  readonly record?: boolean;
  /** Record the server and every client, tick by tick: `rig.trace()` joins two of them. */
  readonly trace?: boolean | TraceLimits;
  /** Rules of the clients, where they are to differ from the server's; all else must be the same. */
  readonly clientGame?: Game<S>;
  /** How long a seat waits for a player who is away. */
  readonly graceMs?: Millis;
  /** The codec of snapshots. Default: the server chooses. */
  readonly codec?: 'auto' | 'small' | 'fast';
  /** Most bytes that one client gets in any second. */
  readonly maxBytesPerSecond?: number;
  /** Most players in the room, bots included. */
  readonly maxPlayers?: number;
  /** Handlers of requests outside the room. Promises settle between two calls of `run`, never within one. */
  readonly answers?: ServerAnswers<S>;
  /** Bytes of one client's transfers that the server may hold at a time. */
  readonly transferBytes?: number;
  /** Steps that a client's correction may run again in one frame. */
  readonly maxReplay?: number;
  /** What every client is told of its player's wishes. */
  readonly client?: Pick<ClientCoreOptions, 'inputDelay' | 'maxPrediction'>;
}

/** What may be different for one client. */
export interface RigClientOptions<S extends Shape> {
  /** Resume token of an earlier page. */
  readonly token?: string;
  readonly link?: RigLink;
  /** Another build of the game than the server's. */
  readonly game?: Game<S>;
}

/** Where the rig saw a rule broken. */
export interface Problem {
  readonly at: Millis;
  readonly client: number;
  readonly what: string;
}

/** How much was compared, so that a green run says what it saw. */
export interface RigChecks {
  snapshots: number;
  rows: number;
  /** Rows of the client's own seat among them: each is of its snapshot's own tick. */
  ownRows: number;
  /** Snapshots in which nothing was deferred, compared with the whole world. */
  complete: number;
  /** Snapshots read so late that the server had forgotten what it sent: after a sleep, say. */
  tooLate: number;
  /** Rows held longer than the server's history. */
  beyondHistory: number;
  /** Longest time, in ticks, that a row stood still at a client because more urgent ones filled the datagrams. */
  stalest: number;
  /** Frames whose view tick was compared with that of the frame before. */
  draws: number;
  datagrams: number;
  largestDatagram: number;
}

export class RigClient<S extends Shape> {
  readonly index: number;
  core: ClientCore<S>;
  up: SimLink;
  down: SimLink;
  readonly events: ClientEvent[] = [];
  /** Entities that came into sight and left it; they are no part of `events`. */
  readonly sightings: ClientEvent[] = [];
  readonly rng: Rng;
  readonly skew: number;
  /** Number of the present connection, 0 while there is none. */
  connection = 0;
  readonly link: RigLink;
  nextFrame: Millis;
  nextDraw: Millis;
  asleepUntil: Millis = -1;
  /** How long this client's clock has stood still, as while a laptop sleeps. */
  stopped: Millis = 0;
  frames = 0;
  /** View tick of the last frame drawn since the page was loaded. */
  viewTick = Number.NEGATIVE_INFINITY;
  /** The server has closed the connection; the client learns of it once it has read what is under way. */
  closing = false;

  constructor(
    index: number,
    core: ClientCore<S>,
    link: RigLink,
    seed: number,
    skew: number,
    nextFrame: Millis,
  ) {
    const { up, down } = linksOf(link);
    this.index = index;
    this.core = core;
    this.link = link;
    this.up = new SimLink(up, seed, index * 2 + 10);
    this.down = new SimLink(down, seed, index * 2 + 11);
    this.rng = new Rng(seed, 3, index);
    this.skew = skew;
    this.nextFrame = nextFrame;
    this.nextDraw = nextFrame;
  }

  /** This client's own clock. */
  clock(now: Millis): Millis {
    return now * (1 + this.skew) - this.stopped;
  }
}

/** A connection that has a successor and is not closed yet. */
interface Former {
  readonly connection: number;
  readonly up: SimLink;
  readonly until: Millis;
}

export class Rig<S extends Shape> {
  readonly server: ServerCore<S>;
  readonly clients: RigClient<S>[] = [];
  readonly problems: Problem[] = [];
  readonly checks: RigChecks = {
    snapshots: 0,
    rows: 0,
    ownRows: 0,
    complete: 0,
    tooLate: 0,
    beyondHistory: 0,
    stalest: 0,
    draws: 0,
    datagrams: 0,
    largestDatagram: 0,
  };
  /** What the server's shell was told, and when. */
  readonly serverEvents: { readonly at: Millis; readonly event: ServerEvent }[] = [];
  now: Millis = 0;
  #stalledUntil: Millis = 0;
  /** Called after every server tick. */
  onTick: ((tick: number) => void) | undefined;
  /** Called with every datagram that a side sends. The bytes are valid during the call. */
  onDatagram: ((from: 'client' | 'server', client: RigClient<S>, bytes: Uint8Array) => void) | undefined;
  /** Called after every frame of a client. */
  onFrame: ((client: RigClient<S>) => void) | undefined;
  /** Called with every snapshot that a client takes, before its prediction is held against it. */
  onSnapshot: ((client: RigClient<S>, replica: Replica) => void) | undefined;
  readonly #options: RigOptions<S>;
  readonly #frameMs: Millis;
  readonly #drawMs: Millis;
  readonly #byConnection = new Map<number, RigClient<S>>();
  readonly #former: Former[] = [];
  #created = 0;
  readonly #rng: Rng;
  #connections = 0;
  #trace = 0x51ab1e;

  constructor(options: RigOptions<S>) {
    this.#options = options;
    this.#frameMs = 1000 / (options.frameRate ?? 60);
    this.#drawMs = options.drawRate === undefined ? 0 : 1000 / options.drawRate;
    this.#rng = new Rng(options.seed, 1);
    const entropy = new Rng(options.seed, 2);
    this.server = new ServerCore(options.game, {
      now: 0,
      entropy: () => entropy.u32(),
      seed: options.seed,
      options: options.options ?? {},
      development: options.development ?? false,
      record: options.record ?? false,
      trace: options.trace ?? false,
      ...(options.graceMs === undefined ? {} : { graceMs: options.graceMs }),
      ...(options.codec === undefined ? {} : { codec: options.codec }),
      ...(options.maxBytesPerSecond === undefined ? {} : { maxBytesPerSecond: options.maxBytesPerSecond }),
      ...(options.maxPlayers === undefined ? {} : { maxPlayers: options.maxPlayers }),
      ...(options.answers === undefined ? {} : { answers: options.answers }),
      ...(options.transferBytes === undefined ? {} : { transferBytes: options.transferBytes }),
    });
    (options.bots ?? []).forEach((think, index) => {
      this.server.addBot({ name: `Bot ${index + 1}`, think });
    });
    for (let i = 0; i < options.clients; i++) this.addClient();
  }

  /** Adds a client and connects it. */
  addClient(options: RigClientOptions<S> = {}): RigClient<S> {
    const index = this.#created++;
    const client = new RigClient<S>(
      index,
      this.#newCore(index, options.token, options.game),
      options.link ?? this.#options.link ?? 'perfect',
      this.#options.seed,
      this.#options.skew?.(index) ?? 0,
      this.now + this.#rng.range(0, this.#frameMs),
    );
    this.clients.push(client);
    this.connect(client);
    return client;
  }

  /** Opens a new connection for a client; its session goes on if it has one. */
  connect(client: RigClient<S>): void {
    if (client.connection !== 0) this.disconnect(client);
    this.#open(client);
  }

  /** Ends a client's connection, as a transport that closes. Both sides learn of it; what is under way is lost. */
  disconnect(client: RigClient<S>): void {
    this.#byConnection.delete(client.connection);
    this.server.closed(this.now, client.connection);
    client.core.lost(client.clock(this.now));
    client.connection = 0;
    client.closing = false;
    this.#renewLinks(client);
  }

  /** Make before break: a new connection takes over while the former one still delivers what is under way, for `ms`. */
  handOver(client: RigClient<S>, ms: Millis = 1_000): void {
    this.#former.push({ connection: client.connection, up: client.up, until: this.now + ms });
    this.#renewLinks(client);
    client.core.lost(client.clock(this.now));
    this.#open(client);
  }

  /** A page reload: a new client core that knows nothing but the resume token. */
  reload(client: RigClient<S>): void {
    const { token } = client.core;
    this.disconnect(client);
    client.core = this.#newCore(client.index + 100 * this.#connections, token);
    client.viewTick = Number.NEGATIVE_INFINITY;
    this.connect(client);
  }

  /** The player gives the seat back and closes the page. */
  leave(client: RigClient<S>): void {
    client.core.leave(client.clock(this.now));
    this.#pumpClient(client);
    // What the page sent last is still under way; nobody reads what comes back.
    this.#former.push({ connection: client.connection, up: client.up, until: this.now + 2_000 });
    this.#byConnection.delete(client.connection);
    this.clients.splice(this.clients.indexOf(client), 1);
  }

  /** Nothing gets through for `ms`, both ways or one way. */
  darken(client: number, ms: Millis, way: 'both' | 'up' | 'down' = 'both'): void {
    const { up, down } = this.#client(client);
    if (way !== 'down') up.darken(this.now, ms);
    if (way !== 'up') down.darken(this.now, ms);
  }

  /** The page does not run for `ms`; what arrives waits for it. */
  sleep(client: number, ms: Millis): void {
    this.#client(client).asleepUntil = this.now + ms;
  }

  /** The server's process does not run for `ms`; what arrives waits for it. */
  stall(ms: Millis): void {
    this.#stalledUntil = this.now + ms;
  }

  /** Lets `ms` of time pass. */
  run(ms: Millis): this {
    return this.runUntil(this.now + ms);
  }

  runUntil(end: Millis): this {
    for (;;) {
      const next = this.#nextTime();
      if (next > end) break;
      this.now = Math.max(this.now, next);
      this.#turn();
    }
    this.now = end;
    return this;
  }

  /** Where a client's prediction and the server parted in the time that both recorded. Needs the option `trace`. */
  trace(client = 0): TraceReport {
    const ours = this.#client(client).core.trace();
    const theirs = this.server.trace();
    if (ours === undefined || theirs === undefined)
      throw new UsageError('nothing was recorded; make the rig with trace: true');
    return joinRecordings(new Recording(ours), new Recording(theirs));
  }

  /** Sum of everything that happened: world states tick by tick, and what each client got when. Equal for equal seeds. */
  traceHash(): number {
    return finish32(this.#trace);
  }

  /** Throws with the first problems, if there were any. */
  expectClean(): this {
    if (this.problems.length > 0) {
      const shown = this.problems
        .slice(0, 5)
        .map(({ at, client, what }) => `at ${at.toFixed(1)} ms, client ${client}: ${what}`);
      throw new UsageError(
        `${this.problems.length} problems (seed ${this.#options.seed}):\n${shown.join('\n')}`,
      );
    }
    return this;
  }

  #client(index: number): RigClient<S> {
    const client = this.clients.find((one) => one.index === index);
    if (client === undefined) throw new UsageError(`the rig has no client ${index}`);
    return client;
  }

  #open(client: RigClient<S>): void {
    client.connection = ++this.#connections;
    client.closing = false;
    this.#byConnection.set(client.connection, client);
    this.server.open(this.now, client.connection);
    client.core.opened(client.clock(this.now));
    this.#pumpClient(client);
  }

  #renewLinks(client: RigClient<S>): void {
    const { up, down } = linksOf(client.link);
    client.up = new SimLink(up, this.#options.seed, this.#connections * 2 + 1_000);
    client.down = new SimLink(down, this.#options.seed, this.#connections * 2 + 1_001);
  }

  #newCore(stream: number, token?: string, game?: Game<S>): ClientCore<S> {
    const entropy = new Rng(this.#options.seed, 4, stream);
    const core = new ClientCore(game ?? this.#options.clientGame ?? this.#options.game, {
      now: this.now,
      entropy: () => entropy.u32(),
      name: `P${stream + 1}`,
      development: this.#options.development ?? false,
      trace: this.#options.trace ?? false,
      ...(token === undefined ? {} : { token }),
      ...(this.#options.maxReplay === undefined ? {} : { maxReplay: this.#options.maxReplay }),
      ...this.#options.client,
    });
    if (this.#options.scramble ?? true) core.scramble = (count) => count * 7 + 13;
    return core;
  }

  #nextTime(): Millis {
    const served = (time: Millis): Millis => Math.max(time, this.#stalledUntil);
    let next = served(this.server.nextWakeup());
    for (const client of this.clients) {
      next = Math.min(next, client.nextFrame, served(client.up.nextArrival()));
      if (client.asleepUntil <= this.now) next = Math.min(next, client.down.nextArrival());
      if (this.#drawMs > 0) next = Math.min(next, client.nextDraw);
    }
    for (const { up, until } of this.#former) next = Math.min(next, served(up.nextArrival()), until);
    return next;
  }

  /** The server's share of a moment: what arrived, the ticks that are due, what it sends. */
  #serve(): void {
    for (const client of this.clients) this.#deliverUp(client.connection, client.up);
    if (this.#former.length > 0) this.#serveFormer();
    if (this.server.nextWakeup() <= this.now) this.#tick();
    this.#pumpServer();
  }

  #turn(): void {
    if (this.now >= this.#stalledUntil) this.#serve();
    for (const client of this.clients) {
      if (client.asleepUntil > this.now) {
        client.nextFrame = Math.max(client.nextFrame, client.asleepUntil);
        client.nextDraw = Math.max(client.nextDraw, client.asleepUntil);
        continue;
      }
      if (client.down.nextArrival() <= this.now) this.#deliverDown(client);
      if (client.nextFrame <= this.now) this.#frame(client);
      if (this.#drawMs > 0 && client.nextDraw <= this.now) {
        client.nextDraw = Math.max(client.nextDraw + this.#drawMs, this.now);
        if (this.#drawMs !== Infinity) this.#draw(client);
      }
      if (client.closing && client.down.inFlight === 0) this.disconnect(client);
    }
  }

  #tick(): void {
    const before = this.server.tick;
    this.server.advance(this.now);
    if (this.server.tick === before) return;
    this.#trace = mix32(this.#trace, this.server.room.simulation.core.hash());
    this.onTick?.(this.server.tick);
  }

  #serveFormer(): void {
    for (const former of [...this.#former]) {
      this.#deliverUp(former.connection, former.up);
      if (former.until > this.now) continue;
      this.server.closed(this.now, former.connection);
      this.#former.splice(this.#former.indexOf(former), 1);
    }
  }

  #deliverUp(connection: number, up: SimLink): void {
    for (let bytes = up.receive(this.now); bytes !== undefined; bytes = up.receive(this.now)) {
      if (connection !== 0) this.server.receive(this.now, connection, bytes);
    }
  }

  #deliverDown(client: RigClient<S>): void {
    const now = client.clock(this.now);
    for (
      let bytes = client.down.receive(this.now);
      bytes !== undefined;
      bytes = client.down.receive(this.now)
    ) {
      client.core.onSnapshot = (replica) => {
        this.#check(client, replica);
        this.onSnapshot?.(client, replica);
      };
      client.core.receive(now, bytes);
    }
    this.#pumpClient(client);
  }

  #frame(client: RigClient<S>): void {
    const now = client.clock(this.now);
    client.frames++;
    client.nextFrame += this.#frameMs;
    if (client.nextFrame <= this.now) client.nextFrame = this.now + this.#frameMs;
    const { script } = this.#options;
    if (script !== undefined && client.core.seat > 0)
      client.core.sample(script(client.core, now, client.rng));
    client.core.advance(now);
    if (this.#drawMs === 0) this.#draw(client);
    this.#pumpClient(client);
    this.onFrame?.(client);
  }

  #draw(client: RigClient<S>): void {
    client.core.draw(client.clock(this.now));
    if (client.core.replica === undefined) return;
    const { tick } = client.core.view;
    this.checks.draws++;
    if (tick < client.viewTick)
      this.#problem(client, `[V2] the view went back from tick ${client.viewTick} to ${tick}`);
    client.viewTick = tick;
  }

  #pumpClient(client: RigClient<S>): void {
    for (let bytes = client.core.pollDatagram(); bytes !== undefined; bytes = client.core.pollDatagram()) {
      if (client.connection === 0) continue;
      this.#noteDatagram('client', client, bytes);
      client.up.send(this.now, bytes);
    }
    for (let event = client.core.pollEvent(); event !== undefined; event = client.core.pollEvent()) {
      if (event.type === 'enter' || event.type === 'leave') client.sightings.push(event);
      else client.events.push(event);
      if (event.type === 'joined' && !event.resumed) client.viewTick = Number.NEGATIVE_INFINITY;
      if (event.type === 'warning') this.#problem(client, `warning: ${event.message}`);
    }
  }

  #pumpServer(): void {
    for (let out = this.server.pollDatagram(); out !== undefined; out = this.server.pollDatagram()) {
      const client = this.#byConnection.get(out.connection);
      // A former connection's page does not listen any more.
      if (client === undefined || client.connection !== out.connection) continue;
      this.#noteDatagram('server', client, out.bytes);
      client.down.send(this.now, out.bytes);
    }
    for (let event = this.server.pollEvent(); event !== undefined; event = this.server.pollEvent())
      this.#obey(event);
  }

  #obey(event: ServerEvent): void {
    this.serverEvents.push({ at: this.now, event });
    if (event.type === 'warning')
      this.problems.push({ at: this.now, client: -1, what: `warning: ${event.message}` });
    if (event.type !== 'close-connection') return;
    this.server.closed(this.now, event.connection);
    const client = this.#byConnection.get(event.connection);
    this.#byConnection.delete(event.connection);
    if (client?.connection === event.connection) client.closing = true;
  }

  #noteDatagram(from: 'client' | 'server', client: RigClient<S>, bytes: Uint8Array): void {
    const { checks } = this;
    checks.datagrams++;
    checks.largestDatagram = Math.max(checks.largestDatagram, bytes.length);
    if (bytes.length > MAX_DATAGRAM_BYTES)
      this.#problem(client, `the ${from} sent ${bytes.length} bytes in one datagram`);
    this.onDatagram?.(from, client, bytes);
  }

  #problem(client: RigClient<S>, what: string): void {
    this.problems.push({ at: this.now, client: client.index, what });
  }

  /** [S3]: what the server remembers as sent is what the client holds, bit for bit. */
  #check(client: RigClient<S>, replica: Replica): void {
    this.#trace = mix32(mix32(this.#trace, replica.tick), client.index);
    const session = this.server.session(client.core.seat);
    const held = session?.heldAt(replica.tick);
    const world = this.server.room.history.get(replica.tick);
    if (held === undefined || world === undefined) {
      this.checks.tooLate++;
      return;
    }
    this.checks.snapshots++;
    this.#checkControls(client, replica, world);
    for (let t = 0; t < replica.tables.length; t++) {
      const rows = replica.tables[t] as RowSet;
      let r = 0;
      for (const { id, held: heldTick, mask } of this.server.heldRows(client.core.seat, replica.tick, t) ??
        []) {
        if (r >= rows.count || rows.id(r) !== id) {
          this.#problem(
            client,
            `[S3] ${rows.schema.name} ${id} was sent for tick ${replica.tick}, the client does not hold it`,
          );
          return;
        }
        this.#checkRow(client, replica, t, rows, r++, heldTick, mask);
      }
      if (r !== rows.count)
        this.#problem(
          client,
          `[S3] the client holds ${rows.schema.name} ${rows.id(r)}, which the server does not remember`,
        );
    }
    if (held.deferred === 0) this.#checkComplete(client, replica, world);
  }

  #checkRow(
    client: RigClient<S>,
    replica: Replica,
    t: number,
    rows: RowSet,
    index: number,
    heldTick: number,
    mask: number,
  ): void {
    const { schema } = rows;
    const at = index * schema.stride;
    const id = rows.id(index);
    this.checks.rows++;
    this.checks.stalest = Math.max(this.checks.stalest, replica.tick - heldTick);
    if (rows.data[at + MARK] !== heldTick) {
      this.#problem(
        client,
        `[S3] ${schema.name} ${id} is held at ${rows.data[at + MARK]}, the server remembers ${heldTick}`,
      );
    }
    if (rows.data[at + OWNER] === client.core.seat) {
      this.checks.ownRows++;
      if (heldTick !== replica.tick)
        this.#problem(client, `own ${schema.name} ${id} was deferred at tick ${replica.tick}`);
    }
    const source = this.server.room.history.get(heldTick)?.tables[t];
    if (source === undefined) {
      this.checks.beyondHistory++;
      return;
    }
    const from = source.offsetOf(id);
    if (from < 0) {
      this.#problem(client, `[S3] ${schema.name} ${id} did not exist at its held tick ${heldTick}`);
      return;
    }
    const told = maskedRow(this.server.game.schema.secrets[t] as Secrets, source, from, mask);
    const field = firstDifference(schema, rows.data, at, told, 0);
    if (field !== undefined)
      this.#problem(
        client,
        `[S3] ${schema.name} ${id}.${field} differs at tick ${replica.tick}, held ${heldTick}`,
      );
  }

  /** The seat's own control words, on which the ids of its spawns and its pulls depend. */
  #checkControls(client: RigClient<S>, replica: Replica, world: SavedWorld): void {
    const { controlStride } = this.server.room.simulation.core;
    const at = client.core.seat * controlStride;
    for (let i = 0; i < controlStride; i++) {
      if (replica.controls[i] !== world.controls[at + i])
        this.#problem(client, `[S3] control word ${i} differs at tick ${replica.tick}`);
    }
  }

  #checkComplete(client: RigClient<S>, replica: Replica, world: SavedWorld): void {
    this.checks.complete++;
    for (let t = 0; t < replica.tables.length; t++) {
      const rows = replica.tables[t] as RowSet;
      const all = world.tables[t] as RowSet;
      // Of types that not everybody sees, how many are held is for the game's own tests to say.
      const open =
        this.server.game.schema.positions[t] === undefined &&
        !(rows.schema.name in (this.server.game.definition.visible ?? {}));
      if (open && rows.count !== all.count) {
        this.#problem(
          client,
          `nothing was deferred at tick ${replica.tick}, but ${rows.count} of ${all.count} ${rows.schema.name} rows are held`,
        );
      }
      for (let i = 0; i < rows.count; i++) {
        if (rows.data[i * rows.schema.stride + MARK] !== replica.tick) {
          this.#problem(
            client,
            `nothing was deferred at tick ${replica.tick}, but ${rows.schema.name} ${rows.id(i)} is older`,
          );
        }
      }
    }
  }
}

function linksOf(link: NonNullable<RigOptions<Shape>['link']>): { up: LinkOptions; down: LinkOptions } {
  if (typeof link === 'string') return { up: PROFILES[link], down: PROFILES[link] };
  if ('up' in link && 'down' in link) return link;
  return { up: link, down: link };
}
