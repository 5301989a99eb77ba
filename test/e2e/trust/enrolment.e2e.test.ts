// How a cluster becomes a spoke with a join token alone, and how nobody else becomes that cluster.
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { lastLines, startProcess, type ManagedProcess } from '#deploy/local/processes/mod.ts';
import type { ControlPlane, KubeFleet } from '#test/kube/mod.ts';
import { bareClusters, spokeKubeconfig } from './clusters.ts';
import { Relay } from './relays.ts';
import { changesOn, manifests, openScene, secretOf, type Scene } from './scenes.ts';
import { until, untilFound } from './waits.ts';

const root = join(import.meta.dirname, '../../..');

describe('enrolment', { timeout: 6 * 60_000 }, () => {
  let scene: Scene;
  let spare: KubeFleet;
  const running = new AsyncDisposableStack();

  before(async () => {
    scene = await openScene({
      clusters: 1,
      apps: [{ tenant: 'team', app: 'web', namespace: 'web', files: { 'app.yaml': manifests('one') } }],
    });
    await scene.done();
    spare = await bareClusters(join(scene.data, 'spare'), ['two', 'three']);
    const two = {
      apiVersion: 'wheelhouse.dev/v1alpha1',
      kind: 'Cluster',
      metadata: { name: 'two' },
      spec: { labels: { environment: 'dev' } },
    };
    await scene.fleet.hub.apply(JSON.stringify(two), 'one more cluster');
  });
  after(async () => {
    await running.disposeAsync();
    await spare.stop();
    await scene[Symbol.asyncDispose]();
  });

  /** A spoke in a folder of its own, which holds nothing but a kubeconfig and, if it is given one, a join token. */
  const startSpoke = async (
    plane: ControlPlane,
    folder: string,
    token?: string,
  ): Promise<ManagedProcess & { log: string; dir: string }> => {
    const dir = join(scene.data, folder);
    await mkdir(dir, { recursive: true });
    const env = {
      PATH: process.env['PATH'],
      HOME: dir,
      TMPDIR: dir,
      KUBECONFIG: await spokeKubeconfig(plane, dir),
      ...(token === undefined ? {} : { WHEELHOUSE_JOIN_TOKEN_FILE: join(dir, 'join-token') }),
    };
    if (token !== undefined) await writeFile(join(dir, 'join-token'), token, { mode: 0o600 });
    const log = join(scene.data, `${folder}.log`);
    const spoke = running.use(
      await startProcess({
        name: folder,
        command: process.execPath,
        args: [join(root, 'spoke/main.ts')],
        cwd: dir,
        env,
        output: { file: log },
      }),
    );
    return Object.assign(spoke, { log, dir });
  };
  const refusedWith = async (spoke: ManagedProcess & { log: string }, code: string): Promise<void> => {
    await until(`${spoke.name} has ended`, () => spoke.result !== undefined || lastLines(spoke.log), 30_000);
    assert.deepEqual([spoke.result?.code, spoke.result?.signal], [1, null], lastLines(spoke.log));
    assert.match(await readFile(spoke.log, 'utf8'), new RegExp(code));
  };

  let token: string;
  let uid: string | null;

  test('killed between the request and the keeping of its answer, a spoke still becomes the cluster that the token names, once', async () => {
    token = await scene.fleet.hub.joinToken('two');
    const issued = (): boolean =>
      scene.rows('SELECT serial FROM certificates JOIN clusters ON clusters.id = cluster_id WHERE name = ?', 'two').length > 0;
    // Lets everything through until the hub has committed the certificate; the answer then never arrives.
    await using relay = await Relay.open(scene.fleet.ports.enrolment, () => !issued());
    const detour = throughRelay(token, relay.port);
    const first = await startSpoke(spare.cluster('two'), 'first', detour);
    await until('the answer is held back', () => relay.withheldBytes > 0 || lastLines(first.log), 30_000);
    first.kill('SIGKILL');
    await first.ended;
    const plane = spare.cluster('two');
    const kept = await secretOf(plane, 'wheelhouse-identity');
    assert.ok(kept?.['key.pem'], 'the key was not kept before it was used');
    assert.equal(kept['identity'], undefined, 'the answer was kept after all: this test shows nothing');
    uid = (await scene.cluster('two')).uid;
    assert.ok(uid, 'the request had not reached the hub');

    const second = await startSpoke(spare.cluster('two'), 'second', token);
    await until('the app is healthy on the new cluster', async () => {
      const cluster = await scene.cluster('two');
      return (cluster.connection === 'Connected' && cluster.placements[0]?.health === 'Healthy') || { cluster, log: lastLines(second.log) };
    });
    assert.equal((await scene.cluster('two')).uid, uid);
    assert.deepEqual((await secretOf(plane, 'wheelhouse-identity'))?.['key.pem'], kept['key.pem']);
    assert.deepEqual((await readdir(second.dir)).toSorted(), ['join-token', 'kubeconfig'], 'it has left something in its folder');
  });

  test('another agent with the used token is refused, says so and ends', async () => {
    await refusedWith(await startSpoke(spare.cluster('three'), 'thief', token), 'TOKEN_USED');
    const secret = await secretOf(spare.cluster('three'), 'wheelhouse-identity');
    assert.equal(secret?.['identity'], undefined);
    assert.equal((await scene.cluster('two')).uid, uid);
  });

  test('a copy of the identity in another cluster is refused, and nothing is applied there', async () => {
    const [two, three] = [spare.cluster('two'), spare.cluster('three')];
    const stolen = await secretOf(two, 'wheelhouse-identity');
    const data = Object.fromEntries(Object.entries(stolen ?? {}).map(([key, bytes]) => [key, bytes.toString('base64')]));
    const copy = {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'wheelhouse.dev/state',
      metadata: { name: 'wheelhouse-identity', namespace: 'wheelhouse-system' },
      data,
    };
    const put = async (more: Readonly<Record<string, string>>): Promise<void> => {
      await three.kubectl('delete', 'secret', 'wheelhouse-identity', '-n', 'wheelhouse-system');
      const applied = await three.apply(JSON.stringify({ ...copy, data: { ...data, ...more } }));
      assert.equal(applied.code, 0, applied.stderr);
    };
    // As a backup brings it: the spoke itself sees that its keys were made elsewhere.
    await put({});
    const restored = await startSpoke(spare.cluster('three'), 'restored');
    assert.notEqual((await restored.ended).code, 0);
    assert.match(await readFile(restored.log, 'utf8'), /CLONE: .*another Kubernetes cluster/);
    // As a thief would: the hub is told another kube-system UID than it knows.
    const uid = (await three.kubectl('get', 'namespace', 'kube-system', '-o', 'jsonpath={.metadata.uid}')).stdout.trim();
    await put({ 'kube-system-uid': Buffer.from(uid).toString('base64') });
    const clone = await startSpoke(spare.cluster('three'), 'clone');
    const refusal = await untilFound('the hub has refused the clone', async () => {
      if (clone.result) throw new Error(lastLines(clone.log));
      return (await scene.cluster('two')).refusals.find(({ code }) => code === 'CloneRefused');
    });
    assert.match(refusal.message, /two.*another Kubernetes cluster/);
    await until('the clone says why', async () => /CloneRefused/.test(await readFile(clone.log, 'utf8')));
    await clone.stop();
    assert.deepEqual(
      changesOn(three).filter((change) => !change.includes(' wheelhouse-system/secrets/')),
      [],
    );
    await until('the original goes on', async () => (await scene.cluster('two')).placements[0]?.health === 'Healthy');
  });
});

/** The same token, for a hub that is reached another way. */
function throughRelay(token: string, port: number): string {
  const body = JSON.parse(Buffer.from(token.replace(/^wh1\./, ''), 'base64url').toString('utf8')) as object;
  return `wh1.${Buffer.from(JSON.stringify({ ...body, enrolment: `127.0.0.1:${port}` })).toString('base64url')}`;
}
