// Tickwire's packets of workload W stay within bench/budget.json, and every one of them decodes to what it should.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Budget, measureBudget, overBudget } from '../../bench/report/budget.ts';

const FILE = new URL('../../bench/budget.json', import.meta.url);

test('no scenario takes more bytes per client and tick than its budget', () => {
  const allowed = JSON.parse(readFileSync(FILE, 'utf8')) as Budget;
  const over = overBudget(measureBudget(), allowed);
  expect(over, 'if this is meant, run: npm run bench:replication -- --update-budget').toEqual([]);
});
