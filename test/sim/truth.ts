// What is drawn of others, held against the server's world at the moment that each way of drawing means to show: the client's view, a
// lerp with a fixed delay, and @geckos.io/snapshot-interpolation, all fed by the same snapshots.
import { SnapshotInterpolation } from '@geckos.io/snapshot-interpolation';
import type { Replica, Shape } from '@tickwire/netcode/internal';
import type { Rig, RigClient } from '@tickwire/netcode/testing';

/** Delay of the plain lerp behind the mean arrival. */
const FIXED_MS = 100;

/** What was drawn in a row, by id: the third difference needs four frames. */
type Track = [x: number, y: number][];
type Places = Map<number, readonly [x: number, y: number]>;

export interface Measured {
  /** Distance to the truth, mean and root mean square, in units. */
  readonly error: number;
  readonly errorRms: number;
  /** Third difference of drawn places from frame to frame, mean, in units. */
  readonly jerk: number;
  /** Mean time behind the mean arrival of snapshots, in ms. */
  readonly delay: number;
  /** Share of frames that had no snapshot to go towards. */
  readonly underruns: number;
  readonly places: number;
}

class Meter {
  #errors = 0;
  #squares = 0;
  #jerks = 0;
  #jerky = 0;
  #delays = 0;
  #underruns = 0;
  #frames = 0;
  #places = 0;
  #tracks = new Map<number, Track>();
  readonly #truth: ReadonlyMap<number, Places>;

  constructor(truth: ReadonlyMap<number, Places>) {
    this.#truth = truth;
  }

  /** `tick` is what was meant to be shown, `delay` how far that is behind. */
  frame(tick: number, delay: number, underrun: boolean, places: Places): void {
    this.#frames++;
    this.#delays += delay;
    if (underrun) this.#underruns++;
    const tracks = new Map<number, Track>();
    const [before, after] = [this.#truth.get(Math.floor(tick)), this.#truth.get(Math.floor(tick) + 1)];
    for (const [id, place] of places) {
      const [a, b] = [before?.get(id), after?.get(id)];
      if (a === undefined || b === undefined) continue;
      const share = tick - Math.floor(tick);
      const error = Math.hypot(
        place[0] - a[0] - (b[0] - a[0]) * share,
        place[1] - a[1] - (b[1] - a[1]) * share,
      );
      this.#places++;
      this.#errors += error;
      this.#squares += error * error;
      const track = [...(this.#tracks.get(id) ?? []).slice(-3), [place[0], place[1]]] as Track;
      tracks.set(id, track);
      if (track.length === 4) this.#noteJerk(track);
    }
    this.#tracks = tracks;
  }

  #noteJerk(track: Track): void {
    const third = (axis: 0 | 1): number => {
      const [a, b, c, d] = track.map((place) => place[axis]) as [number, number, number, number];
      return d - 3 * c + 3 * b - a;
    };
    this.#jerks += Math.hypot(third(0), third(1));
    this.#jerky++;
  }

  get measured(): Measured {
    return {
      error: this.#errors / this.#places,
      errorRms: Math.sqrt(this.#squares / this.#places),
      jerk: this.#jerks / this.#jerky,
      delay: this.#delays / this.#frames,
      underruns: this.#underruns / this.#frames,
      places: this.#places,
    };
  }
}

/** Watches what one client draws of the rows of a type with places `x` and `y`, but not its own ones. */
export class Watch<S extends Shape> {
  readonly view: Meter;
  readonly lerp: Meter;
  readonly peer: Meter;
  readonly #truth = new Map<number, Places>();
  readonly #tickMs: number;
  readonly #type: string;
  readonly #library = new SnapshotInterpolation(20);
  readonly #held: { readonly tick: number; readonly places: Places }[] = [];
  #shown: Places = new Map();
  /** Mean of (arrival - server time): of all arrivals, and the running one that the lerp keeps. */
  #sum = 0;
  #count = 0;
  #offset = Number.NaN;
  /** Nothing is measured before. */
  from = 0;

  constructor(rig: Rig<S>, client: RigClient<S>, type: string, tickMs: number) {
    this.#type = type;
    this.#tickMs = tickMs;
    this.view = new Meter(this.#truth);
    this.lerp = new Meter(this.#truth);
    this.peer = new Meter(this.#truth);
    rig.onTick = (tick) => {
      const rows = (rig.server.room.world as unknown as Record<string, Iterable<Drawn>>)[
        type
      ] as Iterable<Drawn>;
      this.#truth.set(tick, placesOf(rows, 0));
      this.#truth.delete(tick - 600);
    };
    rig.onSnapshot = (from, replica) => {
      if (from === client) this.#arrived(client.clock(rig.now), replica, client.core.seat);
    };
    rig.onFrame = (from) => {
      if (from !== client || client.core.replica === undefined) return;
      this.#frame(client.clock(rig.now), client);
    };
  }

  #arrived(now: number, replica: Replica, seat: number): void {
    const late = now - replica.tick * this.#tickMs;
    this.#sum += late;
    this.#count++;
    this.#offset = Number.isNaN(this.#offset) ? late : this.#offset + (late - this.#offset) * 0.05;
    const rows = replica.tables.find(({ schema }) => schema.name === this.#type);
    const places: Places = new Map();
    for (let i = 0; rows !== undefined && i < rows.count; i++) {
      const at = i * rows.schema.stride;
      const [x, y] = ['x', 'y'].map((name) => {
        const layout = rows.schema.byName.get(name);
        return (rows.data[at + (layout?.at ?? 0)] ?? 0) * (layout?.field.step ?? 0);
      }) as [number, number];
      if (rows.data[at + 1] !== seat) places.set(rows.id(i), [x, y]);
    }
    const before = this.#held.findLastIndex(({ tick }) => tick < replica.tick);
    this.#held.splice(before + 1, 0, { tick: replica.tick, places });
    if (this.#held.length > 60) this.#held.shift();
    SnapshotInterpolation.Now = () => now;
    this.#library.snapshot.add({
      id: String(replica.tick),
      time: replica.tick * this.#tickMs,
      state: [...places].map(([id, [x, y]]) => ({ id: String(id), x, y })),
    });
  }

  #frame(now: number, { core }: RigClient<S>): void {
    const meters = now >= this.from;
    const base = this.#sum / this.#count;
    const behind = (tick: number): number => now - tick * this.#tickMs - base;
    const { tick } = core.view;
    const rows = (core.view as unknown as Record<string, Iterable<Drawn>>)[this.#type] as Iterable<Drawn>;
    const underrun = tick > (core.replica?.tick ?? 0);
    if (meters) this.view.frame(tick, behind(tick), underrun, placesOf(rows, core.seat));
    const fixed = (now - this.#offset - FIXED_MS) / this.#tickMs;
    const [places, starved] = this.#lerped(fixed);
    if (meters) this.lerp.frame(fixed, behind(fixed), starved, places);
    SnapshotInterpolation.Now = () => now;
    const drawn = this.#library.calcInterpolation('x y');
    if (drawn !== undefined)
      this.#shown = new Map(drawn.state.map(({ id, x, y }) => [Number(id), [Number(x), Number(y)]]));
    const meant = (now - this.#library.timeOffset - this.#library.interpolationBuffer.get()) / this.#tickMs;
    if (meters) this.peer.frame(meant, behind(meant), drawn === undefined, this.#shown);
  }

  /** Straight lines between the snapshots around a tick; past the newest all stands still. */
  #lerped(tick: number): [Places, boolean] {
    const next = this.#held.findIndex((one) => one.tick > tick);
    const older = this.#held[next < 0 ? this.#held.length - 1 : Math.max(0, next - 1)];
    const newer = this.#held[next];
    const places: Places = new Map(older?.places);
    if (older === undefined || newer === undefined || newer === older) return [places, newer === undefined];
    const share = (tick - older.tick) / (newer.tick - older.tick);
    for (const [id, [x, y]] of older.places) {
      const to = newer.places.get(id);
      if (to !== undefined) places.set(id, [x + (to[0] - x) * share, y + (to[1] - y) * share]);
    }
    return [places, false];
  }
}

interface Drawn {
  readonly id: number;
  readonly owner: number;
  readonly x: number;
  readonly y: number;
}

function placesOf(rows: Iterable<Drawn>, butOf: number): Places {
  const places: Places = new Map();
  for (const row of rows) if (butOf === 0 || row.owner !== butOf) places.set(row.id, [row.x, row.y]);
  return places;
}
