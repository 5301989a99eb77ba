import assert from 'node:assert/strict';
import test from 'node:test';
import type { GitRef } from '#hub/resources/mod.ts';
import { commitOf, followed, prefixOf, refText, type ListedRef } from './refs.ts';

const listed: readonly ListedRef[] = [
  { ref: 'refs/heads/main', oid: 'a1' },
  { ref: 'refs/heads/main-2', oid: 'a2' },
  { ref: 'refs/tags/main', oid: 'b1' },
  { ref: 'refs/tags/v1.2.0', oid: 'c1' },
  { ref: 'refs/tags/v1.10.0', oid: 'c2', peeled: 'c3' },
  { ref: 'refs/tags/v2.0.0-rc.1', oid: 'c4' },
  { ref: 'refs/tags/newest', oid: 'c5' },
];

const rows: readonly (readonly [GitRef, string | undefined])[] = [
  [{ branch: 'main' }, 'a1'],
  [{ branch: 'mai' }, undefined],
  [{ branch: 'v1.2.0' }, undefined],
  [{ tag: 'main' }, 'b1'],
  [{ tag: 'v1.10.0' }, 'c3'],
  [{ semver: '^1' }, 'c3'],
  [{ semver: '1.2' }, 'c1'],
  [{ semver: '*' }, 'c3'],
  [{ semver: '>=2.0.0-rc.0' }, 'c4'],
  [{ semver: '^3' }, undefined],
];
for (const [ref, expected] of rows)
  test(`${refText(ref)} is ${expected}`, () => {
    const found = followed(ref, listed);
    assert.equal(found && commitOf(found), expected);
    assert.ok(!found || found.ref.startsWith(prefixOf(ref) ?? '-'));
  });

test('a commit needs no list', () => assert.equal(prefixOf({ commit: 'a'.repeat(40) }), undefined));
