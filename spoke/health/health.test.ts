import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { HealthState } from '../../shared/kernel/mod.ts';
import type { KubeObject, ObjectRef } from '../kube/mod.ts';
import { healthOf, summarise, worsened, worstFirst, type Seen } from './mod.ts';

interface Parts {
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly metadata?: Record<string, unknown>;
}
const of = (apiVersion: string, kind: string, { spec, status, metadata }: Parts = {}): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name: 'x', namespace: 'shop', uid: 'u', ...metadata },
  ...(spec === undefined ? {} : { spec }),
  ...(status === undefined ? {} : { status }),
});
const condition = (type: string, status: string, reason = '', message = ''): unknown => ({ type, status, reason, message });
const seen = { observedGeneration: 1 };
const generation = { generation: 1 };
const deployment = (status: object, spec: object = { replicas: 2 }): KubeObject =>
  of('apps/v1', 'Deployment', { spec, status, metadata: generation });
const ready = { ...seen, replicas: 2, updatedReplicas: 2, availableReplicas: 2, readyReplicas: 2 };

type Row = readonly [what: string, object: KubeObject, health: HealthState, reason?: string];
const rows: readonly Row[] = [
  ['a kind without rule, just there', of('v1', 'ConfigMap'), 'Healthy'],
  ['anything that is being deleted', of('v1', 'ConfigMap', { metadata: { deletionTimestamp: 'x' } }), 'Progressing', 'Terminating'],
  [
    'a controller that lags behind',
    of('acme.dev/v1', 'W', { metadata: { generation: 3 }, status: { observedGeneration: 2 } }),
    'Progressing',
    'NotObserved',
  ],
  [
    'a custom resource that stalls',
    of('acme.dev/v1', 'W', { status: { conditions: [condition('Stalled', 'True', 'NoQuota', 'full')] } }),
    'Degraded',
    'NoQuota',
  ],
  [
    'one that reconciles',
    of('acme.dev/v1', 'W', { status: { conditions: [condition('Reconciling', 'True')] } }),
    'Progressing',
    'Reconciling',
  ],
  [
    'one that is not ready',
    of('acme.dev/v1', 'W', { status: { conditions: [condition('Ready', 'False', 'Waiting')] } }),
    'Progressing',
    'Waiting',
  ],
  [
    'one whose readiness is unknown',
    of('acme.dev/v1', 'W', { status: { conditions: [condition('Ready', 'Unknown')] } }),
    'Progressing',
    'NotReady',
  ],
  ['one that is ready', of('acme.dev/v1', 'W', { status: { conditions: [condition('Ready', 'True')] } }), 'Healthy'],
  ['a Deployment nobody has seen', deployment({}), 'Progressing', 'NotObserved'],
  ['a Deployment of an older generation', { ...deployment(ready), metadata: { name: 'x', generation: 2 } }, 'Progressing', 'NotObserved'],
  ['a Deployment that is available', deployment(ready), 'Healthy'],
  ['a Deployment of none', deployment(seen, { replicas: 0 }), 'Healthy'],
  ['a Deployment that rolls out', deployment({ ...ready, updatedReplicas: 1 }), 'Progressing', 'RollingOut'],
  ['a Deployment with old pods left', deployment({ ...ready, replicas: 3 }), 'Progressing', 'RollingOut'],
  [
    'a Deployment without pods',
    deployment({ ...ready, availableReplicas: 0, conditions: [condition('Available', 'False', 'MinimumReplicasUnavailable', 'no')] }),
    'Progressing',
    'MinimumReplicasUnavailable',
  ],
  ['a Deployment one pod short', deployment({ ...ready, availableReplicas: 1 }), 'Progressing', 'NotAvailable'],
  [
    'a Deployment past its deadline',
    deployment({ ...ready, availableReplicas: 0, conditions: [condition('Progressing', 'False', 'ProgressDeadlineExceeded', 'late')] }),
    'Degraded',
    'ProgressDeadlineExceeded',
  ],
  [
    'a Deployment that may make no pods',
    deployment({ ...seen, conditions: [condition('ReplicaFailure', 'True', 'FailedCreate', 'quota')] }),
    'Degraded',
    'FailedCreate',
  ],
  [
    'a paused Deployment with an update to come',
    deployment({ ...ready, updatedReplicas: 0 }, { replicas: 2, paused: true }),
    'Suspended',
    'Paused',
  ],
  ['a StatefulSet nobody has seen', of('apps/v1', 'StatefulSet', {}), 'Progressing', 'NotObserved'],
  [
    'a StatefulSet with pods missing',
    of('apps/v1', 'StatefulSet', { spec: { replicas: 2 }, status: { ...seen, readyReplicas: 1 } }),
    'Progressing',
    'NotReady',
  ],
  [
    'a StatefulSet that rolls out',
    of('apps/v1', 'StatefulSet', {
      spec: { replicas: 2 },
      status: { ...seen, readyReplicas: 2, updatedReplicas: 1, updateRevision: 'b', currentRevision: 'a' },
    }),
    'Progressing',
    'RollingOut',
  ],
  [
    'a StatefulSet updated up to its partition',
    of('apps/v1', 'StatefulSet', {
      spec: { replicas: 2, updateStrategy: { rollingUpdate: { partition: 1 } } },
      status: { ...seen, readyReplicas: 2, updatedReplicas: 1, updateRevision: 'b', currentRevision: 'a' },
    }),
    'Healthy',
  ],
  [
    'a StatefulSet that updates by hand',
    of('apps/v1', 'StatefulSet', {
      spec: { replicas: 1, updateStrategy: { type: 'OnDelete' } },
      status: { ...seen, readyReplicas: 1, updateRevision: 'b', currentRevision: 'a' },
    }),
    'Healthy',
  ],
  ['a DaemonSet nobody has seen', of('apps/v1', 'DaemonSet', {}), 'Progressing', 'NotObserved'],
  [
    'a DaemonSet that rolls out',
    of('apps/v1', 'DaemonSet', { status: { ...seen, desiredNumberScheduled: 2, updatedNumberScheduled: 1, numberAvailable: 2 } }),
    'Progressing',
    'RollingOut',
  ],
  [
    'a DaemonSet with pods missing',
    of('apps/v1', 'DaemonSet', { status: { ...seen, desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 1 } }),
    'Progressing',
    'NotAvailable',
  ],
  [
    'a DaemonSet on all nodes',
    of('apps/v1', 'DaemonSet', { status: { ...seen, desiredNumberScheduled: 2, updatedNumberScheduled: 2, numberAvailable: 2 } }),
    'Healthy',
  ],
  ['a ReplicaSet one short', of('apps/v1', 'ReplicaSet', { spec: { replicas: 1 }, status: seen }), 'Progressing', 'NotAvailable'],
  ['a Job nobody has seen', of('batch/v1', 'Job', {}), 'Progressing', 'Running'],
  [
    'a Job that failed',
    of('batch/v1', 'Job', { status: { conditions: [condition('Failed', 'True', 'BackoffLimitExceeded')] } }),
    'Degraded',
    'BackoffLimitExceeded',
  ],
  ['a Job that is done', of('batch/v1', 'Job', { status: { conditions: [condition('Complete', 'True')] } }), 'Healthy'],
  ['a Job that is suspended', of('batch/v1', 'Job', { spec: { suspend: true } }), 'Suspended'],
  ['a CronJob', of('batch/v1', 'CronJob', { spec: { suspend: true } }), 'Healthy'],
  ['a Pod no kubelet has seen', of('v1', 'Pod', {}), 'Progressing', 'NotReady'],
  [
    'a Pod no node fits',
    of('v1', 'Pod', { status: { phase: 'Pending', conditions: [condition('PodScheduled', 'False', 'Unschedulable', '0/2 nodes')] } }),
    'Progressing',
    'Unschedulable',
  ],
  [
    'a Pod without its image',
    of('v1', 'Pod', {
      status: { phase: 'Pending', containerStatuses: [{ name: 'c', state: { waiting: { reason: 'ImagePullBackOff' } } }] },
    }),
    'Degraded',
    'ImagePullBackOff',
  ],
  [
    'a Pod that crashes at its start',
    of('v1', 'Pod', {
      status: { phase: 'Pending', initContainerStatuses: [{ name: 'i', state: { waiting: { reason: 'CrashLoopBackOff' } } }] },
    }),
    'Degraded',
    'CrashLoopBackOff',
  ],
  ['a Pod that failed', of('v1', 'Pod', { status: { phase: 'Failed', reason: 'Evicted' } }), 'Degraded', 'Evicted'],
  ['a Pod that is done', of('v1', 'Pod', { status: { phase: 'Succeeded' } }), 'Healthy'],
  ['a Pod that is ready', of('v1', 'Pod', { status: { phase: 'Running', conditions: [condition('Ready', 'True')] } }), 'Healthy'],
  ['a claim that waits', of('v1', 'PersistentVolumeClaim', { status: { phase: 'Pending' } }), 'Progressing', 'NotBound'],
  ['a claim that is bound', of('v1', 'PersistentVolumeClaim', { status: { phase: 'Bound' } }), 'Healthy'],
  ['a claim that lost its volume', of('v1', 'PersistentVolumeClaim', { status: { phase: 'Lost' } }), 'Degraded', 'Lost'],
  ['a volume that failed', of('v1', 'PersistentVolume', { status: { phase: 'Failed' } }), 'Degraded', 'Failed'],
  ['a Service', of('v1', 'Service', { spec: { type: 'ClusterIP' } }), 'Healthy'],
  ['a load balancer without address', of('v1', 'Service', { spec: { type: 'LoadBalancer' } }), 'Progressing', 'NoAddress'],
  [
    'a load balancer with one',
    of('v1', 'Service', { spec: { type: 'LoadBalancer' }, status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } }),
    'Healthy',
  ],
  ['a definition that is not served', of('apiextensions.k8s.io/v1', 'CustomResourceDefinition', {}), 'Progressing', 'NotEstablished'],
  [
    'a definition whose names are taken',
    of('apiextensions.k8s.io/v1', 'CustomResourceDefinition', {
      status: { conditions: [condition('NamesAccepted', 'False', 'ListKindConflict')] },
    }),
    'Degraded',
    'ListKindConflict',
  ],
  [
    'a definition that is served',
    of('apiextensions.k8s.io/v1', 'CustomResourceDefinition', { status: { conditions: [condition('Established', 'True')] } }),
    'Healthy',
  ],
  ['a Namespace that is not active', of('v1', 'Namespace', {}), 'Progressing', 'NotActive'],
  ['a Namespace that is', of('v1', 'Namespace', { status: { phase: 'Active' } }), 'Healthy'],
  ['a budget nobody has seen', of('policy/v1', 'PodDisruptionBudget', {}), 'Progressing', 'NotObserved'],
  [
    'a budget that cannot be kept',
    of('policy/v1', 'PodDisruptionBudget', { status: { ...seen, conditions: [condition('DisruptionAllowed', 'False', 'SyncFailed')] } }),
    'Degraded',
    'SyncFailed',
  ],
  ['a budget', of('policy/v1', 'PodDisruptionBudget', { status: seen }), 'Healthy'],
  [
    'an API that is down',
    of('apiregistration.k8s.io/v1', 'APIService', { status: { conditions: [condition('Available', 'False', 'MissingEndpoints')] } }),
    'Progressing',
    'MissingEndpoints',
  ],
  [
    'an API that is up',
    of('apiregistration.k8s.io/v1', 'APIService', { status: { conditions: [condition('Available', 'True')] } }),
    'Healthy',
  ],
  ['a kind of the same name in another group', of('acme.dev/v1', 'Deployment', {}), 'Healthy'],
  ['a status of odd form', of('apps/v1', 'Deployment', { status: { conditions: 'no', observedGeneration: 'x' } }), 'Progressing'],
];
for (const [what, object, health, reason] of rows)
  test(`${what}: ${health}${reason === undefined ? '' : `, ${reason}`}`, () => {
    const found = healthOf(object);
    assert.equal(found.health, health, `${found.reason}: ${found.message}`);
    if (reason !== undefined) assert.equal(found.reason, reason);
  });

const ref = (name: string): ObjectRef => ({ group: '', kind: 'ConfigMap', namespace: 'shop', name });
const time = { waitedMs: 0, timeoutMs: 60_000 };
const fine = of('v1', 'ConfigMap');
const broken = of('v1', 'Pod', { status: { phase: 'Failed' } });
const moving = of('v1', 'Pod', {});

test('all healthy is healthy; nothing at all is not', () => {
  assert.equal(summarise([{ ref: ref('a'), state: fine }], time).health, 'Healthy');
  const nothing = summarise([], time);
  assert.deepEqual([nothing.health, nothing.reason], ['Unknown', 'NothingApplied']);
});

const states: readonly (readonly [what: string, one: Omit<Seen, 'ref'>, reason: string])[] = [
  ['absent', { state: 'absent' }, 'Missing'],
  ['unknown', { state: 'unknown' }, 'NotObserved'],
  ['another object of that name', { state: fine, uid: 'other' }, 'Replaced'],
];
for (const [what, one, reason] of states)
  test(`an object that is ${what} makes the whole Unknown, never healthy`, () => {
    const found = summarise(
      [
        { ref: ref('a'), state: fine },
        { ref: ref('b'), ...one },
      ],
      time,
    );
    assert.deepEqual([found.health, found.reason], ['Unknown', reason]);
    assert.match(found.message, /ConfigMap b in shop/);
  });

test('what moves is Degraded when its time is over, with what it waited for; what is healthy stays so', () => {
  const found = summarise(
    [
      { ref: ref('a'), state: moving },
      { ref: ref('b'), state: fine },
    ],
    { waitedMs: 60_000, timeoutMs: 60_000 },
  );
  assert.deepEqual([found.health, found.reason], ['Degraded', 'HealthTimeout']);
  assert.match(found.message, /ConfigMap a in shop: not healthy within 60 s: NotReady/);
  assert.deepEqual([found.counts.Degraded, found.counts.Healthy], [1, 1]);
});

test('law: the whole is as bad as the worst, every object is counted once, the list is bounded and sorted worst first', () => {
  const samples: Readonly<Record<string, Seen['state']>> = {
    fine,
    broken,
    moving,
    absent: 'absent',
    paused: of('batch/v1', 'Job', { spec: { suspend: true } }),
  };
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...Object.keys(samples)), { minLength: 1, maxLength: 60 }), (drawn) => {
      const found = summarise(
        drawn.map((name, i) => ({ ref: ref(`n${i}`), state: samples[name] ?? fine })),
        time,
      );
      const present = worstFirst.filter((state) => found.counts[state] > 0);
      assert.equal(found.health, present[0]);
      assert.equal(
        Object.values(found.counts).reduce((a, b) => a + b, 0),
        drawn.length,
      );
      assert.equal(found.objects.length, Math.min(20, drawn.filter((name) => name !== 'fine').length));
      const order = found.objects.map(({ health }) => worstFirst.indexOf(health));
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
      );
    }),
  );
});

test('a trouble that somebody else knows of makes an object worse, never better', () => {
  const trouble = { health: 'Degraded', reason: 'Contested', message: 'it comes back' } as const;
  const found = summarise(
    [
      { ref: ref('a'), state: fine, trouble },
      { ref: ref('b'), state: fine },
    ],
    time,
  );
  assert.deepEqual([found.health, found.reason, found.counts.Degraded, found.counts.Healthy], ['Degraded', 'Contested', 1, 1]);
  assert.match(found.message, /ConfigMap a in shop: it comes back/);
  assert.equal(summarise([{ ref: ref('a'), state: 'absent', trouble }], time).reason, 'Contested');
  const mild = { ...trouble, health: 'Progressing' } as const;
  assert.equal(summarise([{ ref: ref('a'), state: 'unknown', trouble: mild }], time).reason, 'NotObserved');
});

test('what is known beside makes nothing better, loses nothing and stays worst first', () => {
  const drawn = fc.array(fc.constantFrom(of('v1', 'ConfigMap'), deployment({}), deployment({ ...ready, availableReplicas: 0 })), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(drawn, fc.constantFrom(...worstFirst), fc.nat(3), (objects, health, every) => {
      const seenAll = objects.map((state, i) => ({ ref: { group: '', kind: state.kind, namespace: 'shop', name: `n${i}` }, state }));
      const before = summarise(seenAll, { waitedMs: 0, timeoutMs: 60_000 });
      const after = worsened(before, ({ ref }) =>
        Number(ref.name.slice(1)) % (every + 1) === 0 ? { health, reason: 'Known', message: '' } : undefined,
      );
      const sum = (counts: object): number => Object.values(counts).reduce((a, b) => a + Number(b), 0);
      assert.equal(sum(after.counts), objects.length);
      assert.ok(worstFirst.indexOf(after.health) <= worstFirst.indexOf(before.health));
      assert.deepEqual(after.objects.map(({ ref }) => ref.name).toSorted(), before.objects.map(({ ref }) => ref.name).toSorted());
      const ranks = after.objects.map((one) => worstFirst.indexOf(one.health));
      assert.deepEqual(
        ranks,
        ranks.toSorted((a, b) => a - b),
      );
      if (after.objects[0]) assert.deepEqual([after.health, after.reason], [after.objects[0].health, after.objects[0].reason]);
    }),
  );
});
