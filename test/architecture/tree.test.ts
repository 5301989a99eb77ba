import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { moduleOf } from './imports.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(resolve(root, path), 'utf8');

test('each module has its entry point and says what it is for', () => {
  const files = globSync('{hub,spoke,shared,proto,deploy/local}/**/*.ts', { cwd: root, exclude: ['**/node_modules/**', 'hub/ui/**'] });
  // Files beside the modules (hub/main.ts, deploy/local/start.ts) are programs.
  const modules = [...new Set(files.map(moduleOf))].filter((name) => name.split('/').length > 1 && name !== 'deploy/local').toSorted();
  assert.ok(modules.length > 5);
  const missing = [...modules, 'proto']
    .flatMap((name) => [`${name}/mod.ts`, `${name}/README.md`])
    .filter((path) => !existsSync(resolve(root, path)));
  assert.deepEqual(missing, []);
});

test('every version is exact: the same clone is the same program next year', () => {
  const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string> | undefined>;
  const ranges = ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((group) =>
    Object.entries(manifest[group] ?? {}).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)),
  );
  assert.deepEqual(ranges, []);
});

test('every npm script goes through the launcher: an older Node would start it otherwise', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const others = Object.entries(scripts).filter(([, script]) => !/^node deploy\/local\/launch\.mjs [\w./-]+\.ts( [\w-]+)*$/.test(script));
  assert.deepEqual(others, []);
});

test('the top level holds what it should and nothing else', () => {
  // What is built or installed is not part of the tree: Git ignores it.
  const made = ['dist', 'node_modules'];
  const visible = readdirSync(root).filter((name) => !name.startsWith('.') && !made.includes(name));
  const known = [
    'LICENSE',
    'README.md',
    'deploy',
    'hub',
    'package-lock.json',
    'package.json',
    'proto',
    'shared',
    'spoke',
    'test',
    'tsconfig.json',
  ];
  assert.deepEqual(
    visible.filter((name) => !known.includes(name)),
    [],
  );
});
