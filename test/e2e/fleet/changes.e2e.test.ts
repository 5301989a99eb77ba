// A second commit: what it changed, what it dropped, and what it may not touch.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Snapshot } from '#deploy/local/fleet/mod.ts';
import { auditMark, auditSince, inWords, isMutating, isOurs, tenantAccount } from './audits.ts';
import { kubectl, TestFleet } from './fleets.ts';
import { configMap, deployment, nowhere } from './manifests.ts';
import { always, eventually } from './waits.ts';

const [tenant, app, namespace, cluster] = ['acme', 'site', 'site', 'dev-1'];
const files = {
  'same.yaml': configMap('same', { a: '1' }),
  'edited.yaml': configMap('edited', { a: '1' }),
  'dropped.yaml': configMap('dropped', { a: '1' }),
  'web.yaml': deployment('web'),
};

describe('a later commit', { timeout: 8 * 60_000 }, () => {
  let fleet: TestFleet;
  before(async () => {
    const env = { WHEELHOUSE_BEAT: '500ms', WHEELHOUSE_POLL: '500ms' };
    fleet = await TestFleet.start({ apps: [{ tenant, app, namespace, files }], env });
    await fleet.done();
  });
  after(() => fleet?.[Symbol.asyncDispose]());

  const version = (object: string): Promise<string> =>
    kubectl(fleet.plane(cluster), 'get', object, '-n', namespace, '-o', 'jsonpath={.metadata.resourceVersion} {.metadata.uid}');
  const names = async (): Promise<readonly string[]> =>
    (await kubectl(fleet.plane(cluster), 'get', 'configmaps', '-n', namespace, '-o', 'name'))
      .split('\n')
      .filter((name) => /same|edited|dropped/.test(name));
  const writes = async (mark: number): Promise<readonly string[]> =>
    (await auditSince(fleet.plane(cluster), mark))
      .filter((request) => isOurs(request) && isMutating(request) && request.objectRef?.namespace === namespace)
      .filter(({ requestURI }) => !requestURI.includes('dryRun'))
      .map((request) => `${request.verb} ${request.objectRef?.name}`);

  test('writes what it changed and nothing else, and prunes what it dropped', async () => {
    const untouched = ['configmap/same', 'deployment/web', `namespace/${namespace}`];
    const before = await Promise.all(untouched.map(version));
    const mark = await auditMark(fleet.plane(cluster));
    const commit = await fleet.commit(tenant, app, { 'edited.yaml': configMap('edited', { a: '2' }), 'dropped.yaml': null });
    await fleet.done(fleet.jobWith(app, commit));
    await eventually('the dropped object to be gone', 20_000, async () => (await names()).length === 2 || undefined);

    assert.deepEqual(await Promise.all(untouched.map(version)), before);
    assert.equal(await kubectl(fleet.plane(cluster), 'get', 'configmap/edited', '-n', namespace, '-o', 'jsonpath={.data.a}'), '2');
    // An apply that changes nothing is no write: the versions above say so.
    const asked = await writes(mark);
    assert.deepEqual(
      asked.filter((one) => one.startsWith('delete')),
      ['delete dropped'],
    );
    assert.equal(asked.at(-1), 'delete dropped', asked.join());
    assert.ok(asked.includes('patch edited') && !asked.includes('patch dropped'), asked.join());
    const [deleted] = (await auditSince(fleet.plane(cluster), mark)).filter(({ verb }) => verb === 'delete');
    assert.equal(deleted?.impersonatedUser?.username, tenantAccount(tenant), 'pruned by the tenant itself');
  });

  test('that is not healthy prunes nothing, and the next one that is does', async () => {
    const mark = await auditMark(fleet.plane(cluster));
    const broken = await fleet.commit(tenant, app, {
      'same.yaml': null,
      'web.yaml': deployment('web', { replicas: 2, nodeSelector: nowhere }),
    });
    await applied(fleet, broken);
    const [placement] = placements(await fleet.snapshot());
    assert.notEqual(placement?.health, 'Healthy');
    await always(1_500, async () => {
      assert.ok((await names()).some((name) => /same/.test(name)));
      assert.ok(!(await writes(mark)).includes('delete same'), 'not before it is healthy');
    });

    const mended = await fleet.commit(tenant, app, { 'web.yaml': deployment('web', { replicas: 2 }) });
    await fleet.done(fleet.jobWith(app, mended));
    await eventually('the dropped object to be gone', 20_000, async () => !(await names()).some((name) => /same/.test(name)) || undefined);
    const order = await writes(mark);
    assert.equal(order.at(-1), 'delete same', order.join());
  });

  test("with an object in a namespace that is not the tenant's is refused before any write", async () => {
    await kubectl(fleet.plane(cluster), 'create', 'namespace', 'elsewhere');
    const mark = await auditMark(fleet.plane(cluster));
    const commit = await fleet.commit(tenant, app, {
      'edited.yaml': configMap('edited', { a: '3' }),
      'stray.yaml': configMap('stray', { a: '1' }, 'elsewhere'),
    });
    const reason = await fleet.failed(fleet.jobWith(app, commit), 60_000);
    for (const part of [/cluster dev-1: acme\/site is Degraded: NotAllowed/, /stray/, /elsewhere/]) assert.match(reason, part);
    const requests = (await auditSince(fleet.plane(cluster), mark)).filter(
      (one) => isOurs(one) && isMutating(one) && one.objectRef?.resource !== 'secrets',
    );
    assert.deepEqual(requests.map(inWords), [], 'not even a dry run: all or nothing');
    assert.equal(await kubectl(fleet.plane(cluster), 'get', 'configmap/edited', '-n', namespace, '-o', 'jsonpath={.data.a}'), '2');
    const mended = await fleet.commit(tenant, app, { 'stray.yaml': null });
    await fleet.done(fleet.jobWith(app, mended));
  });

  test("the API server itself denies the tenant's account whatever is not the tenant's", async () => {
    const plane = fleet.plane(cluster);
    const as = `--as=${tenantAccount(tenant)}`;
    for (const other of ['elsewhere', 'default', 'kube-system', 'wheelhouse-system', 'wheelhouse-tenants']) {
      const tried = await plane.kubectl('create', 'configmap', 'intruder', '-n', other, as);
      assert.notEqual(tried.code, 0, other);
      assert.match(tried.stderr, /Forbidden/i, other);
    }
    for (const wish of [
      ['create', 'namespaces'],
      ['create', 'clusterroles.rbac.authorization.k8s.io'],
      ['get', 'nodes'],
      ['impersonate', 'users'],
    ]) {
      const said = await plane.kubectl('auth', 'can-i', ...wish, as);
      assert.deepEqual([said.stdout.trim(), said.code], ['no', 1], wish.join(' '));
    }
    const own = await plane.kubectl('create', 'configmap', 'own', '-n', namespace, as);
    assert.equal(own.code, 0, own.stderr);
  });
});

const placements = ({ clusters }: Snapshot) => clusters.flatMap((one) => one.placements);

/** Waits until the release of the commit is what runs, well or not. */
async function applied(fleet: TestFleet, commit: string): Promise<void> {
  await eventually('the release to be applied', 60_000, async () => {
    const snapshot = await fleet.snapshot();
    const release = snapshot.releases.find((one) => one.commit === commit);
    const [placement] = placements(snapshot);
    const there = release && placement?.release === release.digest && placement.observed === placement.wanted;
    return there || undefined;
  });
}
