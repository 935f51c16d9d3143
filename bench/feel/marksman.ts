/** Hands that shoot the rail gun at what they see: the nearest ship in reach as the page draws it, now and then a little beside it. */

import { atan2, hypot, type Rng } from '@tickwire/netcode';
import { clearLine } from '../../examples/arena/rules/collision.ts';
import type { ArenaMap } from '../../examples/arena/rules/map.ts';
import { RAIL_REACH } from '../../examples/arena/rules/rail.ts';
import type { Input } from '../../examples/arena/schema.ts';
import type { ArenaCore } from './ships.ts';

/** Of the frames in which it could. */
const TRIGGER = 0.15;
/** So far beside its middle a ship is aimed at, at most: its radius is 18. */
const ASIDE_UNITS = 26;

/** What the hands do in this frame, with a shot when there is something to shoot at. */
export function shootAtSight(core: ArenaCore, input: Input, map: ArenaMap, rng: Rng): Input {
  const aside = rng.range(-ASIDE_UNITS, ASIDE_UNITS);
  const pulls = rng.chance(TRIGGER);
  const quiet = { ...input, rail: 0 };
  const own = [...core.view.ship].find(({ mine }) => mine);
  if (!pulls || own === undefined || core.tick < own.railAt) return quiet;
  let best = RAIL_REACH;
  let aim = input.aim;
  let found = false;
  for (const { mine, x, y } of core.view.ship) {
    const distance = hypot(x - own.x, y - own.y);
    if (mine || distance >= best || !clearLine(map, own.x, own.y, x, y, 1)) continue;
    best = distance;
    aim = atan2(y - own.y, x - own.x) + aside / Math.max(distance, 1);
    found = true;
  }
  return found ? { ...input, aim, fire: false, rail: 1 } : quiet;
}
