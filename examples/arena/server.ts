/**
 * The arena's server. PORT, HOST and UDP_PORT say where, BOTS how many bots fight (6); `--headless` serves no page.
 * Run it with `npm start` or `npm run server`.
 */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type GameServer, serve } from '@tickwire/server';
import { keepCrowd } from './bots/crowd.ts';
import { game } from './game.ts';
import { mapOf } from './rules/map.ts';
import type { arena } from './schema.ts';

const headless = process.argv.includes('--headless');
const bots = wholeNumber('BOTS', 6, 15);
const map = process.env['MAP'] ?? 'cross';

/** The built page lies beside the built server. */
const page = fileURLToPath(new URL('../dist', import.meta.url));

let server: GameServer<typeof arena> | undefined;
server = await serve(game, {
  options: { map: mapOf(map).name },
  onEvent: (event) => server && keepCrowd(server.core, bots, map, event),
  ...(!headless && existsSync(page) ? { static: page } : {}),
});
keepCrowd(server.core, bots, map);

console.log(`
  Tickwire Arena ${headless ? 'runs without a page at' : 'is at'} ${server.url}
  ${bots} bots are fighting. UDP port ${server.udpPort}. Stop with Ctrl+C.
`);

function wholeNumber(name: string, otherwise: number, most: number): number {
  const value = Number(process.env[name] ?? otherwise);
  return Number.isInteger(value) && value >= 0 ? Math.min(value, most) : otherwise;
}
