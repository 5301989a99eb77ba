// Public manifests, applied by the spoke to a real control plane and to a sandbox.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { applyToBoth } from './both.ts';
import { judge } from './judge.ts';
import { manifestsFolder, projects } from './projects.ts';

const folder = manifestsFolder(process.env);
const missing = folder === undefined && 'neither WHEELHOUSE_MANIFESTS nor ../shared/manifests is there';
if (missing) process.stderr.write(`!!! NOT TESTED: public manifests on both Kuberneteses: ${missing}\n`);

describe('public manifests become the same on both', { skip: missing, timeout: 9 * 60_000 }, () => {
  test('no folder is left out', () => {
    const folders = readdirSync(folder ?? '', { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? [one.name] : []));
    assert.deepEqual([...new Set(projects.map((one) => one.folder))].toSorted(), folders.toSorted());
  });
  for (const project of projects)
    test(`${project.name}: ${project.as}`, async () => {
      const { problems } = judge(project, await applyToBoth(project, folder ?? ''));
      assert.deepEqual(problems, []);
    });
});
