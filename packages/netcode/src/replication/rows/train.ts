/** Training: observed rows in, `CodecTables` out. For tools; nothing here runs in a game. */

import type { BitCoder } from '../../wire/range.ts';
import type { RowSchema } from '../../wire/schema.ts';
import { type CodecTables, type RowTables, rowHash } from '../../wire/trained.ts';
import { wrap } from './bends.ts';
import { headingOf } from './heading.ts';
import { Motion, REST } from './motion.ts';
import { SmallRowCodec } from './smallrow.ts';
import { type FieldPlan, packOdds, RowPlan, untrained } from './tables.ts';

/** How often what is alike must have been seen to count as much as the thing itself. */
const PRIOR_WEIGHT = 6;

/** Most rows that are kept per row type. */
const LIMIT = 400_000;

const HEAD = 4;

/** A row as a client would be sent it. */
export interface Observation {
  /** 0 or 1 for a row that is sent (training finds out which), 2 moved to another list, 3 gone, 4 kept as held. */
  readonly code: number;
  readonly tick: number;
  readonly row: Int32Array;
  readonly at: number;
  /** Undefined for a row that is new to the client. */
  readonly base: Int32Array | undefined;
  readonly baseAt: number;
  readonly ticks: number;
  readonly before: Int32Array | undefined;
  readonly beforeAt: number;
  readonly beforeTicks: number;
}

/** Collects observations of a game's rows, and makes tables of them. The same observations give the same tables. */
export class Trainer {
  readonly #rows: readonly Samples[];

  constructor(schemas: readonly RowSchema[]) {
    this.#rows = schemas.map((schema) => new Samples(schema));
  }

  /** Takes one row of the schema with this index. */
  observe(index: number, seen: Observation): void {
    this.#rows[index]?.add(seen);
  }

  /** Tables for every row type that was observed. */
  tables(): CodecTables {
    const rows: { [name: string]: RowTables } = {};
    for (const samples of this.#rows) if (samples.count > 0) rows[samples.schema.name] = samples.train();
    return { version: 1, rows };
  }
}

/** Counts decisions: its codec has each decision's own number for a probability. */
class Counter implements BitCoder {
  readonly writing = true;
  readonly failed = false;
  readonly zeros: Float64Array;
  readonly ones: Float64Array;

  constructor(size: number) {
    this.zeros = new Float64Array(size);
    this.ones = new Float64Array(size);
  }

  bit(bit: number, one: number): number {
    const counts = bit === 1 ? this.ones : this.zeros;
    counts[one] = (counts[one] ?? 0) + 1;
    return bit;
  }

  bits(value: number): number {
    return value;
  }

  uniform(value: number): number {
    return value;
  }

  fail(): void {}
}

class Samples {
  readonly schema: RowSchema;
  count = 0;
  #data: Int32Array;

  constructor(schema: RowSchema) {
    this.schema = schema;
    this.#data = new Int32Array(64 * this.#width);
  }

  get #width(): number {
    return HEAD + 3 * this.schema.stride;
  }

  add(seen: Observation): void {
    if (this.count >= LIMIT) return;
    const { stride } = this.schema;
    const width = this.#width;
    if ((this.count + 1) * width > this.#data.length) {
      const grown = new Int32Array(this.#data.length * 2);
      grown.set(this.#data);
      this.#data = grown;
    }
    const data = this.#data;
    const to = this.count++ * width;
    data[to] = seen.code;
    data[to + 1] = seen.tick;
    data[to + 2] = seen.base === undefined ? 0 : seen.ticks;
    data[to + 3] = seen.before === undefined ? 0 : seen.beforeTicks;
    for (let i = 0; i < stride; i++) {
      data[to + HEAD + i] = seen.row[seen.at + i] ?? 0;
      data[to + HEAD + stride + i] = seen.base?.[seen.baseAt + i] ?? 0;
      data[to + HEAD + 2 * stride + i] = seen.before?.[seen.beforeAt + i] ?? 0;
    }
  }

  train(): RowTables {
    const { schema } = this;
    const hash = rowHash(schema);
    const groups = this.#groupHabits();
    const fields = this.#fieldHabits();
    const habits: RowTables = { hash, fields, groups, odds: '' };
    const plan = new RowPlan(schema, habits);
    const counter = new Counter(plan.size);
    const codec = new SmallRowCodec({ plan, odds: Uint16Array.from({ length: plan.size }, (_, i) => i) });
    this.#each((at, code, tick, ticks, beforeTicks) => {
      const { stride } = schema;
      const row = at + HEAD;
      if (ticks === 0) codec.expectNew();
      else codec.expect(this.#data, row + stride, ticks, this.#data, row + 2 * stride, beforeTicks);
      if (code > 1) {
        codec.code(counter, code);
        return;
      }
      const same = ticks > 0 && codec.matches(this.#data, row);
      if (ticks > 0) codec.code(counter, same ? 0 : 1);
      if (!same) codec.row(counter, this.#data, row, tick);
    });
    return { ...habits, odds: packOdds(chances(plan, counter)) };
  }

  #each(visit: (at: number, code: number, tick: number, ticks: number, beforeTicks: number) => void): void {
    const data = this.#data;
    for (let i = 0; i < this.count; i++) {
      const at = i * this.#width;
      visit(at, data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0, data[at + 3] ?? 0);
    }
  }

  /** Which integration fits each vector: the one that leaves the fewest bits of surprise while the rates change little. */
  #groupHabits(): (readonly [number, number])[] {
    const { schema } = this;
    const data = this.#data;
    return new RowPlan(schema).groups.map(({ group }) => {
      let best: readonly [number, number] = [1, 1];
      let least = Number.POSITIVE_INFINITY;
      for (const perTick of [1, 0]) {
        for (const phase of [1, 0, -1]) {
          const motion = new Motion(group, { phase: phase / 2, perTick: perTick === 1 });
          let bits = 0;
          this.#each((at, code, _tick, ticks, beforeTicks) => {
            if (code > 1 || ticks === 0) return;
            const row = at + HEAD;
            const base = row + schema.stride;
            motion.look(
              data,
              base,
              ticks,
              beforeTicks > 0 ? data : undefined,
              base + schema.stride,
              beforeTicks,
            );
            if (motion.kind === REST) return;
            motion.place(data, row);
            bits += Math.log2(1 + Math.min(64, motion.miss(data, row)));
          });
          // A habit must pay for being unlike the untrained one.
          if (bits >= least * 0.999) continue;
          least = bits;
          best = [phase, perTick];
        }
      }
      return best;
    });
  }

  #fieldHabits(): string {
    return new RowPlan(this.schema).fields.map((plan) => this.#fieldHabit(plan)).join('');
  }

  #fieldHabit({ field, at: word, vector }: FieldPlan): string {
    if (
      field.words > 1 ||
      field.kind === 'bool' ||
      field.kind === 'ref' ||
      field.kind === 'tick' ||
      field.kind === 'f32'
    )
      return '-';
    const { stride } = this.schema;
    const data = this.#data;
    const values = new Map<number, number>();
    const differences = new Map<number, number>();
    let held = 0;
    let drifting = 0;
    let pointing = 0;
    let going = 0;
    const turns = field.kind === 'angle';
    const difference = (a: number, b: number): number => (turns ? wrap(a - b, field.bits) : a - b);
    const axes = vector < 0 ? [] : (new RowPlan(this.schema).groups[vector]?.group.axes ?? []);
    this.#each((at, code, _tick, ticks, beforeTicks) => {
      if (code > 1 || ticks === 0) return;
      const row = at + HEAD;
      const now = data[row + word] ?? 0;
      const was = data[row + stride + word] ?? 0;
      if (axes.length > 1) {
        const x = data[row + (axes[0]?.rateAt ?? 0)] ?? 0;
        const y = data[row + (axes[1]?.rateAt ?? 0)] ?? 0;
        if (x !== 0 || y !== 0) {
          going++;
          if (Math.abs(difference(now, headingOf(x, y, field.bits))) <= 1) pointing++;
        }
      }
      if (beforeTicks > 0) {
        const earlier = data[row + 2 * stride + word] ?? 0;
        const change = difference(was, earlier);
        if (change !== 0) {
          held += Math.log2(1 + Math.abs(difference(now, was)));
          drifting += Math.log2(
            1 + Math.abs(difference(now, was + Math.floor((change * ticks) / beforeTicks + 0.5))),
          );
        }
      }
      if (now === was) return;
      values.set(now, (values.get(now) ?? 0) + 1);
      differences.set(now - was, (differences.get(now - was) ?? 0) + 1);
    });
    if (going > 0 && pointing / going > 0.9) return 'p';
    if (field.bits <= 8 && !turns && entropy(values) < entropy(differences)) return 'w';
    return drifting < held ? 'd' : '-';
  }
}

function entropy(counts: Map<number, number>): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  let bits = 0;
  for (const count of counts.values()) bits -= count * Math.log2(count / total);
  return bits;
}

/** Counts to probabilities: each decision leans on its neighbours, those on their whole section, and that on what is untrained. */
function chances(plan: RowPlan, { zeros, ones }: Counter): Float64Array {
  const chance = new Float64Array(plan.size).fill(Number.NaN);
  const prior = untrained(plan);
  for (const { at, contexts, bins, inner } of plan.sections) {
    for (let bin = 0; bin < bins; bin++) {
      const sum = (counts: Float64Array, from: number, count: number): number => {
        let total = 0;
        for (let i = from; i < from + count; i++) total += counts[at + i * bins + bin] ?? 0;
        return total;
      };
      const all = sum(ones, 0, contexts);
      if (all + sum(zeros, 0, contexts) === 0) continue;
      const whole = lean(all, sum(zeros, 0, contexts), (prior[at + bin] ?? 32_768) / 65_536);
      for (let run = 0; run < contexts; run += inner) {
        const near = lean(sum(ones, run, inner), sum(zeros, run, inner), whole);
        for (let i = run; i < run + inner; i++) {
          const place = at + i * bins + bin;
          chance[place] = lean(ones[place] ?? 0, zeros[place] ?? 0, near);
        }
      }
    }
  }
  return chance;
}

function lean(ones: number, zeros: number, towards: number): number {
  return (ones + PRIOR_WEIGHT * towards) / (ones + zeros + PRIOR_WEIGHT);
}
