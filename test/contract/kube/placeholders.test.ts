import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { differences } from './compare.ts';
import { Bindings, UnboundError } from './placeholders.ts';

const fresh = (): Bindings =>
  new Bindings([
    ['ns', 'ns-abcdefghij'],
    ['id', 'xbcdfghjkl'],
  ]);
const uid = (digit: string): string => `${digit.repeat(8)}-0000-4000-8000-000000000000`;
const object = (given: { uid: string; resourceVersion: string }): unknown => ({
  metadata: { name: 'a', namespace: 'ns-abcdefghij', creationTimestamp: '2026-01-01T00:00:00Z', ...given },
});

describe('what is recorded', () => {
  const rows: readonly { name: string; from: unknown; to: unknown }[] = [
    {
      name: 'uid, version, time and namespace',
      from: object({ uid: uid('1'), resourceVersion: '17' }),
      to: { metadata: { name: 'a', namespace: '{ns}', creationTimestamp: '{time}', uid: '{uid:1}', resourceVersion: '{rv:1}' } },
    },
    { name: 'the version of a list', from: { metadata: { resourceVersion: '17' } }, to: { metadata: { resourceVersion: '{listrv:1}' } } },
    {
      name: 'a generated name, also where it is mentioned',
      from: [{ metadata: { name: 'web-x2c4v', generateName: 'web-' } }, 'pods "web-x2c4v" not found'],
      to: [{ metadata: { name: '{name:1}', generateName: 'web-' } }, 'pods "{name:1}" not found'],
    },
    {
      name: 'a numbered name is no generated one',
      from: { metadata: { name: 'db-0', generateName: 'db-' } },
      to: { metadata: { name: 'db-0', generateName: 'db-' } },
    },
    {
      name: 'the hash of a template, also in names',
      from: [{ 'pod-template-hash': '6d4b75cb6d' }, 'web-6d4b75cb6d-'],
      to: [{ 'pod-template-hash': '{hash:1}' }, 'web-{hash:1}-'],
    },
    {
      name: 'a uid inside a key',
      from: [{ uid: uid('1') }, { [`k:{"uid":"${uid('1')}"}`]: {} }],
      to: [{ uid: '{uid:1}' }, { 'k:{"uid":"{uid:1}"}': {} }],
    },
    { name: 'the age in a table', from: { cells: ['a', 3, '0s', '3'] }, to: { cells: ['a', 3, '{age}', '3'] } },
    {
      name: 'addresses and nodes',
      from: { podIP: '10.0.0.1', nodeName: 'node-a', clusterIP: 'None' },
      to: { podIP: '{ip}', nodeName: '{node}', clusterIP: 'None' },
    },
    { name: 'a uid that a case wrote', from: { uid: uid('0') }, to: { uid: uid('0') } },
    { name: 'a long run of one letter', from: { a: 'x'.repeat(254) }, to: { a: '{x*254}' } },
    {
      name: 'versions in an error',
      from: [{ metadata: { name: 'a', resourceVersion: '17' } }, 'the ResourceVersion in the precondition (17) of 18'],
      to: [{ metadata: { name: 'a', resourceVersion: '{rv:1}' } }, 'the ResourceVersion in the precondition ({rv:1}) of 18'],
    },
  ];
  for (const { name, from, to } of rows) test(name, () => assert.deepEqual(fresh().record(from), to));
});

describe('what is matched', () => {
  test('another run with other values is the same', () => {
    const expected = fresh().record([object({ uid: uid('1'), resourceVersion: '17' }), object({ uid: uid('1'), resourceVersion: '18' })]);
    const again = [object({ uid: uid('2'), resourceVersion: '90' }), object({ uid: uid('2'), resourceVersion: '99' })];
    assert.deepEqual(differences(expected, again, fresh()), []);
  });

  test('a version that stayed and should have changed, and the other way round', () => {
    const changed = [{ rv: '{rv:1}' }, { rv: '{rv:2}' }];
    const same = [{ rv: '{rv:1}' }, { rv: '{rv:1}' }];
    assert.match(differences(changed, [{ rv: '5' }, { rv: '5' }], fresh()).join(), /\[1\]\.rv: .*the value of \{rv:1\}/);
    assert.match(differences(same, [{ rv: '5' }, { rv: '6' }], fresh()).join(), /\[1\]\.rv: .*\{rv:1\} was 5 before/);
  });

  const wrong: readonly { name: string; expected: unknown; actual: unknown; says: RegExp }[] = [
    { name: 'another value', expected: { a: 1 }, actual: { a: 2 }, says: /^\.a: expected 1, got 2$/ },
    { name: 'nothing', expected: { a: 1 }, actual: {}, says: /^\.a: expected 1, got nothing$/ },
    { name: 'something more', expected: {}, actual: { a: null }, says: /^\.a: expected nothing, got null$/ },
    { name: 'an item more', expected: [1], actual: [1, 2], says: /^\[1\]: expected nothing, got 2$/ },
    { name: 'another order', expected: [{ n: 'a' }, { n: 'b' }], actual: [{ n: 'b' }, { n: 'a' }], says: /\[0\]\.n/ },
    { name: 'another type', expected: { a: '1' }, actual: { a: 1 }, says: /^\.a: expected "1", got 1$/ },
    { name: 'no time', expected: { a: '{time}' }, actual: { a: 'yesterday' }, says: /another form/ },
    { name: 'no uid', expected: { a: '{uid:1}' }, actual: { a: '7' }, says: /another form/ },
  ];
  for (const { name, expected, actual, says } of wrong) {
    test(`${name} is told with its place`, () => assert.match(differences(expected, actual, fresh()).join('\n'), says));
  }

  test('whatever was recorded matches itself, and nothing else', () => {
    const word = fc.constantFrom('a', '17', 'x'.repeat(41), uid('3'), 'ns-abcdefghij', '2026-01-01T00:00:00Z', '{', 'f:{}');
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 3 }, word, fc.integer(), fc.constant(null), fc.array(tie('value')), fc.dictionary(word, tie('value'))),
    }));
    fc.assert(
      fc.property(value, (document) => {
        const recorded = fresh().record(document);
        assert.deepEqual(differences(recorded, document, fresh()), []);
        assert.notDeepEqual(differences(recorded, { other: document }, fresh()), []);
      }),
    );
  });
});

describe('what is sent', () => {
  test('is filled with what was bound', () => {
    const bindings = fresh();
    bindings.record({ metadata: { name: 'a', uid: uid('1') } });
    assert.deepEqual(bindings.filled({ path: '/{ns}/{id}', uid: ['{uid:1}'], long: '{x*3}' }), {
      path: '/ns-abcdefghij/xbcdfghjkl',
      uid: [uid('1')],
      long: 'xxx',
    });
  });

  test('cannot speak of what no answer has bound', () => assert.throws(() => fresh().filled('{rv:1}'), UnboundError));
});
