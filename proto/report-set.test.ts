import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportSetHash } from './mod.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const hex = (...reports: [string, string][]): string =>
  reportSetHash(reports.map(([uid, text]) => [uid, bytes(text)] as const)).toString('hex');

test('golden: the hash of no report and of two', () => {
  assert.equal(hex(), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  assert.equal(hex(['p1', 'healthy'], ['p2', 'degraded']), 'fa10c64295f14e83c380676e58098ff24719c366329ef467e5dbfcababc18404');
});

test('order does not matter; uid, content and membership do', () => {
  const both = hex(['p1', 'a'], ['p2', 'b']);
  assert.equal(hex(['p2', 'b'], ['p1', 'a']), both);
  for (const other of [hex(['p1', 'a']), hex(['p1', 'b'], ['p2', 'a']), hex(['p1', 'a'], ['p3', 'b']), hex(['p1', 'a'], ['p2', 'c'])]) {
    assert.notEqual(other, both);
  }
});
