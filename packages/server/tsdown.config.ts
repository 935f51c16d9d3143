// Builds the published files. geckos' server goes inside: it pins a node-datachannel that does not install everywhere.
import { copyFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'tsdown';

const licence = new URL('LICENSE', import.meta.resolve('@geckos.io/server/package.json'));

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    'core/index': 'src/core/index.ts',
    'vite/index': 'src/vite/index.ts',
    'testing/index': 'src/testing/index.ts',
  },
  platform: 'node',
  target: 'node20',
  fixedExtension: false,
  dts: true,
  sourcemap: true,
  deps: { alwaysBundle: [/^@geckos\.io\//, '@yandeu/events'], neverBundle: [/^@tickwire\/netcode/, 'vite'] },
  // BSD-3-Clause asks for its text to travel with the code.
  onSuccess: () => copyFile(fileURLToPath(licence), 'dist/geckos.LICENSE'),
});
