import assert from 'node:assert/strict';
import test from 'node:test';
import { cookieName, cookieOf, isOurs, isSameSite } from './hosts.ts';

const hosts: readonly (readonly [string | undefined, boolean])[] = [
  ['127.0.0.1:8080', true],
  ['127.0.0.1', true],
  ['[::1]:8080', true],
  ['localhost:8080', true],
  ['LOCALHOST', true],
  ['192.168.1.7:80', true],
  ['hub.example:8080', true],
  ['HUB.example', true],
  ['evil.example:8080', false],
  ['hub.example.evil.example', false],
  ['127.0.0.1.evil.example', false],
  ['localhost.evil.example', false],
  ['evil@127.0.0.1', false],
  ['127.0.0.1:8080:9', false],
  ['', false],
  [undefined, false],
];
for (const [host, ours] of hosts)
  test(`host ${host} is ${ours ? 'ours' : 'not ours'}`, () => assert.equal(isOurs(host, ['hub.example']), ours));

const host = '127.0.0.1:8080';
const senders: readonly (readonly [what: string, headers: Record<string, string>, same: boolean])[] = [
  ['our form, by a browser that tells no referrer', { host, origin: 'null', 'sec-fetch-site': 'same-origin' }, true],
  ['our form, by an older browser', { host, origin: `http://${host}` }, true],
  ['our form, behind TLS', { host, origin: `https://${host}` }, true],
  ['no browser', { host }, true],
  ['another port of this machine', { host, origin: 'http://127.0.0.1:9', 'sec-fetch-site': 'same-site' }, false],
  ['another site', { host, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, false],
  ['another site, by an older browser', { host, origin: 'https://evil.example' }, false],
  ['another site that hides its origin', { host, origin: 'null' }, false],
];
for (const [what, headers, same] of senders)
  test(`a form of ${what} is ${same ? 'taken' : 'refused'}`, () => assert.equal(isSameSite(headers), same));

test('hubs on one machine have cookies of their own', () => {
  assert.deepEqual(
    [cookieName('127.0.0.1:8080'), cookieName('[::1]:9'), cookieName('hub.example')],
    ['wheelhouse-8080', 'wheelhouse-9', 'wheelhouse-80'],
  );
  const header = 'wheelhouse-80=a; wheelhouse-8080=b;  other=c=d';
  assert.deepEqual(
    ['wheelhouse-8080', 'wheelhouse-80', 'other', 'none'].map((name) => cookieOf(header, name)),
    ['b', 'a', 'c', undefined],
  );
  assert.equal(cookieOf(undefined, 'a'), undefined);
});
