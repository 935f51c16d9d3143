/**
 * How well predicted entities agree with the server, in three words: `matched`, `jitter` (small corrections that heal), `diverging`
 * (wrong in most snapshots: a desync, or a rule that depends on what the client does not know).
 *
 * Per entity and snapshot the drift is the largest difference of a sent field in grid steps. Kept are a mean of it (each snapshot
 * weighs 0.1) and a decaying peak (times 0.9 per snapshot), as Colyseus 0.18 does, and the share of snapshots that were wrong, with
 * the same weights: that tells what stays from what heals, however large it is. Entities that agree take no memory and no time.
 */

import { floatOf } from '../simulation/float.ts';
import type { RowSet } from '../simulation/rows.ts';
import type { Table } from '../simulation/table.ts';
import { ID, MARK, OWNER, type RowSchema } from '../wire/schema.ts';

export type HealthWord = 'matched' | 'jitter' | 'diverging';

export interface EntityHealth {
  readonly word: HealthWord;
  /** Mean drift over the last ten snapshots or so, in grid steps. */
  readonly drift: number;
  /** Largest drift, a tenth less with each snapshot since, in grid steps. */
  readonly peak: number;
  /** The field that drifted most at last; `exists` when one side lacks the entity; undefined when matched. */
  readonly field: string | undefined;
}

/** All predicted entities together. */
export interface HealthCounts {
  readonly matched: number;
  readonly jitter: number;
  readonly diverging: number;
  /** Where it is worst. */
  readonly worst: (EntityHealth & { readonly entity: string; readonly id: number }) | undefined;
}

const GAIN = 0.1;
const KEEP = 0.9;

/** Wrong in this share of the snapshots: every second one, or the last six in a row. */
const DIVERGING_SHARE = 0.45;

/** Drift that has decayed below this many grid steps is over. */
const SETTLED_STEPS = 0.5;

/** What counts as one step of a float, which has no grid; less counts as one too. */
const FLOAT_STEP = 1 / 1024;

const MATCHED: EntityHealth = { word: 'matched', drift: 0, peak: 0, field: undefined };

/** `field` of an entity that one side lacks. */
const EXISTS = -1;

export class Health {
  /** Snapshots judged. */
  #snapshots = 0;
  readonly #slots = new Map<number, number>();
  #count = 0;
  #ids = new Int32Array(16);
  #types = new Int32Array(16);
  #fields = new Int32Array(16);
  /** The snapshot up to which a slot's figures count. */
  #judged = new Float64Array(16);
  #drifts = new Float64Array(16);
  #peaks = new Float64Array(16);
  #shares = new Float64Array(16);
  #schemas: readonly RowSchema[] = [];
  #worstField = EXISTS;

  /** A snapshot whose settled tick was as predicted. */
  agree(): void {
    this.#snapshots++;
  }

  /** A snapshot whose settled tick was not: `truth` holds it, marked; `predicted` what was predicted, by type. */
  differ(truth: readonly Table[], predicted: readonly RowSet[]): void {
    this.#snapshots++;
    if (this.#schemas.length === 0) this.#schemas = truth.map((table) => table.schema);
    for (let t = 0; t < truth.length; t++) this.#table(t, truth[t] as Table, predicted[t] as RowSet);
    this.#forget();
  }

  of(id: number): EntityHealth {
    const slot = this.#slots.get(id);
    return slot === undefined ? MATCHED : this.#health(slot);
  }

  /** `predicted` is how many entities are predicted now. */
  counts(predicted: number): HealthCounts {
    this.#forget();
    let diverging = 0;
    let worst = -1;
    for (let slot = 0; slot < this.#count; slot++) {
      if (this.#word(slot) === 'diverging') diverging++;
      if (worst < 0 || this.#isWorse(slot, worst)) worst = slot;
    }
    const jitter = this.#count - diverging;
    return {
      matched: Math.max(0, predicted - this.#count),
      jitter,
      diverging,
      worst:
        worst < 0
          ? undefined
          : {
              ...this.#health(worst),
              entity: this.#schemas[this.#types[worst] ?? 0]?.name ?? '',
              id: this.#ids[worst] ?? 0,
            },
    };
  }

  #table(t: number, truth: Table, predicted: RowSet): void {
    const { schema } = truth;
    let p = 0;
    for (let i = 0; i < truth.count; i++) {
      const at = truth.offset(i);
      if (truth.data[at + MARK] !== 1) continue;
      const id = truth.data[at + ID] ?? 0;
      for (; p < predicted.count && predicted.id(p) < id; p++) this.#add(t, predicted.id(p), 1, EXISTS);
      if (p >= predicted.count || predicted.id(p) !== id) {
        this.#add(t, id, 1, EXISTS);
        continue;
      }
      const drift = this.#drift(schema, truth.data, at, predicted.data, p++ * schema.stride);
      if (drift > 0) this.#add(t, id, drift, this.#worstField);
    }
    for (; p < predicted.count; p++) this.#add(t, predicted.id(p), 1, EXISTS);
  }

  /** The largest difference of a sent field, in grid steps; whose it is stands in `#worstField`. */
  #drift(schema: RowSchema, a: Int32Array, at: number, b: Int32Array, from: number): number {
    let worst = 0;
    this.#worstField = EXISTS;
    if (a[at + OWNER] !== b[from + OWNER]) worst = 1;
    const { fields } = schema;
    for (let f = 0; f < fields.length; f++) {
      const layout = fields[f];
      if (layout === undefined || layout.field.local) continue;
      for (let word = layout.at; word < layout.at + layout.field.words; word++) {
        const x = a[at + word] ?? 0;
        const y = b[from + word] ?? 0;
        if (x === y) continue;
        const steps = stepsOf(layout.field.kind, x, y, layout.field.hi - layout.field.lo + 1);
        if (steps <= worst) continue;
        worst = steps;
        this.#worstField = f;
      }
    }
    return worst;
  }

  #add(type: number, id: number, drift: number, field: number): void {
    let slot = this.#slots.get(id);
    if (slot === undefined) {
      slot = this.#count++;
      if (slot >= this.#ids.length) this.#grow();
      this.#slots.set(id, slot);
      this.#ids[slot] = id;
      this.#types[slot] = type;
      this.#drifts[slot] = 0;
      this.#peaks[slot] = 0;
      this.#shares[slot] = 0;
      this.#judged[slot] = this.#snapshots - 1;
    }
    this.#decay(slot, this.#snapshots - 1);
    this.#judged[slot] = this.#snapshots;
    this.#drifts[slot] = (this.#drifts[slot] ?? 0) * KEEP + drift * GAIN;
    this.#peaks[slot] = Math.max((this.#peaks[slot] ?? 0) * KEEP, drift);
    this.#shares[slot] = (this.#shares[slot] ?? 0) * KEEP + GAIN;
    this.#fields[slot] = field;
  }

  #health(slot: number): EntityHealth {
    this.#decay(slot, this.#snapshots);
    const peak = this.#peaks[slot] ?? 0;
    if (peak < SETTLED_STEPS) return MATCHED;
    const field = this.#fields[slot] ?? EXISTS;
    const schema = this.#schemas[this.#types[slot] ?? 0];
    return {
      word: this.#word(slot),
      drift: this.#drifts[slot] ?? 0,
      peak,
      field: field === EXISTS ? 'exists' : schema?.fields[field]?.name,
    };
  }

  #word(slot: number): HealthWord {
    return (this.#shares[slot] ?? 0) > DIVERGING_SHARE ? 'diverging' : 'jitter';
  }

  /** What diverges is worse than what does not; else the larger drift. */
  #isWorse(slot: number, other: number): boolean {
    const word = this.#word(slot);
    if (word !== this.#word(other)) return word === 'diverging';
    return (this.#drifts[slot] ?? 0) > (this.#drifts[other] ?? 0);
  }

  /** Snapshots without a difference since a slot was judged count as such, up to `snapshot`. */
  #decay(slot: number, snapshot: number): void {
    const quiet = snapshot - (this.#judged[slot] ?? 0);
    if (quiet <= 0) return;
    const share = KEEP ** quiet;
    this.#drifts[slot] = (this.#drifts[slot] ?? 0) * share;
    this.#peaks[slot] = (this.#peaks[slot] ?? 0) * share;
    this.#shares[slot] = (this.#shares[slot] ?? 0) * share;
    this.#judged[slot] = snapshot;
  }

  /** Gives back the slots of entities that agree again. The last slot takes the place of one that is freed. */
  #forget(): void {
    for (let slot = this.#count - 1; slot >= 0; slot--) {
      this.#decay(slot, this.#snapshots);
      if ((this.#peaks[slot] ?? 0) >= SETTLED_STEPS) continue;
      this.#slots.delete(this.#ids[slot] ?? 0);
      const last = --this.#count;
      if (slot === last) continue;
      this.#ids[slot] = this.#ids[last] ?? 0;
      this.#types[slot] = this.#types[last] ?? 0;
      this.#fields[slot] = this.#fields[last] ?? 0;
      this.#judged[slot] = this.#judged[last] ?? 0;
      this.#drifts[slot] = this.#drifts[last] ?? 0;
      this.#peaks[slot] = this.#peaks[last] ?? 0;
      this.#shares[slot] = this.#shares[last] ?? 0;
      this.#slots.set(this.#ids[slot] ?? 0, slot);
    }
  }

  #grow(): void {
    const size = this.#ids.length * 2;
    this.#ids = grown(this.#ids, new Int32Array(size));
    this.#types = grown(this.#types, new Int32Array(size));
    this.#fields = grown(this.#fields, new Int32Array(size));
    this.#judged = grown(this.#judged, new Float64Array(size));
    this.#drifts = grown(this.#drifts, new Float64Array(size));
    this.#peaks = grown(this.#peaks, new Float64Array(size));
    this.#shares = grown(this.#shares, new Float64Array(size));
  }
}

/** How far two words of a field are apart; what has no order is one step apart, angles go the short way round. */
function stepsOf(kind: string, a: number, b: number, turn: number): number {
  switch (kind) {
    case 'grid':
    case 'int':
    case 'tick':
      return Math.abs(a - b);
    case 'angle': {
      const apart = Math.abs(a - b) % turn;
      return Math.min(apart, turn - apart);
    }
    case 'f32':
      return Math.max(1, Math.abs(floatOf(a) - floatOf(b)) / FLOAT_STEP);
    default:
      return 1;
  }
}

function grown<A extends Int32Array | Float64Array>(old: A, into: A): A {
  into.set(old);
  return into;
}
