/** The README tells the truth: its smallest game is the one in examples/smallest, and its links lead somewhere. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

test('the README shows examples/smallest/game.ts as it is', () => {
  const code = read('examples/smallest/game.ts');
  expect(read('README.md')).toContain(code.slice(code.indexOf('\nimport ')).trim());
});

test('every relative link of every document leads to a file', () => {
  const documents = [
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    ...pagesIn('docs'),
    ...pagesIn('docs/decisions'),
  ];
  const broken = documents.flatMap((path) =>
    linksOf(path)
      .filter((link) => !existsSync(join(root, dirname(path), link)))
      .map((link) => `${path}: ${link}`),
  );
  expect(broken).toEqual([]);
});

function pagesIn(folder: string): string[] {
  return readdirSync(join(root, folder))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `${folder}/${file}`);
}

function linksOf(path: string): string[] {
  const links = [...read(path).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map((match) => match[1] ?? '');
  return links.filter((link) => !/^[a-z]+:/.test(link));
}
