import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile, heard, noProgress } from './compiles.ts';

const rows: readonly { readonly line: string; readonly as: 'downloaded' | 'compiled' | 'complaints' }[] = [
  { line: 'go: downloading k8s.io/kubernetes v1.36.3', as: 'downloaded' },
  { line: 'k8s.io/kubernetes/cmd/kube-apiserver/app', as: 'compiled' },
  { line: 'gopkg.in/natefinch/lumberjack.v2', as: 'compiled' },
  { line: 'errors', as: 'compiled' },
  { line: './main.go:7:2: could not import fmt', as: 'complaints' },
  { line: '# wheelhouse.dev/test/kube', as: 'complaints' },
  { line: 'go: updates to go.mod needed', as: 'complaints' },
];
for (const { line, as } of rows) {
  test(`"${line}" counts as ${as}`, () => {
    const progress = heard(noProgress, line);
    const counts = { downloaded: progress.downloaded, compiled: progress.compiled, complaints: progress.complaints.length };
    assert.deepEqual(counts, { downloaded: 0, compiled: 0, complaints: 0, [as]: 1 });
  });
}

test('only the last complaints are kept', () => {
  const lines = Array.from({ length: 100 }, (_, i) => `# ${i}`);
  assert.deepEqual(lines.reduce(heard, noProgress).complaints, lines.slice(-20));
});

// Node stands in for the Go command: what is tested is what is done with one that complains, hangs, or works.
const run = (script: string, maxMs = 60_000, signal?: AbortSignal): Promise<void> =>
  compile({ go: process.execPath, args: ['-e', script], dir: '.', env: {}, maxMs, signal, log: () => {} });

test('a build that works says so and nothing more', () => run(''));

test('a build that fails is told with what it complained about', () =>
  assert.rejects(run('console.error("./main.go:7:2: no"); process.exit(3)'), {
    code: 'BUILD_FAILED',
    message: /ended with code 3:\n\.\/main\.go:7:2: no/,
  }));

test('a build that hangs is ended', () =>
  assert.rejects(run('setInterval(() => {}, 1000)', 300), { code: 'BUILD_FAILED', message: /took more than/ }));

test('a build that nobody wants any more ends with the reason', async () => {
  const stop = new AbortController();
  const building = run('setInterval(() => {}, 1000)', 60_000, stop.signal);
  stop.abort(new Error('not wanted'));
  await assert.rejects(building, /not wanted/);
});
