import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import {
  type Assignment,
  AssignmentMode,
  AssignmentState,
  decodeDesired,
  DecodeError,
  DeletionPolicy,
  desiredLimits,
  type DesiredState,
  encodeDesired,
} from './mod.ts';

const hash = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

const assignment = (uid: string): Assignment => ({
  uid,
  tenant: 'payments',
  app: 'ledger',
  environment: 'prod',
  state: AssignmentState.ASSIGNMENT_STATE_ACTIVE,
  mode: AssignmentMode.ASSIGNMENT_MODE_ENFORCE,
  revision: hash(`revision ${uid}`),
  indexDigest: hash(`index ${uid}`),
  variant: { repository: 'registry.example:5000/payments/ledger', digest: hash('manifest'), layerHash: hash('layer') },
  inputs: Buffer.from('{"namespace":"ledger"}'),
  takesOver: ['p0old'],
  requires: ['takes-over'],
  deletionPolicy: DeletionPolicy.DELETION_POLICY_UNSPECIFIED,
  pruneApproval: { id: 'approval-1', revision: hash('plan'), objectsMax: 3 },
  cause: { rollout: 'r1', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
});

const state = (...uids: string[]): DesiredState => ({
  fleetId: 'f1',
  clusterUid: 'c1',
  epoch: 1,
  generation: 7,
  ancestors: [
    { generation: 6, hash: Buffer.alloc(8, 6) },
    { generation: 4, hash: Buffer.alloc(8, 4) },
  ],
  keysetVersion: 1,
  requires: [],
  assignments: uids.map(assignment),
});

type Json = Record<string, unknown>;
const jsonOf = (s: DesiredState): Json => JSON.parse(gunzipSync(encodeDesired(s)).toString()) as Json;
const packed = (json: unknown): Buffer => gzipSync(typeof json === 'string' ? json : JSON.stringify(json));
const failure = (run: () => unknown): DecodeError => {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof DecodeError, String(error));
    return error;
  }
  return assert.fail('was accepted');
};
/** The sample as JSON, changed. */
const changed = (change: (json: Json, first: Json) => void): Buffer => {
  const json = jsonOf(state('p1', 'p2'));
  change(json, (json['assignments'] as Json[])[0] ?? {});
  return packed(json);
};

test('what is encoded is decoded, with assignments sorted by uid', () => {
  assert.deepEqual(decodeDesired(encodeDesired(state('p2', 'p1'))), state('p1', 'p2'));
  assert.deepEqual(encodeDesired(state('p2', 'p1')), encodeDesired(state('p1', 'p2')));
});

test('a tombstone needs only uid, state and deletion policy', () => {
  const json = {
    ...jsonOf(state()),
    assignments: [{ uid: 'p1', state: 'ASSIGNMENT_STATE_REMOVED', deletionPolicy: 'DELETION_POLICY_ORPHAN' }],
  };
  const [tombstone] = decodeDesired(packed(json)).assignments;
  assert.equal(tombstone?.state, AssignmentState.ASSIGNMENT_STATE_REMOVED);
  assert.equal(tombstone.deletionPolicy, DeletionPolicy.DELETION_POLICY_ORPHAN);
  const undecided = { ...json, assignments: [{ uid: 'p1', state: 'ASSIGNMENT_STATE_REMOVED' }] };
  assert.equal(failure(() => decodeDesired(packed(undecided))).problems[0]?.path, '$.assignments[0].deletionPolicy');
});

test('unknown fields pass, at any level, even ones that shadow a prototype', () => {
  const payload = changed((json, first) => {
    json['later'] = { deep: [1] };
    first['later'] = 'x';
    (first['variant'] as Json)['later'] = null;
  });
  assert.deepEqual(decodeDesired(payload), state('p1', 'p2'));
  const shadow = gunzipSync(payload).toString().replace('{', '{"__proto__":{"fleetId":"evil"},');
  assert.deepEqual(decodeDesired(packed(shadow)), state('p1', 'p2'));
});

test('64-bit integers may be written as strings, as ProtoJSON does', () => {
  assert.equal(decodeDesired(changed((json) => (json['epoch'] = '1'))).epoch, 1);
});

const rows: readonly [name: string, path: string, change: (json: Json, first: Json) => void][] = [
  ...['fleetId', 'clusterUid', 'epoch', 'generation', 'keysetVersion'].map(
    (key) => [`no ${key}`, `$.${key}`, (json: Json): void => void delete json[key]] as [string, string, (json: Json) => void],
  ),
  ...['uid', 'tenant', 'app', 'environment', 'state', 'mode', 'revision', 'indexDigest', 'variant', 'inputs'].map(
    (key) =>
      [`assignment without ${key}`, `$.assignments[0].${key}`, (_: Json, first: Json): void => void delete first[key]] as [
        string,
        string,
        (json: Json, first: Json) => void,
      ],
  ),
  ['no repository', '$.assignments[0].variant.repository', (_, a) => delete (a['variant'] as Json)['repository']],
  ['a repository without a host', '$.assignments[0].variant.repository', (_, a) => ((a['variant'] as Json)['repository'] = 'ledger')],
  ['no layer hash', '$.assignments[0].variant.layerHash', (_, a) => delete (a['variant'] as Json)['layerHash']],
  ['null is absent', '$.fleetId', (j) => (j['fleetId'] = null)],
  ['empty uid', '$.clusterUid', (j) => (j['clusterUid'] = '')],
  ['bad uid', '$.clusterUid', (j) => (j['clusterUid'] = 'c1.>')],
  ['uid too long', '$.assignments[0].uid', (_, a) => (a['uid'] = 'p'.repeat(64))],
  ['epoch 0', '$.epoch', (j) => (j['epoch'] = 0)],
  ['fractional generation', '$.generation', (j) => (j['generation'] = 7.5)],
  ['negative generation', '$.generation', (j) => (j['generation'] = -7)],
  ['unsafe generation', '$.generation', (j) => (j['generation'] = 2 ** 53)],
  ['unsafe generation in a string', '$.generation', (j) => (j['generation'] = '9007199254740993')],
  ['a numeral with an exponent', '$.generation', (j) => (j['generation'] = '1e3')],
  ['a boolean for a number', '$.epoch', (j) => (j['epoch'] = true)],
  ['a number for text', '$.fleetId', (j) => (j['fleetId'] = 1)],
  ['a keyset version above 32 bits', '$.keysetVersion', (j) => (j['keysetVersion'] = 2 ** 32)],
  ['assignments as an object', '$.assignments', (j) => (j['assignments'] = {})],
  ['an assignment that is text', '$.assignments[0]', (j) => (j['assignments'] = ['p1'])],
  ['a variant that is a list', '$.assignments[0].variant', (_, a) => (a['variant'] = [])],
  ['unspecified state', '$.assignments[0].state', (_, a) => (a['state'] = 'ASSIGNMENT_STATE_UNSPECIFIED')],
  ['unknown state', '$.assignments[0].state', (_, a) => (a['state'] = 'ASSIGNMENT_STATE_PARKED')],
  ['unrecognized state', '$.assignments[0].state', (_, a) => (a['state'] = 'UNRECOGNIZED')],
  ['a state by number', '$.assignments[0].state', (_, a) => (a['state'] = 1)],
  ['unknown mode', '$.assignments[0].mode', (_, a) => (a['mode'] = 'ASSIGNMENT_MODE_MAYBE')],
  ['unspecified deletion policy', '$.assignments[0].deletionPolicy', (_, a) => (a['deletionPolicy'] = 'DELETION_POLICY_UNSPECIFIED')],
  ['short digest', '$.assignments[0].revision', (_, a) => (a['revision'] = 'sha256:abc')],
  ['upper-case digest', '$.assignments[0].indexDigest', (_, a) => (a['indexDigest'] = hash('x').toUpperCase())],
  ['sha512', '$.assignments[0].variant.digest', (_, a) => ((a['variant'] as Json)['digest'] = `sha512:${'0'.repeat(64)}`)],
  ['inputs not base64', '$.assignments[0].inputs', (_, a) => (a['inputs'] = '{}')],
  ['inputs base64 without padding', '$.assignments[0].inputs', (_, a) => (a['inputs'] = 'e30')],
  ['inputs base64 with stray bits', '$.assignments[0].inputs', (_, a) => (a['inputs'] = 'e31=')],
  ['inputs over 8 KiB', '$.assignments[0].inputs', (_, a) => (a['inputs'] = Buffer.alloc(8 * 1024 + 1).toString('base64'))],
  ['a second assignment of one uid', '$.assignments[1]', (j, a) => (j['assignments'] = [a, a])],
  ['an ancestor hash of 7 bytes', '$.ancestors[0].hash', (j) => (j['ancestors'] = [{ generation: 6, hash: 'AAAAAAAAAA==' }])],
  ['an ancestor as new as the state', '$.ancestors[0].generation', (j) => (j['ancestors'] = [{ generation: 7, hash: 'AAAAAAAAAAA=' }])],
  [
    'ancestors oldest first',
    '$.ancestors[1].generation',
    (j) => (j['ancestors'] = [4, 6].map((generation) => ({ generation, hash: 'AAAAAAAAAAA=' }))),
  ],
  ['65 ancestors', '$.ancestors', (j) => (j['ancestors'] = Array.from({ length: 65 }, () => ({ generation: 1, hash: 'AAAAAAAAAAA=' })))],
  ['an approval without a revision', '$.assignments[0].pruneApproval.revision', (_, a) => delete (a['pruneApproval'] as Json)['revision']],
];
for (const [name, path, change] of rows) {
  test(`refused: ${name}`, () => {
    const error = failure(() => decodeDesired(changed(change)));
    assert.equal(error.code, 'INVALID');
    assert.deepEqual(
      error.problems.map((p) => p.path),
      [path],
    );
  });
}

test('inputs of exactly 8 KiB are read', () => {
  const payload = changed((_, a) => (a['inputs'] = Buffer.alloc(8 * 1024).toString('base64')));
  assert.equal(decodeDesired(payload).assignments[0]?.inputs.length, 8 * 1024);
});

test('all problems are listed at once, at most 20, with the fence that was seen', () => {
  const three = failure(() => decodeDesired(packed({ fleetId: 'f1', epoch: 2, generation: 9, assignments: [{ uid: 1 }] })));
  assert.ok(three.problems.length > 5);
  assert.deepEqual(three.seen, { epoch: 2, generation: 9 });
  const many = failure(() => decodeDesired(changed((j) => (j['assignments'] = Array.from({ length: 500 }, () => ({}))))));
  assert.equal(many.problems.length, 20);
});

test('{} is no state: it misses everything', () => {
  const error = failure(() => decodeDesired(packed({})));
  assert.deepEqual(
    error.problems.map((p) => p.path),
    ['$.fleetId', '$.clusterUid', '$.epoch', '$.generation', '$.keysetVersion'],
  );
});

const hostile: readonly [name: string, code: string, payload: () => Uint8Array][] = [
  ['nothing', 'NOT_GZIP', () => new Uint8Array()],
  ['JSON that is not compressed', 'NOT_GZIP', () => Buffer.from('{}')],
  ['truncated gzip', 'NOT_GZIP', () => packed({}).subarray(0, -9)],
  ['text that is not JSON', 'NOT_JSON', () => packed('{')],
  ['bytes that are not UTF-8', 'NOT_JSON', () => gzipSync(Buffer.from([0x22, 0xff, 0x22]))],
  ['a bomb: 1 GiB is never unpacked', 'TOO_LARGE', () => gzipSync(Buffer.alloc(5 * 1024 * 1024, 0x20))],
  ['more than 768 KiB compressed', 'TOO_LARGE', () => Buffer.alloc(desiredLimits.compressedBytesMax + 1)],
  ['brackets nested 100,000 deep', 'TOO_LARGE', () => packed('['.repeat(100_000))],
  ['null', 'INVALID', () => packed(null)],
  ['a list', 'INVALID', () => packed([])],
];
for (const [name, code, payload] of hostile) {
  test(`hostile: ${name}`, () => assert.equal(failure(() => decodeDesired(payload())).code, code));
}

test('brackets inside strings do not count as depth', () => {
  assert.doesNotThrow(() => decodeDesired(changed((j) => (j['later'] = `"\\${'['.repeat(1000)}`))));
});

test('an unknown format feature is Unsupported whatever else the document holds, a known one passes', () => {
  const payload = packed({ epoch: 1, generation: 2, requires: ['sharded-documents'], shards: 3 });
  const error = failure(() => decodeDesired(payload));
  assert.equal(error.code, 'UNSUPPORTED');
  assert.match(error.message, /sharded-documents/);
  assert.deepEqual(error.seen, { epoch: 1, generation: 2 });
  assert.equal(failure(() => decodeDesired(payload, new Set(['sharded-documents']))).code, 'INVALID');
});

test('what no spoke would read is not encoded: 2,001 assignments, double uids, a missing field, too many bytes', () => {
  const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `p${i}`);
  assert.equal(decodeDesired(encodeDesired(state(...many(2_000)))).assignments.length, 2_000);
  assert.equal(failure(() => encodeDesired(state(...many(2_001)))).code, 'INVALID');
  assert.equal(failure(() => encodeDesired(state('p1', 'p1'))).code, 'INVALID');
  assert.equal(failure(() => encodeDesired({ ...state(), generation: 0 })).code, 'INVALID');
  const noise = (uid: string, i: number): Assignment => ({
    ...assignment(uid),
    inputs: Buffer.concat(Array.from({ length: 200 }, (_, k) => createHash('sha256').update(`${i}/${k}`).digest())),
  });
  assert.equal(failure(() => encodeDesired({ ...state(), assignments: many(150).map(noise) })).code, 'TOO_LARGE');
  const bulky = (uid: string): Assignment => ({ ...assignment(uid), inputs: Buffer.alloc(8_000, 0x61) });
  assert.equal(failure(() => encodeDesired({ ...state(), assignments: many(500).map(bulky) })).code, 'TOO_LARGE');
});

for (const value of [{ toString: null }, { valueOf: null, toString: 1 }, [{ toString: null }], null, true])
  for (const key of ['epoch', 'generation'])
    test(`${key} that is ${JSON.stringify(value)} is refused, not thrown over`, () =>
      assert.ok(failure(() => decodeDesired(changed((json) => (json[key] = value))))));

test('whatever JSON comes, the answer is a state or a DecodeError', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom('fleetId', 'epoch', 'ancestors', 'requires', 'assignments'), (value, key) => {
      for (const payload of [packed(value), changed((json) => (json[key] = value))]) {
        try {
          const read = decodeDesired(payload);
          assert.deepEqual(decodeDesired(encodeDesired(read)), { ...read, assignments: read.assignments });
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }
    }),
  );
});
