import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { asksOf, moduleOf, packageOf, type Ask } from './imports.ts';
import { ambientLines, entrances, importLaws, isPure } from './laws.ts';

const root = resolve(import.meta.dirname, '../..');
const sources = globSync('{hub,spoke,proto,shared,deploy,test}/**/*.ts', { cwd: root, exclude: ['**/node_modules/**', 'hub/ui/**'] })
  .toSorted()
  .map((path) => ({ path, source: readFileSync(resolve(root, path), 'utf8') }));

const broken = (asks: readonly Ask[]): readonly string[] =>
  asks.flatMap((ask) => importLaws.filter((law) => law.broken(ask)).map((law) => `${ask.from} -> ${ask.to}: ${law.why}`));

test('imports follow the plan', () => {
  assert.ok(sources.length > 50);
  assert.deepEqual(
    sources.flatMap(({ path, source }) => broken(asksOf(path, source))),
    [],
  );
});

test('time and chance are handed in', () => {
  assert.deepEqual(
    sources.flatMap(({ path, source }) => ambientLines(path, source)),
    [],
  );
});

test('each external package that is installed for the product has an entrance, and each entrance a package', () => {
  const { dependencies } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
  const named = Object.keys(entrances).filter((name) => !name.startsWith('node:'));
  assert.deepEqual(named.toSorted(), Object.keys(dependencies).toSorted());
});

// Each row breaks one law; [file, its source, part of the reason].
const violations: readonly (readonly [string, string, string])[] = [
  ['hub/health/decide.ts', `import { plan } from '#spoke/plan/mod.ts';`, 'hub and spoke meet in proto'],
  ['spoke/plan/plan.ts', `import type { Store } from '../../hub/store/mod.ts';`, 'hub and spoke meet in proto'],
  ['shared/oci/client.ts', `import { Store } from '#hub/store/mod.ts';`, 'nothing stands on what stands on it'],
  ['proto/strict.ts', `import { Client } from '#shared/oci/mod.ts';`, 'nothing stands on what stands on it'],
  ['hub/store/store.ts', `import { startNats } from '#deploy/local/servers/mod.ts';`, 'nothing stands on what stands on it'],
  ['hub/health/service.ts', `import { open } from '#hub/store/sqlite.ts';`, 'by its mod.ts'],
  ['hub/health/service.ts', `import { open } from '../store/sqlite.ts';`, 'by its mod.ts'],
  ['hub/health/service.ts', `export {\n  one,\n  two,\n} from '#shared/kernel/digest.ts';`, 'by its mod.ts'],
  ['deploy/local/start.ts', `import { gitHandler } from './servers/git-http.ts';`, 'by its mod.ts'],
  ['hub/health/service.ts', `const late = await import('#hub/store/sqlite.ts');`, 'by its mod.ts'],
  ['hub/gateway/server.ts', `import { Server } from '@grpc/grpc-js';`, 'table of entrances'],
  ['hub/sources/poll.ts', `import { KubeConfig } from '@kubernetes/client-node';`, 'table of entrances'],
  ['spoke/main.ts', `import { DatabaseSync } from 'node:sqlite';`, 'table of entrances'],
  ['hub/sources/poll.ts', `import left from 'left-pad';`, 'table of entrances'],
  ['shared/oci/client.ts', `import fc from 'fast-check';`, 'stay in tests'],
  ['hub/store/mod.ts', `export { storeContract } from './contract.ts';`, 'stay in tests'],
  ['spoke/spoke.ts', `import { MemoryKube } from '#spoke/kube/memory/mod.ts';`, 'carries an API server'],
  ['spoke/kube/client.ts', `import { Store } from '#shared/kubernetes/mod.ts';`, 'carries an API server'],
  ['shared/kernel/ids.ts', `import { readFile } from 'node:fs/promises';`, 'does no I/O'],
  ['hub/rollouts/decide.ts', `import { request } from 'node:https';`, 'does no I/O'],
];

for (const [path, source, reason] of violations) {
  test(`refused: ${path} with ${source.replaceAll('\n', ' ')}`, () => {
    const found = broken(asksOf(path, source));
    assert.equal(found.length, 1, found.join('\n'));
    assert.ok(found[0]?.includes(reason), found[0]);
  });
}

const lawful: readonly (readonly [string, string])[] = [
  ['hub/health/service.ts', `import { open } from '#hub/store/mod.ts';`],
  ['hub/health/service.ts', `import { rule } from './rules.ts';`],
  ['spoke/kube/client.ts', `import { KubeConfig } from '@kubernetes/client-node';`],
  ['proto/gen/wheelhouse/v1/spoke.ts', `import { Server } from '@grpc/grpc-js';`],
  ['shared/bus/bus.contract.test.ts', `import { startNats } from '#deploy/local/servers/mod.ts';`],
  ['shared/oci/client.test.ts', `import fc from 'fast-check';`],
  ['shared/bus/testing/nats.ts', `import { startNats } from '#deploy/local/servers/mod.ts';`],
  ['deploy/local/start.ts', `import { startPlane } from '#test/kube/mod.ts';`],
  ['shared/kernel/digest.ts', `import { createHash } from 'node:crypto';`],
  ['deploy/local/start.ts', `import { startNats } from './servers/mod.ts';`],
  ['hub/main.ts', `import { open } from './store/mod.ts';`],
  ['spoke/kube/memory/cluster.ts', `import { Store } from '#shared/kubernetes/mod.ts';`],
  ['spoke/state/state.test.ts', `import { MemoryKube } from '#spoke/kube/memory/mod.ts';`],
  ['deploy/sandbox/clusters.ts', `import { Store } from '#shared/kubernetes/mod.ts';`],
  ['hub/health/text.ts', `  const text = "import x from 'left-pad'";`],
];

for (const [path, source] of lawful) {
  test(`allowed: ${path} with ${source}`, () => assert.deepEqual(broken(asksOf(path, source)), []));
}

const clocks: readonly (readonly [string, string, number])[] = [
  ['hub/health/service.ts', 'const now = Date.now();', 1],
  ['hub/health/service.ts', 'const now = new Date();', 1],
  ['spoke/kube/watch.ts', 'setTimeout(again, 100);', 1],
  ['spoke/kube/watch.ts', 'globalThis.setInterval(() => again(), 100);', 1],
  ['shared/oci/client.ts', 'const wait = base * Math.random();', 1],
  ['shared/oci/client.ts', 'const id = randomUUID();', 0],
  ['shared/oci/client.ts', `import { setTimeout as sleep } from 'node:timers/promises';`, 1],
  ['shared/clock/system.ts', 'now: () => Date.now(),', 0],
  ['hub/health/service.ts', 'const at = new Date(clock.now());', 0],
  ['hub/health/service.ts', '// never Date.now(): see shared/clock', 0],
  ['hub/health/service.test.ts', 'const now = Date.now();', 0],
  ['deploy/local/start.ts', 'const now = Date.now();', 0],
];

for (const [path, source, count] of clocks) {
  test(`${count === 0 ? 'allowed' : 'refused'}: ${path} with ${source}`, () => assert.equal(ambientLines(path, source).length, count));
}

test('a path names its module, a name its package, and pure files are known by theirs', () => {
  assert.equal(moduleOf('hub/store/rows/placements.ts'), 'hub/store');
  assert.equal(moduleOf('hub/main.ts'), 'hub');
  assert.equal(moduleOf('proto/gen/wheelhouse/v1/spoke.ts'), moduleOf('proto/mod.ts'));
  assert.equal(moduleOf('deploy/local/servers/nats.ts'), 'deploy/local/servers');
  assert.equal(moduleOf('deploy/local/start.ts'), 'deploy/local');
  assert.equal(packageOf('@nats-io/kv/internal'), '@nats-io/kv');
  assert.equal(packageOf('node:fs/promises'), 'node:fs');
  assert.ok(isPure('hub/rollouts/decide.ts') && isPure('shared/kernel/fence.ts'));
  assert.ok(!isPure('hub/rollouts/decide.test.ts') && !isPure('hub/rollouts/service.ts'));
});
