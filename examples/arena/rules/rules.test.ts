/** The rules as players meet them: a real server core, real client cores, and a network without faults. */

import { Rig } from '@tickwire/netcode/testing';
import { describe, expect, it } from 'vitest';
import { game } from '../game.ts';
import { type Input, MAX_HEALTH, MAX_SHIELD, type Ship, STICK } from '../schema.ts';
import { GUARD_TICKS, RESPAWN_TICKS } from './match.ts';
import { RAIL_COOLDOWN_TICKS, RAIL_DAMAGE } from './rail.ts';
import { DASH_COOLDOWN_TICKS, SHIP_RADIUS, shieldAt, TOP_SPEED } from './ship.ts';
import { FIRE_TICKS, RAPID_FIRE_TICKS, SHOT_DAMAGE } from './weapons.ts';

const REST: Input = { mx: 0, my: 0, aim: 0, fire: false, dash: 0 };
const TICK_MS = 1000 / 60;

/** One input per client, to be changed while the rig runs. */
function table(clients: number, options: { roundSeconds?: number } = {}) {
  const hands: Input[] = Array.from({ length: clients }, () => ({ ...REST }));
  const rig = new Rig({
    game,
    seed: 7,
    clients,
    options,
    script: (core) => {
      const hand = hands[core.seat - 1] ?? REST;
      const { dash, rail } = hand;
      hand.dash = 0;
      hand.rail = 0;
      return { ...hand, dash, rail: rail ?? 0 };
    },
  });
  rig.run(2_500);
  const ships = () => [...rig.server.room.world.ship];
  const ship = (seat: number) => ships().find((one) => one.owner === seat) as Ship;
  /** Puts a ship somewhere between two ticks, as no rule would. */
  const place = (
    seat: number,
    fields: Partial<Pick<Ship, 'x' | 'y' | 'health' | 'shield' | 'guardUntil'>>,
  ) => {
    const { core } = rig.server.room.simulation;
    core.open(-1);
    Object.assign(ship(seat), fields);
    core.close();
  };
  const player = (seat: number) => rig.server.room.world.players.get(seat);
  return { rig, hands, ships, ship, place, player };
}

/** On a busy machine a few seconds of play may take long. */
const PATIENT = { timeout: 60_000 };

describe('a ship', PATIENT, () => {
  it('reaches full speed, and comes to exact rest', () => {
    const { rig, hands, ship, place } = table(1);
    place(1, { x: 560, y: 1_250 });
    hands[0]!.mx = STICK;
    rig.run(700);
    expect(ship(1).vx).toBeCloseTo(TOP_SPEED, 0);
    hands[0]!.mx = 0;
    rig.run(700);
    expect([ship(1).vx, ship(1).vy]).toEqual([0, 0]);
    rig.expectClean();
  });

  it('is no faster on the diagonal, and slower with half a stick', () => {
    const { rig, hands, ship, place } = table(1);
    place(1, { x: 850, y: 1_000 });
    Object.assign(hands[0]!, { mx: STICK, my: STICK });
    rig.run(400);
    expect(Math.hypot(ship(1).vx, ship(1).vy)).toBeCloseTo(TOP_SPEED, 0);
    Object.assign(hands[0]!, { mx: -3, my: 0 });
    rig.run(600);
    expect(ship(1).vx).toBeCloseTo((-3 / STICK) * TOP_SPEED, 0);
  });

  it('dashes once per pull, and not again before the dash is ready', () => {
    const { rig, hands, ship, place } = table(1);
    place(1, { x: 800, y: 1_250 });
    hands[0]!.dash = 1;
    rig.run(150);
    const { dashAt, x } = ship(1);
    expect(x).toBeGreaterThan(870);
    hands[0]!.dash = 1;
    rig.run(300);
    expect(ship(1).dashAt).toBe(dashAt);
    rig.run(DASH_COOLDOWN_TICKS * TICK_MS);
    hands[0]!.dash = 1;
    rig.run(150);
    expect(ship(1).dashAt).toBeGreaterThan(dashAt);
  });

  it('stays outside of walls', () => {
    const { rig, hands, ship, place } = table(1);
    place(1, { x: 300, y: 800 });
    hands[0]!.mx = STICK;
    rig.run(2_000);
    expect(ship(1).x).toBe(410 - SHIP_RADIUS);
  });

  it('grows its shield back without changing a field', () => {
    const ship = { shield: 10, mendsAt: 1_000 };
    expect(shieldAt(ship, 1_000)).toBe(10);
    expect(shieldAt(ship, 1_004)).toBe(11);
    expect(shieldAt(ship, 9_999)).toBe(MAX_SHIELD);
  });
});

describe('shots', PATIENT, () => {
  it('take the shield first, then health, and name the killer', () => {
    const { rig, hands, ship, place, player } = table(2);
    place(1, { x: 600, y: 1_250, guardUntil: 0 });
    place(2, { x: 800, y: 1_250, guardUntil: 0 });
    hands[0]!.fire = true;
    rig.run(450);
    expect(shieldAt(ship(2), rig.server.tick)).toBeLessThan(MAX_SHIELD);
    expect(ship(2).health).toBe(MAX_HEALTH);
    const hits = Math.ceil((MAX_HEALTH + MAX_SHIELD) / SHOT_DAMAGE);
    rig.run((hits + 1) * FIRE_TICKS * TICK_MS);
    expect(ship(2)).toBeUndefined();
    expect(player(1)).toMatchObject({ kills: 1, streak: 1 });
    expect(player(2)).toMatchObject({ deaths: 1, streak: 0 });
    expect(rig.server.room.world.room.leader).toBe(1);
    const kills = rig.clients.map(
      (client) => client.events.filter((event) => event.type === 'message').length,
    );
    rig.run(200);
    expect(
      rig.clients.map((client) => client.events.filter((event) => event.type === 'message').length),
    ).toEqual([1, 1]);
    expect(kills.length).toBe(2);
    rig.expectClean();
  });

  it('stop at walls', () => {
    const { rig, hands, ship, place } = table(2);
    place(1, { x: 380, y: 800, guardUntil: 0 });
    place(2, { x: 500, y: 800, guardUntil: 0 });
    hands[0]!.fire = true;
    rig.run(1_500);
    expect(shieldAt(ship(2), rig.server.tick)).toBe(MAX_SHIELD);
    expect(ship(2).health).toBe(MAX_HEALTH);
  });

  it('do nothing to a ship that has just arrived', () => {
    const { rig, hands, ship, place } = table(2);
    place(1, { x: 600, y: 1_250, guardUntil: 0 });
    place(2, { x: 800, y: 1_250, guardUntil: rig.server.tick + GUARD_TICKS });
    hands[0]!.fire = true;
    rig.run(900);
    expect(shieldAt(ship(2), rig.server.tick)).toBe(MAX_SHIELD);
  });

  it('are fired faster with rapid fire', () => {
    const { rig, hands, ship, place } = table(1);
    place(1, { x: 1_200, y: 800 });
    rig.run(100);
    expect(ship(1).rapidUntil).toBeGreaterThan(rig.server.tick);
    hands[0]!.fire = true;
    hands[0]!.aim = Math.PI / 2;
    rig.run(700);
    const ends = [...rig.server.room.world.shot].map((shot) => shot.endsAt);
    expect(ends[1]! - ends[0]!).toBe(RAPID_FIRE_TICKS);
  });
});

describe('the rail gun', PATIENT, () => {
  it('hits at once, once per pull, and not again before it is ready', () => {
    const { rig, hands, ship, place } = table(2);
    place(1, { x: 600, y: 1_250, guardUntil: 0 });
    place(2, { x: 1_200, y: 1_250, guardUntil: 0 });
    // Its client must have seen it there.
    rig.run(500);
    hands[0]!.rail = 1;
    rig.run(200);
    expect(ship(2).health).toBe(MAX_HEALTH + MAX_SHIELD - RAIL_DAMAGE);
    const beams = [...rig.clients[0]!.core.view.beam];
    expect(beams.map(({ x, toX, struck }) => ({ x, toX, struck }))).toEqual([
      { x: 624, toX: 1_200 - SHIP_RADIUS, struck: true },
    ]);
    hands[0]!.rail = 1;
    rig.run(300);
    expect(ship(2).health).toBe(MAX_HEALTH + MAX_SHIELD - RAIL_DAMAGE);
    rig.run(RAIL_COOLDOWN_TICKS * TICK_MS);
    hands[0]!.rail = 1;
    rig.run(200);
    expect(ship(2).health).toBeLessThan(MAX_HEALTH + MAX_SHIELD - RAIL_DAMAGE);
    rig.run(500);
    expect(rig.server.room.world.beam.count).toBe(0);
    rig.expectClean();
  });

  it('hits the nearest, stops at walls, and leaves alone who has just arrived', () => {
    const { rig, hands, ship, place } = table(3);
    place(1, { x: 380, y: 800, guardUntil: 0 });
    place(2, { x: 520, y: 800, guardUntil: 0 });
    place(3, { x: 240, y: 800, guardUntil: rig.server.tick + GUARD_TICKS });
    rig.run(500);
    hands[0]!.rail = 1;
    rig.run(300);
    expect(ship(2).health).toBe(MAX_HEALTH);
    hands[0]!.aim = Math.PI;
    rig.run(RAIL_COOLDOWN_TICKS * TICK_MS);
    place(3, { x: 240, y: 800, guardUntil: rig.server.tick + GUARD_TICKS });
    rig.run(500);
    hands[0]!.rail = 1;
    rig.run(300);
    expect(shieldAt(ship(3), rig.server.tick)).toBe(MAX_SHIELD);
  });
});

describe('the match', PATIENT, () => {
  it('brings a new ship after two seconds, protected, at an arrival place', () => {
    const { rig, hands, ship, place, player } = table(2);
    place(1, { x: 600, y: 1_250, guardUntil: 0 });
    place(2, { x: 800, y: 1_250, health: 1, shield: 0, guardUntil: 0 });
    hands[0]!.fire = true;
    rig.run(600);
    expect(ship(2)).toBeUndefined();
    const due = player(2)?.respawnAt ?? 0;
    expect(due - rig.server.tick).toBeGreaterThan(RESPAWN_TICKS - 40);
    rig.run((due - rig.server.tick) * TICK_MS - 50);
    expect(ship(2)).toBeUndefined();
    rig.run(100);
    expect(ship(2)).toMatchObject({ health: MAX_HEALTH, shield: MAX_SHIELD });
    expect(ship(2).guardUntil).toBeGreaterThan(rig.server.tick);
    rig.run(500);
    const seen = [...rig.clients[1]!.core.view.ship].map((one) => one.owner);
    expect(seen.sort()).toEqual([1, 2]);
    rig.expectClean();
  });

  it('heals who needs it, once', () => {
    const { rig, ship, place } = table(1);
    const pickup = [...rig.server.room.world.pickup].find((one) => one.kind === 'health');
    place(1, { x: pickup!.x, y: pickup!.y });
    rig.run(100);
    expect(pickup!.backAt).toBe(0);
    place(1, { health: 20 });
    rig.run(100);
    expect(ship(1).health).toBe(70);
    expect([...rig.server.room.world.pickup].find((one) => one.id === pickup!.id)?.backAt).toBeGreaterThan(
      rig.server.tick,
    );
  });

  it('starts a new round with empty scores', () => {
    const { rig, hands, place, player } = table(2, { roundSeconds: 5 });
    place(1, { x: 600, y: 1_250, guardUntil: 0 });
    place(2, { x: 800, y: 1_250, health: 1, shield: 0, guardUntil: 0 });
    hands[0]!.fire = true;
    rig.run(600);
    hands[0]!.fire = false;
    expect(player(1)?.kills).toBe(1);
    rig.run(3_000);
    expect(player(1)?.kills).toBe(1);
    rig.run(9_000);
    expect(player(1)?.kills).toBe(0);
    expect(rig.server.room.world.room.leader).toBe(0);
  });

  it('clears away what a player leaves behind', () => {
    const { rig, hands, ships } = table(2);
    hands[0]!.fire = true;
    rig.run(300);
    expect(rig.server.room.world.shot.count).toBeGreaterThan(0);
    rig.leave(rig.clients[0]!);
    rig.run(300);
    expect(ships().map((one) => one.owner)).toEqual([2]);
    expect(rig.server.room.world.shot.count).toBe(0);
  });
});
