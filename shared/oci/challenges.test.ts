import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { parseChallenge, type Challenge } from './challenges.ts';

const bearer = (realm: string, service?: string, scope?: string): Challenge => ({ scheme: 'bearer', realm, service, scope });

const rows: readonly (readonly [name: string, header: string | null, challenge: Challenge | undefined])[] = [
  ['no header', null, undefined],
  ['an empty one', '', undefined],
  [
    'as registries write it',
    'Bearer realm="https://a.example/token",service="r.example",scope="repository:a/b:pull,push"',
    bearer('https://a.example/token', 'r.example', 'repository:a/b:pull,push'),
  ],
  ['without quotes', 'bearer realm=https://a.example/t', bearer('https://a.example/t')],
  ['with spaces', 'Bearer  realm = "https://a.example" ,  service = "r"', bearer('https://a.example', 'r')],
  ['upper-case names', 'BEARER REALM="x"', bearer('x')],
  ['an escaped quote', String.raw`Bearer realm="x",service="a\"b"`, bearer('x', 'a"b')],
  ['unknown parameters', 'Bearer error="invalid_token",realm="x"', bearer('x')],
  ['Bearer behind Basic', 'Basic realm="b", Bearer realm="x"', bearer('x')],
  ['Basic alone', 'Basic realm="b"', { scheme: 'basic' }],
  ['Basic without realm', 'Basic', { scheme: 'basic' }],
  ['Bearer without realm', 'Bearer service="x"', undefined],
  ["a Basic realm is not Bearer's", 'Bearer, Basic realm="b"', { scheme: 'basic' }],
  ['another scheme', 'Negotiate', undefined],
  ['an open quote', 'Bearer realm="x', undefined],
  ['more than 4 KiB', `Bearer realm="${'x'.repeat(5000)}"`, undefined],
];
for (const [name, header, challenge] of rows) test(`a challenge: ${name}`, () => assert.deepEqual(parseChallenge(header), challenge));

test('law: any header is read or not, in no time', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('Bearer', 'realm', '=', '"', ',', ' ', '\\', 'a'), maxLength: 400 }),
      (header) => void parseChallenge(header),
    ),
  );
});
