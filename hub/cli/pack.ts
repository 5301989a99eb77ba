import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

// `npm pack` runs this: one file of plain JavaScript in dist/, with everything that the command needs.
const root = join(import.meta.dirname, '../..');
const dist = join(root, 'dist');
await rm(dist, { recursive: true, force: true });
await build({
  entryPoints: [join(root, 'hub/cli/main.ts')],
  outfile: join(dist, 'wheelhouse.mjs'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  legalComments: 'eof',
  // commander is CommonJS inside.
  banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
  logLevel: 'warning',
});
