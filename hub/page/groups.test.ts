import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { groupsOf, placedIn, selectorText, stagesOf } from './groups.ts';
import { cluster, environment } from './testing/looks.ts';

// Environments as tenant/name<after,after@label of its clusters.
const of = (text: string) =>
  text.split(' ').map((part) => {
    const [, tenant = '', name = '', after = '', env = name] = /^(\w+)\/(\w+)(?:<([\w,]+))?(?:@(\w+))?$/.exec(part) ?? [];
    return environment(tenant, name, { after: after === '' ? [] : after.split(','), labels: { env } });
  });

const orders: readonly (readonly [string, string])[] = [
  ['a/prod<staging a/dev a/staging<dev', 'dev staging prod'],
  ['a/prod<eu,us a/eu a/us', 'eu us prod'],
  ['a/dev b/prod<dev b/dev', 'dev prod'],
  ['a/x<y b/y<x', 'y x'],
  ['a/prod<gone', 'prod'],
];
for (const [text, want] of orders) test(`the order of ${text}`, () => assert.equal(stagesOf(of(text)).join(' '), want));

const groups: readonly (readonly [string, string])[] = [
  ['a/dev b/dev a/prod<dev', 'dev:a,b prod:a'],
  ['a/dev b/dev@other', 'dev:a dev:b'],
  ['a/dev b/test@dev', 'dev, test:a,b'],
];
for (const [text, want] of groups)
  test(`environments that select alike are one: ${text}`, () =>
    assert.equal(
      groupsOf(of(text))
        .map(({ title, tenants }) => `${title}:${tenants.join(',')}`)
        .join(' '),
      want,
    ));

test('a selector is written as the API takes it', () => {
  const selector = {
    matchLabels: { b: '2', a: '1' },
    matchExpressions: [
      { key: 'c', operator: 'In' as const, values: ['x', 'y'] },
      { key: 'd', operator: 'NotIn' as const, values: ['z'] },
      { key: 'e', operator: 'Exists' as const, values: [] },
      { key: 'f', operator: 'DoesNotExist' as const, values: [] },
    ],
  };
  assert.equal(selectorText(selector), '!f,a=1,b=2,c in (x,y),d notin (z),e');
});

test('every cluster is drawn somewhere, and only where it is selected', () => {
  const name = fc.constantFrom('dev', 'staging', 'prod', 'none');
  fc.assert(
    fc.property(fc.array(name, { maxLength: 20 }), (labels) => {
      const clusters = labels.map((env, i) => cluster(`c-${i}`, { labels: { env } }));
      const placed = placedIn(groupsOf(of('a/dev b/dev a/prod<dev a/staging')), clusters);
      assert.equal(new Set(placed.flatMap((one) => one.clusters)).size, clusters.length);
      for (const { group, clusters } of placed)
        for (const { metadata } of clusters) assert.equal(metadata.labels['env'], group?.title ?? 'none');
    }),
  );
});
