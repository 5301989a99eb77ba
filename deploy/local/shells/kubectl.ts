// DATA/bin/kubectl on a machine that has none on PATH: the one beside a real control plane in the cache, else Debian's, fetched at the first call.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { explain } from '#shared/kernel/mod.ts';
import { cacheFolder, findServer } from '../servers/mod.ts';

async function command(): Promise<string> {
  const [built] = globSync(join(cacheFolder(process.env), 'kube-*', 'kubectl'));
  if (built !== undefined) return built;
  const log = (line: string): void => void process.stderr.write(`kubectl: ${line}\n`);
  return (await findServer('kubectl', { sources: ['debian'], log })).command;
}

try {
  const { status, signal, error } = spawnSync(await command(), process.argv.slice(2), { stdio: 'inherit' });
  if (error) throw error;
  process.exitCode = status ?? 128 + constants.signals[signal ?? 'SIGTERM'];
} catch (error) {
  process.stderr.write(`kubectl: ${explain(error)}\n`);
  process.exitCode = 127;
}
process.exit();
