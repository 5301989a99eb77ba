import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { apiVersion, labels, type Inputs } from '../../shared/kernel/mod.ts';
import { refText, type Discovery, type KindInfo, type KubeObject } from '../kube/mod.ts';
import { planApply } from './apply.ts';
import { PlanError, type ApplyPlan } from './model.ts';
import { isFoundation, rankOf } from './order.ts';

const kind = (group: string, version: string, name: string, namespaced = true): KindInfo => ({
  group,
  version,
  kind: name,
  resource: `${name.toLowerCase()}s`,
  namespaced,
  verbs: [],
});
const kinds = [
  kind('', 'v1', 'ConfigMap'),
  kind('', 'v1', 'Secret'),
  kind('', 'v1', 'ServiceAccount'),
  kind('', 'v1', 'Service'),
  kind('', 'v1', 'Namespace', false),
  kind('apps', 'v1', 'Deployment'),
  kind('autoscaling', 'v2', 'HorizontalPodAutoscaler'),
  kind('rbac.authorization.k8s.io', 'v1', 'ClusterRole', false),
  kind('rbac.authorization.k8s.io', 'v1', 'Role'),
  kind('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition', false),
  kind('admissionregistration.k8s.io', 'v1', 'ValidatingWebhookConfiguration', false),
];
const whole: Discovery = { kinds, complete: true, failedGroups: [] };
const inputs: Inputs = {
  apiVersion,
  namespace: 'shop',
  serviceAccount: 'shop',
  allow: { namespaces: ['shop', 'shop-extra', 'kube-system', 'wheelhouse-x'], kinds: ['*'] },
  parameters: {},
  prune: { shareMax: 1 },
  health: { timeoutMs: 1 },
};
const owner = { fleetId: 'f', assignmentUid: 'p1' };
const object = (api: string, name: string, metadata: Record<string, unknown> = {}, rest: Record<string, unknown> = {}): KubeObject => ({
  apiVersion: api,
  kind: name,
  metadata: { name: 'x', ...metadata },
  ...rest,
});
const plan = (objects: readonly KubeObject[], more: Partial<Parameters<typeof planApply>[0]> = {}): ApplyPlan =>
  planApply({ objects, inputs, discovery: whole, owner, ...more });
const planned = (result: ApplyPlan): readonly KubeObject[] =>
  result.outcome === 'ready' ? result.stages.flat().map((one) => one.object) : assert.fail(result.message);
const allowing = (...allowed: string[]): { inputs: Inputs } => ({ inputs: { ...inputs, allow: { ...inputs.allow, kinds: allowed } } });

test('an object gets its namespace and our marks, and loses what only the API server may say', () => {
  const given = object(
    'v1',
    'ConfigMap',
    {
      uid: 'u',
      resourceVersion: '1',
      generation: 2,
      managedFields: [],
      creationTimestamp: 'x',
      selfLink: 'y',
      labels: { a: 'b' },
      annotations: { c: 'd' },
    },
    { status: { x: 1 }, data: { k: 'v' }, unknown: [1] },
  );
  assert.deepEqual(planned(plan([given])), [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: 'x',
        namespace: 'shop',
        labels: { a: 'b', [labels.fleet]: 'f', [labels.assignment]: 'p1' },
        annotations: { c: 'd', [labels.object]: '/ConfigMap/shop/x' },
      },
      data: { k: 'v' },
      unknown: [1],
    },
  ]);
});

test('marks that a manifest brings itself do not last', () => {
  const [one] = planned(
    plan([object('v1', 'ConfigMap', { labels: { [labels.assignment]: 'other' }, annotations: { [labels.object]: 'other' } })]),
  );
  assert.equal(one?.metadata.labels?.[labels.assignment], 'p1');
  assert.equal(one?.metadata.annotations?.[labels.object], '/ConfigMap/shop/x');
});

test('a namespace on a cluster-scoped object means nothing', () => {
  const [one] = planned(
    plan([object('rbac.authorization.k8s.io/v1', 'ClusterRole', { namespace: 'kube-system' })], allowing('ClusterRole')),
  );
  assert.equal(one?.metadata.namespace, undefined);
  assert.equal(one?.metadata.annotations?.[labels.object], 'rbac.authorization.k8s.io/ClusterRole//x');
});

test('it is written at the version that it names, not at the preferred one', () => {
  const result = plan([object('autoscaling/v1', 'HorizontalPodAutoscaler')]);
  assert.equal(result.outcome === 'ready' && result.stages[0]?.[0]?.kind.version, 'v1');
});

const boundaries: readonly (readonly [what: string, one: KubeObject, allowed: readonly string[], refusal: RegExp | undefined])[] = [
  ['a namespaced kind under *', object('v1', 'ConfigMap'), ['*'], undefined],
  ['another namespace of the tenant', object('v1', 'ConfigMap', { namespace: 'shop-extra' }), ['*'], undefined],
  ['a namespace of nobody', object('v1', 'ConfigMap', { namespace: 'default' }), ['*'], /default is not the tenant's/],
  ['kube-system, even when allowed', object('v1', 'ConfigMap', { namespace: 'kube-system' }), ['*'], /closed/],
  ['wheelhouse-*, even when allowed', object('v1', 'ConfigMap', { namespace: 'wheelhouse-x' }), ['*'], /closed/],
  ['a kind by its name', object('apps/v1', 'Deployment'), ['Deployment'], undefined],
  ['a kind by name and group', object('apps/v1', 'Deployment'), ['Deployment.apps'], undefined],
  ['the kind of another group', object('apps/v1', 'Deployment'), ['Deployment.acme.dev'], /may not have the kind Deployment\.apps/],
  ['a core kind by name and group', object('v1', 'Secret'), ['Secret.'], undefined],
  ['a kind that is not named', object('v1', 'Secret'), ['ConfigMap'], /may not have the kind Secret/],
  ['nothing allowed', object('v1', 'ConfigMap'), [], /may not/],
  ['a cluster-scoped kind under *', object('rbac.authorization.k8s.io/v1', 'ClusterRole'), ['*'], /must be allowed by name/],
  ['a Namespace under *', object('v1', 'Namespace', { name: 'shop' }), ['*'], /must be allowed by name/],
  ['its own Namespace', object('v1', 'Namespace', { name: 'shop' }), ['Namespace'], undefined],
  ['another Namespace', object('v1', 'Namespace', { name: 'default' }), ['Namespace'], /default is not the tenant's/],
  ['a closed Namespace', object('v1', 'Namespace', { name: 'kube-system' }), ['Namespace'], /closed/],
];
for (const [what, one, allowed, refusal] of boundaries)
  test(`${what} is ${refusal ? 'refused' : 'written'}`, () => {
    if (!refusal) assert.equal(planned(plan([one], allowing(...allowed))).length, 1);
    else
      assert.throws(
        () => plan([one], allowing(...allowed)),
        (error) => error instanceof PlanError && error.code === 'NOT_ALLOWED' && refusal.test(error.message),
      );
  });

test('all refusals are said at once', () => {
  const objects = ['a', 'b', 'c'].map((name) => object('v1', 'ConfigMap', { name, namespace: 'default' }));
  assert.throws(
    () => plan(objects),
    (error) => error instanceof PlanError && error.problems.length === 3,
  );
});

test('two objects that become one by the default namespace are refused', () => {
  assert.throws(() => plan([object('v1', 'ConfigMap'), object('v1', 'ConfigMap', { namespace: 'shop' })]), /twice/);
});

test('an unknown kind is waited for, and refused never: with whole discovery its definition may come, with partial nothing is known', () => {
  const unknown = object('acme.dev/v1', 'Widget');
  assert.deepEqual(reasonOf(plan([unknown])), 'KindNotServed');
  assert.deepEqual(
    reasonOf(plan([unknown], { discovery: { ...whole, complete: false, failedGroups: ['acme.dev'] } })),
    'DiscoveryIncomplete',
  );
  // Even what would be refused: it may be that nobody knows yet whether it is namespaced.
  assert.equal(plan([unknown, object('v1', 'ConfigMap', { namespace: 'default' })]).outcome, 'wait');
});
const reasonOf = (result: ApplyPlan): string => (result.outcome === 'wait' ? result.reason : assert.fail('did not wait'));

const crd = (group: string, scope: string, plural = 'widgets'): KubeObject =>
  object(
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    { name: `${plural}.${group}` },
    { spec: { group, scope, names: { kind: 'Widget', plural }, versions: [{ name: 'v1' }] } },
  );

test('a kind whose definition is in the same set comes a stage after it', () => {
  const result = plan([object('acme.dev/v1', 'Widget'), crd('acme.dev', 'Namespaced')], allowing('*', 'CustomResourceDefinition'));
  assert.ok(result.outcome === 'ready');
  assert.deepEqual(
    result.stages.map((stage) => stage.map(({ ref }) => ref.kind)),
    [['CustomResourceDefinition'], ['Widget']],
  );
  assert.equal(result.stages[1]?.[0]?.ref.namespace, 'shop');
});

test('the scope of such a kind is its definition’s: a cluster-scoped one must be allowed by name', () => {
  const objects = [object('acme.dev/v1', 'Widget'), crd('acme.dev', 'Cluster')];
  assert.throws(() => plan(objects, allowing('*', 'CustomResourceDefinition')), /must be allowed by name/);
  assert.equal(plan(objects, allowing('Widget', 'CustomResourceDefinition')).outcome, 'ready');
});

test('a definition cannot change what a served kind is, nor put a path into a URL', () => {
  const disguised = object(
    'apiextensions.k8s.io/v1',
    'CustomResourceDefinition',
    { name: 'y' },
    {
      spec: {
        group: 'rbac.authorization.k8s.io',
        scope: 'Namespaced',
        names: { kind: 'ClusterRole', plural: 'clusterroles' },
        versions: [{ name: 'v1' }],
      },
    },
  );
  assert.throws(
    () => plan([disguised, object('rbac.authorization.k8s.io/v1', 'ClusterRole')], allowing('*', 'CustomResourceDefinition')),
    /by name/,
  );
  const path = crd('acme.dev', 'Namespaced', '../../secrets');
  assert.equal(plan([path, object('acme.dev/v1', 'Widget')], allowing('*', 'CustomResourceDefinition')).outcome, 'wait');
});

test('what others stand on comes first: laws of the order', () => {
  const one = fc
    .constantFrom(...kinds)
    .chain((info) =>
      fc
        .integer({ min: 0, max: 999 })
        .map((i) =>
          object(
            info.group === '' ? info.version : `${info.group}/${info.version}`,
            info.kind,
            info.kind === 'Namespace' ? { name: 'shop' } : { name: `n${i}` },
          ),
        ),
    );
  const objects = fc.uniqueArray(one, { selector: (o) => `${o.kind}/${o.metadata.name}`, maxLength: 30 });
  fc.assert(
    fc.property(objects, (all) => {
      const result = plan(all, allowing('*', 'Namespace', 'ClusterRole', 'CustomResourceDefinition', 'ValidatingWebhookConfiguration'));
      assert.ok(result.outcome === 'ready');
      const flat = result.stages.flat();
      assert.equal(new Set(flat.map(({ ref }) => refText(ref))).size, all.length, 'each object once');
      assert.deepEqual(
        flat.map(({ ref }) => rankOf(ref)),
        flat.map(({ ref }) => rankOf(ref)).toSorted((a, b) => a - b),
      );
      for (const stage of result.stages) assert.equal(new Set(stage.map(({ ref }) => isFoundation(ref))).size, 1);
      const last = flat.at(-1)?.ref.kind;
      if (all.some((o) => o.kind === 'ValidatingWebhookConfiguration')) assert.equal(last, 'ValidatingWebhookConfiguration');
    }),
  );
});
