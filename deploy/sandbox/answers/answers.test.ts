import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { VirtualClock } from '#shared/clock/mod.ts';
import { ApiError, Kinds, Store, type Stored } from '#shared/kubernetes/mod.ts';
import { Pages } from './lists.ts';
import { tableFor } from './tables.ts';
import { watch } from './watches.ts';

const kind = new Kinds().own('ConfigMap');
const object = (name: string, data: Record<string, string> = {}): Stored => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
  data,
});

/** What a watch wrote, a word per event. */
function watching(store: Store, query: string, clock = new VirtualClock()) {
  const stream = Object.assign(new PassThrough(), { writeHead: () => stream, flushHeaders: () => {} });
  const target = { store, clock, kind, namespace: 'default', name: '' };
  watch(target, new URLSearchParams(query), (one) => one, stream as unknown as ServerResponse);
  const types = (): readonly string[] =>
    String(stream.read() ?? '')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { type: string }).type);
  return { stream, types, clock };
}

test('a watch tells what is there, what happens, and a bookmark when it ends', async () => {
  const store = new Store([['/configmaps', object('a')]], 10);
  const { types, clock } = watching(store, 'allowWatchBookmarks=true&timeoutSeconds=5');
  store.put('/configmaps', object('a', { x: '1' }));
  store.put('/secrets', object('b'));
  store.remove('/configmaps', object('a'));
  await clock.advance(5_000);
  assert.deepEqual(types(), ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK']);
});

test('a watch that ended writes nothing more, whatever happens before its connection is closed', async () => {
  const store = new Store([], 10);
  const { stream, types, clock } = watching(store, 'resourceVersion=10&timeoutSeconds=5');
  const errors: unknown[] = [];
  stream.on('error', (error) => errors.push(error));
  const ended = clock.advance(5_000);
  store.put('/configmaps', object('a'));
  await ended;
  store.put('/configmaps', object('b'));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([errors, types()], [[], ['ADDED']]);
});

test('a watch from a version that is forgotten is 410, and one from a version to come is refused', () => {
  const store = new Store([], 10);
  assert.deepEqual(watching(store, 'resourceVersion=9').types(), ['ERROR']);
  assert.throws(
    () => watching(store, 'resourceVersion=11'),
    (error) => error instanceof ApiError && error.code === 504,
  );
});

test('every page of a list is of the version of the first; a token that is not known is 410', () => {
  const store = new Store([], 10);
  for (const name of ['a', 'b', 'c']) store.put('/configmaps', object(name));
  const pages = new Pages();
  const read = (token: string) => pages.read(store, kind, '', new URLSearchParams({ limit: '2', continue: token }));
  const first = read('');
  store.remove('/configmaps', object('c'));
  const last = read(String(first.metadata['continue']));
  assert.deepEqual([first.metadata['remainingItemCount'], last.metadata], [1, { resourceVersion: '13' }]);
  assert.deepEqual(
    [...first.items, ...last.items].map(({ metadata }) => metadata.name),
    ['a', 'b', 'c'],
  );
  assert.throws(
    () => read('nobody'),
    (error) => error instanceof ApiError && error.code === 410,
  );
});

test('a row has the cells that its columns name', () => {
  const table = tableFor(kind, [object('a', { x: '1', y: '2' })], {}, 'None', Date.parse('2026-01-01T00:03:10Z'));
  assert.deepEqual(table['rows'], [{ cells: ['a', 2, '3m10s'], object: null }]);
});
