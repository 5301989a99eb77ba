import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

// node hub/cli/pack.ts [FOLDER]: the command as one file of plain JavaScript that Node 20 runs, with everything that it needs, and a package.json of its
// own that depends on nothing. `npm pack` at the root does this first, into dist/; `npm pack ./dist` packs the command alone.
const root = join(import.meta.dirname, '../..');
const dist = resolve(process.argv[2] ?? join(root, 'dist'));
const { name, version, description, license } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Record<string, string>;

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
await build({
  entryPoints: [join(root, 'hub/cli/main.ts')],
  outfile: join(dist, 'wheelhouse.mjs'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  minifySyntax: true,
  legalComments: 'eof',
  // Some of what is bundled is CommonJS inside.
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire as createRequireOf } from 'node:module';\nconst require = createRequireOf(import.meta.url);",
  },
  logLevel: 'warning',
});
const manifest = {
  name,
  version,
  description,
  license,
  type: 'module',
  bin: { wheelhouse: 'wheelhouse.mjs' },
  engines: { node: '>=20.3' },
};
await writeFile(join(dist, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
await cp(join(import.meta.dirname, 'README.md'), join(dist, 'README.md'));
