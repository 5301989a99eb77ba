import assert from 'node:assert/strict';
import test from 'node:test';
import { VirtualClock, seededRandom } from '../clock/mod.ts';
import { codeFor } from './answers.ts';
import { OciError, type OciCode, type OciOperation } from './errors.ts';
import { MemoryRegistry } from './memory.ts';
import type { Registry } from './ports.ts';
import { parseRepository } from './reference.ts';
import { nextDelayMs, retried, retryPolicy } from './retry.ts';

const repository = parseRepository('registry.example/shop');
const failure = (code: OciCode, retryAfterMs?: number): OciError => new OciError(code, 'resolve', 'registry', 'planted', { retryAfterMs });
const middle = { next: () => 0.5, bytes: () => new Uint8Array() };

const again: readonly OciCode[] = ['TOO_MANY_REQUESTS', 'REGISTRY_UNAVAILABLE', 'TIMED_OUT', 'TRUNCATED'];
const never: readonly OciCode[] = [
  'BAD_REFERENCE',
  'NOT_FOUND',
  'UNAUTHORIZED',
  'DENIED',
  'SIZE_EXCEEDED',
  'DIGEST_MISMATCH',
  'REDIRECT_REFUSED',
  'CONTENT_REFUSED',
  'BAD_RESPONSE',
];
for (const code of again) test(`${code} is tried again`, () => assert.equal(nextDelayMs(failure(code), 1, middle), 250));
for (const code of never) test(`${code} is not tried again`, () => assert.equal(nextDelayMs(failure(code), 1, middle), undefined));
test('a foreign error is not tried again', () => assert.equal(nextDelayMs(new Error('bug'), 1, middle), undefined));

test('delays double, and end with the attempts', () => {
  const delays = [1, 2, 3, 4].map((n) => nextDelayMs(failure('TIMED_OUT'), n, middle));
  assert.deepEqual(delays, [250, 500, 1000, undefined]);
});

test('what the registry asks for is waited, up to a bound', () => {
  assert.equal(nextDelayMs(failure('TOO_MANY_REQUESTS', 7_000), 1, middle), 7_000);
  assert.equal(nextDelayMs(failure('TOO_MANY_REQUESTS', 1), 1, middle), 250);
  assert.equal(nextDelayMs(failure('TOO_MANY_REQUESTS', 86_400_000), 1, middle), retryPolicy.retryAfterMaxMs);
});

/** A registry whose every verb fails `times` times before it works. */
function failing(times: number, code: OciCode): { registry: Registry; calls: () => number } {
  const inner = new MemoryRegistry();
  let calls = 0;
  const flaky =
    <A extends unknown[], T>(verb: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      if (++calls <= times) throw failure(code);
      return verb(...args);
    };
  const registry = {
    resolve: flaky(inner.resolve.bind(inner)),
    fetch: flaky(inner.fetch.bind(inner)),
    push: flaky(inner.push.bind(inner)),
    tag: flaky(inner.tag.bind(inner)),
  };
  return { registry, calls: () => calls };
}

test('it works at the fourth attempt, in virtual time', async (t) => {
  const clock = new VirtualClock();
  const { registry, calls } = failing(3, 'REGISTRY_UNAVAILABLE');
  const done = retried(registry, { clock, random: seededRandom(1) }).resolve({ ...repository, tag: 'v1' }, t.signal);
  await clock.advance(0);
  await clock.advance(10_000);
  assert.equal(await done, undefined);
  assert.equal(calls(), 4);
});

test('it gives up after the fourth, with the last error', async (t) => {
  const clock = new VirtualClock();
  const { registry, calls } = failing(9, 'TIMED_OUT');
  const done = assert.rejects(retried(registry, { clock, random: seededRandom(1) }).resolve({ ...repository, tag: 'v1' }, t.signal), {
    code: 'TIMED_OUT',
  });
  await clock.advance(0);
  await clock.advance(60_000);
  await done;
  assert.equal(calls(), 4);
});

test('a stop ends the waiting, with its reason', async () => {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const { registry, calls } = failing(9, 'TIMED_OUT');
  const reason = new Error('shut down');
  const done = assert.rejects(
    retried(registry, { clock, random: seededRandom(1) }).resolve({ ...repository, tag: 'v1' }, stop.signal),
    (e) => e === reason,
  );
  await clock.advance(1);
  stop.abort(reason);
  await done;
  assert.equal(calls(), 1);
});

const statuses: readonly (readonly [operation: OciOperation, status: number, said: string | undefined, code: OciCode])[] = [
  ['fetch', 401, undefined, 'UNAUTHORIZED'],
  ['fetch', 403, 'DENIED', 'DENIED'],
  ['fetch', 404, 'BLOB_UNKNOWN', 'NOT_FOUND'],
  ['fetch', 404, undefined, 'NOT_FOUND'],
  ['resolve', 404, 'MANIFEST_UNKNOWN', 'NOT_FOUND'],
  ['fetch', 408, undefined, 'REGISTRY_UNAVAILABLE'],
  ['fetch', 429, undefined, 'TOO_MANY_REQUESTS'],
  ['fetch', 500, undefined, 'REGISTRY_UNAVAILABLE'],
  ['push', 503, undefined, 'REGISTRY_UNAVAILABLE'],
  ['fetch', 307, undefined, 'REDIRECT_REFUSED'],
  ['fetch', 206, undefined, 'BAD_RESPONSE'],
  ['fetch', 400, undefined, 'BAD_RESPONSE'],
  ['push', 400, 'MANIFEST_BLOB_UNKNOWN', 'CONTENT_REFUSED'],
  ['push', 404, 'MANIFEST_BLOB_UNKNOWN', 'CONTENT_REFUSED'],
  ['tag', 404, 'MANIFEST_UNKNOWN', 'CONTENT_REFUSED'],
  ['push', 404, 'NAME_UNKNOWN', 'NOT_FOUND'],
  ['push', 404, 'BLOB_UPLOAD_UNKNOWN', 'REGISTRY_UNAVAILABLE'],
  ['push', 413, undefined, 'CONTENT_REFUSED'],
  ['tag', 409, undefined, 'CONTENT_REFUSED'],
  ['push', 200, undefined, 'BAD_RESPONSE'],
];
for (const [operation, status, said, code] of statuses)
  test(`${operation}: ${status} ${said ?? ''} is ${code}`, () => assert.equal(codeFor(operation, status, said), code));
