// One configuration: serves and builds an example, the arena if no other is named, and holds the test projects.
import { fileURLToPath } from 'node:url';
import { defaultClientConditions, defaultServerConditions } from 'vite';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { tickwire } from './packages/server/src/vite/index.ts';

const repository = fileURLToPath(new URL('.', import.meta.url));
const example = fileURLToPath(
  new URL(`examples/${process.env['TICKWIRE_EXAMPLE'] ?? 'arena'}/`, import.meta.url),
);

/** Workspace packages resolve to their TypeScript sources, so nothing has to be built while developing. */
const source = 'tickwire-source';

const MINUTE = 60_000;

/** Tests of pure code share a worker: no file leaves anything behind, and loading the modules anew for each takes half the time. */
const TOGETHER = { isolate: false, pool: 'threads' as const };

/** Unit tests with a worker of their own: they replace clocks and timers, or count garbage, which depends on what else was compiled. */
const APART = [
  'packages/netcode/src/replication/rows/train.test.ts',
  'packages/netcode/src/transport/hitches.test.ts',
  'packages/server/src/node/loop.test.ts',
];

const suite = (name: string, include: string[], test: object = {}): TestProjectConfiguration => ({
  extends: true,
  test: { name, include, ...test },
});

export default defineConfig(({ command, mode, isSsrBuild }) => ({
  root: mode === 'test' ? repository : example,
  // Vite would look for .env files in the root; the servers read the real environment only.
  envDir: false,
  // Runs the game's server inside the dev server. This file is loaded by plain Node, where packages are their built files: the
  // plugin is imported by its path, and imports values from nothing but Node and Vite.
  plugins: mode === 'test' ? [] : [tickwire()],
  resolve: { conditions: [source, ...defaultClientConditions] },
  ssr: {
    resolve: { conditions: [source, ...defaultServerConditions] },
    // The built server carries geckos' server inside, as the published package does.
    noExternal: command === 'build' ? [/^@tickwire\//, /^@geckos\.io\//] : [/^@tickwire\//],
    external: ['node-datachannel', 'pino', 'hono', '@hono/node-server', 'msgpackr'],
  },
  server: {
    port: Number(process.env['PORT'] ?? 3000),
    host: process.env['HOST'] ?? 'localhost',
    fs: { allow: [repository] },
  },
  build: {
    target: isSsrBuild ? 'node20' : 'es2022',
    outDir: isSsrBuild ? 'dist-server' : 'dist',
    emptyOutDir: true,
    sourcemap: true,
    copyPublicDir: !isSsrBuild,
    chunkSizeWarningLimit: 2_500, // kB: Phaser alone is 1.4 MB before compression, Rapier 2.2 MB
    reportCompressedSize: false,
  },
  test: {
    // Vitest keeps one core free for itself; on two cores that would leave only one at work.
    maxWorkers: '100%',
    projects: [
      // Some try a hundred thousand inputs: how long that takes is the machine's affair.
      suite('unit', ['packages/*/src/**/*.test.ts', 'examples/**/*.test.ts'], {
        ...TOGETHER,
        exclude: ['**/node_modules/**', ...APART],
        testTimeout: 2 * MINUTE,
      }),
      suite('apart', APART, { testTimeout: 2 * MINUTE }),
      suite('architecture', ['test/architecture/**/*.test.ts'], TOGETHER),
      suite('property', ['test/property/**/*.test.ts', 'test/fuzz/**/*.test.ts'], {
        ...TOGETHER,
        testTimeout: 2 * MINUTE,
      }),
      suite('contract', ['test/contract/**/*.test.ts'], { testTimeout: MINUTE }),
      suite('sim', ['test/sim/**/*.test.ts'], { ...TOGETHER, testTimeout: 10 * MINUTE }),
      // Browsers and sockets share one machine: one file at a time, or the timings mean nothing.
      suite('e2e', ['test/e2e/**/*.test.ts'], {
        fileParallelism: false,
        testTimeout: 2 * MINUTE,
        hookTimeout: 2 * MINUTE,
      }),
    ],
  },
}));
