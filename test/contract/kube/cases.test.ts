import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadCases, notCoveredBySandbox } from './cases.ts';
import { print } from './print.ts';
import { tableOf } from './tables.ts';

const files = loadCases();

test('there are enough cases, each says what it is about, and each is recorded', () => {
  assert.ok(files.length >= 150, `${files.length} cases`);
  const empty = files.filter(({ case: { about, steps } }) => about.length < 5 || steps.length === 0).map(({ name }) => name);
  assert.deepEqual(empty, []);
  const unrecorded = files.filter(({ case: { steps } }) => steps.some((step) => 'status' in step.expect && step.expect.status === 0));
  assert.deepEqual(
    unrecorded.map(({ name }) => name),
    [],
  );
});

test('a case file is what the recorder would write: the next recording shows only what changed', () => {
  const others = files.filter(({ path, case: subject }) => readFileSync(path, 'utf8') !== `${print(subject)}\n`);
  assert.deepEqual(
    others.map(({ name }) => name),
    [],
  );
});

test('nothing of a run is left in a recording', () => {
  const left = files.flatMap(({ name, case: { steps } }) => {
    const text = JSON.stringify(steps.map(({ expect }) => expect));
    const found = text.match(
      /(?!0{8})[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|20\d\d-\d\d-\d\dT\d\d|ns-[b-z]{10}|127\.0\.0\.1:/g,
    );
    return found ? [`${name}: ${found.join(', ')}`] : [];
  });
  assert.deepEqual(left, []);
});

test('what is not covered is a case that there is, and has a reason', () => {
  const names = new Set(files.map(({ name }) => name));
  for (const [name, reason] of Object.entries(notCoveredBySandbox())) {
    assert.ok(names.has(name), `${name} is no case`);
    assert.ok(reason.length > 10, `${name} needs a reason`);
  }
});

test('a pattern chooses cases', () => {
  assert.ok(loadCases('watch/').every(({ name }) => name.startsWith('watch/')));
  assert.equal(loadCases('no such case').length, 0);
});

test('the table tells failures line by line, and counts', () => {
  const table = tableOf([
    { name: 'a/one', outcome: 'passed', durationMs: 1 },
    { name: 'a/two', outcome: 'failed', differences: ['body.x: expected 1, got 2'], durationMs: 1 },
    { name: 'b/three', outcome: 'not covered', reason: 'later', durationMs: 0 },
    { name: 'b/four', outcome: 'stale', reason: 'later', differences: ['it passes'], durationMs: 0 },
  ]);
  assert.match(table, /FAILED a\/two\n    body\.x: expected 1, got 2\nSTALE b\/four\n    it passes\nnot covered b\/three: later\n/);
  assert.match(table, /^a +2 +1 +1 +0 +0$/m);
  assert.match(table, /^total +4 +1 +1 +1 +1$/m);
});
