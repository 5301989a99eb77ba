import type { Command } from 'commander';
import { VirtualClock } from '#shared/clock/mod.ts';
import type { Io } from '../io.ts';
import { programOf } from '../program.ts';
import { json, problem, stream, type Answer, type Scene } from './fake.ts';

/** A command line whose whole answer is kept in golden/<name>.txt. */
export interface Case {
  readonly name: string;
  readonly words: readonly string[];
  readonly scene?: Scene;
}

const words = (line: string): readonly string[] =>
  [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, plain]) => single ?? double ?? plain ?? '');
const of = (name: string, line: string, scene?: Scene): Case => ({ name, words: words(line), ...(scene ? { scene } : {}) });

/** The program is only looked at. */
const unused: Io = {
  env: {},
  home: '',
  folder: '',
  clock: new VirtualClock(),
  fetch: () => Promise.reject(new Error('not asked')),
  out: () => {},
  err: () => {},
  stdin: async () => '',
  terminal: false,
  stop: new AbortController().signal,
};

/** Every command that the program has, as it is typed: a new one is asked for its golden files by being there. */
export const commands: readonly string[] = pathsIn(programOf(unused, () => {}));

function pathsIn(command: Command, before: readonly string[] = []): readonly string[] {
  return command.commands
    .filter((one) => !one.name().startsWith('_'))
    .flatMap((one) => {
      const path = [...before, one.name()];
      return [path.join(' '), ...pathsIn(one, path)];
    });
}

const helps: readonly Case[] = [
  of('help', '--help'),
  of('version', '--version'),
  ...commands.map((command) => of(`${command.replace(' ', '-')}-help`, `${command} --help`)),
];

const kinds = ['clusters', 'tenants', 'environments', 'apps', 'targets', 'placements', 'releases', 'rollouts', 'events', 'audit'];

const gets: readonly Case[] = [
  ...kinds.flatMap((kind) => [of(`get-${kind}`, `get ${kind} --limit 20`), of(`get-${kind}-wide`, `get ${kind} --limit 20 -o wide`)]),
  of('get-one', 'get cluster dev-1'),
  of('get-several', 'get cluster/dev-1 cluster/prod-3'),
  of('get-kinds', 'get clusters,apps,environments --limit 20'),
  of('get-kinds-names', 'get cluster/dev-1,app/shop cluster/prod-3'),
  of('get-kinds-json', 'get cluster/dev-1 tenant/storefront -o \'jsonpath={.kind}: {.items[*].kind}{"\\n"}\''),
  of('get-kinds-name', 'get tn,app --limit 20 -o name'),
  of('get-kinds-tenant', 'get clusters,targets -t payments -o name'),
  of('get-kinds-nothing', 'get rollouts,rel --field-selector metadata.name=nothing', {
    answers: {
      'GET /v1alpha1/rollouts': json({ kind: 'RolloutList', metadata: { resourceVersion: '1', continue: '' }, items: [] }),
      'GET /v1alpha1/releases': json({ kind: 'ReleaseList', metadata: { resourceVersion: '1', continue: '' }, items: [] }),
    },
  }),
  of('get-kinds-watch', 'get clusters,apps -w'),
  of('get-all-tenants', 'get apps -A'),
  of('get-all-tenants-and-one', 'get targets -A -t payments --limit 20 -o name'),
  of('get-one-json', 'get tenant storefront -o json'),
  of('get-one-yaml', 'get environment storefront/prod -o yaml'),
  of('get-names', 'get apps -o name'),
  of('get-jsonpath', `get clusters -o 'jsonpath={range .items[*]}{.metadata.name}{"\\t"}{.status.health}{"\\n"}{end}'`),
  of('get-jsonpath-filter', `get clusters -o 'jsonpath={.items[?(@.status.health=="Unknown")].metadata.name}'`),
  of('get-selector', "get clusters -l 'environment in (dev,staging)' --sort-by name --no-headers"),
  of('get-field-selector', 'get placements --field-selector status.health=Degraded'),
  of('get-sorted-here', "get clusters --sort-by '.metadata.name' -o name"),
  of('get-tenant', 'get targets -t payments'),
  of('get-first-page', 'get clusters --limit 2'),
  of('get-nothing', 'get rollouts --field-selector status.state=Paused'),
  of('get-nothing-json', 'get rollouts --field-selector status.state=Paused -o json'),
];

const looks: readonly Case[] = [
  of('status', 'status'),
  of('status-json', 'status -o json'),
  of('status-terminal', 'status', { terminal: true }),
  of('status-narrow', 'status', { terminal: true, columns: 80 }),
  of('events-narrow', 'events --limit 10', { terminal: true, columns: 120 }),
  of('status-no-color', 'status', { terminal: true, env: { NO_COLOR: '1' } }),
  of('describe-cluster', 'describe cluster dev-1'),
  of('describe-app', 'describe app shop'),
  of('describe-kinds', 'describe cluster/dev-1 app/shop'),
  of('describe-placement', 'describe placement storefront/staging-1.shop.shop'),
  of('describe-target', 'describe target storefront/shop.dev'),
  of('events', 'events --limit 10'),
  of('events-target', 'events target storefront/shop.dev'),
  of('events-cluster', 'events cluster prod-3'),
  of('events-placement', 'events placement staging-1.shop.shop'),
  of('events-nothing', 'events --field-selector spec.reason=Nothing'),
  of('events-several', 'events cluster dev-1 prod-1'),
  of('events-warnings', 'events --type Warning --limit 5 -o wide'),
  of('audit', 'audit --limit 10'),
  of('audit-actor', 'audit --actor user:local-admin --limit 5'),
  of('audit-app', 'audit app storefront/shop'),
  of('audit-deleted', 'audit app storefront/gone'),
  of('audit-twice', 'audit app shop --subject App/storefront/shop'),
  of('tree', 'tree dev-1'),
  of('tree-silent', 'tree prod-3'),
  of('tree-app', 'tree dev-1 shop'),
  of('tree-app-missing', 'tree dev-1 nothing'),
  of('explain', 'explain dev-1/storefront/shop'),
  of('explain-drift', 'explain staging-1/storefront/shop'),
  of('explain-silent', 'explain prod-3/shop'),
  of('explain-healthy', 'explain staging-1/payments/ledger'),
  of('explain-missing', 'explain dev-1/nothing'),
  of('doctor', 'doctor'),
  of('completion-bash', 'completion bash'),
  of('completion-zsh', 'completion zsh'),
  of('complete-command', "__complete -- ''"),
  of('complete-kind', '__complete -- get t'),
  of('complete-kinds', '__complete -- get clusters,t'),
  of('complete-name', '__complete -- describe cluster prod'),
  of('complete-option', '__complete -- apply --w'),
];

const wrongs: readonly Case[] = [
  of('no-command', ''),
  of('unknown-command', 'gett clusters'),
  of('unknown-kind', 'get widgets'),
  of('unknown-option', 'get clusters --widget'),
  of('unknown-output', 'get clusters -o table'),
  of('unknown-shell', 'completion fish'),
  of('bad-jsonpath', "get clusters -o 'jsonpath={.items[*}'"),
  of('bad-name', 'get cluster a/b'),
  of('bad-duration', 'get clusters -w --timeout soon'),
  of('not-found', 'get cluster nope'),
  of('field-unknown', 'get clusters --field-selector status.colour=red'),
  of('sort-unknown', 'get clusters --sort-by colour'),
  of('selector-invalid', "get clusters -l 'a=b=c'"),
  of('unreachable', 'status', { dead: 'ECONNREFUSED' }),
  of('unreachable-name', 'get clusters', { dead: 'ENOTFOUND' }),
  of('unavailable', 'status', { answers: { 'GET /v1alpha1/status': problem(503, 'UNAVAILABLE', 'the record cannot be reached') } }),
  of('not-a-hub', 'status', { answers: { 'GET /v1alpha1/status': { status: 404, type: 'text/html', body: '<html>' } } }),
  of('denied', 'status', { answers: { 'GET /v1alpha1/status': problem(401, 'UNAUTHENTICATED', 'a valid bearer token is needed') } }),
  of('no-context', 'status', { env: { WHEELHOUSE_URL: '' }, folder: '/nowhere' }),
  of('init-nothing', 'init /nowhere'),
  of('context-list-empty', 'context list', { env: { WHEELHOUSE_URL: '', WHEELHOUSE_CONFIG: '/nowhere/config.yaml' } }),
  of('context-use-missing', 'context use other', { env: { WHEELHOUSE_CONFIG: '/nowhere/config.yaml' } }),
  of('context-delete-missing', 'context delete other', { env: { WHEELHOUSE_CONFIG: '/nowhere/config.yaml' } }),
  of('doctor-unreachable', 'doctor', { dead: 'ECONNREFUSED' }),
  of('doctor-denied', 'doctor', { answers: { 'GET /v1alpha1/status': problem(401, 'UNAUTHENTICATED', 'a valid bearer token is needed') } }),
  of('doctor-settling', 'doctor -o yaml', {
    answers: { 'GET /readyz': json({ ok: true, settling: true, recordBehind: 'dev-1 has seen 1/9, the record says 1/7' }) },
  }),
  of('escape-sequences', 'get cluster evil', {
    answers: { 'GET /v1alpha1/clusters/evil': problem(404, 'NOT_FOUND', 'there is no \u001B[31mred\u001B[0m cluster\r') },
  }),
];

const set = 'kind: Cluster\n';
const applied = (...items: readonly (readonly [string, string])[]): unknown => ({
  items: items.map(([subject, action]) => ({ subject, action })),
  retire: [],
  dryRun: false,
});
const apply = 'POST /v1alpha1/apply';
const promote = 'POST /v1alpha1/tenants/storefront/targets/shop.prod/promote';
const rollout = (state: string, message: string, succeeded = 0): unknown => ({
  kind: 'Rollout',
  metadata: { tenant: 'storefront', name: 'r1', uid: 'r1' },
  spec: { app: 'shop', environment: 'prod', release: 'R2' },
  status: { state, reason: state, message, wave: 1, waves: 1, clusters: { total: 3, succeeded, unchanged: 0 } },
});
const plan = { type: 'Release', release: 'R2', clusters: 3, unchanged: 1, waves: 1 };
const started = json({ dryRun: false, rollout: 'r1', plan, waiting: null });
const rolloutPath = 'GET /v1alpha1/rollouts/r1';
const target = (more: object): unknown => ({
  kind: 'Target',
  metadata: { tenant: 'storefront', name: 'shop.dev', uid: 'u' },
  spec: { app: 'shop', environment: 'dev' },
  status: { health: 'Healthy', rollout: null, waiting: null, placements: { total: 1, healthy: 1 }, ...more },
});
const list = (kind: string, ...items: readonly unknown[]): unknown => ({
  kind: `${kind}List`,
  metadata: { resourceVersion: '1', continue: '' },
  items,
});
const targets = 'GET /v1alpha1/targets';
const rollouts = 'GET /v1alpha1/rollouts';
const shopRollouts = 'GET /v1alpha1/tenants/storefront/rollouts';
const shopPlacements = 'GET /v1alpha1/tenants/storefront/placements';
const degradedTarget = target({
  health: 'Degraded',
  rollout: { uid: 'r1', state: 'Progressing', reason: 'ClustersDegraded', message: '2 degraded: dev-1, dev-2' },
  placements: { total: 3, healthy: 1 },
});
const degradedRollout = (clusters: object): unknown => ({
  kind: 'Rollout',
  metadata: { tenant: 'storefront', name: 'r1', uid: 'r1' },
  spec: { app: 'shop', environment: 'dev', release: 'R2', maxConcurrent: 2 },
  status: {
    state: 'Progressing',
    reason: 'ClustersDegraded',
    message: '2 degraded: dev-1, dev-2',
    clusters: { total: 3, waiting: 1, started: 0, degraded: 0, unreachable: 0, succeeded: 0, unchanged: 0, skipped: 0, ...clusters },
  },
});
const degradedPlacement = {
  kind: 'Placement',
  metadata: { tenant: 'storefront', name: 'dev-1.shop.shop', uid: 'p' },
  spec: { cluster: 'dev-1', app: 'shop', environment: 'dev', namespace: 'shop' },
  status: {
    health: 'Degraded',
    reason: 'HealthTimeout',
    message: 'Deployment web in shop: not healthy within 30 s',
    unhealthy: [
      { object: 'apps/Deployment/shop/web', health: 'Degraded', reason: 'HealthTimeout', message: 'not healthy within 30 s: NotAvailable' },
    ],
  },
};
const appPath = 'GET /v1alpha1/tenants/storefront/apps/shop';
const app = (answeredAt: string, head: string, seen: string, outcome = 'Released'): unknown => ({
  kind: 'App',
  metadata: { tenant: 'storefront', name: 'shop', uid: 'a' },
  status: {
    source: { commit: head, answeredAt, error: null },
    commit: { commit: seen, author: 'Ada Example', outcome, outcomeMessage: 'dev/web.yaml:3: no such field' },
  },
});
const placementPath = 'POST /v1alpha1/tenants/storefront/placements/dev-1.shop.shop/sync';
const noApp = {
  'GET /v1alpha1/tenants/dev-1/apps/shop': problem(404, 'NOT_FOUND', 'there is no App dev-1/shop; there is no tenant dev-1'),
};
const isApp = { 'GET /v1alpha1/placements': json({ kind: 'PlacementList', metadata: { resourceVersion: '1', continue: '' }, items: [] }) };
const hindered = problem(409, 'IN_USE', '2 of 3 cannot be deleted, so nothing was', {
  problems: [
    {
      file: 'stdin',
      line: 3,
      column: 12,
      field: 'metadata.name',
      code: 'IN_USE',
      message: 'Environment/storefront/dev is depended on by App/storefront/shop',
      next: 'delete what depends on it first; what runs on clusters has to be retired, which this version cannot do yet',
    },
    {
      file: 'stdin',
      line: 9,
      column: 12,
      field: 'metadata.name',
      code: 'NOT_DECLARED',
      message: 'Cluster/dev-9 is not there',
      next: 'leave it out, or ignore what is not found',
    },
  ],
});
const deleteSet = 'POST /v1alpha1/delete';
const syncPath = 'POST /v1alpha1/tenants/storefront/apps/shop/sync';
const shopTargets = 'GET /v1alpha1/tenants/storefront/targets';

const tokens = {
  items: [
    { id: '71', name: 'ci', scope: 'read', expiresAt: '2026-12-21T14:47:38.000Z', createdAt: '2026-11-20T12:40:44.000Z' },
    { id: '1', name: 'local-admin', scope: 'admin', expiresAt: '2027-06-21T12:40:44.000Z', createdAt: '2026-06-21T12:40:44.000Z' },
  ],
};

const changes: readonly Case[] = [
  of('apply', "apply -f - --reason 'a new region'", {
    stdin: set,
    answers: {
      [apply]: json(applied(['Cluster/dev-2', 'created'], ['App/storefront/shop', 'configured'], ['Tenant/storefront', 'unchanged'])),
    },
  }),
  of('apply-dry-run', 'apply -f - --dry-run', {
    stdin: set,
    answers: {
      [apply]: json({ ...(applied(['Cluster/dev-2', 'created']) as object), dryRun: true, retire: ['Target/storefront/shop.dev'] }),
    },
  }),
  of('apply-json', 'apply -f - -o json', { stdin: set, answers: { [apply]: json(applied(['Cluster/dev-2', 'created'])) } }),
  of('apply-unchanged', 'apply -f - --exit-code-unchanged -o name', {
    stdin: set,
    answers: { [apply]: json(applied(['Cluster/dev-2', 'unchanged'])) },
  }),
  of('apply-invalid', 'apply -f -', {
    stdin: set,
    answers: {
      [apply]: problem(422, 'RESOURCES_INVALID', 'the set has 2 problems', {
        problems: [
          {
            file: 'stdin',
            line: 3,
            column: 5,
            field: 'metadata.name',
            code: 'FIELD_INVALID',
            message: 'is not a name',
            next: 'use lower-case letters',
          },
          {
            file: 'stdin',
            line: 9,
            column: 3,
            field: 'spec.lables',
            code: 'FIELD_UNKNOWN',
            message: 'is no field of a Cluster',
            next: 'did you mean labels?',
          },
        ],
      }),
    },
  }),
  of('apply-forbidden', 'apply -f -', {
    stdin: set,
    answers: { [apply]: problem(403, 'FORBIDDEN', 'this needs a token of scope admin, not read') },
  }),
  of('apply-no-file', 'apply'),
  of('apply-missing-file', 'apply -f nothing.yaml'),
  of('apply-wait', 'apply -f - --wait', {
    stdin: set,
    answers: {
      [apply]: json(applied(['App/storefront/shop', 'configured'])),
      [targets]: [
        json(list('Target', target({}))),
        json(list('Target', target({ rollout: { uid: 'r1', state: 'Progressing', reason: '', message: '0 of 1 clusters done' } }))),
        json(
          list(
            'Target',
            target({
              rollout: { uid: 'r1', state: 'Succeeded', reason: '', message: '' },
              waiting: { reason: 'ManualPromotion', message: 'promote it by hand' },
            }),
          ),
        ),
      ],
    },
  }),
  of('apply-wait-timed-out', 'apply -f - --wait --timeout 3s', {
    stdin: set,
    answers: {
      [apply]: json(applied(['App/storefront/shop', 'configured'])),
      [targets]: json(list('Target', target({ health: 'Unknown', placements: { total: 2, healthy: 1 } }))),
    },
  }),
  of('apply-wait-degraded', 'apply -f - --wait', {
    stdin: set,
    answers: {
      [apply]: json(applied(['App/storefront/shop', 'configured'])),
      [targets]: [json(list('Target', target({}))), json(list('Target', degradedTarget))],
      [rollouts]: [
        json(list('Rollout', degradedRollout({ started: 1, degraded: 1 }))),
        json(list('Rollout', degradedRollout({ degraded: 2 }))),
      ],
      [shopPlacements]: json(list('Placement', degradedPlacement)),
    },
  }),
  of('apply-wait-degraded-before', 'apply -f - --wait --timeout 8s', {
    stdin: set,
    answers: {
      [apply]: json(applied(['App/storefront/shop', 'configured'])),
      [targets]: json(list('Target', degradedTarget)),
      [rollouts]: json(list('Rollout', degradedRollout({ degraded: 2 }))),
    },
  }),
  of('apply-wait-degraded-unchanged', 'apply -f - --wait', {
    stdin: set,
    answers: {
      [apply]: json(applied(['App/storefront/shop', 'unchanged'])),
      [targets]: json(list('Target', degradedTarget)),
      [rollouts]: json(list('Rollout', degradedRollout({ degraded: 2 }))),
      [shopPlacements]: json(list('Placement', degradedPlacement)),
    },
  }),
  of('delete', "delete cluster dev-2 dev-3 --reason 'given back'", {
    answers: {
      'DELETE /v1alpha1/clusters/dev-2': json({ dryRun: false }),
      'DELETE /v1alpha1/clusters/dev-3': problem(409, 'IN_USE', 'two placements are on it'),
    },
  }),
  of('delete-dry-run', 'delete app/storefront/shop --dry-run', {
    answers: { 'DELETE /v1alpha1/tenants/storefront/apps/shop': json({ dryRun: true }) },
  }),
  of('delete-file', "delete -f - --reason 'moved to another fleet'", {
    stdin: set,
    answers: { [deleteSet]: json(applied(['App/storefront/shop', 'deleted'], ['Cluster/dev-2', 'deleted'])) },
  }),
  of('delete-file-ignore-not-found', 'delete -f - --ignore-not-found --dry-run', {
    stdin: set,
    answers: { [deleteSet]: json(applied(['Cluster/dev-2', 'deleted'], ['Cluster/dev-9', 'absent'])) },
  }),
  of('delete-file-refused', 'delete -f -', { stdin: set, answers: { [deleteSet]: hindered } }),
  of('delete-file-empty', 'delete -f -', { stdin: '', answers: { [deleteSet]: json(applied()) } }),
  of('delete-file-and-name', 'delete -f - cluster dev-2', { stdin: set }),
  of('delete-no-words', 'delete'),
  of('delete-several', 'delete cluster dev-2 dev-3 dev-4', {
    answers: {
      'DELETE /v1alpha1/clusters/dev-2': problem(404, 'NOT_DECLARED', 'there is no Cluster/dev-2'),
      'DELETE /v1alpha1/clusters/dev-3': problem(409, 'IN_USE', 'two placements are on it'),
      'DELETE /v1alpha1/clusters/dev-4': json({ dryRun: false }),
    },
  }),
  of('delete-ignore-not-found', 'delete cluster dev-2 dev-4 --ignore-not-found', {
    answers: {
      'DELETE /v1alpha1/clusters/dev-2': problem(404, 'NOT_DECLARED', 'there is no Cluster/dev-2'),
      'DELETE /v1alpha1/clusters/dev-4': json({ dryRun: false }),
    },
  }),
  of('delete-changed', 'delete cluster dev-2 --resource-version 5.1', {
    answers: {
      'DELETE /v1alpha1/clusters/dev-2': problem(412, 'VERSION_MISMATCH', 'Cluster/dev-2 was read at version 5.1, and now it is at 5.2'),
    },
  }),
  of('delete-kinds', 'delete cluster/dev-2 app/storefront/shop', {
    answers: {
      'DELETE /v1alpha1/clusters/dev-2': json({ dryRun: false }),
      'DELETE /v1alpha1/tenants/storefront/apps/shop': json({ dryRun: false }),
    },
  }),
  of('delete-kinds-not-declared', 'delete cluster/dev-2 release/storefront/r1'),
  of('delete-not-declared', 'delete rollout r1'),
  of('delete-nothing', 'delete cluster'),
  of('promote', "promote storefront/shop --to prod --release R2 --reason 'the fair begins'", { answers: { [promote]: started } }),
  of('promote-dry-run', 'promote storefront/shop --to prod --release R2 --dry-run', {
    answers: { [promote]: json({ dryRun: true, rollout: null, plan, waiting: null }) },
  }),
  of('promote-changed', 'promote storefront/shop --to prod --release R2 --resource-version abc', {
    answers: { [promote]: problem(412, 'VERSION_MISMATCH', 'Target/storefront/shop.prod was read at version abc, and now it is at def') },
  }),
  of('promote-chosen', 'promote shop --to prod', { answers: { [promote]: started } }),
  of('promote-unchanged', 'promote storefront/shop --to prod --release R2 --exit-code-unchanged', {
    answers: { [promote]: json({ dryRun: false, rollout: null, plan: null, waiting: null }) },
  }),
  of('promote-refused', 'promote storefront/shop --to prod --release R2', {
    answers: {
      [promote]: json({
        dryRun: false,
        rollout: null,
        plan: null,
        waiting: { reason: 'PredecessorNotHealthy', message: 'environment staging is not healthy now: staging-1' },
      }),
    },
  }),
  of('promote-wait', 'promote storefront/shop --to prod --release R2 --wait', {
    answers: {
      [promote]: started,
      [rolloutPath]: [
        json(rollout('Progressing', '0 of 3 clusters done')),
        json(rollout('Progressing', '2 of 3 clusters done', 2)),
        json(rollout('Succeeded', '', 3)),
      ],
    },
  }),
  of('promote-wait-failed', 'promote storefront/shop --to prod --release R2 --wait', {
    answers: {
      [promote]: started,
      [rolloutPath]: [json(rollout('Progressing', '0 of 3 clusters done')), json(rollout('Superseded', 'a newer rollout has begun'))],
    },
  }),
  of('promote-wait-degraded', 'promote storefront/shop --to prod --release R2 --wait', {
    answers: {
      [promote]: started,
      [rolloutPath]: json(degradedRollout({ degraded: 1, waiting: 0, succeeded: 2 })),
      // What is wrong has been removed meanwhile: its rollout still says what it was.
      [shopPlacements]: json(list('Placement')),
    },
  }),
  of('promote-wait-timed-out', 'promote storefront/shop --to prod --release R2 --wait --timeout 2s', {
    answers: { [promote]: started, [rolloutPath]: json(rollout('Progressing', '1 of 3 clusters done', 1)) },
  }),
  of('promote-wait-hub-away', 'promote storefront/shop --to prod --release R2 --wait --timeout 2s', {
    answers: { [promote]: started, [rolloutPath]: problem(503, 'UNAVAILABLE', 'the record cannot be reached') },
  }),
  of('sync', "sync storefront/shop --reason 'cannot wait'", {
    answers: { ...isApp, [appPath]: json(app('t1', 'c1', 'c1')), [syncPath]: json({ dryRun: false }) },
  }),
  of('sync-name', 'sync payments nope'),
  of('sync-cluster', "sync dev-1/shop --reason 'look again'", {
    answers: { ...noApp, [placementPath]: json({ dryRun: false, acknowledged: false, problem: null }) },
  }),
  of('sync-cluster-wait', 'sync dev-1/shop --wait', {
    answers: { ...noApp, [placementPath]: json({ dryRun: false, acknowledged: true, problem: null }) },
  }),
  of('sync-cluster-problem', 'sync dev-1/storefront/shop --wait', {
    answers: {
      [placementPath]: json({
        dryRun: false,
        acknowledged: true,
        problem: { reason: 'Forbidden', message: 'shop may not create deployments' },
      }),
    },
  }),
  of('sync-cluster-unreachable', 'sync dev-1/shop', {
    answers: {
      ...noApp,
      [placementPath]: problem(503, 'CLUSTER_UNREACHABLE', 'cluster dev-1 cannot be asked: the spoke is not connected'),
    },
  }),
  of('sync-cluster-timed-out', 'sync dev-1/shop --wait --timeout 2s', {
    answers: { ...noApp, [placementPath]: problem(504, 'COMMAND_TIMED_OUT', 'no answer within 2 s') },
  }),
  of('sync-cluster-missing', 'sync dev-1/nothing', {
    answers: {
      'GET /v1alpha1/tenants/dev-1/apps/nothing': problem(404, 'NOT_FOUND', 'there is no App dev-1/nothing; there is no tenant dev-1'),
    },
  }),
  of('sync-ambiguous', 'sync dev-1/shop', { answers: { 'GET /v1alpha1/tenants/dev-1/apps/shop': json(app('t1', 'c1', 'c1')) } }),
  of('sync-wait', 'sync storefront/shop --wait', {
    answers: {
      ...isApp,
      [syncPath]: json({ dryRun: false }),
      [targets]: json(list('Target', target({}))),
      [shopTargets]: json(list('Target', target({}))),
      [appPath]: [
        json(app('t1', 'c1', 'c1')),
        json(app('t1', 'c1', 'c1')),
        json(app('t1', 'c1', 'c1')),
        json(app('t2', 'c2', 'c1')),
        json(app('t2', 'c2', 'c2')),
      ],
    },
  }),
  of('sync-wait-degraded', 'sync storefront/shop --wait', {
    answers: {
      ...isApp,
      [syncPath]: json({ dryRun: false }),
      [appPath]: [json(app('t1', 'c1', 'c1')), json(app('t1', 'c1', 'c1')), json(app('t2', 'c2', 'c2'))],
      [shopTargets]: json(list('Target', degradedTarget)),
      [shopRollouts]: json(list('Rollout', degradedRollout({ degraded: 1, unreachable: 1 }))),
      [shopPlacements]: json(list('Placement', degradedPlacement)),
    },
  }),
  of('sync-wait-degraded-passes', 'sync storefront/shop --wait', {
    answers: {
      ...isApp,
      [syncPath]: json({ dryRun: false }),
      [appPath]: [json(app('t1', 'c1', 'c1')), json(app('t1', 'c1', 'c1')), json(app('t2', 'c2', 'c2'))],
      // Five seconds of it would end the wait.
      [shopTargets]: [...Array<Answer>(5).fill(json(list('Target', degradedTarget))), json(list('Target', target({})))],
      [shopRollouts]: json(list('Rollout', degradedRollout({ degraded: 2 }))),
    },
  }),
  of('sync-wait-broken-commit', 'sync storefront/shop --wait', {
    answers: {
      ...isApp,
      [syncPath]: json({ dryRun: false }),
      [targets]: json(list('Target', target({}))),
      [appPath]: [json(app('t1', 'c1', 'c1')), json(app('t1', 'c1', 'c1')), json(app('t2', 'c2', 'c2', 'Failed'))],
    },
  }),
  of('page', 'page', {
    answers: { 'POST /v1alpha1/page/invitations': json({ path: '/login#an-example', expiresAt: '2026-11-21T12:50:44.000Z' }) },
  }),
  of('cluster-join-token', "cluster join-token dev-2 --ttl 30m --accepted --reason 'a new region'", {
    answers: { 'POST /v1alpha1/clusters/dev-2/join-token': json({ token: 'whjoin_example', expiresAt: '2026-11-21T13:10:44.000Z' }) },
  }),
  of('token-create', "token create --scope read --name ci --ttl 30d --reason 'for the pipeline'", {
    answers: {
      'POST /v1alpha1/tokens': json({ id: '71', name: 'ci', scope: 'read', expiresAt: '2026-12-21T14:47:38.000Z', token: 'whapi_example' }),
    },
  }),
  of('token-create-no-scope', 'token create --name ci'),
  of('token-create-denied', 'token create --scope admin', {
    answers: { 'POST /v1alpha1/tokens': problem(403, 'FORBIDDEN', 'this needs a token of scope admin, not read') },
  }),
  of('token-create-exists', 'token create --scope read --name ci', {
    answers: { 'POST /v1alpha1/tokens': problem(409, 'TOKEN_EXISTS', 'there is a token ci') },
  }),
  of('token-list', 'token list', { answers: { 'GET /v1alpha1/tokens': json(tokens) } }),
  of('token-list-json', 'token list -o json', { answers: { 'GET /v1alpha1/tokens': json(tokens) } }),
  of('token-revoke', "token revoke 71 --reason 'it has leaked'", {
    answers: { 'DELETE /v1alpha1/tokens/71': json({ dryRun: false }) },
  }),
  of('token-revoke-dry-run', 'token revoke 71 --dry-run', {
    answers: { 'DELETE /v1alpha1/tokens/71': json({ dryRun: true }) },
  }),
  of('token-revoke-missing', 'token revoke 72', {
    answers: { 'DELETE /v1alpha1/tokens/72': problem(404, 'NOT_FOUND', 'there is no token of that id that is still good') },
  }),
  of('token-revoke-local', 'token revoke 1', {
    answers: { 'DELETE /v1alpha1/tokens/1': problem(409, 'TOKEN_IS_LOCAL', 'local-admin lies beside the keys of the hub') },
  }),
  of('cluster-accept', 'cluster accept dev-2', {
    answers: { 'POST /v1alpha1/clusters/dev-2/accept': json({ dryRun: false, changed: true }) },
  }),
  of('cluster-accept-again', 'cluster accept dev-2 --exit-code-unchanged', {
    answers: { 'POST /v1alpha1/clusters/dev-2/accept': json({ dryRun: false, changed: false }) },
  }),
  of('cluster-accept-nobody', 'cluster accept dev-2', {
    answers: {
      'POST /v1alpha1/clusters/dev-2/accept': problem(409, 'NOT_ASKED', 'cluster dev-2 is Declared: no agent has asked to be it'),
    },
  }),
  of('cluster-accept-missing', 'cluster accept nope', {
    answers: { 'POST /v1alpha1/clusters/nope/accept': problem(404, 'NO_SUCH_CLUSTER', 'no cluster nope is declared') },
  }),
];

const cluster = (name: string, health: string, more: object = {}): unknown => ({
  kind: 'Cluster',
  metadata: { name, uid: `u-${name}`, creationTimestamp: '2026-01-01T00:00:00.000Z', labels: {} },
  spec: {},
  status: {
    health,
    connection: 'Connected',
    connectionAgeMs: 900,
    convergence: 'Converged',
    reason: health,
    placements: { total: 2, healthy: 2 },
    ...more,
  },
});
const clusters = 'GET /v1alpha1/clusters';

const watches: readonly Case[] = [
  of('get-watch', 'get clusters -w --timeout 2s', {
    answers: {
      [clusters]: [json(list('Cluster', cluster('dev-1', 'Healthy'), cluster('staging-1', 'Healthy')))],
      [`${clusters}?watch=true&resourceVersion=1`]: stream(
        ['modified', '2', cluster('dev-1', 'Degraded')],
        ['deleted', '3', { kind: 'Cluster', metadata: { name: 'staging-1' } }],
        ['bookmark', '3', {}],
      ),
      [`${clusters}?watch=true&resourceVersion=3`]: stream(['added', '4', cluster('a-cluster-with-a-long-name', 'Healthy')]),
    },
  }),
  of('get-watch-expired', 'get clusters -w --timeout 1s -o name', {
    answers: {
      [clusters]: [json(list('Cluster', cluster('dev-1', 'Healthy')))],
      [`${clusters}?watch=true&resourceVersion=1`]: problem(410, 'WATCH_EXPIRED', 'too old'),
    },
  }),
];

const since = '2026-11-21T11:00:00.000Z';
const held = (scope: string, until: string | null = null): unknown => ({ scope, by: 'user:ada', reason: 'the fair', since, until });
const changed = (hold: unknown, more: object = {}): unknown => ({
  changed: true,
  dryRun: false,
  hold,
  rollouts: 1,
  placements: 0,
  ...more,
});
const same = (hold: unknown): unknown => changed(hold, { changed: false });
const later = '2026-11-21T18:00:00.000Z';
const devOne = 'POST /v1alpha1/clusters/dev-1';
const shop = 'POST /v1alpha1/tenants/storefront/apps/shop';
const onDevOne = 'POST /v1alpha1/tenants/storefront/placements/dev-1.shop.shop';
const placement = (holds: readonly unknown[], more: object = {}): unknown => ({
  kind: 'Placement',
  metadata: { tenant: 'storefront', name: 'dev-1.shop.shop', uid: 'p1', labels: {} },
  spec: { cluster: 'dev-1', app: 'shop', environment: 'dev', namespace: 'shop', mode: 'Enforce' },
  status: {
    state: 'Active',
    holdReason: '',
    holds,
    connection: 'Connected',
    connectionAgeMs: 900,
    convergence: 'Converged',
    wanted: 'sha256:0ea165e86c67aaaa',
    observed: 'sha256:0ea165e86c67aaaa',
    releaseAlias: 'R1',
    health: 'Healthy',
    healthAgeMs: 900,
    reason: 'Healthy',
    message: '3 of 3 objects are healthy',
    since,
    changedBy: {
      rollout: 'r1',
      release: 'R1',
      commit: '61cdde20bd48',
      author: 'Ada',
      message: 'first',
      actor: 'system:promotion',
      reason: '',
      at: since,
    },
    objects: 3,
    unhealthy: [],
    ...more,
  },
});
const onlyShop = 'GET /v1alpha1/tenants/storefront/placements';
const shopDev = 'GET /v1alpha1/tenants/storefront/targets/shop.dev';
const firstRollout = 'GET /v1alpha1/tenants/storefront/rollouts/r1';
const stopped: readonly Case[] = [
  of('freeze', "freeze cluster dev-1 --for 2h --reason 'the fair'", {
    answers: { [`${devOne}/freeze`]: json(changed(held('Cluster', later))) },
  }),
  of('freeze-several', "freeze cluster dev-1 dev-2 --until 2026-11-21T19:00:00+01:00 --reason 'the fair'", {
    answers: {
      [`${devOne}/freeze`]: json(same(held('Cluster', later))),
      'POST /v1alpha1/clusters/dev-2/freeze': problem(404, 'NOT_FOUND', 'there is no Cluster/dev-2'),
    },
  }),
  of('freeze-unchanged', "freeze cluster dev-1 --reason 'the fair' --exit-code-unchanged", {
    answers: { [`${devOne}/freeze`]: json(same(held('Cluster'))) },
  }),
  of('freeze-dry-run', "freeze env storefront/prod --reason 'the fair' --dry-run", {
    answers: {
      'POST /v1alpha1/tenants/storefront/environments/prod/freeze': json(changed(held('Environment'), { dryRun: true, rollouts: 2 })),
    },
  }),
  of('freeze-fleet', "freeze fleet --reason 'the fair'", {
    answers: { 'POST /v1alpha1/freeze': json(changed(held('Fleet'), { rollouts: 3 })) },
  }),
  of('freeze-denied', "freeze fleet --reason 'the fair'", {
    answers: { 'POST /v1alpha1/freeze': problem(403, 'FORBIDDEN', 'this needs a token of scope operate, not read') },
  }),
  of('freeze-no-reason', 'freeze cluster dev-1'),
  of('freeze-no-name', 'freeze cluster --reason x'),
  of('freeze-app', 'freeze app shop --reason x'),
  of('freeze-for-and-until', 'freeze fleet --for 2h --until 2026-11-21T19:00:00Z --reason x'),
  of('freeze-until-someday', 'freeze fleet --until tomorrow --reason x'),
  of('unfreeze', "unfreeze cluster dev-1 --reason 'it is over'", { answers: { [`${devOne}/unfreeze`]: json(changed(null)) } }),
  of('unfreeze-unchanged', 'unfreeze cluster/dev-1 --exit-code-unchanged', { answers: { [`${devOne}/unfreeze`]: json(same(null)) } }),
  of('suspend-rollout', "suspend rollout r1 --reason 'it smells'", {
    answers: {
      'GET /v1alpha1/rollouts/r1': json(rollout('Progressing', '0 of 3 clusters done')),
      'POST /v1alpha1/tenants/storefront/rollouts/r1/suspend': json(changed(held('Rollout'))),
    },
  }),
  of('suspend-rollout-ended', "suspend rollout r1 -t storefront --reason 'it smells'", {
    answers: {
      'POST /v1alpha1/tenants/storefront/rollouts/r1/suspend': problem(
        409,
        'ROLLOUT_ENDED',
        'Rollout/storefront/r1 has ended (Succeeded, AllHealthy)',
      ),
    },
  }),
  of('suspend-app', "suspend app storefront/shop --reason 'by hand for once'", {
    answers: { [`${shop}/suspend`]: json(changed(held('App'), { placements: 6 })) },
  }),
  of('suspend-app-cluster', "suspend app storefront/shop --cluster dev-1 --for 30m --reason 'by hand for once'", {
    answers: {
      [onlyShop]: json(list('Placement', placement([]))),
      [`${onDevOne}/suspend`]: json(changed(held('Placement', later), { placements: 1 })),
    },
  }),
  of('suspend-app-not-there', 'suspend app storefront/shop --cluster dev-9 --reason x', {
    answers: { [onlyShop]: json(list('Placement')) },
  }),
  of('suspend-cluster', 'suspend cluster dev-1 --reason x'),
  of('resume-rollout', 'resume rollout r1 -t storefront', {
    answers: { 'POST /v1alpha1/tenants/storefront/rollouts/r1/resume': json(changed(null)) },
  }),
  of('resume-app-cluster', 'resume app storefront/shop --cluster dev-1', {
    answers: {
      [onlyShop]: json(list('Placement', placement([held('Placement')]))),
      [`${onDevOne}/resume`]: json(changed(null, { placements: 1 })),
    },
  }),
  of('get-clusters-frozen', 'get clusters', {
    answers: {
      [clusters]: json(
        list('Cluster', cluster('dev-1', 'Healthy', { frozen: held('Cluster', later) }), cluster('dev-2', 'Healthy', { frozen: null })),
      ),
    },
  }),
  of('get-clusters-frozen-terminal', 'get clusters', {
    terminal: true,
    answers: { [clusters]: json(list('Cluster', cluster('dev-1', 'Healthy', { frozen: held('Cluster') }))) },
  }),
  of('explain-frozen', 'explain dev-1/storefront/shop', {
    answers: {
      [onlyShop]: json(list('Placement', placement([held('Cluster', later), held('Environment')]))),
      [shopDev]: json(
        target({
          rollout: { uid: 'r2', state: 'Progressing', reason: 'EnvironmentFrozen', message: 'environment dev is frozen by user:ada' },
          waiting: { reason: 'EnvironmentFrozen', message: 'environment dev is frozen by user:ada' },
        }),
      ),
      [firstRollout]: json(rollout('Succeeded', '', 3)),
    },
  }),
  of('explain-suspended', 'explain dev-1/storefront/shop', {
    answers: {
      [onlyShop]: json(
        list(
          'Placement',
          placement([held('Placement')], { health: 'Suspended', reason: 'Suspended', message: 'suspended here by user:ada' }),
        ),
      ),
      [shopDev]: json(target({ rollout: { uid: 'r1', state: 'Succeeded', reason: 'AllHealthy', message: '' } })),
      [firstRollout]: json(rollout('Succeeded', '', 3)),
    },
  }),
  of('complete-freeze', "__complete -- freeze ''"),
  of('complete-freeze-name', '__complete -- freeze cluster prod'),
  of('complete-freeze-fleet', "__complete -- freeze fleet ''"),
];

export const cases: readonly Case[] = [...helps, ...gets, ...looks, ...wrongs, ...changes, ...watches, ...stopped];
