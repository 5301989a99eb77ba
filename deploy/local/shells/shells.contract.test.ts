// What is written is for real shells, Git and kubectl.
import assert from 'node:assert/strict';
import { existsSync, lstatSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { holdLock, runCommand, temporaryFolder } from '../processes/mod.ts';
import { findServer } from '../servers/mod.ts';
import { environmentText } from './environment.ts';
import { linkFleet, writeShell } from './mod.ts';

function folderFor(t: TestContext): string {
  const folder = temporaryFolder("it's a shell");
  t.after(() => folder[Symbol.dispose]());
  return folder.path;
}

const kubeconfig = JSON.stringify({ clusters: [], users: [], contexts: [] });

test('a shell that reads it finds the command, and its own Git name or another', async (t) => {
  const data = folderFor(t);
  const file = join(data, 'one.json');
  writeFileSync(file, kubeconfig);
  const git = await findServer('git');
  const { signal } = new AbortController();
  const { file: env } = await writeShell({ data, apiPort: 1, repositories: { SHOP: '/s' }, kubeconfigs: [file], git, signal });
  const run = async (script: string, more: Record<string, string> = {}): Promise<string> =>
    (
      await runCommand('/bin/sh', ['-c', `. "$ENV_FILE"\n${script}`], {
        env: { ...process.env, HOME: data, ENV_FILE: env, ...more },
        waitMaxMs: 60_000,
      })
    ).stdout;
  assert.equal(await run('echo "$FLEET $SHOP"'), `${data} /s`);
  assert.equal(await run('command -v wheelhouse'), join(data, 'bin', 'wheelhouse'));
  assert.match(await run('wheelhouse --help'), /^Usage: wheelhouse/);
  assert.equal(await run('. "$ENV_FILE"; echo "$PATH" | tr : "\\n" | grep -c "$FLEET/bin"'), '1', 'read twice');
  assert.equal(await run('echo "$GIT_AUTHOR_NAME"'), 'You');
  const own = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'user.email', GIT_CONFIG_VALUE_0: 'a@example.org' };
  assert.equal(await run('echo "$GIT_AUTHOR_NAME"', own), '');
});

test('a Git that was unpacked is on the PATH of that shell only', async (t) => {
  const data = folderFor(t);
  const file = join(data, 'one.json');
  writeFileSync(file, kubeconfig);
  const found = await findServer('git');
  const { signal } = new AbortController();
  await writeShell({
    data,
    apiPort: 1,
    repositories: {},
    kubeconfigs: [file],
    git: { ...found, from: 'debian', env: { GIT_TEST: "it's" } },
    signal,
  });
  const { stdout } = await runCommand(join(data, 'bin', 'git'), ['--version'], { env: process.env, waitMaxMs: 10_000 });
  assert.match(stdout, /^git version/);
});

test('environment: what is written can be read by a shell, whatever is in a path', async () => {
  const text = environmentText({ data: `/d/it's "$x`, apiPort: 1, repositories: {}, kubeconfig: '/k' });
  const { stdout } = await runCommand('/bin/sh', ['-c', `${text}\nprintf %s "$FLEET"`], {
    env: { PATH: process.env['PATH'] },
    waitMaxMs: 10_000,
  });
  assert.equal(stdout, `/d/it's "$x`);
});

test('.fleet is of the first fleet that runs, and goes with it', async (t) => {
  const root = folderFor(t);
  const [one, two] = [folderFor(t), folderFor(t)];
  const link = join(root, '.fleet');
  await using _held = await holdLock(join(one, 'lock'), { waitMaxMs: 0, ageMaxMs: Infinity });
  const first = await linkFleet(root, one);
  assert.deepEqual([first.name, readlinkSync(link)], ['.fleet', one]);
  const second = await linkFleet(root, two);
  assert.equal(second.name, two);
  await second[Symbol.asyncDispose]();
  assert.equal(readlinkSync(link), one, 'who has it not does not remove it');
  await first[Symbol.asyncDispose]();
  assert.equal(existsSync(link), false);
});

const before: readonly (readonly [string, string | undefined, boolean])[] = [
  ['a fleet whose folder is gone', undefined, true],
  ['a fleet that was killed', JSON.stringify({ host: hostname(), pid: 2 ** 22 + 1 }), true],
  ['another machine, for all one can tell', JSON.stringify({ host: 'elsewhere', pid: 1 }), false],
];
for (const [what, lock, isTaken] of before)
  test(`.fleet of ${what} is ${isTaken ? 'taken over' : 'left alone'}`, async (t) => {
    const [root, data, other] = [folderFor(t), folderFor(t), folderFor(t)];
    if (lock !== undefined) writeFileSync(join(other, 'lock'), lock);
    symlinkSync(lock === undefined ? '/nonexistent/wheelhouse' : other, join(root, '.fleet'));
    await using link = await linkFleet(root, data);
    assert.equal(link.name, isTaken ? '.fleet' : data);
  });

test('a file of somebody else called .fleet stays', async (t) => {
  const [root, data] = [folderFor(t), folderFor(t)];
  writeFileSync(join(root, '.fleet'), 'mine');
  await using link = await linkFleet(root, data);
  assert.equal(link.name, data);
  assert.ok(lstatSync(join(root, '.fleet')).isFile());
});
