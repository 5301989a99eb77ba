// A job that cannot be done is not called done: `--once` ends with another code than 0, and says why.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { StartDocument } from '#deploy/local/fleet/mod.ts';
import { temporaryFolder } from '#deploy/local/processes/mod.ts';
import { npmStart } from './commands.ts';
import { TestFleet } from './fleets.ts';
import { configMap, deployment, nowhere } from './manifests.ts';
import { eventually } from './waits.ts';

const health = { WHEELHOUSE_BEAT: '500ms', WHEELHOUSE_POLL: '500ms' };

describe('a job that cannot be done', { timeout: 8 * 60_000 }, () => {
  test('a Deployment that can never be ready: --once is not 0, and names cluster, app, object and cause', async () => {
    using temporary = temporaryFolder('e2e');
    const manifests = join(temporary.path, 'manifests');
    await mkdir(manifests);
    await writeFile(join(manifests, 'stuck.yaml'), deployment('stuck', { nodeSelector: nowhere }));
    await writeFile(join(manifests, 'fine.yaml'), deployment('fine'));
    const args = ['--clusters', '1', '--once', '--json', '--timeout', '100s', '--manifests', manifests];
    await using command = npmStart(args, temporary.path);
    const { code, stdout, stderr } = await command.ended;
    assert.equal(code, 1, stderr);
    const { ok, reason, clusters } = JSON.parse(stdout) as StartDocument;
    assert.equal(ok, false);
    for (const part of [/cluster dev-1/, /local\/manifests/, /Deployment[ /]stuck|stuck.*Deployment/, /0 of 1 replicas/])
      assert.match(reason ?? '', part);
    assert.ok(stderr.includes(reason ?? 'no reason'), 'a person reads it too');
    const [placement] = (clusters[0] as { placements: { health: string; unhealthy: { object: string }[] }[] }).placements;
    assert.equal(placement?.health, 'Degraded');
    assert.deepEqual(
      placement.unhealthy.map(({ object }) => /stuck/.test(object)),
      [true],
      'and only that one',
    );
  });

  test('an environment that selects no cluster: NothingSelected', async () => {
    await using fleet = await TestFleet.start({
      apps: [{ tenant: 'acme', app: 'site', namespace: 'site', files: { 'settings.yaml': configMap('settings', { a: '1' }) } }],
      declare: (declared) => ({ ...declared, environments: [...declared.environments, 'nowhere'] }),
      env: health,
    });
    const reason = await fleet.failed();
    assert.match(reason, /^acme\/site: environment nowhere: NothingSelected: /);
    // What is selected gets there nevertheless.
    await eventually('the app in dev', 60_000, async () => {
      const [cluster] = (await fleet.snapshot()).clusters;
      return cluster?.placements.some(({ environment, health }) => environment === 'dev' && health === 'Healthy') || undefined;
    });
  });
});
