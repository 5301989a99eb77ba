import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Assignment } from '#proto/mod.ts';
import { systemClock } from '#shared/clock/mod.ts';
import { PlaneRig } from './testing/plane.ts';
import { baseInputs, configMap, deployment, filesOf } from './testing/rig.ts';

let rig: PlaneRig;
before(async () => {
  rig = await PlaneRig.open('assignments');
});
after(() => rig?.close());

const service = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
});
const nowhere = JSON.stringify({
  ...(JSON.parse(deployment('nowhere')) as object),
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'nowhere' } },
    template: {
      metadata: { labels: { app: 'nowhere' } },
      spec: { nodeSelector: { planet: 'mars' }, containers: [{ name: 'c', image: 'nginx' }] },
    },
  },
});

describe('assignments on a real control plane', { timeout: 10 * 60_000 }, () => {
  let first: Assignment;

  test('from a digest to healthy, owned by our field manager, under the tenant account', async () => {
    first = await rig.contents.assignment('p1', filesOf(deployment('web'), service, configMap('settings'), configMap('old')));
    rig.desire(first);
    await rig.healthy(first);
    const managers = await rig.kubectl(
      'get',
      'deployment',
      'web',
      '-n',
      'shop',
      '--show-managed-fields',
      '-o',
      'jsonpath={.metadata.managedFields[*].manager}',
    );
    assert.match(managers, /\bwheelhouse\b/);
    assert.ok((await rig.byTenant()).some((line) => line.startsWith('patch /apis/apps/v1/namespaces/shop/deployments/web')));
    assert.equal(rig.reports.get('p1')?.inventory?.objects, 4);
  });

  test('after a restart nothing is written: not by the tenant, not to the record', async () => {
    await rig.stop();
    const before = await rig.mutations();
    rig.start();
    rig.desire(first);
    await rig.healthy(first);
    await systemClock.sleep(3_000);
    const since = (await rig.mutations())
      .slice(before.length)
      .filter(({ requestURI }) => /namespaces\/(shop|wheelhouse-system)\//.test(requestURI));
    const spokes = since.filter((one) => one.impersonatedUser !== undefined || one.requestURI.includes('wheelhouse-system'));
    assert.deepEqual(spokes, []);
  });

  test('drift is corrected and who did it is named', async () => {
    await rig.kubectl('scale', 'deployment/web', '-n', 'shop', '--replicas=2');
    await rig.eventually(
      'replicas are back',
      async () => (await rig.kubectl('get', 'deployment/web', '-n', 'shop', '-o', 'jsonpath={.spec.replicas}')) === '1',
    );
    await rig.eventually('it is said', () =>
      /drift corrected: Deployment web in shop: \.spec\.replicas was changed by kubectl \(scale\)/.test(
        rig.reports.get('p1')?.message ?? '',
      ),
    );
    await rig.kubectl('delete', 'configmap/settings', '-n', 'shop');
    await rig.eventually('it is back', () => rig.exists('configmap/settings', '-n', 'shop'));
    await rig.kubectl('label', 'configmap/settings', '-n', 'shop', 'team=theirs');
    const before = (await rig.byTenant()).length;
    await systemClock.sleep(2_000);
    assert.equal((await rig.byTenant()).length, before, 'a label beside ours is no drift');
    await rig.healthy(first);
  });

  test('a second revision changes what it changed, and prunes what it dropped', async () => {
    const version = (): Promise<string> =>
      rig.kubectl('get', 'configmap/settings', '-n', 'shop', '-o', 'jsonpath={.metadata.resourceVersion}');
    const kept = await version();
    const before = (await rig.byTenant()).length;
    first = await rig.contents.assignment('p1', filesOf(deployment('web', 'nginx:2'), service, configMap('settings')));
    rig.desire(first);
    await rig.healthy(first);
    await rig.eventually('old is pruned', async () => !(await rig.exists('configmap/old', '-n', 'shop')));
    assert.equal(await version(), kept);
    const asked = (await rig.byTenant()).slice(before).map((line) => line.replace(/\?.*/, ''));
    const web = 'patch /apis/apps/v1/namespaces/shop/deployments/web';
    assert.deepEqual(asked, [web, web, 'delete /api/v1/namespaces/shop/configmaps/old'], 'tried, written, pruned: and nothing else');
  });

  test('a revision that a quota stops half-way: what was written of it and what was not are both kept, and nothing is pruned', async () => {
    const before = first;
    const used = (await rig.kubectl('get', 'configmaps', '-n', 'shop', '-o', 'name')).trim().split('\n').length;
    await rig.kubectl('create', 'quota', 'few', '-n', 'shop', `--hard=count/configmaps=${used + 1}`);
    const counted = '{.status.used.count/configmaps}';
    await rig.eventually(
      'the quota is known',
      async () => (await rig.kubectl('get', 'quota/few', '-n', 'shop', '-o', `jsonpath=${counted}`)) === `${used}`,
    );
    // Tried one by one each would fit, so only the writes find out. The Deployment comes later in the order.
    const half = await rig.contents.assignment(
      'p1',
      filesOf(deployment('web', 'nginx:3'), configMap('settings', '2'), configMap('one'), configMap('two')),
    );
    rig.desire(half);
    await rig.says('p1', 'Denied');
    assert.match(rig.reports.get('p1')?.message ?? '', /exceeded quota/);
    const value = async (): Promise<string> => rig.kubectl('get', 'configmap/settings', '-n', 'shop', '-o', 'jsonpath={.data.value}');
    const web = async (): Promise<string> =>
      rig.kubectl('get', 'deployment/web', '-n', 'shop', '-o', 'jsonpath={.spec.replicas} {.spec.template.spec.containers[0].image}');
    assert.deepEqual([await value(), await web()], ['2', '1 nginx:2']);
    await rig.kubectl('patch', 'configmap/settings', '-n', 'shop', '--type=merge', '-p', '{"data":{"value":"theirs"}}');
    await rig.kubectl('scale', 'deployment/web', '-n', 'shop', '--replicas=3');
    await rig.eventually('both are corrected', async () => (await value()) === '2' && (await web()) === '1 nginx:2');
    await rig.eventually('both is said', () => /exceeded quota.*drift corrected/.test(rig.reports.get('p1')?.message ?? ''));
    assert.ok(await rig.exists('service/web', '-n', 'shop'), 'it is not in the revision, and nothing is pruned');
    await rig.kubectl('delete', 'quota/few', '-n', 'shop');
    await rig.healthy(half);
    assert.equal(await web(), '1 nginx:3');
    first = before;
    rig.desire(first);
    await rig.healthy(first);
  });

  test('a Deployment that no node fits is Degraded by name', async () => {
    rig.desire(first, await rig.contents.assignment('p2', filesOf(nowhere), { health: { timeoutMs: 3_000 } }));
    await rig.says('p2', 'HealthTimeout');
    assert.equal(rig.reports.get('p2')?.health, 'HEALTH_DEGRADED');
    assert.match(rig.reports.get('p2')?.message ?? '', /Deployment nowhere in shop/);
    assert.equal(rig.reports.get('p1')?.health, 'HEALTH_HEALTHY');
  });

  test('what is outside the tenant is refused here, and what the account may not is denied there', async () => {
    const role = JSON.stringify({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'mine' }, rules: [] });
    const before = (await rig.byTenant()).length;
    const outside = await rig.contents.assignment('p3', filesOf(configMap('a', '1', 'default')));
    rig.desire(first, outside);
    await rig.says('p3', 'NotAllowed');
    assert.equal((await rig.byTenant()).length, before);
    const above = await rig.contents.assignment('p4', filesOf(configMap('beside'), role), {
      allow: { namespaces: ['shop'], kinds: ['*', 'ClusterRole'] },
    });
    rig.desire(first, above);
    await rig.says('p4', 'Denied');
    assert.match(rig.reports.get('p4')?.message ?? '', /system:serviceaccount:wheelhouse-tenants:shop may not/);
    assert.equal(await rig.exists('configmap/beside', '-n', 'shop'), false, 'all or nothing');
  });

  test('fields that somebody else manages are not taken', async () => {
    await rig.kubectl('create', 'configmap', 'theirs', '-n', 'shop', '--from-literal=value=x');
    rig.desire(first, await rig.contents.assignment('p5', filesOf(configMap('theirs'))));
    await rig.says('p5', 'Conflict');
    assert.match(rig.reports.get('p5')?.message ?? '', /kubectl-create/);
  });

  test('a tombstone removes everything; what controllers copied our labels to is not ours', async () => {
    const copies = await rig.kubectl('get', 'endpointslices', '-n', 'shop', '-l', 'wheelhouse.dev/assignment=p1', '-o', 'name');
    assert.notEqual(copies.trim(), '', 'the controller has stopped copying: then this proves nothing');
    rig.desire({ ...first, state: 'ASSIGNMENT_STATE_REMOVED', deletionPolicy: 'DELETION_POLICY_DELETE' });
    await rig.eventually('removed', () => rig.reports.get('p1')?.removed === true);
    for (const name of ['deployment/web', 'service/web', 'configmap/settings'])
      assert.equal(await rig.exists(name, '-n', 'shop'), false, name);
    assert.deepEqual(await rig.state.assignments.load('p1', new AbortController().signal), undefined);
  });

  test('a custom resource and its definition in one set, once the platform lets the tenant', async () => {
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'widgets.acme.dev' },
      spec: {
        group: 'acme.dev',
        scope: 'Namespaced',
        names: { kind: 'Widget', plural: 'widgets', singular: 'widget', listKind: 'WidgetList' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } },
            },
          },
        ],
      },
    };
    const widget = { apiVersion: 'acme.dev/v1', kind: 'Widget', metadata: { name: 'w' }, spec: { size: 1 } };
    await rig.kubectl('create', 'clusterrole', 'tenant-extra', '--verb=*', '--resource=customresourcedefinitions.apiextensions.k8s.io');
    await rig.kubectl(
      'create',
      'clusterrolebinding',
      'tenant-extra',
      '--clusterrole=tenant-extra',
      '--serviceaccount=wheelhouse-tenants:shop',
    );
    await rig.plane.apply(
      JSON.stringify({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name: 'tenant-widgets', labels: { 'wheelhouse.dev/aggregate-to-tenant': 'true' } },
        rules: [{ apiGroups: ['acme.dev'], resources: ['widgets'], verbs: ['*'] }],
      }),
    );
    const allow = { ...baseInputs.allow, kinds: ['*', 'CustomResourceDefinition'] };
    const custom = await rig.contents.assignment('p6', filesOf(JSON.stringify(widget), JSON.stringify(crd)), { allow });
    rig.desire(custom);
    await rig.healthy(custom);
  });

  test('an API server that is stopped is noticed by the second asking', async () => {
    rig.spoke.health();
    await systemClock.sleep(500);
    assert.deepEqual(rig.spoke.health(), { observing: true });
    rig.plane.pause('apiserver');
    try {
      await systemClock.sleep(500);
      rig.spoke.health();
      await systemClock.sleep(500);
      assert.equal(rig.spoke.health().observing, false);
    } finally {
      rig.plane.resume('apiserver');
    }
    await rig.eventually('it sees again', () => rig.spoke.health().observing);
  });
});
