// What can happen to a cluster, how it is done, how it is undone, and what it is to be shown as.
import { setTimeout as sleep } from 'node:timers/promises';
import { app, manifests, until, type ClusterName, type Kubernetes, type Stage } from './stages.ts';
import type { Truth } from './views.ts';

export interface Case {
  readonly name: string;
  readonly cluster: ClusterName;
  readonly truth: Truth;
  /** The whole fleet is concerned: nobody is called disturbed. */
  readonly everybody?: true;
  /** Makes it happen; returns how it ends. */
  readonly begin: (stage: Stage) => Promise<() => Promise<void>>;
}

const pods = `/api/v1/namespaces/${app.namespace}/pods`;
const deployment = `/apis/apps/v1/namespaces/${app.namespace}/deployments/web`;
const silent: Truth = { health: 'Unknown', reason: /NotConnected|SpokeSilent/ };
const blind: Truth = { health: 'Unknown', reason: /ClusterApiSilent/ };
const broken: Truth = { health: 'Degraded', reason: /CrashLoopBackOff/ };

/** One after the other on the same cluster: were more than a fifth of the fleet silent at once, the hub would suspect itself first, and say so. */
export const silences: readonly Case[] = [
  {
    name: 'spoke stopped (SIGSTOP)',
    cluster: 'prod-1',
    truth: silent,
    begin: async ({ spokePid }) => {
      const pid = spokePid('prod-1');
      process.kill(pid, 'SIGSTOP');
      return async () => void process.kill(pid, 'SIGCONT');
    },
  },
  {
    name: 'spoke killed (kill -9), again whenever it comes back',
    cluster: 'prod-1',
    truth: silent,
    begin: async ({ spokePid }) => {
      const end = new AbortController();
      const killing = (async () => {
        while (!end.signal.aborted) {
          const pid = spokePid('prod-1');
          if (pid !== 0) killIfThere(pid);
          await sleep(50);
        }
      })();
      return async () => {
        end.abort();
        await killing;
      };
    },
  },
  {
    name: 'network cut, both ways, nothing closed',
    cluster: 'prod-1',
    truth: silent,
    begin: async (stage) => cutOff(stage, 'prod-1', 'both'),
  },
  {
    name: 'network cut one way: nothing of the spoke arrives',
    cluster: 'prod-1',
    truth: silent,
    begin: async (stage) => cutOff(stage, 'prod-1', 'out'),
  },
];

export const troubles = (kubernetes: Kubernetes): readonly Case[] => [
  {
    name: 'API server stopped, the beats go on',
    cluster: 'staging-1',
    truth: blind,
    begin: async (stage) => stopApiServer(stage, 'staging-1'),
  },
  {
    name: 'app crashes after it was healthy',
    cluster: 'staging-2',
    truth: broken,
    begin: async (stage) => crash(stage, 'staging-2', kubernetes),
  },
  {
    name: 'Deployment deleted by hand, and the API server dead',
    cluster: 'prod-2',
    truth: blind,
    begin: async (stage) => {
      // Before: else the spoke would have put it back already.
      const end = stopSeeing(stage, 'prod-2');
      await stage.admin('prod-2', 'DELETE', deployment);
      const resume = await stopApiServer(stage, 'prod-2');
      return async () => {
        await resume();
        end();
      };
    },
  },
  {
    name: 'network cut one way: the spoke hears nothing, its app crashes',
    cluster: 'prod-3',
    truth: broken,
    begin: async (stage) => {
      const heal = await cutOff(stage, 'prod-3', 'in');
      const end = await crash(stage, 'prod-3', kubernetes);
      return async () => {
        await end();
        await heal();
      };
    },
  },
];

export const busStopped: Case = {
  name: 'NATS stopped, a release is under way',
  cluster: 'dev-1',
  truth: { health: 'Progressing', reason: /NotPublished|NotReceived/, convergence: 'NotReceived' },
  begin: async (stage) => {
    const before = await commitOf(stage);
    stage.fleet.nats.process.kill('SIGSTOP');
    await stage.fleet.git.commitFiles(`${app.tenant}/${app.app}`, { 'app.yaml': manifests('two') }, 'Say two', author);
    await stage.fleet.hub.sync(app.tenant, app.app);
    // From the moment on at which the hub wants it there: before, the old one is what is wanted.
    await until('the new release is wanted', 30_000, async () => (await commitOf(stage)) !== before);
    return async () => stage.fleet.nats.process.kill('SIGCONT');
  },
};

export const hubRestarted: Case = {
  name: 'hub killed and restarted, one spoke stopped meanwhile',
  cluster: 'prod-1',
  truth: { health: 'Unknown', reason: /Settling|NotConnected/ },
  everybody: true,
  begin: async ({ fleet, spokePid }) => {
    const pid = spokePid('prod-1');
    process.kill(pid, 'SIGSTOP');
    killIfThere(fleet.hubProcess.pid ?? 0);
    return async () => void process.kill(pid, 'SIGCONT');
  },
};

const author = { name: 'Ada', email: 'ada@example.com' };

const commitOf = async ({ fleet }: Stage): Promise<string | null | undefined> =>
  (await fleet.hub.snapshot()).clusters.find(({ name }) => name === 'dev-1')?.placements[0]?.release;

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has just ended
  }
}

async function cutOff({ lines, spokePid }: Stage, cluster: ClusterName, way: 'in' | 'out' | 'both'): Promise<() => Promise<void>> {
  const pid = spokePid(cluster);
  for (const line of lines) line.cut(pid, way);
  return async () => {
    for (const line of lines) line.mend(pid);
  };
}

function stopSeeing({ apiLine }: Stage, cluster: ClusterName): () => void {
  apiLine(cluster).cut('everybody', 'both');
  return () => apiLine(cluster).mend('everybody');
}

/** A real one is stopped; sandboxes share a process, so the line to it is. */
async function stopApiServer(stage: Stage, cluster: ClusterName): Promise<() => Promise<void>> {
  const { plane } = stage.cluster(cluster);
  if (!plane) {
    const end = stopSeeing(stage, cluster);
    return async () => end();
  }
  plane.pause('apiserver');
  return async () => plane.resume('apiserver');
}

/** As a kubelet would say it; a sandbox has a switch for it. */
async function crash({ admin }: Stage, cluster: ClusterName, kubernetes: Kubernetes): Promise<() => Promise<void>> {
  if (kubernetes === 'sandbox') {
    const annotate = (fail: string | null) =>
      admin(cluster, 'PATCH', deployment, { metadata: { annotations: { 'sandbox.wheelhouse.dev/fail': fail } } });
    await annotate('CrashLoopBackOff');
    return async () => void (await annotate(null));
  }
  const { items } = (await admin(cluster, 'GET', `${pods}?labelSelector=app%3Dweb`)) as {
    items: readonly { metadata: { name: string } }[];
  };
  const [pod] = items;
  if (!pod) throw new Error(`no pod of the app on ${cluster}`);
  const [condition, since] = [
    (type: string) => ({ type, status: 'False', reason: 'ContainersNotReady', lastTransitionTime: since }),
    new Date(),
  ];
  const waiting = { reason: 'CrashLoopBackOff', message: 'back-off 40s restarting failed container=web' };
  const container = {
    name: 'web',
    image: 'registry.example.org/shop/web:1',
    imageID: '',
    ready: false,
    restartCount: 3,
    state: { waiting },
  };
  const status = {
    containerStatuses: [container],
    conditions: [{ type: 'PodScheduled', status: 'True' }, condition('Ready'), condition('ContainersReady')],
  };
  await admin(cluster, 'PATCH', `${pods}/${pod.metadata.name}/status`, { status });
  // Whoever mends an app replaces its pods.
  return async () => void (await admin(cluster, 'DELETE', `${pods}/${pod.metadata.name}`));
}
