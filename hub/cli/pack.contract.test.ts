import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand, temporaryFolder } from '#deploy/local/processes/mod.ts';

const root = join(import.meta.dirname, '../..');
const golden = (name: string): string => readFileSync(join(import.meta.dirname, `golden/${name}.txt`), 'utf8');

test('what is packed installs without a registry, and its command says what that of the clone says', async () => {
  using folder = temporaryFolder('pack');
  const [dist, home, user] = ['dist', 'home', 'user'].map((name) => join(folder.path, name)) as [string, string, string];
  for (const path of [home, user]) await mkdir(path);
  const env = { ...process.env, HOME: home, WHEELHOUSE_URL: 'http://127.0.0.1:1' };
  const signal = AbortSignal.timeout(300_000);
  const said = (command: string, args: readonly string[], cwd: string) =>
    runCommand(command, args, { cwd, env, signal, waitMaxMs: 60_000 });

  await said(process.execPath, [join(import.meta.dirname, 'pack.ts'), dist], root);
  await said('npm', ['pack', dist, '--pack-destination', folder.path, '--offline'], folder.path);
  const [tarball = ''] = readdirSync(folder.path).filter((name) => name.endsWith('.tgz'));
  await writeFile(join(user, 'package.json'), '{"name": "user", "private": true}');
  await said('npm', ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', join(folder.path, tarball)], user);

  const command = join(user, 'node_modules/.bin/wheelhouse');
  const help = await said(command, ['--help'], user);
  assert.ok(golden('help').includes(help.stdout), help.stdout);
  const npx = await said('npx', ['--offline', 'wheelhouse', 'completion', 'bash'], user);
  assert.ok(golden('completion-bash').includes(npx.stdout));
  await assert.rejects(said(command, ['status'], user), /HUB_UNREACHABLE|exit code 8|8/);
});
