import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { startRegistry, type RegistryServer } from '#deploy/local/servers/mod.ts';
import { buildRelease, parseIndex, parseManifest, readVariant } from '../artifact/mod.ts';
import { systemClock, systemRandom } from '../clock/mod.ts';
import { RegistryClient } from './client.ts';
import { registryContract } from './contract.ts';
import { parseRepository, type Repository } from './reference.ts';
import { retried } from './retry.ts';

let server: RegistryServer;
let folder: string;
let repositories = 0;

before(
  async () => {
    folder = await mkdtemp(join(tmpdir(), 'wheelhouse-oci-'));
    server = await startRegistry({ dir: folder });
  },
  // Its program may have to be fetched first.
  { timeout: 300_000 },
);
after(async () => {
  await server?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

// The contract is run on single attempts: what fails must fail at once.
const client = new RegistryClient({ clock: systemClock });
const registry = retried(client, { clock: systemClock, random: systemRandom });
const fresh = (): Repository => parseRepository(`${server.address}/acme/shop-${++repositories}`);

registryContract('a real registry', () => Promise.resolve({ registry: client, repository: fresh() }));

test('a release goes to a real registry and comes back by its digest alone, and by its tags', async (t) => {
  const repository = fresh();
  const files = new Map([['web.yaml', Buffer.from('kind: Deployment\n')]]);
  const release = await buildRelease({
    created: new Date('2026-01-02T03:04:05Z'),
    source: 'https://git.example/shop.git',
    revision: '0123456789abcdef0123456789abcdef01234567',
    author: 'Ada Writer <ada@example.com>',
    images: ['registry.example/web:1.2'],
    variants: new Map([
      ['dev', files],
      ['prod', new Map([...files, ['more.yaml', Buffer.from('kind: Service\n')]])],
    ]),
  });
  for (const content of [...release.blobs, ...release.manifests, release.index]) await registry.push(repository, content, t.signal);
  for (const [tag, content] of release.tags) await registry.tag(repository, content, tag, t.signal);

  const found = await registry.resolve({ ...repository, digest: release.digest }, t.signal);
  assert.deepEqual(found, release.index.descriptor);
  assert.deepEqual(await registry.resolve({ ...repository, tag: release.alias }, t.signal), found);
  const index = parseIndex(await registry.fetch(repository, found, t.signal));
  const read = [];
  for (const { environment, manifest } of index.variants) {
    const { layer } = parseManifest(await registry.fetch(repository, manifest, t.signal));
    const { files, layerHash } = readVariant(await registry.fetch(repository, layer, t.signal));
    assert.deepEqual(await registry.resolve({ ...repository, tag: `${release.alias}-${environment}` }, t.signal), manifest);
    read.push({ environment, layerHash, paths: [...files.keys()] });
  }
  assert.deepEqual(read, [
    { environment: 'dev', layerHash: release.variants[0]?.layerHash, paths: ['web.yaml'] },
    { environment: 'prod', layerHash: release.variants[1]?.layerHash, paths: ['more.yaml', 'web.yaml'] },
  ]);
});
