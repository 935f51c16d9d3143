// The host between sockets and core, with a core that only echoes and an in-memory link.

import { type Listener, memoryLink, type Transport } from '@tickwire/netcode/transport';
import { afterEach, expect, test } from 'vitest';
import { Host, type HostedCore } from './host.ts';

interface EchoEvent {
  readonly type: string;
  readonly connection?: number;
}

/** Answers each datagram in the next advance; a 0xff closes the connection, a 0xfe throws. */
class EchoCore implements HostedCore<EchoEvent> {
  readonly log: string[] = [];
  readonly buffered = new Map<number, number>();
  readonly events: EchoEvent[] = [];
  readonly #out: { connection: number; bytes: Uint8Array }[] = [];
  readonly #scratch = new Uint8Array(8);
  readonly #connections = new Set<number>();
  #due = performance.now();
  lastNow = 0;

  open(now: number, connection: number): void {
    this.#sees(now);
    this.#connections.add(connection);
    this.log.push(`open ${connection}`);
  }
  closed(now: number, connection: number): void {
    this.#sees(now);
    this.#connections.delete(connection);
    this.log.push(`closed ${connection}`);
  }
  receive(now: number, connection: number, bytes: Uint8Array): void {
    this.#sees(now);
    if (bytes[0] === 0xfe) throw new Error('planted');
    if (bytes[0] === 0xff) this.events.push({ type: 'close-connection', connection });
    this.log.push(`receive ${connection} ${bytes[0]}`);
    this.#out.push({ connection, bytes: bytes.slice() });
  }
  setBuffered(connection: number, bytes: number): void {
    this.buffered.set(connection, bytes);
  }
  advance(now: number): void {
    this.#sees(now);
    while (this.#due <= now) this.#due += 5;
  }
  pollDatagram(): { connection: number; bytes: Uint8Array } | undefined {
    const next = this.#out.shift();
    if (next === undefined) return undefined;
    this.#scratch.fill(0); // as the real core does: bytes live until the next call
    this.#scratch.set(next.bytes);
    return { connection: next.connection, bytes: this.#scratch.subarray(0, next.bytes.length) };
  }
  pollEvent(): EchoEvent | undefined {
    return this.events.shift();
  }
  nextWakeup(): number {
    return this.#due;
  }
  shutdown(now: number): void {
    this.#sees(now);
    for (const connection of this.#connections) this.#out.push({ connection, bytes: Uint8Array.of(99) });
  }
  /** Time never goes back, whatever order things are told in. */
  #sees(now: number): void {
    if (now < this.lastNow) this.log.push(`time went back by ${this.lastNow - now}`);
    this.lastNow = now;
  }
}

class MemoryListener implements Listener {
  onConnection: ((transport: Transport) => void) | undefined;
  closed = false;
  join(): Transport {
    const { a, b } = memoryLink();
    this.onConnection?.(b);
    return a;
  }
  async close(): Promise<void> {
    this.closed = true;
  }
}

const hosts: Host<EchoEvent>[] = [];
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.close();
});
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function start() {
  const core = new EchoCore();
  const listener = new MemoryListener();
  const errors: unknown[] = [];
  const faults: unknown[] = [];
  const events: string[] = [];
  const host = new Host<EchoEvent>(core, listener, {
    failed: (error) => errors.push(error),
    fault: (error) => faults.push(error),
    event: (event) => events.push(event.type),
  });
  hosts.push(host);
  host.start();
  return { core, listener, host, errors, faults, events };
}

const heardBy = (transport: Transport): number[] => {
  const heard: number[] = [];
  transport.onDatagram = (bytes) => heard.push(bytes[0] ?? -1);
  return heard;
};

test('carries datagrams both ways, each to its own connection', async () => {
  const { core, listener } = start();
  const [one, two] = [listener.join(), listener.join()];
  const [first, second] = [heardBy(one), heardBy(two)];
  one.send(Uint8Array.of(1));
  two.send(Uint8Array.of(2));
  one.send(Uint8Array.of(3));
  await pause(30);
  expect(first).toEqual([1, 3]);
  expect(second).toEqual([2]);
  expect(core.log.toSorted()).toEqual(['open 1', 'open 2', 'receive 1 1', 'receive 1 3', 'receive 2 2']);
  expect([...core.buffered]).toEqual([
    [1, 0],
    [2, 0],
  ]);
});

test('tells what a connection said last before it says that it closed', async () => {
  const { core, listener, host } = start();
  const one = listener.join();
  one.send(Uint8Array.of(7));
  one.close();
  await pause(20);
  expect(core.log).toEqual(['open 1', 'receive 1 7', 'closed 1']);
  expect(host.stats.connections).toBe(0);
});

test('closes a connection that the core gives up, after its last datagram', async () => {
  const { listener, events, host } = start();
  const one = listener.join();
  const heard = heardBy(one);
  let closed = false;
  one.onClose = () => {
    closed = true;
  };
  one.send(Uint8Array.of(0xff));
  await pause(50);
  expect(heard).toEqual([0xff]);
  expect(events).toEqual(['close-connection']);
  await pause(250);
  expect(closed).toBe(true);
  expect(host.stats.connections).toBe(0);
});

test('closes the connection whose datagram makes the core throw, and keeps the others', async () => {
  const { listener, faults, errors, host } = start();
  const [bad, good] = [listener.join(), listener.join()];
  const heard = heardBy(good);
  bad.send(Uint8Array.of(0xfe));
  good.send(Uint8Array.of(5));
  await pause(30);
  expect(heard).toEqual([5]);
  expect(errors).toEqual([]);
  expect(String(faults[0])).toContain('planted');
  expect(host.stats).toMatchObject({ faults: 1, connections: 1 });
});

test('bounds what waits for the thread, and counts the rest', async () => {
  const { listener, host, core } = start();
  const one = listener.join();
  for (let n = 0; n < 5000; n++) one.send(Uint8Array.of(1));
  await pause(50);
  expect(host.stats.inboxDropped).toBeGreaterThan(800);
  expect(core.log.filter((line) => line.startsWith('receive')).length).toBeLessThanOrEqual(4096);
});

test('says goodbye when it closes, and takes nobody after', async () => {
  const { listener, host, core } = start();
  const one = listener.join();
  const heard = heardBy(one);
  await pause(10);
  await host.close();
  expect(heard).toEqual([99]);
  expect(listener.closed).toBe(true);
  const late = listener.join();
  let closed = false;
  late.onClose = () => {
    closed = true;
  };
  await pause(10);
  expect(closed).toBe(true);
  expect(core.log).not.toContain('open 2');
});

test('never lets time go back for the core', async () => {
  const { core, listener } = start();
  for (let n = 0; n < 20; n++) {
    const one = listener.join();
    one.send(Uint8Array.of(n));
    if (n % 2 === 0) one.close();
    await pause(3);
  }
  expect(core.log.filter((line) => line.startsWith('time'))).toEqual([]);
});
