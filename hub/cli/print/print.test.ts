import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ageOf, humanAge, measured } from './ages.ts';
import { painted, paintFor } from './colours.ts';
import { describeLines } from './describe.ts';
import { skewFinding } from './findings.ts';
import { brief, orNone, personOf, tableLines, tame, whyText } from './tables.ts';
import { treeLines } from './trees.ts';

const s = 1_000;
const m = 60 * s;
const h = 60 * m;
const d = 24 * h;
// As kubectl's duration.HumanDuration has them.
const ages: readonly (readonly [ms: number, want: string])[] = [
  [-5, '0s'],
  [0, '0s'],
  [999, '0s'],
  [119 * s, '119s'],
  [2 * m, '2m'],
  [2 * m + 5 * s, '2m5s'],
  [10 * m, '10m'],
  [179 * m, '179m'],
  [3 * h, '3h'],
  [7 * h + 59 * m, '7h59m'],
  [8 * h + m, '8h'],
  [47 * h, '47h'],
  [2 * d, '2d'],
  [2 * d + 3 * h, '2d3h'],
  [8 * d + h, '8d'],
  [729 * d, '729d'],
  [2 * 365 * d, '2y'],
  [2 * 365 * d + 4 * d, '2y4d'],
  [9 * 365 * d, '9y'],
];
for (const [ms, want] of ages) test(`an age of ${ms} ms is ${want}`, () => assert.equal(humanAge(ms), want));

test('what is not known is said to be unknown', () => {
  assert.deepEqual(
    [ageOf(null, 0), ageOf(undefined, 0), ageOf('soon', 0), measured(null)],
    ['<unknown>', '<unknown>', '<unknown>', '<unknown>'],
  );
  assert.equal(ageOf('2026-01-01T00:00:00.000Z', Date.UTC(2026, 0, 1, 0, 1)), '60s');
});

test('columns line up, are three apart, and end without blanks', () => {
  const lines = tableLines(
    {
      titles: ['A', 'LONG'],
      rows: [
        ['wide cell', ''],
        ['é', 'x'],
      ],
    },
    { paint: 'plain' },
  );
  assert.deepEqual(lines, ['A           LONG', 'wide cell', 'é           x']);
});

test('a table has a line for each row and the title, whatever is in it', () => {
  const cell = fc.string({ unit: 'grapheme' });
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell)), fc.boolean(), (rows, headers) => {
      const lines = tableLines({ titles: ['A', 'B'], rows }, { headers, paint: 'plain' });
      assert.equal(lines.length, rows.length + (headers ? 1 : 0));
    }),
  );
});

test('nothing that a terminal obeys gets through a cell', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => assert.doesNotMatch(brief(text), /\p{Cc}/u)));
  assert.equal(tame('a\u001B]0;title\u0007b\nc\td'), 'a\uFFFD]0;title\uFFFDb\nc\td');
});

test('a cell is never empty, and long text is cut where it can be seen', () => {
  assert.deepEqual([orNone(''), orNone(null), brief('  '), brief('a\n b')], ['<none>', '<none>', '<none>', 'a b']);
  assert.equal(brief('abcdef', 4), 'abc…');
});

test('a person is named without the address, unless that is all there is', () => {
  assert.deepEqual(
    [personOf('Ada Example <ada@example.org>'), personOf('<ada@example.org>'), personOf('')],
    ['Ada Example', '<ada@example.org>', '<none>'],
  );
});

test('a reason is said once', () => {
  assert.deepEqual(
    [whyText('Silent', ''), whyText('Silent', 'Silent: for 3 s'), whyText('Silent', 'for 3 s')],
    ['Silent', 'Silent: for 3 s', 'Silent: for 3 s'],
  );
});

const colours: readonly (readonly [string, Record<string, string>, boolean, string])[] = [
  ['a terminal', {}, true, 'coloured'],
  ['a pipe', {}, false, 'plain'],
  ['NO_COLOR', { NO_COLOR: '1' }, true, 'plain'],
  ['an empty NO_COLOR', { NO_COLOR: '' }, true, 'coloured'],
  ['a dumb terminal', { TERM: 'dumb' }, true, 'plain'],
];
for (const [name, env, terminal, want] of colours) test(`${name} is ${want}`, () => assert.equal(paintFor({ env, terminal }), want));

test('colour adds to a word, and takes nothing away', () => {
  assert.equal(painted('Degraded', 'coloured'), '\u001B[31mDegraded\u001B[0m');
  assert.deepEqual(
    [painted('Degraded', 'plain'), painted('dev-1', 'coloured'), painted('constructor', 'coloured')],
    ['Degraded', 'dev-1', 'constructor'],
  );
});

test('a tree hangs together', () => {
  const leaf = (text: string) => ({ text, below: [] });
  const tree = { text: 'root', below: [{ text: 'a', below: [leaf('a1'), leaf('a2')] }, leaf('b')] };
  assert.deepEqual(treeLines(tree), ['root', '├─ a', '│  ├─ a1', '│  └─ a2', '└─ b']);
});

test('people’s own keys are left as they wrote them', () => {
  assert.deepEqual(describeLines({ until: '1970-01-01T02:00:00.000Z', since: '1970-01-01T00:00:00.000Z' }, 3_600_000), [
    'Until:  1970-01-01T02:00:00.000Z (in 60m)',
    'Since:  1970-01-01T00:00:00.000Z (60m ago)',
  ]);
  assert.deepEqual(describeLines({ labels: { fooBar: 'x' }, connectionAgeMs: 1500, none: null, list: ['a', 'b'] }, 0), [
    'Labels:',
    '  fooBar:  x',
    'Connection Age:  1s',
    'None:            <none>',
    'List:            a, b',
  ]);
});

const skews: readonly (readonly [string, number, boolean])[] = [
  ['the same second', 0, true],
  ['nine seconds ahead', 9_000, true],
  ['a minute ahead', 60_000, false],
  ['ten seconds behind', -10_000, true],
  ['a minute behind', -60_000, false],
];
for (const [name, offset, ok] of skews)
  test(`a hub's clock ${name} is ${ok ? 'well' : 'wrong'}`, () => assert.equal(skewFinding(1e12 + offset, 1e12, 1e12 + 200).ok, ok));
