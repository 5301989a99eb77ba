import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CliError } from '../exits.ts';
import { fillTemplate, parseTemplate, pathReader } from './jsonpath.ts';

const list = {
  kind: 'List',
  items: [
    { name: 'a', n: 1, labels: { 'x.y/z': 'one', env: 'dev' }, ok: true, tags: ['p', 'q'] },
    { name: 'b', n: 2, labels: { env: 'prod' }, ok: false, tags: [], none: null },
    { name: 'c', n: 10, labels: {}, tags: ['r'] },
  ],
};

const rows: readonly (readonly [template: string, want: string])[] = [
  ['{.kind}', 'List'],
  ['.kind', 'List'],
  ['{$.kind}', 'List'],
  ['{.items[*].name}', 'a b c'],
  ['{.items[0].name}', 'a'],
  ['{.items[-1].name}', 'c'],
  ['{.items[7].name}', ''],
  ['{.items[0:2].name}', 'a b'],
  ['{.items[1:].name}', 'b c'],
  ["{.items[0].labels['x.y/z']}", 'one'],
  ['{.items[0].labels.x\\.y/z}', 'one'],
  ['{.items[*].labels.*}', 'one dev prod'],
  ['{..env}', 'dev prod'],
  ['{.items[?(@.n>1)].name}', 'b c'],
  ['{.items[?(@.n<=2)].name}', 'a b'],
  ['{.items[?(@.name=="b")].n}', '2'],
  ["{.items[?(@.labels.env!='dev')].name}", 'b c'],
  ['{.items[?(@.ok==true)].name}', 'a'],
  ['{.items[?(@.ok)].name}', 'a b'],
  ['{range .items[*]}{.name}={.n}{"\\n"}{end}', 'a=1\nb=2\nc=10\n'],
  ['{range .items[*]}{.name}:{range .tags[*]}<{@}>{end};{end}', 'a:<p><q>;b:;c:<r>;'],
  ['names: {.items[*].name}.', 'names: a b c.'],
  ['{"{}"}', '{}'],
  ['{.items[0].tags}', '["p","q"]'],
  ['{.items[1].none}', ''],
  ['{.nothing.at.all}', ''],
];
for (const [template, want] of rows) test(`jsonpath ${template}`, () => assert.equal(fillTemplate(parseTemplate(template), list), want));

for (const template of ['{.items[*}', '{', '}', '{range .items[*]}', '{end}', '{.a b}', '{[?(1==1)]}', '{"open}', '{.items[?(@.a==open)]}'])
  test(`jsonpath ${template} is refused as usage`, () =>
    assert.throws(
      () => parseTemplate(template),
      (error: CliError) => error instanceof CliError && error.code === 'USAGE',
    ));

test('whatever somebody types ends as text or as a usage error, soon', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '.',
    '[',
    ']',
    '*',
    '..',
    '?(',
    '@',
    ')',
    '==',
    '"',
    "'",
    '\\',
    'range ',
    'end',
    'items',
    '0',
    ':',
    ' ',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      try {
        fillTemplate(parseTemplate(pieces.join('')), list);
      } catch (error) {
        assert.ok(error instanceof CliError, String(error));
      }
    }),
  );
});

test('a path is read for sorting, with braces or without', () => {
  for (const path of ['.n', '{.n}']) assert.deepEqual(list.items.map(pathReader(path)), [1, 2, 10]);
});
