import assert from 'node:assert/strict';
import test from 'node:test';
import type { CertificateRow, ClusterRow, TokenRow } from '#hub/store/mod.ts';
import { decideEnrolment, decideRenewal, renewalGraceMs, spentCertificates, type Asking, type Known } from './decide.ts';

const now = 1_000_000;
const key = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const cluster = (over: Partial<ClusterRow> = {}): ClusterRow => ({
  id: 1,
  name: 'one',
  uid: null,
  labels: '{}',
  parameters: '{}',
  state: 'Declared',
  kube_system_uid: null,
  facts: '{}',
  manager: 'api',
  source_digest: '',
  generation: 1,
  created_at: 0,
  updated_at: 0,
  ...over,
});
const token = (over: Partial<TokenRow> = {}): TokenRow => ({
  id: 2,
  kind: 'Join',
  hash: key(9),
  subject: 'one',
  scope: 'accepted',
  bound_key: null,
  expires_at: now + 1,
  created_at: 0,
  ...over,
});
const enrolled = cluster({ uid: 'c1', state: 'Accepted', kube_system_uid: 'kube-1' });
const asking: Asking = { keyHash: key(1), kubeSystemUid: 'kube-1' };

interface Row {
  readonly name: string;
  readonly known: Partial<Known>;
  readonly asking?: Partial<Asking>;
  /** An error's code, or outcome:uid. */
  readonly want: string;
}
const rows: readonly Row[] = [
  { name: 'a fresh token of a vouched-for agent', known: {}, want: 'accepted:new' },
  { name: 'a fresh token that needs an admin', known: { token: token({ scope: '' }) }, want: 'waiting:null' },
  {
    name: 'the same agent after a crash',
    known: { token: token({ bound_key: key(1) }), cluster: enrolled, sameKube: enrolled },
    want: 'accepted:c1',
  },
  {
    name: 'an agent that an admin accepted meanwhile',
    known: { token: token({ bound_key: key(1), scope: '' }), cluster: enrolled },
    want: 'accepted:c1',
  },
  { name: 'a second agent with a used token', known: { token: token({ bound_key: key(2) }) }, want: 'TOKEN_USED' },
  { name: 'an unknown token', known: { token: undefined }, want: 'TOKEN_INVALID' },
  { name: 'an API token', known: { token: token({ kind: 'Api' }) }, want: 'TOKEN_INVALID' },
  { name: 'a token at the moment of its expiry', known: { token: token({ expires_at: now }) }, want: 'TOKEN_EXPIRED' },
  { name: 'a cluster that was removed', known: { cluster: undefined }, want: 'NO_SUCH_CLUSTER' },
  { name: 'a revoked cluster', known: { cluster: cluster({ state: 'Revoked' }) }, want: 'REVOKED' },
  { name: 'a request without kube-system UID', known: {}, asking: { kubeSystemUid: '' }, want: 'REQUEST_INVALID' },
  { name: 'a cluster enrolled under another name', known: { sameKube: cluster({ id: 7, name: 'other' }) }, want: 'ENROLLED_ELSEWHERE' },
  { name: 'a request with a book for a kube-system UID', known: {}, asking: { kubeSystemUid: 'k'.repeat(129) }, want: 'REQUEST_INVALID' },
  {
    name: 'a new token for an enrolled cluster',
    known: { cluster: enrolled, sameKube: enrolled, certificates: [{ not_after: now - renewalGraceMs, revoked_at: null }] },
    want: 'CLUSTER_EXISTS',
  },
  {
    name: 'a new token for a cluster that was accepted after its token had expired',
    known: { cluster: enrolled, sameKube: enrolled },
    want: 'accepted:c1',
  },
  {
    name: 'a new token for a cluster that was away too long to renew',
    known: { cluster: enrolled, sameKube: enrolled, certificates: [{ not_after: now - renewalGraceMs - 1, revoked_at: null }] },
    want: 'accepted:c1',
  },
  {
    name: 'a new token for a cluster whose certificates were revoked',
    known: { cluster: enrolled, sameKube: enrolled, certificates: [{ not_after: now, revoked_at: 1 }] },
    want: 'accepted:c1',
  },
  {
    name: 'a new token for a cluster that was away too long, on a clone',
    known: { cluster: enrolled },
    asking: { kubeSystemUid: 'kube-2' },
    want: 'CLONE_REFUSED',
  },
  {
    name: 'a clone with the bound key',
    known: { token: token({ bound_key: key(1) }), cluster: cluster({ ...enrolled, kube_system_uid: 'kube-2' }) },
    want: 'CLONE_REFUSED',
  },
];

for (const row of rows) {
  test(`enrolment: ${row.name} -> ${row.want}`, () => {
    const known: Known = { token: token(), cluster: cluster(), sameKube: undefined, certificates: [], ...row.known };
    const decide = (): string => {
      const decided = decideEnrolment(known, { ...asking, ...row.asking }, now, () => 'new');
      return `${decided.outcome}:${decided.cluster.uid}`;
    };
    if (/^[A-Z_]+$/.test(row.want)) assert.throws(decide, { code: row.want });
    else assert.equal(decide(), row.want);
  });
}

test('asking again with the same key changes nothing', () => {
  const first = decideEnrolment({ token: token(), cluster: cluster(), sameKube: undefined, certificates: [] }, asking, now, () => 'new');
  assert.equal(first.changed, true);
  const again = decideEnrolment(
    { token: first.token, cluster: first.cluster, sameKube: first.cluster, certificates: [] },
    asking,
    now,
    () => 'another',
  );
  assert.deepEqual({ changed: again.changed, uid: again.cluster.uid }, { changed: false, uid: 'new' });
});

const certificate: CertificateRow = {
  id: 3,
  cluster_id: 1,
  serial: 's',
  fingerprint: 'f',
  key_hash: key(1),
  not_after: now,
  revoked_at: null,
  created_at: 0,
};
const renewing = { certificate, cluster: enrolled, clusterUid: 'c1', notAfter: now };
const renewals: readonly [string, object, Partial<Asking>, string][] = [
  ['expired a moment ago', {}, {}, 'ok'],
  ['expired 30 days ago', { notAfter: now - renewalGraceMs }, {}, 'ok'],
  ['expired longer ago', { notAfter: now - renewalGraceMs - 1 }, {}, 'CERTIFICATE_TOO_OLD'],
  ['not on record', { certificate: undefined }, {}, 'CERTIFICATE_UNKNOWN'],
  ['of another cluster', { certificate: { ...certificate, cluster_id: 8 } }, {}, 'CERTIFICATE_UNKNOWN'],
  ['revoked', { certificate: { ...certificate, revoked_at: 1 } }, {}, 'REVOKED'],
  ['of an identity that was replaced', { clusterUid: 'c0' }, {}, 'REVOKED'],
  ['with another key', {}, { keyHash: key(2) }, 'KEY_MISMATCH'],
  ['on a clone', {}, { kubeSystemUid: 'kube-2' }, 'CLONE_REFUSED'],
];
for (const [name, over, ask, want] of renewals) {
  test(`renewal: ${name} -> ${want}`, () => {
    const decide = (): ClusterRow => decideRenewal({ ...renewing, ...over }, { ...asking, ...ask }, now);
    if (want === 'ok') assert.equal(decide().uid, 'c1');
    else assert.throws(decide, { code: want });
  });
}

test('certificates leave the record when nobody can use them any more, or when there are too many', () => {
  const rows = (count: number, not_after: number): CertificateRow[] =>
    Array.from({ length: count }, (_, i) => ({ ...certificate, id: count - i, not_after }));
  assert.deepEqual(spentCertificates(rows(31, now), now), []);
  assert.deepEqual(spentCertificates(rows(34, now), now), [3, 2, 1]);
  assert.deepEqual(spentCertificates(rows(2, now - renewalGraceMs), now), []);
  assert.deepEqual(spentCertificates(rows(2, now - renewalGraceMs - 1), now), [2, 1]);
});
