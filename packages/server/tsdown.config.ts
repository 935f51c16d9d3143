// Builds the published files. geckos' server goes inside: it pins a node-datachannel that does not install everywhere.
// The licences of what is bundled are in THIRD-PARTY-LICENSES.
import { defineConfig } from 'tsdown';

const GECKOS = ['@geckos.io/server', '@geckos.io/common', '@yandeu/events'];

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    'cli/index': 'src/cli/index.ts',
    'core/index': 'src/core/index.ts',
    'vite/index': 'src/vite/index.ts',
    'testing/index': 'src/testing/index.ts',
  },
  platform: 'node',
  target: 'node20',
  fixedExtension: false,
  dts: true,
  sourcemap: true,
  deps: {
    alwaysBundle: GECKOS.map((name) => new RegExp(`^${name}`)),
    onlyBundle: GECKOS,
    neverBundle: [/^@tickwire\/netcode/, 'vite'],
  },
});
