// Everything is stopped and started again on the same data: nothing is redone, and who was away too long comes back by itself.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Identity } from '#proto/mod.ts';
import { auditMark, auditSince, inWords, isMutating, isOurs, type Request } from './audits.ts';
import { kubectl, TestFleet, type TestOptions } from './fleets.ts';
import { always, eventually } from './waits.ts';

const antiEntropyMs = 4_000;
const env = { WHEELHOUSE_BEAT: '300ms', WHEELHOUSE_POLL: '500ms', WHEELHOUSE_ANTI_ENTROPY: `${antiEntropyMs}ms` };
const clusters = ['dev-1', 'prod-1'];

describe('everything restarted', { timeout: 10 * 60_000 }, () => {
  let fleet: TestFleet;
  before(async () => {
    fleet = await TestFleet.start({ clusters: 2, env });
    await fleet.done();
  });
  after(() => fleet?.[Symbol.asyncDispose]());

  test('over two anti-entropy periods nobody of ours asks an API server for a change, but for the holder', async () => {
    const uids = (await fleet.snapshot()).clusters.map(({ uid }) => uid);
    const marks = await Promise.all(clusters.map((name) => auditMark(fleet.plane(name))));
    await fleet.stop();
    await fleet.start({ clusters: 2, env });
    const requests = async (): Promise<readonly (readonly Request[])[]> =>
      Promise.all(clusters.map(async (name, index) => (await auditSince(fleet.plane(name), marks[index] ?? 0)).filter(isOurs)));
    const check = async (): Promise<void> => {
      const changes = (await requests()).flat().filter((request) => isMutating(request) && !isHolder(request));
      assert.deepEqual(changes.map(inWords), []);
    };
    const { clusters: after } = await fleet.done();
    // A period is spread by a fifth; what it starts takes a moment.
    await always(2 * 1.2 * antiEntropyMs + 1_000, check);

    assert.deepEqual(
      after.map(({ uid }) => uid),
      uids,
      'the same spokes, not new ones',
    );
    const said = await requests();
    for (const [index, name] of clusters.entries()) {
      const holders = said[index]?.filter((request) => isMutating(request) && isHolder(request)) ?? [];
      assert.equal(holders.length, 1, `${name}: one process, one entry: ${holders.map(inWords).join()}`);
      assert.ok(
        said[index]?.some(({ verb }) => verb === 'list'),
        `${name}: it did look`,
      );
    }
    assert.deepEqual(
      (await fleet.snapshot()).clusters.flatMap(({ refusals }) => refusals),
      [],
    );
    await fleet.done();
  });

  test('a spoke that is killed alone writes its entry and nothing else', async () => {
    const plane = fleet.plane('dev-1');
    const mark = await auditMark(plane);
    const spoke = fleet.parts.spokes.get('dev-1');
    assert.ok(spoke?.pid);
    process.kill(spoke.pid, 'SIGKILL');
    const ours = async (): Promise<readonly Request[]> => (await auditSince(plane, mark)).filter((one) => isOurs(one) && isMutating(one));
    await eventually('the entry of the next process', 30_000, async () => (await ours()).some(isHolder) || undefined);
    await fleet.done();
    await always(2 * antiEntropyMs, async () => assert.deepEqual((await ours()).filter((one) => !isHolder(one)).map(inWords), []));
  });
});

describe('certificates', { timeout: 8 * 60_000 }, () => {
  const short: TestOptions = { env: { ...env, WHEELHOUSE_CERTIFICATE_TTL: '8s' } };

  test('are renewed in time while everything runs, and by themselves when they expired while everything was down', async () => {
    await using fleet = await TestFleet.start(short);
    await fleet.done();
    const first = await certificate(fleet);
    assert.ok(Date.parse(first.validTo) - Date.parse(first.validFrom) < 120_000);
    const renewed = await eventually('a new certificate', 30_000, async () => {
      const now = await certificate(fleet);
      return now.serialNumber === first.serialNumber ? undefined : now;
    });
    // Over the end of the first one nothing is lost: neither stream nor bus.
    await eventually('the end of the first certificate', 60_000, async () => Date.now() > Date.parse(first.validTo) + 1_000 || undefined);
    const commit = await fleet.commit('storefront', 'shop', { 'dev/config.yaml': shopSettings('renewed') });
    await fleet.done(fleet.jobWith('shop', commit), 30_000);
    assert.notEqual(renewed.serialNumber, first.serialNumber);

    const last = await certificate(fleet);
    const [{ uid } = { uid: null }] = (await fleet.snapshot()).clusters;
    await fleet.stop();
    await eventually('the last certificate to expire', 60_000, async () => Date.now() > Date.parse(last.validTo) + 1_000 || undefined);
    await fleet.start(short);
    await fleet.done(fleet.jobWith('shop', commit));
    assert.equal((await fleet.snapshot()).clusters[0]?.uid, uid, 'renewed, not enrolled again');
    assert.notEqual((await certificate(fleet)).serialNumber, last.serialNumber);
  });
});

const isHolder = ({ objectRef, verb }: Request): boolean =>
  verb === 'update' &&
  objectRef?.resource === 'secrets' &&
  objectRef.namespace === 'wheelhouse-system' &&
  objectRef.name === 'wheelhouse-identity';

/** The client certificate that the spoke of dev-1 keeps in its Secret. */
async function certificate(fleet: TestFleet): Promise<X509Certificate> {
  const secret = await kubectl(fleet.plane('dev-1'), 'get', 'secret/wheelhouse-identity', '-n', 'wheelhouse-system', '-o', 'json');
  const { data } = JSON.parse(secret) as { data: { identity: string } };
  return new X509Certificate(Identity.decode(Buffer.from(data.identity, 'base64')).certificate);
}

const shopSettings = (greeting: string): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'shop-settings' }, data: { STAGE: 'dev', GREETING: greeting } });
