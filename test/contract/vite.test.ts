// The dev plugin: page and game server on one port; a changed server file restarts the room and keeps the page.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createServer, defaultServerConditions, type ViteDevServer } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '../../packages/netcode/src/transport/connect.ts';
import { tickwire } from '../../packages/server/src/vite/index.ts';
import { boxes } from './boxes.ts';
import { until } from './pair.ts';
import { installWebRtc } from './webrtc.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const scratch = join(repository, 'test', 'output'); // not in node_modules, which Vite does not watch
mkdirSync(scratch, { recursive: true });
const root = mkdtempSync(join(scratch, 'dev-'));
const write = (name: string, text: string): void => writeFileSync(join(root, name), text);
const server = (speed: number | string): string => `
  import { serve } from '@tickwire/server';
  import { boxes } from '${repository}test/contract/boxes.ts';
  import { note } from './note.ts';
  await serve(boxes, { bindAddress: '127.0.0.1', options: { speed: ${speed} } });
  globalThis.started = (globalThis.started ?? []).concat(note);
`;
const started = (): string[] => (globalThis as { started?: string[] }).started ?? [];

let vite: ViteDevServer;
const errors: string[] = [];
const pushed: string[] = [];

beforeAll(async () => {
  installWebRtc();
  write('index.html', '<title>dev</title><script type="module" src="/page.ts"></script>');
  write('page.ts', 'export {};');
  write('note.ts', "export const note: string = 'first';");
  write('server.ts', server(5));
  vite = await createServer({
    root,
    configFile: false,
    envDir: false,
    mode: 'development',
    customLogger: {
      info: () => undefined,
      warn: () => undefined,
      warnOnce: () => undefined,
      error: (message) => errors.push(message),
      clearScreen: () => undefined,
      hasErrorLogged: () => false,
      hasWarned: false,
    },
    plugins: [tickwire()],
    optimizeDeps: { noDiscovery: true },
    ssr: {
      resolve: { conditions: ['tickwire-source', ...defaultServerConditions] },
      noExternal: [/^@tickwire\//],
      external: ['node-datachannel', 'pino', 'hono', '@hono/node-server', 'msgpackr'],
    },
    server: { port: 0, host: '127.0.0.1', ws: false },
  });
  const send = vite.environments.client.hot.send.bind(vite.environments.client.hot);
  vite.environments.client.hot.send = (...args: unknown[]) => {
    const [first] = args;
    pushed.push(typeof first === 'string' ? first : (first as { type: string }).type);
    (send as (...values: unknown[]) => void)(...args);
  };
  await vite.listen();
});
afterAll(async () => {
  await vite.close();
  rmSync(root, { recursive: true, force: true });
});

const url = (): string => (vite.resolvedUrls?.local[0] ?? '').replace(/\/$/, '');

it('serves page and game on one port, restarts the room on a change, and keeps the page', async () => {
  await until('the server is up', () => started().length === 1, 15_000);
  expect(await (await fetch(`${url()}/index.html`)).text()).toContain('<title>dev</title>');
  const health = async (): Promise<unknown> => (await fetch(`${url()}/healthz`)).json();
  await expect.poll(health, { timeout: 10_000 }).toMatchObject({ status: 'ok', game: 'boxes' });
  const client = await connect(boxes, { url: url() });
  expect(client.options.speed).toBe(5);

  // A file that the server imports.
  write('note.ts', "export const note: string = 'second';");
  await until('the room restarts', () => started().length === 2, 10_000);
  expect(started()).toEqual(['first', 'second']);
  await until('the page is back', () => client.state === 'playing', 10_000);

  // The server itself, with a mistake: the page waits, and comes back when it is mended.
  write('server.ts', server('mistake('));
  await until('the mistake is reported', () => errors.length > 0, 10_000);
  expect((await fetch(`${url()}/healthz`)).status).toBe(503);
  write('server.ts', server(7));
  await until('the mended server starts', () => started().length === 3, 10_000);
  await until('the page is back', () => client.state === 'playing' && client.options.speed === 7, 10_000);
  expect(pushed).not.toContain('full-reload');
  client.close();
}, 60_000);
