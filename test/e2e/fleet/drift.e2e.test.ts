// What people do to a cluster by hand is corrected, whoever else is gone: the hub, the bus and the registry are needed for what is new, not for what is.
import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { auditMark, auditSince, inWords, isMutating, isOurs, tenantAccount, type Request } from './audits.ts';
import { kubectl, TestFleet } from './fleets.ts';
import { configMap, deployment } from './manifests.ts';
import { always, eventually } from './waits.ts';

const env = { WHEELHOUSE_BEAT: '300ms', WHEELHOUSE_POLL: '500ms' };
const [tenant, app, namespace] = ['acme', 'site', 'site'];
const files = { 'settings.yaml': configMap('settings', { greeting: 'hello' }), 'web.yaml': deployment('web', { replicas: 2 }) };
const webPath = `/apis/apps/v1/namespaces/${namespace}/deployments/web`;
const quietMs = 3_000;

describe('drift', { timeout: 5 * 60_000 }, () => {
  let fleet: TestFleet;
  before(async () => {
    fleet = await TestFleet.start({ apps: [{ tenant, app, namespace, files }], env });
    await fleet.done();
  });
  after(() => fleet?.[Symbol.asyncDispose]());

  const plane = () => fleet.plane('dev-1');
  const site = (...args: readonly string[]): Promise<string> => kubectl(plane(), ...args, '-n', namespace);
  const replicas = (): Promise<string> => site('get', 'deployment/web', '-o', 'jsonpath={.spec.replicas}');
  const changesSince = async (mark: number): Promise<readonly Request[]> =>
    (await auditSince(plane(), mark)).filter((request) => isOurs(request) && isMutating(request));

  /** Disturbs, waits until it is undone, and demands exactly one write of the tenant; milliseconds from the one to the other. */
  async function oneCorrection(disturb: () => Promise<unknown>): Promise<number> {
    const mark = await auditMark(plane());
    await disturb();
    const doneAt = performance.now();
    const byTenant = async (): Promise<readonly Request[]> =>
      (await changesSince(mark)).filter(({ impersonatedUser }) => impersonatedUser?.username === tenantAccount(tenant));
    await eventually('a correction', 30_000, async () => ((await byTenant()).length > 0 ? true : undefined));
    const tookMs = performance.now() - doneAt;
    await always(quietMs, async () => {
      const written = await byTenant();
      assert.deepEqual(
        [written.length, written[0]?.verb, written[0]?.requestURI.split('?')[0]],
        [1, 'patch', webPath],
        written.map(inWords).join(),
      );
    });
    return tookMs;
  }

  test('a Deployment that is scaled or deleted by hand is as it was, after one write of the tenant', async (t: TestContext) => {
    const scaledMs = await oneCorrection(() => site('scale', 'deployment/web', '--replicas=5'));
    assert.equal(await replicas(), '2');
    const deletedMs = await oneCorrection(() => site('delete', 'deployment/web'));
    assert.equal(await replicas(), '2');
    t.diagnostic(`seen corrected ${scaledMs.toFixed(0)} ms after the scaling, ${deletedMs.toFixed(0)} ms after the deletion`);
  });

  test('so it is with hub, bus and registry gone for ever, and after a restart of the spoke among ruins', async () => {
    const { hubProcess, nats, registry, git } = fleet.parts;
    for (const part of [hubProcess, nats, registry, git]) await part[Symbol.asyncDispose]();
    await oneCorrection(() => site('scale', 'deployment/web', '--replicas=7'));
    assert.equal(await replicas(), '2');
    const spoke = fleet.parts.spokes.get('dev-1') ?? assert.fail();
    await oneCorrection(async () => {
      spoke.kill('SIGKILL');
      await site('scale', 'deployment/web', '--replicas=1');
    });
    assert.equal(await replicas(), '2');
    assert.ok(spoke.restarts >= 1);
    await oneCorrection(() => site('delete', 'deployment/web'));
  });
});
