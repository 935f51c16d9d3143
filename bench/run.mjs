// `npm run bench`: bundles a benchmark the way a server is bundled, and runs it in a process of its own.
// Options: a name first (bench/NAME.ts, default "arena"); everything else, such as --json, goes to the benchmark.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { prepare, repository, stop } from '../examples/prepare.mjs';

const args = process.argv.slice(2);
const isNamed = args.length > 0 && args[0].slice(0, 1) !== '-';
const name = isNamed ? args[0] : 'arena';
const here = join(repository, 'bench');

/** A young generation in which a slice of the run fits, so that what it allocates can be counted. */
const FLAGS = { replication: ['--min-semi-space-size=64', '--max-semi-space-size=64'] };

// Standard output belongs to the benchmark: with --json it is JSON and nothing else.
prepare(console.error);
if (!existsSync(join(here, `${name}.ts`))) {
  const names = readdirSync(here).filter((file) => /\.ts$/.test(file));
  stop(
    `There is no benchmark "${name}"; there is ${names.map((file) => file.slice(0, -3)).join(', ') || 'none yet'}.`,
  );
}
bundleAndRun();

// The module runner of the tests reads every import through an object; bundled code is what a server runs.
async function bundleAndRun() {
  const { build } = await import('vite');
  await build({
    root: repository,
    configFile: join(repository, 'vite.config.ts'),
    logLevel: 'error',
    build: {
      ssr: join(here, `${name}.ts`),
      outDir: join(here, 'dist'),
      emptyOutDir: false,
      target: 'node20',
    },
  });
  const flags = ['--expose-gc', '--enable-source-maps'].concat(FLAGS[name] || []);
  const script = flags.concat(join(here, 'dist', `${name}.js`));
  const rest = isNamed ? args.slice(1) : args;
  const child = spawn(process.execPath, script.concat(rest), { cwd: repository, stdio: 'inherit' });
  child.on('exit', (code) => {
    process.exitCode = code === null ? 1 : code;
  });
}
