/** Bytes per client and tick that Tickwire's packets may take: bench/budget.json, measured in a short run that is the same everywhere. */

import { CODECS } from '../codecs/all.ts';
import { SCENARIOS } from '../workload/scenarios.ts';
import { measure } from './measure.ts';

export interface Budget {
  readonly seed: number;
  /** By scenario and codec. */
  readonly bytesPerClientTick: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** A few clients of each scenario, with every round trip in it alike: what a client gets does not depend on how many there are. */
const IN_BUDGET = SCENARIOS.map((scenario) => {
  const clients = Math.min(scenario.clients, scenario.side === 0 ? 5 : 20);
  return { ...scenario, clients, decoded: 5 };
}).filter((scenario) => scenario.name !== 'crowd');
const SEED = 1;
const PLAN = { seed: SEED, settle: 0, warmUp: 12, ticks: 20, garbageTicks: 0 };

/** Throws when a client decoded something else than it should: then its bytes mean nothing. */
export function measureBudget(begin: (what: string) => void = () => {}): Budget {
  const bytesPerClientTick: Record<string, Record<string, number>> = {};
  for (const scenario of IN_BUDGET) {
    begin(scenario.name);
    const codecs = CODECS.filter((codec) => codec.ours && codec.refuses(scenario) === undefined);
    const bytes: Record<string, number> = {};
    for (const row of measure(scenario, codecs, PLAN)) {
      if (!row.checked) throw new Error(`${row.scenario}, ${row.codec}: ${row.difference}`);
      bytes[row.codec] = row.bytesPerClientTick;
    }
    bytesPerClientTick[scenario.name] = bytes;
  }
  return { seed: SEED, bytesPerClientTick };
}

/** One line for each figure that grew, or that one side lacks. */
export function overBudget(measured: Budget, allowed: Budget): string[] {
  const lines: string[] = [];
  for (const [scenario, codecs] of Object.entries(measured.bytesPerClientTick)) {
    for (const [codec, bytes] of Object.entries(codecs)) {
      const most = allowed.bytesPerClientTick[scenario]?.[codec];
      if (most === undefined) lines.push(`${scenario}, ${codec}: has no budget yet`);
      else if (bytes > most)
        lines.push(`${scenario}, ${codec}: ${bytes} bytes per client and tick, the budget is ${most}`);
    }
  }
  for (const [scenario, codecs] of Object.entries(allowed.bytesPerClientTick)) {
    for (const codec of Object.keys(codecs)) {
      if (measured.bytesPerClientTick[scenario]?.[codec] === undefined)
        lines.push(`${scenario}, ${codec}: has a budget but is not measured`);
    }
  }
  return lines;
}
