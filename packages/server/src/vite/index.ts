// Entry point `@tickwire/server/vite`: the page and its game server in one Vite process.
//
// The plugin loads your server file, whose `serve()` then answers the joining routes on Vite's own port. When a file of the server
// changes, the room starts anew and the pages come back by themselves; they are not reloaded.
//
// It may be loaded by plain Node from its source, so it imports values from nothing but Node and Vite.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServerModuleRunner, type Plugin, type ViteDevServer } from 'vite';
import type { AttachedServer, DevelopmentHost } from '../node/development.ts';

export interface TickwireOptions {
  /** The file that calls `serve()`, relative to Vite's root. Default `server.ts`. */
  readonly entry?: string;
}

/** Saving several files at once restarts the room once. */
const SETTLE_MS = 50;

/** The paths that the game server answers; all others are Vite's. */
const OURS = /^\/(?:\.wrtc\/|healthz$)/;

/** Runs the game's server inside Vite's development server. Does nothing in a build. */
export function tickwire(options: TickwireOptions = {}): Plugin {
  let room: Room | undefined;
  return {
    name: 'tickwire',
    apply: 'serve',
    configureServer(vite) {
      room = new Room(vite, options.entry ?? 'server.ts');
    },
    async buildEnd() {
      await room?.close();
    },
  };
}

/** The game server of one Vite server, started anew when its files change. */
class Room {
  readonly #vite: ViteDevServer;
  readonly #entry: string;
  readonly #runner: ReturnType<typeof createServerModuleRunner>;
  #attached: AttachedServer | undefined;
  #udpPort: number | undefined;
  #work: Promise<void> = Promise.resolve();
  #settle: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(vite: ViteDevServer, entry: string) {
    this.#vite = vite;
    this.#entry = entry;
    this.#runner = createServerModuleRunner(vite.environments.ssr, { hmr: false });
    vite.middlewares.use((request, response, next) => {
      if (OURS.test(request.url?.split('?')[0] ?? '')) this.#answer(request, response);
      else next();
    });
    vite.watcher.on('change', (file) => this.#changed(file));
    if (vite.httpServer?.listening) this.#restart();
    else vite.httpServer?.once('listening', () => this.#restart());
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#settle);
    await this.#attached?.close();
    await this.#runner.close(); // a load that is under way ends without anybody: see attach
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (this.#attached !== undefined) {
      this.#attached.handle(request, response);
      return;
    }
    response.writeHead(503, { 'Content-Type': 'application/json', 'Retry-After': '1' });
    response.end(
      JSON.stringify({ code: 'starting', message: 'The game server is starting, or its code has an error.' }),
    );
  }

  #changed(file: string): void {
    const ofServer =
      this.#vite.environments.ssr.moduleGraph.getModulesByFile(file.replaceAll('\\', '/')) !== undefined;
    if (!ofServer && this.#attached !== undefined) return;
    clearTimeout(this.#settle);
    this.#settle = setTimeout(() => this.#restart(), SETTLE_MS);
  }

  #restart(): void {
    this.#work = this.#work.then(() => this.#load());
  }

  async #load(): Promise<void> {
    if (this.#closed) return;
    const before = this.#attached;
    this.#attached = undefined;
    try {
      await before?.close(); // its UDP port is the next one's
      this.#runner.clearCache();
      Reflect.set(globalThis, Symbol.for('tickwire.development'), this.#host());
      await this.#runner.import(this.#entry);
      if (before !== undefined) this.#vite.config.logger.info('game server restarted', { timestamp: true });
    } catch (error) {
      if (!this.#closed) this.#report(error);
    } finally {
      Reflect.deleteProperty(globalThis, Symbol.for('tickwire.development'));
    }
  }

  /** What `serve()` finds when it runs inside this process. */
  #host(): DevelopmentHost {
    const address = this.#vite.httpServer?.address() as AddressInfo | null | undefined;
    const httpPort = address?.port ?? this.#vite.config.server.port;
    return {
      url: (this.#vite.resolvedUrls?.local[0] ?? `http://localhost:${httpPort}`).replace(/\/$/, ''),
      httpPort,
      udpPort: this.#udpPort,
      attach: async (server, udpPort) => {
        if (this.#closed) return server.close();
        const before = this.#attached;
        this.#attached = server;
        this.#udpPort = udpPort;
        await before?.close();
      },
      failed: (error) => {
        this.#attached = undefined;
        this.#report(error);
      },
    };
  }

  /** In the terminal and, as for any other mistake in the code, over the page. */
  #report(error: unknown): void {
    const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
    this.#vite.config.logger.error(`The game server stopped: ${stack || message}`, { timestamp: true });
    this.#vite.environments.client.hot.send({ type: 'error', err: { message, stack } });
  }
}
