import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../kube/mod.ts';
import { podSelectorOf, podTroubleOf } from './mod.ts';

const selectors: readonly [what: string, selector: unknown, expected: string | undefined][] = [
  ['labels', { matchLabels: { app: 'web', tier: 'front' } }, 'app=web,tier=front'],
  [
    'expressions',
    {
      matchExpressions: [
        { key: 'app', operator: 'In', values: ['a', 'b'] },
        { key: 'x', operator: 'NotIn', values: ['c'] },
        { key: 'y', operator: 'Exists' },
        { key: 'z', operator: 'DoesNotExist' },
      ],
    },
    'app in (a,b),x notin (c),y,!z',
  ],
  ['one that nobody knows', { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'a', operator: 'Near' }] }, undefined],
  ['nothing, which would be every pod', {}, undefined],
  ['none', undefined, undefined],
];
for (const [what, selector, expected] of selectors)
  test(`a workload selects its pods by ${what}`, () =>
    assert.equal(podSelectorOf({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec: { selector } }), expected));

const pod = (name: string, status: object): KubeObject => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, status });
const ready = pod('ready', { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] });
const unscheduled = pod('homeless', {
  phase: 'Pending',
  conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available' }],
});
const pulling = pod('hungry', {
  phase: 'Pending',
  containerStatuses: [{ name: 'web', state: { waiting: { reason: 'ImagePullBackOff', message: 'no such image' } } }],
});
const troubles: readonly [what: string, pods: readonly KubeObject[], expected: string | undefined][] = [
  ['no pods say nothing', [], undefined],
  ['ready ones say nothing', [ready], undefined],
  ['one that fits nowhere says so', [ready, unscheduled], 'pod homeless: Unschedulable: 0/3 nodes are available'],
  ['what is broken comes before what waits', [unscheduled, pulling], 'pod hungry: ImagePullBackOff: container web: no such image'],
];
for (const [what, pods, expected] of troubles) test(`pods: ${what}`, () => assert.equal(podTroubleOf(pods)?.text, expected));

test('pods: only what will not get over it by waiting is broken', () => {
  assert.deepEqual(
    [[pulling], [unscheduled], [ready]].map((all) => podTroubleOf(all)?.broken),
    [true, false, undefined],
  );
  assert.equal(podTroubleOf([pulling])?.reason, 'ImagePullBackOff');
});
