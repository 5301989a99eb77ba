import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { compareFence } from '#shared/kernel/mod.ts';
import { type Floor, type HashedFence, judge, type Judgement } from './judge.ts';
import { type Document, documentOf, historyOf, sealed, self } from './testdata/documents.ts';

interface FenceJson {
  readonly epoch: number;
  readonly generation: number;
  readonly hash: string;
}
interface VectorJson {
  readonly name: string;
  readonly expected: Judgement['outcome'];
  readonly envelope: string;
  readonly stored: FenceJson | null;
  readonly floor: { readonly fence: FenceJson; readonly confirmed: FenceJson | null } | null;
  readonly self: {
    readonly fleetId: string;
    readonly clusterUid: string;
    readonly threshold: number;
    readonly keys: readonly { readonly keyid: string; readonly spki: string }[];
    readonly features: readonly string[];
  };
}

const fenceOf = (json: FenceJson): HashedFence => ({ ...json, hash: Buffer.from(json.hash, 'hex') });
const folder = new URL('testdata/', import.meta.url);
const vectors = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as VectorJson);

const judged = ({ stored, envelope, self: who, floor }: VectorJson): Judgement =>
  judge(
    stored ? fenceOf(stored) : undefined,
    Buffer.from(envelope, 'base64'),
    {
      fleetId: who.fleetId,
      clusterUid: who.clusterUid,
      desired: { threshold: who.threshold, keys: who.keys.map((k) => ({ keyid: k.keyid, spki: Buffer.from(k.spki, 'base64') })) },
      features: new Set(who.features),
    },
    floor ? { fence: fenceOf(floor.fence), ...(floor.confirmed ? { confirmed: fenceOf(floor.confirmed) } : {}) } : undefined,
  );

for (const vector of vectors) {
  test(`vector ${vector.name}: ${vector.expected}`, () => {
    const judgement = judged(vector);
    assert.equal(judgement.outcome, vector.expected, JSON.stringify(judgement));
    if (judgement.outcome === 'Accept') assert.equal(judgement.state.generation, judgement.fence.generation);
    else if (judgement.outcome !== 'Same') assert.ok(judgement.message.length > 10, 'a refusal says why');
  });
}

test('there is a vector for every outcome', () => {
  const outcomes: Record<Judgement['outcome'], true> = {
    Accept: true,
    Same: true,
    Older: true,
    Forked: true,
    NotMine: true,
    BadSignature: true,
    Malformed: true,
    Unsupported: true,
    NoFloor: true,
  };
  assert.deepEqual(new Set(vectors.map((v) => v.expected)), new Set(Object.keys(outcomes)));
});

test('what was refused is reported with its fence and hash, once the signature holds', () => {
  const [first, second] = historyOf(1, 2);
  assert.ok(first && second);
  const older = judge(second.fence, sealed(first.payload), self, undefined);
  assert.deepEqual(older.outcome === 'Older' && older.seen, first.fence);
  const broken = judge(second.fence, sealed(first.payload).fill(0, 50, 60), self, undefined);
  assert.ok(broken.outcome === 'BadSignature' && broken.seen === undefined);
});

// Two histories that share their first two generations, in two epochs, each document also for a second cluster.
const lines = [1, 2].flatMap((epoch) => [historyOf(epoch, 6), historyOf(epoch, 6, 'other', 3)]);
const documents: readonly Document[] = [...new Map(lines.flat().map((d) => [Buffer.from(d.fence.hash).toString('hex'), d])).values()];
const foreign = [1, 2].map((epoch) => documentOf({ epoch, generation: 9 }, [], { clusterUid: 'c2' }));

const anyDocument = fc.constantFrom(...documents, ...foreign);
const anyFloor = fc.option(
  fc.record({ fence: fc.constantFrom(...documents).map((d) => d.fence), confirmed: fc.constantFrom(...documents).map((d) => d.fence) }),
  { nil: undefined },
);
const anyDelivery = fc.record({ document: anyDocument, floor: anyFloor });

test('whatever is delivered, in whatever order: the fence never goes back, and of two documents with one fence at most one is accepted', () => {
  fc.assert(
    fc.property(fc.array(anyDelivery, { maxLength: 30 }), (deliveries) => {
      let stored: HashedFence | undefined;
      const accepted = new Map<string, string>();
      for (const { document, floor } of deliveries) {
        const judgement = judge(stored, sealed(document.payload), self, floor);
        if (judgement.outcome !== 'Accept') continue;
        assert.ok(stored === undefined || compareFence(judgement.fence, stored) > 0, 'the fence went back');
        assert.ok(!foreign.includes(document), 'accepted what is for another cluster');
        const key = `${judgement.fence.epoch}/${judgement.fence.generation}`;
        const hash = Buffer.from(judgement.fence.hash).toString('hex');
        assert.equal(accepted.get(key) ?? hash, hash);
        accepted.set(key, hash);
        stored = judgement.fence;
      }
    }),
    { numRuns: 300 },
  );
});

test('without a confirmation, what is accepted in one epoch is always of one history', () => {
  const lineOf = (d: Document): Document[][] => lines.filter((line) => line.some((l) => Buffer.compare(l.fence.hash, d.fence.hash) === 0));
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...documents), { maxLength: 30 }), (deliveries) => {
      const start: Floor = { fence: { epoch: 1, generation: 0, hash: new Uint8Array() } };
      let held: Document | undefined;
      for (const document of deliveries) {
        if (judge(held?.fence, sealed(document.payload), self, start).outcome !== 'Accept') continue;
        if (held?.fence.epoch === document.fence.epoch) {
          const before = lineOf(held);
          assert.ok(
            lineOf(document).some((line) => before.includes(line)),
            'changed from one history to the other',
          );
        }
        held = document;
      }
    }),
    { numRuns: 300 },
  );
});

test('of one history, in any order and any number of times, the newest that came is what is held', () => {
  const history = historyOf(1, 8);
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...history), { minLength: 1, maxLength: 20 }), (deliveries) => {
      const floor: Floor = { fence: { epoch: 1, generation: 0, hash: new Uint8Array() } };
      let stored: HashedFence | undefined;
      for (const document of deliveries) {
        const judgement = judge(stored, sealed(document.payload), self, floor);
        if (judgement.outcome === 'Accept') stored = judgement.fence;
      }
      assert.equal(stored?.generation, Math.max(...deliveries.map((d) => d.fence.generation)));
    }),
  );
});

test('no bytes at all are ever accepted but signed ones', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
      assert.match(judge(undefined, bytes, self, undefined).outcome, /^(Malformed|BadSignature)$/);
    }),
  );
});
