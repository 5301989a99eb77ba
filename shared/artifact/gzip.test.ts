import assert from 'node:assert/strict';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { seededRandom } from '../clock/mod.ts';
import { digestOf } from '../kernel/mod.ts';
import type { ArtifactCode } from './errors.ts';
import { gunzip, gzip } from './gzip.ts';
import { artifactLimits } from './limits.ts';

const limits = { ...artifactLimits, archiveMaxBytes: 64 * 1024, ratioFreeBytes: 4 * 1024, ratioMax: 10 };
const noise = (length: number): Uint8Array => seededRandom(1).bytes(length);
const sound = gzip(Buffer.from('hello'));

const refused: readonly (readonly [name: string, bytes: Uint8Array, code: ArtifactCode])[] = [
  ['a bomb', gzip(new Uint8Array(32 * 1024)), 'RATIO_EXCEEDED'],
  ['more than an archive may have', gzip(noise(65 * 1024)), 'ARCHIVE_TOO_LARGE'],
  ['a bomb in two members', Buffer.concat([gzip(new Uint8Array(3000)), gzip(new Uint8Array(3000))]), 'RATIO_EXCEEDED'],
  ['nothing', new Uint8Array(), 'ARCHIVE_MALFORMED'],
  ['no gzip', Buffer.from('hello, this is text'), 'ARCHIVE_MALFORMED'],
  ['a cut stream', sound.subarray(0, -1), 'ARCHIVE_MALFORMED'],
  ['text behind the end', Buffer.concat([sound, Buffer.from('more')]), 'ARCHIVE_MALFORMED'],
  ['zeros behind the end', Buffer.concat([sound, new Uint8Array(8)]), 'ARCHIVE_MALFORMED'],
];

for (const [name, bytes, code] of refused)
  test(`gunzip refuses ${name}`, () => assert.throws(() => gunzip(bytes, limits), { name: 'ArtifactError', code }));

/** Something like manifests: words that come again at drawn distances, so that level and memory of the compressor show. */
function text(length: number): Uint8Array {
  const random = seededRandom(7);
  const words = Array.from({ length: 3000 }, () => `${Math.floor(random.next() * 2 ** 30).toString(36)}: `);
  const out: string[] = [];
  for (let size = 0; size < length; size += out.at(-1)?.length ?? 0)
    out.push(words[Math.floor(random.next() * random.next() * random.next() * words.length)] ?? '');
  return Buffer.from(out.join('')).subarray(0, length);
}

const golden: readonly (readonly [lengthBytes: number, digest: string])[] = [
  [0, 'sha256:59869db34853933b239f1e2219cf7d431da006aa919635478511fabbfc8849d2'],
  [30_000, 'sha256:63b21aefa211b8611fdff90f13344caf03b49a8585e8c5407f18f52eab3ae8f0'],
  [1_000_000, 'sha256:a26d30ef0a2477bc2e78d7099b7c121d3974570c5402f07c4bf353f44311b574'],
];
for (const [length, digest] of golden)
  test(`the golden bytes of ${length} bytes compressed`, () => assert.equal(digestOf(gzip(text(length))), digest));

test('what compresses well and is small passes', () => assert.equal(gunzip(gzip(new Uint8Array(4 * 1024)), limits).byteLength, 4 * 1024));

test('the real limits: 100 MiB pass, 100 MiB and a byte do not', () => {
  // zlib here: what others compress is read as well. Some noise keeps the ratio below 100.
  const bytes = Buffer.alloc(artifactLimits.archiveMaxBytes + 1);
  bytes.set(noise(2 * 1024 * 1024));
  assert.equal(gunzip(gzipSync(bytes.subarray(1), { level: 1 })).byteLength, artifactLimits.archiveMaxBytes);
  assert.throws(() => gunzip(gzipSync(bytes, { level: 1 })), { code: 'ARCHIVE_TOO_LARGE' });
});

test('law: what was compressed is what is inflated', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => assert.deepEqual(Uint8Array.from(gunzip(gzip(bytes))), bytes)));
});
