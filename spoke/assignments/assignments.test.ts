import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Assignment } from '../../proto/mod.ts';
import { labels } from '../../shared/kernel/mod.ts';
import type { KubeObject } from '../kube/mod.ts';
import { configMap, deployment, filesOf, fleetId, Rig } from './testing/rig.ts';

function rigFor(t: TestContext, options: ConstructorParameters<typeof Rig>[0] = {}): Rig {
  const rig = new Rig(options);
  t.after(() => rig.stop());
  return rig.start();
}

const removed = (assignment: Assignment, policy: 'DELETE' | 'ORPHAN' = 'DELETE'): Assignment => ({
  ...assignment,
  state: 'ASSIGNMENT_STATE_REMOVED',
  deletionPolicy: `DELETION_POLICY_${policy}`,
});
const condition = (rig: Rig, type: string, uid = 'p1'): string | undefined =>
  rig
    .report(uid)
    .conditions.find((c) => c.type === type)
    ?.status.replace('CONDITION_STATUS_', '');

test('from a digest to healthy, under the tenant account, with every hop measured', async (t) => {
  const rig = rigFor(t);
  const a = await rig.assignment('p1', filesOf(deployment('web'), configMap('settings')));
  rig.desire(a);
  await rig.run();
  const report = rig.report();
  assert.equal(report.health, 'HEALTH_HEALTHY', `${report.reason}: ${report.message}`);
  assert.equal(report.revisionApplied, a.revision);
  assert.equal(report.revisionWanted, a.revision);
  assert.deepEqual(report.counts, { healthy: 2, progressing: 0, degraded: 0, suspended: 0, unknown: 0 });
  const { fetched, verified, applied, healthy } = report.hops ?? assert.fail();
  const hops = [fetched, verified, applied, healthy].map((hop) => hop ?? assert.fail('a hop is missing'));
  assert.deepEqual(
    hops,
    hops.toSorted((x, y) => x - y),
  );
  assert.equal(condition(rig, 'Ready'), 'TRUE');
  assert.equal(condition(rig, 'Reconciling'), 'FALSE');
  assert.equal(condition(rig, 'Stalled'), 'FALSE');
  assert.deepEqual(rig.inventory(), ['ConfigMap/settings', 'Deployment/web']);
  assert.ok(rig.kube.writes.every(({ as }) => as === 'system:serviceaccount:wheelhouse-tenants:shop'));
  const web = rig.object('Deployment', 'web') ?? assert.fail();
  assert.equal(web.metadata.labels?.[labels.assignment], 'p1');
  assert.equal(web.metadata.labels?.[labels.fleet], fleetId);
  assert.equal(web.metadata.annotations?.[labels.object], 'apps/Deployment/shop/web');
});

test('steady state is quiet: a restart with the same revision writes nothing, objects and records alike', async (t) => {
  const rig = rigFor(t);
  const a = await rig.assignment('p1', filesOf(deployment('web'), configMap('settings')));
  rig.desire(a);
  await rig.run();
  await rig.stop();
  rig.kube.forgetRequests();
  rig.records.saves = 0;
  rig.registryUp = false;
  rig.start().desire(a);
  await rig.run(20 * 60_000);
  assert.deepEqual(rig.written(), []);
  assert.equal(rig.kube.requests.filter(({ verb }) => verb === 'apply').length, 0, 'not even a dry run');
  assert.equal(rig.records.saves, 0);
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
});

test('a second revision changes only what it changed and prunes what it dropped, once it is healthy', async (t) => {
  const rig = rigFor(t);
  rig.desire(await rig.assignment('p1', filesOf(deployment('web'), configMap('kept'), configMap('old'))));
  await rig.run();
  const kept = rig.object('ConfigMap', 'kept')?.metadata.resourceVersion;
  rig.broken.add('web');
  const second = await rig.assignment('p1', filesOf(deployment('web', 'nginx:2'), configMap('kept')));
  rig.desire(second);
  await rig.run();
  assert.equal(rig.report().health, 'HEALTH_PROGRESSING');
  assert.equal(rig.report().revisionApplied, second.revision);
  assert.ok(rig.object('ConfigMap', 'old'), 'nothing is pruned before the new revision is healthy');
  rig.broken.clear();
  await rig.run();
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
  assert.equal(rig.object('ConfigMap', 'old'), undefined);
  assert.equal(rig.object('ConfigMap', 'kept')?.metadata.resourceVersion, kept);
  assert.deepEqual(rig.inventory(), ['ConfigMap/kept', 'Deployment/web']);
});

test('a Deployment that never gets ready is Degraded by name after its time, and stays so over a restart', async (t) => {
  const rig = rigFor(t);
  rig.broken.add('web');
  const a = await rig.assignment('p1', filesOf(deployment('web')));
  rig.desire(a);
  await rig.run(30_000);
  assert.equal(rig.report().health, 'HEALTH_PROGRESSING');
  await rig.run(31_000);
  assert.equal(rig.report().health, 'HEALTH_DEGRADED');
  assert.equal(rig.report().reason, 'HealthTimeout');
  assert.match(rig.report().message, /Deployment web in shop: not healthy within 60 s/);
  assert.equal(condition(rig, 'Stalled'), 'TRUE');
  await rig.stop();
  rig.start().desire(a);
  await rig.run(1_000);
  assert.equal(rig.report().health, 'HEALTH_DEGRADED');
});

const spec = { containers: [{ name: 'web', image: 'nginx:1' }] };

test('a Deployment that never gets ready is reported with what its pods say, asked once for each state of it', async (t) => {
  const rig = rigFor(t);
  rig.broken.add('web');
  const message = '0/3 nodes are available: 3 node(s) did not match';
  const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }];
  for (const [name, app] of [
    ['web-1', 'web'],
    ['other-1', 'other'],
  ] as const)
    rig.kube.put({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'shop', labels: { app } }, spec, status: { conditions } });
  rig.desire(await rig.assignment('p1', filesOf(deployment('web'))));
  const asked = (): number => rig.kube.requests.filter(({ verb, kind }) => verb === 'list' && kind === 'Pod').length;
  await rig.run();
  rig.kube.forgetRequests();
  await rig.run(56_000);
  assert.equal(asked(), 0);
  await rig.run(300_000);
  const said = /Deployment web in shop: not healthy within 60 s: .*; pod web-1: Unschedulable: 0\/3 nodes are available/;
  assert.match(rig.report().message, said);
  assert.match(rig.report().objects[0]?.message ?? '', /pod web-1: Unschedulable/);
  assert.equal(rig.report().reason, 'HealthTimeout');
  assert.equal(asked(), 1);
  rig.broken.clear();
  await rig.run();
  assert.doesNotMatch(rig.report().message, /pod/);
});

test('what was healthy and crashes is Degraded by the word of its pods, at once or as soon as they say it, until it is well again', async (t) => {
  const rig = rigFor(t);
  const container = (state: object): object => ({ name: 'web', state });
  const podSays = (state: object): void => {
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }], containerStatuses: [container(state)] };
    rig.kube.put({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-1', namespace: 'shop', labels: { app: 'web' } }, spec, status });
  };
  const waiting = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s' } };
  rig.desire(await rig.assignment('p1', filesOf(deployment('web'))));
  await rig.run();
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');

  // Its first crash is only an end; that it is one of many is said later, when nothing of the workload changes any more.
  podSays({ terminated: { exitCode: 1 } });
  rig.broken.add('web');
  await rig.run(1_000);
  assert.equal(rig.report().health, 'HEALTH_PROGRESSING');
  podSays(waiting);
  await rig.run(6_000);
  const { health, reason, message, objects, counts } = rig.report();
  assert.deepEqual([health, reason], ['HEALTH_DEGRADED', 'CrashLoopBackOff']);
  assert.match(message, /^Deployment web in shop: .*; pod web-1: CrashLoopBackOff: container web: back-off 40s/);
  assert.deepEqual(
    [objects[0]?.health, objects[0]?.reason, counts?.degraded, counts?.progressing],
    ['HEALTH_DEGRADED', 'CrashLoopBackOff', 1, 0],
  );
  await rig.run(120_000);
  assert.equal(rig.report().reason, 'CrashLoopBackOff');

  rig.broken.clear();
  await rig.run(1_000);
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
});

test('what has not been healthy yet may crash on its way: it has its time', async (t) => {
  const rig = rigFor(t);
  const status = {
    phase: 'Running',
    containerStatuses: [{ name: 'web', state: { waiting: { reason: 'CrashLoopBackOff', message: '' } } }],
  };
  rig.kube.put({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web-1', namespace: 'shop', labels: { app: 'web' } }, spec, status });
  rig.broken.add('web');
  rig.desire(await rig.assignment('p1', filesOf(deployment('web'))));
  await rig.run(30_000);
  assert.equal(rig.report().health, 'HEALTH_PROGRESSING');
});

test('drift is corrected, with who did it: a change, a deletion, and an object made anew', async (t) => {
  const rig = rigFor(t);
  rig.desire(await rig.assignment('p1', filesOf(configMap('a'), configMap('b'), configMap('c'))));
  await rig.run();
  const get = (name: string): KubeObject => rig.object('ConfigMap', name) ?? assert.fail(name);
  rig.kube.put({ ...get('a'), data: { value: 'theirs' } }, 'kubectl-edit');
  await rig.run();
  assert.deepEqual(get('a')['data'], { value: '1' });
  assert.match(rig.report().message, /drift corrected: ConfigMap a in shop: \.data\.value was changed by kubectl-edit/);
  rig.registryUp = false;
  rig.kube.remove(get('b'));
  await rig.run(120_000);
  assert.deepEqual(get('b')['data'], { value: '1' });
  const uid = get('c').metadata.uid;
  rig.kube.remove(get('c'));
  rig.kube.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'shop' }, data: {} }, 'kubectl-create');
  await rig.run(120_000);
  assert.notEqual(get('c').metadata.uid, uid);
  assert.deepEqual(get('c')['data'], { value: '1' });
  rig.kube.forgetRequests();
  await rig.run(60_000);
  assert.deepEqual(rig.written(), []);
});

test('what others add beside ours is no drift', async (t) => {
  const rig = rigFor(t);
  rig.desire(await rig.assignment('p1', filesOf(configMap('a'))));
  await rig.run();
  rig.kube.forgetRequests();
  const a = rig.object('ConfigMap', 'a') ?? assert.fail();
  rig.kube.put({ ...a, metadata: { ...a.metadata, labels: { ...a.metadata.labels, theirs: 'yes' } } }, 'kubectl-label');
  await rig.run(10_000);
  assert.deepEqual(rig.written(), []);
});

test('somebody who changes an object back each time is answered slower and slower', async (t) => {
  const rig = rigFor(t);
  rig.desire(await rig.assignment('p1', filesOf(configMap('a'))));
  await rig.run();
  rig.kube.forgetRequests();
  for (let i = 0; i < 600; i++) {
    const a = rig.object('ConfigMap', 'a') ?? assert.fail();
    if ((a['data'] as { value: string }).value === '1') rig.kube.put({ ...a, data: { value: 'no' } }, 'rogue');
    await rig.run(100);
  }
  assert.ok(rig.written().length >= 3 && rig.written().length < 15, `${rig.written().length} corrections in a minute`);
});

test('a namespace that is not the tenant’s, and a kind that is not allowed: refused before anything is written', async (t) => {
  const rig = rigFor(t);
  rig.desire(
    await rig.assignment('p1', filesOf(configMap('a'), configMap('b', '1', 'other'))),
    await rig.assignment(
      'p2',
      filesOf(configMap('x'), JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } })),
    ),
    await rig.assignment('p3', filesOf(configMap('k', '1', 'kube-system')), {
      allow: { namespaces: ['kube-system', 'shop'], kinds: ['*'] },
    }),
  );
  await rig.run();
  assert.deepEqual(rig.written(), []);
  for (const uid of ['p1', 'p2', 'p3']) {
    assert.equal(rig.report(uid).health, 'HEALTH_DEGRADED');
    assert.equal(rig.report(uid).reason, 'NotAllowed');
  }
  assert.match(rig.report('p1').message, /\/ConfigMap\/other\/b: the namespace other is not the tenant's/);
  assert.match(rig.report('p3').message, /kube-system is closed/);
});

test('the API server denies the tenant’s account: Denied, with the account, before anything is written; rights that come later are used', async (t) => {
  let allowed = false;
  const rig = rigFor(t, { authorize: (user, _verb, kind) => user === undefined || allowed || kind.kind !== 'Deployment' });
  rig.desire(await rig.assignment('p1', filesOf(configMap('a'), deployment('web'))));
  await rig.run();
  assert.equal(rig.report().reason, 'Denied');
  assert.equal(rig.report().health, 'HEALTH_DEGRADED');
  assert.match(rig.report().message, /Deployment web in shop: system:serviceaccount:wheelhouse-tenants:shop may not/);
  assert.deepEqual(rig.written(), []);
  allowed = true;
  await rig.run(120_000);
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
});

test('an object of another assignment is reported and never stolen', async (t) => {
  const rig = rigFor(t);
  const first = await rig.assignment('p1', filesOf(configMap('a')));
  const second = await rig.assignment('p2', filesOf(configMap('a', '2'), configMap('b')));
  rig.desire(first);
  await rig.run();
  rig.desire(first, second);
  await rig.run();
  assert.equal(rig.report('p2').reason, 'OwnedByAnother');
  assert.match(rig.report('p2').message, /belongs to assignment p1/);
  assert.deepEqual(rig.object('ConfigMap', 'a')?.['data'], { value: '1' });
  assert.equal(rig.object('ConfigMap', 'b'), undefined);
  assert.equal(rig.report('p1').health, 'HEALTH_HEALTHY');
});

test('two that want one object at the same moment: one has it, the other says so', async (t) => {
  const rig = rigFor(t);
  rig.desire(await rig.assignment('p1', filesOf(configMap('a', '1'))), await rig.assignment('p2', filesOf(configMap('a', '2'))));
  await rig.run();
  assert.deepEqual(['p1', 'p2'].map((uid) => rig.report(uid).reason).sort(), ['Healthy', 'OwnedByAnother']);
});

test('what was there before is taken over where nobody disagrees, and never by force', async (t) => {
  const rig = rigFor(t);
  for (const name of ['same', 'differs'])
    rig.kube.put(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'shop' }, data: { value: name === 'same' ? '1' : 'theirs' } },
      'helm',
    );
  rig.desire(await rig.assignment('p1', filesOf(configMap('same'))), await rig.assignment('p2', filesOf(configMap('differs'))));
  await rig.run();
  assert.equal(rig.report('p1').health, 'HEALTH_HEALTHY');
  assert.equal(rig.report('p2').reason, 'Conflict');
  assert.match(rig.report('p2').message, /helm/);
  assert.deepEqual(rig.object('ConfigMap', 'differs')?.['data'], { value: 'theirs' });
});

test('a custom resource and its definition in one set', async (t) => {
  const rig = rigFor(t);
  const openAPIV3Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const crd = JSON.stringify({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.acme.dev' },
    spec: {
      group: 'acme.dev',
      scope: 'Namespaced',
      names: { kind: 'Widget', plural: 'widgets' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } }],
    },
  });
  const widget = JSON.stringify({ apiVersion: 'acme.dev/v1', kind: 'Widget', metadata: { name: 'w' }, spec: { size: 1 } });
  const allow = { namespaces: ['shop'], kinds: ['*', 'CustomResourceDefinition'] };
  rig.desire(
    await rig.assignment('p1', filesOf(widget, crd), { allow }),
    await rig.assignment('p2', filesOf(widget.replace('acme.dev', 'late.dev')), { allow }),
  );
  await rig.run();
  assert.equal(rig.report('p1').health, 'HEALTH_HEALTHY', rig.report('p1').message);
  assert.equal(rig.report('p2').reason, 'KindNotServed');
  assert.equal(rig.report('p2').health, 'HEALTH_PROGRESSING');
  rig.kube.put(JSON.parse(crd.replaceAll('acme.dev', 'late.dev')) as KubeObject);
  await rig.run(60_000);
  assert.equal(rig.report('p2').health, 'HEALTH_HEALTHY', rig.report('p2').message);
});

test('suspended and observed assignments write nothing; observed ones say what they would', async (t) => {
  const rig = rigFor(t);
  const a = await rig.assignment('p1', filesOf(configMap('a')));
  rig.desire({ ...a, mode: 'ASSIGNMENT_MODE_OBSERVE' });
  await rig.run();
  assert.match(rig.report().message, /would be: 1 created/);
  rig.desire({ ...a, mode: 'ASSIGNMENT_MODE_SUSPENDED' });
  await rig.run();
  assert.equal(rig.report().health, 'HEALTH_SUSPENDED');
  assert.deepEqual(rig.written(), []);
  rig.desire(a);
  await rig.run();
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
});

test('an assignment that is gone from the desired state is kept, and said to be Unassigned; also after a restart', async (t) => {
  const rig = rigFor(t);
  rig.desire(await rig.assignment('p1', filesOf(configMap('a'))));
  await rig.run();
  rig.desire();
  await rig.run();
  assert.equal(rig.report().reason, 'Unassigned');
  await rig.stop();
  rig.reports.clear();
  rig.start().desire();
  await rig.run();
  assert.equal(rig.report().reason, 'Unassigned');
  assert.ok(rig.object('ConfigMap', 'a'));
});

test('an unknown feature leaves only that assignment at what it has', async (t) => {
  const rig = rigFor(t);
  const a = await rig.assignment('p1', filesOf(configMap('a')));
  rig.desire({ ...a, requires: ['time-travel'] }, { ...(await rig.assignment('p2', filesOf(configMap('b')))) });
  await rig.run();
  assert.equal(rig.report('p1').reason, 'Unsupported');
  assert.match(rig.report('p1').message, /time-travel/);
  assert.equal(rig.report('p2').health, 'HEALTH_HEALTHY');
});

test('an assignment that takes over from another writes nothing and says so; what the other has stays its own', async (t) => {
  const rig = rigFor(t);
  const old = await rig.assignment('p1', filesOf(configMap('a')));
  rig.desire(old);
  await rig.run();
  rig.kube.forgetRequests();
  rig.desire(old, { ...(await rig.assignment('p2', filesOf(configMap('a'), configMap('b')))), takesOver: ['p1'] });
  await rig.run(10_000);
  assert.deepEqual(rig.written(), []);
  assert.deepEqual([rig.report('p2').reason, rig.report('p2').health], ['Unsupported', 'HEALTH_DEGRADED']);
  assert.match(rig.report('p2').message, /p1/);
  assert.equal(rig.report('p1').health, 'HEALTH_HEALTHY');
});

test('a tombstone removes everything, says so only when nothing of ours is left, and says it again after a restart', async (t) => {
  const rig = rigFor(t);
  const a = await rig.assignment('p1', filesOf(deployment('web'), configMap('held')));
  rig.desire(a);
  await rig.run();
  const held = rig.object('ConfigMap', 'held') ?? assert.fail();
  rig.kube.put({ ...held, metadata: { ...held.metadata, finalizers: ['acme.dev/wait'] } });
  await rig.run();
  rig.desire(removed(a));
  await rig.run(10_000);
  assert.equal(rig.object('Deployment', 'web'), undefined);
  assert.equal(rig.report().removed, false);
  assert.equal(rig.report().reason, 'Removing');
  const waiting = rig.object('ConfigMap', 'held') ?? assert.fail();
  rig.kube.put({ ...waiting, metadata: { ...waiting.metadata, finalizers: [] } });
  await rig.run(60_000);
  assert.equal(rig.report().removed, true);
  assert.equal(rig.records.records.size, 0);
  await rig.stop();
  rig.reports.clear();
  rig.kube.forgetRequests();
  rig.start().desire(removed(a));
  await rig.run();
  assert.equal(rig.report().removed, true);
  assert.deepEqual(rig.written(), []);
});

test('a tombstone that orphans takes its marks off and deletes nothing', async (t) => {
  const rig = rigFor(t);
  const a = await rig.assignment('p1', filesOf(configMap('a')));
  rig.desire(a);
  await rig.run();
  rig.desire(removed(a, 'ORPHAN'));
  await rig.run(30_000);
  assert.equal(rig.report().removed, true);
  const left = rig.object('ConfigMap', 'a') ?? assert.fail();
  assert.deepEqual(left['data'], { value: '1' });
  assert.equal(left.metadata.labels?.[labels.assignment], undefined);
});

test('one broken assignment delays no other', async (t) => {
  const rig = rigFor(t);
  const broken = await Promise.all(Array.from({ length: 30 }, (_, i) => rig.assignment(`b${i}`, filesOf(configMap(`b${i}`)))));
  for (const one of broken) one.variant = { ...(one.variant ?? assert.fail()), repository: 'elsewhere.example/none/none' };
  const resolve = rig.registry.resolve.bind(rig.registry);
  rig.registry.resolve = (reference, signal) =>
    reference.registry === 'elsewhere.example' ? rig.clock.sleep(90_000, signal).then(() => undefined) : resolve(reference, signal);
  rig.desire(...broken);
  await rig.run(300_000);
  const late = await rig.assignment('p1', filesOf(configMap('a')));
  rig.desire(...broken, late);
  await rig.run(200_000);
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
});

test('what was healthy for an hour and is not any more has its own time, before it is Degraded', async (t) => {
  const rig = rigFor(t);
  rig.desire(await rig.assignment('p1', filesOf(deployment('web'))));
  await rig.run(3_600_000);
  rig.broken.add('web');
  await rig.run(50_000);
  assert.equal(rig.report().health, 'HEALTH_PROGRESSING');
  await rig.run(20_000);
  assert.equal(rig.report().health, 'HEALTH_DEGRADED');
});

test('what is tried again and fails again is said once', async (t) => {
  const rig = rigFor(t, { authorize: (user) => user === undefined });
  rig.desire(await rig.assignment('p1', filesOf(configMap('a'))));
  await rig.run(10_000);
  const said = rig.history.length;
  await rig.run(300_000);
  assert.equal(rig.report().reason, 'Denied');
  assert.equal(rig.history.length, said);
});

test('content that nobody can pull is waited for, Degraded after its time, and taken when it is there', async (t) => {
  const rig = rigFor(t);
  rig.registryUp = false;
  rig.desire(await rig.assignment('p1', filesOf(configMap('a'))));
  await rig.run(30_000);
  assert.deepEqual([rig.report().health, rig.report().reason], ['HEALTH_PROGRESSING', 'ContentUnavailable']);
  await rig.run(60_000);
  assert.deepEqual([rig.report().health, rig.report().reason], ['HEALTH_DEGRADED', 'ContentUnavailable']);
  rig.registryUp = true;
  await rig.run(120_000);
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
});

test('conditions move their time only when their status does', async (t) => {
  const rig = rigFor(t);
  rig.broken.add('web');
  rig.desire(await rig.assignment('p1', filesOf(deployment('web'))));
  await rig.run();
  const since = (): number | undefined =>
    rig
      .report()
      .conditions.find(({ type }) => type === 'Ready')
      ?.lastTransitionTime?.getTime();
  const before = since();
  await rig.run(70_000);
  assert.equal(rig.report().reason, 'HealthTimeout');
  assert.equal(since(), before, 'False is still False');
  rig.broken.clear();
  await rig.run(5_000);
  assert.ok((since() ?? 0) > (before ?? 0));
});
