// `npm start` as a person runs it.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { temporaryFolder } from '#deploy/local/processes/mod.ts';
import type { StartDocument } from '#deploy/local/fleet/mod.ts';
import { startFleet } from '#test/kube/mod.ts';
import { assertNothingLeft, launch, npmStart, tracesOf, type Command } from './commands.ts';
import { kubectl } from './fleets.ts';
import { commandOf } from './traces.ts';
import { eventually } from './waits.ts';

describe('npm start', { timeout: 10 * 60_000 }, () => {
  test('--once --json: one document on stdout, and the objects are there, ours by field manager', async () => {
    using temporary = temporaryFolder('e2e');
    const data = join(temporary.path, 'data');
    await using command = npmStart(['--once', '--json', '--clusters', '3', '--data', data], temporary.path);
    const { code, stdout, stderr } = await command.ended;
    assert.equal(code, 0, stderr);
    const document = JSON.parse(stdout) as StartDocument;
    assertShape(document);
    assert.deepEqual([document.ok, document.reason, document.kubernetes], [true, null, 'real']);
    await assertNothingLeft(temporary.path, { pids: [], ports: [] }, ['data']);

    await using kube = await startFleet({ dir: join(data, 'kube'), names: ['dev-1', 'staging-1', 'prod-1'] });
    const replicas = { 'dev-1': 1, 'staging-1': 2, 'prod-1': 3 };
    for (const plane of kube.clusters) {
      const objects = await kubectl(
        plane,
        'get',
        'configmap/shop-settings',
        'deployment/web',
        'service/web',
        '-n',
        'shop',
        '-o',
        'json',
        managed,
      );
      const items = (JSON.parse(objects) as { items: KubeItem[] }).items;
      assert.deepEqual(items.map(({ kind }) => kind).toSorted(), ['ConfigMap', 'Deployment', 'Service']);
      for (const { kind, metadata } of items) {
        const managers = metadata.managedFields.filter(({ operation }) => operation === 'Apply').map(({ manager }) => manager);
        assert.deepEqual(managers, ['wheelhouse'], `${plane.name}: ${kind}`);
      }
      const web = items.find(({ kind }) => kind === 'Deployment');
      assert.deepEqual(
        [web?.spec?.replicas, web?.status?.readyReplicas],
        [replicas[plane.name as keyof typeof replicas], web?.spec?.replicas],
      );
      await kubectl(plane, 'wait', '--for=condition=Available', 'deployment/api', '-n', 'ledger', '--timeout=30s');
    }
  });

  const stages: readonly { readonly what: string; readonly reached: RegExp }[] = [
    { what: 'while the cluster starts', reached: /^/ },
    { what: 'while a release travels', reached: /rollout .*begins/ },
    { what: 'when all is done', reached: /done +every app is healthy/ },
  ];
  const ways: readonly { readonly how: string; readonly signal: NodeJS.Signals; readonly start: typeof launch }[] = [
    { how: 'SIGINT', signal: 'SIGINT', start: npmStart },
    { how: 'SIGTERM', signal: 'SIGTERM', start: launch },
    { how: 'SIGKILL of the launcher', signal: 'SIGKILL', start: launch },
  ];
  for (const [index, { how, signal, start }] of ways.entries()) {
    const stage = stages[index];
    assert.ok(stage);
    test(`nothing is left after ${how} ${stage.what}`, async () => {
      using temporary = temporaryFolder('e2e');
      await using command = start(['--clusters', '1'], temporary.path);
      const seen = await reached(command, temporary.path, stage.reached);
      command.kill(signal);
      const ended = await command.ended;
      // npm itself ends by the signal; the launcher passes on what the program says.
      if (start === launch && signal !== 'SIGKILL') assert.equal(ended.code, 0, command.output());
      await assertNothingLeft(temporary.path, seen, []);
    });
  }

  test('SIGTERM with --once and --json says that it was stopped, in a document, and is no success', async () => {
    using temporary = temporaryFolder('e2e');
    await using command = launch(['--clusters', '1', '--once', '--json'], temporary.path);
    const seen = await reached(command, temporary.path, /hub +http/);
    command.kill('SIGTERM');
    const { code, stdout } = await command.ended;
    assert.equal(code, 1);
    const document = JSON.parse(stdout) as StartDocument;
    assert.deepEqual([document.ok, document.reason], [false, 'stopped: SIGTERM']);
    await assertNothingLeft(temporary.path, seen, []);
  });

  test('SIGKILL of the program itself: its guard ends the rest', async () => {
    using temporary = temporaryFolder('e2e');
    await using command = launch(['--clusters', '1'], temporary.path);
    const seen = await reached(command, temporary.path, /hub +http/);
    const program = seen.pids.find((pid) => pid !== command.pid && /deploy\/local\/start\.ts/.test(commandOf(pid)));
    assert.ok(program);
    process.kill(program, 'SIGKILL');
    await command.ended;
    await assertNothingLeft(temporary.path, seen, []);
  });

  test('--timeout gives up, and says what was missing', async () => {
    using temporary = temporaryFolder('e2e');
    await using command = npmStart(['--clusters', '1', '--once', '--json', '--timeout', '1s'], temporary.path);
    const { code, stdout, stderr } = await command.ended;
    assert.equal(code, 1);
    const document = JSON.parse(stdout) as StartDocument;
    assert.equal(document.ok, false);
    assert.match(document.reason ?? '', /^timed out after 1 s: \S+/);
    assert.match(stderr, /not done: timed out/);
    await assertNothingLeft(temporary.path, { pids: [], ports: [] }, []);
  });

  const wrong: readonly { readonly args: readonly string[]; readonly code: number; readonly says: RegExp }[] = [
    { args: ['--clusters', '0'], code: 2, says: /--clusters 0: give a whole number/ },
    { args: ['--clusters', 'three'], code: 2, says: /--clusters three/ },
    { args: ['--clusters'], code: 2, says: /--clusters/ },
    { args: ['--timeout', 'soon'], code: 2, says: /--timeout soon: give a duration/ },
    { args: ['--onse'], code: 2, says: /--onse.*--help/ },
    { args: ['once'], code: 2, says: /once/ },
    { args: ['--kubernetes', 'docker'], code: 2, says: /--kubernetes docker: give sandbox or real/ },
    { args: ['--manifests', '/nonexistent', '--once'], code: 1, says: /--manifests \/nonexistent: there is no such folder/ },
    { args: ['--kubeconfig', '/nonexistent', '--once'], code: 1, says: /\/nonexistent/ },
  ];
  for (const { args, code, says } of wrong) {
    test(`wrong: ${args.join(' ')}`, async () => {
      using temporary = temporaryFolder('e2e');
      await using command = launch([...args, '--json'], temporary.path);
      const said = await command.ended;
      assert.deepEqual([said.code, said.stdout], [code, ''], said.stderr);
      assert.match(said.stderr, says);
      assert.match(said.stderr, /^wheelhouse: [^\n]*\n$/m, 'a sentence, no stack');
      await assertNothingLeft(temporary.path, { pids: [], ports: [] }, []);
    });
  }
});

const managed = '--show-managed-fields';

interface KubeItem {
  readonly kind: string;
  readonly metadata: { readonly managedFields: readonly { readonly manager: string; readonly operation: string }[] };
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly readyReplicas?: number };
}

/** Waits for a line, then looks at what runs. */
async function reached(command: Command, temporary: string, line: RegExp): Promise<ReturnType<typeof tracesOf>> {
  return eventually(
    `the output ${line}`,
    120_000,
    async () => {
      if (!line.test(command.output())) return undefined;
      const seen = tracesOf(temporary);
      return seen.ports.length > 0 ? seen : undefined;
    },
    command.output,
  );
}

/** The shape that is documented for `--json`, key by key: a new key is a decision. */
function assertShape(document: StartDocument): void {
  const hex = /^sha256:[0-9a-f]{64}$/;
  assert.deepEqual(Object.keys(document), ['ok', 'reason', 'took', 'kubernetes', 'releases', 'clusters', 'memory']);
  assert.ok(document.took > 0 && document.took < 300);
  assert.deepEqual(document.releases.map(({ tenant, app }) => `${tenant}/${app}`).toSorted(), ['payments/ledger', 'storefront/shop']);
  for (const release of document.releases) {
    assert.deepEqual(Object.keys(release), ['tenant', 'app', 'alias', 'digest', 'commit']);
    assert.match(release.digest, hex);
    assert.match(release.commit, /^[0-9a-f]{40}$/);
    assert.ok(release.alias.includes(release.commit.slice(0, 7)));
  }
  const { hubMiB, spokesMiB, sandboxMiB } = document.memory;
  assert.ok(hubMiB !== null && hubMiB > 20 && spokesMiB !== null && spokesMiB > 20);
  assert.equal(sandboxMiB, null, 'real clusters');
  const digests = new Map(document.releases.map(({ app, digest }) => [app, digest]));
  const clusters = document.clusters as readonly Record<string, unknown>[];
  assert.deepEqual(
    clusters.map(({ name, environment, connection }) => [name, environment, connection]),
    [
      ['dev-1', 'dev', 'Connected'],
      ['prod-1', 'prod', 'Connected'],
      ['staging-1', 'staging', 'Connected'],
    ],
  );
  for (const cluster of clusters) {
    assert.deepEqual(Object.keys(cluster), ['name', 'uid', 'environment', 'connection', 'fence', 'placements']);
    assert.ok(typeof cluster['uid'] === 'string' && cluster['uid'].length > 0);
    const { epoch, generation } = cluster['fence'] as { epoch: number; generation: number };
    assert.ok(epoch === 1 && generation >= 1);
    const placements = cluster['placements'] as readonly Record<string, unknown>[];
    assert.deepEqual(placements.map((one) => `${String(one['tenant'])}/${String(one['app'])}`).toSorted(), [
      'payments/ledger',
      'storefront/shop',
    ]);
    for (const placement of placements) {
      assert.deepEqual(Object.keys(placement), ['tenant', 'app', 'release', 'wanted', 'observed', 'health', 'reason', 'objects', 'hops']);
      assert.equal(placement['release'], digests.get(String(placement['app'])));
      assert.match(String(placement['wanted']), hex);
      assert.deepEqual([placement['observed'], placement['health'], placement['objects']], [placement['wanted'], 'Healthy', 3]);
      const { fetched, verified, applied, healthy, ...others } = placement['hops'] as Record<string, number>;
      assert.deepEqual(others, {});
      const inOrder = [0, fetched ?? -1, verified ?? -1, applied ?? -1, healthy ?? -1];
      assert.deepEqual(
        inOrder,
        inOrder.toSorted((a, b) => a - b),
        'hops come one after the other',
      );
    }
  }
}
