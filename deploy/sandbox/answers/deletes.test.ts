import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '#shared/kubernetes/mod.ts';
import { deleteOptions } from './deletes.ts';

const plain = { uid: undefined, resourceVersion: undefined, propagation: '', dryRun: false, graceSeconds: undefined };
const understood: readonly (readonly [body: unknown, query: string, options: object])[] = [
  [undefined, '', {}],
  [{}, '', {}],
  [{ kind: 'DeleteOptions', dryRun: ['All'] }, '', { dryRun: true }],
  [undefined, 'dryRun=All', { dryRun: true }],
  [{ dryRun: [] }, 'dryRun=All', { dryRun: false }],
  [{ preconditions: { uid: 'u', resourceVersion: '7' } }, '', { uid: 'u', resourceVersion: '7' }],
  [{ propagationPolicy: 'Orphan' }, 'propagationPolicy=Foreground', { propagation: 'Orphan' }],
  [undefined, 'propagationPolicy=Foreground', { propagation: 'Foreground' }],
  [{ orphanDependents: true }, '', { propagation: 'Orphan' }],
  [{ gracePeriodSeconds: 0 }, 'gracePeriodSeconds=9', { graceSeconds: 0 }],
  [undefined, 'gracePeriodSeconds=9', { graceSeconds: 9 }],
  [{ gracePeriodSeconds: null, propagationPolicy: null, dryRun: null, preconditions: null }, '', {}],
];
for (const [body, query, options] of understood)
  test(`a delete with ${JSON.stringify(body)} and "${query}"`, () =>
    assert.deepEqual(deleteOptions(body, new URLSearchParams(query)), { ...plain, ...options }));

const refused: readonly (readonly [body: unknown, query: string, code: number])[] = [
  ['text', '', 400],
  [[], '', 400],
  [{ kind: 'ConfigMap' }, '', 400],
  [undefined, 'dryRun=foo', 422],
  [undefined, 'dryRun=All&dryRun=None', 422],
  [{ dryRun: ['all'] }, '', 422],
  [{ dryRun: 'All' }, '', 422],
  [{ dryRun: true }, '', 422],
  [{ propagationPolicy: 'Sideways' }, '', 422],
  [{ propagationPolicy: 'constructor' }, '', 422],
  [{ propagationPolicy: 5 }, '', 422],
  [{ propagationPolicy: 'Orphan', orphanDependents: true }, '', 422],
  [{ gracePeriodSeconds: -1 }, '', 400],
  [{ gracePeriodSeconds: 1e18 }, '', 400],
  [{ gracePeriodSeconds: {} }, '', 400],
  [undefined, 'gracePeriodSeconds=abc', 400],
  [{ preconditions: 'x' }, '', 400],
  [{ preconditions: { uid: 5 } }, '', 400],
];
for (const [body, query, code] of refused)
  test(`nothing is deleted with ${JSON.stringify(body)} and "${query}"`, () => {
    assert.throws(
      () => deleteOptions(body, new URLSearchParams(query)),
      (error) => error instanceof ApiError && error.code === code,
    );
  });
