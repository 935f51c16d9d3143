// The command `tickwire train`, as it is run: what it prints, writes and exits with.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CodecTables, defineGame, encodeLog } from '@tickwire/netcode';
import { Room } from '@tickwire/server/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { game as boxes } from '../../examples/smallest/game.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));
const scratch = join(repository, 'test', 'output');
mkdirSync(scratch, { recursive: true });
const root = mkdtempSync(join(scratch, 'train-'));
const game = 'examples/smallest/game.ts';

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(script: string, ...args: string[]): Run {
  const result = spawnSync(process.execPath, [join(repository, script), ...args], {
    cwd: repository,
    encoding: 'utf8',
    env: { ...process.env, INIT_CWD: root },
  });
  return { code: result.status, out: result.stdout, err: result.stderr };
}
const tickwire = (...args: string[]): Run => run('packages/server/dist-dev/cli/index.js', ...args);

const path = (name: string): string => join(root, name);
const write = (name: string, text: string | Uint8Array): string => {
  writeFileSync(path(name), text);
  return path(name);
};

let help: Run;

beforeAll(() => {
  help = run('examples/tickwire.mjs', 'train', '--help'); // bundles the command first
  write('game.ts', `export { game as default } from '${repository}examples/smallest/game.ts';`);
  write(
    'bots.ts',
    `export { default as game } from './game.ts'; export const bots = { think: () => ({ dx: 1, dy: 0 }) };`,
  );
  write('empty.js', 'export const rules = 1;');
  write('broken.ts', 'throw new Error("out of paint");');
  const room = new Room(boxes, {
    seed: 1,
    options: {},
    development: false,
    record: true,
  });
  write('short.log', encodeLog(room.log as never));
  write('other.log', encodeLog({ ...room.log, schemaHash: [1, 2] } as never));
  write('text.log', 'hello');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

it('prints help', () => {
  expect(help.code).toBe(0);
  expect(help.out).toMatch(/--seconds <n>.*\n.*--players <n>/);
  expect(tickwire('--help').out).toContain('train <game> [...logs]');
  expect(tickwire('--version').out).toMatch(/tickwire\/\d/);
});

it('writes tables that the game takes, and says what they are worth', () => {
  const { code, out, err } = tickwire('train', path('game.ts'), '-o', path('tables.json'), '--seconds', '20');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/rows seen +untrained +trained/);
  expect(out).toContain(`import tables from './tables.json' with { type: 'json' };`);
  expect(out).toContain('pressed keys at random');
  const tables = JSON.parse(readFileSync(path('tables.json'), 'utf8')) as CodecTables;
  expect(Object.keys(tables.rows)).toContain('box');
  expect(defineGame({ ...boxes.definition, tables }).schema.tables).toBe(tables);
});

it('prints JSON and nothing else', () => {
  const { code, out } = tickwire('train', path('bots.ts'), '-o', path('bots.json'), '--seconds=20', '--json');
  expect(code).toBe(0);
  const result = JSON.parse(out);
  expect(result).toMatchObject({ game: 'boxes', played: 'bots', output: path('bots.json') });
  expect(result.trainedBytes).toBeLessThan(result.untrainedBytes);
});

it.each([
  [['train'], 2, /missing required args/],
  [['trian'], 2, /no command "trian"/],
  [[], 2, /^$/],
  [['train', game, '--speed', '3'], 2, /Unknown option `--speed`/],
  [['train', game, '--seconds', 'long'], 2, /--seconds takes one whole number, got long/],
  [['train', game, path('short.log'), '--seconds', '20'], 2, /leave them out beside logs/],
  [['train', game, '--seconds', '5'], 1, /seconds must be 10/],
  [['train', path('none.ts')], 1, /there is no file .*none\.ts/],
  [['train', path('empty.js')], 1, /exports no game.*it exports rules/],
  [['train', path('broken.ts')], 1, /Error: out of paint\n +at/],
  [['train', game, path('none.log')], 1, /there is no log/],
  [['train', path('game.ts'), path('text.log')], 1, /text\.log is not a recorded match/],
  [['train', path('game.ts'), path('other.log')], 1, /another version of the game/],
  [['train', path('game.ts'), path('short.log')], 1, /nothing to learn/],
  [['train', path('game.ts'), '-o', path('no/tables.json')], 1, /there is no folder/],
])('tickwire %j', (args, code, message) => {
  const result = tickwire(...args);
  expect(result.err).toMatch(message);
  expect(result.code).toBe(code);
});
