import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environmentText, mergedKubeconfig, quoted, wrapperText } from './environment.ts';

for (const [word, want] of [
  ['/a b', "'/a b'"],
  ["it's", `'it'\\''s'`],
  ['$(rm -rf)', "'$(rm -rf)'"],
] as const)
  test(`quoted: ${word}`, () => assert.equal(quoted(word), want));

test('the environment names hub, token, clusters and repositories, and no token itself', () => {
  const text = environmentText({ data: '/d', apiPort: 8080, repositories: { SHOP: '/d/shop.git' }, kubeconfig: '/d/k' });
  for (const line of [
    "export FLEET='/d'",
    "export SHOP='/d/shop.git'",
    'export WHEELHOUSE_URL=http://127.0.0.1:8080',
    'export WHEELHOUSE_TOKEN_FILE="$FLEET/hub/keys/admin.token"',
    "export KUBECONFIG='/d/k'",
  ])
    assert.ok(text.split('\n').includes(line), line);
});

test('a wrapper hands on its settings and every argument', () => {
  assert.equal(
    wrapperText(['/opt/my git', '-c'], { GIT_EXEC_PATH: '/p' }),
    "#!/bin/sh\nexport GIT_EXEC_PATH='/p'\nexec '/opt/my git' '-c' \"$@\"\n",
  );
});

test('one kubeconfig has the context of each cluster, the first one is the current', () => {
  const one = (name: string): string =>
    JSON.stringify({ clusters: [{ name }], users: [{ name }], contexts: [{ name, context: { cluster: name, user: name } }] });
  const merged = JSON.parse(mergedKubeconfig([one('dev-1'), one('prod-1')])) as Record<string, { name: string }[]>;
  assert.equal(merged['current-context'], 'dev-1');
  for (const part of ['clusters', 'users', 'contexts'])
    assert.deepEqual(
      merged[part]?.map(({ name }) => name),
      ['dev-1', 'prod-1'],
    );
});
