import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Store, type Stored } from '#shared/kubernetes/mod.ts';
import { storeIn } from './files.ts';

const object = (name: string): Stored => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', uid: name, resourceVersion: '1', creationTimestamp: '' },
});

test('a state file is read as far as it is whole, and rewritten before it is mostly history', () => {
  const dir = mkdtempSync(join(tmpdir(), 'wheelhouse-state-'));
  try {
    const store = storeIn(dir, () => new Store([], 1));
    store.put('/configmaps', object('a'));
    store.put('/configmaps', object('b'));
    store.remove('/configmaps', store.get('/configmaps', 'default', 'a') ?? assert.fail());
    const path = join(dir, 'state.jsonl');
    writeFileSync(path, `${readFileSync(path, 'utf8')}{"version":9,"table":"/conf`);
    const read = storeIn(dir, () => assert.fail('it was there'));
    assert.deepEqual(
      read.list('/configmaps').map(({ metadata }) => metadata.name),
      ['b'],
    );
    assert.equal(read.version, 4);
    for (let n = 0; n < 6_000; n += 1) read.put('/configmaps', object('b'));
    assert.ok(readFileSync(path, 'utf8').split('\n').length < 2_000);
    assert.equal(storeIn(dir, () => assert.fail()).version, 6_004);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
