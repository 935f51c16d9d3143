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
  /** Ticks before the first that counts: joins, the first acknowledgements, and time for the engine to compile. */
  readonly warmUp: number;
  /** Ticks that are measured, unless the command line says otherwise. */
  readonly ticks: number;
}

/** Sides are chosen for about 220, 228 and 320 visible units: the square takes every cell that it touches. */
export const SCENARIOS: readonly Scenario[] = [
  { name: 'S1', units: 100, clients: 10, side: 0, decoded: 10, warmUp: 200, ticks: 400 },
  { name: 'S2', units: 1_000, clients: 32, side: 0, decoded: 32, warmUp: 48, ticks: 100 },
  { name: 'S3', units: 5_000, clients: 100, side: 780, decoded: 100, warmUp: 48, ticks: 80 },
  { name: 'S5', units: 10_000, clients: 500, side: 506, decoded: 500, warmUp: 48, ticks: 40 },
  { name: 'crowd', units: 10_000, clients: 2_000, side: 634, decoded: 200, warmUp: 48, ticks: 20 },
];

export const scenarioNamed = (name: string): Scenario | undefined =>
  SCENARIOS.find((one) => one.name.toLowerCase() === name.toLowerCase());
