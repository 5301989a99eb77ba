import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { EnrolmentClient, Keyset, type EnrolReply, type Identity } from '#proto/mod.ts';
import { VirtualClock, systemClock, systemRandom } from '#shared/clock/mod.ts';
import { digestBytes } from '#shared/kernel/mod.ts';
import { callUnary, pinnedAuthority, rpcClient } from '#shared/rpc/mod.ts';
import { acceptKeyset, certificateFacts, createRequest, generateTlsKey, identityOf, type JoinToken } from '#shared/signing/mod.ts';
import { openSqliteStore, put, type ClusterRow, type Store } from '#hub/store/mod.ts';
import { Identities, openFleet, serveEnrolment, serverTls } from './mod.ts';

async function hub(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), 'wheelhouse-identity-'));
  const store = await openSqliteStore({ file: join(dir, 'record.db'), clock: systemClock, random: systemRandom });
  const trust = await openFleet(store, join(dir, 'keys'), systemClock, systemRandom);
  const address = { enrolment: '' };
  const identities = new Identities({
    store,
    trust,
    clock: systemClock,
    random: systemRandom,
    certificateTtlMs: 3_600_000,
    endpoints: () => ({ gateway: '127.0.0.1:1', enrolment: address.enrolment, nats: [], registries: [] }),
    natsJwt: (uid, key) => `jwt-of-${uid}-${key}`,
  });
  const errors: unknown[] = [];
  const server = await serveEnrolment(identities, {
    host: '127.0.0.1',
    port: 0,
    keys: trust.keys,
    clock: systemClock,
    random: systemRandom,
    onError: (error) => errors.push(error),
  });
  address.enrolment = `127.0.0.1:${server.port}`;
  t.after(async () => {
    await server.stop();
    await store[Symbol.asyncDispose]();
    await rm(dir, { recursive: true });
    assert.deepEqual(errors, []);
  });
  return { dir, store, trust, identities };
}

const declare = (store: Store, name: string): Promise<void> =>
  store.decide(
    async () => undefined,
    (_, { newId, now }) => {
      const row: ClusterRow = {
        id: newId(),
        name,
        uid: null,
        labels: '{}',
        parameters: '{}',
        state: 'Declared',
        kube_system_uid: null,
        facts: '{}',
        manager: 'api',
        source_digest: '',
        generation: 1,
        created_at: now,
        updated_at: now,
      };
      return {
        result: undefined,
        writes: [put('clusters', row)],
        audit: { actor: 'user:test', action: 'apply.cluster', subject: `Cluster/${name}` },
      };
    },
  );

/** What an agent does that has nothing but the token. */
async function enrol(token: JoinToken, key = generateTlsKey(), kubeSystemUid = `kube-of-${token.clusterName}`): Promise<EnrolReply> {
  const ca = await pinnedAuthority(token.enrolment, digestBytes(token.caPin), AbortSignal.timeout(60_000));
  const client = rpcClient(EnrolmentClient, { address: token.enrolment, tls: { ca } });
  const request = {
    token: token.reveal(),
    csr: await createRequest(key),
    natsPublicKey: 'UKEY',
    kubeSystemUid,
    spokeVersion: '0.1.0',
    facts: { kubernetesVersion: 'v1.36.3', nodes: 2, labels: {} },
  };
  try {
    return await callUnary('enrol', client.enrol.bind(client), request, { deadline: Date.now() + 60_000 });
  } finally {
    client.close();
  }
}
const accepted = (reply: EnrolReply): Identity => {
  assert.equal(reply.outcome?.$case, 'accepted');
  return reply.outcome.value;
};
const vouched = { ttlMs: 60_000, accepted: true, actor: 'user:test' };

test('a token buys one identity, for the key that used it first, as often as it asks', async (t) => {
  const { store, trust, identities } = await hub(t);
  await declare(store, 'one');
  const token = await identities.createJoinToken('one', vouched);
  const key = generateTlsKey();
  const first = accepted(await enrol(token, key));
  const again = accepted(await enrol(token, key));
  assert.equal(again.clusterUid, first.clusterUid);
  assert.deepEqual(identityOf(first.certificate), { fleetId: trust.keys.fleetId, clusterUid: first.clusterUid });
  assert.equal(first.natsJwt, `jwt-of-${first.clusterUid}-UKEY`);
  const keyset = acceptKeyset(undefined, first.keyset ?? Buffer.alloc(0), { fleetId: first.fleetId, rootSpki: token.rootSpki });
  assert.equal(keyset.ok && Keyset.encode(keyset.accepted.document).finish().byteLength > 0, true);
  await assert.rejects(enrol(token, generateTlsKey()), { code: 'DENIED', message: /TOKEN_USED/ });
  const audit = await store.read.selectFrom('audit').select('action').orderBy('id').execute();
  assert.deepEqual(audit.map((row) => row.action).slice(2), [
    'create.join-token',
    'enrol.cluster',
    'issue.certificate',
    'issue.certificate',
  ]);
  const raw = await store.read.selectFrom('tokens').selectAll().execute();
  assert.equal(JSON.stringify(raw).includes(token.reveal().slice(4, 40)), false);
});

test('without a vouching token an admin has to accept', async (t) => {
  const { store, identities } = await hub(t);
  await declare(store, 'one');
  const token = await identities.createJoinToken('one', { ...vouched, accepted: false });
  const key = generateTlsKey();
  assert.equal((await enrol(token, key)).outcome?.$case, 'waiting');
  await identities.accept('one', 'user:test');
  assert.match(accepted(await enrol(token, key)).clusterUid, /^c/);
});

test('asking again and again leaves a bounded number of certificates, and the last one counts', async (t) => {
  const { store, identities } = await hub(t);
  await declare(store, 'one');
  const token = await identities.createJoinToken('one', vouched);
  const request = { token: token.reveal(), csr: await createRequest(generateTlsKey()), natsPublicKey: 'UKEY', kubeSystemUid: 'kube' };
  let last: EnrolReply | undefined;
  for (let i = 0; i < 40; i++) last = await identities.enrol({ ...request, spokeVersion: '', facts: undefined });
  const { length } = await store.read.selectFrom('certificates').select('id').execute();
  assert.equal(length, 32);
  assert.ok(last);
  const der = Buffer.from(accepted(last).certificate.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  assert.match((await identities.authorize(der)).clusterUid, /^c/);
});

test('a certificate speaks for its cluster until it is revoked; a hub that the token does not pin gets nothing', async (t) => {
  const { store, identities } = await hub(t);
  const other = await hub(t);
  await declare(store, 'one');
  const token = await identities.createJoinToken('one', vouched);
  const identity = accepted(await enrol(token));
  const der = Buffer.from(identity.certificate.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  assert.equal((await identities.authorize(der)).clusterUid, identity.clusterUid);
  await assert.rejects(other.identities.authorize(der), { code: 'CERTIFICATE_UNKNOWN' });
  await declare(other.store, 'one');
  const foreign = await other.identities.createJoinToken('one', vouched);
  await assert.rejects(pinnedAuthority(foreign.enrolment, digestBytes(token.caPin), AbortSignal.timeout(60_000)), { code: 'PIN_MISMATCH' });
  const { serial } = certificateFacts(der);
  const row = await store.read.selectFrom('certificates').selectAll().where('serial', '=', serial).executeTakeFirstOrThrow();
  await store.decide(
    async () => undefined,
    () => ({
      result: undefined,
      writes: [put('certificates', { ...row, revoked_at: 1 })],
      audit: { actor: 'user:test', action: 'revoke.certificate', subject: 'Cluster/one' },
    }),
  );
  await assert.rejects(identities.authorize(der), { code: 'REVOKED' });
});

test('a record without its keys, and keys without their record, refuse to start', async (t) => {
  const { dir, store, trust } = await hub(t);
  assert.equal((await stat(join(dir, 'keys', 'desired.pem'))).mode & 0o777, 0o600);
  assert.match(await readFile(join(dir, 'keys', 'fleet-id'), 'utf8'), new RegExp(trust.keys.fleetId));
  const again = await openFleet(store, join(dir, 'keys'), systemClock, systemRandom);
  assert.deepEqual(again.keyset, trust.keyset);
  await assert.rejects(openFleet(store, join(dir, 'elsewhere'), systemClock, systemRandom), { code: 'KEYS_MISSING' });
  await using empty = await openSqliteStore({ file: ':memory:', clock: new VirtualClock(), random: systemRandom });
  await assert.rejects(openFleet(empty, join(dir, 'keys'), systemClock, systemRandom), { code: 'RECORD_MISSING' });
});

test('the hub is still a server after years without a restart', async (t) => {
  const { trust } = await hub(t);
  const listen = { host: '', port: 0, keys: trust.keys, clock: systemClock, random: systemRandom, onError: () => undefined };
  const [leaf = ''] = (await serverTls(listen)).certificateChain.split(/(?<=-----END CERTIFICATE-----\n)/);
  const { notAfter } = certificateFacts(leaf);
  assert.deepEqual(notAfter, certificateFacts(trust.keys.authority.certificatePem).notAfter);
});
