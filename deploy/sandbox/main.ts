import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { explain } from '#shared/kernel/mod.ts';
import { startSandbox } from './mod.ts';

// node deploy/sandbox/main.ts --dir DIR --names a,b,c
// Runs until SIGTERM or SIGINT. DIR/ready.json is there while all clusters answer, and says where.
const { dir, names } = parseArgs({ options: { dir: { type: 'string' }, names: { type: 'string' } } }).values;
try {
  if (dir === undefined || names === undefined) throw new Error('usage: node deploy/sandbox/main.ts --dir DIR --names a,b,c');
  const log = (line: string): void => void process.stdout.write(`${line}\n`);
  const sandbox = await startSandbox({ dir, names: names.split(','), log });
  const ready = join(dir, 'ready.json');
  await writeFile(
    ready,
    JSON.stringify({ pid: process.pid, clusters: sandbox.clusters.map(({ name, url, kubeconfig }) => ({ name, url, kubeconfig })) }),
  );
  const stop = (): void => void Promise.all([rm(ready, { force: true }), sandbox.stop()]).then(() => process.exit(0));
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
} catch (error) {
  process.stderr.write(`sandbox: ${explain(error)}\n`);
  process.exitCode = 1;
}
