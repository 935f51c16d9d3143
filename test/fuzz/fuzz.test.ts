// A hundred thousand hostile datagrams to a live server and to live clients.
//
// Each core has a twin that gets only what the core accepted. As long as both send, say and hold the same, a refused
// datagram changed nothing [W1].

import { Rng } from '@tickwire/netcode';
import type { RowSet } from '@tickwire/netcode/internal';
import { describe, expect, test } from 'vitest';
import { boxes } from '../games/boxes.ts';
import {
  type Addressed,
  type Client,
  drain,
  drainServer,
  EFFORT,
  heapMb,
  newClient,
  newServer,
  SEED,
  type Server,
  sum,
  TICK_MS,
} from './harness.ts';
import { Corpus, damage, getU16, lie, mutate, strayDatagram } from './mutate.ts';

/** Hostile datagrams to each side. */
const TO_SERVER = Math.round(80_000 * EFFORT);
const TO_CLIENT = Math.round(50_000 * EFFORT);
/** A world lives for this many, then a new one starts: mutants that are accepted lead everybody astray. */
const PER_WORLD = 4_000;

/**
 * Bounds of the time that datagrams take, against plain work measured beside each of them: a slow machine is slow for both, and a busy
 * one pauses both.
 */
const MEAN_FACTOR = 20;
const SLOW_FACTOR = 500;
const SLOW_SHARE = 0.001;

/** Bytes that the plain work goes over. */
const PLAIN_BYTES = new Uint8Array(1164).fill(7);

class Stopwatch {
  total = 0;
  slowest = 0;
  calls = 0;
  plainTotal = 0;
  /** What calls and plain work took, in ms. */
  readonly #took: number[] = [];
  readonly #plainTook: number[] = [];
  #hash = 0;

  time(work: () => void): void {
    const start = performance.now();
    work();
    const took = performance.now() - start;
    this.calls++;
    this.total += took;
    this.#took.push(took);
    this.slowest = Math.max(this.slowest, took);
    const before = performance.now();
    this.#plain();
    const plain = performance.now() - before;
    this.plainTotal += plain;
    this.#plainTook.push(plain);
  }

  get mean(): number {
    return this.total / Math.max(1, this.calls);
  }

  /** In means of the plain work. */
  get meanFactor(): number {
    return this.total / this.plainTotal;
  }

  /** Shares of calls and of plain work that took far longer than plain work mostly takes. */
  get slowShares(): { calls: number; plain: number } {
    const usual = [...this.#plainTook].sort((a, b) => a - b)[this.calls >> 1] ?? 0;
    const share = (all: readonly number[]): number =>
      all.filter((took) => took > usual * SLOW_FACTOR).length / this.calls;
    return { calls: share(this.#took), plain: share(this.#plainTook) };
  }

  /** Whether the calls were bounded: on average, and but for pauses each of them. */
  expectBounded(): void {
    const slow = this.slowShares;
    expect(this.meanFactor).toBeLessThan(MEAN_FACTOR);
    // A call that takes twice as long is paused twice as often.
    expect(slow.calls).toBeLessThan(SLOW_SHARE + 5 * slow.plain * Math.max(1, this.meanFactor));
  }

  /** About as much as a datagram costs. */
  #plain(): void {
    let hash = this.#hash;
    for (let round = 0; round < 20; round++)
      for (let i = 0; i < PLAIN_BYTES.length; i++) hash = Math.imul(hash ^ (PLAIN_BYTES[i] ?? 0), 0x5bd1e995);
    this.#hash = hash;
  }
}

/** A server and its twin. */
class Servers {
  readonly a: Server;
  readonly b: Server;
  readonly watch: Stopwatch;
  received = 0;

  constructor(seed: number, watch: Stopwatch) {
    this.a = newServer(seed);
    this.b = newServer(seed);
    this.watch = watch;
  }

  open(now: number, connection: number): void {
    this.a.open(now, connection);
    this.b.open(now, connection);
  }

  closed(now: number, connection: number): void {
    this.a.closed(now, connection);
    this.b.closed(now, connection);
  }

  receive(now: number, connection: number, bytes: Uint8Array): void {
    const { counters } = this.a;
    const answered = () =>
      counters.accepted + (counters.refused.version ?? 0) + (counters.refused['bad-name'] ?? 0);
    const before = answered();
    this.received++;
    const given = bytes.slice();
    this.watch.time(() => this.a.receive(now, connection, given));
    given.fill(0xa5); // the core keeps nothing that it does not own
    // Two refusals are answered, which is an effect: the twin gets them too.
    if (answered() !== before) this.b.receive(now, connection, bytes.slice());
  }

  transfer(seat: number, length: number): void {
    for (const server of [this.a, this.b])
      if (server.session(seat) !== undefined) server.transfer(seat, 'map', new Uint8Array(length));
  }

  /** Runs a tick on both and gives what they send, which must be the same. */
  advance(now: number): Addressed[] {
    this.a.advance(now);
    this.b.advance(now);
    const [sent, twin] = [drainServer(this.a), drainServer(this.b)];
    check(sent.length === twin.length, `the server sent ${sent.length} datagrams, its twin ${twin.length}`);
    sent.forEach(({ connection, bytes }, i) => {
      check(
        connection === twin[i]?.connection && same(bytes, twin[i].bytes),
        `datagram ${i} to ${connection} differs`,
      );
    });
    check(
      this.a.room.simulation.core.hash() === this.b.room.simulation.core.hash(),
      'a refused datagram changed the world',
    );
    const events: string[] = [];
    for (const server of [this.a, this.b]) {
      const mine: unknown[] = [];
      for (let event = server.pollEvent(); event !== undefined; event = server.pollEvent()) {
        // A transfer is told by what it is; its promise tells nothing.
        if (event.type === 'transfer' || event.type === 'transfer-ended') {
          const { name, length, moved, state, incoming } = event.transfer;
          mine.push([event.type, event.seat, name, length, moved, state, incoming]);
          continue;
        }
        mine.push(event);
        if (event.type === 'close-connection') this.#toClose.add(event.connection);
      }
      events.push(JSON.stringify(mine));
    }
    check(events[0] === events[1], `events differ: ${events[0]} and ${events[1]}`);
    check(this.state(this.a) === this.state(this.b), 'a refused datagram changed a session');
    return sent;
  }

  readonly #toClose = new Set<number>();

  /** Connections that the core gave up since the last call. */
  takeClosed(): number[] {
    const closed = [...this.#toClose];
    this.#toClose.clear();
    return closed;
  }

  state(server: Server): string {
    const sessions = [];
    for (let seat = 1; seat <= 16; seat++) {
      const session = server.session(seat);
      if (session === undefined) continue;
      const { refused: _, ...channels } = session.channels.stats;
      const { unaskedBytes: __, ...transfers } = session.channels.transfers.stats;
      const { hidden, away, confirmed, lastHeard, baselineTick, snapshotsSent } = session;
      sessions.push({
        seat,
        hidden,
        away,
        confirmed,
        lastHeard,
        baselineTick,
        snapshotsSent,
        channels,
        transfers,
        asked: [...session.asked],
        commands: session.commands.stats,
      });
    }
    return JSON.stringify(sessions);
  }
}

describe('fuzz', () => {
  test(`[W1] ${TO_SERVER} hostile datagrams to a server`, async () => {
    const rng = new Rng(SEED, 21);
    const watch = new Stopwatch();
    const totals = {
      received: 0,
      accepted: 0,
      ticks: 0,
      worlds: 0,
      failedMessages: 0,
      answered: 0,
    };
    const refused: Record<string, number> = {};
    const schema = boxes.schema;
    let firstHeap = 0;
    for (let hostile = 0; hostile < TO_SERVER; ) {
      const servers = new Servers(SEED + totals.worlds, watch);
      const corpus = new Corpus();
      const clients = new Map<number, Client>();
      const script = new Rng(SEED, 22, totals.worlds);
      let now = 0;
      let connections = 0;
      const enter = (): void => {
        const connection = ++connections;
        const client = newClient(SEED + totals.worlds, connection, now);
        clients.set(connection, client);
        servers.open(now, connection);
        client.opened(now);
      };
      for (let i = 0; i < 3; i++) enter();
      // Connections without a client, for whoever wants to try.
      const strangers = new Set<number>();
      for (let i = 0; i < 3; i++) {
        strangers.add(++connections);
        servers.open(now, connections);
      }
      let seq = 0;
      for (let made = 0; made < PER_WORLD && hostile < TO_SERVER; ) {
        now += TICK_MS;
        for (const [connection, client] of clients) {
          client.sample({ dx: script.int(-1, 1), fire: script.chance(0.2), jump: script.chance(0.1) });
          if (script.chance(0.05)) client.send('say', { text: `hello ${made}` });
          if (script.chance(0.3)) client.request(now, 'buy', { cost: script.int(0, 2) });
          if (script.chance(0.02)) client.request(now, 'lookup', 'nobody');
          if (script.chance(0.01)) client.transfer('avatar', new Uint8Array(script.int(0, 20_000)));
          client.advance(now);
          for (const bytes of drain(client)) {
            corpus.add(bytes);
            seq = bytes[0] === 4 ? getU16(bytes, 1) : seq;
            // Broken copies come first: with a number that is still new, all of them is read.
            for (let n = rng.int(0, 3); n > 0; n--, made++, hostile++)
              servers.receive(now, connection, damage(bytes.slice(), rng));
            // Honest datagrams come late, twice or not at all.
            if (script.chance(0.9)) servers.receive(now, connection, bytes);
            if (script.chance(0.05)) servers.receive(now, connection, bytes);
          }
        }
        for (let n = rng.int(3, 15); n > 0; n--) {
          const all = [...clients.keys(), ...strangers, 999];
          const target = all[rng.int(0, all.length - 1)] ?? 1;
          const dice = rng.next();
          const bytes =
            dice < 0.7
              ? mutate(corpus, rng)
              : dice < 0.9
                ? lie(schema.command, rng, seq + rng.int(-3, 6), servers.a.tick)
                : strayDatagram(rng, schema.hash);
          // Goodbyes would leave nobody to talk to.
          if (bytes[0] === 6 && bytes.length === 2 && rng.chance(0.95)) continue;
          servers.receive(now, target, bytes);
          hostile++;
          made++;
        }
        if (script.chance(0.02)) servers.transfer(script.int(1, 4), script.int(0, 30_000));
        for (const { connection, bytes } of servers.advance(now))
          clients.get(connection)?.receive(now, bytes);
        totals.ticks++;
        for (const connection of servers.takeClosed()) {
          servers.closed(now, connection);
          clients.delete(connection);
          strangers.delete(connection);
          if (clients.size < 3 && rng.chance(0.5)) enter();
          else {
            strangers.add(++connections);
            servers.open(now, connections);
          }
        }
      }
      const { counters } = servers.a;
      expect(counters.datagramsIn).toBe(servers.received);
      expect(counters.accepted + sum(counters.refused)).toBe(counters.datagramsIn);
      for (const [why, n] of Object.entries(counters.refused)) refused[why] = (refused[why] ?? 0) + (n ?? 0);
      totals.received += servers.received;
      totals.accepted += counters.accepted;
      totals.failedMessages += counters.messagesFailed;
      totals.answered += counters.answered.answered ?? 0;
      totals.worlds++;
      // Answers that are still promised hold on to their server until they are given.
      await new Promise((resolve) => setImmediate(resolve));
      if (totals.worlds === 1) firstHeap = heapMb();
    }
    const grown = heapMb() - firstHeap;
    console.log(
      `server fuzz, seed ${SEED}:`,
      JSON.stringify({
        ...totals,
        refused,
        meanUs: Math.round(watch.mean * 1000),
        meanFactor: Number(watch.meanFactor.toFixed(2)),
        slow: watch.slowShares,
        slowestMs: Number(watch.slowest.toFixed(1)),
        heapGrownMb: Math.round(grown),
      }),
    );
    watch.expectBounded();
    expect(grown).toBeLessThan(32);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    for (const why of [
      'unknown-kind',
      'truncated',
      'bad-value',
      'bad-ack',
      'duplicate-packet',
      'bad-padding',
      'bad-messages',
      'wrong-kind',
      'no-session',
      'unknown-connection',
      'oversized',
      'empty',
    ])
      expect(refused[why] ?? 0, why).toBeGreaterThan(0);
  });

  test(`[W1] ${TO_CLIENT} hostile datagrams to a client`, () => {
    const rng = new Rng(SEED, 31);
    const watch = new Stopwatch();
    const totals = { received: 0, accepted: 0, frames: 0, worlds: 0, ended: 0 };
    const refused: Record<string, number> = {};
    for (let hostile = 0; hostile < TO_CLIENT; ) {
      const server = newServer(SEED + totals.worlds);
      server.addBot({ name: 'Bot', think: (_, __, tick) => ({ dx: (tick % 3) - 1, fire: tick % 7 === 0 }) });
      const [a, b] = [newClient(SEED, 1), newClient(SEED, 1)];
      const corpus = new Corpus();
      const script = new Rng(SEED, 32, totals.worlds);
      let now = 0;
      server.open(now, 1);
      a.opened(now);
      b.opened(now);
      let received = 0;
      const receive = (bytes: Uint8Array): void => {
        received++;
        const before = a.stats();
        const unknown = before.refused['unknown-baseline'] ?? 0;
        const given = bytes.slice();
        watch.time(() => a.receive(now, given));
        given.fill(0xa5);
        const { datagramsAccepted, refused: why } = a.stats();
        // A snapshot against an unknown baseline has one effect: "none" is acknowledged. The twin gets it too.
        if (datagramsAccepted !== before.datagramsAccepted || (why['unknown-baseline'] ?? 0) !== unknown)
          b.receive(now, bytes.slice());
      };
      let ended = false;
      for (let made = 0; made < PER_WORLD && hostile < TO_CLIENT && !ended; ) {
        now += TICK_MS;
        const input = { dx: script.int(-1, 1), fire: script.chance(0.2), jump: script.chance(0.1) };
        for (const client of [a, b]) {
          client.sample(input);
          client.advance(now);
          client.draw(now);
        }
        if (script.chance(0.05)) for (const client of [a, b]) client.request(now, 'buy', { cost: 1 });
        if (script.chance(0.02))
          for (const client of [a, b]) client.transfer('avatar', new Uint8Array(9_000));
        if (script.chance(0.03) && server.session(1) !== undefined)
          server.transfer(1, 'map', new Uint8Array(script.int(0, 40_000)));
        const [sent, twin] = [drain(a), drain(b)];
        check(
          sent.length === twin.length,
          `the client sent ${sent.length} datagrams, its twin ${twin.length}`,
        );
        sent.forEach((bytes, i) => {
          check(same(bytes, twin[i] as Uint8Array), `datagram ${i} of the client differs`);
          server.receive(now, 1, bytes);
        });
        check(fingerprint(a) === fingerprint(b), 'a refused datagram changed the client');
        server.advance(now);
        for (const { bytes } of drainServer(server)) {
          corpus.add(bytes);
          for (let n = rng.int(0, 12); n > 0; n--, made++, hostile++) receive(damage(bytes.slice(), rng));
          if (script.chance(0.9)) receive(bytes);
          if (script.chance(0.05)) receive(bytes);
        }
        for (let n = rng.int(2, 8); n > 0; n--) {
          const bytes = rng.chance(0.9) ? mutate(corpus, rng) : strayDatagram(rng, boxes.schema.hash);
          if (bytes[0] === 6 && bytes.length === 2 && rng.chance(0.995)) continue;
          receive(bytes);
          hostile++;
          made++;
        }
        for (let event = a.pollEvent(); event !== undefined; event = a.pollEvent()) {
          expect(b.pollEvent()).toEqual(event);
          if (event.type === 'closed' || event.type === 'refused') ended = true;
        }
        totals.frames++;
      }
      const stats = a.stats();
      expect(stats.datagramsIn).toBe(received);
      expect(stats.datagramsAccepted + sum(stats.refused)).toBe(stats.datagramsIn);
      for (const [why, n] of Object.entries(stats.refused)) refused[why] = (refused[why] ?? 0) + (n ?? 0);
      totals.received += received;
      totals.accepted += stats.datagramsAccepted;
      totals.ended += ended ? 1 : 0;
      totals.worlds++;
    }
    console.log(
      `client fuzz, seed ${SEED}:`,
      JSON.stringify({
        ...totals,
        refused,
        meanUs: Math.round(watch.mean * 1000),
        meanFactor: Number(watch.meanFactor.toFixed(2)),
        slow: watch.slowShares,
        slowestMs: Number(watch.slowest.toFixed(1)),
      }),
    );
    watch.expectBounded();
    for (const why of [
      'unknown-kind',
      'truncated',
      'bad-value',
      'bad-ack',
      'duplicate-packet',
      'malformed-snapshot',
      'bad-messages',
      'unexpected',
      'stale-snapshot',
      'unknown-baseline',
      'empty',
    ])
      expect(refused[why] ?? 0, why).toBeGreaterThan(0);
  });
});

/** What a client holds, predicts and draws. */
function fingerprint(client: Client): string {
  const { replica, predictor } = client;
  const { refused: _, bytesInPerSecond: __, datagramsIn: ___, ...stats } = client.stats();
  const { unaskedBytes: ____, ...transfers } = client.transferStats;
  return JSON.stringify([
    client.tick,
    client.seat,
    replica?.tick,
    replica?.tables.map(rowsOf),
    predictor?.world.hash(),
    [...client.view.box].map((box) => [box.id, box.x, box.y]),
    stats,
    transfers,
  ]);
}

function rowsOf(rows: RowSet): number {
  let hash = rows.count;
  for (let i = 0; i < rows.count * rows.schema.stride; i++)
    hash = (Math.imul(hash, 31) + (rows.data[i] ?? 0)) | 0;
  return hash;
}

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(`${what} (seed ${SEED})`);
}

const same = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);
