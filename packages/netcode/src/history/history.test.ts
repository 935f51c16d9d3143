import { describe, expect, it } from 'vitest';
import { Rng } from '../base/rng.ts';
import { int } from '../wire/fields.ts';
import { RangeDecoder, RangeEncoder } from '../wire/range.ts';
import { compileRow } from '../wire/schema.ts';
import { HistoryCodec } from './history.ts';

const BODIES = 15;
const schema = compileRow(
  'body',
  0,
  {
    largest: int(0, 3),
    a: int(0, 511),
    b: int(0, 511),
    c: int(0, 511),
    x: int(-100_000, 100_000),
    y: int(-100_000, 100_000),
    z: int(-100_000, 100_000),
    hot: int(0, 1),
    charge: int(0, 100),
  },
  60,
);
const hints = {
  place: ['x', 'y', 'z'],
  rotation: { largest: 'largest', parts: ['a', 'b', 'c'], step: Math.SQRT2 / 511, zero: 255.5 },
} as const;

/** Bodies that fly, fall, spin, bounce on the ground and come to rest: two thirds of them rest from the start. */
class Fall {
  readonly rows = new Int32Array(BODIES * schema.stride);
  readonly #rng: Rng;
  readonly #bodies: { p: number[]; v: number[]; spin: number; angle: number; hot: number; charge: number }[];

  constructor(seed: number) {
    this.#rng = new Rng(seed);
    this.#bodies = Array.from({ length: BODIES }, (_, i) => ({
      p: [this.#rng.range(-3000, 3000), this.#rng.range(-3000, 3000), i % 3 === 0 ? 2000 : 0],
      v: i % 3 === 0 ? [this.#rng.range(-20, 20), this.#rng.range(-20, 20), 0] : [0, 0, 0],
      spin: i % 3 === 0 ? this.#rng.range(-0.1, 0.1) : 0,
      angle: 0,
      hot: 0,
      charge: 50,
    }));
  }

  step(): Int32Array {
    this.#bodies.forEach((body, i) => {
      const { p, v } = body;
      if (i % 3 === 0) v[2] = (v[2] as number) - 1.4;
      for (let a = 0; a < 3; a++) p[a] = (p[a] as number) + (v[a] as number);
      if ((p[2] as number) < 0) {
        p[2] = 0;
        v[2] = -(v[2] as number) * 0.5;
        body.spin *= this.#rng.range(0.5, 1);
      }
      body.angle += body.spin;
      if (this.#rng.chance(0.01)) body.hot = 1 - body.hot;
      if (this.#rng.chance(0.01)) body.charge = this.#rng.int(0, 100);
      const half = body.angle / 2;
      const q = [0, 0, Math.sin(half), Math.cos(half)];
      const largest = Math.abs(q[2] as number) > Math.abs(q[3] as number) ? 2 : 3;
      const sign = (q[largest] as number) < 0 ? -1 : 1;
      const parts = q
        .filter((_, n) => n !== largest)
        .map((part) => Math.round((sign * part) / (Math.SQRT2 / 511) + 255.5));
      this.rows.set([largest, ...parts, ...p.map(Math.round), body.hot, body.charge], i * schema.stride + 3);
    });
    return this.rows;
  }
}

const bytes = new Uint8Array(8192);

function write(codec: HistoryCodec, rows: Int32Array, ahead: number): Uint8Array {
  const coder = new RangeEncoder().open(bytes, 0, bytes.length);
  codec.code(coder, rows, ahead);
  return bytes.slice(0, coder.finish());
}

function read(codec: HistoryCodec, packet: Uint8Array, ahead: number): Int32Array | undefined {
  const rows = new Int32Array(BODIES * schema.stride);
  const coder = new RangeDecoder().open(packet, 0, packet.length);
  codec.code(coder, rows, ahead);
  return coder.finish() ? rows : undefined;
}

const codec = (): HistoryCodec => new HistoryCodec(schema, hints, BODIES);

describe('HistoryCodec', () => {
  it('reads what it wrote, frame by frame, and learns to say it in less', () => {
    const scene = new Fall(1);
    const writer = codec();
    const reader = codec();
    const sizes: number[] = [];
    for (let n = 0; n < 70; n++) {
      if (n >= 4) {
        writer.know();
        reader.know();
      }
      const ahead = n < 4 ? n + 1 : 4;
      const packet = write(writer, scene.step(), ahead);
      expect(read(reader, packet, ahead)).toEqual(scene.rows);
      sizes.push(packet.length);
    }
    const mean = (from: number, to: number): number =>
      sizes.slice(from, to).reduce((sum, size) => sum + size, 0) / (to - from);
    // Five movers with seven numbers each; untrained and without a past they take several bytes each.
    expect(mean(50, 70)).toBeLessThan(mean(5, 15) * 0.8);
    expect(mean(50, 70)).toBeLessThan(20);
  });

  it('needs no frame that is not known to be held', () => {
    const scene = new Fall(2);
    const writer = codec();
    const reader = codec();
    const rng = new Rng(3);
    const arrived: boolean[] = [];
    let ahead = 0;
    let compared = 0;
    for (let n = 0; n < 80; n++) {
      ahead++;
      if (n >= 3) {
        if (arrived[n - 3]) {
          writer.know();
          reader.know();
          ahead = 3;
        } else writer.lose();
      }
      const packet = write(writer, scene.step(), ahead);
      arrived.push(rng.chance(0.7));
      if (!arrived[n]) continue;
      expect(read(reader, packet, ahead)).toEqual(scene.rows);
      compared++;
    }
    expect(compared).toBeGreaterThan(40);
  });

  it('[W1] refuses bytes that nobody wrote, and goes on', () => {
    const scene = new Fall(4);
    const writer = codec();
    const reader = codec();
    const rng = new Rng(5);
    let refused = 0;
    for (let n = 0; n < 40; n++) {
      const packet = write(writer, scene.step(), 1);
      const broken = packet.slice(0, rng.int(0, packet.length - 1));
      if (broken.length > 0) broken[rng.int(0, broken.length - 1)] = rng.int(0, 255);
      const other = codec();
      if (read(other, broken, 1) === undefined) refused++;
      expect(read(reader, packet, 1)).toEqual(scene.rows);
      writer.know();
      reader.know();
    }
    expect(refused).toBeGreaterThan(20);
  });

  it('names the mistake of a place that is not a field', () => {
    expect(() => new HistoryCodec(schema, { place: ['x', 'height'] }, 4)).toThrow(
      '"height" is not a field of body',
    );
  });
});
