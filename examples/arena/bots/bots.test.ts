import { Rig } from '@tickwire/netcode/testing';
import { describe, expect, it } from 'vitest';
import { game } from '../game.ts';
import { blocked } from '../rules/collision.ts';
import { mapOf } from '../rules/map.ts';
import { SHIP_RADIUS } from '../rules/ship.ts';
import { botsFor } from './crowd.ts';
import { Navigation } from './navigation.ts';
import { createBot } from './think.ts';

describe.each(['cross', 'pillars'])('bots on %s', { timeout: 60_000 }, (name) => {
  const map = mapOf(name);

  it('find a way from every arrival place to every other', () => {
    const navigation = new Navigation(map);
    for (const from of map.spawns) {
      for (const to of map.spawns) {
        const at = { ...from };
        for (let step = 0; step < 400 && Math.hypot(to.x - at.x, to.y - at.y) > 10; step++) {
          const heading = navigation.heading(at, to);
          const distance = Math.hypot(heading.x - at.x, heading.y - at.y);
          const stride = Math.min(distance, 12);
          if (distance === 0) break;
          at.x += ((heading.x - at.x) / distance) * stride;
          at.y += ((heading.y - at.y) / distance) * stride;
          expect(blocked(map, at.x, at.y, SHIP_RADIUS - 2), `${at.x}, ${at.y}`).toBe(false);
        }
        expect(Math.hypot(to.x - at.x, to.y - at.y)).toBeLessThan(11);
      }
    }
  });

  it('fight: within half a minute six of them score, take pickups and keep out of walls', () => {
    const think = createBot(name);
    const rig = new Rig({ game, seed: 11, clients: 0, bots: Array(6).fill(think), options: { map: name } });
    let taken = 0;
    let stuck = 0;
    rig.onTick = (tick) => {
      for (const ship of rig.server.room.world.ship) {
        if (blocked(map, ship.x, ship.y, SHIP_RADIUS - 0.01)) stuck++;
      }
      for (const pickup of rig.server.room.world.pickup) if (pickup.backAt - tick === 600) taken++;
    };
    rig.run(30_000);
    const kills = [...rig.server.room.world.players].reduce((sum, player) => sum + player.kills, 0);
    expect(kills).toBeGreaterThan(2);
    expect(taken).toBeGreaterThan(1);
    expect(stuck).toBe(0);
  });
});

it('a bot answers the same world with the same command', () => {
  const rig = new Rig({ game, seed: 3, clients: 0, bots: Array(4).fill(createBot('cross')) });
  rig.run(8_000);
  const { world } = rig.server.room;
  expect(createBot('cross')(world, 2, rig.server.tick)).toEqual(
    createBot('cross')(world, 2, rig.server.tick),
  );
});

it('bots make room for people', () => {
  expect([0, 1, 2, 5, 7, 12].map((people) => botsFor(people, 6))).toEqual([6, 6, 5, 2, 0, 0]);
});
