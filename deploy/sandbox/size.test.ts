import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '../..');
const linesOf = (folder: string): number =>
  globSync(`${folder}/**/*.ts`, { cwd: root })
    .filter((path) => !path.endsWith('.test.ts'))
    .reduce((sum, path) => sum + readFileSync(resolve(root, path), 'utf8').split('\n').length - 1, 0);

// A small server that can be read in an evening; what grows beyond is another Kubernetes. Its rules of objects are shared with the cluster in memory.
for (const [folder, linesMax] of [
  ['deploy/sandbox', 1_500],
  ['shared/kubernetes', 1_500],
] as const)
  test(`${folder} has at most ${linesMax} lines`, () => {
    const lines = linesOf(folder);
    assert.ok(lines > 500 && lines <= linesMax, `${lines} lines`);
  });
