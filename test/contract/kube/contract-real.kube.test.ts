import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { runContract } from './contract.ts';
import { tableOf } from './tables.ts';
import { openTarget, type OpenTarget } from './targets.ts';

describe('the contract on the real control plane', { timeout: 10 * 60_000 }, () => {
  let opened: OpenTarget;
  before(async () => {
    opened = await openTarget('real');
  });
  after(async () => await opened[Symbol.asyncDispose]());

  test('every case is what it answers', async (t) => {
    const results = await runContract(opened.target);
    t.diagnostic(tableOf(results));
    const others = results.filter(({ outcome }) => outcome !== 'passed');
    assert.deepEqual(
      others.map(({ name, differences = [] }) => [name, ...differences].join('\n')),
      [],
    );
  });
});
