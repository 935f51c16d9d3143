/**
 * Rays, overlaps and searches over what one player saw. Targets are looked through one by one: a circle around each rules out nearly
 * all, so that a query over 100 of them takes about a microsecond and allocates its hits alone.
 */

import { cos, sin } from '../base/math.ts';
import type { Row } from './entity.ts';
import { beyond, offWay2, outside2, rayEntry, rectangleDistance } from './geometry.ts';
import { type HitShape, reachOf } from './shapes.ts';
import type { Targets } from './targets.ts';

/** Where a query gets its targets from. They are looked through before it is asked for the next. */
export interface TargetSource {
  readonly seat: number;
  readonly types: number;
  nameOf(t: number): string;
  /** Rows of type `t` as they were drawn; undefined for a type without a shape. */
  past(t: number): Targets | undefined;
  /** Rows of type `t` that are tested where they are now; undefined if there are none. */
  living(t: number, own: boolean): Targets | undefined;
}

export interface QueryOptions {
  readonly type?: string | undefined;
  readonly where?: ((row: Row) => boolean) | undefined;
  readonly own?: boolean | undefined;
  readonly radius?: number | undefined;
  readonly angle?: number | undefined;
}

export interface QueryHit {
  readonly type: string;
  readonly id: number;
  readonly row: Row;
  readonly distance: number;
  readonly x: number;
  readonly y: number;
}

/** Finds what it looks for among targets. What is found last is read from its fields. */
interface Probe {
  distance: number;
  x: number;
  y: number;
  /** Whether target `i` is found, and where. */
  finds(targets: Targets, i: number): boolean;
}

const NO_OPTIONS: QueryOptions = {};
const NO_HITS: readonly QueryHit[] = [];

export class Queries {
  readonly #source: TargetSource;
  readonly #ray = new RayProbe();
  readonly #overlap = new OverlapProbe();
  readonly #circle = new CircleProbe();

  constructor(source: TargetSource) {
    this.#source = source;
  }

  ray(x: number, y: number, toX: number, toY: number, options = NO_OPTIONS): readonly QueryHit[] {
    return this.#all(this.#ray.start(x, y, toX - x, toY - y, options.radius ?? 0), options);
  }

  overlap(shape: HitShape, x: number, y: number, options = NO_OPTIONS): readonly QueryHit[] {
    return this.#all(this.#overlap.start(shape, x, y, options.angle ?? 0), options);
  }

  nearest(x: number, y: number, radius: number, options = NO_OPTIONS): QueryHit | undefined {
    return this.#all(this.#circle.start(x, y, radius), options)[0];
  }

  #all(probe: Probe, options: QueryOptions): readonly QueryHit[] {
    let hits = NO_HITS as QueryHit[];
    const source = this.#source;
    const own = options.own === true;
    for (let t = 0; t < source.types; t++) {
      // What was not asked for need not be placed: a player may have it done for each of its commands.
      const past =
        options.type === undefined || options.type === source.nameOf(t) ? source.past(t) : undefined;
      if (past === undefined) continue;
      hits = look(past, probe, own ? -1 : source.seat, options.where, hits);
      const living = source.living(t, own);
      if (living !== undefined) hits = look(living, probe, own ? -1 : source.seat, options.where, hits);
    }
    return hits;
  }
}

function look(
  targets: Targets,
  probe: Probe,
  without: number,
  where: ((row: Row) => boolean) | undefined,
  hits: QueryHit[],
): QueryHit[] {
  let found = hits;
  for (let i = 0; i < targets.count; i++) {
    if (targets.owners[i] === without || !probe.finds(targets, i)) continue;
    const row = targets.row(i);
    if (where !== undefined && !where(row)) continue;
    if (found === NO_HITS) found = [];
    const { distance, x, y } = probe;
    insert(found, { type: targets.schema.name, id: targets.ids[i] as number, row, distance, x, y });
  }
  return found;
}

/** Nearest first, of two equally near the lower id. */
function insert(hits: QueryHit[], hit: QueryHit): void {
  let place = hits.length;
  hits.push(hit);
  for (; place > 0; place--) {
    const before = hits[place - 1] as QueryHit;
    if (before.distance < hit.distance || (before.distance === hit.distance && before.id < hit.id)) break;
    hits[place] = before;
  }
  hits[place] = hit;
}

class RayProbe implements Probe {
  distance = 0;
  x = 0;
  y = 0;
  #fromX = 0;
  #fromY = 0;
  #dx = 0;
  #dy = 0;
  #length = 0;
  #radius = 0;

  start(x: number, y: number, dx: number, dy: number, radius: number): this {
    this.#fromX = x;
    this.#fromY = y;
    this.#dx = dx;
    this.#dy = dy;
    this.#length = Math.sqrt(dx * dx + dy * dy);
    this.#radius = radius;
    return this;
  }

  finds(targets: Targets, i: number): boolean {
    const fromX = this.#fromX;
    const fromY = this.#fromY;
    const dx = this.#dx;
    const dy = this.#dy;
    const middleX = targets.x[i] as number;
    const middleY = targets.y[i] as number;
    const reach = (targets.reach[i] as number) + this.#radius;
    if (offWay2(middleX, middleY, fromX, fromY, dx, dy) > reach * reach) return false;
    const angle = targets.angle[i] as number;
    const cosine = angle === 0 ? 1 : cos(angle);
    const sine = angle === 0 ? 0 : sin(angle);
    const rx = fromX - middleX;
    const ry = fromY - middleY;
    const share = rayEntry(
      rx * cosine + ry * sine,
      ry * cosine - rx * sine,
      dx * cosine + dy * sine,
      dy * cosine - dx * sine,
      targets.halfWidth[i] as number,
      targets.halfHeight[i] as number,
      (targets.radius[i] as number) + this.#radius,
    );
    if (share < 0) return false;
    this.distance = this.#length * share;
    this.x = fromX + dx * share;
    this.y = fromY + dy * share;
    return true;
  }
}

/** The point of a target that is nearest to a point, if it is near enough. */
class CircleProbe implements Probe {
  distance = 0;
  x = 0;
  y = 0;
  #fromX = 0;
  #fromY = 0;
  #radius = 0;

  start(x: number, y: number, radius: number): this {
    this.#fromX = x;
    this.#fromY = y;
    this.#radius = radius;
    return this;
  }

  finds(targets: Targets, i: number): boolean {
    const rx = this.#fromX - (targets.x[i] as number);
    const ry = this.#fromY - (targets.y[i] as number);
    const far = this.#radius + (targets.reach[i] as number);
    if (rx * rx + ry * ry > far * far) return false;
    this.measure(targets, i, rx, ry);
    return this.distance <= this.#radius;
  }

  /** Finds the nearest point of target `i` to the point (rx, ry) from its middle. */
  measure(targets: Targets, i: number, rx: number, ry: number): void {
    const angle = targets.angle[i] as number;
    const cosine = angle === 0 ? 1 : cos(angle);
    const sine = angle === 0 ? 0 : sin(angle);
    const radius = targets.radius[i] as number;
    const offX = beyond(rx * cosine + ry * sine, targets.halfWidth[i] as number);
    const offY = beyond(ry * cosine - rx * sine, targets.halfHeight[i] as number);
    const off = Math.sqrt(offX * offX + offY * offY);
    this.distance = off > radius ? off - radius : 0;
    const back = off > radius ? this.distance / off : 0;
    const backX = offX * back;
    const backY = offY * back;
    this.x = (targets.x[i] as number) + rx - (backX * cosine - backY * sine);
    this.y = (targets.y[i] as number) + ry - (backX * sine + backY * cosine);
  }
}

class OverlapProbe implements Probe {
  distance = 0;
  x = 0;
  y = 0;
  readonly #middle = new CircleProbe();
  #fromX = 0;
  #fromY = 0;
  #cos = 1;
  #sin = 0;
  #halfWidth = 0;
  #halfHeight = 0;
  #radius = 0;
  #reach = 0;

  start(shape: HitShape, x: number, y: number, angle: number): this {
    this.#fromX = x;
    this.#fromY = y;
    this.#cos = angle === 0 ? 1 : cos(angle);
    this.#sin = angle === 0 ? 0 : sin(angle);
    this.#halfWidth = shape.halfWidth;
    this.#halfHeight = shape.halfHeight;
    this.#radius = shape.radius;
    this.#reach = reachOf(shape);
    return this;
  }

  finds(targets: Targets, i: number): boolean {
    const rx = this.#fromX - (targets.x[i] as number);
    const ry = this.#fromY - (targets.y[i] as number);
    const far = this.#reach + (targets.reach[i] as number);
    if (rx * rx + ry * ry > far * far || !this.#meets(targets, i, rx, ry)) return false;
    this.#middle.start(this.#fromX, this.#fromY, 0);
    this.#middle.measure(targets, i, rx, ry);
    this.distance = this.#middle.distance;
    this.x = this.#middle.x;
    this.y = this.#middle.y;
    return true;
  }

  #meets(targets: Targets, i: number, rx: number, ry: number): boolean {
    const angle = targets.angle[i] as number;
    const cosine = angle === 0 ? 1 : cos(angle);
    const sine = angle === 0 ? 0 : sin(angle);
    const localX = rx * cosine + ry * sine;
    const localY = ry * cosine - rx * sine;
    const halfWidth = targets.halfWidth[i] as number;
    const halfHeight = targets.halfHeight[i] as number;
    const room = this.#radius + (targets.radius[i] as number);
    if (this.#halfWidth === 0 && this.#halfHeight === 0)
      return outside2(localX, localY, halfWidth, halfHeight) <= room * room;
    const distance = rectangleDistance(
      halfWidth,
      halfHeight,
      localX,
      localY,
      cosine * this.#cos + sine * this.#sin,
      cosine * this.#sin - sine * this.#cos,
      this.#halfWidth,
      this.#halfHeight,
    );
    return distance <= room;
  }
}
