import assert from 'node:assert/strict';
import test from 'node:test';
import { sourceLimits, type SourceLimits } from './limits.ts';
import { readFiles, type Objects, type TreeEntry } from './tree.ts';

interface Folder {
  readonly [name: string]: string | Folder | { readonly link: string } | { readonly submodule: string };
}

/** Git's objects of a folder that is written down. */
function objectsOf(folder: Folder): Objects & { readonly read: string[] } {
  const trees = new Map<string, TreeEntry[]>();
  const blobs = new Map<string, string>();
  const add = (id: string, folder: Folder): void => {
    trees.set(
      id,
      Object.entries(folder).map(([path, value]): TreeEntry => {
        const oid = `${id}/${path}`;
        if (typeof value === 'string') {
          blobs.set(oid, value);
          return { mode: '100644', path, oid, type: 'blob' };
        }
        if ('link' in value) return { mode: '120000', path, oid, type: 'blob' };
        if ('submodule' in value) return { mode: '160000', path, oid, type: 'commit' };
        add(oid, value);
        return { mode: '040000', path, oid, type: 'tree' };
      }),
    );
  };
  add('', folder);
  const read: string[] = [];
  return {
    read,
    tree: async (oid) => trees.get(oid) ?? [],
    blob: async (oid) => {
      read.push(oid);
      return Buffer.from(blobs.get(oid) ?? '');
    },
  };
}

const files = (folder: Folder, limits: Partial<SourceLimits> = {}, signal = new AbortController().signal) =>
  readFiles(objectsOf(folder), '', { limits: { ...sourceLimits, ...limits }, wants: (path) => path.endsWith('.yaml'), signal });

test('wanted files of all folders are read, others are not even looked into', async () => {
  const objects = objectsOf({ 'a.yaml': 'a', 'b.txt': 'b', c: { 'd.yaml': 'd', e: { 'f.yaml': 'f' } } });
  const { signal } = new AbortController();
  const found = await readFiles(objects, '', { limits: sourceLimits, wants: (path) => path.endsWith('.yaml'), signal });
  assert.deepEqual([...found.keys()], ['a.yaml', 'c/d.yaml', 'c/e/f.yaml']);
  assert.ok(!objects.read.some((oid) => oid.endsWith('b.txt')));
});

const refused: readonly (readonly [string, Folder, Partial<SourceLimits>, string])[] = [
  ['a link', { a: { 'b.yaml': { link: '../c' } } }, {}, 'UNSUPPORTED_ENTRY'],
  ['a link of a folder', { a: { link: 'b' } }, {}, 'UNSUPPORTED_ENTRY'],
  ['a submodule', { a: { submodule: 'b' } }, {}, 'UNSUPPORTED_ENTRY'],
  ['too many files', { 'a.yaml': 'a', 'b.yaml': 'b' }, { filesMax: 1 }, 'TOO_LARGE'],
  ['too large a file', { 'a.yaml': 'aaaa' }, { fileMaxBytes: 3 }, 'TOO_LARGE'],
  ['too much of all', { 'a.yaml': 'aa', 'b.yaml': 'bb' }, { snapshotMaxBytes: 3 }, 'TOO_LARGE'],
  ['too many entries, wanted or not', { 'a.txt': '', 'b.txt': '' }, { entriesMax: 1 }, 'TOO_LARGE'],
  ['folders too deep', { a: { b: { c: {} } } }, { depthMax: 2 }, 'TOO_LARGE'],
];
for (const [what, folder, limits, code] of refused)
  test(`${what}: ${code}`, () => assert.rejects(files(folder, limits), { name: 'SourceError', code }));

test('as much as is allowed is read', async () => {
  assert.equal((await files({ 'a.yaml': 'aaa' }, { filesMax: 1, fileMaxBytes: 3, snapshotMaxBytes: 3, entriesMax: 1 })).size, 1);
});

test('who is told to stop, stops with the reason', async () => {
  await assert.rejects(files({ 'a.yaml': 'a' }, {}, AbortSignal.abort(new Error('enough'))), { message: 'enough' });
});
