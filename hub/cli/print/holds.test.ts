import assert from 'node:assert/strict';
import test from 'node:test';
import { holdText, marked, releaseTexts, stoppedText, type Hold } from './holds.ts';

const now = Date.parse('2026-11-21T12:00:00.000Z');
const hold = (scope: Hold['scope'], until: string | null = null): Hold => ({
  scope,
  by: 'user:ada',
  reason: 'the fair',
  since: '2026-11-21T11:00:00.000Z',
  until,
});
const none = { fleet: null, environments: 0, clusters: 0, rollouts: 0, apps: 0, placements: 0 };

const rows: readonly [name: string, Parameters<typeof stoppedText>[0], want: string][] = [
  ['an earlier hub', undefined, ''],
  ['nothing', none, ''],
  ['one cluster', { ...none, clusters: 1 }, '1 cluster frozen'],
  ['the fleet', { ...none, fleet: hold('Fleet') }, 'the fleet is frozen by user:ada 60m ago: the fair'],
  [
    'some of everything',
    { fleet: null, environments: 1, clusters: 2, rollouts: 1, apps: 2, placements: 3 },
    '1 environment, 2 clusters frozen; 1 rollout, 2 apps, 3 placements suspended',
  ],
];
for (const [name, holds, want] of rows) test(`stopped: ${name}`, () => assert.equal(stoppedText(holds, now), want));

test('who, since, why and until when; an earlier hub says nothing of it', () => {
  assert.equal(holdText(hold('Cluster', '2026-11-21T18:00:00.000Z'), now), 'by user:ada 60m ago: the fair, until 2026-11-21T18:00:00.000Z');
  assert.deepEqual([holdText(null, now), holdText(undefined, now)], ['<none>', '<none>']);
});

test('a mark is set behind the word, and not twice', () => {
  assert.deepEqual(
    [marked('Healthy', hold('Cluster'), 'Frozen'), marked('Healthy', null, 'Frozen'), marked('Suspended', hold('App'), 'Suspended')],
    ['Healthy,Frozen', 'Healthy', 'Suspended'],
  );
});

test('what ends each is said as it is typed', () => {
  const spec = { cluster: 'dev-1', app: 'shop', environment: 'dev', namespace: 'shop', mode: 'Enforce' } as const;
  assert.deepEqual(releaseTexts([hold('Placement'), hold('App'), hold('Cluster'), hold('Environment'), hold('Fleet')], spec, 'acme'), [
    'somebody to say: wheelhouse resume app acme/shop --cluster dev-1',
    'somebody to say: wheelhouse resume app acme/shop',
    'somebody to say: wheelhouse unfreeze cluster dev-1',
    'somebody to say: wheelhouse unfreeze environment acme/dev',
    'somebody to say: wheelhouse unfreeze fleet',
  ]);
});
