// The command `tickwire trace`, as it is run: what it prints and exits with. And the file that `serve` records to.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { defineGame } from '@tickwire/netcode';
import { joinRecordings, Recording } from '@tickwire/netcode/internal';
import { Rig } from '@tickwire/netcode/testing';
import { serve } from '@tickwire/server';
import { traceReplay } from '@tickwire/server/core';
import { build } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { game as smallest } from '../../examples/smallest/game.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const scratch = join(repository, 'test', 'output');
mkdirSync(scratch, { recursive: true });
const root = mkdtempSync(join(scratch, 'trace-'));
const path = (name: string): string => join(root, name);

/** What this test runs under must not decide about colours. */
const { NO_COLOR: _no, FORCE_COLOR: _force, ...uncoloured } = process.env;

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Apart from the one that other tests bundle at the same time. */
const bundle = join(repository, 'packages', 'server', 'dist-dev', 'cli-trace');

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Run {
  const result = spawnSync(process.execPath, [join(bundle, 'index.js'), ...args], {
    cwd: repository,
    encoding: 'utf8',
    env: { ...uncoloured, INIT_CWD: root, ...env },
  });
  return { code: result.status, out: result.stdout, err: result.stderr };
}
const trace = (...args: string[]): Run => run(['trace', ...args]);

/** Plays the smallest game; the client's boxes go a little further if `flawed`. */
function record(name: string, flawed: boolean): void {
  const { definition } = smallest;
  const other: typeof definition = {
    ...definition,
    step(world, ctx) {
      definition.step(world, ctx);
      for (const box of ctx.simulated(world.box)) if (ctx.command(box.owner).dx > 0) box.x += 1;
    },
  };
  const rig = new Rig({
    game: smallest,
    ...(flawed ? { clientGame: defineGame(other) as typeof smallest } : {}),
    seed: 1,
    clients: 1,
    link: 'wifi',
    script: (_client, now) => ({ dx: now > 2_000 ? 1 : 0, dy: 0 }),
    trace: true,
  });
  rig.run(4_000);
  writeFileSync(path(`${name}-client`), rig.clients[0]?.core.trace() ?? new Uint8Array(0));
  writeFileSync(path(`${name}-server`), rig.server.trace() ?? new Uint8Array(0));
}

let help: Run;

beforeAll(async () => {
  await build({
    root: repository,
    configFile: join(repository, 'vite.config.ts'),
    logLevel: 'error',
    build: {
      ssr: join(repository, 'packages', 'server', 'src', 'cli', 'index.ts'),
      outDir: bundle,
      target: 'node20',
    },
  });
  help = trace('--help');
  record('good', false);
  record('bad', true);
  writeFileSync(path('text'), 'hello');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

it('prints help with the exit codes', () => {
  expect(help.code).toBe(0);
  expect(help.out).toContain('trace <a> <b>');
  expect(help.out).toMatch(/Exit codes: 0 .*; 1 .*; 2 /);
});

it('exits with 0 when they agree', () => {
  const { code, out, err } = trace(path('good-client'), path('good-server'));
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/client of seat 1 and server: \d+ ticks compared/);
  expect(out).toContain('They agree in every tick.');
});

it('names tick, entity and field, in any order of the files, and exits with 1', () => {
  const { code, out, err } = trace(path('bad-server'), path('bad-client'));
  expect({ code, err }).toEqual({ code: 1, err: '' });
  expect(out).toContain('Desync: same inputs, different state.');
  expect(out).toMatch(/First difference: tick \d+, box 1:1, x\n/);
  expect(out).toMatch(/box 1:1 +x +\S+ +\S+ +\+1 +\+\d+ steps/);
  const [, tick] = /First difference: tick (\d+)/.exec(out) ?? [];
  expect(out).toMatch(new RegExp(`\\n  > +${tick} +1 +0`));
  expect(out).toBe(trace(path('bad-client'), path('bad-server')).out);
});

it('prints JSON and nothing else with --json', () => {
  const { code, out } = trace(path('bad-client'), path('bad-server'), '--json');
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({
    verdict: 'desync',
    seat: 1,
    names: ['client', 'server'],
    first: { cause: 'desync', cells: [{ type: 'box', field: 'x', what: 'field' }] },
  });
});

it('has colours where they are wanted, none with NO_COLOR', () => {
  const args = ['trace', path('bad-client'), path('bad-server')];
  const coloured = run(args, { FORCE_COLOR: '1' }).out;
  expect(coloured).not.toBe(stripVTControlCharacters(coloured));
  const plain = run(args, { FORCE_COLOR: '1', NO_COLOR: '1' }).out;
  expect(plain).toBe(stripVTControlCharacters(coloured));
});

it.each([
  [['good-client', 'nothing'], 'there is no file'],
  [['good-client', 'text'], 'text: these bytes are not a recording'],
  [['good-client', 'good-client'], 'these are recordings of two clients'],
  [['good-client'], 'missing required args'],
])('exits with 2 and a sentence when called with %j', (files, sentence) => {
  const { code, out, err } = trace(...files.map(path));
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain(sentence);
  expect(err.split('\n')).toHaveLength(2);
});

it('serve keeps a whole recording in its file, which agrees with the replay of its log', async () => {
  const server = await serve(smallest, {
    port: 0,
    udpPort: 0,
    record: true,
    trace: path('live'),
    bots: { count: 2, think: (_world, me, tick) => ({ dx: tick % 3 === 0 ? 1 : -1, dy: me % 2 }) },
    signals: false,
  });
  while (server.core.tick < 30) await new Promise((resolve) => setTimeout(resolve, 20));
  await server.close();
  expect(existsSync(path('live.new'))).toBe(false);
  const { log } = server.core.room;
  if (log === undefined) throw new Error('there is no log');
  const again = new Recording(traceReplay(smallest, log));
  const report = joinRecordings(new Recording(readFileSync(path('live'))), again);
  expect(report).toMatchObject({ verdict: 'same', overlap: { from: 1 } });
  expect(report.overlap.compared).toBeGreaterThanOrEqual(30);
});
