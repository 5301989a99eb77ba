import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CaseFile } from './cases.ts';
import { runCase } from './contract.ts';
import type { Sender } from './http.ts';
import type { Step } from './types.ts';

const answering = (body: unknown): Sender => ({ send: () => Promise.resolve({ status: 200, headers: {}, body }) });
const fileOf = (more: object = {}): CaseFile => {
  const step: Step = { request: { method: 'GET', path: '/x' }, expect: { status: 200, body: { a: 1 } }, ...more };
  return { name: 'area/case', path: '', ignore: [], case: { about: 'a test', steps: [step] } };
};
const listed = { notCovered: { 'area/case': 'it cannot' } };
const [same, other] = [{ a: 1 }, { a: 2 }];

describe('a case', () => {
  const rows = [
    ['passes when it is played as recorded', same, {}, { outcome: 'passed' }],
    ['fails when it is not', other, {}, { outcome: 'failed', says: /body\.a: expected 1, got 2/ }],
    [
      'that is listed is not covered, and says where it differs',
      other,
      listed,
      { outcome: 'not covered', reason: 'it cannot', says: /body\.a/ },
    ],
    [
      'that is listed and passes is stale, and says what to do',
      same,
      listed,
      { outcome: 'stale', reason: 'it cannot', says: /take it out/ },
    ],
    ['is not listed by its area', other, { notCovered: { 'area/': 'it cannot' } }, { outcome: 'failed', says: /body\.a/ }],
  ] as const;
  for (const [name, body, options, { says, ...wanted }] of rows.map((row) => [row[0], row[1], row[2], { says: /^$/, ...row[3] }] as const))
    test(name, async () => {
      const { durationMs, differences = [], name: played, ...result } = await runCase(answering(body), fileOf(), options);
      assert.ok(durationMs >= 0);
      assert.equal(played, 'area/case');
      assert.deepEqual(result, wanted);
      assert.match(differences.join('\n'), says);
    });

  test('that is listed is not waited for as long as it allows', { timeout: 30_000 }, async () => {
    const slow = fileOf({ eventually: { withinMs: 3_600_000, until: { a: 1 } } });
    assert.equal((await runCase(answering(other), slow, listed)).outcome, 'not covered');
  });

  test('fails when nobody answers, and is not taken for one that differs elsewhere', async () => {
    const silent: Sender = { send: () => Promise.reject(new Error('nobody is there')) };
    assert.equal((await runCase(silent, fileOf(), {})).outcome, 'failed');
  });
});
