/**
 * What rows near a row say about it: rows that touch, ride together or are pushed by the same thing miss their forecasts alike.
 *
 * Movers are put in an order in which each is near one before it (Prim's tree). For each, what the ones before it missed by is fitted,
 * nearer ones counting more, as a plane over their places and speeds, and read off at the row itself.
 */

const TERMS = 7;
/** Movers beyond this many times the nearest distance are not asked. */
const REACH = 3;
/** How flat the plane is held. */
const FLAT = 0.3;

export class Company {
  /** The movers, in the order in which they are coded. */
  readonly order: Int32Array;
  /** Squared distance to the nearest mover before; 0 when there is none. */
  nearest2 = 0;
  /** What is expected to be missed, in steps per axis: of the nearest, as a mean, and from the plane. */
  readonly near = new Float64Array(3);
  readonly mean = new Float64Array(3);
  readonly plane = new Float64Array(3);
  /** Mean of the turns missed, in radians. */
  readonly turn = new Float64Array(3);
  /** Place, speed, what was missed, turn missed: twelve numbers per row. */
  readonly #facts: Float64Array;
  readonly #distances: Float64Array;
  readonly #waiting: Int32Array;
  #size = 0;
  #done = 0;

  constructor(rows: number) {
    this.order = new Int32Array(rows);
    this.#facts = new Float64Array(rows * 12);
    this.#distances = new Float64Array(rows);
    this.#waiting = new Int32Array(rows);
  }

  get size(): number {
    return this.#size;
  }

  clear(): void {
    this.#size = 0;
    this.#done = 0;
  }

  /** A mover at a place, with the speed it had. */
  add(row: number, x: number, y: number, z: number, vx: number, vy: number, vz: number): void {
    this.order[this.#size++] = row;
    const facts = this.#facts;
    const at = row * 12;
    facts[at] = x;
    facts[at + 1] = y;
    facts[at + 2] = z;
    facts[at + 3] = vx;
    facts[at + 4] = vy;
    facts[at + 5] = vz;
  }

  /** Puts the movers in order, starting with the first that was added. */
  sort(): void {
    const { order } = this;
    const size = this.#size;
    const waiting = this.#waiting;
    const distances = this.#distances;
    for (let i = 0; i < size; i++) {
      waiting[i] = order[i] as number;
      distances[i] = 1e300;
    }
    let pick = 0;
    for (let n = 0, left = size; n < size; n++) {
      const row = waiting[pick] as number;
      order[n] = row;
      left--;
      // Keeps the order of those that wait: ties are broken by row.
      for (let i = pick; i < left; i++) {
        waiting[i] = waiting[i + 1] as number;
        distances[i] = distances[i + 1] as number;
      }
      pick = 0;
      for (let i = 0; i < left; i++) {
        const d = this.#distance2(row, waiting[i] as number);
        if (d < (distances[i] as number)) distances[i] = d;
        if ((distances[i] as number) < (distances[pick] as number)) pick = i;
      }
    }
  }

  /** Asks the movers before this one. */
  ask(row: number): void {
    const { near, mean, plane, turn } = this;
    near.fill(0);
    mean.fill(0);
    plane.fill(0);
    turn.fill(0);
    this.nearest2 = 0;
    if (this.#done === 0) return;
    const facts = this.#facts;
    const distances = this.#distances;
    let first = 0;
    for (let n = 0; n < this.#done; n++) {
      const d = this.#distance2(row, this.order[n] as number) + 1;
      distances[n] = d;
      if (d < (distances[first] as number)) first = n;
    }
    const nearest2 = distances[first] as number;
    this.nearest2 = nearest2;
    const at = row * 12;
    const most = nearest2 * REACH * REACH;
    const length = Math.sqrt(nearest2);
    let speed = 1;
    let weights = 0;
    let sharp = 0;
    for (let n = 0; n < this.#done; n++) {
      const d = distances[n] as number;
      if (d > most) continue;
      const other = (this.order[n] as number) * 12;
      const weight = nearest2 / d;
      weights += weight;
      sharp += weight * weight;
      for (let i = 0; i < 3; i++) {
        const dv = (facts[other + 3 + i] as number) - (facts[at + 3 + i] as number);
        speed += (weight * (dv < 0 ? -dv : dv)) / 3;
        mean[i] = (mean[i] as number) + weight * weight * (facts[other + 6 + i] as number);
        turn[i] = (turn[i] as number) + weight * weight * (facts[other + 9 + i] as number);
      }
    }
    speed = speed / weights + 0.5;
    for (let i = 0; i < 3; i++) {
      near[i] = facts[(this.order[first] as number) * 12 + 6 + i] as number;
      mean[i] = (mean[i] as number) / sharp;
      turn[i] = (turn[i] as number) / sharp;
    }
    this.#fit(at, most, nearest2, length, speed);
  }

  /** What the row missed its forecasts by, in steps and radians. Rows must be told in order. */
  tell(row: number, missed: Float64Array, turn: Float64Array): void {
    const at = row * 12 + 6;
    for (let i = 0; i < 3; i++) {
      this.#facts[at + i] = missed[i] as number;
      this.#facts[at + 3 + i] = turn[i] as number;
    }
    this.#done++;
  }

  #distance2(a: number, b: number): number {
    const facts = this.#facts;
    let sum = 0;
    for (let i = 0; i < 3; i++) {
      const d = (facts[a * 12 + i] as number) - (facts[b * 12 + i] as number);
      sum += d * d;
    }
    return sum;
  }

  /** Weighted ridge regression of what was missed over place and speed, relative to the row. */
  #fit(at: number, most: number, nearest2: number, length: number, speed: number): void {
    const facts = this.#facts;
    MOMENTS.fill(0);
    PRODUCTS.fill(0);
    for (let n = 0; n < this.#done; n++) {
      const d = this.#distances[n] as number;
      if (d > most) continue;
      const other = (this.order[n] as number) * 12;
      const weight = nearest2 / d;
      TERM[0] = 1;
      for (let i = 0; i < 3; i++) {
        TERM[1 + i] = ((facts[other + i] as number) - (facts[at + i] as number)) / length;
        TERM[4 + i] = ((facts[other + 3 + i] as number) - (facts[at + 3 + i] as number)) / speed;
      }
      for (let i = 0; i < TERMS; i++) {
        const w = weight * (TERM[i] as number);
        for (let j = 0; j <= i; j++)
          MOMENTS[i * TERMS + j] = (MOMENTS[i * TERMS + j] as number) + w * (TERM[j] as number);
        for (let a = 0; a < 3; a++)
          PRODUCTS[a * TERMS + i] =
            (PRODUCTS[a * TERMS + i] as number) + w * (facts[other + 6 + a] as number);
      }
    }
    for (let i = 0; i < TERMS; i++)
      MOMENTS[i * TERMS + i] = (MOMENTS[i * TERMS + i] as number) + (i === 0 ? 1e-3 : FLAT);
    this.#solve();
  }

  /** Only the constant term is wanted: eliminates from the last term to the first. */
  #solve(): void {
    for (let p = TERMS - 1; p > 0; p--) {
      const pivot = MOMENTS[p * TERMS + p] as number;
      for (let i = 0; i < p; i++) {
        const factor = (MOMENTS[p * TERMS + i] as number) / pivot;
        for (let j = 0; j <= i; j++)
          MOMENTS[i * TERMS + j] =
            (MOMENTS[i * TERMS + j] as number) - factor * (MOMENTS[p * TERMS + j] as number);
        for (let a = 0; a < 3; a++)
          PRODUCTS[a * TERMS + i] =
            (PRODUCTS[a * TERMS + i] as number) - factor * (PRODUCTS[a * TERMS + p] as number);
      }
    }
    for (let a = 0; a < 3; a++) this.plane[a] = (PRODUCTS[a * TERMS] as number) / (MOMENTS[0] as number);
  }
}

const TERM = new Float64Array(TERMS);
const MOMENTS = new Float64Array(TERMS * TERMS);
const PRODUCTS = new Float64Array(3 * TERMS);
