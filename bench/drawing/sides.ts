/** The same flying entities, drawn by the client's own path and by @geckos.io/snapshot-interpolation. */

import { SnapshotInterpolation, type Types } from '@geckos.io/snapshot-interpolation';
import { angle, defineGame, grid, int } from '@tickwire/netcode';
import {
  BASELINE_WINDOW,
  type Game,
  newReplica,
  type Replica,
  type RowSet,
} from '@tickwire/netcode/internal';
import { clientView } from '../../packages/netcode/src/client/facade.ts';
import { Playback } from '../../packages/netcode/src/client/playback.ts';
import { Replicas } from '../../packages/netcode/src/client/replicas.ts';
import { View } from '../../packages/netcode/src/client/view.ts';
import { ID, MARK } from '../../packages/netcode/src/wire/schema.ts';

export const STEP = 1 / 32;
export const TURN = 2 * Math.PI;
export const TURN_STEP = TURN / 1024;

const game = defineGame({
  name: 'interpolation',
  tickRate: 60,
  snapshotRate: 20,
  maxPlayers: 2,
  entities: { ship: { x: grid(0, 4096, STEP), y: grid(0, 4096, STEP), angle: angle(10) } },
  command: { go: int(0, 1) },
  step() {},
});
type Ships = typeof game extends Game<infer S> ? S : never;

const { schema } = game;
const SHIPS = 2;
const at = (name: string): number => schema.rows[SHIPS]?.byName.get(name)?.at ?? -1;
const [X, Y, ANGLE] = [at('x'), at('y'), at('angle')];

export const FRAMES_PER_SNAPSHOT = 3;

/** The stored words of entity `i`. Each flies a circle of its own: all three values change all the time, and the angle wraps. */
function fly(data: Int32Array, row: number, i: number, tick: number): void {
  const heading = i * 2.4 + (tick * (3 + (i % 5))) / 100;
  const radius = 200 + (i % 100) * 15;
  data[row + X] = Math.round((2048 + radius * Math.sin(heading)) / STEP);
  data[row + Y] = Math.round((2048 - radius * Math.cos(heading)) / STEP);
  data[row + ANGLE] = ((Math.round(heading / TURN_STEP) + 512) & 1023) - 512;
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
    fly(rows.data, row, i, held);
  }
  replica.tick = tick;
}

/** What a client does when it draws: view clock, snapshots around it, view. Snapshots arrive as rows, already decoded. */
export class Tickwire {
  readonly #replicas = new Replicas(schema);
  readonly #playback = new Playback(schema.tickMs, schema.ticksPerSnapshot);
  readonly #drawing = new View(
    schema,
    schema.rows.map(() => false),
  );
  readonly view = clientView<Ships>(this.#drawing);
  readonly #count: number;
  readonly #scattered: boolean;
  readonly #pool = Array.from({ length: 2 * BASELINE_WINDOW }, () => newReplica(schema, 1));
  #snapshots = 0;
  #frames = 0;

  constructor(count: number, scattered = false) {
    this.#count = count;
    this.#scattered = scattered;
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
