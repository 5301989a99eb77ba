import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { seededRandom } from '../clock/mod.ts';
import { digestOf } from '../kernel/mod.ts';
import { createJoinToken, parseJoinToken } from './join-token.ts';
import { keyFromSeed } from './keys.ts';

const root = keyFromSeed(new Uint8Array(32).fill(1));
const parts = { id: 't1', clusterName: 'fra-1', enrolment: '127.0.0.1:8444', rootSpki: root.spki, caPin: digestOf('ca') };
const token = createJoinToken(parts, seededRandom(7));

test('read as it was written', () => {
  const { id, clusterName, enrolment, rootSpki, caPin, secretHash } = parseJoinToken(` ${token.reveal()}\n`);
  assert.deepEqual({ id, clusterName, enrolment, rootSpki, caPin }, parts);
  assert.equal(secretHash, token.secretHash);
  assert.notEqual(createJoinToken(parts, seededRandom(8)).secretHash, token.secretHash);
});

test('the token is one word that survives a shell and an environment variable', () => {
  assert.match(token.reveal(), /^wh1\.[A-Za-z0-9_-]+$/);
});

test('the secret is shown by reveal alone', () => {
  const secret = bodyOf(token.reveal())['secret'];
  assert.ok(typeof secret === 'string' && secret.length === 43);
  for (const shown of [String(token), inspect({ token }, { showHidden: true, depth: 9 }), JSON.stringify({ token })]) {
    assert.ok(!shown.includes(secret));
    assert.match(shown, /join token t1 of cluster fra-1/);
  }
});

const bodyOf = (text: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(text.slice(4), 'base64url').toString()) as Record<string, unknown>;
const changed = (change: Record<string, unknown>): string =>
  `wh1.${Buffer.from(JSON.stringify({ ...bodyOf(token.reveal()), ...change })).toString('base64url')}`;

const rows: readonly [name: string, text: string, says: RegExp][] = [
  ['nothing', '', /does not begin/],
  ['another word', 'hunter2-SECRET', /does not begin/],
  ['a later version', token.reveal().replace('wh1', 'wh2'), /does not begin/],
  ['cut short', token.reveal().slice(0, 200), /cut short/],
  ['damaged', `${token.reveal().slice(0, -5)}!SECRET`, /characters/],
  ['only the prefix', 'wh1.', /characters/],
  ['too long', `wh1.${'A'.repeat(3_000)}`, /longer/],
  ['not an object', `wh1.${Buffer.from('7').toString('base64url')}`, /damaged/],
  ['no id', changed({ id: undefined }), /no id/],
  ['an id that is no name', changed({ id: '../x' }), /id is not a name/],
  ['a short secret', changed({ secret: 'SECRET' }), /secret is incomplete/],
  ['a cluster name in capitals', changed({ clusterName: 'FRA' }), /cluster name/],
  ['an address without a port', changed({ enrolment: 'hub.example' }), /host:port/],
  ['a pin of another kind', changed({ caPin: 'md5:00' }), /pin of the CA/],
  ['a root that is no key', changed({ root: 'AAAA' }), /root key/],
];
for (const [name, text, says] of rows) {
  test(`refused: ${name}`, () => {
    assert.throws(
      () => parseJoinToken(text),
      (error: Error) => 'code' in error && error.code === 'BAD_TOKEN' && says.test(error.message) && !inspect(error).includes('SECRET'),
    );
  });
}
