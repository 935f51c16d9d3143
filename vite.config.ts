// One configuration: serves and builds the arena, and holds the test projects.
import { fileURLToPath } from 'node:url';
import { defaultClientConditions, defaultServerConditions } from 'vite';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';

const repository = fileURLToPath(new URL('.', import.meta.url));
const arena = fileURLToPath(new URL('examples/arena/', import.meta.url));

/** Workspace packages resolve to their TypeScript sources, so nothing has to be built while developing. */
const source = 'tickwire-source';

const MINUTE = 60_000;

const suite = (name: string, include: string[], test: object = {}): TestProjectConfiguration => ({
  extends: true,
  test: { name, include, ...test },
});

export default defineConfig(({ mode, isSsrBuild }) => ({
  root: mode === 'test' ? repository : arena,
  // Vite would look for .env files in the root; the servers read the real environment only.
  envDir: false,
  resolve: { conditions: [source, ...defaultClientConditions] },
  ssr: {
    resolve: { conditions: [source, ...defaultServerConditions] },
    // geckos' server asks for a node-datachannel that does not install everywhere, so it is always bundled.
    noExternal: [/^@tickwire\//, /^@geckos\.io\//],
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
    chunkSizeWarningLimit: 2_000, // kB: Phaser alone is 1.4 MB before compression
    reportCompressedSize: false,
  },
  test: {
    projects: [
      suite('unit', ['packages/*/src/**/*.test.ts', 'examples/**/*.test.ts']),
      suite('architecture', ['test/architecture/**/*.test.ts']),
      suite('property', ['test/property/**/*.test.ts', 'test/fuzz/**/*.test.ts'], {
        testTimeout: 2 * MINUTE,
      }),
      suite('contract', ['test/contract/**/*.test.ts'], { testTimeout: MINUTE }),
      suite('sim', ['test/sim/**/*.test.ts'], { testTimeout: 10 * MINUTE }),
      // Browsers and sockets share one machine: one file at a time, or the timings mean nothing.
      suite('e2e', ['test/e2e/**/*.test.ts'], {
        fileParallelism: false,
        testTimeout: 2 * MINUTE,
        hookTimeout: 2 * MINUTE,
      }),
    ],
  },
}));
