/**
 * The rig: one real server core, real client cores, simulated links and one clock that jumps. Minutes of play run in seconds, from
 * a seed, without an `await`. While it runs it holds every client's snapshots against what the server remembers as sent.
 */

import { ServerCore } from '@tickwire/server/core';
import { UsageError } from '../base/assert.ts';
import { Rng } from '../base/rng.ts';
import type { Millis } from '../base/units.ts';
import { ClientCore, type ClientEvent } from '../client/core.ts';
import type { Replica } from '../replication/decode.ts';
import type { Game } from '../simulation/game.ts';
import { firstDifference, type RowSet } from '../simulation/rows.ts';
import type { InputOf, Shape, World } from '../simulation/types.ts';
import { finish32, mix32 } from '../wire/hash.ts';
import { MARK, OWNER } from '../wire/schema.ts';
import { type LinkOptions, SimLink } from './link.ts';
import { PROFILES, type ProfileName } from './profiles.ts';

/** What a scripted player's hands do. Called once per frame with the player's own clock. */
export type Script<S extends Shape> = (client: ClientCore<S>, now: Millis, rng: Rng) => InputOf<S>;

export interface RigOptions<S extends Shape> {
  readonly game: Game<S>;
  readonly seed: number;
  readonly clients: number;
  /** A named network or link options, the same both ways; or one per direction. */
  readonly link?: ProfileName | LinkOptions | { readonly up: LinkOptions; readonly down: LinkOptions };
  readonly script?: Script<S>;
  /** Room options. */
  readonly options?: Partial<S['options']>;
  /** Bots that play on the server. */
  readonly bots?: readonly ((world: World<S>, me: number, tick: number) => InputOf<S>)[];
  /** Frames per second of each client. Default 60. */
  readonly frameRate?: number;
  /** How much faster each client's clock runs, as a share: 0.01 for 1 %. Called per client. */
  readonly skew?: (client: number) => number;
  /** Fills `local` fields with something else on every restore. Default true: nothing may depend on them. */
  readonly scramble?: boolean;
  readonly development?: boolean;
  readonly record?: boolean;
  /** How long a seat waits for a player who is away. */
  readonly graceMs?: Millis;
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
  /** Snapshots in which nothing was deferred, compared with the whole world. */
  complete: number;
  /** Rows held longer than the server's history. */
  beyondHistory: number;
}

export class RigClient<S extends Shape> {
  readonly index: number;
  core: ClientCore<S>;
  up: SimLink;
  down: SimLink;
  readonly events: ClientEvent[] = [];
  readonly rng: Rng;
  readonly skew: number;
  /** Number of the present connection, 0 while there is none. */
  connection = 0;
  nextFrame: Millis;
  asleepUntil: Millis = -1;
  frames = 0;

  constructor(
    index: number,
    core: ClientCore<S>,
    up: SimLink,
    down: SimLink,
    rng: Rng,
    skew: number,
    nextFrame: Millis,
  ) {
    this.index = index;
    this.core = core;
    this.up = up;
    this.down = down;
    this.rng = rng;
    this.skew = skew;
    this.nextFrame = nextFrame;
  }

  /** This client's own clock. */
  clock(now: Millis): Millis {
    return now * (1 + this.skew);
  }
}

export class Rig<S extends Shape> {
  readonly server: ServerCore<S>;
  readonly clients: RigClient<S>[] = [];
  readonly problems: Problem[] = [];
  readonly checks: RigChecks = { snapshots: 0, rows: 0, complete: 0, beyondHistory: 0 };
  now: Millis = 0;
  readonly #options: RigOptions<S>;
  readonly #frameMs: Millis;
  readonly #byConnection = new Map<number, RigClient<S>>();
  readonly #rng: Rng;
  #connections = 0;
  #trace = 0x51ab1e;

  constructor(options: RigOptions<S>) {
    this.#options = options;
    this.#frameMs = 1000 / (options.frameRate ?? 60);
    this.#rng = new Rng(options.seed, 1);
    const entropy = new Rng(options.seed, 2);
    this.server = new ServerCore(options.game, {
      now: 0,
      entropy: () => entropy.u32(),
      seed: options.seed,
      options: options.options ?? {},
      development: options.development ?? false,
      record: options.record ?? false,
      ...(options.graceMs === undefined ? {} : { graceMs: options.graceMs }),
    });
    (options.bots ?? []).forEach((think, index) => {
      this.server.addBot({ name: `Bot ${index + 1}`, think });
    });
    for (let i = 0; i < options.clients; i++) this.addClient();
  }

  /** Adds a client and connects it. */
  addClient(token?: string): RigClient<S> {
    const index = this.clients.length;
    const { up, down } = linksOf(this.#options.link ?? 'perfect');
    const { seed } = this.#options;
    const client = new RigClient<S>(
      index,
      this.#newCore(index, token),
      new SimLink(up, seed, index * 2 + 10),
      new SimLink(down, seed, index * 2 + 11),
      new Rng(seed, 3, index),
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
    client.connection = ++this.#connections;
    this.#byConnection.set(client.connection, client);
    this.server.open(this.now, client.connection);
    client.core.opened(client.clock(this.now));
    this.#pumpClient(client);
  }

  /** Ends a client's connection, as a transport that closes. Both sides learn of it. */
  disconnect(client: RigClient<S>): void {
    this.#byConnection.delete(client.connection);
    this.server.closed(this.now, client.connection);
    client.core.lost(client.clock(this.now));
    client.connection = 0;
    const { up, down } = linksOf(this.#options.link ?? 'perfect');
    client.up = new SimLink(up, this.#options.seed, this.#connections * 2 + 1_000);
    client.down = new SimLink(down, this.#options.seed, this.#connections * 2 + 1_001);
  }

  /** A page reload: a new client core that knows nothing but the resume token. */
  reload(client: RigClient<S>): void {
    const { token } = client.core;
    this.disconnect(client);
    client.core = this.#newCore(client.index + 100 * this.#connections, token);
    this.connect(client);
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
    const client = this.clients[index];
    if (client === undefined) throw new UsageError(`the rig has no client ${index}`);
    return client;
  }

  #newCore(stream: number, token?: string): ClientCore<S> {
    const entropy = new Rng(this.#options.seed, 4, stream);
    const core = new ClientCore(this.#options.game, {
      now: this.now,
      entropy: () => entropy.u32(),
      name: `P${stream + 1}`,
      development: this.#options.development ?? false,
      ...(token === undefined ? {} : { token }),
    });
    if (this.#options.scramble ?? true) core.scramble = (count) => count * 7 + 13;
    return core;
  }

  #nextTime(): Millis {
    let next = this.server.nextWakeup();
    for (const client of this.clients) {
      next = Math.min(next, client.nextFrame, client.up.nextArrival());
      if (client.asleepUntil <= this.now) next = Math.min(next, client.down.nextArrival());
    }
    return next;
  }

  #turn(): void {
    for (const client of this.clients) this.#deliverUp(client);
    const before = this.server.tick;
    this.server.advance(this.now);
    if (this.server.tick !== before)
      this.#trace = mix32(this.#trace, this.server.room.simulation.core.hash());
    this.#pumpServer();
    for (const client of this.clients) {
      if (client.asleepUntil > this.now) {
        client.nextFrame = Math.max(client.nextFrame, client.asleepUntil);
        continue;
      }
      this.#deliverDown(client);
      if (client.nextFrame <= this.now) this.#frame(client);
    }
  }

  #deliverUp(client: RigClient<S>): void {
    for (let bytes = client.up.receive(this.now); bytes !== undefined; bytes = client.up.receive(this.now)) {
      if (client.connection !== 0) this.server.receive(this.now, client.connection, bytes);
    }
  }

  #deliverDown(client: RigClient<S>): void {
    const now = client.clock(this.now);
    for (
      let bytes = client.down.receive(this.now);
      bytes !== undefined;
      bytes = client.down.receive(this.now)
    ) {
      client.core.onSnapshot = (replica) => this.#check(client, replica);
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
    if (script !== undefined && client.core.joined) client.core.sample(script(client.core, now, client.rng));
    client.core.advance(now);
    client.core.draw(now);
    this.#pumpClient(client);
  }

  #pumpClient(client: RigClient<S>): void {
    for (let bytes = client.core.pollDatagram(); bytes !== undefined; bytes = client.core.pollDatagram()) {
      if (client.connection !== 0) client.up.send(this.now, bytes);
    }
    for (let event = client.core.pollEvent(); event !== undefined; event = client.core.pollEvent()) {
      client.events.push(event);
      if (event.type === 'warning') this.#problem(client, `warning: ${event.message}`);
    }
  }

  #pumpServer(): void {
    for (let out = this.server.pollDatagram(); out !== undefined; out = this.server.pollDatagram()) {
      this.#byConnection.get(out.connection)?.down.send(this.now, out.bytes);
    }
    for (let event = this.server.pollEvent(); event !== undefined; event = this.server.pollEvent()) {
      if (event.type === 'warning')
        this.problems.push({ at: this.now, client: -1, what: `warning: ${event.message}` });
    }
  }

  #problem(client: RigClient<S>, what: string): void {
    this.problems.push({ at: this.now, client: client.index, what });
  }

  /** [S3]: what the server remembers as sent is what the client holds, bit for bit. */
  #check(client: RigClient<S>, replica: Replica): void {
    this.#trace = mix32(mix32(this.#trace, replica.tick), client.index);
    const session = this.server.session(client.core.seat);
    const held = session?.heldAt(replica.tick);
    if (held === undefined) return;
    this.checks.snapshots++;
    for (let t = 0; t < replica.tables.length; t++) {
      const rows = replica.tables[t] as RowSet;
      const sent = held.tables[t];
      if (sent === undefined) continue;
      let r = 0;
      for (let i = 0; i < sent.count; i++) {
        if (sent.held[i] === -1) continue;
        const id = sent.ids[i] ?? 0;
        if (r >= rows.count || rows.id(r) !== id) {
          this.#problem(
            client,
            `[S3] ${rows.schema.name} ${id} was sent for tick ${replica.tick}, the client does not hold it`,
          );
          return;
        }
        this.#checkRow(client, replica, t, rows, r++, sent.held[i] ?? 0);
      }
      if (r !== rows.count)
        this.#problem(
          client,
          `[S3] the client holds ${rows.schema.name} ${rows.id(r)}, which the server does not remember`,
        );
    }
    if (held.deferred === 0) this.#checkComplete(client, replica);
  }

  #checkRow(
    client: RigClient<S>,
    replica: Replica,
    t: number,
    rows: RowSet,
    index: number,
    heldTick: number,
  ): void {
    const { schema } = rows;
    const at = index * schema.stride;
    const id = rows.id(index);
    this.checks.rows++;
    if (rows.data[at + MARK] !== heldTick) {
      this.#problem(
        client,
        `[S3] ${schema.name} ${id} is held at ${rows.data[at + MARK]}, the server remembers ${heldTick}`,
      );
    }
    if (rows.data[at + OWNER] === client.core.seat && heldTick !== replica.tick) {
      this.#problem(client, `own ${schema.name} ${id} was deferred at tick ${replica.tick}`);
    }
    const source = this.server.room.history.get(heldTick)?.tables[t];
    if (source === undefined) {
      this.checks.beyondHistory++;
      return;
    }
    const from = source.offsetOf(id);
    if (from < 0)
      return this.#problem(client, `[S3] ${schema.name} ${id} did not exist at its held tick ${heldTick}`);
    const field = firstDifference(schema, rows.data, at, source.data, from);
    if (field !== undefined)
      this.#problem(
        client,
        `[S3] ${schema.name} ${id}.${field} differs at tick ${replica.tick}, held ${heldTick}`,
      );
  }

  #checkComplete(client: RigClient<S>, replica: Replica): void {
    const world = this.server.room.history.get(replica.tick);
    if (world === undefined) return;
    this.checks.complete++;
    for (let t = 0; t < replica.tables.length; t++) {
      const rows = replica.tables[t] as RowSet;
      const all = world.tables[t] as RowSet;
      if (rows.count !== all.count) {
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
