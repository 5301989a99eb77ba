import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { selects, type LabelRequirement, type LabelSelector, type Labels } from './mod.ts';

const word = fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor');
const labels: fc.Arbitrary<Labels> = fc.dictionary(word, word);
const requirement: fc.Arbitrary<LabelRequirement> = fc.oneof(
  fc.record({
    key: word,
    operator: fc.constantFrom('In' as const, 'NotIn' as const),
    values: fc.array(word, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ key: word, operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const), values: fc.constant([]) }),
);
const selector: fc.Arbitrary<LabelSelector> = fc.record({ matchLabels: labels, matchExpressions: fc.array(requirement, { maxLength: 3 }) });

const onlyExpression = (requirement: LabelRequirement): LabelSelector => ({ matchLabels: {}, matchExpressions: [requirement] });
const opposite = { In: 'NotIn', NotIn: 'In', Exists: 'DoesNotExist', DoesNotExist: 'Exists' } as const;

test('an expression holds exactly where its opposite does not', () => {
  fc.assert(
    fc.property(requirement, labels, (one, given) => {
      const other = { ...one, operator: opposite[one.operator] };
      assert.notEqual(selects(onlyExpression(one), given), selects(onlyExpression(other), given));
    }),
  );
});

test('a selector holds exactly where all of its parts do', () => {
  fc.assert(
    fc.property(selector, labels, (all, given) => {
      const parts: LabelSelector[] = [
        ...Object.entries(all.matchLabels).map(([key, value]) => onlyExpression({ key, operator: 'In', values: [value] })),
        ...all.matchExpressions.map(onlyExpression),
      ];
      assert.equal(
        selects(all, given),
        parts.every((part) => selects(part, given)),
      );
    }),
  );
});

test('labels that a selector does not name decide nothing', () => {
  fc.assert(
    fc.property(selector, labels, word, (all, given, value) =>
      assert.equal(selects(all, given), selects(all, { ...given, 'somewhere.example.com/else': value })),
    ),
  );
});

test('an empty selector selects everything', () => {
  fc.assert(fc.property(labels, (given) => assert.ok(selects({ matchLabels: {}, matchExpressions: [] }, given))));
});

test('what every object of the language has is no label', () => {
  for (const key of ['constructor', 'toString', '__proto__'])
    assert.equal(selects(onlyExpression({ key, operator: 'Exists', values: [] }), {}), false);
});
