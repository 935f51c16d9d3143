// Who is told whose commands, and that rows which a client predicts come with every snapshot.
import { angle, bool, defineGame, grid, int } from '@tickwire/netcode';
import { Rig } from '@tickwire/netcode/testing';
import { describe, expect, test } from 'vitest';
import { crowd } from '../games/crowd.ts';
import { FULL } from './play.ts';

/** Everybody moves along a line, and looks about: where to is seen by nobody. Who wears a cloak is not seen at all. */
const lookers = defineGame({
  name: 'lookers',
  entities: { looker: { x: grid(0, 4096), side: int(0, 1), cloak: bool() } },
  command: { dx: int(-1, 1), aim: angle(16), cloak: bool() },
  interest: { position: { looker: ['x', 'x'] }, radius: 300, cell: 100, margin: 10 },
  visible: { looker: (_viewer, looker) => !looker.cloak },
  team: (world, seat) => world.looker.ownedBy(seat)[0]?.side ?? 0,
  relay: (viewer, seat) => viewer.team === seat % 2,
  predict: { looker: () => true },
  join(world, who) {
    world.looker.spawn({ owner: who, x: who.seat === 3 ? 3_000 : 500 + 40 * who.seat, side: who.seat % 2 });
  },
  leave(world, who) {
    for (const looker of world.looker.ownedBy(who)) looker.despawn();
  },
  step(world, ctx) {
    for (const looker of ctx.simulated(world.looker)) {
      const { dx, cloak } = ctx.command(looker.owner);
      looker.x += dx * 10;
      looker.cloak = cloak;
    }
  },
});

type Hands = (seat: number, now: number) => { dx?: -1 | 0 | 1; aim?: number; cloak?: boolean };

const start = (hands: Hands, seed = 4) =>
  new Rig({
    game: lookers,
    seed,
    clients: 5,
    link: 'wifi',
    script: ({ seat }, now) => hands(seat, now),
  });

type LookersRig = ReturnType<typeof start>;

/** The last tick for which player 1 knows a command of a seat, behind its newest snapshot: -Infinity for none. */
function known(rig: LookersRig, seat: number): number {
  const core = rig.clients.find((client) => client.core.seat === 1)?.core;
  const until = core?.predictor?.others?.knownUntil(seat) ?? -1;
  return until < 0 ? Number.NEGATIVE_INFINITY : until - (core?.replica?.tick ?? 0);
}

describe('[S4] [P4] commands are told to those who may see an entity of the player', () => {
  test('near and of the same team: yes; far, cloaked, or where the rule says no: not', () => {
    let [approach, hide] = [false, false];
    const rig = start((seat, now) => ({
      aim: now / 300 + seat,
      dx: seat === 3 && approach ? -1 : 0,
      cloak: seat === 5 && hide,
    }));
    rig.run(2_000);
    // Seat 3 is far, seats 2 and 4 are of the other team. Commands are known before they run.
    expect(known(rig, 5)).toBeGreaterThan(0);
    for (const seat of [2, 3, 4]) expect(known(rig, seat), `seat ${seat}`).toBe(Number.NEGATIVE_INFINITY);
    approach = true;
    rig.run(3_800);
    approach = false;
    hide = true;
    rig.run(1_000);
    expect(known(rig, 3)).toBeGreaterThan(0);
    // What was known of it has become old, and no more comes.
    expect(known(rig, 5)).toBeLessThan(-20);
    rig.expectClean();
    expect(rig.server.stats().relays?.relayed).toBeGreaterThan(300);
  });

  test('what a player does whom one may not see leaves one’s datagrams as they are, byte for byte (seed 6)', () => {
    const received = (shift: number): string => {
      const rig = start(
        (seat, now) => ({ aim: seat === 3 ? now / 200 + shift : now / 300, cloak: seat === 5 }),
        6,
      );
      let bytes = '';
      rig.onDatagram = (from, client, datagram) => {
        if (from === 'server' && client.core.seat === 1) bytes += `${datagram.join(' ')}\n`;
      };
      rig.run(3_000);
      return bytes;
    };
    const first = received(0);
    expect(first.length).toBeGreaterThan(3_000);
    expect(received(2)).toBe(first);
  });
});

describe('[S6] rows that a client predicts are in every snapshot, however full (seed 12)', () => {
  const mine = (id: number, me: number): boolean => id % 40 === me;
  const { definition } = crowd;
  const games = {
    everywhere: defineGame({
      ...definition,
      name: 'contested crowd',
      predict: { mover: (mover, me) => mover.owner === me || mine(mover.id, me) },
    }),
    'in cells': defineGame({
      ...definition,
      name: 'contested cells',
      predict: { mover: (mover, me) => mover.owner === me || mine(mover.id, me) },
      interest: {
        position: { mover: ['x', 'y'], shot: ['x', 'y'] },
        area: () => ({ x: 2048, y: 2048, radius: 3_000 }),
        cell: 512,
      },
    }),
  };

  test.each(['everywhere', 'in cells'] as const)('%s', (where) => {
    const rig = new Rig({
      game: games[where],
      seed: 12,
      clients: 2,
      bots: Array.from({ length: 10 }, () => () => ({ dx: 1 as const, fire: 1 })),
      link: 'mobile',
      script: ({ seat }, now) => ({ dx: Math.floor(now / 300 + seat) % 2 === 0 ? 1 : -1, fire: 1 }),
    });
    rig.run(1_500);
    let [rows, others, waiting] = [0, 0, 0];
    rig.onSnapshot = ({ core }, replica) => {
      const movers = replica.tables[4];
      for (let i = 0; i < (movers?.count ?? 0); i++) {
        const held = movers?.data[i * (movers.schema.stride ?? 0) + 2];
        if (!mine(movers?.id(i) ?? 0, core.seat)) {
          others++;
          if (held !== replica.tick) waiting++;
          continue;
        }
        rows++;
        expect(held, `mover ${movers?.id(i)}`).toBe(replica.tick);
      }
    };
    rig.run(FULL ? 6_000 : 1_500);
    rig.expectClean();
    expect(rows).toBeGreaterThan(300);
    expect(waiting).toBeGreaterThan(others / 20);
  });
});
