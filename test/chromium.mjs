// Finds a Chromium for the browser tests, installing Debian's package where that is possible.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome', 'msedge'];

const MISSING =
  'The browser tests need Chromium or Chrome: install it (Debian: apt-get install chromium), ' +
  'or set TICKWIRE_CHROMIUM to the path of one.';

/** The path of a Chromium, or an error whose message is one sentence that names the fix. */
export function findChromium({ install = false, say = () => {} } = {}) {
  for (const variable of ['TICKWIRE_CHROMIUM', 'CHROME_PATH']) {
    const path = process.env[variable];
    if (!path) continue;
    if (isExecutable(path)) return path;
    throw new Error(`${variable} is ${path}, which is not a program: correct it or unset it.`);
  }
  const found = search();
  if (found) return found;
  if (install && mayInstall()) {
    installPackage(say);
    const installed = search();
    if (installed) return installed;
  }
  throw new Error(MISSING);
}

const search = () => candidates().find(isExecutable);

function candidates() {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  if (process.platform === 'win32') {
    const roots = ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].map((name) => process.env[name]);
    const programs = ['Google/Chrome/Application/chrome.exe', 'Chromium/Application/chrome.exe'];
    programs.push('Microsoft/Edge/Application/msedge.exe');
    return roots.filter(Boolean).flatMap((root) => programs.map((program) => join(root, program)));
  }
  if (process.platform === 'darwin') {
    const apps = ['Google Chrome', 'Chromium', 'Microsoft Edge'];
    const roots = ['/Applications', join(process.env.HOME ?? '/', 'Applications')];
    return roots.flatMap((root) => apps.map((app) => join(root, `${app}.app`, 'Contents', 'MacOS', app)));
  }
  folders.push('/usr/bin', '/usr/local/bin', '/snap/bin', '/opt/google/chrome');
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Debian only: elsewhere the package of that name asks for a snap daemon, or does not exist. */
function mayInstall() {
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !isExecutable('/usr/bin/apt-get'))
    return false;
  try {
    return /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}

function installPackage(say) {
  say('Installing Chromium (apt-get install chromium) ...');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', 'chromium'],
  ]) {
    const result = spawnSync('apt-get', args, { env, encoding: 'utf8' });
    if (result.status !== 0) say(result.stderr.trim());
  }
}
