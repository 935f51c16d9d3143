// Plays a recorded match again and hashes its world: in Node and in a page alike.

import { decodeLog } from '@tickwire/netcode';
import { replay } from '@tickwire/server/core';
import { game } from '../../../examples/physics/game.ts';

/** The world's hash after every 100 ticks, and after the last. */
export function hashes(log: Uint8Array): number[] {
  const found: number[] = [];
  const room = replay(game, decodeLog(log), ({ tick, simulation }) => {
    if (tick % 100 === 0) found.push(simulation.core.hash());
  });
  found.push(room.simulation.core.hash());
  return found;
}
