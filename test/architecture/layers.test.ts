// The layer rules of docs/architecture.md and the numbers of docs/behaviour.md, checked on the sources themselves.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const repository = fileURLToPath(new URL('../../', import.meta.url));

/** Imports point down: a file may import its own layer or one with a smaller number. Equal numbers never mix. */
const LAYERS: Record<string, number> = {
  'netcode/base': 0,
  'netcode/interface': 1, // transport/transport.ts: what a transport is, without being one
  'netcode/wire': 1,
  'netcode/connection': 2,
  'netcode/simulation': 3,
  'netcode/trace': 3.5, // recordings of play, tick by tick
  'netcode/replication': 4,
  'netcode/history': 4.5, // a codec of recorded scenes, which snapshots do not use
  'netcode/index': 5,
  'netcode/internal': 5,
  'netcode/client': 6,
  'server/core': 6,
  'netcode/testing': 7, // the rig: an instrument above both cores
  'netcode/transport': 7,
  'netcode/debug': 8,
  'netcode/phaser': 8,
  'server/node': 8,
  'server/net': 8.5, // a bad network in front of a server: uses the rig's links
  'server/cli': 9,
  'server/vite': 9,
  'server/testing': 9,
  'server/index': 9,
};
const CORE =
  /^(netcode\/(base|interface|wire|connection|simulation|trace|replication|history|client|index|internal|testing)|server\/core)$/;
const CORE_PACKAGES = new Set(['msgpackr', '@standard-schema/spec']);

/** Two files may do what their layer may not: a page's entry point hands out connect(), and the traps name what they trap. */
const PAGE_ENTRY = 'packages/netcode/src/client/index.ts';
const TRAPS = 'packages/netcode/src/simulation/traps.ts';

const AMBIENT =
  /\bDate\.now\b|\bnew Date\b|\bMath\.random\b|\bperformance\.now\b|\bset(Timeout|Interval|Immediate)\b|\bconsole\./;
const ENTRY_POINTS =
  /^@tickwire\/(netcode(\/(client|debug|phaser|testing))?|server(\/(core|vite|testing))?)$/;

function files(folder: string, test: (path: string) => boolean): string[] {
  if (!existsSync(join(repository, folder))) return [];
  const names = readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' });
  const paths = names.map((name) => posix.join(folder, name.split(sep).join('/')));
  return paths
    .filter((path) => path.endsWith('.ts') && !/(^|\/)(node_modules|dist[^/]*)\//.test(path) && test(path))
    .sort();
}

const isTest = (path: string): boolean => path.endsWith('.test.ts');
const sources = files('packages', (path) => /^packages\/\w+\/src\//.test(path) && !isTest(path));
const examples = files('examples', (path) => !isTest(path));
const tests = [...files('test', isTest), ...files('packages', isTest), ...files('examples', isTest)];

const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
/** The code without its comments, which may name anything. */
const code = (path: string): string => read(path).replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');

function imports(path: string): string[] {
  // Statements start a line; a string that shows an import does not.
  const found = code(path).matchAll(
    /^(?:import|export|\}).*?\sfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'/gm,
  );
  return [...found].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

/** `packages/netcode/src/wire/bits.ts` -> `netcode/wire`; a package's own entry -> `netcode/index`. */
const layerOf = (path: string): string => {
  if (path === 'packages/netcode/src/transport/transport.ts') return 'netcode/interface';
  const [, name, , folder = ''] = path.split('/');
  return `${name}/${folder.replace(/\.ts$/, '')}`;
};

function target(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return layerOf(posix.join(posix.dirname(from), specifier));
  const own = /^@tickwire\/(\w+)(?:\/(\w+))?$/.exec(specifier);
  return own ? `${own[1]}/${own[2] ?? 'index'}` : undefined;
}

describe('layers', () => {
  test('every source file lies in a known layer', () => {
    expect(sources.filter((path) => LAYERS[layerOf(path)] === undefined)).toEqual([]);
  });

  test('imports point down, and the two cores never import each other', () => {
    const wrong: string[] = [];
    for (const path of sources) {
      const from = layerOf(path);
      for (const specifier of imports(path)) {
        const to = target(path, specifier);
        if (to === undefined || to === from) continue;
        if (path === PAGE_ENTRY && to === 'netcode/transport') continue;
        if ((LAYERS[to] ?? Number.POSITIVE_INFINITY) >= (LAYERS[from] ?? -1))
          wrong.push(`${path} imports ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('the core imports nothing but itself and its codec', () => {
    const outside = (path: string) =>
      imports(path).filter(
        (specifier) =>
          target(path, specifier) === undefined &&
          !CORE_PACKAGES.has(specifier.replace(/^msgpackr\/(un)?pack$/, 'msgpackr')),
      );
    const core = sources.filter((path) => CORE.test(layerOf(path)));
    expect(core.flatMap((path) => outside(path).map((specifier) => `${path} imports ${specifier}`))).toEqual(
      [],
    );
  });

  test('the core reads no clock, draws no ambient randomness, sets no timer and prints nothing', () => {
    const core = sources.filter((path) => CORE.test(layerOf(path)) && path !== TRAPS);
    expect(core.filter((path) => AMBIENT.test(code(path)))).toEqual([]);
  });

  test('examples use public entry points only', () => {
    const wrong: string[] = [];
    for (const path of examples) {
      const home = path.split('/').slice(0, 2).join('/');
      for (const specifier of imports(path)) {
        const reaches = posix.join(posix.dirname(path), specifier);
        if (specifier.startsWith('.') && !reaches.startsWith(`${home}/`))
          wrong.push(`${path} imports ${specifier}`);
        if (specifier.startsWith('@tickwire/') && !ENTRY_POINTS.test(specifier))
          wrong.push(`${path} imports ${specifier}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe('behaviour rules', () => {
  test('every rule number in docs/behaviour.md is quoted by the title of a test', () => {
    const rules = new Set(read('docs/behaviour.md').match(/\[[A-Z]\d+\]/g));
    const titles = tests
      .map((path) => (code(path).match(/(['"`])[^'"`\n]*\[[A-Z]\d+\][^\n]*?\1/g) ?? []).join('\n'))
      .join('\n');
    expect(rules.size).toBeGreaterThan(0);
    expect([...rules].filter((rule) => !titles.includes(rule))).toEqual([]);
  });
});
