import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ControlPlane, type KubeFleet, startFleet } from './mod.ts';

const NAME = 'smoke';
const GONE_MAX_MS = 10_000;
const workloads = await readFile(join(import.meta.dirname, 'testdata/workloads.yaml'), 'utf8');

describe('a control plane', { timeout: 15 * 60_000 }, () => {
  let dir: string;
  let fleet: KubeFleet;
  let cluster: ControlPlane;
  let uid: string;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'wheelhouse-kube-'));
    fleet = await startFleet({ dir, names: [NAME] });
    cluster = fleet.cluster(NAME);
    uid = await get(cluster, 'namespace/kube-system', '{.metadata.uid}');
    await ok(cluster.apply(workloads));
  });
  after(async () => {
    await fleet.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const waits: readonly { readonly what: string; readonly wait: readonly string[] }[] = [
    { what: 'a Deployment becomes Available', wait: ['--for=condition=Available', 'deployment/web'] },
    { what: 'a StatefulSet has its replicas', wait: ['--for=jsonpath={.status.readyReplicas}=2', 'statefulset/data'] },
    { what: 'a DaemonSet is on both nodes', wait: ['--for=jsonpath={.status.numberReady}=2', 'daemonset/agent'] },
    { what: 'a Job completes', wait: ['--for=condition=Complete', 'job/migrate'] },
    { what: 'slices carry the labels of their Service', wait: ['--for=jsonpath={.addressType}=IPv4', 'endpointslice', '-l', 'team=a'] },
    { what: 'a pod that no node fits is not scheduled', wait: ['--for=condition=PodScheduled=false', 'pod', '-l', 'app=nowhere'] },
    {
      what: 'a pod that is told to crash does',
      wait: ['--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=CrashLoopBackOff', 'pod/crashing'],
    },
    {
      what: 'a pod whose image is missing waits for it',
      wait: ['--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=ImagePullBackOff', 'pod/without-image'],
    },
  ];
  for (const { what, wait } of waits) {
    test(what, async () => {
      await ok(cluster.kubectl('wait', '--timeout=60s', ...wait));
    });
  }

  test('a Deployment that no node fits is not Available, and says so', async () => {
    assert.equal(await get(cluster, 'deployment/nowhere', '{.status.conditions[?(@.type=="Available")].status}'), 'False');
  });

  test('permissions hold: nothing without a role, and the role edit has what aggregation gives it', async () => {
    const as = ['--as=system:serviceaccount:default:tenant', '-n', 'default'];
    const refused = await cluster.kubectl('get', 'pods', ...as);
    assert.match(refused.stderr, /Forbidden/);
    await ok(cluster.kubectl('create', 'rolebinding', 'tenant', '--clusterrole=edit', '--serviceaccount=default:tenant', '-n', 'default'));
    await waitUntil('edit is aggregated', async () => (await cluster.kubectl('get', 'pods', ...as)).code === 0);
    assert.match((await cluster.kubectl('get', 'pods', '-n', 'kube-system', as[0] ?? '')).stderr, /Forbidden/);
  });

  test('the audit log tells who did what, as whom', async () => {
    const events = await audit(cluster);
    const created = events.find((e) => e.verb === 'patch' && e.objectRef?.resource === 'deployments' && e.objectRef.name === 'web');
    assert.deepEqual([created?.user.username, created?.responseStatus?.code], ['kubernetes-admin', 201]);
    const denied = events.find((e) => e.impersonatedUser?.username === 'system:serviceaccount:default:tenant');
    assert.deepEqual([denied?.verb, denied?.responseStatus?.code], ['list', 403]);
    assert.ok(!events.some((e) => e.verb === 'watch'));
  });

  test('a paused API server answers nobody until it is resumed', async () => {
    cluster.pause('apiserver');
    const asked = await cluster.kubectl('get', 'nodes', '--request-timeout=1s');
    cluster.resume('apiserver');
    assert.notEqual(asked.code, 0);
    await ok(cluster.kubectl('get', 'nodes', '--request-timeout=30s'));
  });

  test('a second fleet in the same folder is refused with a reason', async () => {
    await assert.rejects(startFleet({ dir, names: [NAME] }), { code: 'ENDED_EARLY', message: /in use by another etcd/ });
    await ok(cluster.kubectl('get', 'nodes')); // the first has not noticed
  });

  // By now seconds have passed, and a stage that kept playing would have written new times.
  test('a pod that fails is patched once, not for ever', async () => {
    const patches = (await audit(cluster)).filter((e) => e.user.username === 'kwok' && e.objectRef?.name === 'without-image');
    assert.equal(patches.length, 1);
  });

  test('stopped and started again it is the same cluster, at the same address', async () => {
    const { url, pids } = cluster;
    await fleet.stop();
    await allGone(pids);
    fleet = await startFleet({ dir, names: [NAME] });
    cluster = fleet.cluster(NAME);
    assert.equal(cluster.url, url);
    assert.equal(await get(cluster, 'namespace/kube-system', '{.metadata.uid}'), uid);
    await ok(cluster.kubectl('wait', '--for=condition=Available', '--timeout=60s', 'deployment/web'));
  });

  test('when its owner is killed nothing runs on, stopped processes neither, and what was written is kept', async () => {
    await fleet.stop();
    const owner = spawn(process.execPath, [join(import.meta.dirname, 'testdata/owner.ts'), dir, NAME], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(owner.stdout), 'line')) as [string];
    const pids = JSON.parse(line) as ControlPlane['pids'];
    assert.ok(Object.values(pids).every(isAlive));
    owner.kill('SIGKILL');
    await allGone(pids);

    fleet = await startFleet({ dir, names: [NAME] });
    cluster = fleet.cluster(NAME);
    assert.equal(await get(cluster, 'deployment/web', '{.spec.replicas}'), '3');
  });

  test('aborted while it starts it leaves nothing behind', async () => {
    await fleet.stop();
    const stop = new AbortController();
    const starting = startFleet({ dir, names: [NAME], signal: stop.signal });
    const pids = await waitUntil('a first process', async () => nonEmpty(await runningIn(dir)));
    stop.abort(new Error('enough'));
    await assert.rejects(starting, /enough/);
    await waitUntil('all to be gone', async () => (await runningIn(dir)).length === 0);
    assert.ok(!pids.some(isAlive));
  });
});

interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly impersonatedUser?: { readonly username: string };
  readonly objectRef?: { readonly resource: string; readonly name?: string };
  readonly responseStatus?: { readonly code: number };
}

async function audit(cluster: ControlPlane): Promise<readonly AuditEvent[]> {
  const lines = (await readFile(cluster.auditLog, 'utf8')).trim().split('\n');
  return lines.map((line) => JSON.parse(line) as AuditEvent);
}

async function ok(running: ReturnType<ControlPlane['kubectl']>): Promise<string> {
  const { code, stdout, stderr } = await running;
  assert.equal(code, 0, stderr);
  return stdout;
}

const get = (cluster: ControlPlane, object: string, path: string): Promise<string> =>
  ok(cluster.kubectl('get', object, '-o', `jsonpath=${path}`));

/** A process that has ended and that nobody has asked about yet (an orphan, until init does) is not alive. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

const allGone = (pids: ControlPlane['pids']): Promise<boolean> =>
  waitUntil('all processes to be gone', async () => !Object.values(pids).some(isAlive));

const nonEmpty = <T>(list: readonly T[]): readonly T[] | false => list.length > 0 && list;

/** The processes whose command line names the folder. */
async function runningIn(dir: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0 && pid !== process.pid);
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return pids.filter((_, i) => lines[i]?.includes(dir));
}

async function waitUntil<T>(what: string, check: () => Promise<T | false>): Promise<T> {
  const deadline = performance.now() + GONE_MAX_MS;
  while (performance.now() < deadline) {
    const result = await check();
    if (result !== false) return result;
    await sleep(50);
  }
  throw new Error(`waited ${GONE_MAX_MS} ms for ${what}`);
}
