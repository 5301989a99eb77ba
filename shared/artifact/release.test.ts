import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import * as fc from 'fast-check';
import { digestOf } from '../kernel/mod.ts';
import { ArtifactError } from './errors.ts';
import { gzip } from './gzip.ts';
import { parseManifest } from './manifest.ts';
import { parseIndex } from './release-index.ts';
import { buildRelease, readVariant, type Release, type ReleaseSource } from './release.ts';
import type { Files } from './tar.ts';

const files = (texts: Record<string, string>): Files => new Map(Object.entries(texts).map(([path, text]) => [path, Buffer.from(text)]));
const shop = files({ 'web.yaml': 'kind: Deployment\n', 'base/namespace.yaml': 'kind: Namespace\n', 'base/ärger.yaml': '# é 文\n' });

const source: ReleaseSource = {
  created: new Date('2026-01-02T03:04:05.678Z'),
  source: 'https://git.example/shop.git',
  revision: '0123456789abcdef0123456789abcdef01234567',
  author: 'Ada Writer <ada@example.com>',
  images: ['registry.example/web:1.2', 'registry.example/api@sha256:00', 'registry.example/web:1.2'],
  variants: new Map([
    ['staging', shop],
    ['dev', shop],
    ['prod', files({ 'web.yaml': 'kind: Deployment\nspec: {replicas: 3}\n' })],
  ]),
};

/** What a person may look at in a golden file, and what machines are compared by. */
const summaryOf = (r: Release): unknown => ({
  alias: r.alias,
  digest: r.digest,
  tags: Object.fromEntries([...r.tags].map(([tag, { descriptor }]) => [tag, descriptor.digest])),
  variants: r.variants,
  blobs: r.blobs.map(({ descriptor }) => descriptor),
  index: JSON.parse(Buffer.from(r.index.bytes).toString()),
  manifests: r.manifests.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString())),
});

test('the golden release: the same commit has the same digest on any machine', async (t) => {
  t.assert.fileSnapshot(summaryOf(await buildRelease(source)), `${import.meta.dirname}/testdata/release.golden.json`);
});

test('a golden layer, byte for byte, is what the golden release ships', async () => {
  const golden = readFileSync(`${import.meta.dirname}/testdata/shop-layer.tar.gz`);
  const built = await buildRelease(source);
  assert.deepEqual(Buffer.from(built.blobs[0]?.bytes ?? []), golden);
  assert.deepEqual([...readVariant(golden).files.keys()], ['base/namespace.yaml', 'base/ärger.yaml', 'web.yaml']);
});

test('order of environments, files and images changes nothing', async () => {
  const turned = {
    ...source,
    images: source.images.toReversed(),
    variants: new Map([...source.variants].toReversed().map(([name, all]) => [name, new Map([...all].toReversed())])),
  };
  assert.deepEqual(await buildRelease(turned), await buildRelease(source));
});

test('environments with the same content share layer and config, and still have a manifest each', async () => {
  const { blobs, manifests, variants } = await buildRelease(source);
  const [dev, prod, staging] = variants;
  assert.deepEqual([dev?.environment, prod?.environment, staging?.environment], ['dev', 'prod', 'staging']);
  assert.equal(dev?.layerHash, staging?.layerHash);
  assert.notEqual(dev?.digest, staging?.digest);
  assert.notEqual(dev?.layerHash, prod?.layerHash);
  assert.equal(manifests.length, 3);
  assert.equal(blobs.length, 4);
});

test('what is built is read back: index, manifests, files, hash', async () => {
  const built = await buildRelease(source);
  const blobs = new Map([...built.blobs, ...built.manifests].map((c) => [c.descriptor.digest, c.bytes]));
  const index = parseIndex(built.index.bytes);
  assert.equal(digestOf(built.index.bytes), built.digest);
  assert.deepEqual(index.images, ['registry.example/api@sha256:00', 'registry.example/web:1.2']);
  assert.equal(index.author, 'Ada Writer <ada@example.com>');
  assert.equal(index.created, '2026-01-02T03:04:05Z');
  assert.equal(index.source, source.source);
  assert.equal(index.revision, source.revision);
  for (const [i, { environment, manifest }] of index.variants.entries()) {
    const read = parseManifest(blobs.get(manifest.digest) ?? new Uint8Array());
    const { files, layerHash } = readVariant(blobs.get(read.layer.digest) ?? new Uint8Array());
    const { digest, size, ...wanted } = built.variants[i] ?? assert.fail();
    assert.deepEqual({ environment: read.environment, layerHash }, wanted);
    assert.deepEqual(manifest, { mediaType: manifest.mediaType, digest, size });
    assert.deepEqual(
      new Map(files),
      new Map([...(source.variants.get(environment) ?? [])].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))),
    );
    const config = JSON.parse(Buffer.from(blobs.get(read.config.digest) ?? []).toString()) as { rootfs: { diff_ids: string[] } };
    assert.deepEqual(config.rootfs.diff_ids, [layerHash]);
  }
});

test('the alias is time, commit and digest, and every tag is a valid one', async () => {
  const { alias, digest, tags, index } = await buildRelease({ ...source, variants: new Map([['e'.repeat(63), shop]]) });
  assert.equal(alias, `20260102T030405Z-0123456-${digest.slice(7, 15)}`);
  assert.equal(tags.get(alias), index);
  for (const tag of tags.keys()) assert.match(tag, /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/);
  assert.deepEqual([...tags.keys()], [alias, `${alias}-${'e'.repeat(63)}`]);
});

const changes: readonly (readonly [name: string, change: Partial<ReleaseSource>])[] = [
  ['the second of the commit', { created: new Date('2026-01-02T03:04:06Z') }],
  ['the commit', { revision: 'f'.repeat(40) }],
  ['the source', { source: 'https://git.example/other.git' }],
  ['the author', { author: 'Someone Else' }],
  ['an image', { images: ['registry.example/web:1.3'] }],
  [
    'a byte of a file',
    { variants: new Map([...source.variants, ['prod', files({ 'web.yaml': 'kind: Deployment\nspec: {replicas: 4}\n' })]]) },
  ],
  ['a path', { variants: new Map([...source.variants, ['prod', files({ 'wed.yaml': 'kind: Deployment\nspec: {replicas: 3}\n' })]]) }],
  ['the name of an environment', { variants: new Map([...source.variants].map(([name, all]) => [name === 'prod' ? 'live' : name, all])) }],
];
for (const [name, change] of changes)
  test(`another digest when ${name} changes`, async () =>
    assert.notEqual((await buildRelease({ ...source, ...change })).digest, (await buildRelease(source)).digest));

const invalid: readonly (readonly [name: string, change: Partial<ReleaseSource>, says: RegExp])[] = [
  ['a short commit', { revision: '0123456' }, /"0123456" is not 40/],
  ['no time', { created: new Date(Number.NaN) }, /time of the commit/],
  ['a source that is no URL', { source: 'git@git.example:shop' }, /not a URL/],
  ['no environment', { variants: new Map() }, /no environment/],
  ['an environment without files', { variants: new Map([['dev', new Map()]]) }, /dev has no files/],
  ['an environment that is no name', { variants: new Map([['Dev', shop]]) }, /"Dev" is not a name/],
  ['too many environments', { variants: new Map(Array.from({ length: 65 }, (_, i) => [`e${i}`, shop])) }, /65 environments/],
  ['too many images', { images: Array.from({ length: 1001 }, (_, i) => `i:${i}`) }, /1001 images/],
  ['an empty image', { images: [''] }, /not an image reference/],
];
for (const [name, change, says] of invalid)
  test(`no release is built of ${name}`, () =>
    assert.rejects(buildRelease({ ...source, ...change }), { name: 'ArtifactError', code: 'RELEASE_INVALID', message: says }));

for (const url of [
  'https://ada:hunter2@git.example/shop.git',
  'https://hunter2@git.example/shop.git',
  'https://:hunter2@git.example/shop.git',
  'ssh://git:hunter2@git.example/shop.git',
])
  test(`credentials in the source are refused and not repeated: ${url}`, () =>
    assert.rejects(
      buildRelease({ ...source, source: url }),
      (e) => e instanceof ArtifactError && e.code === 'RELEASE_INVALID' && !e.message.includes('hunter2'),
    ));

test('an author is one bounded line, and may be missing', async () => {
  const authorOf = async (author: string): Promise<string | undefined> =>
    parseIndex((await buildRelease({ ...source, author })).index.bytes).author;
  assert.equal(await authorOf(`Eve\r\nX-Header: 1 ${'e'.repeat(1000)}`).then((a) => a?.slice(0, 16)), 'Eve X-Header: 1 ');
  assert.equal(await authorOf('e'.repeat(1000)).then((a) => a?.length), 256);
  assert.equal(await authorOf(' \n'), undefined);
});

test('what readers would refuse is not built', async () => {
  const bomb = new Map([['zeros.yaml', new Uint8Array(9 * 1024 * 1024)]]);
  await assert.rejects(buildRelease({ ...source, variants: new Map([['dev', bomb]]) }), { code: 'RATIO_EXCEEDED' });
});

test('law: a flipped bit anywhere in a layer never yields other content', async () => {
  const { blobs } = await buildRelease({ ...source, variants: new Map([['dev', shop]]) });
  const layer = blobs[0]?.bytes ?? assert.fail();
  const sound = readVariant(layer);
  let refusals = 0;
  for (let bit = 0; bit < layer.byteLength * 8; bit++) {
    const flipped = Uint8Array.from(layer);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    try {
      const read = readVariant(flipped);
      // Bits of the gzip header (time, operating system) and of codes that nothing uses are not content.
      assert.deepEqual(read, sound);
    } catch (error) {
      if (!(error instanceof ArtifactError)) throw error;
      refusals++;
    }
  }
  assert.ok(refusals > layer.byteLength * 8 * 0.9, `${refusals} of ${layer.byteLength * 8} refused`);
});

test('law: any bytes in place of a layer are refused with a code', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), fc.boolean(), (bytes, zipped) => {
      assert.throws(() => readVariant(zipped ? gzip(bytes) : bytes), { name: 'ArtifactError' });
    }),
  );
});
