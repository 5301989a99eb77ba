#!/usr/bin/env node
// The command `wheelhouse`, wherever it is: in a clone it runs the sources on the Node that the clone brings; in an installed package, where Node runs
// no TypeScript, the bundle that `npm pack` made of them.
import { existsSync } from 'node:fs';

const sources = new URL('main.ts', import.meta.url);
if (existsSync(sources)) {
  const { main } = await import('../../deploy/local/launch.mjs');
  await main(['hub/cli/main.ts', ...process.argv.slice(2)]).catch((error) => {
    process.stderr.write(`wheelhouse: ${error.message}\n`);
    process.exitCode = 1;
  });
} else {
  await import('../../dist/wheelhouse.mjs');
}
