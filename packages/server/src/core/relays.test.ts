import { angle, bool, defineGame, Rng } from '@tickwire/netcode';
import { BitReader, BitWriter, MAX_RELAYED, Relays, Viewer } from '@tickwire/netcode/internal';
import { expect, test } from 'vitest';
import { CommandQueue } from './commands.ts';
import { RelayDesk } from './relays.ts';

const PLAYERS = 64;
const PACKET_BITS = 1_164 * 8;

const game = defineGame({
  name: 'many',
  maxPlayers: PLAYERS,
  entities: {},
  command: { aim: angle(16), pitch: angle(16), fire: bool() },
  relay: true,
  step() {},
});
const { command } = game.schema;

function read(w: BitWriter, me: number): Relays {
  const relays = new Relays(command, PLAYERS);
  const r = new BitReader(w.bytes.slice(0, w.finish()));
  relays.read(r, 1, me);
  expect(r.failed).toBe(false);
  return relays;
}

const everybody = { relays: () => true } as never;

test('[P4] sixty-four players cost a fifth of a datagram at most, nobody is left out for long, and what is left out is counted', () => {
  const rng = new Rng(1);
  const desk = new RelayDesk(game, everybody);
  const queues = Array.from({ length: PLAYERS + 1 }, () => new CommandQueue(command, 60));
  const told = new Map<number, number>();
  const words = (): Int32Array =>
    Int32Array.of(rng.int(-32_768, 32_767), rng.int(-32_768, 32_767), rng.int(0, 1));
  const viewer = new Viewer(7);
  for (let tick = 1; tick <= 12; tick++) {
    for (let seat = 1; seat <= PLAYERS; seat++) {
      desk.ran(tick, seat, words());
      for (let ahead = 1; ahead < 40; ahead++) queues[seat]?.add(tick + 1, tick + ahead, words(), 0);
    }
    desk.prepare(tick, (seat) => queues[seat]);
    const w = new BitWriter(new Uint8Array(2_048));
    desk.write(w, viewer, PACKET_BITS, () => true);
    expect(w.bitLength).toBeLessThanOrEqual(PACKET_BITS / 5 + 16);
    const relays = read(w, viewer.seat);
    expect(relays.count).toBeGreaterThan(30);
    for (let place = 0; place < relays.count; place++) told.set(relays.seats[place] ?? 0, tick);
  }
  expect(told.size).toBe(PLAYERS - 1);
  expect(told.has(viewer.seat)).toBe(false);
  expect(desk.stats.shortened).toBeGreaterThan(100);
});

test('[P4] what waits is told as far as it goes; a gap is as the one before; who runs nothing is not told of', () => {
  const desk = new RelayDesk(game, everybody);
  const queue = new CommandQueue(command, 60);
  desk.ran(9, 3, Int32Array.of(100, 0, 0));
  desk.ran(10, 2, Int32Array.of(5, 6, 1));
  queue.add(11, 11, Int32Array.of(7, 6, 1), 0);
  queue.add(11, 13, Int32Array.of(8, 6, 0), 0);
  desk.prepare(10, () => queue);
  const w = new BitWriter(new Uint8Array(256));
  desk.write(w, new Viewer(1), PACKET_BITS, () => true);
  const relays = read(w, 1);
  expect([relays.count, relays.seats[0], relays.counts[0]]).toEqual([1, 2, 4]);
  expect([...relays.words.subarray(0, 12)]).toEqual([5, 6, 1, 7, 6, 1, 7, 6, 1, 8, 6, 0]);
  expect(MAX_RELAYED).toBeGreaterThan(4);
});
