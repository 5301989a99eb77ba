import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkGoVersion, findGo, goEnv, sourceHash } from './builds.ts';

const versions: readonly { readonly said: string; readonly code?: string }[] = [
  { said: 'go version go1.26.0 linux/amd64\n' },
  { said: 'go version go1.31 darwin/arm64\n' },
  { said: 'go version go2.0.1 linux/amd64\n' },
  { said: 'go version go1.25.9 linux/amd64\n', code: 'GO_TOO_OLD' },
  { said: 'go version go1.3 linux/amd64\n', code: 'GO_TOO_OLD' },
  { said: '', code: 'GO_MISSING' },
  { said: 'gccgo (Debian 12.2.0)', code: 'GO_MISSING' },
];
for (const { said, code } of versions) {
  test(`"${said.trim()}" ${code ? `is ${code}, and the message says what to do` : 'can build it'}`, () => {
    if (code)
      assert.throws(() => checkGoVersion(said), { name: 'KubeError', code, message: /install Go >= 1\.26 .* or use --kubeconfig FILE/ });
    else checkGoVersion(said);
  });
}

test('without Go on the machine it says what to install', () =>
  assert.rejects(findGo({ PATH: '/nowhere' }, ['go', '/nowhere/go']), {
    code: 'GO_MISSING',
    message: /not on this machine: install Go >= 1\.26/,
  }));

test("Go's caches move only where there is no home, and nothing chooses another toolchain", () => {
  const homeless = goEnv({ PATH: '/bin', GOTOOLCHAIN: 'auto' }, '/cache');
  assert.deepEqual(homeless, {
    PATH: '/bin',
    GOPATH: '/cache/go',
    GOMODCACHE: '/cache/go/pkg/mod',
    GOCACHE: '/cache/go-build',
    GOTOOLCHAIN: 'local',
    GOWORK: 'off',
    CGO_ENABLED: '0',
  });
  assert.equal(goEnv({ HOME: '/home/a' }, '/cache')['GOCACHE'], undefined);
  assert.equal(goEnv({ GOCACHE: '/mine' }, '/cache')['GOCACHE'], '/mine');
  assert.equal(goEnv({ HOME: '' }, '/cache')['GOCACHE'], '/cache/go-build');
});

test('the hash names every source of the binary and nothing else', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'wheelhouse-builds-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const put = (file: string, text: string): Promise<void> => writeFile(join(dir, file), text);
  const seen = new Set<string>();
  const changes: readonly (readonly [file: string, text: string])[] = [
    ['main.go', 'package main'],
    ['go.mod', 'module a'],
    ['go.sum', 'x'],
    ['main.go', 'package main // changed'],
    ['more.go', ''],
  ];
  for (const [file, text] of changes) {
    await put(file, text);
    seen.add(await sourceHash(dir));
  }
  assert.equal(seen.size, changes.length);
  await put('README.md', 'not compiled');
  assert.ok(seen.has(await sourceHash(dir)));
});
