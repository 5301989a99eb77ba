import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Drift } from '../../proto/mod.ts';
import { labels } from '../../shared/kernel/mod.ts';
import type { KubeObject } from '../kube/mod.ts';
import { configMap, deployment, filesOf, Rig } from './testing/rig.ts';

// What others do to the objects that were applied: noticed, corrected once, and told with who did it.

function rigFor(t: TestContext, options: ConstructorParameters<typeof Rig>[0] = {}): Rig {
  const rig = new Rig(options);
  t.after(() => rig.stop());
  return rig.start();
}

/** With these applied, healthy and quiet; what was asked for that is forgotten. */
async function applied(t: TestContext, ...documents: readonly string[]): Promise<Rig> {
  const rig = rigFor(t);
  rig.desire(await rig.assignment('p1', filesOf(...documents)));
  await rig.run();
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
  rig.kube.forgetRequests();
  return rig;
}

const web = (rig: Rig): KubeObject => rig.object('Deployment', 'web') ?? assert.fail('web is not there');
const specOf = ({ spec }: KubeObject): Record<string, unknown> => spec as Record<string, unknown>;
const scale = (rig: Rig, replicas: number, manager = 'kubectl'): void => {
  const live = web(rig);
  rig.kube.put({ ...live, spec: { ...specOf(live), replicas } }, manager);
};
const replicas = (rig: Rig): unknown => specOf(web(rig))['replicas'];
const drift = (rig: Rig): readonly Drift[] => rig.report().drift;
const one = (rig: Rig): Drift => {
  const [only, ...others] = drift(rig);
  assert.deepEqual(others, []);
  return only ?? assert.fail('no drift is told');
};
const applies = (rig: Rig): number => rig.kube.requests.filter(({ verb }) => verb === 'apply').length;

test('scaled by hand: corrected within a second by one write of the tenant, and told with the field and who it was', async (t) => {
  const rig = await applied(t, deployment('web'), configMap('a'));
  scale(rig, 5, 'kubectl-scale');
  await rig.run(900);
  assert.equal(replicas(rig), 1);
  assert.deepEqual(rig.written(), ['apply Deployment/web']);
  assert.equal(rig.kube.writes[0]?.as, 'system:serviceaccount:wheelhouse-tenants:shop');
  assert.equal(applies(rig), 1, 'no dry run either');
  const told = one(rig);
  assert.deepEqual(
    [told.object, told.kind, told.state, told.fields, told.manager, told.operation, told.seen, told.corrections],
    ['apps/Deployment/shop/web', 'DRIFT_KIND_CHANGED', 'DRIFT_STATE_CORRECTED', ['.spec.replicas'], 'kubectl-scale', 'Update', 1, 1],
  );
  assert.ok(told.changedAt && told.firstSeenAt && told.correctedAt);
  assert.match(rig.report().message, /drift corrected: Deployment web in shop: \.spec\.replicas was changed by kubectl-scale/);
  rig.kube.forgetRequests();
  await rig.clock.advance(10 * 60_000);
  assert.deepEqual(rig.written(), []);
  assert.doesNotMatch(rig.report().message, /drift/);
  assert.equal(drift(rig).length, 1, 'told for an hour');
  await rig.clock.advance(50 * 60_000);
  assert.deepEqual(drift(rig), []);
});

test('deleted: made anew from the verified revision, with nobody named, because that is recorded nowhere', async (t) => {
  const rig = await applied(t, deployment('web'));
  const { uid } = web(rig).metadata;
  rig.registryUp = false;
  rig.kube.remove(web(rig));
  await rig.run(900);
  assert.notEqual(web(rig).metadata.uid, uid);
  assert.deepEqual(rig.written(), ['apply Deployment/web']);
  assert.deepEqual([one(rig).kind, one(rig).manager, one(rig).changedAt], ['DRIFT_KIND_DELETED', '', undefined]);
  assert.match(rig.report().message, /it was deleted, by whom is not recorded/);
  await rig.run();
  assert.equal(rig.report().health, 'HEALTH_HEALTHY');
});

test('made anew by somebody else: named, and written over', async (t) => {
  const rig = await applied(t, configMap('a'));
  rig.kube.remove(rig.object('ConfigMap', 'a') ?? assert.fail());
  rig.kube.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'shop' }, data: { other: '2' } }, 'kubectl-create');
  await rig.run(900);
  assert.deepEqual([one(rig).kind, one(rig).manager], ['DRIFT_KIND_REPLACED', 'kubectl-create']);
  assert.deepEqual(rig.object('ConfigMap', 'a')?.['data'], { other: '2', value: '1' });
});

test('a label of ours taken off hides the object from the watch, but is found to be a change', async (t) => {
  const rig = await applied(t, configMap('a'));
  const a = rig.object('ConfigMap', 'a') ?? assert.fail();
  const { [labels.fleet]: _gone, ...kept } = a.metadata.labels ?? {};
  rig.kube.put({ ...a, metadata: { ...a.metadata, labels: kept } }, 'kubectl-label');
  await rig.run(900);
  assert.deepEqual([one(rig).kind, one(rig).fields, one(rig).manager], ['DRIFT_KIND_CHANGED', [`.metadata.labels.${labels.fleet}`], '']);
  assert.equal(rig.object('ConfigMap', 'a')?.metadata.uid, a.metadata.uid);
  assert.ok(rig.object('ConfigMap', 'a')?.metadata.labels?.[labels.fleet]);
});

const noDrift: readonly (readonly [what: string, change: (live: KubeObject) => KubeObject])[] = [
  ['a field that the release leaves to others', (live) => ({ ...live, spec: { ...specOf(live), paused: true } })],
  [
    'an annotation beside ours',
    (live) => ({ ...live, metadata: { ...live.metadata, annotations: { ...live.metadata.annotations, a: 'b' } } }),
  ],
  ['a status', (live) => ({ ...live, status: { ...(live['status'] as object), readyReplicas: 9 } })],
  ['the same value again', (live) => ({ ...live, spec: { ...specOf(live), replicas: 1 } })],
  ['nothing', (live) => live],
];
for (const [what, change] of noDrift)
  test(`somebody who writes ${what} is nobody's business`, async (t) => {
    const rig = await applied(t, deployment('web'));
    rig.kube.put(change(web(rig)), 'somebody');
    await rig.run(60_000);
    assert.deepEqual(
      rig.kube.requests.filter(({ verb }) => verb === 'apply' || verb === 'get'),
      [],
    );
    assert.deepEqual(drift(rig), []);
  });

test('an autoscaler has the replicas that the release leaves open', async (t) => {
  const { replicas: _open, ...spec } = specOf(JSON.parse(deployment('web')) as KubeObject);
  const rig = await applied(t, JSON.stringify({ ...(JSON.parse(deployment('web')) as object), spec }));
  for (const count of [3, 7, 2]) {
    scale(rig, count, 'kube-controller-manager');
    await rig.run(5_000);
  }
  assert.equal(replicas(rig), 2);
  assert.deepEqual(rig.written(), []);
});

test('what happened while the spoke was down is found by its first list, and told as exactly', async (t) => {
  const rig = rigFor(t);
  const a = await rig.assignment('p1', filesOf(deployment('web'), configMap('a'), configMap('b')));
  rig.desire(a);
  await rig.run();
  await rig.stop();
  scale(rig, 4, 'kubectl-edit');
  rig.kube.remove(rig.object('ConfigMap', 'a') ?? assert.fail());
  rig.reports.clear();
  rig.kube.forgetRequests();
  rig.registryUp = false;
  rig.start().desire(a);
  await rig.run(2_000);
  assert.deepEqual([...rig.written()].sort(), ['apply ConfigMap/a', 'apply Deployment/web']);
  assert.equal(applies(rig), 2);
  assert.deepEqual(
    drift(rig).map(({ object, kind, fields, manager }) => [object, kind, fields, manager]),
    [
      ['/ConfigMap/shop/a', 'DRIFT_KIND_DELETED', [], ''],
      ['apps/Deployment/shop/web', 'DRIFT_KIND_CHANGED', ['.spec.replicas'], 'kubectl-edit'],
    ],
  );
});

test('a process that made it anew and died before it wrote that down: its next finds it as it should be, and blames nobody', async (t) => {
  const rig = rigFor(t);
  const a = await rig.assignment('p1', filesOf(configMap('a')));
  rig.desire(a);
  await rig.run();
  rig.records.before = (method) => {
    if (method === 'save') throw new Error('killed');
  };
  rig.kube.remove(rig.object('ConfigMap', 'a') ?? assert.fail());
  await rig.run(300);
  await rig.stop();
  const { uid } = rig.object('ConfigMap', 'a')?.metadata ?? assert.fail('it was made anew');
  rig.records.before = () => {};
  rig.start().desire(a);
  await rig.run(5_000);
  assert.deepEqual([rig.report().health, drift(rig)], ['HEALTH_HEALTHY', []]);
  assert.equal(rig.records.records.get('p1')?.inventory[0]?.uid, uid);
});

test('observed: told with who did it, asked once for each difference, and nothing is written', async (t) => {
  const rig = rigFor(t);
  const a = await rig.assignment('p1', filesOf(deployment('web'), configMap('a')));
  rig.desire(a);
  await rig.run();
  rig.desire({ ...a, mode: 'ASSIGNMENT_MODE_OBSERVE' });
  await rig.run();
  rig.kube.forgetRequests();
  scale(rig, 5, 'kubectl-scale');
  await rig.run(60_000);
  assert.deepEqual(rig.written(), []);
  assert.equal(replicas(rig), 5);
  assert.deepEqual(
    [one(rig).state, one(rig).fields, one(rig).manager, one(rig).corrections],
    ['DRIFT_STATE_STANDING', ['.spec.replicas'], 'kubectl-scale', 0],
  );
  assert.equal(applies(rig), 2, 'one dry run of each object');
  rig.kube.forgetRequests();
  await rig.clock.advance(2 * 3_600_000);
  assert.equal(applies(rig), 0);
  assert.equal(one(rig).state, 'DRIFT_STATE_STANDING', 'for as long as it stands');
  rig.desire(a);
  await rig.run();
  assert.equal(replicas(rig), 1);
  assert.deepEqual([one(rig).state, one(rig).manager], ['DRIFT_STATE_CORRECTED', 'kubectl-scale']);
});

test('suspended, or no longer assigned: nothing is corrected and nothing told', async (t) => {
  const rig = rigFor(t);
  const a = await rig.assignment('p1', filesOf(deployment('web')));
  for (const wish of [{ ...a, mode: 'ASSIGNMENT_MODE_SUSPENDED' as const }, undefined]) {
    rig.desire(a);
    await rig.run();
    scale(rig, 9);
    await rig.run();
    assert.equal(one(rig).state, 'DRIFT_STATE_CORRECTED');
    rig.desire(...(wish ? [wish] : []));
    await rig.run();
    rig.kube.forgetRequests();
    scale(rig, 5);
    await rig.run(60_000);
    assert.deepEqual(rig.written(), []);
    assert.equal(replicas(rig), 5);
    assert.deepEqual(drift(rig), []);
  }
});

test('what cannot be read is no drift: no failed list, silent server, refused right or broken answer makes anything anew', async (t) => {
  const rig = await applied(t, deployment('web'), configMap('a'));
  const troubles: readonly (() => void)[] = [
    () => rig.kube.fail({ verb: 'list', code: 'FORBIDDEN', times: 1_000 }),
    () => rig.kube.fail({ verb: 'list', code: 'BAD_RESPONSE', times: 1_000 }),
    () => rig.kube.fail({ verb: 'watch', code: 'SERVER_UNAVAILABLE', times: 1_000 }),
    () => rig.kube.silence(),
  ];
  for (const trouble of troubles) {
    trouble();
    rig.kube.compact();
    await rig.run(5 * 60_000);
    assert.deepEqual(rig.written(), []);
    assert.deepEqual(drift(rig), []);
    rig.kube.heal();
    // A watch that has been quiet is believed again with its next bookmark.
    await rig.run(2 * 60_000);
    assert.equal(rig.report().health, 'HEALTH_HEALTHY');
  }
});

test('a deletion that only the watch has seen is asked about, and while nobody answers for it nothing is written', async (t) => {
  const rig = await applied(t, configMap('a'));
  rig.kube.fail({ verb: 'get', name: 'a', code: 'FORBIDDEN', times: 3 });
  rig.kube.remove(rig.object('ConfigMap', 'a') ?? assert.fail());
  await rig.run(900);
  assert.deepEqual(rig.written(), []);
  assert.deepEqual([rig.report().reason, one(rig).state], ['ApiUnavailable', 'DRIFT_STATE_STANDING']);
  await rig.run(30_000);
  assert.deepEqual(rig.written(), ['apply ConfigMap/a']);
  assert.equal(one(rig).state, 'DRIFT_STATE_CORRECTED');
});

test('a correction that is refused says why, and stands', async (t) => {
  let allowed = true;
  const rig = rigFor(t, { authorize: (user, verb) => user === undefined || allowed || verb === 'get' });
  rig.desire(await rig.assignment('p1', filesOf(deployment('web'))));
  await rig.run();
  allowed = false;
  scale(rig, 3);
  await rig.run(10_000);
  assert.deepEqual([rig.report().health, rig.report().reason, one(rig).state], ['HEALTH_DEGRADED', 'Denied', 'DRIFT_STATE_STANDING']);
  allowed = true;
  await rig.run(120_000);
  assert.deepEqual([rig.report().health, one(rig).state, replicas(rig)], ['HEALTH_HEALTHY', 'DRIFT_STATE_CORRECTED', 1]);
});

/** Somebody who takes it again within a moment, for so long. */
async function fight(rig: Rig, seconds: number, stepMs = 100): Promise<void> {
  for (let ms = 0; ms < seconds * 1000; ms += stepMs) {
    if (replicas(rig) === 1) scale(rig, 6, 'rogue-controller');
    rig.controllers();
    await rig.clock.advance(stepMs);
  }
}

test('a fight is corrected ever more seldom, Degraded as Contested with who it is, and over when it is over', async (t) => {
  const rig = await applied(t, deployment('web'), configMap('a'));
  await fight(rig, 120);
  assert.deepEqual([rig.report().health, rig.report().reason], ['HEALTH_DEGRADED', 'Contested']);
  assert.match(
    rig.report().message,
    /^Deployment web in shop: drift comes back .* \.spec\.replicas was changed by rogue-controller; .* every 64 s$/,
  );
  assert.deepEqual([rig.report().counts?.degraded, rig.report().objects.map(({ reason }) => reason)], [1, ['Contested']]);
  const told = one(rig);
  assert.deepEqual([told.state, told.manager, told.fields], ['DRIFT_STATE_CONTESTED', 'rogue-controller', ['.spec.replicas']]);
  assert.equal(rig.written().length, 7, 'at 0, 1, 3, 7, 15, 31 and 63 seconds');
  // Somebody else's object is corrected at once all the same.
  rig.kube.forgetRequests();
  rig.kube.remove(rig.object('ConfigMap', 'a') ?? assert.fail());
  await rig.run(900);
  assert.deepEqual(rig.written(), ['apply ConfigMap/a']);
  await rig.run(5 * 60_000);
  assert.deepEqual([rig.report().health, rig.report().reason, replicas(rig)], ['HEALTH_HEALTHY', 'Healthy', 1]);
  rig.kube.forgetRequests();
  scale(rig, 2);
  await rig.run(900);
  assert.deepEqual(rig.written(), ['apply Deployment/web'], 'prompt again');
});

test('in half an hour of fighting there are few writes and few reports', async (t) => {
  const rig = await applied(t, deployment('web'));
  const before = rig.history.length;
  await fight(rig, 1_800, 500);
  assert.ok(rig.written().length <= 14, `${rig.written().length} writes`);
  assert.ok(rig.history.length - before <= 60, `${rig.history.length - before} reports`);
});

test('asked to look again, a fight is answered at once', async (t) => {
  const rig = await applied(t, deployment('web'));
  await fight(rig, 120);
  rig.kube.forgetRequests();
  void rig.spoke.syncNow('p1');
  await rig.run(900);
  assert.deepEqual(rig.written(), ['apply Deployment/web']);
});

test('a revision that leaves the contested field to the other ends it at once', async (t) => {
  const rig = await applied(t, deployment('web'));
  await fight(rig, 60);
  assert.equal(rig.report().reason, 'Contested');
  const { replicas: _open, ...spec } = specOf(JSON.parse(deployment('web')) as KubeObject);
  rig.desire(await rig.assignment('p1', filesOf(JSON.stringify({ ...(JSON.parse(deployment('web')) as object), spec }))));
  await rig.run();
  assert.deepEqual([rig.report().health, rig.report().reason], ['HEALTH_HEALTHY', 'Healthy']);
  scale(rig, 6, 'rogue-controller');
  await rig.run(10_000);
  assert.equal(rig.report().reason, 'Healthy');
  assert.equal(replicas(rig), 6);
});

test('what is suspended while its drift is looked at is not corrected any more', async (t) => {
  const rig = rigFor(t);
  const a = await rig.assignment('p1', filesOf(configMap('a')));
  rig.desire(a);
  await rig.run();
  const gate = Promise.withResolvers<void>();
  const get = rig.kube.get.bind(rig.kube);
  let held = false;
  rig.kube.get = async (kind, namespace, name, signal) => {
    const answer = await get(kind, namespace, name, signal);
    if (name === 'a') {
      held = true;
      await gate.promise;
    }
    return answer;
  };
  rig.kube.forgetRequests();
  rig.kube.remove(rig.object('ConfigMap', 'a') ?? assert.fail());
  await rig.run(500);
  assert.equal(held, true);
  rig.desire({ ...a, mode: 'ASSIGNMENT_MODE_SUSPENDED' });
  gate.resolve();
  await rig.run(10_000);
  assert.deepEqual(rig.written(), []);
});

test('many at once are corrected together, one write each, and the report stays within its bounds', async (t) => {
  const documents = Array.from({ length: 60 }, (_, i) => configMap(`c${i}`));
  const rig = await applied(t, ...documents);
  for (let i = 0; i < 60; i++) {
    const object = rig.object('ConfigMap', `c${i}`) ?? assert.fail();
    if (i % 2 === 0) rig.kube.remove(object);
    else rig.kube.put({ ...object, data: { value: 'theirs' } }, 'script');
  }
  await rig.run(900);
  assert.equal(rig.written().length, 60);
  assert.deepEqual([drift(rig).length, rig.report().driftMore], [10, 50]);
  assert.ok(rig.history.length < 10, `${rig.history.length} reports`);
});
