import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Assignment, AssignmentReport } from '#proto/mod.ts';
import { systemClock, systemRandom } from '#shared/clock/mod.ts';
import { MemoryRegistry } from '#shared/oci/mod.ts';
import { silentLog } from '#shared/telemetry/mod.ts';
import { contentFetcher, memoryCache } from '#spoke/fetch/mod.ts';
import { fromKubeconfig, type HttpKubeClient } from '#spoke/kube/mod.ts';
import { SpokeState } from '#spoke/state/mod.ts';
import { Tenancy } from '#spoke/tenancy/mod.ts';
import { startFleet, type ControlPlane, type KubeFleet } from '#test/kube/mod.ts';
import { startAssignments, type Assignments } from './mod.ts';
import { baseInputs, configMap, Contents, deployment, digestOnly, filesOf, fleetId } from './testing/rig.ts';

const waitMaxMs = 60_000;
const account = 'system:serviceaccount:wheelhouse-tenants:shop';

let dir: string;
let fleet: KubeFleet;
let plane: ControlPlane;
let client: HttpKubeClient;
let state: SpokeState;
let spoke: Assignments;
const registry = new MemoryRegistry();
const contents = new Contents(registry);
const reports = new Map<string, AssignmentReport>();
const { signal } = new AbortController();
let generation = 0;

function start(): void {
  spoke = startAssignments({
    kube: client,
    store: state.assignments,
    fetcher: contentFetcher({ registry, cache: memoryCache(), policies: () => digestOnly, clock: systemClock }),
    tenancy: new Tenancy(client, systemClock),
    clock: systemClock,
    random: systemRandom,
    fleetId,
    onReport: (uid, report) => reports.set(uid, report),
    log: silentLog,
  });
}
const desire = (...assignments: readonly Assignment[]): void =>
  spoke.setDesired(assignments, {
    fence: { epoch: 1, generation: ++generation, hash: Buffer.alloc(0) },
    receivedAtMonotonicMs: performance.now(),
  });

async function eventually(what: string, is: () => boolean | Promise<boolean>): Promise<void> {
  const until = performance.now() + waitMaxMs;
  while (!(await is())) {
    if (performance.now() > until) {
      const said = [...reports.values()].map((r) => `${r.assignmentUid}: ${r.health} ${r.reason}: ${r.message}`);
      assert.fail(`${what}: not within ${waitMaxMs} ms; ${said.join(' | ')}`);
    }
    await systemClock.sleep(50);
  }
}
const healthy = (a: Assignment): Promise<void> =>
  eventually(
    `${a.uid} is healthy`,
    () => reports.get(a.uid)?.health === 'HEALTH_HEALTHY' && reports.get(a.uid)?.revisionApplied === a.revision,
  );
const reason = (uid: string, wanted: string): Promise<void> =>
  eventually(`${uid} says ${wanted}`, () => reports.get(uid)?.reason === wanted);

async function kubectl(...args: readonly string[]): Promise<string> {
  const result = await plane.kubectl(...args);
  assert.equal(result.code, 0, JSON.stringify(result));
  return result.stdout;
}
const exists = async (...args: readonly string[]): Promise<boolean> => (await plane.kubectl('get', ...args)).code === 0;

interface Audited {
  readonly verb: string;
  readonly requestURI: string;
  readonly impersonatedUser?: { readonly username: string };
  readonly user?: { readonly username: string };
}
/** Every mutating request so far, dry runs too. */
async function mutations(): Promise<readonly Audited[]> {
  const lines = (await readFile(plane.auditLog, 'utf8')).split('\n').filter((line) => line !== '');
  return lines
    .map((line) => JSON.parse(line) as Audited)
    .filter(({ verb }) => ['create', 'update', 'patch', 'delete', 'deletecollection'].includes(verb));
}
const byTenant = async (): Promise<readonly string[]> =>
  (await mutations()).filter((one) => one.impersonatedUser?.username === account).map(({ verb, requestURI }) => `${verb} ${requestURI}`);

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'wheelhouse-assignments-'));
  fleet = await startFleet({ dir, names: ['assignments'] });
  plane = fleet.cluster('assignments');
  client = await fromKubeconfig(plane.kubeconfig);
  const rbac = await plane.apply(await readFile(join(import.meta.dirname, '../../deploy/spoke/rbac.yaml'), 'utf8'));
  assert.equal(rbac.code, 0, JSON.stringify(rbac));
  state = await SpokeState.open({ client, clock: systemClock, random: systemRandom }, signal);
  start();
});
after(async () => {
  await spoke?.stop();
  await client?.[Symbol.asyncDispose]();
  await fleet?.stop();
  await rm(dir, { recursive: true, force: true });
});

const service = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
});
const nowhere = JSON.stringify({
  ...(JSON.parse(deployment('nowhere')) as object),
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'nowhere' } },
    template: {
      metadata: { labels: { app: 'nowhere' } },
      spec: { nodeSelector: { planet: 'mars' }, containers: [{ name: 'c', image: 'nginx' }] },
    },
  },
});

describe('assignments on a real control plane', { timeout: 10 * 60_000 }, () => {
  let first: Assignment;

  test('from a digest to healthy, owned by our field manager, under the tenant account', async () => {
    first = await contents.assignment('p1', filesOf(deployment('web'), service, configMap('settings'), configMap('old')));
    desire(first);
    await healthy(first);
    const managers = await kubectl(
      'get',
      'deployment',
      'web',
      '-n',
      'shop',
      '--show-managed-fields',
      '-o',
      'jsonpath={.metadata.managedFields[*].manager}',
    );
    assert.match(managers, /\bwheelhouse\b/);
    assert.ok((await byTenant()).some((line) => line.startsWith('patch /apis/apps/v1/namespaces/shop/deployments/web')));
    assert.equal(reports.get('p1')?.inventory?.objects, 4);
  });

  test('after a restart nothing is written: not by the tenant, not to the record', async () => {
    await spoke.stop();
    reports.clear();
    const before = await mutations();
    start();
    desire(first);
    await healthy(first);
    await systemClock.sleep(3_000);
    const since = (await mutations())
      .slice(before.length)
      .filter(({ requestURI }) => /namespaces\/(shop|wheelhouse-system)\//.test(requestURI));
    const spokes = since.filter((one) => one.impersonatedUser !== undefined || one.requestURI.includes('wheelhouse-system'));
    assert.deepEqual(spokes, []);
  });

  test('drift is corrected and who did it is named', async () => {
    await kubectl('scale', 'deployment/web', '-n', 'shop', '--replicas=2');
    await eventually(
      'replicas are back',
      async () => (await kubectl('get', 'deployment/web', '-n', 'shop', '-o', 'jsonpath={.spec.replicas}')) === '1',
    );
    await eventually('it is said', () =>
      /drift corrected: Deployment web in shop: \.spec\.replicas was changed by kubectl \(scale\)/.test(reports.get('p1')?.message ?? ''),
    );
    await kubectl('delete', 'configmap/settings', '-n', 'shop');
    await eventually('it is back', () => exists('configmap/settings', '-n', 'shop'));
    await kubectl('label', 'configmap/settings', '-n', 'shop', 'team=theirs');
    const before = (await byTenant()).length;
    await systemClock.sleep(2_000);
    assert.equal((await byTenant()).length, before, 'a label beside ours is no drift');
    await healthy(first);
  });

  test('a second revision changes what it changed, and prunes what it dropped', async () => {
    const version = (): Promise<string> => kubectl('get', 'configmap/settings', '-n', 'shop', '-o', 'jsonpath={.metadata.resourceVersion}');
    const kept = await version();
    first = await contents.assignment('p1', filesOf(deployment('web', 'nginx:2'), service, configMap('settings')));
    desire(first);
    await healthy(first);
    await eventually('old is pruned', async () => !(await exists('configmap/old', '-n', 'shop')));
    assert.equal(await version(), kept);
  });

  test('a Deployment that no node fits is Degraded by name', async () => {
    desire(first, await contents.assignment('p2', filesOf(nowhere), { health: { timeoutMs: 3_000 } }));
    await reason('p2', 'HealthTimeout');
    assert.equal(reports.get('p2')?.health, 'HEALTH_DEGRADED');
    assert.match(reports.get('p2')?.message ?? '', /Deployment nowhere in shop/);
    assert.equal(reports.get('p1')?.health, 'HEALTH_HEALTHY');
  });

  test('what is outside the tenant is refused here, and what the account may not is denied there', async () => {
    const role = JSON.stringify({ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'mine' }, rules: [] });
    const before = (await byTenant()).length;
    const outside = await contents.assignment('p3', filesOf(configMap('a', '1', 'default')));
    desire(first, outside);
    await reason('p3', 'NotAllowed');
    assert.equal((await byTenant()).length, before);
    const above = await contents.assignment('p4', filesOf(configMap('beside'), role), {
      allow: { namespaces: ['shop'], kinds: ['*', 'ClusterRole'] },
    });
    desire(first, above);
    await reason('p4', 'Denied');
    assert.match(reports.get('p4')?.message ?? '', /system:serviceaccount:wheelhouse-tenants:shop may not/);
    assert.equal(await exists('configmap/beside', '-n', 'shop'), false, 'all or nothing');
  });

  test('fields that somebody else manages are not taken', async () => {
    await kubectl('create', 'configmap', 'theirs', '-n', 'shop', '--from-literal=value=x');
    desire(first, await contents.assignment('p5', filesOf(configMap('theirs'))));
    await reason('p5', 'Conflict');
    assert.match(reports.get('p5')?.message ?? '', /kubectl-create/);
  });

  test('a tombstone removes everything; what controllers copied our labels to is not ours', async () => {
    const copies = await kubectl('get', 'endpointslices', '-n', 'shop', '-l', 'wheelhouse.dev/assignment=p1', '-o', 'name');
    assert.notEqual(copies.trim(), '', 'the controller has stopped copying: then this proves nothing');
    desire({ ...first, state: 'ASSIGNMENT_STATE_REMOVED', deletionPolicy: 'DELETION_POLICY_DELETE' });
    await eventually('removed', () => reports.get('p1')?.removed === true);
    for (const name of ['deployment/web', 'service/web', 'configmap/settings']) assert.equal(await exists(name, '-n', 'shop'), false, name);
    assert.deepEqual(await state.assignments.load('p1', signal), undefined);
  });

  test('a custom resource and its definition in one set, once the platform lets the tenant', async () => {
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'widgets.acme.dev' },
      spec: {
        group: 'acme.dev',
        scope: 'Namespaced',
        names: { kind: 'Widget', plural: 'widgets', singular: 'widget', listKind: 'WidgetList' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } },
            },
          },
        ],
      },
    };
    const widget = { apiVersion: 'acme.dev/v1', kind: 'Widget', metadata: { name: 'w' }, spec: { size: 1 } };
    await kubectl('create', 'clusterrole', 'tenant-extra', '--verb=*', '--resource=customresourcedefinitions.apiextensions.k8s.io');
    await kubectl('create', 'clusterrolebinding', 'tenant-extra', '--clusterrole=tenant-extra', '--serviceaccount=wheelhouse-tenants:shop');
    await plane.apply(
      JSON.stringify({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name: 'tenant-widgets', labels: { 'wheelhouse.dev/aggregate-to-tenant': 'true' } },
        rules: [{ apiGroups: ['acme.dev'], resources: ['widgets'], verbs: ['*'] }],
      }),
    );
    const allow = { ...baseInputs.allow, kinds: ['*', 'CustomResourceDefinition'] };
    const custom = await contents.assignment('p6', filesOf(JSON.stringify(widget), JSON.stringify(crd)), { allow });
    desire(custom);
    await healthy(custom);
  });

  test('an API server that is stopped is noticed by the second asking', async () => {
    spoke.health();
    await systemClock.sleep(500);
    assert.deepEqual(spoke.health(), { observing: true });
    plane.pause('apiserver');
    try {
      await systemClock.sleep(500);
      spoke.health();
      await systemClock.sleep(500);
      assert.equal(spoke.health().observing, false);
    } finally {
      plane.resume('apiserver');
    }
    await eventually('it sees again', () => spoke.health().observing);
  });
});
