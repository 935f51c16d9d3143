/**
 * Workload W: up to 10,000 units on a 4096 x 4096 map at 20 Hz, of which about 30 % change per tick.
 *
 * Units move in spells of about 2 s. Half of the movers go straight, half turn at a constant rate; now and then one is bumped or
 * hit, and the dead come back elsewhere. Positions are kept as doubles and rounded for the row, so that no predictor is exact.
 */

import { angle, cos, defineGame, type Game, grid, int, Rng, sin } from '@tickwire/netcode';

export const TICK_RATE = 20;
const MAP = 4096;

/** Offsets of a unit's words in `UnitWorld.rows`, in the order of the game's fields. */
export const X = 0;
export const Y = 1;
export const ROT = 2;
export const VX = 3;
export const VY = 4;
export const HP = 5;
export const ST = 6;
export const WORDS = 7;
export const UNIT_FIELDS = ['x', 'y', 'rot', 'vx', 'vy', 'hp', 'st'] as const;

/** Stored integers per unit of position and of velocity. */
export const POSITION_SCALE = 32;
export const VELOCITY_SCALE = 8;

const fields = {
  x: grid(0, MAP - 1 / POSITION_SCALE, 1 / POSITION_SCALE, { follows: 'vx' }),
  y: grid(0, MAP - 1 / POSITION_SCALE, 1 / POSITION_SCALE, { follows: 'vy' }),
  rot: angle(10),
  vx: grid(-256, 256 - 1 / VELOCITY_SCALE, 1 / VELOCITY_SCALE),
  vy: grid(-256, 256 - 1 / VELOCITY_SCALE, 1 / VELOCITY_SCALE),
  hp: int(0, 255),
  st: int(0, 255),
};

/**
 * The same state as a Tickwire game. The world below moves the units; `step` has nothing left to do. With an interest, units are sent
 * by place: cells of that edge, with that margin.
 */
export function workloadGame(interest?: { readonly cell: number; readonly margin: number }): Game {
  const game = defineGame({
    name: 'workload W',
    tickRate: TICK_RATE,
    snapshotRate: TICK_RATE,
    maxPlayers: 255,
    entities: { unit: fields },
    command: { idle: int(0, 1) },
    ...(interest === undefined
      ? {}
      : { interest: { ...interest, position: { unit: ['x', 'y'] }, radius: MAP } }),
    step() {},
  });
  return game as unknown as Game;
}

/** Index of the units' table: after `players` and `room`. */
export const UNIT = 2;

/** Units belong to the server (seat 0), so that ids are the counters 1, 2, 3 ... */
export const unitId = (index: number): number => index + 1;

const TICK = 1 / TICK_RATE;
const MOVING_SHARE = 0.295;
const SPELL_TICKS = 2 * TICK_RATE;
const REST_TICKS = (SPELL_TICKS * (1 - MOVING_SHARE)) / MOVING_SHARE;
const BUMP_CHANCE = 0.03;
const HIT_CHANCE = 0.005;
const FULL_HP = 100;
const TAU = 2 * Math.PI;
const EDGE = MAP - 1 / POSITION_SCALE;

/** All units at one tick. The same seed gives the same units on every machine. */
export class UnitWorld {
  readonly count: number;
  tick = 0;
  /** `WORDS` stored integers per unit, by index. */
  readonly rows: Int32Array;
  /** 1 for each unit whose row differs from the tick before. */
  readonly changed: Uint8Array;
  changedCount = 0;
  readonly #x: Float64Array;
  readonly #y: Float64Array;
  readonly #heading: Float64Array;
  readonly #speed: Float64Array;
  /** Radians per tick; 0 goes straight. */
  readonly #turn: Float64Array;
  /** Velocity in units per second. */
  readonly #vx: Float64Array;
  readonly #vy: Float64Array;
  readonly #hp: Int32Array;
  readonly #state: Int32Array;
  readonly #rng: Rng;

  /** `count` is 1..10,000. */
  constructor(count: number, seed: number) {
    this.count = count;
    this.rows = new Int32Array(count * WORDS);
    this.changed = new Uint8Array(count);
    this.#x = new Float64Array(count);
    this.#y = new Float64Array(count);
    this.#heading = new Float64Array(count);
    this.#speed = new Float64Array(count);
    this.#turn = new Float64Array(count);
    this.#vx = new Float64Array(count);
    this.#vy = new Float64Array(count);
    this.#hp = new Int32Array(count);
    this.#state = new Int32Array(count);
    this.#rng = new Rng(seed, count);
    for (let i = 0; i < count; i++) {
      this.#place(i);
      this.#heading[i] = this.#rng.range(0, TAU);
      this.#hp[i] = this.#rng.int(1, FULL_HP);
      if (this.#rng.chance(MOVING_SHARE)) this.#startSpell(i);
      this.#writeRow(i);
    }
  }

  /** One tick of 50 ms. */
  step(): void {
    const rng = this.#rng;
    this.tick++;
    this.changedCount = 0;
    for (let i = 0; i < this.count; i++) {
      if (this.#speed[i] === 0) {
        if (rng.chance(1 / REST_TICKS)) this.#startSpell(i);
      } else if (rng.chance(1 / SPELL_TICKS)) {
        this.#rest(i);
      } else if (rng.chance(BUMP_CHANCE)) {
        this.#setOff(i);
      } else if (this.#turn[i] !== 0) {
        this.#face(i, (this.#heading[i] ?? 0) + (this.#turn[i] ?? 0));
      }
      this.#move(i);
      if (rng.chance(HIT_CHANCE)) this.#hit(i);
      this.#writeRow(i);
    }
  }

  #startSpell(i: number): void {
    const rng = this.#rng;
    const turns = rng.chance(0.5);
    const rate = rng.range(0.5, 2) * (rng.chance(0.5) ? 1 : -1);
    this.#turn[i] = turns ? rate * TICK : 0;
    this.#state[i] = turns ? 2 : 1;
    this.#setOff(i);
  }

  /** A new speed and direction. */
  #setOff(i: number): void {
    this.#speed[i] = this.#rng.range(20, 150);
    this.#face(i, this.#rng.range(0, TAU));
  }

  #rest(i: number): void {
    this.#speed[i] = 0;
    this.#vx[i] = 0;
    this.#vy[i] = 0;
    this.#state[i] = 0;
  }

  #face(i: number, heading: number): void {
    const speed = this.#speed[i] ?? 0;
    this.#heading[i] = heading - Math.floor(heading / TAU) * TAU;
    this.#vx[i] = speed * cos(heading);
    this.#vy[i] = speed * sin(heading);
  }

  /** Moves by one tick, and turns back at the edges of the map. */
  #move(i: number): void {
    if (this.#speed[i] === 0) return;
    const x = (this.#x[i] ?? 0) + (this.#vx[i] ?? 0) * TICK;
    const y = (this.#y[i] ?? 0) + (this.#vy[i] ?? 0) * TICK;
    this.#x[i] = x < 0 ? 0 : x > EDGE ? EDGE : x;
    this.#y[i] = y < 0 ? 0 : y > EDGE ? EDGE : y;
    if (x < 0 || x > EDGE) this.#face(i, Math.PI - (this.#heading[i] ?? 0));
    if (y < 0 || y > EDGE) this.#face(i, -(this.#heading[i] ?? 0));
  }

  #hit(i: number): void {
    const hp = (this.#hp[i] ?? 0) - this.#rng.int(5, 35);
    this.#hp[i] = hp;
    if (hp > 0) return;
    this.#hp[i] = FULL_HP;
    this.#place(i);
  }

  #place(i: number): void {
    this.#x[i] = this.#rng.range(0, EDGE);
    this.#y[i] = this.#rng.range(0, EDGE);
  }

  #writeRow(i: number): void {
    const { rows } = this;
    const at = i * WORDS;
    const x = Math.round((this.#x[i] ?? 0) * POSITION_SCALE);
    const y = Math.round((this.#y[i] ?? 0) * POSITION_SCALE);
    const rot = ((Math.round(((this.#heading[i] ?? 0) / TAU) * 1024) + 512) & 1023) - 512;
    const vx = Math.round((this.#vx[i] ?? 0) * VELOCITY_SCALE);
    const vy = Math.round((this.#vy[i] ?? 0) * VELOCITY_SCALE);
    const hp = this.#hp[i] ?? 0;
    const st = this.#state[i] ?? 0;
    const same =
      rows[at + X] === x &&
      rows[at + Y] === y &&
      rows[at + ROT] === rot &&
      rows[at + VX] === vx &&
      rows[at + VY] === vy &&
      rows[at + HP] === hp &&
      rows[at + ST] === st;
    this.changed[i] = same ? 0 : 1;
    if (same) return;
    this.changedCount++;
    rows[at + X] = x;
    rows[at + Y] = y;
    rows[at + ROT] = rot;
    rows[at + VX] = vx;
    rows[at + VY] = vy;
    rows[at + HP] = hp;
    rows[at + ST] = st;
  }
}
