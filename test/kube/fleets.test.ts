import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkNames } from './fleets.ts';

const refused: readonly { readonly why: string; readonly names: readonly string[]; readonly says: RegExp }[] = [
  { why: 'none', names: [], says: /must be 1 to 32 clusters, not 0/ },
  { why: 'too many', names: Array.from({ length: 33 }, (_, i) => `c${i}`), says: /not 33/ },
  { why: 'a name given twice', names: ['a', 'b', 'a'], says: /given twice/ },
  { why: 'an empty name', names: [''], says: /"" is not a DNS label/ },
  { why: 'a way out of the folder', names: ['../a'], says: /"\.\.\/a" is not/ },
  { why: 'capitals', names: ['Prod'], says: /"Prod" is not/ },
  { why: 'several problems at once', names: ['a_b', 'c', 'c', '-d'], says: /"a_b" .*"-d" .*twice/ },
];
for (const { why, names, says } of refused) {
  test(`${why} is refused`, () => assert.throws(() => checkNames(names), { name: 'KubeError', code: 'NAME_INVALID', message: says }));
}

test('DNS labels are accepted', () => checkNames(['a', 'eu-1', 'x'.repeat(63)]));
