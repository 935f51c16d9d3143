/** Keeps the arena lively: bots make room as people arrive, and come back as they leave. */

import type { Bot, ServerEvent } from '@tickwire/server/core';
import type { arena } from '../schema.ts';
import { BOT_NAMES } from './names.ts';
import { createBot } from './think.ts';

/** The part of a server that adds and removes bots. */
export interface BotHost {
  readonly botSeats: readonly number[];
  addBot(bot: Bot<typeof arena>): number;
  removeBot(seat: number): void;
  stats(): { readonly players: number };
}

/** How many bots fight beside this many people: `most` beside one or none, one less for each more. */
export function botsFor(people: number, most: number): number {
  return Math.max(0, Math.min(most, most + 1 - people));
}

/** Call once after the start, and with every event of the server. */
export function keepCrowd(host: BotHost, most: number, mapName: string, event?: ServerEvent): void {
  if (event !== undefined && event.type !== 'joined' && event.type !== 'left') return;
  const wanted = botsFor(host.stats().players, most);
  const seats = [...host.botSeats];
  for (const seat of seats.slice(wanted)) host.removeBot(seat);
  const think = createBot(mapName);
  for (let n = seats.length; n < wanted; n++) host.addBot({ name: BOT_NAMES[n % BOT_NAMES.length]!, think });
}
