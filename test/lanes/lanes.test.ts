import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { kindOf, select, testFiles, type TestKind } from './files.ts';
import { lanes, parseRequest, type Step } from './plan.ts';
import { parseCounts, sumOf, totalsLine } from './totals.ts';

const kinds: readonly (readonly [string, TestKind | undefined])[] = [
  ['shared/oci/client.test.ts', 'unit'],
  ['hub/store/sqlite.contract.test.ts', 'contract'],
  ['spoke/kube/client.kube.test.ts', 'kube'],
  ['test/e2e/path.e2e.test.ts', 'e2e'],
  ['test/sim/seeds.sim.test.ts', 'sim'],
  ['test/e2e/page/path.browser.test.ts', 'browser'],
  ['shared/oci/hostile.cases.test.ts', 'unit'],
  ['shared/oci/client.ts', undefined],
  ['shared/oci/client.test.ts.txt', undefined],
];
for (const [path, kind] of kinds) {
  test(`${path} is ${kind ?? 'no test'}`, () => assert.equal(kindOf(path), kind));
}

const paths = ['hub/b/b.test.ts', 'hub/a/a.test.ts', 'hub/a/x.contract.test.ts', 'spoke/a/deep/a.test.ts'];
const patterns: readonly (readonly [readonly string[], readonly string[]])[] = [
  [[], ['hub/a/a.test.ts', 'hub/b/b.test.ts', 'spoke/a/deep/a.test.ts']],
  [['hub/a'], ['hub/a/a.test.ts']],
  [['./hub/a'], ['hub/a/a.test.ts']],
  [['hub/**/*.test.ts'], ['hub/a/a.test.ts', 'hub/b/b.test.ts']],
  [['**/a.test.ts'], ['hub/a/a.test.ts', 'spoke/a/deep/a.test.ts']],
  [['a*.ts'], ['hub/a/a.test.ts', 'spoke/a/deep/a.test.ts']],
  [
    ['b.test', 'deep'],
    ['hub/b/b.test.ts', 'spoke/a/deep/a.test.ts'],
  ],
  [['x.contract'], []],
];
for (const [asked, found] of patterns) {
  test(`files for ${asked.join(' ') || 'no pattern'}`, () => assert.deepEqual(select(paths, 'unit', asked), found));
}

test('every test file of the tree is in exactly one lane step of ci, and ci leaves out none of the other lanes', () => {
  const files = testFiles(resolve(import.meta.dirname, '../..'));
  const tested = (lanes['ci'] ?? []).flatMap((step) => (step.does === 'tests' ? select(files, step.kind) : []));
  assert.deepEqual(tested.toSorted(), [...files].toSorted());
  const names = (steps: readonly Step[]): readonly string[] => steps.map((step) => step.name);
  for (const lane of ['check', 'newcomer', 'unit', 'kube', 'browser'])
    for (const name of names(lanes[lane] ?? [])) assert.ok(names(lanes['ci'] ?? []).includes(name), `${lane}: ${name}`);
});

test('a newcomer runs some seeds of the simulation, ci five times as many', () => {
  const seeds = (lane: string): unknown =>
    lanes[lane]?.flatMap((step) => (step.does === 'tests' ? [step.env?.['WHEELHOUSE_SEEDS']] : [])).filter(Boolean);
  assert.deepEqual([seeds('newcomer'), seeds('ci')], [['60'], ['300']]);
});

test('every step is bounded, and a whole run takes less than three hours at worst', () => {
  const minutes = (lanes['ci'] ?? []).map((step) => step.minutesMax);
  assert.ok(minutes.every((each) => each > 0));
  assert.ok(minutes.reduce((a, b) => a + b, 0) < 180);
});

test('a request: patterns choose files, flags go on, required parts are known ones', () => {
  const request = parseRequest(['unit', 'shared/oci', '--test-only', 'hub'], { WHEELHOUSE_REQUIRE: ' kube, servers,' });
  assert.deepEqual([request.patterns, request.flags, [...request.required]], [['shared/oci', 'hub'], ['--test-only'], ['kube', 'servers']]);
  assert.equal(parseRequest(['check'], {}).required.size, 0);
  assert.throws(() => parseRequest(['check'], { WHEELHOUSE_REQUIRE: 'kub' }), /names servers, kube, chromium, not "kub"/);
  for (const lane of [[], ['all'], ['toString']]) assert.throws(() => parseRequest(lane, {}), /usage: .*check/);
});

test('the last line has one form', () => {
  assert.equal(totalsLine(sumOf([])), '0 passed, 0 failed, 0 skipped');
  const all = [
    { passed: 3, failed: 0, skipped: 1 },
    { passed: 39, failed: 1, skipped: 0 },
  ];
  assert.equal(totalsLine(sumOf(all)), '42 passed, 1 failed, 1 skipped');
});

test('what was cancelled did not pass; what is no count is no result', () => {
  const counts = { tests: 9, passed: 4, failed: 1, cancelled: 2, skipped: 1, todo: 1, suites: 0, topLevel: 9 };
  assert.deepEqual(parseCounts(`${JSON.stringify(counts)}\n`), { passed: 4, failed: 3, skipped: 2 });
  for (const text of [
    '',
    '{}',
    'null',
    '[]',
    JSON.stringify({ ...counts, passed: '4' }),
    JSON.stringify({ ...counts, failed: -1 }),
    '{"passed":',
  ])
    assert.equal(parseCounts(text), undefined);
  fc.assert(fc.property(fc.json(), (text) => void parseCounts(text)));
});
