// The golden vectors of the judge. `node spoke/desired/testdata/vectors.ts` writes them anew, one file each, from fixed keys.
import { globSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { keysetPayloadType } from '#proto/mod.ts';
import type { Floor, HashedFence, Judgement, Self } from '../judge.ts';
import { type Document, documentOf, historyOf, keys, sealed, self } from './documents.ts';

interface Vector {
  readonly name: string;
  readonly envelope: Uint8Array;
  readonly stored?: HashedFence;
  readonly floor?: Floor;
  readonly self?: Self;
  readonly expected: Judgement['outcome'];
}

const main = historyOf(1, 100);
const other = historyOf(1, 100, 'other', 5);
const at = (generation: number, history = main): Document => history[generation - 1] ?? documentOf({ epoch: 1, generation }, []);
const recovered = documentOf({ epoch: 2, generation: 1 }, []);
const nothingYet: Floor = { fence: { epoch: 1, generation: 0, hash: new Uint8Array() } };
const stored = at(7).fence;
const next = sealed(at(8).payload);

const flipped = (position: number): Buffer => {
  const bytes = Buffer.from(next);
  bytes.writeUInt8(bytes.readUInt8(position) ^ 0x10, position);
  return bytes;
};
const payloadAt = next.indexOf(at(8).payload);
const typeAt = next.indexOf('application/vnd.wheelhouse');

const vectors: readonly Vector[] = [
  { name: 'accept-next', envelope: next, stored, expected: 'Accept' },
  { name: 'accept-after-missing-some', envelope: sealed(at(60).payload), stored, expected: 'Accept' },
  { name: 'accept-confirmed-by-hub', envelope: sealed(at(100).payload), stored, floor: { fence: at(100).fence, confirmed: stored }, expected: 'Accept' },
  { name: 'accept-higher-epoch', envelope: sealed(recovered.payload), stored, expected: 'Accept' },
  { name: 'accept-first', envelope: sealed(at(1).payload), floor: nothingYet, expected: 'Accept' },
  { name: 'accept-first-at-floor', envelope: sealed(at(7).payload), floor: { fence: stored }, expected: 'Accept' },
  { name: 'accept-first-above-floor', envelope: next, floor: { fence: stored }, expected: 'Accept' },
  { name: 'same', envelope: sealed(at(7).payload), stored, expected: 'Same' },
  { name: 'same-payload-signed-anew', envelope: sealed(at(7).payload, keys.next), stored, expected: 'Same' },
  { name: 'older-generation', envelope: sealed(at(6).payload), stored, expected: 'Older' },
  { name: 'older-epoch', envelope: sealed(at(100).payload), stored: recovered.fence, expected: 'Older' },
  { name: 'older-than-floor', envelope: sealed(at(6).payload), floor: { fence: stored }, expected: 'Older' },
  { name: 'forked-same-fence', envelope: sealed(at(7, other).payload), stored, expected: 'Forked' },
  { name: 'forked-same-fence-as-floor', envelope: sealed(at(7, other).payload), floor: { fence: stored }, expected: 'Forked' },
  { name: 'forked-higher-generation-of-another-history', envelope: sealed(at(8, other).payload), stored, expected: 'Forked' },
  { name: 'forked-ancestors-do-not-reach', envelope: sealed(at(100).payload), stored, expected: 'Forked' },
  {
    name: 'forked-although-confirmed',
    envelope: sealed(at(8, other).payload),
    stored,
    floor: { fence: at(8, other).fence, confirmed: stored },
    expected: 'Forked',
  },
  {
    name: 'forked-another-fence-confirmed',
    envelope: sealed(at(100).payload),
    stored,
    floor: { fence: at(100).fence, confirmed: at(7, other).fence },
    expected: 'Forked',
  },
  { name: 'not-mine-another-cluster', envelope: sealed(documentOf({ epoch: 1, generation: 8 }, main, { clusterUid: 'c2' }).payload), stored, expected: 'NotMine' },
  { name: 'not-mine-another-fleet', envelope: sealed(documentOf({ epoch: 9, generation: 8 }, main, { fleetId: 'f2' }).payload), stored, expected: 'NotMine' },
  { name: 'bad-signature-flipped-first-payload-byte', envelope: flipped(payloadAt), stored, expected: 'BadSignature' },
  { name: 'bad-signature-flipped-middle-payload-byte', envelope: flipped(payloadAt + (at(8).payload.length >> 1)), stored, expected: 'BadSignature' },
  { name: 'bad-signature-flipped-last-payload-byte', envelope: flipped(payloadAt + at(8).payload.length - 1), stored, expected: 'BadSignature' },
  { name: 'bad-signature-flipped-payload-type', envelope: flipped(typeAt + 5), stored, expected: 'BadSignature' },
  { name: 'bad-signature-flipped-signature', envelope: flipped(typeAt + 70), stored, expected: 'BadSignature' },
  { name: 'bad-signature-of-a-stranger', envelope: sealed(at(8).payload, keys.stranger), stored, expected: 'BadSignature' },
  {
    name: 'bad-signature-one-of-two',
    envelope: next,
    stored,
    self: { ...self, desired: { ...self.desired, threshold: 2 } },
    expected: 'BadSignature',
  },
  { name: 'malformed-another-payload-type', envelope: sealed(at(8).payload, keys.desired, keysetPayloadType), stored, expected: 'Malformed' },
  { name: 'malformed-empty-object', envelope: sealed(gzipSync('{}')), stored, expected: 'Malformed' },
  { name: 'malformed-not-compressed', envelope: sealed(Buffer.from('{}')), stored, expected: 'Malformed' },
  { name: 'malformed-empty-message', envelope: new Uint8Array(), stored, expected: 'Malformed' },
  { name: 'malformed-not-an-envelope', envelope: Buffer.from('nothing is desired'), stored, expected: 'Malformed' },
  {
    name: 'unsupported-document-feature',
    envelope: sealed(documentOf({ epoch: 1, generation: 8 }, main, { requires: ['sharded-documents'] }).payload),
    stored,
    expected: 'Unsupported',
  },
  { name: 'no-floor', envelope: next, expected: 'NoFloor' },
];

const fenceJson = (fence: HashedFence): object => ({ ...fence, hash: Buffer.from(fence.hash).toString('hex') });

function json(vector: Vector): string {
  const { name, envelope, floor, expected } = vector;
  const { fleetId, clusterUid, desired, features } = vector.self ?? self;
  const content = {
    name,
    expected,
    stored: vector.stored ? fenceJson(vector.stored) : null,
    floor: floor ? { fence: fenceJson(floor.fence), confirmed: floor.confirmed ? fenceJson(floor.confirmed) : null } : null,
    self: {
      fleetId,
      clusterUid,
      threshold: desired.threshold,
      keys: desired.keys.map((k) => ({ keyid: k.keyid, spki: k.spki.toString('base64') })),
      features: [...(features ?? [])],
    },
    envelope: Buffer.from(envelope).toString('base64'),
  };
  return `${JSON.stringify(content, undefined, 2)}\n`;
}

const folder = fileURLToPath(new URL('.', import.meta.url));
for (const stale of globSync('*.json', { cwd: folder })) rmSync(join(folder, stale));
for (const vector of vectors) writeFileSync(join(folder, `${vector.name}.json`), json(vector));
