/** Loads what the user names: modules that export a game, and recorded matches. */

import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { decodeLog, type Game, type InputLog } from '@tickwire/netcode';
import type { Think } from '../core/index.ts';
import { Trouble } from './trouble.ts';

type Exports = Readonly<Record<string, unknown>>;

export interface GameModule {
  readonly game: Game;
  /** What bots do, if the module says so. */
  readonly think: Think<Game extends Game<infer S> ? S : never> | undefined;
}

/** Loads a game from a module, with `think` or `bots.think` beside it. TypeScript goes through Vite with the project's own configuration. */
export async function loadGame(file: string): Promise<GameModule> {
  const path = resolve(file);
  if (!existsSync(path))
    throw new Trouble(
      `there is no file ${file}; name the module that exports your game, such as src/game.ts`,
    );
  const exports = /\.[cm]?js$/.test(path)
    ? ((await import(pathToFileURL(path).href)) as Exports)
    : await viaVite(path);
  const game = [exports['game'], exports['default']].find(isGame);
  if (game === undefined)
    throw new Trouble(
      `${file} exports no game; export what defineGame() gives as "game" or as default (it exports ${Object.keys(exports).join(', ') || 'nothing'})`,
    );
  const bots = exports['bots'] as { readonly think?: unknown } | undefined;
  const think = exports['think'] ?? bots?.think;
  return { game, think: typeof think === 'function' ? (think as GameModule['think']) : undefined };
}

export function loadLog(file: string): InputLog {
  if (!existsSync(file)) throw new Trouble(`there is no log ${file}`);
  try {
    return decodeLog(readFileSync(file));
  } catch {
    throw new Trouble(`${file} is not a recorded match; write one with encodeLog(server.core.room.log)`);
  }
}

async function viaVite(path: string): Promise<Exports> {
  const vite = await import('vite').catch(() => {
    throw new Trouble('vite is needed to load TypeScript: npm install --save-dev vite, or name a .js module');
  });
  const server = await vite.createServer({
    appType: 'custom',
    logLevel: 'error',
    server: { middlewareMode: true, ws: false, hmr: false, watch: null },
    optimizeDeps: { noDiscovery: true, include: [] },
  });
  try {
    return await server.ssrLoadModule(path);
  } finally {
    await server.close();
  }
}

function isGame(value: unknown): value is Game {
  const schema = (value as Game | undefined)?.schema as Partial<Game['schema']> | undefined;
  return Array.isArray(schema?.rows) && Array.isArray(schema.hash);
}
