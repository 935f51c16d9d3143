/** What pages and laptops do to a client beside its network, for the rig: tabs that are hidden, machines that sleep. */

import type { Millis } from '../base/units.ts';
import type { Shape } from '../simulation/types.ts';
import type { Rig, RigClient } from './rig.ts';

/** A hidden tab without a worker: its timers run once per second, datagrams are read as they come. */
const HIDDEN_TIMER_MS = 1_000;

/** Runs the rig for `ms` while a client's tab is hidden and its frames stand still; `timerMs` apart it runs all the same. */
export function hideTab<S extends Shape>(
  rig: Rig<S>,
  client: RigClient<S>,
  ms: Millis,
  timerMs: Millis = HIDDEN_TIMER_MS,
): void {
  const until = rig.now + ms;
  client.core.setHidden(client.clock(rig.now), true);
  while (rig.now < until) {
    client.nextFrame = Math.min(until, rig.now + timerMs);
    rig.runUntil(client.nextFrame);
  }
  client.core.setHidden(client.clock(rig.now), false);
}

/**
 * Runs the rig for `ms` while a client's machine sleeps: nothing gets through, and the page does not run. Some systems stop the
 * monotonic clock meanwhile (`clockStops`), others do not.
 */
export function sleepLaptop<S extends Shape>(
  rig: Rig<S>,
  client: RigClient<S>,
  ms: Millis,
  clockStops: boolean,
): void {
  rig.darken(client.index, ms);
  rig.sleep(client.index, ms);
  if (clockStops) client.stopped += ms;
  rig.run(ms);
}
