/**
 * A scenario: how a network changes over time, from a file.
 *
 *     { "name": "a train", "steps": [
 *       { "at": 0, "both": "mobile" },
 *       { "at": 20, "down": { "preset": "mobile", "rate": 32 } },
 *       { "at": 30, "blackout": 2 },
 *       { "at": 31, "blackout": { "seconds": 5, "way": "up" } },
 *       { "at": 40, "nat-rebind": true }
 *     ] }
 *
 * Times are in seconds since the start. A network that a step names replaces the one before, that way.
 */

import { UsageError } from '@tickwire/netcode';
import type { LinkOptions } from '@tickwire/netcode/testing';
import { readNetwork, shown, type Way } from './network.ts';

export interface Blackout {
  readonly ms: number;
  readonly way: Way | 'both';
}

export interface Step {
  /** Milliseconds since the start. */
  readonly at: number;
  readonly up?: LinkOptions;
  readonly down?: LinkOptions;
  readonly blackout?: Blackout;
  readonly rebind: boolean;
}

export interface Scenario {
  readonly name: string;
  /** By rising time. */
  readonly steps: readonly Step[];
}

const LONGEST_SECONDS = 86_400;
const FIELDS = ['at', 'both', 'up', 'down', 'blackout', 'nat-rebind'];

/** Reads a scenario. Throws a `UsageError` that names the field and says what it takes. */
export function readScenario(value: unknown): Scenario {
  const { name, steps, ...rest } = Array.isArray(value) ? { steps: value as unknown } : object(value, 'it');
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw new UsageError(`${unknown} is not a field of a scenario; there is name and steps`);
  if (name !== undefined && typeof name !== 'string')
    throw new UsageError(`name must be text, got ${shown(name)}`);
  if (!Array.isArray(steps) || steps.length === 0)
    throw new UsageError('steps must be a list such as [{ "at": 0, "both": "mobile" }]');
  let before = 0;
  const read = steps.map((entry: unknown, index): Step => {
    const step = readStep(entry, `steps[${index}]`);
    if (step.at < before)
      throw new UsageError(
        `steps[${index}].at is ${step.at / 1000}, but the step before it comes at ${before / 1000}: put them in order`,
      );
    before = step.at;
    return step;
  });
  return { name: name ?? '', steps: read };
}

function readStep(value: unknown, where: string): Step {
  const step = object(value, where);
  for (const field of Object.keys(step)) {
    if (!FIELDS.includes(field))
      throw new UsageError(`${where}.${field} is not a field of a step; there is ${FIELDS.join(', ')}`);
  }
  const { at, both, up = both, down = both, blackout } = step;
  const rebind = step['nat-rebind'] ?? false;
  if (typeof rebind !== 'boolean')
    throw new UsageError(`${where}.nat-rebind must be true or false, got ${shown(rebind)}`);
  if (up === undefined && down === undefined && blackout === undefined && !rebind)
    throw new UsageError(`${where} does nothing: give it both, up, down, blackout or nat-rebind`);
  const named = (way: Way): string => `${where}.${step[way] === undefined ? 'both' : way}`;
  return {
    at: seconds(at, `${where}.at`),
    ...(up === undefined ? {} : { up: readNetwork(up, named('up')) }),
    ...(down === undefined ? {} : { down: readNetwork(down, named('down')) }),
    ...(blackout === undefined ? {} : { blackout: readBlackout(blackout, `${where}.blackout`) }),
    rebind,
  };
}

function readBlackout(value: unknown, where: string): Blackout {
  if (typeof value === 'number') return { ms: seconds(value, where), way: 'both' };
  const { seconds: long, way = 'both', ...rest } = object(value, where);
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw new UsageError(`${where}.${unknown} is not a field of a blackout; there is seconds and way`);
  if (way !== 'both' && way !== 'up' && way !== 'down')
    throw new UsageError(`${where}.way must be "both", "up" or "down", got ${shown(way)}`);
  return { ms: seconds(long, `${where}.seconds`), way };
}

function seconds(value: unknown, where: string): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= LONGEST_SECONDS))
    throw new UsageError(`${where} must be 0..${LONGEST_SECONDS} seconds, got ${shown(value)}`);
  return value * 1000;
}

function object(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(`${where} must be an object in { }, got ${shown(value)}`);
  return value as Record<string, unknown>;
}
