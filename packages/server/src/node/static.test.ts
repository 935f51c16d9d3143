// Serving a folder: what is in it, and nothing else.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { Hono } from 'hono';
import { afterAll, expect, test } from 'vitest';
import { staticFiles } from './static.ts';

const outside = mkdtempSync(join(tmpdir(), 'tickwire-static-'));
const root = join(outside, 'public');
mkdirSync(join(root, 'assets'), { recursive: true });
mkdirSync(join(outside, 'public-secret'));
writeFileSync(join(outside, 'secret.txt'), 'secret');
writeFileSync(join(outside, 'public-secret', 'secret.txt'), 'secret');
writeFileSync(join(root, 'index.html'), '<title>hello</title>');
writeFileSync(join(root, '.env'), 'SECRET=1');
writeFileSync(join(root, 'assets', 'main-B1x2y3z4.js'), 'export const a = 1;\n'.repeat(500));
writeFileSync(join(root, 'assets', 'a b.bin'), Buffer.from([1, 2, 3]));
symlinkSync(join(outside, 'secret.txt'), join(root, 'link.txt'));
afterAll(() => rmSync(outside, { recursive: true, force: true }));

const app = new Hono();
app.use(staticFiles(root));
const get = (
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Response | Promise<Response> => app.fetch(new Request(`http://x${path}`, { headers, method }));

test('serves the index, files and their types', async () => {
  const index = await get('/');
  expect(await index.text()).toBe('<title>hello</title>');
  expect(index.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(index.headers.get('cache-control')).toBe('no-cache');
  expect(index.headers.get('x-content-type-options')).toBe('nosniff');
  const binary = await get('/assets/a%20b.bin');
  expect([...new Uint8Array(await binary.arrayBuffer())]).toEqual([1, 2, 3]);
  expect(binary.headers.get('content-type')).toBe('application/octet-stream');
});

test('lets hashed files be cached for good, and compresses', async () => {
  const plain = await get('/assets/main-B1x2y3z4.js');
  expect(plain.headers.get('cache-control')).toContain('immutable');
  const text = await plain.text();
  const compressed = await get('/assets/main-B1x2y3z4.js', { 'accept-encoding': 'gzip, deflate, br' });
  expect(compressed.headers.get('content-encoding')).toBe('br');
  const bytes = Buffer.from(await compressed.arrayBuffer());
  expect(bytes.length).toBeLessThan(200);
  expect(brotliDecompressSync(bytes).toString()).toBe(text);
});

test('answers 304 to the same validator and nothing to HEAD', async () => {
  const tag = (await get('/')).headers.get('etag') ?? '';
  expect((await get('/', { 'if-none-match': tag })).status).toBe(304);
  expect((await get('/', { 'if-none-match': '"other"' })).status).toBe(200);
  const head = await get('/', {}, 'HEAD');
  expect(head.headers.get('content-length')).toBe('20');
  expect(await head.text()).toBe('');
});

test.each([
  '/../secret.txt',
  '/%2e%2e/secret.txt',
  '/..%2fsecret.txt',
  '/..%5csecret.txt',
  '/assets/../../secret.txt',
  '/assets/%2e%2e/%2e%2e/secret.txt',
  '/%2fetc%2fpasswd',
  '//etc/passwd',
  '/../public-secret/secret.txt',
  '/link.txt',
  '/.env',
  '/%00',
  '/%zz',
  '/index.html%00.png',
  '/nothing.txt',
  '/assets',
])('has no %s', async (path) => {
  const response = await get(path);
  expect(response.status).toBe(404);
  expect(await response.text()).not.toContain('secret');
});

test('leaves other methods alone', async () => {
  expect((await get('/', {}, 'POST')).status).toBe(404);
});
