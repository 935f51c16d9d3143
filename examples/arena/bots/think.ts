/** A bot: a player whose hands are this function. It sees the world and answers with the same command a person would send. */

import { angleDelta, atan2, clamp, hypot } from '@tickwire/netcode';
import { clearLine } from '../rules/collision.ts';
import { type ArenaMap, mapOf, type Spot } from '../rules/map.ts';
import { RAIL_REACH } from '../rules/rail.ts';
import { SHIP_RADIUS } from '../rules/ship.ts';
import { SHOT_SPEED, SHOT_TICKS } from '../rules/weapons.ts';
import type { Ship, World } from '../schema.ts';
import { type Input, STICK } from '../schema.ts';
import { dice, drift } from './dice.ts';
import { Navigation } from './navigation.ts';
import { chooseFoe, type Foe, mostUrgentThreat, usefulPickup } from './senses.ts';

/** Radians per tick that a bot can turn its aim: a half turn takes a third of a second. */
const TURN = 0.16;
/** Aim this close to the wanted angle is good enough to fire. */
const TRIGGER = 0.16;
const SHOT_RANGE = (SHOT_SPEED * SHOT_TICKS) / 60;

/** It changes its mind about the rail gun this often. */
const RAIL_MOOD_TICKS = 50;

/** Bots differ: each seat gets a temper that it keeps. */
interface Temper {
  /** Distance it likes to fight at. */
  readonly range: number;
  /** Radians by which its aim wanders. */
  readonly error: number;
  /** Ticks before a hit at which it sees a shot coming. */
  readonly reflex: number;
  /** Chance that it minds a given shot at all. */
  readonly care: number;
  /** Chance that it dashes out of the way of a given shot. */
  readonly nerve: number;
  /** Share of the time in which it would rather use the rail gun. */
  readonly patience: number;
}

function temperOf(me: number): Temper {
  return {
    range: 220 + dice(me, 1) * 220,
    error: 0.04 + dice(me, 2) * 0.08,
    reflex: 8 + dice(me, 3) * 8,
    care: 0.2 + dice(me, 11) * 0.35,
    nerve: 0.03 + dice(me, 4) * 0.15,
    patience: 0.08 + dice(me, 14) * 0.25,
  };
}

/** A mind for bots on this map. It keeps no memory of the match: the same world gives the same command. */
export function createBot(mapName: string): (world: World, me: number, tick: number) => Input {
  const map = mapOf(mapName);
  const navigation = new Navigation(map);
  return (world, me, tick) => {
    const [ship] = world.ship.ownedBy(me);
    if (ship === undefined) return { mx: 0, my: 0, aim: 0, fire: false, dash: 0, rail: 0 };
    return act(world, map, navigation, ship, tick);
  };
}

function act(world: World, map: ArenaMap, navigation: Navigation, ship: Ship, tick: number): Input {
  const temper = temperOf(ship.owner);
  const foe = chooseFoe(world, map, ship, tick);
  const wanted = usefulPickup(world, ship, tick, foe?.visible ? 260 : 600);

  const way = { x: 0, y: 0 };
  if (wanted !== undefined) headFor(way, ship, navigation.heading(ship, wanted), 1);
  else if (foe !== undefined && !foe.visible) headFor(way, ship, navigation.heading(ship, foe.ship), 1);
  else if (foe === undefined) headFor(way, ship, navigation.heading(ship, roamingGoal(map, ship, tick)), 0.8);
  if (foe?.visible) circle(way, map, ship, foe, temper, tick, wanted === undefined ? 1 : 0.35);

  let dash = 0;
  const threat = mostUrgentThreat(world, ship, temper.reflex);
  if (threat !== undefined && dice(ship.owner, threat.shot.id, 12) < temper.care) {
    way.x += threat.awayX * 1.6;
    way.y += threat.awayY * 1.6;
    if (tick >= ship.dashAt && dice(ship.owner, threat.shot.id, 5) < temper.nerve) dash = 1;
  } else if (foe !== undefined && !foe.visible && foe.distance > 500 && dice(ship.owner, tick, 6) < 0.004) {
    dash = 1;
  }

  // Now and then it holds its fire and draws a bead for the rail gun, which needs no lead.
  const sniping =
    foe?.visible === true &&
    tick >= ship.railAt &&
    foe.distance < RAIL_REACH * 0.8 &&
    dice(ship.owner, Math.floor(tick / RAIL_MOOD_TICKS), 13) < temper.patience;
  const { aim, onTarget, off } = takeAim(ship, foe, way, temper, tick, sniping);
  const rail = sniping && off * foe.distance < SHIP_RADIUS ? 1 : 0;
  const inRange = foe?.visible === true && foe.distance < SHOT_RANGE * 0.85;
  // Fires in bursts: a little pause now and then gives the other side a chance.
  const pausing = dice(ship.owner, Math.floor(tick / 40), 7) < 0.3;
  return { ...stick(way), aim, fire: inRange && onTarget && !pausing && !sniping, dash, rail };
}

function headFor(way: { x: number; y: number }, ship: Ship, to: Spot, strength: number): void {
  const dx = to.x - ship.x;
  const dy = to.y - ship.y;
  const distance = hypot(dx, dy);
  if (distance < 8) return;
  way.x += (dx / distance) * strength;
  way.y += (dy / distance) * strength;
}

/** Around the foe at the distance this bot likes, changing sides now and then, and at once before a wall. */
function circle(
  way: Spot & { x: number; y: number },
  map: ArenaMap,
  ship: Ship,
  foe: Foe,
  temper: Temper,
  tick: number,
  strength: number,
): void {
  const ux = (foe.ship.x - ship.x) / Math.max(foe.distance, 1);
  const uy = (foe.ship.y - ship.y) / Math.max(foe.distance, 1);
  let side = dice(ship.owner, Math.floor(tick / 45), 8) < 0.5 ? -1 : 1;
  if (!clearLine(map, ship.x, ship.y, ship.x - uy * side * 90, ship.y + ux * side * 90, SHIP_RADIUS))
    side = -side;
  const nearer = clamp((foe.distance - temper.range) / 120, -1, 1);
  way.x += (-uy * side * 0.9 + ux * nearer) * strength;
  way.y += (ux * side * 0.9 + uy * nearer) * strength;
}

/** Where the foe will be when a shot arrives, or `direct`ly at it, with an error that wanders, and no faster than the wrist turns. */
function takeAim(
  ship: Ship,
  foe: Foe | undefined,
  way: Spot,
  temper: Temper,
  tick: number,
  direct: boolean,
): { aim: number; onTarget: boolean; off: number } {
  let wanted = hypot(way.x, way.y) > 0.1 ? atan2(way.y, way.x) : ship.aim;
  if (foe?.visible) {
    const seconds = direct ? 0 : foe.distance / SHOT_SPEED;
    const leadX = foe.ship.x + foe.ship.vx * seconds - ship.x;
    const leadY = foe.ship.y + foe.ship.vy * seconds - ship.y;
    wanted = atan2(leadY, leadX) + drift(ship.owner, tick, 24, 9) * temper.error;
  }
  const turn = clamp(angleDelta(ship.aim, wanted), -TURN, TURN);
  const aim = ship.aim + turn;
  const off = Math.abs(angleDelta(aim, wanted));
  return { aim, onTarget: off < TRIGGER, off };
}

/** Nobody to fight: from place to place. */
function roamingGoal(map: ArenaMap, ship: Ship, tick: number): Spot {
  const places = map.spawns;
  return places[Math.floor(dice(ship.owner, Math.floor(tick / 240), 10) * places.length)] ?? ship;
}

function stick(way: Spot): { mx: number; my: number } {
  const length = hypot(way.x, way.y);
  if (length < 0.15) return { mx: 0, my: 0 };
  const scale = STICK / Math.max(length, 1);
  return { mx: Math.round(way.x * scale), my: Math.round(way.y * scale) };
}
