// `npm start`: installs what is missing, builds an example when it changed, and runs its server in this process.
// Options: the example's name, "arena" when left out; --headless starts the server without a page. Environment: PORT, HOST.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, repository, stop } from './prepare.mjs';

const name = process.argv.slice(2).filter((arg) => arg.slice(0, 1) !== '-')[0] || 'arena';
const example = join(repository, 'examples', name);
const entry = join(example, 'dist-server', 'server.js');
const headless = process.argv.indexOf('--headless') > 0;

if (!existsSync(join(example, 'server.ts')))
  stop(`There is no example "${name}": choose arena, smallest or physics.`);
prepare(console.log);
start();

async function start() {
  if (!headless) await build('dist', 'the page', []);
  await build('dist-server', 'the server', ['--ssr', 'server.ts']);
  process.setSourceMapsEnabled(true);
  // An example names its built page from its own folder.
  process.chdir(example);
  try {
    await import(pathToFileURL(entry).href);
  } catch (error) {
    explain(error);
  }
}

/** Builds one half of the example into `folder`, unless its sources are the ones it was built from. */
async function build(folder, what, args) {
  const stampFile = join(example, folder, '.built-from');
  const stamp = sourceStamp();
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  const started = Date.now();
  console.log(`Building ${what} ...`);
  const vite = join(repository, 'node_modules', 'vite', 'bin', 'vite.js');
  const config = ['--config', join(repository, 'vite.config.ts')];
  await run(
    [vite, 'build', '--logLevel', 'warn'].concat(config, args),
    `Building ${what} failed, see above.`,
  );
  mkdirSync(join(example, folder), { recursive: true });
  writeFileSync(stampFile, stamp);
  console.log(`Built ${what} in ${((Date.now() - started) / 1000).toFixed(1)} s.`);
}

/** Names, sizes and times of everything the build reads. A deleted file changes it too. */
function sourceStamp() {
  const hash = createHash('sha256');
  const roots = [
    'vite.config.ts',
    'package-lock.json',
    'packages/netcode/src',
    'packages/server/src',
    `examples/${name}`,
  ];
  roots.forEach((root) => {
    addToStamp(hash, join(repository, root));
  });
  return hash.digest('hex');
}

function addToStamp(hash, path) {
  const stats = statSync(path);
  if (!stats.isDirectory()) {
    hash.update(`${path} ${stats.size} ${stats.mtimeMs}\n`);
    return;
  }
  const names = readdirSync(path).filter((name) => !/^(node_modules|dist.*|\..*)$|\.test\.ts$/.test(name));
  names.sort().forEach((name) => {
    addToStamp(hash, join(path, name));
  });
}

function run(args, failure) {
  return new Promise((resolve) => {
    const env = Object.assign({}, process.env, { NODE_ENV: 'production', TICKWIRE_EXAMPLE: name });
    const child = spawn(process.execPath, args, { cwd: example, env, stdio: 'inherit' });
    child.on('exit', (code) => {
      if (code === 0) resolve();
      else stop(failure);
    });
  });
}

/** A busy or forbidden port is the user's to fix, so it gets a sentence; anything else is ours and keeps its stack. */
function explain(error) {
  const port = process.env.PORT || 3000;
  const host = process.env.HOST || 'this machine';
  if (error.code === 'EADDRINUSE') {
    stop(
      `Port ${port} is in use by another program: stop that, or choose another port with PORT=3001 npm start.`,
    );
  }
  if (error.code === 'EACCES')
    stop(`Port ${port} needs more rights: choose one above 1023 with PORT=3000 npm start.`);
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    stop(`HOST=${host} is not an address of this machine: leave it out, or use 127.0.0.1 or 0.0.0.0.`);
  }
  console.error(error);
  process.exit(1);
}
