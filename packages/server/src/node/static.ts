// Serves a built folder: files under one root only, with validators, caching and compression.

import { createReadStream } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { extname, join, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import type { Context, MiddlewareHandler } from 'hono';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.glb': 'model/gltf-binary',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.mp3': 'audio/mpeg',
  '.ogg': 'audio/ogg',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.wav': 'audio/wav',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
};
const COMPRESSIBLE = /^text\/|^application\/(?:json|wasm|manifest)|svg/;

/** Names with a content hash, as Vite writes them, never change their bytes. */
const HASHED = /-[\w-]{8,}\.\w+$/;

/** Compressed files kept in memory: a game's page with its engine is about 2 MB. */
const CACHE_BYTES = 32 * 1024 * 1024;

/** Larger files are streamed as they are. */
const COMPRESS_LIMIT_BYTES = 8 * 1024 * 1024;

const brotli = promisify(brotliCompress);

/** A handler for GET and HEAD that answers with files of `root`, and passes on what it does not have. */
export function staticFiles(root: string): MiddlewareHandler {
  const folder = resolve(root);
  const compressed = new Map<string, Promise<Uint8Array>>();
  let cachedBytes = 0;

  const compress = (path: string, tag: string): Promise<Uint8Array> => {
    const key = `${path} ${tag}`;
    const known = compressed.get(key);
    if (known !== undefined) return known;
    const made = readFile(path).then((bytes) =>
      brotli(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
    );
    if (cachedBytes > CACHE_BYTES) {
      compressed.clear();
      cachedBytes = 0;
    }
    compressed.set(key, made);
    made.then(
      (bytes) => {
        cachedBytes += bytes.length;
      },
      () => compressed.delete(key),
    );
    return made;
  };

  return async (c, next) => {
    if (c.req.method !== 'GET' && c.req.method !== 'HEAD') return next();
    const file = await find(folder, c.req.path);
    if (file === undefined) return next();
    const type = TYPES[extname(file.path).toLowerCase()] ?? 'application/octet-stream';
    const tag = `"${file.size.toString(36)}-${Math.floor(file.mtimeMs).toString(36)}"`;
    c.header('ETag', tag);
    c.header('Cache-Control', HASHED.test(file.path) ? 'public, max-age=31536000, immutable' : 'no-cache');
    c.header('X-Content-Type-Options', 'nosniff');
    c.header('Vary', 'Accept-Encoding');
    if (c.req.header('if-none-match') === tag) return c.body(null, 304);
    c.header('Content-Type', type);
    if (COMPRESSIBLE.test(type) && file.size <= COMPRESS_LIMIT_BYTES && accepts(c, 'br')) {
      const bytes = await compress(file.path, tag);
      c.header('Content-Encoding', 'br');
      c.header('Content-Length', String(bytes.length));
      return c.req.method === 'HEAD' ? c.body(null) : c.body(bytes as Uint8Array<ArrayBuffer>);
    }
    c.header('Content-Length', String(file.size));
    if (c.req.method === 'HEAD') return c.body(null);
    return c.body(Readable.toWeb(createReadStream(file.path)) as ReadableStream<Uint8Array<ArrayBuffer>>);
  };
}

interface Found {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** The file that a URL path names, if it lies inside the folder even after links are followed. */
async function find(folder: string, urlPath: string): Promise<Found | undefined> {
  let decoded: string;
  try {
    decoded = decodeURIComponent(urlPath);
  } catch {
    return undefined;
  }
  if (/[\0\\]/.test(decoded) || decoded.split('/').some((part) => part.startsWith('.'))) return undefined;
  try {
    let path = await realpath(join(folder, decoded));
    let found = await stat(path);
    if (found.isDirectory()) {
      path = await realpath(join(path, 'index.html'));
      found = await stat(path);
    }
    const home = await realpath(folder);
    if (!found.isFile() || !path.startsWith(home + sep)) return undefined;
    return { path, size: found.size, mtimeMs: found.mtimeMs };
  } catch {
    return undefined; // no such file
  }
}

const accepts = (c: Context, coding: string): boolean =>
  (c.req.header('accept-encoding') ?? '').split(',').some((part) => part.trim().split(';')[0] === coding);
