import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { compareVersions, inRange, parseRange, parseVersion, type Version } from './mod.ts';

const version = (text: string): Version => parseVersion(text) ?? assert.fail(`${text} is no version`);

// Range -> versions in it, versions not in it. As npm has it.
const rows: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['1.2.3', ['1.2.3', 'v1.2.3', '1.2.3+build'], ['1.2.4', '1.2.3-rc.1']],
  ['1.2', ['1.2.0', '1.2.9'], ['1.3.0', '1.1.9']],
  ['1.x', ['1.0.0', '1.9.9'], ['2.0.0', '0.9.0']],
  ['*', ['0.0.1', '9.9.9'], ['1.0.0-rc.1']],
  ['^1.2.3', ['1.2.3', '1.9.0'], ['2.0.0', '1.2.2', '1.3.0-rc.1']],
  ['^0.2.3', ['0.2.3', '0.2.9'], ['0.3.0', '1.0.0']],
  ['^0.0.3', ['0.0.3'], ['0.0.4']],
  ['^0.0', ['0.0.0', '0.0.9'], ['0.1.0']],
  ['^0', ['0.0.1', '0.9.9'], ['1.0.0']],
  ['^1.2', ['1.2.0', '1.10.0'], ['2.0.0', '1.1.0']],
  ['~1.2.3', ['1.2.3', '1.2.9'], ['1.3.0', '1.2.2']],
  ['~1', ['1.0.0', '1.9.0'], ['2.0.0']],
  ['>=1.2 <2', ['1.2.0', '1.99.0'], ['2.0.0', '1.1.9']],
  ['>1.2', ['1.3.0'], ['1.2.9']],
  ['>1.2.3', ['1.2.4'], ['1.2.3']],
  ['<=1.2', ['1.2.9', '0.1.0'], ['1.3.0']],
  ['<=1.2.3', ['1.2.3'], ['1.2.4']],
  ['1.0.0 || ^2', ['1.0.0', '2.5.0'], ['1.0.1', '3.0.0']],
  ['^1.2.3-rc.2', ['1.2.3-rc.2', '1.2.3-rc.10', '1.2.3', '1.4.0'], ['1.2.3-rc.1', '1.2.4-rc.3']],
];
for (const [range, inside, outside] of rows)
  test(`the range ${range}`, () => {
    const parsed = parseRange(range);
    assert.ok(parsed);
    assert.deepEqual(
      inside.filter((text) => !inRange(parsed, version(text))),
      [],
    );
    assert.deepEqual(
      outside.filter((text) => inRange(parsed, version(text))),
      [],
    );
  });

for (const text of ['', 'newest', '1.2.3.4', '^', '>*', '1.2.3 ||', '=> 1', '01x', 'a'.repeat(300)])
  test(`no range: ${text.slice(0, 20)}`, () => assert.equal(parseRange(text), undefined));

test('versions are ordered as the specification says', () => {
  const ordered = [
    '1.0.0-1',
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.0.1',
    '1.10.0',
  ];
  assert.deepEqual(ordered.toReversed().map(version).sort(compareVersions), ordered.map(version));
  for (const text of ['1.2', '1.2.x', 'v', 'release-1', '1.2.3-', '1.2.3-a..b']) assert.equal(parseVersion(text), undefined);
});

test('the order of versions is one', () => {
  const number = fc.nat(3);
  const any = fc
    .tuple(number, number, number, fc.array(fc.constantFrom('0', '1', '10', 'a', 'b'), { maxLength: 3 }))
    .map(([a, b, c, pre]): Version => ({ parts: [a, b, c], pre }));
  fc.assert(fc.property(any, any, (a, b) => assert.equal(Math.sign(compareVersions(a, b)) + Math.sign(compareVersions(b, a)), 0)));
  fc.assert(
    fc.property(any, any, any, (a, b, c) => {
      if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) assert.ok(compareVersions(a, c) <= 0);
    }),
  );
});
