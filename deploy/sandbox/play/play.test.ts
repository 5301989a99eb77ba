import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom, VirtualClock } from '#shared/clock/mod.ts';
import { at, type Doc, Kinds, listAt, play, Store, type Stored, textAt, Writes } from '#shared/kubernetes/mod.ts';
import { failureOf } from './pods.ts';
import { rulesOf } from './rules.ts';

/** A cluster without HTTP, in virtual time. */
function cluster() {
  const clock = new VirtualClock();
  const head = (name: string, labels: Record<string, string> = {}) => ({
    metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: '', labels },
  });
  const node = (name: string): readonly [string, Stored] => ['/nodes', { apiVersion: 'v1', kind: 'Node', ...head(name, { disk: name }) }];
  const home: readonly [string, Stored] = [
    '/namespaces',
    { apiVersion: 'v1', kind: 'Namespace', ...head('default'), spec: { finalizers: ['kubernetes'] } },
  ];
  const writes = new Writes(new Store([node('one'), node('two'), home], 1), new Kinds(), clock, seededRandom(1));
  const failed = (error: unknown): void => assert.fail(String(error));
  const start = () => play(writes, { rules: rulesOf('CA'), clock, delayMs: 100, soon: (look) => clock.after(0, look), failed });
  const stop = start();
  const request = (kind: string, name = '') => ({ kind: writes.kinds.own(kind), namespace: 'default', name, manager: 'test' });
  const make = (kind: string, name: string, spec: Doc, annotations: Doc = {}): Stored =>
    writes.create(request(kind), { metadata: { name, annotations }, spec });
  const pods = (): readonly Stored[] => writes.store.list('/pods', 'default');
  const get = (kind: string, name: string): Stored => writes.get(writes.kinds.own(kind), 'default', name);
  // Each step of work sets a timer of its own.
  const pass = async (ms = 1_000): Promise<void> => {
    for (let n = 0; n < 20; n += 1) await clock.advance(ms / 20);
  };
  return { clock, writes, start, stop, request, make, pods, get, pass };
}
const template = (pod: Doc = {}): Doc => ({
  metadata: { labels: { app: 'a' } },
  spec: { containers: [{ name: 'web', image: 'web:1' }], ...pod },
});
const workload = (more: Doc = {}, pod: Doc = {}): Doc => ({ selector: { matchLabels: { app: 'a' } }, template: template(pod), ...more });
const reasonOf = (object: Stored, type: string): string =>
  textAt(
    listAt(object, 'status', 'conditions').find((one) => textAt(one, 'type') === type),
    'reason',
  );

test('a Deployment makes a ReplicaSet and Pods, which run, and says so', async () => {
  const { make, pods, get, pass } = cluster();
  make('Deployment', 'd', workload({ replicas: 3 }));
  await pass();
  assert.deepEqual(
    pods().map((pod) => textAt(pod, 'status', 'phase')),
    ['Running', 'Running', 'Running'],
  );
  const found = get('Deployment', 'd');
  assert.deepEqual(
    [at(found, 'status', 'availableReplicas'), reasonOf(found, 'Available'), reasonOf(found, 'Progressing')],
    [3, 'MinimumReplicasAvailable', 'NewReplicaSetAvailable'],
  );
});

test('a rollout never has fewer than it may, and ends with the new template alone', async () => {
  const { make, writes, request, pods, get, clock, pass } = cluster();
  make('Deployment', 'd', workload({ replicas: 4 }));
  await pass();
  writes.patch(request('Deployment', 'd'), 'merge', { spec: { template: { spec: { containers: [{ name: 'web', image: 'web:2' }] } } } });
  for (let n = 0; n < 60; n += 1) {
    await clock.advance(20);
    const ready = pods().filter(
      (pod) =>
        pod.metadata.deletionTimestamp === undefined && reasonOf(pod, 'Ready') === '' && textAt(pod, 'status', 'phase') === 'Running',
    ).length;
    assert.ok(ready >= 3, `${ready} ready`);
  }
  await pass();
  assert.deepEqual([...new Set(pods().map((pod) => textAt(listAt(pod, 'spec', 'containers')[0], 'image')))], ['web:2']);
  assert.equal(at(get('Deployment', 'd'), 'status', 'updatedReplicas'), 4);
});

test('a broken rollout leaves the old pods up, and times out', async () => {
  const { make, writes, request, get, pass } = cluster();
  make('Deployment', 'd', workload({ replicas: 2, progressDeadlineSeconds: 5 }));
  await pass();
  const broken = { metadata: { annotations: { 'sandbox.wheelhouse.dev/fail': 'CrashLoopBackOff' } } };
  writes.patch(request('Deployment', 'd'), 'merge', { spec: { template: broken } });
  await pass();
  assert.deepEqual(
    [at(get('Deployment', 'd'), 'status', 'availableReplicas'), reasonOf(get('Deployment', 'd'), 'Progressing')],
    [2, 'ReplicaSetUpdated'],
  );
  await pass(10_000);
  assert.equal(reasonOf(get('Deployment', 'd'), 'Progressing'), 'ProgressDeadlineExceeded');
});

test('a StatefulSet starts one after the other; its names say which', async () => {
  const { make, pods, get, clock, pass } = cluster();
  make('StatefulSet', 's', workload({ replicas: 3, serviceName: 's' }));
  await clock.advance(50);
  assert.ok(pods().length <= 1);
  await pass();
  assert.deepEqual(
    pods().map(({ metadata }) => metadata.name),
    ['s-0', 's-1', 's-2'],
  );
  assert.equal(at(get('StatefulSet', 's'), 'status', 'readyReplicas'), 3);
});

test('a DaemonSet has a pod on each node that fits', async () => {
  const { make, get, pass } = cluster();
  make('DaemonSet', 'all', workload());
  make('DaemonSet', 'some', workload({}, { nodeSelector: { disk: 'two' } }));
  await pass();
  assert.deepEqual(
    ['all', 'some'].map((name) => at(get('DaemonSet', name), 'status', 'numberReady')),
    [2, 1],
  );
});

test('a Job completes; one whose pods crash fails after its last attempt', async () => {
  const { make, get, pass } = cluster();
  const spec = { backoffLimit: 2, template: template({ restartPolicy: 'Never' }) };
  make('Job', 'good', spec);
  make('Job', 'bad', spec, { 'sandbox.wheelhouse.dev/fail': 'CrashLoopBackOff' });
  await pass(3_000);
  assert.deepEqual(
    [reasonOf(get('Job', 'good'), 'Complete'), reasonOf(get('Job', 'bad'), 'Failed')],
    ['CompletionsReached', 'BackoffLimitExceeded'],
  );
});

/** What a person sees of the pods: phase, and why they wait. */
const seen = (pods: readonly Stored[]): readonly string[] =>
  pods.map((pod) => {
    const waiting = textAt(listAt(pod, 'status', 'containerStatuses')[0], 'state', 'waiting', 'reason');
    return `${textAt(pod, 'status', 'phase')} ${waiting || reasonOf(pod, 'PodScheduled')}`.trim();
  });

const laterFailures: readonly [failure: string, expected: string][] = [
  ['CrashLoopBackOff', 'Running CrashLoopBackOff'],
  ['ImagePullBackOff', 'Pending ImagePullBackOff'],
  ['Unschedulable', 'Pending Unschedulable'],
];
for (const [failure, expected] of laterFailures)
  test(`a workload that runs fails when it is told to, and heals: ${failure}`, async () => {
    const { make, writes, request, pods, get, pass } = cluster();
    make('Deployment', 'd', workload({ replicas: 2 }));
    await pass();
    const names = pods().map(({ metadata }) => metadata.name);
    const annotate = (value: string | null): unknown =>
      writes.patch(request('Deployment', 'd'), 'merge', { metadata: { annotations: { 'sandbox.wheelhouse.dev/fail': value } } });
    annotate(failure);
    await pass();
    assert.deepEqual(seen(pods()), [expected, expected]);
    assert.equal(at(get('Deployment', 'd'), 'status', 'availableReplicas'), undefined);
    assert.equal(reasonOf(get('Deployment', 'd'), 'Available'), 'MinimumReplicasUnavailable');
    assert.equal(textAt(pods()[0], 'spec', 'nodeName') === '', failure === 'Unschedulable');
    annotate(null);
    await pass();
    assert.deepEqual(seen(pods()), ['Running', 'Running']);
    assert.equal(at(get('Deployment', 'd'), 'status', 'availableReplicas'), 2);
    assert.deepEqual(
      pods().map(({ metadata }) => metadata.name),
      names,
    );
  });

test('a failure after a time: well until then, and no longer', async () => {
  const { make, pods, clock, pass } = cluster();
  const annotations = { 'sandbox.wheelhouse.dev/fail': 'CrashLoopBackOff', 'sandbox.wheelhouse.dev/fail-after': '10s' };
  make('StatefulSet', 's', {
    ...workload({ replicas: 1, serviceName: 's' }),
    template: { ...template(), metadata: { labels: { app: 'a' }, annotations } },
  });
  await pass();
  await clock.advance(8_900);
  assert.deepEqual(seen(pods()), ['Running']);
  await pass(1_200);
  assert.deepEqual(seen(pods()), ['Running CrashLoopBackOff']);
});

test('a rollout is observed with its counts as the controller sets them, and its ReplicaSets tell their revision', async () => {
  const { make, writes, request, get, clock, pass } = cluster();
  make('Deployment', 'd', workload({ replicas: 2 }));
  await pass();
  const images = (image: string): unknown =>
    writes.patch(request('Deployment', 'd'), 'merge', { spec: { template: { spec: { containers: [{ name: 'web', image }] } } } });
  images('x/does-not-exist:2');
  await pass();
  const { conditions: _, ...counts } = get('Deployment', 'd')['status'] as Doc;
  const stuck = { observedGeneration: 2, replicas: 3, updatedReplicas: 1, readyReplicas: 2, availableReplicas: 2, unavailableReplicas: 1 };
  assert.deepEqual(counts, stuck);
  images('web:1');
  await clock.advance(0);
  await pass();
  const revisions = writes.store.list('apps/replicasets').map((set) => {
    const revision = set.metadata.annotations?.['deployment.kubernetes.io/revision'];
    return `${revision}: ${String(at(set, 'spec', 'replicas'))} of generation ${set.metadata.generation}`;
  });
  assert.deepEqual(revisions.toSorted(), ['2: 0 of generation 2', '3: 2 of generation 1']);
  assert.equal(get('Deployment', 'd').metadata.annotations?.['deployment.kubernetes.io/revision'], '3');
});

test('nothing is written, and no timer set, when nothing changes', async () => {
  const { make, writes, clock, pass } = cluster();
  make('Deployment', 'd', workload({ replicas: 2 }));
  make('StatefulSet', 's', workload({ replicas: 2, serviceName: 's' }));
  make('DaemonSet', 'all', workload());
  await pass();
  const { version } = writes.store;
  let timers = 0;
  const after = clock.after.bind(clock);
  clock.after = (ms, callback) => ((timers += 1), after(ms, callback));
  await pass(3_600_000);
  assert.deepEqual([writes.store.version, timers], [version, 0]);
});

test('who recreates has none of the old when the new begins', async () => {
  const { make, writes, request, pods, get, clock, pass } = cluster();
  make('Deployment', 'd', workload({ replicas: 2, strategy: { type: 'Recreate' } }));
  await pass();
  const spec = { template: { spec: { containers: [{ name: 'web', image: 'web:2' }] } } };
  writes.patch(request('Deployment', 'd'), 'merge', { spec });
  for (let n = 0; n < 60; n += 1) {
    await clock.advance(10);
    const live = pods().filter((pod) => pod.metadata.deletionTimestamp === undefined);
    const images = new Set(live.map((pod) => textAt(listAt(pod, 'spec', 'containers')[0], 'image')));
    assert.ok(images.size <= 1, [...images].join(' and '));
  }
  await pass();
  assert.equal(at(get('Deployment', 'd'), 'status', 'availableReplicas'), 2);
});

test('nothing happens once it is stopped', async () => {
  const { make, writes, stop, pass } = cluster();
  make('Deployment', 'd', workload());
  stop();
  await pass();
  assert.deepEqual(writes.store.list('apps/replicasets'), []);
});

test('what was under way goes on after a restart', async () => {
  const { make, start, clock, stop, pods, pass } = cluster();
  make('Deployment', 'd', workload({ replicas: 2 }));
  await clock.advance(20);
  assert.deepEqual(seen(pods()), ['Pending', 'Pending']);
  stop();
  await pass();
  assert.deepEqual(seen(pods()), ['Pending', 'Pending']);
  start();
  await pass();
  assert.deepEqual(seen(pods()), ['Running', 'Running']);
});

test('what fits no node is Pending and says why', async () => {
  const { make, pods, pass } = cluster();
  make('Deployment', 'd', workload({ replicas: 1 }, { nodeSelector: { disk: 'three' } }));
  await pass();
  assert.deepEqual(
    pods().map((pod) => [textAt(pod, 'status', 'phase'), reasonOf(pod, 'PodScheduled')]),
    [['Pending', 'Unschedulable']],
  );
});

test('what a deleted workload owned goes with it, unless it is orphaned', async () => {
  const { make, writes, pods, pass } = cluster();
  make('Deployment', 'd', workload({ replicas: 2 }));
  await pass();
  const deployments = writes.kinds.own('Deployment');
  writes.delete(deployments, 'default', 'd', { propagation: 'Orphan' });
  await pass();
  assert.equal(pods().length, 2);
  const [set] = writes.store.list('apps/replicasets');
  assert.equal(set?.metadata.ownerReferences, undefined);
  writes.delete(writes.kinds.own('ReplicaSet'), 'default', set?.metadata.name ?? '', { propagation: 'Foreground' });
  await pass();
  assert.deepEqual([pods().length, writes.store.list('apps/replicasets').length], [0, 0]);
});

test('a namespace takes its contents with it', async () => {
  const { make, writes, pods, pass } = cluster();
  writes.create({ ...all(writes), name: '' }, { metadata: { name: 'other' } });
  await pass();
  make('Deployment', 'd', workload());
  writes.create({ kind: writes.kinds.own('ConfigMap'), namespace: 'other', name: '', manager: 'test' }, { metadata: { name: 'a' } });
  writes.delete(writes.kinds.own('Namespace'), '', 'other', {});
  await pass();
  assert.equal(writes.store.get('/namespaces', '', 'other'), undefined);
  assert.deepEqual(writes.store.list('/configmaps', 'other'), []);
  assert.equal(pods().length, 1);
});
const all = (writes: Writes) => ({ kind: writes.kinds.own('Namespace'), namespace: '', manager: 'test' });

const failures: readonly [annotations: Record<string, string>, image: string, expected: unknown][] = [
  [{}, 'web:1', undefined],
  [{ 'sandbox.wheelhouse.dev/fail': 'Nonsense' }, 'web:1', undefined],
  [{ 'sandbox.wheelhouse.dev/fail': 'CrashLoopBackOff' }, 'web:1', { failure: 'CrashLoopBackOff', afterMs: 0 }],
  [
    { 'sandbox.wheelhouse.dev/fail': 'Unschedulable', 'sandbox.wheelhouse.dev/fail-after': '2m' },
    'web:1',
    { failure: 'Unschedulable', afterMs: 120_000 },
  ],
  [{}, 'x/does-not-exist:1', { failure: 'ImagePullBackOff', afterMs: 0 }],
];
for (const [annotations, image, expected] of failures)
  test(`failing on request: ${JSON.stringify(annotations)} ${image}`, () => {
    const head = { name: 'p', uid: 'p', resourceVersion: '1', creationTimestamp: '', annotations };
    assert.deepEqual(
      failureOf({ apiVersion: 'v1', kind: 'Pod', metadata: head, spec: { containers: [{ name: 'a', image }] } }, []),
      expected,
    );
  });

const budgets: readonly [spec: Doc, status: readonly unknown[]][] = [
  [{ minAvailable: 2 }, [1, 3, 2, 3, 'SufficientPods']],
  [{ minAvailable: '50%' }, [1, 3, 2, 3, 'SufficientPods']],
  [{ maxUnavailable: 1 }, [1, 3, 2, 3, 'SufficientPods']],
  [{ minAvailable: 3 }, [0, 3, 3, 3, 'InsufficientPods']],
  [
    { maxUnavailable: '100%', selector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['a'] }] } },
    [0, 0, 0, 0, 'InsufficientPods'],
  ],
  [{ minAvailable: 1, selector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } }, [2, 3, 1, 3, 'SufficientPods']],
];
for (const [spec, expected] of budgets)
  test(`of three pods, a budget of ${JSON.stringify(spec)} allows ${String(expected[0])} to be lost`, async () => {
    const { make, get, pass } = cluster();
    make('Deployment', 'd', workload({ replicas: 3 }));
    make('PodDisruptionBudget', 'b', { selector: { matchLabels: { app: 'a' } }, ...spec });
    await pass();
    const budget = get('PodDisruptionBudget', 'b');
    const counts = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'].map((field) => at(budget, 'status', field));
    assert.deepEqual([...counts, reasonOf(budget, 'DisruptionAllowed')], expected);
  });

test('a budget follows its pods', async () => {
  const { make, get, pass, writes, request, pods } = cluster();
  make('PodDisruptionBudget', 'b', { minAvailable: 1, selector: { matchLabels: { app: 'a' } } });
  make('Deployment', 'd', workload({ replicas: 3 }));
  await pass();
  assert.equal(at(get('PodDisruptionBudget', 'b'), 'status', 'disruptionsAllowed'), 2);
  writes.patch(request('Deployment', 'd'), 'merge', { spec: { replicas: 1 } });
  await pass();
  assert.equal(at(get('PodDisruptionBudget', 'b'), 'status', 'disruptionsAllowed'), 0);
  const [last] = pods();
  writes.patch(request('Pod', last?.metadata.name ?? ''), 'merge', { metadata: { finalizers: ['a/b'] } });
  writes.patch(request('Deployment', 'd'), 'merge', { spec: { replicas: 0 } });
  await pass();
  assert.deepEqual(
    [pods().length, at(get('PodDisruptionBudget', 'b'), 'status', 'expectedPods')],
    [1, 0],
    'who is on the way out does not count',
  );
});
