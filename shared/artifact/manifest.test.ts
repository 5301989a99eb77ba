import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import * as fc from 'fast-check';
import { mediaTypes as oci } from '../oci/mod.ts';
import { ArtifactError, type ArtifactCode } from './errors.ts';
import { manifestMaxBytes } from './limits.ts';
import { annotations, mediaTypes, parseManifest } from './manifest.ts';
import { parseIndex } from './release-index.ts';

type Doc = Record<string, unknown>;
const digest = `sha256:${'a'.repeat(64)}`;
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

const layer = { mediaType: mediaTypes.layer, digest, size: 10 };
const manifest: Doc = {
  schemaVersion: 2,
  mediaType: oci.manifest,
  config: { mediaType: mediaTypes.config, digest, size: 2 },
  layers: [layer],
};
const listed = (environment: string): Doc => ({
  mediaType: oci.manifest,
  digest,
  size: 5,
  annotations: { [annotations.environment]: environment },
});
const index: Doc = { schemaVersion: 2, mediaType: oci.index, manifests: [listed('dev'), listed('prod')] };

type Row = readonly [name: string, bytes: Uint8Array, code: ArtifactCode, says: RegExp];
const both = (what: string, sound: Doc): readonly Row[] => [
  [`${what}: not JSON`, Buffer.from('<html>'), 'MANIFEST_MALFORMED', /not UTF-8 JSON/],
  [`${what}: not UTF-8`, Uint8Array.of(0x22, 0xff, 0x22), 'MANIFEST_MALFORMED', /not UTF-8 JSON/],
  [`${what}: a list`, json([]), 'MANIFEST_MALFORMED', /not a JSON object/],
  [`${what}: more than 4 MiB`, Buffer.alloc(manifestMaxBytes + 1, ' '), 'MANIFEST_TOO_LARGE', /at most 4194304/],
  [`${what}: nested too deep`, Buffer.from('['.repeat(manifestMaxBytes)), 'MANIFEST_MALFORMED', /not UTF-8 JSON/],
  [`${what}: another version`, json({ ...sound, schemaVersion: 1 }), 'MANIFEST_MALFORMED', /schemaVersion/],
  [
    `${what}: another media type`,
    json({ ...sound, mediaType: 'application/json' }),
    'MANIFEST_UNSUPPORTED',
    /mediaType is "application\/json"/,
  ],
  [
    `${what}: an index and a manifest at once`,
    json({ ...index, ...manifest, mediaType: sound['mediaType'] }),
    'MANIFEST_MALFORMED',
    /it also has/,
  ],
  [`${what}: annotations that are no texts`, json({ ...sound, annotations: { a: 1 } }), 'MANIFEST_MALFORMED', /annotations are not texts/],
];

const manifests: readonly Row[] = [
  ...both('manifest', manifest),
  ['no layers', json({ ...manifest, layers: undefined }), 'MANIFEST_MALFORMED', /layers is not a list/],
  ['no layer', json({ ...manifest, layers: [] }), 'MANIFEST_UNSUPPORTED', /0 layers/],
  ['two layers', json({ ...manifest, layers: [layer, layer] }), 'MANIFEST_UNSUPPORTED', /2 layers; an artifact has exactly one/],
  [
    'an uncompressed layer',
    json({ ...manifest, layers: [{ ...layer, mediaType: 'application/vnd.oci.image.layer.v1.tar' }] }),
    'MANIFEST_UNSUPPORTED',
    /the layer is "application/,
  ],
  [
    'a layer above the limit',
    json({ ...manifest, layers: [{ ...layer, size: 100 * 1024 * 1024 + 1 }] }),
    'ARCHIVE_TOO_LARGE',
    /at most 104857600/,
  ],
  ['a layer of negative size', json({ ...manifest, layers: [{ ...layer, size: -1 }] }), 'MANIFEST_MALFORMED', /layers\[0\]\.size/],
  ['a layer of fractional size', json({ ...manifest, layers: [{ ...layer, size: 1.5 }] }), 'MANIFEST_MALFORMED', /layers\[0\]\.size/],
  [
    'a layer with a short digest',
    json({ ...manifest, layers: [{ ...layer, digest: 'sha256:aa' }] }),
    'MANIFEST_MALFORMED',
    /layers\[0\]\.digest/,
  ],
  [
    'a layer with an md5',
    json({ ...manifest, layers: [{ ...layer, digest: `md5:${'a'.repeat(32)}` }] }),
    'MANIFEST_MALFORMED',
    /layers\[0\]\.digest/,
  ],
  ['a layer that is text', json({ ...manifest, layers: ['a'] }), 'MANIFEST_MALFORMED', /layers\[0\] is not a descriptor/],
  ['no config', json({ ...manifest, config: undefined }), 'MANIFEST_MALFORMED', /config is not a descriptor/],
  [
    'an environment that is no name',
    json({ ...manifest, annotations: { [annotations.environment]: '../x' } }),
    'MANIFEST_MALFORMED',
    /"\.\.\/x" is not a name/,
  ],
];
const indexes: readonly Row[] = [
  ...both('index', index),
  ['no manifests', json({ ...index, manifests: null }), 'MANIFEST_MALFORMED', /manifests is not a list/],
  [
    'no environment',
    json({ ...index, manifests: [{ ...listed('dev'), annotations: {} }] }),
    'MANIFEST_UNSUPPORTED',
    /no manifest has the annotation/,
  ],
  ['an environment twice', json({ ...index, manifests: [listed('dev'), listed('dev')] }), 'MANIFEST_MALFORMED', /there twice/],
  ['an environment that is no name', json({ ...index, manifests: [listed('Dev')] }), 'MANIFEST_MALFORMED', /"Dev" is not a name/],
  [
    'an index within',
    json({ ...index, manifests: [{ ...listed('dev'), mediaType: oci.index }] }),
    'MANIFEST_UNSUPPORTED',
    /dev is a .*index/,
  ],
  [
    'too many manifests',
    json({ ...index, manifests: Array.from({ length: 129 }, (_, i) => listed(`e${i}`)) }),
    'MANIFEST_MALFORMED',
    /129 manifests/,
  ],
  ['images that are no JSON', json({ ...index, annotations: { [annotations.images]: '[' } }), 'MANIFEST_MALFORMED', /images is not JSON/],
  [
    'images that are no texts',
    json({ ...index, annotations: { [annotations.images]: '[1]' } }),
    'MANIFEST_MALFORMED',
    /images is not a list/,
  ],
];

const refuses = (parse: (bytes: Uint8Array) => unknown, rows: readonly Row[]): void => {
  for (const [name, bytes, code, message] of rows)
    test(`${parse.name} refuses ${name}`, () => assert.throws(() => parse(bytes), { name: 'ArtifactError', code, message }));
};
refuses(parseManifest, manifests);
refuses(parseIndex, indexes);

for (const [tool, file] of [
  ['flux push artifact', 'flux-manifest.json'],
  ['oras push', 'oras-manifest.json'],
] as const)
  test(`parseManifest reads what \`${tool}\` writes`, (t) => {
    t.assert.fileSnapshot(
      parseManifest(readFileSync(`${import.meta.dirname}/testdata/${file}`)),
      `${import.meta.dirname}/testdata/${file.replace('.json', '.golden.json')}`,
    );
  });

test('a manifest without mediaType is a manifest; unknown fields pass', () => {
  assert.equal(parseManifest(json({ ...manifest, mediaType: undefined, subject: 1, extra: {} })).layer.size, 10);
});

test('manifests that others add to an index are passed over', () => {
  const attestation = { ...listed('dev'), annotations: { 'vnd.docker.reference.type': 'attestation-manifest' } };
  assert.deepEqual(
    parseIndex(json({ ...index, manifests: [attestation, listed('dev')] })).variants.map((v) => v.environment),
    ['dev'],
  );
});

test('law: any JSON is read or refused with a code', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(...Object.keys(manifest), ...Object.keys(index), 'annotations'), (value, key) => {
      for (const [parse, sound] of [
        [parseManifest, manifest],
        [parseIndex, index],
      ] as const) {
        try {
          parse(json({ ...sound, [key]: value }));
        } catch (error) {
          assert.ok(error instanceof ArtifactError, String(error));
        }
      }
    }),
  );
});
