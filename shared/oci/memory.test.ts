import assert from 'node:assert/strict';
import test from 'node:test';
import { registryContract, sample } from './contract.ts';
import { MemoryRegistry } from './memory.ts';
import { parseRepository } from './reference.ts';

const repository = parseRepository('registry.example/acme/shop');
registryContract('memory', () => Promise.resolve({ registry: new MemoryRegistry(), repository }));

test('memory: what callers do to their bytes afterwards changes nothing', async (t) => {
  const registry = new MemoryRegistry();
  const [layer] = sample('kept').blobs;
  const mine = Uint8Array.from(layer?.bytes ?? []);
  const descriptor = layer?.descriptor ?? assert.fail();
  await registry.push(repository, { descriptor, bytes: mine }, t.signal);
  mine.fill(0);
  const theirs = await registry.fetch(repository, descriptor, t.signal);
  theirs.fill(0);
  assert.deepEqual(Buffer.from(await registry.fetch(repository, descriptor, t.signal)), Buffer.from(layer?.bytes ?? []));
});
