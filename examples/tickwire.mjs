// `npm run tickwire -- train examples/arena/training.ts`: the command `tickwire` from its sources, bundled as it is when published.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { prepare, repository } from './prepare.mjs';

// Standard output belongs to the command: with --json it is JSON and nothing else.
prepare(console.error);
bundleAndRun();

async function bundleAndRun() {
  const { build } = await import('vite');
  const outDir = join(repository, 'packages', 'server', 'dist-dev', 'cli');
  await build({
    root: repository,
    configFile: join(repository, 'vite.config.ts'),
    logLevel: 'error',
    build: {
      ssr: join(repository, 'packages', 'server', 'src', 'cli', 'index.ts'),
      outDir,
      target: 'node20',
    },
  });
  const script = ['--enable-source-maps', join(outDir, 'index.js')];
  // npm runs scripts in the repository; files are named from where the caller is.
  const cwd = process.env.INIT_CWD || process.cwd();
  const child = spawn(process.execPath, script.concat(process.argv.slice(2)), { cwd, stdio: 'inherit' });
  // The command says what it does when it is stopped; a terminal tells both of us of Ctrl+C.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('exit', (code) => {
    process.exitCode = code === null ? 1 : code;
  });
}
