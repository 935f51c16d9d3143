// Clients that speak the protocol well and mean ill: what each can make the server do, and what it costs the others.

import { defineGame, int, message, press, Rng } from '@tickwire/netcode';
import { encodeBye, encodeHello, encodeProbe, packPayload } from '@tickwire/netcode/internal';
import { ServerCore, type ServerEvent } from '@tickwire/server/core';
import { describe, expect, test } from 'vitest';
import type { ClientCore } from '../../packages/netcode/src/client/core.ts';
import { encodeTransferControl } from '../../packages/netcode/src/connection/transfer.ts';
import { boxes } from '../games/boxes.ts';
import {
  type BoxesShape,
  blocks,
  clientPacket,
  drain,
  drainServer,
  fragment,
  join,
  newClient,
  newServer,
  type PacketFields,
  type Server,
  sum,
  TICK_MS,
} from './harness.ts';
import { noise } from './mutate.ts';

const { schema } = boxes;

const hello = (nonce: number, token?: Uint8Array, name = 'Eve'): Uint8Array =>
  encodeHello({
    nonce: [nonce, 77],
    schemaHash: schema.hash,
    token,
    room: '',
    name,
    profile: new Uint8Array(0),
  });

const helloTo = (schemaHash: readonly [number, number]): Uint8Array =>
  encodeHello({
    nonce: [1, 1],
    schemaHash,
    token: undefined,
    room: '',
    name: 'Eve',
    profile: new Uint8Array(0),
  });

/** A server with one honest player on connection 1 and a hand for the rest. */
class Stage {
  readonly server: Server;
  readonly honest: ClientCore<BoxesShape>;
  readonly events: ServerEvent[] = [];
  now = 0;
  sentTo = new Map<number, Uint8Array[]>();
  snapshots = 0;

  constructor(options: ConstructorParameters<typeof ServerCore<BoxesShape>>[1] | object = {}) {
    this.server = newServer(5, options);
    this.honest = newClient(5, 1);
    this.open(1);
    this.honest.opened(0);
    this.honest.onSnapshot = () => {
      this.snapshots++;
    };
    this.run(500);
  }

  open(connection: number): void {
    this.server.open(this.now, connection);
  }

  receive(connection: number, bytes: Uint8Array): void {
    this.server.receive(this.now, connection, bytes);
  }

  /** Lets time pass, the honest player plays; what goes to others is kept. */
  run(ms: number, each: (tick: number) => void = () => {}): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += TICK_MS;
      each(this.server.tick + 1);
      this.honest.sample({ dx: 1 });
      this.honest.advance(this.now);
      for (const bytes of drain(this.honest)) this.server.receive(this.now, 1, bytes);
      this.server.advance(this.now);
      for (const { connection, bytes } of drainServer(this.server)) {
        if (connection === 1) this.honest.receive(this.now, bytes);
        const sent = this.sentTo.get(connection) ?? [];
        this.sentTo.set(connection, sent);
        sent.push(bytes);
      }
      for (let event = this.server.pollEvent(); event !== undefined; event = this.server.pollEvent()) {
        this.events.push(event);
        // The shell obeys.
        if (event.type === 'close-connection') this.server.closed(this.now, event.connection);
      }
    }
  }

  /** A hostile player on connection 2, already seated; gives its seat. */
  seatEve(): number {
    this.open(2);
    this.receive(2, hello(1));
    this.run(50);
    const seat = this.sentTo.get(2)?.[0];
    return (seat?.[9] ?? 0) | ((seat?.[10] ?? 0) << 8);
  }

  #seq = 0;
  packet(fields: Omit<PacketFields, 'seq'>, connection = 2): void {
    this.receive(connection, clientPacket(schema.command, { seq: this.#seq++, ...fields }));
  }

  expectHonestServed(): void {
    const before = this.snapshots;
    this.run(1_000);
    expect(this.snapshots - before).toBeGreaterThanOrEqual(19);
    const { counters } = this.server;
    expect(counters.accepted + sum(counters.refused)).toBe(counters.datagramsIn);
  }
}

describe('a hostile client', () => {
  test('[C1] claims commands for ticks far ahead, far behind and at the end of all ticks', () => {
    const stage = new Stage();
    const seat = stage.seatEve();
    const words = Int32Array.from([1, 1, 0, 1, 0]);
    for (const newest of [stage.server.tick + 500, 2 ** 31, 2 ** 32 - 1, 24, stage.server.tick - 60]) {
      stage.packet({ newest, commands: Array.from({ length: 24 }, () => words) });
    }
    const stats = stage.server.session(seat)?.commands.stats;
    expect(stats?.accepted).toBe(0);
    expect((stats?.late ?? 0) + (stats?.tooEarly ?? 0)).toBe(5 * 24);
    stage.expectHonestServed();
  });

  test('[S1] acknowledges snapshots that were never sent, are yet to come, or cannot be', () => {
    const stage = new Stage();
    const seat = stage.seatEve();
    const { tick } = stage.server;
    for (const snapshot of [tick + 3, tick + 3_000, 1, 2, 0, 2 ** 31, 2 ** 32 - 1, tick - (tick % 3) - 600]) {
      stage.packet({ snapshot });
      expect(stage.server.session(seat)?.baselineTick).toBe(-1);
    }
    stage.expectHonestServed();
  });

  test('sends 1,000 hellos with other nonces and tokens on its connection: one seat, one session', () => {
    const stage = new Stage();
    stage.seatEve();
    const rng = new Rng(3);
    for (let i = 0; i < 1_000; i++)
      stage.receive(2, hello(rng.u32(), i % 2 === 0 ? noise(rng, 16) : undefined));
    expect(stage.server.stats().players).toBe(2);
    stage.expectHonestServed();
  });

  test('guesses tokens: every guess is refused, and its connection is closed after eight', () => {
    const stage = new Stage();
    stage.open(2);
    const rng = new Rng(4);
    for (let i = 0; i < 1_000; i++) stage.receive(2, hello(rng.u32(), noise(rng, 16)));
    expect(stage.server.counters.turnedAway['token-invalid']).toBe(8);
    expect(stage.server.counters.refused['closed-connection']).toBe(992);
    expect(stage.server.stats().players).toBe(1);
    stage.run(100);
    expect(stage.events.filter((event) => event.type === 'close-connection')).toHaveLength(1);
    stage.expectHonestServed();
  });

  test('knows a nonce but no token: it gets a seat of its own, never that of the player', () => {
    const stage = new Stage();
    stage.open(2);
    stage.receive(2, hello(1));
    stage.open(3);
    stage.receive(3, hello(1));
    stage.run(100);
    expect(stage.server.stats().players).toBe(3);
    expect(stage.events.some((event) => event.type === 'joined' && event.resumed)).toBe(false);
  });

  test('takes every seat with hellos and says nothing more: the seats are free again after 10 s', () => {
    const stage = new Stage({ maxPlayers: 8 });
    for (let connection = 2; connection <= 20; connection++) {
      stage.open(connection);
      stage.receive(connection, hello(connection));
      // Hellos repeated and probes do not make a player.
      stage.receive(connection, hello(connection));
      stage.receive(connection, encodeProbe({ counter: 1, time: 1, echo: 0 }));
    }
    expect(stage.server.stats().players).toBe(8);
    expect(stage.server.counters.turnedAway.full).toBe(24);
    stage.run(10_100, () => {
      for (let connection = 2; connection <= 20; connection++)
        stage.receive(connection, encodeProbe({ counter: 1, time: 1, echo: 0 }));
    });
    expect(stage.server.stats().players).toBe(1);
    // Those turned away were given up too: nobody holds a connection for nothing.
    expect(stage.server.stats().connections).toBe(1);
    stage.expectHonestServed();
  });

  test('opens connections and never speaks: they are given up after 10 s', () => {
    const stage = new Stage();
    for (let connection = 2; connection <= 100; connection++) stage.open(connection);
    stage.run(10_100);
    expect(stage.server.stats().connections).toBe(1);
  });

  test('joins and leaves on one connection: one seat is all it gets', () => {
    const stage = new Stage();
    stage.open(2);
    for (let i = 0; i < 100; i++) {
      stage.receive(2, hello(i));
      stage.receive(2, encodeBye('left'));
    }
    expect(stage.events.filter((event) => event.type === 'joined').length).toBeLessThanOrEqual(1);
    stage.run(100);
    expect(stage.events.filter((event) => event.type === 'joined')).toHaveLength(2);
    expect(stage.server.stats().players).toBe(1);
    stage.expectHonestServed();
  });

  test('[P1] claims 255 pulls in every tick: the rules see them as a count of one tick, nothing piles up', () => {
    const pulls: number[] = [];
    const game = defineGame({
      name: 'pulls',
      entities: {},
      command: { go: press() },
      step(world, ctx) {
        for (const player of world.players) pulls.push(ctx.command(player.seat).go);
      },
    });
    const server = new ServerCore(game, { now: 0, entropy: () => 1 });
    server.open(0, 1);
    server.receive(0, 1, helloTo(game.schema.hash));
    for (let tick = 1; tick <= 600; tick++) {
      const commands = [Int32Array.from([(tick * 255) % 256])];
      server.receive(
        tick * TICK_MS - 10,
        1,
        clientPacket(game.schema.command, { seq: tick, newest: tick, commands }),
      );
      server.advance(tick * TICK_MS);
    }
    expect(pulls.length).toBeGreaterThan(590);
    expect(new Set(pulls)).toEqual(new Set([255]));
  });

  test('floods messages: 32 enter a tick, the rest waits and then holds back its sender alone', () => {
    let entered = 0;
    let most = 0;
    const game = defineGame({
      name: 'flood',
      entities: {},
      command: { go: int(0, 1) },
      messages: { word: message<number>({ from: 'client', reliable: false }) },
      message() {
        entered++;
      },
      step() {
        most = Math.max(most, entered);
        entered = 0;
      },
    });
    const server = new ServerCore(game, { now: 0, entropy: () => 1 });
    server.open(0, 1);
    server.receive(0, 1, helloTo(game.schema.hash));
    const body = join(Uint8Array.of(0), packPayload(1));
    let id = 0;
    let seq = 0;
    for (let tick = 1; tick <= 60; tick++) {
      for (let n = 0; n < 50; n++) {
        const section = join(...Array.from({ length: 150 }, () => fragment(false, true, id++, body)));
        server.receive(tick * TICK_MS - 5, 1, clientPacket(game.schema.command, { seq: seq++, section }));
      }
      server.advance(tick * TICK_MS);
    }
    expect(most).toBe(32);
    expect(server.counters.refused['bad-messages']).toBeGreaterThan(2_000);
    expect(server.counters.accepted + sum(server.counters.refused)).toBe(server.counters.datagramsIn);
  });

  test('sends messages undeclared, the wrong way, on the wrong channel, and payloads that bite', () => {
    const stage = new Stage();
    stage.seatEve();
    const bodies: Uint8Array[] = [
      Uint8Array.of(9, 0xc0), // undeclared
      Uint8Array.of(254),
      new Uint8Array(0),
      Uint8Array.of(1, 1), // `ping` is unreliable, sent reliably
      Uint8Array.of(0, 0xdd, 0xff, 0xff, 0xff, 0xff), // promises four billion values
      Uint8Array.of(0, ...new Uint8Array(200).fill(0x91)), // nested 200 deep
      Uint8Array.of(0, 0x81, 0xa9, ...[...'__proto__'].map((c) => c.charCodeAt(0)), 0xc3),
      Uint8Array.of(0, 0xc7, 4, 0x74, 1, 2, 3, 4), // an extension
      join(Uint8Array.of(0), packPayload(null)), // the handler of the game reads .text of it
      join(Uint8Array.of(0), packPayload({ text: { toString: 1 } })),
    ];
    stage.packet({ section: join(...bodies.map((body, i) => fragment(true, true, i, body))) });
    stage.run(100);
    const { messagesRefused, messagesFailed } = stage.server.counters;
    expect(messagesRefused).toEqual({ 'unknown-message': 3, 'wrong-channel': 1, 'bad-payload': 4 });
    expect(messagesFailed).toBe(2);
    // The game author is told, once per message type.
    expect(stage.events.filter((event) => event.type === 'warning')).toHaveLength(1);
    stage.expectHonestServed();
  });

  test('[M2] asks 1,000 times at once and 100 times the same: 32 wait, the rest is told so or counted', () => {
    const open: ((text: string) => void)[] = [];
    const stage = new Stage({ answers: { lookup: () => new Promise((resolve) => open.push(resolve)) } });
    const seat = stage.seatEve();
    const ask = (id: number): Uint8Array =>
      join(Uint8Array.of(3, id & 0xff, id >> 8), packPayload('everything'));
    for (let i = 0; i < 1_100; i += 50) {
      const parts = Array.from({ length: 50 }, (_, k) =>
        fragment(true, true, i + k, ask(i + k < 1_000 ? i + k : 5)),
      );
      stage.packet({ section: join(...parts) });
      stage.run(50);
    }
    stage.run(1_000);
    const { messagesRefused, answered } = stage.server.counters;
    expect(open).toHaveLength(32);
    expect(stage.server.session(seat)?.asked.size).toBe(32);
    expect(messagesRefused).toEqual({ busy: 968, 'duplicate-request': 100 });
    expect(answered).toEqual({ busy: 968 });
    stage.expectHonestServed();
  });

  test('[M2] asks what is no question: it is told so, and the rules never hear of it', () => {
    const stage = new Stage();
    stage.seatEve();
    const bodies = [
      Uint8Array.of(2), // no id
      Uint8Array.of(2, 0, 0), // no question
      Uint8Array.of(2, 1, 0, 0xc1), // not msgpack
      Uint8Array.of(2, 2, 0, 0xc0), // not what `validate` takes
      Uint8Array.of(3, 3, 0, 0xc0), // nobody answers it
    ];
    stage.packet({ section: join(...bodies.map((body, i) => fragment(true, true, i, body))) });
    stage.run(100);
    expect(stage.server.counters.messagesRefused).toEqual({ 'bad-payload': 2, 'invalid-payload': 2 });
    expect(stage.server.counters.answered).toEqual({ malformed: 2, unhandled: 1 });
    stage.expectHonestServed();
  });

  test('[M3] offers 4 GiB, and then sends blocks of what was never granted: nothing is held', () => {
    const stage = new Stage();
    const seat = stage.seatEve();
    const offer = (transfer: number, length: number): Uint8Array =>
      encodeTransferControl({ what: 'offer', transfer, length, name: 'avatar' });
    stage.packet({ section: join(fragment(true, true, 0, offer(0, 2 ** 32 - 1))) });
    stage.packet({ section: join(fragment(true, true, 1, offer(1, 60_000))) });
    stage.packet({ section: join(fragment(true, true, 2, offer(2, 60_000))) });
    stage.run(100);
    const data = new Uint8Array(64);
    for (let block = 0; block < 200; block++) {
      stage.packet({ section: blocks(0, block * 1_000, data) }); // refused: it is over
      stage.packet({ section: blocks(2, block, data) }); // waits for the one before it
      stage.packet({ section: blocks(1, 1_000, data) }); // past its end
    }
    const { transfers } = stage.server.session(seat)?.channels ?? {};
    expect(transfers?.stats).toMatchObject({
      heldBytes: 0,
      refusedBytes: 2 ** 32 - 1,
      staleBytes: 200 * 64,
      unaskedBytes: 400 * 64,
    });
    expect(stage.server.counters.refused['bad-messages']).toBe(400);
    stage.expectHonestServed();
  });

  test('[M3] breaks the rules of transfers: it alone is sent away', () => {
    const stage = new Stage();
    const seat = stage.seatEve();
    const done = encodeTransferControl({ what: 'done', transfer: 9 });
    stage.packet({ section: fragment(true, true, 0, done) });
    stage.run(100);
    expect(stage.server.session(seat)).toBeUndefined();
    expect(stage.events).toContainEqual({ type: 'left', seat, reason: 'protocol-error' });
    stage.expectHonestServed();
  });

  test('makes the rules send more than a message holds: it is lost and counted, the room goes on', () => {
    const stage = new Stage();
    stage.seatEve();
    // The game puts the name before it, which is one byte too many.
    const body = join(Uint8Array.of(0), packPayload({ text: 'x'.repeat(65_522) }));
    const cut = Array.from({ length: 256 }, (_, i) => body.subarray(i * 256, i * 256 + 256));
    cut.forEach((part, i) => {
      stage.packet({ section: fragment(true, i === 255, i, part) });
    });
    stage.run(100);
    expect(stage.server.counters.messagesLost).toBe(2);
    stage.expectHonestServed();
  });

  test('makes the rules wrap what is nested as deep as it may be: it is lost and counted, the room goes on', () => {
    const game = defineGame({
      name: 'wrap',
      entities: {},
      command: { go: int(0, 1) },
      messages: { word: message<unknown>() },
      message(_world, _from, _name, payload, ctx) {
        ctx.broadcast('word', [payload]);
      },
      step() {},
    });
    const server = new ServerCore(game, { now: 0, entropy: () => 1 });
    server.open(0, 1);
    server.receive(0, 1, helloTo(game.schema.hash));
    let deep: unknown = 'x';
    for (let i = 0; i < 16; i++) deep = [deep];
    const section = fragment(true, true, 0, join(Uint8Array.of(0), packPayload(deep)));
    server.receive(0, 1, clientPacket(game.schema.command, { seq: 0, section }));
    server.advance(100);
    expect(server.counters.messagesLost).toBe(1);
    expect(server.tick).toBe(6);
  });

  test('breaks its reliable stream: it alone is sent away', () => {
    const stage = new Stage();
    const seat = stage.seatEve();
    const full = new Uint8Array(256);
    // A message that ends with an empty fragment would have a second encoding.
    stage.packet({
      section: join(fragment(true, false, 0, full), fragment(true, true, 1, new Uint8Array(0))),
    });
    expect(stage.server.session(seat)).toBeUndefined();
    stage.run(100);
    expect(stage.events).toContainEqual({ type: 'left', seat, reason: 'protocol-error' });
    stage.expectHonestServed();
  });

  test('sends a reliable message without end: it is sent away at 64 KiB', () => {
    const stage = new Stage();
    const seat = stage.seatEve();
    const full = new Uint8Array(256);
    let sent = 0;
    for (let n = 0; n < 1_000 && stage.server.session(seat) !== undefined; n += 4) {
      stage.packet({ section: join(...[0, 1, 2, 3].map((i) => fragment(true, false, n + i, full))) });
      sent += 4;
    }
    expect(sent).toBe(260);
    stage.expectHonestServed();
  });

  test('spams goodbyes and probes: nothing is sent back, nobody else is touched', () => {
    const stage = new Stage();
    stage.open(2);
    stage.open(3);
    for (let i = 0; i < 2_000; i++) {
      stage.receive(2, encodeBye('kicked'));
      stage.receive(3, encodeProbe({ counter: i & 0xffff, time: i, echo: i }));
    }
    stage.run(1_000);
    expect(stage.server.counters.refused['no-session']).toBe(2_000);
    expect(stage.sentTo.get(2) ?? []).toEqual([]);
    expect(stage.sentTo.get(3) ?? []).toEqual([]);
    stage.expectHonestServed();
  });

  test('[X1] keeps sending garbage, or its last packet again and again: none of it counts as heard', () => {
    for (const what of ['garbage', 'replay'] as const) {
      const stage = new Stage();
      const seat = stage.seatEve();
      stage.packet({});
      const last = clientPacket(schema.command, { seq: 0 });
      const rng = new Rng(6);
      stage.run(3_100, () => stage.receive(2, what === 'replay' ? last : noise(rng, 60)));
      expect(stage.events).toContainEqual({ type: 'away', seat });
      // And nothing but probes went there once it was unheard [X2].
      const sent = stage.sentTo.get(2) ?? [];
      expect(sent.slice(-20).every((bytes) => bytes[0] === 7 && bytes.length <= 32)).toBe(true);
      stage.expectHonestServed();
    }
  });

  test('has a name of nothing but spaces: it is given one', () => {
    const stage = new Stage();
    stage.open(2);
    const bytes = hello(1, undefined, 'abcd');
    // The encoder cleans names; a hostile client need not.
    bytes.fill(0x20, bytes.length - 6, bytes.length - 2);
    stage.receive(2, bytes);
    stage.run(50);
    expect(stage.events).toContainEqual({ type: 'joined', seat: 2, name: 'Player 2', resumed: false });
  });

  test('keeps a seat by acknowledging nothing, for a minute: snapshots to it stay within a datagram', () => {
    const stage = new Stage();
    stage.seatEve();
    stage.run(60_000, () => stage.packet({}));
    const sent = stage.sentTo.get(2) ?? [];
    expect(sent.length).toBeGreaterThan(1_150);
    expect(Math.max(...sent.map((bytes) => bytes.length))).toBeLessThanOrEqual(1164);
    stage.expectHonestServed();
  });
});

describe('room options', () => {
  test('that no welcome can carry are refused when the server is made, not when the first player comes', () => {
    expect(() => newServer(1, { options: { drifters: 'x'.repeat(2_000) as unknown as number } })).toThrow(
      /options take \d+ bytes/,
    );
  });
});
