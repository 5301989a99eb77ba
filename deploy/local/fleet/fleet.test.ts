import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { parseResources } from '#hub/resources/mod.ts';
import { startOptions } from './arguments.ts';
import { documentOf } from './document.ts';
import type { Snapshot } from './views.ts';
import { needsOf, readManifests } from './manifests.ts';
import { lineText, type Line } from './lines.ts';
import { newsOf, nothing } from './news.ts';
import { findParts } from './parts.ts';
import { clusterNames, environmentsOf, resourcesYaml, sampleApps, type Declared } from './sample.ts';
import { summaryLines } from './summary.ts';
import { verdictOf, type Job } from './verdict.ts';

type Cluster = Snapshot['clusters'][number];
type Placement = Cluster['placements'][number];
type Target = Snapshot['targets'][number];

const placement = (over: Partial<Placement> = {}): Placement => ({
  uid: 'p1',
  tenant: 'storefront',
  app: 'shop',
  environment: 'dev',
  namespace: 'shop',
  state: 'Active',
  release: 'sha256:r1',
  wanted: 'sha256:w1',
  observed: 'sha256:w1',
  health: 'Healthy',
  reason: 'Healthy',
  message: '',
  ageMs: 10,
  objects: 3,
  hops: { fetched: 0.1, healthy: 0.5 },
  unhealthy: [],
  ...over,
});
const cluster = (over: Partial<Cluster> = {}, one: Partial<Placement> = {}): Cluster => ({
  name: 'dev-1',
  uid: 'c1',
  state: 'Accepted',
  labels: {},
  connection: 'Connected',
  ageMs: 5,
  fence: { epoch: 1, generation: 2 },
  placements: [placement(one)],
  refusals: [],
  ...over,
});
const target = (over: Partial<Target> = {}): Target => ({
  tenant: 'storefront',
  app: 'shop',
  environment: 'dev',
  current: 'sha256:r1',
  waiting: null,
  placements: 1,
  rollout: null,
  commit: null,
  ...over,
});
const release = {
  tenant: 'storefront',
  app: 'shop',
  alias: 'a1',
  digest: 'sha256:r1',
  commit: 'abc1234',
  author: 'Somebody',
  createdAt: '',
};
const well: Snapshot = { clusters: [cluster()], targets: [target()], releases: [release] };
const job: Job = { apps: [{ tenant: 'storefront', app: 'shop', commit: 'abc1234', environments: ['dev'] }], clusters: ['dev-1'] };
const unready = { object: 'apps/Deployment/shop/web', health: 'Progressing', reason: 'Unschedulable', message: 'no node matches' } as const;

const verdicts: readonly [string, Snapshot, string | RegExp][] = [
  ['everything is healthy on the wanted revision', well, 'done'],
  ['nothing is there', nothing, /no release of commit abc1234/],
  ['observed is not wanted', { ...well, clusters: [cluster({}, { observed: 'sha256:w0' })] }, /dev-1: storefront\/shop/],
  ['nothing is wanted, nothing observed', { ...well, clusters: [cluster({}, { wanted: null, observed: null })] }, /dev-1/],
  ['healthy, but of another release', { ...well, clusters: [cluster({}, { release: 'sha256:r0' })] }, /dev-1/],
  ['unknown', { ...well, clusters: [cluster({}, { health: 'Unknown', reason: 'SpokeSilent' })] }, /SpokeSilent/],
  ['no placement', { ...well, clusters: [cluster({ placements: [] })] }, /storefront\/shop in dev/],
  [
    'the environment is at another release',
    { ...well, targets: [target({ current: null, waiting: { reason: 'Settling', message: 'wait' } })] },
    /Settling: wait/,
  ],
  ['a newer commit has no release', { ...well, releases: [{ ...release, commit: 'old' }] }, /no release of commit/],
  ['a cluster is away', { ...well, clusters: [cluster({ connection: 'Disconnected' })] }, /dev-1: Disconnected/],
  [
    'a commit that changed nothing',
    {
      ...well,
      releases: [{ ...release, commit: 'old' }],
      targets: [target({ commit: { commit: 'abc1234', outcome: 'NoChange', message: '' } })],
    },
    'done',
  ],
  [
    'a commit that failed',
    { ...well, targets: [target({ commit: { commit: 'abc1234', outcome: 'Failed', message: 'web.yaml:3' } })] },
    /^failed: .*web.yaml:3/,
  ],
  [
    'an older commit that failed',
    { ...well, targets: [target({ commit: { commit: 'older', outcome: 'Failed', message: 'web.yaml:3' } })] },
    'done',
  ],
  [
    'one cluster is healthy, another that is selected has not enrolled',
    { ...well, targets: [target({ waiting: { reason: 'NotEnrolled', message: 'selected, but not enrolled: dev-2' } })] },
    'storefront/shop in dev: NotEnrolled: selected, but not enrolled: dev-2',
  ],
  [
    'one cluster is healthy, another is only about to join',
    {
      ...well,
      targets: [target({ rollout: { uid: 'r1', state: 'Progressing', reason: 'Progressing', message: '1 of 2 clusters done' } })],
    },
    'storefront/shop in dev: Progressing: 1 of 2 clusters done',
  ],
  [
    'what is next for a target that has arrived is another matter',
    { ...well, targets: [target({ waiting: { reason: 'PredecessorRollingOut', message: 'staging' } })] },
    'done',
  ],
  [
    'nothing selected',
    { ...well, targets: [target({ placements: 0, waiting: { reason: 'NothingSelected', message: 'no cluster' } })] },
    /^failed: .*NothingSelected/,
  ],
  [
    'time has run out for a Deployment',
    { ...well, clusters: [cluster({}, { health: 'Degraded', reason: 'HealthTimeout', message: 'late', unhealthy: [unready] })] },
    /^failed: cluster dev-1: storefront\/shop is Degraded: HealthTimeout: late; apps\/Deployment\/shop\/web is Progressing: Unschedulable: no node matches/,
  ],
  [
    'refused by the spoke',
    { ...well, clusters: [cluster({}, { health: 'Degraded', reason: 'NotAllowed', message: 'not yours' })] },
    /^failed: cluster dev-1: storefront\/shop is Degraded: NotAllowed: not yours/,
  ],
  [
    'refused, but an earlier release',
    { ...well, clusters: [cluster({}, { health: 'Degraded', reason: 'NotAllowed', release: 'sha256:r0' })] },
    /^(?!failed).*NotAllowed/,
  ],
  [
    'degraded, but it may recover',
    { ...well, clusters: [cluster({}, { health: 'Degraded', reason: 'CrashLoopBackOff' })] },
    /CrashLoopBackOff/,
  ],
];

for (const [name, snapshot, want] of verdicts) {
  test(`verdict: ${name}`, () => {
    const verdict = verdictOf(job, snapshot);
    const text = verdict.state === 'done' ? 'done' : verdict.state === 'failed' ? `failed: ${verdict.reason}` : verdict.missing.join('\n');
    if (typeof want === 'string') assert.equal(text, want);
    else assert.match(text, want);
  });
}

const words = (lines: readonly Line[]): string => lines.map(({ word }) => word).join(' ');

test('news: each thing is said once, in the order of the change', () => {
  const lines = newsOf(nothing, well);
  assert.deepEqual(lines, [
    { word: 'release', text: 'storefront/shop a1 by Somebody' },
    { word: 'cluster', text: 'dev-1: Connected', tone: 'plain' },
    { word: 'healthy', text: 'dev-1 storefront/shop 0.50 s (fetched 0.10)', tone: 'good' },
  ]);
  assert.deepEqual(newsOf(well, well), []);
  const degraded = {
    ...well,
    clusters: [cluster({}, { health: 'Degraded', reason: 'HealthTimeout', message: 'late', unhealthy: [unready] })],
  };
  assert.deepEqual(newsOf(well, degraded), [
    {
      word: 'degraded',
      text: 'dev-1 storefront/shop: HealthTimeout: late; apps/Deployment/shop/web: Unschedulable: no node matches',
      tone: 'bad',
    },
  ]);
  assert.deepEqual(newsOf(degraded, well), [{ word: 'healthy', text: 'dev-1 storefront/shop', tone: 'good' }], 'recovered: no new hops');
  const gone = {
    ...well,
    clusters: [cluster({ connection: 'Disconnected' }, { health: 'Unknown', reason: 'SpokeSilent', message: '7 s' })],
  };
  assert.deepEqual(
    newsOf(well, gone).map(({ text }) => text),
    ['dev-1: Disconnected', 'dev-1 storefront/shop: SpokeSilent: 7 s'],
  );
});

const rolling = (state: string, reason: string, message = 'so far'): Snapshot => ({
  ...well,
  targets: [target({ rollout: { uid: 'r1', state, reason, message } })],
});
const rollouts: readonly (readonly [string, Snapshot, Snapshot, string])[] = [
  ['begins', well, rolling('Progressing', 'Progressing'), 'storefront/shop in dev begins'],
  ['goes on', rolling('Progressing', 'Progressing'), rolling('Progressing', 'Progressing', 'further'), ''],
  [
    'waits',
    rolling('Progressing', 'Progressing'),
    rolling('Progressing', 'ClustersUnreachable'),
    'storefront/shop in dev: Progressing: so far',
  ],
  ['goes on after a wait', rolling('Progressing', 'ClustersUnreachable'), rolling('Progressing', 'Progressing'), ''],
  ['succeeds', rolling('Progressing', 'Progressing'), rolling('Succeeded', 'AllHealthy'), 'storefront/shop in dev succeeded'],
  ['has nothing to do', well, rolling('Succeeded', 'NoClusters', 'none'), 'storefront/shop in dev: Succeeded: none'],
  ['fails without a word', well, rolling('Failed', 'ClusterDegraded', ''), 'storefront/shop in dev: Failed: ClusterDegraded'],
];
for (const [name, before, after, text] of rollouts)
  test(`news: a rollout ${name}`, () =>
    assert.equal(
      newsOf(before, after)
        .map((line) => line.text)
        .join(),
      text,
    ));

test('news: whom a rollout left out is named', () => {
  const succeeded = rolling('Succeeded', 'AllHealthy');
  const clusters = [cluster(), cluster({ name: 'dev-2', uid: 'c2' }, { uid: 'p2', release: 'sha256:r0' })];
  assert.equal(newsOf({ ...well, clusters }, { ...succeeded, clusters })[0]?.text, 'storefront/shop in dev succeeded, without dev-2');
});

test('news: who was started a moment ago is not out of reach', () => {
  const unreachable = rolling('Progressing', 'ClustersUnreachable', 'not heard from: dev-1');
  const young = { ...unreachable, clusters: [cluster({ fence: null })] };
  assert.deepEqual(
    [young, unreachable].map((after) => newsOf(well, after).map((line) => line.text)),
    [['storefront/shop in dev begins'], ['storefront/shop in dev: Progressing: not heard from: dev-1']],
  );
});

test('news: what only waits for the fleet to be there is none, what waits for a person is', () => {
  const waits = (reason: string): Snapshot => ({ ...well, targets: [target({ waiting: { reason, message: 'x' } })] });
  assert.equal(words(newsOf(well, waits('NotEnrolled'))), '');
  assert.equal(words(newsOf(well, waits('Manual'))), 'waits');
});

test('news: of many at once nobody reads each', () => {
  const many = (health: Placement['health']): Snapshot => ({
    ...well,
    clusters: Array.from({ length: 40 }, (_, index) => cluster({ name: `dev-${index}`, uid: `c${index}` }, { uid: `p${index}`, health })),
  });
  const lines = newsOf(nothing, many('Healthy'));
  assert.equal(words(lines), 'release cluster healthy');
  assert.equal(lines[2]?.text, 'storefront/shop on dev-0, dev-1, dev-2, dev-3, dev-4 and 35 more');
  assert.deepEqual(
    newsOf(many('Healthy'), many('Degraded')).map(({ word, tone }) => [word, tone]),
    [['unwell', 'bad']],
  );
});

test('a line has the time, a word, and goes on below its own beginning', () => {
  const plain = { colours: false, columns: 58 };
  const text = 'one two three four five six seven eight nine ten';
  assert.equal(
    lineText({ word: 'release', text }, 12.34, plain),
    '  12.3  release   one two three four five six seven eight\n                  nine ten',
  );
  assert.equal(lineText({ word: 'release', text }, 1, { ...plain, columns: Infinity }).split('\n').length, 1);
  const coloured = lineText({ word: 'done', text: 'x', tone: 'good' }, 1, { colours: true, columns: 80 });
  assert.ok(coloured.includes('\u001B[32mdone'), coloured);
});

test('the summary says where everything is, in lines that fit', () => {
  const ports = { nats: 1, registry: 2, git: 3, gateway: 4, enrolment: 5, api: 6 };
  const memory = { hubMiB: 150, spokesMiB: 600, sandboxMiB: null };
  const all = {
    clusters: '6 sandbox clusters',
    kubeconfig: '/d/kubeconfig',
    page: 'http://p',
    data: '/d',
    fleet: '.fleet',
    ports,
    context: 'dev-1',
    memory,
    spokes: 6,
  };
  const lines = summaryLines({ ...all, isTemporary: true }, { colours: false, columns: 80 });
  assert.ok(
    lines.every((line) => line.length <= 80),
    lines.join('\n'),
  );
  const text = lines.join(' ').replaceAll(/\s+/g, ' ');
  for (const part of [
    'page http://p',
    '--kubeconfig /d/kubeconfig --context dev-1',
    'gateway 4',
    'removed at the end',
    '. .fleet/env',
    'hub 150 MiB, 6 spokes 600 MiB',
  ])
    assert.ok(text.includes(part), `${part} in ${text}`);
  assert.match(summaryLines({ ...all, isTemporary: false }, { colours: false, columns: 80 }).join(), /kept/);
});

test('the document says what was asked for, from what the hub knows', () => {
  const memory = { hubMiB: 150, spokesMiB: 600, sandboxMiB: null };
  const document = documentOf({ ok: true, reason: null, tookMs: 41_234, kubernetes: 'real', memory }, well);
  assert.deepEqual(document, {
    ok: true,
    reason: null,
    took: 41.2,
    kubernetes: 'real',
    releases: [{ tenant: 'storefront', app: 'shop', alias: 'a1', digest: 'sha256:r1', commit: 'abc1234' }],
    clusters: [
      {
        name: 'dev-1',
        uid: 'c1',
        environment: 'dev',
        connection: 'Connected',
        fence: { epoch: 1, generation: 2 },
        placements: [
          {
            tenant: 'storefront',
            app: 'shop',
            release: 'sha256:r1',
            wanted: 'sha256:w1',
            observed: 'sha256:w1',
            health: 'Healthy',
            reason: 'Healthy',
            objects: 3,
            hops: { fetched: 0.1, verified: undefined, applied: undefined, healthy: 0.5 },
          },
        ],
      },
    ],
    memory,
  });
});

const wrong: readonly [readonly string[], RegExp][] = [
  [['--cluster', '3'], /--cluster/],
  [['--clusters', '0'], /1 to 500/],
  [['--clusters', 'many'], /1 to 500/],
  [['--clusters', '13', '--kubernetes', 'real'], /1 to 12/],
  [['--timeout', 'soon'], /90s or 5m/],
  [['--kubernetes', 'docker'], /docker/],
  [['now'], /now/],
];
for (const [args, message] of wrong)
  test(`refused: ${args.join(' ')}`, () => assert.throws(() => startOptions(args), { code: 'USAGE', message }));

test('options: a bare number is seconds', () => {
  const options = startOptions(['--once', '--json', '--timeout', '90', '--clusters', '6', '--data', 'd']);
  assert.deepEqual([options.once, options.json, options.timeoutMs, options.clusters, options.data], [true, true, 90_000, 6, 'd']);
});

test('all servers that are missing are named at once, each with what to install', async () => {
  const found = { command: '/c', env: {}, version: '1.0.0', from: 'PATH' } as const;
  const { signal } = new AbortController();
  const none = (name: string) =>
    name === 'git' ? Promise.resolve(found) : Promise.reject(new Error(`install ${name} (https://example.org)`));
  await assert.rejects(findParts(none, signal), {
    code: 'SERVERS_MISSING',
    message: /more than this machine has:\n- .*install nats .*\n- .*install registry .*$/,
  });
  assert.deepEqual(await findParts(() => Promise.resolve(found), signal), { nats: found, registry: found, git: found });
});

for (const count of [1, 2, 3, 6, 7, 12, 300]) {
  test(`the sample for ${count} clusters is what a person may declare, and every environment has a cluster`, () => {
    const environments = environmentsOf(count);
    const names = clusterNames(count);
    assert.equal(new Set(names).size, count);
    const declared: Declared = {
      clusters: names.map((name) => ({ name, environment: name.replace(/-\d+$/, ''), region: 'here' })),
      environments,
      healthTimeout: '60s',
      apps: sampleApps(environments).map(({ tenant, app, namespace }) => ({
        tenant,
        app,
        namespaces: [namespace],
        kinds: ['*'],
        gitUrl: `http://127.0.0.1:1/${app}.git`,
      })),
    };
    const { problems, resources } = parseResources([{ file: 'sample', text: resourcesYaml(declared) }]);
    assert.deepEqual(problems, []);
    assert.equal(resources.length, count + 2 * (2 + environments.length));
    assert.deepEqual([...new Set(declared.clusters.map(({ environment }) => environment))], [...environments]);
  });
}

test("someone's own manifests: every file is read, and what the tenant needs is named", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'wheelhouse-manifests-'));
  t.after(() => rm(dir, { recursive: true }));
  await assert.rejects(readManifests(join(dir, 'none')), { code: 'NO_MANIFESTS' });
  await assert.rejects(readManifests(dir), { code: 'NO_MANIFESTS' });
  const yaml = (kind: string, name: string, more = ''): string => `apiVersion: v1\nkind: ${kind}\nmetadata:\n  name: ${name}\n${more}`;
  const custom =
    'apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x.example.org}\nspec: {group: example.org, scope: Cluster, names: {kind: Thing, plural: things}}\n';
  const files = {
    'a.yaml': `${yaml('Namespace', 'own')}---\n${yaml('ConfigMap', 'c', '  namespace: own\n')}`,
    'b.yaml': `${custom}---\napiVersion: example.org/v1\nkind: Thing\nmetadata: {name: t}\n`,
  };
  const kind = (group: string, name: string, resource: string, namespaced: boolean) => ({
    group,
    version: 'v1',
    kind: name,
    resource,
    namespaced,
    verbs: [],
  });
  const kinds = [
    kind('', 'Namespace', 'namespaces', false),
    kind('', 'ConfigMap', 'configmaps', true),
    kind('apiextensions.k8s.io', 'CustomResourceDefinition', 'customresourcedefinitions', false),
  ];
  const needs = needsOf(files, { kinds, complete: true, failedGroups: [] });
  assert.deepEqual(needs.namespaces, ['default', 'own']);
  assert.deepEqual(needs.missing, []);
  const elsewhere = { 'a.yaml': yaml('ConfigMap', 'c', '  namespace: elsewhere\n') };
  assert.deepEqual(needsOf(elsewhere, { kinds, complete: true, failedGroups: [] }).missing, ['elsewhere']);
  assert.deepEqual(needs.kinds, ['*', 'Namespace', 'CustomResourceDefinition.apiextensions.k8s.io', 'Thing.example.org']);
  const same = { 'dev/a.yaml': custom, 'prod/a.yaml': custom, 'notes.json': '{' };
  const each = needsOf(same, { kinds, complete: true, failedGroups: [] });
  assert.deepEqual(each.kinds, ['*', 'CustomResourceDefinition.apiextensions.k8s.io'], 'an object for each environment is none twice');
  assert.throws(() => needsOf({ 'bad.yaml': 'kind: [' }, { kinds, complete: true, failedGroups: [] }), {
    code: 'NO_MANIFESTS',
    message: /bad.yaml:1/,
  });
});
