import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test, type TestContext } from 'node:test';
import { temporaryFolder } from '#deploy/local/processes/mod.ts';
import type { Request, Step } from './plan.ts';
import { runSteps, type Outcome } from './run.ts';

const root = resolve(import.meta.dirname, '../..');

/** A small tree of its own, with the parts that a run asks for. */
function treeFor(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder('tree');
  t.after(() => folder[Symbol.dispose]());
  for (const path of ['node_modules', 'deploy', 'shared', 'package.json']) symlinkSync(join(root, path), join(folder.path, path));
  mkdirSync(join(folder.path, 'test'));
  symlinkSync(join(root, 'test/lanes'), join(folder.path, 'test/lanes'));
  for (const [path, source] of Object.entries(files)) {
    mkdirSync(dirname(join(folder.path, path)), { recursive: true });
    writeFileSync(join(folder.path, path), source);
  }
  return folder.path;
}

interface Ran {
  readonly outcomes: readonly Outcome[];
  readonly said: string;
}

const stillGoing = new AbortController().signal;

async function run(
  t: TestContext,
  steps: readonly Step[],
  files: Readonly<Record<string, string>>,
  more: Partial<Request> = {},
  stop = stillGoing,
): Promise<Ran> {
  const tree = treeFor(t, files);
  const lines: string[] = [];
  const request: Request = {
    lane: 'tried',
    steps,
    patterns: [],
    flags: [],
    required: new Set(),
    ...more,
  };
  const outcomes = await runSteps(request, {
    root: tree,
    files: Object.keys(files),
    say: (line) => lines.push(line),
    stop,
    output: { line: () => {} },
  });
  return { outcomes, said: lines.join('\n') };
}

const unit: Step = { does: 'tests', name: 'unit tests', kind: 'unit', args: ['--test-isolation=none'], minutesMax: 1 };
const apart: Step = { ...unit, args: [] };
const header = `import assert from 'node:assert/strict'; import { test } from 'node:test';\n`;
const green = `${header}test('green', () => {});\ntest('later', { skip: 'not now' }, () => {});\n`;
const red = `${header}test('red', () => assert.equal(1, 2));\n`;

const runs: readonly (readonly [string, Step, Readonly<Record<string, string>>, boolean, readonly [number, number, number]])[] = [
  ['what passes and what is skipped is counted', unit, { 'hub/a.test.ts': green }, true, [1, 0, 1]],
  ['so it is over several processes', apart, { 'hub/a.test.ts': green, 'hub/b.test.ts': green }, true, [2, 0, 2]],
  ['one that fails fails the step', unit, { 'hub/a.test.ts': green, 'hub/b.test.ts': red }, false, [1, 1, 1]],
  [
    'a file that cannot be loaded fails the step',
    apart,
    { 'hub/a.test.ts': green, 'hub/b.test.ts': `import './nothing.ts';` },
    false,
    [1, 1, 1],
  ],
  ['a file that ends the process fails the step', unit, { 'hub/a.test.ts': 'process.exit(0);' }, false, [0, 1, 0]],
  ['no tests fail the step', unit, { 'hub/a.contract.test.ts': green }, false, [0, 1, 0]],
];
for (const [name, step, files, ok, [passed, failed, skipped]] of runs) {
  test(name, async (t) => {
    const { outcomes } = await run(t, [step], files);
    assert.deepEqual(
      outcomes.map((outcome) => [outcome.ok, outcome.totals]),
      [[ok, { passed, failed, skipped }]],
    );
  });
}

const command = (script: string): Step => ({ does: 'command', name: 'a check', command: '/bin/sh', args: ['-c', script], minutesMax: 1 });

test('a check that fails shows in the totals, and what follows runs all the same', async (t) => {
  const { outcomes, said } = await run(t, [command('exit 3'), command('exit 0'), unit], { 'hub/a.test.ts': green });
  assert.deepEqual(
    outcomes.map((outcome) => outcome.ok),
    [false, true, true],
  );
  assert.deepEqual(outcomes[0]?.totals, { passed: 0, failed: 1, skipped: 0 });
  assert.match(said, /FAILED +\d+\.\d s {2}a check: ended with code 3/);
  assert.match(said, /ok +\d+\.\d s {2}unit tests/);
});

test('what takes too long is ended', async (t) => {
  const { outcomes } = await run(t, [{ ...command('sleep 600'), minutesMax: 0.005 }], {});
  assert.deepEqual(
    outcomes.map((outcome) => [outcome.ok, outcome.note]),
    [[false, 'ended with no result after 0.005 minutes']],
  );
});

test('a run that is stopped ends, and has failed', async (t) => {
  const stop = AbortSignal.timeout(100);
  const { outcomes } = await run(t, [command('sleep 600'), command('exit 0')], {}, {}, stop);
  assert.equal(outcomes.length, 2);
  assert.ok(outcomes.every((outcome) => !outcome.ok));
});

const prepare: Step = { does: 'prepare', name: 'control plane', part: 'kube', script: 'prepare.ts', missing: /GO_MISSING/, minutesMax: 1 };
const needy: Step = { ...unit, needs: 'kube' };
const noGo = `console.error('kube: GO_MISSING: install Go'); process.exitCode = 1;`;

test('what needs a missing part is skipped, loudly', async (t) => {
  const { outcomes, said } = await run(t, [prepare, needy], { 'prepare.ts': noGo, 'hub/a.test.ts': red });
  assert.ok(outcomes.every((outcome) => outcome.ok && outcome.totals.skipped === 1));
  assert.match(said, /SKIPPED .*control plane: kube: GO_MISSING: install Go/);
  assert.match(said, /SKIPPED .*unit tests: control plane missing/);
});

test('a required part that is missing is a failure', async (t) => {
  const { outcomes } = await run(t, [prepare, needy], { 'prepare.ts': noGo, 'hub/a.test.ts': red }, { required: new Set(['kube']) });
  assert.ok(outcomes.every((outcome) => !outcome.ok));
});

test('a part that breaks while it is prepared is a failure, required or not, and what needs it does not run', async (t) => {
  const { outcomes } = await run(t, [prepare, needy], { 'prepare.ts': 'process.exitCode = 1;', 'hub/a.test.ts': green });
  assert.deepEqual(
    outcomes.map((outcome) => outcome.ok),
    [false, true],
  );
  assert.equal(outcomes[1]?.totals.passed, 0);
});

test('a part that is there is used', async (t) => {
  const { outcomes } = await run(t, [prepare, needy], { 'prepare.ts': '', 'hub/a.test.ts': green });
  assert.deepEqual(
    outcomes.map((outcome) => outcome.totals.passed),
    [0, 1],
  );
});
