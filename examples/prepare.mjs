// What has to be true before anything else can run: a Node that is new enough, and installed packages.
// Reads on old versions of Node: node: imports only, and no syntax newer than 2018.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = dirname(dirname(fileURLToPath(import.meta.url)));

/** Prints one sentence and ends the process. */
export function stop(sentence) {
  console.error(sentence);
  process.exit(1);
}

/** Checks Node and installs what is missing. `say` receives progress lines. */
export function prepare(say) {
  requireNode();
  install(say);
}

function requireNode() {
  const version = process.versions.node;
  const parts = version.split('.').map(Number);
  if (parts[0] > 20 || (parts[0] === 20 && parts[1] >= 19)) return;
  stop(
    `Tickwire needs Node 20.19 or newer; this is ${version}. Install it from https://nodejs.org and try again.`,
  );
}

function install(say) {
  if (isInstalled()) return;
  say('Installing packages (npm ci) ...');
  const started = Date.now();
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const result = runNpm(args);
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout || ''}${result.stderr || ''}\n`);
    stop('Installing the packages failed: check the network connection, then run "npm ci" to see why.');
  }
  say(`Installed in ${((Date.now() - started) / 1000).toFixed(0)} s.`);
}

/** npm writes node_modules/.package-lock.json last, so its age is the age of the installation. */
function isInstalled() {
  const marker = join(repository, 'node_modules', '.package-lock.json');
  return (
    existsSync(marker) && statSync(marker).mtimeMs >= statSync(join(repository, 'package-lock.json')).mtimeMs
  );
}

/** npm names its own script when it started us; otherwise it is on the PATH. */
function runNpm(args) {
  const options = { cwd: repository, encoding: 'utf8', env: installEnvironment() };
  const script = process.env.npm_execpath;
  if (script !== undefined && script.slice(-3) === '.js')
    return spawnSync(process.execPath, [script].concat(args), options);
  return spawnSync('npm', args, Object.assign({ shell: process.platform === 'win32' }, options));
}

/** The tools are development dependencies: they are needed even where NODE_ENV says production. */
function installEnvironment() {
  return Object.assign({}, process.env, {
    NODE_ENV: 'development',
    npm_config_omit: '',
    npm_config_include: 'dev',
  });
}
