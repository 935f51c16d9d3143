// Builds the published files: one module per entry point, shared code in chunks, types beside them.
import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: {
    index: 'src/index.ts',
    internal: 'src/internal.ts',
    'client/index': 'src/client/index.ts',
    'testing/index': 'src/testing/index.ts',
    'transport/index': 'src/transport/index.ts',
  },
  platform: 'neutral',
  target: 'es2022',
  fixedExtension: false,
  dts: true,
  sourcemap: true,
  deps: { neverBundle: [/^@tickwire\/server/] },
});
