/** The same flying entities, drawn by the client's own path and by @geckos.io/snapshot-interpolation. */

import { SnapshotInterpolation, type Types } from '@geckos.io/snapshot-interpolation';
import { angle, defineGame, type Field, grid, int } from '@tickwire/netcode';
import {
  BASELINE_WINDOW,
  type Game,
  newReplica,
  type Replica,
  type RowSet,
} from '@tickwire/netcode/internal';
import { type ClientView, clientView } from '../../packages/netcode/src/client/facade.ts';
import { Playback } from '../../packages/netcode/src/client/playback.ts';
import { Replicas } from '../../packages/netcode/src/client/replicas.ts';
import { View } from '../../packages/netcode/src/client/view.ts';
import { ID, MARK } from '../../packages/netcode/src/wire/schema.ts';

export const STEP = 1 / 32;
export const TURN = 2 * Math.PI;
export const TURN_STEP = TURN / 1024;

const TICK_RATE = 60;
const speed = () => grid(-2048, 2048, STEP);

/** Ships; with their speeds too they are drawn along curves. */
const ships = <F extends Record<string, Field<number>>>(
  speeds: F,
  follows: (rate: string) => { follows?: string },
) =>
  defineGame({
    name: 'interpolation',
    tickRate: TICK_RATE,
    snapshotRate: 20,
    maxPlayers: 2,
    entities: {
      ship: {
        x: grid(0, 4096, STEP, follows('vx')),
        y: grid(0, 4096, STEP, follows('vy')),
        angle: angle(10),
        ...speeds,
      },
    },
    command: { go: int(0, 1) },
    step() {},
  });
const straight = ships({}, () => ({}));
const curved = ships({ vx: speed(), vy: speed() }, (follows) => ({ follows }));
type Ships = typeof straight extends Game<infer S> ? S : never;

const { schema } = straight;
const SHIPS = 2;
const at = (name: string): number => curved.schema.rows[SHIPS]?.byName.get(name)?.at ?? -1;
const [X, Y, ANGLE, VX, VY] = [at('x'), at('y'), at('angle'), at('vx'), at('vy')];

export const FRAMES_PER_SNAPSHOT = 3;

/** The stored words of entity `i`. Each flies a circle of its own: all three values change all the time, and the angle wraps. */
function fly(data: Int32Array, row: number, i: number, tick: number, withSpeeds = false): void {
  const turning = (3 + (i % 5)) / 100;
  const heading = i * 2.4 + tick * turning;
  const radius = 200 + (i % 100) * 15;
  data[row + X] = Math.round((2048 + radius * Math.sin(heading)) / STEP);
  data[row + Y] = Math.round((2048 - radius * Math.cos(heading)) / STEP);
  data[row + ANGLE] = ((Math.round(heading / TURN_STEP) + 512) & 1023) - 512;
  if (!withSpeeds) return;
  data[row + VX] = Math.round((radius * turning * TICK_RATE * Math.cos(heading)) / STEP);
  data[row + VY] = Math.round((radius * turning * TICK_RATE * Math.sin(heading)) / STEP);
}

/** Scattered: as if no datagram held them all, neighbours were sent at different ticks. */
function fill(replica: Replica, tick: number, count: number, scattered: boolean): void {
  const rows = replica.tables[SHIPS] as RowSet;
  rows.clear();
  for (let i = 0; i < count; i++) {
    const row = rows.push(rows.schema.empty, 0);
    rows.data[row + ID] = i + 1;
    const held = scattered ? Math.max(0, tick - (i & 1)) : tick;
    rows.data[row + MARK] = held;
    fly(rows.data, row, i, held, rows.schema.stride > (schema.rows[SHIPS]?.stride ?? 0));
  }
  replica.tick = tick;
}

/** What a client does when it draws: view clock, snapshots around it, view. Snapshots arrive as rows, already decoded. */
export class Tickwire {
  readonly #replicas: Replicas;
  readonly #playback = new Playback(schema.tickMs, schema.ticksPerSnapshot);
  readonly #drawing: View;
  readonly view: ClientView<Ships>;
  readonly #count: number;
  readonly #scattered: boolean;
  readonly #pool: readonly Replica[];
  #snapshots = 0;
  #frames = 0;

  constructor(count: number, how: 'straight' | 'scattered' | 'curved' = 'straight') {
    const game = how === 'curved' ? curved : straight;
    this.#replicas = new Replicas(game.schema);
    this.#drawing = new View(
      game.schema,
      game.schema.rows.map(() => false),
    );
    this.view = clientView<Ships>(this.#drawing);
    this.#pool = Array.from({ length: 2 * BASELINE_WINDOW }, () => newReplica(game.schema, 1));
    this.#count = count;
    this.#scattered = how === 'scattered';
  }

  /** The next snapshot arrives, as the decoder would have filled it. */
  arrive(): void {
    const replica = this.#pool[this.#snapshots % this.#pool.length] as Replica;
    fill(replica, this.#snapshots++ * schema.ticksPerSnapshot, this.#count, this.#scattered);
    this.#replicas.keep(replica);
    this.#playback.arrived(this.#frames * schema.tickMs, replica.tick);
  }

  /** A frame, as `ClientCore.draw` does it, for a player who owns nothing. */
  draw(): void {
    const now = this.#frames++ * schema.tickMs;
    const tick = this.#playback.advance(now, this.#replicas.newest?.tick ?? 0);
    const { older, newer } = this.#replicas.around(tick);
    this.#drawing.draw(now, tick, older ?? newer, older === undefined ? undefined : newer, undefined, 0);
  }

  /** Reads every row as a game does. */
  read(): number {
    let sum = 0;
    for (const ship of this.view.ship) sum += ship.x + ship.y + ship.angle;
    return sum;
  }
}

/** The same entities as its objects, and its clock set by hand. */
export class Peer {
  readonly #interpolation = new SnapshotInterpolation(20, { autoCorrectTimeOffset: false });
  readonly #count: number;
  #newest = -schema.ticksPerSnapshot;
  /** The fractional tick that is drawn. */
  tick = 0;

  constructor(count: number) {
    this.#count = count;
    this.#interpolation.interpolationBuffer.set(0);
    this.advance(0);
  }

  /** Moves its clock on, and brings the snapshots up to the next one. */
  advance(ticks: number): void {
    this.tick += ticks;
    while (this.#newest <= this.tick) {
      this.#newest += schema.ticksPerSnapshot;
      const time = this.#newest * schema.tickMs;
      // It takes what the clock says at the first snapshot for the difference between server and client.
      setClock(time);
      this.#interpolation.snapshot.add({ id: `snapshot ${this.#newest}`, time, state: this.#state() });
    }
    setClock(this.tick * schema.tickMs);
  }

  #state(): Types.State {
    const words = new Int32Array(schema.rows[SHIPS]?.stride ?? 0);
    const state: Types.Entity[] = [];
    for (let i = 0; i < this.#count; i++) {
      fly(words, 0, i, this.#newest);
      const [x, y, turned] = [words[X] ?? 0, words[Y] ?? 0, words[ANGLE] ?? 0];
      state.push({ id: String(i + 1), x: x * STEP, y: y * STEP, r: turned * TURN_STEP });
    }
    return state;
  }

  draw(): Types.State {
    // Names of angles have one letter: of longer ones it takes the last letter.
    const drawn = this.#interpolation.calcInterpolation('x y r(rad)');
    if (drawn === undefined) throw new Error(`there are no snapshots around tick ${this.tick}`);
    return drawn.state;
  }
}

/** It reads the time of day through this method. */
function setClock(time: number): void {
  SnapshotInterpolation.Now = () => time;
}
