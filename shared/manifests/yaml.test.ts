import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentBytesMax, documentTokensMax, parseYaml as stepsOf, type Parsed } from './yaml.ts';

/** To its end, with the number of times that others could run. */
const parsed = (text: string, tokens = 2_000_000): Parsed & { readonly pauses: number; readonly tokensLeft: number } => {
  const budget = { tokens };
  const reading = stepsOf(text, budget);
  for (let pauses = 0; ; pauses += 1) {
    const step = reading.next();
    if (step.done === true) return { ...step.value, pauses, tokensLeft: budget.tokens };
  }
};
const parseYaml = (text: string): Parsed => {
  const { documents, problems } = parsed(text);
  return { documents, problems };
};

const value = (text: string): unknown => {
  const { documents, problems } = parseYaml(text);
  assert.deepEqual(problems, []);
  return documents[0]?.value;
};

// As kubectl reads them (go-yaml v2 through sigs.k8s.io/yaml).
const read: readonly (readonly [what: string, text: string, expected: unknown])[] = [
  ['booleans of YAML 1.1', 'a: yes\nb: Off\nc: y\nd: True', { a: true, b: false, c: true, d: true }],
  ['quoted booleans stay text', `a: 'yes'`, { a: 'yes' }],
  ['a boolean as a key is its text', 'on: push', { true: 'push' }],
  ['a leading zero is octal', 'mode: 0644', { mode: 420 }],
  ['hexadecimal', 'a: 0x1f', { a: 31 }],
  ['underscores in numbers', 'a: 1_000', { a: 1000 }],
  ['what YAML 1.1 calls sexagesimal stays text', 'ports: 22:22', { ports: '22:22' }],
  ['a date stays text', 'a: 2001-01-01', { a: '2001-01-01' }],
  ['merge keys', 'a: &x {k: 1}\nb: {<<: *x, c: 2}', { a: { k: 1 }, b: { k: 1, c: 2 } }],
  ['the largest whole number that keeps its digits', 'a: 9007199254740991', { a: 9007199254740991 }],
  ['null in its forms', 'a: ~\nb:\nc: null', { a: null, b: null, c: null }],
  ['fractions and exponents', 'a: 1.5\nb: 1e3', { a: 1.5, b: 1000 }],
  ['JSON', '{"a": [1, "x", null]}', { a: [1, 'x', null] }],
];
for (const [what, text, expected] of read) test(`yaml: ${what}`, () => assert.deepEqual(value(text), expected));

test('yaml: scalars as kubectl 1.36 itself reads them', () => {
  const texts = { a: '0644', b: '0o17', c: '22:22', d: '2001-01-01', e: 'y', f: 'NO', g: '1_000', h: 'off', i: '0b11', k: '=', l: '089' };
  const more = { m: '+5', o: '.5', p: '1e3', r: '~', s: '0x1F', t: '"yes"', u: '-0', v: '1.0', w: '12e03', 1: 'e' };
  const text = Object.entries({ ...texts, ...more })
    .map(([key, scalar]) => `${key}: ${scalar}`)
    .join('\n');
  // Printed by `kubectl label --local -f FILE a=b -o json`.
  const kubectl =
    '{"1":"e","a":420,"b":15,"c":"22:22","d":"2001-01-01","e":true,"f":false,"g":1000,"h":false,"i":3,"k":"=","l":89,"m":5,"o":0.5,"p":1000,"r":null,"s":31,"t":"yes","u":0,"v":1,"w":12000}';
  assert.equal(JSON.stringify(value(text)), kubectl);
  assert.deepEqual(value('n: 1\ny: 2'), { false: 1, true: 2 }, 'kubectl reads these keys so, too: quote them');
});

test('yaml: a key named __proto__ is a key like another', () => {
  const read = value('__proto__: {polluted: 1}') as Record<string, unknown>;
  assert.deepEqual(Object.keys(read), ['__proto__']);
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
});

const refused: readonly (readonly [what: string, text: string, line: number, column: number, message: RegExp])[] = [
  ['a number that would lose digits', 'a: 1\nb: 9007199254740993', 2, 4, /beyond 2\^53/],
  ['a negative one', 'a: -9007199254740993', 1, 4, /beyond 2\^53/],
  ['infinity', 'a: .inf', 1, 4, /no JSON form/],
  ['a key twice', 'a: 1\na: 2', 2, 1, /unique/],
  ['a key twice as text', `1: a\n'1': b`, 2, 1, /unique/],
  ['a key twice, deep in a flow', 'a: [{b: 1, c: 2, b: 3}]', 1, 18, /unique/],
  ['an unknown tag', 'a: !secret x', 1, 4, /tag/i],
  ['binary', 'a: !!binary aGk=', 1, 4, /tag/i],
  ['a list that does not end', 'a: [b', 1, 6, /Flow sequence/],
  ['a tab as indentation', 'a:\n\tb: 1', 2, 1, /tab/i],
  ['a list as a key', '? [a]\n: b', 1, 3, /not a scalar/],
  ['an alias of nothing', 'a: *x', 1, 1, /alias/i],
  ['more levels than anybody needs', `a:\n${'- '.repeat(70)}a`, 1, 1, /deeper than 64/],
];
for (const [what, text, line, column, message] of refused)
  test(`yaml: ${what} is refused where it stands`, () => {
    const { documents, problems } = parseYaml(text);
    assert.deepEqual(documents, []);
    assert.match(problems[0]?.message ?? '', message);
    assert.deepEqual([problems[0]?.line, problems[0]?.column], [line, column]);
  });

test('yaml: a billion laughs are not laughed', () => {
  const levels = 'bcdefghi'.split('').map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(',')}]`);
  const { problems } = parseYaml(['a: &a [x,x,x,x,x,x,x,x,x]', ...levels].join('\n'));
  assert.match(problems[0]?.message ?? '', /alias/);
});

for (const hostile of ['[', '- ', '{a: ', '? ', '&a ['])
  test(`yaml: ten thousand times ${JSON.stringify(hostile)} is refused, not a crash`, () => {
    assert.ok(parseYaml(hostile.repeat(10_000)).problems.length > 0);
  });

test('yaml: documents that say nothing are passed over, the others keep their place', () => {
  const { documents } = parseYaml('---\n# nothing\n---\na: 1\n---\n---\nb: 2\n');
  assert.deepEqual(documents, [
    { value: { a: 1 }, line: 4, column: 1 },
    { value: { b: 2 }, line: 7, column: 1 },
  ]);
});

const secrets: readonly string[] = [
  'password: *hunter2',
  'password: !hunter2 x',
  'pin: 12345678901234567890',
  'password: [a] hunter2',
  'password: "hunter2',
  'a: }hunter2',
];
for (const text of secrets)
  test(`yaml: what is wrong with ${JSON.stringify(text)} is said without its value`, () => {
    const { problems } = parseYaml(text);
    assert.ok(problems.length > 0);
    for (const { message } of problems) assert.doesNotMatch(message, /hunter2|1234/);
  });

const keys = (count: number): string => Array.from({ length: count }, (_, i) => `k${i}: 1`).join('\n');
const laughs = 'bcdefghi'.split('').map((c, i) => `${c}: &${c} {<<: [${Array(9).fill(`*${'abcdefgh'[i]}`).join(',')}]}`);
const beyond: readonly (readonly [what: string, text: string, message: RegExp])[] = [
  ['tokens', `[${'a,'.repeat(documentTokensMax / 3)}]`, /more than 200000 YAML tokens/],
  ['keys', keys(60_000), /more than 200000 YAML tokens/],
  ['bytes', `a: ${'x'.repeat(documentBytesMax)}`, /more than 1572864 bytes/],
  ['aliases', `a: &a 1\nb: [${'*a,'.repeat(101)}]`, /more than 100 uses of an alias/],
  ['merges of merges', ['a: &a {k: v}', ...laughs].join('\n'), /more than (100|a cluster)|merge keys copy/],
];
for (const [what, text, message] of beyond)
  test(`yaml: a document of too many ${what} is refused`, () => {
    const { documents, problems } = parseYaml(text);
    assert.deepEqual(documents, []);
    assert.match(problems[0]?.message ?? '', message);
  });

test('yaml: what is too much is given up where it becomes so, not read to its end', () => {
  const { tokensLeft } = parsed(`[${'a,'.repeat(500_000)}]`);
  assert.equal(2_000_000 - tokensLeft, documentTokensMax + 1);
});

test('yaml: the budget is of all files together', () => {
  assert.match(parsed('a: 1', 3).problems[0]?.message ?? '', /read together/);
});

test('yaml: others run every ten thousand tokens and after every document', () => {
  const { pauses, tokensLeft, problems } = parsed(keys(20_000));
  assert.deepEqual(problems, []);
  assert.equal(pauses, Math.floor((2_000_000 - tokensLeft) / 10_000));
  assert.ok(parsed('a: 1\n---\n'.repeat(50)).pauses >= 50);
});

test('yaml: the bytes are of one document, not of the file', () => {
  const half = `a: ${'x'.repeat(documentBytesMax * 0.6)}\n`;
  assert.deepEqual(parseYaml(`${half}---\n${half}`).problems, []);
});
