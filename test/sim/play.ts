// What the sim suites share: how long to play, and hands that keep count of what they did.
import type { Game, InputOf } from '@tickwire/netcode';
import type { ClientCore } from '@tickwire/netcode/client';
import type { Rig, Script } from '@tickwire/netcode/testing';
import { expect } from 'vitest';
import type { boxes } from '../games/boxes.ts';

/** Simulated seconds per network: 60 in `npm run check`, 600 in `npm test`. */
export const SECONDS = Number(process.env['TICKWIRE_SIM_SECONDS'] ?? 60);

/** Whether there is time for everything. */
export const FULL = SECONDS >= 600;

/** Simulated seconds per scenario beside the named networks. */
export const LONG = FULL ? SECONDS / 8 : Math.min(SECONDS, 22);

export type BoxesShape = typeof boxes extends Game<infer S> ? S : never;
export type BoxesRig = Rig<BoxesShape>;
type Core = ClientCore<BoxesShape>;

/** Players who run about, shoot and pull `jump`. They count their pulls, by seat. */
export class Hands {
  readonly pulls = new Map<number, number>();
  /** False: the hands rest, so that what is under way can arrive. */
  busy = true;
  /** Levels go on, pulls stop. */
  pulling = true;

  readonly script: Script<BoxesShape> = (client: Core, now, rng): InputOf<BoxesShape> => {
    // Drawn always, so that resting hands do not shift the numbers of later ones.
    const fire = rng.chance(0.3);
    const jump = rng.chance(0.05) ? rng.int(1, 3) : 0;
    if (!this.busy) return {};
    const pulled = this.pulling ? jump : 0;
    this.pulls.set(client.seat, (this.pulls.get(client.seat) ?? 0) + pulled);
    const phase = client.seat * 400;
    return {
      dx: (Math.floor((now + phase) / 700) % 3) - 1,
      dy: (Math.floor((now + phase) / 900) % 3) - 1,
      aim: now / 1000,
      fire,
      jump: pulled,
    };
  };

  /** Pulls that ran, by seat, beside those that were made. Equal maps: each ran exactly once. */
  ran(rig: BoxesRig): Map<number, number> {
    const ran = new Map<number, number>();
    for (const box of rig.server.room.world.box) ran.set(box.owner, box.jumps);
    return ran;
  }
}

/** Lets everything that is under way arrive: hands rest, links are whole. */
export function settle(rig: BoxesRig, hands: Hands, ms = 6_000): void {
  hands.busy = false;
  rig.run(ms);
}

/** Every datagram that arrived was accepted or refused for a counted reason, on both sides. */
export function accountedFor(rig: BoxesRig): void {
  const { counters } = rig.server;
  expect(counters.accepted + sum(counters.refused)).toBe(counters.datagramsIn);
  for (const { core } of rig.clients) {
    const { datagramsIn, datagramsAccepted, refused } = core.stats();
    expect(datagramsAccepted + sum(refused)).toBe(datagramsIn);
  }
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);
