import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { seededRandom } from '../clock/mod.ts';
import { createNatsKeys, exportNatsKeys, hubJwt, importNatsKeys, spokeJwt, spokesAccountJwt, systemJwt } from './accounts.ts';
import { createNkey } from './nkeys.ts';
import { serverConfig } from './server-config.ts';

const random = seededRandom(1);
const now = Date.UTC(2026, 0, 1);
const keys = createNatsKeys(random, now);
const user = createNkey('user', random);
const bodyOf = (jwt: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
const life = { userPublicKey: user.id, issuedAtMs: now, expiresAtMs: now + 60_000 };

test('keys go out to JSON and back', () => {
  assert.deepEqual(serverConfig(importNatsKeys(exportNatsKeys(keys)), { accountsDir: '/d' }), serverConfig(keys, { accountsDir: '/d' }));
});

const broken: readonly [name: string, text: string][] = [
  ['not JSON', '{SECRET'],
  ['null', 'null'],
  ['empty', '{}'],
  ['without a key', exportNatsKeys(keys).replace('"hub"', '"hup"')],
  ['with the key of another kind', exportNatsKeys(keys).replace(keys.operator.exportSeed(), keys.hub.exportSeed())],
  ['without a date', exportNatsKeys(keys).replace('createdAtMs', 'created')],
];
for (const [name, text] of broken) {
  test(`keys refused: ${name}`, () =>
    assert.throws(
      () => importNatsKeys(text),
      (e: Error) => 'code' in e && e.code === 'BAD_KEYS' && !/SECRET|S[OUA][A-Z2-7]{40}/.test(inspect(e)),
    ));
}

test('a spoke token has no permissions of its own: they come from the scope of the key that signed it', () => {
  const body = bodyOf(spokeJwt(keys, 'c1', life));
  assert.deepEqual(body['nats'], { type: 'user', issuer_account: keys.spokes.id, version: 2 });
  assert.equal(body['iss'], keys.spokeSigner.id);
  assert.equal(body['name'], 'c1');
  assert.equal(body['exp'], (now + 60_000) / 1000);
});

test('no token for a name that is a pattern, nor for what is no user key', () => {
  for (const uid of ['*', '>', 'c1.>', '', 'C1', 'c1\n']) assert.throws(() => spokeJwt(keys, uid, life), { code: 'BAD_NAME' });
  for (const userPublicKey of ['', keys.hub.id, `${user.id}x`]) {
    for (const mint of [spokeJwt.bind(undefined, keys, 'c1'), hubJwt.bind(undefined, keys), systemJwt.bind(undefined, keys)]) {
      assert.throws(() => mint({ ...life, userPublicKey }), { code: 'BAD_KEYS' });
    }
  }
});

test('the account of the spokes has no JetStream, imports two subjects, and lists who is revoked', () => {
  const nats = bodyOf(spokesAccountJwt(keys, now + 5_000, new Map([[user.id, now + 1_500]])))['nats'] as Record<
    string,
    Record<string, unknown>
  >;
  assert.deepEqual([nats['limits']?.['mem_storage'], nats['limits']?.['disk_storage'], nats['limits']?.['streams']], [0, 0, 0]);
  assert.deepEqual(nats['revocations'], { [user.id]: now / 1000 + 1 });
  const imports = nats['imports'] as unknown as { local_subject: string }[];
  assert.deepEqual(
    imports.map((i) => i.local_subject),
    ['desired.get.$1', 'desired.push.$1'],
  );
});

test('the configuration is the same each time, holds no seed, and is dated before anything that is pushed', () => {
  const config = serverConfig(keys, { listen: '127.0.0.1:4222', accountsDir: '/a', jetStreamDir: '/data with space' });
  assert.equal(config, serverConfig(keys, { listen: '127.0.0.1:4222', accountsDir: '/a', jetStreamDir: '/data with space' }));
  assert.doesNotMatch(config, /\bS[OAU][A-Z2-7]{50}/);
  assert.match(config, /store_dir: "\/data with space",/);
  for (const jwt of config.match(/eyJ\S+/g) ?? []) assert.equal(bodyOf(jwt)['iat'], now / 1000 - 1);
});
