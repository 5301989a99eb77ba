import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, temporaryFolder } from './processes/mod.ts';

const launcher = resolve(import.meta.dirname, 'launch.mjs');
const program = resolve(import.meta.dirname, 'processes/testing/program.ts');

interface Started {
  readonly launcher: ChildProcess;
  readonly ended: Promise<number | NodeJS.Signals | null>;
  readonly said: { readonly pid: number; readonly version: string; readonly path: string; readonly exec: string };
}

async function start(way: string): Promise<Started> {
  const child = spawn(process.execPath, [launcher, program, way], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | NodeJS.Signals | null>((done) => child.once('exit', (code, signal) => done(code ?? signal)));
  const line = await new Promise<string>((done) => createInterface(child.stdout).once('line', done));
  return { launcher: child, ended, said: JSON.parse(line) as Started['said'] };
}

test('a program runs on a recent Node, which is first on PATH, and its exit code is passed on', async () => {
  const { ended, said } = await start('exit');
  const [major = 0, minor = 0] = said.version.split('.').map(Number);
  assert.ok(major > 24 || (major === 24 && minor >= 15));
  assert.equal(said.path, dirname(said.exec));
  assert.equal(await ended, 7);
});

test('a program that was killed is told as killed', async () => {
  const { ended } = await start('killed');
  assert.equal(await ended, 'SIGKILL');
});

test('a signal is passed on once, and the launcher waits for the program', async () => {
  const { launcher: child, ended } = await start('wait');
  child.kill('SIGINT');
  await sleep(50);
  child.kill('SIGINT');
  assert.equal(await ended, 41);
});

test('a launcher that is killed takes its program along', async () => {
  const { launcher: child, ended, said } = await start('wait');
  child.kill('SIGKILL');
  assert.equal(await ended, 'SIGKILL');
  for (let waited = 0; isRunning(said.pid); waited += 50) {
    assert.ok(waited < 5_000, 'the program runs on');
    await sleep(50);
  }
});

for (const [how, env, isEnded] of [
  ['npm', { npm_lifecycle_event: 'start' }, true],
  ['somebody who wants it to go on, as with nohup', { npm_lifecycle_event: undefined }, false],
] as const)
  test(`when its parent is gone, a launcher that was started by ${how} ${isEnded ? 'ends' : 'goes on'}`, async () => {
    // As npm does: a shell in between, which is all that a signal to npm ends.
    const script = `"$@" & wait`;
    const shell = spawn('/bin/sh', ['-c', script, 'sh', process.execPath, launcher, program, 'wait'], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const line = await new Promise<string>((done) => createInterface(shell.stdout).once('line', done));
    const { pid } = JSON.parse(line) as Started['said'];
    shell.kill('SIGKILL');
    for (let waited = 0; isRunning(pid) && waited < (isEnded ? 10_000 : 1_500); waited += 50) await sleep(50);
    const runs = isRunning(pid);
    if (runs) process.kill(pid, 'SIGKILL');
    assert.equal(runs, !isEnded);
  });

test('in a bare clone, two at once install once, on stderr, and both run', async () => {
  using folder = temporaryFolder('clone');
  const clone = folder.path;
  mkdirSync(join(clone, 'deploy/local'), { recursive: true });
  cpSync(launcher, join(clone, 'deploy/local/launch.mjs'));
  writeFileSync(join(clone, 'package.json'), JSON.stringify({ name: 'bare', version: '1.0.0', type: 'module' }));
  const packages = { '': { name: 'bare', version: '1.0.0' }, 'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' } };
  writeFileSync(join(clone, 'package-lock.json'), JSON.stringify({ name: 'bare', lockfileVersion: 3, packages }));
  writeFileSync(join(clone, 'hello.ts'), `const word: string = 'hello'; console.log(word);`);
  // An npm that writes down that it was called, and installs what the lock says.
  const npm = join(clone, 'npm-fake.mjs');
  const modules = join(clone, 'node_modules');
  writeFileSync(
    npm,
    `import { appendFileSync, copyFileSync, mkdirSync } from 'node:fs';
     console.log('words of npm');
     appendFileSync(${JSON.stringify(join(clone, 'calls'))}, process.argv.slice(2).join(' ') + '\\n');
     await new Promise((next) => setTimeout(next, 500));
     mkdirSync(${JSON.stringify(modules)});
     copyFileSync('package-lock.json', ${JSON.stringify(join(modules, '.package-lock.json'))});`,
  );
  const run = async (): Promise<{ code: unknown; out: string; err: string }> => {
    const env = { ...process.env, npm_execpath: npm };
    const child = spawn(process.execPath, ['deploy/local/launch.mjs', 'hello.ts'], { cwd: clone, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const [out, err] = [child.stdout, child.stderr].map((stream) => stream.setEncoding('utf8').toArray());
    const code = await new Promise((done) => child.once('exit', done));
    return { code, out: (await out)?.join('') ?? '', err: (await err)?.join('') ?? '' };
  };
  const both = await Promise.all([run(), run()]);
  for (const { code, out } of both) assert.deepEqual({ code, out }, { code: 0, out: 'hello\n' });
  assert.equal(readFileSync(join(clone, 'calls'), 'utf8').trim().split('\n').length, 1);
  assert.match(readFileSync(join(clone, 'calls'), 'utf8'), /^ci --ignore-scripts --no-audit --no-fund/);
  assert.equal(both.filter(({ err }) => /node_modules is missing.*\n(.*\n)*words of npm/.test(err)).length, 1);
  assert.deepEqual(await run(), { code: 0, out: 'hello\n', err: '' });
});
