import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { loginDocument, pageDocument, problemDocument, sections, strangerDocument } from './documents.ts';
import type { Look } from './questions.ts';
import { ago, app, changedBy, cluster, environment, event, list, look, placement, rollout, tally, target } from './testing/looks.ts';

const assets = { version: 'v' };
const stages = ['dev', 'staging', 'prod'];
const environments = list(
  stages.flatMap((name, i) =>
    ['payments', 'storefront'].map((tenant) => environment(tenant, name, { after: stages.slice(Math.max(0, i - 1), i) })),
  ),
);
const six = ['dev-1', 'staging-1', 'staging-2', 'prod-1', 'prod-2', 'prod-3'];
const sixth = (name: string, status: Parameters<typeof cluster>[1] = {}) =>
  cluster(name, { labels: { env: name.split('-')[0] ?? '' }, ...status });
const all = (changed: Readonly<Record<string, Parameters<typeof cluster>[1]>> = {}) => list(six.map((name) => sixth(name, changed[name])));
const targets = list(stages.map((stage) => target('storefront', 'shop', stage)));
const nasty = `<img src=x onerror=alert(1)>"'\u202Etxet`;
const hold = { scope: 'Cluster', by: 'user:ada', reason: 'kernel upgrade', since: ago(300), until: '2026-11-21T16:00:00.000Z' } as const;
const gone = {
  connection: 'Disconnected',
  connectionAgeMs: 42_000,
  convergence: 'Unknown',
  convergenceAgeMs: 43_000,
  health: 'Unknown',
  healthAgeMs: 43_000,
  reason: 'SpokeSilent',
  message: 'SpokeSilent: nothing has vouched for it for 43 s',
  since: ago(43),
  placements: tally({ Unknown: 2 }),
  changedBy,
} as const;
const broken = {
  health: 'Degraded',
  reason: 'CrashLoopBackOff',
  message: `storefront/shop: ${nasty}`,
  since: ago(130),
  placements: tally({ Degraded: 1, Healthy: 1 }),
} as const;
const crashed = {
  health: 'Degraded',
  reason: 'CrashLoopBackOff',
  message: `Deployment web in shop: ${nasty}`,
  since: ago(130),
  changedBy: { ...changedBy, author: `${nasty} <x@example.org>`, message: nasty },
  unhealthy: [{ object: `apps/Deployment/shop/${nasty}`, health: 'Degraded', reason: 'CrashLoopBackOff', message: nasty }],
} as const;

const drift = {
  object: 'apps/Deployment/shop/web',
  kind: 'Changed',
  state: 'Contested',
  fields: ['.spec.replicas'],
  manager: nasty,
  operation: 'Update',
  subresource: '',
  changedAt: ago(20),
  firstSeenAt: ago(300),
  lastSeenAt: ago(20),
  correctedAt: null,
  seen: 9,
  corrections: 3,
} as const;

const situations: Readonly<Record<string, Look>> = {
  'all-well': look({ clusters: all(), environments, targets, events: list([event('1', {})]) }),
  'no-clusters': look(),
  'one-unknown': look({ clusters: all({ 'prod-3': gone }), environments, targets }),
  degraded: look({
    clusters: all({ 'prod-1': broken, 'prod-2': { frozen: hold } }),
    environments,
    troubled: list([placement('prod-1', 'shop', 'prod', { ...crashed, unhealthy: [...crashed.unhealthy] })]),
    targets: list([
      ...targets.items.slice(0, 2),
      target('storefront', 'shop', 'prod', {
        health: 'Degraded',
        placements: tally({ Degraded: 1, Healthy: 2 }),
        leftOut: 1,
        waiting: { reason: 'ApprovalNeeded', message: nasty },
        rollout: { uid: 'r2', state: 'Progressing', reason: 'InFlight', message: nasty },
      }),
    ]),
    rollouts: list([rollout('r2', 'shop', 'prod', { message: nasty })]),
    apps: list([
      app('storefront', 'shop', {
        commit: { commit: 'fedcba98', author: 'x', message: nasty, outcome: 'Failed', outcomeMessage: nasty, seenAt: ago(20) },
        suspended: { ...hold, scope: 'App', reason: nasty },
      }),
    ]),
    events: list([event('2', { type: 'Warning', reason: 'Degraded', message: nasty, actor: nasty, count: 3 }), event('1', {})]),
  }),
  closer: look({
    view: { cluster: 'prod-3' },
    clusters: all({ 'prod-3': gone }),
    environments,
    closer: {
      name: 'prod-3',
      cluster: sixth('prod-3', gone),
      placements: [
        placement('prod-3', 'shop', 'prod', {
          health: 'Unknown',
          reason: 'SpokeSilent',
          message: 'the spoke is silent',
          drift: [{ ...drift, fields: [...drift.fields] }],
        }),
      ],
    },
  }),
};

// Rewrite: node --test --test-update-snapshots hub/page/documents.test.ts
for (const [name, given] of Object.entries(situations))
  test(`the page: ${name}`, (t) => {
    const lines = pageDocument(given, assets)
      .split('\n')
      .map((line) => line.trimEnd())
      .filter((line) => line !== '');
    t.assert.fileSnapshot(`${lines.join('\n')}\n`, join(import.meta.dirname, `golden/${name}.html`), { serializers: [String] });
  });

for (const [name, given] of Object.entries(situations))
  test(`${name}: nothing that was written elsewhere becomes a tag, an attribute or a turn of letters`, () => {
    const text = pageDocument(given, assets);
    assert.doesNotMatch(text, /<img|\u202E|onerror=alert\(1\)>/);
    // What the Content-Security-Policy would refuse anyway.
    assert.doesNotMatch(text, /\sstyle=|<style|\son\w+="|javascript:|<script(?![^>]* src="\/page\/)/);
    assert.doesNotMatch(text, /(?:src|href)="(?:https?:)?\/\//, 'nothing from elsewhere');
  });

test('whatever a message says, the page has the same tags', () => {
  const tags = (text: string): string[] => text.match(/<[a-z/!][^\s>]*/g) ?? [];
  const with_ = (message: string) =>
    pageDocument(
      look({
        troubled: list([placement('c', 'shop', 'prod', { health: 'Degraded', reason: 'X', message: `.${message}`, unhealthy: [] })]),
      }),
      assets,
    );
  const plain = tags(with_('plain'));
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (message) => assert.deepEqual(tags(with_(message)), plain)),
    { numRuns: 50 },
  );
});

const section = (name: string, given: Look): string => (sections[name]?.(given).text ?? '').replaceAll(/\s+/g, ' ');

test('what is wrong comes in the order of wheelhouse status, and what is alike is one', () => {
  const alike = (name: string, message: string) =>
    placement(name, 'shop', 'prod', { health: 'Degraded', reason: 'CrashLoopBackOff', message, since: ago(60) });
  const given = look({
    clusters: all({ 'prod-3': gone }),
    troubled: list([
      alike('prod-1', 'pod web-7f9c2-x1: back-off 10s'),
      alike('prod-2', 'pod web-7f9c2-x2: back-off 40s'),
      placement('dev-1', 'shop', 'dev', { health: 'Progressing', reason: 'RollingOut', message: 'on its way' }),
    ]),
    targets: list([
      target('storefront', 'shop', 'dev', { rollout: { uid: 'r', state: 'Failed', reason: 'TooManyDegraded', message: '' } }),
    ]),
  });
  const text = section('wrong', given);
  const order = ['CrashLoopBackOff', 'SpokeSilent', 'TooManyDegraded', 'RollingOut'].map((word) => text.indexOf(word));
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
  assert.ok(order.every((at) => at >= 0));
  assert.match(text, /on 2 clusters/);
  assert.equal(text.match(/CrashLoopBackOff/g)?.length, 1);
});

test('what was never there comes after what is missed', () => {
  const absent = {
    ...gone,
    connection: 'NeverConnected',
    connectionAgeMs: null,
    reason: 'NotEnrolled',
    message: 'no agent has used a join token yet',
  } as const;
  const many = Array.from({ length: 40 }, (_, i) => cluster(`new-${i}`, absent));
  const given = look({ clusters: list([...many, cluster('missed', gone)]) });
  for (const name of ['wrong', 'fleet']) {
    const text = section(name, given);
    assert.ok(text.indexOf('cluster=missed') < text.indexOf('cluster=new-0'), name);
  }
});

test('what is not well on three things is never drawn as well', () => {
  const many = Array.from({ length: 40 }, (_, i) => cluster(`c-${i}`));
  const cases: readonly Parameters<typeof cluster>[1][] = [
    { connection: 'Disconnected' },
    { connection: 'NeverConnected' },
    { convergence: 'Converging' },
    { convergence: 'NotReceived' },
    { convergence: 'Unknown' },
    { health: 'Degraded' },
    { health: 'Unknown' },
    { health: 'Progressing' },
    { health: 'Suspended' },
    { health: 'Empty', connection: 'Disconnected' },
  ];
  for (const status of cases) {
    const large = section('fleet', look({ clusters: list([cluster('odd', status)]) }));
    const small = section('fleet', look({ clusters: list([cluster('odd', status), ...many]) }));
    for (const [text, shape] of [
      [large, 'card'],
      [small, 'chip'],
    ] as const) {
      const drawn = /<(?:li|a) class="(card|chip|square) (\w+)"(?=(?:(?!<li)[^])*odd)/.exec(text);
      assert.equal(drawn?.[1], shape, `named: ${JSON.stringify(status)}`);
      assert.notEqual(drawn?.[2], 'good', JSON.stringify(status));
    }
  }
});

test('300 clusters: each is there once, the worst with its name, in not too much', () => {
  const clusters = Array.from({ length: 300 }, (_, i) => {
    const status = i % 10 === 0 ? broken : i % 15 === 1 ? gone : {};
    return cluster(`c-${String(i).padStart(3, '0')}`, { labels: { env: stages[i % 3] ?? '' }, ...status });
  }).toSorted(
    (a, b) => ['Degraded', 'Unknown', 'Healthy'].indexOf(a.status.health) - ['Degraded', 'Unknown', 'Healthy'].indexOf(b.status.health),
  );
  const given = look({ clusters: list(clusters), environments });
  const text = section('fleet', given);
  for (const { metadata } of clusters) assert.equal(text.match(new RegExp(`\\?cluster=${metadata.name}#`, 'g'))?.length, 1, metadata.name);
  assert.equal(text.match(/class="chip /g)?.length, 44, 'at most 24 of each stage');
  assert.equal(text.match(/class="square /g)?.length, 256);
  const marks = (tone: string): number => text.match(new RegExp(`class="(?:chip|square) ${tone}"`, 'g'))?.length ?? 0;
  assert.deepEqual([marks('bad'), marks('unknown'), marks('good')], [30, 20, 250]);
  assert.ok(pageDocument(given, assets).length < 200_000);
});

test('30,000 clusters: the worst are drawn, all are counted, and it says so', () => {
  const [dev] = environments.items;
  assert.ok(dev);
  const worst = Array.from({ length: 150 }, (_, i) => cluster(`c-${i}`, { labels: { env: 'dev' }, ...gone }));
  const given = look({
    clusters: list(worst, 'more'),
    silent: list(worst.slice(0, 100), 'more'),
    environments: list([dev]),
    groupCounts: new Map([['env=dev', { Unknown: 20_000, Healthy: 10_000 }]]),
  });
  const status = {
    ...given.status,
    clusters: { ...given.status.clusters, total: 30_000, health: { ...given.status.clusters.health, Unknown: 20_000 } },
  };
  const text = section('fleet', { ...given, status });
  assert.match(text, /<b>30000<\/b> clusters/);
  assert.match(text, /<b>20000<\/b> Unknown/);
  assert.match(text, /The 150 worst of 30000 are drawn/);
  assert.match(section('wrong', { ...given, status }), /19900 more Unknown clusters/);
});

test('counts add up: each row of the headline to its total', () => {
  const text = section('headline', situations['degraded'] ?? look());
  const row = /<th scope="row">(clusters|connection|placements)<\/th> ?<td class="n">(\d+)<\/td>(.*?)<\/tr>/g;
  const rows = Array.from(text.matchAll(row), ([, name, total, cells = '']) => {
    const counts = Array.from(cells.matchAll(/<b>(\d+)<\/b>/g), ([, n]) => Number(n));
    return [name, Number(total), counts.reduce((sum, n) => sum + n, 0)];
  });
  assert.deepEqual(rows, [
    ['clusters', 6, 6],
    ['connection', 6, 6],
    ['placements', 12, 12],
  ]);
});

test('whoever is not let in is told how to get in, and nothing else', () => {
  assert.match(strangerDocument(assets), /wheelhouse page/);
  assert.match(loginDocument(assets, 'not <good>'), /not &lt;good&gt;/);
  assert.match(problemDocument(assets, 'a', 'b'), /<h1>a<\/h1>/);
});
