import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rollout, Target } from '#hub/api/mod.ts';
import { judgeRollout, judgeTargets } from './judge.ts';

const clusters = { total: 9, waiting: 0, started: 0, degraded: 0, unreachable: 0, succeeded: 0, unchanged: 0, skipped: 0 };
type Counts = Partial<typeof clusters>;

const rolloutOf = (counts: Counts, status: Partial<Rollout['status']> = {}): Rollout =>
  ({
    metadata: { tenant: 'storefront', name: 'r1', uid: 'r1' },
    spec: { app: 'shop', environment: 'dev', release: 'R2', maxConcurrent: 2 },
    status: { state: 'Progressing', reason: 'ClustersDegraded', message: '', clusters: { ...clusters, ...counts }, ...status },
  }) as Rollout;

type Running = NonNullable<Target['status']['rollout']>;
const running: Running = { uid: 'r1', state: 'Progressing', reason: 'ClustersDegraded', message: '' };
const targetOf = (app: string, environment: string, rollout: Running | null, status: Partial<Target['status']> = {}): Target =>
  ({
    metadata: { tenant: 'storefront', name: `${app}.${environment}`, uid: 'u' },
    spec: { app, environment },
    status: { health: 'Degraded', rollout, waiting: null, placements: { total: 9, healthy: 1 }, ...status },
  }) as unknown as Target;

const stuck: Counts = { degraded: 1, succeeded: 8 };

const rows: readonly (readonly [name: string, counts: Counts, stalled: boolean, status?: Partial<Rollout['status']>])[] = [
  ['every other cluster is done', { degraded: 1, succeeded: 8 }, true],
  ['another is in flight', { degraded: 1, started: 1, succeeded: 7 }, false],
  ['another may start beside it', { degraded: 1, waiting: 8 }, false],
  ['no other may start: the degraded use up the limit', { degraded: 2, waiting: 7 }, true],
  ['no other may start: those that are not heard from use it up as well', { degraded: 1, unreachable: 1, waiting: 7 }, true],
  ['of those that are in flight none is heard from', { degraded: 1, unreachable: 1, succeeded: 7 }, true],
  ['the hub settles', stuck, false, { reason: 'Settling' }],
  ['a person has stopped it', stuck, false, { reason: 'RolloutSuspended', state: 'Paused' }],
  ['nothing is degraded, only not heard from', { unreachable: 9 }, false, { reason: 'ClustersUnreachable' }],
  ['it still progresses', { started: 1, succeeded: 8 }, false, { reason: 'Progressing' }],
];

for (const [name, counts, stalled, status] of rows)
  test(`a rollout with a degraded cluster is stuck (${stalled}): ${name}`, () => {
    const rollout = rolloutOf(counts, status);
    assert.equal(judgeRollout(rollout).stalled !== undefined, stalled);
    const degraded = new Map([['r1', rollout]]);
    assert.equal(judgeTargets([targetOf('shop', 'dev', running)], { degraded, known: new Set() }).stalled !== undefined, stalled);
  });

const about = { degraded: new Map([['r1', rolloutOf(stuck)]]), known: new Set<string>() };
const ended: Running = { uid: 'r0', state: 'Succeeded', reason: 'AllHealthy', message: '' };
const other: Running = { uid: 'r2', state: 'Progressing', reason: 'Progressing', message: '' };

test('what is stuck is not given up while something of the same app moves, of another app it is', () => {
  assert.equal(judgeTargets([targetOf('shop', 'dev', other), targetOf('shop', 'prod', running)], about).stalled, undefined);
  assert.equal(judgeTargets([targetOf('web', 'dev', other), targetOf('shop', 'prod', running)], about).stalled?.environment, 'prod');
});

test('a rollout of which the counts are not known moves', () => {
  assert.equal(judgeTargets([targetOf('shop', 'dev', running)], { ...about, degraded: new Map() }).stalled, undefined);
});

test('a rollout that was there before says nothing about what was changed', () => {
  assert.equal(judgeTargets([targetOf('shop', 'dev', running)], { ...about, known: new Set(['r1']) }).stalled, undefined);
});

test('what a rollout has left Degraded stands; what is only Unknown, Progressing or never was rolled out may pass', () => {
  const stalled = (health: Target['status']['health'], rollout: Running | null = ended): boolean =>
    judgeTargets([targetOf('shop', 'dev', rollout, { health })], about).stalled !== undefined;
  assert.deepEqual([stalled('Degraded'), stalled('Unknown'), stalled('Progressing'), stalled('Healthy')], [true, false, false, false]);
  assert.equal(stalled('Degraded', null), false);
});

const waits: readonly (readonly [reason: string, stalled: boolean])[] = [
  ['PredecessorNotHealthy', false],
  ['PredecessorRollingOut', false],
  ['Settling', false],
  ['ManualPromotion', true],
  ['EnvironmentFrozen', true],
];

for (const [reason, stalled] of waits)
  for (const [name, rollout] of [
    ['left Degraded', ended],
    ['stuck', running],
  ] as const)
    test(`what is ${name} is given up (${stalled}) while it waits: ${reason}`, () => {
      const dev = targetOf('shop', 'dev', ended, { health: 'Healthy' });
      const prod = targetOf('shop', 'prod', rollout, { waiting: { reason, message: '' } });
      assert.equal(judgeTargets([dev, prod], about).stalled !== undefined, stalled);
    });

test('what waits for a predecessor that is stuck is given up: the predecessor', () => {
  const prod = targetOf('shop', 'prod', ended, { waiting: { reason: 'PredecessorNotHealthy', message: '' } });
  assert.equal(judgeTargets([prod, targetOf('shop', 'dev', running)], about).stalled?.environment, 'dev');
});

test('apps of one name and two tenants are two', () => {
  const moving = targetOf('shop', 'dev', other);
  const elsewhere = { ...moving, metadata: { ...moving.metadata, tenant: 'warehouse' } };
  assert.equal(judgeTargets([elsewhere, targetOf('shop', 'prod', running)], about).stalled?.tenant, 'storefront');
});
