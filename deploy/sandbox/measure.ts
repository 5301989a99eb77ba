import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startSandbox } from './mod.ts';

// node --expose-gc deploy/sandbox/measure.ts --clusters 100: what an idle cluster costs, resident, and how long it takes to start.
const { values } = parseArgs({ options: { clusters: { type: 'string', default: '100' } } });
const count = Number(values.clusters);
const dir = await mkdtemp(join(tmpdir(), 'wheelhouse-sandbox-'));
const residentMb = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().rss / 1024 / 1024;
};
const start = async (names: readonly string[], folder: string) => await startSandbox({ dir: join(dir, folder), names });
try {
  // One first: what the program itself needs is not a cluster's.
  await using _first = await start(['first'], 'first');
  const [before, began] = [residentMb(), performance.now()];
  await using _rest = await start(
    Array.from({ length: count }, (_, index) => `c-${index}`),
    'rest',
  );
  const ms = performance.now() - began;
  const after = residentMb();
  const report = { clusters: count, programMb: before, clusterMb: (after - before) / count, startMs: ms / count };
  process.stdout.write(
    `${JSON.stringify(report, (_, value: unknown) => (typeof value === 'number' ? Math.round(value * 100) / 100 : value))}\n`,
  );
} finally {
  await rm(dir, { recursive: true, force: true });
}
