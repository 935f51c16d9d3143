/** The scenarios of workload W: how many units, how many clients, and how much of the map each client sees. */

export interface Scenario {
  readonly name: string;
  readonly units: number;
  /** Client c follows unit c. */
  readonly clients: number;
  /** Side of the square around a client's unit that it sees, in map units; 0 sees everything. */
  readonly side: number;
  /** Clients that have a client half, which decodes and compares; spread evenly. The others' bytes are counted all the same. */
  readonly decoded: number;
  /** Ticks that are measured, unless the command line says otherwise. */
  readonly ticks: number;
}

const scenario = (
  name: string,
  units: number,
  clients: number,
  side: number,
  ticks: number,
  decoded = clients,
): Scenario => ({ name, units, clients, side, decoded, ticks });

/** Sides are chosen for about 220, 228 and 320 visible units: the square takes every cell that it touches. */
export const SCENARIOS: readonly Scenario[] = [
  scenario('S1', 100, 10, 0, 200),
  scenario('S2', 1_000, 32, 0, 100),
  scenario('S3', 5_000, 100, 812, 80),
  scenario('S5', 10_000, 500, 528, 40),
  scenario('crowd', 10_000, 2_000, 648, 24, 200),
];

export const scenarioNamed = (name: string): Scenario | undefined =>
  SCENARIOS.find((one) => one.name.toLowerCase() === name.toLowerCase());
