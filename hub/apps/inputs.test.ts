import assert from 'node:assert/strict';
import test from 'node:test';
import { inputsBytes, revisionOf, digestOf } from '#shared/kernel/mod.ts';
import { resolveInputs, type InputsOf } from './mod.ts';

const given: InputsOf = {
  tenant: { spec: { sources: [], namespaces: ['shop', 'pay'], kinds: ['Namespace', '*'], serviceAccount: 'acme' } },
  environment: {
    spec: {
      clusterSelector: { matchLabels: {}, matchExpressions: [] },
      after: [],
      promotion: { mode: 'Automatic', allowUnexercised: false },
      rollout: { maxConcurrent: 1, healthTimeout: '90s' },
      parameters: { a: 'environment', b: 'environment', c: 'environment' },
    },
  },
  cluster: { parameters: { b: 'cluster', c: 'cluster' } },
  target: { environment: 'dev', namespace: 'shop', parameters: { c: 'target' } },
};
const revision = (changed: Partial<InputsOf> = {}): string =>
  revisionOf(digestOf('content'), inputsBytes(resolveInputs({ ...given, ...changed })));

test('everything beside the content is in the inputs', () => {
  assert.deepEqual(resolveInputs(given), {
    apiVersion: 'wheelhouse.dev/v1alpha1',
    namespace: 'shop',
    serviceAccount: 'acme',
    allow: { namespaces: ['pay', 'shop'], kinds: ['*', 'Namespace'] },
    parameters: { a: 'environment', b: 'cluster', c: 'target' },
    prune: { shareMax: 0.5 },
    health: { timeoutMs: 90_000 },
  });
});

const { tenant, environment, cluster, target } = given;
const inTenant = (changed: Partial<typeof tenant.spec>): Partial<InputsOf> => ({ tenant: { spec: { ...tenant.spec, ...changed } } });
const inEnvironment = (changed: Partial<typeof environment.spec>): Partial<InputsOf> => ({
  environment: { spec: { ...environment.spec, ...changed } },
});

const changing: readonly (readonly [string, Partial<InputsOf>])[] = [
  ['a namespace of the tenant', inTenant({ namespaces: ['shop'] })],
  ['a kind', inTenant({ kinds: ['*'] })],
  ['the service account', inTenant({ serviceAccount: 'other' })],
  ['the time to become healthy', inEnvironment({ rollout: { maxConcurrent: 1, healthTimeout: '91s' } })],
  ['a parameter of the environment', inEnvironment({ parameters: { ...environment.spec.parameters, a: 'x' } })],
  ['a parameter of the cluster', { cluster: { parameters: { ...cluster.parameters, b: 'x' } } }],
  ['a parameter of the target', { target: { ...target, parameters: { c: 'x' } } }],
  ['the namespace', { target: { ...target, namespace: 'pay' } }],
];
for (const [what, changed] of changing) test(`another revision: ${what}`, () => assert.notEqual(revision(changed), revision()));

const leaving: readonly (readonly [string, Partial<InputsOf>])[] = [
  ['the order of namespaces and kinds', inTenant({ namespaces: ['pay', 'shop', 'pay'], kinds: ['*', 'Namespace'] })],
  ['the allowed sources', inTenant({ sources: ['https://git.example.com/**'] })],
  ['how many at once', inEnvironment({ rollout: { maxConcurrent: 9, healthTimeout: '90s' } })],
  ['the same time in other words', inEnvironment({ rollout: { maxConcurrent: 1, healthTimeout: '1m30s' } })],
  ['who is selected, and after what', inEnvironment({ clusterSelector: { matchLabels: { a: 'b' }, matchExpressions: [] }, after: ['x'] })],
  ['a parameter that is overruled', { cluster: { parameters: { b: 'cluster', c: 'x' } } }],
  ['where its manifests are', { target: { ...target, path: 'x' } }],
];
for (const [what, changed] of leaving) test(`the same revision: ${what}`, () => assert.equal(revision(changed), revision()));
