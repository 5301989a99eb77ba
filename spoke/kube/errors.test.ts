import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorOf, isTransient, type Asked } from './errors.ts';
import type { KindInfo, KubeCode } from './port.ts';

const secrets: KindInfo = { group: '', version: 'v1', kind: 'Secret', resource: 'secrets', namespaced: true, verbs: [] };
const deployments: KindInfo = { ...secrets, group: 'apps', kind: 'Deployment', resource: 'deployments' };
const status = (code: number, reason: string, details: object = {}, message = 'words'): string =>
  JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message, details });
const get: Asked = { verb: 'get', kind: deployments, namespace: 'shop', name: 'web' };
const about = { name: 'web', kind: 'deployments', group: 'apps' };

const rows: readonly { what: string; http: number; body: string; code: KubeCode; asked?: Asked }[] = [
  { what: 'the object is not there', http: 404, body: status(404, 'NotFound', about), code: 'NOT_FOUND' },
  { what: 'another name is not there', http: 404, body: status(404, 'NotFound', { ...about, name: 'db' }), code: 'BAD_RESPONSE' },
  { what: 'another kind is not there', http: 404, body: status(404, 'NotFound', { ...about, kind: 'pods' }), code: 'BAD_RESPONSE' },
  {
    what: 'the namespace is not there',
    http: 404,
    body: status(404, 'NotFound', { name: 'shop', kind: 'namespaces' }),
    code: 'NO_SUCH_NAMESPACE',
  },
  { what: 'the resource is not served', http: 404, body: status(404, 'NotFound', {}), code: 'NO_SUCH_KIND' },
  { what: 'the path is not served', http: 404, body: '404 page not found\n', code: 'NO_SUCH_KIND' },
  {
    what: 'a list finds no path',
    http: 404,
    body: status(404, 'NotFound', {}),
    code: 'NO_SUCH_KIND',
    asked: { verb: 'list', kind: deployments },
  },
  { what: 'a proxy knows no such page', http: 404, body: '<html>404 Not Found</html>', code: 'BAD_RESPONSE' },
  { what: 'an empty 404', http: 404, body: '', code: 'BAD_RESPONSE' },
  { what: 'JSON that is no Status', http: 404, body: '{"error":"not found"}', code: 'BAD_RESPONSE' },
  { what: 'half a Status', http: 404, body: status(404, 'NotFound', about).slice(0, -9), code: 'BAD_RESPONSE' },
  { what: 'a Status of something else', http: 404, body: status(404, 'Expired', about), code: 'BAD_RESPONSE' },
  { what: 'exists', http: 409, body: status(409, 'AlreadyExists', about), code: 'ALREADY_EXISTS' },
  { what: 'conflicts', http: 409, body: status(409, 'Conflict', about), code: 'CONFLICT' },
  { what: 'too old', http: 410, body: status(410, 'Expired'), code: 'GONE' },
  { what: 'not allowed', http: 403, body: status(403, 'Forbidden', about), code: 'FORBIDDEN' },
  { what: 'a proxy refuses', http: 403, body: '<html>', code: 'BAD_RESPONSE' },
  { what: 'not known', http: 401, body: status(401, 'Unauthorized'), code: 'UNAUTHORIZED' },
  { what: 'invalid', http: 422, body: status(422, 'Invalid', about), code: 'INVALID' },
  { what: 'malformed', http: 400, body: status(400, 'BadRequest'), code: 'INVALID' },
  { what: 'too large', http: 413, body: status(413, 'RequestEntityTooLarge'), code: 'TOO_LARGE' },
  { what: 'throttled', http: 429, body: '', code: 'TOO_MANY_REQUESTS' },
  { what: 'a broken server', http: 500, body: status(500, 'InternalError'), code: 'SERVER_UNAVAILABLE' },
  { what: 'a patch that fits no schema', http: 500, body: status(500, ''), code: 'INVALID', asked: { ...get, verb: 'apply' } },
  { what: 'an unknown 500 to a read', http: 500, body: status(500, ''), code: 'SERVER_UNAVAILABLE' },
  { what: 'a proxy without a server', http: 502, body: '<html>', code: 'SERVER_UNAVAILABLE' },
  { what: 'a redirection', http: 302, body: '', code: 'BAD_RESPONSE' },
];
for (const { what, http, body, code, asked = get } of rows)
  test(`${what}: ${http} is ${code}`, () => {
    const error = errorOf({ status: http, body }, asked);
    assert.equal(error.code, code, error.message);
    assert.equal(error.httpStatus, http);
  });

test('the server is quoted, within bounds, with what was asked', () => {
  const error = errorOf({ status: 403, body: status(403, 'Forbidden', about, 'x'.repeat(9_000)) }, get);
  assert.ok(error.message.startsWith('get apps/Deployment shop/web: xxx') && error.message.length < 1_100);
});

test('causes name fields, and are bounded', () => {
  const causes = Array.from({ length: 50 }, (_, at) => ({
    reason: 'FieldManagerConflict',
    field: `.data.${at}`,
    message: 'conflict with "x"',
  }));
  const error = errorOf({ status: 409, body: status(409, 'Conflict', { ...about, causes }) }, get);
  assert.equal(error.causes.length, 20);
  assert.deepEqual(error.causes[0], causes[0]);
});

test('nothing that is said about an invalid Secret is passed on, for it may quote values', () => {
  const causes = [{ reason: 'FieldValueInvalid', field: 'data.key', message: 'Invalid value: "hunter2"' }];
  const asked = { verb: 'apply', kind: secrets, namespace: 'shop', name: 's' };
  for (const [http, reason] of [
    [422, 'Invalid'],
    [400, 'BadRequest'],
    [500, ''],
  ] as const) {
    const error = errorOf({ status: http, body: status(http, reason, { causes }, 'value "hunter2"') }, asked);
    assert.equal(error.code, 'INVALID');
    assert.equal(error.causes[0]?.field, 'data.key');
    assert.ok(!JSON.stringify([error.message, error.causes, error.stack]).includes('hunter2'));
  }
});

test('only what may pass by itself is transient', () => {
  const of = (http: number, body = ''): boolean => isTransient(errorOf({ status: http, body }, get));
  assert.deepEqual(
    [of(503), of(429), of(404), of(404, '404 page not found'), of(409, status(409, 'Conflict'))],
    [true, true, true, false, false],
  );
  assert.equal(isTransient(new Error('x')), false);
});
