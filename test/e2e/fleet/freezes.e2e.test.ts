// What a person stops stands still, says who stopped it, and goes on when it is let go: with the command, on real control planes.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '#shared/clock/mod.ts';
import { run } from '#hub/cli/mod.ts';
import { kubectl, TestFleet } from './fleets.ts';
import { configMap, deployment } from './manifests.ts';
import { always, eventually } from './waits.ts';

const env = { WHEELHOUSE_BEAT: '300ms', WHEELHOUSE_POLL: '500ms' };
const [tenant, app, namespace] = ['acme', 'site', 'site'];
const names = ['dev-1', 'staging-1', 'prod-1', 'prod-2'] as const;
type Name = (typeof names)[number];
const filesOf = (version: string) => ({
  'settings.yaml': configMap('settings', { version }),
  'web.yaml': deployment('web', { image: `registry.example.org/app:${version}` }),
});
const quietMs = 3_000;
const waitMs = 90_000;

describe('freeze and suspend', { timeout: 12 * 60_000 }, () => {
  let fleet: TestFleet;
  before(async () => {
    fleet = await TestFleet.start({ apps: [{ tenant, app, namespace, files: filesOf('v1') }], env, clusters: names.length });
    await fleet.done();
    await wheelhouse('init', join(fleet.data, 'hub'));
    await oneAtATime();
  });
  after(() => fleet?.[Symbol.asyncDispose]());

  /** The command as a person types it; what it printed. */
  async function wheelhouse(...words: readonly string[]): Promise<string> {
    const { out, err, exit } = await said(words);
    assert.equal(exit, 0, `wheelhouse ${words.join(' ')}: ${err}`);
    return out;
  }

  async function said(words: readonly string[], stdin = ''): Promise<{ out: string; err: string; exit: number }> {
    const told = { out: '', err: '' };
    const exit = await run(words, {
      env: { WHEELHOUSE_CONFIG: join(fleet.data, 'config.yaml') },
      home: fleet.data,
      folder: fleet.data,
      clock: systemClock,
      fetch: (url, init) => fetch(url, init),
      out: (text) => (told.out += text),
      err: (text) => (told.err += text),
      stdin: async () => stdin,
      terminal: false,
      stop: new AbortController().signal,
    });
    return { ...told, exit };
  }

  /** In prod a cluster has to be healthy before the next is started. */
  async function oneAtATime(): Promise<void> {
    const { apiVersion, kind, spec } = JSON.parse(await wheelhouse('get', 'environment', `${tenant}/prod`, '-o', 'json'));
    const changed = {
      apiVersion,
      kind,
      metadata: { tenant, name: 'prod' },
      spec: { ...spec, rollout: { ...spec.rollout, maxConcurrent: 1 } },
    };
    const { exit, err } = await said(['apply', '-f', '-', '--reason', 'for a test'], JSON.stringify(changed));
    assert.equal(exit, 0, err);
  }

  const site = (name: Name, ...args: readonly string[]): Promise<string> => kubectl(fleet.plane(name), ...args, '-n', namespace);
  const versionOn = (name: Name): Promise<string> => site(name, 'get', 'configmap/settings', '-o', 'jsonpath={.data.version}');
  const runs = (name: Name, version: string): Promise<unknown> =>
    eventually(
      `${name} to run ${version}`,
      waitMs,
      async () => ((await versionOn(name)) === version ? true : undefined),
      () => fleet.said.slice(-5).join(' | '),
    );
  const commit = (version: string): Promise<string> => fleet.commit(tenant, app, filesOf(version));
  const explain = (name: Name): Promise<string> => wheelhouse('explain', `${name}/${tenant}/${app}`);
  const ended = (version: string, text: RegExp): Promise<unknown> =>
    eventually(`the rollout of ${version} in prod to end`, waitMs, async () => {
      const { items } = JSON.parse(
        await wheelhouse('get', 'rollouts', '--field-selector', 'spec.environment=prod', '--sort-by', '-created', '-o', 'json'),
      );
      const states = items.map(({ status }: { status: { state: string; message: string } }) => `${status.state} ${status.message}`);
      return states.some((state: string) => text.test(state)) || undefined;
    });

  test('a frozen cluster is left out, and has what it missed when it is unfrozen', async () => {
    await wheelhouse('freeze', 'cluster', 'prod-2', '--reason', 'a migration');
    await commit('v2');
    for (const name of ['dev-1', 'staging-1', 'prod-1'] as const) await runs(name, 'v2');
    await ended('v2', /^Succeeded 1 clusters healthy, 0 unchanged, 1 left out/);
    assert.equal(await versionOn('prod-2'), 'v1');
    await always(quietMs, async () => assert.equal(await versionOn('prod-2'), 'v1'));
    assert.match(await wheelhouse('get', 'clusters'), /prod-2 +Healthy,Frozen /);
    assert.match(await wheelhouse('status'), /stopped +1 cluster frozen/);
    const chain = await explain('prod-2');
    assert.match(chain, /stopped +cluster frozen by user:local-admin \S+ ago: a migration/);
    assert.match(chain, /somebody to say: wheelhouse unfreeze cluster prod-2/);
    // It keeps what it runs: what is changed by hand there is corrected still.
    await site('prod-2', 'patch', 'configmap/settings', '-p', '{"data":{"version":"by hand"}}');
    await runs('prod-2', 'v1');

    await wheelhouse('unfreeze', 'cluster', 'prod-2', '--reason', 'it went well');
    await runs('prod-2', 'v2');
    assert.match(await wheelhouse('events', 'cluster', 'prod-2'), /freeze\.cluster .*a migration\n[^]*unfreeze\.cluster .*it went well/);
  });

  test('an environment that is frozen in the middle of a rollout starts no further cluster, and says so', async () => {
    const first = fleet.plane('prod-1');
    const nodes = (await kubectl(first, 'get', 'nodes', '-o', 'name')).trim().split('\n');
    for (const node of nodes) await kubectl(first, 'cordon', node);
    await commit('v3');
    await runs('prod-1', 'v3');
    await wheelhouse('freeze', 'environment', `${tenant}/prod`, '--reason', 'the fair', '--for', '2h');
    for (const node of nodes) await kubectl(first, 'uncordon', node);
    await eventually('prod-1 to be healthy', waitMs, async () => /^prod-1\S+ Healthy/.test(await explain('prod-1')) || undefined);
    await eventually(
      'the rollout to say what it waits for',
      waitMs,
      async () =>
        /EnvironmentFrozen/.test(await wheelhouse('get', 'rollouts', '--field-selector', 'status.state=Progressing')) || undefined,
    );
    await always(quietMs, async () => assert.equal(await versionOn('prod-2'), 'v2'));
    const chain = await explain('prod-2');
    assert.match(chain, /stopped +environment frozen by user:local-admin \S+ ago: the fair, until \d/);
    assert.match(chain, /rollout\/\S+ Progressing: EnvironmentFrozen: environment prod is frozen by user:local-admin since/);
    assert.match(chain, /somebody to say: wheelhouse unfreeze environment acme\/prod/);
    const refused = await said(['freeze', 'environment', `${tenant}/prod`, '--for', '-1h', '--reason', 'x']);
    assert.equal(refused.exit, 2);

    await wheelhouse('unfreeze', 'environment', `${tenant}/prod`);
    await runs('prod-2', 'v3');
  });

  test('a suspended app is not touched: a change by hand stays, and is corrected when it is resumed', async () => {
    await wheelhouse('suspend', 'app', `${tenant}/${app}`, '--cluster', 'dev-1', '--reason', 'looking into it');
    // Shown only when the agent has said so itself: from then on it is true.
    await eventually('dev-1 to be left alone', waitMs, async () => /^dev-1\S+ Suspended/.test(await explain('dev-1')) || undefined);
    await site('dev-1', 'patch', 'configmap/settings', '-p', '{"data":{"version":"by hand"}}');
    await always(quietMs, async () => assert.equal(await versionOn('dev-1'), 'by hand'));
    assert.match(await explain('dev-1'), /stopped +suspended by user:local-admin \S+ ago: looking into it/);
    await wheelhouse('resume', 'app', `${tenant}/${app}`, '--cluster', 'dev-1', '--reason', 'understood');
    await runs('dev-1', 'v3');
    await eventually('dev-1 to be healthy', waitMs, async () => /^dev-1\S+ Healthy/.test(await explain('dev-1')) || undefined);
  });
});
