// Tickwire's packets of workload W stay within bench/budget.json, and the benchmark notices when a client decodes something else than it should.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { CodecType } from '../../bench/codecs/codec.ts';
import { json } from '../../bench/codecs/full.ts';
import { type Budget, measureBudget, overBudget } from '../../bench/report/budget.ts';
import { measure } from '../../bench/report/measure.ts';

const FILE = new URL('../../bench/budget.json', import.meta.url);

test('no scenario takes more bytes per client and tick than its budget', () => {
  const allowed = JSON.parse(readFileSync(FILE, 'utf8')) as Budget;
  const over = overBudget(measureBudget(), allowed);
  expect(over, 'if this is meant, run: npm run bench:replication -- --update-budget').toEqual([]);
});

test('a budget names what grew, what has none and what is gone', () => {
  const budget = (figures: Record<string, number>): Budget => ({
    seed: 1,
    bytesPerClientTick: { S1: figures },
  });
  expect(overBudget(budget({ a: 10, b: 20 }), budget({ a: 10, b: 20 }))).toEqual([]);
  expect(overBudget(budget({ a: 10, b: 19 }), budget({ a: 10, b: 20 }))).toEqual([]);
  expect(overBudget(budget({ a: 10.1, c: 1 }), budget({ a: 10, b: 20 }))).toEqual([
    'S1, a: 10.1 bytes per client and tick, the budget is 10',
    'S1, c: has no budget yet',
    'S1, b: has a budget but is not measured',
  ]);
});

test('a row is checked only if every client holds what it should', () => {
  const scenario = { name: 'few', units: 20, clients: 2, side: 600, decoded: 2, warmUp: 1, ticks: 4 };
  const plan = { seed: 1, settle: 0, warmUp: 1, ticks: 4, garbageTicks: 0 };
  // One bit of one packet is another one: a digit of JSON becomes another digit.
  const faulty: CodecType = {
    name: 'faulty',
    refuses: json.refuses,
    create: (its) => {
      const codec = json.create(its);
      const decode = codec.decode.bind(codec);
      codec.decode = (frame, client, packet) => {
        const flipped = packet.slice();
        const digit = flipped.findIndex((byte) => byte >= 0x30 && byte <= 0x39);
        if (frame.world.tick === 3 && client === 1) flipped[digit] = (flipped[digit] ?? 0) ^ 1;
        decode(frame, client, flipped);
      };
      return codec;
    },
  };
  const [good, bad] = measure(scenario, [json, faulty], plan);
  expect(good).toMatchObject({ checked: true, packetsChecked: 10 });
  expect(bad).toMatchObject({ checked: false, packetsChecked: 9 });
  expect(bad?.difference).toMatch(/^tick 3, client 1: unit \d+: x is undefined/);
});
