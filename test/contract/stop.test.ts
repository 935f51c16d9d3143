// Stopping a server process: a goodbye, exit code 0 within about a second, and a second signal that does not wait.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, defaultServerConditions } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '../../packages/netcode/src/transport/connect.ts';
import { boxes } from './boxes.ts';
import { until } from './pair.ts';
import { installWebRtc } from './webrtc.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));
mkdirSync(join(repository, 'test', 'output'), { recursive: true });
const root = mkdtempSync(join(repository, 'test', 'output', 'stop-'));
const children: ChildProcess[] = [];

beforeAll(async () => {
  installWebRtc();
  writeFileSync(
    join(root, 'server.ts'),
    `import { serve } from '@tickwire/server';
     import { boxes } from '${repository}test/contract/boxes.ts';
     const server = await serve(boxes, { port: 0, bindAddress: '127.0.0.1' });
     process.send?.(server.url);
     if (process.argv.includes('--close')) setTimeout(() => { void server.close(); process.disconnect(); }, 100);`,
  );
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['tickwire-source', ...defaultServerConditions] },
    ssr: {
      resolve: { conditions: ['tickwire-source', ...defaultServerConditions] },
      noExternal: [/^@tickwire\//, /^@geckos\.io\//],
      external: ['node-datachannel', 'pino', 'hono', '@hono/node-server', 'msgpackr'],
    },
    build: { ssr: 'server.ts', outDir: 'built', target: 'node20' },
  });
}, 60_000);
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

interface Run {
  readonly url: string;
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; signal: string | null; afterMs: number; output: string }>;
}

/** Starts the built server and waits until it serves. `afterMs` counts from the first signal, or from the start. */
async function run(...args: string[]): Promise<Run> {
  const child = spawn(process.execPath, [join(root, 'built', 'server.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  children.push(child);
  let output = '';
  child.stdout?.on('data', (data) => (output += data));
  child.stderr?.on('data', (data) => (output += data));
  const start = performance.now();
  const ended = new Promise<Awaited<Run['ended']>>((resolve) => {
    child.once('exit', (code, signal) =>
      resolve({ code, signal, afterMs: performance.now() - start, output }),
    );
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve(String(message)));
    child.once('exit', () => reject(new Error(`the server did not start: ${output}`)));
  });
  return { url, child, ended };
}

it.each(['SIGINT', 'SIGTERM'] as const)('says goodbye on %s and exits with 0', async (signal) => {
  const { url, child, ended } = await run();
  const client = await connect(boxes, { url });
  const codes: unknown[] = [];
  client.on('state', (_state, { code }) => codes.push(code));
  const before = performance.now();
  child.kill(signal);
  const { code, output } = await ended;
  expect(code).toBe(0);
  expect(performance.now() - before).toBeLessThan(1300);
  expect(output).toBe('');
  await until('the goodbye', () => codes.length > 0);
  expect(codes[0]).toBe('shutdown');
  client.close();
});

it('exits at once on the second signal', async () => {
  const { url, child, ended } = await run();
  const client = await connect(boxes, { url });
  child.kill('SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 30)); // the first one lingers 200 ms for its goodbyes
  const before = performance.now();
  child.kill('SIGTERM');
  const { code } = await ended;
  expect(code).toBe(143);
  expect(performance.now() - before).toBeLessThan(170);
  client.close();
});

it('lets the process end by itself once closed', async () => {
  const { ended } = await run('--close');
  const { code, signal, output, afterMs } = await ended;
  expect({ code, signal, output }).toEqual({ code: 0, signal: null, output: '' });
  expect(afterMs).toBeLessThan(5_000); // geckos leaves a timer of 2 s behind
}, 15_000);
