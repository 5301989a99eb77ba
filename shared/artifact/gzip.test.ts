import assert from 'node:assert/strict';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { seededRandom } from '../clock/mod.ts';
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
