import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { systemRandom } from '#shared/clock/mod.ts';
import { digestOf } from '#shared/kernel/mod.ts';
import { createJoinToken, generateKey } from '#shared/signing/mod.ts';
import { processConfig } from './config.ts';

const token = createJoinToken(
  { id: 'tone', clusterName: 'one', enrolment: '127.0.0.1:1', rootSpki: generateKey(systemRandom).spki, caPin: digestOf('ca') },
  systemRandom,
);

test('one spoke from the environment, several from a file', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'wheelhouse-config-'));
  t.after(() => rm(dir, { recursive: true }));
  const tokenFile = join(dir, 'token');
  await writeFile(tokenFile, `${token.reveal()}\n`);
  const one = processConfig({ KUBECONFIG: 'k', WHEELHOUSE_JOIN_TOKEN_FILE: tokenFile, WHEELHOUSE_LOG_LEVEL: 'warn' });
  assert.deepEqual(
    [one.spokes.length, one.spokes[0]?.kubeconfig, one.spokes[0]?.joinToken?.clusterName, one.logLevel],
    [1, 'k', 'one', 'warn'],
  );
  const file = join(dir, 'spokes.json');
  await writeFile(
    file,
    JSON.stringify([
      { name: 'a', kubeconfig: 'ka', joinTokenFile: tokenFile },
      { name: 'b', kubeconfig: 'kb', context: 'c' },
    ]),
  );
  const several = processConfig({ WHEELHOUSE_SPOKES_FILE: file });
  assert.deepEqual(
    several.spokes.map(({ name, context, joinToken }) => [name, context, joinToken?.id]),
    [
      ['a', undefined, 'tone'],
      ['b', 'c', undefined],
    ],
  );
});

test('what is wrong is named, and a token is never quoted', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'wheelhouse-config-'));
  t.after(() => rm(dir, { recursive: true }));
  const file = async (text: string): Promise<string> => {
    await writeFile(join(dir, 'spokes.json'), text);
    return join(dir, 'spokes.json');
  };
  const invalid = { code: 'CONFIG_INVALID' };
  assert.throws(() => processConfig({ WHEELHOUSE_SPOKES_FILE: join(dir, 'none') }), invalid);
  for (const text of ['{', '[]', '{}', '[1]']) {
    const named = await file(text);
    assert.throws(() => processConfig({ WHEELHOUSE_SPOKES_FILE: named }), invalid);
  }
  const bad = await file('[{"name":"a"}]');
  assert.throws(() => processConfig({ WHEELHOUSE_SPOKES_FILE: bad }), { ...invalid, message: /entry 0 needs name and kubeconfig/ });
  const cut = token.reveal().slice(0, 60);
  assert.throws(
    () => processConfig({ WHEELHOUSE_JOIN_TOKEN: cut }),
    (error: Error) => !error.message.includes(cut.slice(4)),
  );
});
