// One trace from the commit to healthy: hub and spoke in this process, so that one exporter hears both; everything else is as it is in a fleet.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { HubClient } from '#deploy/local/fleet/mod.ts';
import { temporaryFolder } from '#deploy/local/processes/mod.ts';
import { startGitServer, startNats, startRegistry } from '#deploy/local/servers/mod.ts';
import { openFleet } from '#hub/identity/mod.ts';
import { openSqliteStore } from '#hub/store/mod.ts';
import { serverConfig } from '#shared/bus/mod.ts';
import { systemClock, systemRandom } from '#shared/clock/mod.ts';
import { parseJoinToken } from '#shared/signing/mod.ts';
import { memoryExporter, silentLog, startTelemetry } from '#shared/telemetry/mod.ts';
import { fromKubeconfig } from '#spoke/kube/mod.ts';
import { hubConfig, keysDir, recordFile, startHub } from '#hub/mod.ts';
import { runSpoke } from '#spoke/mod.ts';
import { bareClusters, spokeKubeconfig } from './clusters.ts';
import { manifests, rowsOf } from './scenes.ts';
import { until, untilFound } from './waits.ts';

const parts = { clock: systemClock, random: systemRandom };
const author = { name: 'Ada', email: 'ada@example.com' };

/** Every hop that a change takes, in order. */
const hops = [
  'sources.read',
  'packaging.build',
  'packaging.push',
  'hub.release',
  'hub.promotion.start',
  'hub.rollouts.decide',
  'hub.dispatch.publish',
  'spoke.accept',
  'spoke.reconcile',
  'spoke.fetch',
  'spoke.apply',
  'hub.report',
];

describe('telemetry', { timeout: 3 * 60_000 }, () => {
  test('a change is one trace, from the reading of its commit to the report that it is healthy', async () => {
    const exporter = await memoryExporter();
    const telemetry = await startTelemetry({ service: 'test', version: '0', exporter });
    using folder = temporaryFolder('trace');
    const data = folder.path;
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(150_000)]);
    await using servers = new AsyncDisposableStack();
    const kubes = await bareClusters(join(data, 'kube'), ['one']);
    servers.defer(() => kubes.stop());
    const git = servers.use(await startGitServer({ dir: join(data, 'git'), signal }));
    const registry = servers.use(await startRegistry({ dir: join(data, 'registry'), signal }));
    const hubDir = join(data, 'hub');
    const nats = servers.use(await startNats({ dir: join(data, 'nats'), configText: await natsConfig(hubDir, data), signal }));
    const config = hubConfig({
      WHEELHOUSE_DATA: hubDir,
      WHEELHOUSE_NATS_URL: nats.url,
      WHEELHOUSE_REGISTRY: `${registry.address}/wheelhouse`,
      WHEELHOUSE_BEAT: '300ms',
      WHEELHOUSE_POLL: '300ms',
    });
    const hub = await startHub({ config, ...parts, log: silentLog }, signal);
    servers.defer(() => hub.stop());
    const client = await HubClient.open(hubDir, hub.ports.api);
    const gitUrl = await git.createRepository('team/web');
    await git.commitFiles('team/web', { 'app.yaml': manifests('one') }, 'Add the app', author);
    await client.apply(resources(gitUrl), 'a test');
    const joinToken = parseJoinToken(await client.joinToken('one'));
    const kube = await fromKubeconfig(await spokeKubeconfig(kubes.cluster('one'), data), undefined, parts);
    const spoke = runSpoke({ config: { joinToken, cacheDir: undefined }, kube, ...parts, log: silentLog }, signal);
    servers.defer(async () => {
      stop.abort(new Error('the test has ended'));
      await spoke;
    });
    const traceOf = async (commit: string): Promise<string> => {
      await until('the commit is healthy on the cluster', async () => {
        const { clusters: found, releases } = await client.snapshot();
        const placement = found[0]?.placements[0];
        const release = releases.find((one) => one.commit === commit);
        const is = placement?.health === 'Healthy' && placement.wanted === placement.observed;
        return (is && release !== undefined && placement.release === release.digest) || { placement };
      });
      const [row] = rowsOf(hubDir, 'SELECT traceparent FROM commits WHERE "commit" = ?', [commit]);
      return String(row?.['traceparent']).split('-')[1] ?? '';
    };
    const first = await untilFound(
      'a first commit',
      () => String(rowsOf(hubDir, 'SELECT "commit" FROM commits')[0]?.['commit'] ?? '') || undefined,
    );
    const traces = [await traceOf(first)];
    traces.push(await traceOf(await git.commitFiles('team/web', { 'app.yaml': manifests('two') }, 'Change the app', author)));
    assert.notEqual(traces[0], traces[1], 'two changes are two traces');
    const spans = exporter.getFinishedSpans();
    for (const trace of traces) {
      const names = new Set(spans.filter((one) => one.spanContext().traceId === trace).map(({ name }) => name));
      assert.deepEqual(
        hops.filter((hop) => !names.has(hop)),
        [],
        `hops outside the trace of their change; in it: ${[...names].join(', ')}`,
      );
      const healthy = spans.filter((one) => one.name === 'hub.report' && one.spanContext().traceId === trace);
      assert.ok(healthy.some(({ attributes }) => attributes['wheelhouse.health'] === 'HEALTH_HEALTHY'));
    }
    await servers.disposeAsync();
    await telemetry.stop();
  });
});

const resources = (gitUrl: string): string =>
  [
    { kind: 'Cluster', metadata: { name: 'one' }, spec: { labels: { environment: 'dev' } } },
    { kind: 'Tenant', metadata: { name: 'team' }, spec: { sources: [gitUrl], namespaces: ['web'], kinds: ['*'], serviceAccount: 'team' } },
    {
      kind: 'Environment',
      metadata: { tenant: 'team', name: 'dev' },
      spec: { clusterSelector: { matchLabels: { environment: 'dev' } }, promotion: { mode: 'Automatic' } },
    },
    {
      kind: 'App',
      metadata: { tenant: 'team', name: 'web' },
      spec: { source: { git: { url: gitUrl, ref: { branch: 'main' } } }, targets: [{ environment: 'dev', namespace: 'web' }] },
    },
  ]
    .map((one) => JSON.stringify({ apiVersion: 'wheelhouse.dev/v1alpha1', ...one }))
    .join('\n---\n');

/** The hub's keys come first: NATS is configured with them. */
async function natsConfig(hubDir: string, data: string): Promise<string> {
  await mkdir(hubDir, { recursive: true, mode: 0o700 });
  await using store = await openSqliteStore({ ...parts, file: recordFile(hubDir) });
  const { keys } = await openFleet(store, keysDir(hubDir), parts.clock, parts.random);
  return serverConfig(keys.nats, { accountsDir: join(data, 'nats', 'accounts') });
}
