import assert from 'node:assert/strict';
import { test } from 'node:test';
import { discoveryOf, groupsOf, resourcesOf } from './discovery.ts';

const resource = (kind: string, name: string, scope = 'Namespaced') => ({
  resource: name,
  responseKind: { kind },
  scope,
  verbs: ['get'],
  subresources: [{ subresource: 'status' }],
});
const group = (name: string, ...versions: readonly object[]) => ({ metadata: { name }, versions });
const version = (name: string, freshness: string, ...resources: readonly object[]) => ({ version: name, freshness, resources });
const aggregated = (...items: readonly object[]) => ({ kind: 'APIGroupDiscoveryList', items });
const shown = (all: ReturnType<typeof discoveryOf>) => ({
  ...all,
  kinds: all.kinds.map((kind) => `${kind.group}/${kind.version} ${kind.kind} ${kind.resource} ${kind.namespaced}`),
});

test('aggregated: one entry per kind, at the first version that has it', () => {
  const answer = aggregated(
    group(
      'apps',
      version('v1', 'Current', resource('Deployment', 'deployments')),
      version('v1beta1', 'Current', resource('Deployment', 'deployments'), resource('Old', 'olds', 'Cluster')),
    ),
    group('', version('v1', 'Current', resource('Node', 'nodes', 'Cluster'), { resource: 'bindings', scope: 'Namespaced' })),
  );
  assert.deepEqual(shown(discoveryOf(groupsOf('/apis', answer))), {
    kinds: ['apps/v1 Deployment deployments true', 'apps/v1beta1 Old olds false', '/v1 Node nodes false'],
    complete: true,
    failedGroups: [],
  });
});

test('a stale group is not complete, even if it lists something', () => {
  const answer = aggregated(
    group('metrics.k8s.io', version('v1', 'Stale', resource('PodMetrics', 'pods'))),
    group('apps', version('v1', 'Current')),
  );
  const { kinds, complete, failedGroups } = discoveryOf(groupsOf('/apis', answer));
  assert.deepEqual([kinds.length, complete, failedGroups], [1, false, ['metrics.k8s.io']]);
});

test('legacy: the preferred version comes first, subresources are left out, what was not answered is not complete', () => {
  const groups = groupsOf('/apis', {
    kind: 'APIGroupList',
    groups: [
      { name: 'apps', preferredVersion: { version: 'v1' }, versions: [{ version: 'v1beta1' }, { version: 'v1' }] },
      { name: 'dead', versions: [{ version: 'v1' }] },
    ],
  });
  assert.deepEqual(
    groups[0]?.versions.map((entry) => entry.version),
    ['v1', 'v1beta1'],
  );
  const listed = resourcesOf('apps', 'v1', {
    kind: 'APIResourceList',
    resources: [
      { name: 'deployments', kind: 'Deployment', namespaced: true, verbs: ['get'] },
      { name: 'deployments/scale', kind: 'Scale', namespaced: true, verbs: ['get'] },
    ],
  });
  const answered = groups.map(({ group: name, versions }) => ({
    group: name,
    versions: versions.map((entry) => (name === 'apps' ? { ...entry, resources: entry.version === 'v1' ? listed : [] } : entry)),
  }));
  assert.deepEqual(shown(discoveryOf(answered)), {
    kinds: ['apps/v1 Deployment deployments true'],
    complete: false,
    failedGroups: ['dead'],
  });
  assert.equal(groupsOf('/api', { kind: 'APIVersions', versions: ['v1'] })[0]?.versions[0]?.version, 'v1');
});

const broken: readonly (readonly [string, Record<string, unknown>])[] = [
  ['no document', {}],
  ['another kind', { kind: 'PodList', items: [] }],
  ['no groups', { kind: 'APIGroupDiscoveryList', items: [] }],
  ['null for groups', { kind: 'APIGroupList', groups: null }],
  ['a group without versions', { kind: 'APIGroupDiscoveryList', items: [{ metadata: { name: 'apps' } }] }],
];
for (const [what, answer] of broken)
  test(`an answer with ${what} is a broken answer, not a cluster without kinds`, () => {
    assert.throws(() => groupsOf('/apis', answer), { code: 'BAD_RESPONSE' });
  });

test('a version that answers with something else is not an empty version', () => {
  assert.throws(() => resourcesOf('apps', 'v1', { kind: 'APIResourceList' }), { code: 'BAD_RESPONSE' });
  assert.throws(() => resourcesOf('apps', 'v1', {}), { code: 'BAD_RESPONSE' });
});
