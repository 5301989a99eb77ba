import assert from 'node:assert/strict';
import test from 'node:test';
import type { Source } from './port.ts';

export interface Repository {
  readonly source: Source;
  /** Makes a commit of these changes the head; null removes a file. Returns its id. */
  readonly commit: (files: Readonly<Record<string, string | null>>, message: string) => Promise<string>;
}

/** What every source keeps. `open` starts an empty repository whose head the source follows. */
export function sourceContract(name: string, open: (signal: AbortSignal) => Promise<Repository>): void {
  const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

  test(`${name}: the head is the last commit, and reading it gives its files, author and message`, async (t) => {
    const { source, commit } = await open(t.signal);
    await commit({ 'a.yaml': 'one' }, 'first');
    const id = await commit({ 'a.yaml': 'two', 'sub/b.yaml': 'more' }, 'second');
    assert.deepEqual(await source.head(t.signal), { commit: id });
    const snapshot = await source.read(id, t.signal);
    assert.equal(snapshot.commit, id);
    assert.deepEqual([...snapshot.files].map(([path, bytes]) => [path, text(bytes)]).toSorted(), [
      ['a.yaml', 'two'],
      ['sub/b.yaml', 'more'],
    ]);
    assert.equal(snapshot.author, 'Ada <ada@example.com>');
    assert.equal(snapshot.message.trim(), 'second');
    assert.equal(snapshot.committedAt % 1000, 0);
  });

  test(`${name}: a source without a commit has no head`, async (t) => {
    const { source } = await open(t.signal);
    await assert.rejects(source.head(t.signal), { name: 'SourceError', code: 'REF_MISSING' });
  });

  test(`${name}: a commit without manifests is an error, never nothing`, async (t) => {
    const { source, commit } = await open(t.signal);
    await commit({ 'a.yaml': 'one' }, 'first');
    const id = await commit({ 'a.yaml': null }, 'removed');
    await assert.rejects(source.read(id, t.signal), { name: 'SourceError', code: 'PATH_MISSING' });
  });

  test(`${name}: who is told to stop, stops with the reason`, async (t) => {
    const { source, commit } = await open(t.signal);
    const id = await commit({ 'a.yaml': 'one' }, 'first');
    const stop = AbortSignal.abort(new Error('enough'));
    await assert.rejects(source.head(stop), { message: 'enough' });
    await assert.rejects(source.read(id, stop), { message: 'enough' });
  });
}
