import { CODECS } from './codecs/all.ts';
import { measure } from './report/measure.ts';
import { SCENARIOS } from './workload/scenarios.ts';

const only = process.argv[2];
for (const s of SCENARIOS.filter((s) => !only || only.split(',').includes(s.name))) {
  const t = performance.now();
  const types = CODECS.filter((c) => c.refuses(s) === undefined);
  console.table(
    measure(s, types, { seed: 1, ticks: Number(process.argv[3] ?? 20), warmUp: 20, garbageTicks: 4 }),
  );
  console.log((performance.now() - t) / 1000, 's');
}
