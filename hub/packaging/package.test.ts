import assert from 'node:assert/strict';
import test from 'node:test';
import { parseManifest, readVariant } from '#shared/artifact/mod.ts';
import { MemoryRegistry, parseRepository, type Content, type Repository } from '#shared/oci/mod.ts';
import { isManifestPath, packageCommit, PackagingError, pushRelease, type Packaging } from './mod.ts';
import { readManifests } from './manifests.ts';
import { variantsOf, type VariantOf } from './variants.ts';

const filesOf = (files: Readonly<Record<string, string>>): ReadonlyMap<string, Uint8Array> =>
  new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)]));

const object = (kind: string, name: string, rest = ''): string => `apiVersion: v1\nkind: ${kind}\nmetadata: {name: ${name}}\n${rest}`;
const pod = object('Pod', 'a', "spec: {containers: [{name: c, image: 'nginx:1'}], initContainers: [{name: i, image: busybox}]}\n");

// Targets (environment or environment=path), files -> files of each environment.
const layouts: readonly (readonly [string, readonly string[], string])[] = [
  ['dev prod', ['a.yaml', 'b/c.yml'], 'dev: a.yaml b/c.yml; prod: a.yaml b/c.yml'],
  ['dev prod', ['dev/a.yaml', 'prod/b.yaml', 'README.yaml'], 'dev: a.yaml; prod: b.yaml'],
  ['dev', ['dev/a.yaml', 'prod/b.yaml'], 'dev: a.yaml'],
  ['test', ['dev/a.yaml', 'prod/b.yaml'], 'test: dev/a.yaml prod/b.yaml'],
  ['dev=x prod=x/y', ['x/a.yaml', 'x/y/b.yaml'], 'dev: a.yaml y/b.yaml; prod: b.yaml'],
  ['dev prod=live', ['dev/a.yaml', 'live/b.yaml'], 'dev: a.yaml; prod: b.yaml'],
  ['dev', ['a.yaml', 'b.txt', '.github/c.yaml', 'd/.e.yaml', 'f.JSON'], 'dev: a.yaml f.JSON'],
];
const targetsOf = (text: string): VariantOf[] =>
  text.split(' ').map((part) => {
    const [environment = '', path] = part.split('=');
    return path === undefined ? { environment } : { environment, path };
  });
for (const [targets, paths, expected] of layouts)
  test(`${targets} of ${paths.join(', ')}`, () => {
    const variants = variantsOf(targetsOf(targets), filesOf(Object.fromEntries(paths.map((path) => [path, pod]))));
    assert.equal([...variants].map(([name, files]) => `${name}: ${[...files.keys()].join(' ')}`).join('; '), expected);
  });

const missing: readonly (readonly [string, readonly string[], string, RegExp])[] = [
  ['dev prod', ['dev/a.yaml'], 'VARIANT_MISSING', /environment prod has no folder/],
  ['dev prod=live', ['a.yaml', 'live/b.yaml'], 'VARIANT_MISSING', /environment dev/],
  ['dev=x', ['a.yaml'], 'VARIANT_EMPTY', /no manifest in x\//],
  ['dev=x', ['xy/a.yaml'], 'VARIANT_EMPTY', /no manifest in x\//],
  ['dev', ['README.md'], 'VARIANT_EMPTY', /retire/],
];
for (const [targets, paths, code, message] of missing)
  test(`${targets} of ${paths.join(', ')}: ${code}`, () => {
    const files = filesOf(Object.fromEntries(paths.map((path) => [path, pod])));
    assert.throws(
      () => variantsOf(targetsOf(targets), files),
      (error: unknown) => error instanceof PackagingError && error.code === code && message.test(error.message),
    );
  });

// Content of a.yaml -> objects and images, or the code and what the message says.
const manifests: readonly (readonly [string, string, number | string, string | RegExp])[] = [
  ['one object', pod, 1, 'busybox nginx:1'],
  ['several documents', `${pod}---\n# nothing\n---\n${object('ConfigMap', 'b')}`, 2, 'busybox nginx:1'],
  ['JSON', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}', 1, ''],
  [
    'a list',
    `apiVersion: v1\nkind: List\nitems:\n- ${pod.trim().replaceAll('\n', '\n  ')}\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n`,
    2,
    'busybox nginx:1',
  ],
  [
    'containers deep in a kind of its own',
    object('Thing', 'a', 'spec: {jobs: [{template: {spec: {containers: [{image: x:1}]}}}]}\n'),
    1,
    'x:1',
  ],
  ['an image that is no text', object('Pod', 'a', 'spec: {containers: [{image: 7}, {image: z}, 3]}\n'), 1, 'z'],
  [
    'one name in two groups and two namespaces',
    `${object('A', 'x')}---\n${object('A', 'x').replace('v1', 'g.io/v1')}---\n${object('A', 'x').replace('{name: x}', '{name: x, namespace: ns}')}`,
    3,
    '',
  ],
  ['nothing', '# nothing\n', 'VARIANT_EMPTY', /no objects at all/],
  ['an empty list', 'apiVersion: v1\nkind: List\nitems: []\n', 'VARIANT_EMPTY', /retire/],
  ['broken YAML', 'a: [b', 'MANIFEST_MALFORMED', /a\.yaml:1:6: /],
  ['a tab', 'a:\n\tb: c\n', 'MANIFEST_MALFORMED', /a\.yaml:2:1: /],
  ['a value', `${pod}---\njust words\n`, 'MANIFEST_MALFORMED', /a\.yaml:6:1: is not a Kubernetes object/],
  ['settings of another tool', 'rules: []\n', 'MANIFEST_MALFORMED', /apiVersion is missing/],
  ['no kind', 'apiVersion: v1\nmetadata: {name: a}\n', 'MANIFEST_MALFORMED', /kind is missing/],
  ['no name', 'apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n', 'MANIFEST_MALFORMED', /a\.yaml:1:1: generateName names nothing/],
  ['a number that would lose digits', `${pod}spec: {n: 9007199254740993}\n`, 'MANIFEST_MALFORMED', /a\.yaml:\d+:\d+: .*2\^53/],
  [
    'a label that is no text',
    'apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {on: true}}\n',
    'MANIFEST_MALFORMED',
    /a\.yaml:1:1: metadata\.labels is not a map of texts/,
  ],
  ['a name that is a path', object('Pod', 'a/b'), 'MANIFEST_MALFORMED', /is not a name/],
  ['the same object twice', `${pod}---\n${pod}`, 'MANIFEST_MALFORMED', /a\.yaml:6:1: Pod\/a is there twice, first at a\.yaml:1:1/],
  [
    'a kustomization',
    'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [b.yaml]\n',
    'NOT_RENDERED',
    /kustomize build/,
  ],
  ['brackets without end', '['.repeat(100_000), 'MANIFEST_MALFORMED', /a\.yaml:1:/],
  ['no text', '\u0000\u00ff', 'MANIFEST_MALFORMED', /a\.yaml/],
];
for (const [what, text, expected, detail] of manifests)
  test(`manifests: ${what}`, async () => {
    const files = new Map([['a.yaml', what === 'no text' ? Uint8Array.of(0xff, 0xfe, 0) : Buffer.from(text)]]);
    if (typeof expected === 'number') {
      const { objects, images } = await readManifests('dev', files);
      assert.deepEqual([objects, images.join(' ')], [expected, detail]);
      return;
    }
    await assert.rejects(
      () => readManifests('dev', files),
      (error: unknown) => {
        assert.ok(error instanceof PackagingError);
        assert.equal(error.code, expected);
        assert.match(error.message, detail as RegExp);
        return true;
      },
    );
  });

test('many problems are said at once, and in bounds', async () => {
  const files = filesOf(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`f${i}.yaml`, 'a: 1\n'])));
  await assert.rejects(
    () => readManifests('dev', files),
    (error: Error) => error.message.split('\n').length === 22 && error.message.endsWith('and 30 more'),
  );
});

test('what can hold manifests', () => {
  const paths = ['a.yaml', 'b/c.YML', 'd.json', 'e.txt', '.f.yaml', '.g/h.yaml', 'i/.j/k.yaml', 'yaml'];
  assert.deepEqual(paths.filter(isManifestPath), ['a.yaml', 'b/c.YML', 'd.json']);
});

const packaging: Packaging = {
  source: 'https://git.example.com/acme/web',
  commit: '0123456789abcdef0123456789abcdef01234567',
  author: 'Ada <ada@example.com>',
  committedAt: Date.UTC(2026, 0, 2, 3, 4, 5),
  files: filesOf({ 'dev/a.yaml': pod, 'prod/a.yaml': pod, 'prod/b.yaml': object('Pod', 'b', 'spec: {containers: [{image: z}]}\n') }),
  targets: [{ environment: 'dev' }, { environment: 'prod' }],
};

test('the same commit is the same release, and names its images', async () => {
  const { release, images } = await packageCommit(packaging);
  const again = await packageCommit({
    ...packaging,
    files: new Map([...packaging.files].toReversed()),
    targets: packaging.targets.toReversed(),
  });
  assert.equal(again.release.digest, release.digest);
  assert.deepEqual(images, ['busybox', 'nginx:1', 'z']);
  assert.match(release.alias, /^20260102T030405Z-0123456-/);
});

test('one broken environment stops the whole release', async () => {
  const files = filesOf({ 'dev/a.yaml': pod, 'prod/a.yaml': 'a: [' });
  await assert.rejects(packageCommit({ ...packaging, files }), { code: 'MANIFEST_MALFORMED', message: /environment prod/ });
});

const repository = parseRepository('registry.example.com/acme/web');

test('a release is pushed in the order in which it can be read, tags last', async (t) => {
  const { release } = await packageCommit(packaging);
  const seen: string[] = [];
  class Watched extends MemoryRegistry {
    override async push(given: Repository, content: Content, signal: AbortSignal): Promise<'pushed' | 'exists'> {
      seen.push(content.descriptor.digest);
      return super.push(given, content, signal);
    }
    override async tag(given: Repository, manifest: Content, tag: string, signal: AbortSignal): Promise<void> {
      seen.push(tag);
      return super.tag(given, manifest, tag, signal);
    }
  }
  const registry = new Watched();
  await pushRelease(registry, repository, release, t.signal);
  assert.deepEqual(seen.slice(-4), [release.digest, release.alias, `${release.alias}-dev`, `${release.alias}-prod`]);
  // Again: nothing is tagged anew.
  seen.length = 0;
  assert.deepEqual(await pushRelease(registry, repository, release, t.signal), { tagsMoved: [] });
  assert.ok(!seen.includes(release.alias));
});

test('each environment gets its own files', async () => {
  const { release } = await packageCommit(packaging);
  const blobs = new Map(release.blobs.map(({ descriptor, bytes }) => [descriptor.digest, bytes]));
  const read = release.manifests.map(({ bytes }) => {
    const { environment, layer } = parseManifest(bytes);
    return [environment, ...readVariant(blobs.get(layer.digest) ?? new Uint8Array()).files.keys()].join(' ');
  });
  assert.deepEqual(read, ['dev a.yaml', 'prod a.yaml b.yaml']);
});
